"""What a person sees in the terminal: verdicts, status, rows."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rich.cells import cell_len
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jobs.exports.text import harmless
from jobs.page import cut
from jobs.returns import Report
from jobs.status import Status

if TYPE_CHECKING:
    import polars as pl

    from jobs.builds import Change
    from jobs.cohorts import Saved
    from jobs.privacy.table import Cost, Proof
    from jobs.releases import Release
    from jobs.rights.register import Request
    from quality.contract import Table as Contract

COLOURS = {"accepted": "green", "duplicate": "blue", "rejected": "red", "quarantined": "magenta", "held": "yellow"}
SIGNS = {"accepted": "✔", "duplicate": "=", "rejected": "✘", "quarantined": "⚠", "held": "…"}
SHOWN, FIRST = 50, 3
KEPT_WHOLE = frozenset({"delivery", "verdict", "code", "table"})
ON_ARRIVAL = "Its place in the chain, and whether it deletes or refuses suspiciously much, are judged on arrival."
# Output that goes into a file or a pipe should not be folded for a terminal of 80 columns that nobody has.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done, gone when it is done; nothing when `quiet` or no terminal watches."""
    errors = Console(stderr=True, highlight=False)
    if quiet or not errors.is_terminal:
        yield lambda _: None
        return
    with errors.status("looking around", spinner="dots") as line:
        yield lambda doing: line.update(Text(doing))


def _sign(outcome: str | None) -> Text:
    known = outcome or "loading"
    return Text(f"{SIGNS.get(known, '·')} {known}", style=f"bold {COLOURS.get(known, 'cyan')}")


def figure(count: int | None) -> str:
    """A count as it stands in a table: nothing is a dot."""
    return f"{count:,}" if count else "·"


