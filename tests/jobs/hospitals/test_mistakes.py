"""A declaration that looks right and would go wrong later, or in silence, is refused with one sentence."""

import re
from datetime import date
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from jobs.hospitals._mistakes import PLACEHOLDERS
from jobs.hospitals.feed import Feed, Hospital, NullReason
from jobs.landing.judge import judge
from jobs.landing.manifest import read_manifest
from jobs.landing.manifest_files import name_pattern
from jobs.landing.model import Judgement
from jobs.landing.rights import statements
from quality.contracts.silver._common import NULL_REASONS
from tests.jobs.landing.sending import NOW, PSEUDONYMS, A, deliver

RIGHTS = """
    PATIENT   hash64 R K
    INFORME   bool   R
    MOYEN     code   = 1 | 2 | 3
    OPPOSE    bool   R opposed
    PORTEE    code   K scope = 1 | 2 | 3 | 4
    OPPOSE_LE date   K when PORTEE
"""
EVENTS = """
    NUM     id      R K
    PATIENT hash64  R
    QUOI    code    R = oppose | lift | inform
    PORTEE  code    scope = all | genetics | samples | industry
    QUAND   instant R
    MODIFIE instant R
"""
PATIENT = """
    PATIENT hash64 R K
    JETON   token
    ETAT    code   = 1 | 2
    SEXE    code   R sex = 1 | 2 | 9
    NE_LE   date   birth
    MODIFIE date   R
    OTE     bool   R
"""
TUMOUR = r"""
    TUMEUR  id     R K
    PATIENT hash64 R >patient!
    DEBUT   date   <= FIN
    FIN     date
    STATUT  code   R = VALIDE | ANNULE
    CIM10   code   ~ ^C\d{2}$
    MODIFIE date   R
"""
SCOPES = {"1": "all", "2": "genetics", "3": "samples", "4": "industry"}


def declared(rights: str = RIGHTS, patient: str = PATIENT, tumour: str = TUMOUR, *more: Feed, **changed: Any) -> Hospital:
    """A hospital that nothing is wrong with, apart from what is changed."""
    told: dict[str, Any] = {
        "center": "lac",
        "name": "Clinique du Lac",
        "finess": "740000000",
        "center_type": "CLCC",
        "mode": "increment",
        "model": "lac-csv",
        "codes": {"person.sex": {"1": "M", "2": "F"}, "rights_register.scope": SCOPES},
        "version_column": "MODIFIE",
        "deleted_when": ("OTE", "true"),
    }
    feeds = (
        Feed("rights", "r_{date}.csv", rights, replaces="all"),
        Feed("patient", "p_{date}.csv", patient),
        Feed("tumour", "t_{date}.csv", tumour, validated="STATUT = VALIDE"),
        *more,
    )
    return Hospital(**{"feeds": feeds, **told, **changed})


def test_nothing_is_wrong_with_the_declaration_that_the_others_are_made_from() -> None:
    assert declared().center == declared(rights=EVENTS, mode="cdc", codes={"person.sex": {"1": "M", "2": "F"}}).center == "lac"


