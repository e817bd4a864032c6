"""Tables of a lake that lack columns which their declarations have: bronze, quarantine, silver and what operations keep.

Gold needs no migration: a build makes every product again whose contract has changed, with the columns of that contract.
"""

from collections.abc import Callable, Iterator

import pyarrow as pa
from deltalake import DeltaTable, Field, Schema
from deltalake.schema import StructType

from jobs.errors import LakehouseError
from jobs.failpoint import failpoint
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.ledger import Fence

# Told the names of silver tables whose rows have to be made again.
Remember = Callable[[list[str]], None]


def grow(lake: Lake, fence: Fence, remember: Remember) -> None:
    """Add to every table the columns it lacks, empty, a commit a table. The silver tables among them are told to `remember` first.

    LakehouseError, before anything is changed, where a column has another type than its declaration says: that is not for adding.
    """
    found = [(zone, name, lacking(lake, zone, name, wanted)) for zone, name, wanted in declared() if lake.exists(zone, name)]
    remember([name for zone, name, fields in found if fields and zone == "silver"])
    for zone, name, fields in found:
        if fields:
            fence()
            DeltaTable(lake.path(zone, name)).alter.add_columns(fields)
            failpoint("upgrade_table")


def lacking(lake: Lake, zone: str, name: str, wanted: Schema) -> list[Field]:
    """The fields of a declaration that a table has not, or not in full; all may be empty, for rows from before have no value."""
    has = {each.name: each for each in DeltaTable(lake.path(zone, name)).schema().fields}
    fields = []
    for each in wanted.fields:
        known = has.get(each.name)
        if known is None or _lacks_parts(known, each):
            fields.append(Field(each.name, each.type, nullable=True, metadata=each.metadata))
        elif known.type != each.type and not isinstance(each.type, StructType):
            raise LakehouseError(
                f"Expected {zone}.{name}.{each.name} as its declaration says, found another type ({known.type}): adding columns does not "
                "change that; the version of pscc that changed the type has to say how."
            )
    return fields


def _lacks_parts(known: Field, wanted: Field) -> bool:
    if not (isinstance(known.type, StructType) and isinstance(wanted.type, StructType)):
        return False
    return not {each.name for each in wanted.type.fields} <= {each.name for each in known.type.fields}


def declared() -> Iterator[tuple[str, str, Schema]]:
    """Zone, name and columns of every table whose columns this version declares."""
    yield from _bronze()
    yield from _silver()
    yield from _operations()


def _bronze() -> Iterator[tuple[str, str, Schema]]:
    from jobs.landing import bronze, load
    from jobs.landing.stage import staged_schema

    for center, hospital in hospitals().items():
        for feed in hospital.feeds:
            name = f"{center}_{feed.domain}"
            yield "bronze", name, Schema.from_arrow(bronze.bronze_schema(staged_schema(hospital, feed)))
            yield "quarantine", name, Schema.from_arrow(bronze.SET_ASIDE)
    named = {"record": bronze.RECORD, "replacement": bronze.REPLACEMENT, "identity": load.IDENTITY, "link": load.LINK}
    for name, columns in named.items():
        yield "bronze", name, Schema.from_arrow(columns)


def _silver() -> Iterator[tuple[str, str, Schema]]:
    from jobs.silver.tables import delta_schema
    from quality.contracts import contracts

    for name, table in contracts("silver").items():
        yield "silver", name, delta_schema(table)


def _operations() -> Iterator[tuple[str, str, Schema]]:
    from jobs import build, status
    from jobs.cohorts import record as cohorts
    from jobs.exports import record as exports
    from jobs.releases import store
    from jobs.rights import zones
    from jobs.silver import engine
    from quality import drift, verdicts

    named: dict[str, pa.Schema] = {
        "delivery": status.MIRROR,
        "load_process": engine.LOADED,
        "build": build.BUILT,
        "quality_result": verdicts.SCHEMA,
        "drift": drift.SCHEMA,
        "cohort": cohorts.COHORTS,
        exports.EXPORT: exports.EXPORTS,
        store.RELEASE: store.STATES,
        zones.PURGE: zones.PURGED,
    }
    for name, columns in named.items():
        yield "ops", name, Schema.from_arrow(columns)
