"""The lake's folders and tables: where each lies, and how a plain process reads one without a JVM."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from jobs.errors import ContractViolation, LakehouseError
from quality import places

if TYPE_CHECKING:
    from jobs.settings import Settings

# What a commit that puts small files together says of itself: its own version, and the version that had the same rows before it.
COMPACTED, CONTENT = "pscc/compacted", "pscc/content"
ZONES = ("bronze", "quarantine", "silver", "gold", "ops")
# Tables that are never dropped and made again, which an open one would not notice.
LANDED = ("bronze", "quarantine")
# The property of a table that names the columns of which its log holds the smallest and largest values.
COUNTED = "delta.dataSkippingStatsColumns"


@dataclass(frozen=True)
class Lake:
    """A lake below `root`; `<root>/<zone>/<table>` is one Delta table each."""

    root: str
    # Where rows wait on their way into a lake that is not a folder itself.
    scratch: str | None = None
    # Where it is told what was written to a lake that is not a folder itself.
    told: str | None = None
    _opened: dict[str, DeltaTable] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, settings: "Settings") -> "Lake":
        """The lake that the settings name."""
        return cls(settings.lake, str(settings.staging), str(settings.events))

    def staging(self, *parts: str) -> str:
        """A place in the private folder of a pass or a build."""
        return "/".join((self.scratch or f"{self.root}/staging", *parts))

    @property
    def events(self) -> str:
        """The folder of the lineage events."""
        return self.told or f"{self.root}/lineage"

    def path(self, zone: str, table: str) -> str:
        return f"{self.root}/{zone}/{table}"

    def table(self, zone: str, table: str) -> DeltaTable:
        """A table as it is now. One of landing stays open: the next time only its new commits are read, not its whole log."""
        path = self.path(zone, table)
        if zone not in LANDED:
            return DeltaTable(path)
        if path in self._opened:
            self._opened[path].update_incremental()
        else:
            self._opened[path] = DeltaTable(path)
        return self._opened[path]

    def exists(self, zone: str, table: str) -> bool:
        return DeltaTable.is_deltatable(self.path(zone, table))

    def tables(self, zone: str) -> list[str]:
        """The names of the tables of a zone, in order."""
        return places.tables(f"{self.root}/{zone}")

    def read(self, zone: str, table: str, columns: Sequence[str] | None = None, where: ds.Expression | None = None) -> pa.Table:
        """The rows of a table, some columns or some rows of it; no rows and no columns where there is no table."""
        if not self.exists(zone, table):
            return pa.table({name: pa.nulls(0) for name in columns or ()})
        found = self.table(zone, table)
        rows = places.dataset(found)
        if rows is None:
            empty = pa.schema(found.schema()).empty_table()
            return empty.select(list(columns or empty.schema.names))
        return rows.to_table(columns=list(columns) if columns else None, filter=where)

    def frame(
        self, zone: str, table: str, columns: Sequence[str] | None = None, where: ds.Expression | None = None
    ) -> pl.DataFrame:
        """`read` as a polars frame."""
        frame = pl.from_arrow(self.read(zone, table, columns, where))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def write(
        self,
        zone: str,
        table: str,
        rows: pa.Table | pa.RecordBatchReader,
        *,
        mode: Any = "append",
        transaction: tuple[str, int] | None = None,
        anew: bool = False,
        counted: str | None = None,
    ) -> bool:
        """Write rows with delta-rs; with a transaction, once only: False when it was committed before.

        A table that is overwritten `anew` takes the columns of these rows. With a `counted` column the table grows by columns it has not, and,
        where it does not exist yet or is made `anew`, its log holds the smallest and largest values of that column alone.
        """
        if transaction and self.has_committed(zone, table, transaction):
            return False
        if anew and counted and self.exists(zone, table):
            self._count_only(zone, table, counted)
        commit = CommitProperties(app_transactions=[Transaction(*transaction)]) if transaction else None
        with wordless(f"{zone}.{table}"):
            write_deltalake(
                self.path(zone, table),
                rows,
                mode=mode,
                commit_properties=commit,
                schema_mode="overwrite" if anew else "merge" if counted else None,
                configuration={COUNTED: counted} if counted else None,
            )
        return True

    def _count_only(self, zone: str, table: str, counted: str) -> None:
        # Lakes that are older than this rule have tables without it, and a configuration is only read where a table is new.
        found = DeltaTable(self.path(zone, table))
        if found.metadata().configuration.get(COUNTED) != counted:
            found.alter.set_table_properties({COUNTED: counted})

    def has_committed(self, zone: str, table: str, transaction: tuple[str, int]) -> bool:
        """True where a table has seen this transaction (who writes, number) or a later one."""
        writer, number = transaction
        return self.exists(zone, table) and (self.table(zone, table).transaction_version(writer) or -1) >= number

    def scan(self, zone: str, table: str) -> pl.LazyFrame:
        """The rows of a table, read when they are asked for."""
        return pl.scan_delta(self.path(zone, table))

    def version(self, zone: str, table: str) -> int:
        """The version of a table, -1 where there is none."""
        return self.table(zone, table).version() if self.exists(zone, table) else -1

    def id_of(self, zone: str, table: str) -> str:
        """Which table it is, for one that is made anew counts its versions from 0 again; nothing where there is none."""
        return str(self.table(zone, table).metadata().id) if self.exists(zone, table) else ""

    def content(self, zone: str, table: str) -> int:
        """The version in which a table came to have the rows that it has, -1 where there is none: files put together are no change of rows."""
        if not self.exists(zone, table):
            return -1
        found = self.table(zone, table)
        known = found.transaction_version(CONTENT)
        return known if known is not None and found.transaction_version(COMPACTED) == found.version() else found.version()


@contextmanager
def wordless(table: str) -> Iterator[None]:
    """Says that a table refused rows without saying which: delta-rs shows them in its exception."""
    try:
        yield
    except (CommitFailedError, LakehouseError, OSError):
        raise
    except Exception as error:
        if re.search(r"invalid data|cast error|null|invariant", str(error), re.IGNORECASE):
            raise ContractViolation(
                f"Expected rows that {table} can hold, found some that break its types or its required columns: nothing of it was "
                "written; `ops.quality_result` names the rule that they break."
            ) from None
        raise LakehouseError(
            f"Expected to write {table}, found that its storage did not take it ({type(error).__name__}): check disk, rights and "
            "network, then try again."
        ) from None


def content_hash(rows: pl.DataFrame, leave_out: Sequence[str] = ()) -> str:
    """A hash of a table's content that does not depend on the order of rows or columns."""
    kept = rows.select(sorted(name for name in rows.columns if name not in leave_out))
    lines = sorted(repr(row) for row in kept.iter_rows())
    return hashlib.sha256("\n".join([",".join(kept.columns), *lines]).encode()).hexdigest()
