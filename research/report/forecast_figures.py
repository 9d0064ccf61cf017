"""Figures of a forecaster: chosen days, errors by horizon, coverage by hour, and all that its report shows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from research.evaluation.metrics import metric_of
from research.report import formats
from research.report.curves import History, learning_curves, legend
from research.report.memory import memory
from research.report.style import COLOURS, INK, QUIET, line, new_figure, png, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAND = "#c3d9ea"  # light enough that black lines on it stay readable in gray
FARTHEST = 3.0  # times the models' greatest error; a longer scale would hide how the models differ
FEW_POINTS = 50  # up to this number markers show the points, also a single one between gaps


def forecasting(
    histories: Sequence[History],
    best_epochs: Sequence[int],
    evaluation: Mapping[str, Any],
    panels: Sequence[Mapping[str, Any]] = (),
    memories: Mapping[str, Mapping[str, Any]] | None = None,
    unit: str = "",
) -> dict[str, bytes]:
    """All figures of a forecaster's report by name, as PNG; `page.render` takes them as they are.

    `evaluation` is that of one split: {"columns": [F], "hours": [P] of horizon, "windows", "days", "overall": {metric:
    value}, "mae_low95", "mae_high95", "per_horizon": {metric: [P]}, "per_column": {metric: [F]}, "baselines": {name:
    {"overall", "per_horizon"}}, "intervals": None or {"target", "coverage", "by_hour": [24], "worst_hour",
    "worst_coverage", "width", "winkler", "method"}}; metrics are mae, rmse, mape, smape, mase. `panels` are those of
    `forecasts`; `memories` gives by layer what `memory` takes. Figures without data are left out.
    """
    figures = {}
    if any(len(history["epoch"]) for history in histories):
        figures["learning_curves"] = learning_curves(histories, best_epochs)
    if panels:
        figures["forecasts"] = forecasts(panels, unit)
    if len(evaluation["hours"]) > 1:
        errors = {"model": evaluation["per_horizon"]["mae"]}
        errors |= {name: scores["per_horizon"]["mae"] for name, scores in evaluation["baselines"].items()}
        figures["error_by_horizon"] = error_by_horizon(evaluation["hours"], errors, "mae", unit)
    if evaluation["intervals"] is not None and np.isfinite(evaluation["intervals"]["by_hour"]).sum() > 1:
        figures["coverage_by_hour"] = coverage_by_hour(
            evaluation["intervals"]["by_hour"], evaluation["intervals"]["target"]
        )
    for layer, cells in (memories or {}).items():
        figures[f"memory_{layer}"] = memory(cells["times"], cells["cells"], cells["series"], cells["title"])
    return figures


def forecasts(panels: Sequence[Mapping[str, Any]], unit: str = "") -> bytes:
    """PNG of forecasts against the truth, a panel for each of `panels`, over time.

    A panel is {"title", "past_times": datetime64 [L], "past" [L], "times": datetime64 [P], "truth" [P], "forecast" [P],
    "low" [P] or None, "high" [P] or None, "expected" [P] or None}; NaN leaves gaps. `expected` is the reference.
    """
    with new_figure(5.4, 0.7 + 1.9 * len(panels)) as figure:
        for axes, panel in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
            _forecast(axes, panel)
            axes.set(title=panel["title"], ylabel=unit)
            time_axis(axes)
        legend(figure, 5)
        return png(figure)


def error_by_horizon(
    hours: Sequence[float] | np.ndarray,
    errors: Mapping[str, Sequence[float] | np.ndarray],
    metric: str = "mae",
    unit: str = "",
    models: int = 1,
) -> bytes:
    """PNG of `metric` [P] over the horizon `hours` [P] by name: the first `models` are models, the others baselines.

    A baseline with more than three times the models' error is clipped, and the legend gives its greatest error. Curves
    that are NaN at all horizons are left out. Hours that are mean months are drawn as months.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # slow to import

    curves = {name: np.asarray(values, np.float64) for name, values in errors.items() if np.isfinite(values).any()}
    months = formats.in_months(float(hours[0]))
    ahead = np.asarray(hours) / (formats.MONTH if months else 1)
    limit = FARTHEST * max(np.nanmax(values) for values in list(curves.values())[:models])
    with new_figure(5.4, 3.2) as figure:
        axes = figure.subplots()
        for index, (name, values) in enumerate(curves.items()):
            far = np.nanmax(values) > limit
            label = f"{name}, up to {formats.metric(metric, float(np.nanmax(values)))}" if far else name
            _curve(axes, ahead, values, index, models, label)
        axes.set(title=f"{formats.metric_label(metric, unit)}, by how far ahead")
        axes.set(xlabel="months ahead" if months else "hours ahead")
        axes.set_ylim(*_limits([values for values in curves.values() if np.nanmax(values) <= limit]))
        axes.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 3, 6, 10]))  # a day is 24 hours
        if metric_of(metric).unit == "share":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        legend(figure)
        return png(figure)


