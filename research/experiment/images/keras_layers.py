"""The layers of nets of pictures in Keras."""

from typing import Any

import numpy as np

from research.experiment.exported import Layered, Makers
from research.experiment.images.channel_matrix import channel_matrix
from research.experiment.keras_model import KERAS, activated, weighted
from research.models.layers import (
    Add,
    AvgPool,
    BinaryLogits,
    Conv,
    DepthwiseConv,
    GlobalPool,
    MaxPool,
    Preprocess,
    Rescale,
    Shortcut,
)
from research.models.normalization import BatchNorm, GroupNorm


def _preprocess(keras: Any, at: Layered) -> Any:
    """The preprocessing as a frozen 1x1 convolution: it is linear in the channels."""
    matrix, bias = channel_matrix(at.layer)
    made = keras.layers.Conv2D(3, 1, name=at.name, trainable=False)
    return weighted(made, {"kernel": matrix[None, None], "bias": bias}, at.inputs[0])


def _shortcut(keras: Any, at: Layered) -> Any:
    """Every n-th position and channels of zeros, as a frozen 1x1 convolution."""
    layer, kernel = at.layer, np.eye(at.shapes[0][-1], at.layer.features, dtype=np.float32)[None, None]
    made = keras.layers.Conv2D(layer.features, 1, layer.stride, use_bias=False, name=at.name, trainable=False)
    return weighted(made, {"kernel": kernel}, at.inputs[0])


def _conv(keras: Any, at: Layered) -> Any:
    layer = at.layer
    made = keras.layers.Conv2D(
        layer.features,
        layer.size,
        layer.stride,
        layer.padding,
        activation=layer.activation,
        use_bias=layer.biased,
        name=at.name,
    )
    return weighted(made, at.leaves, at.inputs[0])


def _depthwise(keras: Any, at: Layered) -> Any:
    layer, kernel = at.layer, at.leaves["kernel"].swapaxes(2, 3)  # Keras: the channel, then its one output
    made = keras.layers.DepthwiseConv2D(
        layer.size, layer.stride, layer.padding, activation=layer.activation, name=at.name
    )
    return weighted(made, {**at.leaves, "kernel": kernel}, at.inputs[0])


def _batch_norm(keras: Any, at: Layered) -> Any:
    made = keras.layers.BatchNormalization(momentum=at.layer.momentum, epsilon=at.layer.epsilon, name=at.name)
    return activated(keras, at, weighted(made, at.leaves, at.inputs[0]))


def _group_norm(keras: Any, at: Layered) -> Any:
    made = keras.layers.GroupNormalization(at.layer.groups, epsilon=at.layer.epsilon, name=at.name)
    return activated(keras, at, weighted(made, at.leaves, at.inputs[0]))


def _binary(keras: Any, at: Layered) -> Any:
    layers, odds = keras.layers, at.inputs[0]
    steps = layers.ZeroPadding1D((1, 0), name=f"{at.name}_zero")(layers.Reshape((1, 1), name=f"{at.name}_step")(odds))
    return layers.Flatten(name=at.name)(steps)


def _global_pool(keras: Any, at: Layered) -> Any:
    layers = keras.layers
    kind = layers.GlobalAveragePooling2D if at.layer.mode == "avg" else layers.GlobalMaxPooling2D
    return kind(name=at.name)(at.inputs[0])


KERAS_LAYERS: Makers = KERAS | {
    Rescale: lambda keras, at: keras.layers.Rescaling(at.layer.scale, at.layer.offset, name=at.name)(at.inputs[0]),
    Preprocess: _preprocess,
    Conv: _conv,
    DepthwiseConv: _depthwise,
    BatchNorm: _batch_norm,
    GroupNorm: _group_norm,
    MaxPool: lambda keras, at: keras.layers.MaxPooling2D(at.layer.window, at.layer.stride, name=at.name)(at.inputs[0]),
    AvgPool: lambda keras, at: keras.layers.AveragePooling2D(at.layer.window, at.layer.stride, name=at.name)(
        at.inputs[0]
    ),
    GlobalPool: _global_pool,
    Add: lambda keras, at: activated(keras, at, keras.layers.Add(name=at.name)(list(at.inputs))),
    Shortcut: _shortcut,
    BinaryLogits: _binary,
}
