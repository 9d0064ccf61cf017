"""Keras' side of the race, on TensorFlow: the same net with our weights, by `fit` and `predict` over arrays.

That is how its guides have it, out of the box. At its best settings (when `threads` are given), `fit` reads a data
set that gathers batches by index and runs many steps per execution. Measured on 2 cores with Keras 3.15, ms per step of
the CNN: without XLA 17-20, with it (the default) 41-100; ten steps per execution gain 6%. On one core, CPU ms: a step
of the LSTM 18.8 without XLA, 14.6 with it, `fit` over arrays 26; an epoch of the dense forecaster 4.3 at ten steps per
execution, 2.5 at ninety, with XLA or without, `fit` 55.

An ascent is as in Keras' example "Visualizing what convnets learn" (Chollet): a model that ends in the layer, a
`tf.function` for a step, and loops over steps and filters in Python. So that all peers do the same, the mean is over
all positions (the example leaves out 2 at each border) and the step is Adam's (the example's goes along the gradient,
scaled to length 1, at rate 10). Out of the box, the filter's index is a Python number, for which the `tf.function` is
traced anew for every filter, as in the example; at its best it is a tensor, and traced once.
"""

import math
import os
import time
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"  # read when keras is imported
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

from research.bench.architectures import Concat, Conv, Dense, Flatten, Layer, Lstm, Pool, architecture, preprocessing
from research.bench.ascent import BETA1, BETA2, EPSILON, HALF, RATE, STEPS, RunAscent, first_picture, timed
from research.bench.data import examples, leaves_for_rgb, sampled
from research.bench.workloads import LEARNING_RATE, Work, Workload

Run = Callable[[int], float]  # steps -> seconds


def build(workload: Workload, *, threads: int | None, steps: int) -> Work:
    """`workload` by Keras, tuned when `threads` are given; `steps` per round bound those of one execution."""
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    versions, tuned = {"tensorflow": tf.__version__, "keras": keras.__version__}, threads is not None
    if workload.task == "ascent":
        model = model_of(workload, first_picture(workload))
        run = timed(workload, build_ascent(workload, model, tuned=tuned))
        return Work(run, model.count_params(), versions, _first_activations(workload, model))
    inputs, targets = examples(workload)
    model = model_of(workload, inputs[0])
    sample = sampled(model(inputs[: workload.batch], training=False).numpy())
    if workload.task == "infer":
        run = _inference(model, inputs, workload, tuned=tuned)
    elif tuned:
        run = _tuned_training(model, inputs, targets, workload, steps * workload.training_steps)
    else:
        run = _training(model, inputs, targets, workload)
    return Work(run, model.count_params(), versions, sample)


def model_of(workload: Workload, example: np.ndarray) -> keras.Model:
    """The net with the workload's weights, for inputs like `example`."""
    x = inputs = keras.Input(example.shape, dtype=str(example.dtype))
    if len(example.shape) == 3:
        scale, offset = preprocessing(workload)
        x = keras.layers.Rescaling(scale, offset=list(offset))(x)
    for layer in architecture(workload):
        x = _applied(layer, x)
    if workload.forecasts:
        x = keras.layers.Reshape(workload.window[1:])(x)
    model, leaves = keras.Model(inputs, x), leaves_for_rgb(workload)
    for name in {name.rsplit("/", 1)[0] for name in leaves}:
        parts = (f"{name}/{part}" for part in ("kernel", "recurrent", "bias"))
        model.get_layer(_keras_name(name)).set_weights([leaves[part] for part in parts if part in leaves])
    return model


def _applied(layer: Layer, x: Any) -> Any:
    if isinstance(layer, Pool):
        pool = keras.layers.AveragePooling2D if layer.mean else keras.layers.MaxPooling2D
        return pool(layer.window, 2)(x)
    if isinstance(layer, Flatten):
        return keras.layers.Flatten()(x)
    if isinstance(layer, Concat):
        return keras.layers.Concatenate()([_applied(each, x) for each in layer.members])
    name = _keras_name(layer.name)
    if isinstance(layer, Lstm):
        return keras.layers.LSTM(layer.units, name=name)(x)
    if isinstance(layer, Dense):
        return keras.layers.Dense(layer.features, activation=layer.activation, name=name)(x)
    assert isinstance(layer, Conv)
    padding, size = "same" if layer.same else "valid", (layer.features, layer.size, layer.stride)
    return keras.layers.Conv2D(*size, padding, activation=layer.activation, name=name)(x)


def _keras_name(layer: str) -> str:
    """The layer's name without slashes, which Keras refuses."""
    return layer.replace("/", "_")


class _Stopwatch(keras.callbacks.Callback):
    """The seconds from the first step to the end of the last epoch: `fit` itself takes a while to start."""

    def __init__(self):
        super().__init__()
        self.begun: float | None = None
        self.seconds = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        if self.begun is None:
            self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        assert self.begun is not None
        self.seconds = time.perf_counter() - self.begun


def _fit(model: keras.Model, *data: Any, **options: Any) -> float:
    watch = _Stopwatch()
    model.fit(*data, verbose=0, callbacks=[watch], **options)
    return watch.seconds


