"""What the page shows of each layer: its filters' exemplars, variants, single neurons and real patches."""

import itertools
import time
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from research.experiment.microscope.filter_hypotheses import batch_size, describe_prediction
from research.experiment.microscope.layer_exemplars import from_noise, from_patches, single_neurons, variants
from research.experiment.microscope.setup import Setup, layer_setup, picture_shape
from research.microscope.exemplars import Exemplar, filter_count, has_positions
from research.microscope.patches import Strongest, strongest
from research.models.receptive_fields import ReceptiveField, receptive_field
from research.models.taps import PRE, run_taps
from research.report import microscope as page


def layer_view(setup: Setup, name: str) -> page.LayerView:
    """The view of layer `name`, with all that the configuration asks for."""
    start = time.monotonic()
    layer = layer_setup(setup, name)
    filters = setup.config.filters or range(filter_count(setup.loaded.net, name, layer.shape))
    best = from_noise(setup, layer, name, filters)
    diverse = variants(setup, layer, name, filters)
    found = _strongest(setup, name)
    best = from_patches(setup, layer, name, best, found)
    patches = _patches(setup, name, filters, found)
    by_filter = itertools.zip_longest(best, diverse, single_neurons(setup, layer, name, filters))
    views = [_view(setup, *exemplars_of, patches) for exemplars_of in by_filter]
    field = receptive_field(setup.loaded.net, name, layer.shape)
    seen = (min(field.size[0], layer.shape[0]), min(field.size[1], layer.shape[1]))
    known = any(field.jump) or not has_positions(setup.loaded.net, name, layer.shape)
    return page.LayerView(name, views, layer.shape[:2], seen if known else None, time.monotonic() - start)


def exemplar_of(setup: Setup, views: Sequence[page.LayerView], layer: str, index: int) -> np.ndarray | None:
    """The exemplar of a filter, from `views` or by gradient ascent now; None if the filter is dead."""
    for layer_view in views:
        for view in layer_view.filters:
            if (layer_view.name, view.index) == (layer, index):
                return view.exemplar
    [exemplar] = from_noise(setup, layer_setup(setup, layer), layer, [index])
    return None if exemplar.status == "dead" else exemplar.pictures[0]


def _view(
    setup: Setup,
    exemplar: Exemplar,
    diverse: Exemplar | None,
    neuron: Exemplar | None,
    patches: Mapping[int, Sequence[page.Patch]],
) -> page.FilterView:
    dead = exemplar.status == "dead"
    return page.FilterView(
        index=exemplar.filter,
        status=exemplar.status,
        score=exemplar.score,
        exemplar=None if dead else exemplar.pictures[0],
        variants=None if diverse is None or diverse.status == "dead" else diverse.pictures,
        near_field=None if neuron is None or neuron.status == "dead" else neuron.pictures[0],
        near_score=None if neuron is None else neuron.score,
        patches=patches.get(exemplar.filter, ()),
        curve=exemplar.curve,
        says="" if dead else describe_prediction(setup.loaded, exemplar.pictures[0]),
    )


def _strongest(setup: Setup, name: str) -> Strongest | None:
    """The real patches that excite each filter of layer `name` most; None without real pictures."""
    if setup.real is None or not setup.config.patches:
        return None
    loaded, shape = setup.loaded, picture_shape(setup.loaded, setup.config)
    run = lambda pictures: run_taps(loaded.net, loaded.params, jnp.asarray(pictures), [name])[name]  # noqa: E731
    rectified = name.endswith(PRE) or loaded.net.layers[loaded.net.names.index(name)].activation in ("relu", "linear")
    batches = setup.real.batches(batch_size(shape))
    return strongest(run, batches, setup.config.patches, above=0.0 if rectified else -np.inf)


def _patches(setup: Setup, name: str, filters: Sequence[int], best: Strongest | None) -> dict[int, list[page.Patch]]:
    """{filter: the real patches that excite it most}."""
    if setup.real is None or best is None:
        return {}
    real, field = setup.real, receptive_field(setup.loaded.net, name, picture_shape(setup.loaded, setup.config))
    by_filter = {}
    for index in filters:
        found = zip(best.picture[index], best.row[index], best.column[index], best.values[index], strict=True)
        by_filter[index] = [
            page.Patch(real.patch(picture, field, *_seen_at(field, row, column)), float(value), real.names[picture])
            for picture, row, column, value in found
            if picture >= 0
        ]
    return by_filter


def _seen_at(field: ReceptiveField, row: int, column: int) -> tuple[int, int]:
    """The position whose field is shown: all of a tap of unknown field show the whole picture, as (0, 0) does."""
    return (row, column) if any(field.jump) else (0, 0)
