"""Gate 10: a delivery that would delete or refuse suspiciously much waits for a person (extracts.md §3)."""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds

from jobs.hospitals.feed import Feed, Hospital
from jobs.lake import Lake
from jobs.landing.among import among
from jobs.landing.model import Finding, Judgement, StagedFile
from jobs.landing.opposed import Hidden

# Over this share is suspicious; of rows, only from this many on.
TOO_MANY_DELETED, TOO_MANY_REFUSED, FEW = 0.2, 0.3, 20
# Reasons for which a sender must look at a file: what is late, cancelled or sent twice is none.
FAULTY = ("REQUIRED_MISSING", "TYPE_INVALID", "CODE_INVALID", "RANGE_INVALID", "DATE_IMPOSSIBLE")
RECORD = [
    "domain",
    "row_id",
    "person_id",
    "parents",
    "chain_position",
    "source_row_no",
    "version_at",
    "is_deleted",
    "reason",
    "group_id",
]
REPLACED = {"domain": pl.String, "group_id": pl.String, "chain_position": pl.Int32}


@dataclass(frozen=True)
class Aside:
    """People whose rows go for another reason than a deletion: newly opposed or merged by this delivery; and where each id lives on."""

    people: frozenset[str]
    kept_of: dict[str, str]


def refused_too_often(judgement: Judgement, hidden: Hidden) -> list[Finding]:
    """REJECT_RATE_HIGH for every file of which too many rows had to be set aside."""
    return [
        _rate_finding(file)
        for file in judgement.files
        if _is_high(_faulty(file.set_aside), file) and _is_high(_faulty_of_others(file, hidden), file)
    ]


def _is_high(refused: int, file: StagedFile) -> bool:
    return refused >= FEW and refused > TOO_MANY_REFUSED * file.rows


def _faulty(set_aside: dict[str, int]) -> int:
    return sum(set_aside.get(reason, 0) for reason in FAULTY)


def _faulty_of_others(file: StagedFile, hidden: Hidden) -> int:
    """The faulty rows without those of opposed people, which are dropped and not set aside."""
    rows = pl.scan_parquet(file.parquet).filter(pl.col("_reason").is_in(FAULTY))
    rows = rows.filter(~hidden.drops(file.feed, pl.col("_person_id"), pl.lit(True)))
    return int(rows.select(pl.len()).collect(engine="streaming").item())


def _rate_finding(file: StagedFile) -> Finding:
    share = f"{_faulty(file.set_aside)} of {file.rows} rows"
    return Finding(
        10, "REJECT_RATE_HIGH", f"Expected at most 30 % of the rows to be refused, found {share}: a person decides.", file.path
    )


def versions(lake: Lake, hospital: Hospital, *domains: str) -> pl.DataFrame:
    """The winning valid version of every key of these domains in bronze (none named: of all), whether or not silver has them yet."""
    where = ds.field("center") == hospital.center
    if domains:
        where &= among("domain", domains)
    if not lake.exists("bronze", "record"):
        return pl.DataFrame(schema={"domain": pl.String, "row_id": pl.String, "person_id": pl.String, "group_id": pl.String})
    replaced = lake.frame("bronze", "replacement", list(REPLACED), ds.field("center") == hospital.center).cast(REPLACED)  # type: ignore[arg-type]
    last = replaced.group_by("domain", "group_id").agg(pl.col("chain_position").max().alias("replaced_at"))
    read = _of_snapshot if hospital.mode == "snapshot" else _not_replaced
    records = read(lake, where & ds.field("row_id").is_valid(), last)
    return winning(hospital, records.filter(pl.col("reason").is_null() | (pl.col("reason") == "NOT_VALIDATED")))


def _not_replaced(lake: Lake, where: ds.Expression, last: pl.DataFrame) -> pl.DataFrame:
    """The records that no later file replaced as a whole."""
    joined = lake.frame("bronze", "record", RECORD, where).join(last, on=["domain", "group_id"], how="left")
    return joined.filter(pl.col("replaced_at").is_null() | (pl.col("chain_position") >= pl.col("replaced_at"))).drop(
        "replaced_at"
    )


