"""Gradient ascent on nets so small that the result is known."""

import functools
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.ascent.gradient_ascent import CHEAP, NetCost, gradient_ascent, group_size
from research.ascent.objectives import Channel, Diversity, stacked
from research.ascent.parameterizations import Pixels
from research.ascent.steps import AscentConfig
from research.ascent.transforms import Jitter

SHAPE = (6, 5, 2)
KERNELS = np.random.default_rng(0).normal(size=(*SHAPE, 11)).astype(np.float32)


def linear(params, pictures):
    return {"out": jnp.tensordot(pictures / 127.5 - 1, params, 3)}


def curved(params, pictures):
    hidden = jnp.tanh(jnp.tensordot(pictures / 127.5 - 1, params, 3))
    return {"out": jnp.sin(3 * hidden) + hidden[:, ::-1]}


def reached(net, indices, config, seed=0, slots=None):
    objectives = stacked([Channel(jnp.int32(index), "out") for index in indices])
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(seed)))(jnp.asarray(indices))
    return in_order(gradient_ascent(net, jnp.asarray(KERNELS), objectives, Pixels(SHAPE), keys, config, slots=slots))


def in_order(groups):
    """The results of all groups, in the order of the inputs."""
    indices, results = zip(*groups, strict=True)
    order = np.argsort(np.concatenate(indices))
    return [np.concatenate(each)[order] for each in zip(*results, strict=True)]


def test_a_linear_net_ends_where_the_closed_form_says():
    """max w . x - shrink mean(x^2) is at x = w n / (2 shrink), n the number of pixels."""
    config = AscentConfig(steps=400, rate=0.02, shrink=SHAPE[0] * SHAPE[1] * SHAPE[2] * 2.0)
    pictures, _, final = reached(linear, range(11), config)
    for index in range(11):
        found, wanted = pictures[index, 0] / 127.5 - 1, KERNELS[..., index] / 4
        cosine = (found * wanted).sum() / np.linalg.norm(found) / np.linalg.norm(wanted)
        assert cosine > 0.999
        np.testing.assert_allclose(found, np.clip(wanted, -1, 1), atol=0.02)
    np.testing.assert_allclose(final, np.einsum("nhwc,hwcn->n", pictures[:, 0] / 127.5 - 1, KERNELS), rtol=1e-4)


def by_position(params, pictures):
    """A net whose result depends on a picture's position in the batch, as rounding can make it."""
    return {"out": linear(params, pictures)["out"] * (1 + jnp.arange(len(pictures)) % 8 / 8)[:, None]}


@pytest.mark.parametrize("wanted", [[5], [10, 9, 2], [3, 3, 0], [1, 9]])
def test_each_runs_in_its_own_slot_whatever_others_are_asked_for(wanted):
    config = AscentConfig(steps=3)
    everything = reached(by_position, range(11), config)
    for some, every in zip(reached(by_position, wanted, config, slots=wanted), everything, strict=True):
        np.testing.assert_array_equal(some, every[wanted])


def test_results_come_group_by_group():
    """Eight run side by side; 0, 8 and 16 have one position."""
    wanted = [0, 8, 16, 1]
    keys, objectives = jax.random.split(jax.random.key(0), 4), stacked([Channel(jnp.int32(0), "out")] * 4)
    groups = gradient_ascent(
        linear, jnp.asarray(KERNELS), objectives, Pixels(SHAPE), keys, AscentConfig(steps=1), slots=wanted
    )
    assert [indices.tolist() for indices, _ in groups] == [[0, 3], [1], [2]]


@pytest.mark.slow
def test_with_a_reach_a_linear_net_ends_at_its_slope_whatever_its_scale():
    """The farthest pixel of each lies at 0.9, though one kernel is a thousand times another."""
    scaled = KERNELS * np.logspace(-1, 2, 11, dtype=np.float32)
    for pictures in (2, 1):
        config = AscentConfig(steps=400, rate=0.02, reach=0.9, pictures=pictures)
        objectives = stacked([Channel(jnp.int32(index), "out") for index in range(11)])
        keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(0)))(jnp.arange(11))
        parts = gradient_ascent(linear, jnp.asarray(scaled), objectives, Pixels(SHAPE), keys, config)
        found = in_order(parts)[0] / 127.5 - 1
        wanted = 0.9 * KERNELS / np.abs(KERNELS).max(axis=(0, 1, 2))
        np.testing.assert_allclose(found, np.broadcast_to(np.moveaxis(wanted, -1, 0)[:, None], found.shape), atol=0.01)


