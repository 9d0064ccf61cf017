"""Keras's side of the races on VGG16, on TensorFlow: its layers with our weights."""

import time
from collections.abc import Callable
from typing import Any

from research.bench.party_keras import apportion, keras, tf, training, versions
from research.bench.photos import MEAN_BGR, convolutions, feature_count, feature_rows, leaves, photos, sampled
from research.bench.work import Work
from research.bench.workloads import CLASSES_OF_PHOTOS, HEAD_WIDTH, Workload


def build(workload: Workload, *, threads: int | None, steps: int) -> Work:
    """`workload` by Keras, "features" or "head", tuned when `threads` are given."""
    apportion(threads)
    model = _features_net(workload) if workload.task == "features" else _head(workload)
    given = leaves(workload)
    for layer in model.layers:
        if layer.weights:
            name = layer.name.replace("head_", "head/")
            layer.set_weights([given[f"{name}/kernel"], given[f"{name}/bias"]])
    inputs, labels = feature_rows(workload) if workload.task == "head" else photos(workload)
    if workload.task == "features":
        inputs = inputs[..., ::-1].copy()  # BGR, outside of the time that is taken
        run = _features(model, inputs, workload.batch, tuned=threads is not None)
    else:
        per_epoch = workload.examples // workload.batch
        once = training(model, inputs, labels, workload.batch, tuned=threads is not None, steps=steps * per_epoch)
        run = lambda times: once(times * per_epoch)  # noqa: E731
    sample = sampled(model(inputs[: workload.batch], training=False).numpy())
    return Work(run, model.count_params(), versions(), sample=sample)


def _features_net(workload: Workload) -> keras.Sequential:
    offset: Any = [-mean for mean in MEAN_BGR]  # Keras types it by its default, 0.0
    rescaling = keras.layers.Rescaling(1.0, offset=offset)
    layers = [keras.Input((workload.side, workload.side, 3), dtype="uint8"), rescaling]
    for block in convolutions():
        layers += [
            keras.layers.Conv2D(features, 3, padding="same", activation="relu", name=name)
            for name, _, features in block
        ]
        layers.append(keras.layers.MaxPooling2D())
    return keras.Sequential(layers)


def _head(workload: Workload) -> keras.Sequential:
    layers = [keras.Input((feature_count(workload),))]
    layers.append(keras.layers.Dense(HEAD_WIDTH, activation="relu", name="head_dense1"))
    return keras.Sequential([*layers, keras.layers.Dense(CLASSES_OF_PHOTOS, name="head_logits")])


def _features(model: keras.Sequential, images: Any, batch: int, *, tuned: bool) -> Callable[[int], float]:
    call = tf.function(lambda pixels: model(pixels, training=False))
    everything = tf.split(tf.constant(images), len(images) // batch) if tuned else []
    silent: Any = 0  # Keras types it by its default, "auto"

    def run(steps: int) -> float:
        begun = time.perf_counter()
        for step in range(steps) if tuned else ():
            call(everything[step % len(everything)]).numpy()
        for left in () if tuned else range(steps, 0, -(len(images) // batch)):
            model.predict(images[: left * batch], batch_size=batch, verbose=silent)
        return time.perf_counter() - begun

    return run
