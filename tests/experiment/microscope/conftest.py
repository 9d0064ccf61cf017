"""A small trained net, and pictures of what it knows."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def trained(write_rows, tmp_path_factory):
    """The run of a small net on pictures whose class is the height of a bright row; and a folder of such pictures."""
    from research import experiment  # imports jax, whose settings come first
    from research.config import ConvNet, ImageData, ImageExperiment, Training

    folder = tmp_path_factory.mktemp("rows")
    data = ImageData(source=str(write_rows(folder / "rows.npz")))
    net = ConvNet(channels=(6,), hidden=(), padding="same")
    experiment.run(
        ImageExperiment(name="rows", data=data, model=net, train=Training(epochs=6, batch_size=16)), folder / "run"
    )
    for index in range(40):
        picture = np.random.default_rng(index).integers(0, 60, (8, 8)).astype(np.uint8)
        class_folder = folder / ("bright", "dim")[index % 2]
        class_folder.mkdir(exist_ok=True)
        picture[3] += 150 * (index % 2 == 0)
        Image.fromarray(picture).save(class_folder / f"{index}.png")
    return folder
