"""The weights that the ascent's races climb on: real ones where they are at hand, else drawn, and whose, in words.

SqueezeNet's and VGG16's are read from the files below the data root; the digit net is trained for an epoch on MNIST by
a process of its own, once, and kept in the user's cache, so that every party reads the same numbers.
"""

import functools
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs

from research.bench.photos import drawn
from research.bench.stages import members, stages
from research.bench.workloads import CNN, Workload
from research.data.places import data_root
from research.errors import UserError
from research.weights.foreign import read
from research.weights.mapping import plan

FILES = {"squeezenet": "squeezenet_v1.1_imagenet_notop.npz", "vgg16": "vgg16_imagenet_blocks1-2_partial.npz"}
DIGITS = "mnist_cnn-1.safetensors"  # count up when `digits.py` trains otherwise


class Given(NamedTuple):
    """`NAME/kernel` [h, w, C, F] and `NAME/bias` [F] of all convolutions, channels BGR; and whose, in words."""

    leaves: dict[str, np.ndarray]
    whose: str


def given(workload: Workload) -> Given:
    """The weights of `workload`: real ones if its file (for the digit net: MNIST) lies below the data root."""
    return _given(workload, data_root(None))


@functools.cache
def _given(workload: Workload, root: Path) -> Given:
    every = [each for stage in stages(workload) for each in members(stage)]
    shapes = {each.name: (each.size, each.size, each.channels, each.features) for each in every}
    if workload.net != "cnn":
        path = root / "weights" / FILES[workload.net]
        if not path.is_file():
            return _made(shapes)
        return Given(_ported(path, workload.net, shapes), f"ImageNet's, {path.name}")
    if (workload.channels, workload.hidden) == CNN and (root / "mnist").is_dir():
        return Given(_trained(root, list(shapes)), "an epoch on MNIST")
    return _made(shapes)


def _made(shapes: dict[str, tuple[int, ...]]) -> Given:
    return Given(drawn(shapes), "drawn at random, no real ones being below $RESEARCH_DATA")


def _ported(path: Path, net: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The leaves in `path` that are wanted: by the tables of `research.weights` alone, for peers do without JAX."""
    steps = plan(read(path), net).leaves
    found = {}
    for name, shape in shapes.items():
        for leaf, wanted in ((f"{name}/kernel", shape), (f"{name}/bias", shape[-1:])):
            found[leaf] = np.ascontiguousarray(steps[leaf].after, np.float32)
            if found[leaf].shape != wanted:
                raise UserError(f"{path}: {leaf} is {found[leaf].shape}, not {wanted}; fetch the file anew")
    return found


def _trained(root: Path, names: list[str]) -> dict[str, np.ndarray]:
    path = platformdirs.user_cache_path("receptive") / "bench" / DIGITS
    if not path.is_file():
        subprocess.run([sys.executable, "-m", "research.bench.digits", str(root), str(path)], check=True)
    leaves = read(path).arrays
    return {f"{name}/{leaf}": leaves[f"{name}/{leaf}"] for name in names for leaf in ("kernel", "bias")}
