"""Each kind of setting: what it takes, what it does not."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from jobs.settings import kinds
from jobs.settings.table import SETTINGS


@pytest.mark.parametrize(
    ("setting", "right", "wrong"),
    [
        ("LAKE_ROOT", ["lake", "/srv/lake", "s3a://clinical", "s3a://clinical/lake/"], ["s3://clinical", "s3a://", "s3a://A/lake"]),
        ("PSCC_DATABASE_URL", [
            "postgresql://me:secret@host/lake", "postgresql+psycopg://host:5432/lake", "postgresql:///lake?host=/run", "postgresql://a:b/c@[::1]:1/d",
        ], ["nonsense", "postgresql://me:secret@host:port/lake", "mysql://host/lake", "sqlite:///ledger.sqlite"]),
        ("PSCC_DRIVER_MEMORY", ["2g", "1500m", "2G"], ["much", "0g", "2", "2gb", "-1g", "2g "]),
        ("SPARK_MASTER", ["local", "local[*]", "spark://host:7077", "k8s://https://host", "yarn"], ["nowhere", "spark:", "local[]"]),
        ("SPARK_REMOTE", ["sc://host", "sc://host:15002/;token=a"], ["nowhere", "sc://", "http://host", "sc://host:port"]),
        ("PSCC_KEEP_LANDING_DAYS", ["1", "36500"], ["0", "36501", "-1", "soon", "1.5", "٣", ""]),
        ("PSCC_DELIVERY_DAYS", ["gr=35", "gr=35, aphp=8"], ["gr=often", "gr=0", "35", "gr=35 aphp=8"]),
        ("PSCC_SMTP", ["localhost:25", "[::1]:25"], ["nowhere", ":25", "host:smtp"]),
        ("PSCC_ALERT_MAIL", ["a@b", "a@b.example, c@d.example"], ["nobody", "a@b,"]),
        ("PSCC_ALERT_WEBHOOK", ["https://host/token"], ["ftp://host", "https://", "https://me:word@host/"]),
        ("AWS_ALLOW_HTTP", ["true", "false"], ["yes", "TRUE"]),
        ("PSCC_EVENTS", ["kafka:9092", "a:1,b:2"], ["kafka", "kafka:9092,"]),
        ("PSCC_LANG", ["fr", "en"], ["de"]),
    ],
)  # fmt: skip
def test_a_setting_takes_what_is_of_its_kind_and_nothing_else(setting: str, right: list[str], wrong: list[str]) -> None:
    kind = SETTINGS[setting].kind
    assert [value for value in right if kind.fault(value)] == []
    assert [value for value in wrong if not kind.fault(value)] == []


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda each: each.name)
def test_a_default_is_what_its_setting_may_be(setting) -> None:
    assert not setting.default or setting.kind.fault(setting.default) is None


def test_a_file_that_somebody_else_may_read_is_not_private(tmp_path) -> None:
    file = tmp_path / "password"
    file.write_text("word")
    if os.getuid() == 0:
        os.chown(file, 64_999, 64_999)
    for mode, is_private in ((0o600, True), (0o400, True), (0o640, False), (0o604, False), (0o622, False)):
        file.chmod(mode)
        assert (kinds.PRIVATE_FILE.fault(str(file)) is None) == is_private, oct(mode)


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_what_lies_behind_a_closed_door_is_no_file_and_no_folder_yet() -> None:
    with TemporaryDirectory() as closed:
        Path(closed, "file").touch()
        if (child := os.fork()) == 0:
            os.setuid(12345)
            found = kinds.FILE.fault(f"{closed}/file"), kinds.FOLDER.fault(f"{closed}/folder")
            os._exit(
                found != (kinds.Fault("correct the path, or the rights to the file", f"no readable file at {closed}/file"), None)
            )
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a file to the group of a service")
def test_a_file_of_roots_may_be_read_by_the_group_of_a_service_and_no_more(tmp_path) -> None:
    file = tmp_path / "password"
    file.write_text("word")
    for mode, is_private in ((0o640, True), (0o660, False), (0o644, False), (0o650, False)):
        file.chmod(mode)
        assert (kinds.PRIVATE_FILE.fault(str(file)) is None) == is_private, oct(mode)


def test_a_file_that_a_container_was_given_is_private_whatever_its_mode(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.touch(mode=0o444)
    assert kinds.PRIVATE_FILE.fault(str(file))
    monkeypatch.setattr(kinds, "GIVEN", tmp_path)
    assert kinds.PRIVATE_FILE.fault(str(file)) is None
