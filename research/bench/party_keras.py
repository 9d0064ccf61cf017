"""Keras's side, on TensorFlow: out of the box `fit` and `predict` over arrays, as its guides have it; and at its best.

Measured on 2 cores with Keras 3.15, ms per step of the CNN: without XLA 17-20, with (the default) 41-100; ten steps per
execution gain 6 %; an index data set that gathers its batches is as fast as arrays are, or faster.
"""

import math
import os
import time
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"  # read when keras is imported
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras  # pyright: ignore[reportMissingImports]
import numpy as np
import tensorflow as tf  # pyright: ignore[reportMissingImports]

from research.bench.work import Work
from research.bench.workloads import BATCH, CLASSES, EXAMPLES, LEARNING_RATE, SIDE, Workload, pictures

AT_ONCE = 10  # steps per execution


def build(workload: Workload, *, threads: int | None, steps: int) -> Work:
    """`workload` by Keras, tuned when `threads` are given; `steps` per round bound those of one execution."""
    apportion(threads)
    model = _network(workload)
    if workload.task == "train":
        run = training(model, *pictures(), BATCH, tuned=threads is not None, steps=steps)
    else:
        run = _plain_forward(model) if threads is None else _forward(model)
    return Work(run, model.count_params(), versions())


def apportion(threads: int | None) -> None:
    """Let TensorFlow use so many threads; None leaves it as it comes."""
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def versions() -> dict[str, str]:
    """Of the packages that compute."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__}


def _network(workload: Workload) -> keras.Sequential:
    layers = [keras.Input((SIDE, SIDE, 1), dtype="uint8"), keras.layers.Rescaling(1 / 255)]
    for place, features in enumerate(workload.channels, start=1):
        layers.append(keras.layers.Conv2D(features, 3, activation="relu"))
        if place < len(workload.channels):
            layers.append(keras.layers.MaxPooling2D())
    layers.append(keras.layers.Flatten())
    layers += [keras.layers.Dense(features, activation="relu") for features in workload.hidden]
    return keras.Sequential([*layers, keras.layers.Dense(CLASSES)])


class _Stopwatch(keras.callbacks.Callback):
    """The seconds of an epoch's steps: `fit` itself takes a while to start, which a long training does not feel."""

    def __init__(self):
        super().__init__()
        self.begun: float | None = None
        self.seconds = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = None

    def on_train_batch_begin(self, batch, logs=None):
        if self.begun is None:
            self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        assert self.begun is not None
        self.seconds = time.perf_counter() - self.begun


def training(
    model: keras.Sequential, inputs: np.ndarray, labels: np.ndarray, batch: int, *, tuned: bool, steps: int
) -> Callable[[int], float]:
    """`run(steps) -> seconds` of training `model` with Adam on `inputs` [N, ...] and `labels` [N].

    `tuned` it runs up to `AT_ONCE` steps per execution, as many as divide `steps`.
    """
    data = (inputs, labels, batch)
    return _training(model, *data, math.gcd(steps, AT_ONCE)) if tuned else _plain_training(model, *data)


def _plain_training(
    model: keras.Sequential, images: np.ndarray, labels: np.ndarray, batch: int
) -> Callable[[int], float]:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=loss, metrics=["accuracy"])

    def run(steps: int) -> float:
        seconds, whole = 0.0, len(images) // batch
        for left in range(steps, 0, -whole):
            watch, count = _Stopwatch(), min(left, whole) * batch
            silent: Any = 0  # Keras types it by its default, "auto"
            model.fit(images[:count], labels[:count], batch_size=batch, verbose=silent, callbacks=[watch])
            seconds += watch.seconds
        return seconds

    return run


def _plain_forward(model: keras.Sequential) -> Callable[[int], float]:
    images, _ = pictures()

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for left in range(steps, 0, -(EXAMPLES // BATCH)):
            silent: Any = 0  # Keras types it by its default, "auto"
            model.predict(images[: min(left, EXAMPLES // BATCH) * BATCH], batch_size=BATCH, verbose=silent)
        return time.perf_counter() - begun

    return run


def _training(
    model: keras.Sequential, inputs: np.ndarray, targets: np.ndarray, batch: int, at_once: int
) -> Callable[[int], float]:
    without_xla: Any = False  # Keras types it by its default, "auto"
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=without_xla,
        steps_per_execution=at_once,
    )
    images, labels = tf.constant(inputs), tf.constant(targets)

    def an_order(_: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(tf.reshape(tf.random.shuffle(tf.range(len(inputs))), (-1, batch)))

    order = tf.data.Dataset.range(1).repeat().flat_map(an_order)  # as Keras orders arrays: whole epochs at once
    batches = order.map(lambda index: (tf.gather(images, index), tf.gather(labels, index))).prefetch(tf.data.AUTOTUNE)

    def run(steps: int) -> float:
        watch = _Stopwatch()
        silent: Any = 0  # Keras types it by its default, "auto"
        model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=silent, callbacks=[watch])
        return watch.seconds

    return run


def _forward(model: keras.Sequential) -> Callable[[int], float]:
    call = tf.function(lambda pixels: model(pixels, training=False))
    everything = tf.split(tf.constant(pictures()[0]), EXAMPLES // BATCH)

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for step in range(steps):
            call(everything[step % len(everything)]).numpy()
        return time.perf_counter() - begun

    return run
