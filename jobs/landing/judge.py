"""Gates 4 to 9 and the row checks of a delivery: every file is read once, and nothing of it is visible anywhere before all passed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

from jobs.hospitals.feed import Feed, Hospital
from jobs.landing import rss
from jobs.landing.batches import FeedFile, Said
from jobs.landing.cells import Manner
from jobs.landing.dates import Limits
from jobs.landing.decode import Text
from jobs.landing.delimited import Delimited, FormatInvalid, lines
from jobs.landing.files import CannotRead, Inflated, Member, Note, RawFile, folder_findings, output_limit, read_archive
from jobs.landing.manifest_files import name_pattern
from jobs.landing.model import DeclaredFile, Finding, Judgement, Manifest
from jobs.landing.parquet import Unreadable, has_type, open_parquet
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.stage import fingerprint


def judge(manifest: Manifest, hospital: Hospital, staging: Path, pseudonyms: Pseudonyms) -> Judgement:
    """What gates 4 to 9 say of a delivery whose manifest is good; when nothing was found its rows are staged below `staging`."""
    return _Inspection(manifest, hospital, staging, pseudonyms).judgement()


class _Inspection:
    """The reading of one delivery."""

    def __init__(self, manifest: Manifest, hospital: Hospital, staging: Path, pseudonyms: Pseudonyms) -> None:
        self._manifest, self._hospital, self._pseudonyms = manifest, hospital, pseudonyms
        self._staging = staging
        self._judgement = Judgement(manifest.delivery_id, manifest.center, manifest, hospital)
        self._all = folder_findings(manifest, self._required())
        self._more: Counter[float] = Counter()

    def judgement(self) -> Judgement:
        missing = {finding.file for finding in self._all if finding.code == "FILE_MISSING"}
        self._staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        for declared in self._manifest.files:
            if declared.path not in missing:
                self._read_file(declared)
        self._all += self._rights()
        first = min((finding.gate for finding in self._all), default=None)
        self._judgement.findings = [finding for finding in self._all if finding.gate == first]
        if first is not None:
            self._judgement.more_findings = self._more[first]
            self._forget()
        return self._judgement

    def _required(self) -> set[str]:
        """The domains that must be declared; rights are asked for at gate 9."""
        return set(self._hospital.required - {"rights"}) if self._manifest.content == "full" else set()

    def _rights(self) -> list[Finding]:
        declared = {file.path for file in self._manifest.files if file.domain == "rights"}
        if self._manifest.rights_path in declared:
            return []
        return [
            Finding(
                9,
                "RIGHTS_MISSING",
                "Expected `rights.path` to be a declared file of the domain rights, found none or another one.",
            )
        ]

    def _forget(self) -> None:
        """Nothing stays of a delivery that is refused."""
        self._judgement.files = []
        for path in self._staging.glob("*.parquet"):
            path.unlink()

    def _read_file(self, declared: DeclaredFile) -> None:
        said = Said(declared.path)
        raw = RawFile(self._manifest.folder / declared.path, declared, said.note)
        try:
            # Once a file is not the one that was sent, the others are only counted and hashed.
            if not any(finding.gate <= 4 for finding in self._all):
                self._read_content(declared, raw, said)
            raw.finish()
        except CannotRead:
            said.note(4, "FILE_MISSING", "Expected a regular file that can be read, found none.")
        self._take_over(said)

    def _take_over(self, said: Said) -> None:
        self._all += said.findings
        self._more += said.more_findings
        self._judgement.more_warnings += said.more_warnings
        for code, findings in said.warnings.items():
            self._judgement.warn(code, findings)

    def _read_content(self, declared: DeclaredFile, raw: RawFile, said: Said) -> None:
        if declared.domain == self._hospital.archive_domain and declared.format == "tar":
            self._check_schema_id(declared, None, said)
            read_archive(raw, self._read_member, self._note_of)
            return
        feed = self._hospital.feed(declared.domain)
        file = self._open(declared, feed, said)
        if feed.format == "parquet":
            self._read_parquet(raw, declared, file, said)
        else:
            limit = min(declared.uncompressed_bytes or 0, output_limit(declared))
            inflated = Inflated(raw, limit)
            self._read_text(inflated.pieces(), declared, file, said)
            inflated.finish(declared.uncompressed_bytes)
        self._judgement.files.append(file.close())

    def _read_member(self, declared: DeclaredFile, member: Member) -> None:
        said = Said(declared.path)
        member.note = said.note
        file = self._open(declared, self._hospital.feed(declared.domain), said)
        self._read_text(member.pieces(), declared, file, said)
        member.finish()
        self._judgement.files.append(file.close())
        self._take_over(said)

    def _note_of(self, path: str) -> Note:
        def note(gate: float, code: str, sentence: str) -> None:
            self._all.append(Finding(gate, code, sentence, path))

        return note

    def _open(self, declared: DeclaredFile, feed: Feed, said: Said) -> FeedFile:
        version = self._check_schema_id(declared, feed, said)
        manner = Manner(
            self._hospital,
            feed,
            Limits(self._manifest.window_to, self._manifest.created_at),
            rss.DATE_FORMAT if feed.format == "fixed" else self._hospital.date_format,
            self._pseudonyms,
            is_cp1252=declared.encoding == "cp1252",
            is_maf=feed.format == "maf",
        )
        named = name_pattern(feed.file, self._manifest).fullmatch(declared.path)
        year = named["year"] if named and "year" in named.re.groupindex else None
        return FeedFile(manner, self._manifest, said, version, self._staging / f"{fingerprint(declared.path)}.parquet", year)

    def _check_schema_id(self, declared: DeclaredFile, feed: Feed | None, said: Said) -> str:
        """The version of the schema; the latest where the id is none of this hospital and domain."""
        versions = feed.versions if feed else ("1",)
        known = {f"{self._hospital.center}.{declared.domain}/{version}": version for version in versions}
        if declared.schema_id not in known:
            said.note(8, "SCHEMA_UNKNOWN", "Expected a schema id of this hospital and domain, found another one.")
        return known.get(declared.schema_id, versions[-1])

    def _read_parquet(self, raw: RawFile, declared: DeclaredFile, file: FeedFile, said: Said) -> None:
        opened = open_parquet(raw)
        if opened is None:
            return
        if len(set(opened.schema.names)) != len(opened.schema.names):
            said.note(6, "FORMAT_INVALID", "Expected every column once, found one twice.")
            return
        file.check_columns(opened.schema.names, is_known=_is_known(said))
        columns = {column.name: column for column in file.manner.feed.columns}
        for name in set(opened.schema.names) & set(columns):
            if not has_type(columns[name], opened.schema.field(name).type):
                said.note(8, "SCHEMA_TYPE", "Expected the declared physical type, found another one.", column=name)
        try:
            for table in opened.batches():
                file.add(table)
        except Unreadable as broken:
            said.note(5, "FILE_CORRUPT", str(broken))
            return
        _check_count(file, declared, said)

    def _read_text(self, pieces: Iterator[bytes], declared: DeclaredFile, file: FeedFile, said: Said) -> None:
        text = Text(pieces, declared.encoding or "utf-8", file.manner.feed.format == "csv")
        wrong: FormatInvalid | None = None
        try:
            for table in _tables(text, file, said):
                file.add(table)
        except FormatInvalid as found:
            # What stopped the text itself explains why its records break off.
            wrong = None if text.faults else found
        text.drain()
        if text.has_bom:
            said.warn("BOM_REMOVED", "Expected text without byte order mark, found one: removed.")
        if wrong is not None:
            said.note(6, "FORMAT_INVALID", wrong.sentence, wrong.row)
        for code, sentence in text.faults.items():
            said.note(6, code, sentence)
        if wrong is None and not text.faults:
            _check_count(file, declared, said)


def _tables(text: Text, file: FeedFile, said: Said) -> Iterator[pa.Table]:
    """The records of a text file, whatever its format."""
    feed = file.manner.feed
    if feed.format == "fixed":
        yield from rss.tables(text)
    elif feed.format == "lines":
        # The file name is the list's name.
        name = Path(said.path).stem
        for found in lines(text):
            columns = dict(zip((column.name for column in feed.columns), ([name] * len(found), found), strict=True))
            yield pa.table(
                {column: pl.Series(values, dtype=pl.String).to_arrow().cast(pa.string()) for column, values in columns.items()}
            )
    else:
        is_maf = feed.format == "maf"
        records = Delimited(text, "\t" if is_maf else feed.delimiter, is_quoted=not is_maf, comment=b"#" if is_maf else None)
        file.check_columns(records.names, is_known=_is_known(said))
        yield from records.tables()


def _is_known(said: Said) -> bool:
    return not any(finding.code == "SCHEMA_UNKNOWN" for finding in said.findings)


def _check_count(file: FeedFile, declared: DeclaredFile, said: Said) -> None:
    if file.rows != declared.rows:
        said.note(6, "ROW_COUNT_MISMATCH", f"Expected {declared.rows} records, found {file.rows}.")