@pytest.mark.parametrize(
    ("feed", "change", "sentence"),
    [
        ("rights", ("scope =", "="), "`scope` behind the type of the one column of rights that says what a patient objects to, found it behind none"),
        ("rights", ("code   = 1", "code   scope = 1"), "that says what a patient objects to, found it behind MOYEN and PORTEE"),
        ("rights", ("3 | 4", "3 | 5"), "codes['rights_register.scope'] to say what every scope means, found nothing about 5"),
        ("rights", ("K scope", "scope"), "the scope to be a key column (K) of rights, found no K behind PORTEE"),
        ("rights", ("R opposed", "R"), "`opposed` behind the type of the one column of rights that says whether the patient objects, found it behind none"),
        ("rights", ("INFORME   bool   R\n", "INFORME   bool   R opposed\n"), "that says whether the patient objects, found it behind INFORME and OPPOSE"),
        ("rights", ("OPPOSE    bool", "OPPOSE    code"), "`opposed` behind a `bool`, found it behind OPPOSE"),
        ("rights", ("date   K when", "date when"), "a date of the opposition among the key columns (K) of rights, found none"),
        ("rights", ("MOYEN ", "NOM "), "in the feed rights no column named like an identifying value (every delivery would be quarantined: let the hospital rename it), found NOM"),
        ("patient", ("R sex =", "R ="), "`sex` behind the type of the one column of patient that says the sex of the patient, found it behind none"),
        ("patient", ("ETAT    code   =", "ETAT    code   sex ="), "that says the sex of the patient, found it behind ETAT and SEXE"),
        ("patient", ("sex = 1 | 2 | 9", "sex = H | G"), "codes['person.sex'] to say what the codes of the sex become, found only 1 | 2 for SEXE"),
        ("patient", ("hash64 R K", "hash64 R"), "in the feed patient a column marked K, the key of a row, found none"),
        ("patient", (" birth", ""), "`birth` behind the type of the one column of patient that says when the patient was born, found it behind none"),
        ("patient", ("NE_LE   date   birth", "NAISSANCE date"), "in the feed patient `birth` behind a date of birth, of which only the month may be kept, found none behind NAISSANCE"),
        ("patient", ("NE_LE   date ", "NE_LE   text "), "in the feed patient `birth` behind dates only, found it behind NE_LE"),
        ("patient", ("PATIENT hash64", "IPP hash64"), "no column named like an identifying value (every delivery would be quarantined: let the hospital rename it), found IPP"),
        ("patient", ("ETAT    code ", "JETON2  token\n    ETAT    code "), "at most one token in patient, found JETON and JETON2"),
        ("patient", ("ETAT ", "SEXE "), "in the feed patient every column once, found twice SEXE"),
        ("tumour", ("<= FIN", "<= FINI"), "in the feed tumour only columns of the feed to be spoken of, found FINI"),
        ("tumour", ("FIN     date", "FIN     date when DEBU"), "in the feed tumour only columns of the feed to be spoken of, found DEBU"),
        ("tumour", ("FIN     date", "FIN     date when STATUT = VALID"), "in the feed tumour a value of STATUT that stands in its list, found VALID"),
        ("tumour", ("VALIDE | ANNULE", "VALID | ANNULE"), "in the feed tumour a value of STATUT that stands in its list, found VALIDE"),
        ("tumour", (" >patient!", ""), "in the feed tumour `>patient!` behind the column (hash64) that names the patient, or a strict reference to rows that have one, found none"),
        ("tumour", ("hash64 R >patient!", "id R"), "in the feed tumour `>patient!` behind the column (hash64)"),
        ("tumour", ("STATUT  code   R", "STATUT  code   R sex"), "in the feed tumour `sex` only in patient, `scope` and `opposed` only in rights, found one behind STATUT"),
        ("tumour", (r"^C\d{2}$", "^C("), "in the feed tumour a regular expression behind ~, found another text behind CIM10"),
    ],
)  # fmt: skip
def test_a_feed_in_which_something_would_go_wrong_is_refused(feed: str, change: tuple[str, str], sentence: str) -> None:
    lines = {"rights": RIGHTS, "patient": PATIENT, "tumour": TUMOUR}
    assert change[0] in lines[feed]
    with pytest.raises(ValueError, match=f"^hospital lac: expected .*{re.escape(sentence)}"):
        declared(**{feed: lines[feed].replace(*change)})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"codes": {"person.sex": {"1": "M", "2": "F"}}}, "codes['rights_register.scope'] to say what every scope means, found nothing about 1, 2, 3, 4"),
        ({"finess": "74000000"}, "a FINESS number of 9 digits, found '74000000'"),
        ({"version_column": "MODIFIEE"}, "version_column, deleted_when and month_dates to name columns of its feeds, found MODIFIEE"),
        ({"deleted_when": ("SUPPR", "true")}, "version_column, deleted_when and month_dates to name columns of its feeds, found SUPPR"),
        ({"deleted_when": ("OTE", "O")}, "a value of OTE in deleted_when, found O"),
        ({"deleted_when": ("STATUT", "ANULE")}, "a value of STATUT in deleted_when, found ANULE"),
        ({"month_dates": ("MORT",)}, "version_column, deleted_when and month_dates to name columns of its feeds, found MORT"),
        ({"codes": {"person.sexe": {}, "rights_register.scope": SCOPES}}, "coded columns of silver as `table.column` in codes, found person.sexe"),
        ({"codes": {"person.sex": {"1": "male"}, "rights_register.scope": SCOPES}}, "codes of person.sex to become M | F | UN, found male"),
        ({"nulls": {"NR": "not collected"}}, "the reasons unknown | not_done | not_applicable | not_collected in nulls, found not collected"),
        ({"mode": "snapshot"}, 'replaces="all" in every feed of a snapshot (or "nothing": it only adds), found another in patient, tumour'),
        ({"always": ("tumor",)}, "feeds of its own in `always`, found tumor"),
        ({"date_format": "%d/%m/%y"}, "a date_format of %d, %m and %Y, found '%d/%m/%y'"),
        ({"true_values": ("0",), "deleted_when": None}, "true_values and false_values to differ, found in both 0"),
        ({"null_dates": ("01.01.1900",)}, "null_dates in its date_format, found 01.01.1900"),
        ({"unknown_death": "31/12/2999"}, "unknown_death as yyyy-mm-dd, found '31/12/2999'"),
        ({"repairs": (("^C(", "C"),)}, "regular expressions in repairs, found ^C("),
    ],
)  # fmt: skip
def test_a_hospital_of_which_something_is_misspelt_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"hospital lac: expected {sentence}")):
        declared(**changed)


