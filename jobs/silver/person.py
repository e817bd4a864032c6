"""Persons over linked hospitals: one master person, one vital status, one death, one last news."""

import polars as pl
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

RESOLVED = (
    "master_person_id",
    "resolved_vital_status",
    "resolved_death_date",
    "resolved_death_date_precision",
    "resolved_last_news_date",
    "resolved_last_news_date_precision",
)


def with_master(people: DataFrame, identity: DataFrame) -> DataFrame:
    """`people` with master_person_id: the id of the linked group, a person's own where nobody is linked."""
    masters = identity.select("person_id", F.col("master_person_id").alias("_master"))
    return (
        people.join(masters, on="person_id", how="left")
        .withColumn("master_person_id", F.coalesce("_master", "person_id"))
        .drop("_master")
    )


def mastered(people: pl.DataFrame, identity: pl.DataFrame) -> pl.DataFrame:
    """The same for people at hand, in their order."""
    masters = identity.select("person_id", pl.col("master_person_id").alias("_master"))
    joined = people.join(masters, on="person_id", how="left", maintain_order="left")
    return joined.with_columns(master_person_id=pl.coalesce("_master", "person_id")).drop("_master")


def resolved(people: DataFrame) -> DataFrame:
    """`people` (with master_person_id) with what their linked group says together.

    Deceased if any hospital says so, by status or by a death date; else alive if any says so. The death date is the earliest
    of the day-precise ones, else of the others; the last news is the latest, of equal ones the day-precise.
    """
    group = Window.partitionBy("master_person_id")
    dead = F.max(F.expr("vital_status = 'deceased' or death_date is not null")).over(group)
    alive = F.max(F.expr("vital_status = 'alive'")).over(group)
    death = F.min(
        F.expr(
            "if(death_date is null, null, struct(if(death_date_precision = 'day', 0, 1) as rough, death_date as date, death_date_precision as precision))"
        )
    )
    news = F.max(
        F.expr(
            "if(last_contact_date is null, null, struct(last_contact_date as date, if(last_contact_date_precision = 'day', 1, 0) as fine, last_contact_date_precision as precision))"
        )
    )
    return (
        people.withColumn("_dead", F.coalesce(dead, F.lit(False)))
        .withColumn("_alive", F.coalesce(alive, F.lit(False)))
        .withColumn("_death", death.over(group))
        .withColumn("_news", news.over(group))
        .withColumn(
            "resolved_vital_status", F.expr("case when _dead then 'deceased' when _alive then 'alive' else 'unknown' end")
        )
        .withColumn("resolved_death_date", F.expr("_death.date"))
        .withColumn("resolved_death_date_precision", F.expr("_death.precision"))
        .withColumn("resolved_last_news_date", F.expr("_news.date"))
        .withColumn("resolved_last_news_date_precision", F.expr("_news.precision"))
        .drop("_dead", "_alive", "_death", "_news")
    )
