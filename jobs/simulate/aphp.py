"""The world as AP-HP writes it: a change feed of OMOP tables, typed for Parquet."""

import polars as pl

from jobs.simulate.aphp_base import RANGE, moment
from jobs.simulate.aphp_tumours import Tumours
from jobs.simulate.draw import opaque
from jobs.simulate.facts import drugs, sites
from jobs.simulate.gr_stays import SECONDARY
from jobs.simulate.rows import CHUNK_NUMBERS, IDENTITY, NONE, ONE, Rows, Sightings, date_of, either, shifted

NATURES = {"SANG": "Sang", "ADN": "ADN", "TISSU_CONGELE": "Tissu congelé", "TISSU_FFPE": "Tissu congelé"}
UNITS = {"mg/j": "mg/day"}
# Sites that code tumours, then sites that send PMSI codes only.
MART_SITES, PLAIN_SITES = (7501, 7502), (7503, 7504)
UNKNOWN_DAY = "2999-12-31"


class Aphp(Tumours):
    """The feeds of a chunk."""

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

    def patient(self) -> Rows:
        frame = Sightings.of(self.world, "aphp", only_deaths=True).frame
        unknown_day = pl.col("_record") % 50 == 7
        birth = date_of("birth")
        known = pl.when("dead").then(
            pl.when(unknown_day).then(pl.lit(UNKNOWN_DAY).str.to_datetime(time_unit="us")).otherwise(moment("death"))
        )
        return self.sent(
            "patient",
            frame,
            "_pid",
            year_of_birth=birth.dt.year().cast(pl.Int64),
            month_of_birth=birth.dt.month().cast(pl.Int64),
            birth_datetime=moment("birth"),
            death_datetime=known,
            gender_source_value=either("woman", "f", "m"),
            location_id=pl.lit(None, pl.Int64),
            link_token="token",
            cdm_source=pl.lit("ORBIS"),
            _death=pl.when(pl.col("dead") & ~unknown_day).then("death"),
            _news=pl.lit(None, pl.Int64),
            _status=either("dead", "deceased", "alive"),
            counts={"person": "_one"},
        )

    def visit(self, stay: pl.DataFrame) -> Rows:
        site = (
            pl.when(self.mart(stay)).then(pl.col("_record") % 2 + MART_SITES[0]).otherwise(pl.col("_record") % 2 + PLAIN_SITES[0])
        )
        kinds = {"surgery": "hospitalisés", "relapse": "hospitalisés", "consult": "consultation externe"}
        number = pl.Series(opaque(stay["_entity"].to_numpy() + self.world.chunk * CHUNK_NUMBERS, 21)).str.to_uppercase()
        return self.sent(
            "visit",
            stay,
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
            counts={"encounter": "_one"},
        )

    def condition(self, stay: pl.DataFrame) -> Rows:
        """The diagnoses of every stay: main, related (sessions), associated. Some have no date: that of the visit counts."""
        cancer = pl.Series([site.icd10.replace(".", "") for site in sites()])[self.world.clinic.tumour["site"]][stay["tumour"]]
        stay = stay.filter(pl.col("kind") != "consult").with_columns(cancer.filter(stay["kind"] != "consult").alias("cancer"))
        session = pl.col("kind").is_in(["chemo", "radio"])
        parts = {
            "DP": pl.when(pl.col("kind") == "chemo")
            .then(pl.lit("Z511"))
            .when(pl.col("kind") == "radio")
            .then(pl.lit("Z5101"))
            .otherwise("cancer"),
            "DR": pl.when(session).then("cancer"),
            "DAS": pl.when(pl.col("place").is_not_null())
            .then(pl.col("place").replace_strict(SECONDARY, default="C798"))
            .when("comorbid")
            .then(pl.lit("I10")),
        }
        found = pl.concat(
            [
                stay.with_columns(
                    code=code, status=pl.lit(status), visit=pl.col("_entity"), _entity=pl.col("_entity") * 3 + place
                )
                for place, (status, code) in enumerate(parts.items())
            ]
        ).filter(pl.col("code").is_not_null())
        dated = pl.col("_entity") % 20 > 0
        return self.sent(
            "condition",
            found,
            "cdm_source",
            condition_occurrence_id=self.world.number("_entity"),
            visit_occurrence_id=self.world.number("visit"),
            condition_start_datetime=pl.when(dated).then(moment("entry", 9)),
            condition_source_value=pl.col("code"),
            condition_status_source_value=pl.col("status"),
            _code="code",
            _visit="visit",
            _day=pl.col("entry"),
            _dated=dated,
            counts={"diagnosis_coded": "_one"},
        )

    def procedure(self, surgery: pl.DataFrame, radiotherapy: pl.DataFrame) -> Rows:
        acts = surgery.select(
            *IDENTITY,
            "cdm_source",
            procedure_datetime=moment("day", 11),
            procedure_end_datetime=pl.lit(None, pl.Datetime("us")),
            procedure_source_value=pl.col("ccam"),
            procedure_type_source_value=pl.lit("CHIRURGIE"),
            quantity=pl.lit(1, pl.Int64),
            _surgery=ONE,
            _course=NONE,
        )
        rays = radiotherapy.select(
            *shifted(RANGE),
            "cdm_source",
            procedure_datetime=moment("start", 10),
            procedure_end_datetime=moment("end", 10),
            procedure_source_value=pl.lit("ZZNL050"),
            procedure_type_source_value=pl.lit("RADIOTHERAPIE"),
            quantity=pl.col("sessions").cast(pl.Int64),
            _surgery=NONE,
            _course=ONE,
        )
        both = pl.concat([acts, rays], how="diagonal").with_columns(
            procedure_occurrence_id=self.world.number("_entity"),
            visit_occurrence_id=pl.lit(None, pl.Int64),
            modifier_source_value=pl.lit("1"),
        )
        return Rows(
            self.feed("procedure"),
            both,
            counts={"procedure_coded": "_one", "surgery": "_surgery", "radiotherapy_course": "_course"},
        )

    def drug(self, seen: pl.DataFrame) -> Rows:
        known = drugs()
        unit = {atc: UNITS.get(each.unit, each.unit) for atc, each in known.items()}
        return self.sent(
            "drug",
            seen,
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
            drug_type_source_value=either(pl.col("_entity") % 6 == 0, "prescription", "administration"),
            row_status_source_value=either(pl.col("status") == "ANNULE", "Annulé", "Validé"),
            counts={"drug_administration": "_one"},
        )

    def sample(self, seen: pl.DataFrame) -> Rows:
        accession = "APH-S" + opaque(seen["_entity"].to_numpy() + self.world.chunk * CHUNK_NUMBERS, 33).str.to_uppercase()
        return self.sent(
            "sample",
            seen,
            accession.alias("specimen_source_id"),
            "cdm_source",
            specimen_id=self.world.number("_entity"),
            specimen_datetime=moment("day", 12),
            specimen_source_value=pl.col("nature").replace(NATURES),
            anatomic_site_source_value=pl.col("topography"),
            quantity=pl.col("quantity"),
            unit_source_value=pl.col("unit"),
            counts={"specimen": "_one"},
            scope="sample",
        )
