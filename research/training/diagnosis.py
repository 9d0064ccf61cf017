"""What was not finite when a training diverged: the step is a function of (state, seed, step), so it is run again."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from research.keys import key
from research.training.program import Plan
from research.training.state import Batch, SeedState
from research.training.step import Apply, Objective, mean_loss
from research.trees import merge, named_leaves


def first_not_finite(
    each: SeedState, seed: int, draw: Callable[[jax.Array], Batch], plan: Plan, apply: Apply, objective: Objective
) -> str:
    """The first of inputs, parameters, output, loss and gradient leaves that is not finite, by name.

    `each` is the state of one seed as divergence left it: still that of before the step `each.diverged`, whose batch
    `draw(step)` gives.
    """
    batch, drop = draw(each.diverged), key(seed, "dropout", each.diverged)
    (loss, _), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
        each.params, each.frozen, batch, drop, apply, objective, plan.l2
    )
    whole = merge(each.params, each.frozen)
    suspects = {"the input": batch.inputs}
    suspects |= {f"parameter {name}": leaf for name, leaf in named_leaves(whole).items()}
    suspects |= {"the network's output": apply(whole, batch.inputs, drop), "the loss": loss}
    suspects |= {f"the gradient of {name}": leaf for name, leaf in named_leaves(gradient).items()}
    broken = (name for name, leaf in suspects.items() if not jnp.isfinite(leaf).all())
    return next(broken, "the update")
