"""The net of a finished run as a file of other libraries."""

from pathlib import Path

import numpy as np

from research.errors import UserError
from research.experiment.load import load
from research.experiment.trained import Trained
from research.files import npz_bytes, write_bytes
from research.models.network import Network
from research.trees import named_leaves
from research.weights.native_file import safetensors_bytes

SUFFIXES = (".safetensors", ".npz", ".keras", ".h5", ".pth")


def export(run_dir: Path | str, path: Path | str, seed: int | None = None) -> list[Path]:
    """Write the net of `seed` (by default the first) in `run_dir` to `path`, and return the files written.

    .safetensors and .npz hold its leaves under our names (params/conv1/kernel), of any kind of run. Of a picture
    classifier .keras and .h5 are whole Keras models, and .pth is a state dict of PyTorch, with the source of its module
    beside it (.py); both are run and compared with our net before they are written. Raises UserError for another
    suffix or a net without such a file, and where Keras or PyTorch is not installed.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path.name} ends in none of {', '.join(SUFFIXES)}; the suffix says what is written")
    found = load(run_dir, seed)
    if path.suffix in (".safetensors", ".npz"):
        return [write_bytes(path, _leaves(found, path.suffix))]
    if not isinstance(found.net, Network) or not found.classes or "shape" not in found.preprocessing:
        raise UserError(f"{path.suffix} is for classifiers of pictures with layers of ours; export to .safetensors")
    from research.experiment.images import foreign  # the other kinds of experiment need not wait for it

    return (foreign.save_torch if path.suffix == ".pth" else foreign.save_keras)(found, path)


def _leaves(found: Trained, suffix: str) -> bytes:
    leaves = {name: np.asarray(leaf) for name, leaf in named_leaves(found.variables).items()}
    if suffix == ".npz":
        return npz_bytes(leaves)
    return safetensors_bytes(leaves, {"experiment": found.config.name})
