"""The part of a report's page that regressions on tables alone have: the variables of templates/regression.html."""

from collections.abc import Mapping
from typing import Any

from research.report import regression_tables, regression_text
from research.report.record import measured, model_name, series_unit


def regression_details(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any] | None) -> dict[str, Any]:
    """The data, and the evaluation of `split` with its baselines; None where there is no evaluation.

    `evaluation` is {"target": its name, "rows", "scores": {metric, metric_low95, metric_high95} of the model,
    "ensemble": the same of the mean of all seeds' predictions or None, "baselines": {name: {metric: value}},
    "differences": {baseline: {metric: {"mean", "low95", "high95", "p"}}} of model - baseline over the same splits,
    "intervals": None or {"target", "coverage", "coverage_low95", "coverage_high95", "width", "winkler",
    "calibration_rows"}, "no_intervals": why there are none}, and what `regression_figures.regression` takes. The
    metrics are mae, rmse, rmsle and r2; what is unknown is None, NaN or left out.
    """
    data = record["data"]
    table = {
        "table": regression_tables.facts(data),
        "left_out": regression_tables.left_out(data),
        "findings": list(data.get("findings") or ()),
    }
    if not evaluation:
        return table | {"evaluation": None, "verdict": ""}
    return table | _text(record, split, evaluation) | _tables(record, split, evaluation)


def _text(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any]) -> dict[str, str]:
    unit, intervals = series_unit(record), evaluation["intervals"]
    mae = measured(record, split, "mae")["value"]
    return {
        "verdict": regression_text.verdict(evaluation["scores"].get("mae") if mae is None else mae, evaluation, unit),
        "ensemble": regression_text.ensemble_text(evaluation, unit),
        "coverage": regression_text.coverage_text(intervals, evaluation["rows"], split) if intervals else "",
    }


def _tables(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    unit = series_unit(record)
    return {
        "evaluation": evaluation,
        "scores": regression_tables.scores(evaluation, unit, model_name(record)),
        "differences": regression_tables.differences(evaluation, unit),
        "intervals": regression_tables.intervals(evaluation, unit),
    }
