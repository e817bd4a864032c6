"""edu_variant: genes that were altered in the first sequenced sample."""

import polars as pl

from jobs.teaching._samples import first_sequenced
from jobs.teaching.edu_panel_gene import edu_panel_gene

EFFECTS = {
    "missense": ("Missense_Mutation",),
    "truncating": (
        "Nonsense_Mutation",
        "Frame_Shift_Del",
        "Frame_Shift_Ins",
        "Splice_Site",
        "Translation_Start_Site",
        "Nonstop_Mutation",
    ),
    "inframe": ("In_Frame_Del", "In_Frame_Ins"),
}
# Where a gene has several variants, the effect that says most.
ORDER = ("truncating", "missense", "inframe", "other")


def edu_variant(
    cohort: pl.DataFrame,
    tumor_summary: pl.DataFrame,
    sample_catalog: pl.DataFrame,
    molecular_analysis: pl.DataFrame,
    panel_gene: pl.DataFrame,
    variant: pl.DataFrame,
) -> pl.DataFrame:
    """Altered genes that the panel covers, each once, by its gravest effect. Silent variants do not count."""
    sequenced = first_sequenced(cohort, tumor_summary, sample_catalog, molecular_analysis)
    named = variant.filter(pl.col("gene_hgnc").is_not_null() & (pl.col("classification").fill_null("") != "Silent"))
    known = named.select("analysis_id", "specimen_id", gene="gene_hgnc", effect=effect())
    by_analysis = known.filter(pl.col("analysis_id").is_not_null()).join(sequenced.drop("specimen_id"), on="analysis_id")
    by_sample = known.filter(pl.col("analysis_id").is_null()).join(sequenced.drop("analysis_id"), on="specimen_id")
    found = pl.concat([each.select("patient_id", "panel", "gene", "effect") for each in (by_analysis, by_sample)])
    covered = found.join(edu_panel_gene(panel_gene), on=["panel", "gene"], how="semi")
    gravest = covered.sort(pl.col("effect").replace_strict({name: at for at, name in enumerate(ORDER)}))
    return gravest.unique(["patient_id", "gene"], keep="first").select("patient_id", "gene", "effect").sort("patient_id", "gene")


def effect() -> pl.Expr:
    """What a variant does to the protein, in four words."""
    words = {code: word for word, codes in EFFECTS.items() for code in codes}
    return pl.col("classification").replace_strict(words, default="other", return_dtype=pl.String)
