"""Scratch space: private, outside the lake, and never longer than people may be shown."""

from pathlib import Path

import pandas as pd
import pytest

from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.scratch import Scratch
from tests.jobs.test_builds import FIRST, SECOND, publish, purge

ROWS = pd.DataFrame({"patient_id": ["p1", "p2"], "days": [10, 20]})


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("PSCC_ANALYST_FOLDER", str(tmp_path / "mine"))
    lake = Lake(str(tmp_path / "lake"))
    publish(lake, FIRST, p1="F", p2="M")
    publish(lake, SECOND, p1="F", p2="F")
    return lake


def test_what_is_kept_is_private_and_goes_when_people_are_taken_out_of_its_build(lake: Lake) -> None:
    mine = Scratch.opened(lake)
    place = mine.keep("lines", FIRST, ROWS)
    mine.keep("lines", SECOND, ROWS.head(1))
    assert (mine.folder.stat().st_mode & 0o777, place.stat().st_mode & 0o777) == (0o700, 0o600)
    assert mine.kept("lines", FIRST).equals(ROWS)
    assert Scratch.opened(lake).tables() == [("lines", FIRST), ("lines", SECOND)]
    purge(lake, FIRST + 10)
    assert Scratch.opened(lake).tables() == [("lines", SECOND)]
    with pytest.raises(WrongUse, match="it goes when its build is closed"):
        mine.kept("lines", FIRST)


def test_a_name_that_leads_elsewhere_and_a_folder_in_the_lake_or_open_to_others_are_refused(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Scratch.opened(lake)
    with pytest.raises(WrongUse, match="choose another"):
        mine.keep("../lines", FIRST, ROWS)
    mine.folder.chmod(0o750)
    with pytest.raises(WrongUse, match="nobody else may enter"):
        Scratch.opened(lake)
    monkeypatch.setenv("PSCC_ANALYST_FOLDER", f"{lake.root}/gold/mine")
    with pytest.raises(WrongUse, match="outside the lake"):
        Scratch.opened(lake)
