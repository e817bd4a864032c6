"""AP-HP: which column of the OMOP tables feeds which column of silver."""

from typing import TYPE_CHECKING

from jobs.hospitals.aphp.feeds import HOSPITAL
from jobs.silver.conform import (
    Code,
    Conform,
    after_first_word,
    behaviour_of,
    date_from_parts,
    dotted,
    first_word,
    number,
    row_id_of,
    tnm,
    tnm_prefix,
)
from jobs.silver.lineage import with_ancestor

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.silver.feeds import Feeds

# What an episode_event points to (OMOP field concepts).
DRUG_EXPOSURE, CONDITION = 1147094, 1147127
IS_EVENT = "episode_source_value in ('RECIDIVE', 'METASTASE', 'PROGRESSION')"
# Malignant tumours of a known site: C77 to C79 are secondary, C80 says no site.
CATEGORY = "left(condition_source_value, 3)"
IS_CANCER = f"{CATEGORY} rlike '^C([0-8][0-9]|9[0-6])$' and {CATEGORY} not in ('C77', 'C78', 'C79', 'C80')"
TOPOGRAPHY = "nullif(regexp_extract(episode_object_source_value, '(C[0-9]{2}([.][0-9])?)$', 1), '')"

conform = Conform(HOSPITAL)


def ref_center(feeds: "Feeds") -> "DataFrame":
    """The sites of the hospital."""
    return feeds["care_site"].selectExpr(
        *conform.columns(
            "ref_center",
            ref_center_id="row_id",
            site_id="care_site_id",
            name="care_site_name",
            type="care_site_type_source_value",
            parent_finess=f"'{HOSPITAL.finess}'",
            parent_site_id="parent_care_site_id",
            oncology_mart="oncology_mart = 1",
        )
    )


def vocab_map(feeds: "Feeds") -> "DataFrame":
    """What the hospital's own laboratory codes mean in the vocabularies that it maps them to."""
    local = feeds["concept"].selectExpr(
        "concept_id as concept_id_1", "vocabulary_id as system", "concept_code as code", "concept_name as label"
    )
    standard = feeds["concept"].selectExpr(
        "concept_id as concept_id_2", "regexp_replace(vocabulary_id, '^ITM_', '') as target_system", "concept_code as target_code"
    )
    return (
        feeds["concept_link"]
        .where("relationship_id = 'Maps to'")
        .select("row_id", "concept_id_1", "concept_id_2")
        .join(local, on="concept_id_1", how="inner")
        .join(standard, on="concept_id_2", how="inner")
        .selectExpr(
            *conform.columns(
                "vocab_map",
                map_id="row_id",
                system="system",
                code="code",
                label="label",
                target_system="target_system",
                target_code="target_code",
                status="'sent'",
            )
        )
    )


def rights_register(feeds: "Feeds") -> "DataFrame":
    """Oppositions and information events; a lift is the end of the oppositions before it, not a row."""
    from pyspark.sql import functions as F

    lift = F.expr("collect_list(struct(event_ts as at, scope))").alias("lifts")
    lifts = feeds["rights"].where("event = 'lift'").groupBy("person_id").agg(lift)
    # A scope that could not be read is applied as `all`, so only a lift of everything ends it.
    ends = "lift.at > event_ts and (lift.scope = 'all' or lift.scope = coalesce(scope, 'all'))"
    is_information = "coalesce(event = 'inform', false)"
    return (
        feeds["rights"]
        .where("coalesce(event <> 'lift', true)")
        .join(lifts, on="person_id", how="left")
        .selectExpr("*", f"if({is_information}, null, array_min(filter(lifts, lift -> {ends})).at) as lifted_at")
        .selectExpr(
            *conform.columns(
                "rights_register",
                rights_id="row_id",
                person_id="person_id",
                informed=f"if({is_information}, true, null)",
                information_date=f"if({is_information}, date(event_ts), null)",
                scope=Code("scope", "sent.scope", reason=f"if({is_information}, 'not_applicable', null)"),
                state=Code(
                    f"if({is_information}, null, if(lifted_at is null, 'oppose', 'lift'))",
                    f"if({is_information}, null, sent.event)",
                    reason=f"if({is_information}, 'not_applicable', null)",
                ),
                from_date=f"if({is_information}, null, date(event_ts))",
                to_date="date(lifted_at)",
                channel="channel",
            )
        )
    )


