"""A Keras model's own configuration: its layers in the order of computation, or the reason why it has none.

A Sequential of Keras 2.1 has a bare list of layers as its configuration, later ones have it under "layers". The layers
of a functional model say what they read: [name, node, tensor, ...] in Keras 2, {"keras_history": [name, node, tensor]}
in Keras 3.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from research.errors import UserError

T = TypeVar("T")
Tensor = tuple[str, int, int]  # a layer, which of its calls, which of its outputs


class Configured(NamedTuple):
    """A layer by name and class, and its settings."""

    name: str
    kind: str
    settings: Mapping[str, Any]


class ModelConfig(NamedTuple):
    """The layers of a model from its input to its output; `faults` are what makes it no chain of layers, in words."""

    layers: tuple[Configured, ...]
    faults: tuple[str, ...] = ()


def read_config(notes: Mapping[str, str], path: Path) -> ModelConfig | None:
    """The model in the notes' "config"; None where the file holds weights alone.

    Raises UserError for a configuration that cannot be read: what it says decides what the numbers mean.
    """
    return parsed(notes, path, _model)


def parsed(notes: Mapping[str, str], path: Path, read: Callable[[Any], T]) -> T | None:
    """`read` of the notes' "config"; None where there is none. Raises UserError as `read_config` does."""
    if "config" not in notes:
        return None
    try:
        return read(json.loads(notes["config"]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        message = " ".join(str(error).split())[:60]
        raise UserError(
            f"{path} is damaged: its model configuration cannot be read ({message}); save the model again in Keras, or "
            "its weights alone (save_weights)"
        ) from error


def keras_major(notes: Mapping[str, str]) -> int | None:
    """The first number of the version of Keras that wrote the file; None where the file does not state it."""
    first = notes.get("keras_version", "").partition(".")[0]
    return int(first) if first.isdecimal() else None


def _model(model: Any) -> ModelConfig:
    config = model["config"] if isinstance(model, Mapping) else None
    entries = config.get("layers") if isinstance(config, Mapping) else config
    if not isinstance(entries, list) or not entries:
        return ModelConfig((), ("a model whose configuration lists no layers",))
    layers = tuple(map(layer_of, entries))
    if not isinstance(config, Mapping) or not any("inbound_nodes" in entry for entry in entries):
        return ModelConfig(layers)
    return _wired(config, entries, {layer.name: layer for layer in layers})


def layer_of(entry: Any) -> Configured:
    """A model of Keras 2.1 within another has a list as its configuration, and no name of its own."""
    settings = entry["config"] if isinstance(entry["config"], Mapping) else {}
    kind = _class_of(entry)
    return Configured(str(entry.get("name") or settings.get("name") or kind), kind, settings)


def _class_of(entry: Mapping[str, Any]) -> str:
    """A layer's class; a user's own class has its package or module in front, as in "mine>Dense".

    A .keras file has the two in `registered_name` and `module`, a legacy file the former as the class.
    """
    kind, registered, module = str(entry["class_name"]), entry.get("registered_name"), entry.get("module")
    if isinstance(registered, str) and ">" in registered:
        return registered
    file = isinstance(module, str) and module.partition(".")[0] not in ("keras", "tf_keras", "tensorflow")
    return f"{module}>{kind}" if file else kind


def _wired(config: Mapping[str, Any], entries: Sequence[Any], layers: Mapping[str, Configured]) -> ModelConfig:
    """The layers on the path from the one input to the one output; in listed order if there are several paths."""
    outputs, reads = list(tensors_in(config["output_layers"])), {}
    faults = [
        f"{len(ends)} {which} ({', '.join(name for name, *_ in ends)})"
        for which, ends in (("inputs", list(tensors_in(config["input_layers"]))), ("outputs", outputs))
        if len(ends) != 1
    ]
    for name, entry in zip(layers, entries, strict=True):
        nodes = entry["inbound_nodes"]
        reads[name] = list(tensors_in(nodes))
        faults += _node_faults(name, nodes, reads[name])
    if faults:
        return ModelConfig(tuple(layers.values()), tuple(faults))
    chain = [outputs[0][0]]
    while (read := reads[chain[-1]]) and read[0][0] not in chain:
        chain.append(read[0][0])
    beside = [name for name in layers if name not in chain]
    return ModelConfig(
        tuple(layers[name] for name in reversed(chain)),
        (f"layers beside the way to the output ({', '.join(beside)})",) if beside else (),
    )


def _node_faults(name: str, nodes: Any, read: Sequence[Tensor]) -> Iterator[str]:
    if len(nodes) > 1:
        yield f"{name} (used {len(nodes)} times)"
    elif len(read) > 1:
        yield f"{name} (reads {' and '.join(source for source, *_ in read)})"
    elif any(tensor for *_, tensor in read):
        yield f"{name} (reads output {read[0][2] + 1} of {read[0][0]})"
    if has_training(nodes):
        yield f"{name} (always in training)"


def tensors_in(value: Any) -> Iterator[Tensor]:
    """All tensors named anywhere in `value`."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from tensors_in(each if key != "keras_history" else list(each))
    elif isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and all(type(each) is int for each in value[1:3]):
            yield value[0], value[1], value[2]
            value = value[3:]
        for each in value:
            yield from tensors_in(each)


def has_training(value: Any) -> bool:
    """Whether a layer was called with training=True."""
    if isinstance(value, Mapping):
        return value.get("training") is True or any(map(has_training, value.values()))
    return isinstance(value, list) and any(map(has_training, value))
