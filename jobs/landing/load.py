"""Loading a judged delivery: gate 10, the vault, and bronze; nothing of it needs an engine, and every step may be tried again."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy.engine import Connection

from jobs.failpoint import failpoint
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.landing import bronze, links, opposed, rights, touched, volume
from jobs.landing.bronze import Commit, FileCount, land, opened, publish
from jobs.landing.links import People, Person
from jobs.landing.model import Finding, Judgement
from jobs.landing.opposed import HIDING, Hidden, Shift
from jobs.landing.owners import owners
from jobs.landing.purge import by_center, insist, purge, remember, remove_delivery
from jobs.landing.rights import Statement
from jobs.landing.vault import (
    Vault,
    current_revision,
    identity,
    identity_version,
    merge,
    next_revision,
    opposition,
    put,
    remove,
    rights_event,
    rows_of,
    settled,
    statement,
    withdrawal,
)

IDENTITY = pa.schema(
    [
        *((name, pa.string()) for name in ("center", "person_id", "kept_person_id", "master_person_id", "link_method")),
        ("confidence", pa.float64()),
        ("opposed", pa.list_(pa.string())),
        ("since", pa.timestamp("us", "UTC")),
    ]
)
LINK = pa.schema(
    [
        *((name, pa.string()) for name in ("center", "person_id", "other_center", "other_person_id", "method")),
        ("confidence", pa.float64()),
        ("valid_from", pa.date32()),
    ]
)

# The right to be the only one at work on silver, and on what passes write of quarantine.
Alone = Callable[[], AbstractContextManager[Any]]


@dataclass
class Change:
    """What a delivery changed in the vault; kept there, so that a second try goes on with the same."""

    warnings: dict[str, list[Finding]] = field(default_factory=dict)
    # Rows that only the vault could refuse (merges that close a cycle), by file.
    refused: dict[str, list[int]] = field(default_factory=dict)
    begun: list[tuple[str, str, str]] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    merged: list[Person] = field(default_factory=list)
    send_again: list[Finding] = field(default_factory=list)
    # Oppositions that it lifted, should it be withdrawn.
    lifted: list[dict[str, Any]] = field(default_factory=list)

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, written: str) -> "Change":
        body = json.loads(written)
        body["warnings"] = {code: [Finding(**each) for each in findings] for code, findings in body["warnings"].items()}
        body["send_again"] = [Finding(**each) for each in body["send_again"]]
        for name in ("begun", "people", "merged"):
            body[name] = [tuple(each) for each in body[name]]
        return cls(**body)


@dataclass(frozen=True)
class Loaded:
    """What loading a delivery came to, for its return report. `send_again` names last patient rows, `file` as <delivery id>/<file>."""

    rows_dropped_opposed: int
    by_file: dict[str, FileCount]
    warnings: dict[str, list[Finding]]
    set_aside: dict[str, int]
    touched: int
    send_again: list[Finding]


def review(vault: Vault, lake: Lake, judgement: Judgement, chain_position: int) -> list[Finding]:
    """What gate 10 finds against the current rows of this moment; nothing is changed."""
    hospital = judgement.hospital
    assert hospital is not None
    with vault.transaction(keep=False) as tx:
        if rows_of(tx, settled, delivery_id=judgement.delivery_id):
            return []
        before = Hidden.of(opposed.scopes(tx, hospital.center))
        change = _settle(tx, judgement, chain_position)
        after = Hidden.of(opposed.scopes(tx, hospital.center))
        kept_of = {row["old"]: row["kept"] for row in rows_of(tx, merge, center=hospital.center)}
    findings = volume.refused_too_often(judgement, after)
    ends = {old: links.kept_id(kept_of, old) for old in kept_of}
    newly = frozenset(person for center, person, scope in change.begun if center == hospital.center and scope == "all")
    aside = volume.Aside(newly | {person for _, person in change.merged}, ends)
    return findings + volume.deletes_too_much(lake, judgement, aside, before)


def load(
    vault: Vault, lake: Lake, judgement: Judgement, chain_position: int, fence: Callable[[], None], alone: Alone = nullcontext
) -> Loaded:
    """Apply a delivery to the vault, then commit it to bronze. Gives what the return report needs; a second try gives the same.

    Rows of other hospitals' people are purged inside `alone()`, which keeps passes over silver away.
    """
    center, delivery_id = judgement.center or "", judgement.delivery_id or ""
    fence()
    change = _settle_once(vault, judgement, chain_position)
    failpoint("before_bronze")
    _purge_begun(vault, lake, (center, delivery_id), change, fence, alone)
    commit = _commit(vault, lake, judgement, chain_position, change, fence)
    records = Path(judgement.files[0].parquet).parent / f"{delivery_id}.records.parquet"
    landed = land(commit, records)
    for keys in landed.children:
        remember(vault, center, keys)
    people, warnings = touched.touched(lake, judgement, records)
    everybody = {(center, person) for person in people} | set(change.people)
    publish(commit, landed, records, everybody)
    _purge_meanwhile(vault, commit)
    publish_identity(vault, lake, fence)
    failpoint("after_bronze")
    records.unlink()
    mismatch = touched.panel_mismatch(judgement)
    return _loaded(change, landed, warnings | ({"PANEL_MISMATCH": mismatch} if mismatch else {}), len(everybody))


def _purge_begun(
    vault: Vault, lake: Lake, source: tuple[str, str], change: Change, fence: Callable[[], None], alone: Alone
) -> None:
    """Delete what may not be kept of whom a delivery or a request (hospital, id) opposes.

    Other hospitals' passes write their waiting rows anew: one that is at work would bring back what is deleted meanwhile.
    """
    here, name = source
    with alone() if any(center != here for center, _, _ in change.begun) else nullcontext():
        purge(vault, lake, by_center(change.begun), name, fence)


def _commit(
    vault: Vault, lake: Lake, judgement: Judgement, chain_position: int, change: Change, fence: Callable[[], None]
) -> Commit:
    with vault.transaction() as tx:
        hidden = Hidden.of(opposed.scopes(tx, judgement.center or ""))
        withdrawals = _withdrawals(tx, judgement.delivery_id)
    refused = {file: dict.fromkeys(rows, "PARENT_CYCLE") for file, rows in change.refused.items()}
    return Commit(lake, judgement, chain_position, hidden, owners(vault, lake, judgement), refused, withdrawals, fence)


def _withdrawals(tx: Connection, delivery_id: str | None) -> int:
    return sum(row["number"] for row in rows_of(tx, withdrawal, delivery_id=delivery_id))


def _purge_meanwhile(vault: Vault, commit: Commit) -> None:
    """Another hospital may have opposed somebody since this load began: its purge could not see these rows, so they go now."""
    with vault.transaction() as tx:
        now = opposed.scopes(tx, commit.center)
    new = [
        (commit.center, who, scope)
        for who, held in now.items()
        for scope in held
        if who not in commit.hidden.people.get(scope, [who])
    ]
    purge(vault, commit.lake, by_center(new), commit.judgement.delivery_id or "", commit.fence)


def _loaded(change: Change, landed: bronze.Landed, warnings: dict[str, list[Finding]], people: int) -> Loaded:
    set_aside: dict[str, int] = {}
    for count in landed.files.values():
        for reason, number in count.set_aside.items():
            set_aside[reason] = set_aside.get(reason, 0) + number
    dropped = sum(count.opposed for count in landed.files.values())
    return Loaded(dropped, landed.files, change.warnings | warnings, set_aside, people, change.send_again)


def _settle_once(vault: Vault, judgement: Judgement, chain_position: int) -> Change:
    """Apply the delivery to the vault in one transaction, unless that was done by an earlier try."""
    with vault.transaction() as tx:
        for row in rows_of(tx, settled, delivery_id=judgement.delivery_id):
            return Change.loads(row["change"])
        change = _settle(tx, judgement, chain_position)
        put(tx, settled, [{"delivery_id": judgement.delivery_id, "center": judgement.center, "change": change.dumps()}])
        return change


def _settle(tx: Connection, judgement: Judgement, chain_position: int) -> Change:
    """Rights, merges, patients, in this order; then links and oppositions for everybody."""
    hospital, manifest = judgement.hospital, judgement.manifest
    assert hospital is not None
    assert manifest is not None
    before, own = links.people(tx), opposed.stated(tx)
    standing = rows_of(tx, opposition, center=hospital.center)
    said = rights.statements(judgement)
    rights.apply(tx, hospital, said, manifest, chain_position)
    merged, refused = links.add_merges(tx, judgement, chain_position)
    renewed = links.add_identities(tx, judgement, chain_position)
    conflicts = links.relink(tx, merged | renewed, judgement)
    after = links.people(tx)
    shifts = opposed.enforce(tx, after)
    change = _change(tx, before, after, own, shifts)
    change.refused, change.merged = refused, sorted(merged)
    change.lifted = _gone(standing, rows_of(tx, opposition, center=hospital.center))
    counted = rights.opposed_patients(tx, hospital.center)
    _warn(change, "RIGHTS_UNREADABLE", rights.unreadable(said))
    _warn(change, "LINK_CONFLICT", conflicts)
    if counted != manifest.n_opposed:
        sentence = f"Expected {manifest.n_opposed} patients with an opposition in force, found {counted}."
        _warn(change, "RIGHTS_COUNT_MISMATCH", [Finding(9, "RIGHTS_COUNT_MISMATCH", sentence, manifest.rights_path)])
    return change


def _warn(change: Change, code: str, findings: list[Finding]) -> None:
    if findings:
        change.warnings[code] = findings


def _gone(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = {(row["person_id"], row["scope"], row["origin"]) for row in after}
    return [row for row in before if (row["person_id"], row["scope"], row["origin"]) not in keys]


def _change(tx: Connection, before: People, after: People, own: dict[Person, set[str]], shifts: list[Shift]) -> Change:
    """Whom the new state of links and oppositions concerns, and who is hidden or may be seen again."""
    everybody = set(before.everybody()) | set(after.everybody())
    moved = {
        person for person in everybody if before.group(person) != after.group(person) or before.root(person) != after.root(person)
    }
    concerned = moved | {shift.person for shift in shifts}
    people = {other for person in concerned for other in before.group(person) | after.group(person)}
    if concerned:
        next_revision(tx)
    change = Change(people=sorted(people))
    change.begun = sorted((*shift.person, shift.scope) for shift in shifts if shift.began and shift.scope in HIDING)
    ended = {shift.person for shift in shifts if not shift.began and shift.scope in HIDING}
    change.send_again = _send_again(tx, {person for person in ended if not _opposed_at_home(person, before, own)}, after)
    return change


def _opposed_at_home(person: Person, before: People, own: dict[Person, set[str]]) -> bool:
    """True when the patient, under any id of this hospital, had an opposition here: then this hospital knows what to send again."""
    return any(own.get(other, set()) & set(HIDING) for other in before.group(person) if other[0] == person[0])


def _send_again(tx: Connection, people: set[Person], after: People) -> list[Finding]:
    """Where the last patient rows stand of people whom another hospital's opposition hid until now."""
    sentence = "An opposition elsewhere that hid this patient was lifted: please send everything of the patient again."
    found = []
    for center, person_id in sorted(person for person in people if after.root(person) == person):
        for row in rows_of(tx, identity, center=center, person_id=person_id):
            found.append(Finding(10, "SEND_AGAIN", sentence, f"{row['last_delivery_id']}/{row['last_file']}", row["last_row_no"]))
    return found


