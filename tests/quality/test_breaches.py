"""The warnings of silver: which rows carry their flag, and that Spark understands every one of them."""

import pytest

from quality.contracts import contracts
from tests.tables import rows, table

SILVER = contracts("silver")
TYPES = {"integer": "int", "long": "bigint"}


def schema(name):
    return ", ".join(f"`{column.name}` {TYPES.get(column.type, column.type)}" for column in SILVER[name].columns)


def flagged(spark, name, flag, text):
    """The first column of the rows that carry the flag; `person.birth_date` and the like are columns of `text`."""
    frame = table(spark, text)
    outer = [column for column in frame.columns if "." not in column]
    for other in {column.partition(".")[0] for column in frame.columns} - set(outer):
        inner = [column for column in frame.columns if column.startswith(f"{other}.")]
        parts = ", ".join(f"`{column}` AS {column.partition('.')[2]}" for column in inner)
        frame = frame.selectExpr("*", f"struct({parts}) AS {other}")
    breach = next(rule.breach for rule in SILVER[name].rules if rule.flag == flag)
    return [row[0] for row in rows(frame.where(breach), outer[0])]


@pytest.mark.parametrize("name", [name for name, silver in SILVER.items() if silver.rules])
def test_spark_understands_every_breach(spark, name):
    own = spark.createDataFrame([], schema(name))
    for other in ("person", "primary_cancer"):
        own = own.crossJoin(spark.createDataFrame([], schema(other)).selectExpr(f"struct(*) AS {other}"))
    predicates = [f"({rule.breach}) AS `{rule.flag}`" for rule in SILVER[name].rules]
    assert set(own.selectExpr(*predicates).dtypes) == {(rule.flag, "boolean") for rule in SILVER[name].rules}


def test_a_diagnosis_before_birth_is_compared_at_the_coarser_precision(spark):
    assert flagged(spark, "primary_cancer", "DX_BEFORE_BIRTH", """
        case          | dx_date:date | dx_date_precision | person.birth_date:date | person.birth_date_precision
        month before  | 1980-04-30   | day               | 1980-05-15             | month
        same month    | 1980-05-03   | day               | 1980-05-15             | month
        same year     | 1980-07-01   | year              | 1980-11-15             | month
        no birth      | 1980-04-30   | day               |                        |
    """) == ["month before"]  # fmt: skip


def test_a_metastasis_is_no_primary_but_a_lymphoma_may_sit_in_a_lymph_node(spark):
    assert flagged(spark, "primary_cancer", "SECONDARY_AS_PRIMARY", """
        case          | icd10 | topography | morphology
        secondary     | C78.0 |            |
        lymph node    |       | C77.9      | 8500/3
        unknown       |       | C77.9      |
        lymphoma      | C83.3 | C77.9      | 9680/3
        breast        | C50.9 | C50.9      | 8500/3
    """) == ["lymph node", "secondary", "unknown"]  # fmt: skip


def test_t_n_and_m_come_together(spark):
    assert flagged(spark, "staging", "TNM_INCOMPLETE", """
        case    | t  | n  | m
        no m    | T1 | N0 |
        all     | T1 | N0 | M0
        stage   |    |    |
    """) == ["no m"]  # fmt: skip


def test_a_drug_is_given_between_a_month_before_diagnosis_and_the_day_after_death(spark):
    text = """
        case      | admin_datetime:timestamp | status    | primary_cancer.dx_date:date | primary_cancer.dx_date_precision | person.death_date:date | person.death_date_precision
        too early | 2020-03-31 00:00         | completed | 2020-05-01                  | day                              |                        |
        in time   | 2020-04-01 10:00         | completed | 2020-05-01                  | day                              |                        |
        some year | 2020-01-15 10:00         | completed | 2020-07-01                  | year                             |                        |
        next day  | 2020-06-02 10:00         | completed |                             |                                  | 2020-06-01             | day
        too late  | 2020-06-03 10:00         | completed |                             |                                  | 2020-06-01             | day
        cancelled | 2020-06-03 10:00         | cancelled |                             |                                  | 2020-06-01             | day
        in month  | 2020-06-20 10:00         | completed |                             |                                  | 2020-06-15             | month
    """
    assert flagged(spark, "drug_administration", "DRUG_BEFORE_DX", text) == ["too early"]
    assert flagged(spark, "drug_administration", "DRUG_AFTER_DEATH", text) == ["too late"]


def test_the_last_digit_of_a_ucd_code_is_checked(spark):
    assert flagged(spark, "drug_administration", "UCD_KEY_INVALID", """
        ucd13
        3400892065366
        3400892065367
    """) == ["3400892065367"]  # fmt: skip


def test_every_analyte_has_its_units_and_its_limits(spark):
    text = """
        case       | local_code | unit_std | value_num:double
        ml of iron | HB         | ng/mL    | 12
        plausible  | HB         | g/dL     | 12
        wrong unit | HB         | g/dL     | 120
        negative   | PSA        | ng/mL    | -1
        no unit    | PSA        |          | 5
    """
    assert flagged(spark, "lab_result", "UNIT_OF_ANOTHER_ANALYTE", text) == ["ml of iron"]
    assert flagged(spark, "lab_result", "VALUE_IMPLAUSIBLE", text) == ["negative", "wrong unit"]


def test_a_fraction_of_reads_lies_between_0_and_1(spark):
    assert flagged(spark, "variant", "VAF_OUT_OF_RANGE", """
        case  | vaf:double
        above | 1.2
        one   | 1
        none  |
    """) == ["above"]  # fmt: skip
