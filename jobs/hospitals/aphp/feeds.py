"""AP-HP: the tables it sends, an OMOP change feed in Parquet."""

from jobs.hospitals.aphp.codes import CODES
from jobs.hospitals.feed import Feed, Hospital

FEEDS = (
    Feed(
        "rights",
        "opposition/extract_date={day}/part-00000.snappy.parquet",
        r"""
        event_id   int64     R K
        person_id  hash64    R
        event      string    R = oppose | lift | inform
        scope      string    scope when event != inform = all | genetics | samples | industry
        event_ts   instant   R
        channel    string    = courrier | portail | consultation
        op         string    R = I | D
        extract_ts instant   R
    """,
        format="parquet",
    ),
    Feed(
        "patient",
        "person/extract_date={day}/part-00000.snappy.parquet",
        r"""
        person_id           hash64    R K
        year_of_birth       int64
        month_of_birth      int64
        birth_datetime      timestamp birth
        death_datetime      timestamp
        gender_source_value string    sex = m | f
        location_id         int64
        link_token          token
        cdm_source          string    R
        op                  string    R = I | U | D
        extract_ts          instant   R
    """,
        format="parquet",
    ),
    Feed(
        "identity_merge",
        "identity_merge/extract_date={day}/part-00000.snappy.parquet",
        r"""
        person_id_old  hash64    R K
        person_id_kept hash64    R
        merge_datetime timestamp R
        op             string    R = I
        extract_ts     instant   R
    """,
        format="parquet",
    ),
    Feed(
        "care_site",
        "care_site/extract_date={day}/part-00000.snappy.parquet",
        r"""
        care_site_id                int64     R K
        care_site_name              string    R
        care_site_short_name        string
        care_site_type_source_value string    R
        parent_care_site_id         int64
        oncology_mart               int64     R
        op                          string    R = I | U | D
        extract_ts                  instant   R
    """,
        format="parquet",
        counted=False,
    ),
    Feed(
        "visit",
        "visit_occurrence/extract_date={day}/part-00000.snappy.parquet",
        r"""
        visit_occurrence_id        int64     R K
        person_id                  hash64    R >patient!
        care_site_id               int64
        visit_start_datetime       timestamp R <= visit_end_datetime
        visit_end_datetime         timestamp
        visit_source_value         string    R = hospitalisés | hospitalisation incomplète | urgence | consultation externe
        stay_source_value          string
        admitted_from_source_value string
        discharge_to_source_value  string
        cdm_source                 string    R
        op                         string    R = I | U | D
        extract_ts                 instant   R
    """,
        format="parquet",
    ),
    Feed(
        "condition",
        "condition_occurrence/extract_date={day}/part-00000.snappy.parquet",
        r"""
        condition_occurrence_id       int64     R K
        person_id                     hash64    R >patient!
        visit_occurrence_id           int64     >visit?
        condition_start_datetime      timestamp
        condition_source_value        string    R ~ ^[A-Z]\d{2}[0-9A-Z+]{0,5}$
        condition_status_source_value string    R = DP | DR | DAS
        cdm_source                    string    R
        op                            string    R = I | U | D
        extract_ts                    instant   R
    """,
        format="parquet",
    ),
    Feed(
        "procedure",
        "procedure_occurrence/extract_date={day}/part-00000.snappy.parquet",
        r"""
        procedure_occurrence_id     int64     R K
        person_id                   hash64    R >patient!
        visit_occurrence_id         int64     >visit?
        procedure_datetime          timestamp R <= procedure_end_datetime
        procedure_end_datetime      timestamp
        procedure_source_value      string    R ~ ^[A-Z]{4}\d{3}$
        procedure_type_source_value string    R = CHIRURGIE | RADIOTHERAPIE | AUTRE
        modifier_source_value       string
        quantity                    int64
        cdm_source                  string    R
        op                          string    R = I | U | D
        extract_ts                  instant   R
    """,
        format="parquet",
    ),
    Feed(
        "drug",
        "drug_exposure/extract_date={day}/part-00000.snappy.parquet",
        r"""
        drug_exposure_id             int64     R K
        person_id                    hash64    R >patient!
        visit_occurrence_id          int64     >visit?
        drug_exposure_start_datetime timestamp R <= drug_exposure_end_datetime
        drug_exposure_end_datetime   timestamp
        drug_source_value            string
        drug_class_source_value      string    ~ ^[A-Z]\d{2}[A-Z]{2}\d{2}$
        quantity                     double    0..
        dose_unit_source_value       string
        route_source_value           string
        drug_type_source_value       string    R = prescription | administration
        row_status_source_value      string    R = Validé | Annulé
        cdm_source                   string    R
        op                           string    R = I | U | D
        extract_ts                   instant   R
    """,
        format="parquet",
    ),
    Feed(
        "measurement",
        "measurement/extract_date={day}/part-00000.snappy.parquet",
        r"""
        measurement_id                int64     R K
        cdm_source                    string    R K = GLIMS | ORBIS | ANAPATH
        person_id                     hash64    R >patient!
        visit_occurrence_id           int64     >visit?
        measurement_datetime          timestamp R
        measurement_type_source_value string    R = BIOLOGIE | ANAPATH | MODIFICATEUR
        measurement_source_value      string    R
        value_as_number               double
        value_source_value            string
        unit_source_value             string
        range_low                     double
        range_high                    double
        row_status_source_value       string    R = Validé | Discontinué | Disponible | Attendu | Confirmé | Initial
        measurement_event_id          int64     >condition?
        meas_event_field_concept_id   int64
        op                            string    R = I | U | D
        extract_ts                    instant   R
    """,
        format="parquet",
        validated="row_status_source_value = Validé when measurement_type_source_value = BIOLOGIE",
    ),
    Feed(
        "episode",
        "episode/extract_date={day}/part-00000.snappy.parquet",
        r"""
        episode_id                  int64     R K
        person_id                   hash64    R >patient!
        episode_concept_id          int64     R
        episode_source_value        string    R = PRIMITIF | RECIDIVE | METASTASE | PROGRESSION | LIGNE | REPONSE
        episode_start_datetime      timestamp <= episode_end_datetime
        episode_end_datetime        timestamp
        episode_parent_id           int64     >episode! when episode_source_value != PRIMITIF
        episode_number              int64
        episode_object_source_value string
        cdm_source                  string    R
        op                          string    R = I | U | D
        extract_ts                  instant   R
    """,
        format="parquet",
    ),
    Feed(
        "episode_link",
        "episode_event/extract_date={day}/part-00000.snappy.parquet",
        r"""
        episode_id                     int64     R K >episode?
        event_id                       int64     R K
        episode_event_field_concept_id int64     R K
        op                             string    R = I | D
        extract_ts                     instant   R
    """,
        core=False,
        format="parquet",
        counted=False,
    ),
    Feed(
        "sample",
        "specimen/extract_date={day}/part-00000.snappy.parquet",
        r"""
        specimen_id                int64     R K
        person_id                  hash64    R >patient!
        specimen_datetime          timestamp
        specimen_source_id         string    R
        specimen_source_value      string    R
        anatomic_site_source_value string
        quantity                   double
        unit_source_value          string
        cdm_source                 string    R
        op                         string    R = I | U | D
        extract_ts                 instant   R
    """,
        core=False,
        format="parquet",
    ),
    Feed(
        "concept",
        "concept/extract_date={day}/part-00000.snappy.parquet",
        r"""
        concept_id    int64     R K
        concept_code  string    R
        concept_name  string    R
        vocabulary_id string    R
        op            string    R = I | U | D
        extract_ts    instant   R
    """,
        core=False,
        format="parquet",
        counted=False,
    ),
    Feed(
        "concept_link",
        "concept_relationship/extract_date={day}/part-00000.snappy.parquet",
        r"""
        concept_id_1    int64     R K
        concept_id_2    int64     R K
        relationship_id string    R K
        op              string    R = I | U | D
        extract_ts      instant   R
    """,
        core=False,
        format="parquet",
        counted=False,
    ),
)

HOSPITAL = Hospital(
    center="aphp",
    name="Assistance Publique - Hôpitaux de Paris",
    finess="750712184",
    center_type="CHU",
    mode="cdc",
    model="omop-aphp",
    feeds=FEEDS,
    codes=CODES,
    nulls={"Non renseigné": "not_collected", "Inconnu": "unknown", "Non applicable": "not_applicable", "Non fait": "not_done"},
    null_dates=("1900-01-01", "2999-12-31"),
    version_column="extract_ts",
    deleted_when=("op", "D"),
    # CIM-10 with a dot, where the feed has none.
    repairs=((r"^([A-Z][0-9]{2})\.([0-9A-Z+]+)$", "${1}${2}"),),
    always=("patient", "identity_merge"),
    unknown_death="2999-12-31",
)
