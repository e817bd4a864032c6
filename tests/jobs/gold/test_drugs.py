"""Names of drugs."""

from collections import Counter

import pyspark.sql.functions as F
from pyspark.sql import SparkSession

from jobs.gold._drugs import DRUGS, SUPPORTIVE, drug_class, drug_name, is_cancer_drug
from tests.tables import rows, table


def test_a_code_a_brand_and_a_spelling_lead_to_one_name_and_the_unknown_stays_what_it_is(spark: SparkSession) -> None:
    given = table(
        spark,
        """
        row | atc     | typed
        1   | L01XA02 |
        2   |         | Carboplatin
        3   |         | 5 - FU
        4   |         | Study Drug AMG 655
        5   | L01XX99 | something new
        6   |         | AMG 102
        7   | H02AB02 | Dexamethasone
        8   |         | Folinic acid
        9   | L01XX99 |
        """,
    )
    named = given.select("row", drug_name("atc", "typed").alias("drug"), is_cancer_drug("atc", "typed").alias("counts"))
    assert rows(named, "row", "drug", "counts") == [
        ("1", "carboplatin", True),
        ("2", "carboplatin", True),
        ("3", "fluorouracil", True),
        ("4", "study drug amg 655", True),
        ("5", "L01XX99", True),
        # Without a code and not in the list: taken for a cancer drug.
        ("6", "amg 102", True),
        ("7", "H02AB02", False),
        ("8", "folinic acid", False),
        ("9", "L01XX99", True),
    ]


def test_what_supports_counts_neither_by_its_code_nor_by_its_name(spark: SparkSession) -> None:
    given = table(
        spark,
        """
        atc     | typed            | counts:boolean
        M05BX04 | Denosumab        | false
                | Denosumab        | false
                | XGEVA            | false
        M05BA08 | Zometa           | false
                | Zoledronic acid  | false
                | Acide zolédronique | false
        L03AA13 | Pegfilgrastim    | false
                | Neulasta         | false
        L03AX16 |                  | false
                | Levothyroxine    | false
                | Celebrex         | false
                | Aloxi            | false
                | Dexaméthasone    | false
        L04AD02 | Tacrolimus       | false
        L04AX02 | Thalidomide      | true
        L04AX04 | Lenalidomide     | true
        L04AX06 | Pomalidomide     | true
        L03AB05 | Interferon       | true
        L03AC01 | Proleukin        | true
        L03AX03 | BCG              | true
        V10XX03 |                  | true
                |                  | false
        """,
    )
    assert rows(given.where(is_cancer_drug("atc", "typed") != F.col("counts")), "atc", "typed") == []


def test_no_drug_is_both_against_cancer_and_supportive() -> None:
    against_cancer = {other for name, others in DRUGS.items() for other in (name, *others)}
    assert against_cancer & {name for names in SUPPORTIVE.values() for name in names.split()} == set()


def test_no_code_or_spelling_stands_for_two_drugs() -> None:
    counted = Counter(other for name, others in DRUGS.items() for other in {name, *others})
    assert [other for other, number in counted.items() if number > 1] == []


def test_the_class_of_a_drug_is_that_of_its_name_before_that_of_the_code_sent(spark: SparkSession) -> None:
    given = table(
        spark,
        """
        drug         | atc
        temozolomide |
        bevacizumab  | L01XC07
        L01ZZ99      | L01ZZ99
        amg 655      |
        """,
    )
    assert rows(given.select("drug", drug_class("drug", "atc").alias("class")), "drug", "class") == [
        ("L01ZZ99", "L01ZZ"),
        ("amg 655", None),
        ("bevacizumab", "L01FG"),
        ("temozolomide", "L01AX"),
    ]
