"""What the exercises of the privacy lab expect, and which mistakes are known. The people of its tables are fictitious: a row's place in the
trainee's cohort makes a year of birth and a department, which the release does not hold.
"""

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from courses.checking.exercise import Case, Figure, Series
from courses.checking.mistakes import asking, column_gives, is_number, source_has
from courses.checking.release import Release

GOLDEN, SILVER, BRONZE = 0.6180339887498949, 0.41421356237309515, 0.7320508075688772
FIRST_YEAR, YEARS, DEPARTMENTS = 1935, 60, 12
K = 11
# The made-up hospital is small, however large the release.
HOSPITAL = 800
WIDTHS = (1, 5, 10, 20, 60)
RELEASED = ("sex", "stage")

Value = Callable[[Release, int], Any]
Matches = Callable[[Release, int, Any], bool]


# ── fictitious people ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def drawn(rows: int, multiple: float) -> np.ndarray:
    """Numbers between 0 and 1, by the row's place."""
    return np.asarray((np.arange(1, rows + 1) * multiple) % 1)


def people(release: Release, seed: int) -> pl.DataFrame:
    """The trainee's tumours with a made-up year of birth and department."""
    patients = release.table("edu_patient").select("patient_no", "sex", "stage", "outcome")
    tumors = (
        release.of_cohort("edu_tumor", seed)
        .select("tumor_no", "patient_no")
        .join(patients, on="patient_no")
        .sort("tumor_no")
        .head(HOSPITAL)
    )
    born = FIRST_YEAR + np.floor(YEARS * drawn(tumors.height, GOLDEN)).astype(int)
    department = 1 + np.floor(DEPARTMENTS * drawn(tumors.height, SILVER)).astype(int)
    return tumors.with_columns(
        birth_year=pl.Series(born),
        department=pl.Series(department),
        died=pl.col("outcome").str.starts_with("died"),
    ).with_columns(decade=(pl.col("birth_year") - FIRST_YEAR) // 10, region=(pl.col("department") - 1) // 3)


def sizes(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """With `size`: how many rows are alike in these columns."""
    return rows.with_columns(size=pl.len().over(columns))


def register(release: Release, seed: int) -> pl.DataFrame:
    """The made-up register: every fifth of the people, and as many who are in no table; tumor_no 0 for these."""
    inside = people(release, seed).gather_every(5, offset=4).select("tumor_no", "sex", "birth_year", "department")
    place = np.arange(1, inside.height + 1)
    outside = pl.DataFrame(
        {
            "tumor_no": np.zeros(inside.height, dtype=int),
            "sex": np.where(place % 2 == 0, "M", "F"),
            "birth_year": FIRST_YEAR + np.floor(YEARS * drawn(inside.height, BRONZE)).astype(int),
            "department": 1 + np.floor(DEPARTMENTS * drawn(inside.height, GOLDEN)).astype(int),
        }
    )
    known = pl.concat([inside, outside], how="vertical_relaxed")
    return known.with_columns(name=pl.Series([f"N{number * 7919 % 10007:05d}" for number in range(known.height)]))


# ── 1. a pseudonym is not anonymous ─────────────────────────────────────────────────────────────────────────────────────────────


def file_numbers(release: Release, seed: int) -> list[int]:
    return [10000 + number * 7919 % 90000 for number in people(release, seed)["tumor_no"].head(20).to_list()]


def unique(release: Release, seed: int, *columns: str) -> int:
    """How many people nobody else is like."""
    return int((sizes(people(release, seed), *columns)["size"] == 1).sum())


def linked(release: Release, seed: int) -> pl.DataFrame:
    """People of the register who fit exactly one row of the table, with that row."""
    keys = ["sex", "birth_year", "department"]
    table = sizes(people(release, seed), *keys).filter(pl.col("size") == 1).select(*keys, row="tumor_no")
    return register(release, seed).join(table, on=keys, how="inner")


def claims(release: Release, seed: int) -> set[str]:
    return set(linked(release, seed)["name"].to_list())


def fitting_at_all(release: Release, seed: int) -> set[str]:
    """Those who fit one row or more."""
    keys = ["sex", "birth_year", "department"]
    return set(register(release, seed).join(people(release, seed), on=keys, how="semi")["name"].to_list())


def right_claims(release: Release, seed: int) -> set[str]:
    return set(linked(release, seed).filter(pl.col("row") == pl.col("tumor_no"))["name"].to_list())


def precision(release: Release, seed: int) -> float:
    """The share of claims that are true."""
    return len(right_claims(release, seed)) / len(claims(release, seed))


def recall(release: Release, seed: int) -> float:
    """The share of those in both tables who are found."""
    return len(right_claims(release, seed)) / int((register(release, seed)["tumor_no"] > 0).sum())


# ── 2. k-anonymity ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def smallest(rows: list[dict[str, Any]], columns: list[str]) -> int:
    return min(Counter(tuple(row[name] for name in columns) for row in rows).values(), default=0)


def smallest_cases(release: Release, seed: int) -> list[Case]:
    rows = [
        {"sex": "F", "age": 61, "region": "north"},
        {"sex": "F", "age": 61, "region": "north"},
        {"sex": "M", "age": 64, "region": "north"},
        {"sex": "M", "age": 64, "region": "south"},
        {"sex": "M", "age": 70, "region": "north"},
    ]
    own = people(release, seed).select("sex", "decade", "region").head(200).to_dicts()
    asked_of = [
        (rows, ["sex"], True),
        (rows, ["sex", "age"], True),
        (rows, ["region"], False),
        (rows[:0], ["sex"], False),
        (own, ["sex", "decade", "region"], False),
    ]
    return [Case((table, columns), smallest(table, columns), shown) for table, columns, shown in asked_of]


def by_width(release: Release, seed: int, at_most: bool = False) -> pl.DataFrame:
    """How large the classes are when age is told in runs of so many years."""
    rows = []
    for width in WIDTHS:
        told = people(release, seed).with_columns(band=(pl.col("birth_year") - FIRST_YEAR) // width)
        found = sizes(told, "sex", "band", "region")["size"]
        rows.append((width, int(found.min()), int((found <= K if at_most else found < K).sum())))
    return pl.DataFrame(rows, schema=["width", "k", "small"], orient="row")


def small_classes(release: Release, seed: int) -> list[float]:
    """Classes in the place of people."""
    found = []
    for width in WIDTHS:
        told = people(release, seed).with_columns(band=(pl.col("birth_year") - FIRST_YEAR) // width)
        found.append(int((told.group_by("sex", "band", "region").len()["len"] < K).sum()))
    return found


def small_share(release: Release, seed: int) -> float:
    """The share of people in small classes of sex, decade and pair of departments."""
    rows = people(release, seed).with_columns(pair=(pl.col("department") - 1) // 2)
    return float((sizes(rows, "sex", "decade", "pair")["size"] < K).mean())


def loss(release: Release, seed: int) -> float:
    """GCP where the people of small classes are told by sex alone, and all others by decade and pair of departments too."""
    small = small_share(release, seed)
    told = (0 + 9 / 59 + 2 / 12) / 3
    return small * 2 / 3 + (1 - small) * told


def profile(release: Release, seed: int, at_most: bool = False) -> Figure:
    """The share of people in classes smaller than each size."""
    found = sizes(people(release, seed), "sex", "decade", "region")["size"]
    shares = [float((found <= k if at_most else found < k).mean()) for k in range(1, 31)]
    return Figure((Series("line", tuple(range(1, 31)), tuple(shares)),))


def class_profile(release: Release, seed: int) -> Figure:
    found = people(release, seed).group_by("sex", "decade", "region").len()["len"]
    return Figure((Series("line", tuple(range(1, 31)), tuple(float((found < k).mean()) for k in range(1, 31))),))


# ── 3. l-diversity ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

CLOSE = ("sex", "decade", "department")


def homogeneous(release: Release, seed: int, least: int = 3) -> int:
    """People whose class, of three or more, has one fate."""
    rows = sizes(people(release, seed), *CLOSE).with_columns(kinds=pl.col("died").n_unique().over(CLOSE))
    return rows.filter(pl.col("size") >= least, pl.col("kinds") == 1).height


def homogeneous_classes(release: Release, seed: int) -> int:
    rows = people(release, seed).group_by(CLOSE).agg(pl.len(), kinds=pl.col("died").n_unique())
    return rows.filter(pl.col("len") >= 3, pl.col("kinds") == 1).height


def diversity(rows: list[dict[str, Any]], columns: list[str], sensitive: str) -> int:
    found: dict[tuple[Any, ...], set[Any]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in columns), set()).add(row[sensitive])
    return min(map(len, found.values()), default=0)


def diversity_cases(release: Release, seed: int) -> list[Case]:
    rows = [
        {"sex": "F", "stage": "I", "outcome": "alive"},
        {"sex": "F", "stage": "I", "outcome": "died"},
        {"sex": "M", "stage": "I", "outcome": "died"},
        {"sex": "M", "stage": "II", "outcome": "died"},
        {"sex": "M", "stage": "II", "outcome": "lost"},
        {"sex": "M", "stage": "I", "outcome": "died"},
    ]
    own = people(release, seed).select("sex", "stage", "outcome").head(150).to_dicts()
    asked_of = [
        (rows, ["sex"], True),
        (rows, ["sex", "stage"], True),
        (rows, ["stage"], False),
        ([], ["sex"], False),
        (own, ["sex"], False),
    ]
    return [Case((table, columns, "outcome"), diversity(table, columns, "outcome"), shown) for table, columns, shown in asked_of]


def best_guess(rows: pl.DataFrame, *columns: str) -> float:
    """How often the most frequent fate of each class is right."""
    counts = rows.group_by(*columns, "died").len() if columns else rows.group_by("died").len()
    best = counts.group_by(columns).agg(pl.col("len").max())["len"].sum() if columns else counts["len"].max()
    return float(best) / rows.height


def gain(release: Release, seed: int) -> float:
    rows = people(release, seed)
    return best_guess(rows, *CLOSE) - best_guess(rows)


def by_class(release: Release, seed: int) -> pl.DataFrame:
    """The classes of the released columns: people, different outcomes, the share of the most frequent one."""
    counts = people(release, seed).group_by(*RELEASED, "outcome").len()
    return counts.group_by(RELEASED).agg(
        people=pl.col("len").sum().cast(pl.Int64),
        l=pl.len().cast(pl.Int64),
        top=pl.col("len").max() / pl.col("len").sum(),
    )


def top_counts(release: Release, seed: int) -> list[float]:
    counts = people(release, seed).group_by(*RELEASED, "outcome").len()
    return counts.group_by(RELEASED).agg(pl.col("len").max())["len"].to_list()


def top_of_all(release: Release, seed: int) -> list[float]:
    """Shares of all people, not of the class."""
    total = people(release, seed).height
    return [count / total for count in top_counts(release, seed)]


# ── 4. two events ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def dated(release: Release, seed: int) -> pl.DataFrame:
    """Made-up exact days: the end of follow-up near the day that is told, and a second opinion some time before it."""
    rows = (
        release.of_cohort("edu_survival", seed)
        .filter(pl.col("days").is_not_null(), pl.col("endpoint") == "OS")
        .sort("tumor_no")
        .head(HOSPITAL)
    )
    days = rows["days"].to_numpy()
    end = np.floor(days * (0.8 + 0.4 * drawn(rows.height, GOLDEN))).astype(int)
    opinion = np.floor(end * drawn(rows.height, SILVER)).astype(int)
    return rows.select("tumor_no", "days", "event").with_columns(
        end=pl.Series(end), opinion=pl.Series(opinion), month=pl.Series(opinion // 30)
    )


def alone(release: Release, seed: int, *columns: str) -> int:
    return int((sizes(dated(release, seed), *columns)["size"] == 1).sum())


def alone_roughly(release: Release, seed: int) -> int:
    """By both days, each known to the fortnight."""
    pairs = dated(release, seed).select(pl.col("opinion", "end") // 14)
    return int((sizes(pairs, "opinion", "end")["size"] == 1).sum())


def distinct(release: Release, seed: int, *columns: str) -> int:
    return dated(release, seed).n_unique(list(columns))


def exposed(release: Release, seed: int) -> int:
    """People whose pair of bins is shared by fewer than k."""
    return int((sizes(dated(release, seed), "month", "days")["size"] < K).sum())


def rare_pairs(facts: list[list[str]], k: int) -> int:
    return sum(count < k for count in Counter(pair for each in facts for pair in combinations(sorted(set(each)), 2)).values())


def rare_pair_cases(release: Release, seed: int) -> list[Case]:
    own = [
        [f"end {row['days']}", f"opinion {row['month']}", f"event {row['event']}"]
        for row in dated(release, seed).head(120).to_dicts()
    ]
    small = [["a", "b"], ["a", "b"], ["b", "a", "c"], ["c"], []]
    asked_of = [(small, 2, True), (small, 4, True), (small, 1, False), ([["a", "a"]], 2, False), (own, 3, False)]
    return [Case((facts, k), rare_pairs(facts, k), shown) for facts, k, shown in asked_of]


# ── 5. attack the release ───────────────────────────────────────────────────────────────────────────────────────────────────────


def candidates(release: Release, seed: int) -> float:
    """How many people of the release fit, on average over the cohort, who knows sex and stage."""
    whole = release.table("edu_patient").group_by(RELEASED).agg(fitting=pl.len())
    return float(people(release, seed).join(whole, on=RELEASED)["fitting"].mean())


def candidates_in_cohort(release: Release, seed: int) -> float:
    return float(sizes(people(release, seed), *RELEASED)["size"].mean())


def mean_class(release: Release, seed: int) -> float:
    """The mean over classes: large ones weigh no more than small ones."""
    return float(release.table("edu_patient").group_by(RELEASED).len()["len"].mean())


def youngest(release: Release, seed: int) -> pl.DataFrame:
    """What two published tables say of those who are in one of them only."""
    rows = people(release, seed).filter(pl.col("birth_year") >= 1990)
    return rows.group_by("stage").agg(people=pl.len().cast(pl.Int64), deaths=pl.col("died").sum().cast(pl.Int64)).sort("stage")


def everybody(release: Release, seed: int, born_before: int = 9999) -> list[float]:
    rows = people(release, seed).filter(pl.col("birth_year") < born_before)
    return rows.group_by("stage").len()["len"].to_list()


def attack(release: Release, seed: int) -> tuple[float, float]:
    """How often the guess by class, learnt from the cohort, is right: for the cohort, and for people it was not learnt from."""
    rows = people(release, seed)
    guess = rows.group_by(RELEASED).agg(guess=pl.col("died").mean() > 0.5)
    rest = release.table("edu_tumor").select("tumor_no", "patient_no").join(rows, on="tumor_no", how="anti")
    control = rest.join(release.table("edu_patient"), on="patient_no").with_columns(
        died=pl.col("outcome").str.starts_with("died")
    )
    rates = [
        float((part.join(guess, on=RELEASED, how="inner").select(pl.col("died") == pl.col("guess")).to_series()).mean())
        for part in (rows, control)
    ]
    return rates[0], rates[1]


def excess(release: Release, seed: int) -> float:
    hit, by_chance = attack(release, seed)
    return (hit - by_chance) / (1 - by_chance)


def wilson_upper(successes: int, attempts: int) -> float:
    z, share = 1.96, successes / attempts
    middle = share + z * z / (2 * attempts)
    return (middle + z * sqrt(share * (1 - share) / attempts + z * z / (4 * attempts**2))) / (1 + z * z / attempts)


def wilson_cases(release: Release, seed: int) -> list[Case]:
    return [
        Case(each, round(wilson_upper(*each), 4), shown)
        for *each, shown in ((0, 100, True), (5, 50, True), (0, 1500, False), (30, 30, False))
    ]


# ── how a mistake is recognised ─────────────────────────────────────────────────────────────────────────────────────────────────


def gives_set(value: Value) -> Matches:
    return lambda release, seed, given: given == value(release, seed)


def draws(value: Callable[[Release, int], Figure]) -> Matches:
    """True for a figure with the heights that this mistake gives."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        wrong = value(release, seed).series[0].y
        return isinstance(given, Figure) and any(
            len(each.y) == len(wrong) and np.allclose(np.array(each.y, dtype=float), wrong, atol=2e-4) for each in given.series
        )

    return matches


# ── the exercises ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

# What is said after a wrong answer stands in feedback.toml.
asked = asking(Path(__file__).parent)


PSEUDONYMS = (
    asked(
        "pseudonyms.dictionary",
        lambda r, s: sum(file_numbers(r, s)),
        "number",
        is_number(lambda r, s: int(people(r, s)["tumor_no"].head(20).sum())),
        is_number(lambda r, s: 20),
    ),
    asked(
        "pseudonyms.unique",
        lambda r, s: unique(r, s, "sex", "birth_year", "department"),
        "number",
        is_number(lambda r, s: people(r, s).n_unique(["sex", "birth_year", "department"])),
        is_number(lambda r, s: unique(r, s, "birth_year", "department")),
    ),
    asked("pseudonyms.claims", claims, "set", gives_set(fitting_at_all), gives_set(right_claims)),
    asked(
        "pseudonyms.precision",
        precision,
        "number",
        is_number(recall),
        is_number(lambda r, s: len(right_claims(r, s))),
        tolerance=0.0002,
    ),
)

K_ANONYMITY = (
    asked("k-anonymity.smallest", smallest_cases, "code", source_has("max(", lacks=("min(",)), source_has("return len(")),
    asked(
        "k-anonymity.by-width",
        by_width,
        "table",
        column_gives("small", small_classes),
        column_gives("small", lambda r, s: by_width(r, s, at_most=True)["small"].to_list()),
    ),
    asked(
        "k-anonymity.loss",
        loss,
        "number",
        is_number(small_share),
        is_number(lambda r, s: loss(r, s) * 3),
        is_number(lambda r, s: loss(r, s) * 1.5),
        tolerance=0.000002,
    ),
    asked(
        "k-anonymity.profile",
        profile,
        "figure",
        draws(class_profile),
        draws(lambda r, s: profile(r, s, at_most=True)),
        tolerance=0.0002,
    ),
)

L_DIVERSITY = (
    asked(
        "l-diversity.homogeneous",
        homogeneous,
        "number",
        is_number(homogeneous_classes),
        is_number(lambda r, s: homogeneous(r, s, least=1)),
    ),
    asked(
        "l-diversity.diversity",
        diversity_cases,
        "code",
        source_has("Counter(", lacks=("set(",)),
        source_has("row[sensitive] for row in rows}"),
    ),
    asked(
        "l-diversity.gain",
        gain,
        "number",
        is_number(lambda r, s: best_guess(people(r, s), *CLOSE)),
        is_number(lambda r, s: best_guess(people(r, s))),
        is_number(lambda r, s: best_guess(people(r, s), *CLOSE) - 0.5),
        tolerance=0.0002,
    ),
    asked(
        "l-diversity.by-class",
        by_class,
        "table",
        column_gives("top", top_counts),
        column_gives("top", top_of_all),
        tolerance=0.0002,
    ),
)

TWO_EVENTS = (
    asked(
        "two-events.one-day",
        lambda r, s: alone(r, s, "end"),
        "number",
        is_number(lambda r, s: distinct(r, s, "end")),
        is_number(lambda r, s: alone(r, s, "days")),
    ),
    asked(
        "two-events.two-days",
        alone_roughly,
        "number",
        is_number(lambda r, s: alone(r, s, "opinion", "end")),
        is_number(lambda r, s: alone(r, s, "opinion")),
        is_number(lambda r, s: alone(r, s, "end")),
    ),
    asked(
        "two-events.exposed",
        exposed,
        "number",
        is_number(lambda r, s: alone(r, s, "month", "days")),
        is_number(lambda r, s: dated(r, s).height - exposed(r, s)),
    ),
    asked(
        "two-events.rare-pairs",
        rare_pair_cases,
        "code",
        source_has("<= k"),
        source_has("combinations(each", lacks=("sorted", "set(")),
    ),
)

ATTACK = (
    asked("attack.candidates", candidates, "number", is_number(candidates_in_cohort), is_number(mean_class), tolerance=0.001),
    asked(
        "attack.youngest",
        youngest,
        "table",
        column_gives("people", everybody),
        column_gives("people", lambda r, s: everybody(r, s, born_before=1990)),
    ),
    asked(
        "attack.excess",
        excess,
        "number",
        is_number(lambda r, s: attack(r, s)[0]),
        is_number(lambda r, s: attack(r, s)[0] - attack(r, s)[1], 2e-5),
        tolerance=0.00005,
    ),
    asked(
        "attack.upper-bound",
        wilson_cases,
        "code",
        source_has("sqrt(p * (1 - p) / n)", lacks=("z**2", "z * z", "z ** 2")),
        source_has("return 3 / n"),
        tolerance=0.0002,
    ),
)

EXERCISES = dict([*PSEUDONYMS, *K_ANONYMITY, *L_DIVERSITY, *TWO_EVENTS, *ATTACK])
