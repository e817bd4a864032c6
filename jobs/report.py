"""Pictures of the lake for the summary: overall survival with its uncertainty, and how complete the data are."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from jobs.lake import Lake

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAYS_IN_A_YEAR = 365.25
# Okabe and Ito's colours: told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, FAINT = "#22303C", "#8A97A3"
SHOWN_YEARS = 10
# Not a group that a curve could speak for.
NO_GROUPS = ("other", "unknown", "unknown site")
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier estimate: survival just after each time of death, with a 95 % band, and who was followed when."""

    label: str
    days: np.ndarray
    survival: np.ndarray
    low: np.ndarray
    high: np.ndarray
    entry: np.ndarray
    exit: np.ndarray
    deaths: int

    def at_risk(self, day: float) -> int:
        """How many are under observation on a day: already met by a hospital, not yet dead or lost."""
        return int(_under_observation(self.entry, self.exit, day))

    def survival_at(self, day: float) -> float:
        """The estimate on a day."""
        reached = np.searchsorted(self.days, day, side="right")
        return 1.0 if reached == 0 else float(self.survival[reached - 1])


def kaplan_meier(label: str, entry: np.ndarray, exit: np.ndarray, event: np.ndarray) -> Curve:
    """Survival from diagnosis, each person counted only from the day a hospital of the lake first met them.

    Somebody who is referred a year after diagnosis could not have been seen dying in that year; to count that year as
    survived would flatter the hospital. The band is Greenwood's on the log(-log) scale, which stays between 0 and 1.
    """
    died_on = np.unique(exit[event == 1])
    at_risk = np.array([_under_observation(entry, exit, day) for day in died_on], dtype=float)
    deaths = np.array([np.sum((exit == day) & (event == 1)) for day in died_on], dtype=float)
    survival = np.cumprod(1 - deaths / at_risk) if len(died_on) else np.array([])
    low, high = _band(survival, at_risk, deaths)
    return Curve(label, died_on, survival, low, high, entry, exit, int(deaths.sum()))


def _under_observation(entry: np.ndarray, exit: np.ndarray, day: float) -> np.integer:
    # An entry on day 0 is no delay: those are at risk on day 0 already.
    return np.sum(((entry < day) | (entry == 0)) & (exit >= day))


