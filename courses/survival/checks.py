"""What the exercises of the survival course expect, and what is said to who makes a known mistake.

Cox models are fitted here by a few lines of numpy, with Efron's ties as in lifelines: an answer must not wait for a library to load.
"""

from collections.abc import Callable
from math import erfc, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from courses.checking.exercise import Case, Figure, Series
from courses.checking.mistakes import asking, column_gives, is_number, source_has
from courses.checking.release import Release

YEAR = 365.25
THREE_YEARS = 1095
FIVE_YEARS = 1825
LANDMARK = 365
# The dice of the lessons: multiples of an irrational number, modulo one, by the row's place in the cohort. Tumour numbers are in random
# order, so they say nothing of the patient; and by place, not by number, chance falls otherwise in every trainee's cohort.
GOLDEN, SILVER, BRONZE = 0.6180339887498949, 0.41421356237309515, 0.7320508075688772

Value = Callable[[Release, int], Any]
Matches = Callable[[Release, int, Any], bool]


# ── the trainee's data ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def mine(release: Release, seed: int) -> pl.DataFrame:
    """Overall survival of the trainee's tumours, with sex and stage."""
    patients = release.table("edu_patient").select("patient_no", "sex", "stage")
    survival = release.of_cohort("edu_survival", seed).filter(pl.col("days").is_not_null(), pl.col("endpoint") == "OS")
    return (
        survival.join(patients, on="patient_no", how="inner").select("tumor_no", "sex", "stage", "days", "event").sort("tumor_no")
    )


def staged(release: Release, seed: int) -> pl.DataFrame:
    """The tumours whose stage is known, `advanced` for stages III and IV."""
    return mine(release, seed).filter(pl.col("stage") != "unknown").with_columns(advanced=pl.col("stage").str.contains("III|IV"))


def dice(tumors: pl.DataFrame, multiple: float) -> np.ndarray:
    return np.asarray((np.arange(1, tumors.height + 1) * multiple) % 1)


def treated(release: Release, seed: int) -> pl.DataFrame:
    """With the day on which the made-up treatment would start (never, for a quarter of the patients), and whether it was reached."""
    tumors = mine(release, seed)
    drawn = dice(tumors, GOLDEN)
    start = np.where(drawn < 0.75, np.floor(90 + 2000 * drawn) + 0.5, np.inf)
    return tumors.with_columns(start=pl.Series(start)).with_columns(treated=pl.col("start") < pl.col("days"))


def sequenced(release: Release, seed: int) -> pl.DataFrame:
    """The tumours that were still followed on the made-up day of sequencing, on which they entered."""
    tumors = mine(release, seed)
    drawn = dice(tumors, SILVER)
    entry = np.where(drawn < 0.25, 0.0, np.floor((drawn - 0.25) / 0.75 * 1500) + 0.5)
    return tumors.with_columns(entry=pl.Series(entry)).filter(pl.col("entry") < pl.col("days"))


def heard(release: Release, seed: int) -> pl.DataFrame:
    """With the day of the made-up last visit, and follow-up as two hospitals would write it down."""
    tumors = mine(release, seed)
    visit = pl.Series(np.floor(3000 * dice(tumors, BRONZE)) + 100.5)
    seen = pl.min_horizontal("days", "visit")
    return tumors.with_columns(visit=visit).with_columns(
        mixed_days=pl.when("event").then(pl.col("days")).otherwise(seen),
        mixed_event=pl.col("event"),
        same_days=seen,
        same_event=pl.col("event") & (pl.col("days") <= pl.col("visit")),
    )


# ── estimators ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def kaplan_meier(days: Any, event: Any, entry: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The days on which somebody died, and survival after each."""
    days, event = np.asarray(days, dtype=float), np.asarray(event, dtype=bool)
    entry = np.full(len(days), -1.0) if entry is None else np.asarray(entry, dtype=float)
    times = np.unique(days[event])
    at_risk = ((entry < times[:, None]) & (days >= times[:, None])).sum(axis=1)
    deaths = ((days == times[:, None]) & event).sum(axis=1)
    return times, np.cumprod(1 - deaths / at_risk)


