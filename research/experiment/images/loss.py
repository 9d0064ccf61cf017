"""The loss of classifiers and what training measures beside it, as numbers per example."""

import jax
import jax.numpy as jnp
import optax

METRICS = ("loss", "accuracy")


def classification(logits: jax.Array, labels: jax.Array) -> dict[str, jax.Array]:
    """`loss`, the cross-entropy in nats, and `accuracy`, 1 for a right answer, of logits [B, K]: each [B]."""
    return {
        "loss": optax.softmax_cross_entropy_with_integer_labels(logits, labels),
        "accuracy": (logits.argmax(axis=-1) == labels).astype(jnp.float32),
    }
