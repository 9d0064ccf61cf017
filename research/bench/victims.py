"""The pictures that a trained net is attacked on, and its training, once, by a process of its own.

They are CIFAR-10's, where cifar10.npz lies below the data root; elsewhere patterns are generated, ten classes of them.
`python -m research.bench.victims DATA_ROOT FILE` trains; the net is then read from the user's cache.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import platformdirs

from research.config.layers import Conv, Dense, Flatten, Pool

LENET5 = (  # as in configs/cifar10_lenet5.py
    Conv(6, size=5, padding="valid", activation="tanh"),
    Pool(mode="avg"),
    Conv(16, size=5, padding="valid", activation="tanh"),
    Pool(mode="avg"),
    Flatten(),
    Dense(120, activation="tanh"),
    Dense(84, activation="tanh"),
)
SOURCE = "cifar10.npz"
SIDE, CLASSES = 32, 10
VERSION = 1  # increment when `main` or `patterns` changes
EPOCHS = 2
PATTERNS = 6000  # to train on
# Gray levels of a pattern's parts: of its class, of fields of its own, coarse and fine. Classes overlap, so that some
# margins are small: at 30 levels of its class, no pixel flipped any of 8 patterns.
OF_CLASS, COARSE, FINE = 10, 30, 20


def origin(root: Path) -> str:
    """Where the pictures are from, in words."""
    return "CIFAR-10" if (root / SOURCE).is_file() else "generated patterns"


def unseen_pictures(root: Path, count: int) -> np.ndarray:
    """`count` pictures uint8 [N, 32, 32, 3] that the net was not trained on."""
    if not (root / SOURCE).is_file():
        return patterns(count, seed=1)[0]
    with np.load(root / SOURCE) as arrays:
        return arrays["x_test"][:count]


def patterns(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Generated pictures uint8 [N, 32, 32, 3] and labels int32 [N]: the colour field of a class under other fields."""
    classes = np.random.default_rng(0).standard_normal((CLASSES, 4, 4, 3), np.float32)
    random = np.random.default_rng((1, seed))
    labels = random.integers(0, CLASSES, count, dtype=np.int32)
    coarse, fine = (random.standard_normal((count, cells, cells, 3), np.float32) for cells in (4, 16))
    levels = 128 + OF_CLASS * _grown(classes)[labels] + COARSE * _grown(coarse) + FINE * _grown(fine)
    return np.clip(levels, 0, 255).astype(np.uint8), labels


def trained_file(root: Path) -> Path:
    """The file of the leaves of the net that `main` trains on the pictures below `root`."""
    name = f"lenet5_{origin(root).replace(' ', '_')}-{VERSION}.safetensors"
    return platformdirs.user_cache_path("receptive") / "bench" / name


def main(root: str, path: str) -> None:
    """Train LeNet-5 for a short while, and write its leaves to `path` atomically."""
    from research.config import ImageData, ImageExperiment, Net, Optimizer, Training
    from research.experiment.images.arrays import with_data
    from research.experiment.microscope.loaded_net import load_net
    from research.experiment.run import run
    from research.files import write_bytes
    from research.trees import named_leaves
    from research.weights.native_file import safetensors_bytes

    config = ImageExperiment(
        name="lenet5",
        data=ImageData(source=SOURCE, validation=0.1, root=root),
        model=Net(LENET5),
        optimizer=Optimizer(name="adam", learning_rate=2e-3, schedule="cosine"),
        train=Training(epochs=EPOCHS, batch_size=128),
    )
    with tempfile.TemporaryDirectory() as folder:
        if not (Path(root) / SOURCE).is_file():
            config = with_data(config, (patterns(PATTERNS, seed=0), patterns(1000, seed=2)), Path(folder))
        run(config, Path(folder) / "run")
        leaves = named_leaves(load_net(Path(folder) / "run").params)
    write_bytes(path, safetensors_bytes({name: np.asarray(leaf) for name, leaf in leaves.items()}, {}))


def _grown(fields: np.ndarray) -> np.ndarray:
    """[N, h, w, C] -> [N, 32, 32, C], each number as a square."""
    times = SIDE // fields.shape[1]
    return fields.repeat(times, axis=1).repeat(times, axis=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
