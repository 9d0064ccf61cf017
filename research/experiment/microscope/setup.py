"""The setup for all layers of a net: the pictures' shape, parameterization, gradient ascent, real pictures."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from research import runtime
from research.ascent.parameterizations import (
    IMAGENET_COLOR,
    IMAGENET_MEAN,
    MIDDLE,
    Fourier,
    Parameterization,
    Pixels,
    colors_of,
    phase_of,
)
from research.ascent.steps import AscentConfig
from research.ascent.transforms import Blur, Jitter, Pad, Rotate, Scale, Transform
from research.config import Microscope
from research.errors import UserError
from research.experiment.microscope.loaded_net import LoadedNet
from research.experiment.microscope.saved_exemplars import net_digest
from research.microscope.real_pictures import RealPictures, load_folder, open_folder, split_pictures
from research.models.receptive_fields import receptive_field
from research.report.environment import environment
from research.seals import array_digest
from research.training.feature_cache import key_of

PHOTO_SIDE = 224  # pixels: the side of real pictures for a net that takes any size, that of ImageNet's in training
# Pixels: the sides of exemplars for such a net. A side is a multiple of the step that is not below the receptive field.
LEAST_SIDE, SIDE_STEP = 96, 32
SAMPLE = 500  # real pictures that colors and magnitudes are measured on
FINE = 12  # pixels: a receptive field up to this side has few frequencies; pixels suit it best. First layers see 11

Show = Callable[[str, int, int], None]  # title, filters done, all filters
Parameterize = Callable[[slice, slice], Parameterization]  # of the part of a picture in these rows and columns


class Setup(NamedTuple):
    """The setup for all layers of one net."""

    config: Microscope
    loaded: LoadedNet
    real: RealPictures | None
    sample: np.ndarray | None  # the real pictures [N, H, W, C] that colors or magnitudes are measured on
    color: np.ndarray  # [C, C], see `Fourier`
    saved: Path  # the folder of finished exemplars
    digest: str  # of all that the exemplars of a layer depend on, besides its `LayerSetup`
    show: Show


class LayerSetup(NamedTuple):
    """How the exemplars of one layer are made."""

    shape: tuple[int, int, int]  # [H, W, C] of the exemplars
    parameterize: Parameterize
    ascent: AscentConfig


def make_setup(loaded: LoadedNet, config: Microscope, saved: Path, show: Show) -> Setup:
    """The setup for all layers; finished exemplars are saved in the folder `saved`.

    Raises UserError for a folder without readable pictures, and for the phase parameterization without real pictures.
    """
    real = _real_pictures(loaded, config, picture_shape(loaded, config))
    phase, photos = config.parameterization == "phase", loaded.channels == 3
    if phase and real is None:
        raise UserError("phase takes its magnitudes from real pictures; name a folder of some with --pictures")
    measured = phase or (config.parameterization == "fourier" and not photos)
    sample = real.some(SAMPLE) if real is not None and measured else None
    color = IMAGENET_COLOR if photos else np.ones((1, 1), np.float32) if sample is None else colors_of(sample)
    digest = key_of(
        net_digest(loaded.net, loaded.params),
        "" if sample is None else array_digest(sample),
        array_digest(color),
        config.parameterization,
        str(config.seed),
    )
    return Setup(config, loaded, real, sample, color, saved, digest, show)


def picture_shape(loaded: LoadedNet, config: Microscope) -> tuple[int, int, int]:
    """[H, W, C] of the real pictures as the net reads them; UserError for a size that the net does not take."""
    if loaded.shape is None:
        return (config.size or PHOTO_SIDE, config.size or PHOTO_SIDE, loaded.channels)
    if config.size not in (None, *loaded.shape[:2]):
        raise UserError(f"--size {config.size}: {loaded.title} takes pictures of {loaded.shape[0]}x{loaded.shape[1]}")
    return loaded.shape


def layer_setup(setup: Setup, layer: str) -> LayerSetup:
    """The setup for `layer`. Where neither the net nor `--size` fixes it, the size follows its receptive field."""
    shape = picture_shape(setup.loaded, setup.config)
    if setup.loaded.shape is None and setup.config.size is None:
        seen = max(receptive_field(setup.loaded.net, layer, shape).size)
        side = min(max(-(-seen // SIDE_STEP) * SIDE_STEP, LEAST_SIDE), PHOTO_SIDE)
        shape = (side, side, shape[2])
    parameterize = functools.partial(_parameterization, setup, shape)
    return LayerSetup(shape, parameterize, _ascent_config(setup.config, shape))


PICTURES_AS = {
    "fourier": "sums of waves (Fourier coefficients)",
    "pixels": "single pixels",
    "phase": "sums of waves that are as strong as in real pictures; only their phases are searched",
}


def facts(setup: Setup) -> list[tuple[str, str]]:
    """How the exemplars were made, as (label, text) for the page."""
    config, known = setup.config, environment()
    return [
        ("pictures as", PICTURES_AS[config.parameterization]),
        ("gradient ascent", f"{config.steps} steps of Adam, rate {config.rate:g}, seed {config.seed}"),
        ("real pictures", "none" if setup.real is None else f"{len(setup.real.names):,}"),
        ("device", runtime.device_name()),
        ("commit", known["commit"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in known["versions"].items())),
    ]


def _real_pictures(loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> RealPictures | None:
    if config.pictures is not None:  # drawings are laid out as in training; patches of photos have the file's pixels
        if loaded.ink is not None:
            return load_folder(config.pictures, shape, loaded.ink, ranges=loaded.ranges)
        return open_folder(config.pictures, shape, loaded.ranges)
    if loaded.data is None or not (config.patches or config.parameterization == "phase"):
        return None
    return split_pictures(loaded.data(), "train", "training picture")


def _parameterization(setup: Setup, shape: tuple[int, int, int], rows: slice, columns: slice) -> Parameterization:
    """That of the part of a picture of `shape` in `rows` and `columns`."""
    size = (rows.stop - rows.start, columns.stop - columns.start, shape[2])
    if setup.config.parameterization == "pixels" or (size != shape and max(size[:2]) <= FINE):
        return Pixels(size)
    if setup.config.parameterization == "fourier" or setup.sample is None:
        mean = IMAGENET_MEAN if shape[2] == len(IMAGENET_MEAN) else MIDDLE
        return Fourier(jnp.asarray(setup.color), size, jnp.asarray(mean))
    return phase_of(setup.sample[:, rows, columns], setup.color)


def _ascent_config(config: Microscope, shape: tuple[int, int, int]) -> AscentConfig:
    jitter = max(1, min(shape[:2]) // 16) if config.jitter is None else config.jitter
    by_strength: list[tuple[float, Transform]] = [
        (config.pad, Pad(config.pad)),
        (jitter, Jitter(jitter)),
        (config.scale, Scale(1 - config.scale, 1 + config.scale)),
        (config.rotate, Rotate(config.rotate)),
        (config.blur, Blur(config.blur)),
    ]
    transforms = tuple(transform for strength, transform in by_strength if strength)
    return AscentConfig(config.steps, config.rate, transforms, config.variation, config.shrink)
