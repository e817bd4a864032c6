"""The world as Institut Curie writes it: OSIRIS tables of a snapshot, with coded values that carry their system."""

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.draw import chance, opaque, pick
from jobs.simulate.facts import drugs
from jobs.simulate.gr import maf
from jobs.simulate.molecular import panel_genes
from jobs.simulate.rows import CHUNK_NUMBERS, Rows, Sightings, World, ended

HOSPITAL = hospitals()["curie"]
PANELS = {panel: f"CURIE-{panel}" for panel in panel_genes()}
SIDES = {"right": "UMLS:C0205090", "left": "UMLS:C0205091", "bilateral": "UMLS:C0238767", "none": "UMLS:C1272460"}
EVENTS = {"metastasis": "UMLS:C2939419", "recurrence": "UMLS:C0521158", "progression": "UMLS:C0242656"}
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
CAUSES = ("UMLS:C0027651", "UMLS:C0679861", "UMLS:C1707251", "UMLS:C3262234", "UMLS:C0277589")
# Treatments, analyses and events of one file have numbers of their own ranges.
RANGE = CHUNK_NUMBERS // 4


def day(column: str) -> pl.Expr:
    return pl.when(pl.col(column) >= 0).then(pl.col(column)).cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m-%d").alias(column)


def middle(column: str) -> pl.Expr:
    """The fifteenth of the month: all that Curie tells of births, deaths and last news."""
    return pl.col(column).cast(pl.Int32).cast(pl.Date).dt.truncate("1mo").dt.offset_by("14d")


