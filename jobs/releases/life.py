"""What happens to a release once it is made: it is looked at, approved by a person, and revoked."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from jobs.errors import GateFailed, WrongUse
from jobs.releases.figures import ALONE, NOT_EXAMINED
from jobs.releases.joint import check_join
from jobs.releases.make import known, products, tables_of
from jobs.releases.store import APPROVED, MADE, REFUSED, REVOKED, Release, Store, at_work, opened
from jobs.settings import Settings
from jobs.teaching import _cohort


def listed(settings: Settings) -> list[Release]:
    """Every release of a lake, the newest last."""
    return [each for each in opened(settings).releases() if each.state != REFUSED]


def shown(settings: Settings, name: str) -> tuple[Release, Mapping[str, Any] | None]:
    """A release and its card; no card of one that is revoked."""
    store = opened(settings)
    release = store.release(name)
    card = store.place(name) / "card.json"
    return release, json.loads(card.read_text(encoding="utf-8")) if card.exists() else None


def for_approver(settings: Settings, name: str) -> str:
    """What who approves a release has to know before anything else: bounds that are lower than usual, and whom no bound protects."""
    store = opened(settings)
    figures = json.loads((store.place(name) / "gate.json").read_text(encoding="utf-8"))["figures"]
    alone = [f"{each['name']} {each['value']:.1%}" for each in figures if each["name"].startswith(ALONE)]
    beside = f"Told beside, without a bound: {', '.join(alone)}." if alone else ""
    return f"{store.release(name).lower} {beside}".strip()


def approve(settings: Settings, name: str, by: str, *, accept_lower_bounds: bool = False) -> Release:
    """A made release that trainees may see from now on. GateFailed where something has changed since, so that they may not.

    One below the usual k and l needs the word of who approves.
    """
    with at_work(settings) as (store, _):
        release = _approvable(store, name, by, accept_lower_bounds)
        approved = replace(release, state=APPROVED, at=datetime.now(UTC), by=by.strip())
        store.note(approved)
        return approved


def check_approvable(settings: Settings, name: str, by: str, *, accept_lower_bounds: bool = False) -> None:
    """Nothing where `approve` would go through now; it raises what `approve` would. For who has minutes of work to do before."""
    with at_work(settings) as (store, _):
        _approvable(store, name, by, accept_lower_bounds)


def _approvable(store: Store, name: str, by: str, accept_lower_bounds: bool) -> Release:
    """The release, if it may be approved."""
    if not by.strip():
        raise WrongUse("Expected who approves, found nothing: give --by NAME.")
    release = store.release(name)
    # Once more: an approval that a full disk cut short may be known here and not there.
    store.tell()
    if release.state != MADE:
        raise WrongUse(f"Expected a release that was made and waits, found {name} {release.state}: there is nothing to approve.")
    if release.lower and not accept_lower_bounds:
        raise WrongUse(
            f"Expected the word of who approves for less protection. {release.lower} Give --accept-lower-bounds if you mean it."
        )
    _check_examined(store, name)
    _check_rights(store, name)
    check_join(store, release)
    return release


def revoke(settings: Settings, name: str, by: str = "") -> Release:
    """A release that nobody sees any more: its folder is gone, and so is the list of who was in it. One that was cut short is finished."""
    with at_work(settings) as (store, _):
        release = store.release(name)
        if release.state != REVOKED:
            return take_back(store, name, by)
        unfinished = store.is_there(name)
        store.end(name)
        if not unfinished:
            raise WrongUse(f"Expected a release that is there, found {name} revoked already, and nothing of it left.")
        return release


def take_back(store: Store, name: str, by: str) -> Release:
    """`revoke` for who is at work on the releases already."""
    revoked = replace(store.release(name), state=REVOKED, at=datetime.now(UTC), by=by.strip())
    # First said, then done: a folder that is left is of no release, and who comes next finishes it.
    store.note(revoked)
    store.end(name)
    return revoked


def _check_examined(store: Store, name: str) -> None:
    gate = json.loads((store.place(name) / "gate.json").read_text(encoding="utf-8"))
    examined = any(each["name"] == NOT_EXAMINED and each["value"] for each in gate["figures"])
    if not (gate["kept"] and examined):
        raise GateFailed(
            f"Expected {name} to have withstood its attacks, found that nobody attacked it: install them and make it again."
        )


def _check_rights(store: Store, name: str) -> None:
    """Who opposes since is not published, nor are the genes, samples or treatments of who opposes these."""
    told, now = store.patients(name), known(store.lake)
    eligible = _cohort.eligible(*(now[table] for table in ("patient_summary", "tumor_summary", "endpoint")))
    if told.join(eligible, on="patient_id", how="anti").height:
        raise GateFailed(
            f"Expected every patient of {name} to be in gold still, found some who are not: revoke it and make it again."
        )
    cohort = eligible.join(told, on="patient_id", how="semi")
    left = tables_of(products(now, cohort), cohort["patient_id"]).rename({"tables": "left"})
    # Of whom no table told anything the list is one empty name.
    both = told.join(left, on="patient_id").select(pl.col("tables").str.split("|"), (pl.col("left") + "|").str.split("|"))
    if both.filter(pl.col("tables").is_null() | (pl.col("tables").list.set_difference("left").list.len() > 0)).height:
        raise GateFailed(
            f"Expected what {name} tells of its patients to be in the lake still, found some of whom genes, samples, markers or treatments are "
            "there no more: revoke it and make it again."
        )
