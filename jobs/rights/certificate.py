"""The certificate of an erasure: what was searched, what was found before and after, signed by the lake's own key."""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import audit, private
from jobs.errors import ContractViolation, WrongUse
from jobs.failpoint import failpoint
from jobs.settings import Settings
from quality.address import is_remote

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# Since 1.1 the audit has a digest of what a certificate says.
VERSION = "1.1"
ALGORITHM = "Ed25519"
# A key that is to be the next lies beside the current one until it takes its place.
PRIVATE, NEXT, PUBLIC = "certificate.key", "certificate.key.next", "certificate.pub"
NO_SIGNATURES = "Expected the package `cryptography` to sign and verify with, found none: install pscc-lakehouse[engine]."


def folder(settings: Settings) -> Path:
    """Where key, certificates and register of a lake lie: in its vault, or among its proofs where the lake is no folder."""
    if not is_remote(settings.lake):
        return Path(settings.lake, "vault")
    return settings.proofs()


def sign(settings: Settings, body: dict[str, Any]) -> dict[str, Any]:
    """A certificate over `body`."""
    key = _key(folder(settings))
    said = {"certificate_version": VERSION} | body
    return said | {"signature": {"alg": ALGORITHM, "public_key": _public(key), "value": key.sign(_canonical(said)).hex()}}


def digest(body: dict[str, Any]) -> str:
    """The SHA-256 of what a certificate says, for its line in the audit: of everything but the hash of that line, and the signature."""
    said = {name: value for name, value in ({"certificate_version": VERSION} | body).items() if name != "audit"}
    return hashlib.sha256(_canonical(said)).hexdigest()


def write(settings: Settings, certificate: dict[str, Any]) -> Path:
    """Write a certificate to where the officer finds it."""
    place = folder(settings) / "certificates" / f"{certificate['request']}.json"
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = place.with_suffix(".part")
    with fresh.open("w", encoding="utf-8") as written:
        written.write(json.dumps(certificate, indent=1, ensure_ascii=False))
        written.flush()
        os.fsync(written.fileno())
    fresh.replace(place)
    return place


def verify(settings: Settings, file: Path) -> dict[str, Any]:
    """A certificate that this lake has signed and nobody changed; ContractViolation for another one."""
    certificate = _read(file)
    known = folder(settings) / PUBLIC
    if not known.exists():
        raise WrongUse(
            f"Expected the public key of certificates in {known}, found none: name the lake that signed it with --lake."
        )
    told = certificate.get("signature")
    signature: dict[str, Any] = told if isinstance(told, dict) else {}
    is_whole = signature.keys() == {"alg", "public_key", "value"} and signature["alg"] == ALGORITHM
    key = _signer(certificate)
    is_ours = is_whole and key in public_keys(settings) and _is_good(key, str(signature.get("value")), certificate)
    if not is_ours or not _is_in_the_audit(settings, certificate):
        raise ContractViolation(
            f"Expected a certificate that this lake has signed in {file}, found one that was changed or is another's."
        )
    return certificate


def public_keys(settings: Settings) -> list[str]:
    """The public keys of the lake's certificates, the current one first, then those that were rotated, the newest first; none before the first certificate."""
    known = folder(settings) / PUBLIC
    return known.read_text(encoding="ascii").split() if known.exists() else []


def signer(file: Path) -> str:
    """The public key that a certificate names, unverified."""
    return _signer(_read(file))


def _signer(certificate: dict[str, Any]) -> str:
    """The same of a certificate that was read."""
    told = certificate.get("signature")
    return str(told.get("public_key")) if isinstance(told, dict) else ""


def _is_in_the_audit(settings: Settings, certificate: dict[str, Any]) -> bool:
    """True where the audit has the act that a certificate names and what it said of it; ContractViolation where a line of it was changed.

    Who keeps a copy of a key, above all of one that was rotated, could sign anything with it: the audit knows what was signed in its time.
    """
    named = ("erase", certificate.get("request"), certificate.get("audit"))
    for line in audit.chained(settings):
        if (line["act"], line["request"], line["hash"]) == named:
            return line["certificate"] == digest(certificate) if "certificate" in line else _is_as_kept(settings, certificate)
    return False


def _is_as_kept(settings: Settings, certificate: dict[str, Any]) -> bool:
    """Of a certificate older than 1.1, of which the audit knows no more than that there was one.

    The current key's word is taken for what it says; for what a retired one signed the lake's own copy has to say the same.
    """
    if _signer(certificate) == public_keys(settings)[0]:
        return True
    own = folder(settings) / "certificates" / f"{certificate['request']}.json"
    return own.is_file() and _read(own) == certificate


def rotate(settings: Settings) -> str:
    """Sign with a new key from now on; its public half. Certificates signed before stay good.

    Cut short anywhere, it is run again: then there may be one more key than was asked for, and none is lost.
    """
    vault = folder(settings)
    before = _key(vault)
    _make_key(vault / NEXT)
    fresh = _read_key(vault / NEXT)
    known = [each for each in public_keys(settings) if each not in (_public(before), _public(fresh))]
    failpoint("key_made")
    # The current key must be first whenever somebody looks, so that the file of keys is last.
    _write_public(vault, [_public(before), _public(fresh), *known])
    failpoint("key_told")
    (vault / NEXT).replace(vault / PRIVATE)
    failpoint("key_changed")
    _key(vault)
    return _public(fresh)


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
    """The lake's key, made once, in a file that only its owner reads; its public half stands first in the file of them."""
    vault.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_key(vault / PRIVATE)
    key = _read_key(vault / PRIVATE)
    known = (vault / PUBLIC).read_text(encoding="ascii").split() if (vault / PUBLIC).exists() else []
    if known[:1] != [_public(key)]:
        _write_public(vault, [_public(key), *(each for each in known if each != _public(key))])
    return key


def _make_key(place: Path) -> None:
    """A new key in a file that only its owner reads; one that is there stays."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise WrongUse(NO_SIGNATURES) from None
    if not place.exists():
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        with private.opened(fresh, "x") as written:
            written.write(Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")
        fresh.replace(place)


def _read_key(place: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(place.read_text(encoding="ascii").strip()))


def _write_public(vault: Path, keys: list[str]) -> None:
    fresh = vault / f".{PUBLIC}.{os.getpid()}"
    fresh.write_text("".join(f"{each}\n" for each in keys), encoding="ascii")
    fresh.replace(vault / PUBLIC)


def _public(key: "Ed25519PrivateKey") -> str:
    return key.public_key().public_bytes_raw().hex()


def check_can_sign() -> None:
    """Nothing where a certificate can be signed; WrongUse before anything is erased without proof."""
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise WrongUse(NO_SIGNATURES) from None
