"""Institut Curie: what it delivers, beside the silver rows it becomes."""

import pytest

from jobs.hospitals import curie, transforms
from quality.contracts import contracts
from tests.jobs.hospitals.delivered import Delivered, row_id
from tests.tables import rows

PRIMARY, RECURRENCE, METASTASIS = "UMLS:C0677930", "UMLS:C0521158", "UMLS:C2939419"
CHEMO, SURGERY, RADIOTHERAPY = "UMLS:C3665472", "UMLS:C0728940", "UMLS:C1522449"
TUMOUR, LINE, SAMPLE = row_id("curie", "tumour", "1"), row_id("curie", "line", "10"), row_id("curie", "sample", "S1")
ENGINE = {"center", "row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id"}
# A primary, its recurrence, and a metastasis of that recurrence.
TUMOURS = f"""
    Instance_Id | TumorPathologyEvent_ParentRef | TumorPathologyEvent_Type
    1           |                               | {PRIMARY}
    2           | 1                             | {RECURRENCE}
    3           | 2                             | {METASTASIS}
"""
TREATMENTS = f"""
    Instance_Id | TumorPathologyEvent_Ref | Treatment_Type | Treatment_StartDate | Treatment_EndDate
    10          | 3                       | {CHEMO}        | 2020-01-02          | 2020-06-01
    11          | 1                       | {RADIOTHERAPY} | 2020-07-01          | 2020-08-01
"""


@pytest.fixture(scope="module")
def deliver(spark):
    return lambda **texts: Delivered(spark, curie.HOSPITAL, **texts)


def test_curie_supplies_what_the_contract_with_it_says():
    not_sent = {"lab_result", "encounter", "diagnosis_coded", "procedure_coded", "trial", "trial_enrollment"}
    from_elsewhere = {"person_link", "ref_center", "vocab_map", "vocab_unmapped"}
    assert set(transforms("curie")) == set(contracts("silver")) - not_sent - from_elsewhere


@pytest.mark.parametrize("name", transforms("curie"))
def test_a_transform_gives_the_columns_of_its_contract(deliver, name):
    frame = transforms("curie")[name](deliver())
    assert frame.columns == [column for column in contracts("silver")[name].names if column not in ENGINE]


def test_of_a_death_and_of_last_news_only_the_month_is_known(deliver):
    feeds = deliver(patient="""
        person_id | Patient_Gender | Patient_BirthDate | Patient_DeathDate | Patient_LastNewsDate | Patient_LastNewsStatus | Patient_CauseOfDeath
        p1        | HL7:F          | 1950-05-15        | 2020-01-15        | 2020-01-15           | UMLS:C1546956          | UMLS:C0277589
        p2        | HL7:UN         |                   |                   | 2021-02-15           | UMLS:C2584946          |
        p3        | HL7:M          |                   |                   |                      |                        |
    """)  # fmt: skip
    found = curie.person(feeds)
    assert rows(found, "person_id", "sex", "vital_status", "death_date", "death_date_precision", "death_cause") == [
        ("p1", "F", "deceased", "2020-01-15", "month", "unknown"),
        ("p2", "UN", "alive", None, None, None),
        ("p3", "M", None, None, None, None),
    ]
    assert rows(found, "person_id", "birth_date_precision", "last_contact_date", "last_contact_date_precision") == [
        ("p1", "month", "2020-01-15", "month"),
        ("p2", None, "2021-02-15", "month"),
        ("p3", None, None, None),
    ]


def test_a_date_of_three_numbers_is_as_precise_as_what_is_filled(deliver):
    feeds = deliver(rights="""
        person_id | scope    | opposition | patientinformed | oppositiondateyear | oppositiondatemonth | oppositiondateday | informationdateyear
        p1        | all      | true       | true            | 2020               | 1                   | 31                |
        p2        | genetics | false      | true            | 2020               | 2                   |                   |
        p3        | samples  | true       | true            | 2020               |                     |                   | 2019
        p4        | industry | true       | true            | 2020               | 2                   | 31                |
        p5        |          | false      | true            |                    |                     |                   |
    """)  # fmt: skip
    found = curie.rights_register(feeds)
    assert rows(found, "person_id", "scope", "state", "from_date", "from_date_precision", "information_date") == [
        ("p1", "all", "opposed", "2020-01-31", "day", None),
        ("p2", "genetics", "lifted", "2020-02-15", "month", None),
        ("p3", "samples", "opposed", "2020-07-01", "year", "2019-07-01"),
        ("p4", "industry", "opposed", None, None, None),
        ("p5", None, None, None, None, None),
    ]
    assert rows(found.where("person_id = 'p5'"), "scope_null_reason", "state_null_reason", "dq_flags") == [
        ("not_applicable", "not_applicable", [])
    ]


