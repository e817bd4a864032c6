"""When each row of the simulated world is current: from the world itself, by the rules of state, not by reading any file.

A step is the place of a delivery among all deliveries of all hospitals. A row is current from the step at which the last of itself,
its patient and its strict parents has validly arrived, until one of them is deleted, and never while its person objects.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from jobs.simulate.calendar import CENTERS, NEVER
from jobs.simulate.people import Records
from jobs.simulate.rows import Rows

# How deep rows of one file may lie under each other.
LEVELS = 3
NOTHING = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def step_of(round_: np.ndarray, center: int) -> np.ndarray:
    return np.where(round_ < NEVER, round_ * len(CENTERS) + center, NEVER)


@dataclass(frozen=True)
class Hiding:
    """By record: from which step to which the person's rows are hidden, and the round in which the hospital sends them again."""

    since: np.ndarray
    until: np.ndarray
    again: np.ndarray
    scope: np.ndarray
    own: np.ndarray  # stated at this hospital, which may then stop sending

    def of(self, kind: np.ndarray, record: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For rows of the given kinds (0 person, 1 sample, 2 molecular): the steps between which they are hidden."""
        scope = self.scope[record]
        meant = (scope == "all") | ((scope == "samples") & (kind >= 1)) | ((scope == "genetics") & (kind == 2))
        return np.where(meant, self.since[record], NEVER), np.where(meant, self.until[record], NEVER)


def hiding(own: Records, rounds: int) -> Hiding:
    """An opposition hides the person where it is stated and, over a link, elsewhere; after the lift the other hospital must send again."""
    since, until = step_of(own.opposed, 0) + own.center, step_of(own.lifted, 0) + own.center
    since, until = np.where(own.opposed < NEVER, since, NEVER), np.where(own.lifted < NEVER, until, NEVER)
    again, scope, mine = own.lifted.copy(), own.scope.copy(), own.opposed < NEVER
    other = own.pair
    over = np.flatnonzero(own.linked & (other >= 0) & ~mine)
    over = over[mine[other[over]]]
    since[over], scope[over] = since[other[over]], own.scope[other[over]]
    lifted = until[other[over]]
    sends = np.where(lifted < NEVER, (lifted - own.center[over]) // len(CENTERS) + 1, NEVER)
    sends = np.where(sends < rounds, sends, NEVER)
    again[over], until[over] = sends, step_of(sends, 0) + np.where(sends < NEVER, own.center[over], 0)
    return Hiding(since, until, again, scope, mine)


@dataclass(frozen=True)
class Fate:
    """The rows of one feed as entities: when each is delivered, current, ended and hidden, all in steps."""

    entity: np.ndarray
    record: np.ndarray
    delivered: np.ndarray  # the first valid version
    since: np.ndarray  # and patient and strict parents too
    until: np.ndarray
    ended: np.ndarray  # deleted by itself
    strange_from: np.ndarray  # its patient, or that of the parent it takes its patient from, has not come
    strange_until: np.ndarray
    hidden_from: np.ndarray
    hidden_until: np.ndarray

    def current(self, step: int) -> np.ndarray:
        return (self.since <= step) & (step < self.until) & ~self.hidden(step)

    def hidden(self, step: int) -> np.ndarray:
        return (self.hidden_from <= step) & (step < self.hidden_until)

    def waiting(self, step: int) -> np.ndarray:
        return (self.delivered <= step) & (step < self.since) & (step < np.minimum(self.until, self.ended)) & ~self.hidden(step)

    def strange(self, step: int) -> np.ndarray:
        return (self.strange_from <= step) & (step < self.strange_until)


class Fates:
    """The fates of a hospital's feeds in a chunk, parents before children."""

    def __init__(self, center: int, own: Records, hidden: Hiding) -> None:
        self.center, self.own, self.hidden = center, own, hidden
        self.patient_since = np.full(len(own), NEVER)
        self._lives: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._strangers: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.found: dict[str, Fate] = {}

    def add(self, rows: Rows, sent_years: dict[int, list[int]] | None = None) -> Fate:
        """The fate of every entity of a feed. `sent_years` (of stays): the rounds in which the file of a year is sent."""
        frame = rows.frame
        by_entity = (
            frame.sort("_entity", "_round", "_order", maintain_order=True)
            .group_by("_entity", maintain_order=True)
            .agg(
                pl.col("_record").first(),
                pl.col("_lost").first(),
                pl.col("_round").filter(pl.col("_reason").is_null() & ~pl.col("_deleted")).min().alias("valid"),
                pl.col("_round")
                .filter(
                    pl.col("_deleted") | ((pl.col("_reason") == "NOT_VALIDATED") & (pl.col("_round") > pl.col("_round").first()))
                )
                .min()
                .alias("ended"),
                *[pl.col(column).first().alias(f"parent.{domain}") for domain, column in rows.parents.items()],
                *([pl.col("_omic").first()] if "_omic" in frame.columns else []),
                *([pl.col("_year").first()] if "_year" in frame.columns else []),
                *([pl.col("_inherits").first()] if "_inherits" in frame.columns else []),
            )
        )
        entity, record = by_entity["_entity"].to_numpy(), by_entity["_record"].to_numpy()
        delivered = self._steps(by_entity["valid"])
        ended = self._steps(by_entity["ended"])
        if rows.domain == "patient":
            ended = np.where(entity % 2 == 1, self._as_step(self.own.merged[record]), ended)
            known = delivered
            np.minimum.at(self.patient_since, record, delivered)
        else:
            known = np.where(by_entity["_lost"].to_numpy(), NEVER, self.patient_since[record])
        since, until = np.maximum(delivered, known), ended.copy()
        parents = {domain: by_entity[f"parent.{domain}"].to_numpy() for domain in rows.parents}
        for domain, parent in parents.items():
            since, until = self._under(domain, parent, since, until, entity if domain == rows.domain else None)
        inherits = (
            by_entity["_inherits"].to_numpy() if "_inherits" in by_entity.columns else np.full(len(entity), not rows.own_patient)
        )
        strange = self._strange(parents, delivered, known, inherits, entity, rows.domain)
        kind = self._kind(rows, by_entity)
        start, end = self.hidden.of(kind, record)
        if sent_years is not None:
            end = self._back_in_year(end, by_entity["_year"].to_numpy(), sent_years)
        fate = Fate(entity, record, delivered, since, until, ended, *strange, start, end)
        self._lives[rows.domain] = _spread(entity, since, until)
        self._strangers[rows.domain] = _spread(entity, *strange)
        self.found[rows.domain] = fate
        return fate

    def _as_step(self, round_: np.ndarray) -> np.ndarray:
        return np.where(round_ < NEVER, round_ * len(CENTERS) + self.center, NEVER)

    def _steps(self, rounds: pl.Series) -> np.ndarray:
        return self._as_step(rounds.fill_null(NEVER).to_numpy().astype(np.int64))

    def _under(
        self, domain: str, parent: np.ndarray, since: np.ndarray, until: np.ndarray, own: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Since and until with those of a strict parent; a parent in the same file is looked up until nothing changes."""
        for _ in range(1 if own is None else LEVELS):
            starts, ends = self._lives.get(domain, NOTHING) if own is None else _spread(own, since, until)
            since = np.maximum(since, _of_parent(starts, parent, none=0))
            until = np.minimum(until, _of_parent(ends, parent, none=NEVER))
        return since, until

    def _strange(
        self,
        parents: dict[str, np.ndarray],
        delivered: np.ndarray,
        known: np.ndarray,
        inherits: np.ndarray,
        entity: np.ndarray,
        domain: str,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The steps between which a row waits for a patient: its own, or for rows that inherit one, that of their first strict parent."""
        since, until = np.where(inherits, NEVER, delivered), known
        if not parents or not inherits.any():
            return since, until
        first, parent = next(iter(parents.items()))
        for _ in range(LEVELS if first == domain else 1):
            starts, ends = _spread(entity, since, until) if first == domain else self._strangers.get(first, NOTHING)
            since = np.where(inherits, np.maximum(delivered, _of_parent(starts, parent, none=NEVER)), since)
            until = np.where(inherits, _of_parent(ends, parent, none=NEVER), until)
        return since, until

    @staticmethod
    def _kind(rows: Rows, by_entity: pl.DataFrame) -> np.ndarray:
        if "_omic" in by_entity.columns:
            return np.where(by_entity["_omic"].to_numpy() == 1, 2, 0)
        return np.full(len(by_entity), {"person": 0, "sample": 1, "molecular": 2}[rows.scope])

    def _back_in_year(self, end: np.ndarray, year: np.ndarray, sent: dict[int, list[int]]) -> np.ndarray:
        """Stays come back only when the file of their year is next sent."""
        back = end.copy()
        for place in np.flatnonzero(end < NEVER):
            later = [r for r in sent.get(int(year[place]), []) if r * len(CENTERS) + self.center >= end[place]]
            back[place] = later[0] * len(CENTERS) + self.center if later else NEVER
        return back


def _spread(entity: np.ndarray, since: np.ndarray, until: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both by entity number; NEVER for numbers that no row has."""
    size = int(entity.max()) + 1 if len(entity) else 0
    starts, ends = np.full(size, NEVER), np.full(size, NEVER)
    starts[entity], ends[entity] = since, until
    return starts, ends


def _of_parent(values: np.ndarray, parent: np.ndarray, none: int) -> np.ndarray:
    """By row the value of its parent: NEVER for one that is never delivered, `none` where the row has no parent."""
    inside = (parent >= 0) & (parent < len(values))
    found = np.full(len(parent), NEVER)
    found[inside] = values[parent[inside]]
    return np.where(parent >= 0, found, none)
