"""Canonical JSON of an answer: what a notebook sends and what the service compares.

It runs in the trainee's kernel too, so it imports nothing heavy by itself and holds no secret.

    number  {"kind": "number", "value": 0.5}                  nan, inf and -inf as text
    text    {"kind": "text", "value": "M"}                    truth values and dates as text
    set     {"kind": "set", "values": [1, 2]}                 of a list, an array, a series: distinct, sorted
    table   {"kind": "table", "columns": [["sex", "text"], ["n", "integer"]], "rows": [["F", 12], ["M", 13]]}
    figure  {"kind": "figure", "axes": [{"x_label": "…", "y_label": "…", "series": [{"mark": "line", "x": […], "y": […]}]}]}
            a step also says "where" it happens if that is not at its own x: "pre" or "mid"
    code    {"kind": "code", "name": "f", "source": "def f(): …"}
    nothing {"kind": "nothing"}
"""

import inspect
import json
import math
import textwrap
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from numbers import Real
from typing import Any

from courses.checking.errors import NotAnAnswer
from courses.checking.exercise import Figure, Series

Canonical = dict[str, Any]
Scalar = None | bool | int | float | str
MAX_ROWS = 20_000
MAX_COLUMNS = 200
# Each that is expected is compared with each that is drawn.
MAX_SERIES = 50
MAX_SOURCE = 20_000
MAX_BYTES = 4_000_000
DIGITS = 10
# Larger whole numbers are told as floats: not every float can be compared with them.
LARGEST = 2**64
POST = "post"
# Where matplotlib's drawing styles put a step: at its own x, at the x before it, or half-way.
STEPS = {"steps": "pre", "steps-pre": "pre", "steps-mid": "mid", "steps-post": POST}
TYPES = ("boolean", "integer", "number", "text", "date", "timestamp", "list", "nothing")


def canonical(value: Any) -> Canonical:
    """The canonical form of any value that an exercise may ask for. NotAnAnswer for the others."""
    if value is None:
        return {"kind": "nothing"}
    # First: a frame of Spark answers to every name that it is asked for.
    if _is_frame(value):
        # What Spark gave: a kernel that holds it needs no polars besides, which takes 20 MiB and a fifth of a second.
        return _arrow(value) if type(value).__module__.partition(".")[0] == "pyarrow" else _table(_polars(value))
    if isinstance(value, str | bool | Real | Decimal | date) or (hasattr(value, "item") and getattr(value, "ndim", 1) == 0):
        return _scalar_answer(value)
    if isinstance(value, Mapping):
        return _table(_polars(_mapping(value)))
    if inspect.isfunction(value):
        return _code(value)
    if isinstance(value, Figure):
        return _not_overdrawn(_declared_figure(value))
    if type(value).__module__.partition(".")[0] in ("matplotlib", "seaborn"):
        return _not_overdrawn({"kind": "figure", "axes": [_axes(each) for each in _all_axes(value)]})
    if isinstance(value, Iterable):
        return _many(value)
    raise NotAnAnswer(
        f"Expected a number, a text, a list, a table, a function or a figure, found {type(value).__name__}: pass one of these to check()."
    )