def apply_new_oppositions(
    vault: Vault, lake: Lake, judgement: Judgement, fence: Callable[[], None] = lambda: None, alone: Alone = nullcontext
) -> bool:
    """Make the new oppositions of a delivery that waits hold at once. True when anything changed, so that silver must follow."""
    source = (judgement.center or "", judgement.delivery_id or "")
    return bool(apply_at_once(vault, lake, source, partial(_hold, judgement=judgement), fence, alone).people)


def apply_request(
    vault: Vault,
    lake: Lake,
    source: tuple[str, str],
    said: list[Statement],
    since: str,
    fence: Callable[[], None] = lambda: None,
    alone: Alone = nullcontext,
) -> Change:
    """Make hold at once what people asked of the platform itself, in the request `source` (hospital, id)."""
    return apply_at_once(vault, lake, source, partial(_request, source=source, said=said, since=since), fence, alone)


def _request(tx: Connection, source: tuple[str, str], said: list[Statement], since: str) -> Change:
    people, own = links.people(tx), opposed.stated(tx)
    rights.apply_request(tx, people, source[0], said, source[1], since)
    return _change(tx, people, people, own, opposed.enforce(tx, people))


def apply_at_once(
    vault: Vault,
    lake: Lake,
    source: tuple[str, str],
    change_in: Callable[[Connection], Change],
    fence: Callable[[], None],
    alone: Alone,
) -> Change:
    """Change oppositions in the vault, and make bronze and quarantine follow; a second try after a crash goes on with what the first began."""
    center, name = source
    unfinished = f"held/{name}"
    with vault.transaction() as tx:
        change = change_in(tx)
        for row in rows_of(tx, settled, delivery_id=unfinished):
            earlier = Change.loads(row["change"])
            change.begun = sorted({*change.begun, *earlier.begun})
            change.people = sorted({*change.people, *earlier.people})
            change.send_again = change.send_again or earlier.send_again
        put(tx, settled, [{"delivery_id": unfinished, "center": center, "change": change.dumps()}])
        number = current_revision(tx)
    if change.people:
        _purge_begun(vault, lake, source, change, fence, alone)
        _touch_held(lake, name, change, number, fence)
        publish_identity(vault, lake, fence)
    with vault.transaction() as tx:
        remove(tx, settled, [{"delivery_id": unfinished}])
    return change


