"""Data integrity proofs of W3C, cryptosuite eddsa-jcs-2022: a JSON document carries its own Ed25519 signature."""

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from courses.checking.private import made_once

SUITE, PURPOSE = "eddsa-jcs-2022", "assertionMethod"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# A signature takes 87 or 88 signs, a key 48. Reading base 58 takes time with the square of its length, and everybody may send some.
LONGEST_BASE58 = 100
# The multicodec prefix of an Ed25519 public key.
ED25519 = b"\xed\x01"


def jcs(value: Any) -> bytes:
    """JSON in the one spelling of RFC 8785. ValueError for numbers with a fraction, which this product never signs."""
    _no_fractions(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _no_fractions(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("expected whole numbers in a signed document")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _no_fractions(each)


def sign(document: dict[str, Any], key: Ed25519PrivateKey, created: str) -> dict[str, Any]:
    """The document with its proof."""
    method = verification_method(key.public_key())
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": created,
        "verificationMethod": method,
        "proofPurpose": PURPOSE,
    }
    proof["@context"] = document["@context"]
    return {**document, "proof": {**proof, "proofValue": "z" + base58(key.sign(_hashed(proof, document)))}}


def is_signed(document: dict[str, Any], key: Ed25519PublicKey) -> bool:
    """True where the proof was made with the key over this very document."""
    proof = dict(document["proof"])
    unsigned = {name: value for name, value in document.items() if name != "proof"}
    value = proof.pop("proofValue", None)
    if not isinstance(value, str) or not value.startswith("z"):
        return False
    try:
        key.verify(from_base58(value[1:]), _hashed(proof, unsigned))
    except InvalidSignature:
        return False
    return bool(proof.get("@context") == document["@context"])


def _hashed(proof: dict[str, Any], document: dict[str, Any]) -> bytes:
    return hashlib.sha256(jcs(proof)).digest() + hashlib.sha256(jcs(document)).digest()


def did(key: Ed25519PublicKey) -> str:
    """The key's own name, `did:key:z6Mk…`: whoever has the name has the key."""
    return "did:key:z" + base58(ED25519 + key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def verification_method(key: Ed25519PublicKey) -> str:
    """Where a proof says which key made it."""
    name = did(key)
    return f"{name}#{name.removeprefix('did:key:')}"


def public_key(text: str) -> Ed25519PublicKey:
    """A public key written as `did:key:z6Mk…` or as PEM. ValueError for anything else."""
    if not text.strip().startswith("did:key:z"):
        key = load_pem_public_key(text.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("expected an Ed25519 key")
        return key
    raw = from_base58(text.strip().removeprefix("did:key:z").partition("#")[0])
    if not raw.startswith(ED25519):
        raise ValueError("expected an Ed25519 key")
    return Ed25519PublicKey.from_public_bytes(raw[2:])


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key of the file, readable by its owner only; made once, where there is none."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = load_pem_private_key(made_once(path, pem), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"expected an Ed25519 key in {path.name}")
    return key


def base58(raw: bytes) -> str:
    """Base 58 as Bitcoin writes it."""
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = BASE58[rest] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + out


def from_base58(text: str) -> bytes:
    """The bytes behind it. ValueError where a sign is none of its alphabet, or there are more than a key or a signature has."""
    if len(text) > LONGEST_BASE58:
        raise ValueError(f"expected at most {LONGEST_BASE58} signs of base 58")
    number = 0
    for sign_ in text:
        number = number * 58 + BASE58.index(sign_)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
