"""The world as Gustave Roussy writes it: French CSV tables and a MAF; stays are in gr_stays.py."""

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.calendar import day_number
from jobs.simulate.draw import chance, opaque, pick
from jobs.simulate.facts import drugs
from jobs.simulate.gr_stays import stays
from jobs.simulate.molecular import LABS, panel_genes
from jobs.simulate.rows import Rows, Sightings, World, ended

HOSPITAL = hospitals()["gr"]
SIDES = {"right": "D", "left": "G", "bilateral": "B", "none": "NA"}
EVENTS = {"metastasis": "METASTASE", "recurrence": "RECIDIVE", "progression": "PROGRESSION"}
RESPONSES = {"CR": "RC", "PR": "RP", "SD": "ST", "PD": "PD", "NE": "NE"}
DEPARTMENTS = ("94", "75", "92", "91", "93", "77", "78", "95", "45", "2A", "971", "99")
PANELS = {panel: f"GR-{panel}" for panel in panel_genes()}
# What a hospital writes about trials: code, NCT number, phase.
TRIALS = {"ONC-101": ("NCT05990101", "I"), "ONC-214": ("NCT05990214", "II"), "ONC-309": ("NCT05990309", "III"), "ONC-407": ("NCT05990407", "I/II")}


def day(column: str) -> pl.Expr:
    return pl.when(pl.col(column) >= 0).then(pl.col(column)).cast(pl.Int32).cast(pl.Date).dt.strftime("%d/%m/%Y").alias(column)


def yes(column: str) -> pl.Expr:
    return pl.when(pl.col(column)).then(pl.lit("O")).otherwise(pl.lit("N"))


def comma(column: str) -> pl.Expr:
    """A decimal number with a comma; whole numbers without one."""
    text = pl.col(column).fill_nan(None).cast(pl.String).str.replace(r"\.0$", "").str.replace(".", ",", literal=True)
    return text.alias(column)


