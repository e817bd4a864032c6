"""Whether an answer is right, and what differs where it is not. What differs is said in kinds, names and counts, never by the right value."""

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from courses.checking import words
from courses.checking.canonical import POST, Canonical
from courses.checking.exercise import Language

NUMERIC = ("integer", "number")
# Through which points a step goes from one of its points to the next.
TURNS: dict[str, Callable[[float, float, float, float], list[tuple[float, float]]]] = {
    POST: lambda x, y, to_x, to_y: [(to_x, y)],
    "pre": lambda x, y, to_x, to_y: [(x, to_y)],
    "mid": lambda x, y, to_x, to_y: [((x + to_x) / 2, y), ((x + to_x) / 2, to_y)],
}
AS_ASKED = {"mark": "step", "where": POST}


@dataclass(frozen=True)
class Difference:
    """One thing that differs: a sentence of `words` and what fills its blanks."""

    code: str
    blanks: dict[str, Any] = field(default_factory=dict)

    def say(self, language: Language) -> str:
        return words.say(self.code, language, **self.blanks)


def differences(expected: Canonical, given: Canonical, tolerance: float) -> list[Difference]:
    """What differs; nothing when the answer is right."""
    given = _as_asked(expected["kind"], given)
    if given["kind"] == "nothing":
        return [Difference("nothing", {"expected": expected["kind"]})]
    if given["kind"] != expected["kind"]:
        return [Difference("kind", {"expected": expected["kind"], "given": given["kind"]})]
    return COMPARED[expected["kind"]](expected, given, tolerance)


def _as_asked(kind: str, given: Canonical) -> Canonical:
    """A table of one cell is a number or a text where one is asked for, a table of one column a list."""
    if given["kind"] != "table" or len(given["columns"]) != 1:
        return given
    values = [row[0] for row in given["rows"]]
    if kind == "set":
        return {"kind": "set", "values": values}
    if len(values) == 1 and kind == "number" and type(values[0]) in (int, float):
        return {"kind": "number", "value": values[0]}
    return {"kind": "text", "value": values[0]} if len(values) == 1 and kind == "text" and isinstance(values[0], str) else given


def _number(expected: Canonical, given: Canonical, tolerance: float) -> list[Difference]:
    if isinstance(given["value"], str) and not isinstance(expected["value"], str):
        return [Difference("not_a_number")]
    return [] if near(expected["value"], given["value"], tolerance) else [Difference("number")]


def near(expected: Any, given: Any, tolerance: float) -> bool:
    """Equal, or numbers that differ by no more than the tolerance. True and 1 are not equal."""
    if _is_number(expected) and _is_number(given):
        return bool(abs(expected - given) <= max(tolerance, 1e-9 * abs(expected)))
    return bool(type(expected) is type(given) and expected == given)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _text(expected: Canonical, given: Canonical, tolerance: float) -> list[Difference]:
    return [] if plain(expected["value"]) == plain(given["value"]) else [Difference("text")]


def plain(text: str) -> str:
    """A text without what does not matter: case, spaces around and repeated, the kind of dash and of apostrophe."""
    for dash in "–—‑−":
        text = text.replace(dash, "-")
    return " ".join(text.replace("’", "'").casefold().split())


def _set(expected: Canonical, given: Canonical, tolerance: float) -> list[Difference]:
    missing, extra = unmatched([[each] for each in expected["values"]], [[each] for each in given["values"]], [0], tolerance)
    found = []
    if missing:
        found.append(Difference("set_missing", {"missing": missing}))
    if extra:
        found.append(Difference("set_extra", {"extra": extra}))
    return found


def _table(expected: Canonical, given: Canonical, tolerance: float) -> list[Difference]:
    wanted, held = dict(map(tuple, expected["columns"])), dict(map(tuple, given["columns"]))
    if wanted.keys() != held.keys():
        return _columns(wanted, held)
    wrong = [name for name in wanted if not _same_type(wanted[name], held[name])]
    if wrong:
        return [Difference("column_type", {"name": name, "wanted": wanted[name], "held": held[name]}) for name in wrong]
    order = [list(held).index(name) for name in wanted]
    return _rows(expected, [[row[place] for place in order] for row in given["rows"]], tolerance)


