"""edu_panel_gene: which genes a panel covers."""

from quality.contracts.teaching._common import taught, text

TABLE = taught(
    name="edu_panel_gene",
    grain="A gene of a panel. Who has a panel that covers a gene is in the denominator of the gene. No person.",
    key=("panel", "gene"),
    columns=(
        text("panel", "The panel, as edu_tumor names it.", nullable=False),
        text("gene", "HGNC symbol.", nullable=False),
    ),
    reads=("silver.panel_gene",),
)
