"""Whether a table may leave: which of its cells tell too much, which more must be hidden with them, and the proof that this is enough."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from jobs.errors import GateFailed
from jobs.exports.intervals import open_cells
from jobs.exports.output import LEAST, Behind, Output, no_table

# Counts leave as multiples of this one: what one person more or less changes does not show in most of them.
BASE = 5
# A mean of few people, told to the last digit, is their sum.
DIGITS = 3
Cells = dict[str, set[int]]


@dataclass(frozen=True)
class Protected:
    """A table as it may leave, the counts behind what it shows, and how many cells of it are hidden."""

    rows: pl.DataFrame
    shown: tuple[int | None, ...]
    hidden: int
    # Rows of few people, which are not there.
    left_out: int = 0


def judge(output: Output, differenced: Iterable[int] = ()) -> list[str]:
    """Why a table may not leave as it is, each in a sentence; nothing where it may.

    `differenced` are the rows that a table which left before betrays.
    """
    if found := no_table(output):
        return found
    small = too_small(output)
    already = {name: {row for row, count in enumerate(_counts(output, name)) if count is None} for name in output.counts}
    found = [
        _sentence(name, len(rows - already.get(name, set()))) for name, rows in small.items() if rows - already.get(name, set())
    ]
    if betrayed := set(differenced) - small[output.people]:
        found.append(_betraying(output.people, len(betrayed)))
    for name, rows in already.items():
        bounds = _bounds(output, name, already[output.people])
        given_away = open_cells(output, _counts(output, name), bounds) if rows and not found else []
        if given_away:
            found.append(
                f"Expected hidden cells of {name} that stay hidden, found {len(given_away)} that the totals give away: hide more, or leave totals out."
            )
    return found


def _sentence(name: str, cells: int) -> str:
    return (
        f"Expected cells of {LEAST} people or more, found {cells} in {name} that tell of fewer, or of all but fewer: "
        "group wider, or say --suppress."
    )


def _betraying(name: str, cells: int) -> str:
    return (
        f"Expected cells that differ from those of an earlier export by {LEAST} people or more, or not at all, found {cells} in {name} "
        "that differ by fewer: export both in one table, grouped by what tells them apart, or say --suppress."
    )


def protect(output: Output, differenced: Iterable[int] = ()) -> Protected:
    """A table with all cells hidden that tell too much, and those by which these could be computed; GateFailed where that is not enough."""
    if found := no_table(output):
        raise GateFailed(" ".join(found))
    hidden = too_small(output, differenced)
    for name in output.counts:
        hidden[name] = _hidden_with(output, name, hidden)
        # A part of people who are not told is not told either.
        hidden[name] |= hidden[output.people]
        hidden[name] = _hidden_with(output, name, hidden)
    return _told(output, _with_measures(output, hidden))


def too_small(output: Output, differenced: Iterable[int] = ()) -> Cells:
    """By count or measure the rows in which it tells of fewer than `LEAST` people, or of all but fewer of a row."""
    people = _counts(output, output.people)
    few = {row for row, count in enumerate(people) if count is None or count < LEAST} | set(differenced)
    found = {output.people: few}
    for name in output.counts[1:]:
        found[name] = few | _few_of(_counts(output, name), people)
    for name in output.measures:
        found[name] = few | _few_behind(output, name).union(*(found[count] for count in output.shares.get(name, ())))
    return found


def _few_of(part: Sequence[int | None], people: Sequence[int | None]) -> set[int]:
    """The rows in which one count tells of fewer than `LEAST` people, or leaves out so few. One that is the other everywhere tells nothing more."""
    if list(part) == list(people):
        return set()
    return {
        row
        for row, (some, everybody) in enumerate(zip(part, people, strict=True))
        if some is None or some < LEAST or (everybody is not None and abs(everybody - some) < LEAST)
    }


def _few_behind(output: Output, name: str) -> set[int]:
    """The rows in which a measure is that of fewer than `LEAST` people, mostly of one of them, or the value of one near the least or the most."""
    if name in output.shares:
        return set()
    people = [count or 0 for count in _counts(output, output.people)]
    behind = output.behind.get(name, Behind(people, people))
    return {
        row
        for row, (value, some, rows) in enumerate(zip(output.rows[name].to_list(), behind.people, behind.rows, strict=True))
        if value is not None
        # Everybody has a row: who has as many as all others together has half of the mean.
        and (some < LEAST or rows > 2 * (some - 1) or some * behind.beyond < BASE or _is_few(float(value), some))
    }


def _is_few(share: float, people: int) -> bool:
    """True for a part of the people that is fewer than `LEAST`, or leaves out so few."""
    return 0 <= share <= 1 and min(share, 1 - share) * people < LEAST - 0.5


def _hidden_with(output: Output, name: str, too_much: Cells) -> set[int]:
    """The cells to hide of a count so that none of them can be computed: one more at a time, the smallest that helps, until that is proven."""
    counts, hidden, bounds = _counts(output, name), set(too_much[name]), _bounds(output, name, too_much[output.people])
    while betrayed := open_cells(output, [None if row in hidden else count for row, count in enumerate(counts)], bounds):
        more = _helpers(output, betrayed, hidden)
        if not more:
            raise GateFailed(
                f"Expected cells of {name} that can be hidden, found that the totals give them away whatever else is hidden: leave totals out, or group wider."
            )
        hidden.add(min(more, key=lambda row: (output.is_total(row), counts[row] or 0, row)))
    return hidden


def _bounds(output: Output, name: str, untold: set[int]) -> list[tuple[int, int | None]]:
    """By row the least and the most that everybody knows of a count: a part is none to all of the people of the row, where these are told."""
    counts, people = _counts(output, name), _counts(output, output.people)
    if name == output.people:
        # A row of a group has somebody in it, but for a count of some of them.
        return [(int(0 not in counts), None)] * len(counts)
    is_part = all(some is None or everybody is None or some <= everybody for some, everybody in zip(counts, people, strict=True))
    return [(0, everybody if is_part and row not in untold else None) for row, everybody in enumerate(people)]


def _helpers(output: Output, betrayed: Sequence[int], hidden: set[int]) -> set[int]:
    """The shown cells of the sums in which betrayed ones stand."""
    concerned = (each for each in output.sums if {each.total, *each.parts} & set(betrayed))
    return {row for each in concerned for row in (each.total, *each.parts)} - hidden


def _with_measures(output: Output, hidden: Cells) -> Cells:
    """No measure stands beside hidden people; and where one is hidden in a table with totals, none of the totals tells it."""
    totals = {row for row in range(output.rows.height) if output.is_total(row)}
    for name in output.measures:
        hidden[name] |= hidden[output.people].union(*(hidden[count] for count in output.shares.get(name, ())))
        hidden[name] |= totals if hidden[name] else set()
    return hidden


def _told(output: Output, hidden: Cells) -> Protected:
    columns = {
        name: [None if row in hidden.get(name, ()) else value for row, value in enumerate(output.rows[name].to_list())]
        for name in output.rows.columns
    }
    shown = tuple(columns[output.people])
    for name, (part, whole) in output.shares.items():
        columns[name] = list(map(_of_rounded, columns[name], columns[part], columns[whole]))
    for name in output.counts:
        columns[name] = [rounded(count) for count in columns[name]]
    for name in output.measures:
        columns[name] = [None if value is None else float(f"{float(value):.{DIGITS}g}") for value in columns[name]]
    schema = output.rows.schema | dict.fromkeys(output.measures, pl.Float64) | dict.fromkeys(output.counts, pl.Int64)
    return Protected(pl.DataFrame(columns, schema=schema), shown, sum(map(len, hidden.values())))


def rounded(count: int | None) -> int | None:
    """A count as it leaves: the nearest multiple of `BASE`, and never one below `LEAST`."""
    return None if count is None else max(BASE * -(-LEAST // BASE), BASE * round(count / BASE))


def _of_rounded(share: float | None, part: int | None, whole: int | None) -> float | None:
    """A share as the rounded counts make it: the exact one would tell the exact counts."""
    if share is None or not part or not whole:
        return None
    return float(share) * (rounded(part) or 0) / part * whole / (rounded(whole) or 1)


def _counts(output: Output, name: str) -> list[int | None]:
    found: list[int | None] = output.rows[name].to_list()
    return found
