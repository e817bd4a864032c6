"""Silver and gold tables for tests: a column's type is that of its contract, a column that is not drawn is null."""

from typing import TYPE_CHECKING

from quality.contracts import contracts
from tests.tables import table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from quality.contract import Layer


def silver(spark: "SparkSession", name: str, text: str = "") -> "DataFrame":
    """Current rows of a silver table."""
    return _by_contract(spark, "silver", name, text)


def gold(spark: "SparkSession", name: str, text: str = "") -> "DataFrame":
    """Rows of a gold table."""
    return _by_contract(spark, "gold", name, text)


def patient_key(spark: "SparkSession", *masters: str, opposed: tuple[str, ...] = ()) -> "DataFrame":
    """Master person p1 is patient P1, and so on; some of them are opposed to the use by companies."""
    people = [(each, each.upper(), each in opposed) for each in masters]
    return spark.createDataFrame(people, "master_person_id string, patient_id string, industry_use_opposed boolean")


def _by_contract(spark: "SparkSession", layer: "Layer", name: str, text: str) -> "DataFrame":
    contract = contracts(layer)[name]
    head, *lines = text.strip().splitlines() or [contract.names[0]]
    drawn = [column.strip() for column in head.split("|")]
    typed = " | ".join(f"{column}:{contract[column].type}" for column in drawn)
    frame = table(spark, "\n".join((typed, *lines)))
    nothing = "from_json(NULL, '{0}')"
    others = {
        each.name: nothing.format(each.type) if each.type.startswith("array") else f"CAST(NULL AS {each.type})"
        for each in contract.columns
        if each.name not in drawn
    }
    return frame.selectExpr("*", *(f"{value} AS {column}" for column, value in others.items())).select(*contract.names)
