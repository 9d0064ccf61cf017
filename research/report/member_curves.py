"""Learning curves of many members in one figure: the mean of training and validation, each with a band."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.report.curves import History, legend
from research.report.formats import count, metric_label
from research.report.style import COLOURS, INK, amount_axis, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = (10, 90)  # percentiles of the members
FEW = 5  # members up to which each has a line of its own
RISES = 10.0  # the greatest over the least from which the axis is logarithmic


def member_curves(
    histories: Sequence[History], best_epochs: Sequence[int] = (), metric: str = "mae", unit: str = ""
) -> bytes:
    """PNG of `metric` over epochs, training and validation on one pair of axes: the mean over members, and a band.

    Each history (one per member) is {"epoch": [E], "train": {metric: [E]}, "validation": {metric: [E]}}; values that
    are None or not finite leave gaps. The band holds the middle 80% of the members; up to five members have a thin
    line each instead. Mean and band are over the members that still train, and end where fewer than half of them do.
    The median of `best_epochs`, one per member, is marked.
    """
    with new_figure(4.6, 3.4) as figure:
        axes = figure.subplots()
        for part, colour, stroke, label in (
            ("train", COLOURS[1], "--", "training"),
            ("validation", COLOURS[0], "-", "validation"),
        ):
            epochs, values = member_values(histories, part, metric)
            if len(epochs):
                _draw(axes, epochs, values, colour, stroke, label)
        if len(best_epochs):
            middle, label = (
                float(np.median(best_epochs)),
                "best epoch" if len(best_epochs) == 1 else "median best epoch",
            )
            axes.axvline(middle, color=INK, linewidth=0.8, linestyle=":", label=f"{label}: {middle:.0f}")
        over = f", {count(len(histories))} trainings" if len(histories) > 1 else ""
        measure = f"{metric_label(metric)}{f' in {unit}' if unit else ''}"
        axes.set(title=f"{measure} over epochs{over}", xlabel="epoch")
        _scale(axes, marks=int(len(best_epochs) > 0))
        legend(figure, 3 if len(histories) <= FEW else 2)
        return png(figure)


def member_values(histories: Sequence[History], part: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The epochs [E] in which half of the members still train, and `metric` of each [M, E]; NaN where unknown."""
    found = [history for history in histories if metric in history.get(part, {})]
    lengths = sorted(len(history["epoch"]) for history in found)
    E = lengths[len(lengths) // 2] if found else 0
    longest = next((history for history in found if len(history["epoch"]) >= E), {"epoch": ()})
    values = np.full((len(found), E), np.nan)
    for row, history in zip(values, found, strict=True):
        known = np.asarray(history[part][metric], np.float64)[:E]
        row[: len(known)] = np.where(np.isfinite(known), known, np.nan)
    return np.asarray(longest["epoch"], np.float64)[:E], values


def _draw(axes: "Axes", epochs: np.ndarray, values: np.ndarray, colour: str, stroke: str, label: str) -> None:
    known = np.isfinite(values).any(axis=0)
    epochs, values = epochs[known], values[:, known]
    if not len(epochs):
        return
    if len(values) <= FEW:
        axes.plot(epochs, values.T, color=colour, linestyle=stroke, linewidth=0.6, alpha=0.6)
    else:
        low, high = np.nanpercentile(values, BAND, axis=0)
        axes.fill_between(epochs, low, high, color=colour, alpha=0.22, linewidth=0, label="middle 80% of trainings")
    marker = "." if len(epochs) <= 40 else ""  # a single epoch has no line
    axes.plot(epochs, np.nanmean(values, axis=0), color=colour, linestyle=stroke, marker=marker, label=label)


def _scale(axes: "Axes", marks: int) -> None:
    """Whole epochs; logarithmic values where they span a decade above 0. The last `marks` lines are no curves."""
    from matplotlib.ticker import MaxNLocator  # slow to import

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    curves = axes.lines[: len(axes.lines) - marks]
    values = np.concatenate([np.asarray(curve.get_ydata(), np.float64) for curve in curves] or [np.ones(1)])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    amount_axis(axes.yaxis, (low, high), 6, logarithmic=0 < low < high / RISES)
