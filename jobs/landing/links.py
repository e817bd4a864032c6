"""Who is the same person: merges inside a hospital, link tokens between hospitals (extracts.md §7)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import polars as pl
from sqlalchemy.engine import Connection

from jobs.landing.model import Finding, Judgement, StagedFile
from jobs.landing.vault import conflict, identity, identity_version, link, merge, put, remove, rows_of

# (center, person_id): a person id means something only together with its hospital.
Person = tuple[str, str]
CONTENT = ("token_key", "sex", "birth_month")


@dataclass
class People:
    """Groups of ids that are one person: `root` follows merges, `group` also follows links."""

    merged: dict[Person, Person]
    linked: dict[Person, set[Person]] = field(default_factory=lambda: defaultdict(set))
    _groups: dict[Person, frozenset[Person]] = field(default_factory=dict)

    def root(self, person: Person) -> Person:
        """The id that is kept of all that were merged into it."""
        while person in self.merged:
            person = self.merged[person]
        return person

    def group(self, person: Person) -> frozenset[Person]:
        """Every id of the same person, in all hospitals."""
        if person not in self._groups:
            found, ahead = {person}, [person]
            while ahead:
                new = self.linked.get(ahead.pop(), set()) - found
                found |= new
                ahead += new
            self._groups.update(dict.fromkeys(found, frozenset(found)))
        return self._groups[person]

    def everybody(self) -> Iterable[Person]:
        """Everybody who is merged or linked with somebody."""
        return self.linked.keys()


def people(tx: Connection) -> People:
    """The groups as the vault knows them now."""
    merged = {(row["center"], row["old"]): (row["center"], row["kept"]) for row in rows_of(tx, merge)}
    found = People(merged)
    pairs = list(merged.items()) + [
        ((row["center"], row["person_id"]), (row["other_center"], row["other_person_id"])) for row in rows_of(tx, link)
    ]
    for one, other in pairs:
        found.linked[one].add(other)
        found.linked[other].add(one)
    return found


def add_merges(tx: Connection, judgement: Judgement, chain_position: int) -> tuple[set[Person], dict[str, list[int]]]:
    """Remember the merges of a delivery. Gives the ids concerned, and by file the rows that close a cycle or merge an old id a second time."""
    manifest, center = judgement.manifest, judgement.center or ""
    assert manifest is not None
    kept_of = {row["old"]: row["kept"] for row in rows_of(tx, merge, center=center)}
    refused, new = defaultdict(list), []
    for row in _merge_rows(judgement):
        if kept_of.get(row["old"]) == row["kept"]:
            continue
        if row["old"] in kept_of or kept_id(kept_of, row["kept"]) == row["old"]:
            refused[row["file"]].append(row["row_no"])
            continue
        kept_of[row["old"]] = row["kept"]
        new.append({"center": center, "old": row["old"], "kept": row["kept"], "merged_at": row["merged_at"]})
    common = {"delivery_id": manifest.delivery_id, "chain_position": chain_position, "seen_at": manifest.created_at.isoformat()}
    put(tx, merge, [row | common for row in new])
    return {(center, row[side]) for row in new for side in ("old", "kept")}, dict(refused)


def kept_id(kept_of: dict[str, str], person_id: str) -> str:
    """The id under which a patient lives on after all merges."""
    while person_id in kept_of:
        person_id = kept_of[person_id]
    return person_id


def _merge_rows(judgement: Judgement) -> Iterable[dict[str, Any]]:
    """The valid rows of the merge files, in order."""
    for staged in judgement.staged("identity_merge"):
        old, kept = (column.name for column in staged.feed.columns if column.type == "hash64")
        date = next(c.name for c in staged.feed.columns if c.type in ("date", "timestamp"))
        for row in valid(staged).iter_rows(named=True):
            read = row["_read"]
            yield {
                "old": read[old],
                "kept": read[kept],
                "merged_at": str(read[date])[:10],
                "file": staged.path,
                "row_no": row["_source_row_no"],
            }


def valid(staged: StagedFile, columns: Iterable[str] | None = None) -> pl.DataFrame:
    """The rows of a file that nothing was wrong with, in order."""
    rows = pl.scan_parquet(staged.parquet).filter(
        pl.col("_reason").is_null() & ~pl.col("_source_row_no").is_in(list(staged.late_reasons))
    )
    return (rows.select(list(columns)) if columns else rows).collect()


def add_identities(tx: Connection, judgement: Judgement, chain_position: int) -> set[Person]:
    """Remember token, sex and birth of every patient validly delivered. Gives those for whom any of it changed."""
    delivered = _delivered(judgement)
    if not delivered:
        return set()
    hospital, manifest = judgement.hospital, judgement.manifest
    assert hospital is not None
    assert manifest is not None
    center, common = (
        hospital.center,
        {"delivery_id": manifest.delivery_id, "chain_position": chain_position, "seen_at": manifest.created_at.isoformat()},
    )
    known = {row["person_id"]: row for row in rows_of(tx, identity, center=center, person_id=list(delivered))}
    newest = hospital.newest_event_wins
    changed, versions, current = set(), [], []
    for person_id, row in delivered.items():
        before = known.get(person_id)
        new = row | common | {"center": center, "person_id": person_id}
        is_other = before is None or any(before[name] != new[name] for name in CONTENT)
        wins = before is None or version_order(before, newest) <= version_order(new, newest)
        if is_other and wins:
            changed.add((center, person_id))
        # Saying the same again is no news: the older date stays.
        seen_at = new["seen_at"] if is_other or before is None else before["seen_at"]
        if hospital.mode != "snapshot" or is_other:
            versions.append(new | {"seen_at": seen_at})
        last = {"last_delivery_id": manifest.delivery_id, "last_file": row["file"], "last_row_no": row["source_row_no"]}
        current.append((new | {"seen_at": seen_at} if wins or before is None else before) | last)
    put(tx, identity_version, [_only(row, identity_version) for row in versions])
    put(tx, identity, [_only(row, identity) for row in current])
    return changed


def _only(row: dict[str, Any], table: Any) -> dict[str, Any]:
    return {column.name: row.get(column.name) for column in table.columns}


def version_order(row: dict[str, Any], newest_event_wins: bool = True) -> tuple[Any, ...]:
    """What decides between two versions of a patient: the event's time, or the place in the chain."""
    at = (row["version_at"] or "",) if newest_event_wins else ()
    return *at, row["chain_position"], row["source_row_no"] or 0


