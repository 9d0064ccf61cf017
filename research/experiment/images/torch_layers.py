"""The layers of nets of pictures in PyTorch: channels are the first axis there."""

from research.experiment.exported import Layered, Makers
from research.experiment.images.channel_matrix import channel_matrix
from research.experiment.torch_module import TORCH, Written, weight_and_bias
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
from research.models.lowering.convolution import same_padding
from research.models.normalization import BatchNorm, GroupNorm


def _conv(at: Layered, *, depthwise: bool = False) -> Written:
    layer, (rows, columns, channels) = at.layer, at.shapes[0]
    source, pads = at.inputs[0], [(0, 0), (0, 0)]
    if layer.padding == "same":
        pads = [same_padding(*axis) for axis in zip((rows, columns), layer.size, layer.stride, strict=True)]
    if any(map(any, pads)):
        (top, bottom), (left, right) = pads
        source = f"F.pad({source}, ({left}, {right}, {top}, {bottom}))"
    features = channels if depthwise else layer.features
    options = (f", groups={channels}" if depthwise else "") + ("" if "bias" in at.leaves else ", bias=False")
    made = f"nn.Conv2d({channels}, {features}, {tuple(layer.size)}, {tuple(layer.stride)}{options})"
    return Written(f"self.{at.name}({source})", made, weight_and_bias(at.leaves))


def _batch_norm(at: Layered) -> Written:
    layer, leaves = at.layer, at.leaves
    made = f"nn.BatchNorm2d({at.shapes[0][-1]}, {layer.epsilon!r}, {1 - layer.momentum:.6g})"
    state = {"weight": leaves["scale"], "bias": leaves["bias"]}
    state |= {"running_mean": leaves["mean"], "running_var": leaves["var"]}
    return Written(f"self.{at.name}({at.inputs[0]})", made, state)


def _group_norm(at: Layered) -> Written:
    made = f"nn.GroupNorm({at.layer.groups}, {at.shapes[0][-1]}, {at.layer.epsilon!r})"
    return Written(f"self.{at.name}({at.inputs[0]})", made, {"weight": at.leaves["scale"], "bias": at.leaves["bias"]})


def _preprocess(at: Layered) -> Written:
    """A matrix and an offset say it."""
    matrix, offset = channel_matrix(at.layer)
    product = f"torch.einsum('bchw,cd->bdhw', {at.inputs[0]}.float(), torch.tensor({matrix.tolist()}))"
    return Written(f"{product} + torch.tensor({offset.tolist()})[:, None, None]")


def _pool(at: Layered, name: str) -> Written:
    window, stride = at.layer.window, at.layer.stride or at.layer.window
    return Written(f"F.{name}_pool2d({at.inputs[0]}, {tuple(window)}, {tuple(stride)})")


def _shortcut(at: Layered) -> Written:
    down, across = at.layer.stride
    more = at.layer.features - at.shapes[0][-1]
    return Written(f"F.pad({at.inputs[0]}[:, :, ::{down}, ::{across}], (0, 0, 0, 0, 0, {more}))")


TORCH_LAYERS: Makers = TORCH | {
    Rescale: lambda at: Written(f"{at.inputs[0]}.float() * {at.layer.scale!r} + {at.layer.offset!r}"),
    Preprocess: _preprocess,
    Conv: _conv,
    DepthwiseConv: lambda at: _conv(at, depthwise=True),
    BatchNorm: _batch_norm,
    GroupNorm: _group_norm,
    MaxPool: lambda at: _pool(at, "max"),
    AvgPool: lambda at: _pool(at, "avg"),
    GlobalPool: lambda at: Written(f"{at.inputs[0]}.{'mean' if at.layer.mode == 'avg' else 'amax'}((2, 3))"),
    Add: lambda at: Written(" + ".join(at.inputs)),
    Shortcut: _shortcut,
    BinaryLogits: lambda at: Written(f"F.pad({at.inputs[0]}, (1, 0))"),
}
