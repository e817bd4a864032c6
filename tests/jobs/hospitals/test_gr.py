"""Gustave Roussy: what it delivers, beside the silver rows it becomes."""

import pytest

from jobs.hospitals import gr, transforms
from jobs.silver.conform import PROVENANCE
from quality.contracts import contracts
from tests.jobs.hospitals.delivered import Delivered, row_id
from tests.tables import rows

TUMOUR, LINE, SAMPLE = row_id("gr", "tumour", "t1"), row_id("gr", "line", "l1"), row_id("gr", "sample", "s1")
ENGINE = {"center", "row_hash", "ingested_at", "valid_to", "is_current", "is_deleted", "load_id"}
KNOWN = {"tumour": "ID_TUMEUR\nt1", "line": "ID_LIGNE\nl1", "sample": "ID_PRELEV\ns1"}


@pytest.fixture(scope="module")
def deliver(spark):
    return lambda **texts: Delivered(spark, gr.HOSPITAL, **texts)


def test_every_table_that_gustave_roussy_supplies_has_its_transform():
    from_elsewhere = {"person_link", "ref_center", "vocab_map", "vocab_unmapped"}
    assert set(transforms("gr")) == set(contracts("silver")) - from_elsewhere


@pytest.mark.parametrize("name", transforms("gr"))
def test_a_transform_gives_the_columns_of_its_contract(deliver, name):
    frame = transforms("gr")[name](deliver())
    assert frame.columns == [column for column in contracts("silver")[name].names if column not in ENGINE]


def test_a_patient_lost_to_follow_up_is_alive(deliver):
    feeds = deliver(patient="""
        person_id | SEXE | DATE_NAISSANCE | STATUT_VITAL | DATE_DERNIERES_NOUVELLES | DATE_DECES | CAUSE_DECES
        p1        | F    | 1950-05-15     | PDV          | 2020-01-02               |            |
        p2        | I    |                | D            |                          | 2019-03-04 | NSP
        p3        | M    |                |              |                          |            |
    """)  # fmt: skip
    shown = (
        "person_id",
        "sex",
        "birth_date",
        "birth_date_precision",
        "vital_status",
        "last_contact_date",
        "death_date",
        "death_cause",
    )
    assert rows(gr.person(feeds), *shown) == [
        ("p1", "F", "1950-05-15", "month", "alive", "2020-01-02", None, None),
        ("p2", "UN", None, None, "deceased", None, "2019-03-04", "unknown"),
        ("p3", "M", None, None, None, None, None, None),
    ]


def test_a_line_of_the_rights_list_is_an_opposition_a_lift_or_an_information(deliver):
    feeds = deliver(rights="""
        person_id | INFORME | OPPOSITION | PORTEE | DATE_OPPOSITION | DATE_LEVEE | CANAL
        p1        | true    | true       | TOUT   | 2020-01-02      |            | PORTAIL
        p2        | true    | false      | TOUT   | 2020-01-02      | 2021-01-02 |
        p3        | true    | false      |        |                 |            |
    """)  # fmt: skip
    shown = ("person_id", "scope", "state", "scope_null_reason", "state_null_reason", "from_date", "to_date", "channel")
    assert rows(gr.rights_register(feeds), *shown) == [
        ("p1", "all", "opposed", None, None, "2020-01-02", None, "portal"),
        ("p2", "all", "lifted", None, None, "2020-01-02", "2021-01-02", None),
        ("p3", None, None, "not_applicable", "not_applicable", None, None, None),
    ]


