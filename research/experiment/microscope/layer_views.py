"""What the page shows of each layer: its filters' exemplars, variants, single neurons and real patches."""

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from research.ascent.steps import AscentConfig
from research.experiment.microscope.filter_hypotheses import batch_size, describe_prediction
from research.experiment.microscope.saved_exemplars import resumed
from research.experiment.microscope.setup import LayerSetup, Setup, layer_setup, picture_shape
from research.microscope.exemplars import Exemplar, OnFound, exemplars, filter_count, middle, neurons
from research.microscope.patches import strongest
from research.models.receptive_fields import receptive_field
from research.models.taps import PRE, run_taps
from research.report import microscope as page
from research.training.feature_cache import key_of


def layer_view(setup: Setup, name: str) -> page.LayerView:
    """The view of layer `name`, with all that the configuration asks for."""
    start = time.monotonic()
    layer = layer_setup(setup, name)
    filters = setup.config.filters or range(filter_count(setup.loaded.net, name, layer.shape))
    best = _ascend(setup, layer, name, filters)
    variants = _variants(setup, layer, name, filters)
    patches = _patches(setup, name, filters)
    by_filter = itertools.zip_longest(best, variants, _near(setup, layer, name, filters))
    views = [_view(setup, *exemplars_of, patches) for exemplars_of in by_filter]
    field = receptive_field(setup.loaded.net, name, layer.shape)
    seen = (min(field.size[0], layer.shape[0]), min(field.size[1], layer.shape[1]))
    return page.LayerView(name, views, layer.shape[:2], seen, time.monotonic() - start)


def exemplar_of(setup: Setup, views: Sequence[page.LayerView], layer: str, index: int) -> np.ndarray | None:
    """The exemplar of a filter, from `views` or by gradient ascent now; None if the filter is dead."""
    for layer_view in views:
        for view in layer_view.filters:
            if (layer_view.name, view.index) == (layer, index):
                return view.exemplar
    [exemplar] = _ascend(setup, layer_setup(setup, layer), layer, [index])
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


def _ascend(setup: Setup, layer: LayerSetup, name: str, filters: Sequence[int]) -> list[Exemplar]:
    """The exemplars of layer `name`."""
    return _resumed(setup, layer, name, "", filters, functools.partial(_exemplars, setup, layer, name, layer.ascent))


def _variants(setup: Setup, layer: LayerSetup, name: str, filters: Sequence[int]) -> list[Exemplar]:
    """Sets of different exemplars of layer `name`."""
    if setup.config.variants < 2:
        return []
    diverse = dataclasses.replace(layer.ascent, pictures=setup.config.variants)
    ascend = functools.partial(_exemplars, setup, layer, name, diverse)
    return _resumed(setup, layer, name, f", {setup.config.variants} variants", filters, ascend)


def _near(setup: Setup, layer: LayerSetup, name: str, filters: Sequence[int]) -> list[Exemplar]:
    """Exemplars of the neuron in the middle of each filter's map; none for a layer without positions."""
    loaded = setup.loaded
    if not setup.config.near or not middle(loaded.net, name, layer.shape):
        return []
    ascend = functools.partial(
        neurons, loaded.net, loaded.params, name, layer.shape, layer.parameterize, layer.ascent, seed=setup.config.seed
    )
    return _resumed(setup, layer, name, ", one neuron", filters, ascend)


def _exemplars(
    setup: Setup, layer: LayerSetup, name: str, ascent: AscentConfig, filters: Sequence[int], on_found: OnFound
) -> list[Exemplar]:
    height, width, _ = layer.shape
    whole = layer.parameterize(slice(0, height), slice(0, width))
    of = (setup.loaded.net, setup.loaded.params, name, whole, ascent)
    return exemplars(*of, filters=filters, seed=setup.config.seed, on_found=on_found)


def _resumed(
    setup: Setup, layer: LayerSetup, name: str, what: str, filters: Sequence[int], ascend: Callable[..., object]
) -> list[Exemplar]:
    """`ascend(filters=..., on_found=...)` for those of `filters` that no earlier run has finished."""
    folder = setup.saved / key_of(setup.digest, name, what, repr((layer.shape, layer.ascent)))
    return resumed(folder, filters, ascend, functools.partial(setup.show, f"{name}{what}"))


def _patches(setup: Setup, name: str, filters: Sequence[int]) -> dict[int, list[page.Patch]]:
    """{filter: the real patches that excite it most}."""
    if setup.real is None or not setup.config.patches:
        return {}
    loaded, real, shape = setup.loaded, setup.real, picture_shape(setup.loaded, setup.config)
    field = receptive_field(loaded.net, name, shape)
    run = lambda pictures: run_taps(loaded.net, loaded.params, jnp.asarray(pictures), [name])[name]  # noqa: E731
    rectified = name.endswith(PRE) or loaded.net.layers[loaded.net.names.index(name)].activation in ("relu", "linear")
    best = strongest(run, real.batches(batch_size(shape)), setup.config.patches, above=0.0 if rectified else -np.inf)
    by_filter = {}
    for index in filters:
        found = zip(best.picture[index], best.row[index], best.column[index], best.values[index], strict=True)
        by_filter[index] = [
            page.Patch(real.patch(picture, field, row, column), float(value), real.names[picture])
            for picture, row, column, value in found
            if picture >= 0
        ]
    return by_filter
