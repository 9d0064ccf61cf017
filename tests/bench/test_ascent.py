"""What the ascents of all peers share."""

import numpy as np
import pytest

from research.bench.ascent import chosen_filters, first_picture, timed
from research.bench.workloads import WORKLOADS, pick

ASCENTS = [workload for workload in WORKLOADS if workload.task == "ascent"]


def digits():
    """The digit net's ascent, in small: 4 + 6 filters."""
    return pick(["ascent_mnist_cnn"])[0]._replace(features=(4, 6), layers=("conv1", "conv2"), side=12)


@pytest.mark.parametrize("workload", ASCENTS, ids=lambda workload: workload.name)
def test_the_start_is_one_gray_noisy_picture(workload):
    picture = first_picture(workload)
    assert picture.shape == (workload.side, workload.side, 1 if workload.net == "cnn" else 3)
    assert picture.dtype == np.float32 and 0 <= picture.min() < picture.max() <= 255
    assert picture.mean() == pytest.approx(127.5, abs=8) and picture.std() == pytest.approx(0.5 * 127.5, rel=0.1)
    assert np.array_equal(picture, first_picture(workload))


def test_filters_are_spread_over_all_and_fill_our_groups():
    small = {workload.name: chosen_filters(workload, workload.steps) for workload in ASCENTS}
    sizes = {name: [len(own) for own in filters.values()] for name, filters in small.items()}
    assert sizes == {
        "ascent_mnist_cnn": [16, 32, 32],
        "ascent_squeezenet_fire5": [16, 16],
        "ascent_vgg16_block2": [8],
    }
    assert small["ascent_vgg16_block2"] == {"block2_conv2": list(range(0, 128, 16))}
    assert chosen_filters(digits(), 10) == {"conv1": [*range(4)], "conv2": [*range(6)]}


def test_more_filters_than_there_are_come_again():
    asked = []
    assert timed(digits(), asked.append)(22) >= 0
    assert [sum(map(len, each.values())) for each in asked] == [10, 10, 2]
