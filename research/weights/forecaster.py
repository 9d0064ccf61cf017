"""A forecaster trained elsewhere: stacked recurrent layers, then dense ones, under our names."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from research.errors import UserError
from research.weights.keras_config import keras_major, read_config
from research.weights.keras_kinds import GATES, OUTPUTS, activation_of, gates_name, understand
from research.weights.keras_layers import Found, found_layers, unmatched, wrapped
from research.weights.name_tables import Layout, Row, convention_of, gates_and_output, shape_in
from research.weights.weight_file import WeightFile

BLOCKS = {"rnn": 1, "gru": 3, "lstm": 4}  # of columns, as many as there are units each
WRITTEN = {"keras-h5": "Keras, legacy", "keras3": "Keras 3"}


class Description(NamedTuple):
    """The architecture of a forecaster.

    `inputs` is the number of values that it reads at each step, `features` are the units of its recurrent layers,
    `dense` those of the layers between these and its `outputs`, whose activation is `output`. `gates_stated` is False
    where the file does not say what gates it has. `shape` is that of its outputs, steps x series, where it is stated.
    """

    kind: str
    features: tuple[int, ...]
    dense: tuple[int, ...]
    inputs: int
    outputs: int
    reset_after: bool
    gates: str
    gates_stated: bool
    output: str = "linear"
    shape: tuple[int, int] | None = None

    def __str__(self) -> str:
        layers = "-".join(map(str, (self.inputs, *self.features, *self.dense, self.outputs)))
        gates = "" if self.kind == "rnn" else f", gates {self.gates}"
        silent = "" if self.gates_stated or self.kind == "rnn" else " (not stated: Keras' default)"
        before = "" if self.kind != "gru" or self.reset_after else ", reset before the product"
        output = "" if self.output == "linear" else f", output {self.output}"
        shape = "" if self.shape is None else f", {self.shape[0]} steps x {self.shape[1]} series"
        return f"{self.kind} {layers}{before}{gates}{silent}{output}{shape}"


class Stated(NamedTuple):
    """The statements of a file about a forecaster: gates, output and output shape, each None if unstated, and
    differences from ours.
    """

    gates: str | None
    output: str | None
    shape: tuple[int, int] | None = None
    objections: tuple[str, ...] = ()


def stated(file: WeightFile) -> Stated:
    """The statements of the file's own note or its configuration; UserError for an unreadable configuration.

    "hard_sigmoid" is x / 6 + 1/2 in Keras 3, and 0.2 x + 1/2 before.
    """
    model = read_config(file.notes, file.path)
    if model is None:
        noted = file.notes.get("convention")
        known = (None, None, None) if noted is None else (*gates_and_output(noted), shape_in(noted))
        return Stated(*known, tuple(wrapped(file)))
    try:
        layers, objections, shape = understand(model, _inputs(file))
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise UserError(f"{file.path} is damaged: its configuration has no settings of Keras' ({error})") from error
    gates = {gates_name(layer) for layer in layers} - {None}
    kind, major = gates.pop() if len(gates) == 1 else None, keras_major(file.notes)
    if kind == "hard_sigmoid" and major is None:
        objections += ("gates (hard_sigmoid, of an unknown version of Keras: 2 and 3 have different ones)",)
    kind = "hard_sigmoid_keras2" if kind == "hard_sigmoid" and major is not None and major < 3 else kind
    output = activation_of(layers[-1]) if layers and layers[-1].kind == "Dense" else None
    return Stated(kind, output, shape, (*objections, *(unmatched(file, layers) if model.layers else ())))


def _inputs(file: WeightFile) -> int | None:
    """The number of values that the first recurrent layer reads at each step."""
    first = next((each.arrays for each in found_layers(file) if each.recurrent), {})
    return _length(file.arrays[first["kernel"]], 0) if "kernel" in first else None


def forecaster_layout(file: WeightFile) -> Layout:
    """The rows for this file, layer by layer; none without a recurrent layer."""
    layers = found_layers(file)
    recurrent = [layer for layer in layers if layer.recurrent]
    dense = [layer for layer in layers if not layer.recurrent]
    names = [f"{_kind(layer, file)}{number}" for number, layer in enumerate(recurrent, start=1)]
    names += [f"dense{number}" for number in range(1, len(dense))] + ["head"] * bool(dense)
    if file.kind not in WRITTEN:
        names = [layer.name for layer in layers]
    pairs = zip(names, layers, strict=True) if recurrent else ()
    rows = (Row(re.escape(array), f"{name}/{part}") for name, layer in pairs for part, array in layer.arrays.items())
    return Layout(WRITTEN.get(file.kind, "our names"), (file.kind,), _convention(file), tuple(rows))


def _convention(file: WeightFile) -> str:
    """The convention that the file states; where it states none, or one that ours lacks, Keras' default since 2.2."""
    gates, output, shape, _ = stated(file)
    return convention_of(gates if gates in GATES else GATES[0], output if output in OUTPUTS else OUTPUTS[0], shape)


