"""A row says that a code of a hospital means a standard code."""

from quality.contract import Column, Table
from quality.contracts.silver._common import id_column

TABLE = Table(
    layer="silver",
    name="vocab_map",
    grain="One source code and one standard code.",
    key=("map_id",),
    columns=(
        id_column("map_id", "The mapping: a hash of what it maps."),
        Column("center", "string", "The hospital that uses the code.", nullable=False, sensitivity="none"),
        Column(
            "system",
            "string",
            "Where the code is used: a silver column, or a vocabulary of the hospital.",
            nullable=False,
            sensitivity="none",
        ),
        Column("code", "string", "The code as the hospital sends it.", nullable=False, sensitivity="none"),
        Column("label", "string", "What the hospital calls it.", sensitivity="none"),
        Column("version", "string", "Version of the source vocabulary, where it has one.", sensitivity="none"),
        Column("value", "string", "The value it has in silver.", sensitivity="none"),
        Column(
            "target_system", "string", "The standard code system; null where no standard code was chosen.", sensitivity="none"
        ),
        Column("target_code", "string", "The standard code.", sensitivity="none"),
        Column(
            "status",
            "string",
            "Who says so: `declared` in our value sets, `sent` by the hospital (aphp concept relations).",
            nullable=False,
            one_of=("declared", "sent"),
            sensitivity="none",
        ),
        Column("is_current", "boolean", "True while the mapping holds.", nullable=False, sensitivity="none"),
        Column("is_deleted", "boolean", "True where it was withdrawn.", nullable=False, sensitivity="none"),
    ),
)
