"""What is expected of "Query the lakehouse", and which mistakes are known. Never shipped to trainees."""

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


def tumours(release: Release, seed: int) -> pl.DataFrame:
    return release.of_cohort("edu_tumor", seed)


def counts(release: Release, seed: int, table: str, name: str) -> pl.DataFrame:
    """Rows of a table for each tumour of the cohort, zeros included."""
    counted = release.table(table).group_by("tumor_no").agg(pl.len().cast(pl.Int64).alias(name))
    return tumours(release, seed).join(counted, on="tumor_no", how="left").with_columns(pl.col(name).fill_null(0))


# Lesson 1: first questions


def by_group(release: Release, seed: int) -> pl.DataFrame:
    return tumours(release, seed).group_by("tumor_group").agg(tumours=pl.len())


def by_group_of_lines(release: Release, seed: int) -> pl.DataFrame:
    return (
        release.of_cohort("edu_line", seed)
        .join(release.table("edu_tumor"), on="tumor_no")
        .group_by("tumor_group")
        .agg(tumours=pl.len())
    )


def untreated_share(release: Release, seed: int) -> float:
    return 100 * (tumours(release, seed)["n_lines"].drop_nulls() == 0).mean()  # type: ignore[operator, return-value]


def untreated_of_all(release: Release, seed: int) -> float:
    return 100 * (tumours(release, seed)["n_lines"] == 0).fill_null(False).mean()  # type: ignore[operator, return-value]


def sequenced_share(release: Release, seed: int) -> float:
    return 100 * tumours(release, seed)["panel"].is_not_null().mean()  # type: ignore[operator, return-value]


FIRST_QUESTIONS = (
    asked(
        "first-questions.tumours",
        lambda release, seed: tumours(release, seed).height,
        "number",
        gives(lambda release, seed: release.table("edu_tumor").height),
        gives(lambda release, seed: release.of_cohort("edu_line", seed).height),
    ),
    asked(
        "first-questions.by-group",
        by_group,
        "table",
        gives(lambda release, seed: release.table("edu_tumor").group_by("tumor_group").agg(tumours=pl.len())),
        gives(by_group_of_lines),
    ),
    asked(
        "first-questions.untreated-share",
        untreated_share,
        "number",
        gives(untreated_of_all, 0.0005),
        gives(lambda release, seed: untreated_share(release, seed) / 100, 0.000005),
        gives(lambda release, seed: 100 - untreated_share(release, seed), 0.0005),
        tolerance=0.0005,
    ),
    asked(
        "first-questions.sequenced-share",
        sequenced_share,
        "number",
        gives(lambda release, seed: 100.0, 0.0005),
        gives(lambda release, seed: 100 * release.table("edu_tumor")["panel"].is_not_null().mean(), 0.0005),
        tolerance=0.0005,
    ),
)


# Lesson 2: joins


def pairs(release: Release, seed: int) -> pl.DataFrame:
    return release.of_cohort("edu_line", seed).join(release.of_cohort("edu_event", seed), on="tumor_no")


def both_counts(release: Release, seed: int) -> pl.DataFrame:
    events = counts(release, seed, "edu_event", "events").select("tumor_no", "events")
    return counts(release, seed, "edu_line", "lines").join(events, on="tumor_no")


def lines_and_events(release: Release, seed: int) -> pl.DataFrame:
    return both_counts(release, seed).group_by("tumor_group").agg(pl.len().alias("tumours"), pl.sum("lines"), pl.sum("events"))


def fanned_out(release: Release, seed: int) -> pl.DataFrame:
    """Two left joins and count(line_no), count(event_no), however the tumours were counted in the end."""
    rows = (
        tumours(release, seed)
        .join(release.table("edu_line").select("tumor_no", "line_no"), on="tumor_no", how="left")
        .join(release.table("edu_event").select("tumor_no", "event_no"), on="tumor_no", how="left")
    )
    return rows.group_by("tumor_group").agg(
        tumours=pl.n_unique("tumor_no"), lines=pl.col("line_no").count(), events=pl.col("event_no").count()
    )


def fanned_out_wholly(release: Release, seed: int) -> pl.DataFrame:
    both = both_counts(release, seed).with_columns(rows=pl.max_horizontal("lines", 1) * pl.max_horizontal("events", 1))
    tumours_too = both.group_by("tumor_group").agg(pl.sum("rows").alias("all_rows"))
    return (
        fanned_out(release, seed).join(tumours_too, on="tumor_group").select("tumor_group", "lines", "events", tumours="all_rows")
    )


