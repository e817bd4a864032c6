"""A stand-in for a teaching release: its tables in its columns, with invented people, made in a second."""

import random
from pathlib import Path

import polars as pl
from deltalake import write_deltalake

GROUPS = ("breast", "lung", "colorectal", "prostate")
GENES = ("TP53", "KRAS", "EGFR", "PIK3CA")
PANELS = {"small": ("TP53", "KRAS"), "large": GENES}


def write_release(path: Path, patients: int = 400, seed: int = 7) -> Path:
    """The folder of a release with `patients` people."""
    draw = random.Random(seed)
    for name, frame in _tables(patients, draw).items():
        write_deltalake(path / name, frame.to_arrow())
    return path


def _tables(n: int, draw: random.Random) -> dict[str, pl.DataFrame]:
    numbers = list(range(1, n + 1))
    groups, stages = draw.choices(GROUPS, k=n), draw.choices(("I", "II", "III", "IV", "unknown"), k=n)
    panels = draw.choices((None, "small", "large"), k=n)
    days = [30 * draw.randrange(1, 100) + 15 for _ in numbers]
    return {
        "edu_patient": pl.DataFrame(
            {
                "patient_no": numbers,
                "sex": draw.choices("MF", k=n),
                "age_band": draw.choices(("50–59", "60–69", "70–79"), k=n),
                "region": draw.choices(("Île-de-France", "Normandie", "abroad"), k=n),
                "dx_period": draw.choices(("2017–2018", "2019–2020"), k=n),
                "tumor_group": groups,
                "stage": stages,
                "outcome": draw.choices(("died within a year", "died later", "alive after two years"), k=n),
            }
        ),
        "edu_tumor": pl.DataFrame(
            {
                "tumor_no": numbers,
                "patient_no": numbers,
                "tumor_group": groups,
                "stage": stages,
                "n_lines": draw.choices(range(5), k=n),
                "panel": panels,
            }
        ),
        "edu_survival": pl.DataFrame(
            {
                "tumor_no": numbers,
                "patient_no": numbers,
                "endpoint": ["OS"] * n,
                "days": days,
                "event": draw.choices((True, False), k=n),
                "entry_days": [None if panel is None else draw.choice((0, 15, 45)) for panel in panels],
            }
        ),
        "edu_variant": _variants(numbers, panels, draw),
        "edu_panel_gene": pl.DataFrame([{"panel": panel, "gene": gene} for panel, genes in PANELS.items() for gene in genes]),
    }


def _variants(numbers: list[int], panels: list[str | None], draw: random.Random) -> pl.DataFrame:
    found = [
        {"tumor_no": number, "patient_no": number, "gene": gene, "effect": draw.choice(("missense", "truncating"))}
        for number, panel in zip(numbers, panels, strict=True)
        for gene in PANELS.get(panel or "", ())
        if draw.random() < 0.3
    ]
    return pl.DataFrame(found)
