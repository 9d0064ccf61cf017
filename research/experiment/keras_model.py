"""A trained net of ours as a Keras model, layer by layer under our names.

A maker of a layer gets the package `keras` and a `Layered`, whose inputs are Keras' tensors. It returns the output,
after the activation; or that and the taps that other layers read: (output, {"cell": tensor}).
"""

import os
from typing import Any

from research.errors import UserError
from research.experiment.exported import ExportedNet, Layered, Leaves, layers_of
from research.models.layers import Concat, Dense, Dropout, Flatten

ORDER = ("kernel", "recurrent", "scale", "bias", "mean", "var")  # of the weights of Keras' layers, by our names


def keras_model(exported: ExportedNet) -> Any:
    """The Keras model of `exported`. Its inputs and layers have our names, with _ for /.

    UserError without Keras, which runs on JAX unless $KERAS_BACKEND names another, and for a layer without a maker.
    """
    keras = imported_keras()
    inputs = {
        name: keras.Input(each.shape[1:], name=name, dtype="int32" if name == "codes" else "float32")
        for name, each in exported.inputs.items()
    }
    read = list(inputs.values())
    answers = [_wired(keras, exported, leaves, inputs) for leaves in exported.members]
    if len(answers) > 1:
        members = [keras.Model(read, answer, name=f"member{index}") for index, answer in enumerate(answers)]
        answers = [keras.layers.Average(name="mean")([member(read) for member in members])]
    output = keras.ops.expm1(answers[0]) if exported.exponential else answers[0]
    return keras.Model(read if len(read) > 1 else read[0], output)


def imported_keras() -> Any:
    """The package Keras 3; UserError where it is missing."""
    os.environ.setdefault("KERAS_BACKEND", "jax")  # read when Keras is imported; JAX is there
    try:
        import keras  # pyright: ignore[reportMissingImports]  # not one of our dependencies
    except ImportError as error:
        raise UserError(f"a Keras file needs Keras ({error}): pip install 'keras>=3.13,<4'") from None
    return keras


def weighted(made: Any, leaves: Leaves, read: Any, **states: Any) -> Any:
    """The output of Keras' layer `made` on `read`, with its weights set to `leaves`."""
    output = made(read, **states)
    made.set_weights([leaves[name] for name in ORDER if name in leaves])
    return output


def activated(keras: Any, at: Layered, output: Any) -> Any:
    """`output` after the layer's activation, for layers of Keras that have none of their own."""
    activation = at.layer.activation
    if activation == "linear":
        return output
    return keras.layers.Activation(activation, name=f"{at.name}_{activation}")(output)


def _wired(keras: Any, exported: ExportedNet, leaves: Leaves, inputs: dict[str, Any]) -> Any:
    """The output of the member with `leaves` on `inputs`."""
    outputs: list[Any] = []
    taps: list[dict[str, Any]] = []
    for make, at in layers_of(exported, leaves, exported.keras, "Keras"):
        read = [inputs.get("pixels", inputs) if wire < 0 else outputs[wire] for wire in at.inputs]
        read += [taps[at.inputs[0]][tap] for tap in at.layer.extra_inputs()]
        made = make(keras, at._replace(inputs=read))
        output, extras = made if isinstance(made, tuple) else (made, {})
        outputs.append(output)
        taps.append(extras)
    return outputs[-1]


def _dense(keras: Any, at: Layered) -> Any:
    made = keras.layers.Dense(at.layer.features, at.layer.activation, name=at.name)
    return weighted(made, at.leaves, at.inputs[0])


KERAS = {
    Concat: lambda keras, at: keras.layers.Concatenate(name=at.name)(list(at.inputs)),
    Flatten: lambda keras, at: keras.layers.Flatten(name=at.name)(at.inputs[0]),
    Dense: _dense,
    Dropout: lambda keras, at: keras.layers.Dropout(at.layer.rate, name=at.name)(at.inputs[0]),
}
