"""Folds through `fit`: three trainings of one seed in one program, checkpointed and resumed."""

import contextlib
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.batches import whole_set
from research.data.sampling import uniform
from research.errors import UserError
from research.experiment.images.loss import classification
from research.training import fit
from research.training.plan import TrainingPlan
from research.trees import named_leaves

ROWS, WIDTH, CLASSES, FOLDS, SEED = 24, 4, 3, 3, 7
HELD_OUT = np.arange(ROWS) % FOLDS == np.arange(FOLDS)[:, None]
MEMBERS = [SEED * FOLDS + fold for fold in range(FOLDS)]


def initialize(key):
    hidden, logits = jax.random.split(key)
    return {
        "params": {
            "hidden": 0.5 * jax.random.normal(hidden, (WIDTH, 8)),
            "logits": 0.5 * jax.random.normal(logits, (8, CLASSES)),
        }
    }


def apply(variables, inputs, drop):
    hidden = jax.nn.relu(inputs @ variables["params"]["hidden"])
    if drop is not None:
        hidden *= jax.random.bernoulli(drop, 0.8, hidden.shape) / 0.8
    return hidden @ variables["params"]["logits"], {}


def rows(change=None):
    generator = np.random.default_rng(0)
    labels = (np.arange(ROWS) % CLASSES).astype(np.int32)
    inputs = generator.normal(size=(ROWS, WIDTH)).astype(np.float32)
    inputs[np.arange(ROWS), labels] += 1
    if change is not None:
        inputs[change] *= -50.0
    return whole_set(jnp.asarray(inputs), jnp.asarray(labels))


def plan_of(held_out=HELD_OUT, change=None):
    data = rows(change)
    return TrainingPlan(
        examples={"train": ROWS, "validation": ROWS},
        data_set=lambda split: data,
        identity="rows",
        initialize=initialize,
        apply=apply,
        loss_fn=classification,
        metrics=("loss", "accuracy"),
        order=uniform(ROWS, 8),
        optimizer=optax.adam(0.02),
        epochs=6,
        row_weights={
            "train": jnp.asarray(~held_out, jnp.float32),
            "validation": jnp.asarray(held_out, jnp.float32),
        },
    )


def fitted(plan, members, run_dir, calls=100):
    """What `fit` comes to, {name: leaf [M, ...]}, when it is preempted after so many `calls` of the program."""
    left = iter(range(calls))
    state, _ = fit.fit(
        plan, members, run_dir / "checkpoints" / "folds", facts={}, log=lambda state: None, checkpoint_seconds=0.0,
        progress=lambda *steps: contextlib.nullcontext(lambda step, running: None),
        preempted=lambda: next(left, None) is None,
    )  # fmt: skip
    return {name: np.asarray(leaf) for name, leaf in named_leaves(state).items()}


def same(one, other):
    assert one.keys() == other.keys()
    assert not [name for name in one if not np.array_equal(one[name], other[name], equal_nan=True)]


def member(leaves, index):
    return {name: leaf[index] for name, leaf in leaves.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return fitted(plan_of(), MEMBERS, tmp_path_factory.mktemp("whole"))


def test_a_fit_of_folds_that_was_cut_off_ends_with_the_same_bits(whole, tmp_path):
    cut = fitted(plan_of(), MEMBERS, tmp_path, calls=2)
    assert 0 < cut["step"][0] < whole["step"][0]
    same(fitted(plan_of(), MEMBERS, tmp_path), whole)


@pytest.mark.slow
def test_a_fold_is_what_it_is_whatever_is_trained_beside_it(whole, tmp_path):
    """To the bit in a program of as many members; alone, where no axis is vmapped, to rounding."""
    same(member(fitted(plan_of(), [MEMBERS[1]] * FOLDS, tmp_path / "thrice"), 0), member(whole, 1))
    alone = fitted(plan_of(), [MEMBERS[1]], tmp_path / "alone")
    for name, leaf in member(alone, 0).items():
        np.testing.assert_allclose(leaf, whole[name][1], rtol=2e-5, atol=1e-6, err_msg=name)


def test_other_row_weights_are_refused_in_the_folder_of_these(tmp_path):
    fitted(plan_of(), MEMBERS, tmp_path, calls=2)
    for other in (plan_of(np.roll(HELD_OUT, 1, axis=0)), dataclasses.replace(plan_of(), row_weights=None)):
        with pytest.raises(UserError, match=r"rows are weighed otherwise than .* was trained on") as refusal:
            fitted(other, MEMBERS, tmp_path)
        assert "\n" not in str(refusal.value)


def test_rows_of_weight_zero_have_no_influence_on_the_parameters(whole, tmp_path):
    changed = fitted(plan_of(change=HELD_OUT[0]), MEMBERS, tmp_path)
    trained = [name for name in whole if name.startswith(("params/", "optimizer/", "history/train/"))]
    same(*({name: member(leaves, 0)[name] for name in trained} for leaves in (changed, whole)))
    assert not np.array_equal(changed["params/hidden"][1], whole["params/hidden"][1]), "other folds train on them"


def test_row_weights_have_a_row_for_each_fold_and_a_column_for_each_example():
    with pytest.raises(ValueError, match="row weights of validation"):
        dataclasses.replace(plan_of(), row_weights={"train": jnp.ones((3, ROWS)), "validation": jnp.ones((2, ROWS))})
    with pytest.raises(ValueError, match="row weights of train"):
        dataclasses.replace(plan_of(), row_weights={"train": jnp.ones((3, ROWS + 1))})
