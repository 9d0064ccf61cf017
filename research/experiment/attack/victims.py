"""The net under attack, and the test pictures that it classifies correctly."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from research import config as configuration
from research.config import ImageExperiment, OnePixel
from research.errors import UserError
from research.experiment.images.build import load_data
from research.experiment.load import load
from research.keys import key
from research.models.inference import outputs
from research.seals import array_digest
from research.training.feature_cache import key_of

BATCH_SIZE = 256


class Victims(NamedTuple):
    """A trained classifier and the pictures to attack.

    logits_fn: pixels 0..255 [B, H, W, C] -> [B, K], pure. images: uint8 [N, H, W, C]. labels: int32 [N]. indices: int
    [N], of the pictures in the test split. left_out: how many pictures were passed over because the net is wrong about
    them. identity: a digest of the net's variables and of the pictures.
    """

    name: str
    logits_fn: Callable[[jax.Array], jax.Array]
    classes: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    left_out: int
    identity: str


def victims(run_dir: Path, config: OnePixel, root: str | None, seed: int | None) -> Victims:
    """The net of `seed` in `run_dir`, and pictures chosen at random from those that it classifies correctly.

    Raises UserError for a run without a classifier of pictures, or whose logits are not finite (at which picture).
    """
    net = load(run_dir, seed)
    if not isinstance(net.config, ImageExperiment):
        raise UserError(f"{run_dir} is no classifier of pictures, which the attack needs; give another run")
    data = load_data(configuration.relocated(net.config, root).data)
    images, labels = data.images["test"], np.asarray(data.labels["test"])
    logits = outputs(
        lambda variables, x, _: (net.apply(variables, x), {}), net.variables, images, batch_size=BATCH_SIZE
    )
    wrong = np.flatnonzero(~np.isfinite(logits).all(1))
    if len(wrong):
        raise UserError(f"the logits of {run_dir} for test picture {wrong[0]} are not finite; train the net anew")
    order = np.asarray(jax.random.permutation(key(config.seed, "pictures"), len(images)))
    correct = logits.argmax(1)[order] == labels[order]
    chosen = order[correct][: config.pictures]
    if not len(chosen):
        raise UserError(f"{run_dir} classifies no test picture correctly; there is nothing to attack")
    passed = int(np.flatnonzero(order == chosen[-1])[0]) + 1 - len(chosen)
    return Victims(
        name=net.config.name,
        logits_fn=lambda pixels: net.apply(net.variables, pixels),
        classes=net.classes,
        images=np.asarray(images[np.sort(chosen)]),  # in the file's order, which a streamed source reads fastest
        labels=labels[np.sort(chosen)].astype(np.int32),
        indices=np.sort(chosen),
        left_out=passed,
        identity=key_of(*(array_digest(np.asarray(leaf)) for leaf in jax.tree.leaves(net.variables)), data.fingerprint),
    )