def _delivered(judgement: Judgement) -> dict[str, dict[str, Any]]:
    """The winning valid version of every patient in the delivery, with its link token."""
    columns = ["_person_id", "_token_key", "_sex", "_birth_month", "_version_at", "_source_row_no", "_source_file", "_is_deleted"]
    found: dict[str, dict[str, Any]] = {}
    for staged in judgement.staged("patient"):
        rows = valid(staged, columns).filter(~pl.col("_is_deleted").fill_null(False) & pl.col("_person_id").is_not_null())
        ordered = (
            rows.sort("_version_at", "_source_row_no") if judgement.hospital and judgement.hospital.newest_event_wins else rows
        )
        at = pl.col("_version_at").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
        for person, token, sex, birth, version_at, row_no, file, _ in ordered.with_columns(at).iter_rows():
            found[person] = {
                "token_key": token,
                "sex": sex,
                "birth_month": birth,
                "version_at": version_at,
                "source_row_no": row_no,
                "file": file,
            }
    for staged in judgement.staged("patient_link"):
        for person, token in valid(staged, ["_person_id", "_token_key"]).iter_rows():
            if person in found:
                found[person]["token_key"] = token
    return found


def relink(tx: Connection, concerned: set[Person], judgement: Judgement) -> list[Finding]:
    """Make the links of everybody concerned anew from their tokens. Gives LINK_CONFLICT for every pair that was not known to disagree."""
    manifest = judgement.manifest
    assert manifest is not None
    disagreeing = relink_all(tx, concerned)
    return _new_conflicts(tx, disagreeing, manifest.delivery_id, manifest.center)


