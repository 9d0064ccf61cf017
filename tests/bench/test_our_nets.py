"""Our nets of the workloads, and the arithmetic of a step."""

import pytest

from research.bench.our_nets import flops_per_step, frozen_net, network_of
from research.bench.workloads import pick


def test_what_is_raced_begins_where_the_frozen_part_ends():
    names = network_of(pick(["fine_tune_block5"])[0]).names
    assert frozen_net().names[-1] == "block4_pool"
    assert names[0] == "block5_conv1" and names[-1] == "head/logits"
    assert network_of(pick(["head_epoch"])[0]).names == ("head/dense1", "head/logits")
    assert network_of(pick(["vgg16_features_150"])[0]).names[-1] == "block5_pool"


def test_operations_of_a_step_by_hand():
    training, forward, dense = pick(["mnist_cnn_step", "mnist_cnn_forward", "mnist_dense_step"])
    first, rest = 784 * 512, 512 * 10
    assert flops_per_step(dense) == 2 * 128 * (2 * first + 3 * rest)
    convolutions = [26 * 26 * 9 * 32, 11 * 11 * 9 * 32 * 64, 3 * 3 * 9 * 64 * 64]
    work = sum(convolutions) + 576 * 64 + 64 * 10
    assert flops_per_step(forward) == 2 * 128 * work
    assert flops_per_step(training) == 2 * 128 * (3 * work - convolutions[0])
    features, head, tuning = pick(["vgg16_features_224", "head_epoch", "fine_tune_block5"])
    assert flops_per_step(features) == 2 * 16 * 15_346_630_656  # 15.3 billion: Simonyan & Zisserman's net
    assert flops_per_step(head) == 2 * 2000 * (2 * 8192 * 256 + 3 * 256 * 2)
    one = 9 * 9 * 9 * 512 * 512
    assert flops_per_step(tuning) == 2 * 20 * (8 * one + 3 * (8192 * 256 + 256 * 2))


def test_operations_of_an_ascent_by_hand():
    """32 steps, forward and back, two operations per multiply-add: what is below, and the filter alone."""
    first, second, third = 26 * 26 * 9, 11 * 11 * 9 * 32, 3 * 3 * 9 * 64
    mean = (32 * first + 64 * (32 * first + second) + 64 * (32 * first + 64 * second + third)) // 160
    digit, vgg = pick(["ascent_mnist_cnn", "ascent_vgg16_block2"])
    assert flops_per_step(digit) == pytest.approx(128 * mean, rel=1e-3)
    below = 96 * 96 * 9 * (3 * 64 + 64 * 64) + 48 * 48 * 9 * 64 * 128
    assert flops_per_step(vgg) == 128 * (below + 48 * 48 * 9 * 128)


def test_operations_of_a_forecasters_step_by_hand():
    lstm, dense = pick(["lstm_step", "dense_run"])
    assert (lstm.training_steps, dense.training_steps) == (1, 9)  # 279 windows, 32 a step
    assert flops_per_step(dense) == 2 * 279 * (2 * 6 * 64 + 3 * 64 * 24)
    inputs, state, head = 72 * 15 * 256, 72 * 64 * 256, 64 * 288 * 15
    assert flops_per_step(lstm) == 2 * 64 * (2 * inputs + 3 * (state + head))


def test_operations_of_an_epoch_of_an_ensemble_by_hand():
    [workload] = pick(["table_ensemble"])
    first, rest = (36 + 3 + 220) * 128, 128 * 64 + 64
    assert (workload.rows, workload.training_steps) == (1460, 10)
    assert flops_per_step(workload) == 2 * 40 * 1168 * (2 * first + 3 * rest)
