import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.data.sampling import (
    by_class,
    class_weights,
    duplicated,
    interleaved,
    subsampled,
    turns,
    uniform,
    within_folds,
)


def drawn(order, seed, epoch, fold=0):
    return np.asarray(order(jnp.int32(seed), jnp.int32(fold), jnp.int32(epoch)))


def test_each_epoch_holds_every_example_once_in_an_order_of_its_own():
    order = uniform(37, 8)
    orders = [drawn(order, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    for each in orders:
        assert each.shape == (5, 8)
        assert sorted(each.ravel()) == [*range(37), 37, 37, 37]
    assert not any(np.array_equal(orders[0], other) for other in orders[1:])
    np.testing.assert_array_equal(drawn(order, 0, 1), orders[1])


def test_views_are_taken_in_turn():
    order = uniform(37, 8, views=3)
    for epoch in range(5):
        index = drawn(order, 0, epoch)
        real = index[index < 3 * 37]
        assert sorted(real) == [*range(37 * (epoch % 3), 37 * (epoch % 3 + 1))]
        assert (index.ravel()[37:] == 3 * 37).all(), "padding is the size of the set"


def test_a_fold_draws_its_own_rows_once_an_epoch():
    rows = [np.arange(0, 40, 2), np.arange(1, 38, 2)]  # 20 and 19 of 40
    order = within_folds(rows, 40, 8)
    for fold, own in enumerate(rows):
        orders = [drawn(order, seed, epoch, fold) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
        for each in orders:
            assert each.shape == (3, 8)
            assert sorted(each.ravel()) == [*own, *[40] * (24 - len(own))]
        assert not any(np.array_equal(orders[0], other) for other in orders[1:])


def test_one_fold_of_all_rows_is_drawn_as_without_folds():
    every = within_folds([np.arange(37)], 37, 8)
    for epoch in range(3):
        np.testing.assert_array_equal(drawn(every, 5, epoch), drawn(uniform(37, 8), 5, epoch))


SKEWED = ([1000, 1], [500, 500], [900, 90, 9, 1], [1], [7], [1] * 50, [1, 1000, 30, 0, 333], [100, 101, 102, 99, 3, 5])


@pytest.mark.parametrize("counts", SKEWED)
def test_every_prefix_of_the_turns_has_each_class_within_one_of_its_share(counts):
    found = turns(np.array(counts))
    np.testing.assert_array_equal(np.bincount(found, minlength=len(counts)), counts)
    had = np.cumsum(found[:, None] == np.arange(len(counts)), axis=0)
    shares = np.array(counts) / sum(counts)
    assert np.abs(had - shares * np.arange(1, len(found) + 1)[:, None]).max() < 1


def test_equal_classes_take_turns_and_random_counts_keep_their_shares():
    assert all(len(set(part)) == 4 for part in turns(np.full(4, 25)).reshape(-1, 4))
    generator = np.random.default_rng(0)
    for _ in range(50):
        counts = generator.integers(0, 60, generator.integers(2, 12))
        counts[0] += 1
        had = np.cumsum(turns(counts)[:, None] == np.arange(len(counts)), axis=0)
        assert np.abs(had - counts / counts.sum() * np.arange(1, counts.sum() + 1)[:, None]).max() < 1


@pytest.mark.parametrize("make", [interleaved, by_class])
@pytest.mark.parametrize("counts", [[900, 90, 9, 1], [1], [3, 3]])
def test_an_arranged_epoch_holds_every_example_once_drawn_within_its_class(make, counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    order = make(labels, 8)
    epochs = [drawn(order, *address).reshape(-1) for address in ((0, 0), (0, 1), (1, 0), (0, 0))]
    for each in epochs:
        assert sorted(each[: len(labels)]) == [*range(len(labels))] and (each[len(labels) :] == len(labels)).all()
    np.testing.assert_array_equal(epochs[0], epochs[3])
    arranged = [labels[each[: len(labels)]] for each in epochs]
    assert all((each == arranged[0]).all() for each in arranged)
    assert len(labels) < 100 or not np.array_equal(epochs[0], epochs[1])
    if make is by_class:
        assert (np.diff(arranged[0]) >= 0).all()
    else:
        np.testing.assert_array_equal(arranged[0], turns(np.array(counts)))


def test_arranged_views_are_taken_in_turn():
    labels = np.array([0, 1, 0, 1, 0])
    for epoch in range(3):
        index = drawn(interleaved(labels, 4, views=2), 0, epoch).reshape(-1)
        assert sorted(index) == [*range(5 * (epoch % 2), 5 * (epoch % 2) + 5), 10, 10, 10]
        assert labels[index[:5] % 5].tolist() == turns(np.array([3, 2])).tolist()


@pytest.mark.parametrize("counts", [[1000, 10], [60, 6, 0, 3], [4, 4, 4], [1, 300], [5]])
def test_balanced_epochs_hold_the_classes_alike_and_each_example_nearly_as_often(counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    there = np.array([count for count in counts if count])
    for make, each in ((subsampled, there.min()), (duplicated, there.max())):
        order = make(labels, 16)
        epochs = [drawn(order, *address).reshape(-1) for address in ((0, 0), (0, 1), (1, 0), (0, 0))]
        for found in epochs:
            real = found[found < len(labels)]
            assert np.bincount(labels[real])[np.array(counts) > 0].tolist() == [each] * len(there)
            times = np.bincount(real, minlength=len(labels))
            for label in range(len(counts)):
                own = times[labels == label]
                assert not len(own) or own.max() - own.min() <= 1
            assert (found[len(real) :] == len(labels)).all() and len(found) - len(real) < 16
        np.testing.assert_array_equal(epochs[0], epochs[3])
        assert len(labels) == 5 or not np.array_equal(epochs[0], epochs[1])


def test_all_ways_of_balancing_have_the_same_gradient_in_expectation():
    labels = np.repeat([0, 1, 2], [40, 4, 10])
    gradients = np.random.default_rng(0).normal(size=(54, 3))
    weights = class_weights(labels)
    assert weights.mean() == pytest.approx(1) and weights.dtype == np.float32
    exact = (weights[:, None] * gradients).mean(0)
    for make in (subsampled, duplicated):
        order = jax.jit(make(labels, 6))
        epochs = np.stack([np.asarray(order(seed, 0, 3)).reshape(-1) for seed in range(400)])
        found = gradients[epochs[:, : (epochs[0] < 54).sum()]].mean(1)  # of an epoch each
        np.testing.assert_array_less(np.abs(found.mean(0) - exact), 4 * found.std(0) / np.sqrt(400) + 1e-6)
