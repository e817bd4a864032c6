"""What is expected of "Trust the data", and which mistakes are known. Never shipped to trainees."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from courses.checking.compare import plain
from courses.checking.exercise import Case, Figure, Series
from courses.checking.mistakes import Matches, asking, generator, gives, holds
from courses.checking.release import Release

LESSONS = Path(__file__).parent
# What is said after a wrong answer stands in feedback.toml.
asked = asking(LESSONS)


@lru_cache(maxsize=64)
def delivery(release: Release, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The trainee's delivery, `(tumor, line)`, as the lessons make it."""
    made = generator(LESSONS / "01-expectations.md")["delivery"]
    of_mine = (release.of_cohort(name, seed) for name in ("edu_tumor", "edu_line", "edu_survival"))
    tumor, line = made(release.table("edu_patient"), *of_mine, seed)
    return tumor, line


def tumor(release: Release, seed: int) -> pl.DataFrame:
    return delivery(release, seed)[0]


def line(release: Release, seed: int) -> pl.DataFrame:
    return delivery(release, seed)[1]


def winning(release: Release, seed: int) -> pl.DataFrame:
    """One row a tumour: the last one sent."""
    return tumor(release, seed).unique("tumor_no", keep="last", maintain_order=True)


# Lesson 1: expectations

COLUMNS = ("sex", "tumor_group", "stage", "metastatic_at_dx", "days")
KNOWN_SEX = pl.col("sex").is_in(["M", "F"])


def codes(release: Release, seed: int) -> set[str]:
    return set(tumor(release, seed).filter(~KNOWN_SEX)["sex"])


def resent(release: Release, seed: int) -> int:
    return int(tumor(release, seed)["tumor_no"].value_counts().filter(pl.col("count") > 1).height)


def exact_copies(release: Release, seed: int) -> int:
    rows = tumor(release, seed).drop("row_no")
    return rows.height - rows.unique().height


def completeness(release: Release, seed: int, missing: bool = False, scale: int = 100) -> pl.DataFrame:
    rows = tumor(release, seed)
    shares = [rows[name].count() / rows.height for name in COLUMNS]
    return pl.DataFrame({"column": COLUMNS, "percent": [scale * (1 - share if missing else share) for share in shares]})


def unexpected_cases(release: Release, seed: int) -> list[Case]:
    def rows(*values: Any) -> list[dict[str, Any]]:
        return [{"row_no": number, "x": value} for number, value in enumerate(values, 1)]

    own = tumor(release, seed).select("row_no", "sex").tail(40).to_dicts()
    broken = sorted(each["row_no"] for each in own if each["sex"] is not None and each["sex"] not in ("M", "F"))
    return [
        Case((rows("M", "F", "H"), "x", ["M", "F"]), [3], shown=True),
        Case((rows("M", None, "m"), "x", ["M", "F"]), [3], shown=True),
        Case((list(reversed(rows("?", "M", "?"))), "x", ["M", "F"]), [1, 3]),
        Case((rows(None, None), "x", ["M"]), []),
        Case((rows("", 0, False), "x", ["M"]), [1, 2, 3]),
        Case((rows(1, 2, 3), "x", [1, 2]), [3]),
        Case(([], "x", ["M"]), []),
        Case((own, "sex", ["M", "F"]), broken),
    ]


EXPECTATIONS = (
    asked(
        "expectations.codes",
        codes,
        "set",
        gives(lambda release, seed: set(tumor(release, seed)["sex"])),
        gives(lambda release, seed: set(tumor(release, seed).filter(~KNOWN_SEX)["row_no"])),
    ),
    asked(
        "expectations.resent",
        resent,
        "number",
        gives(lambda release, seed: tumor(release, seed)["tumor_no"].is_duplicated().sum()),
        gives(exact_copies),
        gives(lambda release, seed: 0),
    ),
    asked(
        "expectations.completeness",
        completeness,
        "table",
        gives(lambda release, seed: completeness(release, seed, missing=True), 0.01),
        gives(lambda release, seed: completeness(release, seed, scale=1), 0.0001),
        tolerance=0.01,
    ),
    asked(
        "expectations.unexpected", unexpected_cases, "code", holds(r"lower\(|upper\(|casefold\("), holds(r"\bNone\b", absent=True)
    ),
)


