"""What was not finite when a training diverged: the step is a function of (state, seed, step), so it is run again."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp

from research.keys import key
from research.training.program import Plan
from research.training.state import Batch, SeedState
from research.training.step import Apply, Objective, mean_loss
from research.trees import merge, named_leaves


def first_not_finite(
    each: SeedState,
    seed: int,
    draw: Callable[[jax.Array], Batch],
    plan: Plan,
    *,
    apply: Apply,
    objective: Objective,
) -> str:
    """The first of inputs, parameters, output, loss, and leaves of the gradient that is not finite, by name.

    Of an output or a loss, the first leaf after it is told, too. Where all are finite, it is the square of a gradient
    that is not: of the leaf with the largest.

    `each` is the state of one seed as divergence left it: still that of before the step `each.diverged`, whose batch
    `draw(step)` gives.
    """
    batch, drop = draw(each.diverged), key(seed, "dropout", each.diverged)
    (loss, _), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
        each.params, each.frozen, batch, drop, apply, objective, plan.l2
    )
    whole = merge(each.params, each.frozen)
    leaves = named_leaves(gradient)
    before = {f"the input {name}".rstrip(): leaf for name, leaf in named_leaves(batch.inputs).items()}
    before |= {f"parameter {name}": leaf for name, leaf in named_leaves(whole).items()}
    between = {"the network's output": apply(whole, batch.inputs, drop), "the loss": loss}
    after = {f"the gradient of {name}": leaf for name, leaf in leaves.items()}
    largest = max(leaves, key=lambda name: float(jnp.abs(leaves[name]).max()))
    leaf = next(_not_finite(after), f"the squared gradient of {largest}")
    first = next(_not_finite(before | between), leaf)
    return f"{first} and {leaf}" if first in between else first


def _not_finite(suspects: dict[str, jax.Array]) -> Iterator[str]:
    return (name for name, leaf in suspects.items() if not jnp.isfinite(leaf).all())
