"""Bounds over boxes of changes against what a net really does there, layer by layer and in whole nets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.attack.bounds import Form, logits_form, unbounded, upper_margin
from research.attack.boxes import Boxes, box_margins
from research.attack.color import decide
from research.attack.exhaustive import exhaustive, pruned
from research.attack.one_pixel import aims_of
from research.attack.pixels import drawn
from research.attack.success import margin
from research.models.layers import (
    Add,
    AvgPool,
    BinaryLogits,
    Concat,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    Rescale,
    Shortcut,
)
from research.models.network import INPUT, network, sequence, wire
from research.models.normalization import Affine, BatchNorm, GroupNorm, without_statistics

SHAPE = (6, 7, 1)


def picture(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def parameters(net, shape=SHAPE, seed=0, scale=1.0):
    """Random parameters of `net`, biases too; `scale` multiplies kernels."""
    variables = net.init(jax.random.key(seed), jnp.zeros((1, *shape)))
    leaves, tree = jax.tree.flatten(variables["params"])
    keys = jax.random.split(jax.random.key(seed + 1), len(leaves))
    moved = [scale * leaf + 0.1 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(tree, moved)


def margins_of(logits_fn, image, aim):
    """Of candidates [N, 1, 2 + C] on `image`, [N]."""

    @jax.jit
    def run(candidates):
        return margin(logits_fn(drawn(jnp.asarray(image), candidates)), aim)

    def margins(candidates):
        parts = [
            run(candidates[np.minimum(np.arange(at, at + 512), len(candidates) - 1)])
            for at in range(0, len(candidates), 512)
        ]
        return np.concatenate(parts)[: len(candidates)] if parts else np.zeros(0)

    return margins


def small(activation="relu", pool=None, channels=6):
    """A net with a pool, whose margins are narrow."""
    return sequence(
        Rescale(1 / 255, name="rescale"),
        Conv(channels, activation=activation, padding="same", name="conv"),
        pool or MaxPool(name="pool"),
        Flatten(name="flatten"),
        Dense(8, activation=activation, name="dense"),
        Dense(3, activation="linear", name="logits"),
    )


def block():
    """Every other layer that has bounds, on 6x7x1."""
    rescaled = wire(Rescale(1 / 127.5, -1.0, name="rescale"), INPUT)
    conv = wire(Conv(4, activation="tanh", padding="same", name="conv"), rescaled)
    deep = wire(DepthwiseConv(padding="same", activation="sigmoid", name="depthwise"), conv)
    both = wire(Add("relu", name="sum"), wire(Affine("linear", name="affine"), deep), conv)
    wide = wire(Concat(name="concat"), both, wire(Shortcut(5, (1, 1), name="shortcut"), conv))
    pooled = wire(MaxPool((3, 3), (2, 2), name="pool"), wire(Dropout(0.5, name="dropout"), wide))
    flat = wire(GlobalPool(name="global"), wire(AvgPool((1, 2), name="mean"), pooled))
    return network(wire(BinaryLogits(name="logits"), wire(Dense(1, activation="linear", name="odds"), flat)))


@pytest.mark.parametrize("net", [small(), small("tanh", AvgPool(name="pool")), block()], ids=["relu", "tanh", "block"])
def test_the_form_holds_what_the_net_does_within_it(net):
    params, random = parameters(net, scale=3.0), np.random.default_rng(1)
    center = random.uniform(0, 255, (4, *SHAPE)).astype(np.float32)
    slopes = random.normal(0, 20, (2, 4, *SHAPE)).astype(np.float32) * (random.random((2, 4, *SHAPE)) < 0.2)
    radius = random.uniform(0, 3, (4, *SHAPE)).astype(np.float32)
    form = jax.jit(lambda given: logits_form(net, params, given))(Form(*map(jnp.asarray, (center, slopes, radius))))
    lower, upper = np.asarray(form.lower), np.asarray(form.upper)
    assert (upper > lower).any()
    reached = np.zeros(lower.shape, bool)
    run = jax.jit(lambda pictures: net.apply({"params": params}, pictures)[0])
    for _ in range(100):
        symbols, rest = random.uniform(-1, 1, (2, 4)), random.uniform(-1, 1, center.shape)
        inside = center + np.einsum("sn,snhwc->nhwc", np.sign(symbols), slopes) + rest * radius
        found = np.asarray(run(inside.astype(np.float32)))
        assert (found >= lower - 1e-3).all() and (found <= upper + 1e-3).all()
        reached |= np.abs(found - (lower + upper) / 2) > (upper - lower) / 20
    assert reached.any()  # not so wide that they say nothing


def test_without_a_bend_the_form_is_exact():
    net = sequence(Rescale(2.0, 1.0, name="rescale"), Flatten(name="flatten"), Dense(3, "linear", name="logits"))
    params = parameters(net)
    step = np.zeros((1, 1, *SHAPE), np.float32)
    step[0, 0, 2, 3] = 10
    form = logits_form(net, params, Form(jnp.ones((1, *SHAPE)), jnp.asarray(step), jnp.zeros((1, *SHAPE))))
    ends = [np.asarray(net.apply({"params": params}, jnp.ones((1, *SHAPE)) + sign * step[0])[0]) for sign in (-1, 1)]
    np.testing.assert_allclose(form.lower, np.minimum(*ends), atol=1e-3)
    np.testing.assert_allclose(form.upper, np.maximum(*ends), atol=1e-3)


@pytest.mark.parametrize("target", [None, 2])
def test_the_margin_of_a_box_is_not_exceeded_and_its_likely_values_are_inside(target):
    net, image = small(), picture()
    params = parameters(net, scale=3.0)
    aim = jax.tree.map(lambda leaf: leaf[0], aims_of([1], None if target is None else [target]))
    boxes = Boxes.of(SHAPE[:2], 32, 1)
    bounds = box_margins(net, params, image, aim)(boxes)
    candidates = boxes.split(1).candidates()
    logits = net.apply({"params": params}, drawn(jnp.asarray(image), jnp.asarray(candidates)))[0]
    found = np.asarray(margin(logits, aim)).reshape(len(boxes.places), 32)
    assert (found.max(1) <= bounds.margin + 1e-3).all()
    assert (found.max(1) > bounds.margin - 0.5).mean() > 0.5  # and they are close to it
    assert ((bounds.likely >= boxes.lowest) & (bounds.likely < boxes.lowest + 32)).all()
    assert set(np.unique(bounds.likely - boxes.lowest)) == {0, 31}


def test_boxes_hold_every_value_once():
    whole = Boxes.of((2, 3), 64, channels=2).split(16)
    assert len(whole.places) == 6 * 16**2
    values = whole.split(8).split(4)
    assert len({(*place, *low) for place, low in zip(values.places.tolist(), values.lowest.tolist(), strict=True)}) == (
        6 * 64**2
    )


@pytest.mark.parametrize("seed", range(2))
def test_pruned_is_exhaustive(seed):
    net, image = small(), picture(seed=seed)
    params = parameters(net, seed=seed, scale=2.0)
    clean = net.apply({"params": params}, image[None])[0]
    aim = jax.tree.map(lambda leaf: leaf[0], aims_of(clean.argmax(1), None))

    def logits_fn(pictures):
        return net.apply({"params": params}, pictures)[0]

    margins = margins_of(logits_fn, image, aim)
    wanted = np.asarray(exhaustive(logits_fn, jnp.asarray(image), aim))
    found, asked = pruned(box_margins(net, params, image, aim), margins, SHAPE[:2])
    np.testing.assert_array_equal(found, wanted)
    assert asked < 0.9 * wanted.size * 256


def test_a_picture_in_colour_is_flipped_certified_or_undecided_and_a_verdict_is_true(monkeypatch):
    seen, net = set(), small()
    for seed, shape in enumerate([(4, 4, 2), (8, 8, 2)]):
        params, image = parameters(net, shape, seed, scale=1.0 + seed % 3), picture(shape, seed)
        aim = jax.tree.map(lambda leaf: leaf[0], aims_of(net.apply({"params": params}, image[None])[0].argmax(1), None))

        margins = margins_of(lambda shown, params=params: net.apply({"params": params}, shown)[0], image, aim)
        verdict = decide(box_margins(net, params, image, aim), margins, shape[:2], 2)
        seen.add(verdict.status)
        random = np.random.default_rng(seed)
        tried = np.concatenate([random.integers(0, shape[0], (3000, 2)), random.integers(0, 256, (3000, 2))], 1)[
            :, None
        ]
        assert verdict.status != "certified" or (margins(tried) <= 0).all()
        assert (verdict.status == "flipped") == (verdict.candidate is not None)
        assert verdict.candidate is None or margins(verdict.candidate[None])[0] > 0
    assert {"flipped", "certified"} <= seen
    monkeypatch.setattr("research.attack.color.LARGEST", 1)
    assert (
        decide(box_margins(net, params, image, aim), lambda rows: np.full(len(rows), -1.0), (8, 8), 2)[0] == "unknown"
    )


def test_what_has_no_bounds_is_named():
    assert "GroupNorm" in str(unbounded(sequence(Conv(8, name="conv"), GroupNorm(name="norm"))))
    assert "BatchNorm" in str(unbounded(sequence(Conv(8, name="conv"), BatchNorm(name="norm"))))
    assert "softmax" in str(unbounded(sequence(Flatten(name="flatten"), Dense(3, activation="softmax", name="logits"))))
    assert "one's own" in str(unbounded(object()))
    assert unbounded(block()) is None


def test_batch_norm_has_bounds_without_its_statistics():
    net = sequence(Conv(4, name="conv"), BatchNorm(activation="relu", name="norm"), GlobalPool(name="pool"))
    steady, _ = without_statistics(net, net.init(jax.random.key(0), jnp.zeros((1, *SHAPE))))
    assert unbounded(steady) is None


def test_the_margin_bound_of_a_target_is_over_its_nearest_rival():
    logits = Form(jnp.array([[3.0, 1.0, 0.0]]), jnp.array([[[1.0, 0.0, 0.0]]]), jnp.array([[0.0, 0.5, 0.0]]))
    aims = aims_of([0, 0], None), aims_of([0, 0], [1, 1])
    untargeted, targeted = (upper_margin(logits, jax.tree.map(lambda leaf: leaf[0], aim)) for aim in aims)
    assert float(untargeted[0][0]) == -0.5 and untargeted[1].tolist() == [[-1.0]]  # 1.5 against at least 2
    assert float(targeted[0][0]) == -0.5
