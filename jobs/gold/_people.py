"""Who is behind a row: from a hospital's person to the patient of gold, and from a person to the only tumour they have."""

import pyspark.sql.functions as F
from pyspark.sql import DataFrame


def patients(person: DataFrame, patient_key: DataFrame) -> DataFrame:
    """`person_id` and `patient_id` of everybody: one patient may be a person at several hospitals."""
    key = patient_key.select("master_person_id", "patient_id")
    return person.select("person_id", "master_person_id").join(key, "master_person_id", how="left").drop("master_person_id")


def with_tumour(facts: DataFrame, primary_cancer: DataFrame) -> DataFrame:
    """The facts, those without a tumour given the one their person has at that hospital; of several none is chosen."""
    alone = (
        primary_cancer.groupBy("person_id")
        .agg(F.count("*").alias("tumours"), F.min("tumor_id").alias("only_tumor_id"))
        .where("tumours = 1")
        .drop("tumours")
    )
    return (
        facts.join(alone, "person_id", how="left")
        .withColumn("tumor_id", F.coalesce("tumor_id", "only_tumor_id"))
        .drop("only_tumor_id")
    )


def opposed_to_industry(patient_key: DataFrame) -> DataFrame:
    """`patient_id, industry_use_opposed` of everybody: whether they do not want their data or samples used by companies.

    The vault knows, which keeps what was said at any hospital until it is lifted; `silver.rights_register` is only each newest list.
    """
    return patient_key.select("patient_id", "industry_use_opposed")