@pytest.mark.parametrize(
    ("feed", "sentence"),
    [
        (Feed("prelevement", "e_{date}.csv", "NUM id R K"), "feeds that are called as DOMAINS of jobs/hospitals/feed.py says"),
        (Feed("lab", "l_{date}.maf", TUMOUR, format="maf"), "in the feed lab a MAF file to be the feed variant, found another name"),
        (Feed("panel", "l_{jour}.csv", "NUM id R K"), "in braces in `file`, found jour"),
        (Feed("tumour", "u.csv", TUMOUR), "every feed once, found twice tumour"),
        (Feed("line", "l.csv", TUMOUR, replaces="parent"), "in the feed line a reference `>feed!` beside that to the patient, whose rows are replaced, found none"),
        (Feed("line", "l.csv", TUMOUR, only_from={"DEBU": "2"}), "in the feed line only columns of the feed to be spoken of, found DEBU"),
        (Feed("identity_merge", "m.csv", "OLD hash64 R K\n KEPT hash64 R"), "in the feed identity_merge two columns of type hash64"),
    ],
)  # fmt: skip
def test_a_feed_beside_the_others_is_refused_where_it_would_go_wrong(feed: Feed, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        declared(RIGHTS, PATIENT, TUMOUR, feed)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("oppose | lift | inform", "OPP | LEV"), "one column of rights whose codes are oppose | lift | inform"),
        (("QUAND   instant R", "QUAND   date R"), "one `instant` of rights that says when it happened"),
        (("scope = all", "scope = ALL"), "codes['rights_register.scope'] to say what every scope means, found nothing about ALL"),
    ],
)  # fmt: skip
def test_events_of_rights_that_could_not_be_read_are_refused(change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        declared(rights=EVENTS.replace(*change), mode="cdc", codes={"person.sex": {"1": "M", "2": "F"}})


def judged(folder: Path, hospital: Hospital, rights: str, patient: str) -> Judgement:
    """What landing makes of a delivery of the declared hospital."""
    place = deliver(folder / "landing", hospital, date(2023, 3, 1), {"rights": rights, "patient": patient})
    manifest, findings = read_manifest(place, {hospital.center: hospital}, NOW)
    assert manifest is not None, findings
    return judge(manifest, hospital, folder / "staging", PSEUDONYMS)


def test_an_opposition_is_read_from_the_columns_that_are_marked_wherever_they_stand(tmp_path: Path) -> None:
    rights = f"PATIENT,INFORME,MOYEN,OPPOSE,PORTEE,OPPOSE_LE\n{A},1,2,1,1,2023-02-01\n"
    patient = f"PATIENT,JETON,ETAT,SEXE,NE_LE,MODIFIE,OTE\n{A},,2,1,1950-05-15,2023-02-01,0\n"
    swapped = RIGHTS.replace("INFORME ", "tmp ").replace("OPPOSE ", "INFORME ").replace("tmp ", "OPPOSE ").replace(" opposed", "")
    first = swapped.replace("OPPOSE   bool   R", "OPPOSE   bool   R opposed")
    assert first.index("OPPOSE ") < first.index("INFORME ")
    for lines, text in ((RIGHTS, rights), (first, rights.replace("INFORME,MOYEN,OPPOSE", "OPPOSE,MOYEN,INFORME"))):
        judgement = judged(tmp_path / str(len(lines)), declared(rights=lines), text, patient)
        assert [(each.kind, each.scope) for each in statements(judgement)] == [("oppose", "all")]
        [staged] = judgement.staged("patient")
        assert pl.read_parquet(staged.parquet)["_sex"].to_list() == ["M"]


def test_the_reasons_of_a_hospital_are_those_of_silver_that_it_can_know() -> None:
    assert set(get_args(NullReason)) == set(NULL_REASONS) - {"masked"}


def test_every_placeholder_of_a_file_name_is_known_to_landing(tmp_path: Path) -> None:
    patient = f"PATIENT,JETON,ETAT,SEXE,NE_LE,MODIFIE,OTE\n{A},,2,1,1950-05-15,2023-02-01,0\n"
    manifest = judged(tmp_path, declared(), "PATIENT,INFORME,MOYEN,OPPOSE,PORTEE,OPPOSE_LE\n", patient).manifest
    assert manifest is not None
    assert all(name_pattern(f"{{{name}}}.csv", manifest) for name in PLACEHOLDERS)
