"""The commands that start, stop and reach the services of this machine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.shared import SERVICES, ServedLakeOption, StateOption


class Part(StrEnum):
    """What the services of a machine can do without."""

    curated = "curated"
    academy = "academy"
    nothing = "nothing"


def up(
    to: StateOption = SERVICES,
    lake: ServedLakeOption = None,
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


def address(
    user: Annotated[str, typer.Argument(metavar="NAME", help="Who will ask: letters, digits and @._-")],
    to: StateOption = SERVICES,
) -> None:
    """What SPARK_REMOTE of an analyst is: where the curated engine is reached, with a token of this person's own. Keep it like a password."""
    from jobs.services.told import address_of

    print(address_of(to, user))


def down(to: StateOption = SERVICES) -> None:
    """Stop what `up` started. Nothing is lost: what was at work goes on after the next `up`."""
    from jobs.services.place import opened
    from jobs.services.updown import down as stopped

    print("Everything is stopped." if stopped(opened(to)) else "Nothing ran.")


def logs(
    program: Annotated[str, typer.Argument(metavar="PROGRAM")] = "",
    to: StateOption = SERVICES,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many, the newest last.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
) -> None:
    """The newest lines of a program's log; without PROGRAM, which there are."""
    from jobs.services.told import tail

    tail(to, program, lines, follow=follow)
