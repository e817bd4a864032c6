"""What a pass changes in a table: staged as changes, then committed once, by one writer."""

import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from jobs.errors import ContractViolation
from jobs.lake import Lake
from jobs.silver import layout, tables
from jobs.silver.difference import completed, held_of, known, schema
from jobs.silver.staging import Staged, Staging
from quality.contracts import contracts

TABLE = contracts("silver")["performance_status"]
LINK = contracts("silver")["person_link"]
MONDAY, TUESDAY = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)


def conformed(values: dict[str, int | None], delivery: str = "D1") -> pl.DataFrame:
    """Rows as a transform gives them: the value of each performance status, by id; its first letter names the person."""
    engine = {"row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id"}
    empty = {name: kind for name, kind in schema(TABLE).items() if name not in engine}
    said = {
        "performance_status_id": list(values),
        "person_id": [each[0] for each in values],
        "value": list(values.values()),
        "center": ["gr"] * len(values),
        "scale": ["OMS"] * len(values),
        "delivery_id": [delivery] * len(values),
        "source_file": ["tumour.csv.gz"] * len(values),
        "source_row_no": [1] * len(values),
        "source_key": list(values),
        "valid_from": [MONDAY] * len(values),
    }
    return pl.concat([pl.DataFrame(schema=empty), pl.DataFrame(said)], how="diagonal_relaxed")


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(str(tmp_path))
    tables.ensure_table(lake, TABLE)
    return lake


def staged(lake: Lake, values: dict[str, int | None], number: int, at: datetime, hidden: list[str] | None = None) -> Staged:
    """The changes that make a table hold these values."""
    held = lake.scan("silver", TABLE.name)
    staging = Staging(TABLE, f"{lake.root}/staging/{number}", at)
    rows = completed(conformed(values), TABLE, number, at)
    scope = held.filter("is_current").filter(~pl.col("person_id").is_in(hidden or []))
    return staging.stage([rows], known(scope, TABLE), held_of(held, hidden, TABLE) if hidden else None)


def publish(lake: Lake, values: dict[str, int | None], number: int, at: datetime, hidden: list[str] | None = None) -> Staged:
    found = staged(lake, values, number, at, hidden)
    if found.is_change:
        tables.change(lake, found, ["gr"], ("pscc/silver", number))
    return found


def versions(lake: Lake) -> list[tuple[object, ...]]:
    """Every version that the table holds: id, value, pass, current, deleted, ended."""
    names = ["performance_status_id", "value", "load_id", "is_current", "is_deleted", "valid_to"]
    return sorted(lake.frame("silver", TABLE.name, names).iter_rows(), key=str)


def test_a_pass_adds_changes_closes_and_leaves_alone(lake):
    publish(lake, {"a1": 0, "a2": 1, "b1": 2}, 1, MONDAY)
    found = publish(lake, {"a1": 0, "a2": 3, "c1": 4}, 2, TUESDAY)
    assert found.counts == Counter({("unchanged", "D1"): 1, ("changed", "D1"): 1, ("new", "D1"): 1, ("deleted", ""): 1})
    assert versions(lake) == [
        ("a1", 0, 1, True, False, None),
        ("a2", 1, 1, False, False, TUESDAY),
        ("a2", 3, 2, True, False, None),
        ("b1", 2, 1, False, True, TUESDAY),
        ("c1", 4, 2, True, False, None),
    ]


def test_the_same_rows_again_stage_nothing(lake):
    publish(lake, {"a1": 0, "a2": 1}, 1, MONDAY)
    found = staged(lake, {"a1": 0, "a2": 1}, 1, TUESDAY)
    assert (found.is_change, found.counts) == (False, Counter({("unchanged", "D1"): 2}))


def test_a_version_is_what_the_row_says_not_when_it_came(lake):
    early, late = (completed(conformed({"a1": 0}), TABLE, number, at) for number, at in ((1, MONDAY), (2, TUESDAY)))
    assert early["row_hash"].to_list() == late["row_hash"].to_list()
    missing = completed(conformed({"a1": None}), TABLE, 1, MONDAY)
    assert missing["row_hash"][0] != early["row_hash"][0]


