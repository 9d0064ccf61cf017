"""Convolution and pooling against loops in float64, whichever way they are lowered."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.lowering import convolution, winograd
from research.models.lowering.convolution import conv2d, max_pool

FEW, MANY = 3, 17  # examples: below and above where the layout changes

# image (H, W, C), kernel (h, w, F), stride: odd sizes, kernels that are not square, larger than their step and smaller
CASES = [
    ((7, 9, 2), (3, 3, 4), (1, 1)),
    ((8, 5, 1), (2, 3, 3), (1, 1)),
    ((6, 7, 5), (1, 1, 2), (1, 1)),
    ((5, 5, 3), (5, 5, 2), (1, 1)),
    ((9, 6, 5), (4, 2, 3), (2, 1)),
    ((11, 8, 3), (3, 5, 2), (2, 2)),
    ((10, 7, 6), (2, 1, 3), (3, 3)),
    ((7, 12, 2), (5, 4, 2), (1, 3)),
    ((4, 3, 1), (3, 3, 1), (3, 2)),
]


def drawn(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def padded(x, kernel, stride, padding):
    if padding == "valid":
        return x, (0, 0)
    total = [
        max((int(np.ceil(n / s)) - 1) * s + k - n, 0) for n, k, s in zip(x.shape[1:3], kernel, stride, strict=True)
    ]
    edges = [(t // 2, t - t // 2) for t in total]
    return np.pad(x, ((0, 0), *edges, (0, 0))), (edges[0][0], edges[1][0])


def loop_convolution(x, kernel, stride, padding, weights=None):
    """The map, or with `weights` the gradients of sum(map * weights) by x and by the kernel: one patch at a time."""
    size = kernel.shape[:2]
    wide, (above, before) = padded(x, size, stride, padding)
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(wide.shape[1:3], size, stride, strict=True))
    found = np.zeros((len(x), rows, columns, kernel.shape[-1]))
    by_x, by_kernel = np.zeros_like(wide), np.zeros_like(kernel)
    for row, column in itertools.product(range(rows), range(columns)):
        top, left = row * stride[0], column * stride[1]
        window = np.s_[:, top : top + size[0], left : left + size[1]]
        found[:, row, column] = np.einsum("bhwc,hwcf->bf", wide[window], kernel)
        if weights is not None:
            by_x[window] += np.einsum("bf,hwcf->bhwc", weights[:, row, column], kernel)
            by_kernel += np.einsum("bhwc,bf->hwcf", wide[window], weights[:, row, column])
    if weights is None:
        return found
    return by_x[:, above : above + x.shape[1], before : before + x.shape[2]], by_kernel


def assert_close(found, wanted):
    """Within 1e-5 of the largest number there is."""
    assert found.shape == wanted.shape
    assert np.abs(np.asarray(found, np.float64) - wanted).max() <= 1e-5 * max(np.abs(wanted).max(), 1e-30)


def single(*arrays):
    return [jnp.asarray(array, jnp.float32) for array in arrays]


# Each way of lowering meets every case with one padding; with the other among the slow tests, as all of XLA's own.
WAYS = [
    ("rows", "valid"),
    ("columns", "same"),
    *(pytest.param(*way, marks=pytest.mark.slow) for way in (("rows", "same"), ("columns", "valid"))),
    *(pytest.param("xla", padding, marks=pytest.mark.slow) for padding in ("valid", "same")),
]


@pytest.mark.parametrize(("lowering", "padding"), WAYS)
@pytest.mark.parametrize(("image", "size", "stride"), CASES)
def test_convolution_and_its_gradients_equal_a_loop(image, size, stride, padding, lowering, monkeypatch):
    if lowering == "xla":
        monkeypatch.setattr(convolution, "LARGEST_PATCHES", 0)
    batch = MANY if lowering == "columns" else FEW
    assert_equal_to_loop(drawn(1, batch, *image), drawn(2, *size[:2], image[-1], size[-1]), stride, padding)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("image", "padding"),
    [
        ((7, 7), "same"),
        ((9, 12), "valid"),
        ((9, 9), "same"),  # tiles of 3 outputs
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (((7, 7), "valid"), ((9, 12), "same"))),
        *(pytest.param((13, 8), padding, marks=pytest.mark.slow) for padding in ("valid", "same")),
    ],
)
def test_winograds_filtering_equals_the_loop(image, padding):
    x, kernel = drawn(1, MANY, *image, 16), drawn(2, 3, 3, 16, 17)
    assert convolution.choose_lowering(x.shape, kernel.shape, (1, 1)) == "winograd"
    assert_equal_to_loop(x, kernel, (1, 1), padding)


@pytest.mark.slow
@pytest.mark.parametrize("group", [1, 2, 4], ids="groups of {}".format)
@pytest.mark.parametrize(("image", "padding"), [((7, 7), "same"), ((9, 12), "valid"), ((9, 9), "same")])
def test_winograds_filtering_equals_the_loop_channels_innermost_and_in_groups(image, padding, group, monkeypatch):
    x, kernel = drawn(1, 4, *image, 16), drawn(2, 3, 3, 16, 33)
    assert convolution.choose_lowering(x.shape, kernel.shape, (1, 1)) == "winograd_channels"
    (length, width) = image if padding == "valid" else (image[0] + 2, image[1] + 2)
    m = 3 if image == (9, 9) else 4
    tiles = -(-(length - 2) // m) * -(-(width - 2) // m)
    monkeypatch.setattr(winograd, "GROUP_TILES", (m + 2) ** 2 * tiles * 33 * group)
    assert winograd.group_size((4, length, width, 16), kernel.shape) == group
    assert_equal_to_loop(x, kernel, (1, 1), padding)


def test_tiles_are_those_with_fewer_products():
    """VGG16's blocks at 150 and 224 pixels, and the digit net's second layer."""
    sides = {150: 4, 75: 4, 37: 4, 18: 4, 9: 3, 224: 4, 112: 4, 56: 4, 28: 4, 14: 4, 11: 4}
    assert {side: winograd.tile_outputs(side, side) for side in sides} == sides


def test_groups_divide_the_batch():
    image, kernel = (50, 50, 64), (3, 3, 64, 64)  # 331,776 numbers in the tiles of an example: 101 fit
    assert [winograd.group_size((batch, *image), kernel) for batch in (1, 16, 101, 202, 103, 204)] == [
        *(1, 16, 101, 101, 1, 68)
    ]
    assert winograd.group_size((4, 4002, 4002, 64), kernel) == 1  # one alone is too large


def assert_equal_to_loop(x, kernel, stride, padding):
    """Output and gradients of x, kernel and bias."""
    bias = drawn(4, kernel.shape[-1])
    wanted = loop_convolution(x, kernel, stride, padding) + bias
    weights = drawn(3, *wanted.shape)

    def weighted(x, kernel, bias, weights):
        found = conv2d(x, kernel, bias, stride=stride, padding=padding)
        return (found * weights).sum(), found

    gradients, found = jax.jit(jax.grad(weighted, (0, 1, 2), has_aux=True))(*single(x, kernel, bias, weights))
    assert_close(found, wanted)
    loops = (*loop_convolution(x, kernel, stride, padding, weights), weights.sum((0, 1, 2)))
    for gradient, loop in zip(gradients, loops, strict=True):
        assert_close(gradient, loop)


def test_every_lowering_is_met():
    kernel, stride = (3, 3, 2, 4), (1, 1)
    image = (7, 7, 2)
    found = [convolution.choose_lowering((batch, *image), kernel, stride) for batch in (FEW, MANY)]
    assert found == ["rows", "columns"]
    assert convolution.choose_lowering((32, 226, 226, 64), (3, 3, 64, 64), stride) == "winograd_channels"
    assert convolution.choose_lowering((64, 12, 12, 64), (3, 3, 64, 64), stride) == "winograd"
    assert convolution.choose_lowering((64, 12, 12, 64), (3, 3, 64, 64), stride, jnp.bfloat16) == "columns"
    assert convolution.choose_lowering((32, 226, 226, 64), (3, 3, 64, 64), (2, 2)) == "xla"  # 0.9 GB of patches
    for batch in (FEW, MANY):  # more positions than one would take patches at
        assert convolution.choose_lowering((batch, 107, 107, 1), (100, 100, 1, 32), stride) == "xla"


@pytest.mark.parametrize("batch", [FEW, MANY])
def test_each_platform_of_an_exported_program_convolves_its_own_way(batch):
    """As matrix products on CPU, by XLA's convolution on others; the gradient, too."""
    x, kernel = single(drawn(1, batch, 8, 8, 16), drawn(2, 3, 3, 16, 16))
    slope = jax.jit(jax.grad(lambda x, kernel: (conv2d(x, kernel, jnp.zeros(16)) ** 2).sum(), (0, 1)))

    def operations(*platforms):
        text = jax.export.export(slope, platforms=platforms)(x, kernel).mlir_module()
        return "stablehlo.convolution" in text, "stablehlo.dot_general" in text

    assert operations("cpu") == (False, True)
    assert operations("cuda") == (True, False)
    assert operations("cpu", "cuda") == (True, True)


