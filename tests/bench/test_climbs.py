"""What the races of the ascent share, and our side of them against a plain loop. Nothing is timed."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.bench.ascent_nets import network_of, parameters_of
from research.bench.ascent_ours import at_start, build, climber
from research.bench.climb_weights import FILES, given
from research.bench.climbs import (
    BETA1,
    BETA2,
    EPSILON,
    HALF,
    RATE,
    chosen,
    preprocessing,
    start,
    timed,
    weights,
    weights_for_rgb,
)
from research.bench.nets import flops_per_step
from research.bench.stages import Beside, Pool, path
from research.bench.workloads import WORKLOADS, pick
from research.trees import named_leaves

RACES = [workload for workload in WORKLOADS if workload.task == "ascent"]


def digits():
    """The digit net's race, in small: 4 + 6 filters."""
    return pick(["ascent_mnist_cnn"])[0]._replace(channels=(4, 6), layers=("conv1", "conv2"), side=12)


def fire():
    return pick(["ascent_squeezenet_fire5"])[0]._replace(side=40)


def plain(stage, given, x):
    """A stage as lax has it, of `x` [B, H, W, C]."""
    if isinstance(stage, Pool):
        window, strides = (1, stage.window, stage.window, 1), (1, 2, 2, 1)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, "VALID")
    if isinstance(stage, Beside):
        return jnp.concatenate([plain(each, given, x) for each in stage.members], axis=-1)
    strides, padding = (stage.stride, stage.stride), "SAME" if stage.same else "VALID"
    kernel = given[f"{stage.name}/kernel"]
    found = jax.lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(found + given[f"{stage.name}/bias"])


def plain_tap(workload, layer, picture):
    """[H', W', F]: the layer's activation on `picture` [H, W, C], as the peers' nets have it."""
    scale, offset = preprocessing(workload)
    x = picture[None] * scale + jnp.asarray(offset, jnp.float32)
    for stage in path(workload, layer):
        x = plain(stage, weights_for_rgb(workload), x)
    return x[0]


def plain_climb(workload, layer, filters, steps):
    """The mean activations that `filters` reach, one by one: Adam written out, in pixels of 0..255."""
    both = jax.jit(jax.value_and_grad(lambda picture, index: plain_tap(workload, layer, picture)[..., index].mean()))
    reached = []
    for index in filters:
        picture, first, second = start(workload), 0.0, 0.0
        for step in range(1, steps + 1):
            slope = np.asarray(both(picture, index)[1])
            first = BETA1 * first + (1 - BETA1) * slope
            second = BETA2 * second + (1 - BETA2) * slope**2
            upward = first / (1 - BETA1**step) / (np.sqrt(second / (1 - BETA2**step)) + EPSILON)
            picture = np.clip(picture + RATE * HALF * upward, 0, 255).astype(np.float32)
        reached.append(float(both(picture, index)[0]))
    return np.array(reached)


@pytest.mark.slow
def test_ours_reaches_what_a_plain_loop_over_filters_does():
    workload, wanted = digits(), {"conv1": [3, 0, 1, 2], "conv2": [5, 0, 1, 2, 3, 4]}
    found = iter(climber(workload, steps=8)(wanted))
    alive = 0
    for layer, filters in wanted.items():
        plainly = plain_climb(workload, layer, filters, 8)
        for index, mean in zip(filters, plainly, strict=True):
            ours = next(found)
            assert ours.filter == index
            assert ours.status == "dead" or ours.score >= 0.999 * mean
            alive += ours.status == "alive"
    assert alive >= 7 and next(found, None) is None


