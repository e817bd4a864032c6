"""Taking the rows of newly opposed people out of bronze and quarantine, those that name no patient too."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from jobs.hospitals import hospitals
from jobs.hospitals.feed import Hospital
from jobs.lake import Lake
from jobs.landing.among import among
from jobs.landing.opposed import Hidden, is_omic, omic_when
from jobs.landing.owners import givers
from jobs.landing.rewrite import rewrite_without
from jobs.landing.vault import Vault, child_key, put

# Where a row came from: enough to find it in every table, and says nothing about anybody.
ADDRESS = ("delivery_id", "source_file", "source_row_no")
ATTEMPTS = 8
# Each table is a wait for the disk and little else.
THREADS = 4


@dataclass(frozen=True)
class Removal:
    """Rows of one hospital that must go: `rows` has domain, address, row id and owner."""

    hospital: Hospital
    rows: pl.DataFrame


def purge(vault: Vault, lake: Lake, opposed: dict[str, dict[str, set[str]]], delivery_id: str, fence: Callable[[], None]) -> None:
    """Delete from bronze and quarantine what may not be kept of these people ({center: {person: scopes}}).

    By row addresses, which name nobody: what stands in a predicate is written into the table's log for ever. That the delivery
    which opposes them touches these people stays known, so that silver follows.
    """
    for center, people in opposed.items():
        removal = find(lake, hospitals()[center], Hidden.of(people))
        if removal.rows.height:
            _remember_children(vault, removal)
            fence()
            remove_rows(lake, removal)
        _delete(lake, "bronze", "touched", _touched_before(lake, center, people, delivery_id))


def _touched_before(lake: Lake, center: str, people: dict[str, set[str]], delivery_id: str) -> pl.DataFrame:
    everything = [person for person, scopes in people.items() if "all" in scopes]
    where = (ds.field("center") == center) & among("person_id", everything) & (ds.field("delivery_id") != delivery_id)
    return lake.frame("bronze", "touched", ["center", "delivery_id", "person_id"], where)


def find(lake: Lake, hospital: Hospital, hidden: Hidden) -> Removal:
    """The rows of one hospital that the hidden people's oppositions concern."""
    if not hidden or not lake.exists("bronze", "record"):
        return Removal(hospital, pl.DataFrame())
    own = _named(lake, hospital.center, hidden)
    rows = pl.concat([own, _unnamed(lake, hospital.center, own)])
    kept = []
    for feed in hospital.feeds:
        found = rows.filter(pl.col("domain") == feed.domain)
        if found.is_empty():
            continue
        found = (
            found.join(_omic(lake, hospital, found), on=ADDRESS, how="left")
            if omic_when(feed)
            else found.with_columns(omic=pl.lit(True))
        )
        kept.append(found.filter(hidden.drops(feed, pl.col("owner"), pl.col("omic").fill_null(True))).drop("omic"))
    return Removal(hospital, pl.concat(kept) if kept else pl.DataFrame())


def _named(lake: Lake, center: str, hidden: Hidden) -> pl.DataFrame:
    """Records known to be these people's, and merges that name them on the other side."""
    where = (ds.field("center") == center) & among("person_id", hidden.anybody())
    return lake.frame("bronze", "record", ["domain", *ADDRESS, "row_id", "person_id"], where).rename({"person_id": "owner"})


def _unnamed(lake: Lake, center: str, own: pl.DataFrame) -> pl.DataFrame:
    """Records that came before their parent did, so that nobody knew whose they were."""
    where = (ds.field("center") == center) & ds.field("person_id").is_null() & (ds.field("inherits") == True)  # noqa: E712
    loose = lake.frame("bronze", "record", ["domain", *ADDRESS, "row_id", "parents"], where).with_columns(
        parent=pl.col("parents").list.first()
    )
    known, found = own.select("row_id", "owner"), [own.clear()]
    while loose.height and known.height:
        now = loose.join(known.drop_nulls().unique("row_id"), left_on="parent", right_on="row_id", how="inner")
        loose = loose.join(now.select(ADDRESS), on=ADDRESS, how="anti")
        known = now.select("row_id", "owner")
        found.append(now.select(own.columns))
    return pl.concat(found)


def _omic(lake: Lake, hospital: Hospital, rows: pl.DataFrame) -> pl.DataFrame:
    """Which of these analyses are omic ones."""
    feed = hospital.feed("analysis")
    where = among("_delivery_id", rows["delivery_id"].unique())
    found = lake.frame("bronze", f"{hospital.center}_analysis", [*(f"_{name}" for name in ADDRESS), "_read"], where)
    return found.select(*(pl.col(f"_{name}").alias(name) for name in ADDRESS), omic=is_omic(feed))


def _remember_children(vault: Vault, removal: Removal) -> None:
    """Keep the keys by which later rows without a patient will be known."""
    rows = removal.rows.filter(pl.col("domain").is_in(givers(removal.hospital)) & pl.col("row_id").is_not_null())
    remember(vault, removal.hospital.center, rows.select("domain", "row_id", pl.col("owner").alias("person_id")))


def remember(vault: Vault, center: str, rows: pl.DataFrame) -> None:
    """Keep child keys: `rows` has domain, row id and person."""
    if rows.height:
        with vault.transaction() as tx:
            put(tx, child_key, [{"center": center, **row} for row in rows.iter_rows(named=True)])


def remove_rows(lake: Lake, removal: Removal) -> None:
    """Take rows out of bronze and quarantine."""
    center = removal.hospital.center
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(_remove_of, lake, center, *part) for part in removal.rows.group_by("domain")]:
            done.result()
    # Last: the records are the way to the others, for a second try after a crash.
    _delete(lake, "bronze", "record", removal.rows.select(pl.lit(center).alias("center"), "domain", *ADDRESS))


def _remove_of(lake: Lake, center: str, domain: tuple[object, ...], rows: pl.DataFrame) -> None:
    address = rows.select(ADDRESS)
    _delete(lake, "bronze", f"{center}_{domain[0]}", address.rename({name: f"_{name}" for name in ADDRESS}))
    _delete(lake, "quarantine", f"{center}_{domain[0]}", address)


def _delete(lake: Lake, zone: str, table: str, keys: pl.DataFrame) -> None:
    """Delete the rows of a table that have one of these keys."""
    if keys.is_empty() or not lake.exists(zone, table):
        return
    # A handle of its own: what others commit in between has to be noticed.
    insist(lambda: rewrite_without(DeltaTable(lake.path(zone, table)), keys.unique()))


def remove_delivery(lake: Lake, zone: str, table: str, column: str, delivery_id: str) -> None:
    """Take all rows of a delivery out of a table."""
    if lake.exists(zone, table):
        path = lake.path(zone, table)
        empty = pa.schema(lake.table(zone, table).schema()).empty_table()
        insist(partial(write_deltalake, path, empty, mode="overwrite", predicate=f"{column} = '{delivery_id}'"))


def insist(commit: Callable[[], Any]) -> Any:
    """Commit again when another hospital's load wrote to the same table in between."""
    for _ in range(ATTEMPTS - 1):
        try:
            return commit()
        except CommitFailedError:
            continue
    return commit()


def by_center(people: list[tuple[str, str, str]]) -> dict[str, dict[str, set[str]]]:
    """{center: {person: scopes}} of (center, person, scope)."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for center, person, scope in people:
        found[center][person].add(scope)
    return found
