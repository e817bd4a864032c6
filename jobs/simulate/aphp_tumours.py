"""What AP-HP writes of tumours: episodes, what belongs to them, and the measurements that qualify them."""

import polars as pl

from jobs.simulate.aphp_base import RANGE, Feeds, moment
from jobs.simulate.molecular import LABS
from jobs.simulate.rows import IDENTITY, NO_DAY, ONE, Rows, ended, shifted

EVENTS = {"metastasis": "METASTASE", "recurrence": "RECIDIVE", "progression": "PROGRESSION"}
CONCEPTS = {"PRIMITIF": 32528, "RECIDIVE": 32529, "METASTASE": 32946, "PROGRESSION": 32949, "LIGNE": 32531, "REPONSE": 32947}
RESPONSES = {"CR": "RC", "PR": "RP", "SD": "ST", "PD": "PD", "NE": "NE"}
MARKERS = ("RE", "RP", "HER2", "MSI", "KRAS", "BRAF", "EGFR", "IDH1", "P16")


class Tumours(Feeds):
    """The second half of the feeds."""

    def measurement(self, lab: pl.DataFrame, biomarker: pl.DataFrame, tumour: pl.DataFrame) -> Rows:
        """Laboratory results, receptors, and what qualifies a tumour (of sites with an oncology mart)."""
        parts = [self._results(lab), self._markers(biomarker), self._qualifiers(tumour.filter(self.mart(tumour)))]
        every = pl.concat(parts, how="diagonal").with_columns(
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
            self.feed("measurement"),
            every,
            counts={"lab_result": "_result", "biomarker": "_biomarker", "grade": "_grade", "performance_status": "_performance"},
            distinct={"staging": "_staged"},
        )

    def _results(self, lab: pl.DataFrame) -> pl.DataFrame:
        unit, low, high = ({code: values[place] for code, values in LABS.items()} for place in (2, 3, 4))
        return lab.select(
            *IDENTITY,
            cdm_source=pl.lit("GLIMS"),
            measurement_datetime=moment("day").dt.offset_by(pl.format("{}m", "minute")),
            measurement_type_source_value=pl.lit("BIOLOGIE"),
            measurement_source_value=pl.col("code"),
            value_as_number=pl.col("value"),
            unit_source_value=pl.col("code").replace(unit),
            range_low=pl.col("code").replace_strict(low, return_dtype=pl.Float64),
            range_high=pl.col("code").replace_strict(high, return_dtype=pl.Float64),
            _lab=pl.lit(True),
        )

    def _markers(self, biomarker: pl.DataFrame) -> pl.DataFrame:
        has_value = pl.col("value").is_not_null()
        return biomarker.filter(pl.col("marker").is_in(MARKERS)).select(
            *shifted(RANGE),
            cdm_source=pl.lit("ANAPATH"),
            measurement_datetime=moment("day", 8),
            measurement_type_source_value=pl.lit("ANAPATH"),
            measurement_source_value=pl.col("marker"),
            value_as_number=pl.col("value").cast(pl.Float64),
            value_source_value=pl.when(has_value).then(pl.format("{} {}", "result", "value")).otherwise("result"),
            unit_source_value=pl.when(has_value).then(pl.lit("%")),
            _biomarker=ONE,
        )

    def _work_up(self) -> pl.Expr:
        """The main diagnosis of the stay in which a tumour was worked up, three of which make a stay."""
        workup = self.world.clinic.stay.with_row_index("stay").filter(pl.col("kind") == "workup").select("tumour", "stay")
        stay = dict(zip(workup["tumour"], workup["stay"], strict=True))
        return pl.col("_entity").replace_strict(stay, default=None, return_dtype=pl.Int64) * 3

    def _qualifiers(self, tumour: pl.DataFrame) -> pl.DataFrame:
        """T, N, M, stage, grade and performance status of a tumour, tied to the diagnosis of its work-up."""
        base = tumour.with_columns(condition=self._work_up())
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
        parts = [_of_tumours(tumour), _of_events(event), _of_lines(line), _of_responses(response)]
        every = pl.concat(parts, how="diagonal_relaxed")
        every = every.filter(self.mart(every))

        def is_kind(*names: str) -> pl.Expr:
            return pl.col("kind").is_in(names).cast(pl.Int8)

        return self.sent(
            "episode",
            every,
            episode_id=self.world.number("_entity"),
            episode_concept_id=pl.col("kind").replace_strict(CONCEPTS, return_dtype=pl.Int64),
            episode_source_value=pl.col("kind"),
            episode_start_datetime=moment("start"),
            episode_end_datetime=moment("end"),
            episode_parent_id=pl.when(pl.col("parent") >= 0).then(self.world.number("parent")),
            episode_number=pl.col("number").cast(pl.Int64),
            episode_object_source_value=pl.col("what"),
            cdm_source=pl.lit("ORBIS"),
            _primary=is_kind("PRIMITIF"),
            _event=is_kind("RECIDIVE", "METASTASE", "PROGRESSION"),
            _line=is_kind("LIGNE"),
            _response=is_kind("REPONSE"),
            _diagnosis=pl.when(pl.col("kind") == "PRIMITIF").then("start"),
            _precision=pl.lit("day"),
            parents={"episode": "parent"},
            counts={
                "primary_cancer": "_primary",
                "tumor_event": "_event",
                "treatment_line_src": "_line",
                "response_assessment": "_response",
            },
        )

    def episode_link(self, drug: pl.DataFrame, tumour: pl.DataFrame) -> Rows:
        """Which drug belongs to which line; which diagnosis to which tumour."""
        given = drug.filter(self.mart(drug)).select(
            *IDENTITY,
            episode_id=self.world.number(pl.col("line") + 2 * RANGE),
            event_id=self.world.number("_entity"),
            episode_event_field_concept_id=pl.lit(1147094, pl.Int64),
        )
        coded = tumour.filter(self.mart(tumour)).select(
            *shifted(4 * RANGE),
            episode_id=self.world.number("_entity"),
            event_id=self.world.number(self._work_up()),
            episode_event_field_concept_id=pl.lit(1147127, pl.Int64),
        )
        return Rows(self.feed("episode_link"), pl.concat([given, coded], how="diagonal"), own_patient=False, may_be_dirty=False)


