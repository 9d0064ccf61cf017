"""What training carries from step to step: arrays only, for several members at once along the leading axis M.

A member is one training of the same net on the same data: it has a seed of its own, and may weigh the rows of the data
in its own way (folds of a cross-validation, bootstrap samples).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from research.trees import from_named, merge, named_leaves

Tree = Any
NEVER = -1


class Best(NamedTuple):
    """Early stopping: the best weights so far, where they were found and how long ago.

    `params` and `collections` are empty when early stopping is off.
    """

    params: Tree
    collections: Tree
    value: jax.Array  # of the monitored metric, smaller is better
    epoch: jax.Array  # counted from 1; 0 before the first
    stale: jax.Array  # epochs since the best


class MemberState(NamedTuple):
    """One training: leaves stand alone here, and with a leading M axis inside `TrainState`.

    `params` and `frozen` have the same structure; each leaf is in one and None in the other (`trees.split`).
    """

    params: Tree  # trained
    frozen: Tree  # not trained: neither differentiated, nor known to the optimizer
    collections: Tree  # {name: tree} of what the net itself updates in training, such as `batch_stats`
    optimizer: Tree
    best: Best
    sums: dict[str, jax.Array]  # metric sums of the running epoch, and `count`
    history: dict[str, jax.Array]  # `train/loss`, `validation/accuracy` ...: [epochs], NaN before their epoch
    stopped: jax.Array  # bool: early stopping has ended it
    diverged: jax.Array  # the step at which loss or gradient was not finite; NEVER without one


class TrainState(NamedTuple):
    """All that a checkpoint holds."""

    step: jax.Array  # int32: steps done, the same for all members
    seeds: jax.Array  # int32 [M]
    each: MemberState  # with a leading M axis on every leaf


def active(each: MemberState) -> jax.Array:
    """Which members still train: bool [M], or a scalar for one member."""
    return ~each.stopped & (each.diverged == NEVER)


def variables_of(member: MemberState) -> Tree:
    """What the net is applied to now: {"params": ..., and its collections}."""
    return {"params": merge(member.params, member.frozen), **member.collections}


def chosen_variables(member: MemberState) -> Tree:
    """The variables that a finished training of one member stands for, see `chosen_leaves`."""
    return from_named(chosen_leaves(named_leaves(member)), variables_of(member))


def chosen_leaves(member: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of the variables that a training stands for, from the named leaves of a MemberState.

    With early stopping they are the best epoch's, otherwise the last. A training that was cut off before its first
    epoch ended has no best epoch yet; then they are the present ones. Frozen leaves are always among them.
    """
    has_best = member["best/epoch"] > 0 and any(name.startswith("best/params/") for name in member)
    trained = "best/" if has_best else ""
    prefixes = {f"{trained}params/": "params/", "frozen/": "params/", f"{trained}collections/": ""}
    return {
        to + name.removeprefix(prefix): leaf
        for prefix, to in prefixes.items()
        for name, leaf in member.items()
        if name.startswith(prefix)
    }


def take_member(tree: Tree, index: int) -> Tree:
    """The slice of a tree with a leading M axis that belongs to the member at `index`."""
    return jax.tree.map(lambda leaf: leaf[index], tree)
