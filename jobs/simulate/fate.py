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
    patient_known: np.ndarray
    hidden_from: np.ndarray
    hidden_until: np.ndarray

    def current(self, step: int) -> np.ndarray:
        return (self.since <= step) & (step < self.until) & ~self.hidden(step)

    def hidden(self, step: int) -> np.ndarray:
        return (self.hidden_from <= step) & (step < self.hidden_until)

    def waiting(self, step: int) -> np.ndarray:
        return (self.delivered <= step) & (step < self.since) & (step < np.minimum(self.until, self.ended)) & ~self.hidden(step)


class Fates:
    """The fates of a hospital's feeds in a chunk, parents before children."""

    def __init__(self, center: int, own: Records, hidden: Hiding) -> None:
        self.center, self.own, self.hidden = center, own, hidden
        self.patient_since = np.full(len(own), NEVER)
        self._by_domain: dict[str, tuple[np.ndarray, np.ndarray]] = {}
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
        for domain in rows.parents:
            since, until = self._under(
                domain, by_entity[f"parent.{domain}"].to_numpy(), since, until, entity if domain == rows.domain else None, rows
            )
        kind = self._kind(rows, by_entity)
        start, end = self.hidden.of(kind, record)
        if sent_years is not None:
            end = self._back_in_year(end, by_entity["_year"].to_numpy(), sent_years)
        told = known if rows.own_patient else np.zeros(len(entity), dtype=np.int64)
        if "_inherits" in by_entity.columns:
            told = np.where(by_entity["_inherits"].to_numpy(), 0, told)
        fate = Fate(entity, record, delivered, since, until, ended, told, start, end)
        self._remember(rows.domain, fate)
        self.found[rows.domain] = fate
        return fate

    def _as_step(self, round_: np.ndarray) -> np.ndarray:
        return np.where(round_ < NEVER, round_ * len(CENTERS) + self.center, NEVER)

    def _steps(self, rounds: pl.Series) -> np.ndarray:
        return self._as_step(rounds.fill_null(NEVER).to_numpy().astype(np.int64))

    def _remember(self, domain: str, fate: Fate) -> None:
        size = int(fate.entity.max()) + 1 if len(fate.entity) else 0
        since, until = np.full(size, NEVER), np.full(size, NEVER)
        since[fate.entity], until[fate.entity] = fate.since, fate.until
        self._by_domain[domain] = since, until

    def _under(
        self, domain: str, parent: np.ndarray, since: np.ndarray, until: np.ndarray, own: np.ndarray | None, rows: Rows
    ) -> tuple[np.ndarray, np.ndarray]:
        """Since and until with those of a strict parent; a parent in the same file is looked up until nothing changes."""
        for _ in range(1 if own is None else 3):
            if own is None:
                starts, ends = self._by_domain.get(domain, (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)))
            else:
                size = int(own.max()) + 1 if len(own) else 0
                starts, ends = np.full(size, NEVER), np.full(size, NEVER)
                starts[own], ends[own] = since, until
            has = parent >= 0
            inside = has & (parent < len(starts))
            place = np.where(inside, parent, 0)
            above = np.where(inside, starts[place] if len(starts) else NEVER, np.where(has, NEVER, 0))
            below = np.where(inside, ends[place] if len(ends) else NEVER, NEVER)
            since, until = np.maximum(since, above), np.minimum(until, below)
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
