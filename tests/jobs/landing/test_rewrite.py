"""Rows leave a table, and only the files that held them are written anew."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from jobs.lake import Lake
from jobs.landing.rewrite import rewrite_without


def table_of(folder: Path, **deliveries: int) -> str:
    """A table with a file for each delivery, of so many rows."""
    for delivery, rows in deliveries.items():
        columns = {"delivery_id": [delivery] * rows, "source_row_no": range(1, rows + 1), "name": [f"{delivery}{rows}"] * rows}
        write_deltalake(str(folder), pa.table(columns), mode="append")
    return str(folder)


def rows_of(path: str) -> list[tuple[str, int]]:
    found = pl.DataFrame(pl.from_arrow(ds.dataset(DeltaTable(path).file_uris()).to_table()))
    return sorted(found.select("delivery_id", "source_row_no").rows())


def keys(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["delivery_id", "source_row_no"], orient="row")


def test_only_the_rows_with_a_key_go(tmp_path):
    path = table_of(tmp_path / "t", a=3, b=2)
    rewrite_without(DeltaTable(path), keys(("a", 2), ("b", 3)))
    assert rows_of(path) == [("a", 1), ("a", 3), ("b", 1), ("b", 2)]


def test_a_file_without_such_rows_stays_as_it_is(tmp_path):
    path = table_of(tmp_path / "t", a=3, b=2)
    before = set(DeltaTable(path).file_uris())
    rewrite_without(DeltaTable(path), keys(("a", 2)))
    assert len(before & set(DeltaTable(path).file_uris())) == 1


def test_files_that_lose_rows_become_one_in_one_commit(tmp_path):
    path = table_of(tmp_path / "t", a=3, b=2, c=1)
    rewrite_without(DeltaTable(path), keys(("a", 2), ("b", 1)))
    table = DeltaTable(path)
    assert (table.version(), len(table.file_uris())) == (3, 2)


def test_no_file_is_left_where_all_rows_go(tmp_path):
    path = table_of(tmp_path / "t", a=2)
    rewrite_without(DeltaTable(path), keys(("a", 1), ("a", 2)))
    assert DeltaTable(path).file_uris() == []


def test_nothing_is_committed_where_no_row_has_a_key(tmp_path):
    path = table_of(tmp_path / "t", a=2)
    rewrite_without(DeltaTable(path), keys(("a", 7), ("b", 1)))
    assert DeltaTable(path).version() == 0


def test_who_comes_second_to_a_file_must_look_again(tmp_path):
    path = table_of(tmp_path / "t", a=3)
    late = DeltaTable(path)
    rewrite_without(DeltaTable(path), keys(("a", 1)))
    with pytest.raises(CommitFailedError):
        rewrite_without(late, keys(("a", 2)))
    assert rows_of(path) == [("a", 2), ("a", 3)]


def test_the_log_and_the_file_bound_deliveries_and_nothing_else(tmp_path):
    path = table_of(tmp_path / "t", a=3, b=2)
    rewrite_without(DeltaTable(path), keys(("a", 2), ("b", 1)))
    (added,) = pl.DataFrame(DeltaTable(path).get_add_actions(flatten=True)).to_dicts()
    bounds = {name: value for name, value in added.items() if name.startswith(("min.", "max.")) and value is not None}
    assert (added["num_records"], bounds) == (3, {"min.delivery_id": "a", "max.delivery_id": "b"})
    (file,) = DeltaTable(path).file_uris()
    group = pq.ParquetFile(file).metadata.row_group(0)
    assert [group.column(at).is_stats_set for at in range(3)] == [True, False, False]


def test_an_open_table_shows_what_others_committed(tmp_path):
    lake = Lake(str(tmp_path))
    path = table_of(tmp_path / "bronze" / "t", a=1)
    assert lake.read("bronze", "t").num_rows == 1
    table_of(Path(path), b=2)
    assert (lake.read("bronze", "t").num_rows, lake.version("bronze", "t")) == (3, 1)
