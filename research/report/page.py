"""The report of a run as one HTML file: self-contained, offline, for screen, phone and paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from research.report import grids, sections
from research.report.classification_view import classification
from research.report.drawing import network_svg
from research.report.forecast_view import forecast
from research.report.templating import environment


@dataclass(frozen=True)
class Report:
    """All that a page shows. What is left empty is left out of the page; only `record` and `command` must be there.

    record        record.json, as `record.build_record` gives it
    command       the shell command that runs the experiment again
    config        config.json: nested dicts of plain values
    summary       the network, a dict per layer: name, kind, inputs, output_shape, parameters, formula, multiply_adds,
                  receptive_field (lists without the batch axis)
    histories     a dict per seed: {"epoch": [E], "train": {metric: [E]}, "validation": {metric: [E]}}
    best_epochs   of each seed, the epoch whose weights were kept
    evaluations   {split: what the evaluation room found, as dicts and arrays (`dataclasses.asdict`)}
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


# What a kind of page lays out besides what all do: strings and `Grid`s, under names of its own.
DETAILS = {"classification.html": classification, "forecasting.html": forecast}


def render(report: Report, template: str = "classification.html") -> str:
    """The page as text. `template`, a key of DETAILS, is a file in templates/ that extends base.html.

    Every string is escaped.
    """
    return environment().get_template(template).render(view(report) | DETAILS[template](report))


def view(report: Report) -> dict[str, Any]:
    """What base.html lays out: strings, `Grid`s and `Picture`s; empty where the report has nothing."""
    return {
        "report": report,
        "record": report.record,
        "headline": sections.headline(report.record, report.split, report.headline, report.unit),
        "facts": sections.facts(report.record, report.unit),
        "seeds": grids.seeds(report.record, report.split),
        "metrics": grids.metrics(report.record, report.split),
        "kept": sections.kept(report.histories, report.best_epochs) if report.histories else "",
        "pictures": {name: sections.picture(png) for name, png in report.figures.items()},
        "layers": grids.layers(report.summary),
        "drawings": _drawings(report.summary),
        "settings": sections.settings(report.config),
        "origin": sections.origin(report.record),
    }


def _drawings(summary: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The network twice, wrapped for either width; the style sheet shows one of them."""
    from markupsafe import Markup  # comes with jinja2

    widths = {"wide": 6, "narrow": 3} if summary else {}
    return {name: Markup(network_svg(summary, columns)) for name, columns in widths.items()}
