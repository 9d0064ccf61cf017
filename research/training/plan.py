"""The plan of a training: a net, its data, its loss and metrics, and the number of epochs."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from research.batches import Apply, Batch, DataSet, Order
from research.training.early_stopping import Stopping
from research.training.state import TrainState
from research.training.step import LossFn

Tree = Any
RowWeights = Mapping[str, jax.Array]  # {"train": [folds, N], "validation": [folds, N]}: how each fold weighs the rows
Starts = Mapping[int, Mapping[str, np.ndarray]]  # by member, leaves of variables by name: params/head/logits/kernel
Augment = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]  # (seed, epoch, index, inputs) -> inputs


class StepWindow(NamedTuple):
    """The batches of consecutive steps of a set that is streamed from disk, [steps * B, ...].

    `begin` is the step that the first B examples belong to; `size` is that of the whole set.
    """

    examples: Batch
    begin: jax.Array | np.integer
    size: jax.Array | np.integer


# step -> the examples of the steps from there on, and the step up to which (excluded) they reach
BatchSource = Callable[[int], tuple[DataSet | StepWindow, int]]
# (order, seed, fold, first step, last step) -> the batches of those steps, read from disk
Stream = Callable[[Order, int, int, int, int], AbstractContextManager[BatchSource]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """A net, its training data, its loss and metrics, and the number of epochs.

    Every kind of experiment adds what else it builds from its configuration. A member, one training of the plan, is
    the number `seed * folds + fold`, which without row weights is the seed.
    """

    examples: Mapping[str, int]  # of each split
    data_set: Callable[[str], DataSet]  # a split on the device
    identity: str  # a digest of all data that training reads
    initialize: Callable[[jax.Array], Tree]  # key -> variables
    apply: Apply
    loss_fn: LossFn
    metrics: tuple[str, ...]  # names of what `loss_fn` returns
    order: Order  # the examples of each step of an epoch
    optimizer: optax.GradientTransformation
    epochs: int
    l2: float = 0.0
    stopping: Stopping | None = None  # when to stop early; the best epoch's weights are taken then
    monitor: str = "loss"
    evaluation_batch: int = 256  # examples per batch of the validation
    frozen: frozenset[str] = frozenset()  # names of the leaves that are not trained
    augment: Augment | None = None
    stream: Stream | None = None  # where the training examples are read from disk batch by batch
    vmap_seeds: bool = False  # whether several seeds in one program are faster on CPU as well
    starts: Starts = dataclasses.field(default_factory=dict)  # these replace leaves that `initialize` makes
    row_weights: RowWeights | None = None  # of k folds, or of bootstrap samples; every seed is trained on each
    summary: Sequence[Mapping[str, Any]] = ()  # of the whole net, a dict for each layer (`models.summary`)

    def __post_init__(self):
        for split, weights in (self.row_weights or {}).items():
            if weights.shape != (self.folds, self.examples[split]):
                raise ValueError(f"row weights of {split} are {weights.shape}, not [{self.folds} folds, its examples]")

    @property
    def folds(self) -> int:
        """How many ways of weighing the rows there are; 1 without row weights."""
        return len(next(iter(self.row_weights.values()))) if self.row_weights else 1

    def member_number(self, member: TrainState) -> int:
        """The number of a member, from its state."""
        return int(member.seed) * self.folds + int(member.fold)

    def member_name(self, member: int) -> str:
        """What users read of a member: `seed 0`, or `seed 0, fold 2` where there are several folds."""
        seed, fold = divmod(member, self.folds)
        return f"seed {seed}, fold {fold}" if self.folds > 1 else f"seed {seed}"

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch, as many as `order` has batches."""
        return steps_of(self.order)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training if it is not stopped early."""
        return self.steps_per_epoch * self.epochs


def steps_of(order: Order) -> int:
    """The batches of an epoch in `order`; nothing is computed."""
    scalar = jax.ShapeDtypeStruct((), "int32")
    return jax.eval_shape(order, scalar, scalar, scalar).shape[0]