@pytest.mark.parametrize("batch", [FEW, MANY])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
def test_kernels_of_several_seeds_at_once_equal_one_by_one(batch, stride):
    x, kernels = single(drawn(1, batch, 8, 7, 6), drawn(2, 3, 3, 2, 6, 4))

    def energy(x, kernel):
        return (conv2d(x, kernel, jnp.zeros(kernel.shape[-1]), stride=stride, padding="same") ** 2).sum()

    one = jax.jit(jax.grad(energy, (0, 1)))
    for shared in (True, False):  # the first layer sees one picture with all kernels, the others one each
        pictures = x if shared else jnp.stack([x, 2 * x, -x])
        together = jax.jit(jax.vmap(one, in_axes=(None if shared else 0, 0)))(pictures, kernels)
        for index, kernel in enumerate(kernels):
            alone = one(x if shared else pictures[index], kernel)
            for found, wanted in zip(together, alone, strict=True):
                assert_close(found[index], np.asarray(wanted, np.float64))


@pytest.mark.parametrize("batch", [FEW, MANY])
def test_examples_do_not_see_their_neighbours(batch):
    x, kernel = single(drawn(1, batch, 9, 8, 5), drawn(2, 3, 3, 5, 4))
    others = x.at[1:].set(jnp.nan)

    @jax.jit
    def layer(x):
        return max_pool(conv2d(x, kernel, jnp.zeros(kernel.shape[-1]), stride=(1, 1), padding="valid"))

    slope = jax.jit(jax.grad(lambda x: (layer(x)[0] ** 2).sum()))

    np.testing.assert_array_equal(layer(x)[0], layer(others)[0])
    np.testing.assert_array_equal(slope(x)[0], slope(others)[0])
    assert not np.asarray(slope(x)[1:]).any()


