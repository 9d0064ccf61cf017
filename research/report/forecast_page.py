"""The part of a report's page that forecasters alone have: the variables of templates/forecasting.html."""

from collections.abc import Mapping
from typing import Any

from research.report import forecast_tables, forecast_text, sections
from research.report.record import measured, model_name, series_unit


def forecast_details(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any] | None) -> dict[str, Any]:
    """The series, and the evaluation of `split` with its baselines; None where there is no evaluation."""
    data = record["data"]
    series = {"series": sections.series(data), "findings": list(data.get("findings") or ())}
    if not evaluation:
        return series | {"evaluation": None, "verdict": ""}
    return series | _forecast_text(record, split, evaluation) | _forecast_tables(record, split, evaluation)


def _forecast_text(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any]) -> dict[str, str]:
    data, unit = record["data"], series_unit(record)
    mae, intervals = measured(record, split, "mae")["value"], evaluation["intervals"]
    partial = (data.get("baselines") or {}).get(split, {})
    behind = forecast_text.few_training_days(mae, evaluation, data.get("training_days"))
    return {
        "verdict": forecast_text.verdict(mae, evaluation, unit) + behind,
        "negative": evaluation.get("negative", ""),
        "days": forecast_text.days(evaluation["days"], split),
        "partial_baselines": forecast_text.partial_baselines(partial, evaluation, unit),
        "coverage": forecast_text.coverage_text(intervals, split) if intervals else "",
    }


def _forecast_tables(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    unit = series_unit(record)
    return {
        "evaluation": evaluation,
        "scores": forecast_tables.forecast_metrics(evaluation, unit, model_name(record)),
        "horizons": forecast_tables.by_horizon(evaluation, unit) if len(evaluation["hours"]) > 1 else None,
        "columns": forecast_tables.by_column(evaluation, unit) if len(evaluation["columns"]) > 1 else None,
        "intervals": forecast_tables.intervals(evaluation, unit),
    }
