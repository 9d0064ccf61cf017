import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.microscope import saliency
from research.microscope.saliency import cam_layers, grad_cam, gradient, upsampled_activation
from research.models.classifiers import cnn, dense_sequence
from research.models.layers import Conv, Dense, Flatten, GlobalPool, MaxPool, Rescale
from research.models.network import sequence, upto
from research.models.receptive_fields import receptive_field
from research.models.squeezenet import squeezenet
from research.models.summary import summarize
from research.models.transfer import transfer_net
from research.models.vgg16 import vgg16

IMAGE = np.random.default_rng(0).integers(0, 256, (14, 12, 3)).astype(np.uint8)


def random_params(net):
    shapes = jax.eval_shape(net.init, jax.random.key(0), IMAGE[None])["params"]
    generator = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: generator.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)


def cam_net(*between):
    """A convolution, what is between, the mean over positions, a dense layer: where Grad-CAM is CAM."""
    return sequence(
        Rescale(1 / 255, name="rescale"),
        Conv(5, padding="same", name="maps"),
        *between,
        GlobalPool(name="mean"),
        Dense(4, activation="linear", name="logits"),
    )


def class_activation_map(net, params, index):
    """relu(sum_k w_k A_k) (Zhou et al. 2016, eq. 2), largest 1."""
    maps = upto(net, "maps").apply({"params": params}, IMAGE[None])[0][0]
    evidence = np.maximum(np.asarray(maps @ params["logits"]["kernel"][:, index]), 0)
    return evidence / evidence.max()


@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_the_gradient_of_a_linear_net_is_its_weight(activation):
    net = sequence(Flatten(name="flatten"), Dense(3, activation=activation, name="logits"))
    params = random_params(net)
    for index in range(3):
        weight = np.asarray(params["logits"]["kernel"])[:, index].reshape(IMAGE.shape)
        np.testing.assert_array_equal(gradient(net, params, IMAGE, index), np.abs(weight).max(axis=-1))


def test_the_gradient_is_per_unit_of_the_picture():
    net, image = dense_sequence((6,), 3), IMAGE.astype(np.float32)
    params = random_params(net)
    found = gradient(net, params, IMAGE, 1)
    logit = jax.jit(lambda x: net.apply({"params": params}, x[None])[0][0, 1])
    for row, column in ((0, 0), (7, 3), (13, 11)):
        moved = [np.copy(image) for _ in range(3)]
        for channel in range(3):
            moved[channel][row, column, channel] += 1
        slopes = [abs(logit(each) - logit(image)) for each in moved]
        np.testing.assert_allclose(found[row, column], max(slopes), rtol=0.02, atol=1e-6)


@pytest.mark.parametrize("between", [(), (MaxPool(name="pool"),)])  # a pool reads what stands before the nonlinearity
def test_grad_cam_is_cam_where_cam_is_defined(between):
    net = cam_net(*between)
    params = random_params(net)
    for index in range(4):
        np.testing.assert_allclose(
            grad_cam(net, params, IMAGE, index), class_activation_map(net, params, index), atol=1e-5
        )


def test_a_softmax_changes_nothing():
    net, params = cam_net(), random_params(cam_net())
    shares = sequence(*net.layers[:-1], Dense(4, activation="softmax", name="logits"))
    for explain in (grad_cam, gradient):
        np.testing.assert_array_equal(explain(shares, params, IMAGE, 2), explain(net, params, IMAGE, 2))


def test_grad_cam_is_largest_on_a_planted_glyph():
    """One filter is the glyph, the other its negative; each class adds up what is left of its own after the pool."""
    glyph = np.array([[1, 1, 1, 1, 1], [1, -1, -1, -1, 1], [1, -1, 1, -1, 1], [1, -1, -1, -1, 1], [1, 1, 1, 1, 1]])
    net = sequence(
        Rescale(1 / 255, name="rescale"),
        Conv(2, size=(5, 5), padding="same", name="detectors"),
        MaxPool(name="pool"),
        Flatten(name="flatten"),
        Dense(2, activation="linear", name="logits"),
    )
    kernel = np.stack([glyph, -glyph], axis=-1)[:, :, None].astype(np.float32)
    own = np.tile(np.eye(2, dtype=np.float32), (14 * 14, 1))
    params = {
        "detectors": {"kernel": kernel, "bias": np.full(2, -6, np.float32)},
        "logits": {"kernel": own, "bias": np.zeros(2, np.float32)},
    }
    generator = np.random.default_rng(3)
    for _ in range(8):
        row, column = generator.integers(0, 23, 2)
        image = generator.integers(0, 60, (28, 28, 1))
        image[row : row + 5, column : column + 5, 0] += 150 * (glyph > 0)
        found = grad_cam(net, params, image.astype(np.uint8), 0)
        assert found.shape == (28, 28) and found.max() == 1 and found.min() >= 0
        assert np.unravel_index(found.argmax(), found.shape) == (row + 2, column + 2)


