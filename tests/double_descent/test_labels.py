"""Rows and noise: shares are exact, every noisy label is wrong, and seeds are addresses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.double_descent.labels import noisy_labels, one_hot, split_rows


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 100), st.floats(0, 0.99), st.integers(2, 6))
def test_the_share_is_exact_and_every_noisy_label_is_another_class(seed, noise, classes):
    labels = np.arange(50) % classes
    changed = noisy_labels(seed, labels, noise, classes)
    assert (changed != labels).sum() == round(noise * 50)
    assert changed.min() >= 0 and changed.max() < classes


def test_more_noise_keeps_what_less_has_changed():
    labels = np.arange(100) % 10
    less, more = (noisy_labels(0, labels, noise, 10) for noise in (0.1, 0.4))
    wrong = less != labels
    np.testing.assert_array_equal(less[wrong], more[wrong])


def test_the_noise_is_uniform_over_the_other_classes():
    changed = np.concatenate([noisy_labels(seed, np.zeros(200, int), 0.9, 4) for seed in range(4)])
    counts = np.bincount(changed, minlength=4)
    assert counts[0] == 80 and abs(counts[1:] - 240).max() < 5 * np.sqrt(160)


def test_rows_are_split_without_overlap():
    train, test = split_rows(1, 30, 12)
    assert len(train) == 12 and sorted([*train.tolist(), *test.tolist()]) == list(range(30))
    assert not np.array_equal(train, split_rows(2, 30, 12)[0])
    with pytest.raises(ValueError, match="leave none"):
        split_rows(0, 30, 30)


def test_one_hot():
    np.testing.assert_array_equal(one_hot(np.array([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
