"""The ledger: announcements, deliveries and their states, decisions, passes and leases. What is to be done is read from here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from jobs.errors import LakehouseError, WrongUse
from jobs.landing.model import Manifest
from jobs.ledger import formats, notes
from jobs.ledger import lease as leases
from jobs.ledger.chain import Place, place
from jobs.ledger.formats import Format
from jobs.ledger.lease import Lease
from jobs.ledger.records import FOLLOWS, OUTCOME, Announcement, Decision, Delivery, State, Step
from jobs.ledger.schema import ANNOUNCEMENT, DECISION, DELIVERY, LAKE, PASS, SEND_AGAIN, TRANSITION
from jobs.ledger.store import open_store
from jobs.run import orchestrator_run
from jobs.settings import Settings

__all__ = [
    "UNKNOWN",
    "Announcement",
    "Decision",
    "Delivery",
    "Fence",
    "Format",
    "Lease",
    "Ledger",
    "Place",
    "State",
    "Step",
    "now",
    "place",
]


# Where the lake keeps the fingerprint of its platform key.
KEY = "platform_key"
# Who works on a delivery that lies in no hospital's place holds this one's lease.
UNKNOWN = "unknown"
# Asked before everything that others will see: nothing, or LeaseLost.
Fence = Callable[[], None]


def now() -> str:
    """This moment as text that sorts, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Ledger:
    """The ledger of one lake; `create` makes it where there is none, `older` opens one that has to be upgraded too."""

    def __init__(self, settings: Settings, *, create: bool = True, older: bool = False) -> None:
        self.engine = open_store(settings, create=create, older=older)
        self._lake, self._older = settings.lake, older
        self._held: dict[str, Lease] = {}

    @property
    def format(self) -> Format:
        """The lake's format, as the ledger tells it now."""
        with self.engine.begin() as connection:
            return formats.read(formats.format_of(connection), self._lake)

    def close(self) -> None:
        """Give back the connections; SQLite folds its log into the one file."""
        self.engine.dispose()

    def hold_to_key(self, fingerprint: str, *, first: bool = False) -> None:
        """Nothing when the lake was made with the platform key of this fingerprint, WrongUse otherwise; the `first` key is kept as the lake's."""
        known = self.key_fingerprint()
        if known is None and first:
            # Another worker may write its own in the same moment: what counts is what is there afterwards.
            with suppress(IntegrityError), self.engine.begin() as connection:
                connection.execute(insert(LAKE).values(name=KEY, value=fingerprint))
            known = self.key_fingerprint()
        if known not in (None, fingerprint):
            raise WrongUse(
                "Expected the platform key that this lake was made with, found another one: under it every patient would become "
                "somebody new. Check PSCC_PLATFORM_KEY_FILE and LAKE_ROOT."
            )

    def key_fingerprint(self) -> str | None:
        """What tells the lake's platform key from others; None before the first delivery."""
        with self.engine.begin() as connection:
            return notes.said(connection, KEY)

    # Leases

    @contextmanager
    def hold(self, name: str, patience: float = leases.PATIENCE_SECONDS) -> Iterator[Lease]:
        """The lease of that name; the one this ledger object already holds when there is one."""
        if name in self._held:
            yield self._held[name]
            return
        with leases.held(self.engine, name, patience) as lease:
            if not self._older:
                # Who waited may have waited for an upgrade, after which this code no longer knows the lake.
                formats.check(self.format, self._lake)
            self._held[name] = lease
            try:
                yield lease
            finally:
                del self._held[name]

    def hospital(self, center: str) -> AbstractContextManager[Lease]:
        """The right to work on a hospital's deliveries."""
        return self.hold(f"hospital/{center}")

    @contextmanager
    def alone(self, centers: Iterable[str]) -> Iterator[Fence]:
        """The right to be the only one who writes to the lake, and what asks whether it still is: LeaseLost where one of the leases went.

        In the order in which all others take them: hospitals, releases, silver and gold, the table of deliveries.
        """
        names = [*(f"hospital/{center}" for center in sorted({*centers, UNKNOWN})), "release", "engine", "mirror"]
        with ExitStack() as held:
            mine = [held.enter_context(self.hold(name)) for name in names]

            def fence() -> None:
                with self.engine.begin() as connection:
                    for lease in mine:
                        lease.check_within(connection)

            yield fence

    # Announcements

    def announce(self, path: str, size: int, mtime_ns: int, folder: str) -> bool:
        """Note a manifest; False when exactly this one was seen before. Where it was seen last is where its delivery is read again."""
        seen = (ANNOUNCEMENT.c.path == path) & (ANNOUNCEMENT.c.size == size) & (ANNOUNCEMENT.c.mtime_ns == mtime_ns)
        with self.engine.begin() as connection:
            known = connection.execute(select(ANNOUNCEMENT.c.id, ANNOUNCEMENT.c.folder).where(seen)).first()
            if known is not None:
                if known.folder != folder:
                    connection.execute(update(ANNOUNCEMENT).where(ANNOUNCEMENT.c.id == known.id).values(folder=folder))
                    connection.execute(update(DELIVERY).where(DELIVERY.c.announcement_id == known.id).values(folder=folder))
                return False
            connection.execute(
                insert(ANNOUNCEMENT).values(path=path, size=size, mtime_ns=mtime_ns, folder=folder, found_at=now())
            )
        return True

    def announcements(self, *, unsettled: bool = False) -> list[Announcement]:
        """The announcements in order of arrival: the time of the manifest, then its path."""
        asked = select(ANNOUNCEMENT).order_by(ANNOUNCEMENT.c.mtime_ns, ANNOUNCEMENT.c.path)
        if unsettled:
            asked = asked.where(ANNOUNCEMENT.c.outcome.is_(None))
        with self.engine.begin() as connection:
            return [Announcement(**row) for row in connection.execute(asked).mappings()]

    def announcement(self, number: int) -> Announcement:
        """One announcement by its number."""
        with self.engine.begin() as connection:
            row = connection.execute(select(ANNOUNCEMENT).where(ANNOUNCEMENT.c.id == number)).mappings().one()
        return Announcement(**row)

    def settle(self, number: int, outcome: str, report: dict[str, Any]) -> None:
        """The verdict on an announcement that changes no delivery: refused before it was known, or known already."""
        with self.engine.begin() as connection:
            _settle(connection, number, outcome, report)

    # Deliveries

    def deliveries(self, center: str | None = None, *states: State) -> list[Delivery]:
        """The known deliveries, of a hospital, in some states, in order of arrival."""
        asked = select(DELIVERY).join(ANNOUNCEMENT).order_by(ANNOUNCEMENT.c.mtime_ns, ANNOUNCEMENT.c.path)
        if center is not None:
            asked = asked.where(DELIVERY.c.center == center)
        if states:
            asked = asked.where(DELIVERY.c.state.in_(states))
        with self.engine.begin() as connection:
            return [Delivery(**row) for row in connection.execute(asked).mappings()]

    def known(self, center: str | None, delivery_id: str | None) -> Delivery | None:
        """A delivery by hospital and id, None for one that no valid signature ever announced."""
        with self.engine.begin() as connection:
            return _find(connection, center, delivery_id)

    def announced_by(self, number: int) -> Delivery | None:
        """The delivery that an announcement made known, None when it made none known."""
        with self.engine.begin() as connection:
            row = connection.execute(select(DELIVERY).where(DELIVERY.c.announcement_id == number)).mappings().first()
        return Delivery(**row) if row else None

    def delivery(self, center: str, delivery_id: str) -> Delivery:
        """A delivery that must be there."""
        found = self.known(center, delivery_id)
        if found is None:
            raise LakehouseError(f"Expected delivery {delivery_id} in the ledger, found none of that id: see `pscc status`.")
        return found

    def enter(self, manifest: Manifest, announcement: Announcement) -> Delivery:
        """Make a delivery known, in state `verifying`; its signature was valid."""
        values = {
            "center": manifest.center,
            "delivery_id": manifest.delivery_id,
            "announcement_id": announcement.id,
            "folder": announcement.folder,
            "canonical_sha256": manifest.canonical_sha256,
            "created_at": manifest.created_at.isoformat(),
            "window_from": manifest.window_from.isoformat() if manifest.window_from else None,
            "window_to": manifest.window_to.isoformat(),
            "content": manifest.content,
            "pseudonym_key_id": manifest.pseudonym_key_id,
            "previous": manifest.previous,
            "replaces": manifest.replaces,
        }
        fresh = {"state": "verifying", "reason_codes": [], "attempts": 0, "report": {}, "since": now()}
        fresh |= dict.fromkeys(("approved", "in_bronze", "gate_waived"), False)
        with self.engine.begin() as connection:
            connection.execute(insert(DELIVERY).values(**values, **fresh))
            _journal(connection, manifest.center, manifest.delivery_id, "announced", "verifying", [])
        return self.delivery(manifest.center, manifest.delivery_id)

    def move(self, delivery: Delivery, state: State, lease: Lease, reason_codes: Sequence[str] = (), **values: Any) -> Delivery:
        """The delivery in its next state; refused when the lease is lost or the step is not a legal one.

        A report among the values is the verdict on the announcement too, if that has none yet.
        """
        if state not in FOLLOWS[delivery.state]:
            raise LakehouseError(
                f"Expected a legal step of delivery {delivery.delivery_id}, found {delivery.state} to {state}: see the transitions in the ledger."
            )
        codes = sorted(reason_codes)
        here = (
            (DELIVERY.c.center == delivery.center)
            & (DELIVERY.c.delivery_id == delivery.delivery_id)
            & (DELIVERY.c.state == delivery.state)
        )
        with self.engine.begin() as connection:
            lease.check_within(connection)
            moved = connection.execute(
                update(DELIVERY).where(here).values(state=state, reason_codes=codes, since=now(), **values)
            )
            if moved.rowcount != 1:
                raise LakehouseError(
                    f"Expected delivery {delivery.delivery_id} to be {delivery.state}, found that another worker moved it: run again."
                )
            _journal(connection, delivery.center, delivery.delivery_id, delivery.state, state, codes)
            if state in OUTCOME and "report" in values:
                _settle(connection, delivery.announcement_id, OUTCOME[state], values["report"])
        return self.delivery(delivery.center, delivery.delivery_id)

    def note(self, delivery: Delivery, lease: Lease, **values: Any) -> Delivery:
        """Keep something about a delivery that does not change its state."""
        here = (DELIVERY.c.center == delivery.center) & (DELIVERY.c.delivery_id == delivery.delivery_id)
        with self.engine.begin() as connection:
            lease.check_within(connection)
            connection.execute(update(DELIVERY).where(here).values(**values))
        return self.delivery(delivery.center, delivery.delivery_id)

    def place(self, delivery: Delivery) -> Place:
        """Where a delivery stands in its hospital's chain now."""
        return place(delivery, self.deliveries(delivery.center))

    # Decisions

    def decide(self, delivery: Delivery, verdict: str, by: str, why: str) -> None:
        """Record who decided what about a held delivery, when and why."""
        with self.engine.begin() as connection:
            connection.execute(
                insert(DECISION).values(
                    center=delivery.center,
                    delivery_id=delivery.delivery_id,
                    verdict=verdict,
                    reason_codes=delivery.reason_codes,
                    by=by,
                    why=why,
                    at=now(),
                )
            )

    def decisions(self) -> list[Decision]:
        """Every decision ever taken, oldest first."""
        with self.engine.begin() as connection:
            rows = connection.execute(select(DECISION).order_by(DECISION.c.id)).mappings()
            return [Decision(**{name: value for name, value in row.items() if name != "id"}) for row in rows]

    def steps(self, delivery_id: str) -> list[Step]:
        """The steps a delivery has taken, oldest first: when, by which worker, in which run of the orchestrator."""
        columns = [TRANSITION.c[name] for name in ("from_state", "to_state", "reason_codes", "at", "by")]
        asked = select(*columns).where(TRANSITION.c.delivery_id == delivery_id).order_by(TRANSITION.c.id)
        with self.engine.begin() as connection:
            rows = list(connection.execute(asked))
        return [Step(row.from_state, row.to_state, row.reason_codes, row.at, *_doer(row.by)) for row in rows]

    # Patients to send again

    def ask_again(self, told_in: Delivery, lifted_by: str, findings: Sequence[dict[str, Any]]) -> None:
        """Note the patient rows that a hospital is asked for; asking twice for the same lift asks once."""
        with self.engine.begin() as connection:
            asked = select(SEND_AGAIN.c.file, SEND_AGAIN.c.row).where(SEND_AGAIN.c.lifted_by == lifted_by)
            known = {(row.file, row.row) for row in connection.execute(asked)}
            for finding in findings:
                if (finding["file"], finding["row"]) not in known:
                    place = {"center": told_in.center, "told_in": told_in.delivery_id, "lifted_by": lifted_by}
                    connection.execute(
                        insert(SEND_AGAIN).values(**place, file=finding["file"], row=finding["row"], finding=finding)
                    )

    def asked_again(self, center: str | None, delivery_id: str | None) -> list[dict[str, Any]]:
        """What a delivery's return report asks for."""
        asked = (
            select(SEND_AGAIN.c.finding)
            .where(SEND_AGAIN.c.center == center, SEND_AGAIN.c.told_in == delivery_id)
            .order_by(SEND_AGAIN.c.id)
        )
        with self.engine.begin() as connection:
            return list(connection.execute(asked).scalars())

    # Passes

    def keep_pass(self, number: int, center: str, delivery_ids: Sequence[str], *, accepted_failed: bool) -> None:
        """Note a pass whose tables are all published."""
        values = {"center": center, "deliveries": list(delivery_ids), "finished_at": now(), "accepted_failed": accepted_failed}
        with self.engine.begin() as connection:
            connection.execute(insert(PASS).values(number=number, **values))

    def passes_in_full(self) -> list[dict[str, Any]]:
        """The published passes, oldest first: number, center, deliveries, finished_at, accepted_failed."""
        with self.engine.begin() as connection:
            return [dict(row) for row in connection.execute(select(PASS).order_by(PASS.c.number)).mappings()]

    def passes(self) -> list[tuple[int, str, list[str]]]:
        """The published passes: number, hospital, deliveries."""
        with self.engine.begin() as connection:
            return [(row.number, row.center, row.deliveries) for row in connection.execute(select(PASS).order_by(PASS.c.number))]


