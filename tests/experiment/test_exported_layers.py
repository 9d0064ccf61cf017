"""Each layer of pictures and series, with random leaves, computes the same in Keras and PyTorch; nothing is trained."""

import jax
import numpy as np
import pytest

from research.experiment.exported import ExportedNet, leaves_of
from research.experiment.foreign import save_keras, save_torch
from research.experiment.images import keras_layers as keras_pictures
from research.experiment.images import torch_layers as torch_pictures
from research.experiment.series import keras_layers as keras_series
from research.experiment.series import torch_layers as torch_series
from research.experiment.torch_module import torch_source, torch_state
from research.models.apply import apply_of
from research.models.classifiers import cnn, dense_wired
from research.models.forecasters import ForecastSpec, cnn_forecaster, dense_forecaster, recurrent_forecaster
from research.models.layers import (
    Add,
    AvgPool,
    BinaryLogits,
    Concat,
    Conv,
    Dense,
    DepthwiseConv,
    Flatten,
    GlobalPool,
    MaxPool,
    Preprocess,
    Rescale,
    Shortcut,
    UnbiasedConv,
)
from research.models.network import INPUT, network, sequence, wire
from research.models.normalization import Affine, BatchNorm, GroupNorm
from research.weights.load import forecaster_leaves

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 10, 8, 3)).astype(np.uint8)
L, P, F = 6, 4, 2


def branched():
    """Every kind of layer of pictures but max pools and odds; strides, and padding that differs on the two sides."""
    pixels = wire(Rescale(1 / 100, -1.0, name="rescale"), INPUT)
    conv = wire(UnbiasedConv(8, (3, 3), (2, 2), "same", "linear", name="block1/conv"), pixels)
    normed = wire(BatchNorm(activation="relu", name="block1/bn"), conv)
    short = wire(Shortcut(8, (2, 2), name="shortcut"), pixels)
    added = wire(Add("relu", name="sum"), normed, short)
    deep = wire(DepthwiseConv((3, 2), (2, 2), "same", name="deep"), added)
    valid = wire(DepthwiseConv((2, 2), (1, 1), "valid", "tanh", name="valid"), deep)
    grouped = wire(GroupNorm(4, activation="sigmoid", name="gn"), added)
    pooled = wire(GlobalPool("max", name="max"), valid)
    averaged = wire(Flatten(name="flatten"), wire(AvgPool((2, 2), (1, 2), name="avg"), grouped))
    both = wire(Concat(name="both"), pooled, averaged)
    return network(wire(Dense(3, activation="linear", name="logits"), both))


def binary():
    return sequence(
        Preprocess("torch", name="preprocess"),
        Conv(4, (3, 2), (2, 1), name="conv"),
        MaxPool((3, 2), (1, 1), name="pool"),
        GlobalPool(name="mean"),
        Dense(3, activation="softmax", name="shares"),
        Dense(1, activation="linear", name="odds"),
        BinaryLogits(name="logits"),
    )


def forecasters():
    plain, full = ForecastSpec(P, F), ForecastSpec(P, F, 3, 4, True, "tanh")
    timed, fed = ForecastSpec(P, F, calendar=2), ForecastSpec(P, F, calendar=4, mask=True)
    yield "dense", dense_forecaster(full, (5,), dropout=0.2)
    yield "cnn", cnn_forecaster(full, (4, 3), (5,), kernel=2)
    yield "cnn_flat", cnn_forecaster(plain, (4, 3), readout="flatten")
    for kind in ("rnn", "lstm", "gru"):
        yield kind, recurrent_forecaster(plain, kind, (5, 3), dense=(4,), dropout=0.1)
        yield (
            f"{kind}_decoder",
            recurrent_forecaster(timed, kind, (5,), decoder="autoregressive"),
        )
    yield "masked_decoder", recurrent_forecaster(fed, "lstm", (3, 5), decoder="autoregressive")
    yield "bare_decoder", recurrent_forecaster(plain, "gru", (5,), decoder="autoregressive")
    yield "hard", recurrent_forecaster(full, "lstm", (5,), gates="hard_sigmoid")
    yield "before", recurrent_forecaster(full, "gru", (5,), reset_after=False)
    yield "keras2", recurrent_forecaster(plain, "lstm", (5,), gates="hard_sigmoid_keras2")


