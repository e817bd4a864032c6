"""Groups of cancers as reports show them, from the site and, where it decides, from the histology."""

# Histologies that make the group whatever the site: lymphomas and leukaemias, melanomas, sarcomas (ICD-O-3).
HISTOLOGIES = {
    "haematological": "^9(59|[6-9])",
    "melanoma": "^87[2-9]",
    "mesothelioma": "^905",
    "sarcoma": "^(88[0-9]|89[0-2]|90[4]|91[2-7]|918|92[2-4]|926|954)",
}
# Sites by the three characters that topography (ICD-O-3) and diagnosis (ICD-10) share.
SITES = {
    "head and neck": "^C(0|1[0-4]|30|31|32)",
    "oesophagus": "^C15",
    "stomach": "^C16",
    "colorectal": "^C(18|19|20|21)",
    "liver and bile ducts": "^C(22|23|24)",
    "pancreas": "^C25",
    "lung": "^C(33|34)",
    "thymus and mediastinum": "^C(37|38)",
    "breast": "^C50",
    "cervix": "^C53",
    "uterus": "^C(54|55)",
    "ovary": "^C(48|56|57)",
    "prostate": "^C61",
    "testis": "^C62",
    "kidney": "^C(64|65)",
    "bladder": "^C(66|67|68)",
    "brain": "^C(70|71|72)",
    "thyroid": "^C73",
    "adrenal": "^C74",
    "unknown site": "^C80",
}
# Sites that only ICD-10 knows: its code says the histology.
ICD10_ONLY = {
    "melanoma": "^C43",
    "mesothelioma": "^C45",
    "sarcoma": "^C(40|41|46|49)",
    "haematological": "^C(8[1-9]|9[0-6])",
    "skin": "^C44",
}
# Sites that say the same in both, but only where no histology decided.
OTHER_SITES = {"haematological": "^C(42|77)", "skin": "^C44", "sarcoma": "^C(40|41|49)", "eye": "^C69"}

SITE = "coalesce(topography, icd10)"


def tumor_group() -> str:
    """SQL text: the group of a tumour, the hospital's own if there is one; 'other' for a rare site, 'unknown' without any."""
    by_histology = [f"WHEN morphology RLIKE '{pattern}' THEN '{group}'" for group, pattern in HISTOLOGIES.items()]
    by_diagnosis = [f"WHEN icd10 RLIKE '{pattern}' THEN '{group}'" for group, pattern in ICD10_ONLY.items()]
    by_site = [
        f"WHEN {SITE} RLIKE '{pattern}' THEN '{group}'" for sites in (SITES, OTHER_SITES) for group, pattern in sites.items()
    ]
    cases = " ".join([*by_histology, *by_diagnosis, *by_site])
    return f"coalesce(tumor_group, CASE {cases} WHEN {SITE} IS NULL THEN 'unknown' ELSE 'other' END)"


def category() -> str:
    """SQL text: the three characters of the site."""
    return f"substr({SITE}, 1, 3)"
