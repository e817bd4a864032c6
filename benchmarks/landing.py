"""Landing beside the least that anybody must do: judge and land a delivery, and polars reading, checksumming and writing the same files.

python -m benchmarks.landing --rows 5000000

The delivery is a simulated one of Gustave Roussy whose administrations are repeated, each under an id of its own, up to the rows asked for.
Each step runs in a process of its own.
"""

import argparse
import gzip
import hashlib
import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.measure import Step, alone
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.landing import load
from jobs.landing.judge import judge
from jobs.landing.manifest import read_manifest
from jobs.landing.model import Judgement
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.vault import Vault
from jobs.settings import Settings

REPEATED = "drug"


def delivery(folder: Path, rows: int) -> Path:
    """A delivery with `rows` administrations, announced but not signed."""
    from jobs.simulate import simulate

    simulate(300, 1, 7, folder / "hospitals")
    [manifest] = (folder / "hospitals" / "landing" / "gr").rglob("manifest.json")
    body = json.loads(manifest.read_text())
    [file] = [each for each in body["files"] if each["domain"] == REPEATED]
    path = manifest.parent / file["path"]
    header, *lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    with gzip.open(path, "wb", compresslevel=1) as written:
        size = written.write(header) + sum(written.write(line) for line in _repeated(lines, rows))
    digest = _sha256(path)
    file |= {"rows": rows, "bytes": path.stat().st_size, "uncompressed_bytes": size, "sha256": digest}
    manifest.write_text(json.dumps(body))
    return manifest.parent


def _repeated(lines: list[bytes], rows: int) -> Iterator[bytes]:
    """The lines over and over, the key in their first column counted up."""
    for number, line in enumerate(itertools.islice(itertools.cycle(lines), rows)):
        yield b"A%012x;%b" % (number, line.partition(b";")[2])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def judged(folder: Path, staging: Path) -> Judgement:
    """Gates 4 to 9: every file read once, its rows staged."""
    manifest, findings = read_manifest(folder, hospitals(), datetime.now(UTC))
    assert manifest is not None, findings
    judgement = judge(manifest, hospitals()[manifest.center], staging, Pseudonyms(bytes(32)))
    assert judgement.outcome == "accepted", judgement.findings
    return judgement


def landed(judgement: Judgement, lake: Path) -> int:
    """The commit to bronze; how many rows lie there."""
    settings = Settings(lake=str(lake))
    load.load(Vault(settings), Lake(settings.lake), judgement, 1, lambda: None)
    return Lake(settings.lake).read("bronze", "record", ["domain"]).num_rows


def polars_alone(folder: Path, to: Path) -> int:
    """What cannot be spared: checksum, decode, split into columns, write Parquet; how many rows were written."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    to.mkdir()
    return sum(_copied(folder / file["path"], file, to) for file in files)


def _copied(path: Path, file: dict[str, Any], to: Path) -> int:
    assert _sha256(path) == file["sha256"]
    # Polars reads gzip and cp1252, but not both at once. Lines of fixed width stay one column.
    rows = pl.read_csv(
        gzip.decompress(path.read_bytes()).decode(file["encoding"]).encode(),
        separator=file["delimiter"] or "\x1f",
        has_header=file["format"] != "fixed",
        comment_prefix="#" if file["format"] == "maf" else None,
        infer_schema=False,
    )
    rows.write_parquet(to / f"{path.name}.parquet")
    return rows.height


def compare(folder: Path, rows: int) -> None:
    """Print what each step cost, and how many times polars alone the two of landing are."""
    _, place = alone("make the delivery", delivery, folder, rows)
    judging, judgement = alone("judge", judged, place, folder / "staging")
    landing, kept = alone("land in bronze", landed, judgement, folder / "lake")
    least, read = alone("polars: checksum, read, write Parquet", polars_alone, place, folder / "parquet")
    print(f"{read:,} rows read, {kept:,} kept in bronze; landing against polars alone: {_times(judging, landing, least)}")


def _times(judging: Step, landing: Step, least: Step) -> str:
    wall, cpu = (judging.wall + landing.wall) / least.wall, (judging.cpu + landing.cpu) / least.cpu
    peak = max(judging.peak_mib, landing.peak_mib) / least.peak_mib
    return f"{wall:.1f} times the wall time, {cpu:.1f} times the CPU, {peak:.2f} times the peak memory"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pscc-benchmark-"))
    try:
        compare(folder, asked.rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
