"""AP-HP: what it delivers, beside the silver rows it becomes."""

import pytest

from jobs.hospitals import aphp, transforms
from quality.contracts import contracts
from tests.jobs.hospitals.delivered import Delivered, row_id
from tests.tables import rows

TUMOUR, LINE = row_id("aphp", "episode", "1"), row_id("aphp", "episode", "10")
ENGINE = {"center", "row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id"}
# A primary, a line under it, a progression under the line, and responses to the line and to the tumour.
EPISODES = """
    episode_id | episode_parent_id | episode_source_value | episode_object_source_value | episode_number | episode_start_datetime | episode_end_datetime
    1          |                   | PRIMITIF             | 8500/3-C50.9                |                | 2020-01-02 08:00       |
    10         | 1                 | LIGNE                | FEC 100                     | 1              | 2020-02-03 08:00       | 2020-06-01 08:00
    20         | 10                | PROGRESSION          | C22.0                       |                | 2020-07-08 08:00       |
    21         | 1                 | RECIDIVE             |                             |                |                        |
    30         | 10                | REPONSE              | RP                          |                | 2020-05-06 08:00       |
    31         | 1                 | REPONSE              | ST                          |                |                        |
"""  # fmt: skip
VISITS = """
    visit_occurrence_id | visit_start_datetime | visit_end_datetime | visit_source_value         | admitted_from_source_value | discharge_to_source_value | care_site_id
    500                 | 2019-12-30 10:00     | 2020-01-03 10:00   | hospitalisés               | 7                          | 9                         | 7502
    501                 | 2020-02-03 10:00     |                    | hospitalisation incomplète |                            | 4                         |
"""  # fmt: skip
VISIT = row_id("aphp", "visit", "500")


class DeliveredByAphp(Delivered):
    """Landing says whether a patient is dead without a date: 2999-12-31 in the file."""

    def __getitem__(self, domain):
        frame = super().__getitem__(domain)
        if domain != "patient":
            return frame
        return frame.selectExpr("*", "coalesce(sent.death_datetime LIKE '2999-12-31%', false) AS death_unknown_date")


@pytest.fixture(scope="module")
def deliver(spark):
    return lambda **texts: DeliveredByAphp(spark, aphp.HOSPITAL, **texts)


def test_aphp_supplies_what_the_contract_with_it_says():
    not_sent = {"adverse_event", "molecular_analysis", "panel_gene", "variant", "trial", "trial_enrollment"}
    assert set(transforms("aphp")) == set(contracts("silver")) - not_sent - {"person_link", "vocab_unmapped"}


@pytest.mark.parametrize("name", transforms("aphp"))
def test_a_transform_gives_the_columns_of_its_contract(deliver, name):
    frame = transforms("aphp")[name](deliver())
    assert frame.columns == [column for column in contracts("silver")[name].names if column not in ENGINE]


def test_without_a_last_news_column_the_latest_visit_or_death_is_the_last_contact(deliver):
    feeds = deliver(
        patient="""
            person_id | gender_source_value | birth_datetime | year_of_birth | month_of_birth | death_datetime   | sent.death_datetime
            p1        | f                   | 1950-05-15     | 1950          | 5              |                  |
            p2        | m                   |                | 1960          | 3              | 2020-03-04 10:00 | 2020-03-04 10:00
            p3        |                     |                | 1970          |                |                  | 2999-12-31 00:00:00
        """,
        visit="""
            person_id | visit_occurrence_id | visit_start_datetime | visit_end_datetime
            p1        | 1                   | 2020-01-02 10:00     | 2020-01-05 10:00
            p1        | 2                   | 2020-01-04 10:00     |
            p2        | 3                   | 2020-01-02 10:00     |
        """,
    )  # fmt: skip
    shown = ("person_id", "sex", "birth_date", "vital_status", "death_date", "last_contact_date", "last_news_date")
    assert rows(aphp.person(feeds), *shown) == [
        ("p1", "F", "1950-05-15", "alive", None, "2020-01-05", None),
        ("p2", "M", "1960-03-15", "deceased", "2020-03-04", "2020-03-04", None),
        ("p3", "UN", None, "deceased", None, None, None),
    ]


