"""Vectorised draws and ids that several modules share."""

import numpy as np
import polars as pl
import pyarrow as pa

MASK_48 = np.uint64((1 << 48) - 1)


def hex_text(data: bytes, width: int) -> pl.Series:
    """The hexadecimal digits of `data`, cut into texts of `width` digits."""
    digits = data.hex().encode()
    count = len(digits) // width
    offsets = pa.py_buffer((np.arange(count + 1, dtype=np.int32) * width).tobytes())
    return pl.Series(pa.StringArray.from_buffers(count, offsets, pa.py_buffer(digits)), dtype=pl.String)


def pseudonyms(rng: np.random.Generator, count: int) -> pl.Series:
    """`count` pseudonyms of step 1: 64 hexadecimal digits."""
    return hex_text(rng.bytes(32 * count), 64)


def opaque(numbers: np.ndarray, salt: int) -> pl.Series:
    """Twelve hexadecimal digits for each number, different for different numbers and without visible order."""
    mixed = numbers.astype(np.uint64)
    for factor in (0x9E3779B97F4B, 0xC2B2AE3D27D5):
        mixed = (mixed * np.uint64(factor) + np.uint64(salt * 2654435761 % (1 << 40))) & MASK_48
        mixed ^= mixed >> np.uint64(23)
    return hex_text((mixed.astype(">u8")).tobytes(), 16).str.slice(4)


def pick(rng: np.random.Generator, options: tuple[str, ...], weights: tuple[float, ...] | np.ndarray, count: int) -> np.ndarray:
    """`count` draws among `options`, as an object array of text."""
    share = np.asarray(weights, dtype=float)
    return np.array(options, dtype=object)[rng.choice(len(options), size=count, p=share / share.sum())]


def chance(rng: np.random.Generator, probability: float | np.ndarray, count: int) -> np.ndarray:
    return rng.random(count) < probability


def repeat(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For a parent with `counts` children each: the parent of every child, and its place among its siblings."""
    parent = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return parent, np.arange(len(parent)) - first[parent]


def where(condition: np.ndarray, values: np.ndarray | str) -> np.ndarray:
    """The values where the condition holds, None elsewhere."""
    chosen = np.full(len(condition), None, dtype=object)
    chosen[condition] = values if isinstance(values, str) else values[condition]
    return chosen


def unless(condition: np.ndarray, values: np.ndarray | str) -> np.ndarray:
    """None where the condition holds, the values elsewhere."""
    return where(~np.asarray(condition, dtype=bool), values)
