import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.batches import whole_set
from research.data.sampling import uniform
from research.experiment.images.loss import classification
from research.keys import key
from research.training import program
from research.training.early_stopping import Stopping
from research.training.plan import StepWindow, TrainingPlan
from research.training.state import NEVER, chosen_variables, members_of, status_of, take_member
from research.training.step import mean_loss, sum_metrics
from research.trees import named_leaves

CLASSES, WIDTH = 3, 5
ORDER = uniform(37, 8)


def examples(count, seed):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, CLASSES, count).astype(np.int32)
    inputs = generator.normal(size=(count, WIDTH)).astype(np.float32)
    inputs[np.arange(count), targets] += 1.5
    return whole_set(jnp.asarray(inputs), jnp.asarray(targets))


NOTHING = {"w": {"kernel": None, "bias": None}}  # frozen
TRAIN, VALIDATION = examples(37, 0), examples(11, 1)


def initialize(key):
    return {"params": {"w": {"kernel": 0.1 * jax.random.normal(key, (WIDTH, CLASSES)), "bias": jnp.zeros(CLASSES)}}}


def apply(variables, inputs, drop):
    if drop is not None:
        inputs = inputs * jax.random.bernoulli(drop, 0.8, inputs.shape) / 0.8
    return inputs @ variables["params"]["w"]["kernel"] + variables["params"]["w"]["bias"], {}


PLAN = TrainingPlan(
    examples={"train": 37, "validation": 11},
    data_set={"train": TRAIN, "validation": VALIDATION}.__getitem__,
    identity="",
    initialize=initialize,
    apply=apply,
    loss_fn=classification,
    metrics=("loss", "accuracy"),
    order=ORDER,
    optimizer=optax.adam(0.05),
    epochs=4,
)
SCORED = {"apply": apply, "loss_fn": classification, "metrics": PLAN.metrics}


def trained(plan=PLAN, seeds=(0,), stops=None, train=TRAIN):
    state, advance = program.start(seeds, plan), program.build_advance(plan)
    for stop in stops or [plan.total_steps]:
        state, readout = advance(state, train, VALIDATION, jnp.int32(stop))
    return state, readout


def with_epoch(seed, epoch, index, inputs):
    return inputs + 0.01 * (epoch + seed) + 0.001 * index[:, None]


def windows(order, width):
    """The set in blocks of `width` steps, in the order of the steps."""
    rows = np.concatenate([np.asarray(order(epoch)) for epoch in range(PLAN.epochs)])
    for start in range(0, len(rows), width):
        index = np.minimum(np.resize(rows[start : start + width], (width, rows.shape[1])).reshape(-1), 36)
        yield start, StepWindow(whole_set(TRAIN.inputs[index], TRAIN.targets[index]), jnp.int32(start), jnp.int32(37))


@pytest.mark.slow
@pytest.mark.parametrize(
    "width", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(20, marks=pytest.mark.slow)]
)
def test_a_set_read_window_by_window_gives_the_same_bits(width):
    advance = program.build_advance(dataclasses.replace(PLAN, augment=with_epoch))
    whole, _ = advance(program.start([2], PLAN), TRAIN, VALIDATION, jnp.int32(PLAN.total_steps))
    state = program.start([2], PLAN)
    order = functools.partial(ORDER, jnp.int32(2), jnp.int32(0))
    for start, window in windows(order, width):
        state, _ = advance(state, window, VALIDATION, jnp.int32(min(start + width, PLAN.total_steps)))
    assert same(state, whole)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [optax.adamw(0.05, weight_decay=0.5), optax.sgd(0.05, momentum=0.9)])
def test_frozen_leaves_stay_as_they_are_to_the_bit(optimizer):
    plan = dataclasses.replace(
        PLAN, l2=0.1, stopping=Stopping("patience", 10), optimizer=optimizer, frozen=frozenset({"w/kernel"})
    )
    state, advance = program.start([1], plan), program.build_advance(plan)
    before = np.asarray(state.frozen["w"]["kernel"])
    bias = np.asarray(state.params["w"]["bias"])
    assert not any("kernel" in name for name in named_leaves(state.optimizer)), "the optimizer knows it"
    state, _ = advance(state, TRAIN, VALIDATION, jnp.int32(plan.total_steps))
    np.testing.assert_array_equal(state.frozen["w"]["kernel"], before)
    ended = chosen_variables(take_member(state, 0))["params"]["w"]
    np.testing.assert_array_equal(ended["kernel"], before[0])
    assert not np.array_equal(ended["bias"], bias[0])


def same(a, b):
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))


def test_where_the_calls_are_cut_changes_no_bit():
    whole, _ = trained()
    assert same(whole, trained(stops=[1, 2, 3, 9, 10, 20])[0])
    assert same(whole, trained(stops=list(range(1, 21)))[0])


def test_the_history_is_what_an_evaluation_outside_finds():
    state, _ = trained()
    each = take_member(state, 0)
    sums = sum_metrics({"params": each.params}, VALIDATION, batch_size=4, **SCORED)
    np.testing.assert_allclose(each.history["validation/loss"][-1], sums["loss"] / sums["count"], rtol=1e-6)
    logits = np.asarray(apply({"params": each.params}, VALIDATION.inputs, None)[0])
    right = (logits.argmax(1) == VALIDATION.targets).mean()
    np.testing.assert_allclose(each.history["validation/accuracy"][-1], right, rtol=1e-6)
    assert int(sums["count"]) == 11


