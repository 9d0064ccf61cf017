"""What training carries from step to step: arrays only, for several seeds at once along the leading axis S."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.trees import merge

Tree = Any
NEVER = -1


class Examples(NamedTuple):
    """A data set on the device: `inputs` [N, ...] and `targets` [N, ...]."""

    inputs: jax.Array | np.ndarray
    targets: jax.Array | np.ndarray


class Window(NamedTuple):
    """The examples of some steps in their order, [steps * B, ...], where a set is read as it is needed.

    `begin` is the step that the first B belong to.
    """

    examples: Examples
    begin: jax.Array | np.ndarray


class Stretches(NamedTuple):
    """Stretches of series, which overlap: the rows are kept once [R, ...], and a stretch is known by its first one.

    Along the rows lie the series one after another; `past` and `ahead` are the rows that an example sees and those
    that it is to forecast, counted from its first.
    """

    values: jax.Array | np.ndarray  # [R, F]: differences from what is expected, in spreads, 0 where unknown
    known: jax.Array | np.ndarray  # [R, F], 1 or 0
    calendar: jax.Array | np.ndarray  # [R, C]
    starts: jax.Array | np.ndarray  # int32 [N]
    past: jax.Array | np.ndarray  # int32 [L]
    ahead: jax.Array | np.ndarray  # int32 [P]


DataSet = Examples | Stretches  # whole, on the device


class Batch(NamedTuple):
    """Some examples; `weights` [B] is 1 for an example and 0 for the padding of a last, smaller batch.

    Where parts of a target are unknown, an example weighs as much as is known of it.
    """

    inputs: Tree
    targets: Tree
    weights: jax.Array


class Best(NamedTuple):
    """Early stopping: the best parameters so far, where they were found and how long ago.

    `params` is empty when early stopping is off.
    """

    params: Tree
    value: jax.Array  # of the monitored metric, smaller is better
    epoch: jax.Array  # counted from 1; 0 before the first
    stale: jax.Array  # epochs since the best


class SeedState(NamedTuple):
    """One training: leaves stand alone here, and with a leading S axis inside `TrainState`.

    `params` and `frozen` have the same structure; each leaf is in one and None in the other (`trees.split`).
    """

    params: Tree  # what is trained
    frozen: Tree  # what is not: neither differentiated, nor known to the optimizer
    optimizer: Tree
    best: Best
    sums: dict[str, jax.Array]  # metric sums of the running epoch, and `count`
    history: dict[str, jax.Array]  # `train/loss`, `validation/accuracy` ...: [epochs], NaN before their epoch
    stopped: jax.Array  # bool: early stopping has ended it
    diverged: jax.Array  # the step at which loss or gradient was not finite; NEVER without one


class TrainState(NamedTuple):
    """All that a checkpoint holds."""

    step: jax.Array  # int32: steps done, the same for all seeds
    seeds: jax.Array  # int32 [S]
    each: SeedState  # with a leading S axis on every leaf


def active(each: SeedState) -> jax.Array:
    """Which seeds still train: bool [S], or a scalar for one seed."""
    return ~each.stopped & (each.diverged == NEVER)


def chosen(each: SeedState) -> Tree:
    """The parameters that a finished training stands for, whole: the best epoch's, or the last without early stopping.

    A run that ended (or was cut) before its first epoch did has no best epoch yet; then the present ones.
    """
    if not jax.tree.leaves(each.best.params):
        return merge(each.params, each.frozen)

    def choose(best: jax.Array, now: jax.Array) -> jax.Array:
        found = jnp.asarray(each.best.epoch > 0)
        return jnp.where(found.reshape(found.shape + (1,) * (best.ndim - found.ndim)), best, now)

    return merge(jax.tree.map(choose, each.best.params, each.params), each.frozen)


def take_seed(tree: Tree, place: int) -> Tree:
    """The slice of a tree with a leading S axis that belongs to the seed at `place`."""
    return jax.tree.map(lambda leaf: leaf[place], tree)
