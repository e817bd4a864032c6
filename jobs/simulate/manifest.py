"""The manifest of a simulated delivery: what is in it, signed, written when everything else lies there."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from jobs.hospitals import hospitals
from jobs.simulate.calendar import Delivery
from jobs.simulate.files import Written

CODE_SYSTEMS = {
    "gr": (("ATC", "2020"), ("CCAM", "v63"), ("CIM-10", "2020"), ("CIM-O", "3.2"), ("UCD", "2021-11")),
    "curie": (("ATC", "2020"), ("CCAM", "v63"), ("CIM-O", "3.2"), ("OSIRIS", "1.1.05")),
    "aphp": (("ATC", "2020"), ("CCAM", "v63"), ("CIM-10", "2020"), ("OMOP", "5.4")),
}
DATE_FORMATS = {"gr": "JJ/MM/AAAA", "curie": "AAAA-MM-JJ", "aphp": None}


def signed(body: dict[str, Any], key: dict[str, str]) -> dict[str, Any]:
    """The manifest with its signature over the canonical form."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    value = hmac.new(bytes.fromhex(key["hmac_key_hex"]), canonical, hashlib.sha256).hexdigest()
    return {**body, "signature": {"alg": "HMAC-SHA256", "key_id": key["key_id"], "value": value}}


def body(delivery: Delivery, files: list[dict[str, Any]], opposed: int) -> dict[str, Any]:
    """Everything a manifest says, but for its signature."""
    center, hospital = delivery.center, hospitals()[delivery.center]
    rights = next(each["path"] for each in files if each["domain"] == "rights")
    return {
        "manifest_version": "1.0",
        "delivery_id": delivery.id,
        "center": center,
        "finess": hospital.finess,
        "producer": {"system": f"SIMULATED-{center.upper()}", "version": "1.0.0", "contact_role": "data-office"},
        "created_at": f"{delivery.created:%Y-%m-%dT%H:%M:%SZ}",
        "extraction_window": {"from": delivery.window_from and str(delivery.window_from), "to": str(delivery.window_to)},
        "mode": hospital.mode,
        "content": "full",
        "model": {"name": hospital.model, "version": "1.0"},
        "pseudonymisation": {"algorithm": "HMAC-SHA256", "key_id": f"{center}-step1-1", "step": 1},
        "legal": {
            "basis": "GDPR-6.1.e",
            "cnil_ref": "MR-004",
            "agreement_id": f"PSCC-{center.upper()}-SIM",
            "purposes": ["research"],
            "expires": "2040-12-31",
        },
        "rights": {"path": rights, "as_of": str(delivery.window_to), "n_opposed": opposed},
        "previous_delivery_id": delivery.previous,
        "replaces": delivery.replaces,
        "code_systems": [{"name": name, "version": version} for name, version in CODE_SYSTEMS[center]],
        "files": files,
    }


def entry(center: str, file: Written) -> dict[str, Any]:
    """The entry of one file."""
    feed = file.feed
    packed = "snappy" if feed.format == "parquet" else "gzip" if file.path.endswith(".gz") else None
    text = feed.format in ("csv", "maf")
    return {
        "path": file.path,
        "domain": feed.domain,
        "format": feed.format,
        "encoding": feed.encoding,
        "compression": packed,
        "delimiter": ("\t" if feed.format == "maf" else feed.delimiter) if text else None,
        "decimal": ({"gr": ",", "curie": "."}[center] if feed.format == "csv" else ".") if text else None,
        "date_format": DATE_FORMATS[center] if feed.format == "csv" else None,
        "rows": file.rows,
        "bytes": file.size,
        "uncompressed_bytes": file.uncompressed,
        "sha256": file.sha256,
        "schema_id": f"{center}.{feed.domain}/{file.version}",
        "n_distinct_patients": file.patients,
    }


def archive_entry(path: str, members: list[Written], size: int, sha256: str) -> dict[str, Any]:
    """The entry of Curie's archive with its members."""
    return {
        "path": path,
        "domain": "osiris",
        "format": "tar",
        "encoding": "utf-8",
        "compression": "gzip",
        "delimiter": ",",
        "decimal": ".",
        "date_format": "AAAA-MM-JJ",
        "rows": sum(each.rows for each in members),
        "bytes": size,
        "uncompressed_bytes": sum(each.size for each in members),
        "sha256": sha256,
        "schema_id": "curie.osiris/1",
        "n_distinct_patients": next(each.patients for each in members if each.feed.domain == "patient"),
        "members": [
            {
                "path": each.path,
                "domain": each.feed.domain,
                "rows": each.rows,
                "bytes": each.size,
                "sha256": each.sha256,
                "schema_id": f"curie.{each.feed.domain}/1",
            }
            for each in members
        ],
    }


def announce(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes the manifest last and at once: it is the event that announces the delivery."""
    part = folder / ".manifest.json.part"
    part.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    part.rename(folder / "manifest.json")