def _find(connection: Connection, center: str | None, delivery_id: str | None) -> Delivery | None:
    here = (DELIVERY.c.center == center) & (DELIVERY.c.delivery_id == delivery_id)
    row = connection.execute(select(DELIVERY).where(here)).mappings().first()
    return Delivery(**row) if row else None


def _settle(connection: Connection, number: int, outcome: str, report: dict[str, Any]) -> None:
    # One verdict each: what happens later to a held delivery is no longer the verdict on its announcement.
    open_one = (ANNOUNCEMENT.c.id == number) & ANNOUNCEMENT.c.outcome.is_(None)
    values = {
        "outcome": outcome,
        "report": report,
        "settled_at": now(),
        "delivery_id": report.get("delivery_id"),
        "center": report.get("center"),
    }
    connection.execute(update(ANNOUNCEMENT).where(open_one).values(**values))


def _journal(connection: Connection, center: str, delivery_id: str, before: str, after: str, codes: Sequence[str]) -> None:
    values = {"center": center, "delivery_id": delivery_id, "from_state": before, "to_state": after, "reason_codes": list(codes)}
    doer = " ".join(each for each in (leases.this_worker(), orchestrator_run()) if each)
    connection.execute(insert(TRANSITION).values(**values, at=now(), by=doer))


def _doer(by: str) -> tuple[str, str | None]:
    """Worker and run, as the journal has them in one text."""
    worker, _, run = by.partition(" ")
    return worker, run or None
