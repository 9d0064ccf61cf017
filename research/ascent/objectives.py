"""Objectives of gradient ascent: scores of a net's activations, which can be added, subtracted and multiplied.

Objectives are immutable; an operator makes a new one. Their arrays may have a leading axis that `vmap` runs over, so
that one program serves all filters of a layer. A score is a number for a set of K pictures, computed from their
activations {name: [K, ...]}.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

Tree = Any
Taps = Mapping[str, jax.Array]
INPUT = "input"  # the name under which the pictures themselves are a tap

# Share of the pre-activation's slope that is added to the slope after the nonlinearity. Without it, positions that a
# ReLU silences have no gradient (lucid redirects it too: misc/redirected_relu_grad.py). On SqueezeNet's fire5, 32 steps
# with 0.03, 0.1, 0.3 reach 1.19, 1.24, 1.22 times the mean activation without (median over filters).
LEAK = 0.1


class Objective:
    """The base of all objectives: the operators +, - and *, with objectives and with numbers."""

    def score(self, taps: Taps) -> jax.Array:
        """The score [] of a set of K pictures; larger is better. `taps` are {name: activations [K, ...]}."""
        raise NotImplementedError

    def __add__(self, other: "Objective | float") -> "Sum":
        return Sum(self, as_objective(other))

    def __mul__(self, other: "Objective | float") -> "Product":
        return Product(self, as_objective(other))

    def __sub__(self, other: "Objective | float") -> "Sum":
        return Sum(self, Product(Constant(jnp.float32(-1)), as_objective(other)))

    def __neg__(self) -> "Product":
        return Product(Constant(jnp.float32(-1)), self)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> "Sum":
        return as_objective(other) - self


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Constant(Objective):
    """A number."""

    value: jax.Array

    def score(self, taps: Taps) -> jax.Array:
        """The number."""
        return self.value


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sum(Objective):
    """The sum of two objectives."""

    left: Objective
    right: Objective

    def score(self, taps: Taps) -> jax.Array:
        """The sum of both scores."""
        return self.left.score(taps) + self.right.score(taps)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Product(Objective):
    """The product of two objectives."""

    left: Objective
    right: Objective

    def score(self, taps: Taps) -> jax.Array:
        """The product of both scores."""
        return self.left.score(taps) * self.right.score(taps)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Filter(Objective):
    """A filter's response: its mean over all positions, or the response at one position (a neuron).

    `respond(given, taps)` computes this filter alone: its response [K, ...] after the nonlinearity, and before it.
    While a picture leaves the filter silent (no response above zero, so no gradient), the score is the pre-activation
    at the positions closest to responding, which is negative. Once the filter responds, the score is the response, and
    the gradient is that of the response plus `LEAK` times what the nonlinearity removes, so that silent positions have
    a gradient too.
    """

    given: Tree  # the filter's own arrays
    respond: Callable[[Tree, Taps], tuple[jax.Array, jax.Array]] = dataclasses.field(metadata={"static": True})
    position: tuple[int, ...] | None = dataclasses.field(default=None, metadata={"static": True})  # row and column

    def score(self, taps: Taps) -> jax.Array:
        """The mean over the pictures."""
        after, before = (_at(response, self.position) for response in self.respond(self.given, taps))
        axes = tuple(range(1, after.ndim))
        alive = after.max(axis=axes, initial=-jnp.inf) > 0
        removed = LEAK * (before - after).mean(axis=axes)
        response = after.mean(axis=axes) + (removed - jax.lax.stop_gradient(removed))  # adds a slope and no value
        return jnp.where(alive, response, _soft_maximum(before)).mean()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Channel(Objective):
    """A channel of a tap (or a logit): the mean of activation [K, ..., `index`], or the activation at one position."""

    index: jax.Array
    tap: str = dataclasses.field(metadata={"static": True})
    position: tuple[int, ...] | None = dataclasses.field(default=None, metadata={"static": True})

    def score(self, taps: Taps) -> jax.Array:
        """The mean over positions and pictures."""
        return _at(jnp.take(taps[self.tap], self.index, axis=-1), self.position).mean()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Direction(Objective):
    """A direction among the channels of a tap: the mean over positions of activation [K, ..., F] . `vector` [F]."""

    vector: jax.Array
    tap: str = dataclasses.field(metadata={"static": True})

    def score(self, taps: Taps) -> jax.Array:
        """The mean over positions and pictures."""
        return (taps[self.tap] @ self.vector).mean()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Diversity(Objective):
    """How different the K pictures of a set are at a tap: 1 minus the mean cosine of their Gram matrices, 0 if equal.

    A Gram matrix is of channels, over positions (Olah et al. 2017, "Feature Visualization", section "Diversity").
    Multiply a response by it, so that neither depends on the other's scale.
    """

    tap: str = dataclasses.field(metadata={"static": True})

    def score(self, taps: Taps) -> jax.Array:
        """0 for a set of one picture; 1 where the tap is silent."""
        flat = taps[self.tap].reshape(len(taps[self.tap]), -1, taps[self.tap].shape[-1])
        grams = jnp.einsum("kpf,kpg->kfg", flat, flat).reshape(len(flat), -1)
        grams = grams * jax.lax.rsqrt((grams**2).sum(axis=1, keepdims=True) + 1e-12)
        pairs = len(flat) * (len(flat) - 1)
        cosines = (grams.sum(axis=0) ** 2).sum() - (grams**2).sum()
        return 1 - cosines / pairs if pairs else jnp.zeros(())


def as_objective(value: Objective | float) -> Objective:
    """An objective as it is, a number as a `Constant`; TypeError for anything else."""
    if isinstance(value, Objective):
        return value
    if isinstance(value, str | None):
        raise TypeError(f"objectives are added to and multiplied by objectives and numbers, not {value!r}")
    return Constant(jnp.float32(value))


def stacked(objectives: list[Objective]) -> Objective:
    """N objectives of the same structure as one, with a leading axis [N]; ValueError where structures differ."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *objectives)


def _soft_maximum(before: jax.Array) -> jax.Array:
    """The mean over positions of the pre-activation [K, ...], weighted towards the largest values: [K].

    The weights are exp(value / standard deviation over positions), as constants. A plain mean leaves filters silent
    that real pictures excite (4 of 64 of the digit CNN's conv2). The maximum revives them, but at few positions:
    SqueezeNet's fire5 then reaches 0.78 of what a plain mean does (median over filters silent at first); this, 0.97.
    """
    flat = before.reshape(len(before), -1)
    shares = jax.nn.softmax(flat / (flat.std(axis=1, keepdims=True) + 1e-6), axis=1)
    return (jax.lax.stop_gradient(shares) * flat).sum(axis=1)


def _at(response: jax.Array, position: tuple[int, ...] | None) -> jax.Array:
    """[K, H', W'] at (row, column) `position` -> [K]; unchanged without a position."""
    return response if position is None else response[(slice(None), *position)]