def test_every_version_of_hidden_people_goes_and_nobody_elses(lake):
    publish(lake, {"a1": 0, "b1": 1}, 1, MONDAY)
    publish(lake, {"a1": 2, "b1": 1}, 2, TUESDAY)
    found = publish(lake, {"b1": 1}, 3, TUESDAY, hidden=["a"])
    assert found.counts[("purged", "")] == 1
    assert versions(lake) == [("b1", 1, 1, True, False, None)]


def test_only_files_that_hold_a_row_that_ends_are_written_anew_and_none_grows(lake, monkeypatch):
    monkeypatch.setattr(layout, "FILE_ROWS", 2)
    values: dict[str, int | None] = {f"{person}1": 0 for person in "abcdef"}
    publish(lake, values, 1, MONDAY)
    before = places_of(lake)
    assert sorted(before.values()) == [2, 2, 2]
    publish(lake, values | {"a1": 1}, 2, TUESDAY)
    after = places_of(lake)
    assert (len(before.keys() & after.keys()), sorted(after.values())) == (2, [1, 2, 2, 2])


def test_a_large_table_is_kept_in_so_many_files_and_not_in_more(lake, monkeypatch):
    monkeypatch.setattr(layout, "FILE_ROWS", 1)
    monkeypatch.setattr(layout, "MOST_FILES", 2)
    publish(lake, {f"{person}1": 0 for person in "abcdef"}, 1, MONDAY)
    assert sorted(places_of(lake).values()) == [3, 3]


def places_of(lake: Lake) -> dict[str, int]:
    """The files of the table and how many rows each has."""
    found = DeltaTable(lake.path("silver", TABLE.name))
    return {file: pl.read_parquet(file).height for file in found.file_uris()}


def test_a_pass_commits_a_table_once(lake):
    publish(lake, {"a1": 0}, 1, MONDAY)
    found = staged(lake, {"a1": 1}, 2, TUESDAY)
    for _ in range(2):
        tables.change(lake, found, ["gr"], ("pscc/silver", 2))
    assert lake.version("silver", TABLE.name) == 2


def test_the_log_of_a_table_tells_no_value_of_a_patient(lake):
    publish(lake, {"a1": 0, "b1": 1}, 1, MONDAY)
    publish(lake, {"a1": 2}, 2, TUESDAY)
    log = "".join(each.read_text() for each in Path(lake.path("silver", TABLE.name), "_delta_log").glob("*.json"))
    assert "minValues" in log
    assert '"a1\\"' not in log
    assert 'person_id\\":\\"' not in log


def test_a_table_without_hashes_is_compared_by_its_columns(tmp_path):
    lake = Lake(str(tmp_path))
    tables.ensure_table(lake, LINK)
    pair = {"center": "gr", "person_id": "a", "other_center": "curie", "other_person_id": "b", "master_person_id": "a"}

    def changes(method: str, number: int) -> Staged:
        said = pair | {"method": method, "confidence": 1.0, "valid_from": MONDAY}
        rows = completed(pl.DataFrame([said]), LINK, number, MONDAY)
        scope = lake.scan("silver", LINK.name).filter("is_current")
        return Staging(LINK, f"{lake.root}/staging/{number}", MONDAY).stage([rows], known(scope, LINK))

    tables.change(lake, changes("token", 1), ["gr"], ("pscc/silver", 1))
    assert changes("token", 2).is_change is False
    assert changes("merge", 3).actions == {"insert", "close"}
    assert held_of(lake.scan("silver", LINK.name), ["b"], LINK).height == 1


def test_rows_that_a_table_cannot_hold_are_refused_without_a_value(lake):
    found = staged(lake, {"a1": 0}, 1, MONDAY)
    [part] = found.parts()
    broken = part.with_columns(person_id=pl.lit(None, pl.String), source_key=pl.lit("secret"))
    broken.write_parquet(next(Path(found.folder).glob("*.parquet")))
    for write in (
        lambda: lake.write("silver", TABLE.name, broken.select(TABLE.names).to_arrow()),
        lambda: tables.change(lake, found, ["gr"], ("pscc/silver", 1)),
    ):
        with pytest.raises(ContractViolation, match="required columns") as refusal:
            write()
        assert "secret" not in "".join(traceback.format_exception(refusal.value))