def _hold(tx: Connection, judgement: Judgement) -> Change:
    hospital, manifest = judgement.hospital, judgement.manifest
    assert hospital is not None
    assert manifest is not None
    people, own = links.people(tx), opposed.stated(tx)
    rights.apply_held(tx, hospital, rights.statements(judgement), manifest)
    return _change(tx, people, people, own, opposed.enforce(tx, people))


def _touch_held(lake: Lake, name: str, change: Change, number: int, fence: Callable[[], None]) -> None:
    fence()
    rows = [{"center": center, "delivery_id": name, "person_id": person} for center, person in change.people]
    table = pa.Table.from_pylist(rows)
    opened(lake, "bronze", "touched", table.schema)
    lake.write("bronze", "touched", table, transaction=(f"pscc/held/{name}", number))


def publish_identity(vault: Vault, lake: Lake, fence: Callable[[], None]) -> None:
    """Write bronze/identity and bronze/link anew when links, merges or oppositions changed since they were written."""
    with vault.transaction() as tx:
        number, people = current_revision(tx), links.people(tx)
        pictures = {"identity": (opposed.identity_rows(tx, people), IDENTITY), "link": (opposed.link_rows(tx), LINK)}
    if not number:
        return
    for table, (rows, schema) in pictures.items():
        fence()
        opened(lake, "bronze", table, schema)
        written = pa.Table.from_pylist([_typed(row) for row in rows], schema)
        insist(partial(lake.write, "bronze", table, written, mode="overwrite", transaction=("pscc/vault", number)))


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    typed = dict(row)
    if row.get("since"):
        typed["since"] = datetime.fromisoformat(row["since"])
    if row.get("valid_from"):
        typed["valid_from"] = datetime.fromisoformat(row["valid_from"][:10]).date()
    return typed


