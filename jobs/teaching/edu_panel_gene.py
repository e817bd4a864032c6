"""edu_panel_gene: which genes a panel covers: who has such a panel is the denominator of a gene."""

import polars as pl

from jobs.teaching._samples import named


def edu_panel_gene(panel_gene: pl.DataFrame) -> pl.DataFrame:
    """Every gene of every panel."""
    return named(panel_gene).select("panel", gene="symbol").unique().sort("panel", "gene")