def test_a_number_that_is_stopped_forgets_where_it_was_going():
    """At white after two steps, where the slope has turned: it leaves at once, which momentum would delay."""

    def turning(params, pictures):
        return {"out": -jnp.abs(pictures.reshape(len(pictures), -1) / 127.5 - 1 - params)}

    def seen(steps):
        config, keys = AscentConfig(steps=steps, rate=0.6), jax.random.key(0)[None]
        objective = Channel(jnp.zeros(1, jnp.int32), "out")
        [(_, found)] = gradient_ascent(turning, jnp.float32(0.8), objective, Pixels((1, 1, 1), 0.0), keys, config)
        return float(found.pictures[0].squeeze() / 127.5 - 1)

    assert seen(2) == pytest.approx(1, abs=1e-4) and seen(3) < 0.99


def test_a_picture_does_not_depend_on_its_neighbours_and_repeats_to_the_byte():
    config = AscentConfig(steps=30, transforms=(Jitter(1),))
    all_of_them = reached(curved, range(11), config)
    for one, same in zip(all_of_them, reached(curved, range(11), config), strict=True):
        np.testing.assert_array_equal(one, same)
    few = reached(curved, [7, 2], config)
    np.testing.assert_allclose(few[0], all_of_them[0][[7, 2]], rtol=1e-5)
    assert not np.allclose(reached(curved, [7, 2], config, seed=1)[0], few[0])


def test_scores_are_those_before_each_step():
    _, short, final = reached(curved, [3], AscentConfig(steps=4))
    _, longer, _ = reached(curved, [3], AscentConfig(steps=5))
    np.testing.assert_allclose(longer[:, :4], short, rtol=1e-5)
    np.testing.assert_allclose(longer[:, 4], final, rtol=1e-5)


@pytest.mark.slow
def test_total_variation_makes_pictures_smooth():
    rough, smooth = (reached(curved, range(4), AscentConfig(steps=60, variation=v))[0] for v in (0.0, 30.0))
    assert np.abs(np.diff(smooth, axis=2)).mean() < 0.5 * np.abs(np.diff(rough, axis=2)).mean()


@pytest.mark.slow
def test_a_set_is_scored_together():
    def either_half(params, pictures):
        halves = jnp.tanh(pictures[:, :, :, 0].reshape(len(pictures), 2, -1).mean(-1) / 127.5 - 1)
        return {"out": halves.max(axis=1, keepdims=True), "map": halves[:, None, :] + 1}

    channel, unlike = Channel(jnp.zeros(1, jnp.int32), "out"), Diversity("map")
    worth = []
    for objective in (channel + channel, channel + unlike):
        config = AscentConfig(steps=80, pictures=2)
        [(_, found)] = gradient_ascent(either_half, (), objective, Pixels(SHAPE), jax.random.key(0)[None], config)
        assert found.pictures.shape == (1, 2, *SHAPE)
        worth.append(unlike.score(either_half((), found.pictures[0])))
    assert worth[0] < 0.1 and worth[1] > 0.5


def test_a_second_call_compiles_nothing(caplog):
    config = AscentConfig(steps=3)
    reached(curved, range(9), config)
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        reached(curved, range(9), config, seed=5)
    assert not [line for line in caplog.messages if "ompil" in line], caplog.messages
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        reached(curved, range(9), AscentConfig(steps=7))
    assert [line for line in caplog.messages if "ompil" in line]  # what was looked for above is what is said


def test_a_config_is_a_value():
    with pytest.raises(AttributeError):
        AscentConfig().steps = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.slow
def test_what_runs_a_net_changes_its_pictures_by_rounding_alone():
    """A group of another size, and matrix products by Eigen: what an expensive net runs by."""
    config = AscentConfig(steps=8, rate=0.02)
    objectives = stacked([Channel(jnp.int32(index), "out") for index in range(3)])
    keys = jax.vmap(functools.partial(jax.random.fold_in, jax.random.key(0)))(jnp.arange(3))
    pictures = []
    for cost in (CHEAP, NetCost(500_000), NetCost(500_000, batched=True)):
        parts = gradient_ascent(curved, jnp.asarray(KERNELS), objectives, Pixels(SHAPE), keys, config, cost=cost)
        pictures.append(in_order(parts)[0])
    np.testing.assert_allclose(pictures[1], pictures[0], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(pictures[2], pictures[0], rtol=1e-5, atol=1e-3)


def test_the_larger_the_maps_the_fewer_pictures_run_at_once_and_a_set_always_does():
    sizes = [group_size(AscentConfig(), NetCost(largest)) for largest in (1, 10**5, 150_000, 6 * 10**5, 10**6, 10**9)]
    assert sizes == [8, 8, 8, 2, 1, 1]
    assert [group_size(AscentConfig(pictures=4), NetCost(largest)) for largest in (1, 6 * 10**5)] == [2, 1]


def test_a_net_whose_weights_no_cache_holds_runs_on_many_pictures_at_once():
    assert [group_size(AscentConfig(), NetCost(10**6, weights)) for weights in (10**6, 10**7)] == [1, 8]
