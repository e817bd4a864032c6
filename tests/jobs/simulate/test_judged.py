"""Landing, which knows nothing of the simulator, judges its deliveries and comes to the answer key."""

import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from jobs.hospitals import hospitals
from jobs.landing.judge import judge
from jobs.landing.manifest import read_manifest
from jobs.landing.model import Judgement
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.signature import check_signature, load_keys
from jobs.simulate import Answer

Row = tuple[str, int, str]


def refused(judgement: Judgement) -> set[Row]:
    """Path, record number and reason of every row set aside."""
    found: set[Row] = set()
    for file in judgement.files:
        rows = pl.read_parquet(file.parquet, columns=["_source_row_no", "_reason"]).drop_nulls("_reason")
        found |= {(file.path, number, reason) for number, reason in rows.iter_rows()}
        found |= {(file.path, number, reason) for number, reason in file.late_reasons.items()}
    return found


def test_every_delivery_is_accepted_and_sets_exactly_the_rows_of_the_key_aside(
    simulated: Answer, manifests: list[Path], tmp_path: Path
) -> None:
    expected: dict[str, set[Row]] = defaultdict(set)
    with (simulated.root / "truth" / "rejected_rows.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            expected[row["delivery_id"]].add((row["path"], int(row["row_no"]), row["reason"]))
    keys = load_keys(simulated.keys)
    for path in manifests:
        manifest, findings = read_manifest(path.parent, hospitals(), datetime.now(UTC))
        assert manifest is not None
        findings += check_signature(manifest, keys)
        judgement = judge(manifest, hospitals()[manifest.center], tmp_path / manifest.delivery_id, Pseudonyms(b"k" * 32))
        assert (findings, judgement.outcome, judgement.findings) == ([], "accepted", [])
        assert refused(judgement) == expected[manifest.delivery_id]
