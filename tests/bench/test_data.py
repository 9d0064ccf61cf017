"""Made-up inputs: the same for all peers, and as many as the workload says."""

import numpy as np

from research.bench.data import examples, feature_rows, sampled, series, windows
from research.bench.workloads import WORKLOADS, pick

LSTM = pick(["lstm_step"])[0]._replace(hidden=(4,), window=(5, 3, 2), batch=4, examples=11)


def test_examples_are_the_same_for_all_and_as_many_as_the_workload_says():
    for workload in (each for each in WORKLOADS if each.task != "ascent"):
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
