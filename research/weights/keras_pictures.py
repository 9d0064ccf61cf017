"""What a Keras model's configuration says of VGG16's layers that ours have not."""

from collections.abc import Container
from typing import Any

from research.weights.foreign import Foreign
from research.weights.keras_config import Configured, read_config, with_inner
from research.weights.keras_kinds import activation_name

# keras.src.applications.vgg16; the last layer may have been made without its softmax, which ours adds.
CONVOLUTION = {"padding": "same", "strides": [1, 1], "dilation_rate": [1, 1], "groups": 1}
LAST, LAST_ACTIVATIONS = "predictions", ("softmax", "linear")


def picture_objections(foreign: Foreign, ours: Container[str]) -> tuple[str, ...]:
    """The layers called as `ours`, also within an inner model, whose settings ours have not, each named.

    Raises UserError for a configuration that cannot be read.
    """
    model = read_config(foreign.notes, foreign.path)
    named = [layer for layer in with_inner(model.layers if model else ()) if layer.name in ours]
    return tuple(f"{layer.name} ({', '.join(wrong)})" for layer in named if (wrong := _different(layer)))


def _different(layer: Configured) -> list[str]:
    activations = LAST_ACTIVATIONS if layer.name == LAST else ("relu",)
    activation = activation_name(layer.settings.get("activation", activations[0]))
    wrong = [] if activation in activations else [f"activation {activation}, ours {activations[0]}"]
    settings: dict[str, Any] = CONVOLUTION if layer.kind == "Conv2D" else {}
    told = {key: layer.settings.get(key, ours) for key, ours in settings.items()}
    return wrong + [f"{key} {told[key]}, ours {ours}" for key, ours in settings.items() if told[key] != ours]
