"""Keras's side of the forecasters' races, on TensorFlow: its LSTM or Dense with our weights, trained by `fit`.

Measured on one core of a busy machine with Keras 3.15, CPU ms: a step of the LSTM 18.8 without XLA, 14.6 with; `fit`
over arrays 26. An epoch of the dense net 4.3 at ten steps per execution, 2.5 at ninety, with XLA or without; `fit` 55.
"""

import math
import time
from collections.abc import Callable
from typing import Any

from research.bench.forecasts import leaves, steps_of, windows
from research.bench.party_keras import apportion, keras, tf, versions
from research.bench.photos import sampled
from research.bench.work import Work
from research.bench.workloads import LEARNING_RATE, Workload

AT_ONCE = 90  # steps per execution


def build(workload: Workload, *, threads: int | None, steps: int) -> Work:
    """`workload` by Keras: `fit` over arrays as it comes, or at its best when `threads` are given."""
    apportion(threads)
    model = _network(workload)
    given = leaves(workload)
    for layer in model.layers:
        if layer.weights:
            names = ("kernel", "recurrent", "bias") if layer.name == "lstm1" else ("kernel", "bias")
            layer.set_weights([given[f"{layer.name}/{name}"] for name in names])
    contexts, _ = windows(workload)
    sample = sampled(model(contexts[: workload.batch], training=False).numpy()[:1])
    run = _plain(model, workload) if threads is None else _tuned(model, workload, steps)
    return Work(run, model.count_params(), versions(), sample=sample)


def _network(workload: Workload) -> keras.Sequential:
    context, horizon, channels = workload.window
    [units] = workload.hidden
    if workload.net == "dense":
        body = [keras.layers.Flatten(), keras.layers.Dense(units, activation="relu", name="dense1")]
    else:
        body = [keras.layers.LSTM(units, name="lstm1")]
    head = [keras.layers.Dense(horizon * channels, name="head"), keras.layers.Reshape((horizon, channels))]
    return keras.Sequential([keras.Input((context, channels)), *body, *head])


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


def _fit(model: keras.Sequential, *data: Any, **how: Any) -> float:
    watch = _Stopwatch()
    silent: Any = 0  # Keras types it by its default, "auto"
    model.fit(*data, verbose=silent, callbacks=[watch], **how)
    return watch.seconds


def _plain(model: keras.Sequential, workload: Workload) -> Callable[[int], float]:
    """Over arrays, as its guides have it: epoch after epoch, or as many batches of one as there are steps."""
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse", metrics=["mae"])
    contexts, horizons = windows(workload)
    batch, whole = workload.batch, workload.examples // workload.batch

    def run(steps: int) -> float:
        if workload.task == "forecast_run":
            return _fit(model, contexts, horizons, batch_size=batch, epochs=steps)
        counts = [min(left, whole) * batch for left in range(steps, 0, -whole)]
        return sum(_fit(model, contexts[:count], horizons[:count], batch_size=batch) for count in counts)

    return run


def _tuned(model: keras.Sequential, workload: Workload, steps: int) -> Callable[[int], float]:
    """Batches gathered by index, many steps per execution, compiled by XLA, all of a round as one epoch."""
    per_step = steps_of(workload)
    at_once = math.gcd(steps * per_step, AT_ONCE)
    with_xla: Any = True  # Keras types it by its default, "auto"
    adam = keras.optimizers.Adam(LEARNING_RATE)
    model.compile(optimizer=adam, loss="mse", metrics=["mae"], jit_compile=with_xla, steps_per_execution=at_once)
    contexts, horizons = map(tf.constant, windows(workload))

    def an_order(_: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(tf.random.shuffle(tf.range(workload.examples))).batch(workload.batch)

    order = tf.data.Dataset.range(1).repeat().flat_map(an_order)  # as Keras orders arrays: whole epochs at once
    batches = order.map(lambda index: (tf.gather(contexts, index), tf.gather(horizons, index)))
    batches = batches.prefetch(tf.data.AUTOTUNE)
    return lambda times: _fit(model, batches, steps_per_epoch=times * per_step, shuffle=False)
