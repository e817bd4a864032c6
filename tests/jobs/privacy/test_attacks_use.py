"""What a release is still good for: its survival curves are those of the exact rows, and lifelines agrees."""

import polars as pl
import pytest
from lifelines import KaplanMeierFitter

from jobs.privacy.attacks.figures import Bounds
from jobs.privacy.attacks.utility import auc_loss, survival, survival_gap
from jobs.teaching._days import middles
from tests.jobs.privacy import simulated

BOUNDS = Bounds()


@pytest.fixture(scope="module")
def exact() -> pl.DataFrame:
    return simulated.patients(3_000)


@pytest.fixture(scope="module")
def view(exact: pl.DataFrame) -> pl.DataFrame:
    return simulated.told(exact).with_columns(days=pl.Series([middles(day)[-1] for day in exact["days"]]))


@pytest.fixture(scope="module")
def truth(exact: pl.DataFrame, view: pl.DataFrame) -> pl.DataFrame:
    return view.with_columns(exact["days"], exact["event"])


@pytest.mark.parametrize("at", [365.25, 1095.75, 1826.25])
def test_survival_is_that_of_lifelines(exact: pl.DataFrame, at: float) -> None:
    curve = KaplanMeierFitter().fit(exact["days"].to_numpy(), exact["event"].to_numpy())
    assert survival(exact, at) == pytest.approx(curve.survival_function_at_times(at).item(), abs=1e-9)


def test_bins_keep_the_curves_and_early_deaths_left_out_do_not(view: pl.DataFrame, truth: pl.DataFrame) -> None:
    assert survival_gap(view, truth, BOUNDS).kept
    late = view.with_columns(days=pl.when(pl.col("event") & (pl.col("days") < 365)).then(None).otherwise("days"))
    figure = survival_gap(late, truth, BOUNDS)
    assert (figure.kept, figure.value > 0.05) == (False, True)


def test_without_a_large_group_no_curve_is_kept(view: pl.DataFrame, truth: pl.DataFrame) -> None:
    assert not survival_gap(view, truth, Bounds(stratum=10_000)).kept


def test_a_model_loses_nothing_on_the_same_rows_and_much_on_shuffled_ones(exact: pl.DataFrame) -> None:
    raw, control = exact.head(2_000), exact.tail(1_000)
    assert auc_loss(raw, raw, control, control, BOUNDS).value == 0
    stirred = raw.with_columns(pl.col("age", "stage", "tumor_group").shuffle(seed=1))
    figure = auc_loss(stirred.with_columns(age_band="age"), raw, control, control.with_columns(age_band="age"), BOUNDS)
    assert (figure.kept, figure.value > 0.05) == (False, True)
