"""The tables of a forecast: beside its baselines, by horizon, by column, and its intervals.

They read the evaluation of one split as a dict, see `forecast_figures.forecasting`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from research.evaluation.metrics import FORECAST_ERRORS, metric_of
from research.report import formats
from research.report.forecast_text import days, worst_hour
from research.report.grids import Grid, Row

SHOWN = 20  # columns shown before only the worst are
STEPS = 8  # horizons shown besides the first


def forecast_metrics(evaluation: Mapping[str, Any], unit: str = "", model: str = "model") -> Grid:
    """The metrics over all horizons: of the model, called `model`, and of each baseline below it."""
    scores = {model: evaluation["overall"]}
    scores |= {name: found["overall"] for name, found in evaluation["baselines"].items()}
    rows = [
        (name, *(formats.metric(metric, found[metric]) for metric in FORECAST_ERRORS)) for name, found in scores.items()
    ]
    note = f"{formats.count(evaluation['windows'])} windows of {days(evaluation['days'])}"
    return Grid(_titles("Forecast", unit), rows, note=note)


def by_column(evaluation: Mapping[str, Any], unit: str = "") -> Grid:
    """The model's metrics of each column [F]; of more than 20 those with the greatest MASE, worst first.

    Where no MASE is known, MAE takes its place.
    """
    scores = {name: np.asarray(evaluation["per_column"][name], np.float64) for name in FORECAST_ERRORS}
    columns, judge = evaluation["columns"], "mase" if np.isfinite(scores["mase"]).any() else "mae"
    order = np.arange(len(columns))
    if len(columns) > SHOWN:
        order = np.argsort(np.nan_to_num(-metric_of(judge).sign * scores[judge], nan=np.inf), kind="stable")[:SHOWN]
    rows = [
        (columns[place], *(formats.metric(name, float(scores[name][place])) for name in FORECAST_ERRORS))
        for place in order
    ]
    worst = f"The {SHOWN} of {len(columns)} columns with the greatest {formats.metric_label(judge)}"
    return Grid(_titles("Column", unit), rows, note=worst if len(columns) > SHOWN else "")


def by_horizon(evaluation: Mapping[str, Any], unit: str = "") -> Grid:
    """MAE at the first step, the last and seven evenly between: of the model and of each baseline beside it."""
    hours = np.asarray(evaluation["hours"], np.float64)
    scores = {"model": evaluation} | dict(evaluation["baselines"])
    errors = [np.asarray(found["per_horizon"]["mae"], np.float64) for found in scores.values()]
    rows = [
        (formats.duration(float(hours[step])), *(formats.metric("mae", float(error[step])) for error in errors))
        for step in shown_steps(len(hours))
    ]
    return Grid(("Ahead", *scores), rows, note=formats.metric_label("mae", unit))


def intervals(evaluation: Mapping[str, Any], unit: str = "") -> Grid:
    """What the prediction intervals promise and what they hold; where there are none, why, or no rows."""
    found, reason = evaluation["intervals"], evaluation.get("no_intervals")
    if found is None:
        return Grid(("Intervals", "Measured"), [("none", reason)] if reason else [])
    worst = worst_hour(found)
    by_hour = f"hold in the worst hour{f', {worst}' if worst else ''}", formats.percent(found["worst_coverage"], 1)
    rows: list[Row] = [
        ("meant to hold", formats.percent(found["target"], 1)),
        *_promises(found),
        ("hold", formats.percent(found["coverage"], 1)),
        *([] if found["worst_hour"] is None else [by_hour]),
        (f"mean {formats.metric_label('interval_width', unit)}", formats.measure(found["width"])),
        (formats.metric_label("interval_winkler", unit), formats.measure(found["winkler"])),
    ]
    return Grid(("Intervals", "Measured"), rows, note=found["method"])


def _promises(intervals: Mapping[str, Any]) -> list[Row]:
    """What so few days of calibration can promise; no rows for intervals that were not calibrated."""
    number = intervals["calibration_days"]
    if number is None:
        return []
    counted, own = ("1 day", "it") if number == 1 else (f"{number} days", "these")
    return [
        (f"promised by {counted} of calibration, on average", formats.percent(intervals["promised"], 1)),
        (f"by {own} alone, at least (19 of 20)", formats.percent(intervals["assured"], 1)),
    ]


def shown_steps(P: int) -> list[int]:
    """Which of `P` steps (from 0) a table shows: all of few, else the first, the last and what divides them evenly."""
    if P <= STEPS + 1:
        return list(range(P))
    return [0, *(round(P * part / STEPS) - 1 for part in range(1, STEPS + 1))]


def _titles(first: str, unit: str) -> Row:
    return (first, *(formats.metric_label(metric, unit) for metric in FORECAST_ERRORS))
