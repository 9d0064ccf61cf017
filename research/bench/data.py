"""Inputs and weights of the workloads, the same numbers for every peer.

Inputs are generated, but for a trained net under attack (`victims.py`). Weights go by our leaf names, in our layout.
They are random, except for that net and for an ascent: its nets get real weights if available. SqueezeNet's and VGG16's
are read from files below the data root. The digit net is trained on MNIST for an epoch, once, by a process of its own
(`python -m research.bench.data DATA_ROOT FILE`), and is then read from the user's cache.
"""

import functools
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs

from research.bench import victims
from research.bench.architectures import Dense, architecture, leaf_shapes
from research.bench.workloads import CLASSES_OF_DIGITS, CLASSES_OF_PHOTOS, Workload
from research.config import Optimizer, Prediction, TableData, TableExperiment, TableNet, Training
from research.data.paths import data_root
from research.data.tables.load import Table
from research.data.tables.preprocessing import fit_levels, fit_numbers, fit_target
from research.data.tables.splits import splits_of
from research.data.tables.table import Rows, Schema
from research.errors import UserError
from research.weights.mapping import plan_conversion
from research.weights.weight_file import read

FILES = {"squeezenet": "squeezenet_v1.1_imagenet_notop.npz", "vgg16": "vgg16_imagenet_blocks1-2_partial.npz"}
FEATURES, HIDDEN = (32, 64, 64), (64,)  # of the digit net that is trained
TRAINED = "mnist_cnn-1.safetensors"  # increment when `main` changes
MISSING = 0.1  # share of missing cells in columns with gaps


