"""Gate 1: the manifest is what the contract says a manifest is, and lies where it says it lies."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.hospitals.feed import Hospital
from jobs.landing.manifest_files import check_files, declared
from jobs.landing.model import Finding, Manifest
from jobs.landing.signature import MANIFEST, canonical

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|\+00:00)")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
AHEAD = timedelta(hours=48)
LARGEST = 16 * 2**20
# Member, type and (in brackets) members of its own; `?` may be null.
SHAPE: dict[str, Any] = {
    "manifest_version": "text",
    "delivery_id": "text",
    "center": "text",
    "finess": "text",
    "producer": {"system": "text", "version": "text", "contact_role": "text"},
    "created_at": "moment",
    "extraction_window": {"from": "day?", "to": "day"},
    "mode": "text",
    "content": "text",
    "model": {"name": "text", "version": "text"},
    "pseudonymisation": {"algorithm": "text", "key_id": "text", "step": "number"},
    "legal": {"basis": "text", "cnil_ref": "text", "agreement_id": "text", "purposes": ["text"], "expires": "day"},
    "rights": {"path": "text", "as_of": "day", "n_opposed": "number"},
    "previous_delivery_id": "text?",
    "replaces": "text?",
    "code_systems": [{"name": "text", "version": "text"}],
    "files": [
        {
            "path": "text",
            "domain": "text",
            "format": "text",
            "encoding": "text",
            "compression": "text?",
            "delimiter": "text?",
            "decimal": "text?",
            "date_format": "text?",
            "rows": "number",
            "bytes": "number",
            "uncompressed_bytes": "number",
            "sha256": "hash",
            "schema_id": "text",
            "n_distinct_patients": "number?",
        }
    ],
    "signature": {"alg": "text", "key_id": "text", "value": "text"},
}
MEMBER = {"path": "text", "domain": "text", "rows": "number", "bytes": "number", "sha256": "hash", "schema_id": "text"}


class _Wrong(Exception):
    """The manifest is not what was expected; the sentence says of what."""


def read_manifest(
    folder: Path, hospitals: Mapping[str, Hospital], now: datetime, *, in_place: bool = True
) -> tuple[Manifest | None, list[Finding]]:
    """The manifest of a delivery folder and what gate 1 found; no manifest when anything was found.

    `in_place` asks that the folder lies in <center>/<yyyy>/<mm>/, as it does in landing.
    """
    try:
        body = _body(folder / MANIFEST)
        _check_shape(body, SHAPE, "")
        for entry in body["files"]:
            if entry.get("members") is not None:
                _check_shape(entry["members"], [MEMBER], "files.members")
        hospital = _hospital(body, hospitals)
        manifest = _manifest(folder, body)
    except _Wrong as wrong:
        return None, [_invalid(str(wrong))]
    findings = [_invalid(sentence) for sentence in _disagreements(manifest, hospital, in_place)]
    findings += check_files(manifest, hospital)
    if manifest.created_at > now + AHEAD:
        findings.append(
            Finding(
                1, "CLOCK_SKEW", "Expected `created_at` at most 48 hours ahead of the receiver's clock, found it later.", MANIFEST
            )
        )
    return (None if findings else manifest), findings


def _invalid(sentence: str) -> Finding:
    return Finding(1, "MANIFEST_INVALID", sentence, MANIFEST)


def _body(path: Path) -> dict[str, Any]:
    """The JSON object in the file, strictly: no BOM, no member twice, integers only."""
    written = _written(path)
    try:
        body = json.loads(written.decode("utf-8"), object_pairs_hook=_object, parse_float=_no_float, parse_constant=_no_float)
        canonical(body if isinstance(body, dict) else {})
    except _Wrong:
        raise
    except (ValueError, RecursionError):
        raise _Wrong("Expected one JSON object in UTF-8 without BOM, found something else.") from None
    if not isinstance(body, dict):
        raise _Wrong("Expected one JSON object, found another JSON value.")
    return body


def _written(path: Path) -> bytes:
    try:
        if path.is_symlink() or not path.is_file():
            raise _Wrong("Expected a regular file manifest.json, found none.")
        if path.stat().st_size > LARGEST:
            raise _Wrong("Expected a manifest of at most 16 MiB, found a larger one.")
        return path.read_bytes()
    except PermissionError:
        raise _Wrong("Expected a manifest that the receiver may read, found it closed: open it, then write it anew.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Wrong("Expected every member of an object once, found one twice.")
    return found


def _no_float(_: str) -> None:
    raise _Wrong("Expected integers only, found another number.")


def _check_shape(value: Any, shape: Any, where: str) -> None:
    """Every member is there and of its type; members nobody knows are allowed."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise _Wrong(f"Expected `{where}` to be an object, found another value.")
        for name, inner in shape.items():
            place = f"{where}.{name}" if where else name
            if name not in value:
                raise _Wrong(f"Expected a member `{place}`, found none.")
            _check_shape(value[name], inner, place)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise _Wrong(f"Expected `{where}` to be a list, found another value.")
        for each in value:
            _check_shape(each, shape[0], where)
    elif not _is(value, shape):
        raise _Wrong(
            f"Expected `{where}` to be a {shape.rstrip('?')}{' or null' if shape.endswith('?') else ''}, found another value."
        )