@pytest.mark.slow
@pytest.mark.parametrize("make", [digits, fire])
def test_the_stages_are_our_nets(make):
    """What parties compare before they race, worked out from the stages that the peers build their nets from."""
    workload = make()
    picture = start(workload)
    tap_of = jax.jit(lambda layer: plain_tap(workload, layer, picture).mean(axis=(0, 1)), static_argnums=0)
    plainly = [tap_of(layer) for layer in workload.layers]
    np.testing.assert_allclose(at_start(workload), np.concatenate(plainly), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("workload", RACES, ids=lambda workload: workload.name)
def test_weights_have_the_places_and_shapes_of_our_nets_and_never_change(workload):
    net, found = network_of(workload), weights(workload)
    like = named_leaves(jax.eval_shape(functools.partial(net.init, jax.random.key(0)), start(workload)[None])["params"])
    assert {name: leaf.shape for name, leaf in found.items()} == {name: like[name].shape for name in found}
    assert list(named_leaves(parameters_of(workload))) == sorted(found)
    again, turned = weights(workload), weights_for_rgb(workload)
    first, *others = (name for name in found if name.endswith("kernel"))
    assert all(np.array_equal(found[name], again[name]) for name in found)
    assert all(np.array_equal(found[name], turned[name]) for name in others)
    assert np.array_equal(turned[first][:, :, ::-1], found[first])
    fan_in = np.prod(found[others[-1]].shape[:-1])
    assert found[others[-1]].std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.03)


def test_real_weights_are_taken_where_they_lie_and_it_is_said(tmp_path, monkeypatch):
    [workload] = pick(["ascent_squeezenet_fire5"])
    drawn = given(workload)
    assert drawn.whose == "drawn at random, no real ones being below $RESEARCH_DATA"
    real = {name: np.full(leaf.shape, place, np.float16) for place, (name, leaf) in enumerate(drawn.leaves.items())}
    (tmp_path / "weights").mkdir()
    np.savez(tmp_path / "weights" / FILES["squeezenet"], **real)
    monkeypatch.setenv("RESEARCH_DATA", str(tmp_path))
    found = given(workload)
    assert found.whose == f"ImageNet's, {FILES['squeezenet']}"
    assert all(np.array_equal(found.leaves[name], leaf) for name, leaf in real.items())
    assert all(leaf.dtype == np.float32 for leaf in found.leaves.values())


@pytest.mark.parametrize("workload", RACES, ids=lambda workload: workload.name)
def test_the_start_is_one_gray_noisy_picture(workload):
    picture = start(workload)
    assert picture.shape == (workload.side, workload.side, 1 if workload.net == "cnn" else 3)
    assert picture.dtype == np.float32 and 0 <= picture.min() < picture.max() <= 255
    assert picture.mean() == pytest.approx(127.5, abs=8) and picture.std() == pytest.approx(0.5 * 127.5, rel=0.1)
    assert np.array_equal(picture, start(workload))


def test_filters_are_spread_over_all_and_fill_our_groups():
    small = {workload.name: chosen(workload, workload.steps) for workload in RACES}
    sizes = {name: [len(own) for own in filters.values()] for name, filters in small.items()}
    assert sizes == {
        "ascent_mnist_cnn": [16, 32, 32],
        "ascent_squeezenet_fire5": [16, 16],
        "ascent_vgg16_block2": [8],
    }
    assert small["ascent_vgg16_block2"] == {"block2_conv2": list(range(0, 128, 16))}
    assert chosen(digits(), 10) == {"conv1": [*range(4)], "conv2": [*range(6)]}


def test_more_filters_than_there_are_come_again():
    asked = []
    assert timed(digits(), asked.append)(22) >= 0
    assert [sum(map(len, each.values())) for each in asked] == [10, 10, 2]


def test_operations_of_a_climb_by_hand():
    """32 steps, forward and back, two operations per multiply-add: what is below, and the filter alone."""
    first, second, third = 26 * 26 * 9, 11 * 11 * 9 * 32, 3 * 3 * 9 * 64
    mean = (32 * first + 64 * (32 * first + second) + 64 * (32 * first + 64 * second + third)) // 160
    digit, _, vgg = RACES
    assert flops_per_step(digit) == pytest.approx(128 * mean, rel=1e-3)
    below = 96 * 96 * 9 * (3 * 64 + 64 * 64) + 48 * 48 * 9 * 64 * 128
    assert flops_per_step(vgg) == 128 * (below + 48 * 48 * 9 * 128)


@pytest.mark.slow
def test_our_side_is_built_and_runs():
    workload = digits()._replace(layers=("conv1",))
    work = build(workload)
    assert work.parameters == (9 + 1) * 4 + (4 * 9 + 1) * 6
    assert len(work.sample) == 4 and work.run(3) > 0
