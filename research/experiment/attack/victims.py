"""The net under attack, and the test pictures that it classifies correctly."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from research import config as configuration
from research.attack.one_pixel import aims_of
from research.attack.success import Aim
from research.config import ImageExperiment, OnePixel
from research.errors import UserError
from research.experiment.images.build import load_data
from research.experiment.load import load
from research.experiment.trained import Trained
from research.keys import key
from research.models.inference import outputs
from research.seals import array_digest
from research.training.feature_cache import key_of

BATCH_SIZE = 256
ALL = "all"  # as a target: every class but the picture's own


class Victims(NamedTuple):
    """A trained classifier and the attacks on it: N pictures, or with every class as a target N x (K - 1) of them.

    images: uint8 [N, H, W, C]. labels: int32 [N]. targets: int32 [N], the classes to be named, or None where any wrong
    one will do. indices: int [N], of the pictures in the test split. left_out: how many pictures were passed over
    because the net is wrong about them. identity: a digest of the net's variables and of the pictures.
    """

    net: Trained
    images: np.ndarray
    labels: np.ndarray
    targets: np.ndarray | None
    indices: np.ndarray
    left_out: int
    identity: str

    @property
    def aims(self) -> Aim:
        """What each attack wants; leaves [N]."""
        return aims_of(self.labels, self.targets)

    @property
    def numbers(self) -> np.ndarray:
        """A number for each attack, which addresses its random bits: int [N]."""
        return self.indices if self.targets is None else self.indices * len(self.net.classes) + self.targets


def victims(run_dir: Path, config: OnePixel, root: str | None, seed: int | None) -> Victims:
    """The net of `seed` in `run_dir`, and pictures chosen at random from those that it classifies correctly.

    Raises UserError for a run without a classifier of pictures, whose logits are not finite (at which picture), or
    without the class that is the target.
    """
    net = load(run_dir, seed)
    if not isinstance(net.config, ImageExperiment):
        raise UserError(f"{run_dir} is no classifier of pictures, which the attack needs; give another run")
    target = _target(config, net.classes)
    data = load_data(configuration.relocated(net.config, root).data)
    images, labels = data.images["test"], np.asarray(data.labels["test"])
    named = predicted(net, images, str(run_dir))
    order = np.asarray(jax.random.permutation(key(config.seed, "pictures"), len(images)))
    wrong = named[order] != labels[order]
    chosen = order[~wrong & (labels[order] != target)][: config.pictures]
    if not len(chosen):
        raise UserError(f"{run_dir} classifies no test picture correctly; there is nothing to attack")
    passed = int(wrong[: np.flatnonzero(order == chosen[-1])[0]].sum())
    chosen = np.sort(chosen)  # in the file's order, which a streamed source reads fastest
    digests = (array_digest(np.asarray(leaf)) for leaf in jax.tree.leaves(net.variables))
    found = Victims(
        net=net,
        images=np.asarray(images[chosen]),
        labels=labels[chosen].astype(np.int32),
        targets=None if target is None else np.full(len(chosen), target, np.int32),
        indices=chosen,
        left_out=passed,
        identity=key_of(*digests, data.fingerprint),
    )
    return _at_every_target(found) if config.target == ALL else found


def predicted(net: Trained, images: np.ndarray, name: str) -> np.ndarray:
    """The class that `net` names for each of `images`, int [N]; UserError where its logits are not finite."""
    logits = outputs(
        lambda variables, x, _: (net.apply(variables, x), {}), net.variables, images, batch_size=BATCH_SIZE
    )
    wrong = np.flatnonzero(~np.isfinite(logits).all(1))
    if len(wrong):
        raise UserError(f"the logits of {name} for picture {wrong[0]} are not finite; train the net anew")
    return logits.argmax(1)


def _target(config: OnePixel, classes: tuple[str, ...]) -> int | None:
    if config.target is None or config.target == ALL:
        return None
    if config.target not in classes:
        raise UserError(f"no class {config.target} (there are {', '.join(classes)}, and {ALL} for every one)")
    return classes.index(config.target)


def _at_every_target(found: Victims) -> Victims:
    """Each picture once for every class but its own."""
    count = len(found.net.classes)
    pairs = [(at, target) for at, label in enumerate(found.labels) for target in range(count) if target != label]
    chosen, targets = np.array(pairs, np.int32).T
    return found._replace(
        images=found.images[chosen], labels=found.labels[chosen], targets=targets, indices=found.indices[chosen]
    )