def only_with_both(release: Release, seed: int) -> pl.DataFrame:
    both = both_counts(release, seed).filter((pl.col("lines") > 0) & (pl.col("events") > 0))
    return both.group_by("tumor_group").agg(pl.len().alias("tumours"), pl.sum("lines"), pl.sum("events"))


def plastered(release: Release, seed: int) -> pl.DataFrame:
    """count(DISTINCT tumor_no, day): twins of one day are lost."""
    lines = release.table("edu_line").group_by("tumor_no").agg(lines=pl.n_unique("start_day"))
    events = release.table("edu_event").group_by("tumor_no").agg(events=pl.n_unique("day"))
    rows = tumours(release, seed).join(lines, on="tumor_no", how="left").join(events, on="tumor_no", how="left")
    return rows.group_by("tumor_group").agg(pl.len().alias("tumours"), pl.sum("lines"), pl.sum("events"))


def numbers_where(release: Release, seed: int, condition: pl.Expr) -> set[int]:
    return set(both_counts(release, seed).filter(condition)["tumor_no"])


NO_LINE, NO_EVENT = pl.col("lines") == 0, pl.col("events") == 0


def mean_of_means(release: Release, seed: int) -> float:
    means = counts(release, seed, "edu_line", "lines").group_by("tumor_group").agg(pl.mean("lines"))
    return means["lines"].mean()  # type: ignore[return-value]


def mean_of_treated(release: Release, seed: int) -> float:
    return counts(release, seed, "edu_line", "lines").filter(pl.col("lines") > 0)["lines"].mean()  # type: ignore[return-value]


def keys_to_test(release: Release, seed: int) -> list[Case]:
    some = release.of_cohort("edu_line", seed).sort("line_no").head(40).select("line_no", "tumor_no", "line_number").to_dicts()
    twice = [*some, some[-1]] if some else [{"line_no": 1}] * 2
    return [
        Case(([{"a": 1, "b": 1}, {"a": 1, "b": 2}], ["a"]), False, shown=True),
        Case(([{"a": 1, "b": 1}, {"a": 1, "b": 2}], ["a", "b"]), True, shown=True),
        Case(([{"a": 1}, {"a": None}], ["a"]), False, shown=True),
        Case(([], ["a"]), True, shown=True),
        Case(([{"a": "1", "b": "23"}, {"a": "12", "b": "3"}], ["a", "b"]), True),
        Case(([{"a": 0}, {"a": 1}], ["a"]), True),
        Case(([{"a": 1, "b": None}, {"a": 2, "b": None}], ["a"]), True),
        Case((some, ["line_no"]), True),
        Case((twice, ["line_no"]), False),
    ]


JOINS = (
    asked(
        "joins.fan-out",
        lambda release, seed: pairs(release, seed).height,
        "number",
        gives(lambda release, seed: release.of_cohort("edu_line", seed).height + release.of_cohort("edu_event", seed).height),
        gives(lambda release, seed: pairs(release, seed)["tumor_no"].n_unique()),
        gives(lambda release, seed: release.table("edu_line").join(release.table("edu_event"), on="tumor_no").height),
    ),
    asked(
        "joins.lines-and-events",
        lines_and_events,
        "table",
        gives(fanned_out),
        gives(fanned_out_wholly),
        gives(only_with_both),
        gives(plastered),
    ),
    asked(
        "joins.silent",
        lambda release, seed: numbers_where(release, seed, NO_LINE & NO_EVENT),
        "set",
        gives(lambda release, seed: numbers_where(release, seed, NO_LINE)),
        gives(lambda release, seed: numbers_where(release, seed, NO_LINE | NO_EVENT)),
    ),
    asked(
        "joins.mean-lines",
        lambda release, seed: counts(release, seed, "edu_line", "lines")["lines"].mean(),
        "number",
        gives(mean_of_treated, 0.000005),
        gives(mean_of_means, 0.000005),
        tolerance=0.000005,
    ),
    asked(
        "joins.is-key",
        keys_to_test,
        "code",
        holds(r"\bNone\b", absent=True),
        holds(r"\.join\(|str\("),
        holds(r"all\(row|all\(key|if not |\band value\b"),
    ),
)


