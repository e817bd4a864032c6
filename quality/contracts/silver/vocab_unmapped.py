"""A row is a code that hospitals send and nobody has mapped yet, with how often it occurs."""

from quality.contract import Column, Table
from quality.contracts.silver._common import id_column

TABLE = Table(
    layer="silver",
    name="vocab_unmapped",
    grain="One unknown code of one column and hospital.",
    key=("unmapped_id",),
    columns=(
        id_column("unmapped_id", "The code: a hash of center, column and code."),
        Column("center", "string", "The hospital that sends it.", nullable=False, sensitivity="none"),
        Column("system", "string", "The silver column it was meant for, as `table.column`.", nullable=False, sensitivity="none"),
        # An unknown code can be free text typed by somebody: it is not shown outside silver.
        Column("code", "string", "The code as sent.", nullable=False, sensitivity="sensitive"),
        Column("version", "string", "Version of the source vocabulary, where it has one.", sensitivity="none"),
        Column("rows", "long", "Current rows that carry it.", nullable=False, sensitivity="none"),
        Column("is_current", "boolean", "True while it occurs.", nullable=False, sensitivity="none"),
        Column("is_deleted", "boolean", "True where it occurs no more.", nullable=False, sensitivity="none"),
    ),
)