def _is(value: Any, kind: str) -> bool:
    if kind.endswith("?"):
        return value is None or _is(value, kind[:-1])
    if kind == "number":
        return type(value) is int and value >= 0
    if not isinstance(value, str):
        return False
    if kind == "hash":
        return re.fullmatch(r"[0-9a-f]{64}", value) is not None
    if kind == "day":
        return _day(value) is not None
    return kind == "text" or _moment(value) is not None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def _hospital(body: dict[str, Any], hospitals: Mapping[str, Hospital]) -> Hospital:
    if body["center"] not in hospitals:
        raise _Wrong(f"Expected `center` to be one of {', '.join(sorted(hospitals))}, found another value.")
    return hospitals[body["center"]]


def _manifest(folder: Path, body: dict[str, Any]) -> Manifest:
    window = body["extraction_window"]
    moment = _moment(body["created_at"])
    assert moment is not None
    return Manifest(
        folder=folder,
        delivery_id=body["delivery_id"],
        center=body["center"],
        created_at=moment.astimezone(UTC),
        window_from=_day(window["from"]) if window["from"] else None,
        window_to=date.fromisoformat(window["to"]),
        content=body["content"],
        key_id=body["signature"]["key_id"],
        pseudonym_key_id=body["pseudonymisation"]["key_id"],
        previous=body["previous_delivery_id"],
        replaces=body["replaces"],
        rights_path=body["rights"]["path"],
        n_opposed=body["rights"]["n_opposed"],
        files=tuple(declared(entry) for entry in body["files"]),
        canonical_sha256=hashlib.sha256(canonical(body)).hexdigest(),
        body=body,
    )


def _disagreements(manifest: Manifest, hospital: Hospital, in_place: bool) -> list[str]:
    """What the members say against each other, the hospital or the place of the folder."""
    body, window_to = manifest.body, manifest.window_to
    id_of = re.compile(rf"{hospital.center.upper()}-\d{{8}}-(?!000)\d{{3}}")
    known = [each for each in (manifest.previous, manifest.replaces) if each is not None]
    expected = [
        (body["manifest_version"] == "1.0", "`manifest_version` 1.0"),
        (id_of.fullmatch(manifest.delivery_id), "`delivery_id` as <CENTER>-<yyyymmdd>-<nnn> of the hospital"),
        (manifest.delivery_id[-12:-4] == f"{manifest.created_at:%Y%m%d}", "the date of `created_at` in `delivery_id`"),
        (manifest.folder.name == manifest.delivery_id, "the folder to be named as `delivery_id`"),
        (not in_place or _place(manifest.folder) == _due(manifest), "the folder in <center>/<yyyy>/<mm>/ of `created_at`"),
        (body["finess"] == hospital.finess, f"`finess` {hospital.finess}"),
        (body["mode"] == hospital.mode, f"`mode` {hospital.mode}"),
        (manifest.content in ("full", "rights_only"), "`content` full or rights_only"),
        (
            manifest.content == "full" or {each.domain for each in manifest.files} <= {"rights"},
            "no file but that of the rights in `rights_only`",
        ),
        (body["model"] == {**body["model"], "name": hospital.model, "version": "1.0"}, f"`model` {hospital.model} 1.0"),
        (
            body["pseudonymisation"]["algorithm"] == "HMAC-SHA256" and body["pseudonymisation"]["step"] == 1,
            "`pseudonymisation` HMAC-SHA256, step 1",
        ),
        (manifest.created_at.date() >= window_to, "`created_at` not before the end of the extraction window"),
        (manifest.window_from is None or manifest.window_from <= window_to, "the extraction window not to end before it begins"),
        (hospital.mode != "snapshot" or manifest.window_from is None, "no begin of the extraction window of a snapshot"),
        (
            manifest.created_at.date() <= date.fromisoformat(body["legal"]["expires"]),
            "an agreement that has not expired at `created_at`",
        ),
        (all(id_of.fullmatch(each) for each in known), "delivery ids of the hospital in `previous_delivery_id` and `replaces`"),
        (manifest.delivery_id not in known, "`previous_delivery_id` and `replaces` to name another delivery"),
    ]
    return [f"Expected {what}, found something else." for holds, what in expected if not holds]


def _place(folder: Path) -> tuple[str, ...]:
    return tuple(parent.name for parent in list(folder.absolute().parents)[:3])


def _due(manifest: Manifest) -> tuple[str, ...]:
    return f"{manifest.created_at:%m}", f"{manifest.created_at:%Y}", manifest.center
