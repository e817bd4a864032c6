"""From rows with their fates to the files of every delivery: what is due in which, under which pseudonym, and what is counted."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.hospitals.feed import Feed
from jobs.simulate import manifest
from jobs.simulate.calendar import NEVER, Delivery, day_number
from jobs.simulate.fate import Hiding
from jobs.simulate.files import Archive, ParquetFile, TextFile, Written
from jobs.simulate.gr_stays import years
from jobs.simulate.key import Key
from jobs.simulate.people import FIRST_DIAGNOSIS, Records
from jobs.simulate.rows import Rows

FIRST_YEAR = 1970 + FIRST_DIAGNOSIS // 365
ALWAYS = {"rights", "patient", "identity_merge"}
# A schema version with one more column replaces the first in the middle of the deliveries.
DRUG_2_FROM = 0.5


class Shipment:
    """The files of one delivery while chunk after chunk is added."""

    def __init__(self, root: Path, delivery: Delivery, rounds: int) -> None:
        self.delivery, self.hospital = delivery, hospitals()[delivery.center]
        self.folder = root / delivery.folder
        self.work = root / ".work" / delivery.id
        self.opposed = 0
        self.years = self._years()
        self.drug_version = "2" if delivery.round >= rounds * DRUG_2_FROM else "1"
        self._files: dict[str, TextFile | ParquetFile] = {}
        for feed in self.hospital.feeds:
            if feed.format == "parquet" and feed.domain not in ALWAYS:
                continue
            if feed.format not in ("lines", "fixed"):
                self.file(feed)

    def _years(self) -> list[int]:
        since = self.delivery.window_from
        return years(day_number(since) if since else None, day_number(self.delivery.window_to), FIRST_YEAR)

    def path(self, feed: Feed, year: int | None = None, name: str = "") -> str:
        created = self.delivery.created
        month = 12 if year is not None and year < self.delivery.window_to.year else self.delivery.window_to.month
        return feed.file.format(
            date=f"{created:%Y%m%d}",
            number=f"{self.delivery.number:03d}",
            day=f"{created:%Y-%m-%d}",
            year=year,
            month=month,
            name=name,
        )

    def file(self, feed: Feed, year: int | None = None, name: str = "") -> TextFile | ParquetFile:
        path = self.path(feed, year, name)
        if path not in self._files:
            root = self.work if feed.member else self.folder
            version = self.drug_version if (feed.domain == "drug" and "2" in feed.versions) else feed.versions[0]
            self._files[path] = ParquetFile(root, path, feed) if feed.format == "parquet" else TextFile(root, path, feed, version)
        return self._files[path]

    def write(self, feed: Feed, rows: pl.DataFrame, year: int | None = None, name: str = "") -> tuple[str, int]:
        """Appends rows; returns the path and how many rows stood before them."""
        if feed.format == "parquet" and rows.is_empty() and feed.domain not in ALWAYS:
            return self.path(feed, year, name), 0
        file = self.file(feed, year, name)
        if feed.patient in rows.columns:
            file.about.patients = (file.about.patients or 0) + rows[feed.patient].drop_nulls().n_unique()
        return file.about.path, file.write(rows)

    def finish(self, key: dict[str, str]) -> dict:
        """Closes the files and announces the delivery; returns the manifest."""
        written = [file.close() for file in self._files.values()]
        members = [each for each in written if each.feed.member]
        entries = [manifest.entry(self.delivery.center, each) for each in written if not each.feed.member]
        if members:
            entries.insert(1, self._pack(members))
        signed = manifest.signed(manifest.body(self.delivery, entries, self.opposed), key)
        manifest.announce(self.folder, signed)
        return signed

    def _pack(self, members: list[Written]) -> dict:
        name = str(self.hospital.archive).format(yearmonth=f"{self.delivery.created:%Y%m}")
        size, sha256 = Archive(self.folder / name, members).pack(self.work)
        return manifest.archive_entry(name, members, size, sha256)


@dataclass(frozen=True)
class Sender:
    """Sends the rows of a hospital's chunk in all its deliveries."""

    center: int
    own: Records
    hidden: Hiding
    shipments: list[Shipment]
    key: Key

    def send(self, rows: Rows) -> None:
        """Writes the feed's rows into every delivery in which they are due."""
        frame = rows.frame.sort("_entity", "_round", "_order", maintain_order=True)
        first = pl.col("_round") == pl.col("_round").min().over("_entity")
        frame = frame.with_columns(first.alias("_first"), pl.Series("_kind", self._kinds(rows, frame)))
        if rows.domain == "patient":
            merged = self.own.merged[frame["_record"].to_numpy()]
            frame = frame.with_columns(pl.Series("_gone", np.where(frame["_entity"].to_numpy() % 2 == 1, merged, NEVER)))
        for shipment in self.shipments:
            due = self._due(rows, frame, shipment)
            for year, part in self._parts(rows, due, shipment):
                self._write(rows, part, shipment, year)

    def _kinds(self, rows: Rows, frame: pl.DataFrame) -> np.ndarray:
        if "_omic" in frame.columns:
            return np.where(frame["_omic"].to_numpy() == 1, 2, 0)
        return np.full(len(frame), {"person": 0, "sample": 1, "molecular": 2}[rows.scope])

    def _due(self, rows: Rows, frame: pl.DataFrame, shipment: Shipment) -> pl.DataFrame:
        round_ = shipment.delivery.round
        whole = rows.feed.replaces in ("all", "year")
        known = frame.filter(pl.col("_round") <= round_)
        last = known.filter(pl.col("_round") == pl.col("_round").max().over("_entity"))
        if "_gone" in frame.columns:
            last = last.filter(pl.col("_gone") > round_) if whole else last
        if whole:
            due = last.filter(~pl.col("_deleted"))
        else:
            again = self.hidden.again[last["_record"].to_numpy()] == round_
            meant = self._meant(last)
            resent = last.filter(
                pl.Series(again & meant) & (pl.col("_round") < round_) & ~pl.col("_deleted") & pl.col("_reason").is_null()
            )
            due = pl.concat([known.filter(pl.col("_round") == round_), resent.with_columns(pl.lit(False).alias("_first"))])
        due = due.filter(pl.Series(~self._withheld(due, round_)))
        return due.sort("_entity", "_order", maintain_order=True)

    def _meant(self, frame: pl.DataFrame) -> np.ndarray:
        """Rows that the person's opposition, in force or lifted, is about."""
        since, _ = self.hidden.of(frame["_kind"].to_numpy(), frame["_record"].to_numpy())
        return since < NEVER

    def _withheld(self, frame: pl.DataFrame, round_: int) -> np.ndarray:
        """Rows that the hospital no longer sends, because the person objected there."""
        record = frame["_record"].to_numpy()
        stated = self.hidden.own[record] & ~self.own.still_sent[record]
        return stated & self._meant(frame) & (self.own.opposed[record] <= round_) & (round_ < self.own.lifted[record])

    def _parts(self, rows: Rows, due: pl.DataFrame, shipment: Shipment) -> list[tuple[int | None, pl.DataFrame]]:
        if rows.feed.replaces != "year":
            return [(None, due)]
        return [(year, due.filter(pl.col("_year") == year)) for year in shipment.years]

    def _write(self, rows: Rows, part: pl.DataFrame, shipment: Shipment, year: int | None) -> None:
        if part.is_empty():
            return
        path, before = shipment.write(rows.feed, self._dressed(rows, part, shipment.delivery), year)
        step = shipment.delivery.step
        since, until = self.hidden.of(part["_kind"].to_numpy(), part["_record"].to_numpy())
        hidden = (since <= step) & (step < until) & ~part["_deleted"].to_numpy()
        if rows.domain != "episode_link":
            self.key.dropped(shipment.delivery, rows.domain, int(hidden.sum()))
        bad = np.flatnonzero(part["_reason"].is_not_null().to_numpy() & ~hidden)
        if len(bad):
            name = rows.feed.key[0]
            self.key.set_aside(
                shipment.delivery,
                path,
                rows.domain,
                before + 1 + bad,
                part[name].gather(bad) if name in part.columns else None,
                part["_reason"].gather(bad),
            )

    def _dressed(self, rows: Rows, part: pl.DataFrame, delivery: Delivery) -> pl.DataFrame:
        """The rows with what only a delivery gives them: pseudonym, technical dates, kind of change."""
        part = part.with_columns(self._pseudonyms(part, delivery.round).alias("_pid"))
        if rows.own_patient and rows.feed.patient:
            part = part.with_columns(pl.col("_pid").alias(rows.feed.patient))
        end = day_number(delivery.window_to)
        if self.center == 0:
            written = (end - pl.col("_entity") * 37 % 60).cast(pl.Int32).cast(pl.Date).dt.strftime("%d/%m/%Y")
            return part.with_columns(DATE_MAJ=written, TOP_SUPPR=pl.when("_deleted").then(pl.lit("O")).otherwise(pl.lit("N")))
        if self.center == 1:
            return part
        moment = pl.lit(end * 86_400_000_000, pl.Int64) + (70_000 - (pl.col("_entity") * 7_919) % (50 * 86_400)) * 1_000_000
        first = pl.col("_first") | pl.lit(rows.domain == "episode_link")
        part = part.with_columns(
            op=pl.when("_deleted").then(pl.lit("D")).when(first).then(pl.lit("I")).otherwise(pl.lit("U")),
            extract_ts=moment.cast(pl.Datetime("us", "UTC")),
        )
        kept = {*rows.feed.key, "op", "extract_ts", "cdm_source"}
        emptied = [c.name for c in rows.feed.columns if c.name in part.columns and c.name not in kept]
        return part.with_columns([pl.when(~pl.col("_deleted")).then(pl.col(name)).alias(name) for name in emptied])

    def _pseudonyms(self, part: pl.DataFrame, round_: int) -> pl.Series:
        """The pseudonym of every row: the old one before a merge, and for a tenth of the rows (not in snapshots) still after it."""
        record = part["_record"].to_numpy()
        merged = self.own.merged[record]
        straggling = (part["_entity"].to_numpy() % 10 == 0) & (self.center != 1)
        old = pl.Series((merged < NEVER) & ((round_ < merged) | straggling))
        usual = pl.select(pl.when(old).then(self.own.old_pseudonym[record]).otherwise(self.own.pseudonym[record])).to_series()
        inherits = part["_inherits"] if "_inherits" in part.columns else pl.Series([False]).new_from_index(0, len(part))
        return pl.select(
            pl.when(inherits)
            .then(None)
            .when(part["_pid"] == "")
            .then(None)
            .when(part["_pid"].is_not_null())
            .then(part["_pid"])
            .otherwise(usual)
        ).to_series()
