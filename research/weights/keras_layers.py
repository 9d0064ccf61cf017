"""The layers of a forecaster in a weight file: the arrays of each, and their order."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from research.weights.keras_config import Configured, read_config
from research.weights.weight_file import WeightFile

# Keras 3 numbers a layer's arrays; a cell's are kernel, recurrent kernel and bias (keras.src.layers.rnn).
NUMBERED = {"cell": ("kernel", "recurrent", "bias"), "dense": ("kernel", "bias")}
NAMED = {"kernel": "kernel", "recurrent_kernel": "recurrent", "recurrent": "recurrent", "bias": "bias"}
# As in `bidirectional/backward_layer/cell`.
WRAPPERS = r"(?:bidirectional|time_distributed)(?:_\d+)?"
WITHIN = r"(?:/(?:forward_layer|backward_layer|layer))?"  # deeper is a net of its own
DIRECTIONS = ("forward_", "backward_")
OURS = r"(?:(?:rnn|lstm|gru)\d+/(?:kernel|recurrent|bias)|(?:dense\d+|head)/(?:kernel|bias))"


class Found(NamedTuple):
    """A layer of the file: its name there, and {part: file name of its array}."""

    name: str
    arrays: dict[str, str]

    @property
    def recurrent(self) -> bool:
        """Whether it has a recurrent kernel."""
        return "recurrent" in self.arrays


def found_layers(file: WeightFile) -> list[Found]:
    """The recurrent and dense layers of a file, recurrent ones first, each in the order of the net.

    The order is that of the file's configuration. Without one, a legacy file is in the net's order, and a Keras 3 file
    has numbers, by class.
    """
    groups: dict[str, dict[str, str]] = {}
    for name in file.arrays:
        found = _layer_and_part(name, file)
        if found is not None:
            groups.setdefault(found[0], {})[found[1]] = name
    layers = [Found(name, arrays) for name, arrays in groups.items()]
    return sorted(_ordered(layers, file), key=lambda layer: not layer.recurrent)  # stable


def wrapped(file: WeightFile) -> list[str]:
    """In words, the layers within a Bidirectional or TimeDistributed: alone they compute something else."""
    found = [layer.name for layer in found_layers(file) if _is_wrapped(layer.name.split("/"))]
    keras = file.kind.startswith("keras") and found
    return [f"layers within a Bidirectional or a TimeDistributed ({', '.join(found)})"] if keras else []


def unmatched(file: WeightFile, configured: Sequence[Configured]) -> list[str]:
    """In words, the layers with weights that `configured` lacks, and the configured ones without weights."""
    names = [layer.name for layer in configured]
    found = [_called(layer, file, names) for layer in found_layers(file)]
    strange = [layer.name for layer, name in zip(found_layers(file), found, strict=True) if name is None]
    without = [name for name in names if name not in found]
    return [
        f"{words} ({', '.join(each)})"
        for words, each in (("weights of layers that are not configured", strange), ("layers without weights", without))
        if each
    ]


def _layer_and_part(name: str, file: WeightFile) -> tuple[str, str] | None:
    """The layer and the part of an array; None for an array that no forecaster has."""
    layer, _, last = name.rpartition("/")
    if file.kind == "keras3":
        path = layer.removesuffix("/vars")
        kind = re.sub(r"_\d+$", "", path.rpartition("/")[2])
        parts = NUMBERED.get(kind, ()) if re.fullmatch(rf"layers/[^/]+{WITHIN}(?:/cell)?", path) else ()
        return (path, parts[int(last)]) if last.isdecimal() and int(last) < len(parts) else None
    if file.kind != "keras-h5":
        return (layer, last) if re.fullmatch(OURS, name) else None
    part = NAMED.get(re.sub(r"(_\d+)?(:0)?$", "", last))
    flat = part == "bias" or file.arrays[name].ndim == 2  # the kernel of a convolution is not
    return (layer, part) if part and flat else None


def _is_wrapped(path: Sequence[str]) -> bool:
    """A layer may be called `forward_lstm` itself; Keras 3 puts its name twice into a legacy file."""
    within = (each for each in path[1:] if each != path[0])
    return any(re.fullmatch(WRAPPERS, each) for each in path) or any(each.startswith(DIRECTIONS) for each in within)


def _ordered(layers: Iterable[Found], file: WeightFile) -> list[Found]:
    """By their order in the configuration where there is one, else by their numbers (text sorts 10 before 2)."""
    model = read_config(file.notes, file.path)
    if model is not None:
        names = [layer.name for layer in model.layers]
        positions = {name: index for index, name in enumerate(names)}
        return sorted(layers, key=lambda layer: positions.get(_called(layer, file, names) or "", len(positions)))
    return list(layers) if file.kind == "keras-h5" else sorted(layers, key=_number)


def _number(layer: Found) -> int:
    found = re.search(r"_?(\d+)(?:/cell)?$", layer.name)
    return int(found[1]) if found else 0


def _called(layer: Found, file: WeightFile, names: Sequence[str]) -> str | None:
    """Which of the configured `names` the layer goes by."""
    own = next(iter(layer.arrays.values()))
    path = file.aliases.get(own, own)
    return next((name for name in sorted(names, key=len, reverse=True) if path.startswith(f"{name}/")), None)
