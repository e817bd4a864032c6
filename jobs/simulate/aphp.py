"""The world as AP-HP writes it: a change feed of OMOP tables, typed for Parquet."""

import numpy as np
import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.draw import opaque
from jobs.simulate.facts import drugs, sites
from jobs.simulate.gr_stays import SECONDARY
from jobs.simulate.molecular import LABS
from jobs.simulate.rows import CHUNK_NUMBERS, Rows, Sightings, World, ended

HOSPITAL = hospitals()["aphp"]
EVENTS = {"metastasis": "METASTASE", "recurrence": "RECIDIVE", "progression": "PROGRESSION"}
CONCEPTS = {"PRIMITIF": 32528, "RECIDIVE": 32529, "METASTASE": 32946, "PROGRESSION": 32949, "LIGNE": 32531, "REPONSE": 32947}
RESPONSES = {"CR": "RC", "PR": "RP", "SD": "ST", "PD": "PD", "NE": "NE"}
NATURES = {"SANG": "Sang", "ADN": "ADN", "TISSU_CONGELE": "Tissu congelé", "TISSU_FFPE": "Tissu congelé"}
MARKERS = ("RE", "RP", "HER2", "MSI", "KRAS", "BRAF", "EGFR", "IDH1", "P16")
UNITS = {"mg/j": "mg/day"}
# Sites that code tumours, then sites that send PMSI codes only.
MART_SITES, PLAIN_SITES = (7501, 7502), (7503, 7504)
RANGE = CHUNK_NUMBERS // 8
UNKNOWN_DAY = "2999-12-31"
MINUTE = 60_000_000


def moment(column: str, hour: int = 0) -> pl.Expr:
    """Civil time without zone on the day in a column; null where it is negative."""
    chosen = pl.when(pl.col(column) >= 0).then(pl.col(column)).cast(pl.Int32).cast(pl.Date).cast(pl.Datetime("us"))
    return chosen.dt.offset_by(f"{hour}h").alias(column)


