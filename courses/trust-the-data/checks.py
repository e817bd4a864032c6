"""What is expected of "Trust the data", and what is said to who is not there yet. Never shipped to trainees."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from courses.checking.exercise import Case, Exercise, Figure, Series, Wrong
from courses.checking.mistakes import generator, gives, holds, say
from courses.checking.release import Release


@lru_cache(maxsize=64)
def delivery(release: Release, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The trainee's delivery, `(tumor, line)`, as the lessons make it."""
    made = generator(Path(__file__).with_name("01-expectations.md"))["delivery"]
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


EXPECTATIONS = {
    "expectations.codes": Exercise(
        codes,
        "set",
        hints=(
            say('Which rows break the predicate is_in(["M", "F"])?', 'Quelles lignes ne respectent pas is_in(["M", "F"]) ?'),
            say(
                "The question asks for the values of these rows, each once.",
                "La question demande les valeurs de ces lignes, chacune une fois.",
            ),
            say(
                'set(tumor.filter(~pl.col("sex").is_in(["M", "F"]))["sex"])',
                'set(tumor.filter(~pl.col("sex").is_in(["M", "F"]))["sex"])',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: set(tumor(release, seed)["sex"]),
                "These are all values. Leave out the two that are expected, M and F.",
                "Ce sont toutes les valeurs. Ôtez les deux attendues, M et F.",
            ),
            gives(
                lambda release, seed: set(tumor(release, seed).filter(~KNOWN_SEX)["row_no"]),
                "These are the numbers of the rows. The question asks which values stand there.",
                "Ce sont les numéros des lignes. La question demande quelles valeurs s'y trouvent.",
            ),
        ),
    ),
    "expectations.resent": Exercise(
        resent,
        "number",
        hints=(
            say("Count rows for each tumor_no.", "Comptez les lignes par tumor_no."),
            say(
                "Keep the tumor_no with more than one row, and count these.",
                "Gardez les tumor_no ayant plus d'une ligne, et comptez-les.",
            ),
            say(
                'tumor.group_by("tumor_no").len().filter(pl.col("len") > 1).height',
                'tumor.group_by("tumor_no").len().filter(pl.col("len") > 1).height',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: tumor(release, seed)["tumor_no"].is_duplicated().sum(),
                "You counted the rows that take part. Two rows are one tumour that was sent twice.",
                "Vous avez compté les lignes concernées. Deux lignes sont une tumeur envoyée deux fois.",
            ),
            gives(
                exact_copies,
                "You counted exact copies. Some tumours came again with another value: same tumor_no, other content.",
                "Vous avez compté les copies exactes. Des tumeurs sont revenues avec une autre valeur : même tumor_no, autre contenu.",
            ),
            gives(
                lambda release, seed: 0,
                "Zero: did row_no take part? It differs in every row, so no two rows are the same with it.",
                "Zéro : row_no était-il compris ? Il diffère à chaque ligne, donc aucune ligne ne se répète avec lui.",
            ),
        ),
    ),
    "expectations.completeness": Exercise(
        completeness,
        "table",
        tolerance=0.01,
        hints=(
            say(
                "count() of a column leaves nulls out, height does not.",
                "count() d'une colonne laisse les null de côté, height non.",
            ),
            say("One row a column: column (its name), percent.", "Une ligne par colonne : column (son nom), percent."),
            say(
                "100 * tumor[name].count() / tumor.height for each of the five names.",
                "100 * tumor[name].count() / tumor.height pour chacun des cinq noms.",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: completeness(release, seed, missing=True),
                "This is what is missing. The question asks for what is there.",
                "C'est ce qui manque. La question demande ce qui est rempli.",
                0.01,
            ),
            gives(
                lambda release, seed: completeness(release, seed, scale=1),
                "These are fractions between 0 and 1. The question asks for percentages.",
                "Ce sont des fractions entre 0 et 1. La question demande des pourcentages.",
                0.0001,
            ),
        ),
    ),
    "expectations.unexpected": Exercise(
        unexpected_cases,
        "code",
        hints=(
            say(
                "A row breaks the rule if its value is there and not among the allowed ones.",
                "Une ligne enfreint la règle si sa valeur est présente et n'est pas parmi les permises.",
            ),
            say(
                "row[column] is not None and row[column] not in allowed", "row[column] is not None and row[column] not in allowed"
            ),
            say('sorted(row["row_no"] for row in rows if …)', 'sorted(row["row_no"] for row in rows if …)'),
        ),
        wrong=(
            holds(
                r"lower\(|upper\(|casefold\(",
                "Compare exactly: m is not M until the hospital has said so.",
                "Comparez exactement : m n'est pas M tant que l'hôpital ne l'a pas dit.",
            ),
            holds(
                r"\bNone\b",
                "None breaks nothing here: whether a value is there is another expectation. And an empty text is a value.",
                "None n'enfreint rien ici : la présence d'une valeur est une autre attente. Et un texte vide est une valeur.",
                absent=True,
            ),
        ),
    ),
}


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


