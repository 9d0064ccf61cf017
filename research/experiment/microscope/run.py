"""The microscope's page: exemplars of filters, real patches that excite them, tests of hypotheses, saliency."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np

from research import runtime
from research.config import Microscope
from research.experiment.microscope import filter_hypotheses
from research.experiment.microscope.layer_views import exemplar_of, layer_view
from research.experiment.microscope.loaded_net import LoadedNet, load_net
from research.experiment.microscope.setup import facts, make_setup, picture_shape
from research.files import write_bytes, write_json, write_text
from research.report import microscope as page
from research.report.environment import environment
from research.report.microscope_page import render
from research.report.progress import counting
from research.report.sheets import layer_sheets

PAGE, SAVED = "microscope.html", "exemplars"
DEFAULT_LAYERS = 3  # the number of layers shown where none are named


def microscope(
    target: Path | str,
    config: Microscope,
    *,
    out: Path | str | None = None,
    root: str | None = None,
    partial: bool = False,
    command: str = "",
) -> Path:
    """Examine the net of `target` (see `load_net`) and write microscope.html, sheets/*.png and microscope.json.

    They are written to the folder `out` (by default RUN/microscope, or runs/NAME-microscope). Every finished filter is
    saved there at once, in exemplars/, so the same call goes on where one was cut off. Returns the page's path.
    Raises UserError for a wrong target, layer, filter, folder or hypothesis, if possible before any computation.
    """
    runtime.prepare()
    loaded = load_net(target, root=root, partial=partial)
    folder, shape = Path(out) if out else loaded.out_dir, picture_shape(loaded, config)
    layers = chosen_layers(loaded, config, shape)
    tests = filter_hypotheses.prepare_hypotheses(loaded, config, shape)
    photos = filter_hypotheses.read_pictures(loaded, config.saliency)
    with counting("filters") as show:
        setup = make_setup(loaded, config, folder / SAVED, show)
        views = [layer_view(setup, name) for name in layers]
        results = filter_hypotheses.test_hypotheses(
            loaded, tests, functools.partial(exemplar_of, setup, views), config.seed
        )
    content = page.Microscope(
        title=loaded.title,
        command=command,
        facts=facts(setup),
        layers=views,
        hypotheses=results,
        saliencies=filter_hypotheses.saliency_maps(loaded, config.saliency, photos),
    )
    return _written(folder, content, config)


def chosen_layers(loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> list[str]:
    """The layers of `config`, or up to three spread over the depth; UserError for a layer that cannot be shown."""
    if not config.layers:
        count = min(DEFAULT_LAYERS, len(loaded.layers))
        indices = np.linspace(0, len(loaded.layers) - 1, count).round().astype(int)
        return [loaded.layers[index] for index in indices]
    for name in config.layers:
        filter_hypotheses.check_layer(loaded, name, config.filters, shape)
    return list(dict.fromkeys(config.layers))


def _written(folder: Path, content: page.Microscope, config: Microscope) -> Path:
    """Write all files, the page last, so that it exists only when everything else does."""
    (folder / PAGE).unlink(missing_ok=True)  # an older page would describe other sheets
    for layer in content.layers:
        exemplars = [view.exemplar for view in layer.filters]
        for name, png in layer_sheets(exemplars, [view.index for view in layer.filters]).items():
            write_bytes(folder / "sheets" / f"{layer.name.replace('/', '_')}-{name}.png", png)
    write_json(folder / "microscope.json", _record(content, config))
    return write_text(folder / PAGE, render(content))


def _record(content: page.Microscope, config: Microscope) -> dict[str, Any]:
    filters = {
        layer.name: [
            {"filter": view.index, "status": view.status, "score": view.score, "says": view.says}
            for view in layer.filters
        ]
        for layer in content.layers
    }
    tests = [
        {field.name: getattr(test, field.name) for field in dataclasses.fields(test) if field.name != "maps"}
        for test in content.hypotheses
    ]
    return {
        "title": content.title,
        "settings": dataclasses.asdict(config),
        "layers": filters,
        "hypotheses": tests,
    } | dict(environment())
