"""Exemplars of filters whose best picture is known; of a first layer's neurons, that is their kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.ascent.gradient_ascent import NetCost
from research.ascent.parameterizations import Fourier, Pixels
from research.ascent.steps import AscentConfig
from research.ascent.transforms import Jitter
from research.errors import UserError
from research.microscope.exemplars import REACH, cost_of, exemplars, middle, neurons
from research.models.layers import Concat, Conv, Dense, Flatten, MaxPool, Rescale
from research.models.network import INPUT, network, sequence, upto, wire
from research.models.squeezenet import squeezenet
from research.models.vgg16 import vgg16

SHAPE = (12, 12, 1)
GLYPH = np.array([[1, 1, 1, 1, 1], [-1, -1, 1, -1, -1], [-1, -1, 1, -1, -1], [-1, -1, 1, -1, -1], [-1, -1, 1, -1, -1]])
CONFIG = AscentConfig(steps=40)


def detector(biases=(0.0, 0.0, 0.0, -60.0, 0.0)):
    """conv: a T, its negative, a filter of zeros, one that is silent on gray, one of nothing but a bias; then dense."""
    net = sequence(Rescale(1 / 127.5, -1.0, name="rescale"), Conv(5, size=(5, 5), name="conv"), MaxPool(name="pool"))
    params = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, *SHAPE)))["params"]
    kernel = np.zeros((5, 5, 1, 5), np.float32)
    kernel[..., 0, 0], kernel[..., 0, 1], kernel[..., 0, 3] = GLYPH, -GLYPH, 5 * GLYPH
    return net, params | {"conv": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray([*biases[:4], 1.0])}}


def correlation(one, other):
    one, other = one - one.mean(), other - other.mean()
    return (one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other)


@pytest.mark.slow
def test_a_neurons_exemplar_is_its_glyph_and_nothing_else():
    net, params = detector()
    for index, sign in ((0, 1), (1, -1), (3, 1)):
        (found,) = exemplars(net, params, "conv", Pixels(SHAPE, 0.05), CONFIG, filters=[index], position=(3, 4))
        picture = found.pictures[0, ..., 0].astype(float) / 127.5 - 1
        assert correlation(picture[3:8, 4:9], sign * GLYPH) > 0.99
        outside = np.ones(SHAPE[:2], bool)
        outside[3:8, 4:9] = False
        assert np.abs(picture[outside]).max() < 0.3  # what it started from


@pytest.mark.slow
def test_dead_and_revived_filters_are_named():
    net, params = detector()
    found = exemplars(net, params, "conv", Pixels(SHAPE, 0.05), CONFIG)
    assert [each.filter for each in found] == [0, 1, 2, 3, 4]
    assert [each.status for each in found] == ["alive", "alive", "dead", "revived", "dead"]
    assert found[3].curve[0] < 0 < found[3].score
    never, params = detector((0.0, 0.0, 0.0, -1000.0, 0.0))
    assert exemplars(never, params, "conv", Pixels(SHAPE), CONFIG, filters=[3])[0].status == "dead"


@pytest.mark.slow
def test_a_filter_that_noise_does_not_wake_is_found_from_a_picture_that_does():
    """Two steps from noise are too few for it, and from its glyph, which excites it, they are enough."""
    net, params = detector()
    glyph = np.full(SHAPE, 127.5, np.float32)
    glyph[3:8, 4:9, 0] += 100 * GLYPH
    strong = params | {"conv": params["conv"] | {"bias": jnp.asarray([0.0, 0.0, 0.0, -80.0, 1.0])}}
    short, fourier = AscentConfig(steps=2), Fourier(jnp.ones((1, 1)), SHAPE)
    for parameterization in (Pixels(SHAPE, 0.05), fourier):
        starts = {3: glyph, 2: glyph}
        of = (net, strong, "conv", parameterization, short)
        assert [each.status for each in exemplars(*of, filters=[3, 2])] == ["dead", "dead"]
        found = exemplars(*of, filters=[3, 2], starts=starts)
        assert [each.status for each in found] == ["from a patch", "dead"] and found[0].score > 0
        assert correlation(found[0].pictures[0, 3:8, 4:9, 0].astype(float), GLYPH) > 0.9


def test_a_filter_that_more_of_the_same_everywhere_would_not_wake_is_woken_somewhere():
    """An edge of a pixel: the mean over all positions grows at the picture's border alone, by half of what it takes."""
    net = sequence(Rescale(1 / 127.5, -1.0, name="rescale"), Conv(1, size=(1, 2), name="conv"))
    kernel = jnp.asarray([-1.0, 1.0]).reshape(1, 2, 1, 1)
    params = {"conv": {"kernel": kernel, "bias": jnp.asarray([-1.5])}}
    (found,) = exemplars(net, params, "conv", Pixels(SHAPE, 0.05), CONFIG)
    assert found.status == "revived" and found.score > 0


@pytest.mark.slow
def test_scores_are_the_responses_of_the_pictures():
    net, params = detector()
    fourier = Fourier(jnp.ones((1, 1)), SHAPE)
    for each in exemplars(net, params, "conv", fourier, CONFIG, filters=[1, 0]):
        tap = net.apply({"params": params}, each.pictures)[1]["conv"]
        assert each.score == pytest.approx(float(tap[..., each.filter].mean()), rel=0.02)  # pictures are whole numbers


