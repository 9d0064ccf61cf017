"""Freezing by name: every leaf is either trained or frozen.

`models.transfer.frozen_layers` decides which layers of a pretrained backbone are frozen.
"""

import fnmatch
from collections.abc import Collection, Sequence
from typing import Any

import jax

from research.errors import UserError
from research.trees import leaf_name

Tree = Any


def frozen_leaves(names: Sequence[str], patterns: Sequence[str], given: Collection[str] = ()) -> frozenset[str]:
    """The leaves of `names` that are not trained: those `given`, and those that shell-style `patterns` match.

    Raises UserError for a pattern that freezes nothing new, and when nothing is left to train.
    """
    frozen = set(given)
    for pattern in patterns:
        matched = set(fnmatch.filter(names, pattern))
        found = matched - frozen
        if not found:
            left = ", ".join(name for name in names if name not in frozen)
            what = "only what is frozen already" if matched else "no parameter"
            raise UserError(f"train.freeze {pattern} matches {what}; those that would be trained are {left}")
        frozen |= found
    if frozen >= set(names):
        raise UserError("every parameter is frozen, so nothing is left to train; freeze fewer by --train.freeze")
    return frozenset(frozen)


def trained_mask(params: Tree, frozen: Collection[str]) -> Tree:
    """True for each leaf of `params` that is trained, False for those named in `frozen`."""
    return jax.tree_util.tree_map_with_path(lambda path, _: leaf_name(path) not in frozen, params)
