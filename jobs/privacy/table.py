"""A table made anonymous, and the proof by SQL on what was written."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from jobs.errors import GateFailed, WrongUse
from jobs.privacy.anonymise import Told, classes, levels
from jobs.privacy.hierarchy import Hierarchy
from jobs.privacy.spec import Spec


@dataclass(frozen=True)
class Anonymous:
    """An anonymous table and what it cost: `loss` is the GCP (0 nothing lost, 1 everything), `seconds` CPU-seconds."""

    rows: pl.DataFrame
    loss: float
    seconds: float
    suppressed: int = 0
    # By quasi-identifier, where all rows are told at one level.
    levels: dict[str, int] = field(default_factory=dict)


def anonymised(frame: pl.DataFrame, spec: Spec) -> Anonymous:
    """The rows with their quasi-identifiers told so coarsely that the bounds hold; none is left out. WrongUse where they cannot hold.

    The order is that of what is told: a row's place says nothing of where it stood.
    """
    started = time.process_time()
    spec.check_columns(frame.columns)
    hierarchies = spec.hierarchies(frame)
    codes = np.stack([each.codes(frame[each.column]) for each in hierarchies], axis=1)
    sensitive = _numbered(frame, spec.sensitive)
    try:
        if spec.mode == "global":
            return _at_levels(frame, spec, hierarchies, codes, levels(codes, hierarchies, sensitive, spec.bounds), started)
        told = Told.of(codes, hierarchies, found := classes(codes, hierarchies, sensitive, spec.bounds))
    except ValueError as error:
        raise WrongUse(str(error)) from None
    columns = {each.column: pl.Series(told.labels(at), dtype=pl.String)[found] for at, each in enumerate(hierarchies)}
    return _made(frame, spec, columns, told.loss, started)


def _at_levels(
    frame: pl.DataFrame, spec: Spec, hierarchies: list[Hierarchy], codes: np.ndarray, found: list[int], started: float
) -> Anonymous:
    columns, lost = {}, 0.0
    for at, (each, level) in enumerate(zip(hierarchies, found, strict=True)):
        columns[each.column] = pl.Series(each.labels[level], dtype=pl.String)[codes[:, at]]
        lost += float(each.loss[level][each.groups[level, codes[:, at]]].mean())
    named = {each.column: level for each, level in zip(hierarchies, found, strict=True)}
    return replace(_made(frame, spec, columns, lost / len(hierarchies), started), levels=named)


def _numbered(frame: pl.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """By row and column the number of its value, from 1; 0 where there is none."""
    numbers = [frame[name].rank("dense").fill_null(0).cast(pl.Int64).to_numpy() for name in columns]
    return np.stack(numbers, axis=1) if numbers else np.zeros((frame.height, 0), dtype=np.int64)


def _made(frame: pl.DataFrame, spec: Spec, told: dict[str, pl.Series], loss: float, started: float) -> Anonymous:
    rest = [*spec.sensitive, *spec.keep]
    rows = frame.select([*(series.alias(name) for name, series in told.items()), *rest]).sort([*told, *rest])
    return Anonymous(rows, loss, time.process_time() - started, frame.height - rows.height)


@dataclass(frozen=True)
class Proof:
    """What SQL counts in a written table: its classes, and by sensitive column the fewest different values in one of them."""

    classes: int
    smallest: int
    largest: int
    varieties: dict[str, int]


def proven(path: Path, spec: Spec) -> Proof:
    """The classes of a written table; GateFailed where one does not keep the bounds."""
    told = ", ".join(f'"{name}"' for name in spec.quasi_identifiers)
    kinds = "".join(f', count(DISTINCT "{name}") AS kinds{at}' for at, name in enumerate(spec.sensitive))
    least = "".join(f", min(kinds{at})" for at in range(len(spec.sensitive)))
    query = f"SELECT count(*), min(n), max(n){least} FROM (SELECT count(*) AS n{kinds} FROM written GROUP BY {told})"
    number, smallest, largest, *varieties = pl.SQLContext(written=pl.scan_parquet(path)).execute(query, eager=True).row(0)
    found = Proof(number, smallest, largest, dict(zip(spec.sensitive, varieties, strict=True)))
    if smallest < spec.bounds.k or (spec.bounds.diverse > 1 and min(varieties) < spec.bounds.diverse):
        raise GateFailed(
            f"Expected classes of at least {spec.bounds.k} rows and {spec.bounds.diverse} different values of each sensitive column, found "
            f"{smallest} rows and {min(varieties, default=0)} values in what was written: nothing of it was given away."
        )
    return found


def anonymise_file(table: Path, to: Path, spec: Path) -> tuple[Anonymous, Proof]:
    """Write the anonymous rows of a Parquet file to another, which appears only when its bounds are proven on it."""
    said = Spec.read(spec)
    try:
        frame = pl.read_parquet(table)
    except (OSError, pl.exceptions.ComputeError):
        raise WrongUse(f"Expected a Parquet file at {table}, found none that can be read: check the path.") from None
    if to.exists() or not to.parent.is_dir():
        raise WrongUse(f"Expected a new name in an existing folder, found {to}: name another file.")
    made, fresh = anonymised(frame, said), to.with_name(f".{to.name}.part")
    try:
        made.rows.write_parquet(fresh)
        proof = proven(fresh, said)
        fresh.rename(to)
    finally:
        fresh.unlink(missing_ok=True)
    return made, proof
