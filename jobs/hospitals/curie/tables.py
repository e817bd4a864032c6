"""Institut Curie: which column of the OSIRIS pivot files feeds which column of silver."""

from typing import TYPE_CHECKING

from jobs.hospitals.curie.codes import CODES
from jobs.hospitals.curie.feeds import HOSPITAL
from jobs.silver.conform import (
    Code,
    Conform,
    Conformed,
    after_first_word,
    behaviour_of,
    date_from_parts,
    derived_id,
    edition,
    first_word,
    number,
    precision_of_parts,
    row_id_of,
    strip_system,
    tnm,
    with_root,
)
from jobs.silver.lineage import with_ancestor

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.silver.feeds import Feeds

IS_PRIMARY = "TumorPathologyEvent_Type = 'UMLS:C0677930'"
IS_SURGERY = "Treatment_Type = 'UMLS:C0728940'"
# The other types are surgery, radiotherapy and brachytherapy: no line, so nothing may name them as one.
IS_LINE = f"Treatment_Type in ({', '.join(repr(code) for code in CODES['treatment_line_src.treatment_type'])})"
IS_OMIC = "Analysis_Type = 'OSIRIS:C37-3'"
FOUND_ON = "coalesce(TumorPathologyEvent_DiagnosisDate, TumorPathologyEvent_StartDate)"

conform = Conform(HOSPITAL)


def rights_register(feeds: "Feeds") -> "DataFrame":
    """Every row of the latest list; one without scope and without opposition only says that the patient was informed.

    What cannot be read in `opposition` counts as one in force: landing hides everything of the patient until it is corrected.
    """
    in_force = "coalesce(opposition, true)"
    informs = f"coalesce(trim(sent.scope), '') = '' and not {in_force}"
    told = ("informationdateyear", "informationdatemonth", "informationdateday")
    opposed = ("oppositiondateyear", "oppositiondatemonth", "oppositiondateday")
    return feeds["rights"].selectExpr(
        *conform.columns(
            "rights_register",
            rights_id="row_id",
            person_id="person_id",
            informed="patientinformed",
            information_date=date_from_parts(*told),
            information_date_precision=_precision(*told),
            scope=Code("scope", "sent.scope", reason=f"if({informs}, 'not_applicable', null)"),
            state=Code(
                f"if({informs}, null, cast({in_force} as string))",
                f"if({informs}, null, sent.opposition)",
                reason=f"if({informs}, 'not_applicable', null)",
            ),
            from_date=date_from_parts(*opposed),
            from_date_precision=_precision(*opposed),
        )
    )


def person(feeds: "Feeds") -> "DataFrame":
    """Every patient. Curie moves births, deaths and last news to the 15th, so only their month is known."""
    return feeds["patient"].selectExpr(
        *conform.columns(
            "person",
            person_id="person_id",
            master_person_id="person_id",
            sex=Code("Patient_Gender", "sent.Patient_Gender", otherwise="UN"),
            birth_date="Patient_BirthDate",
            birth_date_precision="'month'",
            vital_status="Patient_LastNewsStatus",
            last_news_date="Patient_LastNewsDate",
            last_news_date_precision="'month'",
            death_date="Patient_DeathDate",
            death_date_precision="'month'",
            death_cause="Patient_CauseOfDeath",
            origin_center="Patient_OriginCenterId",
            provider_center="Patient_ProviderCenterId",
            last_contact_date="Patient_LastNewsDate",
            last_contact_date_precision="'month'",
        )
    )


def primary_cancer(feeds: "Feeds") -> "DataFrame":
    """Tumour rows of type primary."""
    morphology = strip_system("TumorPathologyEvent_MorphologyCode")
    return (
        feeds["tumour"]
        .where(IS_PRIMARY)
        .selectExpr(
            *conform.columns(
                "primary_cancer",
                tumor_id="row_id",
                person_id="person_id",
                dx_date=FOUND_ON,
                topography=strip_system("TumorPathologyEvent_TopographyCode"),
                morphology=morphology,
                behaviour=Code(behaviour_of(morphology), "sent.TumorPathologyEvent_MorphologyCode"),
                laterality="TumorPathologyEvent_Laterality",
                inferred="false",
            )
        )
    )


def tumor_event(feeds: "Feeds") -> "DataFrame":
    """Tumour rows of another type, each with the primary at the head of its chain of parents."""
    return (
        _tumours(feeds)
        .where(f"not {IS_PRIMARY}")
        .selectExpr(
            *conform.columns(
                "tumor_event",
                event_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                type="TumorPathologyEvent_Type",
                event_date="TumorPathologyEvent_StartDate",
                topography=strip_system("TumorPathologyEvent_TopographyCode"),
            )
        )
    )


