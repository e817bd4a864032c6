"""The pictures: estimates held against lifelines, and figures that say what they left out."""

import math
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.lake import Lake
from jobs.report import Curve, completeness, draw, kaplan_meier, quality_figure, survival_curves

SOME_DAYS = (30, 200, 365, 700, 1200, 2000)


def cohort(size: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entry, exit and event of invented people, a third of whom came late; ties and censoring included."""
    random = np.random.default_rng(11)
    entry = np.where(random.random(size) < 0.33, random.integers(1, 500, size), 0).astype(float)
    exit = entry + 1 + np.round(random.exponential(900, size))
    return entry, exit, (random.random(size) < 0.6).astype(float)


def lifelines_of(entry: np.ndarray | None, exit: np.ndarray, event: np.ndarray) -> list[tuple[float, float, float]]:
    from lifelines import KaplanMeierFitter

    fitted = KaplanMeierFitter().fit(exit, event, entry=entry)
    band = fitted.confidence_interval_.asof(SOME_DAYS).to_numpy()
    return [(float(s), float(low), float(high)) for s, (low, high) in zip(fitted.predict(SOME_DAYS), band, strict=True)]


def ours(curve: Curve) -> list[tuple[float, float, float]]:
    places = [np.searchsorted(curve.days, day, side="right") - 1 for day in SOME_DAYS]
    return [(float(curve.survival[p]), float(curve.low[p]), float(curve.high[p])) for p in places]


def test_the_estimate_with_delayed_entry_and_its_band_are_those_of_lifelines() -> None:
    entry, exit, event = cohort()
    for found, expected in zip(ours(kaplan_meier("all", entry, exit, event)), lifelines_of(entry, exit, event), strict=True):
        assert found == pytest.approx(expected, abs=1e-9)


def test_without_delay_a_death_on_the_day_of_diagnosis_counts() -> None:
    _, exit, event = cohort()
    exit, event = np.append(exit, 0.0), np.append(event, 1.0)
    curve = kaplan_meier("all", np.zeros_like(exit), exit, event)
    assert curve.survival_at(0) == pytest.approx(1 - 1 / len(exit))
    for found, expected in zip(ours(curve), lifelines_of(None, exit, event), strict=True):
        assert found == pytest.approx(expected, abs=1e-9)


def test_who_came_late_is_not_at_risk_before() -> None:
    curve = kaplan_meier("two", np.array([0.0, 400.0]), np.array([1000.0, 1000.0]), np.array([1.0, 0.0]))
    assert [curve.at_risk(day) for day in (0, 365, 500, 1001)] == [1, 1, 2, 0]


def test_a_group_in_which_nobody_died_stays_at_one() -> None:
    curve = kaplan_meier("well", np.zeros(2), np.array([10.0, 20.0]), np.zeros(2))
    assert (curve.survival_at(15), curve.deaths) == (1.0, 0)


def endpoints() -> pl.DataFrame:
    columns = ("patient_id", "tumor_id", "center", "start_date", "days", "event", "entry_days")
    lines = [
        ("P1", "t1", "gr", date(2020, 1, 1), 100, 1, 0),
        ("P1", "t2", "gr", date(2019, 1, 1), 465, 1, 0),
        ("P1", "t3", "curie", date(2020, 1, 1), 100, 1, 0),
        ("P2", "t4", "gr", date(2020, 1, 1), None, 0, 0),
        ("P3", "t5", "gr", date(2020, 1, 1), 50, None, 0),
        ("P4", "t6", "gr", date(2020, 1, 1), 50, 0, 60),
        ("P5", "t7", "gr", date(2020, 1, 1), -3, 1, 0),
        ("P6", "t8", "gr", date(2020, 1, 1), 0, 1, 0),
    ]
    return pl.DataFrame(lines, schema=columns, orient="row").with_columns(endpoint=pl.lit("OS"))


def test_a_patient_counts_once_a_group_from_the_first_tumour_and_what_has_no_time_is_said() -> None:
    curves, left_out = survival_curves(endpoints(), "center")
    assert [(curve.label, sorted(curve.exit)) for curve in curves] == [("gr", [0.0, 465.0]), ("curie", [100.0])]
    assert left_out == 4


def quality_rows() -> pl.DataFrame:
    rows = [
        ("gr", "person", "sex", 10, 10),
        ("gr", "person", "sex", 30, 10),
        ("gr", "grade", "value", 4, 0),
        ("curie", "person", "sex", 5, 5),
    ]
    return pl.DataFrame(rows, schema=["center", "table_name", "variable", "n_rows", "n_filled"], orient="row")


def test_completeness_is_over_all_months_and_a_hospital_without_such_rows_gets_a_dash() -> None:
    shares = completeness(quality_rows())
    assert shares.select("center", "table_name", "completeness").rows() == [
        ("gr", "grade", 0.0),
        ("curie", "person", 1.0),
        ("gr", "person", 0.5),
    ]
    written = [text.get_text() for axes in quality_figure(shares, "Complete?").axes for text in axes.texts]
    assert [each for each in written if each in ("–", "0", "50", "100")] == ["–", "0", "100", "50"]


def test_the_pictures_of_a_lake_are_drawn_and_the_same_twice(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.write("gold", "endpoint", endpoints().to_arrow())
    lake.write("gold", "tumor_summary", pl.DataFrame({"tumor_id": ["t1"], "tumor_group": ["breast"]}).to_arrow())
    lake.write("gold", "quality", quality_rows().to_arrow())
    first = {path.name: path.read_bytes() for path in draw(lake, tmp_path / "one")}
    second = {path.name: path.read_bytes() for path in draw(lake, tmp_path / "two")}
    assert sorted(first) == ["completeness.png", "survival_by_hospital.png", "survival_by_tumour_group.png"]
    assert first == second
    assert all(content.startswith(b"\x89PNG") for content in first.values())


def test_an_empty_lake_has_no_pictures(tmp_path: Path) -> None:
    assert draw(Lake(str(tmp_path)), tmp_path / "pictures") == []
    assert not math.isnan(kaplan_meier("none", np.array([]), np.array([]), np.array([])).survival_at(1))
