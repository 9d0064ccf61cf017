import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.network import beyond, upto
from research.models.squeezenet import squeezenet
from research.models.summary import summarize
from research.models.transfer import frozen_layers, split_net, transfer_net
from research.models.vgg16 import vgg16
from research.trees import named_leaves


def count(net, side):
    return sum(row["parameters"] for row in summarize(net, (side, side, 3)))


def test_golden_counts_and_shapes():
    assert count(vgg16(include_top=True), 224) == 138_357_544
    assert count(vgg16(), 224) == 14_714_688
    assert count(squeezenet(), 224) == 722_496
    rows = {row["name"]: row for row in summarize(vgg16(include_top=True), (224, 224, 3))}
    assert rows["block5_pool"]["output_shape"] == [7, 7, 512]
    assert rows["flatten"]["output_shape"] == [25_088]
    assert rows["block5_conv3"]["receptive_field"] == [196, 196]


@pytest.mark.parametrize("pooling", ["none", "avg", "max"])
def test_vgg16_takes_any_picture_from_32_pixels_on(pooling):
    shape = summarize(vgg16(pooling=pooling), (32, 47, 3))[-1]["output_shape"]
    assert shape == ([1, 1, 512] if pooling == "none" else [512])


def test_preprocessing_is_the_convention_of_the_weights():
    pixels = jnp.array([[[[10, 20, 30]]]], jnp.uint8)
    caffe = upto(vgg16(), "preprocess").apply({}, pixels)[0]
    np.testing.assert_allclose(caffe[0, 0, 0], [30 - 103.939, 20 - 116.779, 10 - 123.68], rtol=1e-6)
    torch = upto(vgg16(convention="torch"), "preprocess").apply({}, pixels)[0]
    wanted = (np.array([10, 20, 30]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(torch[0, 0, 0], wanted, rtol=1e-5)


@pytest.fixture(scope="module")
def small():
    net = transfer_net("squeezenet", "caffe", 3, hidden=(5,))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 47, 40, 3)).astype(np.uint8)
    params = jax.jit(net.init)(jax.random.key(0), pixels)["params"]
    return net, params, pixels


def own(net, params):
    return {"params": {name: params[name] for name in net.names if name in params}}


@pytest.mark.slow
@pytest.mark.parametrize("fine_tune", [0, 1, 2, 3, 6])
def test_below_and_above_the_cut_are_the_whole(small, fine_tune):
    net, params, pixels = small
    frozen = frozen_layers(net, fine_tune)
    parts = split_net(net, frozen)
    halfway = parts.below.apply(own(parts.below, params), pixels)[0]
    found = parts.above.apply(own(parts.above, params), halfway)[0]
    np.testing.assert_array_equal(found, net.apply({"params": params}, pixels)[0])
    leaves = [set(named_leaves(own(part, params))) for part in parts]
    assert not leaves[0] & leaves[1] and leaves[0] | leaves[1] == set(named_leaves({"params": params}))
    beside = {1: ["fire9/expand1x1"]}  # frozen, but beside what is trained
    above = [name for name in parts.above.names if name in frozen]
    assert above == beside.get(fine_tune, [])


def test_dropout_stays_above_the_cut():
    net = transfer_net("squeezenet", "caffe", 2, hidden=(5,), dropout=0.5)
    parts = split_net(net, [*frozen_layers(net, 0), "head/dense1"])
    assert parts is not None and parts.below.names[-1] == "head/pool"


@pytest.mark.slow
def test_where_the_first_layer_is_trained_there_is_no_cut(small):
    assert split_net(small[0], frozen_layers(small[0], 25)) is None
    assert split_net(small[0], [name for name in frozen_layers(small[0], 0) if name != "conv1"]) is None
    with pytest.raises(UserError, match="has 25 layers"):
        frozen_layers(small[0], 26)


def test_an_unknown_layer_gives_the_list():
    with pytest.raises(ValueError, match=r"no layer block9.*block1_conv1, block1_conv2"):
        upto(vgg16(), "block9")
    with pytest.raises(ValueError, match="not the only way"):
        beyond(squeezenet(), "fire2/expand1x1")
