"""The commands of whoever makes tables anonymous: teaching releases, from making to revoking, and any other table."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.shared import FromLakeOption, JsonOption, LakeOption, group
from jobs.settings import Settings

release_app = group("Teaching releases: anonymous tables for a class.")


class Size(StrEnum):
    """How many patients a teaching release has at most: 1,000, 5,000, 20,000."""

    small = "small"
    medium = "medium"
    large = "large"


@release_app.command("make")
def make_release(
    lake: FromLakeOption = None,
    size: Annotated[
        Size, typer.Option(help="1,000, 5,000 or 20,000 patients; all there are where there are fewer.")
    ] = Size.small,
    k: Annotated[int, typer.Option("--k", min=2, help="Patients in a class, and who share any two facts.")] = 11,
    diverse: Annotated[int, typer.Option("--l", min=1, max=4, help="Different outcomes in a class.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Make a release, hold it to its bounds, and put it beside the others; a person approves it. Exit code 1 where it fails."""
    from jobs import show, show_privacy
    from jobs.privacy.anonymise import Bounds
    from jobs.releases import make
    from jobs.releases.store import opened

    settings = Settings.from_environment(lake)
    with show.progress(quiet=as_json) as watch:
        release, figures = make(settings, size.value, Bounds(k, diverse), watch)
    if as_json:
        print(json.dumps(release.told() | {"figures": [each.__dict__ for each in figures]}, ensure_ascii=False))
    else:
        show_privacy.release(release, [each.__dict__ for each in figures])
        if release.lower:
            print(f"{release.lower} To approve it takes --accept-lower-bounds.")
        print(
            f"Next: read {opened(settings).place(release.name) / 'card.md'}, then `pscc release approve {release.name} --by NAME`."
        )


@release_app.command("list")
def list_releases(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Every release, with its state: made, approved, revoked."""
    from jobs import show_privacy
    from jobs.releases import listed

    found = listed(Settings.from_environment(lake))
    if as_json:
        for each in found:
            print(json.dumps(each.told(), ensure_ascii=False))
    else:
        show_privacy.releases(found)


@release_app.command("show")
def show_release(
    name: Annotated[str, typer.Argument(metavar="RELEASE")], lake: LakeOption = None, as_json: JsonOption = False
) -> None:
    """A release: its state, its figures with their bounds."""
    from jobs import show_privacy
    from jobs.releases import shown

    release, card = shown(Settings.from_environment(lake), name)
    if as_json:
        print(json.dumps(release.told() | {"card": card}, ensure_ascii=False))
    else:
        show_privacy.release(release, card["figures"] if card else [])


@release_app.command("approve")
def approve_release(
    name: Annotated[str, typer.Argument(metavar="RELEASE")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves.")],
    accept: Annotated[
        bool, typer.Option("--accept-lower-bounds", help="Approve one that was made with less than k = 11 or l = 3 all the same.")
    ] = False,
    lake: LakeOption = None,
) -> None:
    """Let trainees see a release, once its lessons were run. Exit code 1 where one blocks it, or something has changed since it was made."""
    from jobs import show
    from jobs.releases import approve, check_approvable, examine_courses

    settings = Settings.from_environment(lake)
    check_approvable(settings, name, by, accept_lower_bounds=accept)
    with show.progress() as watch:
        watch("running the lessons of the courses")
        said = examine_courses(settings, name)
    print(said)
    release = approve(settings, name, by, accept_lower_bounds=accept)
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
    from jobs import show_privacy

    if not spark:
        from jobs.privacy.table import anonymise_file

        show_privacy.anonymous(*anonymise_file(table, to, spec))
        return
    from jobs.privacy.groups import anonymise_with_spark
    from jobs.session import open_session

    session = open_session(Settings.from_environment())
    try:
        show_privacy.anonymous(*anonymise_with_spark(session, table, to, spec))
    finally:
        session.stop()
