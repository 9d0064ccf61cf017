"""The nets of the workloads as plain lists of layers, from which PyTorch's and Keras' nets are built."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from research.bench.workloads import (
    CLASSES_OF_DIGITS,
    CLASSES_OF_OBJECTS,
    CLASSES_OF_PHOTOS,
    HEAD_WIDTH,
    Workload,
)

# Simonyan & Zisserman 2014: channels of VGG16's convolutions by block, each of which ends in a 2x2 max pool.
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
MEAN_BGR = (103.939, 116.779, 123.68)  # ibid.: the training set's mean pixel
# Iandola et al. 2016: (squeezed, expanded) channels of SqueezeNet 1.1's fire modules up to fire5; it pools after fire3.
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128)}
Activation = Literal["relu", "tanh"]
GATES = 4  # an LSTM's blocks of columns: input, forget, candidate, output, the same in all three libraries


class Conv(NamedTuple):
    """A convolution, then its activation; "same" pads with zeros."""

    name: str
    channels: int
    features: int
    size: int = 3
    stride: int = 1
    same: bool = True
    activation: Activation = "relu"


class Pool(NamedTuple):
    """The maximum, or mean, of windows with stride 2; incomplete windows are left out."""

    window: int = 2
    mean: bool = False


class Concat(NamedTuple):
    """Convolutions that read the same input and whose outputs are concatenated along the channels."""

    members: tuple[Conv, ...]


class Flatten:
    """[B, ...] -> [B, D]; maps are flattened as [H, W, C]."""


class Dense(NamedTuple):
    """A dense layer, then its activation, if it has one."""

    name: str
    inputs: int
    features: int
    activation: Activation | None = "relu"


class Lstm(NamedTuple):
    """An LSTM's last hidden state: [B, T, F] -> [B, units]."""

    name: str
    inputs: int
    units: int


Layer = Conv | Pool | Concat | Flatten | Dense | Lstm


def architecture(workload: Workload) -> list[Layer]:
    """The layers of the workload's net; for an ascent, up to the deepest of `workload.layers`."""
    context, horizon, channels = workload.window
    if workload.net == "lstm":
        [units] = workload.hidden
        return [Lstm("lstm1", channels, units), *_dense(units, (), "head", horizon * channels)]
    if workload.net == "dense_forecaster":
        return [Flatten(), *_dense(context * channels, workload.hidden, "head", horizon * channels)]
    if workload.net == "table":
        numbers, gaps, _, levels = workload.columns
        return list(_dense(numbers + gaps + levels, workload.hidden, "head", 1))
    if workload.net == "vgg16_head":
        return _head(workload)
    if workload.net == "vgg16_block5":
        return [*_vgg16(), Flatten(), *_head(workload)]
    if workload.net == "vgg16" or workload.net == "squeezenet":
        found = _vgg16() if workload.net == "vgg16" else _squeezenet()
    elif workload.net == "lenet5":
        found = _lenet5()
    else:
        found = _digits(workload)
    depth = max((_index_of(name, found) for name in workload.layers), default=len(found) - 1)
    return found[: depth + 1]


def layers_to(workload: Workload, name: str) -> list[Layer]:
    """The layers up to convolution `name`, which alone is the last. KeyError for an unknown name."""
    layers = architecture(workload)
    index = _index_of(name, layers)
    return [*layers[:index], *(each for each in convolutions(layers[index]) if each.name == name)]


def convolutions(layer: Layer) -> tuple[Conv, ...]:
    """The convolutions in `layer`."""
    if isinstance(layer, Concat):
        return layer.members
    return (layer,) if isinstance(layer, Conv) else ()


