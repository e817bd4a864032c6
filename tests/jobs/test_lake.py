"""What a table's log says of its rows: of an id neither the least nor the greatest value."""

from pathlib import Path

import polars as pl
import pytest

from jobs.lake import Lake

ROWS = pl.DataFrame({"person_id": ["ab" * 16], "is_shown": [True]}).to_arrow()


@pytest.mark.parametrize("is_older", [False, True], ids=["new", "made before there was the rule"])
def test_the_log_of_a_table_made_anew_holds_values_of_the_counted_column_alone(tmp_path: Path, is_older: bool) -> None:
    lake = Lake(str(tmp_path))
    log = tmp_path / "bronze" / "patient_key" / "_delta_log"
    if is_older:
        lake.write("bronze", "patient_key", ROWS, mode="overwrite", anew=True)
        assert "ab" * 16 in (log / f"{0:020}.json").read_text()
    lake.write("bronze", "patient_key", ROWS, mode="overwrite", anew=True, counted="is_shown")
    newest = max(log.glob("*.json")).read_text()
    assert ("ab" * 16 in newest, '\\"is_shown\\":true' in newest) == (False, True)
