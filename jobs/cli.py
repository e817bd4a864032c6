"""The command line. Every failure is one sentence on stderr: exit code 2 for wrong use, 1 for data refused, 3 for what else stopped.

Heavy imports wait until a command needs them.
"""

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from jobs.errors import ContractViolation, EngineSilent, GateFailed, LakehouseError, WrongUse
from jobs.failures import own_words
from jobs.settings import Settings

if TYPE_CHECKING:
    from jobs.lake import Lake
    from jobs.rights.register import Request
    from jobs.silver.engine import Engine

# A traceback with local variables could show rows of patients.
app = typer.Typer(
    help="The lakehouse of the Paris Saclay Cancer Cluster: hospital deliveries in, curated tables out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
rebuild_app = typer.Typer(help="Make tables again from what lies below them.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(rebuild_app, name="rebuild")
release_app = typer.Typer(help="Teaching releases: anonymous tables for a class.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(release_app, name="release")
cohort_app = typer.Typer(help="Saved cohorts: who meets which criteria in a build.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(cohort_app, name="cohort")
rights_app = typer.Typer(
    help="Requests of people: opposition, lift, erasure with proof.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(rights_app, name="rights")
audit_app = typer.Typer(help="The audit of acts on people's rights.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(audit_app, name="audit")

LakeOption = Annotated[
    str | None,
    typer.Option("--lake", metavar="DIR", help="The lake, a folder or s3a://bucket/…; LAKE_ROOT, then ./lake, when not given."),
]
KeysOption = Annotated[Path, typer.Option("--keys", metavar="KEYS.json", help="The hospitals' delivery keys.")]
StateOption = Annotated[
    Path, typer.Option("--services", metavar="DIR", help="The state folder of this machine's services: ports, passwords, logs.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Objects for programs, one a line, in place of tables.")]

HospitalOption = Annotated[str, typer.Option("--hospital", metavar="CENTER", help="The hospital whose pseudonym it is.")]
PseudonymOption = Annotated[
    Path | None,
    typer.Option("--pseudonym-file", metavar="FILE", help="Pseudonyms as the hospital makes them, 64 hex digits, one a line."),
]
PersonOption = Annotated[list[str] | None, typer.Option("--person", metavar="ID", help="A person id of the lake, 32 hex digits.")]
ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who takes the request.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="How it came and why, without naming anybody.")]
ReceivedOption = Annotated[
    str | None,
    typer.Option("--received", metavar="YYYY-MM-DD", help="The day it came in, today if not given: a month runs from it."),
]
LaterOption = Annotated[
    bool, typer.Option("--later", help="Only enter it; `pscc rights run` or the DAG rights_requests carries it out.")
]
LogsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--logs",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="A folder beside the lake to search too, such as Airflow's logs. May be repeated.",
    ),
]


class Verdict(StrEnum):
    """What a person may decide."""

    approve = "approve"
    reject = "reject"


class Scope(StrEnum):
    """What a person may oppose to."""

    all = "all"
    genetics = "genetics"
    samples = "samples"
    industry = "industry"


class Size(StrEnum):
    """How many patients a teaching release has at most: 1,000, 5,000, 20,000."""

    small = "small"
    medium = "medium"
    large = "large"


class Part(StrEnum):
    """What the services of a machine can do without."""

    curated = "curated"
    academy = "academy"
    nothing = "nothing"


class Format(StrEnum):
    """How `sql` writes its rows."""

    table = "table"
    csv = "csv"
    parquet = "parquet"
    json = "json"


def main() -> None:
    """Run the command line."""
    try:
        with own_words():
            sys.exit(app(standalone_mode=False))
    except TyperException as error:
        print(_misspelt(error), file=sys.stderr)
        sys.exit(2)
    except LakehouseError as error:
        print(error, file=sys.stderr)
        sys.exit(
            2 if isinstance(error, (WrongUse, EngineSilent)) else 1 if isinstance(error, (GateFailed, ContractViolation)) else 3
        )
    except OSError as error:
        print(
            f"Expected the disk and its files to be usable, found: {error.strerror or error}. Nothing half done is visible; run again.",
            file=sys.stderr,
        )
        sys.exit(3)


def _misspelt(error: TyperException) -> str:
    """What is wrong with the command or its options, in one line; of bare `pscc` the help, which comes as an exception too."""
    said, context = error.format_message(), getattr(error, "ctx", None)
    return said if "\n" in said or context is None else f"{said} See `{context.command_path} --help`."


@app.command()
def validate(
    delivery: Annotated[Path, typer.Argument(metavar="DELIVERY")], keys: KeysOption, as_json: JsonOption = False
) -> None:
    """Check a delivery before it is sent: no lake, no platform key. Exit code 0 good, 1 refused, 2 wrong use, 3 disk."""
    from jobs import show
    from jobs.landing.signature import load_keys
    from jobs.landing.validate import validate as validated
    from jobs.returns import judged

    if not delivery.is_dir():
        raise WrongUse(f"Expected a delivery folder at {delivery}, found none: check the path.")
    judgement = validated(delivery.resolve(), load_keys(keys))
    report = judged(judgement)
    report.rows_set_aside = _sum_by_reason(report.files)
    if as_json:
        print(
            json.dumps(
                report.line() | {name: getattr(report, name) for name in ("findings", "seen", "files", "not_listed")},
                ensure_ascii=False,
            )
        )
    else:
        show.validation(report)
    raise typer.Exit(0 if report.outcome == "accepted" else 1)


def _sum_by_reason(files: list[dict[str, Any]]) -> dict[str, int]:
    reasons = sorted({reason for file in files for reason in file["set_aside"]})
    return {reason: sum(file["set_aside"].get(reason, 0) for file in files) for reason in reasons}


@app.command()
def ingest(
    landing: Annotated[str, typer.Argument(metavar="LANDING")],
    keys: KeysOption,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge and load every new delivery below LANDING, and held ones that need wait no more."""
    from jobs import show
    from jobs.ingest import ingest as ingested
    from jobs.landing.signature import load_keys

    settings = Settings.from_environment(lake)
    known = load_keys(keys)
    with _engine(settings) as engine, show.progress(quiet=as_json) as watch:
        _tell(ingested(settings, landing, known, engine, watch), as_json)


def _tell(reports: Iterator[Any], as_json: bool) -> None:
    from jobs import show

    told = []
    for report in reports:
        if as_json:
            print(json.dumps(report.line(), ensure_ascii=False), flush=True)
        told.append(report)
    if not as_json:
        show.verdicts(told)


@contextmanager
def _engine(settings: Settings) -> "Iterator[Engine]":
    from jobs.session import check_engine
    from jobs.silver.engine import Engine

    check_engine(settings)
    engine = Engine(settings)
    try:
        yield engine
    finally:
        engine.close()


@app.command()
def build(lake: LakeOption = None) -> None:
    """Refresh gold from what changed in silver."""
    from jobs import show
    from jobs.ingest import build as built

    settings = Settings.from_environment(lake)
    with _engine(settings) as engine, show.progress() as watch:
        watch("building gold")
        made = built(settings, engine)
    show.built(made)


@app.command()
def status(lake: LakeOption = None, to: StateOption = Path("services"), as_json: JsonOption = False) -> None:
    """Services that run here; deliveries, tables, rows, what waits, what was set aside, what is still held."""
    from jobs import show
    from jobs.services import told
    from jobs.status import status as looked_up

    services = told.services(to)
    settings = told.settings(to, lake)
    if services is not None and not as_json:
        show.services(services)
    found = looked_up(settings)
    if as_json:
        print(json.dumps(found.told() | ({"services": services} if services is not None else {}), ensure_ascii=False))
    else:
        show.status(found)


@app.command()
def up(
    to: StateOption = Path("services"),
    lake: LakeOption = None,
    landing: Annotated[
        str | None, typer.Option("--landing", metavar="DIR", help="The landing area; PSCC_LANDING when not given.")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="KEYS.json", help="The hospitals' delivery keys; PSCC_KEYS when not given.")
    ] = None,
    without: Annotated[
        list[Part] | None, typer.Option("--without", help="What this machine does without; `nothing` takes it back.")
    ] = None,
) -> None:
    """Start PostgreSQL, Airflow, the engines and, once a release is approved, the hub, and wait until all are well. What was named once is remembered."""
    from jobs import show
    from jobs.services import told
    from jobs.services.updown import up as started

    left_out = None if without is None else [each.value for each in without if each is not Part.nothing]
    place = told.prepared_from_environment(to, lake, landing, keys, left_out)
    with show.progress() as watch:
        said = started(place, watch)
    print(said + told.welcome(place))


@app.command()
def address(
    user: Annotated[str, typer.Argument(metavar="NAME", help="Who will ask: letters, digits and @._-")],
    to: StateOption = Path("services"),
) -> None:
    """What SPARK_REMOTE of an analyst is: where the curated engine is reached, with a token of this person's own. Keep it like a password."""
    from jobs.services.told import address_of

    print(address_of(to, user))


@app.command()
def down(to: StateOption = Path("services")) -> None:
    """Stop what `up` started. Nothing is lost: what was at work goes on after the next `up`."""
    from jobs.services.place import opened
    from jobs.services.updown import down as stopped

    print("Everything is stopped." if stopped(opened(to)) else "Nothing ran.")


@app.command()
def logs(
    program: Annotated[str, typer.Argument(metavar="PROGRAM")] = "",
    to: StateOption = Path("services"),
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many, the newest last.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
) -> None:
    """The newest lines of a program's log; without PROGRAM, which there are."""
    from jobs.services.told import tail

    tail(to, program, lines, follow=follow)


@app.command()
def deliver(
    delivery: Annotated[Path, typer.Argument(metavar="DELIVERY")],
    landing: Annotated[
        Path | None, typer.Option("--to", metavar="LANDING", help="The landing area; PSCC_LANDING, then that of ./services.")
    ] = None,
) -> None:
    """Copy a delivery into the landing area, its manifest last, as a hospital does."""
    from jobs.delivering import deliver as delivered
    from jobs.services.told import landing_area

    place = delivered(delivery, landing or landing_area(Path("services")))
    print(f"{place.name} is announced in {place.parent}. Next: `pscc status`.")


@app.command()
def decide(
    delivery_id: Annotated[str, typer.Argument(metavar="ID")],
    verdict: Verdict,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the record.")],
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve or reject a held delivery; it is read from landing again."""
    from jobs import show
    from jobs.ingest import decide as decided

    settings = Settings.from_environment(lake)
    with _engine(settings) as engine, show.progress(quiet=as_json) as watch:
        _tell(decided(settings, delivery_id, verdict.value, by, why, engine, watch), as_json)


@rebuild_app.command("silver")
def rebuild_silver(lake: LakeOption = None) -> None:
    """Make silver again from bronze, after a mapping was corrected."""
    from jobs import show
    from jobs.ingest import rebuild_silver as rebuilt

    settings = Settings.from_environment(lake)
    with _engine(settings) as engine, show.progress() as watch:
        watch("making silver again from bronze")
        rebuilt(settings, engine)
    print("Silver is what bronze and the mappings say. Next: `pscc build`.")


@release_app.command("make")
def make_release(
    lake: Annotated[
        str | None, typer.Option("--from", "--lake", metavar="LAKE", help="The lake; LAKE_ROOT, then ./lake, when not given.")
    ] = None,
    size: Annotated[
        Size, typer.Option(help="1,000, 5,000 or 20,000 patients; all there are where there are fewer.")
    ] = Size.small,
    k: Annotated[int, typer.Option("--k", min=2, help="Patients in a class, and who share any two facts.")] = 11,
    diverse: Annotated[int, typer.Option("--l", min=1, max=4, help="Different outcomes in a class.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Make a release, hold it to its bounds, and put it beside the others; a person approves it. Exit code 1 where it fails."""
    from jobs import show
    from jobs.privacy.anonymise import Bounds
    from jobs.releases import make

    settings = Settings.from_environment(lake)
    with show.progress(quiet=as_json) as watch:
        release, figures = make(settings, size.value, Bounds(k, diverse), watch)
    if as_json:
        print(json.dumps(release.told() | {"figures": [each.__dict__ for each in figures]}, ensure_ascii=False))
    else:
        show.release(release, [each.__dict__ for each in figures])
        print(
            f"Next: read {settings.lake}/teaching/{release.name}/card.md, then `pscc release approve {release.name} --by NAME`."
        )


@release_app.command("list")
def list_releases(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Every release, with its state: made, approved, revoked."""
    from jobs import show
    from jobs.releases import listed

    found = listed(Settings.from_environment(lake))
    if as_json:
        for each in found:
            print(json.dumps(each.told(), ensure_ascii=False))
    else:
        show.releases(found)


@release_app.command("show")
def show_release(
    name: Annotated[str, typer.Argument(metavar="RELEASE")], lake: LakeOption = None, as_json: JsonOption = False
) -> None:
    """A release: its state, its figures with their bounds."""
    from jobs import show
    from jobs.releases import shown

    release, card = shown(Settings.from_environment(lake), name)
    if as_json:
        print(json.dumps(release.told() | {"card": card}, ensure_ascii=False))
    else:
        show.release(release, card["figures"] if card else [])


@release_app.command("approve")
def approve_release(
    name: Annotated[str, typer.Argument(metavar="RELEASE")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves.")],
    lake: LakeOption = None,
) -> None:
    """Let trainees see a release, once its lessons were run. Exit code 1 where one blocks it, or something has changed since it was made."""
    from jobs import show
    from jobs.releases import approve, check_approvable, examine_courses

    settings = Settings.from_environment(lake)
    check_approvable(settings, name, by)
    with show.progress() as watch:
        watch("running the lessons of the courses")
        said = examine_courses(settings, name)
    print(said)
    release = approve(settings, name, by)
    print(f"{release.name} is approved by {release.by}: {release.patients:,} patients.")


@release_app.command("revoke")
def revoke_release(
    name: Annotated[str, typer.Argument(metavar="RELEASE")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who revokes.")] = "",
    lake: LakeOption = None,
) -> None:
    """Take a release away: its tables, and the list of who was in it."""
    from jobs.releases import revoke

    release = revoke(Settings.from_environment(lake), name, by)
    print(f"{release.name} is revoked: its tables are gone. Copies that a class has made are not; tell it.")


@rights_app.command("oppose")
def oppose(
    hospital: HospitalOption,
    by: ByOption,
    reason: ReasonOption,
    pseudonym_file: PseudonymOption = None,
    person: PersonOption = None,
    scope: Annotated[Scope, typer.Option(help="What the person objects to.")] = Scope.all,
    received: ReceivedOption = None,
    later: LaterOption = False,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a person out of everything, or of what a scope names, in every hospital; what is delivered later stays out."""
    _ask("oppose", hospital, _who(pseudonym_file, person), scope.value, by, reason, received, later, lake, [], as_json)


@rights_app.command("lift")
def lift(
    hospital: HospitalOption,
    by: ByOption,
    reason: ReasonOption,
    pseudonym_file: PseudonymOption = None,
    person: PersonOption = None,
    scope: Annotated[Scope, typer.Option(help="The opposition that ends.")] = Scope.all,
    received: ReceivedOption = None,
    later: LaterOption = False,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an opposition that came to the platform; hospitals are asked to send the person again. One in a hospital's own list stands."""
    _ask("lift", hospital, _who(pseudonym_file, person), scope.value, by, reason, received, later, lake, [], as_json)


@rights_app.command("erase")
def erase(
    hospital: HospitalOption,
    by: ByOption,
    reason: ReasonOption,
    pseudonym_file: PseudonymOption = None,
    person: PersonOption = None,
    received: ReceivedOption = None,
    later: LaterOption = False,
    logs: LogsOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase people from every zone, for good, and prove it. Exit code 1 where a trace is left: nothing is certified then."""
    _ask("erase", hospital, _who(pseudonym_file, person), "all", by, reason, received, later, lake, logs or [], as_json)


def _who(file: Path | None, people: list[str] | None) -> list[str]:
    """Whom a request is about. A pseudonym is read from a file: what stands on a command line is read by others."""
    if (file is None) == (not people):
        raise WrongUse("Expected --pseudonym-file FILE or --person ID to say who it is, found both or neither.")
    if file is None:
        return people or []
    try:
        return [line.strip().lower() for line in file.read_text(encoding="ascii").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise WrongUse(f"Expected pseudonyms in {file}, found no file that can be read: check the path.") from None


def _ask(
    kind: Any,
    hospital: str,
    who: list[str],
    scope: str,
    by: str,
    reason: str,
    received: str | None,
    later: bool,
    lake: str | None,
    logs: list[Path],
    as_json: bool,
) -> None:
    from datetime import date

    from jobs import rights

    try:
        day = date.fromisoformat(received) if received else None
    except ValueError:
        raise WrongUse("Expected a day like 2026-03-01 after --received, found another text: correct it.") from None
    settings = Settings.from_environment(lake)

    def entered() -> "Request":
        return rights.received(settings, kind, hospital, who, scope, by, reason, day)

    _tell_request(entered() if later else _carry_out(settings, entered, logs, as_json), as_json)


def _carry_out(settings: Settings, asked: "Callable[[], Request]", logs: list[Path], as_json: bool) -> "Request":
    """A request, carried out. It is entered once an engine can be had: tried again, it would be another one."""
    from jobs import rights, show

    with _engine(settings) as engine, show.progress(quiet=as_json) as watch:
        return rights.carry_out(settings, engine, asked().id, logs, watch)


def _tell_request(found: "Request", as_json: bool) -> None:
    from jobs import show

    if as_json:
        print(json.dumps(found.told(), ensure_ascii=False))
    else:
        show.rights_request(found)


@rights_app.command("run")
def run_request(
    name: Annotated[str, typer.Argument(metavar="ID")],
    logs: LogsOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out a request that waits, or that a crash cut short."""
    from jobs import rights

    settings = Settings.from_environment(lake)
    _tell_request(_carry_out(settings, lambda: rights.shown(settings, name), logs or [], as_json), as_json)


@rights_app.command("list")
def list_requests(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Every request, with its state and the day by which it has to be answered."""
    from jobs import rights, show

    found = rights.listed(Settings.from_environment(lake))
    if as_json:
        for each in found:
            print(json.dumps(each.told(), ensure_ascii=False))
    else:
        show.rights_requests(found)


@rights_app.command("show")
def show_request(
    name: Annotated[str, typer.Argument(metavar="ID")], lake: LakeOption = None, as_json: JsonOption = False
) -> None:
    """A request: what became of it, and zone by zone what was found before and after an erasure."""
    from jobs import rights

    _tell_request(rights.shown(Settings.from_environment(lake), name), as_json)


@rights_app.command("verify")
def verify_certificate(file: Annotated[Path, typer.Argument(metavar="CERT")], lake: LakeOption = None) -> None:
    """Check that a certificate is one of this lake's and unchanged. Exit code 1 where it is not."""
    from jobs.rights import certificate

    found = certificate.verify(Settings.from_environment(lake), file)
    print(f"{found['request']}: signed by this lake and unchanged; erased with proof on {found['ended_at'][:10]}.")


@audit_app.command("verify")
def verify_audit(lake: LakeOption = None) -> None:
    """Check the chain of the audit. Exit code 1 where a line was changed, or its end was cut."""
    from jobs import audit

    print(f"{audit.check(Settings.from_environment(lake))} acts, each as it was written.")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY")],
    lake: LakeOption = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.table,
    build: Annotated[
        int | None, typer.Option("--build", metavar="BUILD", help="Gold as that build left it (`pscc builds`).")
    ] = None,
) -> None:
    """Ask the tables, known as zone.table: pscc sql "SELECT * FROM gold.endpoint"."""
    from jobs import builds, show
    from jobs.lake import Lake
    from jobs.ledger import Ledger

    settings = Settings.from_environment(lake)
    if form is Format.parquet and sys.stdout.isatty():
        raise WrongUse("Expected a file for Parquet, found a terminal: write `pscc sql … --format parquet > rows.parquet`.")
    Ledger(settings, create=False).close()
    versions = builds.build(Lake.of(settings), build).versions if build is not None else None
    with _engine(settings) as engine:
        rows = _asked(lambda: engine.sql(query, versions))
    show.rows(rows, form.value)


def _opened(lake: str | None) -> "Lake":
    """A lake to look at without an engine; WrongUse where there is none."""
    from jobs.lake import Lake
    from jobs.ledger import Ledger

    settings = Settings.from_environment(lake)
    Ledger(settings, create=False).close()
    return Lake.of(settings)


@app.command()
def tables(lake: LakeOption = None) -> None:
    """The tables of gold: what a row is, and how many there are."""
    from jobs import catalogue, show

    show.catalogue(catalogue.tables(_opened(lake)))


@app.command()
def describe(table: Annotated[str, typer.Argument(metavar="ZONE.TABLE")]) -> None:
    """A table column by column: type, meaning, allowed values, what it tells about a person."""
    from jobs import catalogue, show

    show.described(catalogue.table(table))


@app.command()
def dictionary(to: Annotated[Path, typer.Argument(metavar="OUT", help="A folder; it is made.")]) -> None:
    """Write the dictionary of all tables as one page to search, for a browser; it needs no network."""
    from jobs.dictionary_page import write

    print(f"Open {write(to)}.")


@app.command()
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


@app.command()
def scratch(lake: LakeOption = None) -> None:
    """This user's private folder for copies of rows; what was made from builds that are closed by now is deleted."""
    from jobs.scratch import Scratch

    found = Scratch.opened(_opened(lake))
    print(found.folder)
    for name, build in found.tables():
        print(f"  {name}, of build {build}")


@app.command("builds")
def list_builds(lake: LakeOption = None) -> None:
    """The builds that `sql --build`, `changes` and `cite` can go back to."""
    from jobs import builds, show

    show.builds(builds.open_builds(_opened(lake)))


@app.command()
def changes(build: Annotated[int, typer.Argument(metavar="BUILD")], lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """What changed in gold since a build: rows that came, went, and read otherwise now."""
    from jobs import builds, show

    opened = _opened(lake)
    found = builds.changes(opened, builds.build(opened, build))
    if as_json:
        for each in found:
            print(json.dumps(each.__dict__))
    else:
        show.changes(found)


@app.command()
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
    with _engine(settings) as engine, show.progress(quiet=as_json) as watch:
        watch("finding the cohort")
        made = _asked(lambda: cohorts.make(settings, engine, definition, build, who, keep=not dry_run))
    _tell_cohort(made, as_json)


def _tell_cohort(found: Any, as_json: bool, now: int | None = None) -> None:
    from jobs import show

    if as_json:
        print(json.dumps(found.told(), ensure_ascii=False))
    else:
        show.cohort(found, now)


@cohort_app.command("list")
def list_cohorts(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """The saved cohorts: name, build, what for."""
    from jobs import cohorts, show

    found = list(cohorts.saved(_opened(lake)).values())
    if as_json:
        for each in found:
            print(json.dumps(each.told(), ensure_ascii=False))
    else:
        show.cohorts(found)


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
    with _engine(settings) as engine:
        cohorts.drop(settings, engine, name, by if by is not None else getpass.getuser())
    print(f"{name} is dropped.")


def _asked(run: Callable[[], Any]) -> Any:
    from pyspark.errors import AnalysisException, PySparkException

    try:
        return run()
    except PySparkException as error:
        # Before a query runs, a message speaks of the query alone; afterwards it may quote a row.
        readable = isinstance(error, AnalysisException) or not error.getCondition()
        said = str(error).strip().splitlines()[0] if readable else f"[{error.getCondition()}]"
        raise WrongUse(f"Expected a query over zone.table, found one that cannot be answered: {said}") from None


@app.command()
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
    Ledger(settings, create=False).close()
    tables = Lake.of(settings)
    asked = Asked(query, by if by is not None else getpass.getuser(), purpose, builds.newest(tables))
    with _engine(settings) as engine:
        number, told = exported(
            tables, lambda asking: _asked(lambda: engine.sql(asking)), asked, tuple(count or ["n"]), to, suppress=suppress
        )
    hidden = f", {told.hidden} cells hidden" if told.hidden else ""
    print(f"{told.rows.height:,} rows are in {to}{hidden}: export {number}. Counts are rounded to 5.")


@app.command()
def simulate(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the deliveries go.")],
    patients: Annotated[int, typer.Option(min=10)] = 300,
    deliveries: Annotated[int, typer.Option(min=1, max=24, help="Per hospital.")] = 4,
    seed: int = 7,
    dirt: Annotated[
        str | None,
        typer.Option(
            metavar="RATES", help="One rate for every kind of defect, or missing=0.01,late=0; a little of each if not given."
        ),
    ] = None,
    faults: Annotated[str, typer.Option(metavar="KINDS", help="Deliveries that go wrong: refused,late or all or none.")] = "none",
) -> None:
    """Make signed deliveries of three synthetic hospitals, with an answer key."""
    from jobs.simulate import Dirt, Faults
    from jobs.simulate import simulate as simulated

    try:
        rates, wrong = Dirt.parse(dirt) if dirt is not None else None, Faults.parse(faults)
    except ValueError as error:
        raise WrongUse(f"{str(error)[:1].upper()}{str(error)[1:]}. See `pscc simulate --help`.") from None
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise WrongUse(f"Expected an empty folder at {to}, found something there: name a new one.")
    _make_folder(to)
    made = simulated(patients, deliveries, seed, to, rates, wrong)
    print(f"{len(made.deliveries)} deliveries of {made.patients:,} patients lie in {made.landing}, their keys in {made.keys}.")


@app.command()
def anonymise(
    table: Annotated[Path, typer.Argument(metavar="IN.parquet")],
    to: Annotated[Path, typer.Argument(metavar="OUT.parquet")],
    spec: Annotated[
        Path, typer.Option("--spec", metavar="SPEC.toml", help="Quasi-identifiers, hierarchies, sensitive columns, k, l.")
    ],
    spark: Annotated[
        bool, typer.Option("--spark", help="Group by group with Spark, for a table that memory does not hold; OUT is a folder.")
    ] = False,
) -> None:
    """Make a table anonymous: k rows in every class, l sensitive values, no row left out; proven on what is written."""
    from jobs import show

    if not spark:
        from jobs.privacy.table import anonymise_file

        show.anonymous(*anonymise_file(table, to, spec))
        return
    from jobs.privacy.groups import anonymise_with_spark
    from jobs.session import open_session

    session = open_session(Settings.from_environment())
    try:
        show.anonymous(*anonymise_with_spark(session, table, to, spec))
    finally:
        session.stop()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise WrongUse(f"Expected to make a folder {folder}, found: {error.strerror}. Name another one with --to.") from None


@app.command()
def key(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Make a platform key: 64 hex digits in a new file that only its owner reads."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(secrets.token_hex(32) + "\n")
    except FileExistsError:
        raise WrongUse(
            f"Expected a new file, found {file} there already: a key is never overwritten, every person_id hangs on it."
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise WrongUse(f"Expected a folder {file.parent} for the key, found none: make it first.") from None
    print(f"The key is in {file}. Keep it apart from the lake and set PSCC_PLATFORM_KEY_FILE={file}.")


@app.command()
def demo(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where everything of the demo goes.")] = Path("demo"),
    deliveries: Annotated[
        Path | None, typer.Option("--deliveries", metavar="LANDING", help="Real deliveries in place of simulated ones.")
    ] = None,
    keys: Annotated[Path | None, typer.Option("--keys", metavar="KEYS.json", help="The keys of those.")] = None,
) -> None:
    """Simulate three hospitals, run the DAGs on them and show what came out. From a checkout only: the wheel has no DAGs.

    Exit code 1 when a task failed other than the verdict on a refused delivery.
    """
    from jobs.demo import demo as shown
    from jobs.demo import prepare

    prepare(to)
    _make_folder(to)
    raise typer.Exit(0 if shown(to, deliveries, keys) else 1)


PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command(context_settings=PASSED_ON)
def academy(context: typer.Context) -> None:
    """A class in JupyterHub: up, down, status, invite, reset, import, export, retire, seal.

    `up` without --lake makes a lake of 20,000 simulated patients and their release first, once.
    """
    from jobs.academy import own_lake, run

    asked = list(context.args)
    if own := own_lake(asked):
        # What would keep it from starting is said before minutes of work, not after them.
        if refused := run("hub_config.academy", [*asked, "--dry-run"]):
            raise typer.Exit(refused)
        asked += _class_of_its_own(own.to, own.release)
    raise typer.Exit(run("hub_config.academy", asked))


def _class_of_its_own(to: Path, release: str | None) -> list[str]:
    """Lake and release of an academy that was given none; a release that was named is not made, but looked for."""
    from jobs import academy as own
    from jobs import show

    _make_folder(to)
    settings = own.lake_of(to)
    with show.progress() as watch:
        found = release or own.release_for_class(to, settings, _engine, watch)
        own.build_lessons(to, watch)
    return ["--lake", settings.lake, "--release", found]


@app.command(context_settings=PASSED_ON)
def course(context: typer.Context) -> None:
    """Write, guard, build and examine courses: new, check, build, preview, site, examine."""
    from jobs.academy import run

    raise typer.Exit(run("courses.authoring", context.args))


if __name__ == "__main__":
    main()
