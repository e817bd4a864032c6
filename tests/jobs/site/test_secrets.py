"""Secrets are files; a program gets those that its variables name."""

from pathlib import Path

import pytest

from jobs.errors import WrongUse
from jobs.site.secrets import filled


def test_a_variable_that_names_a_secret_gets_its_content_and_another_stays(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("s3cret\n")
    known = {"URL": "postgresql://me:{{word}}@host/{{word}}", "JSON": '{"a": {"b": 1}}'}
    assert filled(known, tmp_path) == {"URL": "postgresql://me:s3cret@host/s3cret", "JSON": '{"a": {"b": 1}}'}


def test_a_setting_that_is_set_to_nothing_is_left_out_and_what_is_no_setting_of_ours_stays() -> None:
    known = {"OPENLINEAGE_ENDPOINT": "", "PSCC_SMTP_PASSWORD_FILE": "", "PSCC_BACKUP": "/backup", "OTHERS": ""}
    assert filled(known) == {"PSCC_BACKUP": "/backup", "OTHERS": ""}


def test_a_secret_that_is_not_there_is_named_and_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"Expected the secret word for URL in .*, found no readable file"):
        filled({"URL": "{{word}}"}, tmp_path)
