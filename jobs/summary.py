"""What a person wants to know of a lake at the end of a run: verdicts, tables, what was set aside, quality, pictures, what to type next."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich import box
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from jobs import show
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.returns import CHANGES
from jobs.settings import Settings, value
from jobs.show import figure, reasons
from jobs.status import Status, status
from quality.verdicts import WHOLE_TABLE, recorded

# Of verdicts, and of Airflow's states.
COLOURS = show.COLOURS | {"success": "green", "skipped": "dim", "failed": "red", "upstream_failed": "red"}
WARNINGS_SHOWN = 8
# From here on there is room for spaces beside columns.
ROOMY = 100
# Set where the DAGs ran; else words that say what to put there.
PLACES = {"PSCC_LANDING": "LANDING", "PSCC_KEYS": "KEYS.json"}
QUERY = "SELECT tumor_group, count(*) AS tumours, avg(n_lines) AS lines FROM gold.tumor_summary GROUP BY 1 ORDER BY 2 DESC"


@dataclass(frozen=True)
class Judged:
    """An announcement, by its number, and what became of it by now."""

    number: int
    center: str
    delivery_id: str
    outcome: str
    reason_codes: list[str]
    report: dict[str, Any]


def summarise(settings: Settings, runs: list[dict[str, Any]], console: Console, seconds: float) -> None:
    """Print the summary of a lake; `runs` are the DAG runs that led to it, none when there was nothing to do."""
    from jobs.report import draw

    lake = Lake.of(settings)
    ledger = Ledger(settings, create=False)
    try:
        verdicts = judged(ledger)
    finally:
        ledger.close()
    state, results = status(settings), recorded(settings.lake)
    pictures = draw(lake, Path(settings.lake, "pictures"))
    console.print()
    console.print(_headline(verdicts, runs, seconds))
    if runs:
        console.print(_runs(runs, {str(each.number): each.delivery_id for each in verdicts}))
    console.print(_deliveries(verdicts, tight=console.width < ROOMY))
    _beside(console, *(_layer(state, zone) for zone in ("bronze", "silver", "gold")))
    _beside(console, reasons("Rows set aside", state.set_aside), reasons("Rows that wait", state.waiting))
    _beside(console, *_quality(results))
    where = _where(settings, pictures)
    if where.row_count:
        console.print(where)
    _tell_next(settings, console)


def judged(ledger: Ledger) -> list[Judged]:
    """Every announcement in order of arrival, one that was held with what became of it since."""
    known = {each.announcement_id: each for each in ledger.deliveries()}
    found = []
    for each in ledger.announcements():
        delivery = known.get(each.id)
        if delivery is not None and delivery.outcome:
            known_as = (delivery.center, delivery.delivery_id)
            found.append(Judged(each.id, *known_as, delivery.outcome, delivery.reason_codes, delivery.report))
        else:
            report = each.report or {}
            name = each.delivery_id or Path(each.path).parent.name
            outcome = each.outcome or "not judged yet"
            found.append(Judged(each.id, each.center or "?", name, outcome, report.get("reason_codes", []), report))
    return found


def _headline(verdicts: list[Judged], runs: list[dict[str, Any]], seconds: float) -> RenderableType:
    counted = Counter(each.outcome for each in verdicts)
    told = ", ".join(f"{number} {_coloured(outcome)}" for outcome, number in counted.most_common())
    hospitals = len({each.center for each in verdicts} - {"?"})
    what = f"{_many(len(verdicts), 'delivery', 'deliveries')} of {_many(hospitals, 'hospital')}: {told}."
    done = (
        f"{_many(len(runs), 'DAG run')} in {seconds:.0f} s."
        if runs
        else "Nothing new in landing and nothing changed since the last build: no task ran, no table was touched."
    )
    return Panel(f"{what}\n{done}", title="[bold]The lakehouse[/bold]", title_align="left", border_style="cyan", expand=False)


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def _runs(runs: Iterable[dict[str, Any]], names: dict[str, str]) -> Table:
    table = _table("DAG runs (from Airflow's metadata database)", "dag", "run for", "state", "tasks")
    for run in runs:
        tasks = Counter(run["tasks"].values())
        told = ", ".join(f"{number} {_coloured(state)}" for state, number in tasks.most_common())
        broken = [task for task, state in run["tasks"].items() if state == "failed"]
        table.add_row(
            escape(run["dag"]),
            escape(names.get(str(run.get("key")), "")),
            _coloured(run["state"]),
            told + (f": {escape(', '.join(broken))}" if broken else ""),
        )
    return table


def _deliveries(verdicts: Iterable[Judged], *, tight: bool) -> Table:
    table = _table("Deliveries and verdicts", "delivery", "verdict")
    table.padding, table.show_edge = ((0, 0), False) if tight else ((0, 1), True)
    if tight:
        table.columns[0].width, table.columns[1].width = len("CURIE-20250101-001"), len("accepted")
    # A number that is folded or cut is another number.
    for name in ("read", "new", "changed", "deleted", "set\naside", "waiting", "opposed"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in verdicts:
        silver, report = each.report.get("rows_silver", {}), each.report
        numbers = [report.get("rows_read", 0), *(silver.get(name, 0) for name in CHANGES if name != "unchanged")]
        numbers += [sum(report.get(name, {}).values()) for name in ("rows_set_aside", "rows_waiting")]
        numbers.append(report.get("rows_dropped_opposed", 0))
        why = "".join(f"\n[dim]{escape(code)}[/dim]" for code in each.reason_codes)
        table.add_row(escape(each.delivery_id) + why, _coloured(each.outcome), *map(figure, numbers))
    return table


def _layer(state: Status, zone: str) -> Table:
    rows = [each for each in state.tables if each.zone == zone]
    counted = {each.table: each.rows if each.current is None else each.current for each in rows}
    table = _table(f"{zone.capitalize()}: {len(rows)} tables", "table")
    table.add_column("current rows" if zone == "silver" else "rows", justify="right")
    for name, number in counted.items():
        table.add_row(escape(name), figure(number))
    table.add_section()
    table.add_row("[bold]all[/bold]", f"[bold]{figure(sum(counted.values()))}[/bold]")
    return table


def _quality(results: pl.DataFrame) -> list[Table]:
    """The last verdict on every table, and the warnings that most rows gave rise to."""
    last = results.filter(pl.col("pass_number") == pl.col("pass_number").max().over("table"))
    whole, checks = last.filter(pl.col("expectation") == WHOLE_TABLE), last.filter(pl.col("expectation") != WHOLE_TABLE)
    broken = checks.filter(~pl.col("passed"))
    critical = broken.filter(pl.col("severity") == "critical").height
    table = _table(
        "Quality: the last verdict on every table",
        "tables",
        "may be published",
        "checks",
        "critical broken",
        "warnings",
    )
    numbers = (whole.height, int(whole["passed"].sum()), checks.height, critical, broken.height - critical)
    table.add_row(*(figure(each) for each in numbers))
    warnings = broken.filter(pl.col("severity") == "warning").sort(
        "unexpected_count", "table", "sentence", descending=[True, False, False]
    )
    if warnings.is_empty():
        return [table]
    shown = _table(f"Warnings on most rows ({min(WARNINGS_SHOWN, warnings.height)} of {warnings.height})", "table", "rule")
    shown.add_column("rows", justify="right")
    for name, sentence, number in warnings.select("table", "sentence", "unexpected_count").head(WARNINGS_SHOWN).iter_rows():
        shown.add_row(escape(name), escape(sentence), figure(number))
    return [table, shown]


def _where(settings: Settings, pictures: list[Path]) -> Table:
    table = _table("To look at", "what", "where")
    for picture in pictures:
        table.add_row(picture.stem.replace("_", " "), escape(_shown(picture)))
    # The shallowest index is the one that leads to the others.
    docs = sorted(Path(settings.lake, "docs").rglob("index.html"), key=lambda path: (len(path.parts), path))
    if docs:
        table.add_row("Data Docs", escape(_shown(docs[0])))
    returns = Path(settings.lake, "returns")
    if returns.is_dir():
        table.add_row("return reports to the hospitals", f"{escape(_shown(returns))}/<hospital>/<delivery>.html")
    return table


def _tell_next(settings: Settings, console: Console) -> None:
    """Commands to copy: never broken over lines."""
    lake = _shown(Path(settings.lake))
    landing, keys = (_shown(Path(value(name) or other)) for name, other in PLACES.items())
    key = value("PSCC_PLATFORM_KEY_FILE")
    console.print("[bold]What to type next[/bold]")
    for what, command in (
        ("Ask gold a question", f'.venv/bin/pscc sql "{QUERY}" --lake {lake}'),
        ("Open a table in Python", f""".venv/bin/python -c "import polars; print(polars.read_delta('{lake}/gold/endpoint'))\""""),
        ("Drop another delivery", f"export PSCC_PLATFORM_KEY_FILE={_shown(Path(key))}" if key else ""),
        ("", f".venv/bin/pscc ingest {landing} --keys {keys} --lake {lake} && .venv/bin/pscc build --lake {lake}"),
        ("See where everything stands", f".venv/bin/pscc status --lake {lake}"),
    ):
        if what:
            console.print(f"  {what}", style="dim")
        if command:
            console.print(f"    {escape(command)}", style="cyan", soft_wrap=True, highlight=False)


def _beside(console: Console, *tables: Table | None) -> None:
    console.print(Columns([table for table in tables if table is not None], padding=(0, 4)))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _coloured(word: str) -> str:
    colour = COLOURS.get(word)
    return f"[{colour}]{escape(word)}[/{colour}]" if colour else escape(word)


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
