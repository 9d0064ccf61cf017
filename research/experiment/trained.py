"""A finished training as a pure function and its variables."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

from research.config import Experiment
from research.models.apply import apply_of
from research.models.custom import CustomNet
from research.models.network import Network

Tree = Any


class Trained(NamedTuple):
    """A trained net, whole: `apply(variables, inputs)` is pure and can be jitted, vmapped and differentiated.

    inputs: of pictures, pixels of 0..255 [B, H, W, C]; of tables, {"numbers": float32 [B, Fn], "codes": int32 [B, Fc]}
    as in `research.data.tables.table.Rows`; of series, windows as `research.experiment.series.net.example` shows them.
    The output is that of the net: logits [B, K]; or numbers, as in `research.models.tables.TargetScale` and
    `research.experiment.series.backtest`. variables: {"params": ..., and whatever else the net holds}. classes: of a
    classifier, else empty. preprocessing: what stands between new data and the net, in plain values and arrays.
    """

    config: Experiment
    net: Network | CustomNet
    variables: Tree
    apply: Callable[[Tree, Any], jax.Array]
    classes: tuple[str, ...]
    preprocessing: Mapping[str, Any]


def trained(
    config: Experiment,
    net: Network | CustomNet,
    variables: Tree,
    classes: tuple[str, ...],
    preprocessing: Mapping[str, Any],
) -> Trained:
    """`net` with its final `variables`; its `apply` computes in the precision of `config`."""
    own = apply_of(net, config.train.precision)
    return Trained(config, net, variables, lambda given, inputs: own(given, inputs, None)[0], classes, preprocessing)
