import jax
import jax.numpy as jnp
import optax
import pytest

from research.batches import Batch
from research.errors import UserError
from research.experiment.images.loss import classification
from research.training.early_stopping import start
from research.training.freezing import frozen_leaves, trained_mask
from research.training.state import TrainState
from research.training.step import never, train_step, zero_sums
from research.trees import named_leaves, split

NAMES = ["conv1/bias", "conv1/kernel", "conv2/bias", "conv2/kernel", "logits/bias", "logits/kernel"]


def test_every_leaf_is_trained_or_frozen_once():
    frozen = frozen_leaves(NAMES, ["conv1/*", "*/bias"])
    assert sorted(frozen) == ["conv1/bias", "conv1/kernel", "conv2/bias", "logits/bias"]
    tree = {layer: {"bias": 0.0, "kernel": 0.0} for layer in ("conv1", "conv2", "logits")}
    taken, rest = split(tree, trained_mask(tree, frozen))
    assert sorted([*named_leaves(taken), *named_leaves(rest)]) == NAMES
    assert set(named_leaves(rest)) == frozen


def test_a_pattern_that_freezes_nothing_gives_the_list():
    with pytest.raises(UserError, match=r"conv9/\* matches no parameter.* trained are conv1/bias, conv1/kernel"):
        frozen_leaves(NAMES, ["conv9/*"])
    with pytest.raises(
        UserError, match=r"\*/kernel matches only what is frozen already.* trained are conv1/bias, conv2/bias"
    ):
        frozen_leaves(NAMES, ["*/kernel", "*/kernel"])


def test_something_must_be_left_to_train():
    with pytest.raises(UserError, match="nothing is left to train"):
        frozen_leaves(NAMES, ["*"])


WIDTHS = (256, 256, 256, 10)  # of four layers on 64 inputs
BATCH = 128


def flops(frozen):
    """What XLA counts of a training step of a dense net, its first layers `frozen`."""
    sizes = (64, *WIDTHS)
    params = {f"layer{index}": jnp.ones((sizes[index], size)) for index, size in enumerate(WIDTHS)}

    def apply(variables, inputs, drop):
        for index in range(len(WIDTHS)):
            inputs = jax.nn.relu(inputs @ variables["params"][f"layer{index}"])
        return inputs, {}

    optimizer = optax.sgd(0.1)
    taken, rest = split(params, trained_mask(params, {f"layer{index}" for index in range(frozen)}))
    state = TrainState(

        seed=jnp.int32(0), fold=jnp.int32(0), step=jnp.int32(0), params=taken, frozen=rest, collections={},
        optimizer=optimizer.init(taken), best=start(taken, {}, enabled=False), sums=zero_sums(("loss", "accuracy")),
        history={}, stopped=jnp.zeros((), bool), diverged=never(),
    )  # fmt: skip
    batch = Batch(jnp.ones((BATCH, 64)), jnp.zeros(BATCH, jnp.int32), jnp.ones(BATCH))

    def step(state, batch):
        return train_step(
            state, batch, jax.random.key(0),
            apply=apply, loss_fn=classification, optimizer=optimizer, l2=0.0,
        )  # fmt: skip

    return jax.jit(step).lower(state, batch).compile().cost_analysis()["flops"]


@pytest.mark.parametrize("frozen", [0, 1, 2, 3])
def test_the_compiled_step_does_the_work_of_what_is_trained(frozen):
    """2 operations a multiply-add: all layers forward, each trained kernel, and the inputs above the first of them."""
    sizes = (64, *WIDTHS)
    work = [2 * BATCH * sizes[index] * size for index, size in enumerate(WIDTHS)]
    expected = sum(work) + sum(work[frozen:]) + sum(work[frozen + 1 :])
    elementwise = 10 * BATCH * sum(WIDTHS) + 4 * sum(sizes[p] * WIDTHS[p] for p in range(frozen, len(WIDTHS)))
    assert elementwise < min(work[:-1])
    assert expected <= flops(frozen) <= expected + elementwise
