"""Errors that are understood and tolerated: text encoded twice, codes with a known slip of the pen."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from jobs.landing.dates import Mask

# What cp1252 makes of the second byte of a UTF-8 character.
_SECOND = "".join(bytes([byte]).decode("cp1252") for byte in range(0x80, 0xC0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D))
TWICE = f"[\u00c2-\u00f4][{_SECOND}]"


def repair_encoding(text: pl.Series) -> tuple[pl.Series, Mask]:
    """Values whose cp1252 bytes are UTF-8 beyond ASCII, decoded once more; and where that was done."""
    repaired = np.zeros(len(text), bool)
    if text.str.len_bytes().sum() == text.str.len_chars().sum():
        return text, repaired
    candidates = text.str.contains(TWICE).fill_null(False).arg_true().to_list()
    values = {at: decoded for at in candidates if (decoded := _decoded_again(text[at])) is not None}
    if not values:
        return text, repaired
    repaired[list(values)] = True
    # scatter works in place, and these are the values as they were sent.
    return text.clone().scatter(list(values), list(values.values())), repaired


def _decoded_again(value: str) -> str | None:
    try:
        return value.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None


def repair_codes(
    text: pl.Series, repairs: Sequence[tuple[str, str]], is_accepted: Callable[[pl.Series], pl.Series]
) -> tuple[pl.Series, Mask]:
    """Codes that are refused as sent and accepted once repaired; and where that was done."""
    refused = ~is_accepted(text) & (text != "").fill_null(False)
    where = np.zeros(len(text), bool)
    if not refused.any():
        return text, where
    mended = text
    for expression, replacement in repairs:
        mended = mended.str.replace(expression, replacement)
    changed = refused & (mended != text).fill_null(False) & is_accepted(mended)
    return text.zip_with(~changed, mended), changed.to_numpy().copy()
