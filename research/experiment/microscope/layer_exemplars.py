"""The exemplars of a layer, pass by pass: of whole pictures, variants, single neurons, and from real patches.

Each pass goes on where an earlier run stopped.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from research.ascent.steps import AscentConfig
from research.experiment.microscope.saved_exemplars import resumed
from research.experiment.microscope.setup import LayerSetup, Setup
from research.microscope.exemplars import Exemplar, OnFound, exemplars, middle, neurons
from research.microscope.patches import Strongest
from research.models.receptive_fields import receptive_field
from research.seals import array_digest
from research.training.feature_cache import key_of


def from_noise(setup: Setup, layer: LayerSetup, name: str, filters: Sequence[int]) -> list[Exemplar]:
    """The exemplars of `filters` of layer `name`, searched from noise."""
    return _resumed(setup, layer, name, "", filters, functools.partial(_exemplars, setup, layer, name, layer.ascent))


def variants(setup: Setup, layer: LayerSetup, name: str, filters: Sequence[int]) -> list[Exemplar]:
    """Sets of different exemplars of layer `name`."""
    if setup.config.variants < 2:
        return []
    diverse = dataclasses.replace(layer.ascent, pictures=setup.config.variants)
    ascend = functools.partial(_exemplars, setup, layer, name, diverse)
    return _resumed(setup, layer, name, f", {setup.config.variants} variants", filters, ascend)


def single_neurons(setup: Setup, layer: LayerSetup, name: str, filters: Sequence[int]) -> list[Exemplar]:
    """Exemplars of the neuron in the middle of each filter's map; none for a layer without positions."""
    loaded = setup.loaded
    if not setup.config.near or not middle(loaded.net, name, layer.shape):
        return []
    ascend = functools.partial(
        neurons, loaded.net, loaded.params, name, layer.shape, layer.parameterize, layer.ascent, seed=setup.config.seed
    )
    return _resumed(setup, layer, name, ", one neuron", filters, ascend)


def _exemplars(
    setup: Setup,
    layer: LayerSetup,
    name: str,
    ascent: AscentConfig,
    *,
    filters: Sequence[int],
    on_found: OnFound,
    starts: Mapping[int, np.ndarray] | None = None,
) -> list[Exemplar]:
    height, width, _ = layer.shape
    whole = layer.parameterize(slice(0, height), slice(0, width))
    of = (setup.loaded.net, setup.loaded.params, name, whole, ascent)
    return exemplars(*of, filters=filters, starts=starts, seed=setup.config.seed, on_found=on_found)


def _resumed(
    setup: Setup,
    layer: LayerSetup,
    name: str,
    what: str,
    filters: Sequence[int],
    ascend: Callable[..., object],
    starts: str = "",
) -> list[Exemplar]:
    """`ascend(filters=..., on_found=...)` for those of `filters` that no earlier run finished, from these `starts`."""
    if not filters:
        return []
    folder = setup.saved / key_of(setup.digest, name, what, repr((layer.shape, layer.ascent)), starts)
    return resumed(folder, filters, ascend, functools.partial(setup.show, f"{name}{what}"))


def from_patches(
    setup: Setup, layer: LayerSetup, name: str, best: Sequence[Exemplar], found: Strongest | None
) -> list[Exemplar]:
    """`best`, where ascents from noise found nothing searched from the real patch that excites the filter most."""
    if setup.real is None or found is None:
        return list(best)
    excited = [each.filter for each in best if each.status == "dead" and found.picture[each.filter, 0] >= 0]
    starts = {index: _around_patch(setup, layer, name, found, index) for index in excited}
    ascend = functools.partial(_exemplars, setup, layer, name, layer.ascent, starts=starts)
    pictures = key_of(*(array_digest(start) for start in starts.values()))
    again = _resumed(setup, layer, name, ", from a patch", excited, ascend, pictures)
    by_filter = {each.filter: each for each in again}
    return [by_filter.get(each.filter, each) for each in best]


def _around_patch(setup: Setup, layer: LayerSetup, name: str, found: Strongest, index: int) -> np.ndarray:
    """The part of the real picture, of the exemplars' size, about the patch that excites filter `index` most."""
    assert setup.real is not None
    whole = setup.real.picture(found.picture[index, 0])
    field = receptive_field(setup.loaded.net, name, whole.shape)
    center = field.center(found.row[index, 0], found.column[index, 0])
    corner = (
        min(max(round(middle - side / 2), 0), length - side)
        for middle, side, length in zip(center, layer.shape[:2], whole.shape[:2], strict=True)
    )
    top, left = corner
    return whole[top : top + layer.shape[0], left : left + layer.shape[1]]