# Lesson 2: planted flaws


def orphans(release: Release, seed: int) -> pl.DataFrame:
    return line(release, seed).join(tumor(release, seed), on="tumor_no", how="anti")


def without_lines(release: Release, seed: int) -> set[int]:
    return set(tumor(release, seed).join(line(release, seed), on="tumor_no", how="anti")["tumor_no"])


def lines_where(release: Release, seed: int, condition: pl.Expr) -> set[int]:
    return set(line(release, seed).filter(condition)["line_no"])


BACKWARDS = pl.col("end_day") < pl.col("start_day")


def stand_in(release: Release, seed: int) -> int:
    """The number that stands for "not finished": the farthest end of all."""
    return int(line(release, seed)["end_day"].max())  # type: ignore[arg-type]


def slipped(release: Release, seed: int) -> str:
    """The hospital that sends months: its median is a fraction of the others'."""
    return str(tumor(release, seed).group_by("hospital").agg(pl.median("days")).sort("days")["hospital"][0])


def last_news(release: Release, seed: int, repaired: bool = True) -> pl.DataFrame:
    """Whether a tumour's patient died, and the last day known, in days."""
    months = pl.col("hospital") == (slipped(release, seed) if repaired else "")
    days = pl.when(months).then((pl.col("days") * 30).round()).otherwise("days")
    return winning(release, seed).select("tumor_no", "event", last_day=days)


def late(release: Release, seed: int, dead_only: bool = True, repaired: bool = True) -> set[int]:
    rows = line(release, seed).join(last_news(release, seed, repaired), on="tumor_no")
    rows = rows.filter(pl.col("start_day") > pl.col("last_day"))
    return set((rows.filter("event") if dead_only else rows)["line_no"])


PLANTED_FLAWS = (
    asked(
        "planted-flaws.orphans",
        lambda release, seed: set(orphans(release, seed)["line_no"]),
        "set",
        gives(lambda release, seed: set(orphans(release, seed)["tumor_no"])),
        gives(without_lines),
    ),
    asked(
        "planted-flaws.backwards",
        lambda release, seed: lines_where(release, seed, BACKWARDS),
        "set",
        gives(lambda release, seed: lines_where(release, seed, ~(pl.col("end_day") >= pl.col("start_day")).fill_null(False))),
        gives(lambda release, seed: lines_where(release, seed, pl.col("end_day") <= pl.col("start_day"))),
        gives(lambda release, seed: lines_where(release, seed, pl.col("end_day") > pl.col("start_day"))),
    ),
    asked(
        "planted-flaws.stand-ins",
        lambda release, seed: line(release, seed).filter(pl.col("end_day") == stand_in(release, seed)).height,
        "number",
        gives(stand_in),
        gives(lambda release, seed: line(release, seed)["end_day"].null_count()),
    ),
    asked(
        "planted-flaws.in-months",
        lambda release, seed: tumor(release, seed).filter(pl.col("hospital") == slipped(release, seed)).height,
        "number",
        gives(lambda release, seed: tumor(release, seed).filter(pl.col("hospital") != slipped(release, seed)).height),
        gives(lambda release, seed: tumor(release, seed).filter(pl.col("days") != pl.col("days").round()).height),
        gives(lambda release, seed: tumor(release, seed).height),
    ),
    asked(
        "planted-flaws.after-death",
        late,
        "set",
        gives(lambda release, seed: late(release, seed, repaired=False)),
        gives(lambda release, seed: late(release, seed, dead_only=False)),
        gives(lambda release, seed: late(release, seed, dead_only=False, repaired=False)),
    ),
)


# Lesson 3: quarantine

RULES = {
    "orphan": pl.col("last_day").is_null(),
    "ends before start": BACKWARDS,
    "starts after last news": pl.col("start_day") > pl.col("last_day"),
}


def with_last_news(release: Release, seed: int) -> pl.DataFrame:
    return line(release, seed).join(last_news(release, seed), on="tumor_no", how="left")


