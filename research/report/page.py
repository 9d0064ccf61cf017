"""The report of a run as one HTML file: self-contained, offline, for screen, phone and paper."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from research.report import classification_text, pictures, sections, tables
from research.report.drawing import network_svg
from research.report.templating import environment

Details = Callable[[Mapping[str, Any], str, Mapping[str, Any] | None], dict[str, Any]]


def classification_details(
    record: Mapping[str, Any], split: str, evaluation: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The classification of `split`, class by class; None where there is no evaluation."""
    return {
        "baselines": classification_text.baselines_text(record.get("baselines", {}).get(split)),
        "verdict": classification_text.verdict(record.get("learned_nothing", {}), record["seed"]),
        "evaluation": evaluation,
        "calibration": classification_text.calibration_text(evaluation) if evaluation else "",
        "per_class": tables.per_class(evaluation) if evaluation else None,
        "confused": tables.confused(evaluation) if evaluation else None,
    }


def render(
    record: Mapping[str, Any],
    command: str,
    *,
    template: str = "classification.html",
    details: Details = classification_details,
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
    template      the file in templates/ that extends base.html
    details       (record, split, evaluation) -> the variables of the template beside those of base.html
    config        config.json: nested dicts of plain values
    summary       the network, a dict per layer: name, kind, inputs, output_shape, parameters, formula, multiply_adds,
                  receptive_field (lists without the batch axis); what is None is unknown
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
        "of_seed": f", seed {record['seed']}" if "seeds" in record else "",
        "epochs": sections.epochs(histories, best_epochs) if histories else "",
        "pictures": {name: pictures.picture(png) for name, png in figures.items()},
        "layers": tables.layers(summary),
        "drawings": _drawings(summary),
        "settings": sections.settings(config),
        "origin": sections.origin(record),
    }
    return environment().get_template(template).render(shown | details(record, split, evaluation))


def _drawings(summary: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The network twice, wrapped for either width; the style sheet shows one of them. None of an unknown wiring."""
    from markupsafe import Markup  # comes with jinja2

    wired = summary and all(layer["inputs"] is not None for layer in summary)
    widths = {"wide": 6, "narrow": 3} if wired else {}
    return {name: Markup(network_svg(summary, columns)) for name, columns in widths.items()}
