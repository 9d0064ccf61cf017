"""What each kind of Keras layer does to a forecaster's numbers, and which ways through a model are a chain."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from research.weights.keras_config import Configured, ModelConfig, read_config
from research.weights.keras_kinds import activation_of, understand

# Every layer of Keras 3.15 and of tf_keras 2.21 (Keras 2), by its class.
EVERY = re.findall(
    r"\w+",
    """
AbstractRNNCell Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention
AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D
BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization
Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D
Cropping2D Cropping3D CutMix Dense DenseFeatures DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU
EinsumDense Embedding Equalization Flatten FlaxLayer GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
GroupNormalization GroupedQueryAttention HashedCrossing Hashing Identity InputLayer IntegerLookup JaxLayer LSTM
LSTMCell Lambda Layer LayerNormalization LeakyReLU LocallyConnected1D LocallyConnected2D Masking MaxNumBoundingBoxes
MaxPooling1D MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention Multiply Normalization
PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter
RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale
RandomHeight RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation
RandomSharpness RandomShear RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape Resizing
ReversibleEmbedding STFTSpectrogram SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization
SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract
TFSMLayer TextVectorization ThresholdedReLU TimeDistributed TorchModuleWrapper UnitNormalization UpSampling1D
UpSampling2D UpSampling3D Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D CuDNNLSTM CuDNNGRU TFOpLambda Sequential
Functional Model MyOwnLayer
""",
)
NOTHING = {
    *("InputLayer", "Identity", "ActivityRegularization", "Dropout", "SpatialDropout1D", "AlphaDropout"),
    *("GaussianDropout", "GaussianNoise"),
}
FOLDED = {
    **{"Activation": "sigmoid", "ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "ELU": "elu"},
    **{"Softmax": "softmax", "ThresholdedReLU": "thresholded_relu"},
}
CARRIED = {"SimpleRNN", "LSTM", "GRU", "Dense"}


def layer(kind, name="", **settings):
    return Configured(name or kind.lower(), kind, settings)


LSTM = layer("LSTM", recurrent_activation="sigmoid")
TANH = layer("Activation", activation="tanh")


def objections_to(*layers, inputs=3):
    return "; ".join(understand(ModelConfig(layers), inputs).objections)


@pytest.mark.parametrize("kind", sorted(set(EVERY) - CARRIED - {"Reshape"}))
def test_every_kind_of_layer_is_nothing_folded_or_refused(kind):
    settings = {"activation": "sigmoid"} if kind == "Activation" else {}
    found = understand(ModelConfig((LSTM, layer("Dense", units=6), layer(kind, "it", **settings))))
    head = activation_of(found.layers[-1])
    if kind in NOTHING:
        assert not found.objections and head == "linear"
    elif kind in FOLDED:
        assert head == FOLDED[kind]
        assert bool(found.objections) == (kind != "Activation")  # those are no outputs of ours
    else:
        assert any(f"it (a {kind}" in each for each in found.objections)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_the_layers_of_a_forecaster_are_carried(kind):
    layers = (layer(kind, recurrent_activation="sigmoid"), layer("Dense", "a", activation="relu"), layer("Dense", "b"))
    assert understand(ModelConfig(layers)) == (layers, (), None)


@pytest.mark.parametrize(
    ("layers", "fault"),
    [
        (
            (LSTM, layer("Activation", activation="relu"), layer("Dense")),
            "activation (relu after lstm, which has tanh)",
        ),
        ((LSTM, layer("LeakyReLU", "leaky"), layer("Dense")), "leaky (leaky_relu after lstm"),
        ((layer("ReLU", "bent"), LSTM, layer("Dense")), "bent (relu of the input)"),
        ((LSTM, layer("Dense", activation="tanh"), layer("Activation", activation="sigmoid")), "sigmoid after dense"),
        ((LSTM, layer("Dense", "a"), layer("ReLU", max_value=6.0), layer("Dense", "b")), "a (activation relu of max_v"),
        ((LSTM, layer("Dense", "a"), layer("ReLU", negative_slope=0.1), layer("Dense", "b")), "relu of negative_slope"),
        ((LSTM, layer("Dense", "a"), layer("LeakyReLU"), layer("Dense", "b")), "a (activation leaky_relu, ours relu)"),
        ((LSTM, layer("Dense", "a"), layer("Dense", "b")), "a (activation linear, ours relu)"),
        ((LSTM, layer("Dense", activation="relu")), "dense (activation relu, ours linear or sigmoid or tanh)"),
        ((LSTM, layer("Dense", activation={"class_name": "LeakyReLU", "config": {}})), "activation a custom LeakyReLU"),
        ((LSTM, layer("Dense", activation={"class_name": "function", "config": "tanh"})), "activation a custom tanh"),
        ((LSTM, layer("Dense", activation={"value": ["4wEA", None, None]})), "activation a custom function"),
        ((LSTM, layer("Dense"), layer("Activation")), "activation a custom function"),
        ((LSTM._replace(settings={}), layer("Dense")), "gates (no word of them"),
        ((layer("LSTM", recurrent_activation={"class_name": "ELU"}), layer("Dense")), "gates (a custom ELU"),
        ((layer("SimpleRNN", stateful=True), layer("Dense")), "simplernn (stateful True, ours False)"),
        ((layer("SimpleRNN", go_backwards=True), layer("Dense")), "go_backwards True, ours False"),
        ((layer("SimpleRNN", time_major=True), layer("Dense")), "time_major True, ours False"),
        ((layer("SimpleRNN", return_sequences=True), layer("Dense")), "return_sequences True, ours False"),
        ((layer("Masking"), LSTM, layer("Dense")), "masking (a Masking, which leaves steps out)"),
        ((layer("Rescaling"), LSTM, layer("Dense")), "scales its input: scale the data instead"),
        ((layer("Reshape", target_shape=[5, 3]), LSTM, layer("Dense")), "reshape (reshapes the input)"),
        ((LSTM, layer("Reshape", target_shape=[1, 4]), layer("Dense")), "reshape (reshapes between layers)"),
        ((LSTM, layer("Dense", units=12), layer("Reshape", target_shape=[3, 4])), "answers 3 x 4, ours steps x series"),
        ((LSTM, layer("Dense", units=12), layer("Reshape", target_shape=[3, -1])), "answers 3 x 4"),
        ((LSTM, layer("Dense", units=12), layer("Reshape", target_shape=[2, 2, 3])), "answers 2 x 2 x 3"),
    ],
)
def test_what_ours_has_not_is_refused_by_name(layers, fault):
    assert fault in objections_to(*layers)


@pytest.mark.parametrize(
    ("layers", "output"),
    [
        ((LSTM, layer("Activation", activation="linear"), layer("Dense")), "linear"),
        ((LSTM, layer("Dense", "a"), layer("Dropout"), layer("ReLU"), layer("Dense", "b", activation="tanh")), "tanh"),
        ((LSTM, layer("Dense", "a", activation="relu"), layer("ReLU"), layer("Dense", "b")), "linear"),
        ((LSTM, layer("Dense", units=6), layer("Reshape", target_shape=[2, 3]), TANH), "tanh"),
        ((LSTM, layer("Dense", units=6), layer("Reshape", target_shape=[-1, 1])), "linear"),
        ((LSTM, layer("Dense", units=6), layer("Reshape", target_shape=[1, 6])), "linear"),
        (
            (
                layer("InputLayer", batch_shape=[None, 15]),
                *(layer("Reshape", target_shape=[5, 3]), LSTM, layer("Dense", activation="sigmoid")),
            ),
            "sigmoid",
        ),
    ],
)  # fmt: skip
def test_what_comes_to_the_same_is_taken(layers, output):
    found = understand(ModelConfig(layers), inputs=3)
    assert not found.objections and activation_of(found.layers[-1]) == output


class Call(NamedTuple):
    """A layer of a functional model: what it reads ("NAME" or "NAME:OUTPUT"), with which arguments, how often."""

    name: str
    kind: str
    reads: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = MappingProxyType({})
    times: int = 1


INPUT, READER, HEAD = Call("in", "InputLayer"), Call("lstm", "LSTM", ("in",)), Call("a", "Dense", ("lstm",))


def triple(read):
    name, _, output = read.partition(":")
    return [name, 0, int(output or 0)]


def keras2(calls, outputs):
    """The configuration as Keras 2 writes it."""

    def node(call):
        return [[*triple(read), dict(call.arguments)] for read in call.reads]

    return wired(calls, node, list(map(triple, outputs)), [["in", 0, 0]])


def keras3(calls, outputs):
    """The configuration as Keras 3 writes it."""

    def tensor(read):
        return {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "keras_history": triple(read)}}

    def node(call):
        args = list(map(tensor, call.reads))
        return {
            "args": args if len(args) < 2 else [args],
            "kwargs": {"training": False, "mask": None} | dict(call.arguments),
        }

    ends = list(map(triple, outputs))
    return wired(calls, node, ends if len(ends) > 1 else ends[0], ["in", 0, 0])


def wired(calls, node, outputs, inputs):
    layers = [
        {"class_name": call.kind, "name": call.name, "config": {"name": call.name}}
        | {"inbound_nodes": [node(call)] * call.times if call.reads else []}
        for call in calls
    ]
    config = {"name": "model", "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Functional", "config": config}


def read(config):
    found = read_config({"config": json.dumps(config)}, Path("net.h5"))
    assert found is not None
    return found


@pytest.mark.parametrize("layout", [keras2, keras3])
def test_a_chain_is_followed_whatever_the_order_in_which_it_is_written(layout):
    found = read(layout([HEAD, Call("b", "Dense", ("a",)), READER, INPUT], ["b"]))
    assert [each.name for each in found.layers] == ["in", "lstm", "a", "b"] and not found.faults


@pytest.mark.parametrize("layout", [keras2, keras3])
@pytest.mark.parametrize(
    ("calls", "outputs", "fault"),
    [
        ([HEAD, Call("b", "Dense", ("lstm",))], ["a", "b"], "2 outputs (a, b)"),
        ([HEAD, Call("b", "Dense", ("a",))], ["a", "b"], "2 outputs (a, b)"),
        ([HEAD, Call("b", "Dense", ("lstm",))], ["a"], "layers beside the way to the output (b)"),
        ([HEAD, Call("b", "Dense", ("lstm",)), Call("add", "Add", ("a", "b"))], ["add"], "add (reads a and b)"),
        ([Call("a", "Dense", ("lstm:1",))], ["a"], "a (reads output 2 of lstm)"),
        ([HEAD._replace(times=2)], ["a"], "a (used 2 times)"),
        ([HEAD._replace(arguments={"training": True})], ["a"], "a (always in training)"),
    ],
)
def test_what_is_no_chain_is_refused(layout, calls, outputs, fault):
    assert fault in read(layout([INPUT, READER, *calls], outputs)).faults


def test_a_mask_is_a_second_thing_to_read():
    mask = {"class_name": "__keras_tensor__", "config": {"keras_history": ["any", 0, 0]}}
    calls = [INPUT, Call("any", "Any", ("in",)), READER._replace(arguments={"mask": mask}), HEAD]
    assert "lstm (reads in and any)" in read(keras3(calls, ["a"])).faults
    state = {"initial_state": [["any", 0, 0]]}
    assert "lstm (reads in and any)" in read(keras2([*calls[:2], READER._replace(arguments=state), HEAD], ["a"])).faults


def test_a_bare_list_of_layers_is_that_of_a_sequential():
    names = {"LSTM": {"name": "lstm", "units": 4}, "Dense": {"name": "a"}}
    layers = [{"class_name": kind, "config": settings} for kind, settings in names.items()]
    for config in (layers, {"name": "sequential", "layers": layers}):
        found = read({"class_name": "Sequential", "config": config})
        assert [(each.name, each.kind) for each in found.layers] == [("lstm", "LSTM"), ("a", "Dense")]
        assert found.layers[0].settings["units"] == 4 and not found.faults


def test_a_model_within_a_model_is_refused_by_its_kind():
    inner = {"class_name": "Sequential", "config": [{"class_name": "LSTM", "config": {"name": "lstm"}}]}
    found = read({"class_name": "Sequential", "config": [inner, {"class_name": "Dense", "config": {"name": "a"}}]})
    assert "a Sequential, which is a model within the model" in "; ".join(understand(found).objections)


@pytest.mark.parametrize(
    ("registration", "kind"),
    [
        ({"module": None, "registered_name": "Mine>Dense"}, "Mine>Dense"),
        ({"module": "my.layers", "registered_name": "Dense"}, "my.layers>Dense"),
        ({"module": "__main__", "registered_name": None}, "__main__>Dense"),
        ({"module": "keras_hub.layers", "registered_name": "Dense"}, "keras_hub.layers>Dense"),
        ({"module": "keras.layers", "registered_name": None}, "Dense"),
        ({"module": "keras.src.ops.numpy", "registered_name": "Dense"}, "Dense"),
        ({"module": "tf_keras.src.layers", "registered_name": "Dense"}, "Dense"),
        ({}, "Dense"),
    ],
)
def test_a_class_of_the_users_is_not_that_of_keras_by_the_same_name(registration, kind):
    head = {"class_name": "Dense", "config": {"name": "head", "units": 6}} | registration
    reader = {"class_name": "LSTM", "config": {"name": "lstm", "recurrent_activation": "sigmoid"}}
    found = understand(read({"class_name": "Sequential", "config": {"layers": [reader, head]}}))
    assert found.objections == (() if kind == "Dense" else (f"head (a {kind})",))