def test_a_lift_ends_the_oppositions_before_it_of_its_scope_or_of_all(deliver):
    feeds = deliver(rights="""
        event_id | person_id | event  | scope    | event_ts         | channel
        1        | p1        | oppose | genetics | 2020-01-02 10:00 | courrier
        2        | p1        | lift   | samples  | 2020-02-02 10:00 | courrier
        3        | p1        | lift   | all      | 2020-03-02 10:00 | portail
        4        | p1        | lift   | genetics | 2020-04-02 10:00 | portail
        5        | p1        | oppose | all      | 2020-05-02 10:00 | portail
        6        | p2        | inform |          | 2020-01-02 10:00 | consultation
        7        | p2        | oppose |          | 2020-01-03 10:00 |
        8        | p2        | lift   | samples  | 2020-01-04 10:00 |
    """)  # fmt: skip
    found = aphp.rights_register(feeds)
    assert rows(found, "source_key", "scope", "state", "from_date", "to_date", "informed", "information_date", "channel") == [
        ("1", "genetics", "lifted", "2020-01-02", "2020-03-02", None, None, "letter"),
        ("5", "all", "opposed", "2020-05-02", None, None, None, "portal"),
        ("6", None, None, None, None, True, "2020-01-02", "consultation"),
        # A scope that cannot be read is one of everything: a lift of samples does not end it.
        ("7", None, "opposed", "2020-01-03", None, None, None, None),
    ]


def test_a_declared_tumour_has_a_morphology_a_topography_or_both(deliver):
    feeds = deliver(
        episode="""
        episode_id | episode_source_value | episode_object_source_value | episode_start_datetime
        1          | PRIMITIF             | 8500/3-C50.9                | 2020-01-02 08:00
        2          | PRIMITIF             | Inconnu-C34.9               |
        3          | PRIMITIF             |                             |
        4          | RECIDIVE             | C34.9                       |
    """
    )
    shown = ("source_key", "dx_date", "morphology", "behaviour", "topography", "icd10", "inferred")
    assert rows(aphp.primary_cancer(feeds), *shown) == [
        ("1", "2020-01-02", "8500/3", "3", "C50.9", None, False),
        ("2", None, None, None, "C34.9", None, False),
        ("3", None, None, None, None, None, False),
    ]


def test_codes_imply_a_tumour_for_each_category_of_a_person_who_has_none_declared(deliver):
    feeds = deliver(
        episode="episode_id | person_id | episode_source_value\n1 | p2 | PRIMITIF",
        visit=VISITS,
        condition="""
            condition_occurrence_id | person_id | visit_occurrence_id | condition_start_datetime | condition_source_value | condition_status_source_value
            1                       | p1        |                     | 2020-03-04 08:00         | C509                   | DP
            2                       | p1        | 500                 |                          | C504                   | DR
            3                       | p1        |                     |                          | C50                    | DAS
            4                       | p1        |                     |                          | C61                    | DAS
            5                       | p1        |                     | 2020-03-04 08:00         | C787                   | DAS
            6                       | p1        |                     | 2020-03-04 08:00         | C800                   | DAS
            7                       | p1        |                     | 2020-03-04 08:00         | C97                    | DAS
            8                       | p1        |                     | 2020-03-04 08:00         | Z511                   | DP
            9                       | p2        |                     | 2020-03-04 08:00         | C509                   | DP
        """,
    )  # fmt: skip
    found = aphp.primary_cancer(feeds).where("inferred")
    assert rows(found, "source_key", "icd10", "dx_date", "topography", "person_id") == [
        ("p1|C50", "C50", "2019-12-30", None, "p1"),
        ("p1|C61", "C61", None, None, "p1"),
    ]
    assert rows(found.where("icd10 = 'C50'"), "tumor_id") == [(row_id("aphp", "condition", "p1|C50"),)]