def test_an_opposition_without_scope_or_that_cannot_be_read_is_in_force(deliver):
    feeds = deliver(rights="""
        person_id | scope | opposition | sent.opposition
        p1        |       | true       | true
        p2        |       |            | perhaps
    """)  # fmt: skip
    assert rows(curie.rights_register(feeds), "scope", "state", "state_source_value") == [
        (None, "opposed", "perhaps"),
        (None, "opposed", "true"),
    ]


def test_a_tumour_row_of_type_primary_is_a_cancer(deliver):
    feeds = deliver(tumour=f"""
        Instance_Id | TumorPathologyEvent_Type | TumorPathologyEvent_StartDate | TumorPathologyEvent_DiagnosisDate | TumorPathologyEvent_TopographyCode | TumorPathologyEvent_MorphologyCode | TumorPathologyEvent_Laterality | sent.TumorPathologyEvent_Laterality
        1           | {PRIMARY}                | 2020-01-05                    | 2020-01-02                        | ICDO3:C50.9                        | ICDO3:8500/3                       | UMLS:C0205091                  | UMLS:C0205091
        4           | {PRIMARY}                | 2020-01-05                    |                                   |                                    |                                    |                                | UMLS:C0439673
        5           | {PRIMARY}                |                               |                                   |                                    |                                    | UMLS:C1272460                  | UMLS:C1272460
        6           | {RECURRENCE}             | 2020-01-05                    |                                   |                                    |                                    |                                |
    """)  # fmt: skip
    shown = ("source_key", "dx_date", "topography", "morphology", "behaviour", "laterality", "laterality_null_reason", "inferred")
    assert rows(curie.primary_cancer(feeds), *shown) == [
        ("1", "2020-01-02", "C50.9", "8500/3", "3", "left", None, False),
        ("4", "2020-01-05", None, None, None, None, "unknown", False),
        ("5", None, None, None, None, "not_applicable", None, False),
    ]


def test_an_event_belongs_to_the_primary_at_the_head_of_its_chain(deliver):
    found = curie.tumor_event(deliver(tumour=TUMOURS))
    assert rows(found, "source_key", "type", "tumor_id") == [("2", "recurrence", TUMOUR), ("3", "metastasis", TUMOUR)]


def test_a_chain_that_ends_without_a_primary_has_no_tumour(deliver):
    feeds = deliver(
        tumour=f"""
        Instance_Id | TumorPathologyEvent_ParentRef | TumorPathologyEvent_Type
        2           |                               | {RECURRENCE}
        3           | 2                             | {METASTASIS}
    """
    )
    assert rows(curie.tumor_event(feeds), "source_key", "tumor_id") == [("2", None), ("3", None)]


def test_a_tnm_row_takes_the_stage_of_its_tumour_and_a_stage_alone_is_a_staging_too(deliver):
    feeds = deliver(
        tumour=f"""
            Instance_Id | TumorPathologyEvent_Type | TumorPathologyEvent_DiagnosisDate | TumorPathologyEvent_StadeType | TumorPathologyEvent_StadeValue
            1           | {PRIMARY}                | 2020-01-02                        | UICC                          | IIA
            4           | {PRIMARY}                | 2020-01-03                        | FIGO                          | IIIC
            5           | {PRIMARY}                | 2020-01-04                        |                               |
        """,
        tnm="""
            Instance_Id | TumorPathologyEvent_Ref | TNM_Version                         | TNM_Type | TNM_T | TNM_N   | TNM_M
            20          | 1                       | UICC TNM Classification 7th edition | p        | T2    | N0 (i-) | Mx
            21          | 1                       |                                     | y        | ypT0  |         |
        """,
    )  # fmt: skip
    found = curie.staging(feeds)
    shown = ("source_key", "staging_date", "classification", "edition", "t", "n", "m", "stage_group", "other_value")
    assert rows(found, *shown) == [
        ("20", "2020-01-02", "p", "7", "T2", "N0 (i-)", "MX", "IIA", None),
        ("21", None, "y", None, "T0", None, None, "IIA", None),
        ("4", "2020-01-03", None, None, None, None, None, "IIIC", "IIIC"),
    ]
    assert rows(found.where("t = 'T2'"), "staging_id", "tumor_id") == [(row_id("curie", "tnm", "20"), TUMOUR)]