def relink_all(tx: Connection, concerned: set[Person]) -> list[dict[str, Any]]:
    """The same; gives the pairs that disagree. A link is as old as the younger of what the two hospitals say, whichever came first."""
    tokens = _tokens(tx, concerned)
    carriers = defaultdict(list)
    for row in rows_of(tx, identity, token_key=tokens):
        carriers[row["token_key"]].append(row)
    merged = {(row["center"], row["old"]): (row["center"], row["kept"]) for row in rows_of(tx, merge)}
    judged = [_judge(carried_by, People(merged)) for carried_by in carriers.values()]
    remove(tx, link, [{"token_key": token} for token in tokens])
    put(tx, link, [row for linked, _ in judged for row in linked])
    return [row for _, disagreeing in judged for row in disagreeing]


def _tokens(tx: Connection, concerned: set[Person]) -> set[str]:
    """The tokens these people carry, or by which they were linked until now."""
    found = set()
    for center in {center for center, _ in concerned}:
        ids = [person_id for each, person_id in concerned if each == center]
        found |= {row["token_key"] for row in rows_of(tx, identity, center=center, person_id=ids)}
        found |= {row["token_key"] for row in rows_of(tx, link, center=center, person_id=ids)}
        found |= {row["token_key"] for row in rows_of(tx, link, other_center=center, other_person_id=ids)}
    return found - {None}


def _judge(carriers: list[dict[str, Any]], people: People) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The pairs that one token links, and those that it should but cannot."""
    ordered = sorted(carriers, key=lambda row: (row["center"], row["person_id"]))
    roots = {(row["center"], row["person_id"]): people.root((row["center"], row["person_id"])) for row in ordered}
    pairs = list(combinations(ordered, 2))
    twice = [
        _row(one, other) for one, other in pairs if one["center"] == other["center"] and _root(roots, one) != _root(roots, other)
    ]
    if twice:
        return [], twice
    across = [(one, other) for one, other in pairs if one["center"] != other["center"]]
    linked = [_row(one, other) | {"since": max(one["seen_at"], other["seen_at"])} for one, other in across if _agree(one, other)]
    return linked, [_row(one, other) for one, other in across if not _agree(one, other)]


def _root(roots: dict[Person, Person], row: dict[str, Any]) -> Person:
    return roots[row["center"], row["person_id"]]


def _agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """True where sex and birth do not speak against one person: what is unknown agrees with everything."""
    sexes = {one["sex"], other["sex"]} - {None, "UN"}
    born, also = one["birth_month"] or "", other["birth_month"] or ""
    # A year alone agrees with every month of it.
    return len(sexes) < 2 and (born.startswith(also) or also.startswith(born))


def _row(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "center": one["center"],
        "person_id": one["person_id"],
        "other_center": other["center"],
        "other_person_id": other["person_id"],
        "token_key": one["token_key"],
    }


def _pair(row: dict[str, Any]) -> tuple[str, ...]:
    return row["center"], row["person_id"], row["other_center"], row["other_person_id"]


def _new_conflicts(tx: Connection, disagreeing: list[dict[str, Any]], delivery_id: str, center: str) -> list[Finding]:
    known = {_pair(row) for row in rows_of(tx, conflict)} if disagreeing else set()
    new = [row for row in disagreeing if _pair(row) not in known]
    put(tx, conflict, [_only(row | {"delivery_id": delivery_id}, conflict) for row in new])
    findings = []
    for row in new:
        ids = [row[name] for side, name in (("center", "person_id"), ("other_center", "other_person_id")) if row[side] == center]
        places = [each for each in rows_of(tx, identity, center=center, person_id=ids) if each["last_delivery_id"] == delivery_id]
        where = max(places, key=lambda each: each["last_row_no"], default={"last_file": None, "last_row_no": None})
        sentence = "This patient's link token is carried by another patient who is not the same person: the two are not linked."
        findings.append(Finding(10, "LINK_CONFLICT", sentence, where["last_file"], where["last_row_no"]))
    return findings
