"""How the net under attack is asked about changed pictures: whole, or only where they changed."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from research.attack.local import ROUNDING, Asker, local_asker, plain_asker
from research.experiment.attack.victims import Victims
from research.models.network import Network
from research.models.normalization import without_statistics

Tree = Any


class Asking(NamedTuple):
    """`asker(variables)` asks the net; a flip's margin must be above `rounding`, since local logits are rounded."""

    asker: Callable[[Tree], Asker]
    variables: Tree
    rounding: float


def asking(found: Victims) -> Asking:
    """The fastest way to ask the net of `found`."""
    steady = steady_net(found)
    shape = found.images.shape[1:]
    if steady and local_asker(*steady, shape):
        return Asking(functools.partial(_local, steady[0], shape), steady[1], ROUNDING)
    return whole(found)


def whole(found: Victims) -> Asking:
    """The net of `found` itself, asked about whole pictures."""
    return Asking(functools.partial(_whole, found.net.apply), found.net.variables, 0.0)


def steady_net(found: Victims) -> tuple[Network, Tree] | None:
    """The net without statistics of batches, and its parameters; None for a net of one's own, and in bfloat16."""
    net = found.net.net
    if not isinstance(net, Network) or found.net.config.train.precision != "float32":
        return None
    return without_statistics(net, found.net.variables)


def _local(net: Network, shape: tuple[int, ...], params: Tree) -> Asker:
    asker = local_asker(net, params, shape)
    assert asker is not None, "asked for in `asking`"
    return asker


def _whole(apply: Callable[[Tree, jax.Array], jax.Array], variables: Tree) -> Asker:
    return plain_asker(functools.partial(apply, variables))