def _columns(wanted: dict[str, str], held: dict[str, str]) -> list[Difference]:
    missing, extra = [n for n in wanted if n not in held], [n for n in held if n not in wanted]
    found = [Difference("columns")]
    if missing:
        found.append(Difference("columns_missing", {"names": ", ".join(missing)}))
    if extra:
        found.append(Difference("columns_extra", {"names": ", ".join(extra[:10])}))
    return found


def _same_type(wanted: str, held: str) -> bool:
    """Counts are numbers whatever their width, and a column without any value may be of any type."""
    return wanted == held or (wanted in NUMERIC and held in NUMERIC) or "nothing" in (wanted, held)


def _rows(expected: Canonical, rows: list[list[Any]], tolerance: float) -> list[Difference]:
    columns = range(len(expected["columns"]))
    missing, extra = unmatched(expected["rows"], rows, columns, tolerance)
    if not missing and not extra:
        return []
    if missing == extra:
        names = _columns_to_blame(expected, rows, tolerance)
        if names:
            return [Difference("values", {"names": ", ".join(names)})]
    found = [Difference("rows_missing", {"missing": missing})] if missing else []
    return found + ([Difference("rows_extra", {"extra": extra})] if extra else [])


def _columns_to_blame(expected: Canonical, rows: list[list[Any]], tolerance: float) -> list[str]:
    """The columns of numbers without which the rows are the same: their values differ."""
    numbers = [place for place, (_, kind) in enumerate(expected["columns"]) if kind in NUMERIC]
    keys = [place for place in range(len(expected["columns"])) if place not in numbers]
    if not keys or not numbers or unmatched(expected["rows"], rows, keys, tolerance) != (0, 0):
        return []
    alone = [place for place in numbers if unmatched(expected["rows"], rows, [*keys, place], tolerance) != (0, 0)]
    return [expected["columns"][place][0] for place in alone]


def unmatched(expected: list[list[Any]], given: list[list[Any]], columns: Any, tolerance: float) -> tuple[int, int]:
    """How many expected rows have no partner, and how many given ones. Numbers may differ by the tolerance, so no rounding edge can fail."""
    left, right = _grouped(expected, columns), _grouped(given, columns)
    missing = extra = 0
    for key in left.keys() | right.keys():
        matched = _matched(left.get(key, []), right.get(key, []), tolerance)
        missing += len(left.get(key, [])) - matched
        extra += len(right.get(key, [])) - matched
    return missing, extra


def _grouped(rows: list[list[Any]], columns: Any) -> dict[Any, list[tuple[float, ...]]]:
    """The numbers of the rows, by everything in them that is not a number. A text counts as it does in an answer of one text."""
    groups: dict[Any, list[tuple[float, ...]]] = {}
    for row in rows:
        cells = [row[place] for place in columns]
        key = tuple("#" if _is_number(cell) else (type(cell).__name__, plain(str(cell))) for cell in cells)
        groups.setdefault(key, []).append(tuple(cell for cell in cells if _is_number(cell)))
    return groups


def _matched(left: list[tuple[float, ...]], right: list[tuple[float, ...]], tolerance: float) -> int:
    """How many of the one find a partner among the other: the equal ones first, then the near ones in rising order."""
    both = Counter(left) & Counter(right)
    matched = sum(both.values())
    ours, theirs = sorted((Counter(left) - both).elements()), sorted((Counter(right) - both).elements())
    for numbers in ours:
        start = bisect.bisect_left(theirs, (numbers[0] - max(tolerance, 1e-9 * abs(numbers[0])),)) if numbers else 0
        for place in range(start, len(theirs)):
            if numbers and theirs[place][0] > numbers[0] + max(tolerance, 1e-9 * abs(numbers[0])):
                break
            if all(near(a, b, tolerance) for a, b in zip(numbers, theirs[place], strict=True)):
                theirs.pop(place)
                matched += 1
                break
    return matched