class Aphp:
    """The feeds of a chunk. `op` and `extract_ts` come when a row is sent."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world, self.rng = world, rng

    def rows(self) -> list[Rows]:
        clinic, molecular = self.world.clinic, self.world.molecular
        stay, tumour, line = self.seen(clinic.stay), self.seen(clinic.tumour), self.seen(clinic.line)
        drug, response, event = self.seen(clinic.drug), self.seen(clinic.response), self.seen(clinic.event)
        return [
            self.patient(),
            self.visit(stay),
            self.condition(stay),
            self.procedure(self.seen(clinic.surgery), self.seen(clinic.radiotherapy)),
            self.drug(drug),
            self.measurement(self.seen(molecular.lab), self.seen(molecular.biomarker), tumour),
            self.episode(tumour, event, line, response),
            self.episode_link(drug, tumour),
            self.sample(self.seen(molecular.sample)),
        ]

    def seen(self, table: pl.DataFrame) -> pl.DataFrame:
        return self.world.seen(table, "aphp").with_columns(cdm_source=pl.lit("ORBIS"))

    def mart(self, frame: pl.DataFrame) -> pl.Series:
        return pl.Series(self.world.records.mart)[frame["_record"]]

    def patient(self) -> Rows:
        frame = Sightings.of(self.world, "aphp", only_deaths=True).frame
        unknown_day = pl.col("_record") % 50 == 7
        birth = pl.col("birth").cast(pl.Int32).cast(pl.Date)
        known = pl.when("dead").then(
            pl.when(unknown_day).then(pl.lit(UNKNOWN_DAY).str.to_datetime(time_unit="us")).otherwise(moment("death"))
        )
        return Rows(
            HOSPITAL.feed("patient"),
            frame.select(
                "_entity",
                "_record",
                "_round",
                "_pid",
                year_of_birth=birth.dt.year().cast(pl.Int64),
                month_of_birth=birth.dt.month().cast(pl.Int64),
                birth_datetime=moment("birth"),
                death_datetime=known,
                gender_source_value=pl.when("woman").then(pl.lit("f")).otherwise(pl.lit("m")),
                location_id=pl.lit(None, pl.Int64),
                link_token=pl.col("token"),
                cdm_source=pl.lit("ORBIS"),
                _death=pl.when(pl.col("dead") & ~unknown_day).then("death"),
                _news=pl.lit(None, pl.Int64),
                _status=pl.when("dead").then(pl.lit("deceased")).otherwise(pl.lit("alive")),
            ),
            counts={"person": "_one"},
        )

    def visit(self, stay: pl.DataFrame) -> Rows:
        site = pl.when(self.mart(stay)).then(pl.col("_record") % 2 + MART_SITES[0]).otherwise(pl.col("_record") % 2 + PLAIN_SITES[0])
        kinds = {"surgery": "hospitalisés", "relapse": "hospitalisés", "consult": "consultation externe"}
        number = pl.Series(opaque(stay["_entity"].to_numpy() + self.world.chunk * CHUNK_NUMBERS, 21)).str.to_uppercase()
        return Rows(
            HOSPITAL.feed("visit"),
            stay.select(
                "_entity",
                "_record",
                "_round",
                number.alias("stay_source_value"),
                "cdm_source",
                visit_occurrence_id=self.world.number("_entity"),
                care_site_id=site.cast(pl.Int64),
                visit_start_datetime=moment("entry", 9),
                visit_end_datetime=pl.when(pl.col("_entity") % 30 > 0).then(moment("exit", 17)),
                visit_source_value=pl.col("kind").replace_strict(kinds, default="hospitalisation incomplète"),
                admitted_from_source_value=pl.lit("8"),
                discharge_to_source_value=pl.lit("8"),
                _starts=pl.col("entry"),
                _ends=pl.when(pl.col("_entity") % 30 > 0).then("exit"),
            ),
            counts={"encounter": "_one"},
        )

    def condition(self, stay: pl.DataFrame) -> Rows:
        """The diagnoses of every stay: main, related (sessions), associated. Some have no date: that of the visit counts."""
        cancer = pl.Series([site.icd10.replace(".", "") for site in sites()])[self.world.clinic.tumour["site"]][stay["tumour"]]
        stay = stay.filter(pl.col("kind") != "consult").with_columns(cancer.filter(stay["kind"] != "consult").alias("cancer"))
        session = pl.col("kind").is_in(["chemo", "radio"])
        parts = {
            "DP": pl.when(pl.col("kind") == "chemo").then(pl.lit("Z511")).when(pl.col("kind") == "radio").then(pl.lit("Z5101")).otherwise("cancer"),
            "DR": pl.when(session).then("cancer"),
            "DAS": pl.when(pl.col("place").is_not_null()).then(pl.col("place").replace_strict(SECONDARY, default="C798")).when("comorbid").then(pl.lit("I10")),
        }
        found = pl.concat(
            [
                stay.with_columns(code=code, status=pl.lit(status), visit=pl.col("_entity"), _entity=pl.col("_entity") * 3 + place)
                for place, (status, code) in enumerate(parts.items())
            ]
        ).filter(pl.col("code").is_not_null())
        dated = pl.col("_entity") % 20 > 0
        return Rows(
            HOSPITAL.feed("condition"),
            found.select(
                "_entity",
                "_record",
                "_round",
                "cdm_source",
                condition_occurrence_id=self.world.number("_entity"),
                visit_occurrence_id=self.world.number("visit"),
                condition_start_datetime=pl.when(dated).then(moment("entry", 9)),
                condition_source_value=pl.col("code"),
                condition_status_source_value=pl.col("status"),
                _code=pl.col("code"),
                _visit=pl.col("visit"),
                _day=pl.col("entry"),
                _dated=dated,
            ),
            counts={"diagnosis_coded": "_one"},
        )

    def procedure(self, surgery: pl.DataFrame, radiotherapy: pl.DataFrame) -> Rows:
        acts = surgery.select(
            "_entity",
            "_record",
            "_round",
            "cdm_source",
            procedure_datetime=moment("day", 11),
            procedure_end_datetime=pl.lit(None, pl.Datetime("us")),
            procedure_source_value=pl.col("ccam"),
            procedure_type_source_value=pl.lit("CHIRURGIE"),
            quantity=pl.lit(1, pl.Int64),
            _surgery=pl.lit(1, pl.Int8),
            _course=pl.lit(0, pl.Int8),
        )
        rays = radiotherapy.select(
            "_record",
            "_round",
            "cdm_source",
            _entity=pl.col("_entity") + RANGE,
            procedure_datetime=moment("start", 10),
            procedure_end_datetime=moment("end", 10),
            procedure_source_value=pl.lit("ZZNL050"),
            procedure_type_source_value=pl.lit("RADIOTHERAPIE"),
            quantity=pl.col("sessions").cast(pl.Int64),
            _surgery=pl.lit(0, pl.Int8),
            _course=pl.lit(1, pl.Int8),
        )
        both = pl.concat([acts, rays], how="diagonal").with_columns(
            procedure_occurrence_id=self.world.number("_entity"),
            visit_occurrence_id=pl.lit(None, pl.Int64),
            modifier_source_value=pl.lit("1"),
        )
        return Rows(
            HOSPITAL.feed("procedure"), both, counts={"procedure_coded": "_one", "surgery": "_surgery", "radiotherapy_course": "_course"}
        )

    def drug(self, seen: pl.DataFrame) -> Rows:
        known = drugs()
        unit = {atc: UNITS.get(each.unit, each.unit) for atc, each in known.items()}
        return Rows(
            HOSPITAL.feed("drug"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                "cdm_source",
                drug_exposure_id=self.world.number("_entity"),
                visit_occurrence_id=pl.lit(None, pl.Int64),
                drug_exposure_start_datetime=moment("day", 10),
                drug_exposure_end_datetime=pl.when(pl.col("_entity") % 2 == 0).then(moment("day", 12)),
                drug_source_value=pl.col("atc").replace({atc: each.label for atc, each in known.items()}),
                drug_class_source_value=pl.when(pl.col("_entity") % 11 > 0).then("atc"),
                quantity=pl.col("given").fill_nan(None),
                dose_unit_source_value=pl.col("atc").replace(unit),
                route_source_value=pl.col("atc").replace({atc: each.route for atc, each in known.items()}),
                drug_type_source_value=pl.when(pl.col("_entity") % 6 == 0).then(pl.lit("prescription")).otherwise(pl.lit("administration")),
                row_status_source_value=pl.when(pl.col("status") == "ANNULE").then(pl.lit("Annulé")).otherwise(pl.lit("Validé")),
            ),
            counts={"drug_administration": "_one"},
        )

    def measurement(self, lab: pl.DataFrame, biomarker: pl.DataFrame, tumour: pl.DataFrame) -> Rows:
        """Laboratory results, receptors, and what qualifies a tumour (of sites with an oncology mart)."""
        results = lab.select(
            "_entity",
            "_record",
            "_round",
            cdm_source=pl.lit("GLIMS"),
            measurement_datetime=moment("day").dt.offset_by(pl.format("{}m", "minute")),
            measurement_type_source_value=pl.lit("BIOLOGIE"),
            measurement_source_value=pl.col("code"),
            value_as_number=pl.col("value"),
            unit_source_value=pl.col("code").replace({code: values[2] for code, values in LABS.items()}),
            range_low=pl.col("code").replace_strict({code: values[3] for code, values in LABS.items()}, return_dtype=pl.Float64),
            range_high=pl.col("code").replace_strict({code: values[4] for code, values in LABS.items()}, return_dtype=pl.Float64),
            _lab=pl.lit(True),
        )
        markers = biomarker.filter(pl.col("marker").is_in(MARKERS)).select(
            "_record",
            "_round",
            _entity=pl.col("_entity") + RANGE,
            cdm_source=pl.lit("ANAPATH"),
            measurement_datetime=moment("day", 8),
            measurement_type_source_value=pl.lit("ANAPATH"),
            measurement_source_value=pl.col("marker"),
            value_as_number=pl.col("value").cast(pl.Float64),
            value_source_value=pl.when(pl.col("value").is_not_null()).then(pl.format("{} {}", "result", "value")).otherwise("result"),
            unit_source_value=pl.when(pl.col("value").is_not_null()).then(pl.lit("%")),
            _biomarker=pl.lit(1, pl.Int8),
        )
        qualified = self._qualifiers(tumour.filter(self.mart(tumour)))
        every = pl.concat([results, markers, qualified], how="diagonal").with_columns(
            measurement_id=self.world.number("_entity"),
            visit_occurrence_id=pl.lit(None, pl.Int64),
            row_status_source_value=pl.lit("Validé"),
            _lab=pl.col("_lab").fill_null(False),
            _result=pl.col("_lab").fill_null(False).cast(pl.Int8),
            _biomarker=pl.col("_biomarker").fill_null(0),
            _grade=pl.col("_grade").fill_null(0),
            _performance=pl.col("_performance").fill_null(0),
        )
        return Rows(
            HOSPITAL.feed("measurement"),
            every,
            counts={"lab_result": "_result", "biomarker": "_biomarker", "grade": "_grade", "performance_status": "_performance"},
            distinct={"staging": "_staged"},
        )

    def _qualifiers(self, tumour: pl.DataFrame) -> pl.DataFrame:
        """T, N, M, stage, grade and performance status of a tumour, tied to the diagnosis of its work-up."""
        workup = self.world.clinic.stay.with_row_index("stay").filter(pl.col("kind") == "workup").select("tumour", "stay")
        stay = dict(zip(workup["tumour"], workup["stay"], strict=True))
        condition = pl.col("_entity").replace_strict(stay, default=None, return_dtype=pl.Int64) * 3
        base = tumour.with_columns(condition=condition)
        what = {
            "TNM-T": pl.format("{}{}", "classification", "t"),
            "TNM-N": pl.format("{}{}", "classification", "n"),
            "TNM-M": pl.col("m"),
            "STADE": pl.col("stage"),
            "GRADE": pl.col("grade"),
            "OMS": pl.col("performance").cast(pl.String),
        }
        parts = [
            base.select(
                "_record",
                "_round",
                _entity=pl.col("_entity") * 6 + place + 2 * RANGE,
                cdm_source=pl.lit("ORBIS"),
                measurement_datetime=pl.max_horizontal(moment("diagnosis", 8), moment("diagnosis", 8)),
                measurement_type_source_value=pl.lit("MODIFICATEUR"),
                measurement_source_value=pl.lit(code),
                value_source_value=value,
                value_as_number=pl.col("performance").cast(pl.Float64) if code == "OMS" else pl.lit(None, pl.Float64),
                measurement_event_id=self.world.number("condition"),
                meas_event_field_concept_id=pl.lit(1147127, pl.Int64),
                _staged=pl.when(pl.lit(code.startswith("TNM") or code == "STADE")).then("condition"),
                _grade=pl.lit(int(code == "GRADE"), pl.Int8),
                _performance=pl.lit(int(code == "OMS"), pl.Int8),
            ).filter(pl.col("value_source_value").is_not_null())
            for place, (code, value) in enumerate(what.items())
        ]
        return pl.concat(parts)

    def episode(self, tumour: pl.DataFrame, event: pl.DataFrame, line: pl.DataFrame, response: pl.DataFrame) -> Rows:
        """Tumours, events, lines and responses of the sites with an oncology mart; each but a tumour has its parent."""
        line = ended(line, "known_end", ("end",), self.world.rounds)
        code = pl.format("{}-{}", "morphology", "topography")
        parts = [
            tumour.select(
                "_entity",
                "_record",
                "_round",
                kind=pl.lit("PRIMITIF"),
                start=pl.col("diagnosis"),
                end=pl.lit(-1, pl.Int64),
                parent=pl.lit(-1, pl.Int64),
                number=pl.lit(1, pl.Int64),
                what=code,
            ),
            event.select(
                "_record",
                "_round",
                _entity=pl.col("_entity") + RANGE,
                kind=pl.col("kind").replace(EVENTS),
                start=pl.col("day"),
                end=pl.lit(-1, pl.Int64),
                parent=pl.col("tumour"),
                number=pl.lit(None, pl.Int64),
                what=pl.col("topography"),
            ),
            line.select(
                "_record",
                "_round",
                _entity=pl.col("_entity") + 2 * RANGE,
                kind=pl.lit("LIGNE"),
                start=pl.col("start"),
                end=pl.col("end"),
                parent=pl.col("tumour"),
                number=pl.col("number"),
                what=pl.col("label"),
            ),
            response.select(
                "_record",
                "_round",
                _entity=pl.col("_entity") + 3 * RANGE,
                kind=pl.lit("REPONSE"),
                start=pl.col("day"),
                end=pl.lit(-1, pl.Int64),
                parent=pl.col("line") + 2 * RANGE,
                number=pl.lit(None, pl.Int64),
                what=pl.col("response").replace(RESPONSES),
            ),
        ]
        every = pl.concat(parts, how="vertical_relaxed")
        every = every.filter(self.mart(every))

        def is_kind(*names: str) -> pl.Expr:
            return pl.col("kind").is_in(names).cast(pl.Int8)

        return Rows(
            HOSPITAL.feed("episode"),
            every.select(
                "_entity",
                "_record",
                "_round",
                episode_id=self.world.number("_entity"),
                episode_concept_id=pl.col("kind").replace_strict(CONCEPTS, return_dtype=pl.Int64),
                episode_source_value=pl.col("kind"),
                episode_start_datetime=moment("start"),
                episode_end_datetime=moment("end"),
                episode_parent_id=pl.when(pl.col("parent") >= 0).then(self.world.number("parent")),
                episode_number=pl.col("number").cast(pl.Int64),
                episode_object_source_value=pl.col("what"),
                cdm_source=pl.lit("ORBIS"),
                _parent=pl.col("parent"),
                _primary=is_kind("PRIMITIF"),
                _event=is_kind("RECIDIVE", "METASTASE", "PROGRESSION"),
                _line=is_kind("LIGNE"),
                _response=is_kind("REPONSE"),
                _diagnosis=pl.when(pl.col("kind") == "PRIMITIF").then("start"),
                _precision=pl.lit("day"),
            ),
            parents={"episode": "_parent"},
            counts={"primary_cancer": "_primary", "tumor_event": "_event", "treatment_line_src": "_line", "response_assessment": "_response"},
        )

    def episode_link(self, drug: pl.DataFrame, tumour: pl.DataFrame) -> Rows:
        """Which drug belongs to which line; which diagnosis to which tumour."""
        workup = self.world.clinic.stay.with_row_index("stay").filter(pl.col("kind") == "workup").select("tumour", "stay")
        stay = dict(zip(workup["tumour"], workup["stay"], strict=True))
        given = drug.filter(self.mart(drug)).select(
            "_entity",
            "_record",
            "_round",
            episode_id=self.world.number(pl.col("line") + 2 * RANGE),
            event_id=self.world.number("_entity"),
            episode_event_field_concept_id=pl.lit(1147094, pl.Int64),
        )
        coded = tumour.filter(self.mart(tumour)).select(
            "_record",
            "_round",
            _entity=pl.col("_entity") + 4 * RANGE,
            episode_id=self.world.number("_entity"),
            event_id=self.world.number(pl.col("_entity").replace_strict(stay, default=None, return_dtype=pl.Int64) * 3),
            episode_event_field_concept_id=pl.lit(1147127, pl.Int64),
        )
        return Rows(HOSPITAL.feed("episode_link"), pl.concat([given, coded], how="diagonal"), own_patient=False, may_be_dirty=False)

    def sample(self, seen: pl.DataFrame) -> Rows:
        accession = "APH-S" + opaque(seen["_entity"].to_numpy() + self.world.chunk * CHUNK_NUMBERS, 33).str.to_uppercase()
        return Rows(
            HOSPITAL.feed("sample"),
            seen.select(
                "_entity",
                "_record",
                "_round",
                accession.alias("specimen_source_id"),
                "cdm_source",
                specimen_id=self.world.number("_entity"),
                specimen_datetime=moment("day", 12),
                specimen_source_value=pl.col("nature").replace(NATURES),
                anatomic_site_source_value=pl.col("topography"),
                quantity=pl.col("quantity"),
                unit_source_value=pl.col("unit"),
            ),
            counts={"specimen": "_one"},
            scope="sample",
        )
