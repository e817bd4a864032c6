"""The commands that make a lake and its tables, and say how it is: platform key, silver, gold, status."""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from jobs import private
from jobs.commands.shared import JsonOption, LakeOption, ServedLakeOption, StateOption, engine_of, group
from jobs.errors import WrongUse
from jobs.services import users
from jobs.settings import Settings

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


def status(lake: ServedLakeOption = None, to: StateOption = Path("services"), as_json: JsonOption = False) -> None:
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
