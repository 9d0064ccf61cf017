"""VGG16 and SqueezeNet against real Keras and torch layers, on weights from fixed random streams (golden/make.py)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.network import beyond, sequence
from research.models.squeezenet import squeezenet
from research.models.taps import run_taps
from research.models.vgg16 import base, vgg16
from research.trees import from_named, named_leaves
from research.weights.conversion import convert
from research.weights.mapping import plan_conversion
from research.weights.weight_file import WeightFile

TOLERANCE = {jnp.float32: 1e-5, jnp.bfloat16: 2e-2}  # relative L2
CLEARLY = 5 * TOLERANCE[jnp.bfloat16]  # what a mistake must be off by


def structure(net, side):
    return jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct((1, side, side, 3), np.uint8))["params"]


def keras_params(streams, net, side=32):
    """The weights that make.py gave to Keras; made leaf by leaf, so that few are there twice."""
    like = structure(net, side)
    leaves = {n: jnp.asarray(streams.keras_weight(n, leaf.shape)) for n, leaf in named_leaves(like).items()}
    return from_named(leaves, like)


def torch_params(streams, net, shapes, architecture, side=32):
    """The weights that make.py gave to torch, ported from torch's names and axes by our tables."""
    plan = plan_conversion(WeightFile("state", "torch", streams.torch_state(shapes), "", "", {}, {}), architecture)
    assert plan.convention == "torch"
    like = structure(net, side)
    ported = convert(plan, {name: leaf.shape for name, leaf in named_leaves(like).items()})
    return from_named({name: jnp.asarray(leaf) for name, leaf in ported.items()}, like)


def cast(params, dtype):
    return jax.tree.map(lambda leaf: leaf.astype(dtype), params)


@pytest.fixture
def errors(streams, golden):
    """`errors(case, taps)`: {tap: relative error}; `errors(case)`: the taps that the case has."""

    def measure(case, taps=None):
        names = [name.split("/", 1)[1] for name in golden if name.startswith(f"{case}/")]
        if taps is None:
            return [name for name in names if name != "logits"]
        return {name: streams.distance(streams.digest(x), golden[f"{case}/{name}"]) for name, x in taps.items()}

    return measure


def relative(found, wanted):
    return np.linalg.norm(np.asarray(found, np.float64) - wanted) / np.linalg.norm(wanted)


@pytest.fixture(scope="module")
def small(streams):
    return streams.picture("small", 2, 64, 48)


@pytest.fixture(scope="module")
def params(streams):
    return keras_params(streams, vgg16())


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_activation_of_any_size_is_that_of_keras(errors, small, params, dtype):
    taps = run_taps(vgg16(), cast(params, dtype), small, errors("keras"))
    assert len(taps) == 18 and all(x.dtype == dtype for x in taps.values())
    found = errors("keras", taps)
    assert max(found.values()) < TOLERANCE[dtype], found


@pytest.mark.slow
def test_a_batch_in_which_layers_are_lowered_otherwise_is_the_same(errors, small, params):
    names = ["block1_conv1", "block1_conv2", "block2_conv1"]
    taps = run_taps(vgg16(), params, np.tile(small, (8, 1, 1, 1)), names)
    found = errors("keras", {name: x[:2] for name, x in taps.items()})
    assert max(found.values()) < TOLERANCE[jnp.float32], found


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_squeezenet_is_that_of_torch(streams, errors, small, dtype):
    net = squeezenet(convention="torch")
    ported = torch_params(streams, net, streams.torch_squeezenet_shapes(), "squeezenet")
    found = errors("torch_squeezenet", run_taps(net, cast(ported, dtype), small, errors("torch_squeezenet")))
    assert len(found) == 12 and max(found.values()) < TOLERANCE[dtype], found


@pytest.mark.slow
def test_the_whole_vgg16_is_that_of_keras_and_a_wrong_flatten_is_not(streams, golden, errors):
    net, pictures = vgg16(include_top=True), streams.picture("large", 1, 224, 224)
    full = keras_params(streams, net, 224)
    for dtype, tolerance in TOLERANCE.items():
        taps = run_taps(net, cast(full, dtype), pictures, errors("keras_top"))
        found = errors("keras_top", taps)
        assert len(found) == 21 and max(found.values()) < tolerance, found
        assert relative(taps["predictions"], golden["keras_top/logits"]) < tolerance
    for axes, right in (((0, 1, 2, 3), True), ((0, 3, 1, 2), False)):  # rows of channels, or planes as in torch
        flat = taps["block5_pool"].transpose(axes).reshape(1, -1)
        top = {name: full[name] for name in ("fc1", "fc2", "predictions")}
        logits, _ = beyond(net, "flatten").apply({"params": top}, flat)
        assert (relative(logits, golden["keras_top/logits"]) < CLEARLY) == right


@pytest.mark.slow
def test_the_whole_vgg16_is_that_of_torch(streams, golden, errors):
    net = vgg16(include_top=True, convention="torch")
    full = torch_params(streams, net, streams.torch_vgg16_shapes(), "vgg16", 224)
    taps = run_taps(net, full, streams.picture("large", 1, 224, 224), errors("torch_top"))
    found = errors("torch_top", taps)
    assert len(found) == 21 and max(found.values()) < TOLERANCE[jnp.float32], found
    assert relative(taps["predictions"], golden["torch_top/logits"]) < TOLERANCE[jnp.float32]


def without_relu(name):
    return sequence(*(layer.clone(activation="linear") if layer.name == name else layer for layer in base()))


def without_bias(params, name):
    return params | {name: params[name] | {"bias": jnp.zeros_like(params[name]["bias"])}}


@pytest.mark.slow
def test_mistakes_are_seen(errors, small, params):
    seen = {
        "swapped channels": (vgg16(), params, small[..., ::-1]),
        "another convention": (vgg16(convention="torch"), params, small),
        "a missing ReLU": (without_relu("block1_conv2"), params, small),
        "rows for columns": (vgg16(), params, small[:, ::-1]),
        "0-1 for 0-255": (vgg16(), params, small / np.float32(255)),
    }
    for mistake, (net, own, pictures) in seen.items():
        found = errors("keras", run_taps(net, own, pictures, ["block1_conv2", "block2_pool"]))
        assert min(found.values()) > CLEARLY, (mistake, found)
    found = errors("keras", run_taps(vgg16(), without_bias(params, "block1_conv2"), small, ["block1_conv2"]))
    assert found["block1_conv2"] > TOLERANCE[jnp.bfloat16], found
