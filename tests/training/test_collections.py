"""What a net updates itself in training (`batch_stats`) is carried, saved with the best epoch, and resumed exactly."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.batches import whole_set
from research.data.sampling import uniform
from research.experiment.images.loss import classification
from research.keys import key
from research.training import checkpoints, program
from research.training.early_stopping import Stopping
from research.training.plan import TrainingPlan
from research.training.state import chosen_variables, take_member
from research.trees import named_leaves

ROWS, WIDTH, CLASSES = 30, 4, 3
ORDER = uniform(ROWS, 8)


class Normed(nn.Module):
    @nn.compact
    def __call__(self, x, train=False):
        x = nn.BatchNorm(use_running_average=not train, momentum=0.5)(x)
        return nn.Dense(CLASSES)(x)


def initialize(key):
    return dict(Normed().init(key, jnp.zeros((1, WIDTH))))


def apply(variables, inputs, drop):
    held = {name: tree for name, tree in variables.items() if name != "params"}
    if drop is None:
        return Normed().apply(variables, inputs), held
    return Normed().apply(variables, inputs, True, mutable=list(held))


def examples(seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES, ROWS).astype(np.int32)
    inputs = generator.normal(3, 2, (ROWS, WIDTH)).astype(np.float32)
    inputs[np.arange(ROWS), labels] += 2
    return whole_set(jnp.asarray(inputs), jnp.asarray(labels))


TRAIN, VALIDATION = examples(0), examples(1)
PLAN = TrainingPlan(
    examples={"train": ROWS, "validation": ROWS},
    data_set={"train": TRAIN, "validation": VALIDATION}.__getitem__,
    identity="",
    initialize=initialize,
    apply=apply,
    loss_fn=classification,
    metrics=("loss", "accuracy"),
    order=ORDER,
    optimizer=optax.sgd(0.5),
    epochs=6,
    stopping=Stopping("patience", 2),
)


@pytest.fixture(scope="module")
def advance():
    return program.build_advance(PLAN)


def trained(advance, stops, seeds=(0,)):
    state = program.start(seeds, PLAN)
    for stop in stops:
        state, _ = advance(state, TRAIN, VALIDATION, jnp.int32(stop))
    return state


def by_hand(epochs):
    """The same training as a plain loop: the variables after each epoch, and the validation losses."""
    variables, found, losses = initialize(key(0, "init")), [], []
    for epoch in range(epochs):
        for index in np.asarray(ORDER(jnp.int32(0), jnp.int32(0), jnp.int32(epoch))):
            batch = TRAIN.take(jnp.asarray(index))

            def loss(params, variables=variables, batch=batch):
                output, updated = apply({**variables, "params": params}, batch.inputs, key(0))
                each = classification(output, batch.targets)["loss"]
                return (each * batch.weights).sum() / batch.weights.sum(), updated

            slopes, updated = jax.grad(loss, has_aux=True)(variables["params"])
            params = jax.tree.map(lambda leaf, slope: leaf - 0.5 * slope, variables["params"], slopes)
            variables = {"params": params, **updated}
        found.append(variables)
        output = apply(variables, VALIDATION.inputs, None)[0]
        losses.append(float(classification(output, VALIDATION.targets)["loss"].mean()))
    return found, losses


@pytest.mark.slow
def test_statistics_follow_a_plain_loop_and_the_best_epoch_keeps_its_own(advance):
    member = take_member(trained(advance, [PLAN.total_steps]), 0)
    epochs = int(np.isfinite(member.history["validation/loss"]).sum())
    after, losses = by_hand(epochs)
    np.testing.assert_allclose(member.history["validation/loss"][:epochs], losses, rtol=1e-4)
    for name, leaf in named_leaves(member.collections).items():
        np.testing.assert_allclose(leaf, named_leaves(after[-1])[name], rtol=1e-4, atol=1e-5)
    best = int(np.argmin(losses))
    assert int(member.best["epoch"]) == best + 1 < epochs, "the best epoch must not be the last for this test to tell"
    chosen = named_leaves(chosen_variables(jax.device_get(member)))
    assert set(chosen) == set(named_leaves(after[best]))
    for name, leaf in named_leaves(after[best]).items():
        np.testing.assert_allclose(chosen[name], leaf, rtol=1e-4, atol=1e-5)


def test_where_it_is_cut_off_changes_no_bit(advance, tmp_path):
    whole = trained(advance, [PLAN.total_steps])
    state = trained(advance, [1, 7])
    checkpoints.save(tmp_path, 7, state, {})
    leaves, _ = checkpoints.newest(tmp_path, pytest.fail)
    state = jax.device_put(checkpoints.fitted(leaves, state, tmp_path))
    state, _ = advance(state, TRAIN, VALIDATION, jnp.int32(PLAN.total_steps))
    assert any(name.startswith("collections/batch_stats/") for name in leaves)
    for one, other in zip(*map(jax.tree.leaves, (whole, state)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_members_have_statistics_of_their_own(advance):
    both, alone = (trained(advance, [9], seeds) for seeds in ((0, 3), (3,)))
    for two, one in zip(*(jax.tree.leaves(each.collections) for each in (both, alone)), strict=True):
        np.testing.assert_allclose(two[1], one[0], rtol=1e-4, atol=1e-5)
        assert not np.allclose(two[0], two[1])
