import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.forecasters import ForecastSpec, recurrent_forecaster
from research.models.lowering import convolution
from research.models.network import beyond, upto
from research.models.squeezenet import squeezenet
from research.models.summary import summarize
from research.models.taps import run_taps
from research.models.vgg16 import vgg16

VGG16 = [f"block{b}_conv{c}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, n + 1)]
VGG16 += [f"block{block}_pool" for block in range(1, 6)] + ["fc1", "fc2", "predictions"]


def abstract(net, side):
    pixels = jax.ShapeDtypeStruct((1, side, side, 3), np.uint8)
    return jax.eval_shape(net.init, jax.random.key(0), pixels)["params"], pixels


def work(net, names, side):
    """What the taps run: matrix products as written, and floating point operations once compiled."""
    traced = jax.jit(lambda params, pixels: run_taps(net, params, pixels, names)).trace(*abstract(net, side))
    written = str(traced.jaxpr)
    products = written.count(" dot_general[") + written.count(" conv_general_dilated[")
    return products, traced.lower().compile().cost_analysis()["flops"]


@pytest.mark.slow
def test_every_layer_has_its_keras_name():
    params, pixels = abstract(vgg16(include_top=True), 224)
    shapes = jax.eval_shape(lambda p, x: run_taps(vgg16(include_top=True), p, x, VGG16), params, pixels)
    assert set(shapes) == set(VGG16) and shapes["block4_conv3"].shape == (1, 28, 28, 512)
    assert shapes["fc1"].shape == (1, 4096) and shapes["predictions"].shape == (1, 1000)


@pytest.mark.parametrize(
    ("net", "names", "needed"),
    [
        (vgg16(), ["block1_conv1"], VGG16[:1]),
        (vgg16(), ["block2_pool", "block1_conv1/pre"], VGG16[:4]),
        (squeezenet(), ["fire2/expand1x1"], ["conv1", "fire2/squeeze1x1", "fire2/expand1x1"]),
        (
            squeezenet(),
            ["fire2/expand3x3", "fire2/expand1x1"],
            ["conv1", *(f"fire2/{p}" for p in ("squeeze1x1", "expand1x1", "expand3x3"))],
        ),
    ],
)
def test_no_layer_is_computed_that_no_tap_needs(net, names, needed, monkeypatch):
    monkeypatch.setattr(convolution, "choose_lowering", lambda *_: "xla")  # one product a layer, none saved
    own = sum(2 * row["multiply_adds"] for row in summarize(net, (64, 64, 3)) if row["name"] in needed)
    products, operations = work(net, names, 64)
    assert products == len(needed)
    assert 0.95 * own <= operations < 1.1 * own  # without padding, with activations and pooling


@pytest.mark.slow
def test_taps_are_those_of_the_whole_net_from_the_parameters_that_they_need():
    net, pixels = squeezenet(), np.random.default_rng(0).integers(0, 256, (2, 48, 40, 3)).astype(np.uint8)
    generator = np.random.default_rng(1)
    params = jax.tree.map(
        lambda leaf: jnp.asarray(generator.normal(0, 0.1, leaf.shape), "float32"), abstract(net, 48)[0]
    )
    names = ["fire3/squeeze1x1/pre", "fire2/concat", "preprocess"]
    whole = jax.jit(net.apply)({"params": params}, pixels)[1]
    few = {name: params[name] for name in upto(net, "fire3/squeeze1x1").names if name in params}
    found = run_taps(net, few, pixels, names)
    assert list(found) == names and len(few) == 5
    for name in names:
        np.testing.assert_allclose(found[name], whole[name], rtol=1e-5, atol=1e-4)


def test_the_last_layer_gives_logits_or_probabilities():
    settings = {"include_top": True, "classes": 7}
    tail, shares = (beyond(vgg16(probabilities=p, **settings), "fc2") for p in (False, True))
    hidden = jax.random.normal(jax.random.key(1), (3, 4096))
    params = jax.jit(tail.init)(jax.random.key(0), hidden)
    logits, taps = shares.apply(params, hidden)[1]["predictions/pre"], shares.apply(params, hidden)[1]
    np.testing.assert_array_equal(logits, tail.apply(params, hidden)[0])
    np.testing.assert_allclose(taps["predictions"], jax.nn.softmax(logits), rtol=1e-6)
    np.testing.assert_allclose(taps["predictions"].sum(axis=1), 1, rtol=1e-5)


def test_an_unknown_tap_names_the_nearest_and_all():
    with pytest.raises(
        UserError, match=r"no layer block3_con2; did you mean block3_conv2\?.*block1_conv1, .*block5_pool"
    ):
        run_taps(vgg16(), {}, jnp.zeros((1, 32, 32, 3)), ["block3_con2"])
    with pytest.raises(UserError, match="no tap block3_pool/pre"):
        run_taps(vgg16(), {}, jnp.zeros((1, 32, 32, 3)), ["block3_pool/pre"])


def test_pictures_of_a_size_that_the_net_cannot_take_are_refused_before_it_runs():
    params = {"fc1": {"kernel": np.zeros((25088, 4096), "float32"), "bias": np.zeros(4096, "float32")}}
    with pytest.raises(
        UserError, match=r"pictures of 31x40 are smaller .*: nothing is left at block5_pool; it takes 32x32 or more$"
    ):
        run_taps(vgg16(), {}, np.zeros((1, 31, 40, 3), np.uint8), ["block5_pool"])
    with pytest.raises(
        UserError, match=r"fc1 would have \(2048 \+ 1\)\*4096 = 8,392,704 .*its weights have 102,764,544"
    ):
        run_taps(vgg16(include_top=True), params, np.zeros((1, 64, 64, 3), np.uint8), ["fc1"])


def test_what_a_layer_carries_is_run_by_no_more_than_the_layer_and_named_among_the_taps(window):
    net, read = recurrent_forecaster(ForecastSpec(4, 3, calendar=2), "lstm", (5, 5)), window()
    params = jax.jit(net.init)(jax.random.key(0), read)["params"]
    found = run_taps(net, {"lstm1": params["lstm1"]}, read, ["lstm1/cell", "lstm1"])
    assert list(found) == ["lstm1/cell", "lstm1"] and found["lstm1/cell"].shape == (2, 6, 5)
    np.testing.assert_array_equal(found["lstm1/cell"], net.apply({"params": params}, read)[1]["lstm1/cell"])
    with pytest.raises(
        UserError, match=r"no layer lstm1/cel; did you mean lstm1/cell\? \(.*lstm1, lstm1/cell, lstm1/last, lstm2,"
    ):
        run_taps(net, params, read, ["lstm1/cel"])
    with pytest.raises(UserError, match="no layer last/cell"):
        run_taps(net, params, read, ["last/cell"])
    with pytest.raises(UserError, match="no tap lstm1/pre"):
        run_taps(net, params, read, ["lstm1/pre"])
