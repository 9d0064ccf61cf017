"""The configuration of training: optimizer, epochs, batches and early stopping."""

import dataclasses
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval

from research.config.bounds import Epochs, Positive, Section, Share


@dataclasses.dataclass(frozen=True)
class Optimizer(Section):
    """The optimizer and its learning-rate schedule (optax)."""

    name: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: Annotated[float, Interval(gt=0.0, le=1e15)] = 1e-3
    """The peak of the schedule. Above the bound, a finite gradient could give an update that overflows."""
    schedule: Literal["constant", "cosine", "linear", "exponential"] = "constant"
    """The decay from the peak to `final_share` of it over all epochs."""
    final_share: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.01
    warmup_epochs: Annotated[float, Ge(0)] = 0.0
    """Epochs of linear warm-up from zero to the peak."""
    momentum: Share = 0.9
    """Momentum of sgd."""
    weight_decay: Annotated[float, Ge(0)] = 1e-4
    """Weight decay of adamw, decoupled from the gradient."""
    clip_norm: Annotated[float, Gt(0)] | None = None
    """Largest global norm of the gradient."""
    rates: tuple[tuple[str, Annotated[float, Interval(ge=0.0, le=1e3)]], ...] = ()
    """Factors of the learning rate by patterns of parameter names: 'block5_*' 0.1. The first match counts."""


@dataclasses.dataclass(frozen=True)
class Training(Section):
    """Epochs, batches and early stopping."""

    epochs: Epochs = 10
    """Number of epochs. With 0 the net is evaluated untrained, with weights from a file, say."""
    batch_size: Positive = 128
    order: Literal["uniform", "interleaved", "by_class"] = "uniform"
    """Order of a classifier's examples: drawn, drawn with the classes mixed evenly, or class by class (a control)."""
    balance: Literal["none", "subsample", "duplicate", "weights"] = "none"
    """How a classifier's classes come to count alike: examples are left out, repeated, or their losses weighed."""
    l2: Annotated[float, Ge(0)] = 0.0
    """Weight of the trained kernels' squared sum, added to the loss."""
    freeze: tuple[str, ...] = ()
    """Parameters that are not trained, by patterns of their names: 'conv1/*' '*/bias'."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """The type that the net computes in; parameters, moments and the loss stay float32."""
    patience: Positive | None = None
    """Stop after so many epochs without a better validation `monitor`, and take the best epoch's weights."""
    gl: Annotated[float, Gt(0)] | None = None
    """Instead of patience: stop when the validation error is so many percent above its least (GL, Prechelt 1998)."""
    pq: Annotated[float, Gt(0)] | None = None
    """Instead: stop when that loss is so many times the training progress of 5 epochs, in per mille (PQ)."""
    up: Positive | None = None
    """Instead: stop when the validation error has risen in so many strips of 5 epochs, one after the other (UP)."""
    monitor: str = "loss"
    """The validation metric that early stopping watches: any that metrics.jsonl has for each epoch."""
    seeds_at_once: Annotated[int, Ge(0)] = 0
    """Seeds trained side by side in one program; 0: all if that is faster (dense nets, accelerators), else one."""
    checkpoint_seconds: Annotated[float, Ge(0)] = 20.0
    """Least time in seconds between two checkpoints during training."""
