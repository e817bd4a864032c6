"""Gene frequencies: who counts as tested, who as altered."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.gold.gene_frequency import gene_frequency
from tests.jobs.gold.frames import patient_key, silver
from tests.tables import rows


@pytest.fixture(scope="module")
def frequency(spark: SparkSession) -> Any:
    """Two hospitals with a panel of the same name and other genes; patient P1 is known to both."""
    return gene_frequency(
        silver(
            spark,
            "molecular_analysis",
            """
            analysis_id | center | specimen_id | person_id | panel_id
            a1          | gr     | s1          | p1        | small
            a2          | gr     | s1          | p1        | large
            a3          | gr     | s2          | p1        | small
            a4          | gr     | s3          | p3        | large
            a5          | curie  | s4          | q1        | small
            a6          | gr     | s5          | p3        |
            """,
        ),
        silver(
            spark,
            "panel_gene",
            """
            center | panel_id | symbol
            gr     | small    | TP53
            gr     | large    | TP53
            gr     | large    | KRAS
            curie  | small    | TP53
            curie  | small    | EGFR
            """,
        ),
        silver(
            spark,
            "variant",
            """
            variant_id | analysis_id | gene_hgnc
            v1         | a1          | TP53
            v2         | a1          | TP53
            v3         | a3          | TP53
            v4         | a3          | KRAS
            v5         | a5          | TP53
            """,
        ),
        silver(
            spark,
            "specimen",
            """
            specimen_id | root_id | person_id | tumor_id
            block       | block   | p1        | t1
            s1          | block   | p1        |
            s2          | s2      | p1        |
            s3          | s3      | p3        |
            s4          | s4      | q1        | t4
            """,
        ),
        silver(
            spark,
            "primary_cancer",
            """
            tumor_id | person_id | center | topography | morphology
            t1       | p1        | gr     | C50.9      | 8500/3
            t2       | p1        | gr     | C34.1      | 8140/3
            t3       | p3        | gr     | C34.1      | 8140/3
            t4       | q1        | curie  | C50.9      | 8500/3
            """,
        ),
        silver(spark, "person", "person_id | master_person_id\np1 | p1\np3 | p3\nq1 | p1"),
        patient_key(spark, "p1", "p3"),
    ).cache()


def test_only_samples_whose_panel_holds_the_gene_are_tested(frequency: Any) -> None:
    of_all = frequency.where("tumor_group = 'all' AND center <> 'all'")
    assert rows(of_all, "center", "gene", "samples_tested", "samples_altered", "persons_tested", "persons_altered") == [
        ("curie", "EGFR", 1, 0, 1, 0),
        ("curie", "TP53", 1, 1, 1, 1),
        # The KRAS variant was found by a panel without KRAS: it neither counts nor makes its sample tested.
        ("gr", "KRAS", 2, 0, 2, 0),
        ("gr", "TP53", 3, 2, 2, 1),
    ]


def test_over_all_hospitals_a_patient_whom_two_follow_counts_once(frequency: Any) -> None:
    of_all = frequency.where("tumor_group = 'all' AND center = 'all' AND gene = 'TP53'")
    assert rows(of_all, "samples_tested", "samples_altered", "persons_tested", "persons_altered") == [(4, 3, 2, 1)]


def test_a_sample_is_of_the_tumour_of_the_sample_it_was_made_from(frequency: Any) -> None:
    by_group = frequency.where("center = 'gr' AND gene = 'TP53' AND tumor_group <> 'all'")
    assert rows(by_group, "tumor_group", "samples_tested", "samples_altered") == [
        ("breast", 1, 1),
        ("lung", 1, 0),
        ("unknown", 1, 1),
    ]


def test_the_interval_is_wilsons(frequency: Any) -> None:
    tp53 = frequency.where("center = 'gr' AND gene = 'TP53' AND tumor_group = 'all'")
    # 2 of 3; reference values of statsmodels' proportion_confint(method="wilson").
    [(share, low, high)] = rows(tp53, "samples_frequency", "samples_low", "samples_high")
    assert (share, low, high) == pytest.approx((2 / 3, 0.207655, 0.938508), abs=1e-4)
    none = frequency.where("center = 'curie' AND gene = 'EGFR' AND tumor_group = 'all'")
    assert rows(none, "samples_frequency", "samples_low") == [(0.0, 0.0)]
