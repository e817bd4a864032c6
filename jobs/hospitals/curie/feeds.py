"""Institut Curie: the files it sends, OSIRIS pivot snapshots in one archive, and what is beside it."""

from jobs.hospitals.curie.codes import CODES
from jobs.hospitals.feed import MAF, Feed, Hospital

FEEDS = (
    Feed(
        "rights",
        "opposition.csv",
        r"""
        patientid            hash64    R K
        patientinformed      bool      R
        informationdateday   int
        informationdatemonth int
        informationdateyear  int
        opposition           bool      R opposed
        oppositiondateday    int
        oppositiondatemonth  int
        oppositiondateyear   int       K when scope
        scope                code      K scope = all | genetics | samples | industry
    """,
        replaces="all",
    ),
    Feed(
        "patient",
        "OSIRIS_pivot_Patient.csv",
        r"""
        Patient_id               hash64    R K
        Instance_Id              int       R
        Patient_Gender           code      R sex = HL7:M | HL7:F | HL7:UN
        Patient_Ethnicity        text
        Patient_BirthDate        date      birth
        Patient_DeathDate        date
        Patient_ProviderCenterId code      R = 750160012
        Patient_OriginCenterId   code      R = 750160012 | 920000460
        Patient_CauseOfDeath     code      = UMLS:C0277589 | UMLS:C1707251 | UMLS:C3262234 | UMLS:C0679861 | UMLS:C0027651
        Patient_LastNewsDate     date
        Patient_LastNewsStatus   code      = UMLS:C2584946 | UMLS:C1546956
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "consent",
        "OSIRIS_pivot_Consent.csv",
        r"""
        Instance_Id                          int       R K
        Patient_Id                           hash64    R >patient!
        Consent_Date                         date
        Consent_GeneticAnalysisAuthorization bool      R
    """,
        core=False,
        member=True,
        replaces="all",
    ),
    Feed(
        "patient_link",
        "patient_link.csv",
        r"""
        Patient_Id hash64    R K >patient!
        Link_Token token
    """,
        member=True,
        counted=False,
        replaces="all",
    ),
    Feed(
        "identity_merge",
        "identity_merge.csv",
        r"""
        Patient_Id_Old  hash64    R K
        Patient_Id_Kept hash64    R
        Merge_Date      date      R
    """,
        member=True,
        replaces="nothing",
    ),
    Feed(
        "tumour",
        "OSIRIS_pivot_TumorPathologyEvent.csv",
        r"""
        Patient_Id                                 hash64    >patient! when TumorPathologyEvent_ParentRef empty
        Instance_Id                                int       R K
        TumorPathologyEvent_ParentRef              int       >tumour!
        TumorPathologyEvent_Type                   code      R = UMLS:C0677930 | UMLS:C0521158 | UMLS:C2939419 | UMLS:C0242656
        TumorPathologyEvent_StartDate              date
        TumorPathologyEvent_PerformanceStatus      int       0..5
        TumorPathologyEvent_G8                     int       0..17
        TumorPathologyEvent_HistologicalGradeType  text
        TumorPathologyEvent_HistologicalGradeValue text
        TumorPathologyEvent_StadeType              text
        TumorPathologyEvent_StadeValue             text
        TumorPathologyEvent_DiagnosisDate          date
        TumorPathologyEvent_TopographyCode         code      ~ ^ICDO3:C\d{2}(\.\d)?$
        TumorPathologyEvent_MorphologyCode         code      ~ ^ICDO3:\d{4}/[01236]$
        TumorPathologyEvent_Laterality             code      = UMLS:C0238767 | UMLS:C0205091 | UMLS:C0205090 | UMLS:C2939193 | UMLS:C1272460
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "tnm",
        "OSIRIS_pivot_TNM.csv",
        r"""
        Patient_Id              hash64    R >patient!
        Instance_Id             int       R K
        TumorPathologyEvent_Ref int       R >tumour!
        TNM_Version             text
        TNM_Type                code      = c | p | y | u | r
        TNM_T                   text
        TNM_N                   text
        TNM_M                   text
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "line",
        "OSIRIS_pivot_Treatment.csv",
        r"""
        Patient_Id                        hash64    R >patient!
        Instance_Id                       int       R K
        TumorPathologyEvent_Ref           int       >tumour!
        Treatment_Type                    code      R = UMLS:C3665472 | UMLS:C0279025 | UMLS:C0021083 | UMLS:C0279694 | UMLS:C93352 | UMLS:C0439673 | UMLS:C0728940 | UMLS:C1522449 | UMLS:C0006098
        Treatment_LineNumber              int
        Treatment_ActivityCode            code      ~ ^CCAM:[A-Z]{4}\d{3}$
        Treatment_StartDate               date      <= Treatment_EndDate
        Treatment_EndDate                 date
        Treatment_ClinicalTrialContext    code      = UMLS:C1298907 | UMLS:C1298908
        Treatment_ClinicalTrialName       text
        Treatment_ClinicalTrialId         text
        Treatment_SurgeryResectionQuality code      = R0 | R1 | R2 | RX
        Treatment_SurgeryNature           text
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "drug",
        "OSIRIS_pivot_Drug.csv",
        r"""
        Patient_Id    hash64    R >patient!
        Instance_Id   int       R K
        Treatment_Ref int       R >line!
        Drug_Code     code      ~ ^ATC:[A-Z]\d{2}[A-Z]{2}\d{2}$
        Drug_Name     text
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "response",
        "OSIRIS_pivot_ResponseEvaluation.csv",
        r"""
        Patient_Id                hash64    R >patient!
        Instance_Id               int       R K
        Treatment_Ref             int       >line!
        ResponseEvaluation_Date   date
        ResponseEvaluation_Status code      R = OSIRIS:CR | OSIRIS:PR | OSIRIS:SD | OSIRIS:PD | OSIRIS:NE
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "toxicity",
        "OSIRIS_pivot_AdverseEvent.csv",
        r"""
        Instance_Id             int       R K
        Patient_Id              hash64    R >patient!
        Treatment_Ref           int       >line!
        TumorPathologyEvent_Ref int       >tumour!
        AdverseEvent_Code       text      R
        AdverseEvent_Date       date      R <= AdverseEvent_EndDate
        AdverseEvent_EndDate    date
        AdverseEvent_Grade      int       R 1..5
    """,
        core=False,
        member=True,
        replaces="all",
    ),
    Feed(
        "sample",
        "OSIRIS_pivot_BiologicalSample.csv",
        r"""
        Patient_Id                               hash64    R >patient!
        Instance_Id                              int       R
        TumorPathologyEvent_Ref                  int       >tumour?
        Consent_Ref                              int       >consent?
        BiologicalSample_ExternalAccession       id        R K
        BiologicalSample_ParentExternalAccession id        >sample!
        BiologicalSample_CollectDate             date
        BiologicalSample_TopographyCode          code      ~ ^ICDO3:C\d{2}(\.\d)?$
        BiologicalSample_Nature                  code      R = UMLS:C0005767 | UMLS:C0012854 | UMLS:C4039816 | UMLS:C1519524
        BiologicalSample_Origin                  code      R = OSIRIS:O59-1 | OSIRIS:O59-2
        BiologicalSample_StorageTemperature      code      = OSIRIS:C60-1 | OSIRIS:C60-2 | OSIRIS:C60-3 | OSIRIS:C60-4 | OSIRIS:C60-5 | OSIRIS:C60-6
        BiologicalSample_TumorCellularity        int       0..100
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "analysis",
        "OSIRIS_pivot_Analysis.csv",
        r"""
        Patient_Id                           hash64    R >patient!
        Instance_Id                          int       R K
        TumorPathologyEvent_Ref              int       >tumour!
        BiologicalSample_Ref                 id        >sample! when Analysis_Type = OSIRIS:C37-3
        Analysis_Code                        text
        Analysis_Type                        code      R = OSIRIS:C37-1 | OSIRIS:C37-2 | OSIRIS:C37-3 | OSIRIS:C37-4
        Analysis_Date                        date
        Technology_TechnicalProtocol         code      ~ ^OSIRIS:O6-\d{1,2}$
        Technology_PlatformName              text
        Technology_PlatformAccession         text
        Technology_DateOfExperiment          date
        Panel_Name                           id        when Analysis_Type = OSIRIS:C37-3
        AnalysisProcess_AnalyticPipelineCode text
        OmicAnalysis_AlgorithmicCellularity  int
        OmicAnalysis_AlgorithmicPloidy       text
        OmicAnalysis_NumberOfBreakPoints     int
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "biomarker",
        "OSIRIS_pivot_Biomarker.csv",
        r"""
        Instance_Id     int       R K
        Patient_Id      hash64    R >patient!
        Analysis_Ref    int       R >analysis!
        Biomarker_Code  code      R ~ ^(OSIRIS:C39-\d{1,2}|LOCAL:[A-Z0-9_]+)$
        Biomarker_Value text      R
        Biomarker_Unit  text
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "radiotherapy",
        "OSIRIS_pivot_CourseRT.csv",
        r"""
        Instance_Id              int       R K
        Patient_Id               hash64    R >patient!
        Treatment_Ref            int       R >line!
        Course_Type              code      = external | internal | brachy | systemic
        Course_TreatmentIntent   code      = curative | palliative
        Course_TerminationReason text
        Course_NumberOfSessions  int       0..99
        Course_StartDate         date      <= Course_EndDate
        Course_EndDate           date
    """,
        member=True,
        replaces="all",
    ),
    Feed(
        "radiotherapy_dose",
        "OSIRIS_pivot_DoseToVolumeRT.csv",
        r"""
        Instance_Id                    int       R K
        CourseRT_Ref                   int       R >radiotherapy!
        DoseToVolume_FractionDose      dec
        DoseToVolume_NumberOfFractions int
        DoseToVolume_TotalDose         dec
    """,
        core=False,
        member=True,
        replaces="all",
    ),
    Feed(
        "variant",
        "curie_mutations.maf.gz",
        MAF
        + r"""
        Tumor_Sample_Barcode id R K >sample!
    """,
        format="maf",
        replaces="all",
    ),
    Feed(
        "panel_matrix",
        "gene_panel_matrix.tsv",
        r"""
        SAMPLE_ID id        R K >sample!
        mutations id        R
    """,
        delimiter="\t",
        counted=False,
        replaces="all",
    ),
    Feed(
        "panel",
        "panels/{name}.txt",
        r"""
        PANEL id   R K
        GENE  text R K
    """,
        format="lines",
        replaces="all",
    ),
)

HOSPITAL = Hospital(
    center="curie",
    name="Institut Curie",
    finess="750160012",
    center_type="CLCC",
    mode="snapshot",
    model="osiris-pivot",
    archive="curie_osiris_{yearmonth}.tar.gz",
    archive_domain="osiris",
    feeds=FEEDS,
    codes=CODES,
    nulls={"UMLS:C0439673": "unknown", "UMLS:C1272460": "not_applicable"},
    null_dates=("1000-01-01",),
    repairs=(("^ULMS:", "UMLS:"),),
    month_dates=("Patient_DeathDate", "Patient_LastNewsDate"),
)
