"""What is seen of each layer: its filters' exemplars, variants, neurons and real patches, as the page shows them."""

import dataclasses
import functools
import itertools
import time
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from research.ascent.steps import AscentConfig
from research.experiment import filter_hypotheses as hypotheses
from research.experiment.microscope_setup import Setup
from research.microscope.exemplars import Exemplar, exemplars, middle, neurons
from research.microscope.patches import strongest
from research.models.receptive_fields import ReceptiveField, receptive_field
from research.models.taps import PRE, run_taps
from research.report import microscope as page

AT_ONCE = 64  # pictures that a net runs on


def layer_view(setup: Setup, name: str) -> page.LayerView:
    """All that the setup's configuration asks of layer `name`."""
    begun = time.monotonic()
    config, field = setup.config, receptive_field(setup.loaded.net, name, setup.shape)
    found = _look(setup, name, "", config.filters or None, setup.ascent)
    sets = dataclasses.replace(setup.ascent, pictures=config.variants)
    variants = _look(setup, name, ", variants", config.filters or None, sets) if config.variants > 1 else []
    patches = _patches(setup, name, field)
    views = [_view(setup, *each, patches) for each in itertools.zip_longest(found, variants, _near(setup, name))]
    sees = (min(field.size[0], setup.shape[0]), min(field.size[1], setup.shape[1]))
    return page.LayerView(name, views, sees, time.monotonic() - begun)


def exemplar_of(setup: Setup, views: Sequence[page.LayerView], layer: str, index: int) -> np.ndarray | None:
    """The exemplar of a filter, climbed to now unless `views` hold it; None if it is dead."""
    for view in (each for layer_view in views if layer_view.name == layer for each in layer_view.filters):
        if view.index == index:
            return view.exemplar
    [found] = _look(setup, layer, ", tested", [index], setup.ascent)
    return None if found.status == "dead" else found.pictures[0]


def _view(
    setup: Setup,
    one: Exemplar,
    several: Exemplar | None,
    neuron: Exemplar | None,
    patches: Mapping[int, Sequence[page.Patch]],
) -> page.FilterView:
    dead = one.status == "dead"
    return page.FilterView(
        index=one.filter,
        status=one.status,
        score=one.score,
        exemplar=None if dead else one.pictures[0],
        variants=None if dead or several is None else several.pictures,
        near_field=None if neuron is None or neuron.status == "dead" else neuron.pictures[0],
        patches=patches.get(one.filter, ()),
        curve=one.curve,
        says="" if dead else hypotheses.says(setup.loaded, one.pictures[0]),
    )


def _look(setup: Setup, name: str, what: str, filters: Sequence[int] | None, plan: AscentConfig) -> list[Exemplar]:
    height, width, _ = setup.shape
    return exemplars(
        setup.loaded.net,
        setup.loaded.params,
        name,
        setup.parameterize(slice(0, height), slice(0, width)),
        plan,
        filters=filters,
        seed=setup.config.seed,
        show=functools.partial(setup.show, f"{name}{what}"),
    )


def _near(setup: Setup, name: str) -> list[Exemplar]:
    """What the neuron in the middle of each filter's map wants; nothing for a layer without places."""
    loaded, config = setup.loaded, setup.config
    if not config.near or not middle(loaded.net, name, setup.shape):
        return []
    show = functools.partial(setup.show, f"{name}, one neuron")
    near = functools.partial(neurons, loaded.net, loaded.params, name, setup.shape, setup.parameterize, setup.ascent)
    return near(filters=config.filters or None, seed=config.seed, show=show)


def _patches(setup: Setup, name: str, field: ReceptiveField) -> dict[int, list[page.Patch]]:
    """By filter, the real patches that excite it most."""
    if setup.real is None or not setup.config.patches:
        return {}
    loaded, real = setup.loaded, setup.real
    run = lambda pictures: run_taps(loaded.net, loaded.params, jnp.asarray(pictures), [name])[name]  # noqa: E731
    rectified = name.endswith(PRE) or loaded.net.layers[loaded.net.names.index(name)].activation in ("relu", "linear")
    best = strongest(run, real.batches(AT_ONCE), setup.config.patches, above=0.0 if rectified else -np.inf)
    found = {}
    for index in setup.config.filters or range(len(best.values)):
        chosen = zip(best.picture[index], best.row[index], best.column[index], best.values[index], strict=True)
        found[index] = [
            page.Patch(real.patch(picture, field, row, column), float(value), real.names[picture])
            for picture, row, column, value in chosen
            if picture >= 0
        ]
    return found
