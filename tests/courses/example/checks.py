"""What the tiny course expects: one exercise of every kind."""

import polars as pl

from courses.checking.exercise import Case, Exercise, Figure, Series, Wrong


def _hints(*pairs):
    return tuple({"en": en, "fr": fr} for en, fr in pairs)


def _tumours(release, seed):
    return release.of_cohort("edu_tumor", seed).height


def _all_tumours(release, seed, given):
    return given == release.table("edu_tumor").height


def _largest_group(release, seed):
    counted = release.of_cohort("edu_tumor", seed).group_by("tumor_group").len()
    return counted.sort(["len", "tumor_group"], descending=[True, False])["tumor_group"][0]


def _stages(release, seed):
    return set(release.of_cohort("edu_tumor", seed)["stage"]) - {"unknown"}


def _gene_frequency(release, seed, of_tested=True):
    tumours = release.of_cohort("edu_tumor", seed)
    altered = (
        release.table("edu_variant")
        .join(tumours, on="tumor_no", how="semi")
        .group_by("gene")
        .agg(pl.col("tumor_no").n_unique().alias("altered"))
    )
    tested = tumours.join(release.table("edu_panel_gene"), on="panel").group_by("gene").agg(pl.len().alias("tested"))
    among = pl.col("tested") if of_tested else tumours.height
    return tested.join(altered, on="gene", how="left").select(
        "gene", "tested", (pl.col("altered").fill_null(0) / among).alias("share")
    )


def _of_everybody(release, seed, given):
    wrong = _gene_frequency(release, seed, of_tested=False).sort("gene")["share"]
    return bool(((given.sort("gene")["share"] - wrong).abs() < 1e-6).all())


def _deaths(release, seed):
    deaths = release.of_cohort("edu_survival", seed).filter("event").group_by("days").len().sort("days")
    return Figure((Series("step", tuple(deaths["days"]), tuple(deaths["len"].cum_sum())),))


def _band(days, width):
    return days // width * width + width // 2


def _bands(release, seed):
    days = release.of_cohort("edu_survival", seed)["days"].to_list()[:6]
    return [Case((0, 30), 15, shown=True), *(Case((each, 90), _band(each, 90)) for each in days)]


EXERCISES = {
    "counting.tumours": Exercise(
        expected=_tumours,
        kind="number",
        hints=_hints(
            ("Count rows of the cohort.", "Comptez les lignes de la cohorte."),
            ("The cohort has fewer tumours than the release.", "La cohorte a moins de tumeurs que la publication."),
            ("len(…) of the tumours in cohort.", "len(…) des tumeurs de la cohorte."),
        ),
        wrong=(
            Wrong(_all_tumours, {"en": "That is the whole release.", "fr": "C’est toute la publication."}),
            Wrong(lambda release, seed, given: given < 1, {"en": "A share is no count.", "fr": "Une part n’est pas un nombre."}),
        ),
    ),
    "counting.largest-group": Exercise(
        expected=_largest_group,
        kind="text",
        hints=_hints(
            ("Group first.", "Groupez d’abord."),
            ("Then count.", "Puis comptez."),
            ("Then take the first of a sorted list.", "Puis prenez le premier d’une liste triée."),
        ),
        wrong=(
            Wrong(lambda release, seed, given: given.isdigit(), {"en": "The name is asked for.", "fr": "On demande le nom."}),
            Wrong(
                lambda release, seed, given: given in ("I", "II", "III", "IV"),
                {"en": "That is a stage.", "fr": "C’est un stade."},
            ),
        ),
    ),
    "counting.stages": Exercise(
        expected=_stages,
        kind="set",
        hints=_hints(
            ("Distinct values.", "Les valeurs distinctes."),
            ("Unknown is no stage.", "Unknown n’est pas un stade."),
            ("Take it out of the set.", "Retirez-le de l’ensemble."),
        ),
        wrong=(
            Wrong(
                lambda release, seed, given: "unknown" in given,
                {"en": "Unknown is no stage.", "fr": "Unknown n’est pas un stade."},
            ),
            Wrong(lambda release, seed, given: len(given) == 1, {"en": "There are several.", "fr": "Il y en a plusieurs."}),
        ),
    ),
    "drawing.frequency": Exercise(
        expected=_gene_frequency,
        kind="table",
        hints=_hints(
            ("Who was tested for the gene?", "Qui a été testé pour ce gène ?"),
            ("A panel covers a gene or not.", "Un panel couvre un gène, ou non."),
            ("Join edu_panel_gene.", "Joignez edu_panel_gene."),
        ),
        wrong=(
            Wrong(_of_everybody, {"en": "Not everybody was tested.", "fr": "Tout le monde n’a pas été testé."}),
            Wrong(
                lambda release, seed, given: (given["share"] > 1).any(),
                {"en": "A share is at most 1.", "fr": "Une part vaut 1 au plus."},
            ),
        ),
    ),
    "drawing.deaths": Exercise(
        expected=_deaths,
        kind="figure",
        hints=_hints(
            ("Deaths add up.", "Les décès s’ajoutent."),
            ("A staircase.", "Un escalier."),
            ("ax.step(…, where='post').", "ax.step(…, where='post')."),
        ),
        wrong=(
            Wrong(lambda release, seed, given: not given.labelled, {"en": "Name the axes.", "fr": "Nommez les axes."}),
            Wrong(
                lambda release, seed, given: given.series[0].y != tuple(sorted(given.series[0].y)),
                {"en": "Deaths never become fewer.", "fr": "Les décès ne diminuent jamais."},
            ),
        ),
    ),
    "drawing.band": Exercise(
        expected=_bands,
        kind="code",
        required=False,
        hints=_hints(
            ("Whole bands.", "Des classes entières."),
            ("The middle of the band.", "Le milieu de la classe."),
            ("days // width", "days // width"),
        ),
        wrong=(
            Wrong(
                lambda release, seed, given: "round(" in given,
                {"en": "Bands are cut, not rounded.", "fr": "On coupe, on n’arrondit pas."},
            ),
            Wrong(
                lambda release, seed, given: "return days\n" in given + "\n",
                {"en": "That changes nothing.", "fr": "Cela ne change rien."},
            ),
        ),
    ),
}