def test_an_inferred_tumour_comes_from_its_earliest_diagnosis(deliver):
    feeds = deliver(
        condition="""
        condition_occurrence_id | condition_start_datetime | condition_source_value | valid_from
        1                       | 2020-03-04 08:00         | C509                   | 2020-04-01
        2                       | 2020-03-01 08:00         | C504                   | 2020-04-02
        3                       |                          | C50                    | 2020-04-03
    """
    )
    assert rows(aphp.primary_cancer(feeds), "dx_date", "valid_from") == [("2020-03-01", "2020-04-02 00:00")]


def test_episodes_below_a_primary_are_events_lines_and_responses_of_it(deliver):
    feeds = deliver(episode=EPISODES)
    assert rows(aphp.tumor_event(feeds), "source_key", "tumor_id", "type", "event_date", "topography") == [
        ("20", TUMOUR, "progression", "2020-07-08", "C22.0"),
        ("21", TUMOUR, "recurrence", None, None),
    ]
    shown = ("line_id", "tumor_id", "line_number", "protocol_label", "start_date", "end_date")
    assert rows(aphp.treatment_line_src(feeds), *shown) == [(LINE, TUMOUR, 1, "FEC 100", "2020-02-03", "2020-06-01")]
    assert rows(aphp.response_assessment(feeds), "source_key", "tumor_id", "line_id", "response", "response_date") == [
        ("30", TUMOUR, LINE, "PR", "2020-05-06"),
        ("31", TUMOUR, None, "SD", None),
    ]


MODIFIERS = """
    measurement_id | cdm_source | measurement_type_source_value | measurement_source_value | value_source_value | value_as_number | measurement_event_id | measurement_datetime | valid_from
    1              | ORBIS      | MODIFICATEUR                  | TNM-T                    | pT3                |                 | 700                  | 2020-01-02 08:00     | 2020-02-01
    2              | ORBIS      | MODIFICATEUR                  | TNM-N                    | pN0 (i-)           |                 | 700                  | 2020-01-02 08:00     | 2020-03-01
    3              | ORBIS      | MODIFICATEUR                  | TNM-M                    | cMx                |                 | 700                  | 2020-01-02 08:00     | 2020-02-01
    4              | ORBIS      | MODIFICATEUR                  | STADE                    | IIA                |                 | 700                  | 2020-01-02 08:00     | 2020-02-01
    5              | ORBIS      | MODIFICATEUR                  | STADE                    | IV                 |                 | 701                  | 2020-01-02 08:00     | 2020-02-01
    6              | ORBIS      | MODIFICATEUR                  | GRADE                    | High Grade         |                 | 700                  | 2020-01-02 08:00     | 2020-02-01
    7              | ORBIS      | MODIFICATEUR                  | OMS                      | 1                  | 1               | 700                  | 2020-01-02 08:00     | 2020-02-01
    8              | ORBIS      | MODIFICATEUR                  | KPS                      | 80                 |                 |                      | 2020-01-02 08:00     | 2020-02-01
"""  # fmt: skip
LINKS = """
    episode_id | event_id | episode_event_field_concept_id
    1          | 700      | 1147127
    10         | 700      | 1147094
    10         | 900      | 1147094
"""


def test_the_measurements_of_one_condition_are_one_staging(deliver):
    feeds = deliver(
        measurement=MODIFIERS, episode=EPISODES, episode_link=LINKS, condition="condition_occurrence_id | condition_source_value\n700 | C509"
    )  # fmt: skip
    found = aphp.staging(feeds)
    shown = ("source_key", "tumor_id", "classification", "t", "n", "m", "stage_group", "staging_date", "valid_from")
    assert rows(found, *shown) == [
        ("700", TUMOUR, "p", "T3", "N0 (i-)", "MX", "IIA", "2020-01-02", "2020-03-01 00:00"),
        ("701", None, None, None, None, None, "IV", "2020-01-02", "2020-02-01 00:00"),
    ]
    assert rows(found, "staging_id", "dq_flags") == sorted(
        [
            (row_id("aphp", "measurement", "700"), []),
            (row_id("aphp", "measurement", "701"), ["REFERENCE_UNRESOLVED:measurement_event_id"]),
        ]
    )


