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
# Given with a cancer drug, against its effects or for something else: they open no line and join none.
# As typed, without blanks and signs; a letter with an accent goes too.
SUPPORTIVE = {
    "rescue and protection": (
        "leucovorin levoleucovorin leucovorincalcium calciumleucovorin calciumfolinate folinicacid acidefolinique levcovorin "
        "leuocvorin mesna mesna1 mesna2 amifostine amifostin amitostine amitostin ethyol dexrazoxane rasburicase allopurinol"
    ),
    "steroids": (
        "dexamethasone dexamethasome dexamethazone dexamthasone dexmethasone decadron decodron prednisone prednisolone "
        "methylprednisolone solumedrol hydrocortisone"
    ),
    "against vomiting": (
        "ondansetron ondanstron zofran granisetron kytril palonosetron aloxi tropisetron aprepitant emend fosaprepitant netupitant "
        "metoclopramide primperan domperidone prochlorperazine"
    ),
    "against allergy": "diphenhydramine benadryl dexchlorpheniramine polaramine cetirizine hydroxyzine ranitidine famotidine",
    "for bones": (
        "zoledronicacid zoledronate acidezoledronique acidezoldronique zometa pamidronate pamidronicacid aredia clodronate clodronicacid "
        "ibandronate ibandronicacid alendronate alendronicacid risedronate denosumab dnosumab xgeva prolia"
    ),
    "for blood cells": (
        "filgrastim filgrastimgcsf gcsf neupogen pegfilgrastim pegfilgrastimpeggcsf peggcsf neulasta lipegfilgrastim lenograstim "
        "granocyte sargramostim sargramostin leukine gmcsf molgramostim plerixafor erythropoietin epoetin epoetinalfa darbepoetin "
        "aranesp iron b12 vitaminb12 cyanocobalamin folicacid"
    ),
    "for the thyroid": "levothyroxine levothyroxin lvothyroxine levothyrox levothroid levoxyl synthroid cytomel liothyronine armourthyroid",
    "against seizures": (
        "levetiracetam levenracetam keppra phenytoin phenytoinsodium oxcarbazepine carbamazepine valproicacid valproate lamotrigine"
    ),
    "against pain, blood clots and acid": (
        "celecoxib celebrex ibuprofen paracetamol acetaminophen morphine oxycodone fentanyl enoxaparin lovenox tinzaparin heparin "
        "warfarin omeprazole pantoprazole esomeprazole metformin"
    ),
}
# L01 to L04 and radiopharmaceuticals, without what raises blood cells (L03AA, plerixafor) and what dampens the immune system (L04), but
# for thalidomide, lenalidomide and pomalidomide, which stand there and are given against myeloma.
CANCER_ATC = "^(L01|L02|L03A(?!A|X16)|L04AX0[246]|V10)"


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
    supportive = [name for names in SUPPORTIVE.values() for name in names.split()]
    return F.coalesce(F.col(atc).rlike(CANCER_ATC), ~typed.isin(*supportive), F.lit(False))


def was_given() -> str:
    """SQL text: a drug that was given, or prescribed and validated. Hospitals that do not say send only what was given."""
    return "coalesce(status, 'completed') = 'completed'"


def _known(code_or_name: Column) -> Column:
    return _found({other: name for name, others in DRUGS.items() for other in (name, *others)}, code_or_name)


def _found(known: dict[str, str], column: Column) -> Column:
    return F.try_element_at(F.create_map(*(F.lit(each) for each in chain(*known.items()))), column)
