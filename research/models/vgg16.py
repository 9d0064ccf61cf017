"""VGG16 (Simonyan & Zisserman 2014, configuration D), its layers and leaves under the names that Keras gives them."""

from typing import Literal

from research.models.imagenet import CLASSES
from research.models.layer import Layer
from research.models.layers import Conv, Convention, Dense, Flatten, GlobalPool, MaxPool, Preprocess
from research.models.network import Network, sequence

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
SMALLEST_SIDE = 32  # pixels: with it, five pools leave one position
TOP_SIDE = 224  # pixels: the size for fc1's 25,088 inputs


def vgg16(
    *,
    include_top: bool = False,
    probabilities: bool = False,
    classes: int = CLASSES,
    pooling: Literal["none", "avg", "max"] = "none",
    convention: Convention = "caffe",
) -> Network:
    """RGB pixels 0..255 [B, H, W, 3] -> logits or probabilities [B, classes] with the top, else features.

    With `probabilities` the tap `predictions` is the softmax, as in Keras, and `predictions/pre` the logits; without it
    `predictions` are the logits. Features are block5_pool's [B, H // 32, W // 32, 512], or [B, 512] with `pooling`.
    138,357,544 parameters with the top (which takes 224 x 224 only), 14,714,688 without.
    """
    layers = base(convention)
    if include_top:
        layers += [Flatten(name="flatten"), Dense(4096, name="fc1"), Dense(4096, name="fc2")]
        layers.append(Dense(classes, activation="softmax" if probabilities else "linear", name="predictions"))
    elif pooling != "none":
        layers.append(GlobalPool(pooling, name="pool"))
    return sequence(*layers)


def base(convention: Convention = "caffe") -> list[Layer]:
    """The thirteen convolutions and five pools, after the preprocessing that the weights' `convention` asks for."""
    layers: list[Layer] = [Preprocess(convention, name="preprocess")]
    for block, widths in enumerate(BLOCKS, start=1):
        layers += [
            Conv(features, padding="same", name=f"block{block}_conv{index}")
            for index, features in enumerate(widths, start=1)
        ]
        layers.append(MaxPool(name=f"block{block}_pool"))
    return layers
