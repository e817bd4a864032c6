"""The part of the answer key that looks at values: what the current rows must hold at the end, column by column.

A code becomes the value its hospital's declaration gives it; anything else (a sentinel, a code outside the list) becomes null.
"""

from collections import Counter, defaultdict

import polars as pl

from jobs.hospitals import hospitals
from jobs.simulate.calendar import CENTERS
from jobs.simulate.fate import Fate
from jobs.simulate.rows import Rows

# silver column: the column of the feed it comes from; only on rows where the third name (a column of the rows) is 1.
CODED: dict[tuple[str, str], tuple[tuple[str, str, str | None], ...]] = {
    ("gr", "patient"): (
        ("person.sex", "SEXE", None),
        ("person.vital_status", "STATUT_VITAL", None),
        ("person.death_cause", "CAUSE_DECES", None),
    ),
    ("gr", "tumour"): (
        ("primary_cancer.laterality", "LATERALITE", None),
        ("primary_cancer.dx_basis", "BASE_DIAG", None),
        ("grade.value", "GRADE", "_grade"),
    ),
    ("gr", "event"): (("tumor_event.type", "TYPE_EVT", None), ("tumor_event.evidence", "PREUVE", None)),
    ("gr", "line"): (
        ("treatment_line_src.setting", "TYPE_LIGNE", None),
        ("treatment_line_src.intent", "INTENTION", None),
        ("treatment_line_src.stop_reason", "MOTIF_ARRET", None),
    ),
    ("gr", "drug"): (("drug_administration.status", "STATUT", None), ("drug_administration.route", "VOIE", None)),
    ("gr", "surgery"): (("surgery.resection", "RESECTION", None),),
    ("gr", "radiotherapy"): (
        ("radiotherapy_course.intent", "INTENTION", None),
        ("radiotherapy_course.technique", "TECHNIQUE", None),
        ("radiotherapy_course.end_reason", "MOTIF_ARRET", None),
    ),
    ("gr", "response"): (("response_assessment.response", "REPONSE", None), ("response_assessment.method", "METHODE", None)),
    ("gr", "toxicity"): (("adverse_event.related", "IMPUTABILITE", None),),
    ("gr", "biomarker"): (
        ("biomarker.marker", "MARQUEUR", None),
        ("biomarker.result", "RESULTAT", None),
        ("biomarker.method", "METHODE", None),
    ),
    ("gr", "sample"): (
        ("specimen.type", "NATURE", None),
        ("specimen.origin", "ORIGINE", None),
        ("specimen.storage", "TEMP_STOCK", None),
        ("specimen.availability", "STATUT", None),
    ),
    ("gr", "analysis"): (("molecular_analysis.protocol", "TYPE_ANALYSE", None),),
    ("curie", "patient"): (
        ("person.sex", "Patient_Gender", None),
        ("person.vital_status", "Patient_LastNewsStatus", None),
        ("person.death_cause", "Patient_CauseOfDeath", None),
    ),
    ("curie", "tumour"): (
        ("primary_cancer.laterality", "TumorPathologyEvent_Laterality", "_primary"),
        ("tumor_event.type", "TumorPathologyEvent_Type", "_event"),
        ("grade.value", "TumorPathologyEvent_HistologicalGradeValue", "_grade"),
    ),
    ("curie", "line"): (
        ("treatment_line_src.treatment_type", "Treatment_Type", "_line"),
        ("surgery.resection", "Treatment_SurgeryResectionQuality", "_surgery"),
    ),
    ("curie", "response"): (("response_assessment.response", "ResponseEvaluation_Status", None),),
    ("curie", "biomarker"): (("biomarker.marker", "Biomarker_Code", None),),
    ("curie", "radiotherapy"): (
        ("radiotherapy_course.modality", "Course_Type", None),
        ("radiotherapy_course.intent", "Course_TreatmentIntent", None),
    ),
    ("curie", "sample"): (
        ("specimen.type", "BiologicalSample_Nature", None),
        ("specimen.origin", "BiologicalSample_Origin", None),
    ),
    ("aphp", "visit"): (("encounter.type", "visit_source_value", None),),
    ("aphp", "condition"): (("diagnosis_coded.position", "condition_status_source_value", None),),
    ("aphp", "drug"): (
        ("drug_administration.status", "row_status_source_value", None),
        ("drug_administration.provenance", "drug_type_source_value", None),
    ),
    ("aphp", "measurement"): (("biomarker.marker", "measurement_source_value", "_biomarker"),),
    ("aphp", "sample"): (("specimen.type", "specimen_source_value", None),),
}
# Taken over as it is; only how many there are is compared.
PLAIN: dict[tuple[str, str], tuple[tuple[str, str, str | None], ...]] = {
    ("gr", "tumour"): (("primary_cancer.morphology", "MORPHO_CIMO3", None), ("staging.stage_group", "STADE", "_staging")),
    ("gr", "surgery"): (("surgery.ccam", "CODE_CCAM", None),),
    ("gr", "variant"): (("variant.gene_hgnc", "Hugo_Symbol", None),),
    ("curie", "variant"): (("variant.gene_hgnc", "Hugo_Symbol", None),),
    ("curie", "tnm"): (("staging.t", "TNM_T", None),),
    ("aphp", "procedure"): (("procedure_coded.ccam", "procedure_source_value", None),),
}


class Profile:
    """Counters of values by silver column and hospital, chunk after chunk."""

    def __init__(self) -> None:
        self.coded: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.plain: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def add(self, center: int, rows: Rows, fate: Fate, winning: pl.DataFrame, step: int) -> None:
        """Counts the winning versions of the current rows of a feed; `winning` stands in the order of the fate."""
        place = CENTERS[center], rows.domain
        if place not in CODED and place not in PLAIN:
            return
        current = winning.filter(pl.Series(fate.current(step)))
        codes = hospitals()[place[0]].codes
        for column, source, only in CODED.get(place, ()):
            chosen = current.filter(pl.col(only) == 1) if only else current
            values = (
                chosen[source].str.replace("ULMS:", "UMLS:").replace_strict(codes[column], default=None, return_dtype=pl.String)
            )
            self.coded[column, place[0]].update(values.drop_nulls().to_list())
        for column, source, only in PLAIN.get(place, ()):
            chosen = current.filter(pl.col(only) == 1) if only else current
            self.plain[column, place[0]].update(chosen[source].drop_nulls().to_list())

    def rows(self) -> list[tuple[str, str, str, str, int]]:
        """Table, hospital, column, measure and value."""
        found = []
        for counters, each_value in ((self.coded, True), (self.plain, False)):
            for (name, center), counter in counters.items():
                table, column = name.split(".")
                measures = {"non_null": sum(counter.values()), "distinct": len(counter)}
                if each_value:
                    measures |= {f"n:{value}": count for value, count in counter.items()}
                found += [(table, center, column, measure, number) for measure, number in measures.items()]
        return sorted(found)
