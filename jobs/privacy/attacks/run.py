"""The attacks themselves, by anonymeter, in an environment of their own: `python run.py FOLDER` reads Parquet files and prints figures.

Nothing of the project is imported here. No word about a patient is printed, neither in what is found nor in what fails.
"""

import json
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator
from anonymeter.evaluators.inference_predictor import InferencePredictor
from scipy.stats import norm

SHUFFLES = 10
NOT_TOLD = "?"
USUAL = 0.95
# Seven secrets are looked at: one interval in twenty that misses would be one release in three.
MANY_SECRETS = 0.99


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1])
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    try:
        found = [ATTACKS[each.pop("attack")](folder, **each) for each in asked]
    except Exception as error:
        # Its words may hold values of patients.
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        print(f"{type(error).__name__} at line {at.tb_lineno if at else 0}", file=sys.stderr)
        sys.exit(3)
    print(json.dumps(found))


def singling_out(
    folder: Path, release: str, truth: str, columns: list[str], among: int, attacks: int, tries: int, seed: int, exact: bool
) -> dict[str, Any]:
    """Questions that single out a row of the release, asked of the truth. A question that was not found is an attack that failed.

    There is no control: what chance would single out counts too. anonymeter throws out rows that are equal to others, which makes a
    person of a whole class; here every row stays.
    """
    rows, people = (_read(folder, name, columns, exact=exact) for name in (release, truth))
    attack = SinglingOutEvaluator(
        ori=people.head(1).to_pandas(),
        syn=rows.head(1).to_pandas(),
        n_attacks=attacks,
        n_cols=min(among, len(columns)),
        max_attempts=attacks * tries,
        seed=seed,
    )
    attack._ori, attack._syn = people, rows
    attack.evaluate("univariate" if among == 1 else "multivariate")
    return {**_told(int(attack.results().n_success), attacks), "found": len(attack.queries())}


def linkability(
    folder: Path, release: str, truth: str, control: str, halves: list[list[str]], attacks: int, seed: int
) -> dict[str, Any]:
    """Two halves of what is true of a patient, brought together by the row of the release that is nearest to both.

    Of rows that are equally near anonymeter always takes the same; the release is shuffled several times, so that luck evens out.
    """
    np.random.seed(seed)
    whole = [*halves[0], *halves[1]]
    rows, people, others = (_read(folder, name, whole, exact=True).to_pandas() for name in (release, truth, control))
    hits, made = _links(rows, people, halves, attacks)
    chance, tried = _links(rows, others, halves, attacks)
    return _told(hits, made, chance, tried)


def _links(rows: pd.DataFrame, people: pd.DataFrame, halves: list[list[str]], attacks: int) -> tuple[int, int]:
    targets, hits = people.sample(min(attacks, len(people))), 0
    for part in np.array_split(np.arange(len(targets)), SHUFFLES):
        if not len(part):
            continue
        shuffled = rows.sample(frac=1.0, ignore_index=True)
        chosen = targets.iloc[part].reset_index(drop=True)
        attack = LinkabilityEvaluator(ori=chosen, syn=shuffled, aux_cols=(halves[0], halves[1]), n_attacks=len(part))
        hits += attack.evaluate(n_jobs=1).results().n_success
    return hits, len(targets)


def inference(folder: Path, release: str, truth: str, control: str, known: list[str], secret: str, seed: int) -> dict[str, Any]:
    """What the release tells of a patient in it beyond what it tells of one who is not, and the same of independent columns."""
    np.random.seed(seed)
    rows, people, others = (
        _read(folder, name, [*known, secret], exact=True).filter(pl.col(secret) != NOT_TOLD) for name in (release, truth, control)
    )
    if not min(rows.height, people.height, others.height):
        # Without strangers to compare with the own rows of the release still tell what they give away.
        return {**_told(0, 1), "attacks": 0, "independent": 0.0, **_own_rows(rows, known, secret)}
    apart = rows.select(pl.Series(name, np.random.permutation(rows[name].to_numpy())) for name in rows.columns)
    real, independent = (_inferred(each, people, others, known, secret) for each in (rows, apart))
    return {**real, "independent": independent["risk"], **_own_rows(rows, known, secret)}


def _inferred(rows: pl.DataFrame, people: pl.DataFrame, others: pl.DataFrame, known: list[str], secret: str) -> dict[str, Any]:
    frames = [each.to_pandas() for each in (people, rows, others)]
    most = Majority(rows, known, secret)
    attack = InferenceEvaluator(
        ori=frames[0],
        syn=frames[1],
        control=frames[2],
        aux_cols=known,
        secret=secret,
        n_attacks=10**9,
        inference_model=most,
    )
    found = attack.evaluate().results()
    return _told(int(found.n_success), people.height, int(found.n_control), others.height, MANY_SECRETS)


