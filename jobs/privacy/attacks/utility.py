"""What a release is still good for: its survival curves and a model, beside those of the exact rows."""

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from jobs.privacy.attacks.figures import Bounds, Figure

# Bins end after these years, and tell nothing within them.
YEAR, YEARS = 365.25, (1, 3, 5)
TWO_YEARS = 2 * YEAR
# What is known at diagnosis, as the release calls it and as exact rows may.
FEATURES = {
    "sex": ("sex",),
    "age_band": ("age", "age_band"),
    "tumor_group": ("tumor_group",),
    "stage": ("stage",),
    "morphology_group": ("morphology_group",),
    "metastatic_at_dx": ("metastatic_at_dx",),
    "grade": ("grade",),
}


def useful(
    view: pl.DataFrame, truth: pl.DataFrame, raw: pl.DataFrame, control: pl.DataFrame, aside: pl.DataFrame, bounds: Bounds
) -> list[Figure]:
    """The figures of use; `truth` and `aside` are `raw` and `control` in the words of the release."""
    exact = truth.with_columns(raw["days"], raw["event"])
    return [survival_gap(view, exact, bounds), auc_loss(view, raw, control, aside, bounds)]


def survival_gap(view: pl.DataFrame, truth: pl.DataFrame, bounds: Bounds) -> Figure:
    """The largest difference of overall survival at 1, 3 and 5 years, over groups of tumour and stage."""
    gaps = {
        (*stratum, year): abs(survival(told, year * YEAR) - survival(exact, year * YEAR))
        for stratum, told, exact in _strata(view, truth, bounds.stratum)
        for year in YEARS
    }
    worst = max(gaps, key=lambda at: gaps[at], default=None)
    advice = (
        f"Largest of {len(gaps)} differences, in {worst[0]}, {worst[1]}, at {worst[2]} years. Take fewer days out, or tell fewer groups."
        if worst
        else f"No group of a tumour and a stage has {bounds.stratum} patients."
    )
    return Figure.at_most("survival gap", gaps[worst] if worst else float("nan"), bounds.survival_gap, advice, decides=False)


def _strata(view: pl.DataFrame, truth: pl.DataFrame, least: int) -> list[tuple[tuple[str, str], pl.DataFrame, pl.DataFrame]]:
    by = ["tumor_group", "stage"]
    told = {tuple(map(str, key)): rows for key, rows in view.partition_by(by, as_dict=True).items()}
    exact = {tuple(map(str, key)): rows for key, rows in truth.partition_by(by, as_dict=True).items()}
    large = sorted(key for key, rows in exact.items() if rows.height >= least and key in told)
    return [((key[0], key[1]), told[key], exact[key]) for key in large]


def survival(rows: pl.DataFrame, at: float) -> float:
    """Kaplan-Meier at a day, of whom days and event are told."""
    followed = rows.drop_nulls(["days", "event"])
    days, died = followed["days"].to_numpy(), followed["event"].cast(pl.Boolean).to_numpy()
    times, deaths = np.unique(days[died & (days <= at)], return_counts=True)
    at_risk = len(days) - np.searchsorted(np.sort(days), times, side="left")
    return float(np.prod(1 - deaths / at_risk))


def auc_loss(view: pl.DataFrame, raw: pl.DataFrame, control: pl.DataFrame, aside: pl.DataFrame, bounds: Bounds) -> Figure:
    """What a logistic regression of death within two years loses on patients kept aside when it learns from the release."""
    told = {name: name for name in FEATURES if name in view.columns}
    exact = {name: next(each for each in FEATURES[name] if each in raw.columns) for name in told}
    tested = _labelled(control)
    try:
        of_raw = _auc(raw, control, list(exact.values()), tested, bounds.seed)
        of_release = _auc(view, aside, list(told), tested, bounds.seed)
    except ValueError:
        # One class alone: too few patients or deaths.
        of_raw, of_release = float("nan"), float("nan")
    advice = f"Logistic regression of {', '.join(told)}, seed {bounds.seed}: AUC {of_raw:.3f} from exact rows, {of_release:.3f} from the release."
    return Figure.at_most("model loss", of_raw - of_release, bounds.auc_loss, advice, decides=False)


def _labelled(rows: pl.DataFrame) -> pl.Series:
    """True for death within two years, False for later or never; null for whom it is not known."""
    died = pl.col("event").cast(pl.Boolean) & (pl.col("days") < TWO_YEARS)
    known = died | (pl.col("days") >= TWO_YEARS)
    return rows.select(pl.when(known).then(died)).to_series()


def _auc(rows: pl.DataFrame, aside: pl.DataFrame, features: list[str], tested: pl.Series, seed: int) -> float:
    label = _labelled(rows)
    learns = label.is_not_null()
    model = _model(rows, features, seed).fit(_told(rows.filter(learns), features), label.drop_nulls().to_numpy())
    guessed = model.predict_proba(_told(aside.filter(tested.is_not_null()), features))[:, 1]
    return float(roc_auc_score(tested.drop_nulls().to_numpy(), guessed))


def _model(rows: pl.DataFrame, features: list[str], seed: int) -> Pipeline:
    numbers = [at for at, name in enumerate(features) if rows.schema[name].is_numeric()]
    labels = [at for at in range(len(features)) if at not in numbers]
    told = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), labels))
    return make_pipeline(told, LogisticRegression(max_iter=1000, random_state=seed))


def _told(rows: pl.DataFrame, features: list[str]) -> np.ndarray:
    columns = [
        rows[name].fill_null(strategy="mean").to_numpy().astype(object)
        if rows.schema[name].is_numeric()
        else rows[name].cast(pl.String).fill_null("?").to_numpy().astype(object)
        for name in features
    ]
    return np.stack(columns, axis=1)
