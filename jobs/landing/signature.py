"""Gate 2: the manifest was signed by the hospital, with a key that was valid on the day."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jobs.errors import WrongUse
from jobs.landing.model import Finding, Manifest

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class DeliveryKey:
    """A key of a hospital and the days on which it signs, both included."""

    key_id: str
    secret: bytes = field(repr=False)
    not_before: date
    not_after: date


Keys = dict[str, list[DeliveryKey]]


def load_keys(path: str | Path) -> Keys:
    """The key register by hospital; WrongUse when the file is not one."""
    try:
        register = json.loads(Path(path).read_text(encoding="utf-8"))
        return {center: [_key(entry) for entry in _list(entries)] for center, entries in register.items()}
    except OSError:
        raise WrongUse(f"Expected a key register in {path}, found no file that can be read: check --keys.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise WrongUse(
            f"Expected a key register {{center: [{{key_id, hmac_key_hex, not_before, not_after}}]}} in {path}, found something else: check --keys."
        ) from None


def _list(entries: Any) -> list[Any]:
    if not isinstance(entries, list):
        raise TypeError("expected a list of keys")
    return entries


def _key(entry: dict[str, str]) -> DeliveryKey:
    first, last = date.fromisoformat(entry["not_before"]), date.fromisoformat(entry["not_after"])
    secret = bytes.fromhex(entry["hmac_key_hex"])
    if not secret:
        raise ValueError("expected a key")
    return DeliveryKey(entry["key_id"], secret, first, last)


def canonical(body: dict[str, Any]) -> bytes:
    """The bytes that are signed: the manifest without its signature, in one possible spelling."""
    unsigned = {name: value for name, value in body.items() if name != "signature"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sign(body: dict[str, Any], key_id: str, secret: bytes) -> dict[str, str]:
    """The `signature` member of a manifest."""
    value = hmac.new(secret, canonical(body), hashlib.sha256).hexdigest()
    return {"alg": "HMAC-SHA256", "key_id": key_id, "value": value}


def check_signature(manifest: Manifest, keys: Keys) -> list[Finding]:
    """What is wrong with the signature; the same sentence whatever it is, so that a forger learns nothing."""
    signature, day = manifest.body["signature"], manifest.created_at.date()
    valid = [
        key for key in keys.get(manifest.center, []) if key.key_id == manifest.key_id and key.not_before <= day <= key.not_after
    ]
    given = signature["value"].encode("utf-8", "replace")
    expected = [sign(manifest.body, key.key_id, key.secret)["value"].encode() for key in valid]
    if signature["alg"] == "HMAC-SHA256" and any(hmac.compare_digest(given, each) for each in expected):
        return []
    sentence = (
        "Expected a signature by a delivery key of this hospital that is valid on the day of `created_at`, found another one."
    )
    return [Finding(2, "SIGNATURE_INVALID", sentence, MANIFEST)]