def survival_at(day: float, days: Any, event: Any, entry: Any = None) -> float:
    times, survival = kaplan_meier(days, event, entry)
    reached = int((times <= day).sum())
    return float(survival[reached - 1]) if reached else 1.0


def hazard_ratio(stop: Any, event: Any, group: Any, start: Any = None, strata: Any = None) -> float:
    """Cox's hazard ratio of one covariate, ties as Efron does; a row is at risk after `start` and up to `stop`."""
    stop, event, group = np.asarray(stop, dtype=float), np.asarray(event, dtype=bool), np.asarray(group, dtype=float)
    start = np.full(len(stop), -1.0) if start is None else np.asarray(start, dtype=float)
    strata = np.zeros(len(stop)) if strata is None else np.unique(np.asarray(strata, dtype=str), return_inverse=True)[1]
    beta = 0.0
    for _ in range(50):
        slope, curve = np.sum([_score(beta, stop, event, group, start, strata == each) for each in np.unique(strata)], axis=0)
        step = slope / curve
        beta += float(np.clip(step, -2, 2))
        if abs(step) < 1e-9:
            break
    return float(np.exp(beta))


def _score(
    beta: float, stop: np.ndarray, event: np.ndarray, x: np.ndarray, start: np.ndarray, here: np.ndarray
) -> tuple[float, float]:
    """First and (negative) second derivative of the partial log-likelihood in one stratum."""
    stop, event, x, start = stop[here], event[here], x[here], start[here]
    weight = np.exp(beta * x)
    slope = curve = 0.0
    for time in np.unique(stop[event]):
        risk, dead = (start < time) & (stop >= time), (stop == time) & event
        shares = np.arange(dead.sum()) / dead.sum()
        sums = [(weight * x**power)[risk].sum() - shares * (weight * x**power)[dead].sum() for power in (0, 1, 2)]
        slope += float(x[dead].sum() - (sums[1] / sums[0]).sum())
        curve += float((sums[2] / sums[0] - (sums[1] / sums[0]) ** 2).sum())
    return slope, curve


def log_rank(days: Any, event: Any, group: Any) -> float:
    """The log-rank statistic of two groups: chi-square with one degree of freedom."""
    days, event, group = np.asarray(days, dtype=float), np.asarray(event, dtype=bool), np.asarray(group, dtype=bool)
    excess = variance = 0.0
    for time in np.unique(days[event]):
        risk, dead = days >= time, (days == time) & event
        n, n1, d = risk.sum(), (risk & group).sum(), dead.sum()
        excess += (dead & group).sum() - d * n1 / n
        if n > 1:
            variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
    return float(excess**2 / variance)


# ── 1. first curves ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def deaths(release: Release, seed: int) -> int:
    return int(mine(release, seed)["event"].sum())


def person_years(release: Release, seed: int) -> float:
    return float(mine(release, seed)["days"].sum()) / YEAR


def five_years(release: Release, seed: int) -> float:
    tumors = mine(release, seed)
    return survival_at(FIVE_YEARS, tumors["days"], tumors["event"])


def alive_or_lost(release: Release, seed: int) -> float:
    """Everybody without a recorded death counts as alive."""
    tumors = mine(release, seed)
    return 1 - float((tumors["event"] & (tumors["days"] <= FIVE_YEARS)).mean())


def complete_cases(release: Release, seed: int) -> float:
    """Who was lost before five years is left out."""
    tumors = mine(release, seed).filter(pl.col("event") | (pl.col("days") > FIVE_YEARS))
    return float((tumors["days"] > FIVE_YEARS).mean())


def restricted_mean(release: Release, seed: int) -> float:
    """The area under the curve over five years."""
    tumors = mine(release, seed)
    times, survival = kaplan_meier(tumors["days"], tumors["event"])
    corners = np.concatenate([[0.0], times[times < FIVE_YEARS], [FIVE_YEARS]])
    return float((np.diff(corners) * np.concatenate([[1.0], survival[times < FIVE_YEARS]])).sum())


