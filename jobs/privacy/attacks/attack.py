"""Singling out, linkability and inference: what is asked of the attacks, and the figures that they give."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from jobs.errors import LakehouseError
from jobs.privacy.attacks.environment import python
from jobs.privacy.attacks.figures import Bounds, Figure
from jobs.privacy.attacks.view import ADMINISTRATIVE, QUASI, is_fact, telling_columns

RUN = Path(__file__).with_name("run.py")
SECRETS = ("outcome", "days", "n_lines", "metastatic_at_dx", "morphology_group", "grade", "panel")
# Columns that say the same in other words: who knows one knows something of the others, whatever the release tells.
SAME = ({"outcome", "days", "event", "censor_reason"}, {"panel", "entry_days"})
THREE, SIX = 3, 6
COARSER = "Tell fewer columns, or tell them more coarsely, or take out more facts."


@dataclass(frozen=True)
class Asked:
    """One attack: its name, what `run.py` is told, and how its answer becomes a figure."""

    name: str
    said: dict[str, Any]
    value: str
    bound: float
    advice: str
    decides: bool = True
    at_least: bool = False

    def figure(self, found: dict[str, Any]) -> Figure:
        said = {"independent": 0.0} | found
        if self.value == "excess":
            return self._excess(said)
        made = Figure.at_least if self.at_least else Figure.at_most
        return made(self.name, said[self.value], self.bound, self.advice.format(**said), decides=self.decides)

    def _excess(self, said: dict[str, Any]) -> Figure:
        """What is inferred above what independent columns give.

        What one's own row gives away decides first: it has no luck of other patients in it. The risk by the patients outside is a share of what
        is left to be guessed. Where that is little, few guesses more make it large: what is left is no secret where it is less than the bound
        itself. They are few, and other people: a risk that they cannot tell from one within the bound is settled by the own rows.
        """
        own, advice = self._own(said), self.advice.format(**said)
        told = f"Each left out in turn: {own:.4f}. {advice}"
        value, left = max(said["risk"] - said["independent"], 0.0), 1 - said["control"]
        if self.decides and own > self.bound:
            return Figure.at_most(self.name, max(value, own), self.bound, told, decides=self.decides)
        if said["attacks"] == 0:
            # Nobody outside has the secret, or nobody of the release: of others nothing is known, in either direction.
            nobody = f"By own rows alone, for no patient outside the release has one. {told}"
            return Figure.at_most(self.name, own, self.bound, nobody, decides=self.decides)
        if left < self.bound:
            everybody = f"Everybody guesses this of all but {left:.1%}, in the release or not. {told}"
            return Figure(self.name, round(value, 5), self.bound, True, everybody, self.decides)
        if value > self.bound >= said["low"]:
            settled = f"Above the bound by what others guess, but not for sure. {told}"
            return Figure(self.name, round(value, 5), self.bound, True, settled, self.decides)
        return Figure.at_most(self.name, value, self.bound, told, decides=self.decides)

    def _own(self, said: dict[str, Any]) -> float:
        """What one's own row gives away of what is left to be guessed without it; nothing where less is left than the bound."""
        left = 1 - said["without"]
        # As `jobs.privacy.own_row` has it, by which a release is made.
        return max(said["own"] - said["without"], 0.0) / left if left >= self.bound else 0.0


def attacked(view: pl.DataFrame, truth: pl.DataFrame, control: pl.DataFrame, exact: pl.DataFrame, bounds: Bounds) -> list[Figure]:
    """The figures of all attacks on the view of a release; `exact` are the true rows in full, for the positive control."""
    asked = [
        *_singling_out(telling_columns(view), telling_columns(exact), bounds),
        *_linkability(telling_columns(view), bounds),
        *_inference([name for name in telling_columns(view) if not is_fact(name)], bounds),
    ]
    found = _run({"release": view, "truth": truth, "control": control, "exact": exact}, [each.said for each in asked])
    return [each.figure(answer) for each, answer in zip(asked, found, strict=True)]


