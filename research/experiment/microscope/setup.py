"""The setup for all layers of a net: the pictures' shape, parameterization, gradient ascent, real pictures."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from research import runtime
from research.ascent.parameterizations import IMAGENET_COLOR, Fourier, Parameterization, Pixels, colors_of, phase_of
from research.ascent.steps import AscentConfig
from research.ascent.transforms import Blur, Jitter, Pad, Rotate, Scale, Transform
from research.config import Microscope
from research.errors import UserError
from research.experiment.microscope.loaded_net import LoadedNet
from research.microscope.real_pictures import RealPictures, load_folder, open_folder, split_pictures
from research.report.environment import environment

PHOTO_SIDE = 96  # pixels: the side of exemplars for a net that takes any size
SAMPLE = 500  # real pictures that colors and magnitudes are measured on
FINE = 12  # pixels: a receptive field up to this side has few frequencies; pixels suit it best. First layers see 11

Show = Callable[[str, int, int], None]  # title, filters done, all filters
Parameterize = Callable[[slice, slice], Parameterization]  # of the part of a picture in these rows and columns


class Setup(NamedTuple):
    """The setup for all layers of one net."""

    config: Microscope
    loaded: LoadedNet
    shape: tuple[int, int, int]  # [H, W, C] of the exemplars
    parameterize: Parameterize
    ascent: AscentConfig
    real: RealPictures | None
    show: Show


def make_setup(loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int], show: Show) -> Setup:
    """The setup for exemplars of `shape` [H, W, C].

    Raises UserError for a folder without readable pictures, and for the phase parameterization without real pictures.
    """
    real = _real_pictures(loaded, config, shape)
    return Setup(
        config, loaded, shape, _parameterize_by(config, shape, real), _ascent_config(config, shape), real, show
    )


def shape_for(loaded: LoadedNet, config: Microscope) -> tuple[int, int, int]:
    """[H, W, C] of the exemplars; UserError for a size that the net does not take."""
    if loaded.shape is None:
        return (config.size or PHOTO_SIDE, config.size or PHOTO_SIDE, loaded.channels)
    if config.size not in (None, *loaded.shape[:2]):
        raise UserError(f"--size {config.size}: {loaded.title} takes pictures of {loaded.shape[0]}x{loaded.shape[1]}")
    return loaded.shape


def facts(setup: Setup) -> list[tuple[str, str]]:
    """How the exemplars were made, as (label, text) for the page."""
    config, known = setup.config, environment()
    return [
        ("pictures", f"{setup.shape[0]} x {setup.shape[1]} x {setup.shape[2]}, {config.parameterization}"),
        ("gradient ascent", f"{config.steps} steps of Adam, rate {config.rate:g}, seed {config.seed}"),
        ("transforms", ", ".join(map(str, setup.ascent.transforms)) or "none"),
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


def _parameterize_by(config: Microscope, shape: tuple[int, int, int], real: RealPictures | None) -> Parameterize:
    channels, sample = shape[2], None if real is None or config.parameterization == "pixels" else real.some(SAMPLE)
    color = IMAGENET_COLOR if channels == 3 else np.ones((1, 1), np.float32) if sample is None else colors_of(sample)
    if config.parameterization == "phase" and sample is None:
        raise UserError("phase takes its magnitudes from real pictures; name a folder of some with --pictures")

    def parameterize(rows: slice, columns: slice) -> Parameterization:
        size = (rows.stop - rows.start, columns.stop - columns.start, channels)
        if config.parameterization == "pixels" or (size != shape and max(size[:2]) <= FINE):
            return Pixels(size)
        if config.parameterization == "fourier" or sample is None:
            return Fourier(jnp.asarray(color), size)
        return phase_of(sample[:, rows, columns], color)

    return parameterize


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
