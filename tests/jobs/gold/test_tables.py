"""The register of gold: every contract has its function, and each promises what the other keeps."""

import inspect

import pytest
from pyspark.sql import SparkSession

from jobs.gold import tables
from quality.contracts import contracts
from quality.contracts.gold._common import STAMP
from tests.jobs.gold.frames import gold, patient_key, silver

PRODUCTS = (
    "biomarker_status",
    "cohort",
    "endpoint",
    "gene_frequency",
    "line_of_therapy",
    "patient_summary",
    "quality",
    "sample_catalog",
    "tumor_summary",
)
MAKERS = {"silver": silver, "gold": gold}
SPARK_TYPES = {"integer": "int", "long": "bigint"}


def test_every_contract_has_a_function_and_every_function_a_contract() -> None:
    assert sorted(tables()) == sorted(contracts("gold")) == sorted(PRODUCTS)


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_parameters_are_the_tables_that_the_contract_reads(name: str) -> None:
    reads = [address.partition(".")[2] for address in contracts("gold")[name].reads]
    # The map from person to patient is no table of a hospital, and what a product held before no other one: none has to declare them.
    undeclared = ("patient_key", name)
    assert [each for each in inspect.signature(tables()[name]).parameters if each not in undeclared] == reads


def test_what_a_gold_table_reads_of_gold_is_built_before_it() -> None:
    order = list(contracts("gold"))
    assert order.index("tumor_summary") > max(order.index("biomarker_status"), order.index("line_of_therapy"))


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_has_the_columns_of_its_contract_before_the_stamp(spark: SparkSession, name: str) -> None:
    contract, product = contracts("gold")[name], tables()[name]
    promised = [(each.name, SPARK_TYPES.get(each.type, each.type)) for each in contract.columns if each not in STAMP]
    frames = {table: MAKERS[layer](spark, table) for layer, table in (address.split(".") for address in contract.reads)}
    if name in inspect.signature(product).parameters:
        frames[name] = gold(spark, name)
    if "patient_key" in inspect.signature(product).parameters:
        frames["patient_key"] = patient_key(spark)
    assert product(**frames).dtypes == promised
