"""What a simulation can be asked for, and what it hands back."""

from dataclasses import dataclass, field, fields
from pathlib import Path


@dataclass(frozen=True)
class Dirt:
    """Rates of defects, each a share of the new records that can carry it.

    The first group refuses a row (its reason of the row checks in brackets), the second leaves the row and repairs or empties a value,
    the third moves a row away from its patient or parent.
    """

    missing: float = 0.002  # REQUIRED_MISSING
    unreadable: float = 0.001  # TYPE_INVALID
    bad_code: float = 0.001  # CODE_INVALID
    out_of_range: float = 0.001  # RANGE_INVALID
    impossible_date: float = 0.002  # DATE_IMPOSSIBLE
    duplicate: float = 0.001  # DUPLICATE_KEY
    provisional: float = 0.02  # NOT_VALIDATED, validated later
    cancelled: float = 0.005  # NOT_VALIDATED, ends a valid result
    unknown_code: float = 0.002
    unreadable_optional: float = 0.001
    double_encoded: float = 0.002
    typing_error: float = 0.002
    sentinel: float = 0.005
    orphan: float = 0.001  # the patient is never delivered
    late: float = 0.005  # a patient or parent comes one delivery after its children
    deleted: float = 0.003
    corrected: float = 0.01  # a second version of a good row

    def __post_init__(self) -> None:
        rates = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, rate in rates.items():
            if not 0 <= rate <= 0.2:
                raise ValueError(f"expected a rate between 0 and 0.2 for {name}, found {rate}")
        # A record carries one defect.
        if (together := sum(rates.values())) > 0.9:
            raise ValueError(f"expected the rates of the {len(rates)} kinds to add up to 0.9 at most, found {together:.2f}")

    @classmethod
    def parse(cls, text: str) -> "Dirt":
        """A number is the rate of every kind; `missing=0.01,late=0` are the usual rates but for those named. ValueError for others."""
        if "=" not in text:
            return cls.every(_rate(text))
        pairs = [each.partition("=") for each in text.split(",") if each.strip()]
        known = {each.name for each in fields(cls)}
        unknown = [name for name, _, _ in pairs if name.strip() not in known]
        if unknown:
            raise ValueError(f"expected kinds of dirt among {', '.join(sorted(known))}, found {', '.join(unknown)}")
        return cls(**{name.strip(): _rate(rate) for name, _, rate in pairs})

    @classmethod
    def every(cls, rate: float) -> "Dirt":
        """All kinds at one rate."""
        return cls(**{each.name: rate for each in fields(cls)})

    @classmethod
    def none(cls) -> "Dirt":
        """Deliveries without a single defect."""
        return cls.every(0.0)


def _rate(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a rate of dirt like 0.01, found {text.strip()!r}") from None


@dataclass(frozen=True)
class Faults:
    """Things that go wrong with whole deliveries, for a demonstration."""

    refused: bool = False  # a file is damaged on its way; the hospital sends the delivery again under a new id
    late: bool = False  # a delivery arrives after its successor

    @classmethod
    def all(cls) -> "Faults":
        return cls(refused=True, late=True)

    @classmethod
    def parse(cls, text: str) -> "Faults":
        """`all`, `none`, or kinds as in `refused,late`; ValueError for others."""
        named = {each.strip() for each in text.split(",")} - {"", "none"}
        known = {each.name for each in fields(cls)}
        if named == {"all"}:
            return cls.all()
        if unknown := named - known:
            raise ValueError(f"expected faults among {', '.join(sorted(known))}, all or none, found {', '.join(sorted(unknown))}")
        return cls(**dict.fromkeys(named, True))


@dataclass(frozen=True)
class Answer:
    """What was simulated: where it lies and what must come out of it at the end."""

    root: Path
    patients: int
    deliveries: tuple[str, ...]  # in order of arrival
    refused: tuple[str, ...]
    silver_rows: dict[str, dict[str, int]]  # center: table: current rows after the last delivery
    set_aside: int
    dirt: dict[str, tuple[int, int]] = field(default_factory=dict)  # kind: (records that could carry it, records that do)

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def keys(self) -> Path:
        return self.root / "keys.json"