def routed(release: Release, seed: int) -> pl.DataFrame:
    """Every line with the first reason that applies; null where it is accepted."""
    first = pl.coalesce(pl.when(rule).then(pl.lit(reason)) for reason, rule in RULES.items())
    return with_last_news(release, seed).with_columns(reason=first)


def reasons(release: Release, seed: int) -> pl.DataFrame:
    return routed(release, seed).drop_nulls("reason").group_by("reason").agg(lines=pl.len())


def rule_by_rule(release: Release, seed: int) -> pl.DataFrame:
    rows = with_last_news(release, seed)
    return pl.DataFrame([{"reason": reason, "lines": rows.filter(rule).height} for reason, rule in RULES.items()])


def in_other_order(release: Release, seed: int) -> pl.DataFrame:
    """The last reason that applies."""
    last = pl.coalesce(pl.when(rule).then(pl.lit(reason)) for reason, rule in reversed(RULES.items()))
    return with_last_news(release, seed).with_columns(reason=last).drop_nulls("reason").group_by("reason").agg(lines=pl.len())


def accepted(release: Release, seed: int) -> pl.DataFrame:
    return routed(release, seed).filter(pl.col("reason").is_null())


def route(row: dict[str, Any], last_day: float | None) -> str | None:
    start, end = row["start_day"], row["end_day"]
    if last_day is None:
        return "orphan"
    if start is not None and end is not None and end < start:
        return "ends before start"
    return "starts after last news" if start is not None and start > last_day else None


def route_cases(release: Release, seed: int) -> list[Case]:
    known: list[tuple[Any, Any, Any]] = [
        (15, 45, 100),
        (45, 15, 100),
        (15, None, 100),
        (15, 45, None),
        (45, 15, None),
        (100, 100, 100),
        (130, None, 100),
        (130, 115, 100),
        (0, 0, 0),
        (None, 15, 100),
        (None, None, 0),
        (15, 0, 100),
    ]
    own = routed(release, seed).sort("line_no").tail(10).select("start_day", "end_day", "last_day").rows()
    return [
        Case(
            ({"start_day": start, "end_day": end}, last),
            route({"start_day": start, "end_day": end}, last),
            shown=place in (0, 2, 4),
        )
        for place, (start, end, last) in enumerate([*known, *own])
    ]


QUARANTINE = (
    asked(
        "quarantine.reasons",
        reasons,
        "table",
        gives(rule_by_rule),
        gives(lambda release, seed: reasons(release, seed).filter(pl.col("reason") != "orphan")),
        gives(in_other_order),
    ),
    asked(
        "quarantine.accepted",
        lambda release, seed: accepted(release, seed).height,
        "number",
        gives(lambda release, seed: accepted(release, seed).filter(pl.col("end_day") >= pl.col("start_day")).height),
        gives(lambda release, seed: line(release, seed).height - rule_by_rule(release, seed)["lines"].sum()),
        gives(lambda release, seed: line(release, seed).height - accepted(release, seed).height),
    ),
    asked(
        "quarantine.route",
        route_cases,
        "code",
        holds(r"if not last_day|if last_day:|if end and|if start and|and end and|if not start|if not end"),
        holds(r"<=|>="),
        holds(r"is (not )?None", absent=True),
    ),
)


# Lesson 4: comparing hospitals

MEASURED = (("tumours", "stage"), ("lines", "regimen"), ("lines", "end_day"))


def known_lines(release: Release, seed: int) -> pl.DataFrame:
    return line(release, seed).join(winning(release, seed).select("tumor_no", "hospital"), on="tumor_no")


def filled(release: Release, seed: int, missing: bool = False, scale: int = 100) -> pl.DataFrame:
    rows = {"tumours": winning(release, seed), "lines": known_lines(release, seed)}
    share = lambda name: pl.col(name).null_count() if missing else pl.col(name).count()  # noqa: E731
    parts = [
        rows[of].group_by("hospital").agg(percent=scale * share(name) / pl.len(), column=pl.lit(name)) for of, name in MEASURED
    ]
    return pl.concat(parts)