def examples(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """The net's inputs [N, ...] and targets: labels int32 [N], or horizons float32 [N, P, F] of a forecaster.

    A forecaster reads windows; the head of VGG16 reads features; the others read pictures.
    """
    if workload.forecasts:
        return windows(workload)
    return feature_rows(workload) if workload.net == "vgg16_head" else pictures(workload)


def pictures(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 [N, H, W, C] and labels int32 [N], which are random."""
    digits = workload.net in ("cnn", "dense")
    random = np.random.default_rng(0)
    shape = (workload.examples, workload.side, workload.side, 1 if digits else 3)
    images = random.integers(0, 256, shape, dtype=np.uint8)
    if workload.trained:
        images = victims.unseen_pictures(data_root(None), workload.examples)
    return images, _labels(random, workload, CLASSES_OF_DIGITS if digits else CLASSES_OF_PHOTOS)


def feature_rows(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Flattened features float32 [N, D], like those of a frozen net, and labels int32 [N]."""
    random = np.random.default_rng(0)
    [dense, *_] = (layer for layer in architecture(workload) if isinstance(layer, Dense))
    rows = np.maximum(random.standard_normal((workload.examples, dense.inputs), np.float32), 0)
    return rows, _labels(random, workload, CLASSES_OF_PHOTOS)


def series(workload: Workload) -> np.ndarray:
    """The series float32 [T, F], long enough for all windows, which begin one step after another."""
    context, horizon, channels = workload.window
    rows = workload.examples + context + horizon - 1
    return np.random.default_rng(0).standard_normal((rows, channels), np.float32)


def windows(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Every window of the series, copied: contexts float32 [N, L, F] and horizons [N, P, F].

    Our step slices windows from the series; the peers get them ready-made, which is in their favour.
    """
    context, horizon, _ = workload.window
    every = np.lib.stride_tricks.sliding_window_view(series(workload), context + horizon, axis=0).swapaxes(1, 2)
    return every[:, :context].copy(), every[:, context:].copy()


def sampled(outputs: np.ndarray) -> list[float]:
    """At most 1,000 numbers of `outputs`, evenly spread: which the peers compare before the race."""
    flat = np.asarray(outputs, np.float32).reshape(-1)
    return [float(number) for number in flat[:: -(-len(flat) // 1000)]]


def _labels(random: np.random.Generator, workload: Workload, classes: int) -> np.ndarray:
    return random.integers(0, classes, workload.examples, dtype=np.int32)


class Weights(NamedTuple):
    """`leaves` {name: float32}, channels in our order, which is BGR for VGG16 and SqueezeNet; `origin` in words."""

    leaves: dict[str, np.ndarray]
    origin: str


def weights(workload: Workload) -> Weights:
    """The weights of the workload's net, named and shaped as by `leaf_shapes`."""
    return _weights(workload, data_root(None))


def leaves_for_rgb(workload: Workload) -> dict[str, np.ndarray]:
    """The leaves for a net that reads RGB pictures without conversion to BGR."""
    leaves = weights(workload).leaves
    if workload.net == "lenet5":
        return leaves
    return {name: leaf[:, :, ::-1] if leaf.ndim == 4 and leaf.shape[2] == 3 else leaf for name, leaf in leaves.items()}


@functools.cache
def _weights(workload: Workload, root: Path) -> Weights:
    shapes = leaf_shapes(architecture(workload))
    if workload.task == "ascent":
        path = root / "weights" / FILES.get(workload.net, "")
        if path.is_file():
            return Weights(_from_file(path, workload.net, shapes), f"ImageNet's, {path.name}")
        if (workload.features, workload.hidden) == (FEATURES, HIDDEN) and (root / "mnist").is_dir():
            path = platformdirs.user_cache_path("receptive") / "bench" / TRAINED
            return Weights(_trained("data", root, path, shapes), "an epoch on MNIST")
        return Weights(_random(shapes), "drawn at random, no real ones being below $RESEARCH_DATA")
    if workload.trained:
        path = victims.trained_file(root)
        return Weights(_trained("victims", root, path, shapes), f"{victims.EPOCHS} epochs on {victims.origin(root)}")
    return Weights(_random(shapes), "drawn at random")


def _random(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Random leaves from a fixed seed; kernels of variance 2 / fan-in (He et al. 2015) keep activations' size."""
    random = np.random.default_rng(1)
    deviations = {name: 0.1 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[:-1])) for name, shape in shapes.items()}
    return {
        name: random.standard_normal(shape, np.float32) * np.float32(deviations[name]) for name, shape in shapes.items()
    }


def _from_file(path: Path, net: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The wanted leaves in `path`, by the tables of `research.weights` alone, since the peers run without JAX."""
    steps = plan_conversion(read(path), net).leaves
    found = {name: np.ascontiguousarray(steps[name].after, np.float32) for name in shapes}
    for name, shape in shapes.items():
        if found[name].shape != shape:
            raise UserError(f"{path}: {name} is {found[name].shape}, not {shape}; fetch the file anew")
    return found


def _trained(module: str, root: Path, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The leaves in `path`, which the program `module` of this package writes if it is not there."""
    if not path.is_file():
        subprocess.run([sys.executable, "-m", f"research.bench.{module}", str(root), str(path)], check=True)
    leaves = read(path).arrays
    return {name: leaves[name] for name in shapes}


def main(root: str, path: str) -> None:
    """Train the digit net on the MNIST below `root`, and write its leaves to `path` atomically."""
    from research.config import ConvNet, ImageData, ImageExperiment, Optimizer, Training
    from research.experiment.microscope.loaded_net import load_net
    from research.experiment.run import run
    from research.files import write_bytes
    from research.trees import named_leaves
    from research.weights.native_file import safetensors_bytes

    config = ImageExperiment(  # as configs/mnist_cnn_short.py, for one epoch rather than three
        name="digits",
        data=ImageData(source="mnist", validation=0.05, root=root),
        model=ConvNet(channels=FEATURES, padding="valid", hidden=HIDDEN, dropout=0.3),
        optimizer=Optimizer(name="adam", learning_rate=2e-3, schedule="cosine"),
        train=Training(epochs=1, batch_size=128),
    )
    with tempfile.TemporaryDirectory() as folder:
        run(config, Path(folder) / "run")
        leaves = named_leaves(load_net(Path(folder) / "run").params)
    write_bytes(path, safetensors_bytes({name: np.asarray(leaf) for name, leaf in leaves.items()}, {}))


def experiment_of(workload: Workload) -> TableExperiment:
    """What `configs/ames_full.py` trains, on the generated table."""
    return TableExperiment(
        name=workload.name,
        data=TableData(target="price", log_skewed=1.0, log_target=True, folds=workload.folds, validation=0.0),
        model=TableNet(hidden=workload.hidden, zero_init_head=True),
        prediction=Prediction(loss="mae"),
        optimizer=Optimizer(name="adamw", learning_rate=1.5e-3, schedule="cosine", warmup_epochs=2.5, weight_decay=1.0),
        train=Training(epochs=28, batch_size=workload.batch),
        seeds=workload.seeds,
    )


def table_of(workload: Workload) -> Table:
    """Random rows: half of the numbers are skewed, the first few have gaps, and no level is rare."""
    numbers, gaps, categorical, levels = workload.columns
    random, rows = np.random.default_rng(0), workload.rows
    drawn = random.standard_normal((rows, numbers))
    drawn[:, ::2] = np.exp(drawn[:, ::2])
    drawn[:, :gaps][random.random((rows, gaps)) < MISSING] = np.nan
    counts = [len(part) for part in np.array_split(np.arange(levels), categorical)]
    schema = Schema(
        target="price",
        numeric=tuple(f"number{index}" for index in range(numbers)),
        shifts=(0.0,) * numbers,
        gaps=tuple(index < gaps for index in range(numbers)),
        ordered=((),) * numbers,
        categorical=tuple(f"text{index}" for index in range(categorical)),
        levels=tuple(tuple(f"level{level}" for level in range(count)) for count in counts),
        ids=None,
        classes=(),
    )
    codes = random.integers(0, counts, (rows, categorical), dtype=np.int32)
    target = np.exp(12 + 0.4 * random.standard_normal(rows))
    return Table("generated", schema, Rows(drawn.astype(np.float32), codes), target, {}, {}, 0, 0, workload.name)


def encoded_folds(workload: Workload) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each fold the training rows as the first dense layer reads them, float32 [N, D], and their scaled targets [N].

    Our net encodes rows itself; PyTorch gets them ready-made, which is in its favour.
    """
    config, table = experiment_of(workload).data, table_of(workload)
    for split in splits_of(config, table.target, classes=False):
        numbers, codes = (each[split.train] for each in table.rows)
        center, scale = fit_target(config, table.target[split.train])
        parts = [
            _numbers(fit_numbers(config, numbers), numbers, list(table.schema.gaps), config.clip),
            _one_hot(table.schema, codes) * fit_levels(table.schema, codes, config.rare),
        ]
        targets = (np.log1p(table.target[split.train]) - center) / scale
        yield np.concatenate(parts, axis=1).astype(np.float32), targets.astype(np.float32)


def _numbers(fitted: dict[str, np.ndarray], numbers: np.ndarray, gaps: list[bool], clip: float) -> np.ndarray:
    logged = np.where(fitted["logged"] > 0, np.log1p(np.maximum(numbers, 0)), numbers)
    scaled = (np.where(np.isnan(numbers), fitted["median"], logged) - fitted["center"]) / fitted["scale"]
    bounded = scaled / np.sqrt(1 + (scaled / clip) ** 2)
    return np.concatenate([bounded, (np.isnan(numbers) * fitted["indicated"])[:, gaps]], axis=1)


def _one_hot(schema: Schema, codes: np.ndarray) -> np.ndarray:
    parts = [codes[:, [index]] == np.arange(len(levels)) for index, levels in enumerate(schema.levels)]
    return np.concatenate(parts, axis=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
