"""Other libraries' names of our nets' weights: one table per layout, (name in the file -> leaf -> change)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from research.weights.keras_kinds import GATES, OUTPUTS

Convention = str  # what the weights assume, see CONVENTIONS

SHAPE = r", shape (\d{1,9})x(\d{1,9})$"  # at the end of a forecaster's convention
AS_IT_IS, KERNEL, MATRIX = "", "OIHW > HWIO", "transposed"
FLATTEN, POINT, TWELFTHS, ZEROS = "HWC flatten", "1x1 > [in,out]", "/ 4096", "zeros"


class Row(NamedTuple):
    """A regular expression of the whole name in the file, our leaf, and the change (see `mapping.CHANGES`)."""

    pattern: str
    leaf: str
    change: str = AS_IT_IS


class Layout(NamedTuple):
    """The rows of one way to store a net; `kinds` are the kinds of file that use it, see `WeightFile.kind`.

    `by_number` is True where layers have numbers and no names.
    """

    name: str
    kinds: tuple[str, ...]
    convention: Convention
    rows: tuple[Row, ...]
    by_number: bool = False


# Position in torchvision's `features`, torchvision.models.vgg, configuration D without batch norm.
VGG16_CONVS = {
    **{"block1_conv1": 0, "block1_conv2": 2, "block2_conv1": 5, "block2_conv2": 7},
    **{"block3_conv1": 10, "block3_conv2": 12, "block3_conv3": 14, "block4_conv1": 17, "block4_conv2": 19},
    **{"block4_conv3": 21, "block5_conv1": 24, "block5_conv2": 26, "block5_conv3": 28},
}
VGG16_TOP = {"fc1": "classifier.0", "fc2": "classifier.3", "predictions": "classifier.6"}
SQUEEZENET_FIRES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}  # torchvision.models.squeezenet1_1
PARTS = ("squeeze1x1", "expand1x1", "expand3x3")
SQUEEZENET_CONVS = {
    "conv1": "features.0",
    **{
        f"fire{fire}/{part}": f"features.{index}.{part.removesuffix('1x1') if part[0] == 's' else part}"
        for fire, index in SQUEEZENET_FIRES.items()
        for part in PARTS
    },
}


def _pairs(layer: str, pattern: str, change: str, kernel: str = "weight", bias: str = "bias") -> tuple[Row, Row]:
    return Row(rf"{pattern}{kernel}", f"{layer}/kernel", change), Row(rf"{pattern}{bias}", f"{layer}/bias")


def _torch(layers: dict[str, str], change: str = KERNEL) -> tuple[Row, ...]:
    """The net's own names, or those of a part of another module (`backbone.features.0.weight`)."""
    names = {layer: rf"(?:[^.]+\.)*{re.escape(name)}\." for layer, name in layers.items()}
    return tuple(row for layer, name in names.items() for row in _pairs(layer, name, change))


def _ours(layers: Sequence[str]) -> Layout:
    rows = (row for layer in layers for row in _pairs(layer, f"{layer}/", AS_IT_IS, "kernel"))
    return Layout("our names", ("npz", "safetensors", "ours"), "caffe", tuple(rows))


def _keras_legacy(layers: Sequence[str]) -> Layout:
    """LAYER/kernel:0 as tf.keras writes, or LAYER/LAYER_W_1:0 as in the published files.

    The name may follow that of an outer net.
    """
    rows = []
    for layer in layers:
        last = re.escape(layer.split("/")[-1])
        ends = rf"(?:{last}_W|kernel)(?:_\d+)?(?::0)?", rf"(?:{last}_b|bias)(?:_\d+)?(?::0)?"
        rows += _pairs(layer, f"(?:[^/]+/)?{re.escape(layer)}/", AS_IT_IS, *ends)
    return Layout("Keras, legacy", ("keras-h5",), "caffe", tuple(rows))


