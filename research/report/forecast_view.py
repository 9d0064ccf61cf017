"""What forecasting.html lays out beside what every page has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from research.report import forecast_grids, formats
from research.report.forecast_words import covered, days, partly, schooling, verdict
from research.report.grids import series_unit
from research.report.record import measured
from research.report.sections import Facts

if TYPE_CHECKING:
    from research.report.page import Report

COLUMNS_NAMED = 8  # before the others are only counted


def forecast(report: "Report") -> dict[str, Any]:
    """The series, and the evaluation of `report.split` beside its baselines; empty where there is none."""
    record, evaluation = report.record, report.evaluations.get(report.split)
    found = {"series": series(record["data"]), "findings": list(record["data"].get("findings") or ())}
    if not evaluation:
        return found | {"evaluation": None, "verdict": ""}
    unit, mean = series_unit(record), measured(record, report.split, "mae")
    model = f"model, seed {record['seed']}" if mean.seeds > 1 else "model"
    return found | {
        "evaluation": evaluation,
        "verdict": verdict(mean.value, evaluation, unit)
        + schooling(mean.value, evaluation, record["data"].get("training_days")),
        "negative": evaluation.get("negative", ""),
        "days": days(evaluation["days"], report.split),
        "partly": partly((record["data"].get("baselines") or {}).get(report.split, {}), evaluation, unit),
        "beside": forecast_grids.forecast_metrics(evaluation, unit, model),
        "horizons": forecast_grids.by_horizon(evaluation, unit) if len(evaluation["hours"]) > 1 else None,
        "columns": forecast_grids.by_column(evaluation, unit) if len(evaluation["columns"]) > 1 else None,
        "intervals": forecast_grids.intervals(evaluation, unit),
        "covered": covered(evaluation["intervals"], report.split) if evaluation["intervals"] else "",
    }


def series(data: Mapping[str, Any]) -> Facts:
    """What is forecast, and from what: record["data"] of a series, its durations in words."""
    columns = list(data.get("columns") or ())
    more = f" and {formats.count(len(columns) - COLUMNS_NAMED)} more" if len(columns) > COLUMNS_NAMED else ""
    found = {
        "columns": ", ".join(columns[:COLUMNS_NAMED]) + more,
        "unit": data.get("unit"),
        "step": data.get("step"),
        "context": data.get("context"),
        "horizon": data.get("horizon"),
    }
    return [(name, str(value)) for name, value in found.items() if value]
