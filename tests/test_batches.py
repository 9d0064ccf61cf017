import jax.numpy as jnp
import numpy as np

from research.batches import real_rows, whole_set

DATA = whole_set(np.arange(10.0)[:, None] * np.ones(3), np.arange(10))


def test_examples_come_in_the_order_asked_for():
    batch = DATA.take(jnp.array([7, 0, 7, 3]))
    np.testing.assert_array_equal(batch.inputs[:, 1], [7, 0, 7, 3])
    np.testing.assert_array_equal(batch.targets, [7, 0, 7, 3])
    np.testing.assert_array_equal(batch.weights, [1, 1, 1, 1])


def test_padding_weighs_nothing_and_is_a_different_real_example_in_each_slot():
    index = jnp.array([4, 9, 10, 10, 10])
    batch = DATA.take(index)
    np.testing.assert_array_equal(batch.weights, [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(batch.targets[:2], [4, 9])
    assert len(set(np.asarray(batch.targets[2:]).tolist())) == 3


def test_padding_of_a_batch_larger_than_the_set_stays_within_it():
    assert np.asarray(real_rows(jnp.full(23, 10), 10)).max() < 10
