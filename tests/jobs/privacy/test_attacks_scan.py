"""What must not stand in a release is found wherever it stands, and what may is not."""

import datetime as dt

import polars as pl
import pytest

from jobs.privacy.attacks.figures import Figure
from jobs.privacy.attacks.scan import scanned

RAW = pl.DataFrame({"patient_id": ["p-7f3a", "p-0001"], "age": [60, 61]})


def found(**columns: list[object]) -> dict[str, Figure]:
    return {each.name: each for each in scanned({"edu_tumor": pl.DataFrame(columns)}, RAW)}


@pytest.mark.parametrize(
    "cell",
    [
        "1 84 12 76 451 089 46",  # a national number with its right key
        "marie.dupont@example.org",
        "06 12 34 56 78",
        "8001234567",  # a number of a patient in a hospital
        "DUPONT Marie",
        "p-7f3a",  # what the patient is called inside
        "ab" * 32,
    ],
)
def test_an_identifier_in_any_cell_is_found_and_not_told(cell: str) -> None:
    figure = found(grade=["G1"] * 99 + [cell])["identifiers found"]
    assert (figure.kept, figure.value) == (False, 1)
    assert "edu_tumor.grade" in figure.advice
    assert cell not in figure.advice


def test_a_column_named_like_an_identifier_is_found_whatever_it_holds() -> None:
    assert not found(ipp=[1, 2])["identifiers found"].kept
    assert not found(patient_id=["a", "b"])["identifiers found"].kept


@pytest.mark.parametrize("value", ["2021-03-04", "04/03/2021", "20210304", dt.date(2021, 3, 4)])
def test_a_column_of_exact_dates_is_found(value: object) -> None:
    assert not found(start=[value, value])["columns of exact dates"].kept


def test_what_a_release_tells_is_no_identifier() -> None:
    figures = found(
        age_band=["60–64", "90+"],
        dx_period=["2019–2020", "2021"],
        region=["Île-de-France", "abroad"],
        regimen=["cisplatin + gemcitabine", "other"],
        panel=["ONCO-90", "CORE-40 (curie)"],
        grade=["Gleason 7", None],
        days=[15, 3650],
    )
    assert all(each.kept for each in figures.values())
