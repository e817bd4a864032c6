"""The card of a release: what it is, how it was made, what it cannot say, and what it may be used for; and every figure with its bound."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from jobs.privacy.anonymise import Bounds
from jobs.releases.figures import Figure
from jobs.releases.store import lower_bounds
from jobs.teaching import _days, _quasi
from quality.dictionary import VERSION, grid

ALLOWED = (
    "Teaching and exercises. No attempt to find out who a patient is, no linkage with other data about people, no clinical decision. "
    "Nothing about single patients is true to the day, and a row that is missing is no finding."
)
METHOD = (
    "Global recoding: every quasi-identifier is told at one level for all patients, the best of all combinations that keep k and l. Two-event "
    "view: of every other fact no more is told than k patients share with any other fact that is told of them; times in bins, wider where "
    "they have to be. Numbers of patients are in random order and of this release only."
)
WORDS = (
    "A quasi-identifier is a column that others may know of a person. A class is the patients who are told alike in all of these: at least k, with "
    "at least l different values of the column in brackets. Global recoding: a column is told as coarsely of everybody as it has to be of somebody."
)
TIMES = (
    "A day is written as the middle of its bin, as finely as enough patients share it: the day of a patient is in a bin of any of these lists, and two "
    f"patients may be told by different ones. A bin ends where the next one begins, the last before day {_days.LAST}. Survival has two "
    f"days besides: {_days.LAST // 2} stands for some time in ten years, and {_days.LAST} for ten years or more. Two days of one patient may so "
    "contradict each other: a line told in a wider bin at its start than at its end may end before it starts, and a line or an event may "
    "come after a death or an end of follow-up that is told in a finer one. In truth none of them does."
)
KINDS = {"edu_line": "line_number", "edu_event": "kind", "edu_biomarker": "marker", "edu_variant": "gene"}
TELLING = {"edu_line": "start_day", "edu_event": "day", "edu_biomarker": "result", "edu_variant": "effect"}
COLUMNS = {
    "edu_tumor": ("morphology_group", "grade", "metastatic_at_dx", "n_lines", "panel"),
    "edu_survival": ("days", "entry_days"),
}


def card(
    name: str,
    size: str,
    wanted: int,
    bounds: Bounds,
    read: dict[str, pl.DataFrame],
    known: int,
    eligible: int,
    aside: int,
    quasi: _quasi.Told,
    facts: dict[str, dict[str, int | str]],
) -> dict[str, Any]:
    """Everything that is known of a release before anybody attacks it."""
    summary = read["patient_summary"]
    return {
        "release": name,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "contract_version": VERSION,
        "size": size,
        "patients_wanted": wanted,
        "patients": quasi.rows.height,
        "patients_in_gold": known,
        "not_eligible": about(known - eligible, bounds.k),
        "kept_aside_for_attacks": aside,
        "suppressed": quasi.left_out,
        "suppressed_share": round(quasi.left_out / max(quasi.left_out + quasi.rows.height, 1), 4),
        "k": bounds.k,
        "l": bounds.diverse,
        "lower_bounds": lower_bounds(bounds.k, bounds.diverse),
        "quasi_identifiers": {
            column: {"level": quasi.levels[column], "information_kept": round(quasi.kept[column], 3), "told": told(quasi, column)}
            for column in _quasi.QUASI
        },
        "sensitive": [_quasi.SENSITIVE],
        "told_as_other": quasi.folded,
        "days": {
            "year": _days.YEAR,
            "last": _days.LAST,
            "bins_begin": [list(each) for each in reversed(_days.BEGINNINGS)],
            "bins_begin_of_who_is_alive": [list(each) for each in reversed(_days.ALIVE)],
        },
        "facts": facts,
        "method": METHOD,
        "rights": {
            "gold_build": sorted(summary["gold_version"].unique().to_list()),
            "as_of": str(summary["as_of_date"].max()),
            "made_from": sorted(summary["inputs"].explode().drop_nulls().unique().to_list()),
            "rule": "Who opposes any use, or the use by companies, is not in it; of who opposes the use of genetics or samples nothing of these is.",
        },
        "allowed_use": ALLOWED,
    }


def told(quasi: _quasi.Told, column: str) -> list[str]:
    """The words in which a column is told."""
    return sorted(quasi.rows[column].unique().to_list())


def about(count: int, k: int) -> str:
    """A number of patients, which is not told exactly where it is below k."""
    return f"fewer than {k}" if 0 < count < k else f"{count}"


def facts(
    made: dict[str, pl.DataFrame], raw: dict[str, pl.DataFrame], patients: pl.Series, k: int
) -> dict[str, dict[str, int | str]]:
    """By kind of fact: of how many patients it is known and of how many it is told. Kinds that fewer than k have are not named.

    Where fewer than k lost a fact only that is said: two exact numbers would tell that one patient has a fact nobody reads of them.
    """
    mine = {
        name: frame.filter(pl.col("patient_id").is_in(patients.implode()))
        for name, frame in raw.items()
        if "patient_id" in frame.columns
    }
    found: dict[str, dict[str, int | str]] = {}
    for table, columns in COLUMNS.items():
        for column in columns:
            found[f"{table}.{column}"] = _shares(len(mine[table][column].drop_nulls()), len(made[table][column].drop_nulls()), k)
    for table, kind in KINDS.items():
        known, told_of = (_by_kind(frame[table], kind) for frame in (mine, made))
        for name in sorted(known, key=lambda each: (-told_of.get(each, 0), each)):
            if known[name] >= k:
                found[f"{table} {name}"] = _shares(known[name], told_of.get(name, 0), k)
    return found


def _shares(known: int, told: int, k: int) -> dict[str, int | str]:
    return {"known": f"{about(known - told, k)} more than told" if 0 < known - told < k else known, "told": told}


def _by_kind(rows: pl.DataFrame, kind: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in rows.group_by(kind).len().iter_rows()}


def write(folder: Path, said: dict[str, Any], figures: Sequence[Figure]) -> None:
    """`card.json`, `card.md` and `gate.json` of a release."""
    listed = [each.__dict__ for each in figures]
    (folder / "card.json").write_text(json.dumps(said | {"figures": listed}, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "gate.json").write_text(
        json.dumps(
            {"release": said["release"], "kept": all(each.kept or not each.decides for each in figures), "figures": listed},
            ensure_ascii=False,
            indent=1,
        ),
        encoding="utf-8",
    )
    (folder / "card.md").write_text(page(said, figures), encoding="utf-8")


def page(said: dict[str, Any], figures: Iterable[Figure]) -> str:
    """The card for people."""
    told_of = [
        (f"`{name}`", each["level"], f"{each['information_kept'] + 0:.0%}", ", ".join(each["told"]))
        for name, each in said["quasi_identifiers"].items()
    ]
    shares = [(f"`{name}`", str(each["known"]), str(each["told"])) for name, each in said["facts"].items()]
    held = [(each.name, f"{each.value:g}", f"{each.bound}", "yes" if each.kept else "no", each.advice) for each in figures]
    rights = said["rights"]
    parts = [
        f"# Teaching release {said['release']}",
        *([f"**{said['lower_bounds']}**"] if said["lower_bounds"] else []),
        f"{said['patients']:,} patients, of {said['patients_wanted']:,} wanted. {said['suppressed']} more were left out because no class takes them "
        f"({said['suppressed_share']:.1%}); {said['kept_aside_for_attacks']:,} others were kept aside: with those of them whose class is in it the release was attacked. Made {said['made_at']} "
        f"from gold build {', '.join(rights['gold_build'])}, as of {rights['as_of']}.",
        f"k = {said['k']}, l = {said['l']} ({', '.join(said['sensitive'])}). {WORDS}",
        "## Who may use it, and for what",
        said["allowed_use"],
        "## Rights",
        rights["rule"],
        "## How it was made",
        said["method"],
        f"Tumour groups told as `other`: {', '.join(said['told_as_other']) or 'none'}.",
        grid(("quasi-identifier", "level", "information kept", "told as"), told_of),
        "## How days are told",
        TIMES,
        bins(said["days"]),
        "## Of how many patients a fact is told",
        "A fact that is known and not told would have left too few who share it with another one. Shares that need all of them (how often a gene is "
        "altered, how often a marker is positive) are too low by what is missing here. Where fewer than k lost a fact, how many is not said.",
        grid(("fact", "known", "told"), shares),
        "## What it was held to",
        grid(("figure", "value", "bound", "kept", "note"), held),
    ]
    return "\n\n".join(parts) + "\n"


def bins(days: dict[str, Any]) -> str:
    """The days with which bins begin, from fine to coarse: of everybody, and of the end of who is alive."""
    kinds = {"bins_begin": "any day, and the end of who died", "bins_begin_of_who_is_alive": "the end of who is alive"}
    listed = [(of, ", ".join(map(str, begin))) for name, of in kinds.items() for begin in days[name]]
    return grid(("of", "bins begin on days"), listed)