# Lesson 3: windows


def first_event(release: Release, seed: int) -> pl.DataFrame:
    firsts = (
        release.of_cohort("edu_event", seed).sort("day", "kind", "event_no").unique("tumor_no", keep="first", maintain_order=True)
    )
    return firsts.group_by("kind").agg(tumours=pl.len())


def with_all_ties(release: Release, seed: int) -> pl.DataFrame:
    events = release.of_cohort("edu_event", seed)
    return events.filter(pl.col("day") == pl.col("day").min().over("tumor_no")).group_by("kind").agg(tumours=pl.len())


def ever(release: Release, seed: int) -> pl.DataFrame:
    return release.of_cohort("edu_event", seed).group_by("kind").agg(tumours=pl.n_unique("tumor_no"))


def waits(days: pl.DataFrame, kind: str = "median") -> pl.DataFrame:
    """One row: how many waits of a frame `wait`, and the middle or the mean of their days."""
    return days.select(tumours=pl.len(), median_days=pl.median("wait") if kind == "median" else pl.mean("wait"))


def first_to_second(release: Release, seed: int, since: str = "start_day", everybody: bool = False) -> pl.DataFrame:
    """A row for each tumour with lines 1 and 2: the days from that day of line 1 to the start of line 2."""
    lines = release.table("edu_line") if everybody else release.of_cohort("edu_line", seed)
    first, second = (lines.filter(pl.col("line_number") == number) for number in (1, 2))
    both = first.select("tumor_no", since=since).join(second.select("tumor_no", "start_day"), on="tumor_no")
    return both.select(wait=pl.col("start_day") - pl.col("since")).drop_nulls()


def row_to_row(release: Release, seed: int) -> pl.DataFrame:
    lines = release.of_cohort("edu_line", seed).sort("tumor_no", "line_number")
    return lines.select(wait=pl.col("start_day").diff().over("tumor_no")).drop_nulls()


def first_row_to_next(release: Release, seed: int) -> pl.DataFrame:
    """The two first rows of a tumour, whatever their line numbers."""
    lines = release.of_cohort("edu_line", seed).sort("tumor_no", "line_number")
    two = lines.group_by("tumor_no").agg(pl.col("start_day").get(0), second=pl.col("start_day").get(1, null_on_oob=True))
    return two.select(wait=pl.col("second") - pl.col("start_day")).drop_nulls()


def kinds_of_groups(
    release: Release, seed: int, everybody: bool = False, events: bool = False, sequencing: bool = False
) -> pl.DataFrame:
    """For each tumour group and kind of event, how many tumours had one. The flags are mistakes."""
    rows = release.table("edu_event") if everybody else release.of_cohort("edu_event", seed)
    rows = rows.join(release.table("edu_tumor").select("tumor_no", "tumor_group"), on="tumor_no")
    rows = rows if sequencing else rows.filter(pl.col("kind") != "sequencing")
    return rows.group_by("tumor_group", "kind").agg(tumours=pl.len() if events else pl.n_unique("tumor_no"))


def top_event(release: Release, seed: int, **mistakes: bool) -> pl.DataFrame:
    counted = kinds_of_groups(release, seed, **mistakes)
    best = counted.sort(["tumor_group", "tumours", "kind"], descending=[False, True, False])
    return best.unique("tumor_group", keep="first", maintain_order=True)


WINDOWS = (
    asked("windows.first-event", first_event, "table", gives(with_all_ties), gives(ever)),
    asked(
        "windows.first-to-second",
        lambda release, seed: waits(first_to_second(release, seed)),
        "table",
        gives(lambda release, seed: waits(row_to_row(release, seed)), 0.01),
        gives(lambda release, seed: waits(first_to_second(release, seed), "mean"), 0.01),
        gives(lambda release, seed: waits(first_row_to_next(release, seed)), 0.01),
        gives(lambda release, seed: waits(first_to_second(release, seed, everybody=True)), 0.01),
        gives(lambda release, seed: waits(first_to_second(release, seed, since="end_day")), 0.01),
        tolerance=0.01,
    ),
    asked(
        "windows.top-event",
        top_event,
        "table",
        gives(kinds_of_groups),
        gives(lambda release, seed: top_event(release, seed, everybody=True)),
        gives(lambda release, seed: top_event(release, seed, events=True)),
        gives(lambda release, seed: top_event(release, seed, sequencing=True)),
    ),
)


