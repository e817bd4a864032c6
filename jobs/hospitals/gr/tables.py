"""The silver tables that Gustave Roussy fills: which of its columns feeds which of ours."""

from typing import TYPE_CHECKING

from jobs.hospitals.gr.feeds import HOSPITAL
from jobs.silver.conform import (
    Code,
    Conform,
    Conformed,
    behaviour_of,
    derived_id,
    dotted,
    edition,
    measured,
    number,
    operator,
    row_id_of,
    tnm,
    ucd13,
    with_root,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.silver.feeds import Feeds

conform = Conform(HOSPITAL)
THE_TUMOUR = row_id_of("gr", "tumour", "ID_TUMEUR")
THE_STAY = row_id_of("gr", "stay", "NADL")
# What the tumour file states without a date of its own was found at diagnosis.
AT_DIAGNOSIS = ("DATE_DIAG", "DATE_DIAG_precision")


def person(feeds: "Feeds") -> "DataFrame":
    """Every patient; lost to follow-up counts as alive."""
    return feeds["patient"].selectExpr(
        *conform.columns(
            "person",
            person_id="person_id",
            master_person_id="person_id",
            sex=Code("SEXE", "sent.SEXE", otherwise="UN"),
            birth_date="DATE_NAISSANCE",
            birth_date_precision="'month'",
            residence_dept="DEPT_RESIDENCE",
            vital_status="STATUT_VITAL",
            last_news_date="DATE_DERNIERES_NOUVELLES",
            death_date="DATE_DECES",
            death_cause="CAUSE_DECES",
            last_contact_date="DATE_DERNIERES_NOUVELLES",
        )
    )


def rights_register(feeds: "Feeds") -> "DataFrame":
    """Every line of the latest list; one without scope and without opposition only says that the patient was informed.

    What cannot be read in OPPOSITION counts as an opposition in force: landing hides everything of the patient until it is corrected.
    """
    opposed = "coalesce(OPPOSITION, true)"
    informs = f"coalesce(trim(sent.PORTEE), '') = '' AND NOT {opposed}"
    state = f"if({informs}, NULL, if({opposed}, 'O', 'N'))"
    # Landing never sets a line of this list aside, not even one that names nobody.
    named = feeds["rights"].where("person_id IS NOT NULL")
    return named.selectExpr(
        *conform.columns(
            "rights_register",
            rights_id="row_id",
            person_id="person_id",
            informed="INFORME",
            information_date="DATE_INFORMATION",
            scope=Code("PORTEE", "sent.PORTEE", reason=f"if({informs}, 'not_applicable', NULL)"),
            state=Code(state, f"if({informs}, NULL, sent.OPPOSITION)", reason=f"if({informs}, 'not_applicable', NULL)"),
            from_date="DATE_OPPOSITION",
            to_date="DATE_LEVEE",
            channel="CANAL",
        )
    )


def primary_cancer(feeds: "Feeds") -> "DataFrame":
    """Every tumour."""
    return feeds["tumour"].selectExpr(
        *conform.columns(
            "primary_cancer",
            tumor_id="row_id",
            person_id="person_id",
            cancer_order="RANG",
            dx_date="DATE_DIAG",
            dx_date_precision="DATE_DIAG_precision",
            dx_basis="BASE_DIAG",
            icd10=dotted("CODE_CIM10"),
            topography="TOPO_CIMO3",
            morphology="MORPHO_CIMO3",
            behaviour=Code(behaviour_of("MORPHO_CIMO3"), "sent.MORPHO_CIMO3"),
            adicap="CODE_ADICAP",
            laterality="LATERALITE",
            de_novo_metastatic="META_DIAG",
            in_center_dx="DIAG_CENTRE",
            inferred="false",
        )
    )


def tumor_event(feeds: "Feeds") -> "DataFrame":
    """Every event of a tumour."""
    return feeds["event"].selectExpr(
        *conform.columns(
            "tumor_event",
            event_id="row_id",
            person_id="person_id",
            tumor_id=THE_TUMOUR,
            type="TYPE_EVT",
            event_date="DATE_EVT",
            event_date_precision="DATE_EVT_precision",
            topography="TOPO_CIMO3",
            evidence="PREUVE",
        )
    )


def staging(feeds: "Feeds") -> "DataFrame":
    """One staging for every tumour with a T, N, M or stage; after treatment or at recurrence its date is not known."""
    date, precision = (f"if(TNM_TYPE IN ('y', 'r'), NULL, {column})" for column in AT_DIAGNOSIS)
    return (
        feeds["tumour"]
        .where("T IS NOT NULL OR N IS NOT NULL OR M IS NOT NULL OR STADE IS NOT NULL")
        .selectExpr(
            *conform.columns(
                "staging",
                staging_id="row_id",
                person_id="person_id",
                tumor_id="row_id",
                staging_date=date,
                staging_date_precision=precision,
                classification="TNM_TYPE",
                edition=edition("TNM_VERSION"),
                t=tnm("T"),
                n=tnm("N"),
                m=tnm("M"),
                stage_group="STADE",
            )
        )
    )


def grade(feeds: "Feeds") -> "DataFrame":
    """One grading for every tumour with a grade."""
    date, precision = AT_DIAGNOSIS
    return (
        feeds["tumour"]
        .where("GRADE IS NOT NULL")
        .selectExpr(
            *conform.columns(
                "grade",
                grade_id="row_id",
                person_id="person_id",
                tumor_id="row_id",
                system="GRADE_TYPE",
                value="GRADE",
                grade_date=date,
                grade_date_precision=precision,
            )
        )
    )


def performance_status(feeds: "Feeds") -> "DataFrame":
    """The WHO performance status at diagnosis, for every tumour that has one."""
    date, precision = AT_DIAGNOSIS
    return (
        feeds["tumour"]
        .where("OMS_DIAG IS NOT NULL")
        .selectExpr(
            *conform.columns(
                "performance_status",
                performance_status_id="row_id",
                person_id="person_id",
                tumor_id="row_id",
                scale=Conformed("'OMS'"),
                value="OMS_DIAG",
                performance_status_date=date,
                performance_status_date_precision=precision,
            )
        )
    )


def treatment_line_src(feeds: "Feeds") -> "DataFrame":
    """Every declared line."""
    return feeds["line"].selectExpr(
        *conform.columns(
            "treatment_line_src",
            line_id="row_id",
            person_id="person_id",
            tumor_id=THE_TUMOUR,
            line_number="NUM_LIGNE",
            protocol_label="LIBELLE_PROTOCOLE",
            setting="TYPE_LIGNE",
            intent="INTENTION",
            start_date="DATE_DEBUT",
            end_date="DATE_FIN",
            n_cycles="NB_CURES",
            stop_reason="MOTIF_ARRET",
            trial_code="CODE_ESSAI",
        )
    )


def drug_administration(feeds: "Feeds") -> "DataFrame":
    """Every administration, cancelled and postponed ones too."""
    return feeds.resolve(feeds["drug"], column="ID_LIGNE", domain="line", alias="line_id").selectExpr(
        *conform.columns(
            "drug_administration",
            admin_id="row_id",
            person_id="person_id",
            tumor_id=THE_TUMOUR,
            line_id="line_id",
            atc="CODE_ATC",
            ucd13=ucd13("CODE_UCD"),
            ingredient="DCI",
            source_value="LIBELLE_UCD",
            dose_prescribed="DOSE_PRESCRITE",
            dose_value="DOSE_ADMIN",
            dose_unit="UNITE",
            route="VOIE",
            admin_datetime="DATE_ADMIN",
            status="STATUT",
            cycle="CURE",
            day="JOUR",
            indication_code="CODE_INDICATION",
            trial_code="CODE_ESSAI",
        )
    )


def surgery(feeds: "Feeds") -> "DataFrame":
    """Every activity of every act."""
    return feeds["surgery"].selectExpr(
        *conform.columns(
            "surgery",
            procedure_id="row_id",
            person_id="person_id",
            tumor_id=THE_TUMOUR,
            surgery_date="DATE_ACTE",
            surgery_date_precision="DATE_ACTE_precision",
            ccam="CODE_CCAM",
            activity="ACTIVITE",
            resection="RESECTION",
            neoadj_response="REPONSE_NEOADJ",
        )
    )


def radiotherapy_course(feeds: "Feeds") -> "DataFrame":
    """Every course."""
    return feeds["radiotherapy"].selectExpr(
        *conform.columns(
            "radiotherapy_course",
            course_id="row_id",
            person_id="person_id",
            tumor_id=THE_TUMOUR,
            intent="INTENTION",
            technique="TECHNIQUE",
            start_date="DATE_DEBUT",
            end_date="DATE_FIN",
            fractions_planned="NB_FRACTIONS_PREVU",
            fractions_delivered="NB_FRACTIONS_REALISE",
            total_dose_gy="DOSE_TOTALE_GY",
            volume="VOLUME",
            end_reason="MOTIF_ARRET",
        )
    )


def response_assessment(feeds: "Feeds") -> "DataFrame":
    """Every assessment of response."""
    return feeds.resolve(feeds["response"], column="ID_LIGNE", domain="line", alias="line_id").selectExpr(
        *conform.columns(
            "response_assessment",
            assess_id="row_id",
            person_id="person_id",
            tumor_id=THE_TUMOUR,
            line_id="line_id",
            response_date="DATE_EVAL",
            method="METHODE",
            sum_diameters_mm="SOMME_CIBLES_MM",
            new_lesion="NOUVELLE_LESION",
            response="REPONSE",
        )
    )


def adverse_event(feeds: "Feeds") -> "DataFrame":
    """Every adverse event."""
    return feeds.resolve(feeds["toxicity"], column="ID_LIGNE", domain="line", alias="line_id").selectExpr(
        *conform.columns(
            "adverse_event",
            ae_id="row_id",
            person_id="person_id",
            line_id="line_id",
            meddra="CODE_MEDDRA",
            ctcae_term="TERME_CTCAE",
            grade="GRADE",
            serious="GRAVE",
            related="IMPUTABILITE",
            start_date="DATE_DEBUT",
            end_date="DATE_FIN",
        )
    )


def lab_result(feeds: "Feeds") -> "DataFrame":
    """Every validated result: landing sets the others aside."""
    sign, value = operator("VALEUR"), measured("VALEUR")
    return feeds["lab"].selectExpr(
        *conform.columns(
            "lab_result",
            lab_id="row_id",
            person_id="person_id",
            local_code="CODE_ANALYSE_LOCAL",
            loinc="CODE_LOINC",
            value_num=value,
            operator=Code(sign, sign, reason="'not_applicable'"),
            value_text=f"if({value} IS NULL, VALEUR, NULL)",
            unit="UNITE",
            value_std=f"if({conform.coded('lab_result.unit_std', 'UNITE')['unit_std']} IS NULL, NULL, {value})",
            unit_std="UNITE",
            low="BORNE_INF",
            high="BORNE_SUP",
            status="STATUT",
            collected_at="DATE_PRELEV",
        )
    )


def biomarker(feeds: "Feeds") -> "DataFrame":
    """Every marker result."""
    return feeds.resolve(feeds["biomarker"], column="ID_PRELEV", domain="sample", alias="specimen_id").selectExpr(
        *conform.columns(
            "biomarker",
            biomarker_id="row_id",
            person_id="person_id",
            tumor_id=THE_TUMOUR,
            specimen_id="specimen_id",
            marker="MARQUEUR",
            result="RESULTAT",
            value_num=number("VALEUR"),
            value_text="VALEUR",
            unit="UNITE",
            method="METHODE",
            tested_at="DATE_RESULTAT",
        )
    )


def specimen(feeds: "Feeds") -> "DataFrame":
    """Every sample and what was derived from it."""
    samples = feeds.resolve(feeds["sample"], column="ID_TUMEUR", domain="tumour", alias="tumor_id")
    parents = samples.selectExpr("*", "row_id AS specimen_id", f"{row_id_of('gr', 'sample', 'ID_PARENT')} AS parent_id")
    return with_root(parents).selectExpr(
        *conform.columns(
            "specimen",
            specimen_id="specimen_id",
            parent_id="parent_id",
            root_id="root_id",
            person_id="person_id",
            tumor_id="tumor_id",
            accession="ID_PRELEV",
            type="NATURE",
            origin="ORIGINE",
            topography="TOPO_CIMO3",
            collected_at="DATE_PRELEV",
            collected_at_precision="DATE_PRELEV_precision",
            storage="TEMP_STOCK",
            quantity="QUANTITE",
            unit="UNITE",
            cellularity="CELLULARITE",
            sprec="SPREC",
            availability="STATUT",
            genetic_consent="CONSENT_RECH",
        )
    )


def molecular_analysis(feeds: "Feeds") -> "DataFrame":
    """Every omic analysis."""
    return feeds.resolve(feeds["analysis"], column="ID_PRELEV_NORMAL", domain="sample", alias="matched_normal_id").selectExpr(
        *conform.columns(
            "molecular_analysis",
            analysis_id="row_id",
            person_id="person_id",
            specimen_id=row_id_of("gr", "sample", "ID_PRELEV"),
            matched_normal_id="matched_normal_id",
            protocol="TYPE_ANALYSE",
            panel_id="CODE_PANEL",
            pipeline="PIPELINE",
            build="GENOME",
            analysis_date="DATE_ANALYSE",
        )
    )


def panel_gene(feeds: "Feeds") -> "DataFrame":
    """Every gene of every panel."""
    return feeds["panel"].selectExpr(
        *conform.columns("panel_gene", panel_gene_id="row_id", panel_id="CODE_PANEL", version="VERSION", symbol="GENE")
    )


def variant(feeds: "Feeds") -> "DataFrame":
    """Every call of every analysis."""
    return feeds.resolve(feeds["variant"], column="Tumor_Sample_Barcode", domain="sample", alias="specimen_id").selectExpr(
        *conform.columns(
            "variant",
            variant_id="row_id",
            analysis_id=row_id_of("gr", "analysis", "ID_ANALYSE"),
            specimen_id="specimen_id",
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


def encounter(feeds: "Feeds") -> "DataFrame":
    """One stay per administrative number: the entry of its first unit, the exit of its last."""
    return _stays(feeds).selectExpr(
        *conform.columns(
            "encounter",
            encounter_id=THE_STAY,
            person_id="person_id",
            entry_datetime="DATE_ENTREE",
            exit_datetime="exit.DATE_SORTIE",
            entry_mode="MODE_ENTREE",
            exit_mode=Code("exit.MODE_SORTIE", "exit.sent_mode"),
            sessions="sessions",
            source_key="NADL",
            dq_flags="stay_flags",
        )
    )


def _stays(feeds: "Feeds") -> "DataFrame":
    """The first unit of every stay, with the exit of the last and what the units say together."""
    # Unit numbers are digits, but not all of one length.
    in_order = "(PARTITION BY NADL ORDER BY try_cast(N_RUM AS BIGINT), N_RUM"
    whole_stay = f"{in_order} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    return (
        feeds["stay"]
        .selectExpr(
            "*",
            f"row_number() OVER {in_order}) AS unit",
            f"last_value(struct(DATE_SORTIE, MODE_SORTIE, sent.MODE_SORTIE AS sent_mode)) OVER {whole_stay} AS exit",
            f"sum(NB_SEANCES) OVER {whole_stay} AS sessions",
            f"flatten(collect_list(dq_flags) OVER {whole_stay}) AS stay_flags",
        )
        .where("unit = 1")
    )


def diagnosis_coded(feeds: "Feeds") -> "DataFrame":
    """The main, the related and the associated diagnoses of every unit, in this order."""
    codes = feeds["stay"].selectExpr(
        "*", "posexplode(concat(array(DP, DR), coalesce(DAS, cast(array() AS array<string>)))) AS (place, code)"
    )
    return codes.where("code IS NOT NULL").selectExpr(
        *conform.columns(
            "diagnosis_coded",
            diagnosis_id=derived_id("gr", "stay", "place + 1"),
            person_id="person_id",
            encounter_id=THE_STAY,
            icd10=dotted("code"),
            position=Conformed("CASE place WHEN 0 THEN 'DP' WHEN 1 THEN 'DR' ELSE 'DAS' END"),
            diagnosis_date="DATE_ENTREE",
            source_key="concat(source_key, ':', place + 1)",
        )
    )


def procedure_coded(feeds: "Feeds") -> "DataFrame":
    """The acts of every unit, numbered as their zones."""
    acts = feeds["stay"].selectExpr("*", "posexplode(ACTES) AS (place, act)")
    return acts.where("act.CCAM IS NOT NULL").selectExpr(
        *conform.columns(
            "procedure_coded",
            procedure_id=derived_id("gr", "stay", "place + 1"),
            person_id="person_id",
            encounter_id=THE_STAY,
            ccam="act.CCAM",
            activity="try_cast(act.ACTIVITE AS INT)",
            phase="act.PHASE",
            procedure_date="act.DATE",
            quantity="act.NB_EXEC",
            source_key="concat(source_key, ':', place + 1)",
        )
    )


def trial_enrollment(feeds: "Feeds") -> "DataFrame":
    """Every inclusion, screening failures too."""
    return feeds["trial"].selectExpr(
        *conform.columns(
            "trial_enrollment",
            enrollment_id="row_id",
            person_id="person_id",
            trial_code="CODE_ESSAI",
            arm="BRAS",
            dose_level="NIVEAU_DOSE",
            consent_date="DATE_CONSENTEMENT",
            screening_date="DATE_SCREENING",
            enrolled_date="DATE_INCLUSION",
            c1d1_date="DATE_C1J1",
            dlt="DLT",
            dlt_date="DATE_DLT",
            off_date="DATE_SORTIE",
            off_reason="MOTIF_SORTIE",
            screen_fail="ECHEC_SCREENING",
            screen_fail_reason="MOTIF_ECHEC",
        )
    )


def trial(feeds: "Feeds") -> "DataFrame":
    """Every trial that has an inclusion, as its newest inclusion describes it."""
    newest_first = "(PARTITION BY CODE_ESSAI ORDER BY valid_from DESC, source_key DESC)"
    described = feeds["trial"].selectExpr("*", f"row_number() OVER {newest_first} AS place").where("place = 1")
    return described.selectExpr(
        *conform.columns(
            "trial",
            trial_id=row_id_of("gr", "trial_code", "CODE_ESSAI"),
            trial_code="CODE_ESSAI",
            nct="NCT",
            euct="NUM_EUCT",
            phase="PHASE",
            source_key="CODE_ESSAI",
        )
    )