def dumps(value: Canonical) -> str:
    """The one spelling of a canonical value, as digests need it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _scalar_answer(value: Any) -> Canonical:
    plain = scalar(value)
    if plain is None:
        return {"kind": "number", "value": "nan"} if isinstance(value, Real | Decimal) else {"kind": "nothing"}
    if isinstance(plain, bool):
        return {"kind": "text", "value": str(plain).lower()}
    is_number = isinstance(plain, int | float) or isinstance(value, Real | Decimal)
    return {"kind": "number" if is_number else "text", "value": plain}


def scalar(value: Any) -> Scalar:
    """One cell: None, truth, number, text; not-a-number counts as missing, infinity and dates are texts."""
    if hasattr(value, "item") and not isinstance(value, str | bool | int | float):
        value = value.item()
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if _is_whole(value):
        return int(value)
    if isinstance(value, Real | Decimal):
        return _rounded(_float(value))
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    raise NotAnAnswer(
        f"Expected a number, a text, a date or nothing in each place, found {type(value).__name__}: turn it into one of these."
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and abs(value) <= LARGEST


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _rounded(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    # A zero has no sign here.
    return float(f"{value:.{DIGITS}g}") + 0.0


def _many(values: Iterable[Any]) -> Canonical:
    found = []
    for each in values:
        found.append(each)
        if len(found) > MAX_ROWS:
            raise _too_large()
    if found and all(isinstance(each, Mapping) for each in found):
        return _table(_polars(_records(found)))
    distinct = {json.dumps(plain): plain for plain in map(_element, found)}
    return {"kind": "set", "values": [distinct[key] for key in sorted(distinct)]}


def _element(value: Any) -> Any:
    """An element of a set: one cell, or a pair or more of them."""
    if hasattr(value, "asDict"):
        value = tuple(value)
    if isinstance(value, tuple | list):
        plain = [scalar(each) for each in value]
        return plain if len(plain) != 1 else plain[0]
    if isinstance(value, set | frozenset):
        return sorted((scalar(each) for each in value), key=json.dumps)
    return scalar(value)


def _is_frame(value: Any) -> bool:
    """A table of polars, pandas, Spark (classic or Connect) or Arrow, told by its module: none of them is imported here."""
    root = type(value).__module__.partition(".")[0]
    return root in ("polars", "pandas", "pyspark", "pyarrow") and type(value).__name__ in ("DataFrame", "LazyFrame", "Table")


def _mapping(value: Mapping[Any, Any]) -> dict[str, list[Any]]:
    """Columns by name where the values are lists; else a row a key."""
    if value and all(isinstance(each, list | tuple) or _is_series(each) for each in value.values()):
        return {str(name): list(each) for name, each in value.items()}
    return {"key": [scalar(each) for each in value], "value": [scalar(each) for each in value.values()]}


def _is_series(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("polars", "pandas", "numpy") and getattr(value, "ndim", 1) == 1


def _records(found: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(str(name) for each in found for name in each)
    return {name: [each.get(name) for each in found] for name in names}


def _polars(value: Any) -> Any:
    import polars as pl

    root = type(value).__module__.partition(".")[0]
    if root == "pyspark":
        value = value.limit(MAX_ROWS + 1).toArrow()
    elif root == "pandas":
        value = value.reset_index() if any(name is not None for name in value.index.names) else value
        return pl.from_pandas(value)
    elif type(value).__name__ == "LazyFrame":
        return value.head(MAX_ROWS + 1).collect()
    if isinstance(value, dict):
        return pl.DataFrame(value, strict=False)
    return value if isinstance(value, pl.DataFrame) else pl.from_arrow(value)


def _table(frame: Any) -> Canonical:
    if frame.height > MAX_ROWS or frame.width > MAX_COLUMNS:
        raise _too_large()
    rows = sorted(([_cell(each) for each in row] for row in frame.iter_rows()), key=json.dumps)
    return {"kind": "table", "columns": [[name, _type(dtype)] for name, dtype in frame.schema.items()], "rows": rows}


def _arrow(table: Any) -> Canonical:
    """A table of Arrow, just as `_table` takes it from polars."""
    if table.num_rows > MAX_ROWS or table.num_columns > MAX_COLUMNS:
        raise _too_large()
    columns = [column.to_pylist() for column in table.columns]
    rows = sorted(([_cell(each) for each in row] for row in zip(*columns, strict=True)), key=json.dumps)
    return {"kind": "table", "columns": [[field.name, _arrow_type(field.type)] for field in table.schema], "rows": rows}


def _arrow_type(kind: Any) -> str:
    from pyarrow import types

    known = {
        "integer": (types.is_integer,),
        "number": (types.is_floating, types.is_decimal),
        "boolean": (types.is_boolean,),
        "date": (types.is_date,),
        "timestamp": (types.is_timestamp,),
        "list": (types.is_list, types.is_large_list, types.is_fixed_size_list),
        "nothing": (types.is_null,),
    }
    return next((name for name, tests in known.items() if any(each(kind) for each in tests)), "text")


def _cell(value: Any) -> Any:
    return [scalar(each) for each in value] if isinstance(value, list) else scalar(value)


def _type(dtype: Any) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    known = {"Boolean": "boolean", "Date": "date", "Datetime": "timestamp", "List": "list", "Array": "list", "Null": "nothing"}
    return known.get(str(dtype.base_type().__name__), "text")


def _code(function: Any) -> Canonical:
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise NotAnAnswer(
            f"Expected a function written in a cell, found no source of {function.__name__}: define it with def in this notebook."
        ) from None
    if len(source) > MAX_SOURCE:
        raise _too_large()
    return {"kind": "code", "name": function.__name__, "source": source}


def _declared_figure(figure: Figure) -> Canonical:
    label = "given" if figure.labelled else ""
    return {
        "kind": "figure",
        "axes": [{"x_label": label, "y_label": label, "series": [_series(e.mark, e.x, e.y) for e in figure.series]}],
    }


def _all_axes(value: Any) -> list[Any]:
    """The axes of a figure, or of what has one."""
    if hasattr(value, "get_axes"):
        return list(value.get_axes())
    if hasattr(value, "get_lines") and hasattr(value, "patches"):
        return [value]
    figure = getattr(value, "figure", None)
    if figure is None:
        raise NotAnAnswer(f"Expected a figure or its axes, found {type(value).__name__}: pass what plt.subplots() gave.")
    return list(figure.get_axes())


def _axes(axes: Any) -> Canonical:
    lines = [_line(each) for each in axes.get_lines()]
    points = [_points(each) for each in axes.collections if type(each).__name__ == "PathCollection"]
    return {"x_label": axes.get_xlabel(), "y_label": axes.get_ylabel(), "series": [*lines, *points, *_bars(axes)]}


def _line(line: Any) -> Canonical:
    where = STEPS.get(line.get_drawstyle())
    drawn = _series("step" if where else "line", line.get_xdata(), line.get_ydata())
    return drawn if where in (None, POST) else drawn | {"where": where}


def _points(collection: Any) -> Canonical:
    places = collection.get_offsets()
    return _series("points", [each[0] for each in places], [each[1] for each in places])


def _bars(axes: Any) -> list[Canonical]:
    return [_bars_of(container, axes) for container in axes.containers if type(container).__name__ == "BarContainer"]


def _bars_of(container: Any, axes: Any) -> Canonical:
    """A bar's place is its label on the axis where it has one, else the middle of its foot; lying bars read like standing ones."""
    lying = getattr(container, "orientation", "vertical") == "horizontal"
    middle = [
        each.get_y() + each.get_height() / 2 if lying else each.get_x() + each.get_width() / 2 for each in container.patches
    ]
    axis = axes.yaxis if lying else axes.xaxis
    named = {
        round(float(tick), 6): label.get_text() for tick, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
    }
    is_category = type(axis.get_major_locator()).__name__ in ("StrCategoryLocator", "FixedLocator")
    places = [named.get(round(float(each), 6), each) if is_category else each for each in middle]
    return _series("bars", places, [each.get_width() if lying else each.get_height() for each in container.patches])


