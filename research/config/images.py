"""The configuration of pictures: their source, their augmentation, and the nets that read them."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import tyro
from annotated_types import Ge, Interval

from research.config.bounds import Positive, Section, Seed, Share, Source, Width, Widths
from research.config.layers import Conv, Dense, Flatten, Part, Pool


@dataclasses.dataclass(frozen=True)
class ImageData(Source):
    """Labelled pictures and their splits."""

    source: str = "digits"
    """digits (embedded), a folder of idx files (mnist) or of class folders, a FILE.npz like Keras', or tfds:NAME."""
    root: str | None = None
    """The folder of data that is not embedded; $RESEARCH_DATA by default."""
    validation: Share = 0.1
    """Share of the training pictures held out for validation, by class, if the source has no such part."""
    test: Share = 0.2
    """Share held out for test, if the source has no test part."""
    split_seed: Seed = 0
    """Seed of the splits: the same for all training seeds, so that runs are paired."""
    train_limit: Positive | None = None
    """Use only so many training pictures, evenly by class."""
    size: Annotated[int, Interval(gt=0, le=4096)] | None = None
    """Side in pixels that the pictures of class folders are scaled to; other sources have their own size."""
    gray: bool = False
    """Read the pictures of class folders as gray."""
    stream: Literal["auto", "always", "never"] = "auto"
    """Read the training pictures from disk batch by batch; auto: when they would fill half of the memory."""


@dataclasses.dataclass(frozen=True)
class Augmentation(Section):
    """Random changes of each training picture, drawn anew each epoch; with all strengths at zero, no bit changes."""

    flip: bool = False
    """Mirror left and right, half of the time."""
    shift: Share = 0.0
    """Largest shift along each axis, as a share of the side."""
    rotation: Annotated[float, Interval(ge=0.0, le=180.0)] = 0.0
    """Largest turn either way, in degrees."""
    zoom: Share = 0.0
    """The visible share of each side is between 1 - zoom and 1 + zoom."""
    brightness: Share = 0.0
    """Pixels are multiplied by 1 - brightness to 1 + brightness."""
    views: Annotated[int, Ge(0)] = 0
    """With a frozen part: so many views of each picture, computed once and used in turn; 0: a new view each epoch."""

    @property
    def active(self) -> bool:
        """Whether any picture is changed."""
        return self.flip or any((self.shift, self.rotation, self.zoom, self.brightness))


@dataclasses.dataclass(frozen=True)
class DenseNet(Section):
    """Fully connected layers on the flattened picture."""

    kind: Annotated[Literal["dense"], tyro.conf.Suppress] = "dense"
    hidden: Widths = (512,)
    """Width of each hidden layer."""
    dropout: Share = 0.0
    """Share of each hidden layer's values dropped in training."""
    build: Literal["sequence", "wired"] = "sequence"
    """Build the same net as a sequence of layers, or by wiring outputs to inputs."""


@dataclasses.dataclass(frozen=True)
class ConvNet(Section):
    """Convolutions with 2x2 max pools between them, then fully connected layers."""

    kind: Annotated[Literal["cnn"], tyro.conf.Suppress] = "cnn"
    channels: Widths = (32, 64, 64)
    """Filters of each convolution."""
    kernel: Annotated[int, Interval(gt=0, le=255)] = 3
    """Side of the kernels."""
    padding: Literal["valid", "same"] = "valid"
    """valid: chips lie inside the picture; same: zeros around it keep its size."""
    pool_last: bool = False
    """Also pool after the last convolution."""
    hidden: tuple[Width, ...] = (64,)
    """Width of each fully connected layer before the logits."""
    output: Literal["softmax", "sigmoid"] = "softmax"
    """softmax: a unit per class; sigmoid: one unit, which tells two classes apart."""
    dropout: Share = 0.0
    """Share of values dropped before each fully connected layer in training."""


@dataclasses.dataclass(frozen=True)
class Custom(Section):
    """A net of your own: a Flax Linen module, or the functions `init, apply`. docs/extending.md has an example."""

    source: str
    """FILE.py:NAME, with FILE.py beside the configuration or in the working directory; or package.module:NAME."""
    arguments: Annotated[dict[str, pydantic.JsonValue], tyro.conf.Suppress] = dataclasses.field(default_factory=dict)
    """What NAME is called with: values that JSON has; lists arrive as tuples. They have no flag."""
    pixels: Literal["unit", "bytes"] = "unit"
    """What the net reads: unit: floats from 0 to 1; bytes: 0..255, as they are stored."""
    kind: Annotated[Literal["custom"], tyro.conf.Suppress] = "custom"

    @property
    def parts(self) -> tuple[str, str]:
        """(FILE.py or package.module, NAME); NAME is empty where the source names none."""
        place, _, name = self.source.partition(":")
        return place, name

    @property
    def label(self) -> str:
        """The source without the folder of its file: `my_nets.py:ResNet`."""
        place, name = self.parts
        return ":".join(filter(None, (Path(place).name if place.endswith(".py") else place, name)))


@dataclasses.dataclass(frozen=True)
class PretrainedNet(Section):
    """The convolutions of a net trained before, frozen except the last ones, under a new head."""

    kind: Annotated[Literal["pretrained"], tyro.conf.Suppress] = "pretrained"
    backbone: Literal["squeezenet", "vgg16"] = "squeezenet"
    base: Annotated[Custom | None, tyro.conf.Suppress] = None
    """In place of `backbone`, convolutions of your own, with `weights`: docs/extending.md. It has no flag."""
    weights: str | None = None
    """The backbone's weight file, as it is or under weights/ of the data's root; the published one by default."""
    pooling: Literal["avg", "max", "flatten"] = "avg"
    """How the backbone's last map is reduced to a vector."""
    hidden: tuple[Width, ...] = ()
    """Width of each fully connected layer before the logits."""
    dropout: Share = 0.0
    """Share of values dropped before each fully connected layer in training."""
    fine_tune: Annotated[int, Ge(0)] = 0
    """Number of the backbone's last layers with weights that are trained."""
    cache: bool = True
    """Run the layers below the first trained one once and cache their outputs; otherwise run them in each step."""


@dataclasses.dataclass(frozen=True)
class Net(Section):
    """Layers in order, as data: `Net((Conv(32), Pool(), Flatten(), Dense(64)))`. The logits are added at the end."""

    layers: Annotated[tuple[Part, ...], tyro.conf.Suppress] = (Conv(32), Pool(), Flatten(), Dense(64))
    """See `research.config.layers`. They have no flag."""
    pixels: Literal["unit", "symmetric"] = "unit"
    """What the first layer reads: unit: pixels from 0 to 1; symmetric: from -1 to 1."""
    kind: Annotated[Literal["net"], tyro.conf.Suppress] = "net"


def own_net(model: object) -> Custom | None:
    """The net of one's own that `model` is, or that it has as its base; None without any."""
    return model if isinstance(model, Custom) else getattr(model, "base", None)


def with_own_net(model: object, own: Custom) -> object:
    """`model` with `own` in place of its net of one's own."""
    return own if isinstance(model, Custom) else dataclasses.replace(model, base=own)  # pyright: ignore[reportArgumentType]
