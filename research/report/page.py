"""The report of a run as one HTML file: self-contained, offline, for screen, phone and paper."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from research.report import classification_text, forecast_tables, forecast_text, pictures, sections, tables
from research.report.drawing import network_svg
from research.report.record import measured, series_unit
from research.report.templating import environment


def render(
    record: Mapping[str, Any],
    command: str,
    *,
    template: str = "classification.html",
    config: Mapping[str, Any] = MappingProxyType({}),
    summary: Sequence[Mapping[str, Any]] = (),
    histories: Sequence[Mapping[str, Any]] = (),
    best_epochs: Sequence[int] = (),
    evaluation: Mapping[str, Any] | None = None,
    figures: Mapping[str, bytes] = MappingProxyType({}),
    split: str = "test",
    headline: str = "accuracy",
    unit: str = "pictures",
) -> str:
    """The page as text, every string escaped; empty parts are left out.

    record        record.json, as `record.build_record` gives it
    command       the shell command that runs the experiment again
    template      a key of DETAILS: the file in templates/ that extends base.html
    config        config.json: nested dicts of plain values
    summary       the network, a dict per layer: name, kind, inputs, output_shape, parameters, formula, multiply_adds,
                  receptive_field (lists without the batch axis)
    histories     a dict per seed: {"epoch": [E], "train": {metric: [E]}, "validation": {metric: [E]}}
    best_epochs   of each seed, the epoch whose weights were saved
    evaluation    that of `split`, as a dict of arrays: `dataclasses.asdict` of a classification, or that of a forecast
                  as `forecast_figures.forecasting` takes it
    figures       {name: PNG}: those of `figures.classification` or `forecast_figures.forecasting`
    split         the split of the headline and of the detailed sections
    headline      the metric of the headline
    unit          the plural name of the examples
    """
    shown = {
        "record": record,
        "command": command,
        "split": split,
        "unit": unit,
        "headline": sections.headline(record, split, headline, unit),
        "facts": sections.facts(record, unit),
        "seeds": tables.seeds(record, split),
        "metrics": tables.metrics(record, split),
        "epochs": sections.epochs(histories, best_epochs) if histories else "",
        "pictures": {name: pictures.picture(png) for name, png in figures.items()},
        "layers": tables.layers(summary),
        "drawings": _drawings(summary),
        "settings": sections.settings(config),
        "origin": sections.origin(record),
    }
    return environment().get_template(template).render(shown | DETAILS[template](record, split, evaluation))


def _classification(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any] | None) -> dict[str, Any]:
    """The classification of `split`, class by class; None where there is no evaluation."""
    return {
        "baselines": classification_text.baselines_text(record.get("baselines", {}).get(split)),
        "verdict": classification_text.verdict(record.get("learned_nothing", {}), record["seed"]),
        "evaluation": evaluation,
        "calibration": classification_text.calibration_text(evaluation) if evaluation else "",
        "per_class": tables.per_class(evaluation) if evaluation else None,
        "confused": tables.confused(evaluation) if evaluation else None,
    }


def _forecasting(record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any] | None) -> dict[str, Any]:
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
    model = f"model, seed {record['seed']}" if measured(record, split, "mae")["seeds"] > 1 else "model"
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
