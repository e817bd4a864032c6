"""The world as Institut Curie writes it: OSIRIS tables of a snapshot, with coded values that carry their system."""

import polars as pl

from jobs.simulate.curie_base import RANGE, day, middle
from jobs.simulate.curie_biology import Biology
from jobs.simulate.draw import chance, pick
from jobs.simulate.facts import drugs
from jobs.simulate.rows import IDENTITY, NONE, ONE, Rows, Sightings, either, ended, shifted

SIDES = {"right": "UMLS:C0205090", "left": "UMLS:C0205091", "bilateral": "UMLS:C0238767", "none": "UMLS:C1272460"}
EVENTS = {"metastasis": "UMLS:C2939419", "recurrence": "UMLS:C0521158", "progression": "UMLS:C0242656"}
CAUSES = ("UMLS:C0027651", "UMLS:C0679861", "UMLS:C1707251", "UMLS:C3262234", "UMLS:C0277589")


class Curie(Biology):
    """The feeds of a chunk."""

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

    def patient(self) -> list[Rows]:
        frame = Sightings.of(self.world, "curie").frame
        cause = pl.Series(pick(self.rng, CAUSES, (0.8, 0.02, 0.03, 0.1, 0.05), len(self.world.records)))[frame["_record"]]
        site = pl.Series(chance(self.rng, 0.7, len(self.world.records)))[frame["_record"]]
        unknown_day = pl.col("_record") % 50 == 7
        frame = frame.with_columns(cause.alias("cause"), site.alias("paris"))
        death = pl.when(pl.col("dead") & ~unknown_day).then(middle("death"))
        patient = frame.select(
            *IDENTITY,
            "_pid",
            Instance_Id=self.ref("_entity"),
            Patient_Gender=either("woman", "HL7:F", "HL7:M"),
            Patient_BirthDate=day("birth"),
            Patient_DeathDate=death.dt.strftime("%Y-%m-%d"),
            Patient_ProviderCenterId=pl.lit("750160012"),
            Patient_OriginCenterId=either("paris", "750160012", "920000460"),
            Patient_CauseOfDeath=pl.when("dead").then("cause"),
            Patient_LastNewsDate=middle("news").dt.strftime("%Y-%m-%d"),
            Patient_LastNewsStatus=either("dead", "UMLS:C1546956", "UMLS:C2584946"),
            _news=middle("news").cast(pl.Int32).cast(pl.Int64),
            _death=death.cast(pl.Int32).cast(pl.Int64),
            _status=either("dead", "deceased", "alive"),
        )
        link = frame.unique("_entity", keep="first", maintain_order=True).select(*IDENTITY, "_pid", Link_Token="token")
        return [
            Rows(self.feed("patient"), patient, counts={"person": "_one"}),
            Rows(self.feed("patient_link"), link, may_be_dirty=False),
        ]

    def tumour(self, tumour: pl.DataFrame, event: pl.DataFrame) -> Rows:
        both = pl.concat([_primaries(tumour), _events(event)], how="diagonal").with_columns(
            Instance_Id=self.ref("_entity"),
            TumorPathologyEvent_ParentRef=self.ref("_parent"),
            # Events of even number leave the patient to their primary.
            _inherits=(pl.col("_event") == 1) & (pl.col("_entity") % 2 == 0),
        )
        return Rows(
            self.feed("tumour"),
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
        return self.sent(
            "tnm",
            staged,
            Instance_Id=self.ref("_entity"),
            TumorPathologyEvent_Ref=self.ref("_entity"),
            TNM_Version=pl.format("UICC TNM Classification {}th edition", "edition"),
            TNM_Type=pl.col("classification"),
            TNM_T=pl.col("t"),
            TNM_N=pl.col("n"),
            TNM_M=pl.col("m"),
            parents={"tumour": "_entity"},
            counts={"staging": "_one"},
        )

    def treatment(self, line: pl.DataFrame, surgery: pl.DataFrame, radiotherapy: pl.DataFrame) -> Rows:
        parts = (self._lines(line), self._operations(surgery), self._radiations(radiotherapy))
        every = pl.concat(parts, how="diagonal").with_columns(
            Instance_Id=self.ref("_entity"), TumorPathologyEvent_Ref=self.ref("_tumour")
        )
        return Rows(
            self.feed("line"),
            every,
            parents={"tumour": "_tumour"},
            counts={"treatment_line_src": "_line", "surgery": "_surgery"},
        )

    def _lines(self, line: pl.DataFrame) -> pl.DataFrame:
        kind = {each.dci.capitalize(): each.kind for each in drugs().values()}
        return ended(line, "known_end", ("end",), self.world.rounds).select(
            *IDENTITY,
            Treatment_Type=pl.col("label").str.split(" - ").list.first().replace(kind),
            Treatment_LineNumber=pl.col("number").cast(pl.String),
            Treatment_StartDate=day("start"),
            Treatment_EndDate=day("end"),
            Treatment_ClinicalTrialContext=either(pl.col("trial").is_not_null(), "UMLS:C1298907", "UMLS:C1298908"),
            Treatment_ClinicalTrialId=pl.col("trial"),
            _tumour="tumour",
            _line=ONE,
            _surgery=NONE,
        )

    def _operations(self, surgery: pl.DataFrame) -> pl.DataFrame:
        return surgery.select(
            *shifted(RANGE),
            Treatment_Type=pl.lit("UMLS:C0728940"),
            Treatment_ActivityCode=pl.format("CCAM:{}", "ccam"),
            Treatment_StartDate=day("day"),
            Treatment_EndDate=day("day"),
            Treatment_SurgeryResectionQuality=pl.col("resection"),
            Treatment_SurgeryNature=pl.col("label"),
            _tumour="tumour",
            _line=NONE,
            _surgery=ONE,
        )

    def _radiations(self, radiotherapy: pl.DataFrame) -> pl.DataFrame:
        return radiotherapy.select(
            *shifted(2 * RANGE),
            Treatment_Type=either(pl.col("technique") == "CURIE", "UMLS:C0006098", "UMLS:C1522449"),
            Treatment_StartDate=day("start"),
            Treatment_EndDate=day("end"),
            _tumour="tumour",
            _line=NONE,
            _surgery=NONE,
        )

    def drug(self, drug: pl.DataFrame) -> Rows:
        """One row for each drug of a line, without doses."""
        names = {atc: each.label.split(" ")[0] for atc, each in drugs().items()}
        seen = drug.filter("first")
        return self.sent(
            "drug",
            seen,
            Instance_Id=self.ref("_entity"),
            Treatment_Ref=self.ref("line"),
            Drug_Code=pl.when(pl.col("_entity") % 9 > 0).then(pl.format("ATC:{}", "atc")),
            Drug_Name=pl.col("atc").replace(names),
            parents={"line": "line"},
            counts={"drug_administration": "_one"},
        )

    def response(self, seen: pl.DataFrame) -> Rows:
        return self.sent(
            "response",
            seen,
            Instance_Id=self.ref("_entity"),
            Treatment_Ref=self.ref("line"),
            ResponseEvaluation_Date=day("day"),
            ResponseEvaluation_Status=pl.format("OSIRIS:{}", "response"),
            parents={"line": "line"},
            counts={"response_assessment": "_one"},
        )

    def toxicity(self, seen: pl.DataFrame) -> Rows:
        return self.sent(
            "toxicity",
            seen,
            Instance_Id=self.ref("_entity"),
            Treatment_Ref=self.ref("line"),
            TumorPathologyEvent_Ref=self.ref("tumour"),
            AdverseEvent_Code=pl.when(pl.col("_entity") % 3 == 0).then("meddra").otherwise("term"),
            AdverseEvent_Date=day("day"),
            AdverseEvent_EndDate=day("end"),
            AdverseEvent_Grade=pl.col("grade").cast(pl.String),
            parents={"line": "line", "tumour": "tumour"},
            counts={"adverse_event": "_one"},
        )

    def radiotherapy(self, seen: pl.DataFrame) -> list[Rows]:
        course = self.sent(
            "radiotherapy",
            seen,
            Instance_Id=self.ref("_entity"),
            Treatment_Ref=self.ref("_entity", 2 * RANGE),
            Course_Type=either(pl.col("technique") == "CURIE", "brachy", "external"),
            Course_TreatmentIntent=either("palliative", "palliative", "curative"),
            Course_NumberOfSessions=pl.col("sessions").cast(pl.String),
            Course_StartDate=day("start"),
            Course_EndDate=day("end"),
            parents={"line": pl.col("_entity") + 2 * RANGE},
            counts={"radiotherapy_course": "_one"},
        )
        dose = seen.select(
            *IDENTITY,
            Instance_Id=self.ref("_entity"),
            CourseRT_Ref=self.ref("_entity"),
            DoseToVolume_FractionDose=pl.col("dose").cast(pl.String),
            DoseToVolume_NumberOfFractions=pl.col("sessions").cast(pl.String),
            DoseToVolume_TotalDose=(pl.col("dose") * pl.col("sessions")).cast(pl.String),
            _course=pl.col("_entity"),
        )
        return [
            course,
            Rows(self.feed("radiotherapy_dose"), dose, parents={"radiotherapy": "_course"}, own_patient=False),
        ]


def _primaries(tumour: pl.DataFrame) -> pl.DataFrame:
    """The rows of tumours themselves; the others of the file hang from them."""
    g8 = pl.when(pl.col("_entity") % 5 == 0).then(17 - pl.col("performance").cast(pl.Int64) * 2)
    stage = pl.col("stage").is_not_null()
    return tumour.select(
        *IDENTITY,
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
        _primary=ONE,
        _event=NONE,
        # A stage group of its own only where no TNM row says more.
        _staging=(stage & pl.col("t").is_null()).cast(pl.Int8),
        _staged=stage & pl.col("t").is_not_null(),
        _grade=pl.col("grade").is_not_null().cast(pl.Int8),
        _performance=pl.col("performance").is_not_null().cast(pl.Int8) + g8.is_not_null().cast(pl.Int8),
        _diagnosis="diagnosis",
        _precision=pl.lit("day"),
    )


def _events(event: pl.DataFrame) -> pl.DataFrame:
    """The rows of what happened to a tumour."""
    return event.select(
        *shifted(RANGE),
        TumorPathologyEvent_Type=pl.col("kind").replace(EVENTS),
        TumorPathologyEvent_StartDate=day("day"),
        TumorPathologyEvent_DiagnosisDate=day("day"),
        TumorPathologyEvent_TopographyCode=pl.when(pl.col("topography").is_not_null()).then(pl.format("ICDO3:{}", "topography")),
        _parent=pl.col("tumour"),
        _primary=NONE,
        _event=ONE,
        _staging=NONE,
        _grade=NONE,
        _performance=NONE,
    )
