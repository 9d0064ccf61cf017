"""Names of the leaves of a pytree, choice of leaves by pattern, and splitting and merging of trees."""

import fnmatch
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import jax

Tree = Any


def leaf_name(path: tuple[Any, ...]) -> str:
    """`block1/conv1/kernel` for a path of jax.tree_util: keys, attributes and indices joined by slashes."""
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
    """A tree with the structure of `like` and the `leaves` of the same names.

    Raises KeyError naming every leaf that is missing from `leaves` or not in `like`.
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
    """Two trees of the same structure: the leaves of `tree` where `chosen` is True, and the others; None elsewhere."""
    taken = jax.tree.map(lambda leaf, take: leaf if take else None, tree, chosen)
    rest = jax.tree.map(lambda leaf, take: None if take else leaf, tree, chosen)
    return taken, rest


def merge(one: Tree, other: Tree) -> Tree:
    """The inverse of `split`. Raises ValueError where both hold a leaf, or the structures differ."""
    return jax.tree.map(_either, one, other, is_leaf=lambda leaf: leaf is None)


def _either(one: Any, other: Any) -> Any:
    if one is not None and other is not None:
        raise ValueError("a leaf is on both sides")
    return other if one is None else one


def count(tree: Tree) -> int:
    """The number of elements in all leaves of `tree`."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
