# hint: The genes that nobody has altered are gone
# ruff: noqa: F821
import polars as pl

tested = (
    release.of_cohort("edu_tumor", seed).join(release.table("edu_panel_gene"), on="panel").group_by("gene").agg(tested=pl.len())
)
altered = release.of_cohort("edu_variant", seed).group_by("gene").agg(altered=pl.n_unique("tumor_no"))
value = tested.join(altered, on="gene")
