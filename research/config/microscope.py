"""The configuration of the microscope."""

import dataclasses
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from research.config.bounds import Section, Seed, Share


@dataclasses.dataclass(frozen=True)
class Microscope(Section):
    """What to show of a net, and how gradient ascent makes the pictures."""

    layers: tuple[str, ...] = ()
    """Layers whose filters are shown; by default up to three, spread over the depth of the net."""
    filters: tuple[Annotated[int, Ge(0)], ...] = ()
    """Filters of each layer; all by default."""
    pictures: str | None = None
    """A folder of pictures to take real patches from; by default the net's training pictures."""
    size: Annotated[int, Interval(gt=0, le=1024)] | None = None
    """Side of the exemplars in pixels; by default that of the training pictures, or one that fits the layer."""
    parameterization: Literal["fourier", "pixels", "phase"] = "fourier"
    """What is optimized: waves (Fourier coefficients), pixels, or phases of waves that are as strong as in photos."""
    steps: Annotated[int, Interval(gt=0, le=10**5)] = 64
    """Steps of gradient ascent."""
    rate: Annotated[float, Interval(gt=0.0, le=1e3)] = 0.05
    """Adam's learning rate."""
    jitter: Annotated[int, Ge(0)] | None = None
    """Largest random shift at each step, in pixels; by default a sixteenth of the side."""
    rotate: Annotated[float, Interval(ge=0.0, le=180.0)] = 0.0
    """Largest random rotation at each step, in degrees."""
    scale: Share = 0.0
    """Largest random enlargement or reduction at each step, as a share."""
    pad: Annotated[int, Ge(0)] = 0
    """Width of a gray frame, in pixels."""
    blur: Annotated[float, Ge(0.0)] = 0.0
    """Standard deviation of a blur, in pixels."""
    variation: Annotated[float, Ge(0.0)] = 0.0
    """Weight of the total variation penalty, which makes pictures smooth."""
    shrink: Annotated[float, Ge(0.0)] = 0.0
    """Weight of the mean square distance from gray (L2 penalty)."""
    variants: Annotated[int, Interval(ge=0, le=8)] = 0
    """Further pictures of each filter, which must differ from each other: 3 take 3 times as long as the exemplar."""
    near: bool = False
    """Also show the exemplar of a single neuron, at the size of its receptive field; it takes as long as the other."""
    patches: Annotated[int, Interval(ge=0, le=64)] = 8
    """Real patches shown for each filter."""
    hypotheses: tuple[str, ...] = ()
    """LAYER:FILTER=X, or LAYER=X: test whether it responds to X, a class, or a folder `against` another."""
    against: str | None = None
    """A folder of pictures that do not show X."""
    saliency: tuple[str, ...] = ()
    """Picture files whose predictions are explained by saliency maps."""
    seed: Seed = 0
    """Seed of initial noise, transforms, halves and permutations."""