def mean_of_cut_days(release: Release, seed: int) -> float:
    return float(mine(release, seed)["days"].clip(upper_bound=FIVE_YEARS).mean())


def curve(release: Release, seed: int) -> Figure:
    tumors = mine(release, seed)
    times, survival = kaplan_meier(tumors["days"], tumors["event"])
    return Figure(
        (Series("step", (0.0, *times.tolist(), float(tumors["days"].max())), (1.0, *survival.tolist(), float(survival[-1]))),)
    )


def ever_dead_curve(release: Release, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Deaths so far over everybody: nobody ever leaves the denominator."""
    tumors = mine(release, seed)
    times = np.unique(tumors.filter("event")["days"].to_numpy())
    dead = tumors.filter("event")["days"].to_numpy()
    return times, 1 - np.array([(dead <= time).sum() for time in times]) / tumors.height


def incidence(release: Release, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The share of the dead by day, Kaplan-Meier's curve turned over."""
    tumors = mine(release, seed)
    times, survival = kaplan_meier(tumors["days"], tumors["event"])
    return times, 1 - survival


def draws(value: Callable[[Release, int], tuple[np.ndarray, np.ndarray]]) -> Matches:
    """True for a figure that ends where this mistake ends."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        last = float(value(release, seed)[1][-1])
        return isinstance(given, Figure) and any(
            len(each.y) > 2 and abs(float(each.y[-1]) - last) < 1e-3 for each in given.series
        )

    return matches


def kaplan_meier_cases(release: Release, seed: int) -> list[Case]:
    """A case to work by hand, one with ties, one where nobody dies, and tumours of the trainee."""
    few = mine(release, seed).sort("tumor_no").head(40)
    cases = [
        ([45, 75, 75, 105, 135], [True, True, False, False, True], True),
        ([15, 15, 15, 45], [False, True, True, True], True),
        ([15, 45, 75], [False, False, False], False),
        ([135, 15, 75, 45], [True, True, False, True], False),
        (few["days"].to_list(), few["event"].to_list(), False),
    ]
    return [Case((days, event), _steps(days, event), shown) for days, event, shown in cases]


def _steps(days: list[int], event: list[bool]) -> list[list[float]]:
    times, survival = kaplan_meier(days, event)
    return [[float(time), round(float(share), 4)] for time, share in zip(times, survival, strict=True)]


# ── 2. comparing groups ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_stage(release: Release, seed: int) -> pl.DataFrame:
    groups = mine(release, seed).partition_by("stage", as_dict=True, maintain_order=True)
    rows = [
        (stage, group.height, int(group["event"].sum()), survival_at(FIVE_YEARS, group["days"], group["event"]))
        for (stage,), group in groups.items()
    ]
    return pl.DataFrame(rows, schema=["stage", "tumours", "deaths", "survival"], orient="row")


def by_stage_alive_or_lost(release: Release, seed: int) -> list[float]:
    tumors = mine(release, seed).with_columns(dead=pl.col("event") & (pl.col("days") <= FIVE_YEARS))
    return [1 - share for share in tumors.group_by("stage").agg(pl.col("dead").mean())["dead"].to_list()]


def by_stage_complete(release: Release, seed: int) -> list[float]:
    """Who was lost before is left out."""
    known = (
        mine(release, seed).filter(pl.col("event") | (pl.col("days") > FIVE_YEARS)).with_columns(late=pl.col("days") > FIVE_YEARS)
    )
    return known.group_by("stage").agg(pl.col("late").mean())["late"].to_list()


def stage_log_rank(release: Release, seed: int) -> float:
    tumors = staged(release, seed)
    return log_rank(tumors["days"], tumors["event"], tumors["advanced"])


def p_value(release: Release, seed: int) -> float:
    """Of the log-rank test: the tail of a chi-square with one degree of freedom."""
    return erfc(sqrt(stage_log_rank(release, seed) / 2))


def stage_pearson(release: Release, seed: int) -> float:
    """The chi-square of the table of deaths by stage, which forgets time."""
    tumors = staged(release, seed)
    table = np.array(
        [[(tumors["advanced"].eq(group) & tumors["event"].eq(event)).sum() for event in (True, False)] for group in (True, False)]
    )
    by_chance = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(((table - by_chance) ** 2 / by_chance).sum())


def stage_hazard_ratio(release: Release, seed: int) -> float:
    tumors = staged(release, seed)
    return hazard_ratio(tumors["days"], tumors["event"], tumors["advanced"])


def stage_risk_ratio(release: Release, seed: int) -> float:
    tumors = staged(release, seed)
    return float(tumors.filter("advanced")["event"].mean() / tumors.filter(~pl.col("advanced"))["event"].mean())


def male(release: Release, seed: int, adjusted: bool) -> float:
    tumors = mine(release, seed)
    return hazard_ratio(tumors["days"], tumors["event"], tumors["sex"] == "M", strata=tumors["stage"] if adjusted else None)


def late_hazard_ratio(release: Release, seed: int) -> float:
    """Of the advanced stages, among who is still followed after the first year."""
    tumors = staged(release, seed).filter(pl.col("days") > LANDMARK)
    return hazard_ratio(tumors["days"], tumors["event"], tumors["advanced"])


def early_hazard_ratio(release: Release, seed: int) -> float:
    """Of the advanced stages in the first year: what happens later is cut off."""
    tumors = staged(release, seed)
    return hazard_ratio(
        tumors["days"].clip(upper_bound=LANDMARK), tumors["event"] & (tumors["days"] <= LANDMARK), tumors["advanced"]
    )


# ── 3. immortal time ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def naive_hazard_ratio(release: Release, seed: int) -> float:
    tumors = treated(release, seed)
    return hazard_ratio(tumors["days"], tumors["event"], tumors["treated"])


def immortal_years(release: Release, seed: int) -> float:
    return float(treated(release, seed).filter("treated")["start"].sum()) / YEAR


def untreated_years(release: Release, seed: int) -> float:
    return float(treated(release, seed).select(pl.min_horizontal("start", "days").sum()).item()) / YEAR


def landmark(release: Release, seed: int, by: str = "landmark") -> float:
    """Of who is followed after the landmark: groups as known on that day, or by what comes later."""
    tumors = treated(release, seed).filter(pl.col("days") > LANDMARK)
    group = tumors["start"] <= LANDMARK if by == "landmark" else tumors["treated"]
    return hazard_ratio(tumors["days"], tumors["event"], group)


def landmark_without_exclusion(release: Release, seed: int) -> float:
    tumors = treated(release, seed)
    return hazard_ratio(tumors["days"], tumors["event"], tumors["treated"] & (tumors["start"] <= LANDMARK))


def spans(release: Release, seed: int) -> pl.DataFrame:
    """Every tumour's follow-up, parted where the treatment starts."""
    tumors = treated(release, seed)
    zero = pl.lit(0.0)
    before = tumors.select(
        "tumor_no",
        on=pl.lit(0),
        begin=zero,
        end=pl.when("treated").then("start").otherwise("days"),
        event=pl.col("event") & ~pl.col("treated"),
    )
    after = tumors.filter("treated").select(
        "tumor_no", on=pl.lit(1), begin="start", end=pl.col("days").cast(pl.Float64), event="event"
    )
    return pl.concat([before.with_columns(pl.col("end").cast(pl.Float64)), after], how="vertical_relaxed")


def rates(release: Release, seed: int) -> pl.DataFrame:
    return (
        spans(release, seed)
        .group_by("on")
        .agg(deaths=pl.col("event").cast(pl.Int64).sum(), years=(pl.col("end") - pl.col("begin")).sum() / YEAR)
        .with_columns(state=pl.when(pl.col("on") == 1).then(pl.lit("treated")).otherwise(pl.lit("untreated")))
        .select("state", "deaths", "years")
    )


def years_by_ever_treated(release: Release, seed: int) -> list[float]:
    return (treated(release, seed).group_by("treated").agg(pl.col("days").sum() / YEAR))["days"].to_list()


def years_in_days(release: Release, seed: int) -> list[float]:
    return [years * YEAR for years in rates(release, seed)["years"].to_list()]


def time_dependent(release: Release, seed: int) -> float:
    rows = spans(release, seed)
    return hazard_ratio(rows["end"], rows["event"], rows["on"], start=rows["begin"])


def waiting_left_out(release: Release, seed: int) -> float:
    """The clock of the treated starts with the treatment, that of the others with the diagnosis."""
    tumors = treated(release, seed).with_columns(
        since=pl.when("treated").then(pl.col("days") - pl.col("start")).otherwise(pl.col("days"))
    )
    return hazard_ratio(tumors["since"], tumors["event"], tumors["treated"])


# ── 4. delayed entry ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def entered(release: Release, seed: int, delayed: bool = True) -> float:
    tumors = sequenced(release, seed)
    return survival_at(THREE_YEARS, tumors["days"], tumors["event"], tumors["entry"] if delayed else None)


def from_entry(release: Release, seed: int) -> float:
    """The clock starts with sequencing: survival after sequencing, another question."""
    tumors = sequenced(release, seed)
    return survival_at(THREE_YEARS, tumors["days"] - tumors["entry"], tumors["event"])


def three_years(release: Release, seed: int) -> float:
    """Of the whole cohort: what a right analysis of the genomic one should give back."""
    tumors = mine(release, seed)
    return survival_at(THREE_YEARS, tumors["days"], tumors["event"])


def entry_bias(release: Release, seed: int) -> float:
    """How far the curve that ignores entry lies above that of the whole cohort."""
    return entered(release, seed, delayed=False) - three_years(release, seed)


def risk_sets(release: Release, seed: int) -> pl.DataFrame:
    tumors, days = sequenced(release, seed), (105, 375, 735, 1035)
    present = [int(((tumors["entry"] < day) & (tumors["days"] >= day)).sum()) for day in days]
    return pl.DataFrame({"day": days, "at_risk": present})


def risk_sets_without_entry(release: Release, seed: int) -> list[float]:
    tumors = sequenced(release, seed)
    return [int((tumors["days"] >= day).sum()) for day in (105, 375, 735, 1035)]


def entered_by(release: Release, seed: int) -> list[float]:
    tumors = sequenced(release, seed)
    return [int((tumors["entry"] < day).sum()) for day in (105, 375, 735, 1035)]


def at_risk_cases(release: Release, seed: int) -> list[Case]:
    few = sequenced(release, seed).sort("tumor_no").head(60)
    cases = [
        ([0, 0, 100, 200], [90, 400, 300, 250], 150, True),
        ([0, 150, 100], [150, 400, 300], 150, True),
        ([0, 0], [10, 20], 30, False),
        (few["entry"].to_list(), few["days"].to_list(), 735, False),
    ]
    return [
        Case((entry, days, day), sum(a < day <= b for a, b in zip(entry, days, strict=True)), shown)
        for entry, days, day, shown in cases
    ]


# ── 5. last news ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def followed(release: Release, seed: int) -> float:
    """Kaplan-Meier the other way round: the end of follow-up is the event, death hides it."""
    tumors = mine(release, seed)
    return survival_at(THREE_YEARS, tumors["days"], ~tumors["event"])


def share_followed(release: Release, seed: int) -> float:
    return float((mine(release, seed)["days"] > THREE_YEARS).mean())


def share_followed_alive(release: Release, seed: int) -> float:
    return float((mine(release, seed).filter(~pl.col("event"))["days"] > THREE_YEARS).mean())


def news(release: Release, seed: int, kind: str) -> float:
    tumors = heard(release, seed)
    return survival_at(THREE_YEARS, tumors[f"{kind}_days"], tumors[f"{kind}_event"])


def dead_kept_dead(release: Release, seed: int) -> float:
    """Cut off at the last visit, but every death still counts, on the day of that visit."""
    tumors = heard(release, seed)
    return survival_at(THREE_YEARS, tumors["same_days"], tumors["event"])


def by_outcome(release: Release, seed: int) -> pl.DataFrame:
    tumors = heard(release, seed).with_columns(outcome=pl.when("event").then(pl.lit("dead")).otherwise(pl.lit("alive")))
    late = pl.col("days") > pl.col("visit")
    return tumors.group_by("outcome").agg(
        tumours=pl.len().cast(pl.Int64),
        after_visit=(pl.when(late).then(pl.col("mixed_days") - pl.col("visit")).otherwise(0)).sum() / YEAR,
    )


def all_after_visit(release: Release, seed: int) -> list[float]:
    """From the full follow-up: the living are given news that the hospital never had."""
    tumors = heard(release, seed).with_columns(over=(pl.col("days") - pl.col("visit")).clip(lower_bound=0) / YEAR)
    return tumors.group_by("event").agg(pl.col("over").sum())["over"].to_list()


def negative_after_visit(release: Release, seed: int) -> list[float]:
    """Those whose end lies before the visit count below zero."""
    tumors = heard(release, seed).with_columns(over=(pl.col("mixed_days") - pl.col("visit")) / YEAR)
    return tumors.group_by("event").agg(pl.col("over").sum())["over"].to_list()


# ── the exercises ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


# What is said after a wrong answer stands in feedback.toml.
asked = asking(Path(__file__).parent)


FIRST_CURVES = (
    asked(
        "first-curves.deaths",
        deaths,
        "number",
        is_number(lambda r, s: mine(r, s).height),
        is_number(lambda r, s: mine(r, s).height - deaths(r, s)),
    ),
    asked(
        "first-curves.person-years",
        person_years,
        "number",
        is_number(lambda r, s: person_years(r, s) * YEAR, 1),
        is_number(lambda r, s: float(mine(r, s).filter("event")["days"].sum()) / YEAR, 0.5),
        tolerance=0.05,
    ),
    asked(
        "first-curves.five-years",
        five_years,
        "number",
        is_number(alive_or_lost),
        is_number(complete_cases),
        is_number(lambda r, s: 1 - five_years(r, s)),
        tolerance=0.0002,
    ),
    asked(
        "first-curves.kaplan-meier",
        kaplan_meier_cases,
        "code",
        source_has("> t", lacks=(">= t", ">=t")),
        source_has("/ len(days)"),
        tolerance=0.0002,
    ),
    asked("first-curves.curve", curve, "figure", draws(ever_dead_curve), draws(incidence), tolerance=0.0002),
    asked(
        "first-curves.restricted-mean",
        restricted_mean,
        "number",
        is_number(mean_of_cut_days, 0.5),
        is_number(lambda r, s: restricted_mean(r, s) / YEAR, 0.01),
        tolerance=0.05,
    ),
)

COMPARING_GROUPS = (
    asked(
        "comparing-groups.by-stage",
        by_stage,
        "table",
        column_gives("survival", by_stage_complete),
        column_gives("survival", by_stage_alive_or_lost),
        tolerance=0.0002,
    ),
    asked(
        "comparing-groups.log-rank",
        stage_log_rank,
        "number",
        is_number(stage_pearson, 0.05),
        is_number(p_value, 1e-4),
        tolerance=0.005,
    ),
    asked(
        "comparing-groups.hazard-ratio",
        stage_hazard_ratio,
        "number",
        is_number(lambda r, s: float(np.log(stage_hazard_ratio(r, s))), 5e-4),
        is_number(lambda r, s: 1 / stage_hazard_ratio(r, s), 5e-4),
        is_number(stage_risk_ratio, 5e-4),
        tolerance=0.0005,
    ),
    asked(
        "comparing-groups.male-adjusted",
        lambda r, s: male(r, s, adjusted=True),
        "number",
        is_number(lambda r, s: male(r, s, adjusted=False), 5e-4),
        is_number(lambda r, s: 1 / male(r, s, adjusted=True), 5e-4),
        tolerance=0.0005,
    ),
    asked(
        "comparing-groups.after-a-year",
        late_hazard_ratio,
        "number",
        is_number(stage_hazard_ratio, 5e-4),
        is_number(early_hazard_ratio, 5e-4),
        tolerance=0.0005,
    ),
)

IMMORTAL_TIME = (
    asked(
        "immortal-time.naive",
        naive_hazard_ratio,
        "number",
        is_number(lambda r, s: 1 / naive_hazard_ratio(r, s), 0.002),
        is_number(time_dependent, 5e-4),
        tolerance=0.0005,
    ),
    asked(
        "immortal-time.immortal-years",
        immortal_years,
        "number",
        is_number(untreated_years, 0.2),
        is_number(lambda r, s: float(treated(r, s).filter("treated")["days"].sum()) / YEAR, 0.5),
        tolerance=0.02,
    ),
    asked(
        "immortal-time.landmark",
        landmark,
        "number",
        is_number(lambda r, s: landmark(r, s, by="ever"), 5e-4),
        is_number(landmark_without_exclusion, 5e-4),
        is_number(naive_hazard_ratio, 5e-4),
        tolerance=0.0005,
    ),
    asked(
        "immortal-time.rates",
        rates,
        "table",
        column_gives("years", years_by_ever_treated, 0.5),
        column_gives("years", years_in_days, 1),
        tolerance=0.02,
    ),
    asked(
        "immortal-time.time-dependent",
        time_dependent,
        "number",
        is_number(naive_hazard_ratio, 5e-4),
        is_number(waiting_left_out, 5e-4),
        is_number(lambda r, s: float(np.log(time_dependent(r, s))), 5e-4),
        tolerance=0.0005,
    ),
)

DELAYED_ENTRY = (
    asked("delayed-entry.at-risk", at_risk_cases, "code", source_has("for b in days"), source_has("< b")),
    asked(
        "delayed-entry.risk-sets",
        risk_sets,
        "table",
        column_gives("at_risk", risk_sets_without_entry),
        column_gives("at_risk", entered_by),
    ),
    asked(
        "delayed-entry.bias",
        entry_bias,
        "number",
        is_number(lambda r, s: -entry_bias(r, s), 0.001),
        is_number(lambda r, s: entered(r, s, delayed=False), 0.001),
        is_number(lambda r, s: entered(r, s) - three_years(r, s), 0.0005),
        tolerance=0.0002,
    ),
    asked(
        "delayed-entry.three-years",
        entered,
        "number",
        is_number(lambda r, s: entered(r, s, delayed=False)),
        is_number(from_entry),
        tolerance=0.0002,
    ),
)

LAST_NEWS = (
    asked(
        "last-news.three-years-followed",
        followed,
        "number",
        is_number(share_followed),
        is_number(share_followed_alive),
        is_number(three_years),
        tolerance=0.0002,
    ),
    asked(
        "last-news.mixed",
        lambda r, s: news(r, s, "mixed"),
        "number",
        is_number(three_years),
        is_number(lambda r, s: news(r, s, "same")),
        tolerance=0.0002,
    ),
    asked(
        "last-news.after-visit",
        by_outcome,
        "table",
        column_gives("after_visit", all_after_visit, 0.5),
        column_gives("after_visit", negative_after_visit, 0.5),
        tolerance=0.02,
    ),
    asked(
        "last-news.same-rule",
        lambda r, s: news(r, s, "same"),
        "number",
        is_number(lambda r, s: news(r, s, "mixed")),
        is_number(dead_kept_dead),
        tolerance=0.0002,
    ),
)

EXERCISES = dict([*FIRST_CURVES, *COMPARING_GROUPS, *IMMORTAL_TIME, *DELAYED_ENTRY, *LAST_NEWS])
