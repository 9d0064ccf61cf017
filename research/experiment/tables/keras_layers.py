"""The layers of nets of tables in Keras, with the preprocessing that was fitted on the training rows.

Missing cells, logarithms and levels are operations, which a .keras file holds and an .h5 file does not.
"""

import itertools
from typing import Any

import numpy as np

from research.experiment.exported import Layered, Makers
from research.experiment.keras_model import KERAS, weighted
from research.experiment.tables.loss import LEAST, Loss
from research.experiment.tables.torch_layers import refuse_ranks
from research.models.tables import Levels, Numbers, TargetScale


def keras_layers(loss: Loss) -> Makers:
    """The makers; the `loss` says what the outputs are."""
    return KERAS | {Numbers: _numbers, Levels: _levels, TargetScale: lambda keras, at: _target(keras, at, loss)}


def _numbers(keras: Any, at: Layered) -> Any:
    """See `models.tables.Numbers`."""
    layer, held, ops = at.layer, at.leaves, keras.ops
    refuse_ranks(layer)
    numbers = at.inputs[0]["numbers"]
    logged = ops.where(held["logged"] > 0, ops.log1p(ops.maximum(numbers, 0.0)), numbers)
    absent = ops.isnan(numbers)
    filled = ops.where(absent, held["median"], logged)
    scaled = (filled - held["center"]) / held["scale"]
    if layer.clip:
        scaled = scaled / ops.sqrt(1.0 + ops.square(scaled / layer.clip))
    parts = _embedded(keras, at, scaled, filled)
    if layer.gaps:
        marked = np.array(layer.gaps)
        parts.append(ops.take(ops.cast(absent, "float32"), marked, axis=1) * held["indicated"][marked])
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def _embedded(keras: Any, at: Layered, scaled: Any, filled: Any) -> list[Any]:
    layer, ops, held = at.layer, keras.ops, at.leaves
    if layer.embedding == "none":
        return [scaled]
    if layer.embedding == "piecewise":
        widths = np.diff(held["edges"])
        within = (ops.expand_dims(filled, -1) - held["edges"][:, :-1]) / np.where(widths > 0, widths, np.float32(1))
        return [keras.layers.Flatten(name=f"{at.name}_bins")(ops.clip(within, 0.0, 1.0))]
    turned = keras.layers.EinsumDense("bf,fe->bfe", (layer.count, layer.size), name=f"{at.name}_frequencies")
    angles = weighted(turned, {"kernel": held["frequencies"]}, scaled * np.float32(2 * np.pi))
    waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
    learned = keras.layers.EinsumDense(
        "bfe,fed->bfd", (layer.count, layer.size), activation="relu", bias_axes="fd", name=f"{at.name}_periodic"
    )
    own = {"kernel": held["kernel"], "bias": held["bias"]}
    return [scaled, keras.layers.Flatten(name=f"{at.name}_waves")(weighted(learned, own, waves))]


def _levels(keras: Any, at: Layered) -> Any:
    """See `models.tables.Levels`; the vectors of a column are a Dense layer without biases."""
    layer, ops, counts = at.layer, keras.ops, at.layer.counts
    column = np.repeat(np.arange(len(counts)), counts)
    own = np.concatenate([np.arange(count) for count in counts])
    each = ops.take(at.inputs[0]["codes"], column, axis=1)
    hot = ops.cast(ops.equal(each, own.astype(np.int32)), "float32") * at.leaves["common"]
    if not layer.size:
        return hot
    parts = []
    for index, (begin, end) in enumerate(itertools.pairwise(np.cumsum((0, *counts)))):
        made = keras.layers.Dense(layer.size, use_bias=False, name=f"{at.name}_vectors{index + 1}")
        part = ops.take(hot, np.arange(begin, end), axis=1)
        parts.append(weighted(made, {"kernel": at.leaves["vectors"][begin:end]}, part))
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def _target(keras: Any, at: Layered, loss: Loss) -> Any:
    """The target in its own unit: quantiles in rising order; or a mean and a deviation."""
    ops, scaled = keras.ops, at.inputs[0]
    center, scale = at.leaves["center"], at.leaves["scale"]
    if loss != "gaussian":
        return ops.sort(scaled, axis=-1) * scale + center
    mean, deviation = (ops.take(scaled, np.array([index]), axis=1) for index in (0, 1))
    return ops.concatenate([mean * scale + center, ops.exp(ops.maximum(deviation, LEAST)) * scale], axis=-1)