def person(feeds: "Feeds") -> "DataFrame":
    """Every patient. No column says when the patient was last known alive: the latest visit or death stands for it."""
    from pyspark.sql import functions as F

    latest = F.expr("max(greatest(visit_start_datetime, visit_end_datetime))").alias("last_visit")
    visits = feeds["visit"].groupBy("person_id").agg(latest)
    birth = f"coalesce(date(birth_datetime), {date_from_parts('year_of_birth', 'month_of_birth', 'null')})"
    return (
        feeds["patient"]
        .join(visits, on="person_id", how="left")
        .selectExpr(
            *conform.columns(
                "person",
                person_id="person_id",
                master_person_id="person_id",
                sex=Code("gender_source_value", "sent.gender_source_value", otherwise="UN"),
                birth_date=f"if(birth_datetime is null and month_of_birth is null, null, {birth})",
                birth_date_precision="'month'",
                vital_status=Code(
                    read="if(death_datetime is not null or coalesce(death_unknown_date, false), 'deceased', 'alive')",
                    sent="sent.death_datetime",
                ),
                death_date="date(death_datetime)",
                last_contact_date="date(greatest(last_visit, death_datetime))",
            )
        )
    )


def primary_cancer(feeds: "Feeds") -> "DataFrame":
    """Declared tumours, and for every person without one those that their diagnosis codes imply."""
    return _declared(feeds).unionByName(_inferred(feeds))


def tumor_event(feeds: "Feeds") -> "DataFrame":
    """Recurrences, metastases and progressions."""
    return (
        _episodes(feeds)
        .where(IS_EVENT)
        .selectExpr(
            *conform.columns(
                "tumor_event",
                event_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                type="episode_source_value",
                event_date="date(episode_start_datetime)",
                topography=TOPOGRAPHY,
            )
        )
    )


def staging(feeds: "Feeds") -> "DataFrame":
    """One row a staged condition: T, N, M and stage group come as measurements of their own, joined by what they describe."""
    from pyspark.sql import functions as F

    def stated(code: str, name: str) -> F.Column:
        newest = "struct(measurement_datetime, valid_from, row_id)"
        return F.expr(f"max_by(value_source_value, {newest}) filter (where measurement_source_value = '{code}')").alias(name)

    parts = _modifiers(feeds).where(
        "measurement_source_value in ('TNM-T', 'TNM-N', 'TNM-M', 'STADE') and measurement_event_id is not null"
    )
    # The newest part brought this version of the staging.
    origin = "person_id, tumor_id, measurement_datetime, delivery_id, source_file, source_row_no, valid_from"
    stagings = parts.groupBy("measurement_event_id").agg(
        stated("TNM-T", "t"),
        stated("TNM-N", "n"),
        stated("TNM-M", "m"),
        stated("STADE", "stage"),
        F.expr("array_sort(array_distinct(flatten(collect_list(dq_flags))))").alias("dq_flags"),
        F.expr(f"max_by(struct({origin}), struct(valid_from, row_id))").alias("origin"),
    )
    return stagings.selectExpr("*", "origin.*").selectExpr(
        *conform.columns(
            "staging",
            staging_id=row_id_of("aphp", "measurement", "measurement_event_id"),
            person_id="person_id",
            tumor_id="tumor_id",
            staging_date="date(measurement_datetime)",
            classification=Code(
                read=f"coalesce({tnm_prefix('t')}, {tnm_prefix('n')}, {tnm_prefix('m')})", sent="coalesce(t, n, m)"
            ),
            t=tnm("t"),
            n=tnm("n"),
            m=tnm("m"),
            stage_group="stage",
            source_key="cast(measurement_event_id as string)",
        )
    )


