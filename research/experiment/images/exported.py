"""A trained classifier of pictures for other libraries."""

from pathlib import Path

import numpy as np

from research.config import Custom, ImageExperiment
from research.errors import UserError
from research.experiment.exported import INSTEAD, ExportedNet, leaves_of
from research.experiment.images.keras_layers import KERAS_LAYERS
from research.experiment.images.load_trained import load
from research.experiment.images.torch_layers import TORCH_LAYERS
from research.models.apply import apply_of
from research.models.network import Network

PICTURES = 4  # of random pixels that both nets run on


def exported(config: ImageExperiment, run_dir: Path, seed: int | None) -> ExportedNet:
    """See `Task.exported`. The net reads pixels, and answers in float32, whatever precision it was trained in."""
    found = load(config, run_dir, config.seed if seed is None else seed)
    if not isinstance(found.net, Network):
        source = config.model.source if isinstance(config.model, Custom) else "the net"
        raise UserError(f"{source} is Flax code of your own, which Keras and PyTorch do not know; {INSTEAD}")
    shape = found.preprocessing["shape"]
    pixels = np.random.default_rng(0).integers(0, 256, (PICTURES, *shape)).astype(np.uint8)
    sizes = ", ".join(map(str, shape))
    return ExportedNet(
        title=config.name,
        net=found.net,
        members=[leaves_of(found.variables)],
        inputs={"pixels": pixels},
        outputs=np.asarray(apply_of(found.net)(found.variables, pixels, None)[0]),
        keras=KERAS_LAYERS,
        torch=TORCH_LAYERS,
        reads=f"pixels of 0..255 [B, {sizes}] in Keras, [B, {shape[-1]}, {shape[0]}, {shape[1]}] in PyTorch",
        gives=f"logits [B, {len(found.classes)}]",
        document={"classes": list(found.classes), "preprocessing": dict(found.preprocessing)},
    )
