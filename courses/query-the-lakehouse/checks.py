"""What is expected of "Query the lakehouse", and what is said to who is not there yet. Never shipped to trainees."""

from pathlib import Path
from typing import Any

import polars as pl

from courses.checking.exercise import Case, Exercise, Figure, Series, Wrong
from courses.checking.mistakes import generator, gives, holds, say
from courses.checking.release import Release

LESSONS = Path(__file__).parent


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


FIRST_QUESTIONS = {
    "first-questions.tumours": Exercise(
        lambda release, seed: tumours(release, seed).height,
        "number",
        hints=(
            say("One row of edu_tumor is one tumour. Count rows.", "Une ligne d'edu_tumor est une tumeur. Comptez les lignes."),
            say("Keep your cohort only: JOIN cohort USING (tumor_no).", "Gardez votre cohorte : JOIN cohort USING (tumor_no)."),
            say(
                "SELECT count(*) FROM edu_tumor JOIN cohort USING (tumor_no); take the value with .first()[0].",
                "SELECT count(*) FROM edu_tumor JOIN cohort USING (tumor_no) ; prenez la valeur avec .first()[0].",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: release.table("edu_tumor").height,
                "This is the whole release. Your cohort is a part of it: join the view cohort.",
                "C'est toute la base. Votre cohorte en est une partie : joignez la vue cohort.",
            ),
            gives(
                lambda release, seed: release.of_cohort("edu_line", seed).height,
                "This is the number of lines of treatment of your cohort. What is one row of the table that you counted?",
                "C'est le nombre de lignes de traitement de votre cohorte. Qu'est-ce qu'une ligne de la table que vous avez comptée ?",
            ),
        ),
    ),
    "first-questions.by-group": Exercise(
        by_group,
        "table",
        hints=(
            say("GROUP BY tumor_group, and count within each group.", "GROUP BY tumor_group, puis comptez dans chaque groupe."),
            say(
                "Two columns of exactly these names: tumor_group, tumours. Name a count with AS.",
                "Deux colonnes portant exactement ces noms : tumor_group, tumours. Nommez un compte avec AS.",
            ),
            say(
                "SELECT tumor_group, count(*) AS tumours FROM edu_tumor JOIN cohort USING (tumor_no) GROUP BY tumor_group",
                "SELECT tumor_group, count(*) AS tumours FROM edu_tumor JOIN cohort USING (tumor_no) GROUP BY tumor_group",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: release.table("edu_tumor").group_by("tumor_group").agg(tumours=pl.len()),
                "These are the groups of the whole release: the join with cohort is missing.",
                "Ce sont les groupes de toute la base : la jointure avec cohort manque.",
            ),
            gives(
                by_group_of_lines,
                "You counted lines of treatment: a tumour with three lines counts three times, one without lines not at all.",
                "Vous avez compté des lignes de traitement : une tumeur à trois lignes compte trois fois, une tumeur sans ligne pas du tout.",
            ),
        ),
    ),
    "first-questions.untreated-share": Exercise(
        untreated_share,
        "number",
        tolerance=0.0005,
        hints=(
            say(
                "Who belongs into the denominator: all tumours, or those for which n_lines is known?",
                "Qui est au dénominateur : toutes les tumeurs, ou celles dont n_lines est connu ?",
            ),
            say(
                "avg leaves NULLs out. CASE … ELSE 0 turns them into zeros.",
                "avg laisse les NULL de côté. CASE … ELSE 0 les change en zéros.",
            ),
            say(
                "100 * avg(CAST(n_lines = 0 AS int)) over your cohort.", "100 * avg(CAST(n_lines = 0 AS int)) sur votre cohorte."
            ),
        ),
        wrong=(
            gives(
                untreated_of_all,
                "You divided by all tumours: each one whose number of lines is unknown was counted as treated.",
                "Vous avez divisé par toutes les tumeurs : chaque nombre de lignes inconnu a été compté comme traité.",
                0.0005,
            ),
            gives(
                lambda release, seed: untreated_share(release, seed) / 100,
                "This is a fraction between 0 and 1. The question asks for a percentage.",
                "C'est une fraction entre 0 et 1. La question demande un pourcentage.",
                0.000005,
            ),
            gives(
                lambda release, seed: 100 - untreated_share(release, seed),
                "This is the share of the treated. The question asks for those without any line.",
                "C'est la part des traitées. La question demande celles sans aucune ligne.",
                0.0005,
            ),
        ),
    ),
    "first-questions.sequenced-share": Exercise(
        sequenced_share,
        "number",
        tolerance=0.0005,
        hints=(
            say("Here NULL means no: nothing was sequenced.", "Ici NULL veut dire non : rien n'a été séquencé."),
            say(
                "count(panel) counts the rows with a panel, count(*) all of them.",
                "count(panel) compte les lignes qui ont un panel, count(*) toutes.",
            ),
            say("100 * count(panel) / count(*) over your cohort.", "100 * count(panel) / count(*) sur votre cohorte."),
        ),
        wrong=(
            gives(
                lambda release, seed: 100.0,
                "100 %: numerator and denominator both left out the tumours without a panel. They belong below the line.",
                "100 % : numérateur et dénominateur ont tous deux laissé de côté les tumeurs sans panel. Elles vont au dénominateur.",
                0.0005,
            ),
            gives(
                lambda release, seed: 100 * release.table("edu_tumor")["panel"].is_not_null().mean(),  # type: ignore[operator]
                "This is the share in the whole release: the join with cohort is missing.",
                "C'est la part dans toute la base : la jointure avec cohort manque.",
                0.0005,
            ),
        ),
    ),
}


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