def _figure(expected: Canonical, given: Canonical, tolerance: float) -> list[Difference]:
    wanted = [each for axes in expected["axes"] for each in axes["series"]]
    drawn = [each for axes in given["axes"] for each in axes["series"]]
    found = [difference for series in wanted for difference in _series(series, drawn, tolerance)]
    must_be_labelled = all(axes.get("x_label") for axes in expected["axes"])
    if (
        not found
        and must_be_labelled
        and not all(axes.get("x_label") and axes.get("y_label") for axes in given["axes"] if axes["series"])
    ):
        return [Difference("axis_label")]
    return found[:1]


def _series(wanted: Canonical, drawn: list[Canonical], tolerance: float) -> list[Difference]:
    # A staircase may be drawn as a line with corners.
    marks = ("step", "line") if wanted["mark"] in ("step", "line") else (wanted["mark"],)
    candidates = [each for each in drawn if each["mark"] in marks]
    if not candidates:
        return [Difference("no_series", {"mark": wanted["mark"]})]
    if any(_follows(wanted, each, tolerance) for each in candidates):
        return []
    if wanted["mark"] == "step" and any(_same_staircase(wanted, {**each, **AS_ASKED}, tolerance) for each in candidates):
        return [Difference("corners")]
    return [Difference("series", {"mark": wanted["mark"]})]


def _follows(wanted: Canonical, drawn: Canonical, tolerance: float) -> bool:
    if wanted["mark"] == "step":
        return _same_staircase(wanted, drawn, tolerance)
    ours = [[x, y] for x, y in zip(wanted["x"], wanted["y"], strict=True)]
    theirs = [[x, y] for x, y in zip(drawn["x"], drawn["y"], strict=True)]
    return unmatched(ours, theirs, [0, 1], tolerance) == (0, 0)


def _same_staircase(wanted: Canonical, drawn: Canonical, tolerance: float) -> bool:
    """The drawn line lies flat at the expected height from every step to the next; what is drawn before the first is free."""
    if not wanted["x"] or not all(map(_is_number, [*drawn["x"], *drawn["y"]])):
        return False
    steps, corners = sorted(zip(wanted["x"], wanted["y"], strict=True)), _corners(drawn)
    if any(here > there for (here, _), (there, _) in itertools.pairwise(corners)):
        return False
    first, last, close = steps[0][0], steps[-1][0], max(tolerance, 1e-6)
    places = sorted({x for x, _ in steps} | {x for x, _ in corners if first < x < last})
    # Who draws the corners by hand may have set them apart by a hair.
    runs = [(a, b) for a, b in itertools.pairwise(places) if b - a > 1e-6 * (last - first)]
    ends = [(_height(steps, a), height) for a, b in runs for height in (_after(corners, a), _before(corners, b))]
    return all(near(ours, theirs, close) for ours, theirs in [*ends, (steps[-1][1], _after(corners, last))])


def _corners(drawn: Canonical) -> list[tuple[float, float]]:
    """The points through which the pen goes, from left to right."""
    points = list(zip(drawn["x"], drawn["y"], strict=True))
    if drawn["mark"] != "step":
        return points
    turn, path = TURNS[drawn.get("where", POST)], points[:1]
    for (x, y), (to_x, to_y) in itertools.pairwise(points):
        path += [*turn(x, y, to_x, to_y), (to_x, to_y)]
    return path


def _after(corners: list[tuple[float, float]], x: float) -> float:
    """The height just right of a place; the last one drawn lasts."""
    return _between(corners, bisect.bisect_right(corners, (x, math.inf)), x)


def _before(corners: list[tuple[float, float]], x: float) -> float:
    """The height just left of a place."""
    return _between(corners, bisect.bisect_left(corners, (x, -math.inf)), x)


def _between(corners: list[tuple[float, float]], place: int, x: float) -> float:
    """The height at a place on the way to the corner of that number."""
    if place == 0:
        return math.nan
    if place == len(corners):
        return corners[-1][1]
    (left, low), (right, high) = corners[place - 1], corners[place]
    return low + (high - low) * (x - left) / (right - left)


def _height(steps: list[tuple[float, float]], x: float) -> float:
    place = bisect.bisect_right(steps, (x, math.inf)) - 1
    return steps[place][1] if place >= 0 else math.nan


COMPARED = {"number": _number, "text": _text, "set": _set, "table": _table, "figure": _figure}