def test_an_opposition_without_scope_or_that_cannot_be_read_is_in_force(deliver):
    feeds = deliver(rights="""
        person_id | OPPOSITION | sent.OPPOSITION | PORTEE | sent.PORTEE | DATE_OPPOSITION
        p1        | true       | O               |        |             | 2020-01-02
        p2        |            | X               |        |             |
        p3        |            |                 | TOUT   | TOUT        | 2020-01-02
        p4        | true       | O               |        | PARTOUT     | 2020-01-02
        p5        | false      | N               |        |             |
    """)  # fmt: skip
    assert rows(gr.rights_register(feeds), "person_id", "scope", "scope_source_value", "state", "state_source_value") == [
        ("p1", None, None, "opposed", "O"),
        ("p2", None, None, "opposed", "X"),
        ("p3", "all", "TOUT", "opposed", None),
        ("p4", None, "PARTOUT", "opposed", "O"),
        ("p5", None, None, None, None),
    ]


def test_na_is_a_side_and_a_partial_date_says_so(deliver):
    feeds = deliver(tumour="""
        ID_TUMEUR | DATE_DIAG  | DATE_DIAG_precision | LATERALITE | CODE_CIM10 | MORPHO_CIMO3 | META_DIAG | DIAG_CENTRE
        t1        | 2019-05-15 | month               | NA         | C50.9      | 8500/3       | false     | true
        t2        |            |                     | D          | C61        |              |           |
    """)  # fmt: skip
    found = gr.primary_cancer(feeds)
    assert rows(found, "source_key", "dx_date", "dx_date_precision", "laterality", "icd10", "behaviour", "dq_flags") == [
        ("t1", "2019-05-15", "month", "not_applicable", "C50.9", "3", ["DATE_PARTIAL:dx_date"]),
        ("t2", None, None, "right", "C61", None, []),
    ]
    assert rows(found, "de_novo_metastatic", "in_center_dx", "inferred") == [(None, None, False), (False, True, False)]
    assert rows(found, "tumor_id") == sorted([(TUMOUR,), (row_id("gr", "tumour", "t2"),)])


def test_an_event_type_outside_the_list_stays_as_it_was_sent(deliver):
    feeds = deliver(event="""
        ID_EVT | ID_TUMEUR | TYPE_EVT   | sent.TYPE_EVT | DATE_EVT   | DATE_EVT_precision | PREUVE
        e1     | t1        | METASTASE  | METASTASE     | 2020-01-02 | day                | HISTO
        e2     | t1        |            | RECHUTE       |            |                    |
    """)  # fmt: skip
    shown = ("source_key", "tumor_id", "type", "type_source_value", "event_date", "evidence")
    assert rows(gr.tumor_event(feeds), *shown) == [
        ("e1", TUMOUR, "metastasis", "METASTASE", "2020-01-02", "histology"),
        ("e2", TUMOUR, None, "RECHUTE", None, None),
    ]


def test_a_tumour_with_a_stage_is_staged_a_tumour_with_a_grade_is_graded(deliver):
    feeds = deliver(tumour="""
        ID_TUMEUR | DATE_DIAG  | DATE_DIAG_precision | TNM_TYPE | TNM_VERSION | T   | N       | M  | STADE | GRADE_TYPE | GRADE | OMS_DIAG
        t1        | 2019-05-15 | month               | p        | 7           | pT3 | N0 (i-) | Mx |       | GLEASON    | 7     | 1
        t2        | 2019-05-15 | day                 | y        |             |     |         |    | IIA   |            | G9    |
        t3        | 2019-05-15 | day                 | c        | 7           |     |         |    |       |            |       |
    """)  # fmt: skip
    assert rows(gr.staging(feeds), "source_key", "staging_date", "classification", "edition", "t", "n", "m", "stage_group") == [
        ("t1", "2019-05-15", "p", "7", "T3", "N0 (i-)", "MX", None),
        ("t2", None, "y", None, None, None, None, "IIA"),
    ]
    assert rows(gr.grade(feeds), "source_key", "system", "value", "value_source_value", "grade_date_precision") == [
        ("t1", "gleason", "7", "7", "month"),
        ("t2", None, None, "G9", "day"),
    ]
    assert rows(gr.grade(feeds).where("value IS NULL"), "dq_flags") == [(["CODE_UNKNOWN:value"],)]
    assert rows(gr.performance_status(feeds), "tumor_id", "scale", "value") == [(TUMOUR, "OMS", 1)]


