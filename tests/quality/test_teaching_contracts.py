"""The rules of the teaching tables: each catches the row that breaks it, and a good row passes."""

import pytest

from quality.contracts import contracts
from quality.evaluate import evaluate, for_pandas
from tests.quality.contract_rows import arrow

TEACHING = contracts("teaching")
LINE = {
    "line_no": 1,
    "tumor_no": 1,
    "patient_no": 1,
    "line_number": 1,
    "start_day": 15,
    "end_day": 45,
    "regimen": "other",
    "setting": None,
}
EVENT = {"event_no": 1, "tumor_no": 1, "patient_no": 1, "kind": "surgery", "day": 15}
SURVIVAL = {
    "tumor_no": 1,
    "patient_no": 1,
    "endpoint": "OS",
    "days": 45,
    "event": True,
    "entry_days": 15,
    "censor_reason": None,
}


def failing(name, rows):
    found = evaluate(TEACHING[name], for_pandas(arrow(TEACHING[name], rows)), "pandas", {})
    return [each.sentence for each in found if not each.passed]


@pytest.mark.parametrize(("name", "row"), [("edu_line", LINE), ("edu_event", EVENT), ("edu_survival", SURVIVAL)])
def test_a_good_row_passes(name, row):
    assert failing(name, [row]) == []


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("edu_line", [LINE, LINE | {"line_no": 2}]),
        ("edu_event", [EVENT, EVENT | {"event_no": 2, "day": 45}]),
        ("edu_survival", [SURVIVAL | {"entry_days": 45}]),
        ("edu_survival", [SURVIVAL | {"censor_reason": "alive_at_last_news"}]),
        ("edu_survival", [SURVIVAL | {"days": 3651}]),
        ("edu_event", [EVENT | {"kind": "birthday"}]),
    ],
)
def test_a_row_that_breaks_a_rule_is_caught_once(name, rows):
    assert len(failing(name, rows)) == 1


def test_no_column_of_a_release_says_anything_about_a_person_who_could_be_found():
    told = {column.sensitivity for table in TEACHING.values() for column in table.columns}
    assert told == {"none"}