# Lesson 4: denominators


def gene_of(release: Release, seed: int) -> str:
    """The gene altered in most tumours of the cohort, of those that some panels cover and others do not if one of these is altered."""
    covers = release.table("edu_panel_gene").unique()
    panels = covers.group_by("gene").agg(everywhere=pl.len() == covers["panel"].n_unique())
    altered = release.of_cohort("edu_variant", seed).join(panels, on="gene")
    ranked = altered.group_by("everywhere", "gene").agg(n=pl.n_unique("tumor_no"))
    return str(ranked.sort(["everywhere", "n", "gene"], descending=[False, True, False])["gene"][0])


def tested(release: Release, seed: int) -> pl.DataFrame:
    """A row for each tumour and gene that its panel covers, and whether the gene is altered there."""
    covers = tumours(release, seed).join(release.table("edu_panel_gene").unique(), on="panel")
    altered = release.table("edu_variant").select("tumor_no", "gene").unique().with_columns(found=pl.lit(1))
    return covers.join(altered, on=["tumor_no", "gene"], how="left").with_columns(pl.col("found").fill_null(0))


def gene_frequency(
    release: Release,
    seed: int,
    uncovered: bool = False,
    unsequenced: bool = False,
    variants: bool = False,
    everybody: bool = False,
) -> pl.DataFrame:
    """Panel by panel: who was tested for the gene, and who is altered. The flags are mistakes."""
    gene, mine = gene_of(release, seed), release.table("edu_tumor") if everybody else tumours(release, seed)
    covers = release.table("edu_panel_gene").filter(pl.col("gene") == gene)
    rows = mine if unsequenced else mine.drop_nulls("panel") if uncovered else mine.join(covers, on="panel", how="semi")
    found = release.table("edu_variant").filter(pl.col("gene") == gene).group_by("tumor_no").agg(found=pl.len().cast(pl.Int64))
    found = found if variants else found.with_columns(found=pl.lit(1, pl.Int64))
    counted = rows.join(found, on="tumor_no", how="left").group_by("panel").agg(tested=pl.len(), altered=pl.sum("found"))
    return counted.with_columns(percent=100 * pl.col("altered") / pl.col("tested"))


def gene_table(release: Release, seed: int) -> pl.DataFrame:
    return tested(release, seed).group_by("gene").agg(tested=pl.len(), altered=pl.sum("found"))


def all_sequenced_tested(release: Release, seed: int) -> pl.DataFrame:
    sequenced = tumours(release, seed)["panel"].count()
    return gene_table(release, seed).with_columns(tested=pl.lit(sequenced))


def wilson(altered: int, tested: int) -> list[float] | None:
    if tested == 0:
        return None
    z, p = 1.96, altered / tested
    centre, half = p + z**2 / (2 * tested), z * (p * (1 - p) / tested + z**2 / (4 * tested**2)) ** 0.5
    return [round(100 * (centre + sign * half) / (1 + z**2 / tested), 1) for sign in (-1, 1)]


def wilson_cases(release: Release, seed: int) -> list[Case]:
    known = [(3, 20), (0, 20), (20, 20), (0, 0), (1, 1), (450, 1000)]
    own = gene_table(release, seed).sort("tested", "altered", "gene").tail(3).select("altered", "tested").rows()
    return [Case(pair, wilson(*pair), shown=place in (0, 3)) for place, pair in enumerate([*known, *own])]


def group_bars(release: Release, seed: int, of_all: bool = False, altered_only: bool = False) -> Figure:
    """The five groups with most tested tumours; `of_all` divides by all tumours of the group, as it should not be done."""
    rows = tested(release, seed).filter(pl.col("gene") == gene_of(release, seed))
    groups = rows.group_by("tumor_group").agg(tested=pl.len(), altered=pl.sum("found"))
    groups = groups.sort(["tested", "tumor_group"], descending=[True, False]).head(5)
    groups = groups.join(by_group(release, seed), on="tumor_group", maintain_order="left")
    height = pl.col("altered") if altered_only else 100 * pl.col("altered") / pl.col("tumours" if of_all else "tested")
    bars = groups.select("tumor_group", height=height)
    return Figure((Series("bars", tuple(bars["tumor_group"]), tuple(map(float, bars["height"]))),))