def test_a_declared_line_is_a_line(deliver):
    feeds = deliver(line="""
        ID_LIGNE | ID_TUMEUR | NUM_LIGNE | LIBELLE_PROTOCOLE | TYPE_LIGNE | INTENTION | DATE_DEBUT | DATE_FIN   | NB_CURES | MOTIF_ARRET
        l1       | t1        | 1         | FEC 100           | ADJ        | CURATIF   | 2020-01-02 | 2020-06-01 | 6        | PDV
    """)  # fmt: skip
    shown = ("line_id", "tumor_id", "line_number", "setting", "intent", "start_date", "end_date", "n_cycles", "stop_reason")
    assert rows(gr.treatment_line_src(feeds), *shown) == [
        (LINE, TUMOUR, 1, "adjuvant", "curative", "2020-01-02", "2020-06-01", 6, "lost_to_follow_up")
    ]


def test_an_administration_keeps_an_unknown_line_as_a_flag(deliver):
    feeds = deliver(**KNOWN, drug="""
        ID_ADMIN | ID_TUMEUR | ID_LIGNE | CODE_UCD      | DOSE_ADMIN | UNITE | VOIE | DATE_ADMIN | STATUT
        a1       | t1        | l1       | 9206536       | 100        | MG    | IV   | 2020-01-02 | ADMINISTRE
        a2       |           | l9       | 3400892065366 | 1.5        | AUC   | PO   | 2020-01-03 | ANNULE
        a3       |           |          |               | 3          | drop  |      | 2020-01-04 | REPORTE
    """)  # fmt: skip
    shown = (
        "source_key",
        "tumor_id",
        "line_id",
        "ucd13",
        "dose_value",
        "dose_unit",
        "route",
        "admin_datetime",
        "status",
        "dq_flags",
    )
    assert rows(gr.drug_administration(feeds), *shown) == [
        ("a1", TUMOUR, LINE, "3400892065366", 100.0, "mg", "intravenous", "2020-01-02 00:00", "completed", []),
        (
            "a2",
            None,
            None,
            "3400892065366",
            1.5,
            "{AUC}",
            "oral",
            "2020-01-03 00:00",
            "cancelled",
            ["REFERENCE_UNRESOLVED:ID_LIGNE"],
        ),
        ("a3", None, None, None, 3.0, None, None, "2020-01-04 00:00", "postponed", ["CODE_UNKNOWN:dose_unit"]),
    ]


def test_acts_and_courses(deliver):
    feeds = deliver(
        surgery="""
        ID_ACTE | ID_TUMEUR | DATE_ACTE  | DATE_ACTE_precision | CODE_CCAM | ACTIVITE | RESECTION
        c1      | t1        | 2020-07-01 | year                | QEFA004   | 4        | R0
    """,
        radiotherapy="""
        ID_COURSE | ID_TUMEUR | INTENTION | TECHNIQUE | NB_FRACTIONS_PREVU | NB_FRACTIONS_REALISE | DOSE_TOTALE_GY | DATE_DEBUT
        r1        |           | PALLIATIF | CURIE     | 25                 | 20                   | 50             | 2020-01-02
    """,
    )
    assert rows(gr.surgery(feeds), "tumor_id", "surgery_date", "surgery_date_precision", "ccam", "activity", "resection") == [
        (TUMOUR, "2020-07-01", "year", "QEFA004", 4, "R0")
    ]
    shown = (
        "tumor_id",
        "intent",
        "technique",
        "fractions_planned",
        "fractions_delivered",
        "total_dose_gy",
        "start_date_precision",
    )
    assert rows(gr.radiotherapy_course(feeds), *shown) == [(None, "palliative", "brachytherapy", 25, 20, 50.0, "day")]


