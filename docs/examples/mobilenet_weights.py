"""Writes the weights of Keras' MobileNet as an npz file of named arrays: mobilenet_weights.py FILE.npz."""

import sys

import keras
import numpy as np

NAMES = {"gamma": "scale", "beta": "bias", "moving_mean": "mean", "moving_variance": "var"}


def arrays(net: keras.Model) -> dict[str, np.ndarray]:
    """The weights of `net` under the names of the Flax module in mobilenet.py."""
    found = {}
    for layer in net.layers:
        for weight in layer.weights:
            name = NAMES.get(weight.name, "kernel")
            value = np.asarray(weight)
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            value = value.transpose(0, 1, 3, 2) if depthwise else value  # Flax: [3, 3, 1, C]
            folder = "batch_stats/" if name in ("mean", "var") else ""
            found[f"{folder}{layer.name}/{name}"] = value
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **arrays(keras.applications.MobileNet(include_top=False)))