def leaf_shapes(layers: Sequence[Layer]) -> dict[str, tuple[int, ...]]:
    """{our leaf name: shape} of all weights: kernels [h, w, C, F] and [D, F], biases [F]."""
    found: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        for each in convolutions(layer):
            kernel = (each.size, each.size, each.channels, each.features)
            found |= {f"{each.name}/kernel": kernel, f"{each.name}/bias": (each.features,)}
        if isinstance(layer, Dense):
            found |= {f"{layer.name}/kernel": (layer.inputs, layer.features), f"{layer.name}/bias": (layer.features,)}
        if isinstance(layer, Lstm):
            columns = GATES * layer.units
            found |= {f"{layer.name}/kernel": (layer.inputs, columns), f"{layer.name}/bias": (columns,)}
            found[f"{layer.name}/recurrent"] = (layer.units, columns)
    return found


def preprocessing(workload: Workload) -> tuple[float, tuple[float, ...]]:
    """(scale, offset per channel, RGB): the input of a picture net is picture * scale + offset."""
    if workload.net in ("cnn", "dense"):
        return 1 / 255, (0.0,)
    if workload.net == "lenet5":
        return 1 / 255, (0.0,) * 3
    return 1.0, tuple(-mean for mean in reversed(MEAN_BGR))


def _index_of(name: str, layers: Sequence[Layer]) -> int:
    for index, layer in enumerate(layers):
        if any(each.name == name for each in convolutions(layer)):
            return index
    raise KeyError(name)


def _dense(inputs: int, hidden: Sequence[int], last: str, outputs: int) -> list[Dense]:
    sizes = (inputs, *hidden)
    found = [Dense(f"dense{number}", sizes[number - 1], width) for number, width in enumerate(hidden, 1)]
    return [*found, Dense(last, sizes[-1], outputs, None)]


def _digits(workload: Workload) -> list[Layer]:
    """The digit nets: convolutions of 3x3 with pools between them, if any, then dense layers."""
    found: list[Layer] = []
    channels, side = 1, workload.side
    for number, features in enumerate(workload.features if workload.net == "cnn" else (), 1):
        if found:
            found.append(Pool())
            side //= 2
        found.append(Conv(f"conv{number}", channels, features, same=False))
        channels, side = features, side - 2
    return [*found, Flatten(), *_dense(channels * side**2, workload.hidden, "logits", CLASSES_OF_DIGITS)]


def _lenet5() -> list[Layer]:
    """LeNet-5 (LeCun et al. 1998) on pictures of 32x32x3, as `configs/cifar10_lenet5.py` has it."""
    first, second = (
        Conv(f"conv{number}", channels, features, size=5, same=False, activation="tanh")
        for number, (channels, features) in enumerate(((3, 6), (6, 16)), 1)
    )
    dense = (Dense("dense1", 400, 120, "tanh"), Dense("dense2", 120, 84, "tanh"))
    return [
        first,
        Pool(mean=True),
        second,
        Pool(mean=True),
        Flatten(),
        *dense,
        Dense("logits", 84, CLASSES_OF_OBJECTS, None),
    ]


def _vgg16() -> list[Layer]:
    found: list[Layer] = []
    channels = 3
    for block, widths in enumerate(VGG16, 1):
        for number, features in enumerate(widths, 1):
            found.append(Conv(f"block{block}_conv{number}", channels, features))
            channels = features
        found.append(Pool())
    return found


def _head(workload: Workload) -> list[Layer]:
    """The head on VGG16's flattened features of a photo."""
    inputs = VGG16[-1][-1] * (workload.side // 2 ** len(VGG16)) ** 2
    logits = Dense("head/logits", HEAD_WIDTH, CLASSES_OF_PHOTOS, None)
    return [Dense("head/dense1", inputs, HEAD_WIDTH), logits]


def _squeezenet() -> list[Layer]:
    """SqueezeNet up to fire5."""
    found: list[Layer] = [Conv("conv1", 3, 64, stride=2, same=False), Pool(3)]
    channels = 64
    for number, (squeezed, expanded) in FIRES.items():
        squeeze, one, three = (f"fire{number}/{part}" for part in ("squeeze1x1", "expand1x1", "expand3x3"))
        pair = (Conv(one, squeezed, expanded, size=1), Conv(three, squeezed, expanded))
        found += [Conv(squeeze, channels, squeezed, size=1), Concat(pair)]
        channels = 2 * expanded
        if number == 3:
            found.append(Pool(3))
    return found