@pytest.mark.slow
def test_channels_of_a_concatenation_are_those_of_its_branches():
    handle = wire(Rescale(name="rescale"), INPUT)
    one, three = wire(Conv(3, size=(1, 1), name="one"), handle), wire(Conv(4, padding="same", name="three"), handle)
    net = network(wire(Dense(2, name="out"), wire(Flatten(name="flat"), wire(Concat(name="both"), one, three))))
    params = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, *SHAPE)))["params"]
    found = exemplars(net, params, "both", Pixels(SHAPE), CONFIG, filters=[5, 1])
    assert [each.filter for each in found] == [5, 1]
    for each in found:
        tap = net.apply({"params": params}, each.pictures)[1]["both"]
        assert each.score == pytest.approx(float(tap[..., each.filter].mean()), rel=0.02)


@pytest.mark.slow
def test_a_variety_is_several_pictures_that_a_filter_likes():
    net, params = detector()
    (found,) = exemplars(net, params, "conv", Pixels(SHAPE), AscentConfig(steps=40, pictures=3), filters=[0])
    assert found.pictures.shape == (3, *SHAPE)
    assert len({each.tobytes() for each in found.pictures}) == 3


def test_a_filter_that_is_not_there_is_refused():
    net, params = detector()
    for wrong in (-1, 5):
        with pytest.raises(UserError, match=rf"conv has no filter {wrong}; its 5 filters are 0 to 4"):
            exemplars(net, params, "conv", Pixels(SHAPE), CONFIG, filters=[wrong])


def test_a_net_is_batched_where_winograds_convolution_is_most_of_its_work():
    """VGG16's first block at 96 pixels is; a net of 5x5 kernels is not, nor a first layer that reads three channels."""
    assert cost_of(upto(vgg16(), "block2_conv1"), (96, 96, 3)) == NetCost(96 * 96 * 64, 112_576, True)
    assert cost_of(upto(vgg16(), "block1_conv1"), (96, 96, 3)) == NetCost(96 * 96 * 64, 1_792, False)
    assert cost_of(upto(squeezenet(), "fire5/squeeze1x1"), (96, 96, 3)).largest == 47 * 47 * 64
    fives = sequence(Conv(16, (5, 5), name="a"), Conv(16, (5, 5), name="b"))
    assert cost_of(fives, (20, 18, 3)) == NetCost(16 * 14 * 16, 1_216 + 6_416, False)


SMALL_SHAPE = (9, 8, 2)
SMALL_CONFIG = AscentConfig(steps=100, transforms=(Jitter(2),))


def parameterize(rows, columns):
    return Pixels((rows.stop - rows.start, columns.stop - columns.start, SMALL_SHAPE[2]))


def small_net():
    net = sequence(
        Rescale(name="rescale"),
        Conv(6, size=(3, 4), padding="same", name="conv"),
        MaxPool(name="pool"),
        Conv(3, name="deep"),
        Flatten(name="flatten"),
        Dense(2, name="logits"),
    )
    return net, jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, *SMALL_SHAPE)))["params"]


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_a_first_layers_neuron_wants_its_kernel_whatever_its_scale(scale):
    net, params = small_net()
    kernel = np.asarray(params["conv"]["kernel"])
    params = params | {"conv": {"kernel": scale * params["conv"]["kernel"], "bias": jnp.zeros(6)}}
    for each in neurons(net, params, "conv", SMALL_SHAPE, parameterize, SMALL_CONFIG):
        found, wanted = each.pictures[0] / 127.5 - 1, kernel[..., each.filter]
        np.testing.assert_allclose(found, REACH * wanted / np.abs(wanted).max(), atol=0.02)


@pytest.mark.slow
def test_a_deeper_neurons_picture_is_its_receptive_field():
    net, params = small_net()
    for each in neurons(net, params, "deep", SMALL_SHAPE, parameterize, SMALL_CONFIG, filters=[2, 0]):
        assert each.pictures.shape == (1, 8, 7, 2) and each.pictures.dtype == np.uint8  # its columns 1 to 9, of 0 to 7


@pytest.mark.slow
def test_a_pools_neuron_and_one_before_its_nonlinearity_want_what_the_filter_does():
    net, params = small_net()
    [filtered] = neurons(net, params, "conv", SMALL_SHAPE, parameterize, SMALL_CONFIG, filters=[1])
    [before] = neurons(net, params, "conv/pre", SMALL_SHAPE, parameterize, SMALL_CONFIG, filters=[1])
    [pooled] = neurons(net, params, "pool", SMALL_SHAPE, parameterize, SMALL_CONFIG, filters=[1])
    np.testing.assert_allclose(before.pictures, filtered.pictures.astype(float), atol=3)
    assert pooled.pictures.shape == (1, 4, 5, 2) and pooled.score >= 0.8 * filtered.score


def test_the_middle():
    net, _ = small_net()
    assert middle(net, "conv/pre", SMALL_SHAPE) == (4, 4) and middle(net, "pool", SMALL_SHAPE) == (2, 2)
    assert middle(net, "flatten", SMALL_SHAPE) == middle(net, "logits", SMALL_SHAPE) == ()
    with pytest.raises(ValueError, match="logits has no positions"):
        neurons(*small_net(), "logits", SMALL_SHAPE, parameterize, SMALL_CONFIG)
