"""Whose silver rows may change by a delivery, and what it says about rows that came before (late events, deletions of unknown keys)."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.dataset as ds

from jobs.hospitals.feed import Hospital
from jobs.lake import Lake
from jobs.landing.among import among
from jobs.landing.layout import batches_of
from jobs.landing.model import Finding, Judgement, StagedFile
from quality import places

# A report names so many rows of a kind, not more.
NAMED = 1_000
MEANING = ["domain", "row_id", "content_hash", "reason"]
# Half of a row id, as a number: a million keys then take 8 MB, and a chance hit only touches somebody for nothing.
NUMBER = pl.col("row_id").str.head(16).str.to_integer(base=16, dtype=pl.UInt64, strict=False)
EARLIER = ["row_id", "person_id", "version_at", "reason"]
NOTHING = pl.DataFrame(schema={"row_id": pl.String, "version_at": pl.Datetime("us", "UTC"), "reason": pl.String})


def touched(lake: Lake, judgement: Judgement, records: Path) -> tuple[set[str], dict[str, list[Finding]]]:
    """The people of the delivering hospital whose rows are new, changed or gone, and the warnings of a change feed."""
    hospital = judgement.hospital
    assert hospital is not None
    new = pl.scan_parquet(records)
    if hospital.mode == "snapshot":
        return _changed_in_snapshot(lake, hospital, new), {}
    owners, keys = _owners_and_keys(records)
    people, earlier = owners | _of_replaced_years(lake, judgement), []
    for rows in _earlier(lake, judgement, keys):
        people |= set(rows["person_id"].unique())
        if hospital.newest_event_wins:
            earlier.append(rows.drop("person_id"))
    return people - {None}, _warnings(new, pl.concat([NOTHING, *earlier])) if hospital.newest_event_wins else {}


def _owners_and_keys(records: Path) -> tuple[set[str], pl.Series]:
    """Whose rows a delivery brings, rights aside, and the numbers of its keys."""
    owners, keys = set[str](), [pl.Series(dtype=pl.UInt64)]
    # Piece by piece: polars would hold some hundred bytes a row until the end.
    for batch in batches_of(records, ["domain", "person_id", "row_id"]):
        rows = pl.DataFrame(pl.from_arrow(batch))
        owners |= set(rows.filter(pl.col("domain") != "rights")["person_id"].unique())
        keys.append(rows.select(NUMBER)["row_id"].drop_nulls())
    return owners, pl.concat(keys)


def _earlier(lake: Lake, judgement: Judgement, keys: pl.Series) -> Iterator[pl.DataFrame]:
    """The records of earlier deliveries that have a key of this one, piece by piece."""
    if keys.is_empty() or not lake.exists("bronze", "record"):
        return
    known = pl.DataFrame({"key": keys.unique()})
    where = (ds.field("center") == judgement.center) & (ds.field("delivery_id") != judgement.delivery_id)
    rows = places.dataset(lake.table("bronze", "record"))
    for batch in rows.to_batches(columns=EARLIER, filter=where) if rows else ():
        frame = pl.DataFrame(pl.from_arrow(batch))
        yield frame.with_columns(key=NUMBER).join(known, on="key", how="semi").select(EARLIER)


def _of_replaced_years(lake: Lake, judgement: Judgement) -> set[str]:
    """Whoever had a row in a year that is replaced."""
    groups = sorted({file.group_id for file in judgement.files if file.feed.replaces == "year" and file.group_id})
    if not groups or not lake.exists("bronze", "record"):
        return set()
    domains = sorted({file.feed.domain for file in judgement.files if file.feed.replaces == "year"})
    where = (ds.field("center") == judgement.center) & among("domain", domains) & among("group_id", groups)
    return set(lake.frame("bronze", "record", ["person_id"], where)["person_id"].unique())


def _changed_in_snapshot(lake: Lake, hospital: Hospital, new: pl.LazyFrame) -> set[str]:
    """Whoever has a row that the snapshot before did not have in the same meaning, or that this one has no more."""
    replaced = [feed.domain for feed in hospital.feeds if feed.replaces == "all" and feed.domain != "rights"]
    now = new.filter(pl.col("domain").is_in(replaced)).select(*MEANING, "person_id", "delivery_id").collect(engine="streaming")
    before = _snapshot_before(lake, hospital, now)
    changed = now.join(before, on=MEANING, how="anti", nulls_equal=True)
    gone = before.join(now, on=MEANING, how="anti", nulls_equal=True)
    return set(pl.concat([changed["person_id"], gone["person_id"]]).drop_nulls())


def _snapshot_before(lake: Lake, hospital: Hospital, now: pl.DataFrame) -> pl.DataFrame:
    """The rows of the domains that are there now as the last delivery that had the domain gave them."""
    nothing = now.clear().select(*MEANING, "person_id")
    if not lake.exists("bronze", "replacement"):
        return nothing
    replaced = lake.frame(
        "bronze", "replacement", ["domain", "delivery_id", "chain_position"], ds.field("center") == hospital.center
    )
    this = now["delivery_id"].unique().to_list()
    last = (
        replaced.filter(~pl.col("delivery_id").is_in(this))
        .sort("chain_position")
        .unique("domain", keep="last")
        .select("domain", "delivery_id")
    )
    last = last.join(now.select("domain").unique(), on="domain", how="semi")
    if last.is_empty():
        return nothing
    where = (ds.field("center") == hospital.center) & among("delivery_id", last["delivery_id"].unique())
    rows = lake.frame("bronze", "record", [*MEANING, "person_id", "delivery_id"], where)
    return rows.join(last, on=["domain", "delivery_id"], how="semi").select(*MEANING, "person_id")


def _warnings(new: pl.LazyFrame, earlier: pl.DataFrame) -> dict[str, list[Finding]]:
    """LATE_EVENT and CDC_DELETE_UNKNOWN, with the rows that they are about."""
    rows = new.filter(pl.col("reason").is_null() & pl.col("row_id").is_not_null()).select(
        "row_id", "version_at", "is_deleted", "source_file", "source_row_no"
    )
    newest = earlier.filter(pl.col("reason").is_null()).group_by("row_id").agg(pl.col("version_at").max().alias("newest")).lazy()
    late = rows.join(newest, on="row_id").filter(pl.col("version_at") < pl.col("newest")).collect()
    made = pl.concat([earlier.lazy().select("row_id"), new.filter(~pl.col("is_deleted").fill_null(False)).select("row_id")])
    unknown = rows.filter("is_deleted").join(made, on="row_id", how="anti").collect()
    said = {
        "LATE_EVENT": (late, "This event is older than a version that an earlier delivery brought: it loses."),
        "CDC_DELETE_UNKNOWN": (
            unknown,
            "This deletes a key that was never delivered: it is remembered, should the key come later.",
        ),
    }
    return {code: _findings(code, found, sentence) for code, (found, sentence) in said.items() if found.height}


def _findings(code: str, rows: pl.DataFrame, sentence: str) -> list[Finding]:
    places = rows.select("source_file", "source_row_no").head(NAMED).iter_rows()
    return [Finding(10, code, sentence, file, row_no) for file, row_no in places]


def panel_mismatch(judgement: Judgement) -> list[Finding]:
    """PANEL_MISMATCH where the matrix of panels names another one than the analyses of the sample do."""
    matrices, analyses = list(judgement.staged("panel_matrix")), list(judgement.staged("analysis"))
    if not matrices or not analyses:
        return []
    known = pl.concat([_panels(file) for file in analyses]).drop_nulls("panel")
    found = []
    for file in matrices:
        sent = _panels(file)
        analysed = sent.join(known.select("sample").unique(), on="sample", how="semi")
        wrong = analysed.join(known.select("sample", "panel").unique(), on=["sample", "panel"], how="anti")
        sentence = "The panel of this sample is not the one that its analyses name: the analyses count."
        found += [Finding(10, "PANEL_MISMATCH", sentence, file.path, row_no) for row_no in wrong["row_no"].head(NAMED)]
    return found


def _panels(file: StagedFile) -> pl.DataFrame:
    sample = next(column.name for column in file.feed.columns if column.parent == "sample" and column.strict)
    panel = next(
        column.name for column in file.feed.columns if column.type == "id" and column.parent is None and column.name != sample
    )
    read = pl.col("_read").struct
    rows = pl.scan_parquet(file.parquet).filter(pl.col("_reason").is_null())
    return rows.select(sample=read.field(sample), panel=read.field(panel), row_no="_source_row_no").drop_nulls("sample").collect()
