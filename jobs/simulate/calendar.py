"""When the hospitals deliver: cut-off dates, delivery ids, keys, and the order in which deliveries reach the receiver."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

CENTERS = ("gr", "curie", "aphp")
LAST_CUT_OFF = date(2025, 6, 30)
EPOCH = date(1970, 1, 1)
NEVER = 10_000  # a round or step that never comes


def day_number(day: date) -> int:
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


@dataclass(frozen=True)
class Delivery:
    """One delivery of one hospital: `round` counts its deliveries, `step` those of all hospitals."""

    center: str
    round: int
    step: int
    number: int
    previous: str | None
    replaces: str | None
    window_from: date | None
    window_to: date
    created: datetime

    @property
    def id(self) -> str:
        return delivery_id(self.center, self.created, self.number)

    @property
    def folder(self) -> str:
        return f"landing/{self.center}/{self.created:%Y}/{self.created:%m}/{self.id}"


def delivery_id(center: str, created: datetime, number: int) -> str:
    return f"{center.upper()}-{created:%Y%m%d}-{number:03d}"


def cut_offs(rounds: int) -> tuple[date, ...]:
    """The ends of half-years, the last one LAST_CUT_OFF."""
    year, half = LAST_CUT_OFF.year, 1
    found = []
    for _ in range(rounds):
        found.append(date(year, 6, 30) if half else date(year, 12, 31))
        year, half = (year - 1, 0) if half else (year, 1)
    return tuple(reversed(found))


def calendar(rounds: int, refused: tuple[str, int] | None = None) -> tuple[Delivery, ...]:
    """All deliveries that count, in chain order; `refused` names a center and round whose first attempt is not accepted.

    The second attempt of a refused delivery is the one that is listed here: it bears the number 002 and replaces the first.
    """
    ends = cut_offs(rounds)
    found: list[Delivery] = []
    last: dict[str, str] = {}
    for round_, end in enumerate(ends):
        for offset, center in enumerate(CENTERS):
            created = datetime(end.year, end.month, end.day, 3, 11 + round_ % 40, tzinfo=UTC) + timedelta(days=2 + 2 * offset)
            again = refused == (center, round_)
            since = ends[round_ - 1] if round_ and center != "curie" else None
            replaced = delivery_id(center, created, 1) if again else None
            delivery = Delivery(center, round_, len(found), 2 if again else 1, last.get(center), replaced, since, end, created)
            last[center] = delivery.id
            found.append(delivery)
    return tuple(found)


def keys(seed: int, deliveries: tuple[Delivery, ...]) -> dict[str, list[dict[str, str]]]:
    """The register of delivery keys: each hospital changes its key in the middle, with a month of overlap."""
    middle = deliveries[len(deliveries) // 2].window_to
    return {
        center: [
            _key(center, 1, seed, date(2015, 1, 1), middle + timedelta(days=20)),
            _key(center, 2, seed, middle - timedelta(days=10), date(2040, 12, 31)),
        ]
        for center in CENTERS
    }


def _key(center: str, number: int, seed: int, start: date, end: date) -> dict[str, str]:
    value = hashlib.sha256(f"simulated delivery key {number} of {center}, seed {seed}".encode()).hexdigest()
    return {"key_id": f"{center}-delivery-{number}", "hmac_key_hex": value, "not_before": str(start), "not_after": str(end)}


def round_of(known: np.ndarray, rounds: int) -> np.ndarray:
    """The first delivery whose cut-off is not before the day a fact was written down; NEVER where there is none."""
    ends = np.array([day_number(end) for end in cut_offs(rounds)])
    place = np.searchsorted(ends, known, side="left")
    return np.where(place < rounds, place, NEVER).astype(np.int32)