def _band(survival: np.ndarray, at_risk: np.ndarray, deaths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
        log = np.log(survival)
        width = Z95 * np.sqrt(greenwood) / np.abs(log)
        low, high = survival ** np.exp(width), survival ** np.exp(-width)
    # Once everybody at risk has died the variance is infinite and the estimate 0.
    gone = survival <= 0
    return np.where(gone, 0.0, low), np.where(gone, 0.0, high)


def survival_curves(endpoint: pl.DataFrame, by: str, groups: int = len(COLOURS)) -> tuple[list[Curve], int]:
    """A curve for each of the largest groups in column `by`, and how many tumours could not be counted.

    One tumour a patient and group, the first: a patient whom two hospitals follow, or with two tumours, must not count twice.
    Left out are tumours without date or vital status, and those last heard of before any hospital met them.
    """
    first = endpoint.filter(pl.col("endpoint") == "OS", pl.col(by).is_not_null()).sort("start_date", "tumor_id", nulls_last=True)
    first = first.unique(["patient_id", by], keep="first", maintain_order=True)
    entered = pl.col("entry_days").fill_null(0)
    usable = first.filter(
        pl.col("days").is_not_null(),
        pl.col("event").is_not_null(),
        (pl.col("days") > entered) | ((entered == 0) & (pl.col("days") >= 0)),
    )
    largest = usable[by].value_counts().sort(["count", by], descending=[True, False])[by].head(groups)
    curves = []
    for group in largest:
        of_group = usable.filter(pl.col(by) == group)
        numbers = (of_group[name].fill_null(0).to_numpy().astype(float) for name in ("entry_days", "days", "event"))
        curves.append(kaplan_meier(str(group), *numbers))
    return curves, len(first) - len(usable)


def survival_figure(curves: list[Curve], title: str, left_out: int) -> "Figure":
    """Survival curves with their bands, the estimate at five years beside each name, and the number at risk below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6.4), dpi=150, facecolor="white")
    above, below = figure.subplots(2, 1, height_ratios=[4, 0.28 * len(curves) + 0.2], sharex=True)
    for curve, colour in zip(curves, COLOURS, strict=False):
        _draw_curve(above, curve, colour)
    above.set(xlim=(0, SHOWN_YEARS), ylim=(0, 1.02), ylabel="Overall survival")
    above.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    above.grid(axis="y", color="#E4E9ED", linewidth=0.8)
    above.legend(
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        title="5-year survival",
        alignment="left",
        labelcolor=INK,
        labelspacing=1.1,
        fontsize=9,
    )
    _numbers_at_risk(below, curves)
    left = f"  {left_out} without usable dates left out." if left_out else ""
    _entitle(figure, title, f"Kaplan-Meier from diagnosis, 95 % bands; each counted from first contact (delayed entry).{left}")
    for axes in (above, below):
        _tidy(axes)
    figure.subplots_adjust(left=0.16, right=0.78, top=0.86, bottom=0.09, hspace=0.16)
    return figure


def _draw_curve(axes: "Axes", curve: Curve, colour: str) -> None:
    followed = float(curve.exit.max(initial=0))
    years = np.concatenate([[0], curve.days, [followed]]) / DAYS_IN_A_YEAR
    survival, low, high = (
        np.concatenate([[1.0], values, values[-1:] if len(values) else [1.0]])
        for values in (curve.survival, curve.low, curve.high)
    )
    label = f"{curve.label}  {_five_years(curve)}\nn = {len(curve.exit):,}, {curve.deaths:,} deaths"
    axes.step(years, survival, where="post", color=colour, linewidth=2, label=label)
    axes.fill_between(years, low, high, step="post", color=colour, alpha=0.13, linewidth=0)


def _five_years(curve: Curve) -> str:
    day = 5 * DAYS_IN_A_YEAR
    return f"{curve.survival_at(day):.0%}" if curve.at_risk(day) else "(not yet)"


def _numbers_at_risk(axes: "Axes", curves: list[Curve]) -> None:
    axes.set(ylim=(len(curves) - 0.4, -0.6), yticks=range(len(curves)), yticklabels=[curve.label for curve in curves])
    axes.set_xlabel("Years from diagnosis", color=INK)
    axes.set_xticks(range(0, SHOWN_YEARS + 1))
    for row, (curve, colour) in enumerate(zip(curves, COLOURS, strict=False)):
        for year in range(0, SHOWN_YEARS + 1):
            axes.text(
                year,
                row,
                f"{curve.at_risk(year * DAYS_IN_A_YEAR):,}",
                ha="center",
                va="center_baseline",
                color=colour,
                fontsize=9,
            )
    axes.tick_params(axis="y", pad=16)
    axes.set_title("Number at risk", loc="left", fontsize=9, color=FAINT, pad=3)


def completeness(quality: pl.DataFrame) -> pl.DataFrame:
    """The share of rows in which each variable is filled, by hospital, over all months."""
    return (
        quality.group_by("center", "table_name", "variable")
        .agg(pl.col("n_rows").sum(), pl.col("n_filled").sum())
        .with_columns(completeness=pl.col("n_filled") / pl.col("n_rows"))
        .sort("table_name", "variable", "center")
    )


def quality_figure(shares: pl.DataFrame, title: str) -> "Figure":
    """A heat map hospital x variable, a block for each half of the tables; a dash where a hospital has no row of that table."""
    from matplotlib.figure import Figure

    centers = shares["center"].unique().sort().to_list()
    variables = shares.select("table_name", "variable").unique(maintain_order=True).rows()
    half = _fair_split(variables)
    figure = Figure(figsize=(11, 1.9 + 0.235 * max(half, len(variables) - half)), dpi=150, facecolor="white")
    share_of = {
        (table, variable, center): share
        for center, table, variable, share in shares.select("center", "table_name", "variable", "completeness").rows()
    }
    for axes, block in zip(figure.subplots(1, 2), (variables[:half], variables[half:]), strict=True):
        if not block:
            axes.set_axis_off()
            continue
        grid = np.array([[share_of.get((*row, center), np.nan) for center in centers] for row in block], dtype=float).reshape(
            len(block), len(centers)
        )
        _draw_block(axes, grid, block, centers)
        axes.set_ylim(max(half, len(variables) - half) - 0.5, -0.5)
    _entitle(figure, title, "Share of current rows in which the variable is filled. A dash: the hospital sends no such row.")
    inches = figure.get_size_inches()[1]
    figure.subplots_adjust(left=0.235, right=0.985, top=1 - 1.15 / inches, bottom=0.2 / inches, wspace=0.95)
    return figure


def _fair_split(variables: list[tuple[str, str]]) -> int:
    """Where to break the list in two columns of about the same height without breaking a table."""
    borders = [row for row in range(1, len(variables)) if variables[row][0] != variables[row - 1][0]]
    return min(borders, key=lambda row: abs(2 * row - len(variables)), default=len(variables))


def _draw_block(axes: "Axes", grid: np.ndarray, block: list[tuple[str, str]], centers: list[str]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    # What is missing must catch the eye, not what is there: from a strong orange to a pale blue.
    colours = LinearSegmentedColormap.from_list("filled", ["#C24E00", "#EFA36B", "#F8DCC6", "#EDF3F8", "#C9DFEF"])
    axes.imshow(np.ma.masked_invalid(grid), cmap=colours, vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(grid):
        text, ink = ("–", FAINT) if np.isnan(share) else (_percent(share), "white" if share < 0.15 else INK)
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
    axes.set_yticks(range(len(block)), [variable.replace("_", " ") for _, variable in block], fontsize=8)
    axes.set_xticks(range(len(centers)), centers, fontsize=10, fontweight="bold")
    axes.xaxis.tick_top()
    for row in range(len(block)):
        if row == 0 or block[row][0] != block[row - 1][0]:
            axes.axhline(row - 0.5, color=INK, linewidth=0.8, xmin=-0.78, clip_on=False)
            table = block[row][0].replace("_", " ")
            axes.text(
                -0.77, row, table, transform=axes.get_yaxis_transform(), va="center", fontsize=8, fontweight="bold", color=INK
            )
    _tidy(axes)


def _percent(share: float) -> str:
    # "100" only for all and "0" only for none: rounding must not hide the last gap.
    return "100" if share == 1 else "0" if share == 0 else f"{min(max(share * 100, 1), 99):.0f}"


def _entitle(figure: "Figure", title: str, subtitle: str) -> None:
    inches = figure.get_size_inches()[1]
    figure.text(0.02, 1 - 0.22 / inches, title, fontsize=15, fontweight="bold", color=INK, va="top")
    figure.text(0.02, 1 - 0.52 / inches, subtitle, fontsize=9, color=FAINT, va="top")


def _tidy(axes: "Axes") -> None:
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=INK)


def draw(lake: Lake, folder: Path) -> list[Path]:
    """Draw what gold can show into `folder`: survival by tumour group and by hospital, completeness. Returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    if lake.exists("gold", "endpoint") and lake.exists("gold", "tumor_summary"):
        groups = lake.frame("gold", "tumor_summary", ["tumor_id", "tumor_group"]).filter(~pl.col("tumor_group").is_in(NO_GROUPS))
        endpoint = lake.frame("gold", "endpoint").join(groups, "tumor_id", how="left")
        drawn += [
            _survival_picture(endpoint, "tumor_group", "tumour group", folder),
            _survival_picture(endpoint, "center", "hospital", folder),
        ]
    if lake.exists("gold", "quality"):
        figure = quality_figure(completeness(lake.frame("gold", "quality")), "How complete the data are")
        drawn.append(_saved(figure, folder / "completeness.png"))
    return drawn


def _survival_picture(endpoint: pl.DataFrame, by: str, called: str, folder: Path) -> Path:
    curves, left_out = survival_curves(endpoint, by)
    figure = survival_figure(curves, f"Overall survival by {called}", left_out)
    return _saved(figure, folder / f"survival_by_{called.replace(' ', '_')}.png")


def _saved(figure: "Figure", path: Path) -> Path:
    # No date or version of matplotlib inside: the same data give the same bytes.
    figure.savefig(path, metadata={"Software": None})
    return path