def _series(mark: str, x: Iterable[Any], y: Iterable[Any]) -> Canonical:
    found = {"mark": mark, "x": [scalar(each) for each in x], "y": [scalar(each) for each in y]}
    if len(found["x"]) > MAX_ROWS:
        raise _too_large()
    return found


def _too_large() -> NotAnAnswer:
    return NotAnAnswer(
        f"Expected an answer of at most {MAX_ROWS} rows and {MAX_COLUMNS} columns, found more: aggregate first, the question asks for less."
    )


def _not_overdrawn(figure: Canonical) -> Canonical:
    drawn = [len(series["x"]) for axes in figure["axes"] for series in axes["series"]]
    if len(drawn) > MAX_SERIES or sum(drawn) > MAX_ROWS:
        raise NotAnAnswer(
            f"Expected a figure of at most {MAX_SERIES} lines and {MAX_ROWS} points in all, found more: draw on new axes what the question asks for."
        )
    return figure


def admit(value: Any) -> Canonical:
    """A canonical value that came over the wire, held to its form; NotAnAnswer where it is something else, or too large."""
    try:
        if len(dumps(value)) > MAX_BYTES or not _is_canonical(value):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, IndexError):
        raise NotAnAnswer(
            "Expected an answer in canonical JSON, found something else: send it with check() of the kit."
        ) from None
    return _not_overdrawn(dict(value)) if value["kind"] == "figure" else dict(value)


def is_json_value(value: Any) -> bool:
    """Whether it is what `json_value` gives of something."""
    try:
        return _is_json_value(value)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def _is_json_value(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_json_value, value))
    if not isinstance(value, dict):
        return _is_cell(value)
    if "table" in value:
        return _is_table(value["table"]["columns"], value["table"]["rows"])
    return all(_is_cell(key) and _is_json_value(each) for key, each in value["mapping"])


