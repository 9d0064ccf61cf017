"""Naming the leaves of a pytree, choosing some by pattern, and taking a tree apart and together again."""

import fnmatch
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import jax

Tree = Any


def leaf_name(path: tuple[Any, ...]) -> str:
    """`block1/conv1/kernel` for a path as jax.tree_util gives it: keys, attributes and indices joined by slashes."""
    return "/".join(str(getattr(part, "key", getattr(part, "name", getattr(part, "idx", part)))) for part in path)


def named_leaves(tree: Tree) -> dict[str, Any]:
    """Every leaf of `tree` under its name, in the tree's own order. Raises ValueError where two have the same name."""
    pairs, _ = jax.tree_util.tree_flatten_with_path(tree)
    leaves = {leaf_name(path): leaf for path, leaf in pairs}
    if len(leaves) < len(pairs):
        seen = Counter(leaf_name(path) for path, _ in pairs)
        raise ValueError(f"two leaves have the same name: {next(name for name in seen if seen[name] > 1)}")
    return leaves


def from_named(leaves: Mapping[str, Any], like: Tree) -> Tree:
    """The tree of the structure of `like` with the leaves called for by name.

    Raises KeyError naming every leaf that is missing from `leaves` or has no place in `like`.
    """
    wanted = list(named_leaves(like))
    wrong = sorted(set(wanted) ^ set(leaves))
    if wrong:
        raise KeyError(f"leaves missing or left over: {', '.join(wrong)}")
    return jax.tree.unflatten(jax.tree.structure(like), [leaves[name] for name in wanted])


def matching(tree: Tree, patterns: Sequence[str]) -> Tree:
    """A tree of booleans: True where the leaf's name matches one of the shell-style `patterns` (`*/kernel`)."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: any(fnmatch.fnmatchcase(leaf_name(path), pattern) for pattern in patterns), tree
    )


def split(tree: Tree, chosen: Tree) -> tuple[Tree, Tree]:
    """`tree` in two of its structure: the leaves where `chosen` is True, and the others; None where a leaf is not."""
    taken = jax.tree.map(lambda leaf, take: leaf if take else None, tree, chosen)
    rest = jax.tree.map(lambda leaf, take: None if take else leaf, tree, chosen)
    return taken, rest


def merge(one: Tree, other: Tree) -> Tree:
    """The tree that `split` took apart. Raises ValueError where both hold a leaf, or the structures differ."""
    return jax.tree.map(_either, one, other, is_leaf=lambda leaf: leaf is None)


def _either(one: Any, other: Any) -> Any:
    if one is not None and other is not None:
        raise ValueError("a leaf is on both sides")
    return other if one is None else one


def count(tree: Tree) -> int:
    """How many numbers the leaves of `tree` hold together."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