PLANTED_FLAWS = {
    "planted-flaws.orphans": Exercise(
        lambda release, seed: set(orphans(release, seed)["line_no"]),
        "set",
        hints=(
            say("Which join keeps rows without a partner?", "Quelle jointure garde les lignes sans partenaire ?"),
            say('line on the left, tumor on the right, how="anti".', 'line à gauche, tumor à droite, how="anti".'),
            say(
                'set(line.join(tumor, on="tumor_no", how="anti")["line_no"])',
                'set(line.join(tumor, on="tumor_no", how="anti")["line_no"])',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: set(orphans(release, seed)["tumor_no"]),
                "These are the tumour numbers that nobody knows. The question asks for line_no.",
                "Ce sont les numéros de tumeur que personne ne connaît. La question demande line_no.",
            ),
            gives(
                without_lines,
                "These are tumours without lines: no flaw. Orphans are lines without a tumour.",
                "Ce sont des tumeurs sans ligne : ce n'est pas un défaut. Les orphelines sont des lignes sans tumeur.",
            ),
        ),
    ),
    "planted-flaws.backwards": Exercise(
        lambda release, seed: lines_where(release, seed, BACKWARDS),
        "set",
        hints=(
            say("Compare end_day with start_day, strictly.", "Comparez end_day à start_day, strictement."),
            say(
                "A null end keeps the rule: filter() leaves null out by itself.",
                "Une fin null respecte la règle : filter() écarte null de lui-même.",
            ),
            say(
                'set(line.filter(pl.col("end_day") < pl.col("start_day"))["line_no"])',
                'set(line.filter(pl.col("end_day") < pl.col("start_day"))["line_no"])',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: lines_where(release, seed, ~(pl.col("end_day") >= pl.col("start_day")).fill_null(False)),
                "Lines without an end are among them. A null end is unknown, not early.",
                "Des lignes sans fin s'y trouvent. Une fin null est inconnue, non prématurée.",
            ),
            gives(
                lambda release, seed: lines_where(release, seed, pl.col("end_day") <= pl.col("start_day")),
                "Lines that end in the bin in which they start are among them. That is possible: only strictly before is not.",
                "Des lignes finissant dans l'intervalle de leur début s'y trouvent. C'est possible : seul « strictement avant » ne l'est pas.",
            ),
            gives(
                lambda release, seed: lines_where(release, seed, pl.col("end_day") > pl.col("start_day")),
                "These are the lines in the right order.",
                "Ce sont les lignes dans le bon ordre.",
            ),
        ),
    ),
    "planted-flaws.stand-ins": Exercise(
        lambda release, seed: line(release, seed).filter(pl.col("end_day") == stand_in(release, seed)).height,
        "number",
        hints=(
            say(
                "Look at the far right of the histogram: which number occurs there again and again?",
                "Regardez tout à droite de l'histogramme : quel nombre y revient ?",
            ),
            say(
                "No patient is treated for ninety years. Take that number.",
                "Aucun patient n'est traité quatre-vingt-dix ans. Prenez ce nombre.",
            ),
            say(
                'line.filter(pl.col("end_day") == line["end_day"].max()).height',
                'line.filter(pl.col("end_day") == line["end_day"].max()).height',
            ),
        ),
        wrong=(
            gives(
                stand_in,
                "This is the stand-in itself. How many lines have it?",
                "C'est la valeur de remplacement elle-même. Combien de lignes la portent ?",
            ),
            gives(
                lambda release, seed: line(release, seed)["end_day"].null_count(),
                "These are the nulls: honest unknowns. The question is about numbers that stand for unknown.",
                "Ce sont les null : des inconnus honnêtes. La question porte sur les nombres qui remplacent l'inconnu.",
            ),
        ),
    ),
    "planted-flaws.in-months": Exercise(
        lambda release, seed: tumor(release, seed).filter(pl.col("hospital") == slipped(release, seed)).height,
        "number",
        hints=(
            say("Compare the median of days between the hospitals.", "Comparez la médiane de days entre les hôpitaux."),
            say(
                "One median is some thirty times smaller. Count the rows of that hospital.",
                "Une médiane est une trentaine de fois plus petite. Comptez les lignes de cet hôpital.",
            ),
            say(
                'tumor.filter(pl.col("hospital") == "…").height, with its name.',
                'tumor.filter(pl.col("hospital") == "…").height, avec son nom.',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: tumor(release, seed).filter(pl.col("hospital") != slipped(release, seed)).height,
                "These are the rows of the two other hospitals.",
                "Ce sont les lignes des deux autres hôpitaux.",
            ),
            gives(
                lambda release, seed: tumor(release, seed).filter(pl.col("days") != pl.col("days").round()).height,
                "You counted days that are no whole numbers. Some months are whole numbers too: the hospital decides, not the value.",
                "Vous avez compté les days non entiers. Certains mois sont aussi entiers : c'est l'hôpital qui décide, non la valeur.",
            ),
            gives(
                lambda release, seed: tumor(release, seed).height,
                "These are all rows. Only one hospital sends months.",
                "Ce sont toutes les lignes. Un seul hôpital envoie des mois.",
            ),
        ),
    ),
    "planted-flaws.after-death": Exercise(
        late,
        "set",
        hints=(
            say(
                "Three steps: one row a tumour, days repaired, then compare.",
                "Trois étapes : une ligne par tumeur, days réparé, puis la comparaison.",
            ),
            say(
                "Repair: (days * 30).round() in the hospital with months, days elsewhere.",
                "Réparer : (days * 30).round() dans l'hôpital aux mois, days ailleurs.",
            ),
            say("Join line with it, keep event and start_day > days.", "Joignez-y line, gardez event et start_day > days."),
        ),
        wrong=(
            gives(
                lambda release, seed: late(release, seed, repaired=False),
                "The months were taken for days: sound lines of one hospital are accused. Repair first.",
                "Les mois ont été pris pour des jours : des lignes saines d'un hôpital sont accusées. Réparez d'abord.",
            ),
            gives(
                lambda release, seed: late(release, seed, dead_only=False),
                "Lines after the last news of living patients are among them. The question is about deaths: event is true.",
                "Des lignes postérieures aux dernières nouvelles de patients vivants s'y trouvent. La question porte sur les décès : event vrai.",
            ),
            gives(
                lambda release, seed: late(release, seed, dead_only=False, repaired=False),
                "Two things: repair the months first, and keep only patients who died.",
                "Deux choses : réparez d'abord les mois, et ne gardez que les patients décédés.",
            ),
        ),
    ),
}


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


