"""Progress as a table of the lakehouse, held to its contract before it is written; and what an instructor looks at.

`python -m courses.checking.progress --courses DIR --release DIR --state DIR --to DIR` writes it.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

from courses.checking.attempts import Event
from courses.checking.course import Course
from courses.checking.errors import CheckingError
from courses.checking.service import Checking
from quality.contract import Column, Layer, Rule, Table

State = Literal["open", "trying", "stuck", "passed"]
STATES: tuple[State, ...] = ("open", "trying", "stuck", "passed")
STUCK_AFTER, STUCK_FOR = 3, timedelta(hours=1)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "long", meaning, nullable=False, between=(0, None), sensitivity="none")


def _time(name: str, meaning: str) -> Column:
    return Column(name, "timestamp", meaning, sensitivity="none")


def _pair(greater: str, lesser: str, why: str) -> Rule:
    return Rule(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        "critical",
        why,
        (("column_A", greater), ("column_B", lesser), ("or_equal", True)),
    )


TABLE = Table(
    layer=cast(Layer, "ops"),
    name="progress",
    grain="A trainee and an exercise that they have tried, in the version of the course of today, since the last fresh start.",
    key=("trainee", "exercise"),
    columns=(
        Column("trainee", "string", "The account's name. Who was forgotten has no row.", nullable=False, sensitivity="identifier"),
        Column("course", "string", "The course.", nullable=False, sensitivity="none"),
        Column("version", "string", "The version of the course that the row counts for.", nullable=False, sensitivity="none"),
        Column("lesson", "string", "The lesson.", nullable=False, sensitivity="none"),
        Column("exercise", "string", "`<course>.<lesson>.<name>`.", nullable=False, matches=r"^[a-z0-9-]+(\.[a-z0-9-]+){2}$", sensitivity="none"),
        Column("required", "boolean", "Whether the badge needs it.", nullable=False, sensitivity="none"),
        Column("state", "string", "open after a fresh start; stuck: three failures and no pass for an hour.", False, one_of=STATES, sensitivity="none"),
        _count("attempts", "Answers that were judged."),
        _count("failures", "Those that were wrong."),
        _count("hints", "Hints that were shown."),
        Column("passed", "boolean", "Whether a right answer came.", nullable=False, sensitivity="none"),
        _time("first_attempt_at", "The first answer."),
        _time("last_attempt_at", "The latest one."),
        _time("passed_at", "The first right one."),
        Column("release", "string", "The release that the latest answer was about.", nullable=False, sensitivity="none"),
    ),
    rules=(
        _pair("attempts", "failures", "A failure is an attempt."),
        _pair("last_attempt_at", "first_attempt_at", "Time runs one way."),
        _pair("passed_at", "first_attempt_at", "Nobody passes before trying."),
        Rule("ExpectColumnValuesToNotBeNull", "critical", "A pass has its moment.", (("column", "passed_at"),), when=(("state", "==", "passed"),)),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a trainee stands in an exercise: one row of the table."""

    trainee: str
    course: str
    version: str
    lesson: str
    exercise: str
    required: bool
    state: State
    attempts: int
    failures: int
    hints: int
    passed: bool
    first_attempt_at: datetime | None
    last_attempt_at: datetime | None
    passed_at: datetime | None
    release: str


def places(checking: Checking, now: datetime | None = None, course: str | None = None) -> list[Place]:
    """Every trainee's place in every exercise that they touched."""
    moment = now or datetime.now(UTC)
    touched: dict[tuple[str, str, str], list[Event]] = {}
    for event in checking.events(course=course):
        known = checking.courses.get(event.course)
        if known is None or event.version != known.version or event.exercise not in known.exercises:
            continue
        key = (event.user, event.course, event.exercise)
        if event.what == "reset":
            touched[key] = [event]
        elif event.what == "attempt":
            touched.setdefault(key, []).append(event)
    return [_place(checking.courses[slug], user, name, events, moment) for (user, slug, name), events in sorted(touched.items())]


