"""What commands share: how a lake is named, how an engine is opened, what a person sees while it works."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.errors import WrongUse
from jobs.services import users
from jobs.services.place import FILE
from jobs.settings import Settings, check, give_libraries

if TYPE_CHECKING:
    from jobs.silver.engine import Engine

# The state folder of the services beside which a command works that names none.
SERVICES = Path("services")


def _check(taken: Iterable[str]) -> None:
    """What was taken from the services may have become wrong since they were started."""
    try:
        check({name: os.environ[name] for name in taken if os.environ.get(name)})
    except WrongUse as error:
        raise WrongUse(
            f"{error}\nThis shell did not set it: {SERVICES / FILE} remembers it, and `NAME= pscc up` takes it back."
        ) from None


def _as_its_owner(context: typer.Context, lake: str | None) -> str | None:
    """The lake to work on. Root, whose files would be closed to the services, becomes their user first."""
    if context.resilient_parsing:
        return lake
    from jobs.services.told import lake_beside

    found, taken = lake_beside(SERVICES, lake)
    _check(taken)
    give_libraries()
    users.work_as_owner(Settings.from_environment(found).lake, sys.argv[1:])
    return found


LAKE = "The lake, a folder or s3a://bucket/…; LAKE_ROOT, then that of ./services, then ./lake, when not given."
LakeOption = Annotated[str | None, typer.Option("--lake", metavar="DIR", help=LAKE, callback=_as_its_owner)]
FromLakeOption = Annotated[str | None, typer.Option("--from", "--lake", metavar="DIR", help=LAKE, callback=_as_its_owner)]
# Of commands that write nothing into the lake, and read root's passwords or write to root's places.
ServedLakeOption = Annotated[str | None, typer.Option("--lake", metavar="DIR", help=LAKE)]
JsonOption = Annotated[bool, typer.Option("--json", help="Objects for programs, one a line, in place of tables.")]
ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the record.")]
# A command that root typed begins again as the lake's owner, who need not read what it was told.
StateOption = Annotated[
    Path,
    typer.Option(
        "--services", metavar="DIR", readable=False, help="The state folder of this machine's services: ports, passwords, logs."
    ),
]


def group(told: str) -> typer.Typer:
    """A command that has commands of its own."""
    return typer.Typer(help=told, no_args_is_help=True, rich_markup_mode=None)


@contextmanager
def engine_of(settings: Settings) -> "Iterator[Engine]":
    """The clinical engine, closed afterwards; WrongUse before any work where none can be had."""
    from jobs.session import check_engine
    from jobs.silver.engine import Engine

    check_engine(settings)
    engine = Engine(settings)
    try:
        yield engine
    finally:
        engine.close()


def make_folder(folder: Path) -> None:
    """A folder for what a command writes; WrongUse where none can be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise WrongUse(f"Expected to make a folder {folder}, found: {error.strerror}. Name another one with --to.") from None