DENOMINATORS = (
    asked(
        "denominators.gene-frequency",
        gene_frequency,
        "table",
        gives(lambda release, seed: gene_frequency(release, seed, unsequenced=True), 0.01),
        gives(lambda release, seed: gene_frequency(release, seed, everybody=True), 0.01),
        gives(lambda release, seed: gene_frequency(release, seed, uncovered=True), 0.01),
        gives(lambda release, seed: gene_frequency(release, seed, variants=True), 0.01),
        gives(lambda release, seed: gene_frequency(release, seed).filter(pl.col("altered") > 0), 0.01),
        tolerance=0.01,
    ),
    asked(
        "denominators.gene-table",
        gene_table,
        "table",
        gives(lambda release, seed: gene_table(release, seed).filter(pl.col("altered") > 0)),
        gives(lambda release, seed: gene_table(release, seed).with_columns(tested=pl.lit(tumours(release, seed).height))),
        gives(all_sequenced_tested),
    ),
    asked(
        "denominators.wilson",
        wilson_cases,
        "code",
        holds(r"None|return\s*$|return\s*\n", absent=True),
        holds(r"4\s*\*", absent=True),
        tolerance=0.11,
    ),
    asked(
        "denominators.frequency-by-group",
        group_bars,
        "figure",
        gives(lambda release, seed: group_bars(release, seed, of_all=True), 0.01),
        gives(lambda release, seed: group_bars(release, seed, altered_only=True), 0.01),
        tolerance=0.01,
    ),
)


# Lesson 5: time travel


def past(release: Release, seed: int) -> list[pl.DataFrame]:
    """The versions of the table that the trainee made at home, oldest first."""
    return [frame for _, frame in generator(LESSONS / "05-time-travel.md")["versions"](release.of_cohort("edu_line", seed), seed)]


def rows_at(release: Release, seed: int) -> pl.DataFrame:
    rows = [frame.height for frame in past(release, seed)]
    return pl.DataFrame({"version": range(len(rows)), "rows": rows})


def impossible(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("end_day") < pl.col("start_day"))


def culprit(versions: list[pl.DataFrame]) -> int:
    return next(number for number, frame in enumerate(versions) if impossible(frame).height)


def damaged(release: Release, seed: int) -> set[int]:
    versions = past(release, seed)
    number = culprit(versions)
    pair = versions[number - 1].join(versions[number], on="line_no", suffix="_after")
    return set(pair.filter(pl.col("end_day").ne_missing(pl.col("end_day_after")))["line_no"])


def damage_that_shows(release: Release, seed: int) -> set[int]:
    versions = past(release, seed)
    return set(impossible(versions[culprit(versions)])["line_no"])


def changed_since(release: Release, seed: int) -> set[int]:
    """Every line that differs in anything between the first load and the last version, or is in one of them only."""
    versions = past(release, seed)
    pair = versions[0].join(versions[-1], on="line_no", how="full", suffix="_after", coalesce=True)
    names = [name for name in versions[0].columns if name != "line_no"]
    return set(pair.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in names))["line_no"])


TIME_TRAVEL = (
    asked(
        "time-travel.rows-at",
        rows_at,
        "table",
        gives(lambda release, seed: rows_at(release, seed).with_columns(pl.col("rows").last())),
        gives(lambda release, seed: rows_at(release, seed).with_columns(pl.col("version") + 1)),
        gives(lambda release, seed: rows_at(release, seed).head(-1)),
    ),
    asked(
        "time-travel.last-sound",
        lambda release, seed: past(release, seed)[culprit(past(release, seed)) - 1].height,
        "number",
        gives(lambda release, seed: culprit(past(release, seed)) - 1),
        gives(
            lambda release, seed: (
                past(release, seed)[-1].filter(~(pl.col("end_day") < pl.col("start_day")).fill_null(False)).height
            )
        ),
    ),
    asked("time-travel.damaged", damaged, "set", gives(damage_that_shows), gives(changed_since)),
)


# Lesson 6: files and plans


def moving_rows(release: Release, seed: int, before: int | None = 400, of_everybody: bool = False) -> pl.DataFrame:
    """The operator that moves rows, and how many would travel if none were counted before."""
    events = release.table("edu_event") if of_everybody else release.of_cohort("edu_event", seed)
    passing = events.height if before is None else events.filter(pl.col("day") < before).height
    return pl.DataFrame([{"operator": "Exchange", "rows": passing}])


