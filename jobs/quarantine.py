"""Rows that do not count: which lie in quarantine and why, where they stand in the files, and another try for those that wait."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from jobs import access, status
from jobs.errors import WrongUse
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.returns import DELIVERY_ID
from jobs.settings import Settings
from jobs.stages import loading, publishing
from jobs.stages.worker import Engine, at_work, quiet

# Where a row stands and why; whose it is and what it says stay in the lake.
PLACE = ("delivery_id", "source_file", "source_row_no", "center", "domain", "status", "reason", "columns")


@dataclass(frozen=True)
class Group:
    """The rows of a feed that are set aside or wait for the same reason."""

    center: str
    feed: str
    status: str
    reason: str
    rows: int
    deliveries: int
    since: str

    def told(self) -> dict[str, Any]:
        """The object of `--json`."""
        return asdict(self)


def groups(settings: Settings, center: str | None = None) -> list[Group]:
    """What lies in quarantine, by hospital, feed and reason; `since` is the first delivery that has such a row."""
    return counted(_lake(settings), center)


def counted(lake: Lake, center: str | None = None) -> list[Group]:
    """`groups` of a lake that is there."""
    found = (
        _rows(lake, center)
        .group_by("center", "domain", "status", "reason")
        .agg(pl.len(), pl.col("delivery_id").n_unique().alias("deliveries"), pl.col("delivery_id").min().alias("since"))
        .sort("center", "status", "len", "domain", "reason", descending=[False, False, True, False, False])
    )
    return [
        Group(row["center"], row["domain"], row["status"], row["reason"], row["len"], row["deliveries"], row["since"])
        for row in found.to_dicts()
    ]


def places_of(settings: Settings, what: str) -> list[dict[str, Any]]:
    """Where the rows of a delivery, or those with a reason, stand: file, row number and columns at fault. Never a value."""
    lake = _lake(settings)
    column = "delivery_id" if DELIVERY_ID.fullmatch(what) else "reason"
    rows = _rows(lake, None)
    if column == "reason" and what not in rows["reason"]:
        known = ", ".join(sorted(rows["reason"].unique())) or "none"
        raise WrongUse(f"Expected the id of a delivery, or a reason for which rows lie in quarantine ({known}), found {what!r}.")
    if column == "delivery_id":
        _known(settings, what)
    found = rows.filter(pl.col(column) == what).sort("delivery_id", "source_file", "source_row_no")
    tables = sorted({f"{center}_{domain}" for center, domain in found.select("center", "domain").iter_rows()})
    shown = [access.Read(f"quarantine.{each}", lake.version("quarantine", each), PLACE) for each in tables]
    access.note(settings, "pscc quarantine show", shown)
    return found.rename({"source_file": "file", "source_row_no": "row", "domain": "feed"}).to_dicts()


def replay(settings: Settings, center: str, engine: Engine, watch: Callable[[str], None] = quiet) -> dict[str, tuple[int, int]]:
    """Try the rows of a hospital that wait again, in one pass: by reason how many waited before, and how many still do.

    Rows set aside are judged by landing, once: a corrected one comes in a later delivery, and no pass changes that verdict.
    """
    if center not in hospitals():
        raise WrongUse(f"Expected a hospital ({', '.join(sorted(hospitals()))}), found {center!r}.")
    with at_work(settings, watch, create=False) as worker, worker.hospital(center):
        before = waiting(worker.lake, center)
        loading.resume(worker, center)
        if not publishing.publish_center(worker, engine, center):
            publishing.try_waiting_again(worker, engine, center)
        status.mirror(worker.ledger, worker.lake)
        after = waiting(worker.lake, center)
    return {reason: (before.get(reason, 0), after.get(reason, 0)) for reason in sorted({*before, *after})}


def waiting(lake: Lake, center: str) -> dict[str, int]:
    """The rows of a hospital that wait, by reason."""
    rows = _rows(lake, center).filter(pl.col("status") == "waiting")
    return dict(rows.group_by("reason").len().sort("reason").iter_rows())


def deliveries(lake: Lake) -> set[str]:
    """The deliveries of which a row lies in quarantine."""
    return set(_rows(lake, None)["delivery_id"])


def _rows(lake: Lake, center: str | None) -> pl.DataFrame:
    """The places of all rows in quarantine, of a hospital or of all."""
    nothing = pl.DataFrame(schema=dict.fromkeys(PLACE, pl.String) | {"source_row_no": pl.Int64(), "columns": pl.List(pl.String)})
    tables = [name for name in lake.tables("quarantine") if center is None or name.startswith(f"{center}_")]
    return pl.concat([nothing, *(lake.frame("quarantine", name, PLACE) for name in tables)])


def _lake(settings: Settings) -> Lake:
    """The lake; WrongUse where there is none."""
    Ledger(settings, create=False).close()
    return Lake.of(settings)


def _known(settings: Settings, delivery_id: str) -> None:
    with closing(Ledger(settings, create=False)) as ledger:
        if not any(each.delivery_id == delivery_id for each in ledger.deliveries()):
            raise WrongUse(f"Expected the id of a delivery, found {delivery_id}, which is not known: see `pscc status`.")
