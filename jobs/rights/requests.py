"""A request from the moment it comes in to its answer: opposition and lift at once, erasure with proof.

Every step may be tried again: what is half done is known from the vault, and the lease of a worker that died is free.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection

from jobs import audit, returns
from jobs.errors import LakehouseError, WrongUse
from jobs.hospitals import hospitals
from jobs.landing import links, load
from jobs.landing.among import among
from jobs.landing.identifiers import is_identifier
from jobs.landing.links import Person
from jobs.landing.rights import Statement
from jobs.landing.vault import Vault, identity, opposition, rows_of
from jobs.ledger import Lease, Ledger, now
from jobs.rights import certificate, page, register, sought
from jobs.rights.erasure import erase
from jobs.rights.register import BEGUN, DONE, ERASING, JOINED, PROVEN, PROVING, RECEIVED, SCOPES, WITHDRAWN, Kind, Request
from jobs.settings import Settings
from jobs.stages.loading import ask_again
from jobs.stages.worker import Worker, at_work, quiet

PSEUDONYM, PERSON_ID = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{32}")
ID_WITHIN = re.compile(r"[0-9a-fA-F]{32}")


def received(
    settings: Settings,
    kind: Kind,
    center: str,
    who: Sequence[str],
    scope: str,
    by: str,
    reason: str,
    on: date | None = None,
) -> Request:
    """Keep a new request. `who` are pseudonyms as the hospital makes them (64 hex digits) or person ids (32)."""
    day = on or datetime.now(UTC).date()
    _check(kind, center, who, scope, by, reason, day)
    with at_work(settings, create=False) as worker:
        people = sorted({(center, _person(worker, center, each)) for each in who})
        _check_hospital(worker, center, [each for each in who if PERSON_ID.fullmatch(each)])
        with worker.vault.transaction() as tx:
            new = register.enter(tx, kind, center, people, scope, by.strip(), reason.strip(), day)
        audit.note(settings, worker.vault, who=new.by, act=f"{kind} received", purpose=new.reason, request=new.id, rows=0)
        _write_page(settings, worker.vault)
        return new


def _check(kind: Kind, center: str, who: Sequence[str], scope: str, by: str, reason: str, on: date) -> None:
    if center not in hospitals():
        raise WrongUse(f"Expected one of {', '.join(sorted(hospitals()))} as --hospital, found another name: correct it.")
    if scope not in SCOPES:
        raise WrongUse(f"Expected one of {', '.join(SCOPES)} as --scope, found another one: correct it.")
    if kind == "erase" and scope != "all":
        raise WrongUse("Expected an erasure of everything, found a scope: oppose to that scope, or erase without --scope.")
    _check_signed(by, reason)
    if on > datetime.now(UTC).date():
        raise WrongUse(f"Expected a day that has come after --received, found {on}: correct it.")
    if not who or not all(PSEUDONYM.fullmatch(each) or PERSON_ID.fullmatch(each) for each in who):
        raise WrongUse(
            "Expected pseudonyms of 64 hex digits, one a line, or a person id of 32, found something else: correct the file. "
            "It is not shown here, for it may say who somebody is."
        )


def _check_signed(by: str, reason: str) -> None:
    if not (by.strip() and reason.strip()):
        raise WrongUse("Expected who does this and why, found one of them empty: give --by NAME and --reason TEXT.")
    if is_identifier(reason, is_code=False) or ID_WITHIN.search(reason):
        raise WrongUse(
            "Expected a reason that tells of nobody, found an id, a number or an address of somebody in it: name the letter or the call, "
            "as in --reason 'letter 2026/117'."
        )


def _person(worker: Worker, center: str, known_as: str) -> str:
    return worker.pseudonyms.person_id(center, known_as) if PSEUDONYM.fullmatch(known_as) else known_as


def _check_hospital(worker: Worker, center: str, ids: list[str]) -> None:
    """Nothing where these ids are unknown or of this hospital: by another's name nothing would hold for whom they are."""
    with worker.vault.transaction() as tx:
        known = {(row["center"], row["person_id"]) for row in rows_of(tx, identity, person_id=ids)}
    if ids:
        recorded = worker.lake.frame("bronze", "record", ["center", "person_id"], among("person_id", ids))
        known |= set(recorded.unique().iter_rows())
    if {each for _, each in known} - {each for at, each in known if at == center}:
        raise WrongUse(f"Expected --person to name people of {center}, found one of another hospital: correct --hospital.")


def listed(settings: Settings) -> list[Request]:
    """Every request, the oldest first."""
    with _vault(settings) as vault, vault.transaction() as tx:
        return register.known(tx)


def shown(settings: Settings, name: str) -> Request:
    """A request; WrongUse where there is none of that id."""
    with _vault(settings) as vault, vault.transaction() as tx:
        return register.one(tx, name)


def due(settings: Settings) -> list[str]:
    """The ids of requests that are not carried out, the most urgent first."""
    waiting = [each for each in listed(settings) if not each.is_closed]
    return [each.id for each in sorted(waiting, key=lambda each: (each.due_on, each.id))]


@contextmanager
def _vault(settings: Settings) -> Iterator[Vault]:
    Ledger(settings, create=False).close()
    with closing(Vault(settings)) as vault:
        yield vault