def test_a_tumour_row_may_carry_a_grade_and_two_scores(deliver):
    feeds = deliver(tumour=f"""
        Instance_Id | TumorPathologyEvent_Type | TumorPathologyEvent_HistologicalGradeType | TumorPathologyEvent_HistologicalGradeValue | TumorPathologyEvent_PerformanceStatus | TumorPathologyEvent_G8
        1           | {PRIMARY}                | HISTO                                     | High Grade                                 | 0                                     | 14
        4           | {PRIMARY}                |                                           |                                            |                                       |
    """)  # fmt: skip
    assert rows(curie.grade(feeds), "tumor_id", "system", "value") == [(TUMOUR, "histological", "HIGH")]
    assert rows(curie.performance_status(feeds), "source_key", "performance_status_id", "scale", "value") == [
        ("1:1", row_id("curie", "tumour", "1:1"), "OMS", 0),
        ("1:2", row_id("curie", "tumour", "1:2"), "G8", 14),
    ]


def test_a_treatment_is_a_line_or_an_operation_by_its_type(deliver):
    feeds = deliver(
        tumour=TUMOURS,
        line=f"""
            Instance_Id | TumorPathologyEvent_Ref | Treatment_Type | Treatment_LineNumber | Treatment_ActivityCode | Treatment_StartDate | Treatment_ClinicalTrialId | Treatment_SurgeryResectionQuality
            10          | 1                       | {CHEMO}        | 1                    |                        | 2020-01-02          | ESSAI-001                 |
            11          | 3                       | UMLS:C0439673  | 2                    |                        |                     |                           |
            12          |                         | {SURGERY}      |                      | CCAM:QEFA004           | 2020-02-03          |                           | R0
            13          | 1                       | {RADIOTHERAPY} |                      |                        | 2020-03-04          |                           |
        """,
    )  # fmt: skip
    assert rows(curie.treatment_line_src(feeds), "source_key", "tumor_id", "line_number", "treatment_type", "trial_code") == [
        ("10", TUMOUR, 1, "chemotherapy", "ESSAI-001"),
        ("11", TUMOUR, 2, "unknown_drug", None),
    ]
    assert rows(curie.surgery(feeds), "source_key", "tumor_id", "surgery_date", "ccam", "resection") == [
        ("12", None, "2020-02-03", "QEFA004", "R0")
    ]


def test_a_drug_has_the_dates_of_its_treatment(deliver):
    feeds = deliver(tumour=TUMOURS, line=TREATMENTS, drug="""
        Instance_Id | Treatment_Ref | Drug_Code   | Drug_Name
        1           | 10            | ATC:L01CD01 | Taxol
        2           | 11            |             | Xofigo
    """)  # fmt: skip
    assert rows(
        curie.drug_administration(feeds), "source_key", "line_id", "tumor_id", "atc", "admin_datetime", "end_datetime"
    ) == [
        ("1", LINE, TUMOUR, "L01CD01", "2020-01-02 00:00", "2020-06-01 00:00"),
        # A radiotherapy is no line.
        ("2", None, TUMOUR, None, "2020-07-01 00:00", "2020-08-01 00:00"),
    ]


def test_a_treatment_of_another_patient_lends_nothing(deliver):
    feeds = deliver(
        line=f"person_id | Instance_Id | Treatment_Type\np2 | 10 | {CHEMO}", drug="Instance_Id | Treatment_Ref\n1 | 10"
    )
    assert rows(curie.drug_administration(feeds), "person_id", "line_id") == [("p1", None)]