QUARANTINE = {
    "quarantine.reasons": Exercise(
        reasons,
        "table",
        hints=(
            say(
                "LEFT JOIN the last day to line; it is null for orphans. Then one chain of when … when … when.",
                "LEFT JOIN du dernier jour à line ; il est null pour les orphelines. Puis une seule chaîne when … when … when.",
            ),
            say(
                "In a chain the first condition that is true decides: one line, one reason.",
                "Dans une chaîne, la première condition vraie décide : une ligne, un motif.",
            ),
            say(
                'routed.drop_nulls("reason").group_by("reason").agg(lines=pl.len())',
                'routed.drop_nulls("reason").group_by("reason").agg(lines=pl.len())',
            ),
        ),
        wrong=(
            gives(
                rule_by_rule,
                "Each rule counted for itself: lines that break two rules are in it twice. The first reason is the reason.",
                "Chaque règle a compté pour elle-même : les lignes qui en enfreignent deux y sont deux fois. Le premier motif est le motif.",
            ),
            gives(
                lambda release, seed: reasons(release, seed).filter(pl.col("reason") != "orphan"),
                "The orphans are missing: an inner join dropped them before you could route them.",
                "Les orphelines manquent : une jointure interne les a perdues avant que vous ne puissiez les orienter.",
            ),
            gives(
                in_other_order,
                "The order of the reasons is another one: a line that breaks two rules got the last reason.",
                "L'ordre des motifs est autre : une ligne qui enfreint deux règles a reçu le dernier motif.",
            ),
        ),
    ),
    "quarantine.accepted": Exercise(
        lambda release, seed: accepted(release, seed).height,
        "number",
        hints=(
            say("In = accepted + set aside.", "Entrées = acceptées + mises de côté."),
            say("Accepted are the lines whose reason is null.", "Acceptées : les lignes dont le motif est null."),
            say('routed.filter(pl.col("reason").is_null()).height', 'routed.filter(pl.col("reason").is_null()).height'),
        ),
        wrong=(
            gives(
                lambda release, seed: accepted(release, seed).filter(pl.col("end_day") >= pl.col("start_day")).height,
                "Lines without an end are lost: end_day >= start_day is not true for null. They break no rule.",
                "Les lignes sans fin sont perdues : end_day >= start_day n'est pas vrai pour null. Elles n'enfreignent aucune règle.",
            ),
            gives(
                lambda release, seed: line(release, seed).height - rule_by_rule(release, seed)["lines"].sum(),
                "Lines that break two rules were taken away twice.",
                "Les lignes qui enfreignent deux règles ont été retirées deux fois.",
            ),
            gives(
                lambda release, seed: line(release, seed).height - accepted(release, seed).height,
                "This is the number set aside. The others are accepted.",
                "C'est le nombre de lignes mises de côté. Les autres sont acceptées.",
            ),
        ),
    ),
    "quarantine.route": Exercise(
        route_cases,
        "code",
        hints=(
            say(
                "Ask in the written order, and return at the first reason.",
                "Demandez dans l'ordre écrit, et renvoyez au premier motif.",
            ),
            say(
                "Before each comparison: is the value there (is not None)?",
                "Avant chaque comparaison : la valeur est-elle là (is not None) ?",
            ),
            say(
                'if last_day is None: return "orphan"; then end before start; then start after last_day; else None.',
                'if last_day is None: return "orphan" ; puis fin avant début ; puis début après last_day ; sinon None.',
            ),
        ),
        wrong=(
            holds(
                r"if not last_day|if last_day:|if end and|if start and|and end and|if not start|if not end",
                "Day 0 is a day. Ask `is None` and not whether the number is true.",
                "Le jour 0 est un jour. Demandez `is None`, et non si le nombre est vrai.",
            ),
            holds(
                r"<=|>=",
                "A tie is possible: same day is no breach. Compare strictly.",
                "L'égalité est possible : le même jour n'enfreint rien. Comparez strictement.",
            ),
            holds(
                r"is (not )?None",
                "end_day may be None, and None cannot be compared: ask whether it is there first.",
                "end_day peut être None, et None ne se compare pas : demandez d'abord s'il est là.",
                absent=True,
            ),
        ),
    ),
}


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