def _singling_out(columns: list[str], exact: list[str], bounds: Bounds) -> list[Asked]:
    told = (
        "Upper end of the 95 % interval; {success} of {attacks} attacks singled out one patient: {found} found a question that one row alone "
        "answers, the others found none. "
    )
    usual = {"attack": "singling out", "attacks": bounds.attacks, "tries": bounds.tries, "seed": bounds.seed}
    on_release = {**usual, "release": "release", "truth": "truth", "columns": columns}
    on_copy = {**usual, "release": "exact", "truth": "exact", "columns": exact, "among": THREE, "exact": True}
    return [
        Asked(
            "positive control: singling out in the raw copy",
            on_copy,
            "rate",
            bounds.positive,
            "{success} of {attacks} attacks on the raw rows given as a release. Where they fail the attacks are too blunt to prove anything: "
            "give the true values in full.",
            at_least=True,
        ),
        Asked(
            "singling out, one attribute",
            {**on_release, "among": 1, "exact": False},
            "high",
            bounds.singling_out,
            told + COARSER,
        ),
        Asked(
            "singling out, three attributes",
            {**on_release, "among": THREE, "exact": True},
            "high",
            bounds.singling_out,
            told + COARSER,
        ),
        Asked(
            "singling out, three ranges",
            {**on_release, "among": THREE, "exact": False},
            "high",
            bounds.singling_out,
            told + COARSER,
        ),
        Asked(
            "singling out, six attributes",
            {**on_release, "among": SIX, "exact": True, "tries": 1},
            "high",
            bounds.singling_out,
            told
            + "One question about each patient drawn, by somebody who knows six things. Told beside: k and two facts do not promise it.",
            decides=False,
        ),
    ]


def _linkability(columns: list[str], bounds: Bounds) -> list[Asked]:
    told = "{success} of {attacks} patients linked, 95 % interval {low:.4f} to {high:.4f}, control {control:.4f}. "
    splits = {
        "administrative | clinical": (
            ADMINISTRATIVE,
            True,
            "Tell age, region or period more coarsely: a link needs the right one of all who share them.",
        ),
        "quasi-identifiers | facts": (QUASI, False, "Told beside: one who knows all facts of a patient and seeks the groups."),
    }
    asked = []
    for name, (first, decides, advice) in splits.items():
        halves = [[each for each in columns if (each in first) == one] for one in (True, False)]
        if all(halves):
            said = {"attack": "linkability", "release": "release", "truth": "truth", "control": "control", "halves": halves}
            more = {"attacks": bounds.attacks, "seed": bounds.seed}
            asked.append(Asked(f"linkability, {name}", said | more, "risk", bounds.linkability, told + advice, decides))
    return asked


def _inference(columns: list[str], bounds: Bounds) -> list[Asked]:
    told = "Guessed right of {rate:.1%} in the release and of {control:.1%} who are not in it: risk {risk:.4f} (99 % interval {low:.4f} to {high:.4f}), independent columns {independent:.4f}. "
    asked = []
    for secret in (each for each in SECRETS if each in columns):
        others = [each for each in columns if each != secret and not any({each, secret} <= same for same in SAME)]
        for who, known, decides in (
            ("quasi-identifiers", [each for each in others if each in QUASI], True),
            ("everything else", others, False),
        ):
            said = {"attack": "inference", "release": "release", "truth": "truth", "control": "control", "known": known}
            if known:
                name = f"inference of {secret} from {who}"
                advice = told + (
                    "Ask for more different values in a class (l), or larger classes." if decides else "Told beside."
                )
                asked.append(
                    Asked(name, said | {"secret": secret, "seed": bounds.seed}, "excess", bounds.inference, advice, decides)
                )
    return asked


def _run(frames: dict[str, pl.DataFrame], asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers of `run.py`; what it is given lies in a folder that nobody else can read, and is gone afterwards."""
    command = python()
    with tempfile.TemporaryDirectory(prefix="pscc-attacks-") as made:
        folder = Path(made)
        for name, frame in frames.items():
            frame.write_parquet(folder / f"{name}.parquet")
        (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        # -I: nothing of this environment, nor of the folder one stands in, is imported there.
        done = subprocess.run([str(command), "-I", str(RUN), made], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2] if done.returncode == 3 else f"exit code {done.returncode}"
        raise LakehouseError(
            f"Expected the attacks to run to their end, found {said}: nothing was proven, nothing may be published."
        )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
