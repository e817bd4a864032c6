"""What Institut Curie writes of consent, samples, analyses and variants."""

import polars as pl

from jobs.simulate.curie_base import RANGE, Feeds, day
from jobs.simulate.gr_biology import maf
from jobs.simulate.molecular import panel_genes
from jobs.simulate.rows import IDENTITY, NONE, ONE, Rows, either

PANELS = {panel: f"CURIE-{panel}" for panel in panel_genes()}
NATURES = {"SANG": "UMLS:C0005767", "ADN": "UMLS:C0012854", "TISSU_CONGELE": "UMLS:C4039816", "TISSU_FFPE": "UMLS:C1519524"}
STORAGE = {"-80": "OSIRIS:C60-4", "AZOTE": "OSIRIS:C60-5", "-20": "OSIRIS:C60-3", "AMBIANTE": "OSIRIS:C60-1"}
MARKERS = {
    "RE": "OSIRIS:C39-31",
    "RP": "OSIRIS:C39-32",
    "HER2": "OSIRIS:C39-33",
    "MSI": "OSIRIS:C39-38",
    "BRAF": "OSIRIS:C39-40",
    "KRAS": "OSIRIS:C39-41",
    "EGFR": "OSIRIS:C39-42",
    "ALK_FISH": "OSIRIS:C39-43",
    "IDH1": "LOCAL:IDH1",
    "P16": "LOCAL:P16",
}


class Biology(Feeds):
    """The second half of the feeds."""

    def sample(self, seen: pl.DataFrame) -> Rows:
        blood = pl.col("nature") == "SANG"
        return self.sent(
            "sample",
            seen,
            self.accession(seen).alias("BiologicalSample_ExternalAccession"),
            self.accession(seen, "parent").alias("BiologicalSample_ParentExternalAccession"),
            Instance_Id=self.ref("_entity"),
            TumorPathologyEvent_Ref=self.ref("tumour"),
            Consent_Ref=pl.when(pl.col("_entity") % 4 > 0).then(self.ref("_record")),
            BiologicalSample_CollectDate=day("day"),
            BiologicalSample_TopographyCode=pl.when(pl.col("topography").is_not_null()).then(pl.format("ICDO3:{}", "topography")),
            BiologicalSample_Nature=pl.col("nature").replace(NATURES),
            BiologicalSample_Origin=either(blood, "OSIRIS:O59-1", "OSIRIS:O59-2"),
            BiologicalSample_StorageTemperature=pl.col("storage").replace(STORAGE),
            BiologicalSample_TumorCellularity=pl.col("cellularity").cast(pl.String),
            parents={"sample": "parent"},
            counts={"specimen": "_one"},
            scope="sample",
        )

    def analysis(self, analysis: pl.DataFrame, biomarker: pl.DataFrame) -> Rows:
        """Sequencing, and one pathology report for the biomarkers of each tumour."""
        omic = analysis.select(
            *IDENTITY,
            self.accession(analysis, "sample").alias("BiologicalSample_Ref"),
            Analysis_Type=pl.lit("OSIRIS:C37-3"),
            Analysis_Date=day("day"),
            Technology_TechnicalProtocol=either(pl.col("panel") == "WES", "OSIRIS:O6-5", "OSIRIS:O6-4"),
            Technology_PlatformName=pl.lit("Illumina NovaSeq"),
            Panel_Name=pl.col("panel").replace(PANELS),
            AnalysisProcess_AnalyticPipelineCode=pl.lit("onco-flow 3.1"),
            OmicAnalysis_AlgorithmicCellularity=pl.col("cellularity").cast(pl.String),
            _tumour="tumour",
            _sample="sample",
            _panel=pl.col("panel").replace(PANELS),
            _omic=ONE,
        )
        reports = (
            biomarker.sort("_round", maintain_order=True)
            .unique("tumour", keep="first", maintain_order=True)
            .select(
                "_record",
                "_round",
                _entity=pl.col("tumour") + RANGE,
                Analysis_Type=pl.lit("OSIRIS:C37-4"),
                Analysis_Date=day("day"),
                _tumour="tumour",
                _sample=pl.lit(-1, pl.Int64),
                _omic=NONE,
            )
        )
        both = pl.concat([omic, reports], how="diagonal").with_columns(
            Instance_Id=self.ref("_entity"), TumorPathologyEvent_Ref=self.ref("_tumour")
        )
        return Rows(
            self.feed("analysis"),
            both,
            parents={"tumour": "_tumour", "sample": "_sample"},
            counts={"molecular_analysis": "_omic"},
            scope="molecular",
        )

    def biomarker(self, seen: pl.DataFrame) -> Rows:
        value = pl.when(pl.col("value").is_not_null()).then(pl.format("{} ({})", "result", "value")).otherwise("result")
        return self.sent(
            "biomarker",
            seen,
            Instance_Id=self.ref("_entity"),
            Analysis_Ref=self.ref("tumour", RANGE),
            Biomarker_Code=pl.col("marker").replace(MARKERS),
            Biomarker_Value=value,
            Biomarker_Unit=pl.when(pl.col("value").is_not_null()).then(pl.lit("%")),
            parents={"analysis": pl.col("tumour") + RANGE},
            counts={"biomarker": "_one"},
        )

    def variant(self, seen: pl.DataFrame) -> Rows:
        frame = maf(seen, "CURIE", self.accession(seen, "sample"), self.accession(seen, "normal"))
        return Rows(
            self.feed("variant"),
            frame.with_columns(seen["sample"].alias("_sample"), seen["analysis"].alias("_analysis")),
            parents={"sample": "_sample"},
            counts={"variant": "_one"},
            scope="molecular",
            own_patient=False,
        )

    def panel_matrix(self, analysis: pl.DataFrame) -> Rows:
        frame = analysis.select(
            *IDENTITY,
            self.accession(analysis, "sample").alias("SAMPLE_ID"),
            mutations=pl.col("panel").replace(PANELS),
            _sample="sample",
        )
        return Rows(self.feed("panel_matrix"), frame, parents={"sample": "_sample"}, own_patient=False, may_be_dirty=False)

    def consent(self, sample: pl.DataFrame) -> Rows:
        frame = sample.unique("_record", keep="first", maintain_order=True)
        return Rows(
            self.feed("consent"),
            frame.select(
                "_record",
                "_round",
                _entity=pl.col("_record"),
                Instance_Id=self.ref("_record"),
                Consent_Date=day("day"),
                Consent_GeneticAnalysisAuthorization=either("consent", "1", "0"),
            ),
        )