JOINS = {
    "joins.fan-out": Exercise(
        lambda release, seed: pairs(release, seed).height,
        "number",
        hints=(
            say(
                "For one tumour: (its lines) × (its events). And for all?",
                "Pour une tumeur : (ses lignes) × (ses événements). Et pour toutes ?",
            ),
            say(
                "Count lines and events a tumour in two subqueries, join them on tumor_no, sum the products.",
                "Comptez lignes et événements par tumeur dans deux sous-requêtes, joignez-les sur tumor_no, sommez les produits.",
            ),
            say(
                "SELECT count(*) FROM edu_line JOIN edu_event USING (tumor_no) JOIN cohort USING (tumor_no)",
                "SELECT count(*) FROM edu_line JOIN edu_event USING (tumor_no) JOIN cohort USING (tumor_no)",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: release.of_cohort("edu_line", seed).height + release.of_cohort("edu_event", seed).height,
                "You added lines and events. A join pairs them: it multiplies within each tumour.",
                "Vous avez additionné lignes et événements. Une jointure les apparie : elle multiplie au sein de chaque tumeur.",
            ),
            gives(
                lambda release, seed: pairs(release, seed)["tumor_no"].n_unique(),
                "This is the number of tumours that have both. The join has a row for each pair of a line and an event.",
                "C'est le nombre de tumeurs qui ont les deux. La jointure a une ligne par paire (ligne, événement).",
            ),
            gives(
                lambda release, seed: release.table("edu_line").join(release.table("edu_event"), on="tumor_no").height,
                "This is the join over the whole release: keep your cohort.",
                "C'est la jointure sur toute la base : gardez votre cohorte.",
            ),
        ),
    ),
    "joins.lines-and-events": Exercise(
        lines_and_events,
        "table",
        hints=(
            say(
                "Bring lines and events to one row a tumour first, each in its own subquery.",
                "Ramenez d'abord lignes et événements à une ligne par tumeur, chacun dans sa sous-requête.",
            ),
            say(
                "LEFT JOIN both to edu_tumor; coalesce(n, 0) for who has none.",
                "LEFT JOIN des deux à edu_tumor ; coalesce(n, 0) pour celles qui n'en ont pas.",
            ),
            say(
                "Then GROUP BY tumor_group: count(*) AS tumours, sum(coalesce(lines.n, 0)) AS lines, and the same for events.",
                "Puis GROUP BY tumor_group : count(*) AS tumours, sum(coalesce(lines.n, 0)) AS lines, de même pour events.",
            ),
        ),
        wrong=(
            gives(
                fanned_out,
                "A fan-out: each line was counted once for each event of its tumour, and the reverse. Aggregate before you join.",
                "Un produit croisé : chaque ligne a été comptée une fois par événement de sa tumeur, et inversement. Agrégez avant de joindre.",
            ),
            gives(
                fanned_out_wholly,
                "A fan-out: even tumours were counted once for each pair of a line and an event. Aggregate before you join.",
                "Un produit croisé : même les tumeurs ont été comptées une fois par paire (ligne, événement). Agrégez avant de joindre.",
            ),
            gives(
                only_with_both,
                "Tumours without lines, or without events, have vanished: an inner join drops who has no partner.",
                "Les tumeurs sans ligne ou sans événement ont disparu : une jointure interne perd celles qui n'ont pas de partenaire.",
            ),
            gives(
                plastered,
                "DISTINCT on days hides the fan-out and loses true twins: two events of one tumour may fall into the same bin.",
                "DISTINCT sur les jours cache le produit croisé et perd de vrais jumeaux : deux événements d'une tumeur peuvent tomber dans le même intervalle.",
            ),
        ),
    ),
    "joins.silent": Exercise(
        lambda release, seed: numbers_where(release, seed, NO_LINE & NO_EVENT),
        "set",
        hints=(
            say("Which join keeps rows that find no partner?", "Quelle jointure garde les lignes sans partenaire ?"),
            say(
                "LEFT ANTI JOIN edu_line, then LEFT ANTI JOIN edu_event.",
                "LEFT ANTI JOIN edu_line, puis LEFT ANTI JOIN edu_event.",
            ),
            say(
                '{row.tumor_no for row in spark.sql("…").collect()} makes a set of the answer.',
                '{row.tumor_no for row in spark.sql("…").collect()} fait un ensemble de la réponse.',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: numbers_where(release, seed, NO_LINE),
                "These have no line; some of them have events. Both must be missing.",
                "Celles-ci n'ont pas de ligne, mais certaines ont des événements. Il faut que les deux manquent.",
            ),
            gives(
                lambda release, seed: numbers_where(release, seed, NO_LINE | NO_EVENT),
                "These lack lines or events. The question wants neither … nor.",
                "Celles-ci n'ont pas de ligne ou pas d'événement. La question demande ni l'un ni l'autre.",
            ),
        ),
    ),
    "joins.mean-lines": Exercise(
        lambda release, seed: counts(release, seed, "edu_line", "lines")["lines"].mean(),
        "number",
        tolerance=0.000005,
        hints=(
            say("Everybody of the cohort is in the denominator.", "Toute la cohorte est au dénominateur."),
            say(
                "Start from cohort, LEFT JOIN the counts, coalesce to 0, then avg.",
                "Partez de cohort, LEFT JOIN des comptes, coalesce à 0, puis avg.",
            ),
            say(
                "It is also (lines of the cohort) / (tumours of the cohort).",
                "C'est aussi (lignes de la cohorte) / (tumeurs de la cohorte).",
            ),
        ),
        wrong=(
            gives(
                mean_of_treated,
                "This is the mean among the treated. Who has no line has no row in edu_line, but counts with zero.",
                "C'est la moyenne parmi les traitées. Une tumeur sans ligne n'a aucun rang dans edu_line, mais compte pour zéro.",
                0.000005,
            ),
            gives(
                mean_of_means,
                "This is the mean of the groups' means: a small group weighs as much as a large one.",
                "C'est la moyenne des moyennes des groupes : un petit groupe pèse autant qu'un grand.",
                0.000005,
            ),
        ),
    ),
    "joins.is-key": Exercise(
        keys_to_test,
        "code",
        hints=(
            say(
                "Make of each row a tuple of the values of the columns.",
                "Faites de chaque ligne un tuple des valeurs des colonnes.",
            ),
            say(
                "No combination twice: compare len(set(keys)) with len(keys).",
                "Aucune combinaison deux fois : comparez len(set(keys)) et len(keys).",
            ),
            say(
                "And no None in the columns asked for: all(value is not None …).",
                "Et aucun None dans les colonnes demandées : all(value is not None …).",
            ),
        ),
        wrong=(
            holds(
                r"\bNone\b",
                "Nothing here speaks of None: a key has no holes.",
                "Rien ici ne parle de None : une clé n'a pas de trous.",
                absent=True,
            ),
            holds(
                r"\.join\(|str\(",
                "Values glued into one text can collide: '1' and '23' look like '12' and '3'. Use tuples.",
                "Des valeurs collées en un texte peuvent se confondre : « 1 » et « 23 » ressemblent à « 12 » et « 3 ». Prenez des tuples.",
            ),
            holds(
                r"all\(row|all\(key|if not |\band value\b",
                "Zero is a value. Ask `is not None`, not whether the value is true.",
                "Zéro est une valeur. Demandez `is not None`, et non si la valeur est vraie.",
            ),
        ),
    ),
}


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


