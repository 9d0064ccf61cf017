"""Predicted classes of new pictures from a run's checkpoints, without the training data."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.config import ImageExperiment, PretrainedNet
from research.data.images.pictures import Prepared, prepare_picture
from research.data.images.pixel_range import Ranges
from research.data.images.walk import picture_files
from research.errors import UserError
from research.experiment.images.build import build_network
from research.experiment.images.load_trained import read_pictures_record
from research.experiment.images.preprocessing import read_preprocessing
from research.experiment.images.transfer import frozen_outputs, load_pretrained, transfer
from research.experiment.training import ended_leaves
from research.models.apply import apply_of
from research.models.custom import CustomNet
from research.models.inference import outputs
from research.models.network import Network
from research.training.checkpoints import fitted

BATCH_SIZE = 64  # pictures


def predict(
    config: ImageExperiment, run_dir: Path, inputs: Sequence[Path | str], seed: int | None, *, as_is: bool = False
) -> Iterator[dict[str, Any]]:
    """One dict for each picture of `inputs` (files, or folders of them and of folders), in order.

    {"input", "class", "probability", "probabilities": {class: share}, "prepared": [what was done to the picture]}, or
    {"input", "error"} for a file that is no picture, or for which the net's output is not finite. With `as_is` pictures
    are scaled like photos even if the net learned drawings. Raises UserError when `seed` was not trained in
    `run_dir`.
    """
    record = read_pictures_record(run_dir)
    data = record["data"]
    shape, classes = tuple(data["shape"]), data["classes"]
    if shape[2] not in (1, 3):
        raise UserError(
            f"{run_dir} reads {shape[2]} channels, which no picture file has; in Python: net = experiment.load(RUN); "
            "net.apply(net.variables, pictures)"
        )
    own = ended_leaves(config, config.seed if seed is None else seed, run_dir)
    front, net, example = _front(config, len(classes), shape, own)
    like = jax.eval_shape(lambda: {"params": {}} | dict(net.init(jax.random.key(0), example)))
    variables = fitted(own, like, run_dir)
    ink, squash, ranges = read_preprocessing(record)
    ink = None if as_is else ink
    apply, files = apply_of(net, config.train.precision), picture_files(inputs)
    for start in range(0, len(files), BATCH_SIZE):
        batch = [(file, _prepared(file, shape, ink, squash, ranges)) for file in files[start : start + BATCH_SIZE]]
        yield from _answers(
            batch, lambda pixels: outputs(apply, variables, front(pixels), batch_size=BATCH_SIZE), classes
        )


def _front(
    config: ImageExperiment, classes: int, shape: tuple[int, ...], own: Mapping[str, np.ndarray]
) -> tuple[Callable, Network | CustomNet, np.ndarray]:
    """(function of pixels before the trained net, that net, its input for one picture); `own` are the net's leaves."""
    pixels = np.zeros((1, *shape), np.uint8)
    if not isinstance(config.model, PretrainedNet):
        return lambda images: images, build_network(config.model, classes), pixels
    ready = transfer(load_pretrained(config.model, config.data.root), config.model, config, classes, [own])
    front = functools.partial(frozen_outputs, ready)
    return front, ready.trained, front(pixels)


def _prepared(
    file: Path, shape: tuple[int, ...], ink: Mapping[str, Any] | None, squash: bool, ranges: Ranges
) -> Prepared | UserError:
    try:
        return prepare_picture(file, (shape[0], shape[1], shape[2]), ink, squash=squash, ranges=ranges)
    except UserError as error:
        return error


def _answers(batch: list[tuple[Path, Prepared | UserError]], run: Any, classes: list[str]) -> Iterator[dict[str, Any]]:
    sound = [found.pixels for _, found in batch if isinstance(found, Prepared)]
    logits = iter(run(np.stack(sound))) if sound else iter(())
    for file, found in batch:
        if not isinstance(found, Prepared):
            yield {"input": str(file), "error": str(found)}
            continue
        shares = np.asarray(jax.nn.softmax(next(logits)), np.float64)
        if not np.isfinite(shares).all():
            yield {"input": str(file), "error": f"the net's output for {file} is not finite; train it anew"}
            continue
        best = int(shares.argmax())
        yield {
            "input": str(file),
            "class": classes[best],
            "probability": round(float(shares[best]), 6),
            "probabilities": {name: round(float(share), 6) for name, share in zip(classes, shares, strict=True)},
            "prepared": list(found.steps),
        }
