"""Our side of the race, against plain loops and sums by hand. Nothing is timed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.bench.architectures import Concat, Pool, layers_to, preprocessing
from research.bench.ascent import BETA1, BETA2, EPSILON, HALF, RATE, first_picture
from research.bench.data import feature_rows, leaves_for_rgb, weights, windows
from research.bench.our_nets import network_of
from research.bench.ours import build, build_ascent, first_activations, parameters_of, training_plan, windowed_series
from research.bench.workloads import pick
from research.training.program import build_advance, start

LSTM = pick(["lstm_step"])[0]._replace(hidden=(4,))
SMALL = LSTM._replace(window=(5, 3, 2), batch=4, examples=11)


def digits():
    """The digit net's ascent, in small: 4 + 6 filters."""
    return pick(["ascent_mnist_cnn"])[0]._replace(features=(4, 6), layers=("conv1", "conv2"), side=12)


def fire():
    return pick(["ascent_squeezenet_fire5"])[0]._replace(side=40)


def plain(layer, leaves, x):
    """A layer as lax has it, of `x` [B, H, W, C]."""
    if isinstance(layer, Pool):
        window, strides = (1, layer.window, layer.window, 1), (1, 2, 2, 1)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, "VALID")
    if isinstance(layer, Concat):
        return jnp.concatenate([plain(each, leaves, x) for each in layer.members], axis=-1)
    strides, padding = (layer.stride, layer.stride), "SAME" if layer.same else "VALID"
    kernel = leaves[f"{layer.name}/kernel"]
    found = jax.lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(found + leaves[f"{layer.name}/bias"])


def plain_tap(workload, name, picture):
    """[H', W', F]: the layer's activation on `picture` [H, W, C], as the peers' nets have it."""
    scale, offset = preprocessing(workload)
    x = picture[None] * scale + jnp.asarray(offset, jnp.float32)
    for layer in layers_to(workload, name):
        x = plain(layer, leaves_for_rgb(workload), x)
    return x[0]


def plain_ascent(workload, layer, filters, steps):
    """The mean activations that `filters` reach, one by one: Adam written out, in pixels of 0..255."""
    both = jax.jit(jax.value_and_grad(lambda picture, index: plain_tap(workload, layer, picture)[..., index].mean()))
    reached = []
    for index in filters:
        picture, first, second = first_picture(workload), 0.0, 0.0
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
    found = iter(build_ascent(workload, steps=8)(wanted))
    alive = 0
    for layer, filters in wanted.items():
        plainly = plain_ascent(workload, layer, filters, 8)
        for index, mean in zip(filters, plainly, strict=True):
            ours = next(found)
            assert ours.filter == index
            assert ours.status == "dead" or ours.score >= 0.999 * mean
            alive += ours.status == "alive"
    assert alive >= 7 and next(found, None) is None


@pytest.mark.slow
@pytest.mark.parametrize("make", [digits, fire])
def test_the_architectures_are_our_nets(make):
    """What peers compare before they race, worked out from the layers that the peers build their nets from."""
    workload = make()
    picture = first_picture(workload)
    tap_of = jax.jit(lambda layer: plain_tap(workload, layer, picture).mean(axis=(0, 1)), static_argnums=0)
    plainly = [tap_of(layer) for layer in workload.layers]
    np.testing.assert_allclose(first_activations(workload), np.concatenate(plainly), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_our_side_of_an_ascent_is_built_and_runs():
    workload = digits()._replace(layers=("conv1",))
    work = build(workload)
    assert work.parameters == (9 + 1) * 4  # no more layers than the ascent needs
    assert len(work.sample) == 4 and work.run(3) > 0


@pytest.mark.slow
def test_one_call_for_many_steps_or_one_a_step_are_the_same_work():
    workload = pick(["scan_vs_loop"])[0]._replace(features=(4,), hidden=(), batch=4, examples=8)
    scanned, looped = build(workload), build(workload, loop=True)
    assert scanned.sample == looped.sample and scanned.run(3) > 0 and looped.run(3) > 0


@pytest.mark.slow
def test_our_side_of_the_head_is_built_and_runs():
    """A small head: the program, its sample of a batch's outputs before training, and two epochs in one call."""
    workload = pick(["head_epoch"])[0]._replace(side=32, batch=8, examples=20)
    work = build(workload)
    rows, _ = feature_rows(workload)
    leaves = weights(workload).leaves
    hidden = np.maximum(rows[:8] @ leaves["head/dense1/kernel"] + leaves["head/dense1/bias"], 0)
    wanted = hidden @ leaves["head/logits/kernel"] + leaves["head/logits/bias"]
    np.testing.assert_allclose(work.sample, wanted.ravel(), rtol=1e-4, atol=1e-5)
    assert work.parameters == (512 + 1) * 256 + (256 + 1) * 2
    assert work.run(2) > 0


@pytest.mark.slow
def test_our_sample_is_an_lstm_by_hand():
    """A batch of windows, step by step, as torch and Keras write it: gates i, f, g, o."""
    leaves, (contexts, _) = weights(SMALL).leaves, windows(SMALL)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    hidden, cell = np.zeros((4, 4)), np.zeros((4, 4))
    for x in contexts[:4].swapaxes(0, 1):
        z = x @ leaves["lstm1/kernel"] + hidden @ leaves["lstm1/recurrent"] + leaves["lstm1/bias"]
        i, f, g, o = np.split(z, 4, axis=-1)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
    work = build(SMALL)
    wanted = hidden @ leaves["head/kernel"] + leaves["head/bias"]
    np.testing.assert_allclose(work.sample, wanted.ravel(), rtol=1e-4, atol=1e-5)
    assert work.parameters == 4 * (2 + 4 + 1) * 4 + (4 + 1) * 6
    assert work.run(3) > 0


def test_the_peers_windows_are_those_that_ours_slices():
    contexts, horizons = windows(SMALL)
    batch = windowed_series(SMALL).take(jnp.arange(SMALL.examples))
    np.testing.assert_array_equal(batch.inputs["values"], contexts)
    np.testing.assert_array_equal(batch.targets, horizons)


def bytes_of(tree):
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))


def program_bytes(workload, data):
    """What the whole training holds on the device at its most, by XLA's own account."""
    params = parameters_of(network_of(workload), workload, data.take(jnp.arange(1)).inputs)
    plan = training_plan(workload, data, params, epochs=5)
    state, advance = start([0], plan), build_advance(plan)
    found = jax.jit(advance).lower(state, data, None, jnp.int32(1)).compile().memory_analysis()
    assert found is not None
    return found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes


@pytest.mark.slow
def test_memory_is_flat_in_the_number_of_windows():
    """Of one series, ten times as many windows: a start more for each, and its position in the order of an epoch."""
    every = windowed_series(LSTM)
    few = every._replace(starts=every.starts[::10])
    more = len(every.starts) - len(few.starts)
    assert bytes_of(every) - bytes_of(few) == 4 * more
    copied = 4 * 15 * (72 + 288)  # bytes of a window
    grown = program_bytes(LSTM, every) - program_bytes(LSTM, few)
    assert 0 < grown <= 64 * more < copied * more / 300
