"""What somebody has to look at, as the ledger tells of it: deliveries held or refused, hospitals that are silent, gold that is behind silver."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

from jobs.errors import WrongUse
from jobs.hospitals import hospitals
from jobs.ledger import Announcement, Delivery, Ledger
from jobs.ledger.alerts import Cause, opened
from jobs.ledger.gold import behind_since
from jobs.settings import value

# A gap in the chain mostly closes by itself; what was refused long ago was answered then.
GAP, RECENT = timedelta(days=7), timedelta(days=7)
# From so many deliveries on a hospital has a habit, and is late when twice its usual time has passed.
HABIT, LATE = 3, 2
# Every night gold is built where it is behind: after so long a night has gone by and nothing came of it.
BEHIND = timedelta(hours=36)
BUILD = "run/gold_build"
# Outcomes of a delivery that was not taken.
REFUSED = ("rejected", "quarantined")
# Another one came under its id.
KEPT = " What was delivered first under this id stays."


def causes(ledger: Ledger, at: datetime) -> list[Cause]:
    """Everything that is wrong at a moment."""
    deliveries = ledger.deliveries()
    announcements = ledger.announcements()
    of_deliveries = [*_held(deliveries, at), *_refused(deliveries, announcements, at)]
    return [*of_deliveries, *_silent(deliveries, announcements, at), *_behind(ledger, at)]


def _held(deliveries: list[Delivery], at: datetime) -> Iterator[Cause]:
    for each in deliveries:
        waits = each.reason_codes == ["CHAIN_GAP"]
        if each.state != "held" or (waits and at - _time(each.since) < GAP):
            continue
        if waits:
            todo = f"Ask {each.center} for {each.previous or 'the first delivery'}: what follows it waits."
        else:
            todo = (
                f"pscc delivery show {each.delivery_id}; then pscc decide {each.delivery_id} approve|reject --by NAME --why TEXT"
            )
        codes = ", ".join(each.reason_codes)
        yield Cause(f"held/{each.delivery_id}", f"{each.delivery_id} is held since {each.since[:10]}: {codes}.", todo)


def _refused(deliveries: list[Delivery], announcements: list[Announcement], at: datetime) -> Iterator[Cause]:
    """Deliveries that were refused lately and have not come again."""
    replaced = {each.replaces for each in deliveries if each.state == "loaded"}
    made_known = {each.announcement_id: each for each in deliveries}
    for each in announcements:
        known = made_known.get(each.id)
        delivery, outcome = (known.delivery_id, known.outcome) if known else (each.delivery_id, each.outcome)
        is_old = at - _time(each.settled_at or each.found_at) > RECENT
        if outcome not in REFUSED or is_old or (delivery and delivery in replaced):
            continue
        codes = ", ".join(known.reason_codes if known else (each.report or {}).get("reason_codes", [])) or "without a reason code"
        look = f"pscc delivery show {delivery}" if delivery else "Read its return report in returns/ below the lake"
        yield Cause(
            f"refused/{delivery or f'announcement-{each.id}'}",
            f"{delivery or f'announcement {each.id}'} is {outcome}: {codes}.{KEPT if 'DELIVERY_CONFLICT' in codes else ''}",
            f"{look}; docs/reasons.md says who does what.",
        )


def _silent(deliveries: list[Delivery], announcements: list[Announcement], at: datetime) -> Iterator[Cause]:
    """Hospitals that should have delivered."""
    asked, found_at = cadences(), {each.id: each.found_at for each in announcements}
    for center in sorted(hospitals()):
        theirs = [each for each in deliveries if each.center == center]
        days = asked.get(center) or _habit(theirs)
        if not theirs or days is None:
            continue
        last = max(_time(found_at[each.announcement_id]) for each in theirs)
        if at - last > timedelta(days=days):
            yield Cause(
                f"silence/{center}/{last:%Y-%m-%d}",
                f"{center} has delivered nothing since {last:%Y-%m-%d}; something was expected within {days:.0f} days.",
                f"Ask {center}; look whether files lie in its landing folder without a manifest.json: pscc status",
            )


def _behind(ledger: Ledger, at: datetime) -> Iterator[Cause]:
    """Gold that was not made of what was published long ago; where its build has failed, that is the cause."""
    since = behind_since(ledger)
    if since is None or at - _time(since) < BEHIND or BUILD in {each.cause for each in opened(ledger)}:
        return
    yield Cause(
        f"gold/{since}",
        f"gold is not known to hold what was published at {since[:16]}, and a night has gone by.",
        "pscc build; then look in Airflow why neither gold_build nor maintenance did it.",
    )


def cadences() -> dict[str, float]:
    """Days within which a hospital delivers, as PSCC_DELIVERY_DAYS says (`gr=35,aphp=8`); WrongUse for something else."""
    said = value("PSCC_DELIVERY_DAYS") or ""
    found = dict[str, float]()
    for each in filter(None, (part.strip() for part in said.split(","))):
        center, _, days = each.partition("=")
        if center not in hospitals():
            raise WrongUse(
                f"Expected PSCC_DELIVERY_DAYS to name known hospitals ({', '.join(hospitals())}), found {center!r}: correct it."
            )
        found[center] = int(days)
    return found


def _habit(deliveries: list[Delivery]) -> float | None:
    """Twice the usual time between a hospital's deliveries, in days; None while there are too few to tell."""
    made = sorted({_time(each.created_at) for each in deliveries})
    if len(made) < HABIT:
        return None
    return max(1.0, LATE * median((later - earlier) / timedelta(days=1) for earlier, later in pairwise(made)))


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
