"""The worklist of codes that no value set knows."""

from datetime import UTC, datetime

import polars as pl

from jobs.lake import Lake
from jobs.silver import tables, unmapped
from jobs.silver.difference import completed, schema
from quality.contracts import contracts

TABLE = contracts("silver")["performance_status"]
AT = datetime(2024, 1, 1, tzinfo=UTC)


def lake_with(folder, codes: list[str | None], deleted: bool = False) -> Lake:
    """A lake of performance statuses whose scale is sent with these codes, unknown all of them; or was, before they were deleted."""
    lake = Lake(str(folder))
    tables.ensure_table(lake, TABLE)
    said = {
        "performance_status_id": [f"p{number}" for number in range(len(codes))],
        "person_id": ["a"] * len(codes),
        "scale": ["OMS"] * len(codes),
        "scale_source_value": codes,
        "dq_flags": [["CODE_UNKNOWN:scale"] if code else [] for code in codes],
        "center": ["gr"] * len(codes),
        "delivery_id": ["GR-20240101-001"] * len(codes),
        "source_file": ["tumour.csv.gz"] * len(codes),
        "source_row_no": [1] * len(codes),
        "source_key": ["k"] * len(codes),
        "valid_from": [AT] * len(codes),
    }
    engine = {"row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id"}
    empty = pl.DataFrame(schema={name: kind for name, kind in schema(TABLE).items() if name not in engine})
    rows = completed(pl.concat([empty, pl.DataFrame(said)], how="diagonal_relaxed"), TABLE, 1, AT)
    rows = rows.with_columns(is_deleted=pl.lit(deleted))
    lake.write("silver", TABLE.name, rows.to_arrow())
    return lake


def worklist(lake: Lake) -> list[tuple[object, ...]]:
    found = lake.frame("silver", "vocab_unmapped", ["center", "system", "code", "rows"])
    return sorted(found.iter_rows())


def test_each_unknown_code_stands_once_with_its_rows(tmp_path):
    lake = lake_with(tmp_path, ["ECOG2", "KPS", "ECOG2", None])
    unmapped.refresh(lake, 2)
    assert worklist(lake) == [("gr", "performance_status.scale", "ECOG2", 2), ("gr", "performance_status.scale", "KPS", 1)]
    judged = lake.frame("ops", "quality_result", ["table"])["table"].unique().to_list()
    assert judged == ["silver.vocab_unmapped"]


def test_a_row_that_was_deleted_is_no_work(tmp_path):
    lake = lake_with(tmp_path, ["KPS"], deleted=True)
    unmapped.refresh(lake, 2)
    assert worklist(lake) == []


def test_a_worklist_that_did_not_change_is_not_written(tmp_path):
    lake = lake_with(tmp_path, ["KPS"])
    unmapped.refresh(lake, 2)
    version = lake.version("silver", "vocab_unmapped")
    unmapped.refresh(lake, 3)
    assert lake.version("silver", "vocab_unmapped") == version
