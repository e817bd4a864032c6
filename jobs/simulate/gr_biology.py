"""What Gustave Roussy writes of laboratory, response, toxicity, trials, samples and sequencing."""

import polars as pl

from jobs.simulate.gr_base import Feeds, comma, day, yes
from jobs.simulate.molecular import LABS, panel_genes
from jobs.simulate.rows import IDENTITY, Rows, either, ended

RESPONSES = {"CR": "RC", "PR": "RP", "SD": "ST", "PD": "PD", "NE": "NE"}
PANELS = {panel: f"GR-{panel}" for panel in panel_genes()}
# What a hospital writes about trials: code, NCT number, phase.
TRIALS = {
    "ONC-101": ("NCT05990101", "I"),
    "ONC-214": ("NCT05990214", "II"),
    "ONC-309": ("NCT05990309", "III"),
    "ONC-407": ("NCT05990407", "I/II"),
}


class Biology(Feeds):
    """The second half of the feeds."""

    def lab(self, seen: pl.DataFrame) -> Rows:
        what = {
            name: {code: values[place] for code, values in LABS.items()}
            for place, name in enumerate(("label", "loinc", "unit", "low", "high"))
        }
        clock = pl.format(
            "{}:{}", (pl.col("minute") // 60).cast(pl.String).str.zfill(2), (pl.col("minute") % 60).cast(pl.String).str.zfill(2)
        )
        bounds = {
            side: {code: f"{values[place]:g}".replace(".", ",") for code, values in LABS.items()}
            for side, place in (("low", 3), ("high", 4))
        }
        return self.sent(
            "lab",
            seen,
            self.id(seen, "D").alias("ID_RES"),
            DATE_PRELEV=pl.format("{} {}", day("day"), clock),
            CODE_ANALYSE_LOCAL=pl.col("code"),
            CODE_LOINC=pl.when(pl.col("_entity") % 4 > 0).then(pl.col("code").replace(what["loinc"])),
            LIBELLE=pl.col("code").replace(what["label"]),
            VALEUR=pl.when(pl.col("_entity") % 60 == 11).then(pl.format("<{}", comma("value"))).otherwise(comma("value")),
            UNITE=pl.col("code").replace(what["unit"]),
            BORNE_INF=pl.col("code").replace(bounds["low"]),
            BORNE_SUP=pl.col("code").replace(bounds["high"]),
            STATUT=pl.lit("VALIDE"),
            _lab=pl.lit(True),
            counts={"lab_result": "_one"},
        )

    def response(self, seen: pl.DataFrame) -> Rows:
        return self.sent(
            "response",
            seen,
            self.id(seen, "V").alias("ID_EVAL"),
            self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
            self.id(seen, "L", "line").alias("ID_LIGNE"),
            DATE_EVAL=day("day"),
            METHODE=either(pl.col("size").is_nan(), "CLINIQUE", "RECIST11"),
            SOMME_CIBLES_MM=comma("size"),
            NB_CIBLES=pl.when(~pl.col("size").is_nan()).then(pl.lit("2")),
            NOUVELLE_LESION=yes("lesion"),
            REPONSE=pl.col("response").replace(RESPONSES),
            parents={"tumour": "tumour"},
            counts={"response_assessment": "_one"},
        )

    def toxicity(self, seen: pl.DataFrame) -> Rows:
        return self.sent(
            "toxicity",
            seen,
            self.id(seen, "X").alias("ID_EI"),
            self.id(seen, "L", "line").alias("ID_LIGNE"),
            TERME_CTCAE=pl.col("term"),
            CODE_MEDDRA=pl.when(pl.col("_entity") % 2 == 0).then("meddra"),
            GRADE=pl.col("grade").cast(pl.String),
            GRAVE=either(pl.col("grade") >= 4, "O", "N"),
            IMPUTABILITE=pl.col("related"),
            DATE_DEBUT=day("day"),
            DATE_FIN=day("end"),
            counts={"adverse_event": "_one"},
        )

    def biomarker(self, seen: pl.DataFrame) -> Rows:
        return self.sent(
            "biomarker",
            seen,
            self.id(seen, "B").alias("ID_BM"),
            self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
            MARQUEUR=pl.col("marker"),
            RESULTAT=pl.col("result"),
            VALEUR=pl.col("value"),
            UNITE=pl.when(pl.col("value").is_not_null()).then(pl.lit("%")),
            METHODE=pl.col("method"),
            DATE_RESULTAT=day("day"),
            parents={"tumour": "tumour"},
            counts={"biomarker": "_one"},
        )

    def trial(self, lines: pl.DataFrame) -> Rows:
        seen = ended(
            lines.filter(pl.col("trial").is_not_null()).with_columns(off="end"), "known_end", ("off", "stop"), self.world.rounds
        )
        stopped = pl.col("off") >= 0
        return self.sent(
            "trial",
            seen.with_columns(consent=pl.col("start") - 12, screening=pl.col("start") - 8, included=pl.col("start") - 1),
            self.id(seen, "I").alias("ID_INCLUSION"),
            CODE_ESSAI=pl.col("trial"),
            NCT=pl.col("trial").replace({code: nct for code, (nct, _) in TRIALS.items()}),
            PHASE=pl.col("trial").replace({code: phase for code, (_, phase) in TRIALS.items()}),
            BRAS=either(pl.col("_entity") % 2 == 0, "A", "B"),
            DATE_CONSENTEMENT=day("consent"),
            DATE_SCREENING=day("screening"),
            DATE_INCLUSION=day("included"),
            DATE_C1J1=day("start"),
            DLT=pl.when(pl.col("trial") == "ONC-101").then(pl.lit("N")),
            DATE_SORTIE=pl.when(stopped).then(day("off")),
            MOTIF_SORTIE=pl.when(stopped).then("stop"),
            ECHEC_SCREENING=pl.lit("N"),
            counts={"trial_enrollment": "_one"},
        )

    def sample(self, seen: pl.DataFrame) -> Rows:
        return self.sent(
            "sample",
            seen,
            self.id(seen, "P").alias("ID_PRELEV"),
            self.id(seen, "P", "parent").alias("ID_PARENT"),
            self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
            NATURE=pl.col("nature"),
            ORIGINE=pl.col("origin"),
            TOPO_CIMO3=pl.col("topography"),
            DATE_PRELEV=day("day"),
            TEMP_STOCK=pl.col("storage"),
            QUANTITE=comma("quantity"),
            UNITE=pl.col("unit"),
            CELLULARITE=pl.col("cellularity").cast(pl.String),
            STATUT=pl.col("status"),
            CONSENT_RECH=yes("consent"),
            parents={"sample": "parent"},
            counts={"specimen": "_one"},
            scope="sample",
        )

    def analysis(self, seen: pl.DataFrame) -> Rows:
        return self.sent(
            "analysis",
            seen,
            self.id(seen, "N").alias("ID_ANALYSE"),
            self.id(seen, "P", "sample").alias("ID_PRELEV"),
            self.id(seen, "P", "normal").alias("ID_PRELEV_NORMAL"),
            TYPE_ANALYSE=either(pl.col("panel") == "WES", "EXOME", "PANEL"),
            CODE_PANEL=pl.col("panel").replace(PANELS),
            GENOME=pl.lit("GRCh37"),
            PIPELINE=pl.lit("onco-flow 3.1"),
            DATE_ANALYSE=day("day"),
            _panel=pl.col("panel").replace(PANELS),
            parents={"sample": "sample"},
            counts={"molecular_analysis": "_one"},
            scope="molecular",
        )

    def variant(self, seen: pl.DataFrame) -> Rows:
        frame = maf(seen, "GR", self.id(seen, "P", "sample"), self.id(seen, "P", "normal"))
        return Rows(
            self.feed("variant"),
            frame.with_columns(
                self.id(seen, "N", "analysis").alias("ID_ANALYSE"),
                seen["analysis"].alias("_analysis"),
                seen["sample"].alias("_sample"),
            ),
            parents={"analysis": "_analysis"},
            counts={"variant": "_one"},
            scope="molecular",
            own_patient=False,
        )


def maf(seen: pl.DataFrame, center: str, sample: pl.Series, normal: pl.Series) -> pl.DataFrame:
    """The columns of a Mutation Annotation Format file, as text."""
    single = pl.col("reference").str.len_chars() == 1
    return seen.select(
        *IDENTITY,
        Hugo_Symbol=pl.col("gene"),
        Entrez_Gene_Id=pl.lit("0"),
        Center=pl.lit(center),
        NCBI_Build=pl.lit("GRCh37"),
        Chromosome=pl.col("chromosome"),
        Start_Position=pl.col("start").cast(pl.String),
        End_Position=pl.col("end").cast(pl.String),
        Strand=pl.lit("+"),
        Variant_Classification=pl.col("kind"),
        Variant_Type=pl.when(pl.col("alternate") == "-")
        .then(pl.lit("DEL"))
        .when(pl.col("reference") == "-")
        .then(pl.lit("INS"))
        .when(single)
        .then(pl.lit("SNP"))
        .otherwise(pl.lit("DEL")),
        Reference_Allele=pl.col("reference"),
        Tumor_Seq_Allele1=pl.col("reference"),
        Tumor_Seq_Allele2=pl.col("alternate"),
        Tumor_Sample_Barcode=sample,
        Matched_Norm_Sample_Barcode=normal,
        HGVSp_Short=pl.col("change"),
        t_depth=pl.col("depth").cast(pl.String),
        t_ref_count=(pl.col("depth") - pl.col("alternate_depth")).cast(pl.String),
        t_alt_count=pl.col("alternate_depth").cast(pl.String),
        n_depth=pl.col("normal_depth").cast(pl.String),
        n_ref_count=pl.col("normal_depth").cast(pl.String),
        n_alt_count=pl.lit("0"),
        FILTER=pl.lit("PASS"),
        _gene="gene",
    )


def panel() -> pl.DataFrame:
    """The whole list of panels, the same in every delivery."""
    pairs = [(PANELS[name], "1", gene) for name, members in panel_genes().items() for gene in members]
    return pl.DataFrame(pairs, schema=["CODE_PANEL", "VERSION", "GENE"], orient="row")
