"""A row is a course of radiotherapy."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    OF_TUMOR,
    PERSON_ID,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    in_order,
    silver_columns,
    tumor_id,
    within,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="radiotherapy_course",
    grain="One course of radiotherapy.",
    key=("course_id",),
    columns=silver_columns(
        id_column("course_id", "The course."),
        PERSON_ID,
        tumor_id(),
        *coded_columns("intent", "To cure or to relieve.", "radiotherapy_course.intent"),
        *coded_columns("technique", "Technique (gr).", "radiotherapy_course.technique"),
        *coded_columns("modality", "External beam, internal, brachytherapy or systemic (curie).", "radiotherapy_course.modality"),
        *dated_columns("start_date", "First session."),
        *dated_columns("end_date", "Last session."),
        Column("fractions_planned", "integer", "Sessions planned (gr).", sensitivity="sensitive"),
        Column("fractions_delivered", "integer", "Sessions delivered.", sensitivity="sensitive"),
        Column(
            "total_dose_gy",
            "double",
            "Total dose as sent; several volumes are added up (curie).",
            unit="Gy",
            sensitivity="sensitive",
        ),
        Column("volume", "string", "What was irradiated, as typed (gr).", sensitivity="sensitive"),
        *coded_columns(
            "end_reason", "Why it ended (gr); curie sends free text, kept as its source value.", "radiotherapy_course.end_reason"
        ),
    ),
    rules=(
        in_order("COURSE_ENDS_BEFORE_START", "start_date", "end_date", "A course ends after it starts."),
        flagged("COURSE_BEFORE_BIRTH", earlier("start_date", "person.birth_date"), "A treatment follows birth."),
        flagged("COURSE_AFTER_DEATH", earlier("person.death_date", "start_date"), "A treatment precedes death."),
        within("DOSE_IMPLAUSIBLE", "total_dose_gy", 0, 150, "More than 150 Gy in a course: most likely centigray."),
        within("FRACTIONS_IMPLAUSIBLE", "fractions_delivered", 0, 99, "More than 99 sessions in a course: most likely a dose."),
    ),
    references=(OF_PERSON, OF_TUMOR),
    volatile=VOLATILE,
)
