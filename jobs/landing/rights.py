"""Oppositions: what a hospital's list or events say, and which oppositions of its own are in force afterwards (extracts.md §6)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl
from sqlalchemy.engine import Connection

from jobs.hospitals.feed import Feed, Hospital
from jobs.landing.links import People
from jobs.landing.model import Finding, Judgement, Manifest
from jobs.landing.vault import held, held_statement, opposition, put, remove, rights_event, rows_of, settled, statement

Kind = Literal["oppose", "lift", "inform", "unreadable", "unreadable_lift"]
# Kinds from which one learns what the patient wants: they end the caution that an unreadable row called for.
READABLE = ("oppose", "lift", "inform")
# How the origin of an opposition is called while its delivery waits.
HELD = {"stated": "held", "unreadable": "held_unreadable"}
# The origin of what a person asked of the platform itself. No hospital's file can end it.
REQUEST = "request"


@dataclass(frozen=True)
class Statement:
    """One row of a rights file as it was understood. `key` tells whether another file says the same thing again."""

    person_id: str | None
    kind: Kind
    scope: str | None
    key: str
    file: str
    row_no: int
    event_at: str = ""
    extract_at: str = ""
    withdrawn: bool = False


def statements(judgement: Judgement) -> list[Statement]:
    """What the rights file of a delivery says, row by row."""
    hospital = judgement.hospital
    assert hospital is not None
    read = _event if hospital.newest_event_wins else _listed
    found = []
    for staged in judgement.staged("rights"):
        for row in pl.read_parquet(staged.parquet).iter_rows(named=True):
            found.append(read(hospital, staged.feed, row))
    return found


def _listed(hospital: Hospital, feed: Feed, row: dict[str, Any]) -> Statement:
    """A row of a full list: an opposition, its lift (the date of the opposition still stands there), or a patient's information."""
    state, scope_column = feed.having("opposed")[0].name, feed.having("scope")[0].name
    dated = [each.name for each in feed.columns if each.key and each.type in ("date", "int")]
    read, scope = row["_read"], _scope(hospital, row["_read"][scope_column])
    opposed, has_date = read[state], all(read[name] is not None for name in dated)
    kind: Kind
    if opposed is None or (opposed and scope is None):
        kind = "unreadable"
    elif opposed:
        kind = "oppose"
    elif scope and has_date:
        kind = "lift"
    else:
        kind = "unreadable_lift" if has_date or _is_filled(hospital, row[scope_column]) else "inform"
    return Statement(row["_person_id"], kind, scope, _key(row), row["_source_file"], row["_source_row_no"])


def _event(hospital: Hospital, feed: Feed, row: dict[str, Any]) -> Statement:
    """A row of a change feed: somebody opposed, lifted or was informed, or such an event is withdrawn."""
    column = next(each.name for each in feed.columns if "oppose" in each.codes)
    at = next(each.name for each in feed.columns if each.type == "instant" and each.name != hospital.version_column)
    read, scope = row["_read"], _scope(hospital, row["_read"][feed.having("scope")[0].name])
    kind: Kind = read[column] if read[column] in READABLE else "unreadable"
    if kind != "inform" and (scope is None or read[at] is None):
        kind = "unreadable_lift" if kind == "lift" else "unreadable"
    return Statement(
        row["_person_id"],
        kind,
        scope,
        _key(row),
        row["_source_file"],
        row["_source_row_no"],
        event_at=_iso(read[at]),
        extract_at=_iso(row["_version_at"]),
        withdrawn=bool(row["_is_deleted"]),
    )


def _scope(hospital: Hospital, value: str | None) -> str | None:
    return hospital.means("rights_register.scope").get(value) if value else None


def _is_filled(hospital: Hospital, sent: str | None) -> bool:
    return bool(sent and sent.strip() and sent.strip() not in hospital.nulls)


