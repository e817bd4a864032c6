"""What a person sees in the terminal: verdicts and status, and the tables that all pages are made of."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jobs.page import cut
from jobs.returns import Report
from jobs.status import Status

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


def sign(outcome: str | None) -> Text:
    """An outcome with its sign and colour."""
    known = outcome or "loading"
    return Text(f"{SIGNS.get(known, '·')} {known}", style=f"bold {COLOURS.get(known, 'cyan')}")


def figure(count: int | None) -> str:
    """A count as it stands in a table: nothing is a dot."""
    return f"{count:,}" if count else "·"


def grid(title: str | None, *columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns named in `right` hold numbers."""
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
    table = grid(None, "delivery", "verdict", "why", *counts, "s", right=(*counts, "s"))
    for report in reports:
        silver = report.rows_silver
        rows = (report.rows_read, silver["new"], silver["changed"], silver["deleted"])
        sums = (sum(report.rows_set_aside.values()), sum(report.rows_waiting.values()))
        name = report.delivery_id or "(unreadable)"
        table.add_row(
            Text(name), sign(report.outcome), _said(report), *(figure(each) for each in (*rows, *sums)), f"{report.seconds:.1f}"
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
    title = Text.assemble(sign(report.outcome), "  ", report.delivery_id or "a delivery without a readable id")
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
    table = grid(title, "code", "file", "row", "column", "what", right=("row",))
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
    table = grid("Services", "program", "state", "since", "started again", "what is wrong", right=("started again",))
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
    table = grid("Deliveries", "delivery", "verdict", "why", *counts, right=counts)
    for each in found.deliveries:
        names = ("read", "new", "changed", "deleted", "set_aside", "dropped_opposed")
        why = _why(each["reason_codes"], each["warnings"], COLOURS.get(each.get("outcome", ""), ""))
        table.add_row(
            Text(each["delivery_id"]), sign(each.get("outcome")), why, *(figure(each[f"rows_{name}"]) for name in names)
        )
    return table


def _held(found: Status) -> Table | None:
    if not found.held:
        return None
    table = grid("Still held", "delivery", "why", "since", "next")
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
    table = grid("Tables", "table", "rows", "current", right=("rows", "current"))
    for each in found.tables:
        table.add_row(Text(f"{each.zone}.{each.table}"), f"{each.rows:,}", "" if each.current is None else f"{each.current:,}")
    return table


def reasons(title: str, counted: Mapping[str, Mapping[str, int]]) -> Table | None:
    """Rows by reason and hospital, the most frequent reason first; None where there is none."""
    totals: Counter[str] = sum((Counter(each) for each in counted.values()), Counter())
    if not totals:
        return None
    table = grid(title, "reason", *counted, "all", right=(*counted, "all"))
    for reason, total in totals.most_common():
        table.add_row(Text(reason), *(figure(each.get(reason, 0)) for each in counted.values()), figure(total))
    return table


def built(made: dict[str, int]) -> None:
    """What a build made again."""
    if not made:
        console.print("Gold is up to date: nothing it reads has changed.")
        return
    table = grid("Gold", "table", "rows", right=("rows",))
    for name, rows in made.items():
        table.add_row(f"gold.{name}", f"{rows:,}")
    console.print(table)
