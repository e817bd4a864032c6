"""What an attacker sees of a patient in a release: everything that it tells, in one row."""

from collections.abc import Callable, Container, Mapping

import polars as pl

from jobs.errors import WrongUse

QUASI = ("sex", "age_band", "region", "dx_period", "tumor_group", "stage")
ADMINISTRATIVE = ("sex", "age_band", "region", "dx_period")
KEYS = ("patient_no", "tumor_no", "endpoint")
PARTS = ("edu_patient", "edu_tumor", "edu_survival")
# The tables with several rows of a patient: what tells these apart, and what each of them says.
FACTS = {
    "edu_line": ("line_number", ("start_day", "end_day", "regimen", "setting")),
    "edu_event": ("kind", ("day",)),
    "edu_biomarker": ("marker", ("result",)),
    "edu_variant": ("gene", ("effect",)),
}
# How true rows are told as the release tells them: the columns of the view.
Telling = Callable[[pl.DataFrame], pl.DataFrame]


def joined(released: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """All that a release tells of each patient in one row, in the order of their numbers and without the keys: groups, tumour, survival,
    and a column for every kind of fact, `edu_event surgery day`."""
    if missing := [name for name in PARTS if name not in released]:
        raise WrongUse(f"Expected the tables {', '.join(PARTS)} in a release, found no {', '.join(missing)}.")
    view = released["edu_patient"]
    for name in PARTS[1:]:
        new = [column for column in released[name].columns if column not in view.columns]
        view = view.join(released[name].select("patient_no", *new), on="patient_no", how="left")
    return with_facts(view, released, "patient_no").sort("patient_no").drop(KEYS, strict=False)


def with_facts(
    rows: pl.DataFrame, tables: Mapping[str, pl.DataFrame], person: str, only: Container[str] | None = None
) -> pl.DataFrame:
    """Rows of persons with a column more for every kind of fact in the tables, or for some of them; empty where a person has none."""
    for table, (kind, says) in FACTS.items():
        for name in sorted(tables[table][kind].unique().to_list()) if table in tables else ():
            columns = {f"{table} {name} {column}": pl.col(column) for column in says}
            if only is None or any(each in only for each in columns):
                of_kind = tables[table].filter(pl.col(kind) == name).unique(person, keep="first", maintain_order=True)
                rows = rows.join(of_kind.select(person, **columns), on=person, how="left", maintain_order="left")
    return rows


def is_fact(column: str) -> bool:
    """Whether a column of the view is one of a kind of fact."""
    return column.split(" ")[0] in FACTS


def shared(view: pl.DataFrame, truth: pl.DataFrame) -> tuple[str, float]:
    """The column whose true values are told least often in the release, and the share of patients whose value is told of anybody.

    Where it is small the truth was not told in the words of the release, and no attack could succeed.
    """
    shares = {
        name: truth[name].drop_nulls().is_in(view[name].drop_nulls().unique().implode()).mean() for name in _told_at_all(view)
    }
    known = {name: float(share) for name, share in shares.items() if isinstance(share, float)}
    worst = min(known, key=lambda name: known[name])
    return worst, known[worst]


def _told_at_all(view: pl.DataFrame) -> list[str]:
    return [name for name in view.columns if view[name].drop_nulls().len()]


def telling_columns(view: pl.DataFrame) -> list[str]:
    """The columns that tell patients apart: an attacker would not waste a question on others."""
    return [name for name in view.columns if view[name].n_unique() > 1]