def _compile(model: keras.Model, workload: Workload, **options: Any) -> None:
    classes = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss, metric = ("mse", "mae") if workload.forecasts else (classes, "accuracy")
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=loss, metrics=[metric], **options)


def _training(model: keras.Model, inputs: np.ndarray, targets: np.ndarray, workload: Workload) -> Run:
    """Over arrays: epoch after epoch, or as many batches of one as there are steps."""
    _compile(model, workload)
    batch, whole = workload.batch, workload.examples // workload.batch

    def run(steps: int) -> float:
        if workload.epochs:
            return _fit(model, inputs, targets, batch_size=batch, epochs=steps)
        counts = [min(left, whole) * batch for left in range(steps, 0, -whole)]
        return sum(_fit(model, inputs[:count], targets[:count], batch_size=batch) for count in counts)

    return run


def _tuned_training(model: keras.Model, inputs: np.ndarray, targets: np.ndarray, workload: Workload, steps: int) -> Run:
    """Batches gathered by index, many steps per execution, all of a round as one epoch; `steps` of training each."""
    at_once = math.gcd(steps, 90 if workload.forecasts else 10)
    _compile(model, workload, jit_compile=workload.forecasts, steps_per_execution=at_once)
    stored = tf.constant(inputs), tf.constant(targets)
    count, batch = workload.examples, workload.batch

    def an_order(_: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.shuffle(tf.range(count))
        return tf.data.Dataset.range(0, count, batch).map(lambda start: order[start : start + batch])

    order = tf.data.Dataset.range(1).repeat().flat_map(an_order)  # as Keras orders arrays: whole epochs at once
    batches = order.map(lambda index: tuple(tf.gather(each, index) for each in stored)).prefetch(tf.data.AUTOTUNE)
    return lambda times: _fit(model, batches, steps_per_epoch=times * workload.training_steps, shuffle=False)


def _inference(model: keras.Model, images: np.ndarray, workload: Workload, *, tuned: bool) -> Run:
    """`predict` over arrays; tuned, a `tf.function` over batches."""
    call = tf.function(lambda pixels: model(pixels, training=False))
    batch, batches = workload.batch, workload.examples // workload.batch
    everything = tf.split(tf.constant(images), batches) if tuned else []

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for step in range(steps) if tuned else ():
            call(everything[step % batches]).numpy()
        for left in () if tuned else range(steps, 0, -batches):
            model.predict(images[: min(left, batches) * batch], batch_size=batch, verbose=0)
        return time.perf_counter() - begun

    return run


def build_ascent(workload: Workload, model: keras.Model, *, tuned: bool, steps: int = STEPS) -> RunAscent:
    """`ascend({layer: filters})`: the pictures [H, W, C] after `steps` steps, one filter after the other.

    Without `tuned` each call traces anew, like a script that visits every filter once.
    """
    extractors = {layer: _extractor(model, layer) for layer in workload.layers}
    traced = {layer: _step_of(extractor) for layer, extractor in extractors.items()}
    first = tf.constant(first_picture(workload)[None])
    counts = [tf.constant(count, tf.float32) for count in range(1, steps + 1)]

    def ascend_one(advance: Callable, index: int) -> np.ndarray:
        picture, mean, square = first, tf.zeros_like(first), tf.zeros_like(first)
        which = tf.constant(index) if tuned else index
        for count in counts:
            picture, mean, square = advance(picture, mean, square, which, count)
        return picture[0].numpy()

    def ascend(filters):
        advances = traced if tuned else {layer: _step_of(extractor) for layer, extractor in extractors.items()}
        return [ascend_one(advances[layer], index) for layer, own in filters.items() for index in own]

    return ascend


def _step_of(extractor: keras.Model) -> Callable:
    """A step of Adam (Kingma & Ba 2015, algorithm 1) up the mean activation of `index`; `count` counts from 1."""

    @tf.function
    def advance(picture: Any, mean: Any, square: Any, index: Any, count: Any) -> tuple[Any, Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            activation = tf.reduce_mean(extractor(picture)[:, :, :, index])
        slope = tape.gradient(activation, picture)
        mean = BETA1 * mean + (1 - BETA1) * slope
        square = BETA2 * square + (1 - BETA2) * slope**2
        upward = (mean / (1 - BETA1**count)) / (tf.sqrt(square / (1 - BETA2**count)) + EPSILON)
        return tf.clip_by_value(picture + RATE * HALF * upward, 0, 255), mean, square

    return advance


def _extractor(model: keras.Model, layer: str) -> keras.Model:
    return keras.Model(model.input, model.get_layer(_keras_name(layer)).output)


def _first_activations(workload: Workload, model: keras.Model) -> list[float]:
    """The mean activation of every filter on the first picture, layer by layer."""
    picture = tf.constant(first_picture(workload)[None])
    taps = [_extractor(model, layer)(picture).numpy().mean(axis=(0, 1, 2)) for layer in workload.layers]
    return [float(mean) for tap in taps for mean in tap]
