"""Members of a training: each weighs the rows in its own way, as folds and bootstrap samples do."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.batches import ArrayData
from research.data.sampling import uniform
from research.training import program
from research.training.losses import classification

ROWS, WIDTH, CLASSES = 24, 4, 3
PLAN = program.TrainingPlan(3, epochs=3, l2=0.0, patience=2, monitor="loss", metrics=("loss", "accuracy"))
OPTIMIZER = optax.adam(0.1)


def initialize(key):
    return {"params": {"w": {"kernel": 0.1 * jax.random.normal(key, (WIDTH, CLASSES))}}}


def apply(variables, inputs, key):
    return inputs @ variables["params"]["w"]["kernel"], {}


@pytest.fixture(scope="module")
def advance():
    parts = {"apply": apply, "loss_fn": classification, "optimizer": OPTIMIZER, "order": uniform(ROWS, 8)}
    return program.build_advance(PLAN, **parts)


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    labels = (np.arange(ROWS) % CLASSES).astype(np.int32)
    inputs = generator.normal(size=(ROWS, WIDTH)).astype(np.float32)
    inputs[np.arange(ROWS), labels] += 1
    return ArrayData(jnp.asarray(inputs), jnp.asarray(labels))


def trained(advance, data, weights, seeds=(0, 0)):
    state = program.start(np.array(seeds, np.int32), initialize, OPTIMIZER, PLAN)
    return advance(state, data, data, jnp.int32(PLAN.total_steps), weights)[0].each


def folds():
    held_out = np.arange(ROWS) % 2 == np.array([[0], [1]])
    return {
        "train": jnp.asarray(~held_out, jnp.float32),
        "validation": jnp.asarray(held_out, jnp.float32),
    }


def test_weights_of_one_are_no_weights(advance, data):
    ones = {"train": jnp.ones((2, ROWS)), "validation": jnp.ones((2, ROWS))}
    for mine, theirs in zip(
        *map(jax.tree.leaves, (trained(advance, data, ones), trained(advance, data, {}))), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_fold_does_not_see_the_rows_that_it_holds_out(advance, data):
    other = data._replace(inputs=data.inputs.at[::2].multiply(-50.0))  # held out by the first member alone
    usual, changed = (trained(advance, each, folds()) for each in (data, other))
    kernels = [np.asarray(each.params["w"]["kernel"]) for each in (usual, changed)]
    np.testing.assert_array_equal(kernels[0][0], kernels[1][0])
    assert not np.array_equal(kernels[0][1], kernels[1][1])
    losses = [np.asarray(each.history["validation/loss"]) for each in (usual, changed)]
    assert not np.array_equal(losses[0][0], losses[1][0]), "it is validated on the rows that it holds out"


def test_a_row_of_weight_two_counts_twice(data):
    twice = {"train": jnp.ones((1, ROWS)).at[0, 5].set(2.0)}
    plan = PLAN._replace(steps_per_epoch=1, epochs=1, patience=None)
    once = program.build_advance(
        plan, apply=apply, loss_fn=classification, optimizer=optax.sgd(0.5), order=uniform(ROWS, ROWS)
    )
    state = program.start(np.zeros(1, np.int32), initialize, optax.sgd(0.5), plan)
    start = np.asarray(state.each.params["w"]["kernel"][0])
    found = once(state, data, None, jnp.int32(1), twice)[0].each.params["w"]["kernel"][0]

    def loss(kernel):
        losses = optax.softmax_cross_entropy_with_integer_labels(data.inputs @ kernel, data.targets)
        return (losses.sum() + losses[5]) / (ROWS + 1)

    np.testing.assert_allclose(found, start - 0.5 * np.asarray(jax.grad(loss)(start)), rtol=1e-5, atol=1e-6)