def staging(feeds: "Feeds") -> "DataFrame":
    """TNM rows with the stage group of their tumour row, and the stage of primaries that have no TNM row."""
    stage = _tumours(feeds).selectExpr(
        "person_id",
        "Instance_Id as TumorPathologyEvent_Ref",
        "tumor_id",
        "TumorPathologyEvent_StadeType as system",
        "TumorPathologyEvent_StadeValue as stage",
        f"{FOUND_ON} as found_on",
    )
    tnm_rows = feeds["tnm"].join(stage, on=["person_id", "TumorPathologyEvent_Ref"], how="left")
    with_tnm = feeds["tnm"].selectExpr("TumorPathologyEvent_Ref as Instance_Id")
    stage_only = (
        feeds["tumour"]
        .where(f"{IS_PRIMARY} and TumorPathologyEvent_StadeValue is not null")
        .join(with_tnm, on="Instance_Id", how="left_anti")
    )
    return tnm_rows.selectExpr(
        *conform.columns(
            "staging",
            staging_id="row_id",
            person_id="person_id",
            tumor_id="tumor_id",
            # After treatment or at recurrence nobody says when.
            staging_date="if(TNM_Type in ('y', 'r'), null, found_on)",
            classification="TNM_Type",
            edition=edition("TNM_Version"),
            t=tnm("TNM_T"),
            n=tnm("TNM_N"),
            m=tnm("TNM_M"),
            stage_group="stage",
            other_system="if(system <> 'UICC', system, null)",
            other_value="if(system <> 'UICC', stage, null)",
        )
    ).unionByName(
        stage_only.selectExpr(
            *conform.columns(
                "staging",
                staging_id="row_id",
                person_id="person_id",
                tumor_id="row_id",
                staging_date=FOUND_ON,
                stage_group="TumorPathologyEvent_StadeValue",
                other_system="if(TumorPathologyEvent_StadeType <> 'UICC', TumorPathologyEvent_StadeType, null)",
                other_value="if(TumorPathologyEvent_StadeType <> 'UICC', TumorPathologyEvent_StadeValue, null)",
            )
        )
    )


def grade(feeds: "Feeds") -> "DataFrame":
    """Tumour rows with a grade."""
    return (
        _tumours(feeds)
        .where("TumorPathologyEvent_HistologicalGradeValue is not null")
        .selectExpr(
            *conform.columns(
                "grade",
                grade_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                system="TumorPathologyEvent_HistologicalGradeType",
                value="TumorPathologyEvent_HistologicalGradeValue",
                grade_date=FOUND_ON,
            )
        )
    )


def performance_status(feeds: "Feeds") -> "DataFrame":
    """One row for the WHO score and one for the G8 score of a tumour row, where filled; their position is part of their key."""
    scores = "stack(2, 1, 'OMS', TumorPathologyEvent_PerformanceStatus, 2, 'G8', TumorPathologyEvent_G8)"
    return (
        _tumours(feeds)
        .selectExpr("*", f"{scores} as (position, scale, score)")
        .where("score is not null")
        .selectExpr(
            *conform.columns(
                "performance_status",
                performance_status_id=derived_id("curie", "tumour", "position"),
                person_id="person_id",
                tumor_id="tumor_id",
                scale=Conformed("scale"),
                value="score",
                performance_status_date=FOUND_ON,
                source_key="concat(source_key, ':', position)",
            )
        )
    )


def treatment_line_src(feeds: "Feeds") -> "DataFrame":
    """Treatments by drugs."""
    return (
        _treatments(feeds)
        .where(IS_LINE)
        .selectExpr(
            *conform.columns(
                "treatment_line_src",
                line_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                line_number="Treatment_LineNumber",
                treatment_type="Treatment_Type",
                start_date="Treatment_StartDate",
                end_date="Treatment_EndDate",
                trial_code="Treatment_ClinicalTrialId",
            )
        )
    )


def drug_administration(feeds: "Feeds") -> "DataFrame":
    """Drugs, with the start and end of their treatment: they carry no date of their own."""
    return (
        feeds["drug"]
        .join(_treatment_of(feeds), on=["person_id", "Treatment_Ref"], how="left")
        .selectExpr(
            *conform.columns(
                "drug_administration",
                admin_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                line_id="line_id",
                atc=strip_system("Drug_Code"),
                source_value="Drug_Name",
                admin_datetime="Treatment_StartDate",
                end_datetime="Treatment_EndDate",
            )
        )
    )


def surgery(feeds: "Feeds") -> "DataFrame":
    """Treatments of type surgery."""
    return (
        _treatments(feeds)
        .where(IS_SURGERY)
        .selectExpr(
            *conform.columns(
                "surgery",
                procedure_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                surgery_date="Treatment_StartDate",
                ccam=strip_system("Treatment_ActivityCode"),
                resection="Treatment_SurgeryResectionQuality",
            )
        )
    )


