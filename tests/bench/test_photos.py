"""What the races on VGG16 share, and our side of them. Nothing is timed, and no VGG16 is computed."""

import jax
import numpy as np
import pytest

from research.bench.photos import feature_count, feature_rows, leaves, photos, sampled
from research.bench.vgg_nets import frozen_net, raced_net
from research.bench.vgg_ours import build, own
from research.bench.workloads import pick
from research.models.transfer import transfer_net
from research.trees import named_leaves


def one(name):
    return pick([name])[0]


@pytest.mark.slow
def test_the_weights_are_those_of_our_vgg16_with_its_head():
    workload = one("fine_tune_block5")
    whole = transfer_net("vgg16", "caffe", 2, pooling="flatten", hidden=(256,))
    pixels = np.zeros((1, workload.side, workload.side, 3), np.uint8)
    wanted = named_leaves(jax.eval_shape(whole.init, jax.random.key(0), pixels)["params"])
    found = leaves(workload)
    assert {name: leaf.shape for name, leaf in found.items()} == {name: leaf.shape for name, leaf in wanted.items()}
    deviation = found["block5_conv1/kernel"].std()
    assert deviation == pytest.approx(np.sqrt(2 / (9 * 512)), rel=1e-2)
    again = leaves(workload)
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_what_is_raced_begins_where_the_frozen_part_ends():
    names = raced_net(one("fine_tune_block5")).names
    assert frozen_net().names[-1] == "block4_pool"
    assert names[0] == "block5_conv1" and names[-1] == "head/logits"
    assert raced_net(one("head_epoch")).names == ("head/dense1", "head/logits")
    assert raced_net(one("vgg16_features_150")).names[-1] == "block5_pool"


def test_each_net_gets_its_own_of_the_weights():
    workload = one("head_epoch")
    rows, labels = feature_rows(workload)
    assert rows.shape == (2000, feature_count(workload)) == (2000, 8192)
    params = own(raced_net(workload), workload, rows)
    assert set(named_leaves(params)) == {
        f"head/{name}/{leaf}" for name in ("dense1", "logits") for leaf in ("kernel", "bias")
    }
    assert set(labels) == {0, 1}


def test_photos_are_the_same_for_all_and_as_many_as_the_workload_says():
    workload = one("vgg16_features_150")
    images, labels = photos(workload)
    assert images.shape == (64, 150, 150, 3) and len(labels) == 64
    assert np.array_equal(images, photos(workload)[0])


def test_a_sample_is_spread_over_all_outputs():
    outputs = np.arange(4500, dtype=np.float32).reshape(9, 500)
    found = sampled(outputs)
    assert len(found) == 900 and found[:2] == [0.0, 5.0] and found[-1] == 4495.0


@pytest.mark.slow
def test_our_side_of_the_head_is_built_and_runs():
    """A small head: the program, its sample of a batch's outputs before training, and two epochs in one call."""
    workload = one("head_epoch")._replace(side=32, batch=8, examples=20)
    work = build(workload)
    rows, _ = feature_rows(workload)
    given = leaves(workload)
    hidden = np.maximum(rows[:8] @ given["head/dense1/kernel"] + given["head/dense1/bias"], 0)
    wanted = hidden @ given["head/logits/kernel"] + given["head/logits/bias"]
    np.testing.assert_allclose(work.sample, wanted.ravel(), rtol=1e-4, atol=1e-5)
    assert work.parameters == (512 + 1) * 256 + (256 + 1) * 2
    assert work.run(2) > 0