def _of_snapshot(lake: Lake, where: ds.Expression, last: pl.DataFrame) -> pl.DataFrame:
    """The records of the latest snapshot. One that was refused there keeps the version it had before, so earlier ones of its key are read too."""
    is_last = among("chain_position", last["replaced_at"].unique(), pa.int32())
    latest = lake.frame("bronze", "record", RECORD, where & is_last)
    on = {"left_on": ["domain", "group_id", "chain_position"], "right_on": ["domain", "group_id", "replaced_at"]}
    latest = latest.join(last, **on, how="semi")  # type: ignore[arg-type]
    refused = latest.filter(pl.col("reason").is_not_null()).select("domain", "row_id").unique()
    if refused.is_empty():
        return latest
    before = lake.frame("bronze", "record", RECORD, where & among("row_id", refused["row_id"]))
    return pl.concat([latest, before.join(refused, on=["domain", "row_id"], how="semi")])


def winning(hospital: Hospital, records: pl.DataFrame) -> pl.DataFrame:
    """The winning version of every key, unless it is a deletion or a cancelled result."""
    order = (
        ["version_at", "chain_position", "source_row_no"]
        if hospital.newest_event_wins
        else ["chain_position", "version_at", "source_row_no"]
    )
    last = records.sort(order, nulls_last=False).unique(["domain", "row_id"], keep="last", maintain_order=True)
    return last.filter(~pl.col("is_deleted").fill_null(False) & pl.col("reason").is_null())


def deletes_too_much(lake: Lake, judgement: Judgement, aside: Aside, opposed: Hidden) -> list[Finding]:
    """VOLUME_SUSPICIOUS for what would delete too many patients, or too many rows of what it replaces."""
    hospital = judgement.hospital
    assert hospital is not None
    replacing = _replacing(hospital, judgement)
    everything = versions(lake, hospital, "patient", *{feed.domain for feed, _, _ in replacing})
    known = everything.filter(pl.col("domain") == "patient")
    patients = frozenset(known["person_id"]) - aside.kept_of.keys()
    if not patients:
        return []
    gone = _patients_gone(judgement, known, aside) & patients
    found = (
        _snapshot_shrinks(judgement, patients, opposed)
        if hospital.mode == "snapshot"
        else _many_deleted(judgement, patients, gone)
    )
    for feed, group, files in replacing:
        before = everything.filter((pl.col("domain") == feed.domain) & (pl.col("group_id") == group))
        absent = before.join(pl.concat([_row_ids(file) for file in files]), on="row_id", how="anti")
        # Seldom: only then everything has to be read.
        if absent.height >= FEW:
            current = _current(versions(lake, hospital), patients, aside, before)
            found += _shrinks(
                current.filter(~pl.col("owner").is_in(list(aside.people | gone)).fill_null(False)), absent, files[0].path
            )
    return found + _panels_shrink(lake, hospital, judgement)


def _row_ids(file: StagedFile) -> pl.DataFrame:
    return pl.scan_parquet(file.parquet).select(row_id="_row_id").drop_nulls().unique().collect(engine="streaming")


def _finding(sentence: str, file: str | None) -> Finding:
    return Finding(10, "VOLUME_SUSPICIOUS", sentence, file)


def _patients_gone(judgement: Judgement, known: pl.DataFrame, aside: Aside) -> frozenset[str]:
    """Patients that would not be current afterwards, those newly opposed aside."""
    hospital, files = judgement.hospital, list(judgement.staged("patient"))
    assert hospital is not None
    if not files:
        return frozenset()
    delivered = pl.concat([_patient_versions(file) for file in files])
    if hospital.mode == "snapshot":
        return frozenset(known["person_id"]) - frozenset(delivered["person_id"]) - aside.people
    before = known.select(delivered.columns)
    both = pl.concat([before, delivered.filter(pl.col("reason").is_null())])
    return frozenset(known["person_id"]) - frozenset(winning(hospital, both)["person_id"])


def _patient_versions(file: StagedFile) -> pl.DataFrame:
    late = list(file.late_reasons)
    rows = pl.scan_parquet(file.parquet).select(
        domain=pl.lit("patient"),
        row_id="_row_id",
        person_id="_person_id",
        version_at="_version_at",
        chain_position=pl.lit(2**31 - 1, pl.Int32),
        source_row_no="_source_row_no",
        is_deleted="_is_deleted",
        reason=pl.when(pl.col("_source_row_no").is_in(late)).then(pl.lit("DUPLICATE_KEY")).otherwise("_reason"),
    )
    return rows.filter(pl.col("person_id").is_not_null()).collect()


