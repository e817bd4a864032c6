"""What a release is held to: every figure with its bound, counted on what was written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl

from jobs.landing import identifiers
from jobs.privacy.anonymise import Bounds
from jobs.privacy.events import fewest
from jobs.teaching._quasi import MOST_LEFT_OUT, QUASI, SENSITIVE
from jobs.teaching._told import FACTS
from quality import gate
from quality.contracts import contracts

ATTACKS = "jobs.privacy.attacks"
# What a figure begins with that says how many are alone in class and a fact.
ALONE = "share alone in class"
NOT_EXAMINED = "attacks examined"


@dataclass(frozen=True)
class Figure:
    """A number and the bound it has to keep. `advice` says what to loosen where it does not."""

    name: str
    value: float
    bound: str
    kept: bool
    advice: str
    # False for what is told beside, and stops no release.
    decides: bool = True

    @property
    def stops(self) -> bool:
        return self.decides and not self.kept

    @property
    def sentence(self) -> str:
        return f"{self.name} is {self.value:g}, and has to be {self.bound}: {self.advice}"


# The released tables; what is true of their patients, a row each; the same of others; and how true rows are told in the words of the release.
Examine = Callable[..., list[Any]]
Telling = Callable[[pl.DataFrame], pl.DataFrame]


def examiner() -> Examine | None:
    """The attacks on a release, None where they are not installed."""
    if find_spec(ATTACKS) is None:
        return None
    found: Examine = import_module(f"{ATTACKS}.gate").examine
    return found


def counted(folder: Path, bounds: Bounds, left_out: float) -> list[Figure]:
    """Classes, two facts known together, expectations and identifiers in the tables that were written to a folder."""
    tables = {name: pl.scan_delta(str(folder / name)) for name in contracts("teaching")}
    smallest, fewest_kinds = classes(tables["edu_patient"])
    together, alone = fewest(tables, FACTS)
    more = "lower --k, or take a larger --size"
    return [
        _at_least("patients in the smallest class", smallest, bounds.k, more),
        _at_least("outcomes in the least varied class", fewest_kinds, bounds.diverse, "lower --l, or take a larger --size"),
        _at_least("patients who share two facts, fewest", together, bounds.k, more),
        _at_least("patients who share a fact, fewest", alone, bounds.k, more),
        *alone_in_class(tables),
        _at_most("share of patients left out", left_out, MOST_LEFT_OUT, more),
        _at_most("broken rules of the contracts", broken(folder), 0, "see ops.quality_result, and correct the table or its rule"),
        _at_most("values that look like an identifier", identified(tables), 0, "correct the table that lets them through"),
    ]


def classes(edu_patient: pl.LazyFrame) -> tuple[int, int]:
    """By SQL: the patients in the smallest class, and the different outcomes in the least varied one."""
    told = ", ".join(QUASI)
    query = f"SELECT min(n), min(kinds) FROM (SELECT count(*) AS n, count(DISTINCT {SENSITIVE}) AS kinds FROM edu_patient GROUP BY {told})"
    smallest, kinds = pl.SQLContext(edu_patient=edu_patient).execute(query, eager=True).row(0)
    return smallest or 0, kinds or 0


def alone_in_class(tables: Mapping[str, pl.LazyFrame]) -> list[Figure]:
    """By SQL, told beside: of those of whom it is told, the share who are alone in their class with the end of follow-up, or with an event's day.

    k holds of the class, and of any two facts, not of the class with a fact: a true table of survival would be empty. So nothing is
    bounded here, and who approves has to know it.
    """
    return [
        _beside(
            name,
            _alone(tables, table, facts),
            f"Who knows the class of somebody (all quasi-identifiers) and {known}, as the release tells it in bins, finds the row of so many, and "
            "reads the rest of it. k, l and two shared facts do not promise otherwise, and no bound is set: it is why a release goes to enrolled "
            "trainees under rules.",
        )
        for name, table, facts, known in (
            (f"{ALONE} + end of follow-up", "edu_survival", ("days", "event"), "the end of their follow-up"),
            (f"{ALONE} + one event day", "edu_event", ("kind", "day"), "the day of one event of theirs"),
        )
    ]


def _alone(tables: Mapping[str, pl.LazyFrame], table: str, facts: Sequence[str]) -> float:
    told = ", ".join((*QUASI, *facts))
    query = (
        "SELECT count(DISTINCT CASE WHEN alike = 1 THEN patient_no END) AS alone, count(DISTINCT patient_no) AS told FROM ("
        f"SELECT patient_no, count(*) OVER (PARTITION BY {told}) AS alike FROM (SELECT {table}.patient_no, {told} FROM {table} "
        f"JOIN edu_patient ON {table}.patient_no = edu_patient.patient_no) AS facts) AS counted"
    )
    alone, of = pl.SQLContext(dict(tables)).execute(query, eager=True).row(0)
    return round(alone / of, 5) if of else 0.0


def broken(folder: Path) -> int:
    """How many critical rules the written tables break."""
    known = contracts("teaching")
    verdicts = gate.check_pass(
        known.values(), str(folder.parent.parent), {each.address: str(folder / name) for name, each in known.items()}
    )
    return sum(len(each.failures) or not each.passed for each in verdicts)


def identified(tables: Mapping[str, pl.LazyFrame]) -> int:
    """How many different texts hold what could identify somebody, as landing searches for it, or what stands for a person in the lake."""
    found = 0
    for frame in tables.values():
        rows = frame.collect()
        for column in rows.select(pl.selectors.string()).iter_columns():
            values = column.drop_nulls().unique()
            found += len(identifiers.found_in(values, is_code=False)) + int(values.str.contains(r"\b[0-9a-f]{32}").sum())
        found += len(identifiers.named_like_one(rows.columns))
    return found


def attacked(
    examine: Examine | None, released: dict[str, pl.DataFrame], raw: pl.DataFrame, control: pl.DataFrame, telling: Telling
) -> list[Figure]:
    """What attacks found. Where none are installed nobody can say, and the release cannot be approved."""
    if examine is None:
        # It is made all the same, to be looked at: approval asks whether it was examined.
        advice = f"Install {ATTACKS} and make the release again: it cannot be approved as it is."
        return [Figure(NOT_EXAMINED, 0, "1", kept=False, advice=advice, decides=False)]
    found = examine(released, raw, control, telling=telling)
    told = [
        Figure(each.name, float(each.value), str(each.bound), bool(each.kept), each.advice, getattr(each, "decides", True))
        for each in found
    ]
    return [*told, Figure(NOT_EXAMINED, 1, "1", True, "")]


def _at_least(name: str, value: float, bound: float, advice: str) -> Figure:
    return Figure(name, value, f"at least {bound:g}", value >= bound, advice)


def _beside(name: str, value: float, advice: str) -> Figure:
    """A share that is told and not bounded."""
    return Figure(name, value, "at most 1", True, advice, decides=False)


def _at_most(name: str, value: float, bound: float, advice: str) -> Figure:
    return Figure(name, value, f"at most {bound:g}", value <= bound, advice)
