"""What the forecasters' races share, our side of them, and what memory training on windows takes. Nothing is timed."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.bench.forecast_nets import network_of
from research.bench.forecast_ours import build, stretches
from research.bench.forecasts import leaves, series, steps_of, windows
from research.bench.nets import flops_per_step
from research.bench.workloads import pick
from research.models.apply import apply_of
from research.training.objectives import forecasting
from research.training.program import Plan, build_advance, start
from research.training.step import gather
from research.trees import named_leaves

LSTM, DENSE = pick(["lstm_step", "dense_run"])
SMALL = LSTM._replace(hidden=(4,), window=(5, 3, 2), batch=4, examples=11)


def shapes_of(workload):
    data = stretches(workload)
    inputs = jax.eval_shape(lambda: gather(data, jnp.arange(1), 1).inputs)
    return jax.eval_shape(network_of(workload).init, jax.random.key(0), inputs)["params"]


@pytest.mark.parametrize("workload", [LSTM, DENSE], ids=lambda workload: workload.name)
def test_the_weights_are_those_of_our_forecaster(workload):
    wanted, found = named_leaves(shapes_of(workload)), leaves(workload)
    assert {name: leaf.shape for name, leaf in found.items()} == {name: leaf.shape for name, leaf in wanted.items()}
    assert all(np.array_equal(leaf, leaves(workload)[name]) for name, leaf in found.items())


def test_the_peers_windows_are_those_that_ours_cuts():
    contexts, horizons = windows(SMALL)
    batch = gather(stretches(SMALL), jnp.arange(SMALL.examples), SMALL.examples)
    np.testing.assert_array_equal(batch.inputs["values"], contexts)
    np.testing.assert_array_equal(batch.targets, horizons)
    assert len(series(SMALL)) == 11 + 5 + 3 - 1 and np.array_equal(horizons[-1], series(SMALL)[-3:])


@pytest.mark.slow
def test_our_sample_is_an_lstm_by_hand():
    """One window, step by step, as torch and Keras write it: gates i, f, g, o."""
    given, (contexts, _) = leaves(SMALL), windows(SMALL)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    hidden, cell = np.zeros(4), np.zeros(4)
    for x in contexts[0]:
        z = x @ given["lstm1/kernel"] + hidden @ given["lstm1/recurrent"] + given["lstm1/bias"]
        i, f, g, o = np.split(z, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
    work = build(SMALL)
    np.testing.assert_allclose(work.sample, hidden @ given["head/kernel"] + given["head/bias"], rtol=1e-4)
    assert work.parameters == 4 * (2 + 4 + 1) * 4 + (4 + 1) * 6
    assert work.run(3) > 0


def test_an_epoch_of_the_dense_run_is_all_its_steps():
    assert (steps_of(DENSE), steps_of(LSTM)) == (9, 1)  # 279 windows, 32 a step
    assert flops_per_step(DENSE) == 2 * 279 * (2 * 6 * 64 + 3 * 64 * 24)
    inputs, state, head = 72 * 15 * 256, 72 * 64 * 256, 64 * 288 * 15
    assert flops_per_step(LSTM) == 2 * 64 * (2 * inputs + 3 * (state + head))


def bytes_of(tree):
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))


def program_bytes(workload, data):
    """What the whole training holds on the device at its most, by XLA's own account."""
    apply, optimizer = apply_of(network_of(workload)), optax.adam(1e-3)
    plan = Plan(len(data.starts), workload.batch, 5, 0.0, None, "loss", ("loss", "scaled_mae"))
    params = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), shapes_of(workload))
    state = start(np.zeros(1, np.int32), lambda key: params, optimizer, plan)
    advance = build_advance(plan, apply=apply, objective=forecasting("mse"), optimizer=optimizer)
    found = jax.jit(advance).lower(state, data, None, jnp.int32(1)).compile().memory_analysis()
    assert found is not None
    return found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes


@pytest.mark.slow
def test_memory_is_flat_in_the_number_of_windows():
    """Of one series, ten times as many windows: a start more for each, and its place in the order of an epoch."""
    every = stretches(LSTM._replace(hidden=(4,)))
    few = every._replace(starts=every.starts[::10])
    more = len(every.starts) - len(few.starts)
    assert bytes_of(every) - bytes_of(few) == 4 * more
    copied = 4 * 15 * (72 + 288)  # bytes of a window
    workload = LSTM._replace(hidden=(4,))
    grown = program_bytes(workload, every) - program_bytes(workload, few)
    assert 0 < grown <= 64 * more < copied * more / 300
