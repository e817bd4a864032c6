"""Samples, sequencing and biomarkers of a chunk: mutations by the published frequency of each gene and its hotspots."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from jobs.simulate.calendar import LAST_CUT_OFF, day_number
from jobs.simulate.clinic import Clinic
from jobs.simulate.draw import chance, pick, repeat, unless, where
from jobs.simulate.facts import gene_frequencies, genes, hotspots, shares, sites
from jobs.simulate.people import Persons, Records
from jobs.simulate.tumours import table

# Three panels of decreasing size, each the first genes of the list of the next.
PANELS = {"WES": 128, "ONCO-90": 90, "CORE-40": 40}
PROTEIN = "ACDEFGHIKLMNPQRSTVWY"
LABS = {
    # local code: label, LOINC, unit, low, high, mean, standard deviation (adult reference values, rounded)
    "HB": ("Hémoglobine", "718-7", "g/dL", 12.0, 16.0, 12.3, 1.8),
    "PLAQ": ("Plaquettes", "777-3", "G/L", 150.0, 400.0, 240.0, 80.0),
    "LEUCO": ("Leucocytes", "6690-2", "G/L", 4.0, 10.0, 6.8, 2.5),
    "LDH": ("LDH", "2532-0", "U/L", 120.0, 246.0, 230.0, 70.0),
    "ALB": ("Albumine", "1751-7", "g/dL", 3.5, 5.2, 3.9, 0.5),
    "CREA": ("Créatinine", "2160-0", "mg/dL", 0.5, 1.1, 0.9, 0.25),
}


@dataclass(frozen=True)
class Molecular:
    """The biological tables of a chunk, each with the columns `record` and `known`."""

    sample: pl.DataFrame
    analysis: pl.DataFrame
    variant: pl.DataFrame
    biomarker: pl.DataFrame
    lab: pl.DataFrame


def panel_genes() -> dict[str, tuple[str, ...]]:
    """The genes of every panel, the most often mutated first."""
    often = np.max(np.array(list(gene_frequencies().values())), axis=0)
    ranked = [genes()[place].name for place in np.argsort(-often, kind="stable")]
    return {panel: tuple(ranked[:size]) for panel, size in PANELS.items()}


def molecular(persons: Persons, own: Records, clinic: Clinic, rng: np.random.Generator) -> Molecular:
    """Every third tumour is sampled and sequenced; receptors and instability are tested where the site asks for it."""
    sample = samples(persons, own, clinic.tumour, rng)
    analysis = analyses(sample, rng)
    return Molecular(
        sample,
        analysis,
        variants(clinic.tumour, sample, analysis, rng),
        biomarkers(persons, own, clinic.tumour, rng),
        labs(persons, own, rng),
    )


def samples(persons: Persons, own: Records, tumour: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Of a sampled tumour: blood, tissue, and the DNA extracted from the tissue, in this order (`parent` counts back)."""
    diagnosis, record = tumour["diagnosis"].to_numpy(), tumour["record"].to_numpy()
    day = np.maximum(diagnosis, own.start[record]) + rng.integers(0, 30, size=len(tumour))
    end = np.minimum(persons.death[own.person[record]], own.hears[record])
    taken = np.flatnonzero(chance(rng, 0.34, len(tumour)) & (day < np.minimum(end, day_number(LAST_CUT_OFF))))
    parent, place = repeat(np.full(len(taken), 3))
    parent, count = taken[parent], 3 * len(taken)
    frozen = pick(rng, ("TISSU_CONGELE", "TISSU_FFPE"), (0.6, 0.4), count)
    known = np.maximum(day + rng.integers(5, 40, size=len(tumour)), np.maximum(own.known[record], tumour["known"].to_numpy()))
    return table(
        record=record[parent],
        tumour=parent,
        parent=np.where(place == 2, np.arange(count) - 1, -1),
        nature=np.select([place == 0, place == 1], ["SANG", frozen], "ADN").astype(object),
        origin=np.where(place == 0, "SANG", "TUMORAL").astype(object),
        topography=unless(place == 0, tumour["topography"].to_numpy()[parent]),
        day=day[parent],
        storage=pick(rng, ("-80", "AZOTE", "-20", "AMBIANTE"), (0.6, 0.2, 0.1, 0.1), count),
        quantity=np.round(rng.uniform(1, 60, size=count), 1),
        unit=np.select([place == 0, place == 1], ["mL", "mg"], "ug").astype(object),
        cellularity=unless(place == 0, rng.integers(20, 96, size=count).astype(object)),
        status=pick(rng, ("DISPONIBLE", "EPUISE", "RESERVE"), (0.6, 0.3, 0.1), count),
        consent=chance(rng, 0.92, count),
        known=known[parent],
    )


