"""Tables that left before: a cell that counts almost the same people as then tells of those few by whom the two differ."""

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.exports.output import LEAST, Output

# Two tables are about the same people where so many of their cells count almost as many.
ALIKE = 0.8


@dataclass(frozen=True)
class Left:
    """What left: the columns of gold by which it was grouped, and the counts of people behind what it shows, by what each row is about."""

    export: int
    groups: tuple[str, ...]
    people: dict[tuple[str, ...], int]


def differenced(output: Output, earlier: Iterable[Left]) -> set[int]:
    """The rows that count a few people more or fewer than the same row of a table, about the same people, that left before.

    Of tables with one row nothing is said: two numbers alone may be near each other by chance. Rounding protects those.
    """
    found: set[int] = set()
    for left in earlier:
        if set(left.groups) & set(output.about):
            found |= _betrayed(output, left)
    return found


def _betrayed(output: Output, left: Left) -> set[int]:
    people = output.rows[output.people].to_list()
    changes = {row: abs(people[row] - before) for row, before in _same(output, left).items() if people[row] is not None}
    few = {row for row, change in changes.items() if change < LEAST}
    if len(changes) < 2 or len(few) < ALIKE * len(changes):
        return set()
    return {row for row in few if changes[row]}


def _same(output: Output, left: Left) -> dict[int, int]:
    """How many people the same row had then. Where no row has its name any more, the largest is the largest of then, and so on."""
    known = {row: left.people[key] for row, key in enumerate(map(written, output.keys)) if key in left.people}
    if known or len(left.people) != output.rows.height:
        return known
    people = output.rows[output.people].to_list()
    by_size = sorted(range(len(people)), key=lambda row: -(people[row] or 0))
    return dict(zip(by_size, sorted(left.people.values(), reverse=True), strict=True))


def written(key: tuple[object, ...]) -> tuple[str, ...]:
    """What a row is about, as it is kept."""
    return tuple("" if value is None else str(value) for value in key)
