"""A release of 500 invented patients who do what patients do: lines that are missing, two variants of a gene, nobody's panel, ties of days."""

import random
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import write_deltalake

GROUPS = {"breast": (0.2, 0.2), "lung": (0.5, 0.5), "colorectal": (0.35, 0.4), "prostate": (0.7, 0.1), "ovary": (0.1, 0.3)}
PANELS = {
    "core": ("TP53", "KRAS", "EGFR"),
    "wide": ("TP53", "KRAS", "EGFR", "RB1", "ATM", "VHL"),
    "whole": ("TP53", "RB1", "ATM", "MED12"),
}
OFTEN = {"TP53": 0.5, "KRAS": 0.3, "RB1": 0.3, "ATM": 0.05}
KINDS = ("surgery", "radiotherapy", "metastasis", "recurrence")
COLUMNS = {
    "edu_patient": ("patient_no", "sex", "age_band", "tumor_group", "stage"),
    "edu_tumor": ("tumor_no", "patient_no", "tumor_group", "stage", "metastatic_at_dx", "n_lines", "panel"),
    "edu_line": ("line_no", "tumor_no", "patient_no", "line_number", "start_day", "end_day", "regimen", "setting"),
    "edu_event": ("event_no", "tumor_no", "patient_no", "kind", "day"),
    "edu_survival": ("tumor_no", "patient_no", "days", "event"),
    "edu_variant": ("tumor_no", "gene", "effect"),
    "edu_panel_gene": ("panel", "gene"),
}
Rows = dict[str, list[tuple[Any, ...]]]


def write_small_world(path: Path, patients: int = 500) -> Path:
    """The folder of the release; the same values every time."""
    draw, rows = random.Random(11), {name: [] for name in COLUMNS}  # type: ignore[var-annotated]
    for number in range(1, patients + 1):
        _live(number, draw, rows)
    rows["edu_panel_gene"] = [(panel, gene) for panel, genes in PANELS.items() for gene in genes]
    for key, name in (("line_no", "edu_line"), ("event_no", "edu_event")):
        assert COLUMNS[name][0] == key
        draw.shuffle(rows[name])
        rows[name] = [(place, *row) for place, row in enumerate(rows[name], 1)]
    return write_rows(path, rows)


def write_rows(path: Path, rows: Rows) -> Path:
    """A release of just these rows."""
    for name, columns in COLUMNS.items():
        frame = pl.DataFrame(rows.get(name, []), schema=list(columns), orient="row", infer_schema_length=None)
        write_deltalake(path / name, frame.with_columns(pl.col(pl.Null).cast(pl.Int64)).to_arrow())
    return path


def _live(number: int, draw: random.Random, rows: Rows) -> None:
    group = draw.choice(list(GROUPS))
    untreated, longer = GROUPS[group]
    stage, days = draw.choice(("I", "II", "III", "IV", "unknown")), draw.randrange(5, 120) * 30 + 15
    metastatic = None if draw.random() < 0.3 else stage == "IV"
    panel = draw.choice((None, None, *PANELS))
    age_band = draw.choice(("under 50", "50–69", "50–69", "70+"))
    untreated = min(untreated * 2, 0.9) if age_band == "70+" else untreated
    rows["edu_patient"].append((number, draw.choice("MF"), age_band, group, stage))
    rows["edu_survival"].append((number, number, days, draw.random() < 0.4))
    start, place = draw.randrange(3) * 30 + 15, 0
    while start < days and draw.random() > (longer if place else untreated):
        place += 1
        end = None if draw.random() < 0.1 else min(start + draw.randrange(0, 12) * 30, days)
        # A line in ten is too rare to be shared: the numbers of the others stay.
        if draw.random() > 0.1:
            regimen = draw.choice((f"{group} A", f"{group} A", f"{group} B", "other", "other", "other"))
            rows["edu_line"].append((number, number, place, start, end, regimen, draw.choice(("adjuvant", None))))
        start = (end or start) + draw.randrange(1, 9) * 30
    n_lines = None if draw.random() < 0.2 else min(place, 4)
    rows["edu_tumor"].append((number, number, group, stage, metastatic, n_lines, panel))
    for kind in KINDS:
        while draw.random() < 0.35:
            rows["edu_event"].append((number, number, kind, draw.randrange(24) * 30 + 15))
    for gene in PANELS[panel] if panel else ():
        while draw.random() < OFTEN.get(gene, 0.0):
            rows["edu_variant"].append((number, gene, "missense"))
