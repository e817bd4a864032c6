"""Step-2 pseudonyms: what the hospital calls a patient becomes what the lakehouse calls a person, under the platform key."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

HEX = 32
# About 60 MiB of remembered pseudonyms; a hospital's patients fit, a hostile file cannot grow it.
REMEMBERED = 200_000


class Pseudonyms:
    """The keyed hash behind every `person_id` and token key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[tuple[str, str], str] = {}

    def __repr__(self) -> str:
        return "Pseudonyms(key hidden)"

    def person_id(self, center: str, pseudonym: str) -> str:
        """The person behind a hospital's pseudonym: 32 hex digits."""
        place = (center, pseudonym)
        known = self._known.get(place)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[place] = self._keyed(f"{center}:{pseudonym}")
        return known

    def fingerprint(self) -> str:
        """What tells this key from another one without giving it away: 32 hex digits."""
        return self._keyed("platform key")

    def token_key(self, token: str) -> str:
        """What is kept of a link token: the same in every hospital, of no use without the key."""
        return self._keyed(f"token:{token}")

    def tombstone(self, kind: str, center: str, known_as: str) -> str:
        """What is kept of something that was erased: it can be recognised with the key, and not read."""
        return self._keyed(f"erased:{kind}:{center}:{known_as}")

    def patient_id(self, master: str) -> str:
        """The id by which gold knows a master person."""
        return self._keyed(f"gold:{master}")

    def persons(self, center: str, pseudonyms: Iterable[str | None]) -> list[str | None]:
        """The person of each pseudonym, None where there is none."""
        return [None if each is None else self.person_id(center, each) for each in pseudonyms]

    def token_keys(self, tokens: Iterable[str | None]) -> list[str | None]:
        """The key of each token, None where there is none."""
        return [None if each is None else self.token_key(each) for each in tokens]

    def _keyed(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), "sha256").hex()[:HEX]


def row_id(center: str, domain: str, source_key: str) -> str:
    """The id of a row everywhere in the lakehouse: opaque, the same whenever the row comes again."""
    return hashlib.sha256(f"{center}:{domain}:{source_key}".encode()).hexdigest()[:HEX]


def row_ids(center: str, domain: str, keys: pa.Array) -> pa.Array:
    """The row id of every key of a column, null where the key is null."""
    prefix = f"{center}:{domain}:".encode()
    return short_hashes(keys, prefix)


def short_hashes(texts: pa.Array, prefix: bytes = b"") -> pa.Array:
    """The first 32 hex digits of the SHA-256 of every text, null where it is null."""
    raw = _as_bytes(texts)
    start = hashlib.sha256(prefix)
    digests = []
    for text in raw:
        if text is None:
            digests.append(b"\0" * 16)
            continue
        hashed = start.copy()
        hashed.update(text)
        digests.append(hashed.digest()[:16])
    return _hex_column(digests, texts)


def _as_bytes(texts: pa.Array) -> Sequence[Any]:
    return texts.cast(pa.large_binary()).to_pylist()


def _hex_column(digests: list[bytes], like: pa.Array) -> pa.Array:
    """A string column over the digests in one piece: no Python string a row."""
    data = pa.py_buffer(b"".join(digests).hex().encode())
    offsets = pa.py_buffer(np.arange(0, HEX * (len(digests) + 1), HEX, dtype=np.int32))
    validity = like.is_valid().buffers()[1] if like.null_count else None
    return pa.Array.from_buffers(pa.string(), len(digests), [validity, offsets, data], null_count=-1)
