"""Nets of the literature for small pictures, wired from our layers; all read pixels 0..255 [B, H, W, C]."""

from research.models.layer import Layer
from research.models.layers import (
    Add,
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalPool,
    MaxPool,
    Rescale,
    Shortcut,
    UnbiasedConv,
)
from research.models.network import INPUT, Handle, Network, network, sequence, wire
from research.models.normalization import BatchNorm


def lenet5(outputs: int) -> Network:
    """LeNet-5 as it is built today: tanh, mean pools, all maps connected (LeCun et al. 1998, section II.B).

    On 32x32x3 with 10 outputs: 456 + 2,416 + 48,120 + 10,164 + 850 = 62,006 parameters.
    """
    return sequence(
        Rescale(name="rescale"),
        Conv(6, size=(5, 5), activation="tanh", name="conv1"),
        AvgPool(name="pool1"),
        Conv(16, size=(5, 5), activation="tanh", name="conv2"),
        AvgPool(name="pool2"),
        Flatten(name="flatten"),
        Dense(120, activation="tanh", name="dense1"),
        Dense(84, activation="tanh", name="dense2"),
        Dense(outputs, activation="linear", name="logits"),
    )


def vgg_bn(outputs: int, widths: tuple[int, ...] = (32, 64, 128)) -> Network:
    """A small VGG with batch normalization: blocks of two 3x3 convolutions and a pool, then the mean over positions.

    Simonyan & Zisserman 2014, with the normalization of Ioffe & Szegedy 2015 after each convolution.
    """
    layers: list[Layer] = [Rescale(1 / 127.5, -1.0, name="rescale")]
    for block, features in enumerate(widths, start=1):
        for position in (1, 2):
            name = f"block{block}_conv{position}"
            layers += [_conv(features, (1, 1), name), BatchNorm(activation="relu", name=f"{name}_bn")]
        layers.append(MaxPool(name=f"block{block}_pool"))
    return sequence(*layers, GlobalPool(name="pool"), Dense(outputs, activation="linear", name="logits"))


def resnet20(outputs: int, blocks: int = 3, widths: tuple[int, ...] = (16, 32, 64)) -> Network:
    """ResNet-20 for CIFAR-10: He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2.

    A convolution, then three stages of `blocks` residual blocks of two 3x3 convolutions; shortcuts are option A, which
    has no parameters. 269,722 parameters on colour pictures with 10 outputs.
    """
    handle = wire(Rescale(1 / 127.5, -1.0, name="rescale"), INPUT)
    handle = _normed(_conv(widths[0], (1, 1), "conv1"), handle, "relu")
    for stage, features in enumerate(widths, start=1):
        for block in range(1, blocks + 1):
            narrows = stage > 1 and block == 1
            handle = _residual(handle, features, narrows, f"stage{stage}_block{block}")
    return network(wire(Dense(outputs, activation="linear", name="logits"), wire(GlobalPool(name="pool"), handle)))


def _residual(handle: Handle, features: int, narrows: bool, name: str) -> Handle:
    """relu(F(x) + x); a block that `narrows` halves the sides, and its shortcut adds channels of zeros."""
    stride = (2, 2) if narrows else (1, 1)
    inner = _normed(_conv(features, stride, f"{name}_conv1"), handle, "relu")
    inner = _normed(_conv(features, (1, 1), f"{name}_conv2"), inner, "linear")
    shortcut = wire(Shortcut(features, stride, name=f"{name}_shortcut"), handle) if narrows else handle
    return wire(Add("relu", name=f"{name}_sum"), inner, shortcut)


def _normed(conv: Conv, handle: Handle, activation: str) -> Handle:
    return wire(BatchNorm(activation=activation, name=f"{conv.name}_bn"), wire(conv, handle))


def _conv(features: int, stride: tuple[int, int], name: str) -> Conv:
    return UnbiasedConv(features, stride=stride, padding="same", activation="linear", name=name)
