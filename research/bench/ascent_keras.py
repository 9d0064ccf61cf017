"""Keras's side of the ascent's races, on TensorFlow, as its example "Visualizing what convnets learn" has it (Chollet).

That is: a model that ends in the layer, a `tf.function` for a step, and loops over steps and filters in Python. Other
than there, for like is raced with like: the mean is over all positions (the example leaves out 2 at each border) and
the step is Adam's, written out (the example's goes along the gradient, scaled to length 1, at rate 10). Out of the box,
the filter's index is a number of Python's, for which the `tf.function` is traced anew for every filter, as in the
example; at its best it is a tensor, and traced once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research.bench.climbs import (
    BETA1,
    BETA2,
    EPSILON,
    HALF,
    RATE,
    STEPS,
    preprocessing,
    start,
    timed,
    weights_for_rgb,
)
from research.bench.party_keras import apportion, keras, tf, versions
from research.bench.stages import Beside, Conv, Pool, Stage, stages
from research.bench.work import Work
from research.bench.workloads import Workload

Climb = Callable[[Mapping[str, Sequence[int]]], list[np.ndarray]]


def build(workload: Workload, *, threads: int | None) -> Work:
    """`workload` by Keras."""
    apportion(threads)
    model = _model(workload)
    run = timed(workload, climber(workload, model, tuned=threads is not None))
    found = [_extractor(model, layer)(tf.constant(start(workload)[None])).numpy() for layer in workload.layers]
    sample = [float(mean) for tap in found for mean in tap.mean(axis=(0, 1, 2))]
    return Work(run, model.count_params(), versions(), sample=sample)


def climber(workload: Workload, model: keras.Model, *, tuned: bool, steps: int = STEPS) -> Climb:
    """`climb({layer: filters})`: the pictures [H, W, C] after so many steps, one filter after the other.

    Without `tuned` each call begins as a script does that sees every filter once: nothing is traced yet.
    """
    extractors = {layer: _extractor(model, layer) for layer in workload.layers}
    kept = {layer: _advance_of(extractor) for layer, extractor in extractors.items()}
    first = tf.constant(start(workload)[None])
    places = [tf.constant(place, tf.float32) for place in range(1, steps + 1)]

    def climb_one(advance: Callable, index: int) -> np.ndarray:
        picture, mean, square = first, tf.zeros_like(first), tf.zeros_like(first)
        which = tf.constant(index) if tuned else index
        for place in places:
            picture, mean, square = advance(picture, mean, square, which, place)
        return picture[0].numpy()

    def climb(filters: Mapping[str, Sequence[int]]) -> list[np.ndarray]:
        advances = kept if tuned else {layer: _advance_of(extractor) for layer, extractor in extractors.items()}
        return [climb_one(advances[layer], index) for layer, own in filters.items() for index in own]

    return climb


def _advance_of(extractor: keras.Model) -> Callable:
    """A step of Adam (Kingma & Ba 2015, algorithm 1) up the mean activation of `index`; `place` counts from 1."""

    @tf.function
    def advance(picture: Any, mean: Any, square: Any, index: Any, place: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            activation = tf.reduce_mean(extractor(picture)[:, :, :, index])
        slope = tape.gradient(activation, picture)
        mean = BETA1 * mean + (1 - BETA1) * slope
        square = BETA2 * square + (1 - BETA2) * slope**2
        upward = (mean / (1 - BETA1**place)) / (tf.sqrt(square / (1 - BETA2**place)) + EPSILON)
        return tf.clip_by_value(picture + RATE * HALF * upward, 0, 255), mean, square

    return advance


def _extractor(model: keras.Model, layer: str) -> keras.Model:
    return keras.Model(model.input, model.get_layer(_own_name(layer)).output)


def _model(workload: Workload) -> keras.Model:
    scale, offset = preprocessing(workload)
    given = weights_for_rgb(workload)
    shift: Any = list(offset)  # Keras types it by its default, 0.0
    inputs = keras.Input(start(workload).shape)
    x = keras.layers.Rescaling(scale, offset=shift)(inputs)
    for stage in stages(workload):
        x = _wired(stage, x)
    model = keras.Model(inputs, x)
    for name in {name.rsplit("/", 1)[0] for name in given}:
        model.get_layer(_own_name(name)).set_weights([given[f"{name}/kernel"], given[f"{name}/bias"]])
    return model


def _wired(stage: Stage, x: Any) -> Any:
    if isinstance(stage, Pool):
        return keras.layers.MaxPooling2D(stage.window, 2)(x)
    if isinstance(stage, Beside):
        return keras.layers.Concatenate()([_wired(each, x) for each in stage.members])
    assert isinstance(stage, Conv)
    padding = "same" if stage.same else "valid"
    layer = keras.layers.Conv2D(
        stage.features, stage.size, stage.stride, padding, activation="relu", name=_own_name(stage.name)
    )
    return layer(x)


def _own_name(layer: str) -> str:
    """Keras takes no slashes in names."""
    return layer.replace("/", "_")
