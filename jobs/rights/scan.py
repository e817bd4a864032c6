"""The byte scan: every file below a lake, live or left behind, is read to its last byte for traces of some people.

Parquet is looked at twice: its bytes (statistics stand there as they are) and the texts and bytes of its columns, however compressed. So are the
databases of ledger and vault: their files, and the rows of their tables.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import pyarrow.fs as fs
from sqlalchemy import Engine, MetaData, Table, select

from jobs.landing.links import Person
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.texts import persons_in, texts_in
from jobs.landing.vault import METADATA as VAULT
from jobs.landing.vault import Vault
from jobs.ledger.schema import METADATA as LEDGER
from jobs.rights.traces import SHORTEST, Traces
from quality import places

# Texts are held against the traces together: to make ready for it costs as much as a megabyte of text.
TOGETHER = 48 * 2**20
# Here lie files as hospitals sent them, where people are called by their first pseudonym.
AS_SENT = ("restricted", "staging")
VAULT_FILES = "vault/vault.sqlite"
# Tables in which an erasure itself keeps what it looks for until nothing is found any more.
AT_WORK = ("request_person", "request_trace")


@dataclass
class Zone:
    """What was read of a zone, and how often a trace stood in it."""

    files: int = 0
    bytes: int = 0
    hits: int = 0


@dataclass
class Scan:
    """What a scan found: by zone, and the files with hits by their place below the lake."""

    zones: dict[str, Zone] = field(default_factory=dict)
    places: Counter[str] = field(default_factory=Counter)
    # Of the people it was asked for by hospital and id, those who were found, in whatever place but the register of requests.
    people: set[Person] = field(default_factory=set, repr=False)

    @property
    def hits(self) -> int:
        return sum(zone.hits for zone in self.zones.values())

    def told(self) -> dict[str, dict[str, int]]:
        """It as an object for programs."""
        return {name: dict(zone.__dict__) for name, zone in sorted(self.zones.items())}

    def tables(self) -> list[tuple[str, str]]:
        """Zone and name of every Delta table in whose folder there was a hit."""
        parts = [place.split("/") for place in self.places]
        return sorted({(each[0], each[1]) for each in parts if len(each) > 2})


@dataclass
class _Waiting:
    """Texts that wait to be held against the traces, with the file each came from."""

    traces: Traces
    scan: Scan
    ids: Mapping[str, Person] = field(default_factory=dict)
    files: list[tuple[str, str]] = field(default_factory=list)
    texts: list[pl.Series] = field(default_factory=list)
    size: int = 0

    def add(self, zone: str, place: str, texts: pl.Series) -> None:
        long_enough = texts.filter((texts.str.len_bytes() >= SHORTEST).fill_null(False))
        if long_enough.is_empty():
            return
        self.files.append((zone, place))
        self.texts.append(long_enough)
        self.size += int(long_enough.str.len_bytes().sum())
        if self.size >= TOGETHER:
            self.look()

    def look(self) -> None:
        if not self.texts:
            return
        numbers = [pl.Series([number]).new_from_index(0, len(each)) for number, each in enumerate(self.texts)]
        rows = pl.DataFrame({"file": pl.concat(numbers), "text": pl.concat(self.texts)})
        whole = rows.filter(pl.col("text").str.len_bytes() <= 8 * SHORTEST)
        hit = whole.filter(self.traces.stand_in(whole["text"]))
        found = Counter(hit["file"].to_list())
        # A piece of a file has many traces, a cell is counted once.
        long = rows.filter(pl.col("text").str.len_bytes() > 8 * SHORTEST)
        counted = long.with_columns(times=self.traces.times_in(long["text"]))
        for number, times in counted.select("file", "times").iter_rows():
            found[number] += times
        self._recognise(pl.concat([hit, counted.filter(pl.col("times") > 0).drop("times")]))
        for number, times in found.items():
            zone, place = self.files[number]
            self.note(zone, place, times)
        self.files, self.texts, self.size = [], [], 0

    def _recognise(self, hit: pl.DataFrame) -> None:
        """Who stands in these texts. The files of the vault have the request itself in them: its rows are looked at one by one."""
        register = [number for number, (_, place) in enumerate(self.files) if place.startswith(VAULT_FILES)]
        texts = hit.filter(~pl.col("file").is_in(register))["text"]
        self.scan.people |= {self.ids[each] for each in Traces(frozenset(self.ids)).among(texts)}

    def note(self, zone: str, place: str, times: int) -> None:
        if times:
            self.scan.zones.setdefault(zone, Zone()).hits += times
            self.scan.places[place] += times


def scan_lake(
    root: str,
    traces: Traces,
    vault: Vault,
    ledger: Engine,
    *,
    beside: Mapping[str, Path] = MappingProxyType({}),
    named: tuple[Pseudonyms, frozenset[Person]] | None = None,
    aside: Path | None = None,
) -> Scan:
    """Every file below a lake, its databases, and the folders that lie `beside` it, each a zone of its own.

    With `named` (the key, and people by hospital and id) files as hospitals sent them are searched for pseudonyms of these people, and it is
    told who of them was found. `aside` is the one file that is passed over: in it stands what is looked for.
    """
    waiting = _Waiting(traces, Scan(), _ids(*named) if named else {})
    system, place = places.filesystem(root)
    for found in sorted(system.get_file_info(fs.FileSelector(place, recursive=True)), key=lambda each: each.path):
        below = found.path.removeprefix(f"{place}/")
        if found.is_file and not _is(found, aside):
            _scan_file(waiting, system, found, below, named)
    for zone, folder in beside.items():
        local = fs.LocalFileSystem()
        for found in local.get_file_info(fs.FileSelector(str(folder), recursive=True)):
            # A log that was rotated away meanwhile holds nothing any more.
            with suppress(FileNotFoundError):
                if found.is_file and not _is(found, aside):
                    _scan_file(waiting, local, found, f"{zone}/{found.path.removeprefix(f'{folder}/')}", named)
    for zone, engine, tables in (("vault", vault.engine, VAULT), ("ledger", ledger, LEDGER)):
        _scan_database(waiting, zone, engine, tables)
    waiting.look()
    return waiting.scan


def _is(found: fs.FileInfo, aside: Path | None) -> bool:
    return aside is not None and Path(found.path).absolute() == aside.absolute()


def _ids(pseudonyms: Pseudonyms, people: Iterable[Person]) -> dict[str, Person]:
    """By what ids people stand in tables: as a person, and as gold calls one."""
    return {known_as: (center, who) for center, who in people for known_as in (who, pseudonyms.patient_id(who))}


def zone_of(place: str) -> str:
    """The zone of a file by its place below the lake; a table's log is one of its own."""
    parts = place.split("/")
    if len(parts) == 1:
        return "ledger" if parts[0].startswith("ledger.") else "other"
    return f"{parts[0]}/_delta_log" if "_delta_log" in parts[1:-1] else parts[0]