def gap(release: Release, seed: int) -> str:
    worst = filled(release, seed).sort("percent").row(0, named=True)
    return f"{worst['hospital']}.{worst['column']}"


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


COMPARING_HOSPITALS = {
    "comparing-hospitals.filled": Exercise(
        filled,
        "table",
        tolerance=0.01,
        hints=(
            say(
                'For each column: group_by("hospital"), count() of the column over len().',
                'Pour chaque colonne : group_by("hospital"), count() de la colonne sur len().',
            ),
            say(
                "stage over tumours; regimen and end_day over lines. Nine rows in all.",
                "stage sur tumours ; regimen et end_day sur lines. Neuf lignes en tout.",
            ),
            say(
                'rows.group_by("hospital").agg(percent=100 * pl.col(name).count() / pl.len()), with pl.lit(name) as column; then pl.concat.',
                'rows.group_by("hospital").agg(percent=100 * pl.col(name).count() / pl.len()), avec pl.lit(name) comme column ; puis pl.concat.',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: filled(release, seed, missing=True),
                "This is what is missing. The question asks for what is there.",
                "C'est ce qui manque. La question demande ce qui est rempli.",
                0.01,
            ),
            gives(
                lambda release, seed: filled(release, seed, scale=1),
                "These are fractions between 0 and 1. The question asks for percentages.",
                "Ce sont des fractions entre 0 et 1. La question demande des pourcentages.",
                0.0001,
            ),
        ),
    ),
    "comparing-hospitals.gap": Exercise(
        gap,
        "text",
        hints=(
            say("Look for the smallest percentage of your nine.", "Cherchez le plus petit de vos neuf pourcentages."),
            say(
                "The other two hospitals fill that column far better.",
                "Les deux autres hôpitaux remplissent cette colonne bien mieux.",
            ),
            say(
                'filled.sort("percent").row(0): hospital and column, with a dot between.',
                'filled.sort("percent").row(0) : hôpital et colonne, séparés par un point.',
            ),
        ),
        wrong=(
            Wrong(
                lambda release, seed, given: given.strip() in gap(release, seed).split("."),
                say(
                    "Half of it. Send hospital and column with a dot between them.",
                    "C'est la moitié. Envoyez hôpital et colonne séparés par un point.",
                ),
            ),
            Wrong(
                lambda release, seed, given: given.partition(".")[0] == gap(release, seed).partition(".")[0],
                say(
                    "The hospital is right, the column is not: compare with the two others.",
                    "L'hôpital est juste, la colonne non : comparez avec les deux autres.",
                ),
            ),
            Wrong(
                lambda release, seed, given: given.partition(".")[2] == gap(release, seed).partition(".")[2],
                say("The column is right, the hospital is not.", "La colonne est juste, l'hôpital non."),
            ),
        ),
    ),
    "comparing-hospitals.pooled": Exercise(
        lambda release, seed: 100 * treated(release, seed)["treated"].mean(),  # type: ignore[operator]
        "number",
        tolerance=0.0005,
        hints=(
            say(
                "Patients above the line, patients below it. No hospital is needed.",
                "Des patients au numérateur, des patients au dénominateur. Aucun hôpital n'est nécessaire.",
            ),
            say(
                "A tumour with three lines is one treated tumour: n_unique of tumor_no.",
                "Une tumeur à trois lignes est une tumeur traitée : n_unique de tumor_no.",
            ),
            say('100 * lines["tumor_no"].n_unique() / tumours.height', '100 * lines["tumor_no"].n_unique() / tumours.height'),
        ),
        wrong=(
            gives(
                lambda release, seed: crude(release, seed)["crude"].mean(),
                "This is the mean of three percentages: the small hospital weighs as much as the large one.",
                "C'est la moyenne de trois pourcentages : le petit hôpital pèse autant que le grand.",
                0.0005,
            ),
            gives(
                lambda release, seed: 100 * known_lines(release, seed).height / winning(release, seed).height,
                "You counted lines. A tumour with three lines is one treated tumour.",
                "Vous avez compté des lignes. Une tumeur à trois lignes est une seule tumeur traitée.",
                0.0005,
            ),
            gives(
                lambda release, seed: 100 * line(release, seed)["tumor_no"].n_unique() / winning(release, seed).height,
                "Orphans are in the numerator: tumours that nobody knows were counted as treated.",
                "Des orphelines sont au numérateur : des tumeurs inconnues ont été comptées comme traitées.",
                0.0005,
            ),
        ),
    ),
    "comparing-hospitals.standardised": Exercise(
        standardised,
        "table",
        tolerance=0.01,
        hints=(
            say(
                "First the percentage treated for each hospital and kind.",
                "D'abord le pourcentage traité par hôpital et par kind.",
            ),
            say(
                "The weights are the shares of the kinds among all tumours; they add up to 1.",
                "Les poids sont les parts de chaque kind parmi toutes les tumeurs ; leur somme est 1.",
            ),
            say(
                "Join the weights on kind; for each hospital the sum of percent × weight.",
                "Joignez les poids sur kind ; pour chaque hôpital la somme de pourcentage × poids.",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: crude(release, seed).with_columns(standardised="crude"),
                "The standardised column is the crude one. Weighing a hospital's strata by its own mix gives back its crude percentage.",
                "La colonne standardisée est la brute. Pondérer les strates d'un hôpital par son propre recrutement redonne son pourcentage brut.",
                0.01,
            ),
            gives(
                lambda release, seed: standardised(release, seed, equal=True),
                "The strata weigh the same here. Each should weigh as much as its share of all tumours.",
                "Les strates pèsent ici autant. Chacune doit peser sa part de toutes les tumeurs.",
                0.01,
            ),
        ),
    ),
    "comparing-hospitals.funnel": Exercise(
        funnel,
        "figure",
        tolerance=0.01,
        hints=(
            say("Three points: axes.scatter(tumours, percent).", "Trois points : axes.scatter(tumours, percent)."),
            say(
                'treated.group_by("hospital").agg(tumours=pl.len(), percent=100 * pl.mean("treated"))',
                'treated.group_by("hospital").agg(tumours=pl.len(), percent=100 * pl.mean("treated"))',
            ),
            say(
                "Label both axes and keep the name figure for the figure.",
                "Nommez les deux axes et gardez le nom figure pour la figure.",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: funnel(release, seed, scale=1),
                "The heights are fractions between 0 and 1. The question asks for percentages.",
                "Les hauteurs sont des fractions entre 0 et 1. La question demande des pourcentages.",
                0.0001,
            ),
            gives(
                lambda release, seed: funnel(release, seed, swapped=True),
                "The axes are swapped: size belongs on x, the percentage on y.",
                "Les axes sont inversés : la taille va sur x, le pourcentage sur y.",
                0.01,
            ),
        ),
    ),
}


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


