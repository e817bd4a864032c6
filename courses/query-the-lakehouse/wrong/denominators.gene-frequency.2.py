# hint: whole release
# ruff: noqa: F821
import polars as pl

covers = release.table("edu_panel_gene")
panels = covers["gene"].value_counts(name="n").with_columns(everywhere=pl.col("n") == covers["panel"].n_unique())
altered = (
    release.of_cohort("edu_variant", seed).join(panels, on="gene").group_by("gene", "everywhere").agg(n=pl.n_unique("tumor_no"))
)
gene = altered.sort(["everywhere", "n", "gene"], descending=[False, True, False])["gene"][0]

hit = release.table("edu_variant").filter(pl.col("gene") == gene)["tumor_no"].unique().to_list()
mine = release.table("edu_tumor").filter(pl.col("panel").is_in(covers.filter(pl.col("gene") == gene)["panel"].to_list()))
counted = mine.group_by("panel").agg(tested=pl.len(), altered=pl.col("tumor_no").is_in(hit).sum())
value = counted.with_columns(percent=100 * pl.col("altered") / pl.col("tested"))