def _keras3(convs: Sequence[str], dense: Sequence[str]) -> tuple[Layout, Layout]:
    """Two layouts: by the names that the user gave, or by number (layers/conv2d_10/vars/0 is the eleventh convolution).

    A file uses one of the two for all layers. Numbers are compared as numbers: as text conv2d_10 sorts before conv2d_2.
    """
    named, numbered = [], []
    for kind, layers in (("conv2d", convs), ("dense", dense)):
        for number, layer in enumerate(layers):
            path = f"(?:[^/]+/)*layers/{kind}_{number}" if number else f"(?:[^/]+/)*layers/{kind}"
            named += _pairs(layer, f"{re.escape(layer)}/vars/", AS_IT_IS, "0", "1")
            numbered += _pairs(layer, f"{path}/vars/", AS_IT_IS, "0", "1")
    by_number = Layout("Keras 3, by number", ("keras3",), "caffe", tuple(numbered), by_number=True)
    return Layout("Keras 3", ("keras3",), "caffe", tuple(named)), by_number


def _vgg16() -> tuple[Layout, ...]:
    features = _torch({layer: f"features.{index}" for layer, index in VGG16_CONVS.items()})
    torchvision = (*features, *_torch({"fc1": "classifier.0"}, FLATTEN))
    torchvision += _torch({layer: name for layer, name in VGG16_TOP.items() if layer != "fc1"}, MATRIX)
    timm = (*features, *_torch({"fc1": "pre_logits.fc1"}, FLATTEN), *_torch({"fc2": "pre_logits.fc2"}, POINT))
    timm += _torch({"predictions": "head.fc"}, MATRIX)
    every = (*VGG16_CONVS, *VGG16_TOP)
    partial = [row for layer in VGG16_CONVS for row in _pairs(layer, f"{layer}_", AS_IT_IS, "W", "b")]
    partial += [Row(f"{layer}_b_q12", f"{layer}/bias", TWELFTHS) for layer in VGG16_CONVS]
    torch_files = ("torch", "safetensors", "npz")
    return (
        _ours(every),
        _keras_legacy(every),
        *_keras3(tuple(VGG16_CONVS), tuple(VGG16_TOP)),
        Layout("torchvision", torch_files, "torch", torchvision, by_number=True),
        Layout("timm", torch_files, "torch", timm),
        Layout("Keras, flat", ("npz",), "caffe", tuple(partial)),
    )


def _squeezenet() -> tuple[Layout, ...]:
    torchvision = _torch(SQUEEZENET_CONVS | {"classifier": "classifier.1"})
    every = tuple(SQUEEZENET_CONVS)
    torch_files = ("torch", "safetensors", "npz")
    return _ours(every), _keras_legacy(every), Layout("torchvision", torch_files, "torch", torchvision)


LAYOUTS: dict[str, tuple[Layout, ...]] = {"vgg16": _vgg16(), "squeezenet": _squeezenet()}


def convention_of(gates: str, output: str, shape: tuple[int, int] | None = None) -> str:
    """A forecaster's gates (models.gates.Gates), the activation of its last layer, and the shape that the file gives
    its outputs (steps x series), as files note them.
    """
    bent = gates if output == "linear" else f"{gates}, output {output}"
    return bent if shape is None else f"{bent}, shape {shape[0]}x{shape[1]}"


def gates_and_output(convention: str) -> tuple[str, str]:
    """The gates and the output activation that a `convention_of` text states."""
    gates, _, output = without_shape(convention).partition(", output ")
    return gates, output or "linear"


def shape_in(convention: str) -> tuple[int, int] | None:
    """The shape that `convention_of` was given."""
    found = re.search(SHAPE, convention)
    return (int(found[1]), int(found[2])) if found else None


def without_shape(convention: str) -> str:
    """`convention` of outputs of any shape."""
    return re.sub(SHAPE, "", convention)


# Of pictures: the preprocessing, as models.layers.Convention. Of a forecaster: its gates and its output.
PREPROCESSING = ("caffe", "torch")
FORECASTERS = tuple(convention_of(gates, output) for output in OUTPUTS for gates in GATES)
CONVENTIONS = {"vgg16": PREPROCESSING, "squeezenet": PREPROCESSING, "forecaster": FORECASTERS}

# The layers of a net's top. The number of inputs of the first one, and the name of the last one, tell a top from a head
# of the user's.
TOPS: dict[str, tuple[str, ...]] = {"vgg16": tuple(VGG16_TOP), "squeezenet": ("classifier",), "forecaster": ()}
TOP_READS = {"fc1/kernel": 25088}
TOP_ENDS = {"vgg16": "predictions/kernel", "squeezenet": "classifier/kernel"}
