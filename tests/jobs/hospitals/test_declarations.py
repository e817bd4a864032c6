"""What holds for the declaration of every hospital."""

import re

import pytest

from jobs.dictionary import hospital_page
from jobs.hospitals import hospitals
from jobs.silver.conform import coded_names
from quality.contracts import contracts

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


def test_its_codes_are_those_of_coded_columns(hospital):
    assert set(hospital.codes) - CODED == set()


def test_its_page_says_what_every_full_delivery_must_bring(hospital):
    page = hospital_page(hospital)
    said = {
        name for name, required in re.findall(r"^\| \[(\w+)\]\(#\w+\) \| `[^|]*` \| (yes)? ?\|", page, re.MULTILINE) if required
    }
    assert said == hospital.required == REQUIRED.get(hospital.center, hospital.required)