NETS = {"branched": branched(), "binary": binary(), **dict(forecasters())}
OF_PICTURES = ("branched", "binary")
NOT_IN_TORCH = ("hard", "before", "keras2")
NOT_IN_KERAS = ("keras2",)
NOT_IN_H5 = ("masked_decoder",)  # its last known value is found by operations, which .h5 does not hold


def window(calendar, *, masked):
    draw = np.random.default_rng(1)
    known = (draw.random((5, L, F)) > 0.3 * masked).astype(np.float32)
    values = draw.normal(size=known.shape).astype(np.float32) * known
    return {"values": values, "known": known, "calendar": draw.normal(size=(5, L + P, calendar)).astype(np.float32)}


def random_variables(net, inputs):
    draw = np.random.default_rng(2)
    shapes = jax.eval_shape(lambda: {"params": {}} | dict(net.init(jax.random.key(0), inputs)))
    return jax.tree.map(lambda leaf: draw.uniform(0.1, 0.6, leaf.shape).astype(np.float32) - 0.05, shapes)


def exported_of(name):
    """The net called `name`, and inputs other than those that the export compares on."""
    net = NETS[name]
    if name in OF_PICTURES:
        whole, inputs, makers = PIXELS, {"pixels": PIXELS}, (keras_pictures, torch_pictures)
    else:
        scaled = net.layers[0]
        whole = window(scaled.calendar, masked=scaled.mask)
        inputs = {each: array for each, array in whole.items() if each != "known" or scaled.mask}
        inputs = {each: array for each, array in inputs.items() if array.size}
        makers = (keras_series, torch_series)
    variables = random_variables(net, whole)
    outputs = np.asarray(apply_of(net)(variables, whole, None)[0])
    leaves = [leaves_of(variables)]
    return ExportedNet(name, net, leaves, inputs, outputs, makers[0].KERAS_LAYERS, makers[1].TORCH_LAYERS, "x", "y", {})


def close(theirs, ours):
    """To 1e-6 of the largest number."""
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-6 * max(np.abs(ours).max(), 1e-3))


@pytest.mark.needs_torch
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETS if name not in NOT_IN_TORCH])
def test_a_net_computes_the_same_in_torch(name, tmp_path):
    import torch

    exported = exported_of(name)
    save_torch(exported, tmp_path / "net.pth")
    scope = {"__name__": "net"}
    exec((tmp_path / "net.py").read_text(), scope)
    net = scope["Net"]().eval()
    net.load_state_dict(torch.load(tmp_path / "net.pth", weights_only=True))
    inputs = [torch.from_numpy(each) for each in exported.inputs.values()]
    inputs = [each.permute(0, 3, 1, 2) if each.ndim == 4 else each for each in inputs]
    close(net(*inputs).detach().numpy(), exported.outputs)


@pytest.mark.needs_keras
@pytest.mark.slow
@pytest.mark.filterwarnings("default:__array__ implementation:DeprecationWarning")  # Keras 3.15 with NumPy 2.4
@pytest.mark.parametrize("name", [name for name in NETS if name not in NOT_IN_KERAS])
def test_a_net_computes_the_same_in_keras(name, tmp_path):
    exported = exported_of(name)
    inputs = {each: array.astype(np.float32) for each, array in exported.inputs.items()}
    for suffix in (".keras", ".h5"):
        if suffix == ".h5" and name in NOT_IN_H5:
            continue
        save_keras(exported, tmp_path / f"net{suffix}")
        import keras

        model = keras.saving.load_model(tmp_path / f"net{suffix}")
        close(np.asarray(model(inputs if len(inputs) > 1 else next(iter(inputs.values())))), exported.outputs)


