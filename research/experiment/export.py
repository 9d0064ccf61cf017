"""The net of a finished run as a file of other libraries."""

from pathlib import Path

import numpy as np

from research.errors import UserError
from research.experiment.load import load, open_run
from research.experiment.task import task_of
from research.experiment.trained import Trained
from research.files import npz_bytes, write_bytes
from research.trees import named_leaves
from research.weights.native_file import safetensors_bytes

SUFFIXES = (".safetensors", ".npz", ".keras", ".h5", ".pth")


def export(run_dir: Path | str, path: Path | str, seed: int | None = None) -> list[Path]:
    """Write the net of `seed` (by default the first) in `run_dir` to `path`, and return the files written.

    .safetensors and .npz hold its leaves under our names (params/conv1/kernel). .keras and .h5 are whole Keras models;
    .pth is a state dict of PyTorch, with the source of its module beside it (NAME.py). These are loaded again and
    compared with our net before they are written, and a file beside them (NAME.keras.json) says what stands between
    data and net. Of a table they hold all nets of all seeds, whose mean predicts, unless `seed` is given. Raises
    UserError for another suffix or a net without such a file, and where Keras or PyTorch is not installed.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path.name} ends in none of {', '.join(SUFFIXES)}; the suffix says what is written")
    if path.suffix in (".safetensors", ".npz"):
        return [write_bytes(path, _leaves(load(run_dir, seed), path.suffix))]
    from research.experiment import foreign  # what imports us need not wait for it

    config = open_run(run_dir)
    exported = task_of(config).exported(config, Path(run_dir), seed)
    return (foreign.save_torch if path.suffix == ".pth" else foreign.save_keras)(exported, path)


def _leaves(found: Trained, suffix: str) -> bytes:
    leaves = {name: np.asarray(leaf) for name, leaf in named_leaves(found.variables).items()}
    if suffix == ".npz":
        return npz_bytes(leaves)
    return safetensors_bytes(leaves, {"experiment": found.config.name})
