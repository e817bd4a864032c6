"""Signed deliveries for tests of landing: a manifest and its files, made from text drawn in the test."""

import csv
import gzip
import hashlib
import io
import json
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jobs.hospitals import hospitals
from jobs.hospitals.feed import Feed, Hospital
from jobs.landing.judge import judge
from jobs.landing.manifest import read_manifest
from jobs.landing.model import Judgement
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.signature import DeliveryKey, Keys, sign

SECRET = b"delivery key of the test"
NOW = datetime(2024, 1, 1, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(b"platform key of the test")
A, B = "a" * 64, "b" * 64
EMPTY_RIGHTS = "ID_PATIENT;INFORME;DATE_INFORMATION;OPPOSITION;PORTEE;DATE_OPPOSITION;DATE_LEVEE;CANAL\n"


def keys(center: str = "gr", last: date = date(2030, 1, 1)) -> Keys:
    return {center: [DeliveryKey("k1", SECRET, date(2020, 1, 1), last)]}


def entry(path: str, domain: str, data: bytes, *, rows: int, feed: Feed | None = None, **changed: Any) -> dict[str, Any]:
    """An entry of `files` that is true to the bytes, apart from what is changed on purpose; of Gustave Roussy or Curie if not said."""
    is_gzip = path.endswith(".gz")
    if feed is None and domain != "osiris":
        feed = hospitals()["gr" if path.startswith(("GR", "94")) else "curie"].feed(domain)
    try:
        size = len(gzip.decompress(data)) if is_gzip else len(data)
    except (OSError, EOFError):
        size = len(data)
    told = {
        "path": path,
        "domain": domain,
        "format": feed.format if feed else "tar",
        "encoding": feed.encoding if feed else "utf-8",
        "compression": "gzip" if is_gzip else None,
        "delimiter": None,
        "decimal": None,
        "date_format": None,
        "rows": rows,
        "bytes": len(data),
        "uncompressed_bytes": size,
        "sha256": hashlib.sha256(data).hexdigest(),
        "schema_id": f"gr.{domain}/{'022' if domain == 'stay' else '1'}",
        "n_distinct_patients": None,
    }
    return told | changed


def body(files: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    """An unsigned manifest of Gustave Roussy."""
    told = {
        "manifest_version": "1.0",
        "delivery_id": "GR-20220301-001",
        "center": "gr",
        "finess": "940000664",
        "producer": {"system": "S", "version": "1", "contact_role": "data-office"},
        "created_at": "2022-03-01T03:00:00Z",
        "extraction_window": {"from": None, "to": "2022-02-28"},
        "mode": "increment",
        "content": "full",
        "model": {"name": "gr-csv", "version": "1.0"},
        "pseudonymisation": {"algorithm": "HMAC-SHA256", "key_id": "p1", "step": 1},
        "legal": {"basis": "b", "cnil_ref": "c", "agreement_id": "a", "purposes": ["research"], "expires": "2040-12-31"},
        "rights": {"path": "GR_OPPOSITION_20220301_001.csv.gz", "as_of": "2022-02-28", "n_opposed": 0},
        "previous_delivery_id": None,
        "replaces": None,
        "code_systems": [],
        "files": files,
    }
    return told | changed


def deliver(root: Path, hospital: Hospital, day: date, texts: dict[str, str], **changed: Any) -> Path:
    """A signed delivery of any hospital that sends CSV: by domain the text of its file, the line of column names included."""
    data, files = {}, []
    for domain, text in texts.items():
        feed = hospital.feed(domain)
        path = feed.file.format(date=f"{day:%Y%m%d}", number="001", day=day)
        data[path] = gz(text, feed.encoding) if path.endswith(".gz") else text.encode(feed.encoding)
        schema, rows = f"{hospital.center}.{domain}/{feed.versions[-1]}", len(text.splitlines()) - 1
        files.append(entry(path, domain, data[path], rows=rows, feed=feed, schema_id=schema))
    told = {
        "delivery_id": f"{hospital.center.upper()}-{day:%Y%m%d}-001",
        "center": hospital.center,
        "finess": hospital.finess,
        "mode": hospital.mode,
        "model": {"name": hospital.model, "version": "1.0"},
        "created_at": f"{day}T03:00:00Z",
        "extraction_window": {"from": None, "to": f"{day}"},
        "rights": {
            "path": next(each["path"] for each in files if each["domain"] == "rights"),
            "as_of": f"{day}",
            "n_opposed": _opposed(hospital, texts["rights"]),
        },
    }
    return send(root, body(files, **(told | changed)), data)


def equip(root: Path, center: str) -> tuple[Path, Path]:
    """A register with the key that `deliver` signs with, and a platform key: what `pscc` wants to be told."""
    root.mkdir(parents=True, exist_ok=True)
    register, platform = root / "keys.json", root / "platform.key"
    key = {"key_id": "k1", "hmac_key_hex": SECRET.hex(), "not_before": "2020-01-01", "not_after": "2030-01-01"}
    register.write_text(json.dumps({center: [key]}), encoding="utf-8")
    platform.write_text("11" * 32, encoding="utf-8")
    platform.chmod(0o600)
    return register, platform


def _opposed(hospital: Hospital, text: str) -> int:
    """How many patients of a list of rights object to something."""
    feed = hospital.feed("rights")
    [opposed] = feed.having("opposed")
    rows = csv.DictReader(io.StringIO(text), delimiter=feed.delimiter)
    return len({row[feed.patient or ""] for row in rows if row[opposed.name] in hospital.true_values})


def place(root: Path, told: dict[str, Any]) -> Path:
    """The folder where a delivery of that manifest lies."""
    created = told["created_at"]
    return root / told["center"] / created[:4] / created[5:7] / told["delivery_id"]


def send(root: Path, told: dict[str, Any], data: dict[str, bytes]) -> Path:
    """The delivery on disk, manifest last."""
    folder = place(root, told)
    for path, content in data.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(told | {"signature": sign(told, "k1", SECRET)}), encoding="utf-8")
    return folder


def gz(text: str | bytes, encoding: str = "cp1252") -> bytes:
    return gzip.compress(text.encode(encoding) if isinstance(text, str) else text, mtime=0)


def judged(
    root: Path, name: str, domain: str, text: str | bytes, *, rows: int, told: dict[str, Any] | None = None, **changed: Any
) -> Judgement:
    """What landing says of a delivery of one file, besides an empty rights file."""
    rights, data = "GR_OPPOSITION_20220301_001.csv.gz", gz(text)
    files = [entry(rights, "rights", gz(EMPTY_RIGHTS), rows=0), entry(name, domain, data, rows=rows, **changed)]
    folder = send(root, body(files, **(told or {})), {rights: gz(EMPTY_RIGHTS), name: data})
    return judge_folder(folder, root / "staging")


def judge_folder(folder: Path, staging: Path) -> Judgement:
    manifest, findings = read_manifest(folder, hospitals(), NOW)
    assert manifest is not None, findings
    return judge(manifest, hospitals()[manifest.center], staging, PSEUDONYMS)


def archive(*members: tuple[str, bytes, bytes]) -> bytes:
    """A tar.gz of members (name, content, type of the entry)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content) if kind == tarfile.REGTYPE else 0, kind, "elsewhere"
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
