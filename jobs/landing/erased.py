"""Erased people stay erased: what a later delivery says of them is dropped and counted before anything of it is stored.

The vault keeps a tombstone of each: keyed hashes of their ids, of their link tokens and of the rows from which others hang.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.engine import Connection

from jobs.hospitals.feed import Feed
from jobs.landing.layout import batches_of
from jobs.landing.model import Judgement, StagedFile
from jobs.landing.owners import givers, inherits
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.texts import persons_in, texts_in
from jobs.landing.vault import Vault, put, rows_of, tombstone

PERSON, ROW, TOKEN = "person", "row", "token"


@dataclass
class Tombstones:
    """The tombstones of a vault, as one hospital's delivery is held against them."""

    center: str
    pseudonyms: Pseudonyms
    known: set[tuple[str, str]]
    # What this delivery taught: people known by their token alone, rows from which others hang.
    found: set[tuple[str, str]] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, tx: Connection, center: str, pseudonyms: Pseudonyms) -> "Tombstones":
        return cls(center, pseudonyms, {(row["kind"], row["hash"]) for row in rows_of(tx, tombstone)})

    def hashed(self, kind: str, known_as: str) -> tuple[str, str]:
        # A link token is the same in every hospital.
        return kind, self.pseudonyms.tombstone(kind, "" if kind == TOKEN else self.center, known_as)

    def among(self, kind: str, known_as: Iterable[str | None]) -> set[str]:
        """Those that were erased."""
        everything = self.known | self.found
        return {each for each in set(known_as) if each is not None and self.hashed(kind, each) in everything}

    def learn(self, kind: str, known_as: Iterable[str]) -> None:
        """Remember what belongs to an erased person too."""
        self.found |= {self.hashed(kind, each) for each in known_as} - self.known


def bury(tx: Connection, request: str, since: str, hashes: Iterable[tuple[str, str]]) -> None:
    """Put tombstones into the vault; those that are there stay as they are."""
    there = {(row["kind"], row["hash"]) for row in rows_of(tx, tombstone)}
    rows = [{"kind": kind, "hash": hashed, "request": request, "since": since} for kind, hashed in sorted(set(hashes) - there)]
    put(tx, tombstone, rows)


def drop_erased(vault: Vault, pseudonyms: Pseudonyms, judgement: Judgement) -> int:
    """Take the rows of erased people out of a delivery's staged files, rights and merges too; how many they were."""
    if not judgement.files:
        return 0
    with vault.transaction() as tx:
        stones = Tombstones.of(tx, judgement.center or "", pseudonyms)
    if not stones.known:
        return 0
    people = _people(stones, judgement)
    _learn_rows(stones, judgement, people)
    dropped = sum(_drop(stones, judgement, staged, people) for staged in judgement.files)
    if stones.found and judgement.manifest is not None:
        with vault.transaction() as tx:
            bury(tx, judgement.delivery_id or "", judgement.manifest.created_at.isoformat(), stones.found)
    return dropped


def _people(stones: Tombstones, judgement: Judgement) -> set[str]:
    """The erased people of a delivery: by their id, or by a link token under an id that nobody knew."""
    everybody, by_token = set[str](), set[str]()
    for staged in judgement.files:
        names = pq.read_schema(staged.parquet).names
        wanted = [name for name in ("_person_id", "_token_key") if name in names]
        for batch in batches_of(staged.parquet, wanted):
            rows = pl.DataFrame(pl.from_arrow(batch)).unique()
            everybody |= set(rows["_person_id"].drop_nulls())
            if "_token_key" in wanted:
                tokens = stones.among(TOKEN, rows["_token_key"])
                by_token |= set(rows.filter(pl.col("_token_key").is_in(list(tokens)))["_person_id"].drop_nulls())
    stones.learn(PERSON, by_token)
    return stones.among(PERSON, everybody)


def _learn_rows(stones: Tombstones, judgement: Judgement, people: set[str]) -> None:
    """Find the rows of erased people from which rows without a patient hang, down every level."""
    assert judgement.hospital is not None
    domains = givers(judgement.hospital)
    files = [each for each in judgement.files if each.feed.domain in domains or inherits(each.feed)]
    grown = -1
    while grown != len(stones.rows):
        grown = len(stones.rows)
        for staged in files:
            for batch in batches_of(staged.parquet, ["_row_id", "_person_id", "_parents"]):
                rows = pl.DataFrame(pl.from_arrow(batch))
                stones.rows |= set(rows.filter(_is_theirs(stones, staged.feed, rows, people))["_row_id"].drop_nulls())
    stones.learn(ROW, stones.rows)


def _is_theirs(stones: Tombstones, feed: Feed, rows: pl.DataFrame, people: set[str]) -> pl.Series:
    """True for rows of erased people: their own, and those that name nobody and hang from one of theirs."""
    own = rows["_person_id"].is_in(list(people)).fill_null(False)
    if not inherits(feed):
        return own
    parents = rows.select(pl.when(pl.col("_person_id").is_null()).then(pl.col("_parents").list.first()))[:, 0]
    erased = stones.rows & set(parents.drop_nulls()) | stones.among(ROW, parents.drop_nulls())
    return own | parents.is_in(list(erased)).fill_null(False)


def _drop(stones: Tombstones, judgement: Judgement, staged: StagedFile, people: set[str]) -> int:
    """Write a staged file anew without the rows of erased people, where it has some."""
    counted, dropped = 0, 0
    by_event = judgement.hospital is not None and judgement.hospital.newest_event_wins
    fresh = staged.parquet.with_suffix(".left")
    with pq.ParquetWriter(fresh, pq.read_schema(staged.parquet), compression="lz4", write_statistics=False) as writer:
        for batch in batches_of(staged.parquet):
            theirs = _named(stones, staged.feed, batch, people)
            dropped += int(theirs.sum())
            # As it is with oppositions: a deletion of a change feed is no row that is missing, nor is a merge.
            is_counted = ~pl.Series(pl.from_arrow(batch["_is_deleted"])).fill_null(False) if by_event else theirs
            counted += int((theirs & is_counted).sum()) if staged.feed.domain != "identity_merge" else 0
            writer.write_batch(batch.filter((~theirs).to_arrow()))
    if dropped:
        fresh.replace(staged.parquet)
        staged.erased += counted
    else:
        fresh.unlink()
    return dropped


def _named(stones: Tombstones, feed: Feed, batch: pa.RecordBatch, people: set[str]) -> pl.Series:
    """True for rows that are of erased people or name one in any column for a patient (merges have two)."""
    rows = pl.DataFrame(pl.from_arrow(batch.select(["_row_id", "_person_id", "_parents", "_read"])))
    theirs = _is_theirs(stones, feed, rows, people)
    for column in (each.name for each in feed.columns if each.type == "hash64"):
        named = rows["_read"].struct.field(column)
        theirs = theirs | named.is_in(list(stones.among(PERSON, named.unique()))).fill_null(False)
    return theirs


def is_of_erased(vault: Vault, pseudonyms: Pseudonyms, center: str, folder: Path) -> bool:
    """True where files as a hospital sent them name an erased person by a pseudonym."""
    with vault.transaction() as tx:
        stones = Tombstones.of(tx, center, pseudonyms)
    if not stones.known:
        return False
    files = (each for each in sorted(folder.rglob("*")) if each.is_file() and not each.is_symlink())
    named = (persons_in(texts, pseudonyms, (center,)) for file in files for texts in texts_in(file))
    return any(stones.among(PERSON, (person for _, person in each)) for each in named)
