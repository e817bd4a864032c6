"""A row ties two patients: one human being in two hospitals (token), or an old and a kept number in one (merge)."""

from quality.contract import Column, Table
from quality.contracts.silver._common import id_column

TABLE = Table(
    layer="silver",
    name="person_link",
    grain="One pair of patients that are the same human being.",
    key=("person_id", "other_person_id"),
    # No reference to person: a merged patient has no row of its own there any more.
    columns=(
        Column("center", "string", "Hospital of person_id.", nullable=False, sensitivity="quasi"),
        id_column("person_id", "A patient; in a merge the one given up."),
        Column("other_center", "string", "Hospital of other_person_id.", nullable=False, sensitivity="quasi"),
        id_column("other_person_id", "The same human being elsewhere; in a merge the patient kept."),
        id_column("master_person_id", "The human being that both are."),
        Column("method", "string", "How we know.", nullable=False, one_of=("token", "merge", "none"), sensitivity="none"),
        Column("confidence", "double", "How sure we are, 0 to 1.", nullable=False, between=(0, 1), sensitivity="none"),
        Column("valid_from", "timestamp", "Since when they are linked (UTC).", nullable=False, sensitivity="none"),
        Column("is_current", "boolean", "True while the link holds.", nullable=False, sensitivity="none"),
        Column("is_deleted", "boolean", "True where it was given up.", nullable=False, sensitivity="none"),
    ),
)