def radiotherapy_course(feeds: "Feeds") -> "DataFrame":
    """Courses, with the doses of their volumes added up and the tumour of their treatment."""
    # Rounded, because a sum of doubles depends on the order in which Spark meets them.
    doses = feeds["radiotherapy_dose"].groupBy("CourseRT_Ref").agg({"DoseToVolume_TotalDose": "sum"})
    dose = doses.selectExpr("CourseRT_Ref as Instance_Id", "round(`sum(DoseToVolume_TotalDose)`, 6) as total_dose")
    return (
        feeds["radiotherapy"]
        .join(dose, on="Instance_Id", how="left")
        .join(_treatment_of(feeds), on=["person_id", "Treatment_Ref"], how="left")
        .selectExpr(
            *conform.columns(
                "radiotherapy_course",
                course_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                intent="Course_TreatmentIntent",
                modality="Course_Type",
                start_date="Course_StartDate",
                end_date="Course_EndDate",
                fractions_delivered="Course_NumberOfSessions",
                total_dose_gy="total_dose",
                # Free text: kept as it was typed, never a code.
                end_reason=Code("cast(null as string)", "sent.Course_TerminationReason"),
            )
        )
    )


def response_assessment(feeds: "Feeds") -> "DataFrame":
    """Response evaluations, with the tumour of their treatment."""
    return (
        feeds["response"]
        .join(_treatment_of(feeds), on=["person_id", "Treatment_Ref"], how="left")
        .selectExpr(
            *conform.columns(
                "response_assessment",
                assess_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                line_id="line_id",
                response_date="ResponseEvaluation_Date",
                response="ResponseEvaluation_Status",
            )
        )
    )


def adverse_event(feeds: "Feeds") -> "DataFrame":
    """Adverse events. One column carries either a MedDRA code or a CTCAE term."""
    is_meddra = "AdverseEvent_Code rlike '^[0-9]{8}$'"
    of_tumour = _tumour_of(feeds).withColumnRenamed("tumor_id", "own_tumor_id")
    return (
        feeds["toxicity"]
        .join(_treatment_of(feeds), on=["person_id", "Treatment_Ref"], how="left")
        .join(of_tumour, on=["person_id", "TumorPathologyEvent_Ref"], how="left")
        .selectExpr(
            *conform.columns(
                "adverse_event",
                ae_id="row_id",
                person_id="person_id",
                tumor_id="coalesce(own_tumor_id, tumor_id)",
                line_id="line_id",
                meddra=f"if({is_meddra}, AdverseEvent_Code, null)",
                ctcae_term=f"if({is_meddra}, null, AdverseEvent_Code)",
                grade="AdverseEvent_Grade",
                start_date="AdverseEvent_Date",
                end_date="AdverseEvent_EndDate",
            )
        )
    )


def biomarker(feeds: "Feeds") -> "DataFrame":
    """Biomarkers, with tumour, sample and date of their analysis: `NEG (1.3)` is a result and a value."""
    analysis = feeds["analysis"].selectExpr(
        "person_id", "Instance_Id as Analysis_Ref", "TumorPathologyEvent_Ref", "BiologicalSample_Ref", "Analysis_Date"
    )
    value = after_first_word("Biomarker_Value")
    return (
        feeds["biomarker"]
        .join(analysis, on=["person_id", "Analysis_Ref"], how="left")
        .join(_tumour_of(feeds), on=["person_id", "TumorPathologyEvent_Ref"], how="left")
        .selectExpr(
            *conform.columns(
                "biomarker",
                biomarker_id="row_id",
                person_id="person_id",
                tumor_id="tumor_id",
                specimen_id=row_id_of("curie", "sample", "BiologicalSample_Ref"),
                marker="Biomarker_Code",
                result=Code(first_word("Biomarker_Value"), "sent.Biomarker_Value"),
                value_num=number(value),
                value_text=value,
                unit="Biomarker_Unit",
                tested_at="Analysis_Date",
            )
        )
    )


