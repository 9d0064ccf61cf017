import jax.numpy as jnp
import pytest

from research import trees

TREE = {"block1": {"conv1": {"kernel": jnp.zeros((3, 3)), "bias": jnp.ones(3)}}, "head": [jnp.zeros(2), jnp.ones(1)]}


def test_names_join_keys_and_indices():
    assert list(trees.named_leaves(TREE)) == ["block1/conv1/bias", "block1/conv1/kernel", "head/0", "head/1"]


def test_from_named_undoes_named_leaves():
    again = trees.from_named(trees.named_leaves(TREE), TREE)
    assert trees.named_leaves(again).keys() == trees.named_leaves(TREE).keys()
    assert again["head"][1] is TREE["head"][1]


def test_from_named_names_every_leaf_that_is_wrong():
    leaves = trees.named_leaves(TREE)
    del leaves["head/0"]
    with pytest.raises(KeyError, match=r"extra.*head/0"):
        trees.from_named(leaves | {"extra": jnp.zeros(1)}, TREE)


def test_matching_marks_leaves_by_pattern():
    marked = trees.named_leaves(trees.matching(TREE, ["*/kernel", "head/1"]))
    assert [name for name, chosen in marked.items() if chosen] == ["block1/conv1/kernel", "head/1"]


def test_count_adds_up():
    assert trees.count(TREE) == 9 + 3 + 2 + 1


def test_merge_undoes_split():
    chosen = trees.matching(TREE, ["*/kernel", "head/1"])
    taken, rest = trees.split(TREE, chosen)
    assert list(trees.named_leaves(taken)) == ["block1/conv1/kernel", "head/1"]
    assert list(trees.named_leaves(rest)) == ["block1/conv1/bias", "head/0"]
    again = trees.named_leaves(trees.merge(taken, rest))
    assert all(again[name] is leaf for name, leaf in trees.named_leaves(TREE).items())
    with pytest.raises(ValueError, match="both sides"):
        trees.merge(TREE, rest)


def test_two_leaves_of_one_name_are_an_error():
    with pytest.raises(ValueError, match="two leaves have the same name: a/b"):
        trees.named_leaves({"a": {"b": 1.0}, "a/b": 2.0})
