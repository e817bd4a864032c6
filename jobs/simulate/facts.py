"""Published figures the simulated world is drawn from; each file of facts/ names its source in its first lines."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

FACTS = Path(__file__).parent / "facts"
# MSK-IMPACT used the gene names of 2014; panels carry those the HGNC approves now.
RENAMED = {"MLL": "KMT2A", "MLL2": "KMT2D", "MLL3": "KMT2C", "PAK7": "PAK5", "HIST1H1C": "H1-2"}


def read(name: str) -> list[dict[str, str]]:
    """The rows of a facts file, comments aside."""
    with (FACTS / f"{name}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@dataclass(frozen=True)
class Site:
    """A kind of primary cancer: how often, at which age, coded how, operated how."""

    cohort: str
    label: str
    msk: str
    men: float
    women: float
    age: tuple[float, float]  # men, women
    age_sd: float
    icd10: str
    topographies: tuple[str, ...]
    morphologies: tuple[str, ...]
    morphology_weights: tuple[float, ...]
    paired: bool
    grade_system: str
    ccam: tuple[str, ...]
    act: str


@dataclass(frozen=True)
class Stratum:
    """Patients of a site at a stage: their share, and overall survival at 1, 3 and 5 years."""

    site: int
    stage: str  # I to IV, empty where the source has no stage group
    share: float
    survival: tuple[float, float, float]


@dataclass(frozen=True)
class Drug:
    atc: str
    dci: str
    label: str
    dose: float
    unit: str
    route: str
    interval: int  # days between two administrations
    kind: str
    ucd: str


@dataclass(frozen=True)
class Gene:
    name: str
    chromosome: str
    start: int


@cache
def sites() -> tuple[Site, ...]:
    return tuple(_site(row) for row in read("sites"))


def _site(row: dict[str, str]) -> Site:
    morphologies = [each.split(":") for each in row["morphologies"].split("|")]
    return Site(
        cohort=row["site"],
        label=row["label"],
        msk=row["msk"],
        men=float(row["men"]),
        women=float(row["women"]),
        age=(float(row["age_men"]), float(row["age_women"])),
        age_sd=float(row["age_sd"]),
        icd10=row["icd10"],
        topographies=tuple(row["topographies"].split("|")),
        morphologies=tuple(code for code, _ in morphologies),
        morphology_weights=tuple(float(weight) for _, weight in morphologies),
        paired=row["paired"] == "1",
        grade_system=row["grade"],
        ccam=tuple(filter(None, row["ccam"].split("|"))),
        act=row["act"],
    )


@cache
def strata() -> tuple[Stratum, ...]:
    """Every site with the stages whose survival is published; a site without any takes that of its whole cohort."""
    whole = {row["cohort"]: row for row in read("cohorts")}
    staged = defaultdict(list)
    for row in read("stages"):
        if row["os_1y"] and row["os_5y"]:
            staged[row["cohort"]].append(row)
    found = []
    for position, site in enumerate(sites()):
        rows = staged[site.cohort] or [{**whole[site.cohort], "stage": "unknown", "share": "1"}]
        total = sum(float(row["share"]) for row in rows)
        for row in rows:
            survival = (float(row["os_1y"]), float(row["os_3y"]), float(row["os_5y"]))
            stage = "" if row["stage"] == "unknown" else row["stage"]
            found.append(Stratum(position, stage, float(row["share"]) / total, survival))
    return tuple(found)


@cache
def drugs() -> dict[str, Drug]:
    return {
        row["atc"]: Drug(
            row["atc"],
            row["dci"],
            row["label"],
            float(row["dose"]),
            row["unit"],
            row["route"],
            int(row["interval"]),
            row["kind"],
            row["ucd"],
        )
        for row in read("drugs")
    }


@cache
def regimens() -> dict[tuple[str, int], tuple[tuple[tuple[str, ...], ...], np.ndarray]]:
    """By cohort and line (the last known one stands for all later): combinations of drugs with their probabilities."""
    found: dict[tuple[str, int], dict[tuple[str, ...], float]] = defaultdict(dict)
    for row in read("regimens") + read("regimens_added"):
        found[row["cohort"], int(row["line"])][tuple(row["atc"].split(" + "))] = float(row["lines"])
    return {key: (tuple(options), np.array(list(options.values())) / sum(options.values())) for key, options in found.items()}


@cache
def genes() -> tuple[Gene, ...]:
    return tuple(Gene(RENAMED.get(row["gene"], row["gene"]), row["chromosome"], int(row["start"])) for row in read("genes"))


@cache
def gene_frequencies() -> dict[str, np.ndarray]:
    """By cancer type of MSK-IMPACT: the share of patients with a mutation, in the order of genes()."""
    place = {gene.name: position for position, gene in enumerate(genes())}
    found: dict[str, np.ndarray] = defaultdict(lambda: np.full(len(place), 0.004))
    for row in read("gene_frequency"):
        found[row["cancer_type"]][place[RENAMED.get(row["gene"], row["gene"])]] = float(row["frequency"])
    return dict(found)


@cache
def hotspots() -> dict[tuple[str, str], tuple[tuple[str, ...], np.ndarray]]:
    """By cancer type and gene: protein changes with their share among the altered."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in read("hotspots"):
        found[row["cancer_type"], RENAMED.get(row["gene"], row["gene"])][row["hgvs_p"]] = float(row["share_of_altered"])
    return {key: (tuple(changes), np.array(list(changes.values()))) for key, changes in found.items()}


# ICD-O-3 topography of the places where MSK-IMPACT biopsied a metastasis.
PLACES = {
    "Lymph Node": "C77.9",
    "Lymph Node, Regional": "C77.9",
    "Lymph Node, Non-Regional": "C77.9",
    "Lung": "C34.9",
    "Liver": "C22.0",
    "Bone": "C41.9",
    "Brain": "C71.9",
    "Pleura": "C38.4",
    "Pleural Fluid": "C38.4",
    "Peritoneum": "C48.2",
    "Omentum": "C48.1",
    "Ovary": "C56.9",
    "Skin": "C44.9",
    "In-transit": "C44.9",
    "Subcutaneous Tissue": "C49.9",
    "Soft Tissue": "C49.9",
    "Chest Wall": "C49.3",
    "Adrenal Gland": "C74.9",
    "Pelvis": "C76.3",
    "Bladder": "C67.9",
}


@cache
def metastases() -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """By cancer type: topographies of metastases with their probabilities."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in read("metastatic_sites"):
        found[row["cancer_type"]][PLACES[row["metastatic_site"]]] += float(row["samples"])
    return {key: (tuple(places), np.array(list(places.values())) / sum(places.values())) for key, places in found.items()}


@cache
def shares(cohort: str, marker: str) -> tuple[tuple[str, ...], np.ndarray]:
    """What a biomarker shows in a cohort, with probabilities."""
    rows = [row for row in read("biomarkers") if row["cohort"] == cohort and row["marker"] == marker]
    weights = np.array([float(row["share"]) for row in rows])
    return tuple(row["value"] for row in rows), weights / weights.sum()
