"""How the files of bronze are written: small in memory, fast, and without the least or greatest value of anything personal."""

from typing import Any

from deltalake import ColumnProperties, WriterProperties

# The writer holds a whole row group in memory, and its default is a million rows.
IN_A_GROUP = 20_000
# delta-rs holds a file in memory until it is full.
FILE_BYTES = 16 * 2**20
# What is the same in many rows is worth a dictionary, what says nothing of anybody may have its minimum and maximum kept.
REPEATED = ("_source_file", "source_file", "center", "domain", "_reason", "reason")
HARMLESS = ("_delivery_id", "delivery_id", "_chain_position", "chain_position")
# Readers of a table that hospitals share skip what is of the others.
BOUNDED = (*HARMLESS, "center")
LEAN = WriterProperties(
    compression="LZ4_RAW",
    max_row_group_size=IN_A_GROUP,
    default_column_properties=ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE"),
    column_properties={
        name: ColumnProperties(dictionary_enabled=True, statistics_enabled="CHUNK" if name in BOUNDED else "NONE")
        for name in (*REPEATED, *HARMLESS)
    },
)
# The same for pyarrow.
AS_LEAN: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": [*REPEATED, *HARMLESS],
    "write_statistics": list(BOUNDED),
}
