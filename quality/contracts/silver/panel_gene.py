"""A row is a gene that a sequencing panel of a hospital covers: the denominator of every gene frequency."""

from quality.contract import Column, Table
from quality.contracts.silver._common import VOLATILE, dated_columns, id_column, silver_columns

TABLE = Table(
    layer="silver",
    name="panel_gene",
    grain="One gene of one panel.",
    key=("panel_gene_id",),
    columns=silver_columns(
        id_column("panel_gene_id", "The gene in the panel."),
        Column("panel_id", "string", "The panel, as the hospital names it.", nullable=False, sensitivity="none"),
        Column("version", "string", "Version of the panel (gr).", sensitivity="none"),
        Column("symbol", "string", "HGNC symbol of the gene.", nullable=False, code_system="HGNC", sensitivity="none"),
        Column(
            "hgnc_id",
            "string",
            "HGNC id of the gene; null until a list of genes is installed.",
            code_system="HGNC",
            sensitivity="none",
        ),
        *dated_columns("from_date", "Since when the panel covers it; no hospital says so yet.", sensitivity="none"),
        *dated_columns("to_date", "Until when it does; no hospital says so yet.", sensitivity="none"),
    ),
    volatile=VOLATILE,
)