def carry_out(
    settings: Settings, engine: Any, name: str, logs: Sequence[Path] = (), watch: Callable[[str], None] = quiet
) -> Request:
    """Do what a request asks; done before, it stays so. GateFailed where an erasure leaves something behind: nothing is certified then."""
    with at_work(settings, watch, create=False) as worker:
        with worker.vault.transaction() as tx:
            found = register.one(tx, name)
            if found.state == JOINED:
                found = register.one(tx, json.loads(found.outcome or "{}")["carried_out_with"])
            people = register.people_of(tx, found.id)
        if found.is_closed:
            return found
        if not people and found.state not in (PROVING, PROVEN):
            raise LakehouseError(
                f"Expected to know whom {found.id} is about, found it cut short before its certificate was written: make the request again, and withdraw this one."
            )
        if found.kind == "erase":
            erase(worker, engine, found, logs)
        else:
            _state(worker, engine, found)
        _write_page(settings, worker.vault)
        with worker.vault.transaction() as tx:
            return register.one(tx, name)


def withdraw(settings: Settings, name: str, by: str, reason: str) -> Request:
    """Close a request that nothing was done for, or one that nobody can carry out any more because whom it is about is lost.

    WrongUse for every other one: what is begun is ended.
    """
    _check_signed(by, reason)
    outcome = json.dumps({"withdrawn_by": by.strip(), "withdrawn_for": reason.strip()})
    with at_work(settings, create=False) as worker, worker.ledger.alone(hospitals()):
        with worker.vault.transaction() as tx:
            closed = _withdrawable(settings, tx, name)
        # Before it holds: where nothing can be added to the audit, nothing is withdrawn.
        for each in closed:
            act = f"{each.kind} withdrawn"
            audit.note(settings, worker.vault, who=by.strip(), act=act, purpose=reason.strip(), request=each.id, rows=0)
        with worker.vault.transaction() as tx:
            for each in closed:
                register.forget(tx, each.id)
                register.change(tx, each, state=WITHDRAWN, done_at=now(), outcome=outcome)
        _write_page(settings, worker.vault)
    return shown(settings, name)


def _withdrawable(settings: Settings, tx: Connection, name: str) -> list[Request]:
    """A request, and those that were to be done with it; WrongUse where it is begun or closed."""
    found = register.one(tx, name)
    if found.is_closed:
        raise WrongUse(f"Expected a request that waits, found {name} {found.state}: nothing is left to withdraw.")
    if not (found.state == RECEIVED or _is_lost(settings, tx, found)):
        raise WrongUse(f"Expected a request that nothing was done for, found {name} {found.state}: `pscc rights run {name}`.")
    return [found, *register.joined(tx, name)]


def _is_lost(settings: Settings, tx: Connection, found: Request) -> bool:
    """True where an erasure was begun and neither the vault nor a file knows whom to look for."""
    if found.state == ERASING:
        return not register.people_of(tx, found.id)
    return found.state == PROVING and not sought.place(settings, found.id).is_file()


# Opposition and lift


def _state(worker: Worker, engine: Any, found: Request) -> None:
    """Make an opposition or a lift hold for everybody linked, as a delivery of the hospital would; silver and gold follow at once."""
    kind: Any = found.kind
    with worker.hospital(found.center) as lease:
        # Who waited for the lease may find it done, or its people erased.
        with worker.vault.transaction() as tx:
            people = register.people_of(tx, found.id)
            if not people:
                return
            found = register.change(tx, found, state=BEGUN)
        before = _stated_by_hospitals(worker, people)
        said = [
            Statement(person, kind, found.scope, f"{found.id}/{number}", "", number)
            for number, (_, person) in enumerate(people, 1)
        ]
        source = (found.center, found.id)
        change = load.apply_request(
            worker.vault, worker.lake, source, said, f"{found.received_on}T00:00:00+00:00", lease.check, worker.alone
        )
        ask_again(worker, found.id, [returns.told(each) for each in change.send_again])
        # Also where the vault has nothing left to change: the try before may have died between vault and silver.
        purged = _follow(worker, engine, found, lease)
        concerned = worker.lake.frame("bronze", "touched", ["person_id", "delivery_id"]).filter(pl.col("delivery_id") == found.id)
        counted = {
            "people": concerned["person_id"].n_unique(),
            "rows_of_silver": purged,
            "hospitals_asked_again": len(change.send_again),
        }
        stands = found.kind == "lift" and any(found.scope in ("all", scope) for scope in before)
        audit.note(
            worker.settings, worker.vault, who=found.by, act=found.kind, purpose=found.reason, request=found.id, rows=purged
        )
        with worker.vault.transaction() as tx:
            register.forget(tx, found.id)
            outcome = json.dumps(counted | {"opposition_of_a_hospital_stands": stands})
            register.change(tx, found, state=DONE, done_at=now(), outcome=outcome)


def _stated_by_hospitals(worker: Worker, people: list[Person]) -> set[str]:
    """The scopes of oppositions that hospitals themselves state for these people: only their own lists end them."""
    with worker.vault.transaction() as tx:
        known = links.people(tx)
        group = {each for person in people for each in known.group(person)}
        rows = [row for row in rows_of(tx, opposition) if (row["center"], row["person_id"]) in group]
    return {row["scope"] for row in rows if row["origin"] != "request"}


def _follow(worker: Worker, engine: Any, found: Request, lease: Lease) -> int:
    """Take whom the request hides out of silver, and make gold again; how many rows of silver went."""
    worker.watch(f"taking {found.id} to silver and gold")
    with worker.alone() as alone:

        def fence() -> None:
            lease.check()
            alone.check()

        result = engine.hide(found.center, [found.id], fence)
        worker.ledger.keep_pass(result.number, found.center, [], accepted_failed=False)
        engine.build(fence)
    return sum(counts.get("purged", 0) for counts in result.tables.values())


def _write_page(settings: Settings, vault: Vault) -> None:
    """The register as the officer reads it."""
    with vault.transaction() as tx:
        requests = register.known(tx)
    file = certificate.folder(settings) / "register.html"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text(page.page(requests), encoding="utf-8")
