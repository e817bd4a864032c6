"""How a lake is held against an answer key: counts, values, persons, tumours, rows set aside and waiting, gene counts."""

import csv
import hashlib
import hmac
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl

from jobs.lake import Lake, content_hash
from quality.contracts import contracts


def rows(samples: Path, name: str) -> list[dict[str, str]]:
    with (samples / "truth" / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def person_id(key: str, center: str, pseudonym: str) -> str:
    return hmac.new(bytes.fromhex(key), f"{center}:{pseudonym}".encode(), hashlib.sha256).hexdigest()[:32]


def current(lake: Lake, zone: str, table: str) -> pl.DataFrame:
    """The rows of a table that count."""
    frame = lake.frame(zone, table)
    return frame.filter(pl.col("is_current") & ~pl.col("is_deleted")) if "is_current" in frame.columns else frame


def counts(lake: Lake) -> dict[tuple[str, str], int]:
    """Current rows of every silver table and hospital."""
    found: dict[tuple[str, str], int] = {}
    for table in lake.tables("silver"):
        frame = current(lake, "silver", table)
        if "center" in frame.columns:
            found |= {(table, center): count for center, count in frame.group_by("center").len().iter_rows()}
    return found


def expected_counts(samples: Path, after: str) -> dict[tuple[str, str], int]:
    return {
        (r["silver_table"], r["center"]): int(r["rows"])
        for r in rows(samples, "counts_by_delivery.csv")
        if r["after_delivery_id"] == after
    }


def differences(wanted: dict, found: dict) -> dict:  # type: ignore[type-arg]
    """What is wanted and what was found, where they differ; nothing wanted and nothing found are the same."""
    return {key: (wanted.get(key, 0), found.get(key, 0)) for key in {*wanted, *found} if wanted.get(key, 0) != found.get(key, 0)}


def count_differences(samples: Path, lake: Lake, after: str) -> dict[tuple[str, str], tuple[int, int]]:
    wanted = expected_counts(samples, after)
    tables = {table for table, _ in wanted}
    return differences(wanted, {key: count for key, count in counts(lake).items() if key[0] in tables})


def waiting(lake: Lake) -> Counter[tuple[str, str, str]]:
    """Rows that wait, by hospital, domain and reason."""
    found: Counter[tuple[str, str, str]] = Counter()
    for table in lake.tables("quarantine"):
        frame = lake.frame("quarantine", table).filter(pl.col("status") == "waiting")
        found.update({(c, d, r): n for c, d, r, n in frame.group_by("center", "domain", "reason").len().iter_rows()})
    return found


def waiting_differences(samples: Path, lake: Lake, after: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    wanted = {
        (r["center"], r["domain"], r["reason"]): int(r["rows"])
        for r in rows(samples, "quarantine_after.csv")
        if r["after_delivery_id"] == after
    }
    return differences(wanted, waiting(lake))


def opposed_rows(samples: Path, lake: Lake, key: str) -> dict[str, int]:
    """Rows of people who must be absent at the end, in any table of any zone."""
    banned = {
        person_id(key, r["center"], r["patient_id"]) for r in rows(samples, "opposed_patients.csv") if r["absent_at_end"] == "1"
    }
    found: dict[str, int] = {}
    for zone in ("bronze", "quarantine", "silver", "gold"):
        for table in lake.tables(zone):
            if table in ("rights_register", "identity", "link", "touched") or table.endswith("_rights"):
                continue
            frame = lake.frame(zone, table)
            for column in set(frame.columns) & {"person_id", "_person_id", "other_person_id"}:
                rest = frame.filter((pl.col("domain") != "rights") if table == "record" else pl.lit(True))
                if hits := rest.filter(pl.col(column).is_in(banned)).height:
                    found[f"{zone}.{table}.{column}"] = hits
    return found


def linked(lake: Lake) -> set[frozenset[str]]:
    """The groups of people that are one master person."""
    people = current(lake, "silver", "person").group_by("master_person_id").agg("person_id")
    return {frozenset(group) for group in people["person_id"] if len(group) > 1}


def gene_differences(samples: Path, lake: Lake) -> dict[tuple[str, str], tuple[object, object]]:
    """Samples and persons altered and tested per hospital and gene."""
    wanted = {
        (r["center"], r["gene"]): tuple(
            int(r[name]) for name in ("samples_altered", "samples_tested", "persons_altered", "persons_tested")
        )
        for r in rows(samples, "gene_counts.csv")
    }
    names = ("samples_altered", "samples_tested", "persons_altered", "persons_tested")
    frequency = lake.frame("gold", "gene_frequency").filter(pl.col("tumor_group") == "all")
    found = {(row["center"], row["gene"]): tuple(row[name] for name in names) for row in frequency.iter_rows(named=True)}
    return {key: (wanted[key], found.get(key)) for key in wanted if wanted[key] != found.get(key)}


def state(lake: Lake, *layers: str) -> dict[str, str]:
    """A hash of what every table of these layers says now (silver and gold), whenever and however it was written."""
    return {
        f"{layer}.{name}": content_hash(current(lake, layer, name), table.volatile)
        for layer in layers or ("silver", "gold")
        for name, table in contracts(layer).items()  # type: ignore[arg-type]
        if lake.exists(layer, name)
    }


def compared(samples: Path, tool: str, *arguments: str, tools: Path | None = None) -> tuple[int, str]:
    """The exit code and the words of a comparison program that lies in `tools`, or beside the sample deliveries."""
    done = subprocess.run(
        [sys.executable, str((tools or samples.parent / "tools") / tool), str(samples), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
