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
        if sum(getattr(self, each.name) for each in fields(self)) > 0.9:
            raise ValueError("expected rates that add up to 0.9 at most: a record carries one defect")
        for each in fields(self):
            if not 0 <= getattr(self, each.name) <= 0.2:
                raise ValueError(f"expected a rate between 0 and 0.2 for {each.name}, found {getattr(self, each.name)}")

    @classmethod
    def parse(cls, text: str) -> "Dirt":
        """The usual rates but for those named, as in `missing=0.01,late=0`."""
        pairs = [each.partition("=") for each in text.split(",") if each]
        known = {each.name for each in fields(cls)}
        unknown = [name for name, _, _ in pairs if name.strip() not in known]
        if unknown:
            raise ValueError(f"expected kinds of dirt among {', '.join(sorted(known))}, found {', '.join(unknown)}")
        return cls(**{name.strip(): float(rate) for name, _, rate in pairs})

    @classmethod
    def none(cls) -> "Dirt":
        """Deliveries without a single defect."""
        return cls(**{each.name: 0.0 for each in fields(cls)})


@dataclass(frozen=True)
class Faults:
    """Things that go wrong with whole deliveries, for a demonstration."""

    refused: bool = False  # a file is damaged on its way; the hospital sends the delivery again under a new id
    late: bool = False  # a delivery arrives after its successor

    @classmethod
    def all(cls) -> "Faults":
        return cls(refused=True, late=True)


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
