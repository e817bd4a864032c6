"""Whose a row is that names no patient: that of its first strict parent, in this delivery, an earlier one, or one that was dropped."""

from collections.abc import Iterable

import polars as pl
import pyarrow.dataset as ds

from jobs.hospitals.feed import Feed, Hospital
from jobs.lake import Lake
from jobs.landing.among import among
from jobs.landing.model import Judgement, StagedFile
from jobs.landing.vault import Vault, child_key, rows_of


def inherits(feed: Feed) -> bool:
    """True where rows can lack a patient of their own and take that of a parent."""
    return bool(feed.strict_parents) and (feed.patient is None or not feed[feed.patient].required)


def givers(hospital: Hospital) -> frozenset[str]:
    """The domains from whose rows others take their patient."""
    first = (feed.strict_parents[0].parent for feed in hospital.feeds if inherits(feed))
    return frozenset(domain for domain in first if domain)


def owners(vault: Vault, lake: Lake, judgement: Judgement) -> dict[str, str]:
    """The person of every row that a row of this delivery may take its patient from, by row id."""
    hospital = judgement.hospital
    assert hospital is not None
    named, hanging = _in_delivery(hospital, judgement.files)
    wanted = _first_parents(file for file in judgement.files if inherits(file.feed)) | set(hanging.values())
    unknown = {row_id for row_id in wanted if row_id not in named and row_id not in hanging}
    if unknown:
        named = _dropped_before(vault, hospital.center, unknown) | _delivered_before(lake, judgement, unknown) | named
    return named | _through_parents(named, hanging)


def _in_delivery(hospital: Hospital, files: Iterable[StagedFile]) -> tuple[dict[str, str], dict[str, str]]:
    """Of the rows from which others hang: the person of those that name one, the parent of the others."""
    named: dict[str, str] = {}
    hanging: dict[str, str] = {}
    domains = givers(hospital)
    for staged in (file for file in files if file.feed.domain in domains):
        is_valid = pl.col("_reason").is_null() & ~pl.col("_source_row_no").is_in(list(staged.late_reasons))
        rows = pl.scan_parquet(staged.parquet).filter(pl.col("_row_id").is_not_null())
        # What a valid row says comes last, so that it stays.
        rows = rows.select("_row_id", "_person_id", pl.col("_parents").list.first(), "_version_at", valid=is_valid)
        frame = rows.sort("valid", "_version_at", maintain_order=True).collect()
        own = frame.filter(pl.col("_person_id").is_not_null())
        named.update(zip(own["_row_id"], own["_person_id"], strict=True))
        other = frame.filter(pl.col("_person_id").is_null() & pl.col("_parents").is_not_null())
        hanging.update(zip(other["_row_id"], other["_parents"], strict=True))
    return named, hanging


def _first_parents(files: Iterable[StagedFile]) -> set[str]:
    found: set[str] = set()
    for staged in files:
        rows = pl.scan_parquet(staged.parquet).filter("_inherits").select(pl.col("_parents").list.first().drop_nulls().unique())
        found.update(rows.collect(engine="streaming")["_parents"])
    return found


def _delivered_before(lake: Lake, judgement: Judgement, row_ids: set[str]) -> dict[str, str]:
    assert judgement.hospital is not None
    where = (ds.field("center") == judgement.center) & among("domain", givers(judgement.hospital))
    where &= among("row_id", row_ids) & ds.field("person_id").is_valid() & (ds.field("delivery_id") != judgement.delivery_id)
    rows = lake.frame("bronze", "record", ["row_id", "person_id", "reason", "chain_position", "version_at"], where)
    if rows.is_empty():
        return {}
    ordered = rows.sort(pl.col("reason").is_null(), "chain_position", "version_at")
    return dict(zip(ordered["row_id"], ordered["person_id"], strict=True))


def _dropped_before(vault: Vault, center: str, row_ids: set[str]) -> dict[str, str]:
    with vault.transaction() as tx:
        return {row["row_id"]: row["person_id"] for row in rows_of(tx, child_key, center=center, row_id=row_ids)}


def _through_parents(named: dict[str, str], hanging: dict[str, str]) -> dict[str, str]:
    """The person of rows whose parent, or the parent of that, names one."""
    found: dict[str, str] = {}
    for row_id in hanging:
        at, seen = row_id, {row_id}
        while at not in named and (parent := hanging.get(at)) and parent not in seen:
            seen.add(parent)
            at = parent
        if at in named:
            found[row_id] = named[at]
    return found