def _key(row: dict[str, Any]) -> str:
    return row["_source_key"] or f"{row['_source_file']}#{row['_source_row_no']}"


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def unreadable(said: Iterable[Statement]) -> list[Finding]:
    """Where rows could not be understood: warning RIGHTS_UNREADABLE."""
    sentence = {
        "unreadable": "This opposition cannot be understood: it is applied to everything of the patient until a readable row says otherwise.",
        "unreadable_lift": "This lift cannot be understood: it lifts nothing.",
    }
    return [
        Finding(9, "RIGHTS_UNREADABLE", sentence[each.kind], each.file, each.row_no)
        for each in said
        if each.kind in sentence and not each.withdrawn
    ]


def apply(tx: Connection, hospital: Hospital, said: list[Statement], manifest: Manifest, chain_position: int) -> None:
    """Make a loaded delivery's statements hold: lifts first, then oppositions."""
    center, delivery_id, created_at = hospital.center, manifest.delivery_id, manifest.created_at.isoformat()
    _forget_held(tx, center, delivery_id)
    _answer_refused(tx, said, manifest)
    if hospital.newest_event_wins:
        _apply_events(tx, center, said, delivery_id, chain_position, created_at)
    else:
        _apply_list(tx, center, said, delivery_id, created_at)


def _forget_held(tx: Connection, center: str, delivery_id: str) -> None:
    remove(tx, held, [{"delivery_id": delivery_id}])
    remove(tx, held_statement, [{"center": center, "delivery_id": delivery_id}])
    remove(tx, opposition, [{"center": center, "origin": origin, "delivery_id": delivery_id} for origin in HELD.values()])


def _apply_list(tx: Connection, center: str, said: list[Statement], delivery_id: str, created_at: str) -> None:
    """A row that disappeared lifts nothing; a lift that was in the list before lifts nothing again."""
    known = {row["statement_key"]: row["kind"] for row in rows_of(tx, statement, center=center)}
    fresh = [each for each in said if each.kind == "lift" and known.get(each.key) != "lift"]
    readable = [each for each in said if each.kind in READABLE]
    remove(tx, opposition, [{"center": center, "person_id": each.person_id, "origin": "unreadable"} for each in readable])
    remove(tx, opposition, [_lifted(center, each) for each in fresh if each.scope == "all"])
    remove(tx, opposition, [_lifted(center, each) | {"scope": each.scope} for each in fresh if each.scope != "all"])
    stated = {(row["person_id"], row["scope"]) for row in rows_of(tx, opposition, center=center, origin="stated")}
    rows = [_opposition(center, each, delivery_id, created_at) for each in said if each.person_id]
    put(
        tx,
        opposition,
        [row for row in rows if row and (row["origin"] == "unreadable" or (row["person_id"], row["scope"]) not in stated)],
    )
    changed = [each for each in said if known.get(each.key) != each.kind]
    put(tx, statement, [_remembered(center, each, delivery_id) for each in changed])


def _lifted(center: str, lift: Statement) -> dict[str, Any]:
    return {"center": center, "person_id": lift.person_id, "origin": "stated"}


def _remembered(center: str, each: Statement, delivery_id: str) -> dict[str, Any]:
    return {
        "center": center,
        "statement_key": each.key,
        "person_id": each.person_id,
        "kind": each.kind,
        "scope": each.scope,
        "delivery_id": delivery_id,
    }


def _opposition(center: str, each: Statement, delivery_id: str, since: str) -> dict[str, Any] | None:
    """The opposition a statement makes; one that cannot be understood is one to everything."""
    if each.withdrawn or each.kind not in ("oppose", "unreadable"):
        return None
    scope, origin = (each.scope, "stated") if each.kind == "oppose" else ("all", "unreadable")
    return {
        "center": center,
        "person_id": each.person_id,
        "scope": scope,
        "origin": origin,
        "delivery_id": delivery_id,
        "since": since,
        "statement_key": each.key,
    }


def _apply_events(
    tx: Connection, center: str, said: list[Statement], delivery_id: str, chain_position: int, created_at: str
) -> None:
    """Keep the newest version of every event, then tell the story of everybody concerned again from the first event."""
    known = {
        row["statement_key"]: row for row in rows_of(tx, rights_event, center=center, statement_key=[each.key for each in said])
    }
    people = {row["person_id"] for row in known.values()} | {each.person_id for each in said}
    winners = dict(known)
    for each in said:
        row = _event_row(center, each, delivery_id, chain_position, created_at)
        before = winners.get(each.key)
        if before is None or _version(before) <= _version(row):
            winners[each.key] = row | {"person_id": each.person_id or (before or {}).get("person_id")}
    put(tx, rights_event, winners.values())
    _retell(tx, center, {person for person in people if person})


