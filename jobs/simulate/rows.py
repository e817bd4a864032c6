"""What a hospital would send of a chunk, feed by feed, before anything goes wrong."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.hospitals.feed import Feed
from jobs.simulate.calendar import CENTERS, NEVER, round_of
from jobs.simulate.clinic import Clinic
from jobs.simulate.molecular import Molecular
from jobs.simulate.people import Persons, Records
from jobs.simulate.tumours import NO_DAY

Scope = Literal["person", "molecular", "sample"]
# Numbers of a chunk stay apart from those of the next.
CHUNK_NUMBERS = 1_000_000
# Which entity a row is about, whose it is, and the round that first carries it.
IDENTITY = ("_entity", "_record", "_round")
# How many rows of a table of silver a row becomes.
NONE, ONE = pl.lit(0, pl.Int8), pl.lit(1, pl.Int8)


@dataclass(frozen=True)
class World:
    """A chunk of the simulated world as one hospital may see it."""

    chunk: int
    rounds: int
    persons: Persons
    records: Records
    clinic: Clinic
    molecular: Molecular
    news: np.ndarray  # by record and round
    dead: np.ndarray

    def seen(self, table: pl.DataFrame, center: str) -> pl.DataFrame:
        """The rows of a table that a hospital delivers at all, with `_entity` (place in the table), `_record` and `_round`."""
        here = self.records.center == CENTERS.index(center)
        rounds = np.maximum(round_of(table["known"].to_numpy(), self.rounds), self.records.first[table["record"].to_numpy()])
        return (
            table.with_columns(
                pl.Series("_entity", np.arange(len(table))),
                pl.col("record").alias("_record"),
                pl.Series("_round", rounds.astype(np.int32)),
            )
            .filter(pl.Series(here)[table["record"]] & (pl.col("_round") < NEVER))
            .drop("record", "known")
            # polars 2.1 can panic in pl.format where a few rows lie in many chunks (seen with 3 rows in 9).
            .rechunk()
        )

    def number(self, entity: str | pl.Expr, base: int = 1) -> pl.Expr:
        """A number for an entity of this chunk that no other chunk has."""
        column = pl.col(entity) if isinstance(entity, str) else entity
        return column.cast(pl.Int64) + base + self.chunk * CHUNK_NUMBERS


@dataclass(frozen=True)
class Rows:
    """The rows of one feed: its columns (the patient's aside), and `_entity`, `_record`, `_round` of the delivery that first carries them.

    Two rows of an entity are two versions. `parents` names the columns with the entity of each strict parent (-1: none);
    `counts` the silver tables filled, each with the column that says how many rows, or the column whose distinct values are counted.
    """

    feed: Feed
    frame: pl.DataFrame
    parents: dict[str, str] = field(default_factory=dict)
    counts: dict[str, str] = field(default_factory=dict)
    distinct: dict[str, str] = field(default_factory=dict)
    scope: Scope = "person"
    own_patient: bool = True
    may_be_dirty: bool = True

    @property
    def domain(self) -> str:
        return self.feed.domain


class Feeds:
    """How one hospital writes a chunk of the world; each has its own ids, dates and codes."""

    center: ClassVar[str]

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        """The rows of a table of the world that the hospital delivers."""
        return self.world.seen(table, self.center)

    def feed(self, domain: str) -> Feed:
        return hospitals()[self.center].feed(domain)

    def sent(
        self,
        domain: str,
        seen: pl.DataFrame,
        *columns: pl.Expr | pl.Series | str,
        parents: dict[str, str | pl.Expr] | None = None,
        counts: dict[str, str] | None = None,
        scope: Scope = "person",
        **named: str | pl.Expr,
    ) -> Rows:
        """A feed whose columns are worked out of `seen` row by row; `parents` says which column of `seen` is the entity of each parent."""
        above = {f"_{parent}": entity for parent, entity in (parents or {}).items()}
        frame = seen.select(*IDENTITY, *columns, **named, **above)
        return Rows(self.feed(domain), frame, {parent: f"_{parent}" for parent in parents or {}}, counts or {}, scope=scope)


def shifted(by: int) -> tuple[pl.Expr, str, str]:
    """IDENTITY with entities of a range of their own, for rows of another table in the same feed."""
    return pl.col("_entity") + by, "_record", "_round"


def either(condition: str | pl.Expr, yes: str, no: str) -> pl.Expr:
    """One text where a condition (or column) holds, another elsewhere."""
    return pl.when(condition).then(pl.lit(yes)).otherwise(pl.lit(no))


def date_of(column: str) -> pl.Expr:
    """The date of a day number."""
    return pl.col(column).cast(pl.Int32).cast(pl.Date)


def written(column: str, date_format: str) -> pl.Expr:
    """The date of a day number as text; null where the column says that there is none."""
    chosen = pl.when(pl.col(column) > NO_DAY).then(pl.col(column)).cast(pl.Int32).cast(pl.Date)
    return chosen.dt.strftime(date_format).alias(column)


def ended(rows: pl.DataFrame, when: str, late: tuple[str, ...], rounds: int) -> pl.DataFrame:
    """Two versions where the end of something is written down in a later round than its start; `late` is empty in the first."""
    closing = pl.Series("_closing", round_of(rows[when].to_numpy(), rounds).astype(np.int32))
    rows = rows.drop(when).with_columns(closing)
    opened = rows.with_columns(
        [pl.when(pl.col("_closing") > pl.col("_round")).then(None).otherwise(pl.col(name)).alias(name) for name in late]
    )
    closed = rows.filter((pl.col("_closing") > pl.col("_round")) & (pl.col("_closing") < NEVER)).with_columns(
        pl.col("_closing").alias("_round")
    )
    return pl.concat([opened, closed]).drop("_closing")


@dataclass(frozen=True)
class Sightings:
    """Every version of a hospital's patients: which record, in which round, under which pseudonym, and what is known then."""

    frame: pl.DataFrame

    @classmethod
    def of(cls, world: World, center: str, only_deaths: bool = False) -> "Sightings":
        """A version at the first delivery and whenever last news (or, `only_deaths`, the knowledge of the death) changed.

        A merged patient has two entities: under the old pseudonym (odd number) until the merge, under the kept one from when it is known.
        """
        own = world.records
        here = np.flatnonzero((own.center == CENTERS.index(center)) & (own.first < NEVER))
        record, round_ = np.repeat(here, world.rounds), np.tile(np.arange(world.rounds), len(here))
        news, dead = world.news[record, round_], world.dead[record, round_]
        before = np.maximum(round_ - 1, 0)
        changed = dead != world.dead[record, before]
        if not only_deaths:
            changed |= news != world.news[record, before]
        first, merged, kept = own.first[record], own.merged[record], own.kept_since[record]
        plain = (round_ == first) | ((round_ > first) & changed)
        single = merged == NEVER
        old = ~single & plain & (round_ < merged)
        current = (single & plain) | (~single & ((round_ == kept) | (round_ == merged) | (plain & (round_ > merged))))
        parts = [
            pl.DataFrame(
                {
                    "_entity": 2 * record[mask] + odd,
                    "_record": record[mask],
                    "_round": round_[mask],
                    "news": news[mask],
                    "dead": dead[mask],
                }
            )
            for mask, odd in ((current, 0), (old, 1))
        ]
        frame = pl.concat(parts).with_columns(
            pl.col("_round").cast(pl.Int32),
            pl.Series("birth", world.persons.birth)[_person(own, parts)],
            pl.Series("woman", world.persons.woman)[_person(own, parts)],
            pl.Series("death", world.persons.death)[_person(own, parts)],
        )
        pseudonym = pl.when(pl.col("_entity") % 2 == 1).then(pl.Series(own.old_pseudonym)[frame["_record"]])
        return cls(
            frame.with_columns(
                pseudonym.otherwise(pl.Series(own.pseudonym)[frame["_record"]]).alias("_pid"),
                # Two patients of one hospital with one token would be a conflict: the old pseudonym has none.
                pl.when(pl.col("_entity") % 2 == 0).then(pl.Series(own.token)[frame["_record"]]).alias("token"),
                pl.Series("lost", (own.hears < 1_000_000))[frame["_record"]],
            )
        )


def _person(own: Records, parts: list[pl.DataFrame]) -> pl.Series:
    return pl.Series(own.person[pl.concat(parts)["_record"].to_numpy()])
