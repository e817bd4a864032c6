# hint: You divided by all tumours
import polars as pl

covers = release.table("edu_panel_gene")
partly = covers["gene"].value_counts(name="n").filter(pl.col("n") < covers["panel"].n_unique())
altered = release.of_cohort("edu_variant", seed).join(partly, on="gene").group_by("gene").agg(n=pl.n_unique("tumor_no"))
gene = altered.sort(["n", "gene"], descending=[True, False])["gene"][0]

found = release.of_cohort("edu_variant", seed).filter(pl.col("gene") == gene)["tumor_no"].n_unique()
value = 100 * found / release.cohort(seed).height
