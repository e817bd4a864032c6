"""The dictionary page holds every table, column and code of the contracts, and leads nowhere else."""

import re
from pathlib import Path

import pytest

from jobs.dictionary_page import page, write
from jobs.errors import WrongUse
from quality.contracts import contracts
from quality.value_sets import VALUE_SETS

TABLES = [table for layer in ("silver", "gold", "teaching") for table in contracts(layer).values()]


def test_every_table_and_column_has_a_place_and_every_link_leads_to_one() -> None:
    text = page()
    places = re.findall(r' id="([a-z0-9_.]+)"', text)
    assert len(places) == len(set(places))
    assert {f"{table.address}.{name}" for table in TABLES for name in table.names} <= set(places)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(places)
    assert "http" not in text.replace("http-equiv", "")


def test_a_code_list_stands_in_the_page_with_its_meanings() -> None:
    text = page()
    for code, said in VALUE_SETS["primary_cancer.laterality"].items():
        assert f"<li><code>{code}</code> {said.meaning}" in text


def test_a_folder_that_cannot_be_made_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongUse, match="Name another folder"):
        write(tmp_path / "file" / "below")
