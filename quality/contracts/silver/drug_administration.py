"""A row is one drug given, cancelled, postponed or prescribed (see `status` and `provenance`)."""

from quality.contract import Column, Table
from quality.contracts.silver._common import (
    OF_LINE,
    OF_PERSON,
    OF_TUMOR,
    PERSON_ID,
    VOLATILE,
    after_death,
    coded_columns,
    flagged,
    id_column,
    in_order,
    silver_columns,
    tumor_id,
)
from quality.sql import ean13_check_digit, first_day_of

TABLE = Table(
    layer="silver",
    name="drug_administration",
    grain="One administration (gr), one drug of a treatment (curie), one drug exposure (aphp).",
    key=("admin_id",),
    columns=silver_columns(
        id_column("admin_id", "The administration."),
        PERSON_ID,
        tumor_id(),
        id_column("line_id", "The declared line it belongs to, where the hospital says so.", nullable=True),
        Column(
            "atc",
            "string",
            "ATC code of the drug.",
            matches="^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$",
            code_system="ATC",
            sensitivity="sensitive",
        ),
        Column(
            "ucd13",
            "string",
            "UCD code of the unit dispensed, 13 digits (gr); codes of 7 digits are extended.",
            matches="^34008[0-9]{8}$",
            code_system="UCD",
            sensitivity="sensitive",
        ),
        Column("ingredient", "string", "International name of the substance, as sent (gr).", sensitivity="sensitive"),
        Column("source_value", "string", "The drug as typed at the hospital.", sensitivity="sensitive"),
        Column("dose_prescribed", "double", "Dose prescribed, in dose_unit.", sensitivity="sensitive"),
        Column("dose_value", "double", "Dose given, in dose_unit.", sensitivity="sensitive"),
        *coded_columns("dose_unit", "Unit of the doses, in UCUM.", "drug_administration.dose_unit"),
        *coded_columns("route", "How it was given.", "drug_administration.route"),
        Column(
            "admin_datetime",
            "timestamp",
            "When it was given or started, civil time; midnight where only the day is known (gr, curie).",
            sensitivity="quasi",
        ),
        Column("end_datetime", "timestamp", "When it ended, civil time; curie: the end of its treatment.", sensitivity="quasi"),
        *coded_columns(
            "status", "Whether it was given. Cancelled and postponed ones are rows too.", "drug_administration.status"
        ),
        Column("cycle", "integer", "Cycle of the protocol (gr).", between=(1, 99), sensitivity="sensitive"),
        Column("day", "integer", "Day of the cycle (gr).", between=(1, 60), sensitivity="sensitive"),
        Column(
            "indication_code",
            "string",
            "Code of the indication the hospital is paid for (gr).",
            matches="^I[0-9]{6}$",
            sensitivity="sensitive",
        ),
        Column("trial_code", "string", "The hospital's code of the trial it was given in (gr).", sensitivity="sensitive"),
        *coded_columns("provenance", "Administration record or prescription (aphp).", "drug_administration.provenance"),
    ),
    rules=(
        in_order("DRUG_ENDS_BEFORE_START", "admin_datetime", "end_datetime", "An administration ends after it starts."),
        flagged(
            "DRUG_BEFORE_DX",
            f"date(admin_datetime) < date_sub({first_day_of('primary_cancer.dx_date')}, 30)",
            "A cancer drug is not given more than 30 days before the diagnosis.",
        ),
        flagged(
            "DRUG_AFTER_DEATH",
            f"status = 'completed' AND {after_death('admin_datetime', grace_days=1)}",
            "Nothing is given to the dead; one day of tolerance for late entries.",
        ),
        flagged(
            "UCD_KEY_INVALID",
            f"ucd13 RLIKE '^[0-9]{{13}}$' AND int(substr(ucd13, 13, 1)) <> {ean13_check_digit('ucd13')}",
            "The last digit of a UCD-13 code is its check digit.",
        ),
        flagged("DOSE_WITHOUT_UNIT", "dose_value IS NOT NULL AND dose_unit IS NULL", "A dose without its unit says nothing."),
    ),
    references=(OF_PERSON, OF_TUMOR, OF_LINE),
    volatile=VOLATILE,
)
