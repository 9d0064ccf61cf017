import jax.numpy as jnp
import numpy as np

from research.data.sampling import uniform, within_folds


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