def _scan_file(waiting: _Waiting, system: fs.FileSystem, found: fs.FileInfo, place: str, named: Any) -> None:
    zone = zone_of(place)
    # The names of files too.
    waiting.add(zone, place, pl.Series([place]))
    for texts in texts_in(found.path, system):
        waiting.add(zone, place, texts)
        if named and place.startswith(AS_SENT):
            pseudonyms, people = named
            said = persons_in(texts, pseudonyms, {center for center, _ in people})
            waiting.note(zone, place, len(said & people))
            waiting.scan.people |= said & people
    counted = waiting.scan.zones.setdefault(zone, Zone())
    counted.files += 1
    counted.bytes += found.size


def _scan_database(waiting: _Waiting, zone: str, engine: Engine, tables: MetaData) -> None:
    """The rows of a database, but for those with which an erasure is still at work."""
    for table in tables.tables.values():
        if table.name not in AT_WORK:
            waiting.scan.zones.setdefault(zone, Zone())
            with engine.connect() as connection:
                texts = [_line(row) for row in connection.execute(select(table))]
            waiting.add(zone, f"{zone}.{table.name}", pl.Series(texts, dtype=pl.String))


def _line(row: Any) -> str:
    return "\n".join(str(cell) for cell in row if cell is not None)


def rows_with(engine: Engine, table: Table, traces: Traces) -> list[dict[str, Any]]:
    """The rows of a table of a database in which a trace stands."""
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(select(table)).mappings()]
    if not rows:
        return []
    lines = pl.Series([_line(row.values()) for row in rows], dtype=pl.String)
    return [row for row, hit in zip(rows, traces.stand_in(lines), strict=True) if hit]
