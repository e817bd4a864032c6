"""A table made anonymous, and the proof by SQL on what was written."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from jobs.errors import GateFailed, WrongUse
from jobs.privacy.anonymise import Told, classes, levels
from jobs.privacy.hierarchy import Hierarchy
from jobs.privacy.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What it cost to make a table anonymous: `loss` is the GCP (0 nothing lost, 1 everything), `seconds` CPU-seconds of this process."""

    loss: float
    seconds: float
    suppressed: int = 0
    # By quasi-identifier, where all rows are told at one level.
    levels: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Anonymous(Cost):
    """An anonymous table and what it cost."""

    rows: pl.DataFrame


def anonymised(frame: pl.DataFrame, spec: Spec) -> Anonymous:
    """The rows with their quasi-identifiers told so coarsely that the bounds hold; none is left out. WrongUse where they cannot hold.

    The order is that of what is told: a row's place says nothing of where it stood.
    """
    started = time.process_time()
    spec.check_columns(frame.columns)
    hierarchies, found = spec.hierarchies(frame), dict[str, int]()
    try:
        if spec.mode == "global":
            rows, lost, found = _at_levels(frame, spec, hierarchies)
        else:
            rows, lost = specialised(frame, spec, hierarchies)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    spent = time.process_time() - started
    return Anonymous(rows=rows, loss=lost, seconds=spent, suppressed=frame.height - rows.height, levels=found)


def specialised(frame: pl.DataFrame, spec: Spec, hierarchies: Sequence[Hierarchy]) -> tuple[pl.DataFrame, float]:
    """The rows told by the classes that a search from the top finds, and what that loses; ValueError where they cannot keep the bounds."""
    columns = [*spec.quasi_identifiers, *spec.sensitive, *spec.keep]
    # Which of several like rows goes where must not hang on the order in which they came.
    frame = frame.select(columns).sort(columns)
    codes = coded(frame, hierarchies)
    found = classes(codes, hierarchies, _numbered(frame, spec.sensitive), spec.bounds)
    told = Told.of(codes, hierarchies, found)
    names = {each.column: pl.Series(told.labels(at), dtype=pl.String)[found] for at, each in enumerate(hierarchies)}
    return _renamed(frame, names), told.loss


def _at_levels(frame: pl.DataFrame, spec: Spec, hierarchies: Sequence[Hierarchy]) -> tuple[pl.DataFrame, float, dict[str, int]]:
    """The rows told at one level a column, what that loses, and the levels."""
    codes, names, lost = coded(frame, hierarchies), dict[str, pl.Series](), 0.0
    found = levels(codes, hierarchies, _numbered(frame, spec.sensitive), spec.bounds)
    for at, (each, level) in enumerate(zip(hierarchies, found, strict=True)):
        names[each.column] = pl.Series(each.labels[level], dtype=pl.String)[codes[:, at]]
        lost += float(each.loss[level][each.groups[level, codes[:, at]]].mean())
    rows = _renamed(frame.select([*spec.quasi_identifiers, *spec.sensitive, *spec.keep]), names)
    return rows, lost / len(hierarchies), {each.column: level for each, level in zip(hierarchies, found, strict=True)}


def coded(frame: pl.DataFrame, hierarchies: Sequence[Hierarchy]) -> np.ndarray:
    """By row and column the place of the value in its hierarchy."""
    return np.stack([each.codes(frame[each.column]) for each in hierarchies], axis=1)


def _numbered(frame: pl.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """By row and column the number of its value, from 1; 0 where there is none."""
    numbers = [frame[name].rank("dense").fill_null(0).cast(pl.Int64).to_numpy() for name in columns]
    return np.stack(numbers, axis=1) if numbers else np.zeros((frame.height, 0), dtype=np.int64)


def _renamed(frame: pl.DataFrame, told: dict[str, pl.Series]) -> pl.DataFrame:
    """The rows with what is told in place of what is so, in the order of that."""
    return frame.with_columns(series.alias(name) for name, series in told.items()).sort(frame.columns)


def loss_told(written: pl.LazyFrame, hierarchies: Sequence[Hierarchy], suppressed: int = 0) -> float:
    """What a table lost (GCP), by the words in it alone; a row that was left out has lost everything."""
    cells = [written.group_by(pl.col(each.column).alias("told")).len().collect() for each in hierarchies]
    kept = int(cells[0]["len"].sum())
    lost = sum(
        count * each.loss_of(told)
        for each, counted in zip(hierarchies, cells, strict=True)
        for told, count in counted.iter_rows()
    )
    return (lost / len(hierarchies) + suppressed) / (kept + suppressed)


@dataclass(frozen=True)
class Proof:
    """What SQL counts in a written table: its rows and classes, and by sensitive column the fewest different values in one of them."""

    rows: int
    classes: int
    smallest: int
    largest: int
    varieties: dict[str, int]


def written_in(path: Path) -> pl.LazyFrame:
    """The rows of a Parquet file, or of all in a folder."""
    return pl.scan_parquet(path / "*.parquet" if path.is_dir() else path, glob=path.is_dir())


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def proven(path: Path, spec: Spec) -> Proof:
    """The classes of a written table; GateFailed where one does not keep the bounds."""
    told = ", ".join(map(_quoted, spec.quasi_identifiers))
    kinds = "".join(f", count(DISTINCT {_quoted(name)}) AS kinds{at}" for at, name in enumerate(spec.sensitive))
    least = "".join(f", min(kinds{at})" for at in range(len(spec.sensitive)))
    query = f"SELECT sum(n), count(*), min(n), max(n){least} FROM (SELECT count(*) AS n{kinds} FROM written GROUP BY {told})"
    rows, number, smallest, largest, *varieties = pl.SQLContext(written=written_in(path)).execute(query, eager=True).row(0)
    found = Proof(rows, number, smallest, largest, dict(zip(spec.sensitive, varieties, strict=True)))
    if smallest < spec.bounds.k or (spec.bounds.diverse > 1 and min(varieties) < spec.bounds.diverse):
        raise GateFailed(
            f"Expected classes of at least {spec.bounds.k} rows and {spec.bounds.diverse} different values of each sensitive column, found "
            f"{smallest} rows and {min(varieties, default=0)} values in what was written: nothing of it was given away."
        )
    return found


def anonymise_file(table: Path, to: Path, spec: Path) -> tuple[Cost, Proof]:
    """Write the anonymous rows of a Parquet file to another, which appears only when its bounds are proven on it."""
    said = Spec.read(spec)
    try:
        frame = pl.read_parquet(table)
    except (OSError, pl.exceptions.ComputeError):
        raise WrongUse(f"Expected a Parquet file at {table}, found none that can be read: check the path.") from None

    def write(fresh: Path) -> Cost:
        made = anonymised(frame, said)
        made.rows.write_parquet(fresh)
        return made

    return given_away(to, said, write)


def given_away(to: Path, spec: Spec, write: Callable[[Path], Cost]) -> tuple[Cost, Proof]:
    """What `write` wrote, under its name once its bounds are proven on it; nothing stays of what is not proven. WrongUse for a name that is taken."""
    if to.exists() or not to.parent.is_dir():
        raise WrongUse(f"Expected a new name in an existing folder, found {to}: name another file.")
    fresh = to.with_name(f".{to.name}.part")
    try:
        cost = write(fresh)
        proof = proven(fresh, spec)
        fresh.rename(to)
    finally:
        if fresh.is_dir():
            shutil.rmtree(fresh)
        fresh.unlink(missing_ok=True)
    return cost, proof
