"""A row is a stay or visit at a hospital."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    PERSON_ID,
    VOLATILE,
    after_death,
    coded_columns,
    flagged,
    id_column,
    in_order,
    silver_columns,
)

TABLE = Table(
    layer="silver",
    name="encounter",
    grain="One stay (gr: all units of one administrative number) or visit (aphp).",
    key=("encounter_id",),
    columns=silver_columns(
        id_column("encounter_id", "The stay."),
        PERSON_ID,
        *coded_columns("type", "Kind of stay (aphp).", "encounter.type"),
        Column(
            "entry_datetime",
            "timestamp",
            "When it began, civil time; midnight where only the day is known (gr).",
            nullable=False,
            sensitivity="quasi",
        ),
        Column("exit_datetime", "timestamp", "When it ended, civil time; null while it goes on.", sensitivity="quasi"),
        *coded_columns("entry_mode", "Where the patient came from.", "encounter.entry_mode"),
        *coded_columns("exit_mode", "Where the patient went.", "encounter.exit_mode"),
        Column("sessions", "integer", "Sessions (chemotherapy, radiotherapy) of the stay (gr).", sensitivity="sensitive"),
        Column("care_site", "string", "The site of the hospital (aphp): `ref_center.site_id`.", sensitivity="quasi"),
    ),
    rules=(
        in_order("STAY_ENDS_BEFORE_START", "entry_datetime", "exit_datetime", "A stay ends after it starts."),
        flagged("STAY_BEFORE_BIRTH", "last_day(entry_datetime) < person.birth_date", "A stay follows birth."),
        flagged(
            "STAY_AFTER_DEATH",
            after_death("entry_datetime"),
            "A stay begins before death.",
        ),
    ),
    references=(OF_PERSON,),
    volatile=VOLATILE,
)
