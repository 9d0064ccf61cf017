import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.classifiers import cnn
from research.models.layers import Concat, Conv, Dense, MaxPool
from research.models.lowering import convolution
from research.models.network import INPUT, Network, network, sequence, upto, wire
from research.models.receptive_fields import ReceptiveField, field_sizes, receptive_field
from research.models.squeezenet import squeezenet
from research.models.summary import summarize
from research.models.vgg16 import vgg16


class SumPool(MaxPool):
    """A sum instead of the maximum: then every input of a window has a gradient."""

    def __call__(self, x, *, train=False):
        strides = (1, *(self.stride or self.window), 1)
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, *self.window, 1), strides, "VALID")


def summing(net):
    layers = (SumPool(e.window, e.stride, name=e.name) if isinstance(e, MaxPool) else e for e in net.layers)
    return Network(tuple(layers), net.names, net.wires)


def views(net, picture, positions):
    """{tap: what each of its `positions` sees [N, H, W]}: where the gradient of all its features is not zero."""
    bright = jnp.full((1, *picture), 255.0)
    shapes = jax.eval_shape(net.init, jax.random.key(0), bright)
    params = jax.tree.map(lambda leaf: np.full(leaf.shape, 1 / leaf.shape[-1], np.float32), shapes)  # nothing cancels

    @jax.jit
    def gradients(x):
        found = {}
        for name, asked in positions.items():
            tap, pull = jax.vjp(lambda x, name=name: net.apply(params, x)[1][name], x)
            ones = np.zeros((len(asked), *tap.shape), np.float32)
            ones[np.arange(len(asked)), 0, *np.transpose(asked)] = 1
            found[name] = jax.vmap(pull)(ones)[0][:, 0].sum(axis=-1)
        return found

    return {name: np.asarray(found) != 0 for name, found in gradients(bright).items()}


def own(padding, stride, size=(3, 3)):
    return {"features": 2, "size": size, "stride": stride, "padding": padding}


STRIDED = sequence(
    Conv(**own("same", (2, 2)), name="a"),
    Conv(**own("same", (1, 1), (5, 4)), name="b"),
    MaxPool((3, 2), (2, 2), name="c"),
    Conv(**own("same", (1, 2)), name="d"),
    Conv(**own("valid", (1, 1), (2, 1)), name="e"),
)
LEFTOVER = sequence(MaxPool((3, 3), name="a"), Conv(**own("same", (1, 1)), name="b"), MaxPool(name="c"))
HOLES = sequence(Conv(**own("valid", (3, 2), (1, 1)), name="a"), Conv(**own("same", (1, 1)), name="b"))
STEM = wire(Conv(**own("valid", (2, 1)), name="stem"), INPUT)
JOINED = network(
    wire(
        Conv(**own("valid", (2, 2), (2, 2)), name="last"),
        wire(
            Concat(name="joined"),
            wire(Conv(**own("same", (1, 1), (2, 2)), name="even"), STEM),
            wire(Conv(**own("same", (1, 1), (5, 1)), name="tall"), STEM),
            wire(Conv(**own("same", (1, 1), (1, 4)), name="wide"), STEM),
        ),
    )
)


@pytest.mark.parametrize(
    ("net", "sides", "full"),
    [
        (cnn((2, 3, 4), (), 3), (28, 25), True),
        (cnn((2, 3), (), 3, padding="same", pool_last=True), (11, 14), True),
        (STRIDED, (23, 18), True),
        (STRIDED, (22, 19), True),
        (LEFTOVER, (17, 19), True),
        (HOLES, (17, 12), False),
        (JOINED, (19, 12), False),  # the union of a column, a row and a square is no rectangle
    ],
)
def test_the_field_is_where_the_gradient_is_not_zero(net, sides, full, monkeypatch):
    monkeypatch.setattr(convolution, "choose_lowering", lambda *_: "xla")  # zeros stay zeros
    picture = (*sides, 1)
    spatial = {row["name"]: row["output_shape"][:2] for row in summarize(net, picture) if len(row["output_shape"]) == 3}
    positions = {name: list(np.ndindex(*shape)) for name, shape in spatial.items()}
    for name, found in views(summing(net), picture, positions).items():
        field = receptive_field(net, name, picture)
        for position, view in zip(positions[name], found, strict=True):
            rows, columns = np.flatnonzero(view.any(axis=1)), np.flatnonzero(view.any(axis=0))
            box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            assert box == field.seen(*position), (name, position)
            assert view[box].all() or not full, (name, position)


