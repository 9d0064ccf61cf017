"""`convolution.py [PICTURE]`"""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from annotated_types import Interval

from research.command_line import parse
from research.config import within_bounds
from research.errors import UserError
from research.files import png_path, write_bytes


@dataclasses.dataclass(frozen=True)
class Flags:
    """The picture and the kernel."""

    picture: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PICTURE")] = "digit"
    """A picture file, or "digit" for one of the embedded digits."""
    kernel: str = "sobel_x"
    """random (by --seed), sobel_x, sobel_y, blur, sharpen, laplace or identity."""
    seed: Annotated[int, Interval(ge=0)] = 0
    """Seed of the random kernel, and the index of the embedded digit."""
    size: Annotated[int, Interval(ge=1, le=15)] = 3
    """Side of the random kernel."""
    bias: Annotated[float, Interval(ge=-1e6, le=1e6)] = 0.0
    activation: Literal["relu", "linear", "tanh", "sigmoid"] = "relu"
    chip: tuple[int, int] | None = None
    """Row and column of the upper left corner of the chip to print; the strongest chip by default."""
    out: str = "runs/convolution.png"
    """Where the figure is written."""


def convolution(arguments: Sequence[str]) -> int:
    """Show a convolution step by step: the arithmetic of one chip, and a figure of the kernel and its feature maps."""
    flags = parse(Flags, arguments, about=convolution.__doc__ or "")
    if not math.isfinite(flags.bias):
        raise UserError(f"--bias {flags.bias} is no finite number; give one, for example 0.5")
    within_bounds(flags)
    path = png_path(flags.out)
    picture = _picture(flags)
    from research.microscope import convolution as inside  # imports jax, which --help and mistakes need not wait for
    from research.report.feature_maps import feature_maps

    kernel = inside.named_kernel(flags.kernel, flags.seed, flags.size)
    how = {"bias": flags.bias, "activation": flags.activation}
    maps = inside.feature_maps(picture, kernel, **how)
    if flags.chip is None:
        chip = inside.strongest_chip(picture, kernel, **how)
    else:
        chip = inside.chip_at(picture, kernel, *flags.chip, **how)
    print(inside.arithmetic(chip, kernel, flags.activation))
    print(f"\npicture {_size(picture)}, kernel {flags.kernel} {_size(kernel)}; feature maps:")
    for name, values in maps.items():
        print(f"  {name:<22} {_size(values):>9}   from {values.min():.3f} to {values.max():.3f}")
    print(f"figure: {write_bytes(path, feature_maps(picture, kernel, maps))}")
    return 0


def _picture(flags: Flags) -> np.ndarray:
    """Gray values in 0 to 1, [H, W]."""
    if flags.picture == "digit":
        from research.data.images.sources import load_images

        digits = load_images("digits", None, validation=0, test=0, split_seed=0, train_limit=None).images["train"]
        return digits[flags.seed % len(digits), :, :, 0].astype(np.float32) / 255
    from research.data.images.pictures import read_gray

    if not Path(flags.picture).is_file():
        raise UserError(f"no picture {flags.picture}; give a picture file, or digit")
    return read_gray(flags.picture).astype(np.float32) / 255


def _size(values: np.ndarray) -> str:
    return "x".join(map(str, values.shape))