class Gr:
    """The feeds of a chunk. Ids are opaque: a letter and twelve hexadecimal digits."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng

    def id(self, frame: pl.DataFrame, letter: str, column: str = "_entity") -> pl.Series:
        """The id of the entity in a column; null where it is -1."""
        numbers = frame[column].to_numpy() + 1 + self.world.chunk * 1_000_000
        text = letter + opaque(numbers, ord(letter))
        return pl.select(pl.when(pl.Series(frame[column].to_numpy() >= 0)).then(text)).to_series().alias(column)

    def rows(self) -> list[Rows]:
        clinic, molecular = self.world.clinic, self.world.molecular
        return [
            self.patient(),
            self.tumour(self.seen(clinic.tumour)),
            self.event(self.seen(clinic.event)),
            self.line(self.seen(clinic.line)),
            self.drug(self.seen(clinic.drug)),
            self.surgery(self.seen(clinic.surgery)),
            self.radiotherapy(self.seen(clinic.radiotherapy)),
            self.lab(self.seen(molecular.lab)),
            self.response(self.seen(clinic.response)),
            self.toxicity(self.seen(clinic.toxicity)),
            self.biomarker(self.seen(molecular.biomarker)),
            self.trial(self.seen(clinic.line)),
            self.sample(self.seen(molecular.sample)),
            self.analysis(self.seen(molecular.analysis)),
            self.variant(self.seen(molecular.variant)),
            *stays(self.world),
        ]

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        return self.world.seen(table, "gr")

    def patient(self) -> Rows:
        frame = Sightings.of(self.world, "gr").frame
        unknown_day = pl.col("_record") % 50 == 7
        cause = pl.Series(pick(self.rng, ("TUMEUR", "TOXICITE", "AUTRE_CANCER", "AUTRE", "NSP"), (0.8, 0.02, 0.03, 0.1, 0.05), len(self.world.records)))
        department = pl.Series(pick(self.rng, DEPARTMENTS, np.arange(len(DEPARTMENTS), 0, -1), len(self.world.records)))
        frame = frame.with_columns(cause[frame["_record"]].alias("cause"), department[frame["_record"]].alias("department"))
        return Rows(
            HOSPITAL.feed("patient"),
            frame.select(
                "_entity",
                "_record",
                "_round",
                "_pid",
                "dead",
                ID_LIEN="token",
                SEXE=pl.when("woman").then(pl.lit("F")).otherwise(pl.lit("M")),
                DATE_NAISSANCE=day("birth"),
                DEPT_RESIDENCE=pl.col("department"),
                STATUT_VITAL=pl.when("dead").then(pl.lit("D")).when(pl.col("lost") & (pl.col("_round") % 2 == 1)).then(pl.lit("PDV")).otherwise(pl.lit("V")),
                DATE_DERNIERES_NOUVELLES=day("news"),
                DATE_DECES=pl.when(pl.col("dead") & ~unknown_day).then(day("death")),
                CAUSE_DECES=pl.when("dead").then("cause"),
                _news=pl.col("news"),
                _death=pl.when(pl.col("dead") & ~unknown_day).then("death"),
                _status=pl.when("dead").then(pl.lit("deceased")).otherwise(pl.lit("alive")),
            ),
            counts={"person": "_one"},
        )

    def tumour(self, seen: pl.DataFrame) -> Rows:
        month = (pl.col("_entity") % 40 == 3) & (pl.col("rank") == 1)
        written = pl.col("diagnosis").cast(pl.Int32).cast(pl.Date)
        middle = written.dt.truncate("1mo").dt.offset_by("14d").cast(pl.Int32).cast(pl.Int64)
        return Rows(
            HOSPITAL.feed("tumour"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "T").alias("ID_TUMEUR"),
                RANG=pl.col("rank").cast(pl.String),
                DATE_DIAG=pl.when(month).then(written.dt.strftime("%m/%Y")).otherwise(written.dt.strftime("%d/%m/%Y")),
                BASE_DIAG=pl.col("basis"),
                CODE_CIM10=pl.col("icd10"),
                TOPO_CIMO3=pl.col("topography"),
                MORPHO_CIMO3=pl.col("morphology"),
                LATERALITE=pl.col("side").replace(SIDES),
                TNM_TYPE=pl.when(pl.col("t").is_not_null()).then("classification"),
                TNM_VERSION=pl.when(pl.col("t").is_not_null()).then("edition"),
                T=pl.col("t"),
                N=pl.col("n"),
                M=pl.col("m"),
                STADE=pl.col("stage"),
                GRADE_TYPE=pl.when(pl.col("grade").is_not_null()).then("grade_system"),
                GRADE=pl.col("grade"),
                OMS_DIAG=pl.col("performance").cast(pl.String),
                META_DIAG=yes("metastatic"),
                DIAG_CENTRE=yes("here"),
                _diagnosis=pl.when(month).then(middle).otherwise("diagnosis"),
                _precision=pl.when(month).then(pl.lit("month")).otherwise(pl.lit("day")),
                _staging=(pl.any_horizontal(pl.col("t", "n", "m", "stage").is_not_null())).cast(pl.Int8),
                _grade=pl.col("grade").is_not_null().cast(pl.Int8),
                _performance=pl.col("performance").is_not_null().cast(pl.Int8),
            ),
            counts={"primary_cancer": "_one", "staging": "_staging", "grade": "_grade", "performance_status": "_performance"},
        )

    def event(self, seen: pl.DataFrame) -> Rows:
        month = pl.col("_entity") % 12 == 5
        written = pl.col("day").cast(pl.Int32).cast(pl.Date)
        return Rows(
            HOSPITAL.feed("event"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "E").alias("ID_EVT"),
                self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
                TYPE_EVT=pl.col("kind").replace(EVENTS),
                DATE_EVT=pl.when(month).then(written.dt.strftime("%m/%Y")).otherwise(written.dt.strftime("%d/%m/%Y")),
                TOPO_CIMO3=pl.col("topography"),
                PREUVE=pl.col("evidence"),
                _tumour=pl.col("tumour"),
            ),
            parents={"tumour": "_tumour"},
            counts={"tumor_event": "_one"},
        )

    def line(self, seen: pl.DataFrame) -> Rows:
        stop = pl.when(pl.col("end") >= 0).then("stop").alias("stop")
        seen = ended(seen.with_columns(stop, pl.col("cycles").cast(pl.String)), "known_end", ("end", "stop", "cycles"), self.world.rounds)
        return Rows(
            HOSPITAL.feed("line"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "L").alias("ID_LIGNE"),
                self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
                NUM_LIGNE=pl.col("number").cast(pl.String),
                LIBELLE_PROTOCOLE=pl.col("label"),
                TYPE_LIGNE=pl.col("setting"),
                INTENTION=pl.col("intent"),
                DATE_DEBUT=day("start"),
                DATE_FIN=day("end"),
                NB_CURES=pl.col("cycles"),
                MOTIF_ARRET=pl.col("stop"),
                CODE_ESSAI=pl.col("trial"),
                _tumour=pl.col("tumour"),
            ),
            parents={"tumour": "_tumour"},
            counts={"treatment_line_src": "_one"},
        )

    def drug(self, seen: pl.DataFrame) -> Rows:
        known = drugs()
        named = {what: {atc: getattr(each, what) for atc, each in known.items()} for what in ("dci", "label", "unit", "route", "ucd")}
        code = pl.col("atc").replace(named["ucd"])
        return Rows(
            HOSPITAL.feed("drug"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "A").alias("ID_ADMIN"),
                self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
                self.id(seen, "L", "line").alias("ID_LIGNE"),
                PROTOCOLE=pl.lit(None, pl.String),
                CURE=pl.col("cycle").cast(pl.String),
                JOUR=pl.lit("1"),
                CODE_UCD=pl.when(pl.col("_entity") % 3 > 0).then(code),
                LIBELLE_UCD=pl.col("atc").replace(named["label"]),
                DCI=pl.col("atc").replace(named["dci"]),
                CODE_ATC=pl.when(pl.col("_entity") % 11 > 0).then("atc"),
                DOSE_PRESCRITE=comma("dose"),
                DOSE_ADMIN=comma("given"),
                UNITE=pl.col("atc").replace(named["unit"]),
                VOIE=pl.col("atc").replace(named["route"]),
                DATE_ADMIN=day("day"),
                STATUT=pl.col("status"),
                CODE_INDICATION=pl.when(pl.col("_entity") % 5 == 0).then(pl.lit("I000123")),
                _tumour=pl.col("tumour"),
            ),
            parents={"tumour": "_tumour"},
            counts={"drug_administration": "_one"},
        )

    def surgery(self, seen: pl.DataFrame) -> Rows:
        # Activity 4 is the anaesthesia of the same act, reported for every other operation.
        asleep = seen.filter(pl.col("_entity") % 2 == 0).with_columns(_entity=pl.col("_entity") + 500_000, activity=pl.lit("4"))
        seen = pl.concat([seen.with_columns(activity=pl.lit("1")), asleep])
        return Rows(
            HOSPITAL.feed("surgery"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "C").alias("ID_ACTE"),
                self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
                DATE_ACTE=day("day"),
                CODE_CCAM=pl.col("ccam"),
                ACTIVITE=pl.col("activity"),
                LIBELLE=pl.col("label"),
                RESECTION=pl.when(pl.col("activity") == "1").then("resection"),
                _tumour=pl.col("tumour"),
            ),
            parents={"tumour": "_tumour"},
            counts={"surgery": "_one"},
        )

    def radiotherapy(self, seen: pl.DataFrame) -> Rows:
        total = pl.col("dose") * pl.col("sessions")
        return Rows(
            HOSPITAL.feed("radiotherapy"),
            seen.with_columns(total=total).select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "R").alias("ID_COURSE"),
                self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
                INTENTION=pl.when("palliative").then(pl.lit("PALLIATIF")).otherwise(pl.lit("CURATIF")),
                TECHNIQUE=pl.col("technique"),
                VOLUME=pl.when(pl.col("palliative")).then(pl.lit("Métastase")).otherwise(pl.lit("Lit tumoral")),
                DOSE_FRACTION_GY=comma("dose"),
                NB_FRACTIONS_PREVU=pl.col("sessions").cast(pl.String),
                NB_FRACTIONS_REALISE=pl.col("sessions").cast(pl.String),
                DOSE_TOTALE_GY=comma("total"),
                DATE_DEBUT=day("start"),
                DATE_FIN=day("end"),
                MOTIF_ARRET=pl.when(pl.col("_entity") % 3 == 0).then(pl.lit("FIN_PROTOCOLE")),
                _tumour=pl.col("tumour"),
            ),
            parents={"tumour": "_tumour"},
            counts={"radiotherapy_course": "_one"},
        )

    def lab(self, seen: pl.DataFrame) -> Rows:
        what = {name: {code: values[place] for code, values in LABS.items()} for place, name in enumerate(("label", "loinc", "unit", "low", "high"))}
        clock = pl.format("{}:{}", (pl.col("minute") // 60).cast(pl.String).str.zfill(2), (pl.col("minute") % 60).cast(pl.String).str.zfill(2))
        bounds = {side: {code: f"{values[place]:g}".replace(".", ",") for code, values in LABS.items()} for side, place in (("low", 3), ("high", 4))}
        return Rows(
            HOSPITAL.feed("lab"),
            seen.select(
                "_entity",
                "_record",
                "_round",
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
            ),
            counts={"lab_result": "_one"},
        )

    def response(self, seen: pl.DataFrame) -> Rows:
        return Rows(
            HOSPITAL.feed("response"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "V").alias("ID_EVAL"),
                self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
                self.id(seen, "L", "line").alias("ID_LIGNE"),
                DATE_EVAL=day("day"),
                METHODE=pl.when(pl.col("size").is_nan()).then(pl.lit("CLINIQUE")).otherwise(pl.lit("RECIST11")),
                SOMME_CIBLES_MM=comma("size"),
                NB_CIBLES=pl.when(~pl.col("size").is_nan()).then(pl.lit("2")),
                NOUVELLE_LESION=yes("lesion"),
                REPONSE=pl.col("response").replace(RESPONSES),
                _tumour=pl.col("tumour"),
            ),
            parents={"tumour": "_tumour"},
            counts={"response_assessment": "_one"},
        )

    def toxicity(self, seen: pl.DataFrame) -> Rows:
        return Rows(
            HOSPITAL.feed("toxicity"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "X").alias("ID_EI"),
                self.id(seen, "L", "line").alias("ID_LIGNE"),
                TERME_CTCAE=pl.col("term"),
                CODE_MEDDRA=pl.when(pl.col("_entity") % 2 == 0).then("meddra"),
                GRADE=pl.col("grade").cast(pl.String),
                GRAVE=pl.when(pl.col("grade") >= 4).then(pl.lit("O")).otherwise(pl.lit("N")),
                IMPUTABILITE=pl.col("related"),
                DATE_DEBUT=day("day"),
                DATE_FIN=day("end"),
            ),
            counts={"adverse_event": "_one"},
        )

    def biomarker(self, seen: pl.DataFrame) -> Rows:
        return Rows(
            HOSPITAL.feed("biomarker"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "B").alias("ID_BM"),
                self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
                MARQUEUR=pl.col("marker"),
                RESULTAT=pl.col("result"),
                VALEUR=pl.col("value"),
                UNITE=pl.when(pl.col("value").is_not_null()).then(pl.lit("%")),
                METHODE=pl.col("method"),
                DATE_RESULTAT=day("day"),
                _tumour=pl.col("tumour"),
            ),
            parents={"tumour": "_tumour"},
            counts={"biomarker": "_one"},
        )

    def trial(self, lines: pl.DataFrame) -> Rows:
        seen = ended(lines.filter(pl.col("trial").is_not_null()).with_columns(off="end"), "known_end", ("off", "stop"), self.world.rounds)
        stopped = pl.col("off") >= 0
        return Rows(
            HOSPITAL.feed("trial"),
            seen.with_columns(consent=pl.col("start") - 12, screening=pl.col("start") - 8, included=pl.col("start") - 1).select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "I").alias("ID_INCLUSION"),
                CODE_ESSAI=pl.col("trial"),
                NCT=pl.col("trial").replace({code: nct for code, (nct, _) in TRIALS.items()}),
                PHASE=pl.col("trial").replace({code: phase for code, (_, phase) in TRIALS.items()}),
                BRAS=pl.when(pl.col("_entity") % 2 == 0).then(pl.lit("A")).otherwise(pl.lit("B")),
                DATE_CONSENTEMENT=day("consent"),
                DATE_SCREENING=day("screening"),
                DATE_INCLUSION=day("included"),
                DATE_C1J1=day("start"),
                DLT=pl.when(pl.col("trial") == "ONC-101").then(pl.lit("N")),
                DATE_SORTIE=pl.when(stopped).then(day("off")),
                MOTIF_SORTIE=pl.when(stopped).then("stop"),
                ECHEC_SCREENING=pl.lit("N"),
            ),
            counts={"trial_enrollment": "_one"},
        )

    def sample(self, seen: pl.DataFrame) -> Rows:
        return Rows(
            HOSPITAL.feed("sample"),
            seen.select(
                "_entity",
                "_record",
                "_round",
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
                _parent=pl.col("parent"),
            ),
            parents={"sample": "_parent"},
            counts={"specimen": "_one"},
            scope="sample",
        )

    def analysis(self, seen: pl.DataFrame) -> Rows:
        return Rows(
            HOSPITAL.feed("analysis"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                self.id(seen, "N").alias("ID_ANALYSE"),
                self.id(seen, "P", "sample").alias("ID_PRELEV"),
                self.id(seen, "P", "normal").alias("ID_PRELEV_NORMAL"),
                TYPE_ANALYSE=pl.when(pl.col("panel") == "WES").then(pl.lit("EXOME")).otherwise(pl.lit("PANEL")),
                CODE_PANEL=pl.col("panel").replace(PANELS),
                GENOME=pl.lit("GRCh37"),
                PIPELINE=pl.lit("onco-flow 3.1"),
                DATE_ANALYSE=day("day"),
                _sample=pl.col("sample"),
                _panel=pl.col("panel").replace(PANELS),
            ),
            parents={"sample": "_sample"},
            counts={"molecular_analysis": "_one"},
            scope="molecular",
        )

    def variant(self, seen: pl.DataFrame) -> Rows:
        frame = maf(seen, "GR", self.id(seen, "P", "sample"), self.id(seen, "P", "normal"))
        return Rows(
            HOSPITAL.feed("variant"),
            frame.with_columns(self.id(seen, "N", "analysis").alias("ID_ANALYSE"), seen["analysis"].alias("_analysis"), seen["sample"].alias("_sample")),
            parents={"analysis": "_analysis"},
            counts={"variant": "_one"},
            scope="molecular",
            own_patient=False,
        )


def maf(seen: pl.DataFrame, center: str, sample: pl.Series, normal: pl.Series) -> pl.DataFrame:
    """The columns of a Mutation Annotation Format file, as text."""
    single = pl.col("reference").str.len_chars() == 1
    return seen.select(
        "_entity",
        "_record",
        "_round",
        Hugo_Symbol=pl.col("gene"),
        Entrez_Gene_Id=pl.lit("0"),
        Center=pl.lit(center),
        NCBI_Build=pl.lit("GRCh37"),
        Chromosome=pl.col("chromosome"),
        Start_Position=pl.col("start").cast(pl.String),
        End_Position=pl.col("end").cast(pl.String),
        Strand=pl.lit("+"),
        Variant_Classification=pl.col("kind"),
        Variant_Type=pl.when(pl.col("alternate") == "-").then(pl.lit("DEL")).when(pl.col("reference") == "-").then(pl.lit("INS")).when(single).then(pl.lit("SNP")).otherwise(pl.lit("DEL")),
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
        _gene=pl.col("gene"),
    )


def panel() -> pl.DataFrame:
    """The whole list of panels, the same in every delivery."""
    pairs = [(PANELS[name], "1", gene) for name, members in panel_genes().items() for gene in members]
    return pl.DataFrame(pairs, schema=["CODE_PANEL", "VERSION", "GENE"], orient="row")


def rights(world: World, windows: list[int], rng: np.random.Generator) -> pl.DataFrame:
    """Who was informed, objects, and took it back, with the round from which the list says so; `windows` are the days rounds end."""
    own = world.records
    mine = np.flatnonzero((own.center == 0) & ((own.opposed < world.rounds) | (own.informed < world.rounds)))
    stated = own.opposed[mine] < world.rounds
    since = np.where(stated, own.opposed[mine], own.informed[mine])
    ends = np.array([*windows, *windows[-1:]])
    spoken = ends[np.minimum(since, world.rounds)] - rng.integers(1, 60, size=len(mine))
    lifted = ends[np.minimum(own.lifted[mine], world.rounds)] - rng.integers(0, 40, size=len(mine))
    frame = pl.DataFrame(
        {
            "_record": mine,
            "_round": since,
            "_lifted": own.lifted[mine],
            "ID_PATIENT": pl.Series(own.pseudonym)[mine],
            "scope": own.scope[mine].tolist(),
            "asked": spoken - 20,
            "spoken": spoken,
            "lifted": lifted,
            "CANAL": pick(rng, ("COURRIER", "PORTAIL", "CONSULTATION"), (0.3, 0.4, 0.3), len(mine)).tolist(),
            "stated": stated,
            "told": chance(rng, 0.95, len(mine)),
        },
        strict=False,
    )
    scopes = {"all": "TOUT", "genetics": "GENETIQUE", "samples": "ECHANTILLONS", "industry": "INDUSTRIEL"}
    return frame.select(
        "_record",
        "_round",
        "_lifted",
        "ID_PATIENT",
        INFORME=pl.when("told").then(pl.lit("O")).otherwise(pl.lit("N")),
        DATE_INFORMATION=day("asked"),
        PORTEE=pl.when("stated").then(pl.col("scope").replace(scopes)),
        DATE_OPPOSITION=pl.when("stated").then(day("spoken")),
        _lift_date=day("lifted"),
        CANAL=pl.col("CANAL"),
        _stated=pl.col("stated"),
    )


def rights_at(rights: pl.DataFrame, round_: int) -> pl.DataFrame:
    """The list as it stands in a delivery."""
    lifted = pl.col("_lifted") <= round_
    return rights.filter(pl.col("_round") <= round_).with_columns(
        OPPOSITION=pl.when(pl.col("_stated") & ~lifted).then(pl.lit("O")).otherwise(pl.lit("N")),
        DATE_LEVEE=pl.when(lifted & pl.col("_stated")).then("_lift_date"),
    )


def cut_off_days(ends: tuple) -> list[int]:
    return [day_number(end) for end in ends]