def gap(release: Release, seed: int, counted: str = "lost") -> pl.DataFrame:
    """The hospital and the column of the gap, and how many values were lost, or what `counted` takes for it."""
    shares = filled(release, seed, scale=1).sort("percent")
    hospital, column = shares.select("hospital", "column").row(0)
    rows = winning(release, seed) if ("tumours", column) in MEASURED else known_lines(release, seed)
    here, elsewhere = (rows.filter((pl.col("hospital") == hospital) == side)[column] for side in (True, False))
    others = shares.filter((pl.col("hospital") != hospital) & (pl.col("column") == column))["percent"]
    filled_there = elsewhere.count() / elsewhere.len()
    lost = {
        "lost": here.len() * filled_there - here.count(),
        "points": 100 * (filled_there - here.count() / here.len()),
        "empty": here.null_count(),
        "mean of two": here.len() * others.mean() - here.count(),
    }[counted]
    return pl.DataFrame({"hospital": [hospital], "column": [column], "lost": [float(lost)]})


def same_as_gap(*names: str) -> Matches:
    """True for one row in which these are those of the gap, and of hospital and column nothing else is."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        right = gap(release, seed)
        folded = lambda rows, name: [plain(str(each)) for each in rows[name]]  # noqa: E731
        return {name for name in ("hospital", "column") if folded(given, name) == folded(right, name)} == set(names)

    return matches


def treated(release: Release, seed: int) -> pl.DataFrame:
    """Every tumour, its stratum, and whether it has a line."""
    with_line = known_lines(release, seed)["tumor_no"].unique().to_list()
    return (
        winning(release, seed).with_columns(treated=pl.col("tumor_no").is_in(with_line)).join(kinds(release, seed), on="tumor_no")
    )


def kinds(release: Release, seed: int) -> pl.DataFrame:
    """The stratum of every tumour: its group if that is one of the three most frequent. Ages would do, but not every release tells them."""
    rows = winning(release, seed).select("tumor_no", "tumor_group")
    counted = rows.group_by("tumor_group").len().sort("len", "tumor_group", descending=[True, False]).head(3)
    named = rows.join(counted.select("tumor_group", kind="tumor_group"), on="tumor_group", how="left")
    return named.select("tumor_no", pl.col("kind").fill_null("rest"))


def crude(release: Release, seed: int) -> pl.DataFrame:
    return treated(release, seed).group_by("hospital").agg(crude=100 * pl.mean("treated"))


def standardised(release: Release, seed: int, equal: bool = False) -> pl.DataFrame:
    rows = treated(release, seed)
    strata = rows["kind"].n_unique()
    weights = rows.group_by("kind").agg(weight=pl.lit(1 / strata) if equal else pl.len() / rows.height)
    within = rows.group_by("hospital", "kind").agg(percent=100 * pl.mean("treated")).join(weights, on="kind")
    summed = within.group_by("hospital").agg(standardised=(pl.col("percent") * pl.col("weight")).sum())
    return crude(release, seed).join(summed, on="hospital")


def funnel(release: Release, seed: int, scale: int = 100, swapped: bool = False) -> Figure:
    points = treated(release, seed).group_by("hospital").agg(n=pl.len(), share=scale * pl.mean("treated")).sort("n")
    x, y = tuple(map(float, points["n"])), tuple(map(float, points["share"]))
    return Figure((Series("points", y, x) if swapped else Series("points", x, y),))


COMPARING_HOSPITALS = (
    asked(
        "comparing-hospitals.filled",
        filled,
        "table",
        gives(lambda release, seed: filled(release, seed, missing=True), 0.01),
        gives(lambda release, seed: filled(release, seed, scale=1), 0.0001),
        tolerance=0.01,
    ),
    asked(
        "comparing-hospitals.gap",
        gap,
        "table",
        same_as_gap("hospital"),
        same_as_gap("column"),
        gives(lambda release, seed: gap(release, seed, "points"), 0.01),
        gives(lambda release, seed: gap(release, seed, "empty"), 0.001),
        gives(lambda release, seed: gap(release, seed, "mean of two"), 0.001),
        gives(gap, 0.5),
        tolerance=0.001,
    ),
    asked(
        "comparing-hospitals.pooled",
        lambda release, seed: 100 * treated(release, seed)["treated"].mean(),
        "number",
        gives(lambda release, seed: crude(release, seed)["crude"].mean(), 0.0005),
        gives(lambda release, seed: 100 * known_lines(release, seed).height / winning(release, seed).height, 0.0005),
        gives(lambda release, seed: 100 * line(release, seed)["tumor_no"].n_unique() / winning(release, seed).height, 0.0005),
        tolerance=0.0005,
    ),
    asked(
        "comparing-hospitals.standardised",
        standardised,
        "table",
        gives(lambda release, seed: crude(release, seed).with_columns(standardised="crude"), 0.01),
        gives(lambda release, seed: standardised(release, seed, equal=True), 0.01),
        tolerance=0.01,
    ),
    asked(
        "comparing-hospitals.funnel",
        funnel,
        "figure",
        gives(lambda release, seed: funnel(release, seed, scale=1), 0.0001),
        gives(lambda release, seed: funnel(release, seed, swapped=True), 0.01),
        tolerance=0.01,
    ),
)


# Lesson 5: the gate


def suite(release: Release, seed: int) -> list[tuple[str, pl.DataFrame, str, pl.Expr, float]]:
    tumours, lines = delivery(release, seed)
    return [
        ("a tumour comes once", tumours, "tumor_no", pl.col("tumor_no").is_unique(), 1.0),
        ("sex is M or F", tumours, "sex", KNOWN_SEX, 0.99),
        ("days are not negative", tumours, "days", pl.col("days") >= 0, 1.0),
        ("a line ends after it starts", lines, "end_day", ~BACKWARDS, 0.9),
        ("a line ends within twenty years", lines, "end_day", pl.col("end_day") <= 7300, 1.0),
    ]


def verdict(release: Release, seed: int, with_nulls: bool = False, forgiving: bool = True) -> pl.DataFrame:
    found = []
    for name, table, column, predicate, mostly in suite(release, seed):
        kept = table.select(kept=predicate).to_series()[table[column].is_not_null().arg_true()]
        checked, unexpected = table.height if with_nulls else kept.len(), int((~kept).sum())
        passed = (checked - unexpected) / checked >= mostly if forgiving else unexpected == 0
        found.append({"expectation": name, "checked": checked, "unexpected": unexpected, "passed": passed})
    return pl.DataFrame(found)


def nulls_broken(release: Release, seed: int) -> pl.DataFrame:
    """Nulls looked at, and taken for breaches."""
    found = []
    for name, table, _, predicate, mostly in suite(release, seed):
        unexpected = table.height - int(table.select(predicate).to_series().sum() or 0)
        passed = 1 - unexpected / table.height >= mostly
        found.append({"expectation": name, "checked": table.height, "unexpected": unexpected, "passed": passed})
    return pl.DataFrame(found)


def gate_cases(release: Release, seed: int) -> list[Case]:
    def results(*pairs: tuple[str, bool | None]) -> list[dict[str, Any]]:
        return [{"severity": severity, "passed": passed} for severity, passed in pairs]

    good, warned = ("critical", True), ("warning", False)
    return [
        Case((results(good, ("warning", True)),), "open", shown=True),
        Case((results(good, warned),), "open with warnings", shown=True),
        Case((results(("critical", False), warned),), "closed"),
        Case((results(good, ("critical", None)),), "closed", shown=True),
        Case((results(good, ("warning", None)),), "open with warnings"),
        Case(([],), "closed"),
        Case((results(("fatal", False)),), "closed"),
        Case((results(("warning", True)),), "open"),
        Case((results(warned, good, ("critical", False)),), "closed"),
    ]


GATE = (
    asked(
        "gate.verdict",
        verdict,
        "table",
        gives(nulls_broken),
        gives(lambda release, seed: verdict(release, seed, with_nulls=True)),
        gives(lambda release, seed: verdict(release, seed, forgiving=False)),
    ),
    asked(
        "gate.gate",
        gate_cases,
        "code",
        holds(r"is False|== False"),
        holds(r"not results|len\(results\)|results ==|if results", absent=True),
        holds(r"== ['\"]critical['\"]"),
    ),
)

EXERCISES = dict([*EXPECTATIONS, *PLANTED_FLAWS, *QUARANTINE, *COMPARING_HOSPITALS, *GATE])