WINDOWS = {
    "windows.first-event": Exercise(
        first_event,
        "table",
        hints=(
            say(
                "row_number() OVER (PARTITION BY tumor_no ORDER BY …), then keep place 1.",
                "row_number() OVER (PARTITION BY tumor_no ORDER BY …), puis gardez la place 1.",
            ),
            say(
                "The order has three parts, down to the key: day, kind, event_no.",
                "L'ordre a trois parties, jusqu'à la clé : day, kind, event_no.",
            ),
            say(
                "Number in a subquery, WHERE place = 1 outside, then GROUP BY kind.",
                "Numérotez dans une sous-requête, WHERE place = 1 à l'extérieur, puis GROUP BY kind.",
            ),
        ),
        wrong=(
            gives(
                with_all_ties,
                "Ties were all kept (rank, or a join on min(day)): some tumours have several first events here. row_number picks one.",
                "Les ex æquo ont tous été gardés (rank, ou jointure sur min(day)) : des tumeurs ont ici plusieurs premiers événements. row_number en choisit un.",
            ),
            gives(
                ever,
                "This counts the tumours that ever had an event of the kind, not those where it came first.",
                "Ceci compte les tumeurs qui ont eu un jour un tel événement, non celles où il fut le premier.",
            ),
        ),
    ),
    "windows.first-to-second": Exercise(
        lambda release, seed: waits(first_to_second(release, seed)),
        "table",
        tolerance=0.01,
        hints=(
            say(
                "Which two rows make a pair? Name their line numbers.",
                "Quelles deux lignes forment une paire ? Nommez leurs numéros.",
            ),
            say(
                "Join edu_line to itself: first.line_number = 1, second.line_number = 2, same tumour.",
                "Joignez edu_line à elle-même : first.line_number = 1, second.line_number = 2, même tumeur.",
            ),
            say(
                "SELECT count(*) AS tumours, percentile(second.start_day - first.start_day, 0.5) AS median_days",
                "SELECT count(*) AS tumours, percentile(second.start_day - first.start_day, 0.5) AS median_days",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: waits(row_to_row(release, seed)),
                "lag paired every row with the row before: lines 2 and 3, and lines with one missing between them, are in it too.",
                "lag a apparié chaque ligne avec la précédente : les lignes 2 et 3, et celles entre lesquelles il en manque une, y sont aussi.",
                0.01,
            ),
            gives(
                lambda release, seed: waits(first_to_second(release, seed), "mean"),
                "This is the mean. A few long waits pull it up: the question asks for the median.",
                "C'est la moyenne. Quelques longs délais la tirent vers le haut : la question demande la médiane.",
                0.01,
            ),
            gives(
                lambda release, seed: waits(first_row_to_next(release, seed)),
                "You paired the two first rows of each tumour. They need not be lines 1 and 2: check line_number.",
                "Vous avez apparié les deux premiers rangs de chaque tumeur. Ce ne sont pas toujours les lignes 1 et 2 : vérifiez line_number.",
                0.01,
            ),
            gives(
                lambda release, seed: waits(first_to_second(release, seed, everybody=True)),
                "These are the tumours of the whole release: the join with cohort is missing.",
                "Ce sont les tumeurs de toute la base : la jointure avec cohort manque.",
                0.01,
            ),
            gives(
                lambda release, seed: waits(first_to_second(release, seed, since="end_day")),
                "You measured from the end of line 1. The question asks from start to start.",
                "Vous avez mesuré depuis la fin de la ligne 1. La question demande de début à début.",
                0.01,
            ),
        ),
    ),
    "windows.top-event": Exercise(
        top_event,
        "table",
        hints=(
            say(
                "Count first: GROUP BY tumor_group, kind. Then rank the counts.",
                "Comptez d'abord : GROUP BY tumor_group, kind. Classez ensuite les comptes.",
            ),
            say("count(DISTINCT tumor_no), WHERE kind <> 'sequencing'.", "count(DISTINCT tumor_no), WHERE kind <> 'sequencing'."),
            say(
                "QUALIFY row_number() OVER (PARTITION BY tumor_group ORDER BY tumours DESC, kind) = 1",
                "QUALIFY row_number() OVER (PARTITION BY tumor_group ORDER BY tumours DESC, kind) = 1",
            ),
        ),
        wrong=(
            gives(
                kinds_of_groups,
                "All kinds of each group are here. Keep the most frequent one: row_number over the counts, place 1.",
                "Tous les types de chaque groupe sont là. Gardez le plus fréquent : row_number sur les comptes, place 1.",
            ),
            gives(
                lambda release, seed: top_event(release, seed, everybody=True),
                "These are the events of the whole release: the join with cohort is missing.",
                "Ce sont les événements de toute la base : la jointure avec cohort manque.",
            ),
            gives(
                lambda release, seed: top_event(release, seed, events=True),
                "You counted events. A tumour with two operations is one tumour that was operated on.",
                "Vous avez compté des événements. Une tumeur opérée deux fois est une seule tumeur opérée.",
            ),
            gives(
                lambda release, seed: top_event(release, seed, sequencing=True),
                "Sequencing is among them. It is a look at the tumour, no event of the disease or its treatment: leave it out.",
                "Le séquençage s'y trouve. C'est un regard sur la tumeur, non un événement de la maladie ou du traitement : écartez-le.",
            ),
        ),
    ),
}


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


