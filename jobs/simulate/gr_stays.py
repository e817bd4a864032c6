"""PMSI stays of Gustave Roussy: ungrouped RSS records of format 022, one file a year of entry, and who the stays belong to."""

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.draw import opaque
from jobs.simulate.facts import sites
from jobs.simulate.rows import IDENTITY, Rows, World, date_of, either

HOSPITAL = hospitals()["gr"]
FINESS = "940000664"
SECONDARY = {"C77.9": "C779", "C34.9": "C780", "C22.0": "C787", "C41.9": "C795", "C71.9": "C793"}


def stays(world: World) -> list[Rows]:
    """The link of every stay to its patient, and its records: a long stay changes unit once and then has two."""
    seen = world.seen(world.clinic.stay, "gr").filter(pl.col("kind") != "consult")
    # A stay's records are numbered 2n and 2n + 1.
    long = seen.filter(((pl.col("exit") - pl.col("entry")) >= 4) & (pl.col("_entity") % 3 == 0))
    first = seen.with_columns(pl.lit(1).alias("unit"), stay=pl.col("_entity"), _entity=2 * pl.col("_entity"))
    first = first.join(long.select(stay="_entity", moves=pl.lit(True)), on="stay", how="left").with_columns(
        pl.col("moves").fill_null(False)
    )
    middle = pl.col("entry") + 2
    second = first.filter("moves").with_columns(unit=pl.lit(2), _entity=pl.col("_entity") + 1, entry=middle)
    first = first.with_columns(exit=pl.when("moves").then(middle).otherwise("exit"))
    units = pl.concat([first, second.select(first.columns)], how="vertical_relaxed")
    link = seen.select(*IDENTITY, NADL=_nadl(world, seen["_entity"]))
    return [
        Rows(HOSPITAL.feed("stay_link"), link, may_be_dirty=False),
        Rows(
            HOSPITAL.feed("stay"),
            _records(world, units),
            parents={"stay_link": "_stay"},
            counts={"diagnosis_coded": "_diagnoses", "procedure_coded": "_acts"},
            distinct={"encounter": "_stay"},
            own_patient=False,
        ),
    ]


def _nadl(world: World, stay: pl.Series) -> pl.Series:
    number = stay.to_numpy() + 1 + world.chunk * 1_000_000
    return (opaque(number, 11) + opaque(number, 12).str.slice(0, 8)).str.to_uppercase()


def _records(world: World, units: pl.DataFrame) -> pl.DataFrame:
    """Each record as one line of text, with the fields the answer key and the dirt need beside it."""
    tumour = world.clinic.tumour
    code = pl.Series([site.icd10.replace(".", "") for site in sites()])[tumour["site"]][units["tumour"]]
    birth = pl.Series(world.persons.birth)[pl.Series(world.records.person)[units["_record"]]]
    woman = pl.Series(world.persons.woman)[pl.Series(world.records.person)[units["_record"]]]
    units = units.with_columns(
        code.alias("cancer"), birth.alias("birth"), woman.alias("woman"), _nadl(world, units["stay"]).alias("NADL")
    )
    session = pl.col("kind").is_in(["chemo", "radio"])
    units = units.with_columns(
        DP=pl.when(pl.col("kind") == "chemo")
        .then(pl.lit("Z511"))
        .when(pl.col("kind") == "radio")
        .then(pl.lit("Z5101"))
        .otherwise("cancer"),
        DR=pl.when(session).then("cancer"),
        das=pl.concat_list(
            pl.when(pl.col("place").is_not_null()).then(pl.col("place").replace_strict(SECONDARY, default="C798")),
            pl.when("comorbid").then(pl.lit("I10")),
        ).list.drop_nulls(),
        # An operation is coded twice: surgeon (activity 1) and anaesthetist (4).
        acts=pl.when(pl.col("ccam").is_not_null() & (pl.col("unit") == 1)).then(2).otherwise(0),
    )
    line = _line(units)
    return units.select(
        *IDENTITY,
        "NADL",
        _line=line,
        _stay=pl.col("stay"),
        _year=date_of("entry").dt.year(),
        _diagnoses=(1 + pl.col("DR").is_not_null().cast(pl.Int8) + pl.col("das").list.len()).cast(pl.Int64),
        _acts=pl.col("acts").cast(pl.Int64),
    )


def _line(units: pl.DataFrame) -> pl.Expr:
    def day(column: str) -> pl.Expr:
        return date_of(column).dt.strftime("%d%m%Y")

    def left(value: pl.Expr, width: int) -> pl.Expr:
        return value.fill_null("").str.pad_end(width)

    act = pl.format("{}{}   0{} {}{}", day("entry"), left(pl.col("ccam"), 7), pl.lit("#"), pl.lit("      "), pl.lit("01"))
    acts = (
        pl.when(pl.col("acts") > 0)
        .then(pl.concat_str(act.str.replace("#", "1"), act.str.replace("#", "4")))
        .otherwise(pl.lit(""))
    )
    diagnoses = pl.col("das").list.eval(pl.element().str.pad_end(8)).list.join("")
    return pl.concat_str(
        pl.lit(FINESS + "022"),
        left(pl.col("NADL").str.slice(0, 12), 20),
        pl.col("NADL"),
        pl.col("unit").cast(pl.String).str.zfill(10),
        day("birth"),
        either("woman", "2", "1"),
        pl.lit("2100"),
        pl.lit("  "),
        day("entry"),
        either(pl.col("unit") == 1, "8", "6"),
        pl.lit(" "),
        day("exit"),
        either(pl.col("moves") & (pl.col("unit") == 1), "6", "8"),
        pl.lit(" "),
        pl.lit("94000"),
        pl.lit(" " * 14),
        either(pl.col("kind").is_in(["chemo", "radio"]), "01", "00"),
        pl.col("das").list.len().cast(pl.String).str.zfill(2),
        pl.lit("00"),
        pl.col("acts").cast(pl.String).str.zfill(3),
        left(pl.col("DP"), 8),
        left(pl.col("DR"), 8),
        pl.lit(" " * 36),
        diagnoses,
        acts,
    )


def years(window_from: int | None, window_to: int, first_year: int) -> list[int]:
    """The years of entry whose files a delivery carries: those a stay that became known in its window can have begun in."""
    start = (
        first_year
        if window_from is None
        else int(np.datetime64(window_from - 100, "D").astype("datetime64[Y]").astype(int)) + 1970
    )
    end = int(np.datetime64(window_to, "D").astype("datetime64[Y]").astype(int)) + 1970
    return list(range(start, end + 1))