def test_the_doses_of_a_course_are_added_up(deliver):
    feeds = deliver(
        tumour=TUMOURS,
        line=TREATMENTS,
        radiotherapy="""
            Instance_Id | Treatment_Ref | Course_Type | Course_TreatmentIntent | Course_NumberOfSessions | Course_StartDate | Course_TerminationReason
            1           | 11            | brachy      | palliative             | 25                      | 2020-07-01       | fin prévue
            2           | 11            | external    |                        |                         |                  |
        """,
        radiotherapy_dose="""
            Instance_Id | CourseRT_Ref | DoseToVolume_TotalDose
            1           | 1            | 50.4
            2           | 1            | 16
        """,
    )  # fmt: skip
    shown = ("source_key", "tumor_id", "intent", "modality", "fractions_delivered", "total_dose_gy")
    found = curie.radiotherapy_course(feeds)
    assert rows(found, *shown) == [
        ("1", TUMOUR, "palliative", "brachytherapy", 25, 66.4),
        ("2", TUMOUR, None, "external", None, None),
    ]
    assert rows(found, "end_reason", "end_reason_source_value", "dq_flags") == [(None, None, []), (None, "fin prévue", [])]


def test_a_response_and_an_adverse_event_belong_to_the_line_of_their_treatment(deliver):
    feeds = deliver(
        tumour=TUMOURS,
        line=TREATMENTS,
        response="""
            Instance_Id | Treatment_Ref | ResponseEvaluation_Date | ResponseEvaluation_Status
            1           | 10            | 2020-03-04              | OSIRIS:PR
            2           |               |                         | OSIRIS:NE
        """,
        toxicity="""
            Instance_Id | Treatment_Ref | TumorPathologyEvent_Ref | AdverseEvent_Code | AdverseEvent_Date | AdverseEvent_Grade
            1           | 10            |                         | Nausées           | 2020-02-03        | 3
            2           | 11            | 1                       | 10028813          | 2020-02-04        | 2
        """,
    )  # fmt: skip
    assert rows(curie.response_assessment(feeds), "source_key", "line_id", "tumor_id", "response") == [
        ("1", LINE, TUMOUR, "PR"),
        ("2", None, None, "NE"),
    ]
    assert rows(curie.adverse_event(feeds), "source_key", "line_id", "tumor_id", "ctcae_term", "meddra", "grade") == [
        ("1", LINE, TUMOUR, "Nausées", None, 3),
        ("2", None, TUMOUR, None, "10028813", 2),
    ]


def test_a_biomarker_value_is_a_word_and_what_is_in_brackets(deliver):
    feeds = deliver(
        tumour=TUMOURS,
        analysis="""
            Instance_Id | TumorPathologyEvent_Ref | BiologicalSample_Ref | Analysis_Type | Analysis_Date
            1           | 2                       | S1                   | OSIRIS:C37-4  | 2020-01-02
        """,
        biomarker="""
            Instance_Id | Analysis_Ref | Biomarker_Code | Biomarker_Value
            1           | 1            | OSIRIS:C39-33  | NEG (1.3)
            2           | 1            | OSIRIS:C39-31  | POS (90-99%)
            3           | 1            | LOCAL:MMR      | ECHEC
            4           | 1            | OSIRIS:C39-99  | BOF
        """,
    )  # fmt: skip
    found = curie.biomarker(feeds)
    assert rows(found, "source_key", "marker", "result", "value_num", "value_text", "tested_at") == [
        ("1", "her2", "negative", 1.3, "1.3", "2020-01-02 00:00"),
        ("2", "er", "positive", None, "90-99%", "2020-01-02 00:00"),
        ("3", "mmr", "failed", None, None, "2020-01-02 00:00"),
        ("4", None, None, None, None, "2020-01-02 00:00"),
    ]
    assert rows(found.where("source_key = '4'"), "tumor_id", "specimen_id", "dq_flags") == [
        (TUMOUR, SAMPLE, ["CODE_UNKNOWN:marker", "CODE_UNKNOWN:result"])
    ]


