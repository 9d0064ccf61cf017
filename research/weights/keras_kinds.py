"""The treatment of each kind of Keras layer in a forecaster: carried, skipped, folded into the one before, or refused.

CARRIED layers have weights that ours have as well. NOTHING lists layers that work only in training. FOLDED lists
nonlinearities, which become the activation of the Dense layer before them. Every other kind is refused by name, some
with a reason (REASONS).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from research.weights.keras_config import Configured, ModelConfig

RECURRENT = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}
CARRIED = (*RECURRENT, "Dense")
NOTHING = (
    *("InputLayer", "Identity", "ActivityRegularization", "Dropout", "SpatialDropout1D", "AlphaDropout"),
    *("GaussianDropout", "GaussianNoise"),
)
FOLDED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "Activation": lambda settings: activation_name(settings.get("activation", {})),
    "ReLU": lambda settings: _relu(settings),
    **{"LeakyReLU": lambda _: "leaky_relu", "PReLU": lambda _: "prelu", "ELU": lambda _: "elu"},
    **{"Softmax": lambda _: "softmax", "ThresholdedReLU": lambda _: "thresholded_relu"},
}
RESHAPE = "Reshape"  # no effect after the last layer, where ours has the outputs in the same order
REASONS = {
    "Masking": "leaves steps out",
    **dict.fromkeys(("Rescaling", "Normalization"), "scales its input: scale the data instead"),
    "Bidirectional": "reads the context backwards, too",
    **dict.fromkeys(("TimeDistributed", "RepeatVector"), "answers at each step"),
    **dict.fromkeys(("Sequential", "Functional", "Model"), "is a model within the model"),
    **dict.fromkeys(("Lambda", "TFOpLambda", "SlicingOpLambda"), "is code"),
}

GATES = ("sigmoid", "hard_sigmoid", "hard_sigmoid_keras2")
OUTPUTS = ("linear", "sigmoid", "tanh")  # activations of the last layer
# Keras' defaults, and the settings of our layers.
DEFAULTS = {"go_backwards": False, "return_sequences": False, "stateful": False, "time_major": False}


class Understood(NamedTuple):
    """The layers with weights, each with its whole activation, and the names of features that our nets lack.

    `shape` is the shape that a Reshape gives the outputs, steps x series in ours; None without one.
    """

    layers: tuple[Configured, ...]
    objections: tuple[str, ...]
    shape: tuple[int, int] | None = None


def understand(model: ModelConfig, inputs: int | None = None) -> Understood:
    """`model` as a forecaster's layers with weights; `inputs` are the numbers read at each step, where known.

    Raises TypeError or ValueError for settings that Keras does not have.
    """
    carried: list[Configured] = []
    found: list[str] = []
    for index, layer in enumerate(model.layers):
        if layer.kind in CARRIED:
            carried.append(layer)
        elif layer.kind in FOLDED:
            found += _fold(layer, carried)
        elif layer.kind == RESHAPE:
            found += _reshaped(layer, model.layers[:index], model.layers[index + 1 :], inputs)
        elif layer.kind not in NOTHING:
            reason = f", which {REASONS[layer.kind]}" if layer.kind in REASONS else ""
            found.append(f"{layer.name} (a {layer.kind}{reason})")
    objections = (*model.faults, *found, *_differences(carried))
    return Understood(tuple(carried), objections, _shape(model.layers, carried))


def activation_name(value: Any) -> str:
    """The name of a configured activation; one of the user's own, or a layer, by a name that Keras' have not."""
    if isinstance(value, Mapping):
        own = value.get("config") if value.get("class_name") == "function" else value.get("class_name")
        return f"a custom {own or 'function'}"
    return "linear" if value is None else value if isinstance(value, str) else "a custom function"


def activation_of(layer: Configured) -> str:
    """The activation of a layer with weights."""
    return activation_name(layer.settings.get("activation", "linear" if layer.kind == "Dense" else "tanh"))


def _relu(settings: Mapping[str, Any]) -> str:
    stated = {key: value for key, value in settings.items() if key in ("max_value", "negative_slope", "threshold")}
    changed = [f"{key} {value}" for key, value in stated.items() if value]
    return f"relu of {', '.join(changed)}" if changed or stated.get("max_value") == 0 else "relu"


def _fold(layer: Configured, carried: list[Configured]) -> list[str]:
    """Fold a nonlinearity into the last of the `carried` layers; the reason in words if that has its own."""
    further = FOLDED[layer.kind](layer.settings)
    if further == "linear":
        return []
    if not carried:
        return [f"{layer.name} ({further} of the input)"]
    last, own = carried[-1], activation_of(carried[-1])
    if last.kind == "Dense" and own == "linear":
        carried[-1] = last._replace(settings={**last.settings, "activation": further})
        return []
    if own == further == "relu":  # twice is the same as once
        return []
    return [f"{layer.name} ({further} after {last.name}, which has {own})"]


def _reshaped(
    layer: Configured, before: Sequence[Configured], after: Sequence[Configured], inputs: int | None
) -> list[str]:
    """The fault of a Reshape, which may only make steps of flat input, or of the outputs, step by step."""
    if not any(each.kind in CARRIED for each in before):
        shapes = [each.settings.get(key) for each in (*before, layer) for key in ("batch_shape", "batch_input_shape")]
        flat = [len(shape) for shape in shapes if isinstance(shape, list)] == [2]
        return [] if flat else [f"{layer.name} (reshapes the input)"]
    if any(each.kind in CARRIED for each in after):
        return [f"{layer.name} (reshapes between layers)"]
    units = next(each for each in reversed(before) if each.kind in CARRIED).settings.get("units")
    sizes = _sizes(layer.settings.get("target_shape"), units)
    if len(sizes) > 2 or (len(sizes) == 2 and inputs is not None and sizes[1] > inputs):
        return [f"{layer.name} (answers {' x '.join(map(str, sizes))}, ours steps x series)"]
    return []


def _shape(layers: Sequence[Configured], carried: Sequence[Configured]) -> tuple[int, int] | None:
    """The two sizes of the outputs by the last Reshape above the last layer with weights; None without them."""
    after = layers[layers.index(next(layer for layer in layers if layer.name == carried[-1].name)) :] if carried else ()
    target = next((layer.settings.get("target_shape") for layer in reversed(after) if layer.kind == RESHAPE), ())
    units = carried[-1].settings.get("units") if carried else None
    every, sizes = _every_size(target, units), _sizes(target, units)
    found = every if len(every) == 2 else sizes
    return (found[0], found[1]) if len(found) == 2 else None


def _sizes(target: Any, units: Any) -> list[int]:
    """A target shape of `units` numbers without its ones, -1 replaced by what it stands for."""
    return [size for size in _every_size(target, units) if size != 1]


def _every_size(target: Any, units: Any) -> list[int]:
    known = [size for size in target if size != -1]
    return [units // math.prod(known) if size == -1 else size for size in target]


def _differences(carried: Sequence[Configured]) -> list[str]:
    """The settings of `carried` that our layers lack, each named: `lstm (activation relu, ours tanh)`."""
    found: list[str] = []
    recurrent = [layer for layer in carried if layer.kind in RECURRENT]
    dense = [layer for layer in carried if layer.kind == "Dense"]
    for index, layer in enumerate(recurrent, start=1):
        found += _different(layer, ("tanh",), DEFAULTS | {"return_sequences": index < len(recurrent)})
    for index, layer in enumerate(dense, start=1):
        found += _different(layer, ("relu",) if index < len(dense) else OUTPUTS, {})
    gates = {gates_name(layer) for layer in recurrent} - {None}
    found += [f"gates of several kinds ({', '.join(sorted(map(str, gates)))})"] if len(gates) > 1 else []
    found += [f"gates ({each}, ours {' or '.join(GATES[:2])})" for each in sorted(map(str, gates - set(GATES)))]
    kinds = [layer.kind == "Dense" for layer in carried]
    return found + (["a dense layer before a recurrent one"] if kinds != sorted(kinds) else [])


def gates_name(layer: Configured) -> str | None:
    """The nonlinearity of a layer's gates as its file calls it; None for a layer without gates."""
    silent = "no word of them"  # Keras 1 calls them otherwise
    gated = layer.kind in RECURRENT and layer.kind != "SimpleRNN"
    return activation_name(layer.settings.get("recurrent_activation", silent)) if gated else None


def _different(layer: Configured, activations: Sequence[str], ours: Mapping[str, Any]) -> list[str]:
    wrong = []
    if activation_of(layer) not in activations:
        wrong.append(f"activation {activation_of(layer)}, ours {' or '.join(activations)}")
    for key, wanted in ours.items():
        stated = layer.settings.get(key, DEFAULTS[key])
        wrong += [f"{key} {stated}, ours {wanted}"] if stated != wanted else []
    return [f"{layer.name} ({', '.join(wrong)})"] if wrong else []
