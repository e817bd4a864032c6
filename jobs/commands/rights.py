"""The commands of whoever answers requests of people: opposition, lift, erasure with proof, and the audit of all that."""

import json
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.commands.shared import SERVICES, JsonOption, LakeOption, ServedLakeOption, StateOption, engine_of, group
from jobs.errors import WrongUse
from jobs.settings import Settings

if TYPE_CHECKING:
    from jobs.rights.register import Request

rights_app = group("Requests of people: opposition, lift, erasure with proof.")

audit_app = group("The audit of acts on people's rights.")

access_app = group("The access log: who read which table, when, and by what.")

HospitalOption = Annotated[str, typer.Option("--hospital", metavar="CENTER", help="The hospital whose pseudonym it is.")]
PseudonymOption = Annotated[
    Path | None,
    typer.Option(
        "--pseudonym-file",
        metavar="FILE",
        readable=False,
        help="Pseudonyms as the hospital makes them, 64 hex digits, one a line.",
    ),
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


class Scope(StrEnum):
    """What a person may oppose to."""

    all = "all"
    genetics = "genetics"
    samples = "samples"
    industry = "industry"


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
    except PermissionError:
        user = os.geteuid()
        raise WrongUse(
            f"Expected pseudonyms in {file}, found it closed to user {user}, who works on this lake: `chgrp {user} {file} && chmod 640 {file}`."
        ) from None
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

    with engine_of(settings) as engine, show.progress(quiet=as_json) as watch:
        return rights.carry_out(settings, engine, asked().id, logs, watch)


def _tell_request(found: "Request", as_json: bool) -> None:
    from jobs import show_privacy

    if as_json:
        print(json.dumps(found.told(), ensure_ascii=False))
    else:
        show_privacy.rights_request(found)


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


@rights_app.command("withdraw")
def withdraw_request(
    name: Annotated[str, typer.Argument(metavar="ID")],
    by: ByOption,
    reason: ReasonOption,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a request that nothing was done for, or that nobody can carry out any more."""
    from jobs import rights

    _tell_request(rights.withdraw(Settings.from_environment(lake), name, by, reason), as_json)


@rights_app.command("list")
def list_requests(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Every request, with its state and the day by which it has to be answered."""
    from jobs import rights, show_privacy

    found = rights.listed(Settings.from_environment(lake))
    if as_json:
        for each in found:
            print(json.dumps(each.told(), ensure_ascii=False))
    else:
        show_privacy.rights_requests(found)


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
    from jobs.rights.register import absent

    found = certificate.verify(Settings.from_environment(lake), file)
    said = f"{found['request']}: signed by this lake and unchanged; erased with proof on {found['ended_at'][:10]}."
    print(" ".join(filter(None, [said, absent(found)])))


@audit_app.command("verify")
def verify_audit(lake: LakeOption = None) -> None:
    """Check the chain of the audit. Exit code 1 where a line was changed, or its end was cut."""
    from jobs import audit

    print(f"{audit.check(Settings.from_environment(lake))} acts, each as it was written.")


@access_app.command("list")
def list_accesses(
    table: Annotated[str | None, typer.Option("--table", metavar="ZONE.TABLE", help="Of one table only.")] = None,
    who: Annotated[str | None, typer.Option("--who", metavar="NAME", help="Of one person only.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="From that day on.")] = None,
    lake: ServedLakeOption = None,
    services: StateOption = SERVICES,
    academy: Annotated[
        Path | None,
        typer.Option("--academy", metavar="DIR", help="An academy that `pscc academy up` started, and nothing else."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Who read which table, at which version and which columns, by the curated engine and by commands; who logged in at the academy.
    Exit code 2 where a log is closed.
    """
    from datetime import date

    from jobs import access, show_operating

    try:
        day = date.fromisoformat(since) if since else None
    except ValueError:
        raise WrongUse("Expected a day like 2026-03-01 after --since, found another text: correct it.") from None
    found = access.listed(_logs(lake, services, academy), table, who, day)
    if as_json:
        for each in found:
            print(json.dumps(each.told(), ensure_ascii=False))
    else:
        show_operating.accesses(list(found))


def _logs(lake: str | None, services: Path, academy: Path | None) -> list[Path]:
    from jobs import access
    from jobs.ledger import Ledger
    from jobs.services.told import settings

    if academy:
        return access.of_academy(academy)
    found = settings(services, lake)
    # Of a newer format another version knows what stands in it.
    Ledger(found, create=False).close()
    return access.folders(found, services)
