"""The report of a run as one HTML file: self-contained, offline, for screen, phone and paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from research.report import classification_text, forecast_tables, forecast_text, pictures, sections, tables
from research.report.drawing import network_svg
from research.report.record import measured, series_unit
from research.report.templating import environment


@dataclass(frozen=True)
class Report:
    """All that a page shows. Empty fields are left out of the page; only `record` and `command` are required.

    record        record.json, as `record.build_record` gives it
    command       the shell command that runs the experiment again
    config        config.json: nested dicts of plain values
    summary       the network, a dict per layer: name, kind, inputs, output_shape, parameters, formula, multiply_adds,
                  receptive_field (lists without the batch axis)
    histories     a dict per seed: {"epoch": [E], "train": {metric: [E]}, "validation": {metric: [E]}}
    best_epochs   of each seed, the epoch whose weights were saved
    evaluations   {split: its evaluation as a dict of arrays (`dataclasses.asdict`)}
    figures       {name: PNG}: those of `figures.classification` or `forecast_figures.forecasting`
    split         the split of the headline and of the detailed sections
    headline      the metric of the headline
    unit          what an example is, in the plural
    """

    record: Mapping[str, Any]
    command: str
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Sequence[Mapping[str, Any]] = ()
    histories: Sequence[Mapping[str, Any]] = ()
    best_epochs: Sequence[int] = ()
    evaluations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    figures: Mapping[str, bytes] = field(default_factory=dict)
    split: str = "test"
    headline: str = "accuracy"
    unit: str = "pictures"


def render(report: Report, template: str = "classification.html") -> str:
    """The page as text. `template`, a key of DETAILS, is a file in templates/ that extends base.html.

    Every string is escaped.
    """
    return environment().get_template(template).render(_base(report) | DETAILS[template](report))


def _base(report: Report) -> dict[str, Any]:
    """The variables of base.html: strings, tables and pictures as dicts; empty where the report has nothing."""
    return {
        "report": report,
        "record": report.record,
        "headline": sections.headline(report.record, report.split, report.headline, report.unit),
        "facts": sections.facts(report.record, report.unit),
        "seeds": tables.seeds(report.record, report.split),
        "metrics": tables.metrics(report.record, report.split),
        "epochs": sections.epochs(report.histories, report.best_epochs) if report.histories else "",
        "pictures": {name: pictures.picture(png) for name, png in report.figures.items()},
        "layers": tables.layers(report.summary),
        "drawings": _drawings(report.summary),
        "settings": sections.settings(report.config),
        "origin": sections.origin(report.record),
    }


def _classification(report: Report) -> dict[str, Any]:
    """The classification of `report.split`, class by class; None where there is no evaluation."""
    evaluation = report.evaluations.get(report.split)
    return {
        "baselines": classification_text.baselines_text(report.record.get("baselines", {}).get(report.split)),
        "verdict": classification_text.verdict(report.record.get("learned_nothing", {}), report.record["seed"]),
        "evaluation": evaluation,
        "calibration": classification_text.calibration_text(evaluation) if evaluation else "",
        "per_class": tables.per_class(evaluation) if evaluation else None,
        "confused": tables.confused(evaluation) if evaluation else None,
    }


def _forecasting(report: Report) -> dict[str, Any]:
    """The series, and the evaluation of `report.split` with its baselines; None where there is no evaluation."""
    data, evaluation = report.record["data"], report.evaluations.get(report.split)
    series = {"series": sections.series(data), "findings": list(data.get("findings") or ())}
    if not evaluation:
        return series | {"evaluation": None, "verdict": ""}
    return series | _forecast_text(report, evaluation) | _forecast_tables(report, evaluation)


def _forecast_text(report: Report, evaluation: Mapping[str, Any]) -> dict[str, str]:
    record, split, unit = report.record, report.split, series_unit(report.record)
    data, mae, intervals = record["data"], measured(record, split, "mae")["value"], evaluation["intervals"]
    partial = (data.get("baselines") or {}).get(split, {})
    behind = forecast_text.few_training_days(mae, evaluation, data.get("training_days"))
    return {
        "verdict": forecast_text.verdict(mae, evaluation, unit) + behind,
        "negative": evaluation.get("negative", ""),
        "days": forecast_text.days(evaluation["days"], split),
        "partial_baselines": forecast_text.partial_baselines(partial, evaluation, unit),
        "coverage": forecast_text.coverage_text(intervals, split) if intervals else "",
    }


def _forecast_tables(report: Report, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    record, unit = report.record, series_unit(report.record)
    model = f"model, seed {record['seed']}" if measured(record, report.split, "mae")["seeds"] > 1 else "model"
    return {
        "evaluation": evaluation,
        "scores": forecast_tables.forecast_metrics(evaluation, unit, model),
        "horizons": forecast_tables.by_horizon(evaluation, unit) if len(evaluation["hours"]) > 1 else None,
        "columns": forecast_tables.by_column(evaluation, unit) if len(evaluation["columns"]) > 1 else None,
        "intervals": forecast_tables.intervals(evaluation, unit),
    }


def _drawings(summary: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The network twice, wrapped for either width; the style sheet shows one of them."""
    from markupsafe import Markup  # comes with jinja2

    widths = {"wide": 6, "narrow": 3} if summary else {}
    return {name: Markup(network_svg(summary, columns)) for name, columns in widths.items()}


# The variables of each template beside those of base.html: strings and tables.
DETAILS = {"classification.html": _classification, "forecasting.html": _forecasting}
