"""A trained picture net of ours as a Keras model, layer by layer under our names."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research.errors import UserError
from research.experiment.images.torch_module import channel_matrix
from research.models.layers import (
    AvgPool,
    BinaryLogits,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    Preprocess,
    Rescale,
)
from research.models.network import Network

Leaves = Mapping[str, np.ndarray]


def keras_model(net: Network, leaves: Leaves, shape: tuple[int, int, int]) -> Any:
    """The Keras model that computes what `net` with `leaves` {"conv1/kernel": array} does on pictures of `shape`.

    Its layers have our names, with _ for /, and pixels of 0..255 as their input. UserError without Keras, which runs on
    JAX unless $KERAS_BACKEND names another, and for a layer that Keras has no match for.
    """
    keras = _imported_keras()
    pixels = keras.Input(shape, name="pixels")
    outputs: list[Any] = []
    for layer, name, wires in zip(net.layers, net.names, net.wires, strict=True):
        read = [pixels if wire < 0 else outputs[wire] for wire in wires]
        make = next((make for kind, make in _MAKERS.items() if isinstance(layer, kind)), None)
        if make is None:
            raise UserError(f"{name} is a {type(layer).__name__}, for which Keras has no match; export to .safetensors")
        outputs.append(make(keras.layers, layer, name.replace("/", "_"), read))
    model = keras.Model(pixels, outputs[-1])
    for name in net.names:
        if f"{name}/kernel" in leaves:
            model.get_layer(name.replace("/", "_")).set_weights([leaves[f"{name}/kernel"], leaves[f"{name}/bias"]])
    return model


def _imported_keras() -> Any:
    """The package Keras 3; UserError where it is missing."""
    os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported; JAX is there
    try:
        import keras  # pyright: ignore[reportMissingImports]  # not one of our dependencies
    except ImportError as error:
        raise UserError(f"a Keras file needs Keras ({error}): pip install 'keras>=3.13,<4'") from None
    return keras


def _preprocess(layers: Any, layer: Preprocess, name: str, read: Sequence[Any]) -> Any:
    """The preprocessing as a frozen 1x1 convolution: it is linear in the channels."""
    matrix, bias = channel_matrix(layer)
    made = layers.Conv2D(3, 1, name=name, trainable=False)
    output = made(read[0])
    made.set_weights([matrix[None, None], bias])
    return output


def _binary(layers: Any, layer: BinaryLogits, name: str, read: Sequence[Any]) -> Any:
    steps = layers.ZeroPadding1D((1, 0), name=f"{name}_zero")(layers.Reshape((1, 1), name=f"{name}_step")(read[0]))
    return layers.Flatten(name=name)(steps)


def _global_pool(layers: Any, layer: GlobalPool, name: str, read: Sequence[Any]) -> Any:
    kind = layers.GlobalAveragePooling2D if layer.mode == "avg" else layers.GlobalMaxPooling2D
    return kind(name=name)(read[0])


_MAKERS: dict[type, Callable[[Any, Any, str, Sequence[Any]], Any]] = {
    Rescale: lambda layers, layer, name, read: layers.Rescaling(layer.scale, layer.offset, name=name)(read[0]),
    Preprocess: _preprocess,
    Conv: lambda layers, layer, name, read: layers.Conv2D(
        layer.features, layer.size, layer.stride, layer.padding, activation=layer.activation, name=name
    )(read[0]),
    MaxPool: lambda layers, layer, name, read: layers.MaxPooling2D(layer.window, layer.stride, name=name)(read[0]),
    AvgPool: lambda layers, layer, name, read: layers.AveragePooling2D(layer.window, layer.stride, name=name)(read[0]),
    GlobalPool: _global_pool,
    Concat: lambda layers, layer, name, read: layers.Concatenate(name=name)(list(read)),
    Flatten: lambda layers, layer, name, read: layers.Flatten(name=name)(read[0]),
    Dense: lambda layers, layer, name, read: layers.Dense(layer.features, layer.activation, name=name)(read[0]),
    BinaryLogits: _binary,
    Dropout: lambda layers, layer, name, read: layers.Dropout(layer.rate, name=name)(read[0]),
}
