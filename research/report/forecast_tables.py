"""The tables of a forecast: the model and its baselines, by horizon, by column, and the intervals.

They take the evaluation of one split as a dict, see `forecast_figures.forecasting`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.table import Table

from research.evaluation.metrics import FORECAST_ERRORS, metric_of
from research.report import formats
from research.report.forecast_text import days, worst_hour
from research.report.tables import table

SHOWN = 20  # columns shown before only the worst are
STEPS = 8  # horizons shown besides the first


def forecast_metrics(evaluation: Mapping[str, Any], unit: str = "", model: str = "model") -> Table:
    """The metrics over all horizons: a row for the model, called `model`, and one for each baseline."""
    scores = {model: evaluation["overall"]}
    scores |= {name: baseline["overall"] for name, baseline in evaluation["baselines"].items()}
    rows = [
        (name, *(formats.metric(metric, errors[metric]) for metric in FORECAST_ERRORS))
        for name, errors in scores.items()
    ]
    note = f"{formats.count(evaluation['windows'])} windows of {days(evaluation['days'])}"
    return table(_titles("Forecast", unit), rows, note=note)


def by_column(evaluation: Mapping[str, Any], unit: str = "") -> Table:
    """The model's metrics of each column [F]; of more than 20 those with the greatest MASE, worst first.

    Where no MASE is known, the MAE ranks them.
    """
    scores = {name: np.asarray(evaluation["per_column"][name], np.float64) for name in FORECAST_ERRORS}
    columns, ranked_by = evaluation["columns"], "mase" if np.isfinite(scores["mase"]).any() else "mae"
    order = np.arange(len(columns))
    if len(columns) > SHOWN:
        order = np.argsort(np.nan_to_num(-metric_of(ranked_by).sign * scores[ranked_by], nan=np.inf), kind="stable")[
            :SHOWN
        ]
    rows = [
        (columns[index], *(formats.metric(name, float(scores[name][index])) for name in FORECAST_ERRORS))
        for index in order
    ]
    worst = f"The {SHOWN} of {len(columns)} columns with the greatest {formats.metric_label(ranked_by)}"
    return table(_titles("Column", unit), rows, note=worst if len(columns) > SHOWN else "")


def by_horizon(evaluation: Mapping[str, Any], unit: str = "") -> Table:
    """MAE at the first step, the last and seven evenly between: a column for the model and for each baseline."""
    hours = np.asarray(evaluation["hours"], np.float64)
    scores = {"model": evaluation} | dict(evaluation["baselines"])
    errors = [np.asarray(source["per_horizon"]["mae"], np.float64) for source in scores.values()]
    rows = [
        (formats.duration(float(hours[step])), *(formats.metric("mae", float(error[step])) for error in errors))
        for step in shown_steps(len(hours))
    ]
    return table(("Ahead", *scores), rows, note=formats.metric_label("mae", unit))


def intervals(evaluation: Mapping[str, Any], unit: str = "") -> Table:
    """The promised and the measured coverage of the intervals; without intervals the reason, or no rows."""
    measured, reason = evaluation["intervals"], evaluation.get("no_intervals")
    if measured is None:
        return table(("Intervals", "Measured"), [("none", reason)] if reason else [])
    worst = worst_hour(measured)
    by_hour = f"hold in the worst hour{f', {worst}' if worst else ''}", formats.percent(measured["worst_coverage"], 1)
    rows = [
        ("meant to hold", formats.percent(measured["target"], 1)),
        *_promises(measured),
        ("hold", formats.percent(measured["coverage"], 1)),
        *([] if measured["worst_hour"] is None else [by_hour]),
        (f"mean {formats.metric_label('interval_width', unit)}", formats.measure(measured["width"])),
        (formats.metric_label("interval_winkler", unit), formats.measure(measured["winkler"])),
    ]
    return table(("Intervals", "Measured"), rows, note=measured["method"])


def _promises(intervals: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The coverage that the days of validation promise."""
    number = intervals["calibration_days"]
    counted = "1 day" if number == 1 else f"{number} days"
    return [
        (f"promised by {counted} of validation, on average", formats.percent(intervals["promised"], 1)),
        ("at least, for 19 of 20 such sets of days", formats.percent(intervals["assured"], 1)),
    ]


def shown_steps(P: int) -> list[int]:
    """The steps (from 0) of `P` that a table shows: all up to nine, else the first, the last and seven between."""
    if P <= STEPS + 1:
        return list(range(P))
    return [0, *(round(P * part / STEPS) - 1 for part in range(1, STEPS + 1))]


def _titles(first: str, unit: str) -> tuple[str, ...]:
    return (first, *(formats.metric_label(metric, unit) for metric in FORECAST_ERRORS))
