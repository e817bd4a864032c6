"""Institut Curie: what it sends (`feeds`), what its codes become (`codes`), and the silver tables it fills (`tables`)."""

from jobs.hospitals.curie.codes import CODES
from jobs.hospitals.curie.feeds import FEEDS, HOSPITAL
from jobs.hospitals.curie.tables import (
    adverse_event,
    biomarker,
    drug_administration,
    grade,
    molecular_analysis,
    panel_gene,
    performance_status,
    person,
    primary_cancer,
    radiotherapy_course,
    response_assessment,
    rights_register,
    specimen,
    staging,
    surgery,
    treatment_line_src,
    tumor_event,
    variant,
)

__all__ = [
    "CODES",
    "FEEDS",
    "HOSPITAL",
    "adverse_event",
    "biomarker",
    "drug_administration",
    "grade",
    "molecular_analysis",
    "panel_gene",
    "performance_status",
    "person",
    "primary_cancer",
    "radiotherapy_course",
    "response_assessment",
    "rights_register",
    "specimen",
    "staging",
    "surgery",
    "treatment_line_src",
    "tumor_event",
    "variant",
]
