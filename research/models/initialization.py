"""The initial variables of a net: drawn at random, or given by name."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.models.custom import CustomNet
from research.models.network import Network
from research.trees import from_named, named_leaves

Tree = Any


def initializer(net: Network | CustomNet, example: Any, start: Mapping[str, np.ndarray]) -> Callable[[jax.Array], Tree]:
    """`initialize(key) -> variables` of `net` for inputs like `example`, with the parameters of `start`, by name."""

    def initialize(key: jax.Array) -> Tree:
        variables = {"params": {}} | dict(net.init(key, example))
        leaves = named_leaves(variables["params"]) | {name: jnp.asarray(leaf) for name, leaf in start.items()}
        return variables | {"params": from_named(leaves, variables["params"])}

    return initialize


def variable_shapes(initialize: Callable[[jax.Array], Tree]) -> Tree:
    """The shapes of the variables that `initialize` makes; nothing is computed or compiled."""
    return jax.eval_shape(initialize, jax.eval_shape(jax.random.key, 0))


def parameter_names(initialize: Callable[[jax.Array], Tree]) -> list[str]:
    """The names of the parameters that `initialize` makes."""
    return list(named_leaves(variable_shapes(initialize)["params"]))
