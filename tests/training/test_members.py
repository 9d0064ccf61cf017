"""Members of a training: each weighs the rows in its own way, as folds and bootstrap samples do."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.batches import whole_set
from research.data.sampling import uniform
from research.experiment.images.loss import classification
from research.training import program
from research.training.early_stopping import Stopping
from research.training.plan import TrainingPlan

ROWS, WIDTH, CLASSES = 24, 4, 3


def initialize(key):
    return {"params": {"w": {"kernel": 0.1 * jax.random.normal(key, (WIDTH, CLASSES))}}}


def apply(variables, inputs, key):
    return inputs @ variables["params"]["w"]["kernel"], {}


PLAN = TrainingPlan(
    examples={"train": ROWS, "validation": ROWS},
    data_set=pytest.fail,  # the program gets its data as arguments
    identity="",
    initialize=initialize,
    apply=apply,
    loss_fn=classification,
    metrics=("loss", "accuracy"),
    order=uniform(ROWS, 8),
    optimizer=optax.adam(0.1),
    epochs=3,
    stopping=Stopping("patience", 2),
)


@pytest.fixture(scope="module")
def advance():
    return program.build_advance(PLAN)


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    labels = (np.arange(ROWS) % CLASSES).astype(np.int32)
    inputs = generator.normal(size=(ROWS, WIDTH)).astype(np.float32)
    inputs[np.arange(ROWS), labels] += 1
    return whole_set(jnp.asarray(inputs), jnp.asarray(labels))


def trained(advance, data, weights):
    """Two folds of seed 0."""
    plan = dataclasses.replace(PLAN, row_weights={"train": jnp.ones((2, ROWS))})
    return advance(program.start([0, 1], plan), data, data, jnp.int32(PLAN.total_steps), weights)[0]


def folds():
    held_out = np.arange(ROWS) % 2 == np.array([[0], [1]])
    return {
        "train": jnp.asarray(~held_out, jnp.float32),
        "validation": jnp.asarray(held_out, jnp.float32),
    }


@pytest.mark.slow
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
    plan = dataclasses.replace(PLAN, order=uniform(ROWS, ROWS), epochs=1, stopping=None, optimizer=optax.sgd(0.5))
    state, once = program.start([0], plan), program.build_advance(plan)
    start = np.asarray(state.params["w"]["kernel"][0])
    found = once(state, data, None, jnp.int32(1), twice)[0].params["w"]["kernel"][0]

    def loss(kernel):
        losses = optax.softmax_cross_entropy_with_integer_labels(data.inputs @ kernel, data.targets)
        return (losses.sum() + losses[5]) / (ROWS + 1)

    np.testing.assert_allclose(found, start - 0.5 * np.asarray(jax.grad(loss)(start)), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_a_batch_of_rows_that_all_weigh_nothing_ends_no_member(data):
    """A short last batch may lie in a fold whole."""
    plan = dataclasses.replace(PLAN, order=uniform(ROWS, ROWS - 1), stopping=None, row_weights=folds())
    alone = np.asarray(plan.order(*[jnp.int32(0)] * 3))[-1][:1]
    weights = {"train": jnp.asarray(np.arange(ROWS) != np.array([alone, alone + 1]), jnp.float32)}
    start, steps = program.start([0, 1], plan), jnp.int32(plan.total_steps)
    state, _ = program.build_advance(plan)(start, data, data, steps, weights)
    assert state.diverged.tolist() == [-1, -1]
    assert np.isfinite(np.asarray(state.history["validation/loss"])).all()
