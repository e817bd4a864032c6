"""Making a release: chosen, told, numbered, written where nobody looks, held to its bounds there, and only then put in its place."""

import hashlib
import hmac
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

from jobs import lineage, teaching
from jobs.errors import GateFailed, WrongUse
from jobs.lake import Lake, wordless
from jobs.privacy.anonymise import Bounds
from jobs.privacy.attacks.view import FACTS, joined
from jobs.releases import card, figures
from jobs.releases.figures import Examine, Figure
from jobs.releases.joint import CLASS
from jobs.releases.store import MADE, REFUSED, SIZES, USUAL_K, USUAL_L, Release, Store, Watch, at_work, take_away
from jobs.releases.words import Words, truth
from jobs.settings import Settings
from jobs.silver.tables import arrow_schema
from jobs.teaching import _cohort, _guessed, _quasi
from quality.contracts import contracts

Tables = dict[str, pl.DataFrame]
# What says who may be in a release.
ELIGIBLE = ("patient_summary", "tumor_summary", "endpoint")
# One patient in so many, but no more than so many, is kept out of a release to attack it with.
ASIDE, MOST_ASIDE = 10, 2_000
# The columns that number the rows of a table, in the order in which they are numbered.
ROW_NUMBERS = {"edu_line": ("line_no", ("patient_no", "line_number")), "edu_event": ("event_no", ("patient_no", "kind"))}


