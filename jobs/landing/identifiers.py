"""Gate 7: what could tell who a patient is must not be in a file; the search says where, never what."""

import re
from collections.abc import Iterable

import polars as pl

from jobs.hospitals.feed import IDENTIFYING

_NIR = r"[1-478] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"
_PHONE = r"(?:(?:\+|00)33[ .-]?[1-9]|0[1-9])(?:[ .-]?[0-9]{2}){4}"
_INS = r"1\.2\.250\.1\.213\.1\.4\.(?:8|9|10)"
# The engine of polars has no look-around: it finds candidates, the expressions below decide.
CANDIDATE = f"@|{_INS}|{_NIR}|{_PHONE}"
# In a look-ahead, so that candidates that overlap are all seen.
NIR = re.compile(rf"(?<![0-9A-Za-z])(?=({_NIR})(?![0-9A-Za-z]))")
PHONE = re.compile(rf"(?<![0-9A-Za-z])(?=({_PHONE})(?![0-9A-Za-z]))")
# One character before the @ tells as much as all of them, and a long text is searched once, not once from every character.
EMAIL = re.compile(r"[A-Za-z0-9._%+-]@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
INS = re.compile(_INS)
TEN_DIGITS = re.compile(r"[0-9]{10}")
HASH64 = "^[0-9a-f]{64}$"


def named_like_one(names: Iterable[str]) -> list[str]:
    """The columns whose name says that they hold an identifier."""
    return [name for name in names if name.strip().lower() in IDENTIFYING]


def found_in(values: pl.Series, *, is_code: bool) -> list[int]:
    """The positions of values that hold an identifier; in ids and codes ten bare digits are no phone number."""
    return confirmed(values, values.str.contains(CANDIDATE).fill_null(False).arg_true().to_list(), is_code=is_code)


def confirmed(values: pl.Series, candidates: list[int], *, is_code: bool) -> list[int]:
    """Those of the candidates that hold an identifier indeed."""
    return [at for at in candidates if is_identifier(values[at], is_code=is_code)]


def is_identifier(value: str, *, is_code: bool) -> bool:
    """True when the value holds an e-mail address, a national number with a right key, an INS object identifier or a French phone number."""
    if "@" in value and EMAIL.search(value):
        return True
    if INS.search(value) or any(_has_right_key(found[1]) for found in NIR.finditer(value)):
        return True
    phones = (found[1] for found in PHONE.finditer(value))
    return any(not (is_code and TEN_DIGITS.fullmatch(phone)) for phone in phones)


def _has_right_key(nir: str) -> bool:
    digits = nir.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return digits.isdigit() and int(digits[-2:]) == 97 - int(digits[:-2]) % 97