def test_a_response_and_an_adverse_event_belong_to_a_line(deliver):
    feeds = deliver(**KNOWN, response="""
        ID_EVAL | ID_TUMEUR | ID_LIGNE | DATE_EVAL  | METHODE  | SOMME_CIBLES_MM | NOUVELLE_LESION | REPONSE
        v1      | t1        | l1       | 2020-01-02 | RECIST11 | 12.5            | true            | ST
    """, toxicity="""
        ID_EI | ID_LIGNE | TERME_CTCAE | GRADE | GRAVE | IMPUTABILITE | DATE_DEBUT
        x1    | l1       | Anémie      | 2     | false | POSSIBLE     | 2020-01-02
    """)  # fmt: skip
    shown = ("tumor_id", "line_id", "response_date", "method", "sum_diameters_mm", "new_lesion", "response")
    assert rows(gr.response_assessment(feeds), *shown) == [(TUMOUR, LINE, "2020-01-02", "recist_1_1", 12.5, True, "SD")]
    assert rows(gr.adverse_event(feeds), "line_id", "ctcae_term", "grade", "serious", "related", "start_date") == [
        (LINE, "Anémie", 2, False, "possible", "2020-01-02")
    ]


def test_a_laboratory_result_is_a_number_with_its_sign_or_a_text(deliver):
    feeds = deliver(lab="""
        ID_RES | DATE_PRELEV      | CODE_ANALYSE_LOCAL | VALEUR | UNITE | STATUT
        b1     | 2020-01-02 08:30 | PSA                | <0,1   | ng/mL | VALIDE
        b2     | 2020-01-02 08:30 | PLAQ               | 250    | G/L   | VALIDE
        b3     | 2020-01-02 08:30 | XYZ                | NORMAL | pinch | VALIDE
    """)  # fmt: skip
    shown = (
        "source_key",
        "local_code",
        "value_num",
        "operator",
        "operator_null_reason",
        "value_text",
        "unit",
        "unit_std",
        "value_std",
        "collected_at",
    )
    found = gr.lab_result(feeds)
    assert rows(found, *shown) == [
        ("b1", "PSA", 0.1, "<", None, None, "ng/mL", "ng/mL", 0.1, "2020-01-02 08:30"),
        ("b2", "PLAQ", 250.0, None, "not_applicable", None, "G/L", "10*9/L", 250.0, "2020-01-02 08:30"),
        ("b3", None, None, None, "not_applicable", "NORMAL", "pinch", None, None, "2020-01-02 08:30"),
    ]
    assert rows(found.where("local_code IS NULL"), "local_code_source_value", "dq_flags") == [
        ("XYZ", ["CODE_UNKNOWN:local_code", "CODE_UNKNOWN:unit_std"])
    ]
    assert rows(found.where("local_code = 'PSA'"), "local_code_code", "local_code_system") == [("2857-1", "LOINC")]


def test_a_marker_value_is_a_number_only_where_all_of_it_is(deliver):
    feeds = deliver(**KNOWN, biomarker="""
        ID_BM | ID_TUMEUR | ID_PRELEV | MARQUEUR | RESULTAT | VALEUR | UNITE | METHODE | DATE_RESULTAT
        m1    | t1        | s1        | HER2     | EQUIV    | 2+     |       | IHC     | 2020-01-02
        m2    | t1        |           | KI67     | POS      | 12,5   | %     | IHC     |
    """)  # fmt: skip
    shown = (
        "source_key",
        "specimen_id",
        "marker",
        "marker_code",
        "result",
        "value_num",
        "value_text",
        "tested_at",
        "tested_at_precision",
    )
    assert rows(gr.biomarker(feeds), *shown) == [
        ("m1", SAMPLE, "her2", "HGNC:3430", "equivocal", None, "2+", "2020-01-02 00:00", "day"),
        ("m2", None, "ki67", "HGNC:7107", "positive", 12.5, "12,5", None, None),
    ]