def _episodes(seen: pl.DataFrame, by: int, **said: pl.Expr) -> pl.DataFrame:
    """Rows of one kind of episode: by default without end, parent and number."""
    unsaid = {"end": pl.lit(NO_DAY, pl.Int64), "parent": pl.lit(-1, pl.Int64), "number": pl.lit(None, pl.Int64)}
    return seen.select(*shifted(by), **unsaid | said)


def _of_tumours(tumour: pl.DataFrame) -> pl.DataFrame:
    what = pl.format("{}-{}", "morphology", "topography")
    return _episodes(tumour, 0, kind=pl.lit("PRIMITIF"), start=pl.col("diagnosis"), number=pl.lit(1, pl.Int64), what=what)


def _of_events(event: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("kind").replace(EVENTS)
    return _episodes(event, RANGE, kind=kind, start=pl.col("day"), parent=pl.col("tumour"), what=pl.col("topography"))


def _of_lines(line: pl.DataFrame) -> pl.DataFrame:
    return _episodes(
        line,
        2 * RANGE,
        kind=pl.lit("LIGNE"),
        start=pl.col("start"),
        end=pl.col("end"),
        parent=pl.col("tumour"),
        number=pl.col("number"),
        what=pl.col("label"),
    )


def _of_responses(response: pl.DataFrame) -> pl.DataFrame:
    parent, what = pl.col("line") + 2 * RANGE, pl.col("response").replace(RESPONSES)
    return _episodes(response, 3 * RANGE, kind=pl.lit("REPONSE"), start=pl.col("day"), parent=parent, what=what)