DENOMINATORS = {
    "denominators.gene-frequency": Exercise(
        gene_frequency,
        "table",
        tolerance=0.01,
        hints=(
            say(
                "Who can be counted as not altered? Only who was tested for the gene.",
                "Qui peut être compté comme non altéré ? Seulement qui a été testé pour ce gène.",
            ),
            say(
                "Tested: edu_tumor JOIN edu_panel_gene USING (panel) WHERE gene = your gene, within the cohort.",
                "Testées : edu_tumor JOIN edu_panel_gene USING (panel) WHERE gene = votre gène, dans la cohorte.",
            ),
            say(
                "LEFT JOIN the DISTINCT tumor_no of edu_variant for that gene, GROUP BY panel: count(*) AS tested, count(found) AS altered.",
                "LEFT JOIN des tumor_no DISTINCT d'edu_variant pour ce gène, GROUP BY panel : count(*) AS tested, count(found) AS altered.",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: gene_frequency(release, seed, unsequenced=True),
                "Tumours that were never sequenced have a row here: they count as free of the alteration.",
                "Les tumeurs jamais séquencées ont ici une ligne : elles comptent comme non altérées.",
                0.01,
            ),
            gives(
                lambda release, seed: gene_frequency(release, seed, everybody=True),
                "This is the whole release: the join with cohort is missing.",
                "C'est toute la base : la jointure avec cohort manque.",
                0.01,
            ),
            gives(
                lambda release, seed: gene_frequency(release, seed, uncovered=True),
                "All sequenced tumours are here, also with panels that do not cover this gene. 0 % there means: nobody looked.",
                "Toutes les tumeurs séquencées sont là, même avec des panels qui ne couvrent pas ce gène. 0 % y veut dire : personne n'a regardé.",
                0.01,
            ),
            gives(
                lambda release, seed: gene_frequency(release, seed, variants=True),
                "You counted variants. A tumour with two variants of the gene is one altered tumour.",
                "Vous avez compté des variants. Une tumeur avec deux variants du gène est une seule tumeur altérée.",
                0.01,
            ),
            gives(
                lambda release, seed: gene_frequency(release, seed).filter(pl.col("altered") > 0),
                "Panels where nobody is altered are gone: start from who was tested, LEFT JOIN what was found.",
                "Les panels où personne n'est altéré ont disparu : partez de qui a été testé, LEFT JOIN de ce qui a été trouvé.",
                0.01,
            ),
        ),
    ),
    "denominators.gene-table": Exercise(
        gene_table,
        "table",
        hints=(
            say(
                "Start from who was tested: a row for each tumour and gene of its panel.",
                "Partez de qui a été testé : une ligne par tumeur et par gène de son panel.",
            ),
            say(
                "LEFT JOIN what was found, one row a tumour and gene (DISTINCT).",
                "LEFT JOIN de ce qui a été trouvé, une ligne par tumeur et gène (DISTINCT).",
            ),
            say(
                "GROUP BY gene: count(*) AS tested, count(found) AS altered. Genes without any alteration stay, with 0.",
                "GROUP BY gene : count(*) AS tested, count(found) AS altered. Les gènes sans altération restent, avec 0.",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: gene_table(release, seed).filter(pl.col("altered") > 0),
                "The genes that nobody has altered are gone: start from who was tested, LEFT JOIN what was found.",
                "Les gènes que personne n'a altérés ont disparu : partez de qui a été testé, LEFT JOIN de ce qui a été trouvé.",
            ),
            gives(
                lambda release, seed: gene_table(release, seed).with_columns(tested=pl.lit(tumours(release, seed).height)),
                "Every gene was tested in all tumours here, also in those that were never sequenced.",
                "Chaque gène a ici été testé dans toutes les tumeurs, même celles jamais séquencées.",
            ),
            gives(
                all_sequenced_tested,
                "Every gene has the same number of tested tumours: but a tumour is tested for the genes of its own panel only.",
                "Chaque gène a le même nombre de tumeurs testées : or une tumeur n'est testée que pour les gènes de son panel.",
            ),
        ),
    ),
    "denominators.wilson": Exercise(
        wilson_cases,
        "code",
        tolerance=0.11,
        hints=(
            say("Treat tested == 0 first: return None.", "Traitez d'abord tested == 0 : renvoyez None."),
            say(
                "centre = p + z²/(2n); half = z·√(p(1−p)/n + z²/(4n²)); both divided by 1 + z²/n.",
                "centre = p + z²/(2n) ; demi-largeur = z·√(p(1−p)/n + z²/(4n²)) ; les deux divisés par 1 + z²/n.",
            ),
            say(
                "Times 100, rounded to one decimal: wilson(3, 20) is [5.2, 36.0].",
                "Fois 100, arrondi à une décimale : wilson(3, 20) vaut [5.2, 36.0].",
            ),
        ),
        wrong=(
            holds(
                r"None|return\s*$|return\s*\n",
                "wilson(0, 0) must give None: nobody tested is not 0 %, and division by zero is no answer.",
                "wilson(0, 0) doit donner None : personne de testé n'est pas 0 %, et une division par zéro n'est pas une réponse.",
                absent=True,
            ),
            holds(
                r"4\s*\*",
                "This looks like p ± 1.96·√(p(1−p)/n). It has width zero at 0 of 20. Wilson's formula has a term z²/(4n²) under the root.",
                "Cela ressemble à p ± 1,96·√(p(1−p)/n), de largeur nulle pour 0 sur 20. La formule de Wilson a un terme z²/(4n²) sous la racine.",
                absent=True,
            ),
        ),
    ),
    "denominators.frequency-by-group": Exercise(
        group_bars,
        "figure",
        tolerance=0.01,
        hints=(
            say(
                "One query: tumor_group, count(*) AS tested, 100 * count(found) / count(*) AS percent.",
                "Une requête : tumor_group, count(*) AS tested, 100 * count(found) / count(*) AS percent.",
            ),
            say(
                "ORDER BY tested DESC, tumor_group LIMIT 5: the groups with most tested tumours.",
                "ORDER BY tested DESC, tumor_group LIMIT 5 : les groupes qui ont le plus de tumeurs testées.",
            ),
            say(
                "axes.bar(tumor_group, percent), both labels, and pass the figure to check.",
                "axes.bar(tumor_group, percent), les deux titres d'axe, et passez la figure à check.",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: group_bars(release, seed, of_all=True),
                "The bars are shares of all tumours of a group. Divide by those tested for the gene.",
                "Les barres sont des parts de toutes les tumeurs du groupe. Divisez par celles testées pour le gène.",
                0.01,
            ),
            gives(
                lambda release, seed: group_bars(release, seed, altered_only=True),
                "The bars are counts of altered tumours: a big group wins whatever its frequency.",
                "Les barres sont des nombres de tumeurs altérées : un grand groupe gagne quelle que soit sa fréquence.",
                0.01,
            ),
        ),
    ),
}


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


