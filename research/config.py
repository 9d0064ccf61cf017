"""The configuration of an experiment: frozen dataclasses, each field a typed flag; JSON there and back.

Bounds are annotations (`Gt`, `Interval`), checked by `validated` for values from files and from the command line
alike. Where a field admits several kinds (`model`), the `kind` tag tells them apart in JSON.
"""

import dataclasses
import difflib
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pydantic
import tyro
from annotated_types import Ge, Gt, Interval, MinLen

from research.errors import UserError

Share = Annotated[float, Interval(ge=0.0, lt=1.0)]
Accuracy = Annotated[float, Interval(ge=0.0, le=1.0)]
Positive = Annotated[int, Interval(gt=0, le=2**31 - 1)]
Width = Annotated[int, Interval(gt=0, le=2**16)]
Widths = Annotated[tuple[Width, ...], MinLen(1)]
Epochs = Annotated[int, Interval(gt=0, le=10**6)]
Seed = Annotated[int, Interval(ge=0, lt=2**31)]


class Section:
    """What all parts of a configuration share: fields that are not known are refused, and so are NaN and infinity."""

    __pydantic_config__: ClassVar = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


@dataclasses.dataclass(frozen=True)
class ImageData(Section):
    """Labelled pictures, and how they are split."""

    source: str = "digits"
    """digits (embedded), a folder of idx files (mnist) or of class folders, a FILE.npz like Keras', or tfds:NAME."""
    root: str | None = None
    """Where data that is not embedded lies; $RESEARCH_DATA when not given."""
    validation: Share = 0.1
    """Share of the training pictures held out for validation, by class, where the source has no such part."""
    test: Share = 0.2
    """Share held out for test where the source has no test part of its own."""
    split_seed: Seed = 0
    """Seed of the splits: the same for all training seeds, so that runs are paired."""
    train_limit: Positive | None = None
    """Use only that many training pictures, by class."""
    size: Annotated[int, Interval(gt=0, le=4096)] | None = None
    """Side in pixels that the pictures of class folders are scaled to; other sources have their own."""
    gray: bool = False
    """Read the pictures of class folders as gray."""
    stream: Literal["auto", "always", "never"] = "auto"
    """Read the training pictures from disk batch by batch; auto: when they would fill half of the memory."""


@dataclasses.dataclass(frozen=True)
class Augmentation(Section):
    """Random changes of each training picture, drawn anew each epoch; strength zero leaves it as it is, to the bit."""

    flip: bool = False
    """Mirror left and right, half of the time."""
    shift: Share = 0.0
    """Largest shift along each axis, as a share of the side."""
    rotation: Annotated[float, Interval(ge=0.0, le=180.0)] = 0.0
    """Largest turn either way, in degrees."""
    zoom: Share = 0.0
    """The part of each side that is seen lies between 1 - zoom and 1 + zoom."""
    brightness: Share = 0.0
    """Pixels are multiplied by 1 - brightness to 1 + brightness."""
    views: Annotated[int, Ge(0)] = 0
    """On a frozen part: that many views of each picture, computed once, taken in turn; 0: a new one each epoch."""

    @property
    def active(self) -> bool:
        """Whether any picture is changed at all."""
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
    """As a sequence of layers, or by wiring outputs to inputs: the same net."""


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
    """A pool after the last convolution, too."""
    hidden: tuple[Width, ...] = (64,)
    """Width of each fully connected layer before the logits."""
    output: Literal["softmax", "sigmoid"] = "softmax"
    """softmax: a unit per class; sigmoid: one unit, which tells two classes apart."""
    dropout: Share = 0.0
    """Share of values dropped before each fully connected layer in training."""


@dataclasses.dataclass(frozen=True)
class PretrainedNet(Section):
    """The convolutions of a net trained on ImageNet, frozen but for the last, under layers of our own."""

    kind: Annotated[Literal["pretrained"], tyro.conf.Suppress] = "pretrained"
    backbone: Literal["squeezenet", "vgg16"] = "squeezenet"
    weights: str | None = None
    """The backbone's weight file, as it is or under weights/ of the data's root; the published one by default."""
    pooling: Literal["avg", "max", "flatten"] = "avg"
    """How the backbone's last map becomes a vector."""
    hidden: tuple[Width, ...] = ()
    """Width of each fully connected layer before the logits."""
    dropout: Share = 0.0
    """Share of values dropped before each fully connected layer in training."""
    fine_tune: Annotated[int, Ge(0)] = 0
    """How many of the backbone's last layers with weights are trained, too."""
    cache: bool = True
    """Run what lies below the first trained layer once and keep what it gives; else run it in each step."""


@dataclasses.dataclass(frozen=True)
class Optimizer(Section):
    """The optimizer and its learning-rate schedule (optax)."""

    name: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    """The peak of the schedule."""
    schedule: Literal["constant", "cosine", "linear", "exponential"] = "constant"
    """From the peak to `final_share` of it over all epochs."""
    final_share: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.01
    warmup_epochs: Annotated[float, Ge(0)] = 0.0
    """Epochs of linear climb from zero to the peak."""
    momentum: Share = 0.9
    """Of sgd."""
    weight_decay: Annotated[float, Ge(0)] = 1e-4
    """Of adamw, decoupled from the gradient."""
    clip_norm: Annotated[float, Gt(0)] | None = None
    """Largest global norm of the gradient."""