def specimen(feeds: "Feeds") -> "DataFrame":
    """Samples. Tumour and consent are soft references; the consent says whether genetic analyses are allowed."""
    samples = feeds.resolve(feeds["sample"], column="TumorPathologyEvent_Ref", domain="tumour", alias="tumour_row")
    samples = feeds.resolve(samples, column="Consent_Ref", domain="consent", alias="consent_row")
    tumour = _tumours(feeds).selectExpr("row_id as tumour_row", "tumor_id")
    consent = feeds["consent"].selectExpr("row_id as consent_row", "Consent_GeneticAnalysisAuthorization")
    known = with_root(
        samples.join(tumour, on="tumour_row", how="left")
        .join(consent, on="consent_row", how="left")
        .selectExpr(
            "*",
            "row_id as specimen_id",
            f"{row_id_of('curie', 'sample', 'BiologicalSample_ParentExternalAccession')} as parent_id",
        )
    )
    return known.selectExpr(
        *conform.columns(
            "specimen",
            specimen_id="specimen_id",
            parent_id="parent_id",
            root_id="root_id",
            person_id="person_id",
            tumor_id="tumor_id",
            accession="BiologicalSample_ExternalAccession",
            type="BiologicalSample_Nature",
            origin="BiologicalSample_Origin",
            topography=strip_system("BiologicalSample_TopographyCode"),
            collected_at="BiologicalSample_CollectDate",
            storage="BiologicalSample_StorageTemperature",
            cellularity="BiologicalSample_TumorCellularity",
            genetic_consent="Consent_GeneticAnalysisAuthorization",
        )
    )


def molecular_analysis(feeds: "Feeds") -> "DataFrame":
    """Omic analyses; those of another type only carry biomarkers."""
    return (
        feeds["analysis"]
        .where(IS_OMIC)
        .selectExpr(
            *conform.columns(
                "molecular_analysis",
                analysis_id="row_id",
                person_id="person_id",
                specimen_id=row_id_of("curie", "sample", "BiologicalSample_Ref"),
                protocol="Technology_TechnicalProtocol",
                platform="Technology_PlatformName",
                panel_id="Panel_Name",
                pipeline="AnalysisProcess_AnalyticPipelineCode",
                cellularity="OmicAnalysis_AlgorithmicCellularity",
                ploidy="OmicAnalysis_AlgorithmicPloidy",
                analysis_date="Analysis_Date",
            )
        )
    )


def panel_gene(feeds: "Feeds") -> "DataFrame":
    """Genes of the panels."""
    return feeds["panel"].selectExpr(*conform.columns("panel_gene", panel_gene_id="row_id", panel_id="PANEL", symbol="GENE"))


def variant(feeds: "Feeds") -> "DataFrame":
    """Variants. The file names the sample alone: the analysis is its newest omic one."""
    from pyspark.sql import functions as F

    newest = F.expr("max_by(row_id, struct(Analysis_Date, Instance_Id))").alias("analysis_id")
    analysis = feeds["analysis"].where(IS_OMIC).groupBy(F.col("BiologicalSample_Ref").alias("Tumor_Sample_Barcode")).agg(newest)
    return (
        feeds["variant"]
        .join(analysis, on="Tumor_Sample_Barcode", how="left")
        .selectExpr(
            *conform.columns(
                "variant",
                variant_id="row_id",
                analysis_id="analysis_id",
                specimen_id=row_id_of("curie", "sample", "Tumor_Sample_Barcode"),
                person_id="person_id",
                build="NCBI_Build",
                chrom="Chromosome",
                pos="Start_Position",
                end_pos="End_Position",
                ref="Reference_Allele",
                alt="Tumor_Seq_Allele2",
                gene_hgnc="Hugo_Symbol",
                hgvs_p="HGVSp_Short",
                classification="Variant_Classification",
                variant_type="Variant_Type",
                depth="t_depth",
                alt_depth="t_alt_count",
                vaf="try_divide(t_alt_count, t_depth)",
                normal_depth="n_depth",
                normal_alt_depth="n_alt_count",
                filter="FILTER",
            )
        )
    )


def _tumours(feeds: "Feeds") -> "DataFrame":
    """Every tumour row with tumor_id: itself if it is a primary, else the primary above it."""
    return with_ancestor(feeds["tumour"], "Instance_Id", "TumorPathologyEvent_ParentRef", IS_PRIMARY, "tumor_id")


def _tumour_of(feeds: "Feeds") -> "DataFrame":
    """person_id, TumorPathologyEvent_Ref, tumor_id: the primary that a reference means, for a reference may name an event."""
    return _tumours(feeds).selectExpr("person_id", "Instance_Id as TumorPathologyEvent_Ref", "tumor_id")


def _treatments(feeds: "Feeds") -> "DataFrame":
    """Every treatment with tumor_id."""
    return feeds["line"].join(_tumour_of(feeds), on=["person_id", "TumorPathologyEvent_Ref"], how="left")


def _treatment_of(feeds: "Feeds") -> "DataFrame":
    """What a row takes over from the treatment it names: line_id (drug treatments only), tumor_id, start and end."""
    return _treatments(feeds).selectExpr(
        "person_id",
        "Instance_Id as Treatment_Ref",
        f"if({IS_LINE}, row_id, null) as line_id",
        "tumor_id",
        "Treatment_StartDate",
        "Treatment_EndDate",
    )


def _precision(year: str, month: str, day: str) -> str:
    """How precise a date in three columns is; null without a year, for then there is no date."""
    return f"if({year} is null, null, {precision_of_parts(month, day)})"
