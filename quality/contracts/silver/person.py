"""A row is a patient of one hospital: who they are, whether they live, and who else they are in other hospitals."""

from quality.contract import Column, Rule, Table
from quality.contracts.silver._common import (
    PERSON_ID,
    PRECISIONS,
    VOLATILE,
    coded_columns,
    dated_columns,
    flagged,
    id_column,
    silver_columns,
)
from quality.sql import earlier

TABLE = Table(
    layer="silver",
    name="person",
    grain="One patient of one hospital.",
    key=("person_id",),
    columns=silver_columns(
        PERSON_ID,
        id_column(
            "master_person_id",
            "The human being behind the patients of several hospitals: the smallest of their person_ids.",
        ),
        *coded_columns("sex", "Administrative sex; UN where not known.", "person.sex", nullable=False, sensitivity="quasi"),
        *dated_columns("birth_date", "Date of birth, always the 15th of the month (no hospital sends the day)."),
        Column("residence_dept", "string", "French department where the patient lives; 99 abroad (gr).", sensitivity="quasi"),
        *coded_columns("vital_status", "Alive or deceased, as this hospital says.", "person.vital_status"),
        *dated_columns("last_news_date", "When this hospital last knew the vital status; null for aphp, which sends none."),
        *dated_columns("death_date", "Date of death as this hospital says; null where deceased without a date."),
        *coded_columns("death_cause", "What the patient died of.", "person.death_cause"),
        Column("origin_center", "string", "FINESS of the hospital the patient came from (curie).", sensitivity="quasi"),
        Column("provider_center", "string", "FINESS of the hospital that provides the data (curie).", sensitivity="none"),
        *dated_columns(
            "last_contact_date",
            "What this hospital adds to the last news: its last news, at aphp the latest of visit starts, visit ends and death.",
        ),
        Column(
            "resolved_vital_status",
            "string",
            "Vital status over all linked patients: deceased if any hospital says so, else alive if any does.",
            one_of=("alive", "deceased", "unknown"),
            sensitivity="sensitive",
        ),
        Column(
            "resolved_death_date",
            "date",
            "Date of death over all linked patients: day-precise first, then the earliest.",
            sensitivity="quasi",
        ),
        Column(
            "resolved_death_date_precision",
            "string",
            "How much of resolved_death_date is known.",
            one_of=PRECISIONS,
            sensitivity="none",
        ),
        Column("resolved_last_news_date", "date", "The latest news over all linked patients.", sensitivity="quasi"),
        Column(
            "resolved_last_news_date_precision",
            "string",
            "How much of resolved_last_news_date is known.",
            one_of=PRECISIONS,
            sensitivity="none",
        ),
    ),
    rules=(
        Rule(
            "UnexpectedRowsExpectation",
            "critical",
            "Nobody may learn the day of a birth: only its month is kept.",
            flag="BIRTH_DAY_KEPT",
            breach="day(birth_date) <> 15",
        ),
        flagged("DEATH_BEFORE_BIRTH", earlier("death_date", "birth_date"), "Nobody dies before birth."),
        flagged("LAST_NEWS_BEFORE_BIRTH", earlier("last_news_date", "birth_date"), "There is no news of somebody unborn."),
        flagged("LAST_NEWS_BEFORE_DEATH", earlier("last_news_date", "death_date"), "A death is news: last news cannot be older."),
        flagged(
            "DEATH_DATE_OF_LIVING", "death_date IS NOT NULL AND vital_status = 'alive'", "A date of death contradicts 'alive'."
        ),
        flagged("FINESS_INVALID", "NOT luhn_check(origin_center)", "A FINESS number ends with a Luhn check digit."),
    ),
    volatile=VOLATILE,
)