def after_counting(release: Release, seed: int) -> pl.DataFrame:
    """A row for each kind: what is left when everything was counted."""
    kinds = release.of_cohort("edu_event", seed).filter(pl.col("day") < 400)["kind"].n_unique()
    return moving_rows(release, seed).with_columns(rows=pl.lit(kinds))


def calls_it(*words: str) -> Matches:
    """True for who names an operator with one of these words in it, and not as the plan writes it."""

    def matches(release: Release, seed: int, given: Any) -> bool:
        name = plain(str(given["operator"][0]))
        # A broadcast is an exchange by name, and no shuffle.
        return name != "exchange" and "broadcast" not in name and any(word in name for word in words)

    return matches


def layouts(release: Release, seed: int, whole_day_inside: bool = False) -> pl.DataFrame:
    """Files and rows to be read in both layouts; `whole_day_inside` keeps only files that lie wholly within the days asked for."""
    made = generator(LESSONS / "06-files-and-plans.md")
    first, last = made["wanted"](release.of_cohort("edu_event", seed), seed)
    found = []
    for layout, by_day in (("as it came", False), ("by day", True)):
        files = made["parts"](release.of_cohort("edu_event", seed), seed, by_day)
        spans = [(file["day"].min(), file["day"].max(), file.height) for file in files]
        read = [
            rows
            for low, high, rows in spans
            if (low >= first and high <= last if whole_day_inside else low <= last and high >= first)
        ]
        found.append({"layout": layout, "files": len(read), "rows": sum(read)})
    return pl.DataFrame(found)


def rows_that_match(release: Release, seed: int) -> pl.DataFrame:
    first, last = generator(LESSONS / "06-files-and-plans.md")["wanted"](release.of_cohort("edu_event", seed), seed)
    matching = release.of_cohort("edu_event", seed).filter(pl.col("day").is_between(first, last)).height
    return layouts(release, seed).with_columns(rows=pl.lit(matching))


def files_cases(release: Release, seed: int) -> list[Case]:
    def file(path: str, low: int | None, high: int | None) -> dict[str, Any]:
        return {"path": path, "min": low, "max": high}

    files = [file("a", 0, 100), file("b", 100, 200), file("c", 201, 400), file("d", None, None), file("e", 0, 900)]
    made = generator(LESSONS / "06-files-and-plans.md")
    first, last = made["wanted"](release.of_cohort("edu_event", seed), seed)
    own = [
        file(f"part-{place}", part["day"].min(), part["day"].max())
        for place, part in enumerate(made["parts"](release.of_cohort("edu_event", seed), seed, True))
    ]
    touched = [each["path"] for each in own if each["min"] <= last and each["max"] >= first]
    return [
        Case((files, 150, 160), ["b", "d", "e"], shown=True),
        Case((files, 100, 100), ["a", "b", "d", "e"], shown=True),
        Case((files, 950, 990), ["d"]),
        Case((files, 50, 300), ["a", "b", "c", "d", "e"]),
        Case(([file("half", None, 10), file("low", -5, 0)], 20, 30), ["half"]),
        Case(([file("zero", 0, 0)], 0, 0), ["zero"]),
        Case(([], 0, 1), []),
        Case((own, first, last), touched),
    ]


FILES_AND_PLANS = (
    asked(
        "files-and-plans.moving-rows",
        moving_rows,
        "table",
        calls_it("aggregate"),
        calls_it("scan", "filter"),
        calls_it("shuffle", "exchange"),
        gives(lambda release, seed: moving_rows(release, seed, of_everybody=True)),
        gives(lambda release, seed: moving_rows(release, seed, before=None)),
        gives(after_counting),
    ),
    asked(
        "files-and-plans.two-layouts",
        layouts,
        "table",
        gives(lambda release, seed: layouts(release, seed, whole_day_inside=True)),
        gives(rows_that_match),
    ),
    asked("files-and-plans.files-to-read", files_cases, "code", holds(r"\bNone\b", absent=True), holds(r"[<>](?!=)")),
)

EXERCISES = dict([*FIRST_QUESTIONS, *JOINS, *WINDOWS, *DENOMINATORS, *TIME_TRAVEL, *FILES_AND_PLANS])
