"""What the page shows of each layer: its filters' exemplars, variants, single neurons and real patches."""

import dataclasses
import functools
import itertools
import time
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from research.ascent.steps import AscentConfig
from research.experiment.microscope.filter_hypotheses import describe_prediction
from research.experiment.microscope.setup import Setup
from research.microscope.exemplars import Exemplar, exemplars, middle, neurons
from research.microscope.patches import strongest
from research.models.receptive_fields import ReceptiveField, receptive_field
from research.models.taps import PRE, run_taps
from research.report import microscope as page

BATCH = 64  # pictures


def layer_view(setup: Setup, name: str) -> page.LayerView:
    """The view of layer `name`, with all that the configuration asks for."""
    start = time.monotonic()
    config, field = setup.config, receptive_field(setup.loaded.net, name, setup.shape)
    best = _ascend(setup, name, "", config.filters or None, setup.ascent)
    diverse = dataclasses.replace(setup.ascent, pictures=config.variants)
    variants = _ascend(setup, name, ", variants", config.filters or None, diverse) if config.variants > 1 else []
    patches = _patches(setup, name, field)
    by_filter = itertools.zip_longest(best, variants, _near(setup, name))
    views = [_view(setup, *exemplars_of, patches) for exemplars_of in by_filter]
    seen = (min(field.size[0], setup.shape[0]), min(field.size[1], setup.shape[1]))
    return page.LayerView(name, views, seen, time.monotonic() - start)


def exemplar_of(setup: Setup, views: Sequence[page.LayerView], layer: str, index: int) -> np.ndarray | None:
    """The exemplar of a filter, from `views` or by gradient ascent now; None if the filter is dead."""
    for layer_view in views:
        for view in layer_view.filters:
            if (layer_view.name, view.index) == (layer, index):
                return view.exemplar
    [exemplar] = _ascend(setup, layer, ", tested", [index], setup.ascent)
    return None if exemplar.status == "dead" else exemplar.pictures[0]


def _view(
    setup: Setup,
    exemplar: Exemplar,
    variants: Exemplar | None,
    neuron: Exemplar | None,
    patches: Mapping[int, Sequence[page.Patch]],
) -> page.FilterView:
    dead = exemplar.status == "dead"
    return page.FilterView(
        index=exemplar.filter,
        status=exemplar.status,
        score=exemplar.score,
        exemplar=None if dead else exemplar.pictures[0],
        variants=None if dead or variants is None else variants.pictures,
        near_field=None if neuron is None or neuron.status == "dead" else neuron.pictures[0],
        patches=patches.get(exemplar.filter, ()),
        curve=exemplar.curve,
        says="" if dead else describe_prediction(setup.loaded, exemplar.pictures[0]),
    )


def _ascend(
    setup: Setup, name: str, suffix: str, filters: Sequence[int] | None, ascent: AscentConfig
) -> list[Exemplar]:
    height, width, _ = setup.shape
    return exemplars(
        setup.loaded.net,
        setup.loaded.params,
        name,
        setup.parameterize(slice(0, height), slice(0, width)),
        ascent,
        filters=filters,
        seed=setup.config.seed,
        show=functools.partial(setup.show, f"{name}{suffix}"),
    )


def _near(setup: Setup, name: str) -> list[Exemplar]:
    """Exemplars of the neuron in the middle of each filter's map; none for a layer without positions."""
    loaded, config = setup.loaded, setup.config
    if not config.near or not middle(loaded.net, name, setup.shape):
        return []
    show = functools.partial(setup.show, f"{name}, one neuron")
    near = functools.partial(neurons, loaded.net, loaded.params, name, setup.shape, setup.parameterize, setup.ascent)
    return near(filters=config.filters or None, seed=config.seed, show=show)


def _patches(setup: Setup, name: str, field: ReceptiveField) -> dict[int, list[page.Patch]]:
    """{filter: the real patches that excite it most}."""
    if setup.real is None or not setup.config.patches:
        return {}
    loaded, real = setup.loaded, setup.real
    run = lambda pictures: run_taps(loaded.net, loaded.params, jnp.asarray(pictures), [name])[name]  # noqa: E731
    rectified = name.endswith(PRE) or loaded.net.layers[loaded.net.names.index(name)].activation in ("relu", "linear")
    best = strongest(run, real.batches(BATCH), setup.config.patches, above=0.0 if rectified else -np.inf)
    by_filter = {}
    for index in setup.config.filters or range(len(best.values)):
        found = zip(best.picture[index], best.row[index], best.column[index], best.values[index], strict=True)
        by_filter[index] = [
            page.Patch(real.patch(picture, field, row, column), float(value), real.names[picture])
            for picture, row, column, value in found
            if picture >= 0
        ]
    return by_filter
