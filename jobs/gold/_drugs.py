"""Names of cancer drugs: one name for the ATC codes, brands and spellings under which a drug is recorded.

Only frequent drugs stand here. A drug that does not is known by its ATC code, or else by its name as typed.
"""

from itertools import chain

import pyspark.sql.functions as F
from pyspark.sql import Column

# Name: ATC codes (also former ones), then brands and other spellings without blanks and signs.
DRUGS: dict[str, tuple[str, ...]] = {
    "anastrozole": ("L02BG03", "arimidex"),
    "atezolizumab": ("L01FF05", "L01XC32", "tecentriq"),
    "azacitidine": ("L01BC07", "vidaza"),
    "bevacizumab": ("L01FG01", "L01XC07", "avastin"),
    "bicalutamide": ("L02BB03", "casodex"),
    "bleomycin": ("L01DC01",),
    "capecitabine": ("L01BC06", "xeloda"),
    "carboplatin": ("L01XA02", "paraplatin"),
    "carmustine": ("L01AD01", "bcnu", "gliadel"),
    "cetuximab": ("L01FE01", "L01XC06", "erbitux"),
    "cisplatin": ("L01XA01", "platinol", "cddp"),
    "cyclophosphamide": ("L01AA01", "cytoxan", "endoxan"),
    "cytarabine": ("L01BC01", "arac", "cytosar"),
    "dacarbazine": ("L01AX04", "dtic"),
    "daunorubicin": ("L01DB02",),
    "denosumab": ("M05BX04", "xgeva"),
    "docetaxel": ("L01CD02", "taxotere"),
    "doxorubicin": ("L01DB01", "adriamycin", "adriamycine"),
    "epirubicin": ("L01DB03", "ellence"),
    "erlotinib": ("L01EB02", "L01XE03", "tarceva"),
    "etoposide": ("L01CB01", "vp16", "vepesid"),
    "everolimus": ("L01EG02", "L01XE10", "afinitor"),
    "exemestane": ("L02BG06", "aromasin"),
    "fluorouracil": ("L01BC02", "5fu", "5fluorouracil", "fu"),
    "fulvestrant": ("L02BA03", "faslodex"),
    "gefitinib": ("L01EB01", "L01XE02", "iressa"),
    "gemcitabine": ("L01BC05", "gemzar"),
    "goserelin": ("L02AE03", "zoladex"),
    "hydroxycarbamide": ("L01XX05", "hydroxyurea", "hydrea"),
    "ifosfamide": ("L01AA06", "ifex"),
    "imatinib": ("L01EA01", "L01XE01", "gleevec", "glivec"),
    "ipilimumab": ("L01FX04", "L01XC11", "yervoy"),
    "irinotecan": ("L01CE02", "L01XX19", "cpt11", "camptosar", "campto"),
    "lapatinib": ("L01EH01", "L01XE07", "tykerb", "tyverb"),
    "letrozole": ("L02BG04", "femara"),
    "leuprorelin": ("L02AE02", "leuprolide", "lupron"),
    "lomustine": ("L01AD02", "ccnu", "ceenu"),
    "megestrol": ("L02AB01", "megace"),
    "methotrexate": ("L01BA01", "mtx"),
    "mitomycin": ("L01DC03", "mitomycinc"),
    "mitoxantrone": ("L01DB07",),
    "nivolumab": ("L01FF01", "L01XC17", "opdivo"),
    "olaparib": ("L01XK01", "L01XX46", "lynparza"),
    "osimertinib": ("L01EB04", "L01XE35", "tagrisso"),
    "oxaliplatin": ("L01XA03", "eloxatin", "eloxatine"),
    "paclitaxel": ("L01CD01", "taxol", "abraxane", "nabpaclitaxel"),
    "palbociclib": ("L01EF01", "L01XE33", "ibrance"),
    "panitumumab": ("L01FE02", "L01XC08", "vectibix"),
    "pazopanib": ("L01EX03", "L01XE11", "votrient"),
    "pegylated liposomal doxorubicin": ("doxil", "caelyx", "liposomaldoxorubicin"),
    "pembrolizumab": ("L01FF02", "L01XC18", "keytruda"),
    "pemetrexed": ("L01BA04", "alimta"),
    "pertuzumab": ("L01FD02", "L01XC13", "perjeta"),
    "procarbazine": ("L01XB01", "natulan", "matulane"),
    "rituximab": ("L01FA01", "L01XC02", "rituxan", "mabthera"),
    "sorafenib": ("L01EX02", "L01XE05", "nexavar"),
    "streptozocin": ("L01AD04", "zanosar"),
    "sunitinib": ("L01EX01", "L01XE04", "sutent"),
    "tamoxifen": ("L02BA01", "nolvadex"),
    "temozolomide": ("L01AX03", "temodar", "temodal"),
    "temsirolimus": ("L01EG01", "L01XE09", "torisel"),
    "topotecan": ("L01CE01", "L01XX17", "hycamtin"),
    "trastuzumab": ("L01FD01", "L01XC03", "herceptin"),
    "vinblastine": ("L01CA01", "velban"),
    "vincristine": ("L01CA02", "oncovin"),
    "vinorelbine": ("L01CA04", "navelbine"),
}
# Given with a cancer drug or against its effects: they open no line of their own.
SUPPORTIVE = (
    "leucovorin",
    "folinicacid",
    "calciumfolinate",
    "mesna",
    "dexamethasone",
    "prednisone",
    "prednisolone",
    "zometa",
    "ondansetron",
)


def drug_name(atc: str, name: str) -> Column:
    """One name a drug: by its code, else by what was typed; the code or the typed name itself where neither is known."""
    typed = F.lower(F.regexp_replace(F.col(name), "[^0-9A-Za-z]", ""))
    return F.coalesce(_known(F.col(atc)), _known(typed), F.col(atc), F.lower(F.trim(name)))


def drug_class(name: str, atc: str) -> Column:
    """The ATC group of a drug by its one name, else by its code: five characters, today's group for a code that has moved."""
    codes = {drug: others[0] for drug, others in DRUGS.items() if others[0][0].isupper()}
    return F.left(F.coalesce(_found(codes, F.col(name)), F.col(atc)), F.lit(5))


def is_cancer_drug(atc: str, name: str) -> Column:
    """True where a drug may open a line: antineoplastics, hormones, immunotherapy and radiopharmaceuticals by their code.

    Without a code everything counts that is not known to be supportive: in these files it is more often a cancer drug than not.
    """
    typed = F.lower(F.regexp_replace(F.col(name), "[^0-9A-Za-z]", ""))
    by_name = F.coalesce(~typed.isin(*SUPPORTIVE), F.lit(False))
    return F.coalesce(F.col(atc).rlike("^(L0[1-4]|V10)"), by_name)


def _known(code_or_name: Column) -> Column:
    return _found({other: name for name, others in DRUGS.items() for other in (name, *others)}, code_or_name)


def _found(known: dict[str, str], column: Column) -> Column:
    return F.try_element_at(F.create_map(*(F.lit(each) for each in chain(*known.items()))), column)
