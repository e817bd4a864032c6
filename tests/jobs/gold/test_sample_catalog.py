"""The sample catalogue."""

from pyspark.sql import SparkSession

from jobs.gold.sample_catalog import sample_catalog
from tests.jobs.gold.frames import patient_key, silver
from tests.tables import rows


def test_a_sample_shows_its_tumour_its_day_what_was_made_of_it_and_what_it_may_be_used_for(spark: SparkSession) -> None:
    catalogue = sample_catalog(
        silver(
            spark,
            "specimen",
            """
            specimen_id | root_id | parent_id | person_id | center | tumor_id | type          | topography | collected_at        | availability
            tissue      | tissue  |           | p1        | gr     | t1       | frozen_tissue | C50.1      | 2020-02-01T09:30:00 | exhausted
            dna         | tissue  | tissue    | p1        | gr     |          | dna           |            |                     | available
            blood       | blood   |           | q1        | curie  |          | blood         |            |                     |
            """,
        ),
        silver(
            spark,
            "primary_cancer",
            "tumor_id | person_id | topography | dx_date\nt1 | p1 | C50.9 | 2020-01-01\nt2 | p1 | C34.1 |",
        ),
        silver(spark, "person", "person_id | master_person_id\np1 | p1\nq1 | p1"),
        silver(
            spark,
            "molecular_analysis",
            "analysis_id | specimen_id | protocol\na1 | dna | panel\na2 | dna | exome\na3 | dna | panel",
        ),
        patient_key(spark, "p1", opposed=("p1",)),
    )
    assert rows(
        catalogue, "specimen_id", "patient_id", "tumor_id", "tumor_group", "topography", "days_from_dx", "is_available"
    ) == [
        ("blood", "P1", None, None, None, None, None),
        ("dna", "P1", "t1", "breast", "C50.9", None, True),
        ("tissue", "P1", "t1", "breast", "C50.1", 31, False),
    ]
    assert rows(catalogue, "specimen_id", "n_derived", "linked_omics", "n_analyses", "industry_use_opposed") == [
        ("blood", 0, [], 0, True),
        ("dna", 0, ["exome", "panel"], 3, True),
        ("tissue", 1, [], 0, True),
    ]