def withdraw(vault: Vault, lake: Lake, delivery_id: str, fence: Callable[[], None] = lambda: None) -> None:
    """Take a delivery that a person refused out of bronze and vault again. Its oppositions stay, and so do those it lifted.

    The vault comes last: what it still knows of the delivery is how a second try after a crash knows that rows may be left.
    """
    with vault.transaction() as tx:
        known = rows_of(tx, settled, delivery_id=delivery_id)
    if not known:
        return
    center = known[0]["center"]
    own = [f"{center}_{feed.domain}" for feed in hospitals()[center].feeds]
    places = [("bronze", table, "_delivery_id") for table in own] + [("quarantine", table, "delivery_id") for table in own]
    for zone, table, column in [*places, ("bronze", "record", "delivery_id"), ("bronze", "replacement", "delivery_id")]:
        fence()
        remove_delivery(lake, zone, table, column, delivery_id)
    with vault.transaction() as tx:
        _unsettle(tx, center, delivery_id, Change.loads(known[0]["change"]))
    publish_identity(vault, lake, fence)


def _unsettle(tx: Connection, center: str, delivery_id: str, change: Change) -> None:
    """Forget what a delivery taught the vault, but for oppositions."""
    mine = {"center": center, "delivery_id": delivery_id}
    versions = rows_of(tx, identity_version, **mine)
    tokens_before = set(change.people) | {(center, row["person_id"]) for row in versions}
    for table in (identity_version, merge, statement):
        remove(tx, table, [mine])
    remove(tx, rights_event, [mine | {"kind": kind} for kind in ("lift", "unreadable_lift", "inform")])
    put(tx, opposition, change.lifted)
    _restore_identities(tx, center, [row["person_id"] for row in versions])
    links.relink_all(tx, tokens_before)
    opposed.enforce(tx, links.people(tx))
    next_revision(tx)
    put(tx, withdrawal, [{"delivery_id": delivery_id, "number": 1 + _withdrawals(tx, delivery_id)}])
    remove(tx, settled, [{"delivery_id": delivery_id}])


def _restore_identities(tx: Connection, center: str, people: list[str]) -> None:
    """Make the winning version before this delivery the known one again."""
    newest_event_wins = hospitals()[center].newest_event_wins
    known = {row["person_id"]: row for row in rows_of(tx, identity, center=center, person_id=people)}
    winners: dict[str, dict[str, Any]] = {}
    for row in rows_of(tx, identity_version, center=center, person_id=people):
        order = links.version_order(row, newest_event_wins)
        if row["person_id"] not in winners or links.version_order(winners[row["person_id"]], newest_event_wins) <= order:
            winners[row["person_id"]] = row
    remove(tx, identity, [{"center": center, "person_id": person} for person in people])
    put(
        tx,
        identity,
        [
            known[person] | {name: value for name, value in row.items() if name in known[person]}
            for person, row in winners.items()
        ],
    )
