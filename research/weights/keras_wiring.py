"""The wiring of VGG16 and SqueezeNet in Keras: the inputs of each layer, and its strides and padding."""

from typing import NamedTuple

from research.weights.name_tables import SQUEEZENET_FIRES, VGG16_CONVS

INPUT = "the input"


class Reads(NamedTuple):
    """The layers that a layer reads (side by side where there are two), and the layers in between.

    `pool` is the side of a max pool with stride 2 (0: none); `padding` None: of a 1x1 convolution, without effect.
    """

    sources: tuple[str, ...]
    pool: int = 0
    flat: bool = False
    dense: bool = False
    stride: int = 1
    padding: str | None = "same"

    @property
    def joins(self) -> bool:
        """Whether a Concatenate is in between."""
        return len(self.sources) > 1


def _vgg16() -> dict[str, Reads]:
    """keras.src.applications.vgg16: a pool after each block."""
    before = (INPUT, *VGG16_CONVS)
    wired = {
        name: Reads((source,), pool=2 if name.endswith("conv1") and source != INPUT else 0)
        for name, source in zip(VGG16_CONVS, before, strict=False)
    }
    wired["fc1"] = Reads((before[-1],), pool=2, flat=True, dense=True)
    return wired | {"fc2": Reads(("fc1",), dense=True), "predictions": Reads(("fc2",), dense=True)}


def _squeezenet() -> dict[str, Reads]:
    """SqueezeNet 1.1, as in its authors' repository: pools after conv1, fire3 and fire5."""
    wired, before = {"conv1": Reads((INPUT,), stride=2, padding="valid")}, ("conv1",)
    for fire in SQUEEZENET_FIRES:
        squeeze = f"fire{fire}/squeeze1x1"
        wired[squeeze] = Reads(before, pool=3 if fire in (2, 4, 6) else 0, padding=None)
        before = (f"fire{fire}/expand1x1", f"fire{fire}/expand3x3")
        wired |= {before[0]: Reads((squeeze,), padding=None), before[1]: Reads((squeeze,))}
    return wired


WIRING = {"vgg16": _vgg16(), "squeezenet": _squeezenet()}
