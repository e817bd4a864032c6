"""A row is a clinical trial in which a hospital includes patients."""

from quality.contract import Column, Table
from quality.contracts.silver._common import VOLATILE, coded_columns, silver_columns

TABLE = Table(
    layer="silver",
    name="trial",
    grain="One trial at one hospital.",
    key=("trial_id",),
    columns=silver_columns(
        Column(
            "trial_id",
            "string",
            "The trial at the hospital: a hash of both.",
            nullable=False,
            matches="^[0-9a-f]{32}$",
            sensitivity="none",
        ),
        Column("trial_code", "string", "The hospital's code of the trial.", nullable=False, sensitivity="none"),
        Column(
            "nct",
            "string",
            "Number at ClinicalTrials.gov.",
            matches="^NCT[0-9]{8}$",
            code_system="ClinicalTrials.gov",
            sensitivity="none",
        ),
        Column(
            "euct",
            "string",
            "European trial number.",
            matches="^[0-9]{4}-5[0-9]{5}-[0-9]{2}-[0-9]{2}$",
            code_system="EU CT",
            sensitivity="none",
        ),
        Column("title", "string", "Title; no hospital sends it yet.", sensitivity="none"),
        *coded_columns("phase", "Phase.", "trial.phase", sensitivity="none"),
        Column("sponsor", "string", "Sponsor; no hospital sends it yet.", sensitivity="none"),
        Column("sites", "array<string>", "Centers that take part; no hospital sends them yet.", sensitivity="none"),
    ),
    volatile=VOLATILE,
)
