"""The 1000 classes of ImageNet, and the names of a net's best classes."""

import functools
from importlib import resources
from typing import NamedTuple

import numpy as np

from research.errors import UserError

CLASSES = 1000


class ClassName(NamedTuple):
    """A class: its WordNet synset ("n02504458") and name ("African_elephant")."""

    synset: str
    name: str


class Guess(NamedTuple):
    """A class and its probability."""

    synset: str
    name: str
    probability: float


def decode_predictions(outputs: np.ndarray, top: int = 5) -> list[list[Guess]]:
    """The `top` classes of each picture, the most probable first, from logits or probabilities [B, 1000].

    Rows without negative values that sum to 1 are probabilities; others are logits. Names are as in
    `keras.applications`; two of them, crane and maillot, are each two synsets. Raises UserError for another shape,
    outputs that are not finite, or a `top` that is not 1 to 1000.
    """
    outputs = np.asarray(outputs, np.float64)
    if outputs.ndim != 2 or outputs.shape[1] != CLASSES:
        shape = "x".join(map(str, outputs.shape))
        raise UserError(f"ImageNet's names are for outputs [B, {CLASSES}], not {shape}; a head of your own has its own")
    if not 1 <= top <= CLASSES:
        raise UserError(f"there are {CLASSES} classes, so top is 1 to {CLASSES}, not {top}")
    if not np.isfinite(outputs).all():
        raise UserError("the outputs are NaN or infinite, so they name no class; check the weights and the pictures")
    from scipy.special import softmax  # slow to import

    shares = outputs if _are_probabilities(outputs) else softmax(outputs, axis=1)
    order = np.argsort(-shares, axis=1, kind="stable")[:, :top]
    guesses = []
    for row, best in zip(shares, order, strict=True):
        pairs = [(class_names()[index], float(row[index])) for index in best]
        guesses.append([Guess(synset, name, share) for (synset, name), share in pairs])
    return guesses


@functools.cache
def class_names() -> tuple[ClassName, ...]:
    """The 1000 classes in the order of the outputs."""
    text = resources.files("research.models").joinpath("imagenet_classes.txt").read_text("utf-8")
    pairs = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return tuple(ClassName(synset, name) for synset, name in pairs)


def _are_probabilities(outputs: np.ndarray) -> bool:
    # bfloat16 has 8 bits: a thousand rounded shares sum to 1 within a hundredth
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1, rtol=0, atol=1e-2))
