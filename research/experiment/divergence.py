"""Where a training diverged: the step, and what was not finite in it."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from research.experiment.trainable import Trainable
from research.training import program
from research.training.diagnosis import first_not_finite
from research.training.state import Batch, DataSet, SeedState


class Divergence(NamedTuple):
    """Where a training came to a number that is not finite; step and epoch count from 1."""

    step: int
    epoch: int
    leaf: str  # what was not finite, in words; see `first_not_finite`


def diverged_at(each: SeedState, seed: int, training: Trainable, plan: program.Plan) -> Divergence:
    """Of the training of `seed` that ended in `each`, which diverged."""
    draw = functools.partial(_draw, training.examples("train"), seed, plan, training.augment)
    leaf = first_not_finite(each, seed, draw, plan, apply=training.apply, objective=training.objective)
    step = int(each.diverged)
    return Divergence(step + 1, step // plan.steps_per_epoch + 1, leaf)


def _draw(train: DataSet, seed: int, plan: program.Plan, augment: program.Augment | None, step: jax.Array) -> Batch:
    """The batch of `step`, once more."""
    epoch, slot = step // plan.steps_per_epoch, step % plan.steps_per_epoch
    rows = program.batch_index(jnp.int32(seed), epoch, plan)[slot]
    return program.draw(train, rows, jnp.int32(seed), step, plan, augment)