@dataclasses.dataclass(frozen=True)
class Training(Section):
    """How long, on what batches, and when to stop."""

    epochs: Epochs = 10
    batch_size: Positive = 128
    l2: Annotated[float, Ge(0)] = 0.0
    """Weight of the trained kernels' squared sum, added to the loss."""
    freeze: tuple[str, ...] = ()
    """Parameters that are not trained, by patterns of their names: 'conv1/*' '*/bias'."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the net computes in; parameters, moments and the loss stay float32."""
    patience: Positive | None = None
    """Stop after that many epochs without a better validation `monitor`, and end on the best epoch's weights."""
    monitor: Literal["loss", "accuracy"] = "loss"
    """The validation metric that early stopping watches."""
    seeds_at_once: Annotated[int, Ge(0)] = 0
    """Seeds trained side by side in one program; 0: all where that pays (dense nets, accelerators), else one."""
    checkpoint_seconds: Annotated[float, Ge(0)] = 20.0
    """Least time between two checkpoints while training."""


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
    rate: Annotated[float, Gt(0.0)] = 0.05
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


@dataclasses.dataclass(frozen=True)
class Experiment(Section):
    """One experiment, whole: with the same machine and versions, the same numbers to the bit."""

    name: str
    """Names the run directory, the record and the report."""
    data: ImageData = ImageData()
    model: Annotated[DenseNet | ConvNet | PretrainedNet, pydantic.Field(discriminator="kind")] = ConvNet()
    augment: Augmentation = Augmentation()
    optimizer: Optimizer = Optimizer()
    train: Training = Training()
    published: tuple[Accuracy, Accuracy] | None = None
    """Test accuracy that others report for this experiment, from low to high: drawn beside ours in comparisons."""
    seed: Seed = 0
    """The first seed."""
    seeds: Annotated[int, Interval(gt=0, le=10**4)] = 1
    """How many seeds to train, counted up from `seed`; metrics then carry mean, std and 95% interval."""


_ADAPTER = pydantic.TypeAdapter(Experiment)


def to_json(config: Experiment) -> dict[str, Any]:
    """The configuration as plain JSON values; `from_json` gives an equal one back."""
    return json.loads(_ADAPTER.dump_json(config))


def from_json(document: Any) -> Experiment:
    """The configuration in `document`; raises UserError naming the first field that is unknown or of a wrong type."""
    try:
        return _ADAPTER.validate_json(json.dumps(document))
    except pydantic.ValidationError as error:
        raise UserError(_first_mistake(error)) from error


def validated(config: Experiment) -> Experiment:
    """`config` itself when every value is within its bounds; else UserError naming the first that is not."""
    if config.seed + config.seeds > 2**31:
        raise UserError(f"seeds count up from seed {config.seed} to beyond 2**31 - 1; choose a smaller --seed")
    try:
        return from_json(dataclasses.asdict(config))
    except ValueError as error:  # json.dumps on what JSON cannot hold
        raise UserError(f"the configuration holds a value that JSON cannot: {error}") from error


def relocated(config: Experiment, root: str | None) -> Experiment:
    """`config` with its data under `root`, or where it was when that is None."""
    return config if root is None else dataclasses.replace(config, data=dataclasses.replace(config.data, root=root))


def identity(config: Experiment) -> Experiment:
    """`config` without what has no influence on the result: where data lies, when it is saved, what others report."""
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, root=None),
        train=dataclasses.replace(config.train, checkpoint_seconds=0.0),
        published=None,
    )


def fingerprint(config: Experiment) -> str:
    """The first 8 hex digits of the sha256 of the JSON of what `config` is, by `identity`."""
    return hashlib.sha256(json.dumps(to_json(identity(config)), sort_keys=True).encode()).hexdigest()[:8]


def load(path: str) -> Experiment:
    """What `get_config()` in the file at `path` returns; UserError when there is no such file or function."""
    file = Path(path)
    if not file.is_file():
        near = difflib.get_close_matches(file.stem, [p.stem for p in file.parent.glob("*.py")], n=1)
        hint = f"; did you mean {file.with_name(near[0] + '.py')}?" if near else ""
        raise UserError(f"no configuration file {path}{hint}")
    spec = importlib.util.spec_from_file_location(f"config_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file; a configuration is one with get_config()")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config()
    except (Exception, SystemExit) as error:
        raise UserError(f"{path} fails: {type(error).__name__}: {error}") from error
    if not isinstance(config, Experiment):
        raise UserError(f"get_config() in {path} returns {type(config).__name__}, not a research.config.Experiment")
    return config


def _first_mistake(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("dense", "cnn", "pretrained"))
    return f"configuration field {place or '(root)'}: {first['msg']} (got {first['input']!r:.60})"
