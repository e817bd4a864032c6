"""The world as Gustave Roussy writes it: patients, tumours and their treatment in French CSV tables."""

import numpy as np
import polars as pl

from jobs.simulate.draw import pick
from jobs.simulate.facts import drugs
from jobs.simulate.gr_base import comma, day, yes
from jobs.simulate.gr_biology import Biology
from jobs.simulate.gr_stays import stays
from jobs.simulate.rows import Rows, Sightings, date_of, either, ended

SIDES = {"right": "D", "left": "G", "bilateral": "B", "none": "NA"}
EVENTS = {"metastasis": "METASTASE", "recurrence": "RECIDIVE", "progression": "PROGRESSION"}
DEPARTMENTS = ("94", "75", "92", "91", "93", "77", "78", "95", "45", "2A", "971", "99")


class Gr(Biology):
    """The feeds of a chunk."""

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

    def patient(self) -> Rows:
        frame = Sightings.of(self.world, "gr").frame
        unknown_day = pl.col("_record") % 50 == 7
        cause = pl.Series(
            pick(
                self.rng,
                ("TUMEUR", "TOXICITE", "AUTRE_CANCER", "AUTRE", "NSP"),
                (0.8, 0.02, 0.03, 0.1, 0.05),
                len(self.world.records),
            )
        )
        department = pl.Series(pick(self.rng, DEPARTMENTS, np.arange(len(DEPARTMENTS), 0, -1), len(self.world.records)))
        frame = frame.with_columns(cause[frame["_record"]].alias("cause"), department[frame["_record"]].alias("department"))
        return self.sent(
            "patient",
            frame,
            "_pid",
            "dead",
            ID_LIEN="token",
            SEXE=either("woman", "F", "M"),
            DATE_NAISSANCE=day("birth"),
            DEPT_RESIDENCE=pl.col("department"),
            STATUT_VITAL=pl.when("dead")
            .then(pl.lit("D"))
            .when(pl.col("lost") & (pl.col("_round") % 2 == 1))
            .then(pl.lit("PDV"))
            .otherwise(pl.lit("V")),
            DATE_DERNIERES_NOUVELLES=day("news"),
            DATE_DECES=pl.when(pl.col("dead") & ~unknown_day).then(day("death")),
            CAUSE_DECES=pl.when("dead").then("cause"),
            _news="news",
            _death=pl.when(pl.col("dead") & ~unknown_day).then("death"),
            _status=either("dead", "deceased", "alive"),
            counts={"person": "_one"},
        )

    def tumour(self, seen: pl.DataFrame) -> Rows:
        month = (pl.col("_entity") % 40 == 3) & (pl.col("rank") == 1)
        written = date_of("diagnosis")
        middle = written.dt.truncate("1mo").dt.offset_by("14d").cast(pl.Int32).cast(pl.Int64)
        return self.sent(
            "tumour",
            seen,
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
            _precision=either(month, "month", "day"),
            _staging=(pl.any_horizontal(pl.col("t", "n", "m", "stage").is_not_null())).cast(pl.Int8),
            _grade=pl.col("grade").is_not_null().cast(pl.Int8),
            _performance=pl.col("performance").is_not_null().cast(pl.Int8),
            counts={"primary_cancer": "_one", "staging": "_staging", "grade": "_grade", "performance_status": "_performance"},
        )

    def event(self, seen: pl.DataFrame) -> Rows:
        month = pl.col("_entity") % 12 == 5
        written = date_of("day")
        return self.sent(
            "event",
            seen,
            self.id(seen, "E").alias("ID_EVT"),
            self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
            TYPE_EVT=pl.col("kind").replace(EVENTS),
            DATE_EVT=pl.when(month).then(written.dt.strftime("%m/%Y")).otherwise(written.dt.strftime("%d/%m/%Y")),
            TOPO_CIMO3=pl.col("topography"),
            PREUVE=pl.col("evidence"),
            parents={"tumour": "tumour"},
            counts={"tumor_event": "_one"},
        )

    def line(self, seen: pl.DataFrame) -> Rows:
        stop = pl.when(pl.col("end") >= 0).then("stop").alias("stop")
        seen = ended(
            seen.with_columns(stop, pl.col("cycles").cast(pl.String)), "known_end", ("end", "stop", "cycles"), self.world.rounds
        )
        return self.sent(
            "line",
            seen,
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
            parents={"tumour": "tumour"},
            counts={"treatment_line_src": "_one"},
        )

    def drug(self, seen: pl.DataFrame) -> Rows:
        known = drugs()
        named = {
            what: {atc: getattr(each, what) for atc, each in known.items()} for what in ("dci", "label", "unit", "route", "ucd")
        }
        code = pl.col("atc").replace(named["ucd"])
        return self.sent(
            "drug",
            seen,
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
            parents={"tumour": "tumour"},
            counts={"drug_administration": "_one"},
        )

    def surgery(self, seen: pl.DataFrame) -> Rows:
        # Activity 4 is the anaesthesia of the same act, reported for every other operation.
        asleep = seen.filter(pl.col("_entity") % 2 == 0).with_columns(_entity=pl.col("_entity") + 500_000, activity=pl.lit("4"))
        seen = pl.concat([seen.with_columns(activity=pl.lit("1")), asleep])
        return self.sent(
            "surgery",
            seen,
            self.id(seen, "C").alias("ID_ACTE"),
            self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
            DATE_ACTE=day("day"),
            CODE_CCAM=pl.col("ccam"),
            ACTIVITE=pl.col("activity"),
            LIBELLE=pl.col("label"),
            RESECTION=pl.when(pl.col("activity") == "1").then("resection"),
            parents={"tumour": "tumour"},
            counts={"surgery": "_one"},
        )

    def radiotherapy(self, seen: pl.DataFrame) -> Rows:
        total = pl.col("dose") * pl.col("sessions")
        return self.sent(
            "radiotherapy",
            seen.with_columns(total=total),
            self.id(seen, "R").alias("ID_COURSE"),
            self.id(seen, "T", "tumour").alias("ID_TUMEUR"),
            INTENTION=either("palliative", "PALLIATIF", "CURATIF"),
            TECHNIQUE=pl.col("technique"),
            VOLUME=either(pl.col("palliative"), "Métastase", "Lit tumoral"),
            DOSE_FRACTION_GY=comma("dose"),
            NB_FRACTIONS_PREVU=pl.col("sessions").cast(pl.String),
            NB_FRACTIONS_REALISE=pl.col("sessions").cast(pl.String),
            DOSE_TOTALE_GY=comma("total"),
            DATE_DEBUT=day("start"),
            DATE_FIN=day("end"),
            MOTIF_ARRET=pl.when(pl.col("_entity") % 3 == 0).then(pl.lit("FIN_PROTOCOLE")),
            parents={"tumour": "tumour"},
            counts={"radiotherapy_course": "_one"},
        )