def _event_row(center: str, each: Statement, delivery_id: str, chain_position: int, since: str) -> dict[str, Any]:
    row = {
        "center": center,
        "statement_key": each.key,
        "delivery_id": delivery_id,
        "chain_position": chain_position,
        "since": since,
    }
    wanted = ("person_id", "kind", "scope", "event_at", "extract_at", "row_no", "withdrawn")
    return row | {name: value for name, value in asdict(each).items() if name in wanted}


def _version(row: dict[str, Any]) -> tuple[str, int, int]:
    return row["extract_at"] or "", row["chain_position"], row["row_no"]


def _retell(tx: Connection, center: str, people: set[str]) -> None:
    events = defaultdict(list)
    for row in rows_of(tx, rights_event, center=center, person_id=people):
        events[row["person_id"]].append(row)
    for origin in ("stated", "unreadable"):
        remove(tx, opposition, [{"center": center, "person_id": person, "origin": origin} for person in people])
    put(tx, opposition, [row for told in events.values() for row in _told(center, told)])


def _told(center: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The oppositions in force after a person's events, in order of the time they happened."""
    force: dict[str, dict[str, Any]] = {}
    for row in sorted(events, key=lambda row: (row["event_at"] or "", *_version(row))):
        if row["withdrawn"]:
            continue
        if row["kind"] == "oppose":
            force.setdefault(row["scope"], row)
        elif row["kind"] == "lift":
            force = {} if row["scope"] == "all" else {scope: kept for scope, kept in force.items() if scope != row["scope"]}
    understood = max((row["chain_position"] for row in events if row["kind"] in READABLE), default=-1)
    feared = [
        row for row in events if row["kind"] == "unreadable" and not row["withdrawn"] and row["chain_position"] >= understood
    ]
    kept = [(scope, "stated", row) for scope, row in force.items()] + [("all", "unreadable", row) for row in feared]
    return [
        {name: row[name] for name in ("person_id", "delivery_id", "since", "statement_key")}
        | {"center": center, "scope": scope, "origin": origin}
        for scope, origin, row in kept
    ]


def apply_held(tx: Connection, hospital: Hospital, said: list[Statement], manifest: Manifest) -> None:
    """Make the oppositions of a delivery that waits hold at once, unless a later known delivery lifts them; its lifts wait with it."""
    center, delivery_id, created_at = hospital.center, manifest.delivery_id, manifest.created_at.isoformat()
    _forget_held(tx, center, delivery_id)
    later = [row for row in rows_of(tx, held_statement, center=center) if row["created_at"] > created_at]
    rows = [_opposition(center, each, delivery_id, created_at) for each in said if each.person_id]
    own = {each.key: each.kind for each in said}
    standing = [row for row in rows if row and not any(_lifts(row, lift, said, own, hospital) for lift in later)]
    standing = [row for row in standing if not _is_lifted_by_events(tx, hospital, row, said)]
    put(tx, opposition, [row | {"origin": HELD[row["origin"]]} for row in standing])
    put(tx, held_statement, [_waiting(center, each, delivery_id, created_at) for each in said])
    put(tx, held, [{"delivery_id": delivery_id, "center": center, "previous": manifest.previous, "created_at": created_at}])


def _waiting(center: str, each: Statement, delivery_id: str, created_at: str) -> dict[str, Any]:
    wanted = {name: value for name, value in asdict(each).items() if name not in ("file", "key")}
    return wanted | {"center": center, "delivery_id": delivery_id, "created_at": created_at, "statement_key": each.key}


def _lifts(row: dict[str, Any], later: dict[str, Any], said: list[Statement], own: dict[str, Kind], hospital: Hospital) -> bool:
    """True when a row of a later delivery ends the opposition; one that this delivery has too is not news."""
    if later["kind"] != "lift" and not later["withdrawn"]:
        return False
    if later["withdrawn"]:
        return bool(later["statement_key"] == row["statement_key"])
    if later["person_id"] != row["person_id"] or later["scope"] not in ("all", row["scope"]):
        return False
    if hospital.newest_event_wins:
        return any(each.key == row["statement_key"] and each.event_at < later["event_at"] for each in said)
    return own.get(later["statement_key"]) != "lift"


def _is_lifted_by_events(tx: Connection, hospital: Hospital, row: dict[str, Any], said: list[Statement]) -> bool:
    """True when an event known from the chain, or of the same delivery, came after the opposition and ended it (aphp: events carry their time)."""
    if not hospital.newest_event_wins or row["origin"] == "unreadable":
        return False
    at = max(each.event_at for each in said if each.key == row["statement_key"])
    known = rows_of(tx, rights_event, center=hospital.center, person_id=row["person_id"])
    withdrawn = {each.key for each in said if each.withdrawn} | {each["statement_key"] for each in known if each["withdrawn"]}
    lifts = [(each["statement_key"], each["scope"], each["event_at"]) for each in known if each["kind"] == "lift"]
    lifts += [
        (each.key, each.scope or "", each.event_at) for each in said if each.kind == "lift" and each.person_id == row["person_id"]
    ]
    ended = any(key not in withdrawn and scope in ("all", row["scope"]) and moment >= at for key, scope, moment in lifts)
    return ended or row["statement_key"] in withdrawn


def _answer_refused(tx: Connection, said: list[Statement], manifest: Manifest) -> None:
    """End oppositions of deliveries that were held and then refused, where this one lifts them; to leave them out lifts nothing."""
    refused = _passed_by(tx, manifest)
    rows = [row for origin in HELD.values() for row in rows_of(tx, opposition, center=manifest.center, origin=origin)]
    rows = [row for row in rows if row["delivery_id"] in refused]
    known = {row["statement_key"]: row["kind"] for row in rows_of(tx, statement, center=manifest.center)}
    lifts = [each for each in said if each.kind == "lift" or each.withdrawn]
    understood = {each.person_id for each in said if each.kind in READABLE}
    ended = [row for row in rows if any(_answers(row, each, known) for each in lifts)]
    ended += [row for row in rows if row["origin"] == HELD["unreadable"] and row["person_id"] in understood]
    keys = ("center", "person_id", "scope", "origin", "delivery_id")
    remove(tx, opposition, [{key: row[key] for key in keys} for row in ended])
    remove(tx, held_statement, [{"center": manifest.center, "delivery_id": each} for each in refused])


def _passed_by(tx: Connection, manifest: Manifest) -> set[str]:
    """The held deliveries that the chain has passed: another one was loaded in their place."""
    loaded = {row["delivery_id"] for row in rows_of(tx, settled, center=manifest.center)}
    behind = loaded | {manifest.previous, None}
    return {row["delivery_id"] for row in rows_of(tx, held, center=manifest.center) if row["previous"] in behind}


def _answers(row: dict[str, Any], each: Statement, known: dict[str, str]) -> bool:
    if each.key == row["statement_key"]:
        return True
    is_news = known.get(each.key) != "lift"
    return is_news and each.kind == "lift" and each.person_id == row["person_id"] and each.scope in ("all", row["scope"])


def opposed_patients(tx: Connection, center: str) -> int:
    """How many patients of a hospital have an opposition of their own in force."""
    return len(
        {row["person_id"] for row in rows_of(tx, opposition, center=center) if row["origin"] not in (*HELD.values(), REQUEST)}
    )


def apply_request(tx: Connection, people: People, center: str, said: Iterable[Statement], request: str, since: str) -> None:
    """Make hold what people asked of the platform itself; a lift ends what they asked of it before, under whatever id of theirs."""
    for each in said:
        if row := _opposition(center, each, request, since):
            put(tx, opposition, [row | {"origin": REQUEST}])
            continue
        scope = {} if each.scope == "all" else {"scope": each.scope}
        group = people.group((center, each.person_id or ""))
        remove(tx, opposition, [{"center": at, "person_id": who, "origin": REQUEST} | scope for at, who in sorted(group)])
