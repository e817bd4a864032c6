"""The commands of whoever teaches. Academy and courses know nothing of the lake: they are programs of their own, started from here."""

from pathlib import Path

import typer

from jobs.commands.shared import engine_of, make_folder


def academy(context: typer.Context) -> None:
    """A class in JupyterHub: up, down, status, invite, reset, import, export, retire, seal.

    `up` without --lake makes a lake of 20,000 simulated patients and their release first, once.
    """
    from jobs.academy import check_not_supervised, own_lake, run

    asked = list(context.args)
    check_not_supervised(asked)
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

    make_folder(to)
    settings = own.lake_of(to)
    with show.progress() as watch:
        found = release or own.release_for_class(to, settings, engine_of, watch)
        own.build_lessons(to, watch)
    return ["--lake", settings.lake, "--release", found]


def course(context: typer.Context) -> None:
    """Write, guard, build and examine courses: new, check, build, preview, site, examine."""
    from jobs.academy import run

    raise typer.Exit(run("courses.authoring", context.args))