def _grid(title: str | None, *columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(
            Text(name), justify="right" if name in right else "left", overflow="fold", no_wrap=name in KEPT_WHOLE or name in right
        )
    return table


# Verdicts


def verdicts(reports: list[Report]) -> None:
    """The verdicts of a run, and what came of them."""
    if not reports:
        console.print("Nothing new: every announcement was judged before, and nothing that waits can be loaded yet.")
        return
    counts = ("read", "new", "changed", "deleted", "set aside", "waiting")
    table = _grid(None, "delivery", "verdict", "why", *counts, "s", right=(*counts, "s"))
    for report in reports:
        silver = report.rows_silver
        rows = (report.rows_read, silver["new"], silver["changed"], silver["deleted"])
        sums = (sum(report.rows_set_aside.values()), sum(report.rows_waiting.values()))
        name = report.delivery_id or "(unreadable)"
        table.add_row(
            Text(name), _sign(report.outcome), _said(report), *(figure(each) for each in (*rows, *sums)), f"{report.seconds:.1f}"
        )
    console.print(table)
    found = [line for report in reports if report.outcome != "accepted" for line in _first_findings(report)]
    if found:
        console.print(Text("\nWhat was found", style="bold"), *found, sep="\n")
    console.print(f"\n[dim]{_tally(reports)}. Return reports: <lake>/returns/<center>/<delivery_id>.html[/dim]")


def _first_findings(report: Report) -> list[Text]:
    """Some of what was found; the return report has more."""
    shown, every = report.findings[:FIRST], len(report.findings) + report.not_listed.get("findings", 0)
    more = [Text(f"  the first {FIRST} of {every:,}", style="dim")] if every > len(shown) else []
    return [*(_finding(each) for each in shown), *more]


def _said(report: Report) -> Text:
    text = _why(report.reason_codes, report.warnings, COLOURS[report.outcome])
    if report.released:
        text.append(f" let {', '.join(report.released)} load", style="green")
    return text


def _why(reason_codes: list[str], warnings: list[str], style: str) -> Text:
    """Reason codes, and the first warnings behind them; all of them stand in the return report."""
    more = [f"+{len(warnings) - 2}"] if len(warnings) > 2 else []
    return Text.assemble((" ".join([*reason_codes, ""]), style), (" ".join([*warnings[:2], *more]), "dim"))


def _tally(reports: list[Report]) -> str:
    return ", ".join(
        f"{sum(report.outcome == outcome for report in reports)} {outcome}"
        for outcome in COLOURS
        if any(report.outcome == outcome for report in reports)
    )


def _finding(finding: dict[str, Any]) -> Text:
    place = " ".join(_place(finding))
    return Text.assemble("  ", (finding["code"], "bold"), f"  {place}  " if place else "  ", finding.get("sentence", ""))


def _place(finding: dict[str, Any]) -> list[str]:
    row, column = finding.get("row"), finding.get("column")
    return [
        part for part in (finding.get("file") or "", f"row {row:,}" if row else "", f"column {column}" if column else "") if part
    ]


def validation(report: Report) -> None:
    """The verdict on a delivery that was not sent yet."""
    title = Text.assemble(_sign(report.outcome), "  ", report.delivery_id or "a delivery without a readable id")
    read = f"{report.rows_read:,} rows in {len(report.files)} files: no reason to refuse it was found here. {ON_ARRIVAL}"
    body = Text(read if report.outcome == "accepted" else "It would be refused: correct what is listed, then validate again.")
    console.print(Panel(Group(title, body), border_style=COLOURS[report.outcome], expand=False))
    left = report.not_listed
    warnings = [line for code, found in report.seen.items() for line in _together(code, found or [{}], left.get(code, 0))]
    untold = sum(left.get(code, 0) for code, found in report.seen.items() if len(_by_kind(found)) > 1)
    faults = [fault for file in report.files for fault in file["faults"]]
    _findings("Why", report.findings, left.get("findings", 0))
    _findings("Warnings", warnings, untold, sum(map(len, report.seen.values())))
    _findings("Rows that would be set aside", faults, sum(file["not_listed"] for file in report.files))


def _together(code: str, found: list[dict[str, Any]], not_listed: int) -> list[dict[str, Any]]:
    """The warnings of a code, those of a whole column on one line: how many rows, and the first of them."""
    lines = []
    for (file, column, sentence), of_kind in _by_kind(found).items():
        place = {"code": code, "file": file, "column": column}
        count = len(of_kind) + (not_listed if len(of_kind) == len(found) else 0)
        if count <= FIRST:
            lines += [place | {"row": each.get("row"), "sentence": sentence} for each in of_kind]
            continue
        least = "at least " if not_listed and len(of_kind) < len(found) else ""
        first = ", ".join(figure(each.get("row")) for each in of_kind[:FIRST])
        lines.append(place | {"row": f"{first} …", "sentence": f"{least}{count:,} rows. {sentence}"})
    return lines


def _by_kind(found: list[dict[str, Any]]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    kinds: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for each in found:
        kinds.setdefault(tuple(each.get(name, "") for name in ("file", "column", "sentence")), []).append(each)
    return kinds


def _findings(title: str, findings: list[dict[str, Any]], not_listed: int, listed: int | None = None) -> None:
    """A table of findings; `listed` says how many a program is given where several stand on one line."""
    if not findings:
        return
    shown = findings[:SHOWN]
    title = cut(title, len(shown), len(findings[SHOWN:]) + not_listed)
    table = _grid(title, "code", "file", "row", "column", "what", right=("row",))
    for each in shown:
        row = each.get("row") or 0
        place = (each.get("file") or "", row if isinstance(row, str) else figure(row), each.get("column") or "")
        table.add_row(*(Text(cell) for cell in (each["code"], *place, each.get("sentence", ""))))
    console.print(table)
    if (listed or len(findings)) > len(shown):
        console.print(f"[dim]--json lists {listed or len(findings):,}[/dim]")
    console.print()


# Status


def services(found: dict[str, Any]) -> None:
    """Which programs run, and what is wrong with the others."""
    table = _grid("Services", "program", "state", "since", "started again", "what is wrong", right=("started again",))
    for name, each in found["programs"].items():
        is_well = each["state"] == "running" and not each["wrong"]
        state = Text(each["state"] if is_well or each["wrong"] is None else "ill", style="green" if is_well else "red")
        table.add_row(Text(name), state, each["since"] or "", figure(each["restarts"]), Text(each["wrong"] or ""))
    console.print(table)
    console.print()


def status(found: Status) -> None:
    """The lake on one screen."""
    console.print(Text(found.lake, style="bold"))
    for part in (
        _deliveries(found),
        _held(found),
        _tables(found),
        reasons("Rows that wait", found.waiting),
        reasons("Rows set aside", found.set_aside),
    ):
        if part is not None:
            console.print()
            console.print(part)
    if found.announced:
        console.print(f"\n{len(found.announced)} announced and not judged yet: run `pscc ingest`.")


def _deliveries(found: Status) -> Table:
    counts = ("read", "new", "changed", "deleted", "set aside", "opposed")
    table = _grid("Deliveries", "delivery", "verdict", "why", *counts, right=counts)
    for each in found.deliveries:
        names = ("read", "new", "changed", "deleted", "set_aside", "dropped_opposed")
        why = _why(each["reason_codes"], each["warnings"], COLOURS.get(each.get("outcome", ""), ""))
        table.add_row(
            Text(each["delivery_id"]), _sign(each.get("outcome")), why, *(figure(each[f"rows_{name}"]) for name in names)
        )
    return table


def _held(found: Status) -> Table | None:
    if not found.held:
        return None
    table = _grid("Still held", "delivery", "why", "since", "next")
    for each in found.held:
        days = (datetime.now(UTC) - datetime.fromisoformat(each["since"])).days
        waits = each["waits_for"]
        following = (
            f"loads when {waits} is accepted"
            if waits
            else f"pscc decide {each['delivery_id']} approve|reject --by NAME --why TEXT"
        )
        since = "today" if not days else f"{days} days"
        table.add_row(*(Text(cell) for cell in (each["delivery_id"], " ".join(each["reason_codes"]), since, following)))
    return table


def _tables(found: Status) -> Table | None:
    if not found.tables:
        return None
    table = _grid("Tables", "table", "rows", "current", right=("rows", "current"))
    for each in found.tables:
        table.add_row(Text(f"{each.zone}.{each.table}"), f"{each.rows:,}", "" if each.current is None else f"{each.current:,}")
    return table


def reasons(title: str, counted: Mapping[str, Mapping[str, int]]) -> Table | None:
    """Rows by reason and hospital, the most frequent reason first; None where there is none."""
    totals: Counter[str] = sum((Counter(each) for each in counted.values()), Counter())
    if not totals:
        return None
    table = _grid(title, "reason", *counted, "all", right=(*counted, "all"))
    for reason, total in totals.most_common():
        table.add_row(Text(reason), *(figure(each.get(reason, 0)) for each in counted.values()), figure(total))
    return table


def built(made: dict[str, int]) -> None:
    """What a build made again."""
    if not made:
        console.print("Gold is up to date: nothing it reads has changed.")
        return
    table = _grid("Gold", "table", "rows", right=("rows",))
    for name, rows in made.items():
        table.add_row(f"gold.{name}", f"{rows:,}")
    console.print(table)


# Catalogue and builds


def catalogue(found: "list[tuple[str, str, int]]") -> None:
    """Tables on a line each: name, what a row is, rows."""
    table = _grid(None, "table", "a row is", "rows", right=("rows",))
    for name, grain, rows in found:
        table.add_row(name, Text(grain), f"{rows:,}")
    console.print(table)


def described(found: "Contract") -> None:
    """A table and its columns."""
    from quality.dictionary import SENSITIVITY, allowed

    console.print(Text.assemble((found.address, "bold"), f"  {found.grain}\nKey: {', '.join(found.key)}"))
    table = _grid(None, "column", "type", "meaning", "allowed", "tells about a person")
    for each in found.columns:
        unit = f" Unit: {each.unit}." if each.unit else ""
        cells = (each.name, each.type, each.meaning + unit, allowed(each).replace("`", ""), SENSITIVITY[each.sensitivity])
        table.add_row(*map(Text, cells))
    console.print(table)


def builds(found: "pl.DataFrame") -> None:
    """Builds on a line each."""
    table = _grid(None, "build", "published", "made again")
    for each in found.iter_rows(named=True):
        table.add_row(str(each["build"]), f"{each['published_at']:%Y-%m-%d %H:%M}", Text(each["tables"]))
    console.print(table)


def changes(found: "list[Change]") -> None:
    """By table what came, went and changed."""
    names = ("before", "now", "added", "removed", "changed")
    table = _grid(None, "table", *names, right=names)
    for each in found:
        table.add_row(f"gold.{each.table}", *(figure(getattr(each, name)) for name in names))
    console.print(table)


# Cohorts


def cohort(found: "Saved", now: int | None = None) -> None:
    """A cohort, and how many patients each criterion left; `now` is how many there are today."""
    console.print(Text.assemble((found.name, "bold"), f"  {found.title}\nFor: {found.purpose}"))
    console.print(f"Build {found.build}, by {found.by}, {found.at:%Y-%m-%d}")
    console.print()
    table = _grid(None, "criterion", "patients left", right=("patients left",))
    steps = [*found.attrition, *([("Members by now", now)] if now is not None else [])]
    for say, left in steps:
        table.add_row(Text(say), f"{left:,}" if left is not None else "hidden")
    console.print(table)
    console.print("[dim]Multiples of 5; hidden: fewer than 11 patients, or fewer than 11 from another count.[/dim]")


def cohorts(found: "list[Saved]") -> None:
    """Every saved cohort on a line."""
    if not found:
        console.print("No cohort yet: `pscc cohort make NAME.toml`.")
        return
    table = _grid(None, "cohort", "what", "for", "build", "by", "since")
    for each in found:
        table.add_row(
            Text(each.name), Text(each.title), Text(each.purpose), str(each.build), Text(each.by), f"{each.at:%Y-%m-%d}"
        )
    console.print(table)


# Rows of a query


def rows(found: pa.Table, form: str) -> None:
    """The rows of a query on stdout."""
    if form == "parquet":
        pyarrow.parquet.write_table(found, pa.PythonFile(sys.stdout.buffer, mode="w"))
    elif form == "csv":
        pyarrow.csv.write_csv(harmless(found), pa.PythonFile(sys.stdout.buffer, mode="w"))
    elif form == "json":
        for row in found.to_pylist():
            print(json.dumps(row, default=str, ensure_ascii=False))
    else:
        _as_table(found)


def _as_table(found: pa.Table) -> None:
    """Rows below each other where they fit, otherwise one after the other, a line a column: nothing is left out."""
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in found.slice(0, 1000).columns]
    widths = [max(map(cell_len, (name, *texts))) for name, texts in zip(found.column_names, columns, strict=True)]
    told = list(zip(*columns, strict=True))
    if sum(widths) + 2 * len(widths) <= console.width:
        numeric = tuple(each.name for each in found.schema if pa.types.is_integer(each.type) or pa.types.is_floating(each.type))
        table = _grid(None, *found.column_names, right=numeric)
        for row in told:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        for number, row in enumerate(told, start=1):
            _one_by_one(number, list(zip(found.column_names, row, strict=True)))
    rest = ", the first 1,000 shown" if found.num_rows > 1000 else ""
    console.print(f"[dim]{found.num_rows:,} rows{rest}[/dim]")


def _one_by_one(number: int, cells: list[tuple[str, str]]) -> None:
    """One row, a line a column: name and value, however long that is."""
    console.print(Text(f"row {number:,}", style="dim"))
    for name, value in cells:
        padding = " " * (max(cell_len(each) for each, _ in cells) - cell_len(name))
        console.print(Text.assemble("  ", (name, "bold"), padding, "  ", value), soft_wrap=True)
    console.print()


def anonymous(cost: "Cost", proof: "Proof") -> None:
    """What a table lost on the way to being anonymous, and what was counted in what was written."""
    table = _grid("Anonymous table", "what", "how much", right=("how much",))
    for what, much in (
        ("rows", f"{proof.rows:,}"),
        ("rows suppressed", f"{cost.suppressed:,}"),
        ("classes", f"{proof.classes:,}"),
        ("rows of a class: least, mean, most", f"{proof.smallest:,}, {proof.rows / proof.classes:,.1f}, {proof.largest:,}"),
        *(((f"different {name} in a class, least", f"{count:,}") for name, count in proof.varieties.items())),
        ("information lost (GCP: 0 nothing, 1 all)", f"{cost.loss:.4f}"),
        *((f"level of {name}", str(level)) for name, level in cost.levels.items()),
        ("CPU-seconds", f"{cost.seconds:.1f}"),
    ):
        table.add_row(Text(what), much)
    console.print(table)


# Teaching releases


def release(found: "Release", figures: list[dict[str, Any]]) -> None:
    """A release and what it was held to."""
    console.print(Text.assemble((found.name, "bold"), f"  {found.state}  {found.patients:,} patients, k {found.k}, l {found.l}"))
    if not figures:
        return
    table = _grid(None, "figure", "value", "bound", "kept", right=("value",))
    for each in figures:
        sign = (
            Text("yes", style="green") if each["kept"] else Text("no" if each["decides"] else "no, told beside", style="yellow")
        )
        table.add_row(Text(each["name"]), f"{each['value']:g}", Text(str(each["bound"])), sign)
    console.print(table)


def releases(found: "list[Release]") -> None:
    """Every release on a line."""
    if not found:
        console.print("No release yet: `pscc release make`.")
        return
    table = _grid(None, "release", "state", "since", "by", "patients", "k", "l", right=("patients", "k", "l"))
    for each in found:
        numbers = (f"{each.patients:,}", str(each.k), str(each.l))
        table.add_row(Text(each.name), each.state, f"{each.at:%Y-%m-%d %H:%M}", Text(each.by), *numbers)
    console.print(table)


# Requests of people


def rights_requests(found: "list[Request]") -> None:
    """Every request."""
    grid = _grid(None, "request", "what", "hospital", "scope", "persons", "due", "state", right=("persons",))
    for each in found:
        late = " late" if each.state != "done" and each.is_late() else ""
        cells = (each.id, each.kind, each.center, each.scope, figure(each.people), each.due_on, each.state + late)
        grid.add_row(*(Text(cell) for cell in cells))
    console.print(grid if found else "No request has come in.")


def rights_request(found: "Request") -> None:
    """A request, and what an erasure found zone by zone."""
    told = found.told()
    console.print(
        f"{found.id}: {found.kind} ({found.scope}) at {found.center}, {found.people} persons, {found.state}, due {found.due_on}"
    )
    outcome = told["outcome"] or {}
    if "before" in outcome:
        console.print(_searched(outcome["before"], outcome.get("after", {})))
    for name, value in outcome.items():
        if name not in ("before", "after") and value not in ({}, []):
            console.print(f"{name.replace('_', ' ')}: {value}", highlight=False)
    if outcome.get("opposition_of_a_hospital_stands"):
        console.print("An opposition in a hospital's own list stands: it ends there, not here.")
    if found.certificate:
        console.print(f"Certificate: {found.certificate}", soft_wrap=True)


def _searched(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> Table:
    names = ("zone", "files", "MB", "traces before", "traces after")
    grid = _grid("Every file below the lake", *names, right=names[1:])
    for zone in sorted({*before, *after}):
        was, now = before.get(zone, {}), after.get(zone)
        size = f"{was.get('bytes', 0) / 1e6:,.1f}"
        left = f"{now['hits']:,}" if now else "?"
        grid.add_row(Text(zone), Text(figure(was.get("files", 0))), Text(size), Text(f"{was.get('hits', 0):,}"), Text(left))
    return grid