def grade(feeds: "Feeds") -> "DataFrame":
    """Grades; the system is not said."""
    return (
        _modifiers(feeds)
        .where("measurement_source_value = 'GRADE'")
        .selectExpr(
            *conform.columns(
                "grade",
                grade_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                value="value_source_value",
                grade_date="date(measurement_datetime)",
            )
        )
    )


def performance_status(feeds: "Feeds") -> "DataFrame":
    """WHO and Karnofsky scores."""
    return (
        _modifiers(feeds)
        .where("measurement_source_value in ('OMS', 'KPS')")
        .selectExpr(
            *conform.columns(
                "performance_status",
                performance_status_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                scale="measurement_source_value",
                value=f"try_cast(coalesce(value_as_number, {number('value_source_value')}) as int)",
                performance_status_date="date(measurement_datetime)",
            )
        )
    )


def treatment_line_src(feeds: "Feeds") -> "DataFrame":
    """Lines of treatment."""
    return (
        _episodes(feeds)
        .where("episode_source_value = 'LIGNE'")
        .selectExpr(
            *conform.columns(
                "treatment_line_src",
                line_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                line_number="try_cast(episode_number as int)",
                protocol_label="episode_object_source_value",
                start_date="date(episode_start_datetime)",
                end_date="date(episode_end_datetime)",
            )
        )
    )


def drug_administration(feeds: "Feeds") -> "DataFrame":
    """Prescriptions and administrations, with the line that an episode_event links them to."""
    return (
        feeds["drug"]
        .join(_linked(feeds, DRUG_EXPOSURE, "drug_exposure_id"), on=["person_id", "drug_exposure_id"], how="left")
        .selectExpr(
            *conform.columns(
                "drug_administration",
                admin_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                line_id="line_id",
                atc="drug_class_source_value",
                source_value="drug_source_value",
                dose_value="quantity",
                dose_unit="dose_unit_source_value",
                route="route_source_value",
                admin_datetime="drug_exposure_start_datetime",
                end_datetime="drug_exposure_end_datetime",
                status="row_status_source_value",
                provenance="drug_type_source_value",
            )
        )
    )


def surgery(feeds: "Feeds") -> "DataFrame":
    """Procedures of type surgery; no tumour is named."""
    return (
        feeds["procedure"]
        .where("procedure_type_source_value = 'CHIRURGIE'")
        .selectExpr(
            *conform.columns(
                "surgery",
                procedure_id="row_id",
                person_id="person_id",
                surgery_date="date(procedure_datetime)",
                ccam="procedure_source_value",
                activity=_activity(),
            )
        )
    )


def radiotherapy_course(feeds: "Feeds") -> "DataFrame":
    """Procedures of type radiotherapy: their quantity is the number of sessions."""
    return (
        feeds["procedure"]
        .where("procedure_type_source_value = 'RADIOTHERAPIE'")
        .selectExpr(
            *conform.columns(
                "radiotherapy_course",
                course_id="row_id",
                person_id="person_id",
                start_date="date(procedure_datetime)",
                end_date="date(procedure_end_datetime)",
                fractions_delivered="try_cast(quantity as int)",
            )
        )
    )


def response_assessment(feeds: "Feeds") -> "DataFrame":
    """Responses, of a line or of the tumour as a whole."""
    return (
        _episodes(feeds)
        .where("episode_source_value = 'REPONSE'")
        .selectExpr(
            *conform.columns(
                "response_assessment",
                assess_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                line_id="line_id",
                response_date="date(episode_start_datetime)",
                response="episode_object_source_value",
            )
        )
    )


