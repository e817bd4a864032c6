"""The commands of whoever asks the tables: queries, the dictionary, builds, cohorts, notebooks, exports."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.commands.shared import JsonOption, LakeOption, engine_of, group
from jobs.errors import WrongUse
from jobs.settings import Settings

if TYPE_CHECKING:
    from jobs.lake import Lake

cohort_app = group("Saved cohorts: who meets which criteria in a build.")


class Format(StrEnum):
    """How `sql` writes its rows."""

    table = "table"
    csv = "csv"
    parquet = "parquet"
    json = "json"


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY")],
    lake: LakeOption = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.table,
    build: Annotated[
        int | None, typer.Option("--build", metavar="BUILD", help="Gold as that build left it (`pscc builds`).")
    ] = None,
) -> None:
    """Ask the tables, known as zone.table: pscc sql "SELECT * FROM gold.endpoint"."""
    from jobs import builds, show_analysts
    from jobs.lake import Lake
    from jobs.ledger import Ledger

    settings = Settings.from_environment(lake)
    if form is Format.parquet and sys.stdout.isatty():
        raise WrongUse("Expected a file for Parquet, found a terminal: write `pscc sql … --format parquet > rows.parquet`.")
    Ledger(settings, create=False).close()
    versions = builds.build(Lake.of(settings), build).versions if build is not None else None
    with engine_of(settings) as engine:
        rows = _asked(lambda: engine.sql(query, versions))
    show_analysts.rows(rows, form.value)


def _asked(run: Callable[[], Any]) -> Any:
    from pyspark.errors import AnalysisException, PySparkException

    try:
        return run()
    except PySparkException as error:
        # Before a query runs, a message speaks of the query alone; afterwards it may quote a row.
        readable = isinstance(error, AnalysisException) or not error.getCondition()
        said = str(error).strip().splitlines()[0] if readable else f"[{error.getCondition()}]"
        raise WrongUse(f"Expected a query over zone.table, found one that cannot be answered: {said}") from None


def _opened(lake: str | None) -> "Lake":
    """A lake to look at without an engine; WrongUse where there is none."""
    from jobs.lake import Lake
    from jobs.ledger import Ledger

    settings = Settings.from_environment(lake)
    Ledger(settings, create=False).close()
    return Lake.of(settings)


def tables(lake: LakeOption = None) -> None:
    """The tables of gold: what a row is, and how many there are."""
    from jobs import catalogue, show_analysts

    show_analysts.catalogue(catalogue.tables(_opened(lake)))


def describe(table: Annotated[str, typer.Argument(metavar="ZONE.TABLE")]) -> None:
    """A table column by column: type, meaning, allowed values, what it tells about a person."""
    from jobs import catalogue, show_analysts

    show_analysts.described(catalogue.table(table))


def dictionary(to: Annotated[Path, typer.Argument(metavar="OUT", help="A folder; it is made.")]) -> None:
    """Write the dictionary of all tables as one page to search, for a browser; it needs no network."""
    from jobs.dictionary_page import write

    print(f"Open {write(to)}.")


def notebook(
    to: Annotated[Path, typer.Argument(metavar="DIR", help="A folder; it is made.")],
    build: Annotated[int | None, typer.Option("--build", metavar="BUILD", help="That build, not the newest.")] = None,
    lake: LakeOption = None,
) -> None:
    """Write a notebook with a worked survival analysis on gold, and the cohort that it is about."""
    from jobs import builds
    from jobs.notebook import write

    opened = _opened(lake)
    chosen = builds.build(opened, builds.newest(opened) if build is None else build)
    page, _ = write(to, opened.root, chosen.number)
    print(f"Next: {sys.executable} -m jupyter lab {page}")


def scratch(lake: LakeOption = None) -> None:
    """This user's private folder for copies of rows; what was made from builds that are closed by now is deleted."""
    from jobs.scratch import Scratch

    found = Scratch.opened(_opened(lake))
    print(found.folder)
    for name, build in found.tables():
        print(f"  {name}, of build {build}")


def list_builds(lake: LakeOption = None) -> None:
    """The builds that `sql --build`, `changes` and `cite` can go back to."""
    from jobs import builds, show_analysts

    show_analysts.builds(builds.open_builds(_opened(lake)))