TIME_TRAVEL = {
    "time-travel.rows-at": Exercise(
        rows_at,
        "table",
        hints=(
            say(
                "Versions are numbered from 0 to table.version(), both included.",
                "Les versions vont de 0 à table.version(), bornes comprises.",
            ),
            say("at(v).height is the number of rows of version v.", "at(v).height est le nombre de lignes de la version v."),
            say(
                'pl.DataFrame({"version": [0, 1, …], "rows": [at(0).height, at(1).height, …]})',
                'pl.DataFrame({"version": [0, 1, …], "rows": [at(0).height, at(1).height, …]})',
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: rows_at(release, seed).with_columns(pl.col("rows").last()),
                "Every version has the rows of the newest one here: without a version number a reader gets the last version.",
                "Chaque version a ici les lignes de la plus récente : sans numéro de version, on lit la dernière.",
            ),
            gives(
                lambda release, seed: rows_at(release, seed).with_columns(pl.col("version") + 1),
                "The rows are right, the numbers are not: versions are numbered from 0.",
                "Les comptes sont justes, les numéros non : les versions sont numérotées à partir de 0.",
            ),
            gives(
                lambda release, seed: rows_at(release, seed).head(-1),
                "The last version is missing: range() leaves out its end.",
                "La dernière version manque : range() exclut sa borne.",
            ),
        ),
    ),
    "time-travel.last-sound": Exercise(
        lambda release, seed: past(release, seed)[culprit(past(release, seed)) - 1].height,
        "number",
        hints=(
            say("Count the impossible lines in every version.", "Comptez les lignes impossibles dans chaque version."),
            say(
                "The guilty version is the first that has some. Go one back.",
                "La version fautive est la première qui en a. Reculez d'une.",
            ),
            say(
                "culprit = next(v for v in range(table.version() + 1) if at(v).filter(impossible).height > 0)",
                "culprit = next(v for v in range(table.version() + 1) if at(v).filter(impossible).height > 0)",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: culprit(past(release, seed)) - 1,
                "This is the number of the version. The question asks how many rows it had.",
                "C'est le numéro de la version. La question demande combien de lignes elle avait.",
            ),
            gives(
                lambda release, seed: (
                    past(release, seed)[-1].filter(~(pl.col("end_day") < pl.col("start_day")).fill_null(False)).height
                ),
                "This is the last version without its impossible lines: filtering damage away is not going back to before it.",
                "C'est la dernière version sans ses lignes impossibles : filtrer les dégâts n'est pas revenir avant eux.",
            ),
        ),
    ),
    "time-travel.damaged": Exercise(
        damaged,
        "set",
        hints=(
            say(
                "Compare the guilty version with the one before it, on line_no.",
                "Comparez la version fautive à celle d'avant, sur line_no.",
            ),
            say(
                "Keep what differs in end_day, whether or not it looks possible.",
                "Gardez ce qui diffère dans end_day, que cela semble possible ou non.",
            ),
            say(
                'a.join(b, on="line_no", suffix="_after").filter(pl.col("end_day").ne_missing(pl.col("end_day_after")))',
                'a.join(b, on="line_no", suffix="_after").filter(pl.col("end_day").ne_missing(pl.col("end_day_after")))',
            ),
        ),
        wrong=(
            gives(
                damage_that_shows,
                "These are the lines where it shows. The same update also wrote ends that are wrong but possible: compare with the version before.",
                "Ce sont les lignes où cela se voit. La même mise à jour a aussi écrit des fins fausses mais possibles : comparez à la version d'avant.",
            ),
            gives(
                changed_since,
                "This is everything that changed since the first load, the good changes too. Compare two neighbouring versions.",
                "C'est tout ce qui a changé depuis le premier chargement, les bons changements aussi. Comparez deux versions voisines.",
            ),
        ),
    ),
}


