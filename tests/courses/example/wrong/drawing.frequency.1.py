# hint: Not everybody was tested.
# ruff: noqa: F821
import polars as pl

mine = release.of_cohort("edu_tumor", seed)
tested = mine.join(release.table("edu_panel_gene"), on="panel").group_by("gene").agg(pl.len().alias("tested"))
altered = release.of_cohort("edu_variant", seed).unique(["tumor_no", "gene"]).group_by("gene").len("altered")
value = tested.join(altered, on="gene").select("gene", "tested", share=pl.col("altered") / mine.height)