def test_a_class_that_nothing_speaks_for_is_all_zero():
    net = cam_net()
    params = random_params(net)
    kernel = params["logits"]["kernel"] = -abs(params["logits"]["kernel"])
    found = grad_cam(net, params, IMAGE, 0)
    assert not found.any() and found.shape == (14, 12)
    kernel[0, 0] = np.nan
    assert np.isnan(grad_cam(net, params, IMAGE, 0)).all()  # and a broken net is not shown as one of these


def test_two_classes_of_one_unit_are_explained_by_opposite_odds():
    net = cnn((4, 4), (), 2, output="sigmoid")
    params = random_params(net)
    np.testing.assert_array_equal(gradient(net, params, IMAGE, 0), gradient(net, params, IMAGE, 1))
    assert gradient(net, params, IMAGE, 0).any()
    turned = jax.tree.map(np.negative, {"odds": params["odds"]})
    for index in (0, 1):
        found = grad_cam(net, params, IMAGE, index)
        np.testing.assert_array_equal(found, grad_cam(net, params | turned, IMAGE, 1 - index))
    assert grad_cam(net, params, IMAGE, 0).any() or grad_cam(net, params, IMAGE, 1).any()


@pytest.mark.parametrize(
    ("net", "picture", "layer"),
    [
        (cnn((4, 4, 4), (5,), 3, pool_last=True), (28, 28, 1), "conv3"),
        (vgg16(include_top=True), (224, 224, 3), "block5_conv3"),
        (transfer_net("squeezenet", "caffe", 3, hidden=(4,), dropout=0.5), (64, 64, 3), "fire9/concat"),
    ],
)
def test_without_a_layer_it_is_the_last_convolution(net, picture, layer):
    assert saliency._checked_layer(net, np.zeros(picture), None) == layer
    assert layer in cam_layers(net, picture) and "fire9/expand1x1" not in cam_layers(net, picture)


@pytest.mark.slow
def test_a_layer_further_down_can_be_asked_for():
    net = cnn((4, 6), (5,), 3)
    params = random_params(net)
    maps = upto(net, "pool1").apply({"params": params}, IMAGE[None])[0]
    rest = sequence(*net.layers[3:])
    by_map = jax.grad(lambda x: rest.apply({"params": params}, x)[0][0, 2])(maps)
    evidence = jax.nn.relu((by_map.mean(axis=(1, 2)) * maps).sum(axis=-1))[0]
    spread = jax.image.resize(evidence, IMAGE.shape[:2], "bilinear")
    np.testing.assert_allclose(grad_cam(net, params, IMAGE, 2, "pool1"), spread / spread.max(), atol=1e-5)


def test_one_program_serves_all_classes():
    net = cam_net()
    params = random_params(net)
    before = saliency._grad_cam._cache_size(), saliency._gradient._cache_size()
    for index in range(4):
        grad_cam(net, params, IMAGE[:13], index)
        gradient(cam_net(), params, IMAGE[:13], index)
    assert (saliency._grad_cam._cache_size(), saliency._gradient._cache_size()) == (before[0] + 1, before[1] + 1)


def test_what_cannot_be_explained_is_refused():
    net = cnn((4, 4), (5,), 3)
    for explain in (gradient, grad_cam):
        for index in (-1, 3):
            with pytest.raises(UserError, match=rf"no class {index}: the net tells 3 apart, 0 to 2"):
                explain(net, {}, IMAGE, index)
        with pytest.raises(UserError, match="tells no classes apart: it ends in fire9/concat"):
            explain(squeezenet(), {}, np.zeros((64, 64, 3)), 0)
        with pytest.raises(ValueError, match=r"one picture is \[H, W, C\]"):
            explain(net, {}, IMAGE[None], 0)
    with pytest.raises(
        UserError, match=r"no layer conv3; did you mean conv\d\? \(there are rescale, conv1, .*logits\)"
    ):
        grad_cam(net, {}, IMAGE, 0, "conv3")
    for layer in ("dense1", "conv1/pre"):
        with pytest.raises(UserError, match=rf"no Grad-CAM of {layer}: .*\(rescale, conv1, pool1, conv2 are\)"):
            grad_cam(net, {}, IMAGE, 0, layer)
    with pytest.raises(UserError, match=r"no Grad-CAM of fire2/expand1x1: .*fire2/concat"):
        grad_cam(transfer_net("squeezenet", "caffe", 3), {}, np.zeros((64, 64, 3)), 0, "fire2/expand1x1")
    with pytest.raises(UserError, match="no convolution that everything passes"):
        grad_cam(dense_sequence((4,), 3), {}, IMAGE, 0)


