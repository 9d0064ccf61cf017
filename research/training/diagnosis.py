"""What was not finite when a training diverged: the step is a function of (state, seed, step), so it is run again."""

import jax
import jax.numpy as jnp

from research.keys import key
from research.training.program import Plan, batch_index
from research.training.state import Examples, SeedState
from research.training.step import Apply, Objective, gather, mean_loss
from research.trees import named_leaves


def first_not_finite(
    each: SeedState, seed: int, train: Examples, plan: Plan, apply: Apply, objective: Objective
) -> str:
    """The first of inputs, parameters, output, loss and gradient leaves that is not finite, by name.

    `each` is the state of one seed as divergence left it: still that of before the step `each.diverged`.
    """
    step = each.diverged
    epoch, slot = step // plan.steps_per_epoch, step % plan.steps_per_epoch
    batch = gather(train, batch_index(jnp.int32(seed), epoch, plan)[slot], plan.examples)
    drop = key(seed, "dropout", step)
    (loss, _), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
        each.params, batch, drop, apply, objective, plan.l2
    )
    suspects = {"the input": batch.inputs}
    suspects |= {f"parameter {name}": leaf for name, leaf in named_leaves(each.params).items()}
    suspects |= {"the network's output": apply(each.params, batch.inputs, drop), "the loss": loss}
    suspects |= {f"the gradient of {name}": leaf for name, leaf in named_leaves(gradient).items()}
    broken = (name for name, leaf in suspects.items() if not jnp.isfinite(leaf).all())
    return next(broken, "the update")