def test_a_grade_and_a_score_find_their_tumour_through_their_condition(deliver):
    feeds = deliver(
        measurement=MODIFIERS, episode=EPISODES, episode_link=LINKS, condition="condition_occurrence_id | condition_source_value\n700 | C509"
    )  # fmt: skip
    assert rows(aphp.grade(feeds), "source_key", "tumor_id", "value", "system") == [("6|ORBIS", TUMOUR, "HIGH", None)]
    assert rows(aphp.performance_status(feeds), "source_key", "tumor_id", "scale", "value") == [
        ("7|ORBIS", TUMOUR, "OMS", 1),
        ("8|ORBIS", None, "KPS", 80),
    ]


def test_a_drug_finds_its_line_through_an_episode_event(deliver):
    feeds = deliver(episode=EPISODES, episode_link=LINKS, drug="""
        drug_exposure_id | drug_class_source_value | quantity | dose_unit_source_value | route_source_value | drug_type_source_value | row_status_source_value | drug_exposure_start_datetime
        900              | L01CD01                 | 100      | mg/day                 | IVES               | administration         | Validé                  | 2020-02-03 10:00
        901              |                         |          |                        |                    | prescription           | Annulé                  | 2020-02-04 10:00
    """)  # fmt: skip
    shown = ("source_key", "line_id", "tumor_id", "atc", "dose_unit", "route", "status", "provenance", "admin_datetime")
    assert rows(aphp.drug_administration(feeds), *shown) == [
        ("900", LINE, TUMOUR, "L01CD01", "mg/d", "intravesical", "completed", "admin", "2020-02-03 10:00"),
        ("901", None, None, None, None, None, "cancelled", "prescription", "2020-02-04 10:00"),
    ]


def test_the_type_of_a_measurement_chooses_its_table(deliver):
    feeds = deliver(measurement="""
        measurement_id | cdm_source | measurement_type_source_value | measurement_source_value | row_status_source_value | value_as_number | value_source_value | unit_source_value | measurement_datetime
        1              | GLIMS      | BIOLOGIE                      | CREA                     | Validé                  | 80              | 80 µmol/L          | µmol/L            | 2020-01-02 08:00
        1              | ANAPATH    | ANAPATH                       | HER2                     | Validé                  |                 | EQUIV 2+           |                   | 2020-01-02 08:00
        2              | ANAPATH    | ANAPATH                       | RE                       | Validé                  | 1.3             | NEG 1.3            |                   | 2020-01-02 08:00
        3              | GLIMS      | BIOLOGIE                      | NEW                      | Validé                  |                 | normal             | furlong           | 2020-01-02 08:00
        4              | ORBIS      | MODIFICATEUR                  | OMS                      | Validé                  | 1               | 1                  |                   | 2020-01-02 08:00
    """)  # fmt: skip
    assert rows(
        aphp.lab_result(feeds), "source_key", "local_code", "value_num", "value_text", "unit", "unit_std", "dq_flags"
    ) == [
        ("1|GLIMS", "CREA", 80.0, "80 µmol/L", "µmol/L", "umol/L", []),
        ("3|GLIMS", None, None, "normal", "furlong", None, ["CODE_UNKNOWN:local_code", "CODE_UNKNOWN:unit_std"]),
    ]
    assert rows(aphp.biomarker(feeds), "source_key", "marker", "result", "value_num", "value_text", "tested_at") == [
        ("1|ANAPATH", "her2", "equivocal", None, "2+", "2020-01-02 08:00"),
        ("2|ANAPATH", "er", "negative", 1.3, "1.3", "2020-01-02 08:00"),
    ]