def test_a_convolution_trains_inside_a_loop():
    """Gradient steps inside `while_loop` equal the same steps one by one."""
    x, start = single(drawn(1, MANY, 6, 6, 2), drawn(2, 3, 3, 2, 3))

    def step(kernel):
        def loss(kernel):
            return (max_pool(conv2d(x, kernel, jnp.zeros(3), stride=(1, 1), padding="same")) ** 2).mean()

        return kernel - 0.1 * jax.grad(loss)(kernel)

    once = jax.jit(step)
    inside = jax.jit(lambda kernel, steps: jax.lax.fori_loop(0, steps, lambda _, kernel: step(kernel), kernel))
    assert_close(inside(start, 3), np.asarray(once(once(once(start))), np.float64))


def loop_pool(x, window, stride, weights):
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(x.shape[1:3], window, stride, strict=True))
    found, by_x = np.zeros((len(x), rows, columns, x.shape[-1])), np.zeros_like(x)
    for example, row, column, channel in np.ndindex(found.shape):
        top, left = row * stride[0], column * stride[1]
        seen = x[example, top : top + window[0], left : left + window[1], channel]
        down, right = np.unravel_index(seen.argmax(), window)  # the first of equals
        found[example, row, column, channel] = seen[down, right]
        by_x[example, top + down, left + right, channel] += weights[example, row, column, channel]
    return found, by_x


@pytest.mark.parametrize("levels", [None, 2], ids=["distinct", "ties"])
@pytest.mark.parametrize("batch", [FEW, MANY])
@pytest.mark.parametrize(
    ("image", "window", "stride"),
    [
        ((6, 4, 2), (2, 2), None),
        ((7, 9, 3), (2, 2), None),
        ((8, 7, 2), (3, 2), None),
        ((8, 7, 2), (3, 3), (2, 2)),
        ((7, 8, 3), (2, 1), (1, 3)),
    ],
)
def test_pooling_and_its_gradient_equal_a_loop(image, window, stride, batch, levels):
    x = (
        drawn(1, batch, *image)
        if levels is None
        else np.random.default_rng(1).integers(0, levels, (batch, *image)) * 1.0
    )
    x = x.astype(np.float32)
    positions = ((n - k) // s + 1 for n, k, s in zip(image[:2], window, stride or window, strict=True))
    weights = drawn(2, batch, *positions, image[2]).astype(np.float32)
    wanted, by_x = loop_pool(x, window, stride or window, weights)

    @jax.jit
    def pooled(x, weights):
        found, pull = jax.vjp(lambda x: max_pool(x, window=window, stride=stride), x)
        return found, pull(weights)[0]

    found, gradient = pooled(x, weights)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(gradient, by_x, rtol=1e-6, atol=1e-6)
