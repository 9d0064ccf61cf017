"""Whether the flips of one net flip others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from research.config import ImageExperiment
from research.errors import UserError
from research.experiment.attack.search import Row
from research.experiment.attack.victims import Victims, predicted
from research.experiment.load import load
from research.run_directory import read_config


def transfers(
    others: Sequence[str], found: Victims, rows: Mapping[int, Sequence[Row]], changed: Mapping[int, np.ndarray]
) -> list[Row]:
    """For each other run and number of pixels: run, pixels, flips (that the other net is right about) and flipped.

    `changed` are the attacked pictures, uint8 [N, H, W, C]. Raises UserError for a run with other classes or sizes.
    """
    return [found_row for run in others for found_row in _transfer(run, found, rows, changed)]


def _transfer(
    run: str, found: Victims, rows: Mapping[int, Sequence[Row]], changed: Mapping[int, np.ndarray]
) -> list[Row]:
    net = load(Path(run))
    own = found.net.config
    if not isinstance(net.config, ImageExperiment) or net.classes != found.net.classes:
        raise UserError(f"{run} is no classifier of the classes {', '.join(found.net.classes)}; leave it out")
    if isinstance(own, ImageExperiment) and (net.config.data.source, net.config.data.size) != (
        own.data.source,
        own.data.size,
    ):
        raise UserError(f"{run} was trained on other pictures than the net under attack; leave it out")
    right = predicted(net, found.images, run) == found.labels
    told = []
    for pixels, each in rows.items():
        flips = right & np.array([row["success"] for row in each])
        named = predicted(net, changed[pixels][flips], run) if flips.any() else np.zeros(0, int)
        flipped = int((named != found.labels[flips]).sum())
        told.append(
            {"run": read_config(Path(run)).name, "pixels": pixels, "flips": int(flips.sum()), "flipped": flipped}
        )
    return told