def forecaster_shapes(leaves: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """{leaf: shape} of the forecaster with these `leaves`, if each layer reads the one before it.

    A recurrent layer has as many units as its recurrent kernel has rows; a dense one, as its bias has numbers.
    """
    layers = sorted({leaf.rpartition("/")[0] for leaf in leaves} | {"head"}, key=_order)
    shapes: dict[str, tuple[int, ...]] = {}
    size = None
    for layer in layers:
        kernel, recurrent, bias = (leaves.get(f"{layer}/{part}") for part in ("kernel", "recurrent", "bias"))
        size = size or _length(kernel, 0)
        blocks = BLOCKS.get(_letters(layer))
        if blocks:
            units = _length(recurrent, 0) or _length(bias, -1) // blocks
            own = (2,) if blocks == BLOCKS["gru"] and bias is not None and bias.ndim == 2 else ()
            shapes |= {f"{layer}/kernel": (size, blocks * units), f"{layer}/recurrent": (units, blocks * units)}
            shapes[f"{layer}/bias"] = (*own, blocks * units)
        else:
            units = _length(bias, -1) or _length(kernel, -1)
            shapes |= {f"{layer}/kernel": (size, units), f"{layer}/bias": (units,)}
        size = units
    return shapes


def several_kinds(leaves: Iterable[str]) -> list[str]:
    """The error for recurrent layers of several kinds, which lists all of them."""
    layers = sorted({leaf.split("/")[0] for leaf in leaves if _letters(leaf) in BLOCKS}, key=_order)
    return [f"several kinds of recurrent layers ({', '.join(layers)})"] if len({*map(_letters, layers)}) > 1 else []


def describe(leaves: Mapping[str, np.ndarray], convention: str, gates_stated: bool) -> Description:
    """The net of a whole forecaster's `leaves`, with gates and output by `convention`, which may be a default."""
    gates, output = gates_and_output(convention)
    recurrent = sorted((leaf for leaf in leaves if leaf.endswith("/recurrent")), key=_order)
    dense = sorted((leaf for leaf in leaves if leaf.startswith("dense") and leaf.endswith("/bias")), key=_order)
    kind = _letters(recurrent[0])
    return Description(
        kind=kind,
        features=tuple(len(leaves[leaf]) for leaf in recurrent),
        dense=tuple(len(leaves[leaf]) for leaf in dense),
        inputs=len(leaves[recurrent[0].replace("/recurrent", "/kernel")]),
        outputs=len(leaves["head/bias"]),
        reset_after=leaves[recurrent[0].replace("/recurrent", "/bias")].ndim == 2,
        gates=gates,
        gates_stated=gates_stated,
        output=output,
        shape=shape_in(convention),
    )


def _kind(layer: Found, file: WeightFile) -> str:
    shape = file.arrays[layer.arrays["recurrent"]].shape
    ratio = shape[1] / shape[0] if len(shape) == 2 and shape[0] else 0
    return next((kind for kind, blocks in BLOCKS.items() if blocks == ratio), "lstm")


def _order(leaf: str) -> tuple[int, int]:
    """Recurrent layers by number, dense layers by number, the head."""
    layer = leaf.split("/")[0]
    number = int(re.sub(r"\D", "", layer) or 0)
    return (0 if _letters(layer) in BLOCKS else 2 if layer == "head" else 1), number


def _letters(leaf: str) -> str:
    return re.sub(r"\d+$", "", leaf.split("/")[0])


def _length(array: np.ndarray | None, axis: int) -> int:
    return array.shape[axis] if array is not None and array.ndim else 0
