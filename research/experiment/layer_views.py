"""What is seen of each layer: its filters' exemplars, variants, neurons and real patches, as the page shows them."""

import dataclasses
import functools
import itertools
import time
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from research.ascent.steps import AscentConfig
from research.experiment import filter_hypotheses as readings
from research.experiment.microscope_setup import Scene
from research.microscope.exemplars import Exemplar, exemplars, middle, neurons
from research.microscope.patches import strongest
from research.models.receptive_fields import ReceptiveField, receptive_field
from research.models.taps import PRE, run_taps
from research.report import microscope as page

AT_ONCE = 64  # pictures that a net runs on


def layer_view(scene: Scene, name: str) -> page.LayerView:
    """All that the scene's configuration asks of layer `name`."""
    begun = time.monotonic()
    config, field = scene.config, receptive_field(scene.subject.net, name, scene.shape)
    found = _look(scene, name, "", config.filters or None, scene.plan)
    sets = dataclasses.replace(scene.plan, pictures=config.variants)
    variants = _look(scene, name, ", variants", config.filters or None, sets) if config.variants > 1 else []
    patches = _patches(scene, name, field)
    views = [_view(scene, *each, patches) for each in itertools.zip_longest(found, variants, _near(scene, name))]
    sees = (min(field.size[0], scene.shape[0]), min(field.size[1], scene.shape[1]))
    return page.LayerView(name, views, sees, time.monotonic() - begun)


def exemplar_of(scene: Scene, views: Sequence[page.LayerView], layer: str, index: int) -> np.ndarray | None:
    """The exemplar of a filter, climbed to now unless `views` hold it; None if it is dead."""
    for view in (each for layer_view in views if layer_view.name == layer for each in layer_view.filters):
        if view.index == index:
            return view.exemplar
    [found] = _look(scene, layer, ", tested", [index], scene.plan)
    return None if found.status == "dead" else found.pictures[0]


def _view(
    scene: Scene,
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
        says="" if dead else readings.says(scene.subject, one.pictures[0]),
    )


def _look(scene: Scene, name: str, what: str, filters: Sequence[int] | None, plan: AscentConfig) -> list[Exemplar]:
    height, width, _ = scene.shape
    return exemplars(
        scene.subject.net,
        scene.subject.params,
        name,
        scene.way(slice(0, height), slice(0, width)),
        plan,
        filters=filters,
        seed=scene.config.seed,
        show=functools.partial(scene.show, f"{name}{what}"),
    )


def _near(scene: Scene, name: str) -> list[Exemplar]:
    """What the neuron in the middle of each filter's map wants; nothing for a layer without places."""
    subject, config = scene.subject, scene.config
    if not config.near or not middle(subject.net, name, scene.shape):
        return []
    show = functools.partial(scene.show, f"{name}, one neuron")
    near = functools.partial(neurons, subject.net, subject.params, name, scene.shape, scene.way, scene.plan)
    return near(filters=config.filters or None, seed=config.seed, show=show)


def _patches(scene: Scene, name: str, field: ReceptiveField) -> dict[int, list[page.Patch]]:
    """By filter, the real patches that excite it most."""
    if scene.real is None or not scene.config.patches:
        return {}
    subject, real = scene.subject, scene.real
    run = lambda pictures: run_taps(subject.net, subject.params, jnp.asarray(pictures), [name])[name]  # noqa: E731
    rectified = name.endswith(PRE) or subject.net.layers[subject.net.names.index(name)].activation in ("relu", "linear")
    best = strongest(run, real.batches(AT_ONCE), scene.config.patches, above=0.0 if rectified else -np.inf)
    found = {}
    for index in scene.config.filters or range(len(best.values)):
        chosen = zip(best.picture[index], best.row[index], best.column[index], best.values[index], strict=True)
        found[index] = [
            page.Patch(real.patch(picture, field, row, column), float(value), real.names[picture])
            for picture, row, column, value in chosen
            if picture >= 0
        ]
    return found
