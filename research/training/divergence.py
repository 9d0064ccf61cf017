"""Where a training diverged, and what was not finite. A step is a function of (state, seed, step), so it is rerun."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from research.batches import Batch
from research.keys import key
from research.training.plan import TrainingPlan
from research.training.state import TrainState, variables_of
from research.training.step import mean_loss
from research.trees import named_leaves


class Divergence(NamedTuple):
    """Where a training reached a number that is not finite; step and epoch count from 1."""

    step: int
    epoch: int
    leaf: str  # what was not finite, in words; see `first_not_finite`


def locate_divergence(member: TrainState, draw: Callable[[jax.Array], Batch], plan: TrainingPlan) -> Divergence:
    """The divergence of the training that ended in `member`; `draw(step)` gives the batch of a step again."""
    leaf, step = first_not_finite(member, draw, plan), int(member.diverged)
    return Divergence(step + 1, step // plan.steps_per_epoch + 1, leaf)


def first_not_finite(member: TrainState, draw: Callable[[jax.Array], Batch], plan: TrainingPlan) -> str:
    """The first of inputs, parameters, output, loss, and leaves of the gradient that is not finite, by name.

    After an output or a loss, the first such leaf of the gradient is named as well. Where all are finite, the square of
    a gradient overflowed, and the leaf with the largest one is named.

    `member` is the state of one training before the step `member.diverged`; `draw(step)` gives the batch of that step.
    """
    batch, drop = draw(member.diverged), key(member.seed, "dropout", member.diverged)
    (loss, _), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
        member.params, member.frozen, member.collections, batch, drop, plan.apply, plan.loss_fn, plan.l2
    )
    variables = variables_of(member)
    leaves = named_leaves(gradient)
    before = {f"the input {name}".rstrip(): leaf for name, leaf in named_leaves(batch.inputs).items()}
    before |= {f"parameter {name}": leaf for name, leaf in named_leaves(variables["params"]).items()}
    between = {"the network's output": plan.apply(variables, batch.inputs, drop)[0], "the loss": loss}
    after = {f"the gradient of {name}": leaf for name, leaf in leaves.items()}
    largest = max(leaves, key=lambda name: float(jnp.abs(leaves[name]).max()))
    leaf = next(_not_finite(after), f"the squared gradient of {largest}")
    first = next(_not_finite(before | between), leaf)
    return f"{first} and {leaf}" if first in between else first


def _not_finite(suspects: dict[str, jax.Array]) -> Iterator[str]:
    return (name for name, leaf in suspects.items() if not jnp.isfinite(leaf).all())