# Lesson 6: files and plans


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


FILES_AND_PLANS = {
    "files-and-plans.moving-rows": Exercise(
        lambda release, seed: "Exchange",
        "text",
        hints=(
            say(
                "Read the plan from the bottom: scan, filter, first aggregation, and then?",
                "Lisez le plan depuis le bas : lecture, filtre, première agrégation, et ensuite ?",
            ),
            say("It stands between the two HashAggregate.", "Il se trouve entre les deux HashAggregate."),
            say("Its arguments begin with hashpartitioning(kind…).", "Ses arguments commencent par hashpartitioning(kind…)."),
        ),
        wrong=(
            Wrong(
                lambda release, seed, given: "aggregate" in given.casefold(),
                say(
                    "That one counts. Rows stay where they are while a worker counts.",
                    "Celui-là compte. Les lignes restent en place pendant que l'exécuteur compte.",
                ),
            ),
            Wrong(
                lambda release, seed, given: "scan" in given.casefold() or "filter" in given.casefold(),
                say(
                    "That one reads or filters rows, each worker for itself.",
                    "Celui-là lit ou filtre les lignes, chaque exécuteur pour lui-même.",
                ),
            ),
            Wrong(
                lambda release, seed, given: "shuffle" in given.casefold(),
                say(
                    "Yes, it is a shuffle. How does the plan call it?",
                    "Oui, c'est un « shuffle ». Comment le plan l'appelle-t-il ?",
                ),
            ),
        ),
    ),
    "files-and-plans.two-layouts": Exercise(
        layouts,
        "table",
        hints=(
            say("A file must be read if its range touches yours.", "Un fichier doit être lu si son intervalle touche le vôtre."),
            say("smallest <= last AND largest >= first", "smallest <= last AND largest >= first"),
            say(
                "labels(layout).filter(…): its height is files, the sum of its rows is rows.",
                "labels(layout).filter(…) : sa hauteur est files, la somme de ses rows est rows.",
            ),
        ),
        wrong=(
            gives(
                lambda release, seed: layouts(release, seed, whole_day_inside=True),
                "You kept files that lie wholly inside your days. One that only touches them may hold matching rows too.",
                "Vous avez gardé les fichiers entièrement dans vos jours. Un fichier qui les touche seulement peut aussi en contenir.",
            ),
            gives(
                rows_that_match,
                "These are the rows that match. To find them, the reader must read every row of the files that it cannot skip.",
                "Ce sont les lignes qui répondent. Pour les trouver, il faut lire toutes les lignes des fichiers qu'on ne peut ignorer.",
            ),
        ),
    ),
    "files-and-plans.files-to-read": Exercise(
        files_cases,
        "code",
        hints=(
            say(
                "Two ranges touch if each begins before the other ends.",
                "Deux intervalles se touchent si chacun commence avant la fin de l'autre.",
            ),
            say('file["min"] <= high and file["max"] >= low', 'file["min"] <= high and file["max"] >= low'),
            say(
                "Before that: if min or max is None, the file must be read.",
                "Avant cela : si min ou max est None, le fichier doit être lu.",
            ),
        ),
        wrong=(
            holds(
                r"\bNone\b",
                "A file without a label (None) must be read: nothing is known of it. And 0 is a label.",
                "Un fichier sans étiquette (None) doit être lu : on n'en sait rien. Et 0 est une étiquette.",
                absent=True,
            ),
            holds(
                r"[<>](?!=)",
                "Both ends count: a file that ends on the very day you ask for must be read. Use <= and >=.",
                "Les deux bornes comptent : un fichier qui finit le jour même que vous demandez doit être lu. Prenez <= et >=.",
            ),
        ),
    ),
}

EXERCISES: dict[str, Exercise] = FIRST_QUESTIONS | JOINS | WINDOWS | DENOMINATORS | TIME_TRAVEL | FILES_AND_PLANS
