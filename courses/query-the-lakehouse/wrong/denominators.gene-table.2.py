# hint: never sequenced
# ruff: noqa: F821
import polars as pl

sequenced = release.of_cohort("edu_tumor", seed).drop_nulls("panel")
altered = release.of_cohort("edu_variant", seed).group_by("gene").agg(altered=pl.n_unique("tumor_no"))
genes = sequenced.join(release.table("edu_panel_gene"), on="panel").select("gene").unique()
value = genes.join(altered, on="gene", how="left").with_columns(pl.col("altered").fill_null(0), tested=pl.lit(cohort.height))