def test_one_step_is_the_optimizers_own():
    state, _ = trained(dataclasses.replace(PLAN, order=uniform(37, 37), epochs=1, optimizer=optax.sgd(0.1)))
    start = initialize(key(0, "init"))["params"]
    order = uniform(37, 37)(*[jnp.int32(0)] * 3)[0]
    inputs, targets = TRAIN.inputs[order], TRAIN.targets[order]

    def loss(params):
        logits, _ = apply({"params": params}, inputs, key(0, "dropout", 0))
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()

    after = jax.tree.map(lambda leaf, slope: leaf - 0.1 * slope, start, jax.grad(loss)(start))
    for name in ("kernel", "bias"):
        np.testing.assert_allclose(state.params["w"][name][0], after["w"][name], rtol=1e-5, atol=1e-7)


def test_vmapped_seeds_are_the_seeds_alone():
    together, _ = trained(seeds=(3, 4))
    for index, seed in enumerate((3, 4)):
        alone, _ = trained(seeds=(seed,))
        for a, b in zip(*map(jax.tree.leaves, (take_member(together, index), take_member(alone, 0))), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_l2_pulls_kernels_and_leaves_biases():
    batch = TRAIN.take(jnp.arange(8))
    params = initialize(key(0))["params"]

    def slope(l2):
        return jax.grad(lambda p: mean_loss(p, NOTHING, {}, batch, key(1), apply, classification, l2)[0])(params)["w"]

    pulled, free = slope(0.5), slope(0.0)
    np.testing.assert_allclose(pulled["kernel"] - free["kernel"], params["w"]["kernel"], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(pulled["bias"], free["bias"])


def overfit(patience, monitor="loss", epochs=30):
    fast = optax.adam(0.3)
    return trained(
        dataclasses.replace(
            PLAN, stopping=Stopping("patience", patience), monitor=monitor, epochs=epochs, optimizer=fast
        )
    )[0]


@pytest.mark.parametrize(
    ("step", "stopped", "diverged", "status"),
    [
        (5, [False, False], [NEVER, NEVER], "preempted"),
        (5, [False, False], [NEVER, 3], "preempted"),
        (5, [True, False], [NEVER, 3], "diverged"),
        (PLAN.total_steps, [False, False], [NEVER, 3], "diverged"),
        (5, [True, True], [NEVER, NEVER], "stopped early"),
        (PLAN.total_steps, [True, False], [NEVER, NEVER], "finished"),
    ],
)
def test_while_any_seed_can_go_on_a_training_is_not_over(step, stopped, diverged, status):
    state = program.start([0, 1], PLAN)
    state = state._replace(step=jnp.full(2, step), stopped=jnp.array(stopped), diverged=jnp.array(diverged))
    assert status_of([state], PLAN.total_steps) == status_of(members_of(state), PLAN.total_steps) == status


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_early_stopping_ends_on_the_best_epoch(monitor):
    state = overfit(2, monitor)
    each = take_member(state, 0)
    values = np.asarray(each.history[f"validation/{monitor}"])
    seen = values[np.isfinite(values)]
    best = int(seen.argmin() if monitor == "loss" else seen.argmax())
    assert bool(each.stopped) and len(seen) == best + 3 < 30
    assert int(each.best["epoch"]) == best + 1
    sums = sum_metrics(chosen_variables(each), VALIDATION, batch_size=11, **SCORED)
    np.testing.assert_allclose(sums[monitor] / sums["count"], seen[best], rtol=1e-6)


@pytest.mark.slow
def test_at_max_epochs_the_best_weights_are_chosen_too():
    each = take_member(overfit(100, epochs=8), 0)
    values = np.asarray(each.history["validation/loss"])
    assert int(each.best["epoch"]) == values.argmin() + 1 < 8
    assert not same(chosen_variables(each)["params"], each.params)


@pytest.mark.slow
def test_a_stopped_seed_stands_still_while_others_train():
    plan = dataclasses.replace(PLAN, stopping=Stopping("patience", 2), epochs=30, optimizer=optax.adam(0.3))
    both, alone = (trained(plan, seeds)[0] for seeds in ((0, 5), (0,)))
    ends = [int(np.isfinite(row).sum()) for row in both.history["validation/loss"]]
    assert bool(both.stopped.all()) and ends[0] != ends[1], "the seeds must differ for this test to tell"
    np.testing.assert_allclose(both.params["w"]["kernel"][0], alone.params["w"]["kernel"][0], rtol=1e-4)


def test_divergence_keeps_the_last_finite_parameters_and_names_the_step():
    plan = dataclasses.replace(PLAN, epochs=3)
    broken = whole_set(TRAIN.inputs.at[5].set(jnp.inf), TRAIN.targets)
    state, readout = trained(plan, train=broken)
    each = take_member(state, 0)
    order = np.asarray(ORDER(*[jnp.int32(0)] * 3))
    slot = int(np.argwhere(order == 5)[0][0])
    assert int(each.diverged) == slot != NEVER
    assert not bool(readout["active"][0])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(each.params))
    whole, _ = trained(plan, stops=[slot]) if slot else (program.start([0], plan), 0)
    assert same(each.params, take_member(whole, 0).params)
