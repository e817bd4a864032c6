"""The commands of whoever sends deliveries and whoever takes them in: checked, copied to landing, judged and loaded, decided."""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.commands.shared import SERVICES, ByOption, JsonOption, LakeOption, WhyOption, engine_of
from jobs.errors import WrongUse
from jobs.settings import Settings

KeysOption = Annotated[Path, typer.Option("--keys", metavar="KEYS.json", help="The hospitals' delivery keys.")]

# What a command publishes rings for nobody: only a run of Airflow starts the next.
TO_GOLD = "Next: `pscc build`, else gold has it with the next delivery of any hospital, at the latest the next night (DAG `maintenance`)."


class Verdict(StrEnum):
    """What a person may decide."""

    approve = "approve"
    reject = "reject"


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
    with engine_of(settings) as engine, show.progress(quiet=as_json) as watch:
        _tell(ingested(settings, landing, known, engine, watch), as_json)


def deliver(
    delivery: Annotated[Path, typer.Argument(metavar="DELIVERY")],
    landing: Annotated[
        Path | None, typer.Option("--to", metavar="LANDING", help="The landing area; PSCC_LANDING, then that of ./services.")
    ] = None,
) -> None:
    """Copy a delivery into the landing area, its manifest last, as a hospital does."""
    from jobs.delivering import deliver as delivered
    from jobs.services.told import landing_area

    place = delivered(delivery, landing or landing_area(SERVICES))
    print(f"{place.name} is announced in {place.parent}. Next: `pscc status`.")


def decide(
    delivery_id: Annotated[str, typer.Argument(metavar="ID")],
    verdict: Verdict,
    by: ByOption,
    why: WhyOption,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve or reject a held delivery; it is read from landing again."""
    from jobs import show
    from jobs.ingest import decide as decided

    settings = Settings.from_environment(lake)
    with engine_of(settings) as engine, show.progress(quiet=as_json) as watch:
        _tell(decided(settings, delivery_id, verdict.value, by, why, engine, watch), as_json)
    if not as_json and verdict is Verdict.approve:
        print(TO_GOLD)


def _tell(reports: Iterator[Any], as_json: bool) -> None:
    from jobs import show

    told = []
    for report in reports:
        if as_json:
            print(json.dumps(report.line(), ensure_ascii=False), flush=True)
        told.append(report)
    if not as_json:
        show.verdicts(told)
