"""The two-event view: whatever two facts about a patient somebody knows, at least k patients of a release share both.

A k-anonymous table of patients protects nobody whose operation and relapse can be looked up by their days. So of every fact beside the
quasi-identifiers no more is told than k patients share with any other fact that is told of them. Nothing is told at first; then one fact
after the other is told, as coarsely as it can be, and facts that are told are told more finely, where every two stay shared. Who knows
the exact facts finds at least the k patients of whom the same is told. What was measured stands in docs/release.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

NOT_TOLD = 0


@dataclass(frozen=True)
class Fact:
    """A kind of fact as it stands in a written table: `kind` are the columns that say what it is about, `tells` those that say it.

    A row in which one of the latter is empty tells nothing, nor does one in which the `silent` value stands.
    """

    table: str
    tells: tuple[str, ...]
    kind: tuple[str, ...] = ()
    silent: str | None = None


@dataclass
class Telling:
    """What is told of `people` persons, numbered from 0, so that any two facts told of one are told of `k`.

    `now` has the number of the value that is told, by person and fact; 0 where nothing is.
    """

    people: int
    k: int
    now: np.ndarray = field(init=False)
    names: list[str] = field(default_factory=lambda: [""])
    facts: dict[str, "_Path"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = np.zeros((self.people, 0), dtype=np.int32)

    def add(self, name: str, persons: Iterable[int], values: Iterable[Sequence[str]]) -> None:
        """A fact that some persons have, and what may be told of it, by person from coarse to fine. Nothing of it is told yet."""
        paths = [tuple(tuple(each[: at + 1]) for at in range(len(each))) for each in values]
        known = {value: len(self.names) + at for at, value in enumerate(sorted({value for path in paths for value in path}))}
        self.names += [value[-1] for value in sorted(known)]
        steps = np.zeros((self.people, max(map(len, paths), default=0)), dtype=np.int32)
        for person, path in zip(persons, paths, strict=True):
            steps[person, : len(path)] = [known[value] for value in path]
        self.facts[name] = _Path(self.now.shape[1], steps)
        self.now = np.column_stack([self.now, np.zeros(self.people, dtype=np.int32)])

    def refine(self, name: str, step: int | None = None, losing: float = 0.0) -> None:
        """Tell the next step of a fact (the `step`th only, or every one) of whom the steps before are told, as far as any two stay shared.

        Where a few stand in the way, up to a share of `losing` of those who were told alike, nothing is told of them any more.
        """
        path = self.facts[name]
        for at in range(path.steps.shape[1]) if step is None else [step - 1]:
            if at >= path.steps.shape[1]:
                return
            so_far = path.steps[:, at - 1] if at else np.zeros(self.people, dtype=np.int32)
            ready = (self.now[:, path.column] == so_far) & (path.steps[:, at] != NOT_TOLD)
            finer = np.where(ready, path.steps[:, at], NOT_TOLD)
            for parent in np.unique(so_far[ready]):
                if parent == NOT_TOLD or not self._part(path.column, parent, finer, losing):
                    self._move(path.column, np.where(so_far == parent, finer, NOT_TOLD))

    def _part(self, column: int, parent: int, finer: np.ndarray, losing: float) -> bool:
        """Tell all of whom a value is told their next one, but for a few who lose it; False where these would be too many."""
        alike = np.flatnonzero(self.now[:, column] == parent)
        parts = [(value, self._sharing(column, np.flatnonzero(finer == value))) for value in np.unique(finer[alike])]
        parts = [(value, persons) for value, persons in parts if value != NOT_TOLD]
        if len(alike) - sum(len(persons) for _, persons in parts) > losing * len(alike):
            return False
        self.now[alike, column] = NOT_TOLD
        for value, persons in parts:
            self.now[persons, column] = value
        return True

    def _sharing(self, column: int, persons: np.ndarray) -> np.ndarray:
        """Those of some persons who could be told a value of their own: k of them share every other fact that is told of one."""
        while len(persons) >= self.k:
            theirs = np.delete(self.now[persons], column, axis=1)
            staying = self._few(theirs)[theirs].any(axis=1)
            if not staying.any():
                return persons
            persons = persons[~staying]
        return persons[:0]

    def _move(self, column: int, finer: np.ndarray) -> None:
        """Tell as many as may be their next value, one value after the other, the most frequent first."""
        values, counts = np.unique(finer[finer != NOT_TOLD], return_counts=True)
        for value in values[np.argsort(-counts, kind="stable")]:
            self._tell(column, np.flatnonzero(finer == value), value)

    def _tell(self, column: int, moving: np.ndarray, value: int) -> None:
        """Tell a value of as many of these persons as may be. Who stays behind keeps what was told so far, which must stay shared too."""
        so_far = self.now[moving[0], column]
        all_behind = np.flatnonzero(self.now[:, column] == so_far) if so_far != NOT_TOLD else np.empty(0, dtype=np.int64)
        while len(moving := self._sharing(column, moving)):
            behind = np.setdiff1d(all_behind, moving, assume_unique=True)
            if 0 < len(behind) < self.k:
                return
            theirs = np.delete(self.now[moving], column, axis=1)
            staying = self._few(np.delete(self.now[behind], column, axis=1))[theirs].any(axis=1)
            if not staying.any():
                self.now[moving, column] = value
                return
            moving = moving[~staying]

    def _few(self, told: np.ndarray) -> np.ndarray:
        """By value: whether some of those persons share it, but fewer than k."""
        shared = np.bincount(told.ravel(), minlength=len(self.names))
        few: np.ndarray = (shared > 0) & (shared < self.k)
        few[NOT_TOLD] = False
        return few

    def told(self, name: str) -> list[str | None]:
        """By person: what is told of a fact; None where nothing is."""
        return [self.names[value] if value else None for value in self.now[:, self.facts[name].column].tolist()]


@dataclass(frozen=True)
class _Path:
    """The column of a fact, and by person the numbers of its values from coarse to fine."""

    column: int
    steps: np.ndarray


def fewest(tables: Mapping[str, pl.LazyFrame], facts: Iterable[Fact], person: str = "patient_no") -> tuple[int, int]:
    """By SQL on written tables: the fewest persons who share two facts that are told of one of them, and who share one; 0 without facts."""
    context = pl.SQLContext(dict(tables))
    told = pl.concat([context.execute(_query(each, person), eager=True) for each in facts]).unique()
    counted = pl.SQLContext(told=told)
    pairs = counted.execute(
        "SELECT count(*) AS n FROM told AS one JOIN (SELECT person AS other_person, fact AS other FROM told) AS two "
        "ON one.person = two.other_person WHERE fact < other GROUP BY fact, other ORDER BY n LIMIT 1",
        eager=True,
    )
    alone = counted.execute("SELECT count(*) AS n FROM told GROUP BY fact ORDER BY n LIMIT 1", eager=True)
    least_of_one = alone.item() if alone.height else 0
    return (pairs.item() if pairs.height else least_of_one), least_of_one


def _query(fact: Fact, person: str) -> str:
    """SQL that lists the persons of whom a fact is told, with its kind and its values in one text."""
    parts = [f"'{fact.table}.{'.'.join(fact.tells)}'", *(f"CAST({name} AS VARCHAR)" for name in (*fact.kind, *fact.tells))]
    filled = [f"{name} IS NOT NULL" for name in fact.tells]
    spoken = [f"{name} <> '{fact.silent}'" for name in fact.tells if fact.silent]
    return (
        f"SELECT CAST({person} AS BIGINT) AS person, CONCAT_WS('|', {', '.join(parts)}) AS fact FROM {fact.table} "
        f"WHERE {' AND '.join(filled + spoken)}"
    )
