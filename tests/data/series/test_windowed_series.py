"""Windows of series as a data set: sliced as a plain loop slices, rows held once, unknown values without weight."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.data.sampling import uniform
from research.data.series.windowed_series import WindowedSeries
from research.experiment.series.loss import forecasting
from research.training import program
from research.training.early_stopping import Stopping
from research.training.plan import TrainingPlan
from research.training.step import mean_loss, sum_metrics

ROWS, CONTEXT, HORIZON, CHANNELS = 60, 5, 4, 2


def rows(unknown=0.0, seed=0):
    generator = np.random.default_rng(seed)
    known = (generator.random((ROWS, CHANNELS)) >= unknown).astype(np.float32)
    known[CONTEXT::3, 0] = 1.0  # so that every window has a known target
    values = generator.normal(0, 1.5, (ROWS, CHANNELS)).astype(np.float32) * known
    return WindowedSeries(
        values=values,
        known=known,
        calendar=generator.normal(size=(ROWS, 3)).astype(np.float32),
        starts=np.r_[0:20, 29 : ROWS - CONTEXT - HORIZON + 1].astype(np.int32),  # two series of 29 and 31 rows
        context=np.arange(CONTEXT),
        horizon=np.arange(CONTEXT, CONTEXT + HORIZON),
    )


def initialize(key):
    return {"params": {"w": {"kernel": 0.1 * jax.random.normal(key, (CONTEXT * CHANNELS, HORIZON * CHANNELS))}}}


def apply(variables, inputs, key):
    context = inputs["values"] * inputs["known"]
    flat = context.reshape(len(context), -1) @ variables["params"]["w"]["kernel"]
    return flat.reshape(-1, HORIZON, CHANNELS, 1), {}


def test_windows_are_a_plain_loop_of_slices():
    held = rows(0.3)
    starts = np.array([0, 31, 19, 51], np.int32)
    inputs, targets, known = held.windows(jnp.asarray(starts))
    for index, start in enumerate(starts):
        past, ahead = slice(start, start + CONTEXT), slice(start + CONTEXT, start + CONTEXT + HORIZON)
        whole = slice(start, start + CONTEXT + HORIZON)
        np.testing.assert_array_equal(inputs["values"][index], held.values[past])
        np.testing.assert_array_equal(inputs["known"][index], held.known[past])
        np.testing.assert_array_equal(inputs["calendar"][index], held.calendar[whole])
        truth = np.where(held.known[ahead] > 0, held.values[ahead], np.nan)
        np.testing.assert_array_equal(targets[index], truth)
        assert float(known[index]) == pytest.approx(held.known[ahead].mean())


def test_values_ahead_are_not_among_the_inputs():
    held, starts = rows(0.3), jnp.array([7], jnp.int32)
    ahead = slice(7 + CONTEXT, None)
    other = held._replace(values=held.values.copy(), known=held.known.copy())
    other.values[ahead], other.known[ahead] = 1e6, 1 - held.known[ahead]
    usual, changed = (each.windows(starts)[0] for each in (held, other))
    assert all(np.array_equal(usual[name], changed[name]) for name in usual)


def test_a_window_costs_a_number_and_not_its_rows():
    held, batch = rows(), 8
    assert sum(np.size(leaf) for leaf in held) <= ROWS * (2 * CHANNELS + 3) + len(held.starts) + CONTEXT + HORIZON
    compiled = jax.jit(lambda rows, index: rows.take(index)).lower(held, jnp.arange(batch)).compile()
    memory = compiled.memory_analysis()
    one = 4 * (CONTEXT + HORIZON) * (2 * CHANNELS + 3)
    assert memory.temp_size_in_bytes + memory.output_size_in_bytes < 8 * batch * one


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_a_mean_over_windows_is_that_over_all_known_targets(loss):
    held, variables = rows(0.4), initialize(jax.random.key(3))
    each = {"mse": np.square, "mae": np.abs}[loss]
    scored = {"apply": apply, "loss_fn": forecasting(loss), "metrics": ("loss", "scaled_mae")}
    sums = sum_metrics(variables, jax.tree.map(jnp.asarray, held), batch_size=7, **scored)
    errors = []
    for start in held.starts:
        inputs, _, _ = held.windows(jnp.array([start]))
        said = np.asarray(apply(variables, inputs, None)[0], np.float64)[0, ..., 0]
        ahead = slice(start + CONTEXT, start + CONTEXT + HORIZON)
        error = held.values[ahead] - said
        errors += each(error)[held.known[ahead] > 0].tolist()
    assert float(sums["loss"] / sums["count"]) == pytest.approx(np.mean(errors), rel=1e-5)
    assert float(sums["count"]) * HORIZON * CHANNELS == pytest.approx(len(errors))


def test_what_stands_for_the_unknown_makes_no_difference():
    held, params, key = rows(0.4), initialize(jax.random.key(3))["params"], jax.random.key(0)
    other = held._replace(values=np.where(held.known > 0, held.values, np.float32(-7e5)))
    index, found = jnp.arange(12), []
    for each in (held, other):
        batch = each.take(index)
        score = functools.partial(mean_loss, apply=apply, loss_fn=forecasting("mse"), l2=0.0)
        found.append(jax.value_and_grad(score, has_aux=True)(params, {"w": {"kernel": None}}, {}, batch, key))
    for usual, changed in zip(*map(jax.tree.leaves, found), strict=True):
        assert np.isfinite(usual).all()
        np.testing.assert_array_equal(usual, changed)


def test_padding_of_a_last_batch_weighs_nothing():
    held = rows()
    batch = held.take(jnp.array([0, 3, held.size]))
    assert batch.weights.tolist() == [1.0, 1.0, 0.0]


@pytest.mark.slow
def test_a_training_on_windows_may_be_cut_anywhere():
    held, validation = rows(0.2), rows(0.2, seed=1)
    plan = TrainingPlan(
        examples={"train": held.size, "validation": validation.size},
        data_set={"train": held, "validation": validation}.__getitem__,
        identity="",
        initialize=initialize,
        apply=apply,
        loss_fn=forecasting("huber"),
        metrics=("loss", "scaled_mae"),
        order=uniform(held.size, 8),
        optimizer=optax.adam(0.01),
        epochs=3,
        stopping=Stopping("patience", 2),
    )
    advance = program.build_advance(plan)
    ends = []
    for stops in ([plan.total_steps], [1, 4, 9, plan.total_steps]):
        state = program.start([0, 1], plan)
        for stop in stops:
            state, _ = advance(state, held, validation, jnp.int32(stop))
        ends.append(jax.device_get(state))
    for unbroken, broken in zip(*map(jax.tree.leaves, ends), strict=True):
        np.testing.assert_array_equal(unbroken, broken)
    assert np.isfinite(ends[0].history["validation/scaled_mae"]).any()
