"""What a person can be found by, and whether it stands in some text: ids of persons, patients, rows, tumours, specimens, tokens."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds

from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.landing.among import among
from jobs.landing.links import Person
from jobs.landing.opposed import Hidden
from jobs.landing.pseudonyms import HEX, Pseudonyms
from jobs.landing.purge import Removal, find
from jobs.landing.texts import leaves
from jobs.landing.vault import Vault, child_key, identity, identity_version, rows_of
from quality.contracts import contracts

# No trace is shorter: what is shorter need not be looked at.
SHORTEST = HEX


@dataclass(frozen=True)
class Traces:
    """Texts by which some people can be found."""

    texts: frozenset[str] = field(repr=False)

    @cached_property
    def _whole(self) -> pl.Series:
        return pl.Series(sorted(self.texts), dtype=pl.String)

    def stand_in(self, texts: pl.Series) -> pl.Series:
        """True for each text that is one of them or has one within."""
        if not self.texts or texts.is_empty():
            return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(texts))
        found = texts.is_in(self._whole.implode()).fill_null(False)
        longer = (texts.str.len_bytes() > SHORTEST).fill_null(False)
        if not longer.any():
            return found
        within = texts.filter(longer).str.contains_any(self._whole.implode())
        return found.scatter(longer.arg_true(), found.filter(longer) | within)

    def times_in(self, texts: pl.Series) -> pl.Series:
        """How often each of these long texts has one of them within."""
        found = texts.str.contains_any(self._whole.implode()).fill_null(False) if self.texts else pl.Series([False] * len(texts))
        times = pl.Series([0], dtype=pl.Int64).new_from_index(0, len(texts))
        if not found.any():
            return times
        counted = texts.filter(found).str.extract_many(self._whole.implode(), overlapping=True).list.len().cast(pl.Int64)
        return times.scatter(found.arg_true(), counted)

    def among(self, texts: pl.Series) -> set[str]:
        """Which of them stand in some texts."""
        if not self.texts or texts.is_empty():
            return set()
        return set(texts.str.extract_many(self._whole.implode(), overlapping=True).explode().drop_nulls())

    def rows(self, table: pa.Table) -> pl.Series:
        """True for each row of a table in which one of them stands, in whatever column."""
        places, texts = [pl.Series(dtype=pl.Int64)], [pl.Series(dtype=pl.String)]
        for at, each in chain.from_iterable(leaves(column) for column in table.columns):
            long_enough = (each.str.len_bytes() >= SHORTEST).fill_null(False)
            places.append(pl.Series(pl.from_arrow(at)).filter(long_enough))
            texts.append(each.filter(long_enough))
        hit = pl.concat(places).filter(self.stand_in(pl.concat(texts))).unique()
        return pl.int_range(table.num_rows, eager=True).is_in(hit.implode())


def traces_of(
    vault: Vault, lake: Lake, pseudonyms: Pseudonyms, people: Iterable[Person], told: Iterable[str] = ()
) -> tuple[Traces, list[Removal]]:
    """Everything by which these people (all their ids) can be found, and the rows of theirs that landing knows.

    `told` are further texts that stand for them, such as the pseudonyms by which somebody named them.
    """
    everybody = sorted(set(people))
    persons = {person for _, person in everybody}
    patients = {pseudonyms.patient_id(person) for person in persons}
    removals = [find(lake, hospitals()[center], _hidden(everybody, center)) for center in sorted({each for each, _ in everybody})]
    found = persons | patients | set(told) | _tokens(vault, everybody) | _children(vault, everybody)
    found |= set().union(*(set(each.rows["row_id"].drop_nulls()) for each in removals if each.rows.height))
    found |= _recorded(lake, persons) | _keys(lake, "silver", "person_id", persons) | _keys(lake, "gold", "patient_id", patients)
    return Traces(frozenset(each for each in found if len(each) >= SHORTEST)), removals


def _hidden(everybody: list[Person], center: str) -> Hidden:
    return Hidden.of({person: {"all"} for at, person in everybody if at == center})


def _tokens(vault: Vault, everybody: list[Person]) -> set[str]:
    """The keyed link tokens of these people that nobody else carries."""
    with vault.transaction() as tx:
        carried = [row for table in (identity, identity_version) for row in rows_of(tx, table) if row["token_key"]]
    mine = {row["token_key"] for row in carried if (row["center"], row["person_id"]) in everybody}
    others = {row["token_key"] for row in carried if (row["center"], row["person_id"]) not in everybody}
    return mine - others


def _children(vault: Vault, everybody: list[Person]) -> set[str]:
    with vault.transaction() as tx:
        return {row["row_id"] for center, person in everybody for row in rows_of(tx, child_key, center=center, person_id=person)}


def _recorded(lake: Lake, persons: set[str]) -> set[str]:
    """The ids of rows that landing recorded as theirs, rights among them."""
    return set(lake.frame("bronze", "record", ["row_id"], among("person_id", persons))["row_id"].drop_nulls())


def _keys(lake: Lake, zone: str, column: str, whose: set[str]) -> set[str]:
    """The ids by which tables know rows about these people."""
    found = set[str]()
    for name, table in contracts(zone).items():
        if column in table.names and len(table.key) == 1 and table.key[0].endswith("_id") and lake.exists(zone, name):
            found |= set(lake.frame(zone, name, list(table.key), ds.field(column).isin(sorted(whose)))[table.key[0]])
    return found


def token_keys(vault: Vault, people: Iterable[Person], traces: Traces) -> set[str]:
    """Which of the traces are link tokens."""
    return _tokens(vault, sorted(set(people))) & traces.texts
