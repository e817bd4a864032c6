"""A row is the inclusion of a patient in a clinical trial, or the attempt (screening failure)."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_PERSON,
    PERSON_ID,
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
    name="trial_enrollment",
    grain="One inclusion of one patient in one trial.",
    key=("enrollment_id",),
    columns=silver_columns(
        id_column("enrollment_id", "The inclusion."),
        PERSON_ID,
        Column(
            "trial_code",
            "string",
            "The hospital's code of the trial: `trial.trial_code`.",
            nullable=False,
            sensitivity="sensitive",
        ),
        Column("arm", "string", "Arm, as typed.", sensitivity="sensitive"),
        Column("dose_level", "string", "Dose level, as typed.", sensitivity="sensitive"),
        *dated_columns("consent_date", "When the patient consented."),
        *dated_columns("screening_date", "When the patient was screened."),
        *dated_columns("enrolled_date", "When the patient was included."),
        *dated_columns("c1d1_date", "First day of treatment (cycle 1, day 1)."),
        *coded_columns("dlt", "Dose-limiting toxicity.", "trial_enrollment.dlt"),
        *dated_columns("dlt_date", "When it occurred."),
        *dated_columns("off_date", "When the patient left the trial."),
        *coded_columns("off_reason", "Why the patient left.", "trial_enrollment.off_reason"),
        Column("screen_fail", "boolean", "Screened and not included.", sensitivity="sensitive"),
        Column("screen_fail_reason", "string", "Why not, as typed.", sensitivity="sensitive"),
    ),
    rules=(
        flagged("INCLUDED_BEFORE_CONSENT", earlier("enrolled_date", "consent_date"), "Consent comes first."),
        flagged("OFF_BEFORE_INCLUDED", earlier("off_date", "enrolled_date"), "Nobody leaves what they have not joined."),
        flagged("INCLUDED_AFTER_DEATH", earlier("person.death_date", "enrolled_date"), "The living are included."),
    ),
    references=(OF_PERSON,),
    volatile=VOLATILE,
)
