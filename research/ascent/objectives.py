"""What an input is to excite: scores of a net's activations, which add, subtract and multiply.

Objectives are values: an operator makes a new one and leaves its operands as they were, and their arrays may have a
leading axis that `vmap` runs over, so that one program climbs for all filters of a layer. A score is that of a set of
K pictures, from their activations {name: [K, ...]}.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

Tree = Any
Taps = Mapping[str, jax.Array]
INPUT = "input"  # the name under which the pictures themselves are a tap

# Of the slope before a nonlinearity, what is climbed beside the slope after it: positions that a ReLU silences would
# never wake otherwise, as in lucid (misc/redirected_relu_grad.py). On SqueezeNet's fire5, 32 steps reach 1.19, 1.24 and
# 1.22 times the mean activation of a climb without it for 0.03, 0.1 and 0.3, in the median over filters.
LEAK = 0.1


class Objective:
    """What all objectives share: the operators +, - and *, with each other and with numbers."""

    def score(self, taps: Taps) -> jax.Array:
        """How well a set of K pictures does, a number; larger is better. `taps` are {name: activations [K, ...]}."""
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
    """One and another."""

    left: Objective
    right: Objective

    def score(self, taps: Taps) -> jax.Array:
        """The sum of both scores."""
        return self.left.score(taps) + self.right.score(taps)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Product(Objective):
    """One times another."""

    left: Objective
    right: Objective

    def score(self, taps: Taps) -> jax.Array:
        """The product of both scores."""
        return self.left.score(taps) * self.right.score(taps)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Filter(Objective):
    """A filter's response: its mean over all positions, or at one of them (a neuron).

    `respond(given, taps)` works out this filter alone, after the nonlinearity [K, ...] and before it. While a picture
    leaves the filter silent (nothing above zero after the nonlinearity, so no gradient), its score is the response
    before it at the positions nearest to waking, which is negative then. Of a filter that responds, the score is the
    response, and the gradient that of the response plus `LEAK` times what the nonlinearity takes off it, so that silent
    positions are climbed for, too.
    """

    given: Tree  # the filter's own arrays
    respond: Callable[[Tree, Taps], tuple[jax.Array, jax.Array]] = dataclasses.field(metadata={"static": True})
    place: tuple[int, ...] | None = dataclasses.field(default=None, metadata={"static": True})  # row and column

    def score(self, taps: Taps) -> jax.Array:
        """The mean over the pictures."""
        after, before = (_at(response, self.place) for response in self.respond(self.given, taps))
        axes = tuple(range(1, after.ndim))
        alive = after.max(axis=axes, initial=-jnp.inf) > 0
        off = LEAK * (before - after).mean(axis=axes)
        heard = after.mean(axis=axes) + (off - jax.lax.stop_gradient(off))  # adds a slope and no value
        return jnp.where(alive, heard, _nearest(before)).mean()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Channel(Objective):
    """A channel of a tap as it is: the mean of activation [K, ..., `index`], or that at one place. Also a logit."""

    index: jax.Array
    tap: str = dataclasses.field(metadata={"static": True})
    place: tuple[int, ...] | None = dataclasses.field(default=None, metadata={"static": True})

    def score(self, taps: Taps) -> jax.Array:
        """The mean over positions and pictures."""
        return _at(jnp.take(taps[self.tap], self.index, axis=-1), self.place).mean()


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
    """How unlike each other the K pictures of a set are at a tap: 1 minus the mean cosine of their Gram matrices.

    From 0 (all the same) up; Olah et al. 2017, "Feature Visualization", section "Diversity": Gram matrices of channels
    over positions. Multiply a response by it, so that neither depends on the other's scale.
    """

    tap: str = dataclasses.field(metadata={"static": True})

    def score(self, taps: Taps) -> jax.Array:
        """0 for a set of one; 1 where the tap is silent, which tells nothing."""
        flat = taps[self.tap].reshape(len(taps[self.tap]), -1, taps[self.tap].shape[-1])
        grams = jnp.einsum("kpf,kpg->kfg", flat, flat).reshape(len(flat), -1)
        grams = grams * jax.lax.rsqrt((grams**2).sum(axis=1, keepdims=True) + 1e-12)
        pairs = len(flat) * (len(flat) - 1)
        cosines = (grams.sum(axis=0) ** 2).sum() - (grams**2).sum()
        return 1 - cosines / pairs if pairs else jnp.zeros(())


def as_objective(value: Objective | float) -> Objective:
    """`value` itself, or the constant of that value; TypeError for what is neither an objective nor a number."""
    if isinstance(value, Objective):
        return value
    if isinstance(value, str | None):
        raise TypeError(f"objectives are added to and multiplied by objectives and numbers, not {value!r}")
    return Constant(jnp.float32(value))


def stacked(objectives: list[Objective]) -> Objective:
    """Objectives of one structure as one, whose arrays have a leading axis [N]; ValueError where structures differ."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *objectives)


def _nearest(before: jax.Array) -> jax.Array:
    """What comes before a nonlinearity [K, ...], averaged over positions that count the more, the larger it is: [K].

    By exp(value / deviation over positions), held fixed. A plain mean leaves filters silent that real pictures excite
    (4 of 64 of the digit CNN's conv2). The largest alone wakes them, too, but at few positions: SqueezeNet's fire5 then
    reaches 0.78 of what it does from a plain mean, in the median over filters that are silent at first; so, 0.97.
    """
    flat = before.reshape(len(before), -1)
    shares = jax.nn.softmax(flat / (flat.std(axis=1, keepdims=True) + 1e-6), axis=1)
    return (jax.lax.stop_gradient(shares) * flat).sum(axis=1)


def _at(response: jax.Array, place: tuple[int, ...] | None) -> jax.Array:
    """[K, H', W'] at the row and column of `place` -> [K]; without a place, as it is."""
    return response if place is None else response[(slice(None), *place)]
