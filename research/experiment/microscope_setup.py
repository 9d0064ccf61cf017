"""What the microscope looks with: the pictures' shape, how they are written, the climb, the real ones beside."""

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
from research.experiment.loaded_net import LoadedNet
from research.microscope.real_pictures import Real, folder, gallery, of_split
from research.report.environment import environment

PHOTO_SIDE = 96  # pixels: of what is made for a net that takes any size
SAMPLE = 500  # real pictures that colors and magnitudes are measured on
FINE = 12  # pixels: a part without frequencies to speak of, which pixels write best; first layers see up to 11 or so

Show = Callable[[str, int, int], None]
Way = Callable[[slice, slice], Parameterization]  # how the part of a picture in these rows and columns is written


class Scene(NamedTuple):
    """What all layers are looked at with."""

    config: Microscope
    subject: LoadedNet
    shape: tuple[int, int, int]  # of what is made
    way: Way
    plan: AscentConfig
    real: Real | None
    show: Show


def scene_of(subject: LoadedNet, config: Microscope, shape: tuple[int, int, int], show: Show) -> Scene:
    """The scene of `subject` for pictures of `shape`. Raises UserError for a folder in which nothing can be read, and
    for phases without real pictures.
    """
    real = _real(subject, config, shape)
    return Scene(config, subject, shape, _way(config, shape, real), _plan(config, shape), real, show)


def shape_for(subject: LoadedNet, config: Microscope) -> tuple[int, int, int]:
    """[H, W, C] of what is made; UserError for a size that the net does not take."""
    if subject.shape is None:
        return (config.size or PHOTO_SIDE, config.size or PHOTO_SIDE, subject.channels)
    if config.size not in (None, *subject.shape[:2]):
        raise UserError(
            f"--size {config.size}: {subject.title} takes pictures of {subject.shape[0]}x{subject.shape[1]}"
        )
    return subject.shape


def facts(scene: Scene) -> list[tuple[str, str]]:
    """How it was made, for the page."""
    config, known = scene.config, environment()
    return [
        ("pictures", f"{scene.shape[0]} x {scene.shape[1]} x {scene.shape[2]}, {config.parameterization}"),
        ("climb", f"{config.steps} steps of Adam, rate {config.rate:g}, seed {config.seed}"),
        ("transforms", ", ".join(map(str, scene.plan.transforms)) or "none"),
        ("real pictures", "none" if scene.real is None else f"{len(scene.real.names):,}"),
        ("device", runtime.device_name()),
        ("commit", known["commit"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in known["versions"].items())),
    ]


def _real(subject: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> Real | None:
    if config.pictures is not None:  # drawings are laid out as the net learned them; of photos, files keep their pixels
        if subject.ink is not None:
            return gallery(config.pictures, shape, subject.ink, ranges=subject.ranges)
        return folder(config.pictures, shape, subject.ranges)
    if subject.data is None or not (config.patches or config.parameterization == "phase"):
        return None
    data = subject.data()
    return of_split(data.train, data.classes, "training picture")


def _way(config: Microscope, shape: tuple[int, int, int], real: Real | None) -> Way:
    channels, some = shape[2], None if real is None or config.parameterization == "pixels" else real.some(SAMPLE)
    color = IMAGENET_COLOR if channels == 3 else np.ones((1, 1), np.float32) if some is None else colors_of(some)
    if config.parameterization == "phase" and some is None:
        raise UserError("phase takes its magnitudes from real pictures; name a folder of some with --pictures")

    def way(rows: slice, columns: slice) -> Parameterization:
        size = (rows.stop - rows.start, columns.stop - columns.start, channels)
        if config.parameterization == "pixels" or (size != shape and max(size[:2]) <= FINE):
            return Pixels(size)
        if config.parameterization == "fourier" or some is None:
            return Fourier(jnp.asarray(color), size)
        return phase_of(some[:, rows, columns], color)

    return way


def _plan(config: Microscope, shape: tuple[int, int, int]) -> AscentConfig:
    jitter = max(1, min(shape[:2]) // 16) if config.jitter is None else config.jitter
    asked: list[tuple[float, Transform]] = [
        (config.pad, Pad(config.pad)),
        (jitter, Jitter(jitter)),
        (config.scale, Scale(1 - config.scale, 1 + config.scale)),
        (config.rotate, Rotate(config.rotate)),
        (config.blur, Blur(config.blur)),
    ]
    transforms = tuple(transform for strength, transform in asked if strength)
    return AscentConfig(config.steps, config.rate, transforms, config.variation, config.shrink)
