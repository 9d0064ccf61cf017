"""What of a net to look at, and how."""

import dataclasses
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from research.config.bounds import Section, Seed, Share


@dataclasses.dataclass(frozen=True)
class Microscope(Section):
    """What of a net to look at, and how pictures are climbed to."""

    layers: tuple[str, ...] = ()
    """Layers whose filters are looked at; by default up to three, spread over the depth of the net."""
    filters: tuple[Annotated[int, Ge(0)], ...] = ()
    """Filters of each layer; all by default."""
    pictures: str | None = None
    """A folder of pictures to take real patches from; by default those that the net was trained on."""
    size: Annotated[int, Interval(gt=0, le=1024)] | None = None
    """Side in pixels of what is made; by default what the net was trained on, and 96 where it takes any size."""
    parameterization: Literal["fourier", "pixels", "phase"] = "fourier"
    """Climb Fourier coefficients, pixels, or phases with the magnitudes of real pictures."""
    steps: Annotated[int, Interval(gt=0, le=10**5)] = 128
    """Steps of the climb."""
    rate: Annotated[float, Interval(gt=0.0, le=1e3)] = 0.05
    """Adam's learning rate."""
    jitter: Annotated[int, Ge(0)] | None = None
    """Pixels that a picture is shifted by at each step, at most; by default a sixteenth of its side."""
    rotate: Annotated[float, Interval(ge=0.0, le=180.0)] = 0.0
    """Degrees that it is turned by, at most."""
    scale: Share = 0.0
    """It is enlarged or reduced by this share, at most."""
    pad: Annotated[int, Ge(0)] = 0
    """Width of a gray frame."""
    blur: Annotated[float, Ge(0.0)] = 0.0
    """Standard deviation in pixels of a blur."""
    variation: Annotated[float, Ge(0.0)] = 0.0
    """Weight of the total variation, which makes pictures smooth."""
    shrink: Annotated[float, Ge(0.0)] = 0.0
    """Weight of the mean square distance from gray (L2)."""
    variants: Annotated[int, Interval(ge=0, le=8)] = 3
    """Pictures of each filter that are to differ from each other, too."""
    near: bool = True
    """Also what a single neuron wants, at the size of its receptive field."""
    patches: Annotated[int, Interval(ge=0, le=64)] = 8
    """Real patches of each filter."""
    hypotheses: tuple[str, ...] = ()
    """Readings to test: LAYER:FILTER=X, or LAYER=X to choose the filter on one half of the pictures and test it on the
    other. X is a class of the net's own data, or a folder of pictures with `against` another."""
    against: str | None = None
    """A folder of pictures that do not show X."""
    saliency: tuple[str, ...] = ()
    """Picture files: which part of each the net's answer rests on."""
    seed: Seed = 0
    """Of starts, transforms, halves and permutations."""
