# hint: counts of altered tumours
# ruff: noqa: F821
import matplotlib.pyplot as plt
import polars as pl

covers = release.table("edu_panel_gene")
panels = covers["gene"].value_counts(name="n").with_columns(everywhere=pl.col("n") == covers["panel"].n_unique())
altered = (
    release.of_cohort("edu_variant", seed).join(panels, on="gene").group_by("gene", "everywhere").agg(n=pl.n_unique("tumor_no"))
)
gene = altered.sort(["everywhere", "n", "gene"], descending=[False, True, False])["gene"][0]

panels = covers.filter(pl.col("gene") == gene)["panel"].to_list()
mine = release.of_cohort("edu_tumor", seed)
hit = release.table("edu_variant").filter(pl.col("gene") == gene).select("tumor_no").unique()
tested = (
    mine.filter(pl.col("panel").is_in(panels))
    .group_by("tumor_group")
    .agg(tested=pl.len(), altered=pl.col("tumor_no").is_in(hit["tumor_no"].to_list()).sum())
)
groups = tested.sort(["tested", "tumor_group"], descending=[True, False]).head(5)
everybody = dict(mine.group_by("tumor_group").len().rows())
heights = [altered for group, n, altered in groups.rows()]
figure, axes = plt.subplots()
axes.bar(groups["tumor_group"].to_list(), heights)
axes.set_xlabel("tumour group")
axes.set_ylabel("altered")
value = figure
