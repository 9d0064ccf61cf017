"""The nets as lists of layers, from which the peers build theirs."""

import pytest

from research.bench.architectures import Conv, Dense, Flatten, Pool, architecture, layers_to
from research.bench.workloads import pick


def test_the_digit_net_ends_in_dense_layers():
    found = architecture(pick(["mnist_cnn_step"])[0])
    assert [type(layer) for layer in found] == [Conv, Pool, Conv, Pool, Conv, Flatten, Dense, Dense]
    assert found[-2:] == [Dense("dense1", 576, 64), Dense("logits", 64, 10, None)]


def test_an_ascent_ends_at_its_deepest_layer():
    vgg, digits = pick(["ascent_vgg16_block2", "ascent_mnist_cnn"])
    assert [getattr(layer, "name", "pool") for layer in architecture(vgg)] == [
        *("block1_conv1", "block1_conv2", "pool", "block2_conv1", "block2_conv2"),
    ]
    assert layers_to(digits, "conv2") == architecture(digits)[:3]


def test_of_convolutions_side_by_side_only_the_one_that_is_asked_for_is_run():
    [workload] = pick(["ascent_squeezenet_fire5"])
    *below, own = layers_to(workload, "fire5/expand3x3")
    assert below == architecture(workload)[:-1] and own == Conv("fire5/expand3x3", 32, 128)
    with pytest.raises(KeyError, match="fire6"):
        layers_to(workload, "fire6/expand3x3")