def coverage_by_hour(by_hour: Sequence[float] | np.ndarray, target: float) -> bytes:
    """PNG of the share of the truth inside its interval [24] by hour of day, NaN where there is none."""
    from matplotlib.ticker import PercentFormatter  # slow to import

    shares = np.asarray(by_hour, np.float64)
    with new_figure(5.4, 2.6) as figure:
        axes = figure.subplots()
        axes.axhline(target, color=QUIET, linewidth=0.8, linestyle="--", label=f"meant: {formats.percent(target, 0)}")
        axes.vlines(np.arange(24), target, shares, color=COLOURS[0], linewidth=1.0)
        axes.plot(np.arange(24), shares, "o", color=COLOURS[0], label="held")
        lowest = np.nanmin(shares) if np.isfinite(shares).any() else target
        axes.set(title="share of the truth inside its interval, by hour of day", xlabel="hour of day")
        axes.set(xlim=(-0.7, 23.7), ylim=(max(0.0, min(lowest - 0.04, target - 0.15)), 1.01), xticks=range(0, 24, 3))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        legend(figure)
        return png(figure)


def _forecast(axes: "Axes", panel: Mapping[str, Any]) -> None:
    """Draw the past, the truth, the forecast, its interval and the reference."""
    times, past_times = np.asarray(panel["times"]), np.asarray(panel["past_times"])
    marker = "." if len(times) <= FEW_POINTS else ""
    axes.plot(past_times, panel["past"], color=QUIET, marker="." if len(past_times) <= FEW_POINTS else "", label="seen")
    whole = np.append(past_times[-1:], times), np.append(panel["past"][-1:], panel["truth"])
    axes.plot(*whole, color=INK, marker=marker, linewidth=1.1, markevery=slice(1, None), label="truth", zorder=3)
    axes.plot(times, panel["forecast"], color=COLOURS[0], marker=marker, label="forecast", zorder=4)
    if panel["low"] is not None and panel["high"] is not None:
        _band(axes, times, panel["low"], panel["high"])
    if panel["expected"] is not None:
        axes.plot(times, panel["expected"], color=COLOURS[1], linewidth=1.2, label="expected (reference)", zorder=2.5)
    axes.axvline(past_times[-1], color=QUIET, linewidth=0.6)


def _curve(axes: "Axes", hours: Any, values: np.ndarray, index: int, models: int, label: str) -> None:
    """Draw a model as a coloured line, and a baseline as a gray line in a style of its own."""
    if index < models:
        axes.plot(hours, values, color=line(index)[0], marker="o", markersize=3, label=label, zorder=3)
    else:
        axes.plot(hours, values, color=QUIET, linestyle=line(index - models + 1)[1], linewidth=1.1, label=label)


def _limits(curves: Sequence[np.ndarray]) -> tuple[float, float]:
    """The limits of the error axis: the least and the greatest error of `curves`, and a small margin."""
    low, high = min(map(np.nanmin, curves)), max(map(np.nanmax, curves))
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _band(axes: "Axes", times: np.ndarray, low: Any, high: Any) -> None:
    if len(times) == 1:  # an area of no width would be invisible
        axes.vlines(times, low, high, color=BAND, linewidth=6, label="interval")
    else:
        axes.fill_between(times, low, high, color=BAND, linewidth=0, label="interval")