def test_a_sample_knows_its_root_its_tumour_and_the_consent(deliver):
    feeds = deliver(
        tumour=TUMOURS,
        consent="Instance_Id | Consent_GeneticAnalysisAuthorization\n7 | true",
        sample="""
            BiologicalSample_ExternalAccession | BiologicalSample_ParentExternalAccession | TumorPathologyEvent_Ref | Consent_Ref | BiologicalSample_Nature | BiologicalSample_Origin | BiologicalSample_StorageTemperature | BiologicalSample_CollectDate
            S1                                 |                                          | 3                       | 7           | UMLS:C4039816           | OSIRIS:O59-2            | OSIRIS:C60-4                        | 2020-01-02
            S2                                 | S1                                       | 9                       | 8           | UMLS:C0012854           | OSIRIS:O59-1            |                                     |
            S3                                 | S2                                       |                         |             | UMLS:C0012854           | OSIRIS:O59-1            |                                     |
        """,
    )  # fmt: skip
    found = curie.specimen(feeds)
    assert rows(found, "accession", "root_id", "tumor_id", "genetic_consent", "type", "origin", "storage") == [
        ("S1", SAMPLE, TUMOUR, True, "frozen_tissue", "tumoral", "minus_80"),
        ("S2", SAMPLE, None, None, "dna", "normal", None),
        ("S3", SAMPLE, None, None, "dna", "normal", None),
    ]
    assert rows(found, "accession", "parent_id", "dq_flags") == [
        ("S1", None, []),
        ("S2", SAMPLE, ["REFERENCE_UNRESOLVED:TumorPathologyEvent_Ref", "REFERENCE_UNRESOLVED:Consent_Ref"]),
        ("S3", row_id("curie", "sample", "S2"), []),
    ]


ANALYSES = """
    Instance_Id | BiologicalSample_Ref | Analysis_Type | Analysis_Date | Technology_TechnicalProtocol | Panel_Name
    1           | S1                   | OSIRIS:C37-3  | 2020-01-02    | OSIRIS:O6-4                  | PANEL-A
    2           | S1                   | OSIRIS:C37-3  | 2021-01-02    | OSIRIS:O6-5                  | PANEL-B
    3           | S1                   | OSIRIS:C37-4  | 2022-01-02    |                              |
"""


def test_only_omic_analyses_are_sequencings(deliver):
    found = curie.molecular_analysis(deliver(analysis=ANALYSES))
    assert rows(found, "source_key", "specimen_id", "protocol", "panel_id", "analysis_date") == [
        ("1", SAMPLE, "panel", "PANEL-A", "2020-01-02"),
        ("2", SAMPLE, "exome", "PANEL-B", "2021-01-02"),
    ]


def test_a_variant_belongs_to_the_newest_omic_analysis_of_its_sample(deliver):
    feeds = deliver(analysis=ANALYSES, variant="""
        Tumor_Sample_Barcode | NCBI_Build | Chromosome | Start_Position | Reference_Allele | Tumor_Seq_Allele2 | Hugo_Symbol | Variant_Classification | t_depth | t_alt_count
        S1                   | GRCh37     | 17         | 7577120        | C                | -                 | TP53        | Frame_Shift_Del        | 40      | 10
        S9                   | GRCh37     | X          | 1              | -                | A                 | AR          |                        | 0       | 0
    """)  # fmt: skip
    shown = ("analysis_id", "specimen_id", "chrom", "pos", "ref", "alt", "gene_hgnc", "classification", "vaf")
    assert rows(curie.variant(feeds), *shown) == [
        (None, row_id("curie", "sample", "S9"), "X", 1, "-", "A", "AR", None, None),
        (row_id("curie", "analysis", "2"), SAMPLE, "17", 7577120, "C", "-", "TP53", "Frame_Shift_Del", 0.25),
    ]


def test_a_line_of_a_panel_file_is_a_gene(deliver):
    found = curie.panel_gene(deliver(panel="PANEL | GENE\nPANEL-A | TP53"))
    assert rows(found, "panel_gene_id", "panel_id", "symbol") == [(row_id("curie", "panel", "PANEL-A|TP53"), "PANEL-A", "TP53")]
