"""PMSI stays (RSS, format 022): one record of fixed fields and three variable zones a line."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from jobs.landing.decode import Text
from jobs.landing.delimited import FormatInvalid, lines

VERSION = "022"
LENGTHS = {
    "FINESS": 9, "VERSION": 3, "N_RSS": 20, "NADL": 20, "N_RUM": 10, "DATE_NAISSANCE": 8, "SEXE": 1, "UM": 4, "LIT_DEDIE": 2,
    "DATE_ENTREE": 8, "MODE_ENTREE": 1, "PROVENANCE": 1, "DATE_SORTIE": 8, "MODE_SORTIE": 1, "DESTINATION": 1, "CODE_POSTAL": 5,
    "POIDS_NN": 4, "AGE_GEST": 2, "DDR": 8, "NB_SEANCES": 2, "NB_DAS": 2, "NB_DAD": 2, "NB_ACTES": 3, "DP": 8, "DR": 8, "IGS2": 3,
    "FILLER": 33,
}  # fmt: skip
ZONES = ("DAS", "DAD", "ACTES")
DIAGNOSIS = 8
ACT = {"DATE": 8, "CCAM": 7, "EXT_PMSI": 3, "PHASE": 1, "ACTIVITE": 1, "EXT_DOC": 1, "MODIFICATEURS": 4, "REMB_EXC": 1, "ASSOC_NP": 1, "NB_EXEC": 2}  # fmt: skip
FIXED, ACT_LENGTH = sum(LENGTHS.values()), sum(ACT.values())
DATE_FORMAT = "%d%m%Y"
ACT_TYPE = pa.struct(
    [("DATE", pa.date32()), ("CCAM", pa.string()), ("PHASE", pa.string()), ("ACTIVITE", pa.string()), ("NB_EXEC", pa.int64())]
)


def _starts(lengths: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Where each field starts and how long it is."""
    places, at = {}, 0
    for name, length in lengths.items():
        places[name] = (at, length)
        at += length
    return places


PLACES, ACT_PLACES = _starts(LENGTHS), _starts(ACT)


def tables(text: Text) -> Iterator[pa.Table]:
    """The records: fixed fields (blank ones null) and the three zones as they came."""
    done = 0
    for records in lines(text):
        yield _table(pl.Series("record", records, dtype=pl.String), done)
        done += len(records)


def _table(records: pl.Series, done: int) -> pa.Table:
    frame = pl.DataFrame({"record": records})
    fields = {name: pl.col("record").str.slice(at, length) for name, (at, length) in PLACES.items()}
    numbers = [pl.col(name).str.strip_chars().replace("", "0").str.to_integer(strict=False).alias(f"#{name}") for name in _COUNTS]
    frame = frame.with_columns(**fields).with_columns(numbers)
    das, dad, acts = (pl.col(f"#{name}") for name in _COUNTS)
    frame = frame.with_columns(length=FIXED + DIAGNOSIS * (das + dad) + ACT_LENGTH * acts)
    wrong = frame.with_row_index().filter(pl.col("length").ne_missing(pl.col("record").str.len_chars()) | (das < 0) | (dad < 0) | (acts < 0))
    if wrong.height:
        raise FormatInvalid("Expected a record as long as its counts say, found another length.", done + wrong["index"][0] + 1)
    zones = {
        "DAS": pl.col("record").str.slice(FIXED, DIAGNOSIS * das),
        "DAD": pl.col("record").str.slice(FIXED + DIAGNOSIS * das, DIAGNOSIS * dad),
        "ACTES": pl.col("record").str.slice(FIXED + DIAGNOSIS * (das + dad)),
    }
    return _plain(frame.select([pl.col(name).replace("", None) for name in PLACES], **{name: zone.replace("", None) for name, zone in zones.items()}))


_COUNTS = ("NB_DAS", "NB_DAD", "NB_ACTES")


def _plain(frame: pl.DataFrame) -> pa.Table:
    return pa.table({name: frame[name].to_arrow().cast(pa.string()) for name in frame.columns})


@dataclass(frozen=True)
class Acts:
    """The zones of a batch, taken apart."""

    diagnoses: dict[str, pa.Array]
    acts: pa.Array
    # Every text of a zone with its record, for the search for identifiers.
    texts: list[tuple[int, str]]
    # Records with an act on an impossible day, and with a date or number that cannot be read.
    impossible: np.ndarray[Any, Any]
    unreadable: np.ndarray[Any, Any]


def zones(table: pa.Table, read_dates: Callable[[pl.Series], tuple[pl.Series, np.ndarray[Any, Any], np.ndarray[Any, Any]]]) -> Acts:
    """Diagnoses and acts of every record in file order; blank codes are null and keep their place."""
    raw = {name: table[name].to_pylist() for name in ZONES}
    diagnoses = {name: pa.array([_split(zone, DIAGNOSIS) for zone in raw[name]], pa.list_(pa.string())) for name in ("DAS", "DAD")}
    acts = [[_act(part) for part in _cut(zone, ACT_LENGTH)] for zone in raw["ACTES"]]
    flat = [(record, act) for record, found in enumerate(acts) for act in found]
    days, is_impossible, is_unreadable = read_dates(pl.Series([act["DATE"] for _, act in flat], dtype=pl.String))
    impossible, unreadable = np.zeros(len(acts), bool), np.zeros(len(acts), bool)
    for at, ((record, act), day) in enumerate(zip(flat, days, strict=True)):
        number = act["NB_EXEC"]
        impossible[record] |= is_impossible[at]
        unreadable[record] |= is_unreadable[at] or (number is not None and not _is_number(number))
        act["DATE"], act["NB_EXEC"] = day, int(number) if number and _is_number(number) else None
    texts = [(record, value) for record, found in enumerate(acts) for act in found for name, value in act.items() if value and name != "DATE" and name != "NB_EXEC"]
    texts += [(record, code) for column in diagnoses.values() for record, codes in enumerate(column.to_pylist()) for code in codes if code]
    return Acts(diagnoses, pa.array(acts, pa.list_(ACT_TYPE)), texts, impossible, unreadable)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]+", text) is not None


def _cut(zone: str | None, length: int) -> list[str]:
    return [zone[at : at + length] for at in range(0, len(zone), length)] if zone else []


def _split(zone: str | None, length: int) -> list[str | None]:
    return [part.strip() or None for part in _cut(zone, length)]


def _act(part: str) -> dict[str, Any]:
    return {name: part[at : at + length].strip() or None for name, (at, length) in ACT_PLACES.items()}
