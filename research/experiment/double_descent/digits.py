"""The embedded digits as rows, split for each seed, with noise in the labels of training."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.config import DoubleDescent
from research.data.images.image_set import ImageSet
from research.data.images.sources import load_images
from research.double_descent.labels import noisy_labels, one_hot, split_rows
from research.double_descent.mlp import Split
from research.errors import UserError

CLASSES = 10
SIZE = 1797  # rows in all


def check_rows(config: DoubleDescent) -> None:
    """UserError where too few or too many rows are asked for."""
    if not CLASSES <= config.rows <= SIZE - CLASSES:
        raise UserError(
            f"--rows is {config.rows}; of the {SIZE:,} digits, {CLASSES} to {SIZE - CLASSES:,} can be for training"
        )


def seed_splits(config: DoubleDescent, noises: tuple[float, ...]) -> Split:
    """The rows of each seed: inputs [S, n, 64] and [S, N, 64], targets [S, V, n, 10] and [S, N, 10].

    Pixels are 0 to 1 less their mean over the training rows. As they are, some random ReLU features would be zero on
    every row, and the peak would be at a few more features than rows.
    """
    splits = [_split(_data(), seed, config.rows, noises) for seed in seeds_of(config)]
    return jax.tree.map(lambda *parts: np.stack(parts), *splits)


def _split(data: ImageSet, seed: int, rows: int, noises: tuple[float, ...]) -> Split:
    images, labels = np.asarray(data.images["train"]), np.asarray(data.labels["train"])
    x = images.reshape(len(images), -1).astype(np.float32) / 255
    train, test = split_rows(seed, len(x), rows)
    targets = [one_hot(noisy_labels(seed, labels[train], noise, CLASSES), CLASSES) for noise in noises]
    mean = x[train].mean(axis=0)
    parts = (x[train] - mean, np.stack(targets), x[test] - mean, one_hot(labels[test], CLASSES))
    return Split(*map(jnp.asarray, parts))


def data_fields(config: DoubleDescent) -> dict[str, Any]:
    """Name, fingerprint and sizes of the data, as records have them."""
    sizes = {"train": config.rows, "test": SIZE - config.rows}
    return {"name": "digits", "fingerprint": _data().fingerprint, "sizes": sizes}


@functools.cache
def _data() -> ImageSet:
    return load_images("digits", None, validation=0.0, test=0.0, split_seed=0, train_limit=None)


def seeds_of(config: DoubleDescent) -> range:
    """The seeds of `config`, counted up."""
    return range(config.seed, config.seed + config.seeds)