def analyses(sample: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One sequencing of the DNA of a sampled tumour, with blood as its normal."""
    dna = np.flatnonzero(sample["parent"].to_numpy() >= 0)
    dna = dna[chance(rng, 0.9, len(dna))]
    panel = pick(rng, tuple(PANELS), (0.3, 0.5, 0.2), len(dna))
    day = sample["day"].to_numpy()[dna] + rng.integers(10, 30, size=len(dna))
    return table(
        record=sample["record"].to_numpy()[dna],
        tumour=sample["tumour"].to_numpy()[dna],
        sample=dna,
        normal=dna - 2,
        panel=panel,
        day=day,
        cellularity=rng.integers(20, 96, size=len(dna)),
        known=np.maximum(sample["known"].to_numpy()[dna], day + 5),
    )


def variants(tumour: pl.DataFrame, sample: pl.DataFrame, analysis: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row for each mutated gene that the panel of the analysis contains."""
    names = np.array([gene.name for gene in genes()])
    inside = {panel: np.isin(names, members) for panel, members in panel_genes().items()}
    base = np.full(len(names), 0.01)
    rates = np.array([gene_frequencies().get(site.msk, base) for site in sites()])
    site = tumour["site"].to_numpy()[analysis["tumour"].to_numpy()]
    covered = np.array([inside[panel] for panel in analysis["panel"]], dtype=bool).reshape(-1, len(names))
    hit = (rng.random((len(analysis), len(names))) < rates[site]) & covered
    row, gene = np.nonzero(hit)
    change, kind, reference, alternate, offset = _changes(site[row], gene, rng)
    start = np.array([each.start for each in genes()])[gene] + offset
    depth = rng.integers(80, 700, size=len(row))
    alternate_depth = np.maximum((depth * rng.beta(4, 10, size=len(row))).astype(np.int64), 4)
    return table(
        record=analysis["record"].to_numpy()[row],
        analysis=row,
        sample=analysis["sample"].to_numpy()[row],
        normal=analysis["normal"].to_numpy()[row],
        gene=names[gene].astype(object),
        chromosome=np.array([each.chromosome for each in genes()], dtype=object)[gene],
        start=start,
        end=start + np.where(kind == "Frame_Shift_Ins", 1, np.array([len(r) for r in reference], dtype=np.int64) - 1),
        kind=kind,
        reference=reference,
        alternate=alternate,
        change=change,
        depth=depth,
        alternate_depth=alternate_depth,
        normal_depth=rng.integers(50, 300, size=len(row)),
        known=analysis["known"].to_numpy()[row],
    )


def _changes(site: np.ndarray, gene: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Protein change, class, reference, alternate, and the distance from the gene's start (not the true codon: no exon map is kept)."""
    count = len(site)
    position = rng.integers(20, 900, size=count)
    letters = np.array(list(PROTEIN), dtype=object)
    kind = pick(
        rng,
        ("Missense_Mutation", "Nonsense_Mutation", "Frame_Shift_Del", "Frame_Shift_Ins", "Splice_Site"),
        (0.68, 0.12, 0.11, 0.05, 0.04),
        count,
    )
    before, after = rng.choice(letters, size=count), rng.choice(letters, size=count)
    ends = {"Nonsense_Mutation": "*", "Frame_Shift_Del": "fs*12", "Frame_Shift_Ins": "fs*7"}
    change = np.array(
        [
            f"p.X{p}_splice" if k == "Splice_Site" else f"p.{b}{p}{ends.get(k, a)}"
            for k, b, p, a in zip(kind, before, position, after, strict=True)
        ],
        dtype=object,
    )
    names, places = [each.name for each in genes()], [each.msk for each in sites()]
    for (cancer, name), (options, share) in hotspots().items():
        if name not in names or cancer not in places:
            continue
        of_cancer = np.isin(site, [n for n, each in enumerate(places) if each == cancer])
        mine = np.flatnonzero(of_cancer & (gene == names.index(name)))
        mine = mine[chance(rng, share.sum(), len(mine))]
        change[mine] = pick(rng, options, share, len(mine))
        kind[mine] = [_class_of(each) for each in change[mine]]
    spot = np.array(
        [sum(map(ord, c)) * 7 + p * 3 if not c.startswith("p.X") else p * 3 for c, p in zip(change, position, strict=True)]
    )
    bases = np.array(list("ACGT"), dtype=object)
    reference = bases[rng.integers(0, 4, size=count)]
    alternate = bases[(np.array(["ACGT".index(b) for b in reference], dtype=np.int64) + rng.integers(1, 4, size=count)) % 4]
    deletion, insertion = np.isin(kind, ("Frame_Shift_Del", "In_Frame_Del")), kind == "Frame_Shift_Ins"
    alternate = np.where(deletion, "-", alternate)
    reference = np.where(insertion, "-", reference)
    return change, kind, reference.astype(object), alternate.astype(object), spot


def _class_of(change: str) -> str:
    for mark, kind in (("fs", "Frame_Shift_Del"), ("*", "Nonsense_Mutation"), ("splice", "Splice_Site"), ("del", "In_Frame_Del")):
        if mark in change:
            return kind
    return "Missense_Mutation"


def biomarkers(persons: Persons, own: Records, tumour: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Receptors and HER2 in breast cancer, MSI in colorectal, gastric and endometrial cancer, mutations tested alone in others."""
    places = sites()
    receptor, instability = shares("BRCA (METABRIC)", "ER_IHC"), {c: shares(c, "MSI") for c in ("COAD", "STAD", "UCEC")}
    positive = float(receptor[1][receptor[0].index("Positive")])
    tested: dict[str, dict[str, float]] = {
        "BRCA": {"RE": positive, "RP": positive * 0.85, "HER2": 0.13},
        "LUAD": {"EGFR": 0.24, "ALK_FISH": 0.05, "KRAS": 0.27},
        "SKCM": {"BRAF": 0.45},
        "LGG": {"IDH1": 0.8},
        "GBM": {"IDH1": 0.06},
        "HNSC": {"P16": 0.25},
        "THCA": {"BRAF": 0.5},
        **{c: {"MSI": float(p[names.index("msi-h")])} for c, (names, p) in instability.items()},
    }
    tested["READ"] = tested["COAD"]
    found = []
    for position, site in enumerate(places):
        for marker, share in tested.get(site.cohort, {}).items():
            mine = np.flatnonzero((tumour["site"].to_numpy() == position) & chance(rng, 0.85, len(tumour)))
            result = np.where(
                chance(rng, share, len(mine)), "POS", pick(rng, ("NEG", "EQUIV", "ECHEC"), (0.95, 0.03, 0.02), len(mine))
            )
            record = tumour["record"].to_numpy()[mine]
            day = np.maximum(tumour["diagnosis"].to_numpy()[mine], own.start[record]) + rng.integers(2, 25, size=len(mine))
            percent = (marker in ("RE", "RP")) & chance(rng, 0.5, len(mine))
            found.append(
                table(
                    record=record,
                    tumour=mine,
                    marker=np.full(len(mine), marker, dtype=object),
                    result=result.astype(object),
                    value=where(percent, np.where(result == "POS", "80", "0")),
                    method=np.full(
                        len(mine),
                        "IHC" if marker in ("RE", "RP", "HER2", "P16") else "FISH" if marker == "ALK_FISH" else "PCR",
                        dtype=object,
                    ),
                    day=day,
                    known=np.maximum(tumour["known"].to_numpy()[mine], day + 5),
                )
            )
    return pl.concat([part for part in found if len(part)] or found[:1], how="vertical_relaxed")


def labs(persons: Persons, own: Records, rng: np.random.Generator) -> pl.DataFrame:
    """Blood counts and chemistry: some panels of tests for every record, around reference values."""
    end = np.minimum(np.minimum(persons.death[own.person] - 1, own.hears), day_number(LAST_CUT_OFF))
    draws, _ = repeat(rng.integers(0, 3, size=len(own)))
    day = own.start[draws] + (rng.random(len(draws)) * np.maximum(end[draws] - own.start[draws], 1)).astype(np.int64)
    each, place = repeat(rng.integers(1, 5, size=len(draws)))
    code = np.array(list(LABS), dtype=object)[(rng.integers(0, len(LABS), size=len(draws))[each] + place) % len(LABS)]
    norms = np.array([LABS[c][3:] for c in code], dtype=float).reshape(-1, 4)
    value = np.round(np.maximum(rng.normal(norms[:, 2], norms[:, 3]), 0.1), 1)
    record = draws[each]
    return table(
        record=record,
        day=day[each],
        minute=rng.integers(7 * 60, 19 * 60, size=len(each)),
        code=code,
        value=value,
        known=np.maximum(day[each] + rng.integers(1, 20, size=len(each)), own.known[record]),
    )