GATE = {
    "gate.verdict": Exercise(
        verdict,
        "table",
        hints=(
            say(
                "First keep the rows whose column is not null, then try the predicate.",
                "Gardez d'abord les lignes dont la colonne n'est pas null, puis essayez le prédicat.",
            ),
            say(
                "is_unique looks at the whole column: compute it before you filter.",
                "is_unique regarde toute la colonne : calculez-le avant de filtrer.",
            ),
            say("passed is 1 - unexpected / checked >= mostly", "passed vaut 1 - unexpected / checked >= mostly"),
        ),
        wrong=(
            gives(
                nulls_broken,
                "Nulls were counted as breaches. An expectation about values looks at the values that are there.",
                "Les null ont été comptés comme des infractions. Une attente sur les valeurs regarde celles qui sont là.",
            ),
            gives(
                lambda release, seed: verdict(release, seed, with_nulls=True),
                "`checked` counts all rows. Rows without a value were not looked at.",
                "`checked` compte toutes les lignes. Celles sans valeur n'ont pas été regardées.",
            ),
            gives(
                lambda release, seed: verdict(release, seed, forgiving=False),
                "`passed` forgives nothing here. Compare the share that keeps the rule with mostly.",
                "`passed` ne pardonne rien ici. Comparez la part qui respecte la règle à mostly.",
            ),
        ),
    ),
    "gate.gate": Exercise(
        gate_cases,
        "code",
        hints=(
            say("No results: closed. Say so first.", "Aucun résultat : « closed ». Dites-le d'abord."),
            say("Not passed means passed is not True: False or None.", "Non passé veut dire passed is not True : False ou None."),
            say(
                "Anything missed that is no warning closes; else anything missed warns; else open.",
                "Tout manquement qui n'est pas un avertissement ferme ; sinon tout manquement avertit ; sinon ouvert.",
            ),
        ),
        wrong=(
            holds(
                r"is False|== False",
                "A check that broke has passed None, which is not False. It has not passed: ask `is not True`.",
                "Un contrôle cassé a passed None, qui n'est pas False. Il n'est pas passé : demandez `is not True`.",
            ),
            holds(
                r"not results|len\(results\)|results ==|if results",
                "An empty list: nothing was checked, and all() of nothing is true. The gate must stay closed.",
                "Une liste vide : rien n'a été vérifié, et all() de rien est vrai. La barrière doit rester fermée.",
                absent=True,
            ),
            holds(
                r"== ['\"]critical['\"]",
                "A severity that you do not know counts as critical: ask what is not a warning.",
                "Une gravité inconnue compte comme critique : demandez ce qui n'est pas un avertissement.",
            ),
        ),
    ),
}

EXERCISES: dict[str, Exercise] = EXPECTATIONS | PLANTED_FLAWS | QUARANTINE | COMPARING_HOSPITALS | GATE