def test_a_visit_is_a_stay_and_dates_the_diagnoses_that_have_no_date(deliver):
    feeds = deliver(visit=VISITS, condition="""
        condition_occurrence_id | visit_occurrence_id | condition_start_datetime | condition_source_value | condition_status_source_value
        1                       | 500                 |                          | C509                   | DP
        2                       | 999                 |                          | Z511                   | DR
        3                       |                     | 2020-03-04 08:00         | C61                    | DAS
    """)  # fmt: skip
    shown = ("encounter_id", "type", "entry_datetime", "exit_datetime", "entry_mode", "exit_mode", "care_site")
    assert rows(aphp.encounter(feeds).where("source_key = '500'"), *shown) == [
        (VISIT, "inpatient", "2019-12-30 10:00", "2020-01-03 10:00", "transfer", "death", "7502")
    ]
    assert rows(aphp.encounter(feeds).where("source_key = '501'"), "type", "exit_mode", "dq_flags") == [
        ("day_case", None, ["CODE_UNKNOWN:exit_mode"])
    ]
    assert rows(aphp.diagnosis_coded(feeds), "source_key", "icd10", "position", "diagnosis_date", "encounter_id", "dq_flags") == [
        ("1", "C50.9", "DP", "2019-12-30", VISIT, []),
        ("2", "Z51.1", "DR", None, None, ["REFERENCE_UNRESOLVED:visit_occurrence_id"]),
        ("3", "C61", "DAS", "2020-03-04", None, []),
    ]


def test_every_procedure_is_a_coded_act_and_some_are_an_operation_or_a_course(deliver):
    feeds = deliver(visit=VISITS, procedure="""
        procedure_occurrence_id | visit_occurrence_id | procedure_type_source_value | procedure_source_value | modifier_source_value | quantity | procedure_datetime | procedure_end_datetime
        1                       | 500                 | CHIRURGIE                   | QEFA004                | 4                     | 1        | 2020-01-02 10:00   |
        2                       |                     | RADIOTHERAPIE               | ZZNL050                | 12                    | 25       | 2020-02-03 10:00   | 2020-03-10 10:00
        3                       |                     | AUTRE                       | YYYY001                |                       |          | 2020-02-03 10:00   |
    """)  # fmt: skip
    assert rows(aphp.procedure_coded(feeds), "source_key", "ccam", "activity", "procedure_date", "quantity", "encounter_id") == [
        ("1", "QEFA004", 4, "2020-01-02", 1, VISIT),
        ("2", "ZZNL050", None, "2020-02-03", 25, None),
        ("3", "YYYY001", None, "2020-02-03", None, None),
    ]
    assert rows(aphp.surgery(feeds), "source_key", "ccam", "activity", "surgery_date") == [("1", "QEFA004", 4, "2020-01-02")]
    assert rows(aphp.radiotherapy_course(feeds), "source_key", "start_date", "end_date", "fractions_delivered") == [
        ("2", "2020-02-03", "2020-03-10", 25)
    ]


def test_a_sample_is_its_own_root(deliver):
    feeds = deliver(sample="""
        specimen_id | specimen_source_id | specimen_source_value | anatomic_site_source_value | quantity | unit_source_value | specimen_datetime
        1           | APH-1              | Tissu congelé         | C50.9                      | 3.5      | mg                | 2020-01-02 12:00
    """)  # fmt: skip
    this = row_id("aphp", "sample", "1")
    shown = ("specimen_id", "root_id", "parent_id", "accession", "type", "topography", "quantity", "unit", "collected_at")
    assert rows(aphp.specimen(feeds), *shown) == [
        (this, this, None, "APH-1", "frozen_tissue", "C50.9", 3.5, "mg", "2020-01-02 12:00")
    ]


def test_sites_and_concepts_become_references(deliver):
    feeds = deliver(
        care_site="""
            care_site_id | care_site_name | care_site_type_source_value | parent_care_site_id | oncology_mart
            7502         | HEGP           | Hôpital                     | 7500                | 1
        """,
        concept="""
            concept_id | concept_code | concept_name | vocabulary_id
            1          | PSA          | PSA total    | ANALYSES_LABORATOIRE
            2          | 2857-1       | PSA          | ITM_LOINC
        """,
        concept_link="concept_id_1 | concept_id_2 | relationship_id\n1 | 2 | Maps to\n2 | 1 | Mapped from",
    )  # fmt: skip
    assert rows(aphp.ref_center(feeds), "site_id", "name", "parent_finess", "parent_site_id", "oncology_mart") == [
        ("7502", "HEGP", "750712184", "7500", True)
    ]
    assert rows(aphp.vocab_map(feeds), "system", "code", "label", "target_system", "target_code", "status") == [
        ("ANALYSES_LABORATOIRE", "PSA", "PSA total", "LOINC", "2857-1", "sent")
    ]
