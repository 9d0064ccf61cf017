"""The nets of the ascent's races as plain stages, from which every library builds its own."""

from typing import NamedTuple

from research.bench.photos import convolutions
from research.bench.workloads import Workload

# SqueezeNet 1.1 (Iandola et al. 2016) up to fire5: (squeezed, expanded) channels, and after which fire it pools.
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128)}
POOLED = (3,)


class Conv(NamedTuple):
    """A convolution with a ReLU behind it; "same" pads with zeros."""

    name: str
    channels: int
    features: int
    size: int = 3
    stride: int = 1
    same: bool = True


class Pool(NamedTuple):
    """The maximum of windows that are 2 apart; what does not fill a window is left out."""

    window: int = 2


class Beside(NamedTuple):
    """Convolutions that read the same and whose channels follow each other."""

    members: tuple[Conv, ...]


Stage = Conv | Pool | Beside


def stages(workload: Workload) -> list[Stage]:
    """The net of `workload`, up to the deepest of its layers."""
    if workload.net == "squeezenet":
        return _squeezenet()
    if workload.net == "vgg16":
        first, second = ([Conv(*layer) for layer in block] for block in convolutions()[:2])
        return [*first, Pool(), *second]
    found: list[Stage] = []
    channels = 1
    for place, features in enumerate(workload.channels, start=1):
        found += [Conv(f"conv{place}", channels, features, same=False), Pool()]
        channels = features
    return found[:-1]


def _squeezenet() -> list[Stage]:
    found: list[Stage] = [Conv("conv1", 3, 64, stride=2, same=False), Pool(3)]
    channels = 64
    for place, (squeezed, expanded) in FIRES.items():
        squeeze, one, three = (f"fire{place}/{part}" for part in ("squeeze1x1", "expand1x1", "expand3x3"))
        pair = (Conv(one, squeezed, expanded, size=1), Conv(three, squeezed, expanded))
        found += [Conv(squeeze, channels, squeezed, size=1), Beside(pair)]
        channels = 2 * expanded
        if place in POOLED:
            found.append(Pool(3))
    return found


def members(stage: Stage) -> tuple[Conv, ...]:
    """The convolutions of `stage`."""
    if isinstance(stage, Pool):
        return ()
    return stage.members if isinstance(stage, Beside) else (stage,)


def path(workload: Workload, layer: str) -> list[Stage]:
    """The stages that `layer` needs, itself at the end. KeyError for one that is not there."""
    found: list[Stage] = []
    for stage in stages(workload):
        for each in members(stage):
            if each.name == layer:
                return [*found, each]
        found.append(stage)
    raise KeyError(layer)