def lab_result(feeds: "Feeds") -> "DataFrame":
    """Validated laboratory results."""
    return (
        feeds["measurement"]
        .where("measurement_type_source_value = 'BIOLOGIE' and row_status_source_value = 'Validé'")
        .selectExpr(
            *conform.columns(
                "lab_result",
                lab_id="row_id",
                person_id="person_id",
                local_code="measurement_source_value",
                value_num="value_as_number",
                value_text="value_source_value",
                unit="unit_source_value",
                unit_std="unit_source_value",
                low="range_low",
                high="range_high",
                status="row_status_source_value",
                collected_at="measurement_datetime",
            )
        )
    )


def biomarker(feeds: "Feeds") -> "DataFrame":
    """Results of pathology: `NEG 1.3` is a result and a value."""
    return (
        feeds["measurement"]
        .where("measurement_type_source_value = 'ANAPATH'")
        .selectExpr(
            *conform.columns(
                "biomarker",
                biomarker_id="row_id",
                person_id="person_id",
                marker="measurement_source_value",
                result=Code(read=first_word("value_source_value"), sent="sent.value_source_value"),
                value_num="value_as_number",
                value_text=after_first_word("value_source_value"),
                unit="unit_source_value",
                tested_at="measurement_datetime",
            )
        )
    )


def specimen(feeds: "Feeds") -> "DataFrame":
    """Samples. None names the sample it was derived from, nor its tumour."""
    return feeds["sample"].selectExpr(
        *conform.columns(
            "specimen",
            specimen_id="row_id",
            root_id="row_id",
            person_id="person_id",
            accession="specimen_source_id",
            type="specimen_source_value",
            topography="anatomic_site_source_value",
            collected_at="specimen_datetime",
            quantity="quantity",
            unit="unit_source_value",
        )
    )


def encounter(feeds: "Feeds") -> "DataFrame":
    """Visits."""
    return feeds["visit"].selectExpr(
        *conform.columns(
            "encounter",
            encounter_id="row_id",
            person_id="person_id",
            type="visit_source_value",
            entry_datetime="visit_start_datetime",
            exit_datetime="visit_end_datetime",
            entry_mode="admitted_from_source_value",
            exit_mode="discharge_to_source_value",
            care_site="care_site_id",
        )
    )


def diagnosis_coded(feeds: "Feeds") -> "DataFrame":
    """Conditions."""
    return _conditions(feeds).selectExpr(
        *conform.columns(
            "diagnosis_coded",
            diagnosis_id="row_id",
            person_id="person_id",
            encounter_id="encounter_id",
            icd10=dotted("condition_source_value"),
            position="condition_status_source_value",
            diagnosis_date="date(dated_on)",
        )
    )


def procedure_coded(feeds: "Feeds") -> "DataFrame":
    """Procedures of all types."""
    acts = feeds.resolve(feeds["procedure"], column="visit_occurrence_id", domain="visit", alias="encounter_id")
    return acts.selectExpr(
        *conform.columns(
            "procedure_coded",
            procedure_id="row_id",
            person_id="person_id",
            encounter_id="encounter_id",
            ccam="procedure_source_value",
            activity=_activity(),
            procedure_date="date(procedure_datetime)",
            quantity="quantity",
        )
    )


def _declared(feeds: "Feeds") -> "DataFrame":
    """Primaries as episodes: `8500/3-C50.9` is morphology and topography, either of which may be unknown."""
    morphology = "nullif(regexp_extract(episode_object_source_value, '^([0-9]{4}/[01236])', 1), '')"
    return (
        feeds["episode"]
        .where("episode_source_value = 'PRIMITIF'")
        .selectExpr(
            *conform.columns(
                "primary_cancer",
                tumor_id="row_id",
                person_id="person_id",
                dx_date="date(episode_start_datetime)",
                topography=TOPOGRAPHY,
                morphology=morphology,
                behaviour=Code(read=behaviour_of(morphology), sent="sent.episode_object_source_value"),
                inferred="false",
            )
        )
    )


