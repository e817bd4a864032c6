"""Deliveries for tests as small tables: staged the way landing stages them, without files of a hospital."""

import hashlib
import itertools
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from jobs.hospitals import hospitals
from jobs.hospitals.feed import Column, Feed, Hospital
from jobs.landing.model import Finding, Judgement, Manifest, StagedFile
from jobs.settings import Settings

READ_TYPES = {
    "int": pl.Int64,
    "int64": pl.Int64,
    "dec": pl.Float64,
    "double": pl.Float64,
    "bool": pl.Boolean,
    "date": pl.Date,
    "date~": pl.Date,
    "datetime": pl.Datetime("us", "UTC"),
    "timestamp": pl.Datetime("us", "UTC"),
    "instant": pl.Datetime("us", "UTC"),
}
TECHNICAL = {
    "_delivery_id": pl.String,
    "_source_file": pl.String,
    "_source_row_no": pl.Int64,
    "_row_id": pl.String,
    "_source_key": pl.String,
    "_person_id": pl.String,
    "_version_at": pl.Datetime("us", "UTC"),
    "_is_deleted": pl.Boolean,
    "_reason": pl.String,
    "_flags": pl.List(pl.String),
    "_content_hash": pl.String,
    "_parents": pl.List(pl.String),
    "_inherits": pl.Boolean,
    "_group_id": pl.String,
}
WHO = {"_token_key": pl.String, "_sex": pl.String, "_birth_month": pl.String}
COUNTER = itertools.count()


def settings(folder: Path) -> Settings:
    return Settings(lake=str(folder / "lake"))


def row_id(center: str, domain: str, key: str) -> str:
    return hashlib.sha256(f"{center}:{domain}:{key}".encode()).hexdigest()[:32]


def table(text: str) -> list[dict[str, str | None]]:
    """The rows of a table drawn with `|`; an empty cell is None."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], (cell or None for cell in line), strict=True)) for line in lines[1:]]


def delivery(
    folder: Path, name: str, previous: str | None = None, n_opposed: int = 0, replaces: str | None = None, **tables: str
) -> Judgement:
    """A judged delivery `GR-20200101-001` whose files are drawn as tables, `domain` or `domain__group`; there is always a rights file."""
    hospital = hospitals()[name.split("-")[0].lower()]
    created_at = datetime.strptime(name.split("-")[1], "%Y%m%d").replace(tzinfo=UTC)
    place = folder / f"{name}-{next(COUNTER)}"
    place.mkdir(parents=True)
    manifest = Manifest(
        folder=place,
        delivery_id=name,
        center=hospital.center,
        created_at=created_at,
        window_from=None,
        window_to=created_at.date(),
        content="full",
        key_id="k",
        pseudonym_key_id="p",
        previous=previous,
        replaces=replaces,
        rights_path="rights",
        n_opposed=n_opposed,
        files=(),
        canonical_sha256="",
        body={},
    )
    judgement = Judgement(name, hospital.center, manifest, hospital)
    for label, text in ({"rights": ""} | tables).items():
        domain, _, group = label.partition("__")
        judgement.files.append(stage(place, hospital, hospital.feed(domain), manifest, text, group or None))
    return judgement


def stage(place: Path, hospital: Hospital, feed: Feed, manifest: Manifest, text: str, group: str | None = None) -> StagedFile:
    """One file, staged. Columns that a table does not draw are empty; `_reason`, `_token_key` … can be drawn too."""
    path = f"{feed.domain}.{group}" if group else feed.domain
    rows = [
        _staged(hospital, feed, manifest, path, number, drawn, group)
        for number, drawn in enumerate(table(text) if text else [], start=1)
    ]
    declared = {c.name: pl.String for c in feed.columns if c.type != "token"}
    read = pl.Struct({c.name: READ_TYPES.get(c.type, pl.String) for c in feed.columns if c.type != "token"})
    who = WHO if feed.domain in ("patient", "patient_link") else {}
    frame = pl.DataFrame(rows, schema=declared | {"_added": pl.String, "_read": read} | TECHNICAL | who)
    frame.write_parquet(place / f"{path}.parquet")
    set_aside = dict(frame["_reason"].drop_nulls().value_counts().iter_rows())
    faults = [
        Finding(9, row["_reason"], "", path, row["_source_row_no"], feed.columns[-1].name) for row in rows if row["_reason"]
    ]
    return StagedFile(path, feed, len(rows), place / f"{path}.parquet", group, set_aside, faults)


def _staged(
    hospital: Hospital, feed: Feed, manifest: Manifest, path: str, number: int, drawn: dict[str, str | None], group: str | None
) -> dict[str, Any]:
    sent = {c.name: drawn.get(c.name) for c in feed.columns if c.type != "token"}
    read = {name: _read(feed[name], value) for name, value in sent.items()}
    key = "|".join(str(read[name]) if read[name] is not None else "" for name in feed.key)
    person = drawn.get(feed.patient or "")
    column, value = hospital.deleted_when or ("", "")
    parents = [
        row_id(hospital.center, c.parent or "", str(read[c.name])) for c in feed.strict_parents if read[c.name] is not None
    ]
    at = read.get(hospital.version_column or "")
    meaning = repr(sorted(drawn.items()))
    technical = {
        "_delivery_id": manifest.delivery_id,
        "_source_file": path,
        "_source_row_no": number,
        "_row_id": row_id(hospital.center, feed.domain, key),
        "_source_key": key,
        "_person_id": person,
        "_version_at": datetime.combine(at, datetime.min.time(), UTC) if type(at) is date else at or manifest.created_at,
        "_is_deleted": column in sent and sent[column] == value,
        "_reason": drawn.get("_reason"),
        "_flags": [],
        "_content_hash": hashlib.sha256(meaning.encode()).hexdigest()[:32],
        "_parents": parents,
        "_inherits": person is None,
        "_group_id": group or {"all": feed.domain, "parent": parents[0] if parents else None}.get(feed.replaces),
    }
    who = {name: drawn.get(name) for name in WHO} if feed.domain in ("patient", "patient_link") else {}
    return sent | {"_added": None, "_read": read} | technical | who


def _read(column: Column, value: str | None) -> Any:
    if value is None or (column.codes and value not in column.codes):
        return None
    kind = READ_TYPES.get(column.type, pl.String)
    if kind == pl.Boolean:
        return {"O": True, "N": False, "true": True, "false": False}.get(value)
    if kind in (pl.Int64, pl.Float64):
        return int(value)
    if kind == pl.Date:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if kind == pl.Datetime("us", "UTC") else value
