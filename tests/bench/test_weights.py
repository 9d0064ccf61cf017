"""Weights are those of our nets, never change, and are real where real ones are at hand."""

import jax
import numpy as np
import pytest

from research.bench.architectures import architecture, leaf_shapes
from research.bench.our_nets import network_of
from research.bench.ours import data_set
from research.bench.weights import FILES, leaves_for_rgb, weights
from research.bench.workloads import WORKLOADS, pick
from research.trees import named_leaves

HELD_OUT = ("fine_tune_block5",)  # its data set is what the frozen layers make of photos


def our_shapes(workload):
    """{leaf name: shape} of our net for the workload."""
    net = network_of(workload)
    if workload.task == "ascent":
        inputs = np.zeros((1, workload.side, workload.side, 1 if workload.net == "cnn" else 3), np.float32)
    elif workload.name in HELD_OUT:
        inputs = np.zeros((1, 9, 9, 512), np.float32)
    else:
        small = workload._replace(examples=1)
        inputs = jax.eval_shape(lambda: data_set(small).take(jax.numpy.arange(1)).inputs)
    params = jax.eval_shape(net.init, jax.random.key(0), inputs)["params"]
    return {name: leaf.shape for name, leaf in named_leaves(params).items()}


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_leaves_have_the_names_and_shapes_of_our_nets(workload):
    found, wanted = leaf_shapes(architecture(workload)), our_shapes(workload)
    if workload.task == "ascent":  # ends at the deepest layer
        wanted = {name: wanted[name] for name in found}
    if workload.name in HELD_OUT:  # begins where the frozen layers end
        found = {name: found[name] for name in wanted}
    assert found == wanted


def test_weights_never_change_and_have_the_variance_of_he():
    [workload] = pick(["ascent_squeezenet_fire5"])
    found = weights(workload).leaves
    assert {name: leaf.shape for name, leaf in found.items()} == leaf_shapes(architecture(workload))
    weights.__globals__["_weights"].cache_clear()
    assert all(np.array_equal(leaf, found[name]) for name, leaf in weights(workload).leaves.items())
    kernel = found["fire5/squeeze1x1/kernel"]
    assert kernel.std() == pytest.approx(np.sqrt(2 / np.prod(kernel.shape[:-1])), rel=0.03)


def test_peers_read_rgb_where_ours_turns_to_bgr():
    [workload] = pick(["ascent_squeezenet_fire5"])
    found, turned = weights(workload).leaves, leaves_for_rgb(workload)
    assert np.array_equal(turned["conv1/kernel"][:, :, ::-1], found["conv1/kernel"])
    assert all(np.array_equal(leaf, turned[name]) for name, leaf in found.items() if name != "conv1/kernel")


def test_real_weights_are_taken_where_they_lie_and_it_is_said(tmp_path, monkeypatch):
    [workload] = pick(["ascent_squeezenet_fire5"])
    random = weights(workload)
    assert random.origin == "drawn at random, no real ones being below $RESEARCH_DATA"
    real = {name: np.full(leaf.shape, number, np.float16) for number, (name, leaf) in enumerate(random.leaves.items())}
    (tmp_path / "weights").mkdir()
    np.savez(tmp_path / "weights" / FILES["squeezenet"], **real)
    monkeypatch.setenv("RESEARCH_DATA", str(tmp_path))
    found = weights(workload)
    assert found.origin == f"ImageNet's, {FILES['squeezenet']}"
    assert all(np.array_equal(found.leaves[name], leaf) for name, leaf in real.items())
    assert all(leaf.dtype == np.float32 for leaf in found.leaves.values())
