"""Saved cohorts: defined in a file, found in one build of gold, kept in `gold.cohort`, told with how many each criterion left."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import pyarrow as pa

from jobs import builds
from jobs.cohorts import record
from jobs.cohorts.attrition import shown
from jobs.cohorts.definition import Definition
from jobs.cohorts.record import Saved, saved
from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.silver.engine import Engine

__all__ = ["Definition", "Saved", "drop", "found", "make", "members", "saved"]

EVERYBODY = "Patients to begin with"
# Asks gold as a build left it.
Ask = Callable[[str], pa.Table]


def found(ask: Ask, definition: Definition, build: int, by: str) -> tuple[Saved, pa.Table]:
    """A cohort as it would be saved, and its members; WrongUse where it has none."""
    left = sorted((row["step"], row["n"]) for row in ask(definition.counts).to_pylist())
    told = shown([count for _, count in left])
    words = (EVERYBODY, *(each.say for each in definition.criteria))
    who = ask(definition.members)
    if not who.num_rows:
        raise WrongUse(
            f"Expected members of {definition.name}, found none in build {build}: nothing was saved. {_where(words, left)}"
        )
    cohort = Saved(
        definition.name,
        definition.title,
        definition.purpose,
        by,
        datetime.now(UTC),
        build,
        definition.text,
        tuple(zip(words, told, strict=True)),
    )
    return cohort, who


def _where(words: tuple[str, ...], left: list[tuple[int, int]]) -> str:
    nobody = next(step for step, count in left if not count)
    return f"Nobody is left after: {words[nobody]}."


def make(settings: Settings, engine: Engine, definition: Definition, build: int | None, by: str, *, keep: bool = True) -> Saved:
    """Find a cohort in a build of gold, the newest where none is named, and save it; with `keep` false only tell what it would be.

    WrongUse where another definition bears its name, or the same one on another build: a cohort that a paper cites does not change.
    """
    lake = Lake.of(settings)
    at = builds.build(lake, _newest(lake) if build is None else build)
    cohort, who = found(lambda asking: engine.sql(asking, at.versions, "pscc cohort"), definition, at.number, by)
    if not keep:
        return cohort
    with closing(Ledger(settings, create=False)) as ledger:
        ledger.hold_to_key(Pseudonyms(settings.platform_key()).fingerprint())
        with ledger.hold("engine") as alone:
            _check_free(lake, cohort)
            engine.save_cohort(cohort.name, who.append_column("build", pa.array([at.number] * len(who))), alone.check)
            record.keep(lake, cohort)
    return cohort


def _newest(lake: Lake) -> int:
    """The newest build of what cohorts are found in: to save one is a build, too, and changes nothing for the next."""
    known = builds.recorded(lake)
    return int(known.filter(known["table"] != "cohort")["build"].max() or 0)  # type: ignore[arg-type]


def _check_free(lake: Lake, cohort: Saved) -> None:
    there = saved(lake).get(cohort.name)
    if there and (there.text, there.build) != (cohort.text, cohort.build):
        raise WrongUse(
            f"Expected a new name, found a cohort {cohort.name} by {there.by} on build {there.build}: name the file otherwise, or "
            f"`pscc cohort drop {cohort.name}` first."
        )


def named(lake: Lake, name: str) -> Saved:
    """A saved cohort by its name."""
    there = saved(lake)
    if name not in there:
        raise WrongUse(f"Expected the name of a cohort, found {name!r}: see `pscc cohort list`.")
    return there[name]


def members(lake: Lake, name: str) -> int | None:
    """How many members a cohort has by now, as it may be shown."""
    if not lake.exists("gold", "cohort"):
        return None
    rows = lake.frame("gold", "cohort", ["cohort_definition_id"])
    return shown([rows["cohort_definition_id"].to_list().count(name)])[0]


def drop(settings: Settings, engine: Engine, name: str, by: str) -> Saved:
    """Take a cohort out of gold; the record keeps that it was there."""
    lake = Lake.of(settings)
    cohort = named(lake, name)
    with closing(Ledger(settings, create=False)) as ledger:
        ledger.hold_to_key(Pseudonyms(settings.platform_key()).fingerprint())
        with ledger.hold("engine") as alone:
            engine.save_cohort(name, None, alone.check)
            record.forget(lake, cohort, by)
    return cohort
