"""SqueezeNet 1.1 (Iandola et al. 2016, and the 1.1 of its authors' repository), without its ImageNet classifier."""

from typing import Literal

from research.models.layers import Concat, Conv, Convention, GlobalPool, MaxPool, Preprocess
from research.models.network import INPUT, Handle, Network, network, wire

# (squeezed, expanded) channels of fire2 to fire9, and the modules that a 3x3 pool with stride 2 follows.
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
POOLED = (3, 5)


def squeezenet(*, pooling: Literal["none", "avg", "max"] = "none", convention: Convention = "caffe") -> Network:
    """RGB pixels 0..255 [B, H, W, 3] -> features [B, H', W', 512], or [B, 512] with `pooling`; 722,496 parameters.

    Pools leave out incomplete windows, as in Keras' port. Those of torchvision round up: the same numbers
    where every window fits (224 pixels, say), a last row and column more where not (200 pixels: 12 x 12 for 11 x 11).
    """
    handle = base(convention)
    return network(handle if pooling == "none" else wire(GlobalPool(pooling, name="pool"), handle))


def base(convention: Convention = "caffe") -> Handle:
    """All up to fire9, after the preprocessing that the weights' `convention` asks for."""
    handle = wire(Preprocess(convention, name="preprocess"), INPUT)
    handle = wire(Conv(64, stride=(2, 2), name="conv1"), handle)
    handle = wire(MaxPool((3, 3), stride=(2, 2), name="pool1"), handle)
    for number, (squeezed, expanded) in FIRES.items():
        handle = _fire(handle, f"fire{number}", squeezed, expanded)
        if number in POOLED:
            handle = wire(MaxPool((3, 3), stride=(2, 2), name=f"pool{number}"), handle)
    return handle


def _fire(handle: Handle, name: str, squeezed: int, expanded: int) -> Handle:
    """Squeeze by 1x1, expand by 1x1 and by 3x3 side by side."""
    squeeze = wire(Conv(squeezed, size=(1, 1), name=f"{name}/squeeze1x1"), handle)
    narrow = wire(Conv(expanded, size=(1, 1), name=f"{name}/expand1x1"), squeeze)
    wide = wire(Conv(expanded, padding="same", name=f"{name}/expand3x3"), squeeze)
    return wire(Concat(name=f"{name}/concat"), narrow, wide)
