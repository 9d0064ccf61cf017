"""A trained picture classifier, whole: with its frozen part, from pixels to logits."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.config import ImageExperiment, PretrainedNet
from research.errors import UserError
from research.experiment.images.build import build_network
from research.experiment.images.transfer import load_pretrained, transfer
from research.experiment.trained import Trained, trained
from research.experiment.training import ended_leaves
from research.models.custom import CustomNet
from research.models.network import Network
from research.report.record import read_record
from research.run_directory import RECORD
from research.training.checkpoints import fitted
from research.trees import named_leaves

Leaves = dict[str, np.ndarray]


def load(config: ImageExperiment, run_dir: Path, seed: int) -> Trained:
    """The net of `seed` in `run_dir`; UserError when that was not trained, or its pretrained weights are missing."""
    record = read_pictures_record(run_dir)
    data = record["data"]
    net, leaves = _whole(config, len(data["classes"]), ended_leaves(config, seed, run_dir))
    pixels = np.zeros((1, *data["shape"]), np.uint8)
    like = jax.eval_shape(lambda: {"params": {}} | dict(net.init(jax.random.key(0), pixels)))
    preprocessing = record.get("preprocessing", {}) | {"shape": data["shape"]}
    return trained(config, net, fitted(leaves, like, run_dir), tuple(data["classes"]), preprocessing)


def read_pictures_record(run_dir: Path) -> dict[str, Any]:
    """The record of a run on pictures; UserError where it does not say their shape and classes."""
    record = read_record(run_dir)
    if not {"shape", "classes"} <= record["data"].keys():
        raise UserError(
            f"{run_dir / RECORD} does not say what pictures it was trained on; renew it: scripts/evaluate.py"
        )
    return record


def _whole(config: ImageExperiment, classes: int, own: Leaves) -> tuple[Network | CustomNet, Leaves]:
    """The net that reads pixels, and its leaves: those of its frozen part and its `own`."""
    if not isinstance(config.model, PretrainedNet):
        return build_network(config.model, classes), own
    ready = transfer(load_pretrained(config.model, config.data.root), config.model, config, classes, [own])
    below = {f"params/{name}": np.asarray(leaf) for name, leaf in named_leaves(ready.below).items()}
    return ready.net, below | own