def _place(course: Course, user: str, name: str, events: Sequence[Event], now: datetime) -> Place:
    tried = [event for event in events if event.what == "attempt"]
    times = [datetime.fromisoformat(event.at) for event in tried]
    failed = [time for time, event in zip(times, tried, strict=True) if event.passed is False]
    right = [time for time, event in zip(times, tried, strict=True) if event.passed]
    return Place(
        trainee=user, course=course.slug, version=course.version, lesson=name.partition(".")[0], exercise=f"{course.slug}.{name}",
        required=course.exercises[name].required, state=_state(tried, failed, right, now), attempts=len(tried), failures=len(failed),
        hints=max((event.hint for event in tried), default=0), passed=bool(right), first_attempt_at=min(times, default=None),
        last_attempt_at=max(times, default=None), passed_at=min(right, default=None), release=events[-1].release,
    )  # fmt: skip


def _state(tried: Sequence[Event], failed: Sequence[datetime], right: Sequence[datetime], now: datetime) -> State:
    if right:
        return "passed"
    if len(failed) >= STUCK_AFTER and now - min(failed) >= STUCK_FOR:
        return "stuck"
    return "trying" if tried else "open"


def heat_map(
    checking: Checking, course: str, trainees: Iterable[str], now: datetime | None = None
) -> dict[str, dict[str, State]]:
    """By trainee, the state of every exercise of a course, those included that nobody has tried."""
    known = {(place.trainee, place.exercise): place.state for place in places(checking, now, course)}
    exercises = [f"{course}.{name}" for name in checking.courses[course].exercises]
    return {trainee: {each: known.get((trainee, each), "open") for each in exercises} for trainee in trainees}


def stuck(checking: Checking, trainees: Iterable[str] | None = None, now: datetime | None = None) -> list[Place]:
    """Who needs a word: three failures or more and no pass for an hour, who has waited longest first."""
    wanted = None if trainees is None else set(trainees)
    found = [place for place in places(checking, now) if place.state == "stuck" and (wanted is None or place.trainee in wanted)]
    return sorted(found, key=lambda place: str(place.first_attempt_at))


def frame(rows: Sequence[Place]) -> Any:
    """The table as Arrow, in the types of its contract."""
    import pyarrow as pa

    types = {"string": pa.string(), "boolean": pa.bool_(), "long": pa.int64(), "timestamp": pa.timestamp("us", "UTC")}
    schema = pa.schema([pa.field(column.name, types[column.type], column.nullable) for column in TABLE.columns])
    return pa.Table.from_pylist([vars(row) for row in rows], schema=schema)


def publish(checking: Checking, to: Path, now: datetime | None = None) -> int:
    """Writes the table anew, if it keeps its contract; CheckingError names the rules that it breaks, and nothing is written.

    BrokenChain where the record it is made from was changed or cut.
    """
    from deltalake import write_deltalake

    checking.attempts.verify()
    checking.attempts.seal()
    rows = frame(places(checking, now))
    broken = breaches(rows)
    if broken:
        raise CheckingError(
            f"Expected progress to keep its contract, found that it does not: {'; '.join(broken)}. The table was left as it was."
        )
    write_deltalake(to, rows, mode="overwrite", description=TABLE.grain)
    return int(rows.num_rows)


def breaches(rows: Any) -> list[str]:
    """What Great Expectations finds wrong with the rows."""
    from quality.evaluate import columns, evaluate, for_pandas

    results = evaluate(TABLE, for_pandas(rows.select(columns(TABLE))), "pandas", {})
    return [result.sentence for result in results if result.severity == "critical" and not result.passed]


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the table of one academy."""
    parser = argparse.ArgumentParser(prog="python -m courses.checking.progress", description="Writes progress as a Delta table.")
    for name in ("--courses", "--release", "--state", "--to"):
        parser.add_argument(name, type=Path, required=True)
    asked = parser.parse_args(arguments)
    checking = Checking(asked.courses, asked.release, asked.state)
    try:
        print(f"{publish(checking, asked.to)} rows of progress.")
    finally:
        checking.close()


if __name__ == "__main__":
    main()
