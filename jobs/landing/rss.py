"""PMSI stays (RSS, format 022): one record of fixed fields and three variable zones a line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from jobs.landing.dates import Mask
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
    wrong = frame.with_row_index().filter(
        pl.col("length").ne_missing(pl.col("record").str.len_chars()) | (das < 0) | (dad < 0) | (acts < 0)
    )
    if wrong.height:
        raise FormatInvalid("Expected a record as long as its counts say, found another length.", done + wrong["index"][0] + 1)
    zones = {
        "DAS": pl.col("record").str.slice(FIXED, DIAGNOSIS * das),
        "DAD": pl.col("record").str.slice(FIXED + DIAGNOSIS * das, DIAGNOSIS * dad),
        "ACTES": pl.col("record").str.slice(FIXED + DIAGNOSIS * (das + dad)),
    }
    return _plain(
        frame.select(
            [pl.col(name).replace("", None) for name in PLACES], **{name: zone.replace("", None) for name, zone in zones.items()}
        )
    )


_COUNTS = ("NB_DAS", "NB_DAD", "NB_ACTES")


def _plain(frame: pl.DataFrame) -> pa.Table:
    return pa.table({name: frame[name].to_arrow().cast(pa.string()) for name in frame.columns})


@dataclass(frozen=True)
class Acts:
    """The zones of a batch, taken apart."""

    columns: dict[str, pa.Array]
    # Every text of a zone with its record, for the search for identifiers.
    texts: list[tuple[int, str]]
    # Records with an act on an impossible day, and with a date or number that cannot be read.
    impossible: Mask
    unreadable: Mask


@dataclass(frozen=True)
class Zone:
    """The parts of a zone of all records, one after the other."""

    parts: pl.Series
    owners: Mask
    offsets: pa.Array

    @classmethod
    def cut(cls, raw: list[str | None], length: int) -> "Zone":
        """Every zone in parts of one length, in file order."""
        counts = np.array([len(zone) // length if zone else 0 for zone in raw], np.int32)
        parts = [zone[at : at + length] for zone in raw if zone for at in range(0, len(zone), length)]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        return cls(pl.Series(parts, dtype=pl.String), np.repeat(np.arange(len(raw)), counts), pl.Series(offsets).to_arrow())

    def field(self, at: int, length: int) -> pl.Series:
        """One field of every part, blank ones null."""
        return self.parts.str.slice(at, length).str.strip_chars().replace("", None)

    def lists(self, values: pa.Array) -> pa.Array:
        """Values of the parts as one list a record."""
        return pa.ListArray.from_arrays(self.offsets, values)


def zones(table: pa.Table, read_dates: Callable[[pl.Series], tuple[pl.Series, Mask, Mask]]) -> Acts:
    """Diagnoses and acts of every record in file order; blank codes are null and keep their place."""
    cut = {name: Zone.cut(table[name].to_pylist(), ACT_LENGTH if name == "ACTES" else DIAGNOSIS) for name in ZONES}
    codes = {name: cut[name].field(0, DIAGNOSIS) for name in ("DAS", "DAD")}
    acts = {name: cut["ACTES"].field(at, length) for name, (at, length) in ACT_PLACES.items()}
    days, is_impossible, is_unreadable = read_dates(acts["DATE"])
    number = acts["NB_EXEC"].set(~acts["NB_EXEC"].str.contains("^[0-9]+$").fill_null(False), None).cast(pl.Int64)
    is_unreadable = is_unreadable | (acts["NB_EXEC"].is_not_null() & number.is_null()).to_numpy()
    read = acts | {"DATE": days, "NB_EXEC": number}
    structs = pa.StructArray.from_arrays([read[each.name].to_arrow().cast(each.type) for each in ACT_TYPE], fields=list(ACT_TYPE))
    columns = {name: cut[name].lists(found.to_arrow().cast(pa.string())) for name, found in codes.items()}
    owners = cut["ACTES"].owners
    return Acts(
        columns | {"ACTES": cut["ACTES"].lists(structs)},
        _texts(cut, codes, {name: found for name, found in acts.items() if name not in ("DATE", "NB_EXEC")}),
        _any_of(owners, is_impossible, table.num_rows),
        _any_of(owners, is_unreadable, table.num_rows),
    )


def _texts(cut: dict[str, Zone], codes: dict[str, pl.Series], acts: dict[str, pl.Series]) -> list[tuple[int, str]]:
    found = [(cut[name].owners, values) for name, values in codes.items()] + [
        (cut["ACTES"].owners, values) for values in acts.values()
    ]
    return [(int(record), value) for owners, values in found for record, value in zip(owners, values, strict=True) if value]


def _any_of(owners: Mask, where: Mask, records: int) -> Mask:
    marked = np.zeros(records, bool)
    marked[owners[where]] = True
    return marked
