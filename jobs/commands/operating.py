"""The commands of whoever keeps the lakehouse running: what lies in quarantine, the story of a delivery, whether the lake is whole."""

import json
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.commands import deliveries
from jobs.commands.shared import (
    SERVICES,
    ByOption,
    JsonOption,
    LakeOption,
    ServedLakeOption,
    StateOption,
    WhyOption,
    engine_of,
    group,
)
from jobs.errors import WrongUse
from jobs.services import users
from jobs.settings import Settings, value

quarantine_app = group("Rows that are set aside or wait: how many and why, where they stand, and another try.")
delivery_app = group("One delivery, from its announcement to gold.")
alerts_app = typer.Typer(help="What somebody has to look at.", invoke_without_command=True, rich_markup_mode=None)


keys_app = group("The keys of a lake: which there are, how old, what hangs on them, and a new one in place of an old.")


def _told(lines: Iterable[dict[str, Any]]) -> None:
    for each in lines:
        print(json.dumps(each, ensure_ascii=False, default=str))


@quarantine_app.command("list")
def list_quarantine(
    center: Annotated[str | None, typer.Option("--center", metavar="CENTER", help="Of one hospital only.")] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rows that are set aside or wait, by hospital, feed and reason."""
    from jobs import show_operating
    from jobs.quarantine import groups

    found = groups(Settings.from_environment(lake), center)
    if as_json:
        _told(each.told() for each in found)
    else:
        show_operating.quarantined(found)


@quarantine_app.command("show")
def show_quarantine(
    what: Annotated[str, typer.Argument(metavar="ID|REASON", help="A delivery, or a reason code.")],
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where the rows of a delivery, or those with a reason, stand: file, row number, columns. Never a value."""
    from jobs import show_operating
    from jobs.quarantine import places_of

    found = places_of(Settings.from_environment(lake), what)
    if as_json:
        _told(found)
    else:
        show_operating.places(what, found)


@quarantine_app.command("replay")
def replay_quarantine(
    center: Annotated[str, typer.Argument(metavar="CENTER")], lake: LakeOption = None, as_json: JsonOption = False
) -> None:
    """Try the waiting rows of a hospital again, in one pass. Rows set aside keep their verdict: a corrected one comes in a later delivery."""
    from jobs import show, show_operating
    from jobs.quarantine import replay

    settings = Settings.from_environment(lake)
    with engine_of(settings) as engine, show.progress(quiet=as_json) as watch:
        found = replay(settings, center, engine, watch)
    if as_json:
        _told({"reason": reason, "before": before, "after": after} for reason, (before, after) in found.items())
    else:
        show_operating.replayed(center, found)
        print(deliveries.TO_GOLD)


@quarantine_app.command("release")
def release_held(
    delivery_id: Annotated[str, typer.Argument(metavar="ID")],
    by: ByOption,
    why: WhyOption,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a held delivery load: `pscc decide ID approve` under another name."""
    deliveries.decide(delivery_id, deliveries.Verdict.approve, by, why, lake, as_json)


@delivery_app.command("show")
def show_delivery(
    delivery_id: Annotated[str, typer.Argument(metavar="ID")], lake: LakeOption = None, as_json: JsonOption = False
) -> None:
    """Announcement, gates, rows, tables and their versions, passes, times, runs: the whole story of a delivery."""
    from jobs import access, show_operating
    from jobs.story import story

    settings = Settings.from_environment(lake)
    found = story(settings, delivery_id)
    counted = [each for each in found.tables if each.table.startswith("quarantine.")]
    access.note(
        settings, "pscc delivery show", [access.Read(each.table, each.version, ("source_file", "status")) for each in counted]
    )
    if as_json:
        _told([found.told()])
    else:
        show_operating.story(found)


def verify(lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """Look whether every table opens and has all its files, and the rows that the ledger knows of. Exit code 1 where something is wrong."""
    from jobs.verification import verify as verified

    found = verified(Settings.from_environment(lake))
    if as_json:
        _told(each.__dict__ for each in found.faults)
    else:
        for each in found.faults:
            print(f"{each.table}: {each.sentence}")
        print(f"{found.tables:,} tables with {found.files:,} files were looked at, {len(found.faults):,} faults found.")
    raise typer.Exit(1 if found.faults else 0)


def lineage(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, such as gold.patient_summary.")],
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a table was made from, back to the files of deliveries."""
    from jobs import show_operating
    from jobs.ledger import Ledger
    from jobs.lineage.trace import trace

    settings = Settings.from_environment(lake)
    Ledger(settings, create=False).close()
    found = trace(settings, table)
    if as_json:
        _told(found.told())
    else:
        show_operating.traced(found)


def maintain(
    only: Annotated[
        str | None,
        typer.Option(
            "--only", metavar="STEPS", help="verify,compact,backup,drill,logs,vacuum,retention,airflow; all when not given."
        ),
    ] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What keeps the lake well, as the DAG `maintenance` does it every night. Exit code 1 where lake or backup is not whole."""
    from jobs import show
    from jobs.maintenance import STEPS
    from jobs.maintenance import maintain as maintained

    settings = Settings.from_environment(lake)
    asked = [each.strip() for each in only.split(",")] if only is not None else list(STEPS)
    if unknown := [each for each in asked if each not in STEPS]:
        raise WrongUse(f"Expected steps of maintenance ({', '.join(STEPS)}), found {unknown[0]!r}.")
    for step in asked:
        with show.progress(quiet=as_json) as watch:
            watch(step)
            said = maintained(settings, step)
        if as_json:
            _told([{"step": step, "said": said}])
        else:
            print(f"{step}: {said}")


def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder of PSCC_BACKUP, named after its moment.")],
    lake: LakeOption = None,
) -> None:
    """Make a lake again from a backup, in an empty place, and verify it. The platform key is not in a backup."""
    from jobs.maintenance.backup import restore as restored
    from jobs.verification import verify as verified

    settings = Settings.from_environment(lake)
    restored(backup, settings)
    found = verified(settings)
    for each in found.faults:
        print(f"{each.table}: {each.sentence}")
    print(f"{settings.lake} is restored: {found.tables:,} tables with {found.files:,} files, {len(found.faults):,} faults found.")
    print(
        "Before services are started: who was erased since the backup is in it again, and oppositions requested since are lost. "
        "`pscc rights list` of the old lake names the requests: make each again in this one."
    )
    raise typer.Exit(1 if found.faults else 0)


@alerts_app.callback()
def alerts(context: typer.Context, lake: LakeOption = None, as_json: JsonOption = False) -> None:
    """What somebody has to look at: runs that failed, hospitals that are silent, deliveries refused or held. One alert a cause."""
    from jobs import show_operating
    from jobs.alerts import listed

    if context.invoked_subcommand is not None:
        return
    found = listed(Settings.from_environment(lake))
    if as_json:
        _told(each.told() for each in found)
    else:
        show_operating.alerts(found)


@alerts_app.command("send")
def send_alerts(lake: LakeOption = None) -> None:
    """Look for causes and send what is new, as the DAG `alerts` does every ten minutes."""
    from jobs.alerts import look, tell

    settings = Settings.from_environment(lake)
    found = look(settings)
    print(f"{len(found):,} alerts are open, {tell(settings):,} were sent now.")


@alerts_app.command("close")
def close_alert(
    number: Annotated[int, typer.Argument(metavar="NUMBER")], by: ByOption, why: WhyOption, lake: LakeOption = None
) -> None:
    """Close an alert whose cause is known and stays, as a refused delivery that will not come again."""
    from jobs.alerts import close

    print(f"Closed: {close(Settings.from_environment(lake), number, by, why).sentence}")


@keys_app.command("list")
def list_keys(
    register: Annotated[
        Path | None, typer.Option("--keys", metavar="KEYS.json", help="The hospitals' delivery keys; PSCC_KEYS when not given.")
    ] = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every key by what tells it from others, with what hangs on it. Never the key."""
    from jobs import show_operating
    from jobs.keys import keys

    told = value("PSCC_KEYS")
    named = register or (Path(told) if told else None)
    found = keys(Settings.from_environment(lake), named)
    if as_json:
        _told(each.told() for each in found)
    else:
        show_operating.keys(found)


@keys_app.command("rotate")
def rotate_key(
    which: Annotated[
        str, typer.Argument(metavar="certificate|services", help="Which; docs/keys.md says how others are changed.")
    ],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who, for the audit; of certificates.")] = "",
    lake: ServedLakeOption = None,
    to: StateOption = SERVICES,
) -> None:
    """Put a new key in place of an old one: of certificates, whose old ones stay good, or of stopped services."""
    from jobs.keys import rotate
    from jobs.services import told

    if which == "services":
        print(
            f"New: {', '.join(told.renew(to))}, and the key of analysts' tokens. Next: `pscc up`; `pscc address NAME` for each analyst."
        )
    else:
        known = told.settings(to, lake)
        users.work_as_owner(known.lake, sys.argv[1:])
        print(f"The new key is {rotate(known, which, by)}. Hand out `certificate.pub` again.")


def settings(as_json: JsonOption = False) -> None:
    """Every setting: its value here, and whether that comes from the environment, a file, the services here or the default. Exit code 2 where one is wrong."""
    from jobs import show_operating
    from jobs.services.told import lake_beside
    from jobs.settings.values import everything, faults

    here = set(os.environ)
    wrong = list[str]()
    try:
        lake_beside(SERVICES, None)
    except WrongUse as error:
        # Somebody else's services: what holds without them is shown all the same.
        wrong.append(str(error))
    wrong += faults()
    found = [replace(each, source="services") if each.is_set_by(os.environ.keys() - here) else each for each in everything()]
    if as_json:
        _told(each.told() for each in found)
    else:
        show_operating.settings(found)
    if wrong:
        raise WrongUse("\n".join(wrong))


def metrics(
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="FILE.prom", help="Into a file, whole at every moment, for node_exporter's textfile collector."
        ),
    ] = None,
    serve: Annotated[
        int | None, typer.Option("--serve", metavar="PORT", help="At http://127.0.0.1:PORT/metrics, until interrupted.")
    ] = None,
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="ADDRESS", help="There instead: a closed network alone, for it asks for no password."),
    ] = "127.0.0.1",
    lake: ServedLakeOption = None,
) -> None:
    """Gauges for Prometheus: deliveries by state, what is held, quarantine, the newest delivery of a hospital, gold, alerts."""
    from jobs.metrics import metrics as gauges
    from jobs.metrics import server
    from jobs.services import told
    from quality import places

    settings = told.settings(SERVICES, lake)
    found = gauges(settings)
    if serve is not None:
        with server(serve, lambda: gauges(settings), listen) as serving, suppress(KeyboardInterrupt):
            print(f"http://{listen}:{serving.server_port}/metrics", flush=True)
            serving.serve_forever()
    elif to is not None:
        places.write(str(to.resolve()), found)
    else:
        print(found, end="")
