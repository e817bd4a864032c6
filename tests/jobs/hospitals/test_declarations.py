"""What holds for the declaration of every hospital."""

import re
from datetime import datetime

import pytest

from jobs.dictionary import hospital_page
from jobs.hospitals import hospitals
from jobs.silver.conform import coded_names
from quality.contracts import contracts
from quality.value_sets import VALUE_SETS

REQUIRED = {
    "gr": {"rights"},
    "aphp": {"rights", "patient", "identity_merge"},
    "curie": {feed.domain for feed in hospitals()["curie"].feeds if feed.core},
}
HOSPITALS = list(hospitals().values())
CODED = {f"{table.name}.{name}" for table in contracts("silver").values() for name in coded_names(table)}


@pytest.fixture(params=HOSPITALS, ids=lambda hospital: hospital.center)
def hospital(request):
    return request.param


def test_its_codes_become_values_of_our_value_sets(hospital):
    assert set(hospital.codes) - CODED == set()
    strange = {name: set(codes.values()) - set(VALUE_SETS[name]) for name, codes in hospital.codes.items()}
    assert {name: values for name, values in strange.items() if values} == {}


def test_every_column_that_a_feed_speaks_of_is_one_of_its_own(hospital):
    for feed in hospital.feeds:
        names = {column.name for column in feed.columns}
        conditions = [column.required_when for column in feed.columns] + [feed.validation and feed.validation.only]
        spoken_of = {condition.column for condition in conditions if condition}
        spoken_of |= {column.not_after for column in feed.columns if column.not_after} | set(feed.only_from)
        spoken_of |= {feed.validation.column} if feed.validation else set()
        assert spoken_of - names == set(), feed.domain
        assert len(names) == len(feed.columns), feed.domain


def test_its_dialect_can_be_read(hospital):
    day = datetime(2020, 2, 29)
    assert datetime.strptime(day.strftime(hospital.date_format), hospital.date_format) == day
    assert not set(hospital.true_values) & set(hospital.false_values)
    assert all(re.compile(expression) for expression, _ in hospital.repairs)
    columns = {column.name for feed in hospital.feeds for column in feed.columns}
    assert set(hospital.month_dates) <= columns
    assert {hospital.version_column, (hospital.deleted_when or (None,))[0]} - {None} <= columns
    assert set(hospital.always) <= {feed.domain for feed in hospital.feeds}


def test_its_page_says_what_every_full_delivery_must_bring(hospital):
    page = hospital_page(hospital)
    said = {
        name for name, required in re.findall(r"^\| \[(\w+)\]\(#\w+\) \| `[^|]*` \| (yes)? ?\|", page, re.MULTILINE) if required
    }
    assert said == hospital.required == REQUIRED.get(hospital.center, hospital.required)