def test_a_sample_knows_its_parent_and_the_head_of_its_chain(deliver):
    feeds = deliver(tumour="ID_TUMEUR\nt1", sample="""
        ID_PRELEV | ID_PARENT | ID_TUMEUR | NATURE        | ORIGINE | DATE_PRELEV | DATE_PRELEV_precision | TEMP_STOCK | QUANTITE | UNITE | STATUT
        s1        |           | t1        | TISSU_CONGELE | TUMORAL | 2020-01-15  | month                 | -80        | 12       | mg    | DISPONIBLE
        s2        | s1        | t9        | ADN           | TUMORAL |             |                       |            |          |       |
    """)  # fmt: skip
    second = row_id("gr", "sample", "s2")
    shown = ("specimen_id", "parent_id", "root_id", "tumor_id", "type", "collected_at", "storage", "unit", "availability")
    assert rows(gr.specimen(feeds), *shown) == sorted(
        [
            (SAMPLE, None, SAMPLE, TUMOUR, "frozen_tissue", "2020-01-15 00:00", "minus_80", "mg", "available"),
            (second, SAMPLE, SAMPLE, None, "dna", None, None, None, None),
        ],
        key=lambda row: row[0],
    )
    assert rows(gr.specimen(feeds), "accession", "dq_flags") == [
        ("s1", ["DATE_PARTIAL:collected_at"]),
        ("s2", ["REFERENCE_UNRESOLVED:ID_TUMEUR"]),
    ]


def test_an_analysis_its_panel_and_its_variants(deliver):
    feeds = deliver(sample="ID_PRELEV\ns1", analysis="""
        ID_ANALYSE | ID_PRELEV | ID_PRELEV_NORMAL | TYPE_ANALYSE | CODE_PANEL | GENOME | DATE_ANALYSE
        n1         | s1        | s9               | EXOME        | WES        | GRCh37 | 2020-01-02
    """, panel="""
        CODE_PANEL | VERSION | GENE
        WES        | 1       | TP53
    """, variant="""
        ID_ANALYSE | NCBI_Build | Chromosome | Start_Position | End_Position | Reference_Allele | Tumor_Seq_Allele2 | Hugo_Symbol | Variant_Classification | t_depth | t_alt_count | Tumor_Sample_Barcode
        n1         | GRCh37     | 17         | 7577120        | 7577120      | C                | -                 | TP53        | Frame_Shift_Del        | 40      | 10          | s1
        n1         | GRCh37     | 1          | 100            | 100          | A                | T                 | NRAS        | Missense_Mutation      | 0       | 0           | s1
    """)  # fmt: skip
    analysis = row_id("gr", "analysis", "n1")
    shown = ("analysis_id", "specimen_id", "matched_normal_id", "protocol", "panel_id", "build", "build_code", "dq_flags")
    assert rows(gr.molecular_analysis(feeds), *shown) == [
        (analysis, SAMPLE, None, "exome", "WES", "GRCh37", "O22-1", ["REFERENCE_UNRESOLVED:ID_PRELEV_NORMAL"])
    ]
    assert rows(gr.panel_gene(feeds), "panel_id", "version", "symbol") == [("WES", "1", "TP53")]
    assert rows(
        gr.variant(feeds), "analysis_id", "specimen_id", "chrom", "pos", "ref", "alt", "gene_hgnc", "vaf", "classification_code"
    ) == [
        (analysis, SAMPLE, "1", 100, "A", "T", "NRAS", None, "SO:0001583"),
        (analysis, SAMPLE, "17", 7577120, "C", "-", "TP53", 0.25, "SO:0001589"),
    ]


