"""Chains of parents inside one hospital: the primary above an event, the line above a response."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def with_ancestor(rows: "DataFrame", number: str, parent: str, wanted: str, alias: str) -> "DataFrame":
    """`rows` with `alias`: row_id of the nearest row where `wanted` holds, the row itself first, then up its parents, or null.

    `number` identifies a row of a person, `parent` holds the number of its parent. All rows of the person are climbed in one
    map, so that a chain may have any length: joining the rows with themselves would cost one join a level.
    """
    member = f"struct({number}, struct({parent} as parent, coalesce({wanted}, false) as wanted, row_id))"
    family = f"map_from_entries(collect_list({member}) over (partition by person_id))"
    # A missing parent ends the climb. Rows in a cycle are never current, so no chain is longer than there are rows.
    up = "if(coalesce(try_element_at(family, here).wanted, true), here, try_element_at(family, here).parent)"
    top = f"aggregate(sequence(1, cardinality(family)), {number}, (here, step) -> {up})"
    return (
        rows.selectExpr("*", f"{family} as family")
        .selectExpr("*", f"try_element_at(family, {top}).row_id as {alias}")
        .drop("family")
    )
