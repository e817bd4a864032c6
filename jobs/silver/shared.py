"""Silver tables that are not one hospital's people alone: linked persons, links, sites, trials, vocabulary."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.landing.pseudonyms import row_id
from jobs.silver import person as persons
from jobs.silver import tables
from jobs.silver.difference import ENGINE_COLUMNS
from jobs.silver.feeds import Whole
from quality.contracts import contracts
from quality.value_sets import VALUE_SETS

if TYPE_CHECKING:
    from jobs.silver.passes import SilverPass

# Computed rows, by Spark or at hand, and the current rows of the table that they stand for.
Work = tuple[DataFrame | pl.DataFrame, pl.LazyFrame] | None


def person(work: "SilverPass") -> Work:
    """Persons with what their linked group says; people of other hospitals follow when their group changed."""
    fresh = work.neighbours["person"].withColumn("center", F.lit(work.hospital.center))
    own = [name for name in fresh.columns if name not in persons.RESOLVED]
    current = work.held("person").filter("is_current")
    others = _regrouped(work, current)
    together = fresh.select(*own)
    if others:
        stored = tables.rows_of(work.spark, work.lake, "silver", "person").where("is_current")
        together = together.unionByName(stored.where(F.col("person_id").isin(others)).select(*own))
    scope = pl.concat([_theirs(work), current.filter(pl.col("person_id").is_in(others))])
    return persons.resolved(persons.with_master(together, work.masters)), scope


def _theirs(work: "SilverPass") -> pl.LazyFrame:
    """The current persons of the pass."""
    return work.held_here("person").filter(pl.col("person_id").is_in(work.people_ids))


def _regrouped(work: "SilverPass", current: pl.LazyFrame) -> list[str]:
    """The current persons outside the pass that are, or were until now, linked with somebody in it."""
    stored = current.select("person_id", "master_person_id").collect()
    theirs = _theirs(work).select("master_person_id").collect()["master_person_id"]
    concerned = pl.DataFrame({"person_id": [*work.people_ids, *work.touched]}, schema={"person_id": pl.String})
    groups = pl.concat([persons.mastered(concerned, work.identity)["master_person_id"], theirs]).unique()
    # A person_id is of one hospital alone, so it is enough to leave out the people of the pass.
    rest = stored.filter(~pl.col("person_id").is_in(work.people_ids + _unseen(work)))
    rest = rest.with_columns(now=persons.mastered(rest.select("person_id"), work.identity)["master_person_id"])
    groups = pl.concat([groups, _left_behind(work, stored, rest)]).unique().implode()
    return rest.filter(pl.col("now").is_in(groups) | pl.col("master_person_id").is_in(groups))["person_id"].to_list()


def _left_behind(work: "SilverPass", stored: pl.DataFrame, rest: pl.DataFrame) -> pl.Series:
    """The groups of people whose master is nobody in silver any more: the delivery that linked them was withdrawn."""
    nobody = ~pl.col("master_person_id").is_in([*stored["person_id"], *work.people_ids])
    found = rest.filter(nobody & (pl.col("master_person_id") != pl.col("now")))
    return pl.concat([found["master_person_id"], found["now"]])


def _unseen(work: "SilverPass") -> list[str]:
    """Everybody who opposed to everything."""
    return work.identity.filter(pl.col("opposed").list.contains("all"))["person_id"].to_list()


def person_link(work: "SilverPass") -> Work:
    """Every pair of linked or merged people who are in silver; of a merge only the patient who was kept is.

    Whose opposition was lifted is not, until their hospital has sent them again.
    """
    if not work.lake.exists("bronze", "link"):
        return None
    there = _there(work).implode()
    is_told = pl.col("other_person_id").is_in(there) & (pl.col("person_id").is_in(there) | (pl.col("method") == "merge"))
    shown = work.lake.frame("bronze", "link").filter(is_told & ~pl.col("person_id").is_in(_unseen(work)))
    return persons.mastered(shown, work.identity), work.held("person_link").filter("is_current")


def _there(work: "SilverPass") -> pl.Series:
    """Everybody in silver when this pass is published."""
    others = work.held("person").filter(pl.col("is_current") & ~pl.col("person_id").is_in(work.people_ids + _unseen(work)))
    theirs = work.states.filter((pl.col("domain") == "patient") & (pl.col("state") == "current"))
    return pl.concat([others.select("person_id").collect()["person_id"], theirs["person_id"]])


def ref_center(work: "SilverPass") -> Work:
    """The hospital itself, and the sites that it declares."""
    hospital = work.hospital
    itself = {
        "ref_center_id": row_id(hospital.center, "center", ""),
        "finess": hospital.finess,
        "name": hospital.name,
        "type": hospital.center_type,
    }
    return _declared(work, "ref_center", [itself]), work.held_here("ref_center")


def trial(work: "SilverPass") -> Work:
    """The trials of every current enrolment of the hospital, not only of the people of the pass."""
    if "trial" not in work.made or not work.bronze.has_feed("trial"):
        return None
    place = ["delivery_id", "source_file", "source_row_no", "person_id"]
    rest = work.held_here("trial_enrollment").filter(~pl.col("person_id").is_in(work.people_ids)).select(place).collect()
    theirs = work.states.filter((pl.col("domain") == "trial") & (pl.col("state") == "current")).select(place)
    everybody = work.spark.createDataFrame(pl.concat([rest, theirs]).to_arrow())
    work.read["trial"] = {"trial"}
    rows = work.made["trial"](Whole({"trial": work.feeds.rows_at("trial", everybody)})).withColumn(
        "center", F.lit(work.hospital.center)
    )
    return rows, work.held_here("trial")


def vocab_map(work: "SilverPass") -> Work:
    """What each code of the hospital means: our value sets, and the relations that the hospital itself sends."""
    center = work.hospital.center
    declared = [
        {
            "map_id": row_id(center, "vocab", f"{system}|{code}|{value}"),
            "system": system,
            "code": code,
            "value": value,
            "target_system": standard.system if standard else None,
            "target_code": standard.code if standard else None,
            "status": "declared",
        }
        for system, codes in sorted(work.hospital.codes.items())
        for code, value in sorted(codes.items())
        for standard in [VALUE_SETS[system].get(value)]
    ]
    return _declared(work, "vocab_map", declared), work.held_here("vocab_map")


def _declared(work: "SilverPass", name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows that the hospital's declaration gives, and those that it sends for the same table."""
    names = [each for each in contracts("silver")[name].names if each not in ENGINE_COLUMNS]
    known = (
        pl.DataFrame(rows, schema_overrides={each: pl.String for each in names if each in rows[0]}) if rows else pl.DataFrame()
    )
    if name in work.made:
        sent = pl.from_arrow(work.transformed(name).toArrow())
        assert isinstance(sent, pl.DataFrame)
        known = pl.concat([known, sent], how="diagonal_relaxed")
    known = known.with_columns(center=pl.lit(work.hospital.center))
    return known.with_columns(pl.lit(None).alias(each) for each in names if each not in known.columns)


TABLES: dict[str, Callable[["SilverPass"], Work]] = {
    "person": person,
    "person_link": person_link,
    "ref_center": ref_center,
    "trial": trial,
    "vocab_map": vocab_map,
}
# What they read of bronze beside feeds.
READS = {"person": ("identity",), "person_link": ("link", "identity")}
