"""The commands that make a lake and its tables, and say how it is: platform key, silver, gold, status."""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import private
from jobs.commands.shared import SERVICES, JsonOption, LakeOption, ServedLakeOption, StateOption, engine_of, group
from jobs.errors import WrongUse
from jobs.services import users
from jobs.settings import LAKE_FORMAT, Settings

if TYPE_CHECKING:
    from jobs.upgrade import Migration

rebuild_app = group("Make tables again from what lies below them.")


def key(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Make a platform key: 64 hex digits in a new file that only its owner reads; root's, the clinical user of its services too."""
    try:
        with private.opened(file, "x") as written:
            written.write(secrets.token_hex(32) + "\n")
            if os.geteuid() == 0:
                os.fchown(written.fileno(), -1, users.CLINICAL_UID)
                os.fchmod(written.fileno(), 0o640)
    except FileExistsError:
        raise WrongUse(
            f"Expected a new file, found {file} there already: a key is never overwritten, every person_id hangs on it."
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise WrongUse(f"Expected a folder {file.parent} for the key, found none: make it first.") from None
    print(f"The key is in {file}. Keep it apart from the lake and set PSCC_PLATFORM_KEY_FILE={file}.")


@rebuild_app.command("silver")
def rebuild_silver(lake: LakeOption = None) -> None:
    """Make silver again from bronze, after a mapping was corrected."""
    from jobs import show
    from jobs.ingest import rebuild_silver as rebuilt

    settings = Settings.from_environment(lake)
    with engine_of(settings) as engine, show.progress() as watch:
        watch("making silver again from bronze")
        rebuilt(settings, engine)
    print("Silver is what bronze and the mappings say. Next: `pscc build`.")


def build(lake: LakeOption = None) -> None:
    """Refresh gold from what changed in silver."""
    from jobs import show
    from jobs.ingest import build as built

    settings = Settings.from_environment(lake)
    with engine_of(settings) as engine, show.progress() as watch:
        watch("building gold")
        made = built(settings, engine)
    show.built(made)


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Only say what is due. Exit code 1 where something is.")] = False,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who; the user of this machine when not given.")] = None,
    lake: ServedLakeOption = None,
    to: StateOption = SERVICES,
) -> None:
    """Bring a lake that an older version made to the format of this one. Back it up and stop what works on it first."""
    import getpass

    from jobs import show
    from jobs import upgrade as upgrades
    from jobs.services import told

    # What the services know stands in a file that only root reads, and goes along in the environment.
    settings = told.settings(to, lake)
    users.work_as_owner(settings.lake, sys.argv[1:])
    if check:
        found = upgrades.due(settings)
        for each in found:
            print(f"format {each.number}: {each.says}")
    else:
        with show.progress() as watch:
            found = upgrades.upgrade(settings, by if by is not None else getpass.getuser(), watch)
    print(_upgraded(found, check=check))
    if missing := upgrades.to_make_again(settings):
        print(f"New columns of silver are empty in {', '.join(missing)}. Next: `pscc rebuild silver`, then `pscc build`.")
    raise typer.Exit(1 if check and found else 0)


def _upgraded(found: "list[Migration]", *, check: bool) -> str:
    if not found:
        return f"The lake has format {LAKE_FORMAT}: nothing to do."
    done = ", ".join(str(each.number) for each in found)
    return (
        f"The lake needs {done}: run `pscc upgrade`." if check else f"The lake has format {LAKE_FORMAT} now; carried out: {done}."
    )


def status(lake: ServedLakeOption = None, to: StateOption = SERVICES, as_json: JsonOption = False) -> None:
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