STRIDED = sequence(
    Conv(1, stride=(2, 2), padding="same", name="same"),
    MaxPool((3, 2), (2, 2), name="pool"),
    Conv(1, size=(3, 5), padding="same", name="wide"),
    Conv(1, size=(2, 2), name="valid"),
)
SIDES = (37, 30)


def spatial(net):
    return [
        (row["name"], row["output_shape"][:2]) for row in summarize(net, (*SIDES, 1)) if len(row["output_shape"]) == 3
    ]


TAPS = [(net, *tap) for net in (STRIDED, cnn((2, 2, 2), (), 3, padding="same")) for tap in spatial(net)]


@pytest.mark.parametrize(("net", "name", "shape"), TAPS)
def test_one_position_alone_peaks_at_its_fields_middle(net, name, shape):
    field = receptive_field(net, name, (*SIDES, 1))
    for row, column in np.ndindex(*shape):
        activation = np.zeros(shape)
        activation[row, column] = 3
        found = upsampled_activation(activation, field, SIDES)
        assert found.shape == SIDES and found.dtype == np.float32
        peaks = np.argwhere(found == found.max())
        np.testing.assert_allclose(peaks.mean(axis=0), field.center(row, column))  # between pixels, both are peaks
        off = np.array(field.center(row, column)) % 1 / field.jump  # how far the nearest pixels are, in steps
        np.testing.assert_allclose(found.max(), 3 * np.prod(1 - off), rtol=1e-6)


@pytest.mark.parametrize(("net", "name", "shape"), TAPS)
def test_between_the_middles_it_is_linear(net, name, shape):
    """Where the activation is each position's centre, every pixel between the outermost gets its own coordinates."""
    field = receptive_field(net, name, (*SIDES, 1))
    middles = np.array([[field.center(row, column) for column in range(shape[1])] for row in range(shape[0])])
    pixels = np.stack(np.mgrid[: SIDES[0], : SIDES[1]], axis=-1)
    inside = ((pixels >= middles[0, 0]) & (pixels <= middles[-1, -1])).all(axis=-1)
    for axis in (0, 1):
        found = upsampled_activation(middles[:, :, axis], field, SIDES)
        np.testing.assert_allclose(found[inside], pixels[inside][:, axis], rtol=1e-5, atol=1e-4)
    far = (pixels <= middles[0, 0] - field.jump).any(axis=-1) | (pixels >= middles[-1, -1] + field.jump).any(axis=-1)
    assert not upsampled_activation(np.ones(shape), field, SIDES)[far].any()


@pytest.mark.parametrize("spot", [(5, 6), (16, 11), (30, 24)])
def test_the_upsampled_activation_peaks_where_the_spot_is(spot):
    picture = np.zeros((1, *SIDES, 1), np.float32)
    picture[0, spot[0] - 1 : spot[0] + 2, spot[1] - 1 : spot[1] + 2] = 1
    net = sequence(*STRIDED.layers[:2])
    bump = jnp.array([1.0, 2.0, 1.0])
    params = {"same": {"kernel": (bump[:, None] * bump)[:, :, None, None], "bias": jnp.zeros(1)}}
    field = receptive_field(net, "pool", (*SIDES, 1))
    activation = upto(net, "pool").apply({"params": params}, picture)[0][0, :, :, 0]
    found = upsampled_activation(activation, field, SIDES)
    peak = np.argwhere(found == found.max()).mean(axis=0)
    assert (np.abs(peak - spot) <= np.array(field.jump) / 2 + 0.5).all()


def test_a_tap_without_positions_fills_the_picture():
    field = receptive_field(cnn((2,), (4,), 3), "dense1", (*SIDES, 1))
    np.testing.assert_array_equal(upsampled_activation(np.full((1, 1), 2.5), field, SIDES), np.full(SIDES, 2.5))
    with pytest.raises(ValueError, match="no position"):
        upsampled_activation(np.ones((2, 2)), field, SIDES)


def test_more_positions_than_the_tap_has_are_refused():
    field = receptive_field(STRIDED, "pool", (*SIDES, 1))
    with pytest.raises(ValueError, match="no position 12, 6"):
        upsampled_activation(np.ones((13, 7)), field, SIDES)
