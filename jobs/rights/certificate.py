"""The certificate of an erasure: what was searched, what was found before and after, signed by the lake's own key."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import private
from jobs.errors import ContractViolation, WrongUse
from jobs.settings import Settings
from quality.address import is_remote

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VERSION = "1.0"
ALGORITHM = "Ed25519"
NO_SIGNATURES = "Expected the package `cryptography` to sign and verify with, found none: install pscc-lakehouse[engine]."


def folder(settings: Settings) -> Path:
    """Where key, certificates and register of a lake lie: in its vault, or beside the platform key where the lake is no folder."""
    if not is_remote(settings.lake):
        return Path(settings.lake, "vault")
    return settings.key_file().parent


def sign(settings: Settings, body: dict[str, Any]) -> dict[str, Any]:
    """A certificate over `body`."""
    key = _key(folder(settings))
    return body | {
        "certificate_version": VERSION,
        "signature": {
            "alg": ALGORITHM,
            "public_key": _public(key),
            "value": key.sign(_canonical(body | {"certificate_version": VERSION})).hex(),
        },
    }


def write(settings: Settings, certificate: dict[str, Any]) -> Path:
    """Write a certificate to where the officer finds it."""
    place = folder(settings) / "certificates" / f"{certificate['request']}.json"
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = place.with_suffix(".part")
    fresh.write_text(json.dumps(certificate, indent=1, ensure_ascii=False), encoding="utf-8")
    fresh.replace(place)
    return place


def verify(settings: Settings, file: Path) -> dict[str, Any]:
    """A certificate that this lake has signed and nobody changed; ContractViolation for another one."""
    certificate = _read(file)
    known = folder(settings) / "certificate.pub"
    if not known.exists():
        raise WrongUse(
            f"Expected the public key of certificates in {known}, found none: name the lake that signed it with --lake."
        )
    expected = known.read_text(encoding="ascii").strip()
    told = certificate.get("signature")
    signature: dict[str, Any] = told if isinstance(told, dict) else {}
    is_whole = signature.keys() == {"alg", "public_key", "value"} and signature["alg"] == ALGORITHM
    if not is_whole or signature["public_key"] != expected or not _is_good(expected, str(signature.get("value")), certificate):
        raise ContractViolation(
            f"Expected a certificate that this lake has signed in {file}, found one that was changed or is another's."
        )
    return certificate


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_once))
    except (OSError, ValueError, TypeError):
        raise WrongUse(f"Expected a certificate in {file}, found none that can be read: check the path.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ValueError where a name stands twice: a reader would see the first, a program the last."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _is_good(public_key: str, value: str, certificate: dict[str, Any]) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise WrongUse(NO_SIGNATURES) from None
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(value), _canonical(certificate))
    except (InvalidSignature, ValueError):
        return False
    return True


def _canonical(body: dict[str, Any]) -> bytes:
    """The bytes that are signed: everything but the signature, in one possible spelling."""
    unsigned = {name: value for name, value in body.items() if name != "signature"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _key(vault: Path) -> "Ed25519PrivateKey":
    """The lake's key, made once, in a file that only its owner reads."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise WrongUse(NO_SIGNATURES) from None
    place = vault / "certificate.key"
    vault.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not place.exists():
        fresh = vault / f".certificate.key.{os.getpid()}"
        with private.opened(fresh, "x") as written:
            written.write(Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")
        fresh.replace(place)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(place.read_text(encoding="ascii").strip()))
    (vault / "certificate.pub").write_text(_public(key) + "\n", encoding="ascii")
    return key


def _public(key: "Ed25519PrivateKey") -> str:
    return key.public_key().public_bytes_raw().hex()


def check_can_sign() -> None:
    """Nothing where a certificate can be signed; WrongUse before anything is erased without proof."""
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise WrongUse(NO_SIGNATURES) from None
