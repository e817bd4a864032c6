"""How finely the quasi-identifiers of a release are told: one level a column for all patients, the best of all that keep k and l.

The search from the top (`jobs.privacy.anonymise.levels`) parts first what wins most, and then has nothing left for the columns that one
teaches with. These few levels can all be tried. Rare tumour groups are told as `other`, as many as it takes.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from jobs.privacy.anonymise import Bounds
from jobs.privacy.own_row import guessed
from jobs.teaching._cohort import UNKNOWN
from jobs.teaching._tables import declared

ALL, OTHER, WHOLE = "*", "other", "tumour group"
QUASI = ("sex", "age_band", "region", "dx_period", "tumor_group", "stage")
SENSITIVE = "outcome"
# How much a class needs of each: what one compares by tumour and stage comes first.
WEIGHTS = {"sex": 2.0, "age_band": 3.0, "region": 0.5, "dx_period": 1.5, "tumor_group": 4.0, "stage": 3.0}
# Without these there is nothing to compare: told at all before anything else is told more finely.
NEEDED, UNTOLD = ("tumor_group", "stage"), 100.0
AGES = ((65,), (50, 70), (50, 65, 75), (40, 50, 60, 70, 80), tuple(range(35, 95, 5)))
PERIODS = (5, 2, 1)
# The share of patients that may be left out because no class takes them, and what each per cent of it must win.
MOST_LEFT_OUT, PER_CENT = 0.02, 0.1
# What one's own row may give away of what is left to be guessed. The gate refuses at .05.
MOST = 0.045


@dataclass(frozen=True)
class Told:
    """The patients with their quasi-identifiers as told, those who could not be told left out, and what was decided."""

    rows: pl.DataFrame
    left_out: int
    levels: dict[str, str] = field(default_factory=dict)
    kept: dict[str, float] = field(default_factory=dict)
    folded: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Level:
    """One way to tell a column: its name, by patient the number of the label, the labels, and the share of information kept."""

    name: str
    codes: np.ndarray
    labels: list[str]
    kept: float


def quasi(edu_patient: pl.DataFrame, bounds: Bounds) -> Told:
    """The best way to tell who the patients are; ValueError where none keeps the bounds."""
    work = _Work(edu_patient, bounds)
    best = work.best()
    if best is None:
        raise ValueError(
            f"Expected classes of {bounds.k} patients with {bounds.diverse} outcomes, found no way to tell anything of {edu_patient.height} "
            "patients: lower k or l, or bring more patients."
        )
    return best


@dataclass
class _Work:
    rows: pl.DataFrame
    bounds: Bounds

    def __post_init__(self) -> None:
        self.outcome = _codes(self.rows[SENSITIVE])[0]
        self.kinds = int(self.outcome.max()) + 1 if self.rows.height else 1
        self.group, self.groups = _codes(self.rows["tumor_group"])
        self.cell, self.cells = _codes(self.rows.select(pl.concat_str("sex", "tumor_group", separator=" · ")).to_series())
        self.full = _information(self.group)
        # Men with breast cancer: too few to be told, and no reason not to tell of the women.
        self.few = np.bincount(self.cell) < self.bounds.k

    def levels(self) -> dict[str, list[_Level]]:
        """By column the ways to tell it, from not at all to finely."""
        rows = self.rows
        years = [_periods(rows["dx_year"], years) for years in PERIODS]
        regions = [_mapped("regions", "residence_dept", name) for name in ("widest", "wider", "region")]
        known = {
            "sex": [("sex", pl.col("sex"))],
            "age_band": [(f"{len(cuts) + 1} bands", ages(cuts)) for cuts in AGES],
            "region": list(zip(("Île-de-France or elsewhere", "groups of regions", "region"), regions, strict=True)),
            "dx_period": [(f"{n} years", each) for n, each in zip(PERIODS, years, strict=True)],
            "tumor_group": [("organ system", _mapped("tumor_groups", "tumor_group", "organ_system"))],
            "stage": [("early or advanced", _mapped("stages", "stage", "extent")), ("stage", pl.col("stage"))],
        }
        return {column: self._levels(column, ways) for column, ways in known.items()}

    def _levels(self, column: str, ways: Sequence[tuple[str, pl.Expr]]) -> list[_Level]:
        made = [(ALL, np.zeros(self.rows.height, dtype=np.int64), [ALL])]
        made += [(name, *_codes(self.rows.select(each.alias(column)).to_series())) for name, each in ways]
        if column == "tumor_group":
            made.append((WHOLE, self.group, self.groups))
        most = max(_information(codes) for _, codes, _ in made) or 1.0
        return [_Level(name, codes, labels, _information(codes) / most) for name, codes, labels in made]

    def best(self) -> Told | None:
        """Every combination of levels, the most promising first, until none can be better than the best so far."""
        of_column = self.levels()
        every = [
            (_worth({column: level.kept for column, level in zip(QUASI, each, strict=True)}), at, each)
            for at, each in enumerate(itertools.product(*(of_column[column] for column in QUASI)))
        ]
        best, score = None, -np.inf
        for promise, _, levels in sorted(every, key=lambda one: (-one[0], one[1])):
            if promise <= score:
                break
            found = self._tried(levels, score)
            if found is not None:
                score, best = found
        return best

    def _tried(self, levels: Sequence[_Level], least: float) -> tuple[float, Told] | None:
        """A combination with the rare groups folded as far as it needs; None where it does not keep the bounds, or is not better."""
        at = QUASI.index("tumor_group")
        others = _joint([each.codes for place, each in enumerate(levels) if place != at], self.rows.height)
        whole = levels[at].name == WHOLE
        folded = self.few[self.cell] if whole else np.zeros(self.rows.height, dtype=bool)
        while True:
            group = np.where(folded, len(self.groups), self.group) if whole else levels[at].codes
            classes = _joint([others, group], self.rows.height)
            failing = self._failing(classes)
            kept = {column: each.kept for column, each in zip(QUASI, levels, strict=True)}
            if whole:
                kept["tumor_group"] = _information(group) / (self.full or 1.0)
            share, worth = float(failing.mean()), _worth(kept)
            # Folding tells less and less: what is no better now will not be.
            if worth <= least:
                return None
            if share <= MOST_LEFT_OUT:
                if self._given_away(classes, ~failing) > MOST:
                    return None
                worth -= share * 100 * PER_CENT
                return (worth, self._told(levels, group if whole else None, failing, kept, folded)) if worth > least else None
            groups = self._to_fold(failing & ~folded, ~folded, int(np.ceil((share - MOST_LEFT_OUT) * self.rows.height)))
            if not whole or not groups.any():
                return None
            # The whole group, not the sex alone that is rare in it: who compares men and women would be misled.
            folded = folded | groups[self.group]

    def _to_fold(self, failing: np.ndarray, told: np.ndarray, needed: int) -> np.ndarray:
        """The groups to tell as other: the smallest with enough patients whose class fails, else those of whom the most fail."""
        sizes = np.bincount(self.group[told], minlength=len(self.groups))
        fail = np.bincount(self.group[failing], minlength=len(self.groups))
        if (fail >= needed).any():
            enough = np.flatnonzero(fail >= needed)
            return np.arange(len(sizes)) == enough[np.argmin(sizes[enough])]
        shares = fail / np.maximum(sizes, 1)
        return (shares > 0) & (shares >= min(shares.max(), 0.5))

    def _given_away(self, found: np.ndarray, told: np.ndarray) -> float:
        """How much of the outcome the own rows of those who are told give away."""
        return guessed(self.outcome[told], found[told], int(found.max()) + 1).risk()

    def _failing(self, found: np.ndarray) -> np.ndarray:
        """Whose class does not keep the bounds."""
        sizes = np.bincount(found)
        seen = np.bincount(found * self.kinds + self.outcome, minlength=len(sizes) * self.kinds).reshape(-1, self.kinds) > 0
        bad: np.ndarray = ((sizes < self.bounds.k) | (seen.sum(axis=1) < self.bounds.diverse))[found]
        return bad

    def _told(
        self, levels: Sequence[_Level], group: np.ndarray | None, failing: np.ndarray, kept: dict[str, float], folded: np.ndarray
    ) -> Told:
        columns = {
            column: pl.Series(each.labels, dtype=pl.String)[each.codes.astype(np.uint32)]
            for column, each in zip(QUASI, levels, strict=True)
        }
        if group is not None:
            columns["tumor_group"] = pl.Series([*self.groups, OTHER], dtype=pl.String)[group.astype(np.uint32)]
        rows = self.rows.select("patient_id", SENSITIVE).with_columns(**columns).select("patient_id", *QUASI, SENSITIVE)
        named = {column: each.name for column, each in zip(QUASI, levels, strict=True)}
        names = sorted({self.groups[group] for group in self.group[folded & ~self.few[self.cell]]})
        return Told(rows.filter(~pl.Series(failing)), int(failing.sum()), named, kept, names)


def _worth(kept: Mapping[str, float]) -> float:
    """What a class gains by the information kept of each column."""
    gained = sum(WEIGHTS[column] * each for column, each in kept.items())
    return gained - UNTOLD * sum(kept[column] == 0 for column in NEEDED)


def ages(cuts: Sequence[int]) -> pl.Expr:
    """Bands of age: `under 50`, `50–69`, `70+`."""
    labels = [f"under {cuts[0]}", *(f"{low}–{high - 1}" for low, high in itertools.pairwise(cuts)), f"{cuts[-1]}+"]
    place = sum(((pl.col("age") >= cut).cast(pl.Int64) for cut in cuts), pl.lit(0))
    return place.replace_strict(dict(enumerate(labels)), return_dtype=pl.String)


def _periods(years: pl.Series, length: int) -> pl.Expr:
    """Runs of years, counted back from the last one; what is left at the beginning, and the few years before, joins the first run."""
    last, first = int(years.max() or 0), int(years.quantile(0.02, "lower") or 0)  # type: ignore[arg-type]
    ends = list(range(last, first - 1, -length))
    if len(ends) > 1 and ends[-1] - first + 1 <= length // 2:
        ends.pop()
    labels = {}
    for year in range(int(years.min() or 0), last + 1):  # type: ignore[arg-type]
        end = next((end for end in reversed(ends) if year <= end), last)
        start = max(end - length + 1, first) if end != ends[-1] else first
        labels[year] = f"{end}" if start == end else f"{start}–{end}"
        if end == ends[-1] and int(years.min() or 0) < first:  # type: ignore[arg-type]
            labels[year] = f"until {end}"
    return pl.col("dx_year").replace_strict(labels, return_dtype=pl.String)


def _mapped(table: str, column: str, to: str) -> pl.Expr:
    """A column by the groups of a declared table; unknown where it has none."""
    rows = declared(table)
    known = dict(zip(rows[rows.columns[0]], rows[to], strict=True))
    return pl.col(column).replace_strict(known, default=UNKNOWN, return_dtype=pl.String)


def _codes(column: pl.Series) -> tuple[np.ndarray, list[str]]:
    labels, codes = np.unique(column.fill_null(UNKNOWN).to_numpy().astype(str), return_inverse=True)
    return codes.astype(np.int64), labels.tolist()


def _joint(columns: Iterable[np.ndarray], rows: int) -> np.ndarray:
    """The number of each row's combination."""
    found = np.zeros(rows, dtype=np.int64)
    for each in columns:
        _, found = np.unique(found * (int(each.max(initial=0)) + 1) + each, return_inverse=True)
    return found


def _information(codes: np.ndarray) -> float:
    """The bits that a column tells of a patient."""
    shares = np.bincount(codes) / max(len(codes), 1)
    shares = shares[shares > 0]
    return abs(float((shares * np.log2(shares)).sum()))