@pytest.mark.needs_keras
@pytest.mark.slow
@pytest.mark.filterwarnings("default:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_our_own_reader_takes_a_forecaster_back_bit_for_bit(name, suffix, tmp_path):
    exported = exported_of(name)
    save_keras(exported, tmp_path / f"net{suffix}")
    leaves, description = forecaster_leaves(tmp_path / f"net{suffix}")
    [wanted] = exported.members
    assert set(leaves) == set(wanted) and all((leaves[each] == array).all() for each, array in wanted.items())
    assert (description.kind, description.shape, description.gates_stated) == (name, (P, F), name != "rnn")


@pytest.mark.needs_torch
@pytest.mark.parametrize("name", NOT_IN_TORCH)
def test_gates_that_torch_lacks_are_refused(name, tmp_path, refusal):
    with refusal("resets before" if name == "before" else "has gates of hard_sigmoid", "export to .safetensors"):
        save_torch(exported_of(name), tmp_path / "net.pth")
    assert not list(tmp_path.glob("net*"))


@pytest.mark.needs_keras
@pytest.mark.slow
@pytest.mark.filterwarnings("default:__array__ implementation:DeprecationWarning")
def test_what_keras_lacks_is_refused(tmp_path, refusal):
    with refusal("hard_sigmoid of Keras 2", "export to .safetensors or .npz"):
        save_keras(exported_of("keras2"), tmp_path / "net.keras")
    with refusal("from .h5", "export to .keras"):
        save_keras(exported_of("masked_decoder"), tmp_path / "net.h5")
    long = recurrent_forecaster(ForecastSpec(97, F, calendar=2), "rnn", (5,), decoder="autoregressive")
    with refusal("97 steps", "at most 96", "export to .pth"):
        save_keras(exported_of("rnn_decoder")._replace(net=long), tmp_path / "net.keras")
    assert not list(tmp_path.glob("net*"))


def test_a_layer_without_a_match_is_refused(refusal):
    net = sequence(Rescale(name="rescale"), Affine(name="affine"))
    with refusal("the layer affine has no match in", "export to .safetensors or .npz"):
        torch_source(exported_of("binary")._replace(net=net), "net.pth")


@pytest.mark.needs_torch
def test_nothing_is_written_that_computes_otherwise(tmp_path, refusal):
    exported = exported_of("dense")
    with refusal("PyTorch computes other outputs", "nothing is written. Export to .safetensors"):
        save_torch(exported._replace(outputs=exported.outputs + 0.01), tmp_path / "net.pth")
    assert not list(tmp_path.glob("net*"))


def test_the_layout_of_torch_is_ours_turned():
    leaves = {"conv1/kernel": np.arange(36.0).reshape(3, 3, 1, 4), "conv1/bias": np.zeros(4)}
    leaves |= {"logits/kernel": np.arange(72.0).reshape(36, 2), "logits/bias": np.zeros(2)}
    pixels = np.zeros((1, 5, 5, 1), np.uint8)
    exported = exported_of("binary")._replace(net=cnn((4,), (), 2), members=[leaves], inputs={"pixels": pixels})
    state = torch_state(exported)
    assert (
        state["conv1.weight"].shape == (4, 1, 3, 3)
        and state["logits.weight"].tolist() == leaves["logits/kernel"].T.tolist()
    )
    assert state["conv1.weight"][2, 0, 1, 2] == leaves["conv1/kernel"][1, 2, 0, 2]


def test_the_source_compiles_and_says_what_it_reads():
    leaves = {"dense1/kernel": np.zeros((64, 3)), "dense1/bias": np.zeros(3)}
    leaves |= {"logits/kernel": np.zeros((3, 2)), "logits/bias": np.zeros(2)}
    exported = exported_of("binary")._replace(
        net=dense_wired((3,), 2), members=[leaves], title='a "net"', reads="pixels [B, 1, 8, 8]"
    )
    source = torch_source(exported, "net.pth")
    compile(source, "net.py", "exec")
    assert '"""pixels [B, 1, 8, 8] -> y."""' in source and 'torch.load("net.pth"' in source and "a 'net'" in source
