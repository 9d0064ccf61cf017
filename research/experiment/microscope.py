"""A net under the microscope: what each filter wants to see, what excites it in real pictures, what readings hold."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np

from research import runtime
from research.config import Microscope
from research.experiment import filter_hypotheses as readings
from research.experiment.layer_views import exemplar_of, layer_view
from research.experiment.loaded_net import LoadedNet, specimen
from research.experiment.microscope_setup import facts, scene_of, shape_for
from research.files import write_bytes, write_json, write_text
from research.report import microscope as page
from research.report.environment import environment
from research.report.microscope_page import render
from research.report.progress import counting
from research.report.sheets import layer_sheets

PAGE = "microscope.html"
SPREAD = 3  # layers that are looked at where none are named


def microscope(
    target: Path | str,
    config: Microscope,
    *,
    place: Path | str | None = None,
    root: str | None = None,
    partial: bool = False,
    command: str = "",
) -> Path:
    """Look at the net of `target` (see `specimen`) and leave microscope.html, sheets/*.png and microscope.json.

    Returns the page's path, in `place` (by default RUN/microscope, or runs/NAME-microscope). Raises UserError for a
    target, layer, filter, folder or hypothesis that does not do, before anything is computed where that can be seen.
    """
    runtime.prepare()
    subject = specimen(target, root=root, partial=partial)
    shape = shape_for(subject, config)
    layers = chosen_layers(subject, config, shape)
    tests = readings.prepared(subject, config, shape)
    photos = readings.photographed(subject, config.saliency)
    with counting("filters") as show:
        scene = scene_of(subject, config, shape, show)
        views = [layer_view(scene, name) for name in layers]
        tested = readings.tested(subject, tests, functools.partial(exemplar_of, scene, views), config.seed)
    shown = page.Microscope(
        title=subject.title,
        command=command,
        facts=facts(scene),
        layers=views,
        hypotheses=tested,
        saliencies=readings.salient(subject, config.saliency, photos),
    )
    return _written(Path(place) if place else subject.place, shown, config)


def chosen_layers(subject: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> list[str]:
    """The layers that are asked for, or up to three spread over the depth; UserError for one that cannot be shown."""
    if not config.layers:
        places = np.linspace(0, len(subject.layers) - 1, min(SPREAD, len(subject.layers))).round().astype(int)
        return [subject.layers[place] for place in places]
    for name in config.layers:
        readings.check_layer(subject, name, config.filters, shape)
    return list(dict.fromkeys(config.layers))


def _written(place: Path, shown: page.Microscope, config: Microscope) -> Path:
    """Write the page last, so that it is there only when all is."""
    (place / PAGE).unlink(missing_ok=True)  # a former one would stand beside new sheets
    for view in shown.layers:
        exemplars_of = [each.exemplar for each in view.filters]
        for name, png in layer_sheets(exemplars_of, [each.index for each in view.filters]).items():
            write_bytes(place / "sheets" / f"{view.name.replace('/', '_')}-{name}.png", png)
    write_json(place / "microscope.json", _record(shown, config))
    return write_text(place / PAGE, render(shown))


def _record(shown: page.Microscope, config: Microscope) -> dict[str, Any]:
    filters = {
        view.name: [
            {"filter": each.index, "status": each.status, "score": each.score, "says": each.says}
            for each in view.filters
        ]
        for view in shown.layers
    }
    hidden = ("maps",)
    tests = [
        {field.name: getattr(each, field.name) for field in dataclasses.fields(each) if field.name not in hidden}
        for each in shown.hypotheses
    ]
    return {
        "title": shown.title,
        "settings": dataclasses.asdict(config),
        "layers": filters,
        "hypotheses": tests,
    } | dict(environment())