def changes(build: Annotated[int, typer.Argument(metavar="BUILD")], lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """What changed in gold since a build: rows that came, went, and read otherwise now."""
    from jobs import builds, show_analysts

    opened = _opened(lake)
    found = builds.changes(opened, builds.build(opened, build))
    if as_json:
        for each in found:
            print(json.dumps(each.__dict__))
    else:
        show_analysts.changes(found)


def cite(build: Annotated[int, typer.Argument(metavar="BUILD")], lake: LakeOption = None) -> None:
    """A build as a paper cites it: number, day, tables with their versions."""
    from jobs import builds

    opened = _opened(lake)
    print(builds.citation(opened, builds.build(opened, build)))


@cohort_app.command("make")
def make_cohort(
    file: Annotated[Path, typer.Argument(metavar="NAME.toml|NAME.sql", help="Its definition; the file names the cohort.")],
    build: Annotated[int | None, typer.Option("--build", metavar="BUILD", help="Find it in that build, not the newest.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who; the user of this machine when not given.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count: nothing is saved.")] = False,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find a cohort in a build and save its members in gold.cohort, with how many patients each criterion leaves."""
    import getpass

    from jobs import cohorts, show
    from jobs.ledger import Ledger

    definition, settings = cohorts.Definition.read(file), Settings.from_environment(lake)
    Ledger(settings, create=False).close()
    who = by if by is not None else getpass.getuser()
    with engine_of(settings) as engine, show.progress(quiet=as_json) as watch:
        watch("finding the cohort")
        made = _asked(lambda: cohorts.make(settings, engine, definition, build, who, keep=not dry_run))
    _tell_cohort(made, as_json)


def _tell_cohort(found: Any, as_json: bool, now: int | None = None) -> None:
    from jobs import show_analysts

    if as_json:
        print(json.dumps(found.told(), ensure_ascii=False))
    else:
        show_analysts.cohort(found, now)


@cohort_app.command("list")
def list_cohorts(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """The saved cohorts: name, build, what for."""
    from jobs import cohorts, show_analysts

    found = list(cohorts.saved(_opened(lake)).values())
    if as_json:
        for each in found:
            print(json.dumps(each.told(), ensure_ascii=False))
    else:
        show_analysts.cohorts(found)


@cohort_app.command("show")
def show_cohort(
    name: Annotated[str, typer.Argument(metavar="NAME")], lake: LakeOption = None, as_json: JsonOption = False
) -> None:
    """A cohort: its definition, and how many patients each criterion left."""
    from jobs import cohorts

    opened = _opened(lake)
    _tell_cohort(cohorts.named(opened, name), as_json, cohorts.members(opened, name))


@cohort_app.command("drop")
def drop_cohort(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who; the user of this machine when not given.")] = None,
    lake: LakeOption = None,
) -> None:
    """Take a cohort out of gold.cohort; the record keeps its definition."""
    import getpass

    from jobs import cohorts

    settings = Settings.from_environment(lake)
    cohorts.named(_opened(lake), name)
    with engine_of(settings) as engine:
        cohorts.drop(settings, engine, name, by if by is not None else getpass.getuser())
    print(f"{name} is dropped.")


def export(
    query: Annotated[str, typer.Argument(metavar="QUERY")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE.csv", help="A new file.")],
    purpose: Annotated[str, typer.Option("--purpose", metavar="TEXT", help="What for, for the record.")],
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who; the user of this machine when not given.")] = None,
    count: Annotated[
        list[str] | None,
        typer.Option(
            "--count", metavar="COLUMN", help="A count of people: n when not given; everybody's first, then parts of them."
        ),
    ] = None,
    suppress: Annotated[
        bool, typer.Option("--suppress", help="Hide cells that tell too much, in place of refusing the table.")
    ] = False,
    lake: LakeOption = None,
) -> None:
    """Take an aggregated table out: cells of 11 people or more, nothing computable of hidden ones. Exit code 1 where it tells too much."""
    import getpass

    from jobs import builds
    from jobs.exports import Asked
    from jobs.exports import export as exported
    from jobs.lake import Lake
    from jobs.ledger import Ledger

    settings = Settings.from_environment(lake)
    tables = Lake.of(settings)
    with closing(Ledger(settings, create=False)) as ledger:
        asked = Asked(query, by if by is not None else getpass.getuser(), purpose, builds.newest(tables))
        with engine_of(settings) as engine:
            number, told = exported(
                tables,
                lambda asking: _asked(lambda: engine.sql(asking, through="pscc export")),
                asked,
                tuple(count or ["n"]),
                to,
                alone=lambda: ledger.hold("export"),
                suppress=suppress,
            )
    left_out = f", {told.left_out:,} of fewer than 11 people left out" if told.left_out else ""
    hidden = f", {told.hidden:,} cells hidden in all" if told.hidden else ""
    print(f"{told.rows.height:,} rows are in {to}{left_out}{hidden}: export {number}. Counts are rounded to 5.")