def _inferred(feeds: "Feeds") -> "DataFrame":
    """One tumour for each ICD-10 category of cancer among the diagnoses of a person who has no declared tumour.

    Sites without an oncology record only send codes; a person seen at such a site may have a declared tumour from another.
    """
    from pyspark.sql import functions as F

    declared = feeds["episode"].where("episode_source_value = 'PRIMITIF'").select("person_id")
    implied = _conditions(feeds).where(IS_CANCER).join(declared, on="person_id", how="left_anti")
    origin = "struct(dated_on, delivery_id, source_file, source_row_no, valid_from, dq_flags)"
    earliest = F.expr(f"min_by({origin}, struct(dated_on is null, dated_on, row_id))").alias("origin")
    tumours = implied.groupBy("person_id", F.expr(CATEGORY).alias("category")).agg(earliest)
    return tumours.selectExpr("person_id", "category", "concat(person_id, '|', category) as source_key", "origin.*").selectExpr(
        *conform.columns(
            "primary_cancer",
            tumor_id=row_id_of("aphp", "condition", "source_key"),
            person_id="person_id",
            dx_date="date(dated_on)",
            icd10="category",
            inferred="true",
            inferred_rule="'ICD-10 category of a diagnosis, no declared tumour'",
        )
    )


def _episodes(feeds: "Feeds") -> "DataFrame":
    """Every episode with tumor_id and line_id: itself or the nearest primary, and the nearest line, above it."""
    with_tumour = with_ancestor(
        feeds["episode"], "episode_id", "episode_parent_id", "episode_source_value = 'PRIMITIF'", "tumor_id"
    )
    return with_ancestor(with_tumour, "episode_id", "episode_parent_id", "episode_source_value = 'LIGNE'", "line_id")


def _linked(feeds: "Feeds", field: int, event: str) -> "DataFrame":
    """person_id, `event`, tumor_id, line_id: what an episode_event says about an event; of several the oldest episode counts."""
    from pyspark.sql import functions as F

    episodes = _episodes(feeds).select("episode_id", "person_id", "tumor_id", "line_id")
    links = (
        feeds["episode_link"].where(f"episode_event_field_concept_id = {field}").selectExpr("episode_id", f"event_id as {event}")
    )
    oldest = F.expr("min_by(struct(tumor_id, line_id), episode_id)").alias("found")
    found = links.join(episodes, on="episode_id", how="inner").groupBy("person_id", event).agg(oldest)
    return found.select("person_id", event, "found.*")


def _modifiers(feeds: "Feeds") -> "DataFrame":
    """What was measured of a tumour, with tumor_id: through the condition that it modifies and the episode of that condition."""
    modifiers = feeds["measurement"].where("measurement_type_source_value = 'MODIFICATEUR'")
    resolved = feeds.resolve(modifiers, column="measurement_event_id", domain="condition", alias="condition_row")
    tumours = _linked(feeds, CONDITION, "measurement_event_id").drop("line_id")
    return resolved.join(tumours, on=["person_id", "measurement_event_id"], how="left")


def _conditions(feeds: "Feeds") -> "DataFrame":
    """Every condition with encounter_id and dated_on: its own date, else the start of its visit."""
    conditions = feeds.resolve(feeds["condition"], column="visit_occurrence_id", domain="visit", alias="encounter_id")
    visits = feeds["visit"].selectExpr("row_id as encounter_id", "visit_start_datetime")
    return conditions.join(visits, on="encounter_id", how="left").selectExpr(
        "*", "coalesce(condition_start_datetime, visit_start_datetime) as dated_on"
    )


def _activity() -> str:
    """The CCAM activity, 1 to 5, where the modifier is one."""
    return "try_cast(nullif(regexp_extract(modifier_source_value, '^[1-5]$', 0), '') as int)"