def quiet(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Chosen:
    """Who may be in a release, in the secret order in which they are numbered, and who of them is."""

    cohort: pl.DataFrame
    aside: pl.DataFrame
    eligible: int
    known: int


def make(
    settings: Settings,
    size: str = "small",
    bounds: Bounds | None = None,
    watch: Watch = quiet,
    examine: Examine | None = None,
) -> tuple[Release, list[Figure]]:
    """A release of the lake as it is. GateFailed, with every bound that it does not keep, publishes nothing."""
    bounds = bounds or Bounds(USUAL_K, USUAL_L)
    if size not in SIZES:
        raise WrongUse(f"Expected a size among {', '.join(SIZES)}, found {size!r}.")
    with at_work(settings) as (store, ledger):
        store.clear()
        name = store.fresh_name(size)
        watch("reading gold and silver")
        with ledger.hold("engine"):
            read = known(store.lake)
            versions = {name: store.lake.version(zone_of(name), name) for name in read}
        key = hmac.new(settings.platform_key(), f"teaching:{name}".encode(), hashlib.sha256).digest()
        return _Making(store, name, size, bounds, key, read, versions, watch, examine or figures.examiner()).run()


def known(lake: Lake) -> Tables:
    """Every table that a release is made from; WrongUse where gold was not built."""
    names = set(ELIGIBLE)
    names |= {name for product in teaching.tables().values() for name in teaching.made_from(product)}
    lacking = sorted(name for name in names if name in contracts("gold") and not lake.exists("gold", name))
    if lacking:
        raise WrongUse(f"Expected gold.{lacking[0]} in the lake, found none: run `pscc build` first.")
    return {name: teaching.read(lake, name) for name in sorted(names)}


def zone_of(name: str) -> str:
    """The zone of a table that a release is made from."""
    return "gold" if name in contracts("gold") else "silver"


def products(known: Tables, cohort: pl.DataFrame) -> Tables:
    """Every teaching table of these patients as it is known."""
    made = {}
    for name, product in teaching.tables().items():
        wanted = inspect.signature(product).parameters
        made[name] = product(**{each: cohort if each == teaching.COHORT else known[each] for each in wanted})
    return made


def tables_of(tables: Tables, patients: pl.Series) -> pl.DataFrame:
    """`patient_id`, `tables`: by patient the tables, beside those that tell of everybody, that say something of them."""
    told = {name: tables[name]["patient_id"] for name in FACTS} | {"panel": tables["edu_tumor"].drop_nulls("panel")["patient_id"]}
    said = [pl.when(pl.col("patient_id").is_in(ids.implode())).then(pl.lit(name)) for name, ids in told.items()]
    return pl.DataFrame({"patient_id": patients}).with_columns(tables=pl.concat_str(said, separator="|", ignore_nulls=True))


@dataclass
class _Making:
    store: Store
    name: str
    size: str
    bounds: Bounds
    key: bytes
    read: Tables
    versions: dict[str, int]
    watch: Callable[[str], None]
    examine: Examine | None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> tuple[Release, list[Figure]]:
        chosen = self._choose()
        self.watch(f"telling of {chosen.cohort.height:,} patients")
        raw = products(self.read, chosen.cohort)
        try:
            quasi = _quasi.quasi(raw["edu_patient"], self.bounds)
        except ValueError as error:
            raise GateFailed(f"{error} Nothing was released.") from None
        made = _guessed.told(raw, quasi.rows, self.bounds.k)
        numbers = self._numbers(quasi.rows["patient_id"])
        folder = self.store.making(self.name)
        try:
            self._write(folder, {name: numbered(name, frame, numbers) for name, frame in made.items()})
            left_out = quasi.left_out / chosen.cohort.height
            found = self._hold(folder, left_out, raw, chosen, quasi.rows, numbers)
            facts = card.facts(made, raw, quasi.rows["patient_id"], self.bounds.k)
            card.write(folder, self._card(chosen, quasi, facts), found)
            return self._place(folder, quasi, made, found)
        finally:
            take_away(folder)

    def _choose(self) -> Chosen:
        """The patients of a release: those first of whom no live release tells, each group in an order that only the key knows."""
        eligible = _cohort.eligible(self.read["patient_summary"], self.read["tumor_summary"], self.read["endpoint"])
        told_of = self.store.patients(*self.store.live())["patient_id"].unique()
        order = pl.Series("order", [self._place_of(patient) for patient in eligible["patient_id"]], pl.String)
        ordered = eligible.with_columns(order, again=pl.col("patient_id").is_in(told_of.implode())).sort("again", "order")
        if not ordered.height:
            raise WrongUse(
                "Expected patients with sex, age, diagnosis and follow-up in gold, found none: deliver and build first."
            )
        aside = min(MOST_ASIDE, ordered.height // ASIDE)
        cohort = ordered.head(min(SIZES[self.size], ordered.height - aside))
        rest = ordered.slice(cohort.height, MOST_ASIDE)
        return Chosen(cohort, rest, ordered.height, self.read["patient_summary"].height)

    def _place_of(self, patient: str) -> str:
        return hmac.new(self.key, patient.encode(), hashlib.sha256).hexdigest()

    def _numbers(self, patients: pl.Series) -> pl.DataFrame:
        """`patient_id`, `patient_no`: in another order than that in which patients were chosen."""
        order = pl.Series([self._place_of(f"number {patient}") for patient in patients], dtype=pl.String)
        ordered = pl.DataFrame({"patient_id": patients, "order": order}).sort("order")
        return ordered.select("patient_id", patient_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))

    def _write(self, folder: Path, tables: Tables) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        for name, frame in tables.items():
            rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow_schema(contracts("teaching")[name]))
            with wordless(f"teaching.{name}"):
                write_deltalake(str(folder / name), rows, name=name, description=contracts("teaching")[name].grain)

    def _hold(
        self, folder: Path, left_out: float, raw: Tables, chosen: Chosen, quasi: pl.DataFrame, numbers: pl.DataFrame
    ) -> list[Figure]:
        """The figures of what was written; GateFailed where one does not keep its bound."""
        self.watch("counting what was written")
        found = figures.counted(folder, self.bounds, left_out)
        if not any(each.stops for each in found):
            self.watch("attacking what was written")
            written = {name: pl.scan_delta(str(folder / name)).collect() for name in contracts("teaching")}
            view = joined(written)
            true = truth(raw, view).join(numbers, on="patient_id").sort("patient_no")
            telling = Words.of(true, view)
            # Who is of a class that no patient of the release is in would have been left out of it, too.
            aside = truth(products(self.read, chosen.aside), view)
            classes = written["edu_patient"].select(_quasi.QUASI).unique()
            alike = telling.tell(aside).with_row_index("row").join(classes, on=_quasi.QUASI, how="semi")["row"]
            found += figures.attacked(self.examine, written, true.drop("patient_no"), aside[alike.sort()], telling.tell)
        failed = [each.sentence.rstrip(".") for each in found if each.stops]
        if failed:
            self.store.note(self._release(REFUSED, quasi.height))
            raise GateFailed(f"Expected a release that keeps every bound, found: {'; '.join(failed)}. Nothing was released.")
        return found

    def _card(self, chosen: Chosen, quasi: _quasi.Told, facts: dict[str, dict[str, int | str]]) -> dict[str, object]:
        return card.card(
            self.name,
            self.size,
            SIZES[self.size],
            self.bounds,
            self.read,
            chosen.known,
            chosen.eligible,
            chosen.aside.height,
            quasi,
            facts,
        )

    def _place(self, folder: Path, quasi: _quasi.Told, made: Tables, found: list[Figure]) -> tuple[Release, list[Figure]]:
        classes = quasi.rows.select("patient_id", **{"class": CLASS})
        self.store.keep_patients(self.name, classes.join(tables_of(made, classes["patient_id"]), on="patient_id"))
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        folder.chmod(0o755)
        place = self.store.place(self.name)
        folder.rename(place)
        place.chmod(0o555)
        release = self._release(MADE, quasi.rows.height)
        try:
            self.store.note(release)
        finally:
            # A folder that no list knows is no release, and who is in it is not to be remembered.
            if self.name not in {each.name for each in self.store.releases()}:
                self.store.remove(self.name)
                self.store.forget_patients(self.name)
        self._tell(place)
        return release, found

    @lineage.aside
    def _tell(self, place: Path) -> None:
        """The lineage of every table of the release."""
        work = lineage.Work("teaching", self.at, {"release": [self.name]})
        for name, product in teaching.tables().items():
            read = sorted({*ELIGIBLE, *teaching.made_from(product)})
            sources = lineage.tables(self.store.lake, {f"{zone_of(each)}.{each}": self.versions[each] for each in read})
            lineage.wrote(self.store.lake, f"teaching.{self.name}.{name}", DeltaTable(str(place / name)), work, sources)

    def _release(self, state: str, patients: int) -> Release:
        return Release(self.name, state, datetime.now(UTC), "", self.size, patients, self.bounds.k, self.bounds.diverse)


def numbered(name: str, frame: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """A table with numbers in place of patients, in their order, and with the columns of its contract."""
    table = contracts("teaching")[name]
    if "patient_id" not in frame.columns:
        return frame.select(table.names)
    rows = frame.join(numbers, on="patient_id").with_columns(tumor_no="patient_no")
    number, order = ROW_NUMBERS.get(name, ("", table.key))
    rows = rows.sort("patient_no", *(each for each in order if each != "patient_no"))
    if number:
        rows = rows.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(number))
    return rows.select(table.names)
