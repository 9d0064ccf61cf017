"""Inputs and weights of the workloads: the same for all peers, shaped as our nets have them, real where at hand."""

import jax
import numpy as np
import pytest

from research.bench.architectures import architecture, leaf_shapes
from research.bench.data import (
    FILES,
    examples,
    feature_rows,
    leaves_for_rgb,
    sampled,
    series,
    table_of,
    weights,
    windows,
)
from research.bench.our_nets import network_of
from research.bench.ours import data_set
from research.bench.workloads import WORKLOADS, pick
from research.trees import named_leaves

LSTM = pick(["lstm_step"])[0]._replace(hidden=(4,), window=(5, 3, 2), batch=4, examples=11)
HELD_OUT = ("fine_tune_block5",)  # its data set is what the frozen layers make of photos


def test_examples_are_the_same_for_all_and_as_many_as_the_workload_says():
    for workload in (each for each in WORKLOADS if each.task != "ascent" and each.net != "table"):
        small = workload._replace(examples=6)
        inputs, targets = examples(small)
        assert len(inputs) == len(targets) == 6
        assert np.array_equal(inputs, examples(small)[0]) and np.array_equal(targets, examples(small)[1])
    images, labels = examples(pick(["vgg16_features_150"])[0])
    assert images.shape == (64, 150, 150, 3) and images.dtype == np.uint8 and set(labels) == {0, 1}


def test_the_head_reads_flattened_features():
    rows, labels = feature_rows(pick(["head_epoch"])[0])
    assert rows.shape == (2000, 8192) and rows.min() == 0 and set(labels) == {0, 1}


def test_windows_begin_one_step_after_another():
    contexts, horizons = windows(LSTM)
    assert contexts.shape == (11, 5, 2) and horizons.shape == (11, 3, 2)
    assert len(series(LSTM)) == 11 + 5 + 3 - 1 and np.array_equal(horizons[-1], series(LSTM)[-3:])
    assert np.array_equal(contexts[2], series(LSTM)[2:7])


def test_a_sample_is_spread_over_all_outputs():
    outputs = np.arange(4500, dtype=np.float32).reshape(9, 500)
    found = sampled(outputs)
    assert len(found) == 900 and found[:2] == [0.0, 5.0] and found[-1] == 4495.0


def our_shapes(workload):
    """{leaf name: shape} of our net for the workload."""
    net = network_of(workload)
    if workload.task == "ascent":
        inputs = np.zeros((1, workload.side, workload.side, 1 if workload.net == "cnn" else 3), np.float32)
    elif workload.net == "table":
        inputs = table_of(workload).rows._asdict()
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