def _own_rows(rows: pl.DataFrame, known: list[str], secret: str) -> dict[str, float]:
    """The share of rows guessed right by their class, and of those that still are when their own row is taken out of it.

    The same attacker and the same patient, in the release and not: no other patients, and no luck of theirs, come in between. Alone in a
    class, nobody is left to guess by. Where nothing is told, nothing is given away.
    """
    if not rows.height:
        return {"own": 0.0, "without": 1.0}
    classes, answers = (
        rows.select(pl.concat_str(names, separator="|").rank("dense") - 1).to_series().to_numpy().astype(np.int64)
        for names in (known, [secret])
    )
    counts = np.zeros((classes.max() + 1, answers.max() + 1))
    np.add.at(counts, (classes, answers), 1)
    others = counts[classes]
    others[np.arange(len(answers)), answers] -= 1
    return {"own": _right(counts[classes], answers), "without": _right(others, answers)}


def _right(counts: np.ndarray, answers: np.ndarray) -> float:
    """The share of rows whose answer is the most frequent one; of several, one of them is guessed."""
    most = counts.max(axis=1)
    likely = counts == most[:, None]
    right = likely[np.arange(len(answers)), answers] / likely.sum(axis=1)
    return float(np.where(most > 0, right, 0.0).mean())


class Majority(InferencePredictor):
    """Guesses what most rows of the release say that agree best with what is known. anonymeter's own attacker asks one of them only."""

    def __init__(self, rows: pl.DataFrame, known: list[str], secret: str) -> None:
        self._known = known
        self._codes = {name: {value: at for at, value in enumerate(rows[name].unique().to_list())} for name in known}
        self._answers = sorted(rows[secret].unique().to_list())
        places = {value: at for at, value in enumerate(self._answers)}
        classes, inverse = np.unique(self._encoded(rows.select(known).to_pandas()), axis=0, return_inverse=True)
        self._classes = classes
        self._counts = np.zeros((len(classes), len(self._answers)), dtype=np.float32)
        answered = np.array([places[value] for value in rows[secret].to_list()], dtype=np.int64)
        np.add.at(self._counts, (inverse.ravel(), answered), 1)

    def _encoded(self, people: pd.DataFrame) -> np.ndarray:
        columns = [people[name].map(self._codes[name]).fillna(-1).to_numpy(dtype=np.int32) for name in self._known]
        return np.stack(columns, axis=1)

    def predict(self, x: pd.DataFrame) -> pd.Series:
        different, inverse = np.unique(self._encoded(x), axis=0, return_inverse=True)
        guesses = np.concatenate([self._guess(part) for part in np.array_split(different, -(-len(different) // 100))])
        return pd.Series(np.array(self._answers, dtype=object)[guesses[inverse.ravel()]], index=x.index)

    def _guess(self, asked: np.ndarray) -> np.ndarray:
        apart = np.zeros((len(asked), len(self._classes)), dtype=np.int16)
        for at in range(asked.shape[1]):
            apart += asked[:, at, None] != self._classes[None, :, at]
        nearest = (apart == apart.min(axis=1, keepdims=True)).astype(np.float32)
        guessed: np.ndarray = (nearest @ self._counts).argmax(axis=1)
        return guessed


def _read(folder: Path, name: str, columns: list[str], *, exact: bool) -> pl.DataFrame:
    """Rows of a file; `exact` takes a number for a label, so that a question is about it alone and not about all beyond it."""
    rows = pl.read_parquet(folder / f"{name}.parquet", columns=columns).select(columns)
    if exact:
        return rows.with_columns(pl.all().cast(pl.String).fill_null(NOT_TOLD))
    return rows.with_columns(pl.col(pl.Boolean, pl.Date).cast(pl.String), pl.col(pl.String).fill_null(NOT_TOLD))


def _told(hits: int, attacks: int, chance: int = 0, tried: int = 0, level: float = USUAL) -> dict[str, Any]:
    """What attacks won, and what they won more than those on people who are not in the release (`chance` of `tried`).

    anonymeter takes the middle of Wilson's interval for the rate; of a few hundred controls that alone is .006, and hides what
    is small. Here rates are as they were counted, and Wilson's interval (Newcombe's for the difference) says how sure they are.
    """
    rate, low, high = _wilson(hits, attacks, level)
    usual, least, most = _wilson(chance, tried, level) if tried else (0.0, 0.0, 0.0)
    room = 1 - usual if usual < 1 else 1.0
    below = np.sqrt((rate - low) ** 2 + (most - usual) ** 2)
    above = np.sqrt((high - rate) ** 2 + (usual - least) ** 2)
    spread = {"risk": rate - usual, "low": rate - usual - below, "high": rate - usual + above}
    risks = {name: float(np.clip(value / room, 0, 1)) for name, value in spread.items()}
    return {**risks, "rate": rate, "control": usual, "attacks": attacks, "success": hits}


def _wilson(hits: int, attacks: int, level: float) -> tuple[float, float, float]:
    """A rate and its interval."""
    z, rate = float(norm.ppf((1 + level) / 2)), hits / attacks
    middle = (hits + z * z / 2) / (attacks + z * z)
    half = z / (attacks + z * z) * float(np.sqrt(hits * (1 - rate) + z * z / 4))
    return rate, max(middle - half, 0.0), min(middle + half, 1.0)


ATTACKS: dict[str, Callable[..., dict[str, Any]]] = {
    "singling out": singling_out,
    "linkability": linkability,
    "inference": inference,
}

if __name__ == "__main__":
    main()
