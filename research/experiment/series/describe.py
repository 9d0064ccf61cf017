"""A forecaster in the terminal: its series before training, and its tables after."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from research.data.series.closed_times import closed_text
from research.data.series.durations import format_duration
from research.experiment.histories import headline_split
from research.experiment.series.build import SPLITS, SeriesPlan, closed_hours
from research.experiment.series.evaluate import ForecastEvaluation
from research.experiment.series.publish import evaluation_document
from research.report import forecast_tables, tables
from research.report.record import model_name, series_unit


def describe_data(plan: SeriesPlan) -> list[str]:
    """Lines about the series, their windows, and the findings in their files."""
    data, sizes, each = plan.data, plan.sizes, plan.data.step
    counts = ", ".join(f"{plan.examples[split]:,} {split}" for split in SPLITS)
    series = len(data.parts["train"])
    several = f"{series} series of " if series > 1 else ""
    columns = data.columns[0] if len(data.columns) == 1 else f"{len(data.columns)} columns"
    lines = [
        f"{data.name}: {several}{columns} in steps of {format_duration(each)}",
        f"windows of {format_duration(each * sizes.context)} in, {format_duration(each * sizes.horizon)} out: {counts}",
    ]
    found = data.findings.summary()
    opening = closed_hours(plan)
    remarks = [f"found in its files: {found}"] if found else []
    return [*lines, *remarks, *([] if opening is None else [closed_text(opening)])]


def result_tables(evaluations: Mapping[str, ForecastEvaluation], record: Mapping[str, Any]) -> list[Table | Text]:
    """The model beside the baselines, over all of the horizon and along it, its intervals, and impossible forecasts."""
    split, unit = headline_split(evaluations), series_unit(record)
    document = evaluation_document(evaluations[split], record["data"]["never_negative"])
    of_one = forecast_tables.by_horizon(document, unit), forecast_tables.intervals(document, unit)
    found = [forecast_tables.forecast_metrics(document, unit, model_name(record))]
    found += [tables.of_seed(table, record) for table in of_one]
    remarks = [Text(document["negative"])] if document["negative"] else []
    return [*(table for table in found if table.rows), *remarks]


def closing_lines(record: Mapping[str, Any]) -> list[str]:
    """No lines: the tables show everything."""
    return []
