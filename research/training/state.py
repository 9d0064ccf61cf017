"""The state of training from step to step: arrays only, for several members at once along the leading axis M.

A member is one training of the same net on the same data. It has its own seed, and may have its own weights of the rows
(folds of a cross-validation, bootstrap samples).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from research.trees import from_named, merge, named_leaves

Tree = Any
NEVER = -1


class TrainState(NamedTuple):
    """The content of a checkpoint, for one member, or for M members with a leading M axis on every leaf.

    `params` and `frozen` have the same structure; each leaf is in one and None in the other (`trees.split`).
    """

    seed: jax.Array  # int32
    fold: jax.Array  # int32: which of the plan's row weights are its own; 0 without any
    step: jax.Array  # int32: steps done, the same for all members
    params: Tree  # trained
    frozen: Tree  # not trained: not differentiated, and without optimizer state
    collections: Tree  # {name: tree} that the net itself updates in training, such as `batch_stats`
    optimizer: Tree
    best: dict[str, Tree]  # the best weights so far, see `early_stopping.start`
    sums: dict[str, jax.Array]  # metric sums of the running epoch, and `count`
    history: dict[str, jax.Array]  # `train/loss`, `validation/accuracy` ...: [epochs], NaN before their epoch
    stopped: jax.Array  # bool: early stopping has ended it
    diverged: jax.Array  # the step at which loss or gradient was not finite; NEVER without one


def active(state: TrainState) -> jax.Array:
    """Which members still train: bool [M], or a scalar for one member."""
    return ~state.stopped & (state.diverged == NEVER)


def status_of(states: Sequence[TrainState], total_steps: int) -> str:
    """ "preempted" if any member still trains, else "diverged" if any did, "stopped early" if all did, "finished"."""
    if any(np.any(np.asarray(active(state)) & (np.asarray(state.step) < total_steps)) for state in states):
        return "preempted"
    if any(np.any(np.asarray(state.diverged) != NEVER) for state in states):
        return "diverged"
    return "stopped early" if all(np.all(state.stopped) for state in states) else "finished"


def variables_of(member: TrainState) -> Tree:
    """The current variables of the net: {"params": ..., and its collections}."""
    return {"params": merge(member.params, member.frozen), **member.collections}


def chosen_variables(member: TrainState) -> Tree:
    """The final variables of a finished training of one member, see `chosen_leaves`."""
    return from_named(chosen_leaves(named_leaves(member)), variables_of(member))


def chosen_epoch(member: Mapping[str, Any]) -> int | None:
    """The best epoch (from 1), whose leaves are chosen, from the named leaves of one member; None for the last ones.

    There is none without early stopping, and none yet in a training that was cut off before its first epoch ended.
    """
    epoch = int(member["best/epoch"])
    return epoch if epoch > 0 and any(name.startswith("best/params/") for name in member) else None


def chosen_leaves(member: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of a training's final variables, from the named leaves of one member.

    They are those of `chosen_epoch`, otherwise the last. Frozen leaves are always included.
    """
    trained = "best/" if chosen_epoch(member) else ""
    prefixes = {f"{trained}params/": "params/", "frozen/": "params/", f"{trained}collections/": ""}
    return {
        to + name.removeprefix(prefix): leaf
        for prefix, to in prefixes.items()
        for name, leaf in member.items()
        if name.startswith(prefix)
    }


def of_earlier_versions(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The named leaves of a checkpoint as those of a TrainState.

    Earlier versions held no `fold`; those before them `seeds`, one `step` for all members, and the other leaves below
    `each/`.
    """
    if "seeds" in leaves:
        members = {name.removeprefix("each/"): leaf for name, leaf in leaves.items() if name.startswith("each/")}
        leaves = {"seed": leaves["seeds"], "step": np.full_like(leaves["seeds"], leaves["step"]), **members}
    return {"fold": np.zeros_like(leaves["seed"]), **leaves} if "seed" in leaves else dict(leaves)


def members_of(state: TrainState) -> list[TrainState]:
    """Each member of a state with a leading M axis, in their order."""
    return [take_member(state, index) for index in range(len(state.seed))]


def take_member(tree: Tree, index: int) -> Tree:
    """The slice of a tree with a leading M axis that belongs to the member at `index`."""
    return jax.tree.map(lambda leaf: leaf[index], tree)
