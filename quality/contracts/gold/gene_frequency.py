"""gene_frequency: how often genes are altered."""

from quality.contract import Column
from quality.contracts.gold._common import count, ordered, product, share


def _shares(units: str) -> tuple[Column, ...]:
    return (
        count(f"{units}_tested", f"How many {units} have a current analysis whose panel contains the gene."),
        count(f"{units}_altered", f"How many of these {units} have a variant in the gene."),
        share(f"{units}_frequency", f"Share of the tested {units} that are altered.", nullable=False),
        share(f"{units}_low", "Lower end of Wilson's 95 % interval.", nullable=False),
        share(f"{units}_high", "Upper end of Wilson's 95 % interval.", nullable=False),
    )


WHY = "Only those who were tested can be counted as altered."

TABLE = product(
    name="gene_frequency",
    grain="A gene in a tumour group at a hospital; `all` stands for all groups, and for all hospitals.",
    key=("gene", "center", "tumor_group"),
    columns=(
        Column("gene", "string", "HGNC symbol.", nullable=False, code_system="HGNC", sensitivity="none"),
        Column("center", "string", "The hospital, or all.", nullable=False, sensitivity="none"),
        Column(
            "tumor_group",
            "string",
            "The tumour group, or all; unknown where the sample's tumour is not known.",
            False,
            sensitivity="none",
        ),
        *_shares("samples"),
        *_shares("persons"),
    ),
    reads=(
        "silver.molecular_analysis",
        "silver.panel_gene",
        "silver.variant",
        "silver.specimen",
        "silver.primary_cancer",
        "silver.person",
    ),
    rules=(ordered("samples_altered", "samples_tested", WHY), ordered("persons_altered", "persons_tested", WHY)),
)
