"""Rows for training and test, and noise in the labels of training."""

import jax
import numpy as np

from research.keys import key


def split_rows(seed: int, total: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """`rows` rows of `total` drawn for training, and the others for test; ValueError where none would be left."""
    if not 0 < rows < total:
        raise ValueError(f"{rows} of {total} rows leave none for training or for test")
    order = np.asarray(jax.random.permutation(key(seed, "rows"), total))
    return order[:rows], np.sort(order[rows:])


def noisy_labels(seed: int, labels: np.ndarray, noise: float, classes: int) -> np.ndarray:
    """`labels` [n] with a share `noise` of them, rounded, replaced by another class drawn uniformly.

    Every noisy label is wrong, as in Nakkiran et al. 2020, "Deep double descent". What is wrong at a low noise is wrong
    in the same way at a higher one.
    """
    chosen = np.asarray(jax.random.permutation(key(seed, "noisy rows"), len(labels)))[: round(noise * len(labels))]
    shift = np.asarray(jax.random.randint(key(seed, "noisy labels"), (len(labels),), 1, classes))
    changed = labels.copy()
    changed[chosen] = (labels[chosen] + shift[chosen]) % classes
    return changed


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """float32 [n, K]."""
    return np.eye(classes, dtype=np.float32)[labels]
