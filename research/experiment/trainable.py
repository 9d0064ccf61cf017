"""What training knows of an experiment, whatever the experiment is about."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.models.apply import Apply
from research.models.network import Network
from research.training.program import Augment
from research.training.state import DataSet
from research.training.step import Objective
from research.trees import from_named, named_leaves

Tree = Any


class Stored(NamedTuple):
    """Training examples that may stay on disk: `inputs` [views * N, ...] and `targets` [N]."""

    inputs: np.ndarray
    targets: np.ndarray


class Trainable(NamedTuple):
    """A net, what it is trained on, and how well it does by what measure."""

    sizes: Mapping[str, int]  # examples of each split
    examples: Callable[[str], DataSet]  # a split on the device; of train, what training reads
    initialize: Callable[[jax.Array], Tree]  # key -> parameters
    apply: Apply  # (parameters, inputs, dropout key or None) -> output
    objective: Objective
    metrics: tuple[str, ...]  # that the objective gives
    identity: str  # of all that training reads
    evaluated_at_once: int  # examples per batch of the validation
    frozen: frozenset[str] = frozenset()  # names of the leaves that are not trained
    augment: Augment | None = None  # of what training reads, batch by batch
    views: int = 1  # of each example, that the epochs take in turn
    side_by_side: bool = False  # whether several seeds pay in one program on CPU, too
    stored: Stored | None = None  # where `examples("train")` need not be in memory
    streamed: bool = False  # whether they are read from there batch by batch


def initializer(net: Network, example: Any, start: Mapping[str, np.ndarray]) -> Callable[[jax.Array], Tree]:
    """`initialize(key) -> parameters` of `net` for inputs like `example`, those named in `start` as they are there."""

    def initialize(key: jax.Array) -> Tree:
        params = net.init(key, example).get("params", {})
        return from_named(named_leaves(params) | {name: jnp.asarray(leaf) for name, leaf in start.items()}, params)

    return initialize


def shapes(initialize: Callable[[jax.Array], Tree]) -> Tree:
    """What `initialize` makes, as shapes; nothing is computed or compiled."""
    return jax.eval_shape(initialize, jax.eval_shape(jax.random.key, 0))


def leaf_names(initialize: Callable[[jax.Array], Tree]) -> list[str]:
    """The names of the leaves that `initialize` makes."""
    return list(named_leaves(shapes(initialize)))
