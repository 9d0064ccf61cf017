"""Figures of a regression: MAE over epochs, predictions and residuals against each other, importance of columns."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from research.report.curves import History, learning_curves, legend
from research.report.member_curves import member_curves
from research.report.style import COLOURS, INK, QUIET, amount_axis, new_figure, png, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 4.6  # inches; on a phone of 390 pixels letters keep four fifths of their size
BAR = "#7fa6c4"  # of an interval: lighter than a row's colour, also in gray
SHOWN = 20  # columns whose importance is drawn
WIDE = 20.0  # the greatest true value over the least from which axes are logarithmic
WINDOWS = 12  # windows of rows side by side in the running median; each has at least FEW rows
FEW = 15


def regression(
    histories: Sequence[History], best_epochs: Sequence[int], evaluation: Mapping[str, Any], unit: str = ""
) -> dict[str, bytes]:
    """All figures of a regression's report by name, as PNG; `page.render` takes them as they are.

    histories: one per member, {"epoch": [E], "train": {"loss": [E], "mae": [E]}, "validation": {...}}; best_epochs: of
    each member, the epoch whose weights were saved. `evaluation` is that of one split: {"target": its name, "truth",
    "predicted", "low", "high": [N] in `unit`, the last two None without intervals, "importance": {"columns",
    "increase", "std": [F]}}. Figures without data are left out.
    """
    figures, importance = {}, evaluation.get("importance")
    if any(len(history["epoch"]) for history in histories):
        with_mae = any("mae" in history.get(part, {}) for history in histories for part in ("train", "validation"))
        figures["learning_curves"] = (
            member_curves(histories, best_epochs, "mae", unit) if with_mae else learning_curves(histories, best_epochs)
        )
    if len(evaluation["truth"]):
        ends = None if evaluation["low"] is None else (evaluation["low"], evaluation["high"])
        named = shortened(evaluation["target"], 24) + (f", {unit}" if unit else "")
        figures["predicted"] = predicted_against_truth(evaluation["predicted"], evaluation["truth"], ends, named)
        figures["residuals"] = residuals(evaluation["predicted"], evaluation["truth"], named)
    if importance and len(importance["columns"]):
        figures["importance"] = column_importance(**importance, unit=unit)
    return figures


def predicted_against_truth(
    predicted: Sequence[float] | np.ndarray,
    truth: Sequence[float] | np.ndarray,
    ends: tuple[Any, Any] | None = None,
    label: str = "",
) -> bytes:
    """PNG of `predicted` [N] against `truth` [N], with the line where they are equal, and intervals `ends` [N] as bars.

    Both axes are logarithmic where the truth is positive and spans more than a factor of 20. They hold the truth and
    half its range more on either side; what lies beyond is drawn at the border as a triangle, and counted.
    """
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    limits, logarithmic = _limits(truth, predicted)
    with new_figure(WIDTH, WIDTH) as figure:
        axes = figure.subplots()
        _points(axes, truth, predicted, limits)
        axes.plot(limits, limits, color=INK, linewidth=1.0, label="equal", zorder=4)
        if ends is not None:
            low, high = (np.clip(np.asarray(end, np.float64), *limits) for end in ends)
            axes.vlines(truth, low, high, color=BAR, linewidth=0.8, alpha=_alpha(len(truth)) / 2, label="interval")
        axes.set(xlabel=f"true {label}", ylabel=f"predicted {label}", title="predicted against true")
        for axis in (axes.xaxis, axes.yaxis):
            amount_axis(axis, limits, 4, logarithmic)
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        legend(figure, 4)
        return png(figure)


def residuals(predicted: Sequence[float] | np.ndarray, truth: Sequence[float] | np.ndarray, label: str = "") -> bytes:
    """PNG of `truth` - `predicted` [N] against `predicted`, with a line at 0 and the running median.

    The median is over the rows in the order of their prediction, in windows of a twelfth of the rows. Predictions are
    on the axis of `predicted_against_truth`; residuals beyond four times the 95% quantile of their size are drawn at
    the border.
    """
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    error, (limits, logarithmic) = truth - predicted, _limits(truth, predicted)
    farthest = min(4 * float(np.quantile(np.abs(error), 0.95)), 1.05 * float(np.abs(error).max())) or 1.0
    with new_figure(WIDTH, 3.4) as figure:
        axes = figure.subplots()
        axes.axhline(0.0, color=QUIET, linewidth=1.0, zorder=2)
        _points(axes, np.clip(predicted, *limits), error, (-farthest, farthest))
        axes.plot(*running_median(predicted, error), color=COLOURS[1], linewidth=2.0, label="running median", zorder=4)
        axes.set(xlabel=f"predicted {label}", ylabel="true − predicted", title="residuals against predicted")
        amount_axis(axes.xaxis, limits, 4, logarithmic)
        amount_axis(axes.yaxis, (-farthest, farthest), 6)
        axes.set(xlim=limits, ylim=(-1.04 * farthest, 1.04 * farthest))
        legend(figure, 3)
        return png(figure)


def column_importance(columns: Sequence[str], increase: Sequence[float], std: Sequence[float], unit: str = "") -> bytes:
    """PNG of the `increase` [F] of the MAE when a column is shuffled, as bars with its `std` [F]: the greatest 20."""
    means, spreads = np.asarray(increase, np.float64), np.nan_to_num(np.asarray(std, np.float64))
    order = np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable")[:SHOWN]
    with new_figure(WIDTH, 0.9 + 0.21 * len(order)) as figure:
        axes = figure.subplots()
        axes.barh(np.arange(len(order)), means[order], height=0.7, color=COLOURS[5])
        axes.errorbar(means[order], np.arange(len(order)), xerr=spreads[order], fmt="none", ecolor=INK, elinewidth=1.0)
        axes.axvline(0.0, color=QUIET, linewidth=0.8)
        axes.set_yticks(np.arange(len(order)), [shortened(columns[int(index)], 22) for index in order])
        axes.set(title="importance of the columns", ylim=(len(order) - 0.4, -0.6))
        axes.set_xlabel(f"increase of MAE when shuffled{f', {unit}' if unit else ''}")
        axes.grid(False, axis="y")
        amount_axis(axes.xaxis, axes.get_xlim(), 4)
        return png(figure)


def running_median(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The medians of x and y [N] in up to 100 windows of a twelfth of the rows, sorted by x; empty for few rows."""
    size = max(FEW, len(x) // WINDOWS)
    if len(x) < 2 * size:
        return np.empty(0), np.empty(0)
    order = np.argsort(x, kind="stable")
    firsts = np.unique(np.linspace(0, len(x) - size, 100).round().astype(int))
    windows = order[firsts[:, None] + np.arange(size)]
    return np.median(x[windows], axis=1), np.median(y[windows], axis=1)


def _limits(truth: np.ndarray, predicted: np.ndarray) -> tuple[tuple[float, float], bool]:
    """The limits of a value's axis, and whether it is logarithmic."""
    low, high = float(truth.min()), float(truth.max())
    if low > 0 and high > WIDE * low:
        reach = np.sqrt(high / low)
        inside = predicted[(predicted > low / reach) & (predicted < high * reach)]
        return (min([low, *inside]) / 1.1, max([high, *inside]) * 1.1), True
    reach = (high - low) / 2 or abs(high) / 2 or 1.0
    inside = predicted[(predicted > low - reach) & (predicted < high + reach)]
    return (min([low, *inside]) - reach / 10, max([high, *inside]) + reach / 10), False


def _points(axes: "Axes", x: np.ndarray, y: np.ndarray, limits: tuple[float, float]) -> None:
    """Draw the rows; those with y outside `limits` as triangles at the border."""
    beyond = (y < limits[0]) | (y > limits[1])
    look = {"color": COLOURS[0], "alpha": _alpha(len(y)), "markeredgewidth": 0.0}
    axes.plot(x[~beyond], y[~beyond], "o", markersize=3.5 if len(y) <= 500 else 2.5, label="row", zorder=3, **look)
    if beyond.any():
        label = f"off the axis: {beyond.sum():,}"
        axes.plot(x[beyond], np.clip(y[beyond], *limits), "^", color=INK, clip_on=False, label=label, zorder=5)


def _alpha(count: int) -> float:
    """The opacity of one of `count` marks: many of them lie on each other."""
    return float(np.clip(20 / np.sqrt(count), 0.2, 0.8))
