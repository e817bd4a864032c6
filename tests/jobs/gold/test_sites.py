"""Groups of cancers."""

from pyspark.sql import SparkSession

from jobs.gold._sites import category, tumor_group
from tests.jobs.gold.frames import silver
from tests.tables import rows


def test_the_histology_decides_where_the_site_does_not(spark: SparkSession) -> None:
    tumours = silver(
        spark,
        "primary_cancer",
        """
        tumor_id | topography | icd10 | morphology | tumor_group
        a        | C50.9      | C50.9 | 8500/3     |
        b        | C44.5      |       | 8720/3     |
        c        | C44.5      |       | 8090/3     |
        d        | C77.0      |       | 9680/3     |
        e        | C16.9      |       | 9699/3     |
        f        |            | C83   |            |
        g        | C38.4      |       | 9050/3     |
        h        | C54.1      |       | 8890/3     |
        i        | C71.1      |       | 9440/3     |
        j        | C80.9      |       |            |
        k        | C60.1      |       | 8070/3     |
        l        |            |       |            |
        m        | C50.9      |       | 8500/3     | sein
        """,
    )
    groups = tumours.selectExpr("tumor_id", f"{tumor_group()} AS tumour_group", f"{category()} AS site")
    assert [group for _, group in rows(groups, "tumor_id", "tumour_group")] == [
        "breast",
        "melanoma",
        "skin",
        "haematological",
        "haematological",
        "haematological",
        "mesothelioma",
        "sarcoma",
        "brain",
        "unknown site",
        "other",
        "unknown",
        "sein",
    ]
    assert rows(groups.where("tumor_id IN ('a', 'f')"), "site") == [("C50",), ("C83",)]