def test_squeezenets_fields_through_its_branches(monkeypatch):
    monkeypatch.setattr(convolution, "choose_lowering", lambda *_: "xla")
    net, picture = upto(squeezenet(), "fire4/concat"), (58, 71, 3)
    shapes = {row["name"]: row["output_shape"] for row in summarize(net, picture)}
    positions = {}
    for name in ("fire2/expand1x1", "fire4/concat"):
        row, column = shapes[name][0] - 1, shapes[name][1] - 1
        positions[name] = [(0, 0), (0, column), (row // 2, column // 2), (row, column)]
    for name, found in views(summing(net), picture, positions).items():
        field = receptive_field(net, name, picture)
        for position, view in zip(positions[name], found, strict=True):
            expected = np.zeros_like(view)
            expected[field.seen(*position)] = True
            np.testing.assert_array_equal(view, expected, f"{name} {position}")


def test_vgg16s_field_is_the_published_one():
    # Araujo et al. 2019, table of fields: VGG-16 sees 212 pixels, 32 apart, with a padding of 90.
    field = receptive_field(vgg16(), "block5_pool", (224, 224, 3))
    assert field == ReceptiveField((212, 212), (32, 32), (-90, -90), (224, 224))
    assert field.center(0, 0) == (15.5, 15.5) and field.center(6, 1) == (207.5, 47.5)
    assert field.seen(0, 6) == (slice(0, 122), slice(102, 224))


@pytest.mark.parametrize("net", [cnn((4, 4), (5,), 3), squeezenet(pooling="avg"), vgg16(pooling="max"), STRIDED])
def test_the_field_of_one_is_that_among_all(net):
    sizes = field_sizes(net, (67, 52, 3))
    assert all(receptive_field(net, name, (67, 52, 3)).size == size for name, size in sizes.items())


def test_a_tap_without_positions_sees_the_whole_picture():
    net = cnn((4, 4, 4), (5,), 3, dropout=0.5)
    for name in ("flatten", "dense1", "dense1/pre", "dropout2", "logits"):
        field = receptive_field(net, name, (28, 26, 1))
        assert field.seen(0, 0) == (slice(0, 28), slice(0, 26)) and field.center(0, 0) == (13.5, 12.5)
        with pytest.raises(ValueError, match="no position 1, 0"):
            field.seen(1, 0)


def test_what_is_not_there_is_refused():
    net = cnn((4, 4), (5,), 3)
    with pytest.raises(
        UserError, match=r"no layer conv3; did you mean conv\d\? \(there are rescale, conv1, .*logits\)"
    ):
        receptive_field(net, "conv3", (28, 28, 1))
    with pytest.raises(UserError, match="no tap pool1/pre"):
        receptive_field(net, "pool1/pre", (28, 28, 1))
    with pytest.raises(
        UserError,
        match="pictures of 5x28 are smaller than the net needs: nothing is left at conv2; it takes 8x8 or more",
    ):
        receptive_field(net, "conv2", (5, 28, 1))
    field = receptive_field(net, "conv1", (28, 27, 1))
    assert field == receptive_field(net, "conv1/pre", (28, 27, 1))
    assert field.seen(25, 24) == (slice(25, 28), slice(24, 27))
    for position in ((28, 0), (0, 27), (-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="no position"):
            field.seen(*position)


def test_branches_that_step_differently_have_no_field():
    one, two = (wire(Conv(2, size=(k, k), stride=(s, s), name=f"by{s}"), INPUT) for k, s in ((4, 1), (3, 2)))
    net = network(wire(Dense(2, name="head"), wire(Concat(name="joined"), one, two)))
    with pytest.raises(ValueError, match=r"what joined joins lies differently far apart: \[\(1, 1\), \(2, 2\)\]"):
        field_sizes(net, (5, 5, 1))
