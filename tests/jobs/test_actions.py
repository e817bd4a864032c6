"""Files written by hand: how many, and what the log says of them."""

import json

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction

from jobs.actions import Files
from jobs.landing.layout import IN_A_GROUP, in_groups
from quality import places

SCHEMA = pa.schema([("delivery_id", pa.string()), ("name", pa.string())])


def files_of(folder, **more) -> Files:
    return Files(DeltaTable.create(str(folder), SCHEMA), ("delivery_id",), {}, **more)


def group(delivery: str | None, rows: int = 1) -> pa.Table:
    return pa.table({"delivery_id": pa.array([delivery] * rows, pa.string()), "name": ["x"] * rows})


def added(folder) -> list[dict]:
    """What the last commit says of the files that came."""
    table = DeltaTable(str(folder))
    log = (folder / "_delta_log" / f"{table.version():020d}.json").read_text().splitlines()
    return [line["add"] for line in map(json.loads, log) if "add" in line]


@pytest.mark.parametrize(("full", "number"), [(1, 3), (float("inf"), 1)])
def test_a_further_file_begins_once_one_is_full(tmp_path, full, number):
    files = files_of(tmp_path, full=full)
    files.commit(files.added([group("a"), group("b"), group("c")]))
    assert len(added(tmp_path)) == number
    assert places.dataset(DeltaTable(str(tmp_path))).count_rows() == 3


def test_the_log_tells_the_ends_of_counted_columns_only(tmp_path):
    files = files_of(tmp_path)
    files.commit(files.added([group("b", 2), group(None), group("a")]))
    [file] = added(tmp_path)
    assert json.loads(file["stats"]) == {
        "numRecords": 4,
        "minValues": {"delivery_id": "a"},
        "maxValues": {"delivery_id": "b"},
        "nullCount": {"delivery_id": 1},
    }


def test_the_size_in_the_log_is_that_of_the_file(tmp_path):
    files = files_of(tmp_path)
    files.commit(files.added([group("a", 1000)]))
    [file] = added(tmp_path)
    assert (tmp_path / file["path"]).stat().st_size == file["size"]


def test_no_rows_make_no_file_but_a_transaction(tmp_path):
    files = files_of(tmp_path)
    files.commit(files.added([group("a", 0)]), CommitProperties(app_transactions=[Transaction("who", 1)]))
    table = DeltaTable(str(tmp_path))
    assert table.file_uris() == []
    assert table.transaction_version("who") == 1


def test_columns_in_another_order_are_the_same_rows_and_other_columns_are_refused(tmp_path):
    files = files_of(tmp_path)
    files.commit(files.added([group("a").select(["name", "delivery_id"])]))
    assert places.dataset(DeltaTable(str(tmp_path))).to_table().to_pylist() == [{"delivery_id": "a", "name": "x"}]
    with pytest.raises(ValueError, match="names"):
        files.added([group("a").append_column("more", pa.array(["y"]))])


def test_batches_are_put_together_to_row_groups():
    batches = [batch for _ in range(5) for batch in group("a", IN_A_GROUP // 2).to_batches()]
    assert [rows.num_rows for rows in in_groups(batches)] == [IN_A_GROUP, IN_A_GROUP, IN_A_GROUP // 2]