def _is_canonical(value: Canonical) -> bool:
    kind = value["kind"]
    if kind == "number":
        return _is_number(value["value"]) or value["value"] in ("nan", "inf", "-inf")
    if kind == "text":
        return isinstance(value["value"], str)
    if kind == "set":
        return isinstance(value["values"], list) and len(value["values"]) <= MAX_ROWS and all(map(_is_cell, value["values"]))
    if kind == "table":
        return _is_table(value["columns"], value["rows"])
    if kind == "figure":
        return all(map(_is_series_of_figure, (each for axes in value["axes"] for each in axes["series"])))
    if kind == "code":
        return isinstance(value["source"], str) and str(value["name"]).isidentifier() and len(value["source"]) <= MAX_SOURCE
    return bool(kind == "nothing")


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and _is_whole(value))


def _is_cell(value: Any) -> bool:
    return (
        value is None
        or type(value) in (bool, str)
        or _is_number(value)
        or (isinstance(value, list) and all(not isinstance(each, list) and _is_cell(each) for each in value))
    )


def _is_table(columns: list[list[str]], rows: list[list[Any]]) -> bool:
    named = all(isinstance(name, str) and kind in TYPES for name, kind in columns)
    once = len({name for name, _ in columns}) == len(columns) <= MAX_COLUMNS
    return named and once and len(rows) <= MAX_ROWS and all(_is_row(row, len(columns)) for row in rows)


def _is_row(row: list[Any], columns: int) -> bool:
    return isinstance(row, list) and len(row) == columns and all(map(_is_cell, row))


def _is_series_of_figure(series: Canonical) -> bool:
    x, y = series["x"], series["y"]
    known = series["mark"] in ("line", "step", "points", "bars") and series.get("where", POST) in STEPS.values()
    return known and len(x) == len(y) <= MAX_ROWS and all(map(_is_cell, [*x, *y]))


def thaw(value: Canonical) -> Any:
    """The answer as Python reads it, for who looks for known mistakes: a number, a text, a set, a polars frame, a Figure, a source."""
    kind = value["kind"]
    if kind == "number":
        return float(value["value"]) if isinstance(value["value"], str) else value["value"]
    if kind == "text":
        return value["value"]
    if kind == "set":
        return {tuple(each) if isinstance(each, list) else each for each in value["values"]}
    if kind == "table":
        return _thawed_table(value)
    if kind == "figure":
        return _thawed_figure(value)
    return value.get("source")


def _thawed_table(value: Canonical) -> Any:
    import polars as pl

    types = {
        "boolean": pl.Boolean,
        "integer": pl.Int64,
        "number": pl.Float64,
        "text": pl.String,
        "date": pl.String,
        "timestamp": pl.String,
    }
    columns = [
        pl.Series(name, [row[place] for row in value["rows"]], types.get(kind), strict=False)
        for place, (name, kind) in enumerate(value["columns"])
    ]
    dates = [pl.col(name).str.to_date(strict=False) for name, kind in value["columns"] if kind == "date"]
    return pl.DataFrame(columns).with_columns(dates)


def _thawed_figure(value: Canonical) -> Any:
    series = [Series(each["mark"], tuple(each["x"]), tuple(each["y"])) for axes in value["axes"] for each in axes["series"]]
    labelled = all(axes.get("x_label") and axes.get("y_label") for axes in value["axes"])
    return Figure(tuple(series), labelled)


def json_value(value: Any) -> Any:
    """What a function took or gave, as JSON: lists keep their order, a set is sorted, a frame is a canonical table."""
    if _is_frame(value):
        return {"table": _table(_polars(value))}
    if isinstance(value, Mapping):
        pairs = [[scalar(key), json_value(each)] for key, each in value.items()]
        return {"mapping": sorted(pairs, key=lambda pair: json.dumps(pair[0]))}
    if isinstance(value, set | frozenset):
        return sorted((json_value(each) for each in value), key=json.dumps)
    if isinstance(value, list | tuple) or _is_series(value):
        return [json_value(each) for each in value]
    return scalar(value)


def thaw_json(value: Any) -> Any:
    """What `json_value` took."""
    if isinstance(value, dict):
        return _thawed_table(value["table"]) if "table" in value else {key: thaw_json(each) for key, each in value["mapping"]}
    return [thaw_json(each) for each in value] if isinstance(value, list) else value
