"""The loss of classifiers, by its closed form."""

import jax.numpy as jnp
import numpy as np

from research.experiment.images.loss import METRICS, classification


def test_it_is_the_cross_entropy_beside_the_accuracy():
    logits = np.random.default_rng(0).normal(0, 2, (5, 3)).astype(np.float32)
    labels = np.array([0, 2, 1, 1, 0])
    found = classification(jnp.asarray(logits), jnp.asarray(labels))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["loss"], -np.log(shares[np.arange(5), labels]), rtol=1e-5)
    np.testing.assert_array_equal(found["accuracy"], shares.argmax(axis=1) == labels)
    assert set(found) == set(METRICS)
