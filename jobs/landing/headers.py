"""The names of columns that nobody declared: what of them may be told, and what bronze keeps."""

import re
from collections.abc import Collection, Sequence

from jobs.landing import identifiers

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,39}")
# A key, a date, a pseudonym or a part of one.
LIKE_A_VALUE = re.compile(r"[0-9]{5}|[0-9A-Fa-f]{8}")


def told(names: Sequence[str], declared: Collection[str]) -> dict[str, str]:
    """What reports call each column: one that nobody declared by its place, when its name could be a patient's value.

    A file sent without its header has its first row read as names: where most declared columns are missing none is told.
    """
    has_header = 2 * len(set(declared) & set(names)) >= len(set(declared))
    return {
        name: name if name in declared or (has_header and _is_name(name)) else f"no. {place}"
        for place, name in enumerate(names, start=1)
    }


def kept(names: Sequence[str]) -> dict[str, str]:
    """What bronze calls each column: as it was sent, unless it has no name or bears a pseudonym."""
    return {
        name: f"column no. {place}" if not name or re.search("[0-9A-Fa-f]{64}", name) else name
        for place, name in enumerate(names, start=1)
    }


def _is_name(name: str) -> bool:
    return bool(NAME.fullmatch(name)) and not LIKE_A_VALUE.search(name) and not identifiers.is_identifier(name, is_code=False)