def _snapshot_shrinks(judgement: Judgement, patients: frozenset[str], opposed: Hidden) -> list[Finding]:
    files = list(judgement.staged("patient"))
    if not files:
        return []
    sent = frozenset(pl.concat([_patient_versions(file) for file in files])["person_id"]) - opposed.people["all"]
    if len(sent) >= (1 - TOO_MANY_DELETED) * len(patients):
        return []
    sentence = f"Expected at most 20 % fewer patients than the {len(patients)} current ones, found {len(sent)}: a person decides."
    return [_finding(sentence, files[0].path)]


def _many_deleted(judgement: Judgement, patients: frozenset[str], gone: frozenset[str]) -> list[Finding]:
    if len(gone) <= TOO_MANY_DELETED * len(patients):
        return []
    sentence = (
        f"Expected at most 20 % of the {len(patients)} current patients to be deleted, found {len(gone)}: a person decides."
    )
    return [_finding(sentence, next(judgement.staged("patient")).path)]


def _replacing(hospital: Hospital, judgement: Judgement) -> list[tuple[Feed, str, list[StagedFile]]]:
    """What the delivery replaces as a whole: a domain of a snapshot, a year of stays. Patients and rights have rules of their own."""
    found: dict[tuple[str, str], list[StagedFile]] = {}
    for file in judgement.files:
        whole = file.feed.replaces == "all" and hospital.mode == "snapshot" and file.feed.domain not in ("patient", "rights")
        if whole or (file.feed.replaces == "year" and file.group_id):
            found.setdefault((file.feed.domain, file.group_id or file.feed.domain), []).append(file)
    return [(hospital.feed(domain), group, files) for (domain, group), files in found.items()]


def _shrinks(current: pl.DataFrame, absent: pl.DataFrame, file: str) -> list[Finding]:
    """VOLUME_SUSPICIOUS when too many rows go by themselves, and not with a patient."""
    lost = current.join(absent, on="row_id", how="semi").height
    if lost < FEW or lost <= TOO_MANY_DELETED * current.height:
        return []
    return [
        _finding(
            f"Expected at most 20 % of the {current.height} current rows to be deleted, found {lost}: a person decides.", file
        )
    ]


def _current(everything: pl.DataFrame, patients: frozenset[str], aside: Aside, rows: pl.DataFrame) -> pl.DataFrame:
    """Those of the rows whose patient and strict parents are current, with their owner."""
    kept = {"person_id": list(aside.kept_of), "kept": list(aside.kept_of.values())}
    kept_of = pl.DataFrame(kept, schema={"person_id": pl.String, "kept": pl.String})
    alive = everything.join(kept_of, on="person_id", how="left").with_columns(root=pl.coalesce("kept", "person_id"))
    alive = alive.filter(pl.col("root").is_null() | pl.col("root").is_in(list(patients)))
    while True:
        needs = alive.select("domain", "row_id", pl.col("parents").list.drop_nulls()).explode("parents").drop_nulls("parents")
        orphans = needs.join(alive.select(parents="row_id"), on="parents", how="anti")
        if orphans.is_empty():
            break
        alive = alive.join(orphans, on=["domain", "row_id"], how="anti")
    return rows.join(alive.select("domain", "row_id", owner="person_id"), on=["domain", "row_id"], how="inner")


def _panels_shrink(lake: Lake, hospital: Hospital, judgement: Judgement) -> list[Finding]:
    """The same for each gene panel of a hospital that sends one list of them all; a snapshot is judged by domain."""
    files = [file for file in judgement.staged("panel") if file.feed.replaces == "all" and hospital.mode != "snapshot"]
    table = f"{hospital.center}_panel"
    if not files or not lake.exists("bronze", table):
        return []
    before = lake.frame("bronze", table, ["_source_key", "_chain_position", "_reason"])
    before = before.filter((pl.col("_chain_position") == pl.col("_chain_position").max()) & pl.col("_reason").is_null())
    after = pl.concat([pl.scan_parquet(file.parquet).select("_source_key").collect() for file in files])
    panel = pl.col("_source_key").str.replace(r"\|[^|]*$", "")
    had = before.group_by(panel.alias("panel")).len()
    lost = before.join(after, on="_source_key", how="anti").group_by(panel.alias("panel")).agg(lost=pl.len())
    bad = had.join(lost, on="panel").filter((pl.col("lost") >= FEW) & (pl.col("lost") > TOO_MANY_DELETED * pl.col("len")))
    return [
        _finding(
            f"Expected at most 20 % of a panel's {row['len']} genes to go, found {row['lost']}: a person decides.", files[0].path
        )
        for row in bad.iter_rows(named=True)
    ]
