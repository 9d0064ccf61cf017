"""The trained digit net of the ascent's races: `python -m research.bench.digits DATA_ROOT FILE`."""

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np

from research.bench.workloads import CNN
from research.config import ConvNet, ImageData, ImageExperiment, Optimizer, Training
from research.experiment.run import run
from research.experiment.specimen import specimen
from research.files import write_bytes
from research.trees import named_leaves
from research.weights.ours import safetensors_bytes

CHANNELS, HIDDEN = CNN
EXPERIMENT = ImageExperiment(  # as configs/mnist_cnn_short.py, for one epoch rather than three
    name="digits",
    data=ImageData(source="mnist", validation=0.05),
    model=ConvNet(channels=CHANNELS, padding="valid", hidden=HIDDEN, dropout=0.3),
    optimizer=Optimizer(name="adam", learning_rate=2e-3, schedule="cosine"),
    train=Training(epochs=1, batch_size=128),
)


def main(root: str, path: str) -> None:
    """Train on the MNIST below `root`, and keep the leaves at `path`, in one step."""
    config = dataclasses.replace(EXPERIMENT, data=dataclasses.replace(EXPERIMENT.data, root=root))
    with tempfile.TemporaryDirectory() as folder:
        run(config, Path(folder) / "run")
        leaves = named_leaves(specimen(Path(folder) / "run").params)
    write_bytes(path, safetensors_bytes({name: np.asarray(leaf) for name, leaf in leaves.items()}, {}))


if __name__ == "__main__":
    main(*sys.argv[1:])