class Curie:
    """The feeds of a chunk. Instance ids are numbers that stay with their row from snapshot to snapshot."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng

    def rows(self) -> list[Rows]:
        clinic, molecular = self.world.clinic, self.world.molecular
        tumour = self.seen(clinic.tumour)
        sample, analysis = self.seen(molecular.sample), self.seen(molecular.analysis)
        return [
            *self.patient(),
            self.consent(sample),
            self.tumour(tumour, self.seen(clinic.event)),
            self.tnm(tumour),
            self.treatment(self.seen(clinic.line), self.seen(clinic.surgery), self.seen(clinic.radiotherapy)),
            self.drug(self.seen(clinic.drug)),
            self.response(self.seen(clinic.response)),
            self.toxicity(self.seen(clinic.toxicity)),
            self.sample(sample),
            self.analysis(analysis, self.seen(molecular.biomarker)),
            self.biomarker(self.seen(molecular.biomarker)),
            *self.radiotherapy(self.seen(clinic.radiotherapy)),
            self.variant(self.seen(molecular.variant)),
            self.panel_matrix(analysis),
        ]

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        return self.world.seen(table, "curie")

    def ref(self, column: str, offset: int = 0) -> pl.Expr:
        return pl.when(pl.col(column) >= 0).then(self.world.number(column, offset + 1)).cast(pl.String)

    def accession(self, frame: pl.DataFrame, column: str = "_entity") -> pl.Series:
        text = "CUR-S" + opaque(frame[column].to_numpy() + 1 + self.world.chunk * CHUNK_NUMBERS, 77).str.to_uppercase()
        return pl.select(pl.when(pl.Series(frame[column].to_numpy() >= 0)).then(text)).to_series()

    def patient(self) -> list[Rows]:
        frame = Sightings.of(self.world, "curie").frame
        cause = pl.Series(pick(self.rng, CAUSES, (0.8, 0.02, 0.03, 0.1, 0.05), len(self.world.records)))[frame["_record"]]
        site = pl.Series(chance(self.rng, 0.7, len(self.world.records)))[frame["_record"]]
        unknown_day = pl.col("_record") % 50 == 7
        frame = frame.with_columns(cause.alias("cause"), site.alias("paris"))
        death = pl.when(pl.col("dead") & ~unknown_day).then(middle("death"))
        patient = frame.select(
            "_entity",
            "_record",
            "_round",
            "_pid",
            Instance_Id=self.ref("_entity"),
            Patient_Gender=pl.when("woman").then(pl.lit("HL7:F")).otherwise(pl.lit("HL7:M")),
            Patient_BirthDate=day("birth"),
            Patient_DeathDate=death.dt.strftime("%Y-%m-%d"),
            Patient_ProviderCenterId=pl.lit("750160012"),
            Patient_OriginCenterId=pl.when("paris").then(pl.lit("750160012")).otherwise(pl.lit("920000460")),
            Patient_CauseOfDeath=pl.when("dead").then("cause"),
            Patient_LastNewsDate=middle("news").dt.strftime("%Y-%m-%d"),
            Patient_LastNewsStatus=pl.when("dead").then(pl.lit("UMLS:C1546956")).otherwise(pl.lit("UMLS:C2584946")),
            _news=middle("news").cast(pl.Int32).cast(pl.Int64),
            _death=death.cast(pl.Int32).cast(pl.Int64),
            _status=pl.when("dead").then(pl.lit("deceased")).otherwise(pl.lit("alive")),
        )
        link = frame.unique("_entity", keep="first", maintain_order=True).select("_entity", "_record", "_round", "_pid", Link_Token="token")
        return [
            Rows(HOSPITAL.feed("patient"), patient, counts={"person": "_one"}),
            Rows(HOSPITAL.feed("patient_link"), link, may_be_dirty=False),
        ]

    def consent(self, sample: pl.DataFrame) -> Rows:
        frame = sample.unique("_record", keep="first", maintain_order=True)
        return Rows(
            HOSPITAL.feed("consent"),
            frame.select(
                "_record",
                "_round",
                _entity=pl.col("_record"),
                Instance_Id=self.ref("_record"),
                Consent_Date=day("day"),
                Consent_GeneticAnalysisAuthorization=pl.when("consent").then(pl.lit("1")).otherwise(pl.lit("0")),
            ),
        )

    def tumour(self, tumour: pl.DataFrame, event: pl.DataFrame) -> Rows:
        g8 = pl.when(pl.col("_entity") % 5 == 0).then(17 - pl.col("performance") * 2)
        stage = pl.col("stage").is_not_null()
        primaries = tumour.select(
            "_entity",
            "_record",
            "_round",
            TumorPathologyEvent_Type=pl.lit("UMLS:C0677930"),
            TumorPathologyEvent_StartDate=day("diagnosis"),
            TumorPathologyEvent_PerformanceStatus=pl.col("performance").cast(pl.String),
            TumorPathologyEvent_G8=g8.cast(pl.String),
            TumorPathologyEvent_HistologicalGradeType=pl.when(pl.col("grade").is_not_null()).then("grade_system"),
            TumorPathologyEvent_HistologicalGradeValue=pl.col("grade"),
            TumorPathologyEvent_StadeType=pl.when(stage).then(pl.lit("UICC")),
            TumorPathologyEvent_StadeValue=pl.col("stage"),
            TumorPathologyEvent_DiagnosisDate=day("diagnosis"),
            TumorPathologyEvent_TopographyCode=pl.format("ICDO3:{}", "topography"),
            TumorPathologyEvent_MorphologyCode=pl.format("ICDO3:{}", "morphology"),
            TumorPathologyEvent_Laterality=pl.col("side").replace(SIDES),
            _parent=pl.lit(-1, pl.Int64),
            _primary=pl.lit(1, pl.Int8),
            _event=pl.lit(0, pl.Int8),
            # A stage group of its own only where no TNM row says more.
            _staging=(stage & pl.col("t").is_null()).cast(pl.Int8),
            _grade=pl.col("grade").is_not_null().cast(pl.Int8),
            _performance=pl.col("performance").is_not_null().cast(pl.Int8) + g8.is_not_null().cast(pl.Int8),
            _diagnosis=pl.col("diagnosis"),
            _precision=pl.lit("day"),
        )
        events = event.select(
            "_record",
            "_round",
            _entity=pl.col("_entity") + RANGE,
            TumorPathologyEvent_Type=pl.col("kind").replace(EVENTS),
            TumorPathologyEvent_StartDate=day("day"),
            TumorPathologyEvent_DiagnosisDate=day("day"),
            TumorPathologyEvent_TopographyCode=pl.when(pl.col("topography").is_not_null()).then(pl.format("ICDO3:{}", "topography")),
            _parent=pl.col("tumour"),
            _primary=pl.lit(0, pl.Int8),
            _event=pl.lit(1, pl.Int8),
            _staging=pl.lit(0, pl.Int8),
            _grade=pl.lit(0, pl.Int8),
            _performance=pl.lit(0, pl.Int8),
        )
        both = pl.concat([primaries, events], how="diagonal").with_columns(
            Instance_Id=self.ref("_entity"),
            TumorPathologyEvent_ParentRef=self.ref("_parent"),
            # Events of even number leave the patient to their primary.
            _inherits=(pl.col("_event") == 1) & (pl.col("_entity") % 2 == 0),
        )
        return Rows(
            HOSPITAL.feed("tumour"),
            both,
            parents={"tumour": "_parent"},
            counts={
                "primary_cancer": "_primary",
                "tumor_event": "_event",
                "staging": "_staging",
                "grade": "_grade",
                "performance_status": "_performance",
            },
        )

    def tnm(self, tumour: pl.DataFrame) -> Rows:
        staged = tumour.filter(pl.col("t").is_not_null())
        return Rows(
            HOSPITAL.feed("tnm"),
            staged.select(
                "_entity",
                "_record",
                "_round",
                Instance_Id=self.ref("_entity"),
                TumorPathologyEvent_Ref=self.ref("_entity"),
                TNM_Version=pl.format("UICC TNM Classification {}th edition", "edition"),
                TNM_Type=pl.col("classification"),
                TNM_T=pl.col("t"),
                TNM_N=pl.col("n"),
                TNM_M=pl.col("m"),
                _tumour=pl.col("_entity"),
            ),
            parents={"tumour": "_tumour"},
            counts={"staging": "_one"},
        )

    def treatment(self, line: pl.DataFrame, surgery: pl.DataFrame, radiotherapy: pl.DataFrame) -> Rows:
        kind = {each.dci.capitalize(): each.kind for each in drugs().values()}
        line = ended(line, "known_end", ("end",), self.world.rounds)
        trial = pl.col("trial").is_not_null()
        lines = line.select(
            "_entity",
            "_record",
            "_round",
            Treatment_Type=pl.col("label").str.split(" - ").list.first().replace(kind),
            Treatment_LineNumber=pl.col("number").cast(pl.String),
            Treatment_StartDate=day("start"),
            Treatment_EndDate=day("end"),
            Treatment_ClinicalTrialContext=pl.when(trial).then(pl.lit("UMLS:C1298907")).otherwise(pl.lit("UMLS:C1298908")),
            Treatment_ClinicalTrialId=pl.col("trial"),
            _tumour=pl.col("tumour"),
            _line=pl.lit(1, pl.Int8),
            _surgery=pl.lit(0, pl.Int8),
        )
        acts = surgery.select(
            "_record",
            "_round",
            _entity=pl.col("_entity") + RANGE,
            Treatment_Type=pl.lit("UMLS:C0728940"),
            Treatment_ActivityCode=pl.format("CCAM:{}", "ccam"),
            Treatment_StartDate=day("day"),
            Treatment_EndDate=day("day"),
            Treatment_SurgeryResectionQuality=pl.col("resection"),
            Treatment_SurgeryNature=pl.col("label"),
            _tumour=pl.col("tumour"),
            _line=pl.lit(0, pl.Int8),
            _surgery=pl.lit(1, pl.Int8),
        )
        rays = radiotherapy.select(
            "_record",
            "_round",
            _entity=pl.col("_entity") + 2 * RANGE,
            Treatment_Type=pl.when(pl.col("technique") == "CURIE").then(pl.lit("UMLS:C0006098")).otherwise(pl.lit("UMLS:C1522449")),
            Treatment_StartDate=day("start"),
            Treatment_EndDate=day("end"),
            _tumour=pl.col("tumour"),
            _line=pl.lit(0, pl.Int8),
            _surgery=pl.lit(0, pl.Int8),
        )
        every = pl.concat([lines, acts, rays], how="diagonal").with_columns(
            Instance_Id=self.ref("_entity"), TumorPathologyEvent_Ref=self.ref("_tumour")
        )
        return Rows(
            HOSPITAL.feed("line"), every, parents={"tumour": "_tumour"}, counts={"treatment_line_src": "_line", "surgery": "_surgery"}
        )

    def drug(self, drug: pl.DataFrame) -> Rows:
        """One row for each drug of a line, without doses."""
        names = {atc: each.label.split(" ")[0] for atc, each in drugs().items()}
        seen = drug.filter("first")
        return Rows(
            HOSPITAL.feed("drug"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                Instance_Id=self.ref("_entity"),
                Treatment_Ref=self.ref("line"),
                Drug_Code=pl.when(pl.col("_entity") % 9 > 0).then(pl.format("ATC:{}", "atc")),
                Drug_Name=pl.col("atc").replace(names),
                _line=pl.col("line"),
            ),
            parents={"line": "_line"},
            counts={"drug_administration": "_one"},
        )

    def response(self, seen: pl.DataFrame) -> Rows:
        return Rows(
            HOSPITAL.feed("response"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                Instance_Id=self.ref("_entity"),
                Treatment_Ref=self.ref("line"),
                ResponseEvaluation_Date=day("day"),
                ResponseEvaluation_Status=pl.format("OSIRIS:{}", "response"),
                _line=pl.col("line"),
            ),
            parents={"line": "_line"},
            counts={"response_assessment": "_one"},
        )

    def toxicity(self, seen: pl.DataFrame) -> Rows:
        return Rows(
            HOSPITAL.feed("toxicity"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                Instance_Id=self.ref("_entity"),
                Treatment_Ref=self.ref("line"),
                TumorPathologyEvent_Ref=self.ref("tumour"),
                AdverseEvent_Code=pl.when(pl.col("_entity") % 3 == 0).then("meddra").otherwise("term"),
                AdverseEvent_Date=day("day"),
                AdverseEvent_EndDate=day("end"),
                AdverseEvent_Grade=pl.col("grade").cast(pl.String),
                _line=pl.col("line"),
                _tumour=pl.col("tumour"),
            ),
            parents={"line": "_line", "tumour": "_tumour"},
            counts={"adverse_event": "_one"},
        )

    def sample(self, seen: pl.DataFrame) -> Rows:
        blood = pl.col("nature") == "SANG"
        return Rows(
            HOSPITAL.feed("sample"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.accession(seen).alias("BiologicalSample_ExternalAccession"),
                self.accession(seen, "parent").alias("BiologicalSample_ParentExternalAccession"),
                Instance_Id=self.ref("_entity"),
                TumorPathologyEvent_Ref=self.ref("tumour"),
                Consent_Ref=pl.when(pl.col("_entity") % 4 > 0).then(self.ref("_record")),
                BiologicalSample_CollectDate=day("day"),
                BiologicalSample_TopographyCode=pl.when(pl.col("topography").is_not_null()).then(pl.format("ICDO3:{}", "topography")),
                BiologicalSample_Nature=pl.col("nature").replace(NATURES),
                BiologicalSample_Origin=pl.when(blood).then(pl.lit("OSIRIS:O59-1")).otherwise(pl.lit("OSIRIS:O59-2")),
                BiologicalSample_StorageTemperature=pl.col("storage").replace(STORAGE),
                BiologicalSample_TumorCellularity=pl.col("cellularity").cast(pl.String),
                _parent=pl.col("parent"),
            ),
            parents={"sample": "_parent"},
            counts={"specimen": "_one"},
            scope="sample",
        )

    def analysis(self, analysis: pl.DataFrame, biomarker: pl.DataFrame) -> Rows:
        """Sequencing, and one pathology report for the biomarkers of each tumour."""
        omic = analysis.select(
            "_entity",
            "_record",
            "_round",
            self.accession(analysis, "sample").alias("BiologicalSample_Ref"),
            Analysis_Type=pl.lit("OSIRIS:C37-3"),
            Analysis_Date=day("day"),
            Technology_TechnicalProtocol=pl.when(pl.col("panel") == "WES").then(pl.lit("OSIRIS:O6-5")).otherwise(pl.lit("OSIRIS:O6-4")),
            Technology_PlatformName=pl.lit("Illumina NovaSeq"),
            Panel_Name=pl.col("panel").replace(PANELS),
            AnalysisProcess_AnalyticPipelineCode=pl.lit("onco-flow 3.1"),
            OmicAnalysis_AlgorithmicCellularity=pl.col("cellularity").cast(pl.String),
            _tumour=pl.col("tumour"),
            _sample=pl.col("sample"),
            _panel=pl.col("panel").replace(PANELS),
            _omic=pl.lit(1, pl.Int8),
        )
        reports = biomarker.sort("_round", maintain_order=True).unique("tumour", keep="first", maintain_order=True).select(
            "_record",
            "_round",
            _entity=pl.col("tumour") + RANGE,
            Analysis_Type=pl.lit("OSIRIS:C37-4"),
            Analysis_Date=day("day"),
            _tumour=pl.col("tumour"),
            _sample=pl.lit(-1, pl.Int64),
            _omic=pl.lit(0, pl.Int8),
        )
        both = pl.concat([omic, reports], how="diagonal").with_columns(
            Instance_Id=self.ref("_entity"), TumorPathologyEvent_Ref=self.ref("_tumour")
        )
        return Rows(
            HOSPITAL.feed("analysis"),
            both,
            parents={"tumour": "_tumour", "sample": "_sample"},
            counts={"molecular_analysis": "_omic"},
            scope="molecular",
        )

    def biomarker(self, seen: pl.DataFrame) -> Rows:
        value = pl.when(pl.col("value").is_not_null()).then(pl.format("{} ({})", "result", "value")).otherwise("result")
        return Rows(
            HOSPITAL.feed("biomarker"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                Instance_Id=self.ref("_entity"),
                Analysis_Ref=self.ref("tumour", RANGE),
                Biomarker_Code=pl.col("marker").replace(MARKERS),
                Biomarker_Value=value,
                Biomarker_Unit=pl.when(pl.col("value").is_not_null()).then(pl.lit("%")),
                _analysis=pl.col("tumour") + RANGE,
            ),
            parents={"analysis": "_analysis"},
            counts={"biomarker": "_one"},
        )

    def radiotherapy(self, seen: pl.DataFrame) -> list[Rows]:
        course = seen.select(
            "_entity",
            "_record",
            "_round",
            Instance_Id=self.ref("_entity"),
            Treatment_Ref=self.ref("_entity", 2 * RANGE),
            Course_Type=pl.when(pl.col("technique") == "CURIE").then(pl.lit("brachy")).otherwise(pl.lit("external")),
            Course_TreatmentIntent=pl.when("palliative").then(pl.lit("palliative")).otherwise(pl.lit("curative")),
            Course_NumberOfSessions=pl.col("sessions").cast(pl.String),
            Course_StartDate=day("start"),
            Course_EndDate=day("end"),
            _line=pl.col("_entity") + 2 * RANGE,
        )
        dose = seen.select(
            "_entity",
            "_record",
            "_round",
            Instance_Id=self.ref("_entity"),
            CourseRT_Ref=self.ref("_entity"),
            DoseToVolume_FractionDose=pl.col("dose").cast(pl.String),
            DoseToVolume_NumberOfFractions=pl.col("sessions").cast(pl.String),
            DoseToVolume_TotalDose=(pl.col("dose") * pl.col("sessions")).cast(pl.String),
            _course=pl.col("_entity"),
        )
        return [
            Rows(HOSPITAL.feed("radiotherapy"), course, parents={"line": "_line"}, counts={"radiotherapy_course": "_one"}),
            Rows(HOSPITAL.feed("radiotherapy_dose"), dose, parents={"radiotherapy": "_course"}, own_patient=False),
        ]

    def variant(self, seen: pl.DataFrame) -> Rows:
        frame = maf(seen, "CURIE", self.accession(seen, "sample"), self.accession(seen, "normal"))
        return Rows(
            HOSPITAL.feed("variant"),
            frame.with_columns(seen["sample"].alias("_sample"), seen["analysis"].alias("_analysis")),
            parents={"sample": "_sample"},
            counts={"variant": "_one"},
            scope="molecular",
            own_patient=False,
        )

    def panel_matrix(self, analysis: pl.DataFrame) -> Rows:
        frame = analysis.select(
            "_entity",
            "_record",
            "_round",
            self.accession(analysis, "sample").alias("SAMPLE_ID"),
            mutations=pl.col("panel").replace(PANELS),
            _sample=pl.col("sample"),
        )
        return Rows(HOSPITAL.feed("panel_matrix"), frame, parents={"sample": "_sample"}, own_patient=False, may_be_dirty=False)


def rights(world: World, windows: list[int], rng: np.random.Generator) -> pl.DataFrame:
    """Who was informed, objects, and took it back, with the round from which the list says so; `windows` are the days rounds end."""
    own = world.records
    mine = np.flatnonzero((own.center == 1) & ((own.opposed < world.rounds) | (own.informed < world.rounds)))
    stated = own.opposed[mine] < world.rounds
    since = np.where(stated, own.opposed[mine], own.informed[mine])
    spoken = np.array([*windows, windows[-1]])[np.minimum(since, world.rounds)] - rng.integers(1, 60, size=len(mine))
    frame = pl.DataFrame(
        {
            "_record": mine,
            "_round": since,
            "_lifted": own.lifted[mine],
            "patientid": pl.Series(own.pseudonym)[mine],
            "asked": (spoken - 20).astype(np.int32),
            "spoken": spoken.astype(np.int32),
            "scope": [scope or None for scope in own.scope[mine].tolist()],
            "_stated": stated,
        },
        strict=False,
    ).with_columns(pl.col("asked", "spoken").cast(pl.Date))
    parts = [("day", "day"), ("month", "month"), ("year", "year")]
    return frame.select(
        "_record",
        "_round",
        "_lifted",
        "_stated",
        "patientid",
        "scope",
        pl.lit("true").alias("patientinformed"),
        *[getattr(pl.col("asked").dt, part)().cast(pl.String).alias(f"informationdate{name}") for name, part in parts],
        *[
            pl.when("_stated").then(getattr(pl.col("spoken").dt, part)()).cast(pl.String).alias(f"oppositiondate{name}")
            for name, part in parts
        ],
    )


def rights_at(rights: pl.DataFrame, round_: int) -> pl.DataFrame:
    """The list as it stands in a delivery."""
    in_force = pl.col("_stated") & (pl.col("_lifted") > round_)
    return rights.filter(pl.col("_round") <= round_).with_columns(
        opposition=pl.when(in_force).then(pl.lit("true")).otherwise(pl.lit("false"))
    )
