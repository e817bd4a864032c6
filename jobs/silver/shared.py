"""Silver tables that are not one hospital's people alone: linked persons, links, sites, trials, vocabulary."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.silver import person as persons
from jobs.silver import tables
from jobs.silver.conform import row_id_of
from jobs.silver.feeds import Whole
from quality.value_sets import VALUE_SETS

if TYPE_CHECKING:
    from jobs.silver.passes import SilverPass

Work = tuple[DataFrame, DataFrame] | None


def person(work: "SilverPass", held: DataFrame) -> Work:
    """Persons with what their linked group says; people of other hospitals follow when their group changed."""
    identity, mine = work.identity, F.col("center") == work.hospital.center
    fresh = work.neighbours["person"].withColumn("center", F.lit(work.hospital.center))
    own = [name for name in fresh.columns if name not in persons.RESOLVED]
    current = held.where("is_current")
    theirs = current.where(mine).join(F.broadcast(work.people.select("person_id")), on="person_id", how="left_semi")
    others = _regrouped(work, current, fresh, theirs)
    together = persons.with_master(fresh.select(*own).unionByName(others.select(*own)), identity)
    scope = theirs.union(current.join(others.select("person_id"), on="person_id", how="left_semi")).distinct()
    return persons.resolved(together), scope


def _regrouped(work: "SilverPass", current: DataFrame, fresh: DataFrame, theirs: DataFrame) -> DataFrame:
    """The current persons outside the pass that are, or were until now, linked with somebody in it."""
    concerned = fresh.select("person_id").union(theirs.select("person_id")).union(work.touched)
    groups = (
        persons.with_master(concerned, work.identity)
        .select("master_person_id")
        .union(theirs.select("master_person_id"))
        .distinct()
    )
    hidden = work.identity.where("array_contains(opposed, 'all')").select("person_id")
    # A person_id is of one hospital alone, so it is enough to leave out the people of the pass.
    rest = current.join(work.people, on="person_id", how="left_anti").join(hidden, on="person_id", how="left_anti")
    stored = rest.withColumnRenamed("master_person_id", "_stored")
    linked = persons.with_master(stored, work.identity)
    concerned_now = linked.join(groups, on="master_person_id", how="left_semi").select(*linked.columns)
    concerned_before = linked.join(groups.withColumnRenamed("master_person_id", "_stored"), on="_stored", how="left_semi").select(
        *linked.columns
    )
    return concerned_now.union(concerned_before).dropDuplicates(["person_id"]).localCheckpoint()


def person_link(work: "SilverPass", held: DataFrame) -> Work:
    """Every pair of linked or merged people of whom nobody is hidden."""
    if not work.lake.exists("bronze", "link"):
        return None
    link = tables.rows_of(work.spark, work.lake, "bronze", "link")
    hidden = work.identity.where("array_contains(opposed, 'all')").select("person_id")
    shown = link.join(hidden, on="person_id", how="left_anti").join(
        hidden.withColumnRenamed("person_id", "other_person_id"), on="other_person_id", how="left_anti"
    )
    return persons.with_master(shown, work.identity), held.where("is_current")


def ref_center(work: "SilverPass", held: DataFrame) -> Work:
    """The hospital itself, and the sites that it declares."""
    center = work.hospital.center
    itself = [(None, work.hospital.finess, work.hospital.name, work.hospital.center_type)]
    rows = work.spark.createDataFrame(itself, "site_id string, finess string, name string, type string").withColumns(
        {
            "ref_center_id": F.expr(row_id_of(center, "center", "''")),
            "center": F.lit(center),
            "parent_finess": F.lit(None).cast("string"),
        }
    )
    if "ref_center" in work.made:
        rows = rows.unionByName(work.made["ref_center"](work.feeds).withColumn("center", F.lit(center)), allowMissingColumns=True)
    else:
        rows = rows.withColumns({"parent_site_id": F.lit(None).cast("string"), "oncology_mart": F.lit(None).cast("boolean")})
    return rows, held.where(f"is_current and center = '{center}'")


def trial(work: "SilverPass", held: DataFrame) -> Work:
    """The trials of every current enrolment of the hospital, not only of the people of the pass."""
    if "trial" not in work.made or not work.bronze.has_feed("trial"):
        return None
    enrolled = tables.rows_of(work.spark, work.lake, "silver", "trial_enrollment").where(
        f"is_current and center = '{work.hospital.center}'"
    )
    rest = enrolled.join(work.people, on="person_id", how="left_anti").select(
        "delivery_id", "source_file", "source_row_no", "person_id"
    )
    theirs = work.states.where("domain = 'trial' and state = 'current'").select(
        "delivery_id", "source_file", "source_row_no", "person_id"
    )
    everybody = work.feeds.rows_at("trial", rest.union(theirs))
    rows = work.made["trial"](Whole({"trial": everybody})).withColumn("center", F.lit(work.hospital.center))
    return rows, held.where(f"is_current and center = '{work.hospital.center}'")


def vocab_map(work: "SilverPass", held: DataFrame) -> Work:
    """What each code of the hospital means: our value sets, and the relations that the hospital itself sends."""
    center = work.hospital.center
    declared = [
        (system, code, value, standard.system if standard else None, standard.code if standard else None)
        for system, codes in sorted(work.hospital.codes.items())
        for code, value in sorted(codes.items())
        for standard in [VALUE_SETS[system].get(value)]
    ]
    rows = work.spark.createDataFrame(
        declared, "system string, code string, value string, target_system string, target_code string"
    ).withColumns({"status": F.lit("declared"), "label": F.lit(None).cast("string"), "version": F.lit(None).cast("string")})
    rows = rows.withColumn("map_id", F.expr(row_id_of(center, "vocab", "concat_ws('|', system, code, value)")))
    if "vocab_map" in work.made:
        rows = rows.unionByName(work.made["vocab_map"](work.feeds), allowMissingColumns=True)
    return rows.withColumn("center", F.lit(center)), held.where(f"is_current and center = '{center}'")


TABLES: dict[str, Callable[["SilverPass", DataFrame], Work]] = {
    "person": person,
    "person_link": person_link,
    "ref_center": ref_center,
    "trial": trial,
    "vocab_map": vocab_map,
}