UNITS = """
    NADL | N_RUM | DATE_ENTREE | MODE_ENTREE | DATE_SORTIE | MODE_SORTIE | NB_SEANCES | DP    | DR   | DAS               | ACTES
    st1  | 2     | 2020-01-05  | 6           | 2020-01-07  | 6           | 1          | C509  |      | ["I10", "C787"]   |
    st1  | 1     | 2020-01-02  | 8           | 2020-01-05  | 6           | 0          | Z5101 | C509 |                   | [{"DATE": "2020-01-03", "CCAM": "QEFA004", "ACTIVITE": "4", "NB_EXEC": 2}, {"CCAM": "ZZNL050", "ACTIVITE": "A"}]
    st1  | 10    | 2020-01-07  | 6           | 2020-01-09  | 9           | 2          | C509  |      |                   |
"""


def test_a_stay_goes_from_its_first_unit_to_its_last(deliver):
    stay = row_id("gr", "stay", "st1")
    shown = (
        "encounter_id",
        "source_key",
        "entry_datetime",
        "entry_mode",
        "exit_datetime",
        "exit_mode",
        "sessions",
        "type_null_reason",
    )
    assert rows(gr.encounter(deliver(stay=UNITS)), *shown) == [
        (stay, "st1", "2020-01-02 00:00", "home", "2020-01-09 00:00", "death", 3, "not_collected")
    ]


def test_the_diagnoses_of_a_unit_are_numbered_main_related_associated(deliver):
    found = gr.diagnosis_coded(deliver(stay=UNITS))
    assert rows(found, "source_key", "icd10", "position", "diagnosis_date") == [
        ("st1|10:1", "C50.9", "DP", "2020-01-07"),
        ("st1|1:1", "Z51.01", "DP", "2020-01-02"),
        ("st1|1:2", "C50.9", "DR", "2020-01-02"),
        ("st1|2:1", "C50.9", "DP", "2020-01-05"),
        ("st1|2:3", "I10", "DAS", "2020-01-05"),
        ("st1|2:4", "C78.7", "DAS", "2020-01-05"),
    ]
    assert rows(found.where("source_key = 'st1|2:3'"), "diagnosis_id", "encounter_id") == [
        (row_id("gr", "stay", "st1|2:3"), row_id("gr", "stay", "st1"))
    ]


def test_the_acts_of_a_unit_are_numbered_as_their_zones(deliver):
    shown = ("procedure_id", "source_key", "ccam", "activity", "procedure_date", "quantity")
    assert sorted(rows(gr.procedure_coded(deliver(stay=UNITS)), *shown), key=lambda row: row[1]) == [
        (row_id("gr", "stay", "st1|1:1"), "st1|1:1", "QEFA004", 4, "2020-01-03", 2),
        (row_id("gr", "stay", "st1|1:2"), "st1|1:2", "ZZNL050", None, None, None),
    ]


def test_a_trial_is_what_its_newest_inclusion_says(deliver):
    feeds = deliver(trial="""
        ID_INCLUSION | person_id | valid_from | CODE_ESSAI | NCT         | PHASE | BRAS | DATE_INCLUSION | DLT | MOTIF_SORTIE | ECHEC_SCREENING
        i1           | p1        | 2020-01-02 | E1         | NCT00000001 | I/II  | A    | 2020-01-01     | NE  | CHOIX        | false
        i2           | p2        | 2020-02-02 | E1         | NCT00000002 | II    | B    |                |     |              | true
    """)  # fmt: skip
    assert rows(gr.trial(feeds), "trial_code", "nct", "phase", "phase_code", "source_key") == [
        ("E1", "NCT00000002", "II", "phase-2", "E1")
    ]
    assert rows(
        gr.trial_enrollment(feeds), "person_id", "trial_code", "arm", "enrolled_date", "dlt", "off_reason", "screen_fail"
    ) == [
        ("p1", "E1", "A", "2020-01-01", "not_evaluable", "choice", False),
        ("p2", "E1", "B", None, None, None, True),
    ]


def test_a_row_keeps_where_it_came_from(deliver):
    found = gr.primary_cancer(deliver(tumour="ID_TUMEUR\nt1"))
    assert rows(found, *PROVENANCE) == [("t1", "D1", "file", 1, "2020-01-01 00:00", [])]
