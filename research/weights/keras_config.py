"""What a Keras model's own configuration says of its layers, where a weight file holds one, and what ours has not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

RECURRENT = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}
WITHOUT_NUMBERS = ("InputLayer", "Dropout", "Reshape", "Activation")  # what changes nothing of a forecast's numbers
GATES = ("sigmoid", "hard_sigmoid", "hard_sigmoid_keras2")


class Configured(NamedTuple):
    """A layer by name and class, and its settings."""

    name: str
    kind: str
    settings: Mapping[str, Any]


def configured(notes: Mapping[str, str]) -> list[Configured]:
    """The layers of the notes' "config", in order; none where it is not there or cannot be read."""
    try:
        layers = json.loads(notes.get("config", "{}"))["config"]["layers"]
        return [Configured(str(each["config"]["name"]), str(each["class_name"]), each["config"]) for each in layers]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def gates_told(notes: Mapping[str, str]) -> str | None:
    """The nonlinearity of the gates, told apart by the version of Keras that wrote the file; None where it is silent.

    "hard_sigmoid" is x / 6 + 1/2 in Keras 3, and 0.2 x + 1/2 before.
    """
    told = {layer.settings.get("recurrent_activation") for layer in configured(notes) if layer.kind in ("LSTM", "GRU")}
    if len(told) != 1:
        return None
    gates = str(told.pop())
    old = not notes.get("keras_version", "3").startswith("3")
    return f"{gates}_keras2" if gates == "hard_sigmoid" and old else gates


def objections(layers: Sequence[Configured]) -> list[str]:
    """What the layers of a forecaster have that ours has not, each named: `lstm (activation relu, ours tanh)`."""
    found = [f"{layer.name} (a {layer.kind})" for layer in layers if layer.kind not in _known()]
    recurrent = [layer for layer in layers if layer.kind in RECURRENT]
    dense = [layer for layer in layers if layer.kind == "Dense"]
    for place, layer in enumerate(recurrent, start=1):
        found += _other(layer, activation="tanh", go_backwards=False, return_sequences=place < len(recurrent))
    for place, layer in enumerate(dense, start=1):
        found += _other(layer, activation="relu" if place < len(dense) else "linear")
    gates = {str(layer.settings.get("recurrent_activation")) for layer in recurrent if layer.kind != "SimpleRNN"}
    found += [f"gates of several kinds ({', '.join(sorted(gates))})"] if len(gates) > 1 else []
    found += [f"gates ({each}, ours {' or '.join(GATES[:2])})" for each in sorted(gates - set(GATES))]
    order = [layer.kind == "Dense" for layer in (*recurrent, *dense) if layer in layers]
    in_file = [layer.kind == "Dense" for layer in layers if layer.kind in (*RECURRENT, "Dense")]
    return found + (["a dense layer before a recurrent one"] if in_file != order else [])


def _known() -> tuple[str, ...]:
    return (*RECURRENT, "Dense", *WITHOUT_NUMBERS)


def _other(layer: Configured, **ours: Any) -> list[str]:
    wrong = {key: layer.settings[key] for key in ours if layer.settings.get(key, ours[key]) != ours[key]}
    return (
        [f"{layer.name} ({', '.join(f'{key} {value}, ours {ours[key]}' for key, value in wrong.items())})"]
        if wrong
        else []
    )
