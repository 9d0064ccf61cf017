"""Nets that read the rows of a table: scaled numbers and levels, then dense layers with a linear output.

A row is {"numbers": [B, Fn], NaN where missing, "codes": [B, Fc], -1 for an unseen level}. What scales it was fitted on
training rows (`data.tables.preprocessing`) and is held in the collection `preprocessing`, which training leaves alone.
"""

import itertools
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from research.models.layer import Layer, LayerInfo, Shape
from research.models.layers import Concat, Dense, Dropout
from research.models.network import INPUT, Handle, Network, network, wire

COLLECTION = "preprocessing"
Row = dict[str, jax.Array]
Embedding = Literal["none", "periodic", "piecewise"]


class TableSpec(NamedTuple):
    """The input and output of a net of tables.

    numbers: Fn columns of numbers. levels: the number of levels of each of Fc columns. gaps: the columns of numbers
    that have missing cells. outputs: numbers that the last layer gives for a row. scaled: whether they are of a scaled
    target (regression), or logits. knots: quantiles by which numbers are scaled; 0 for a center and a scale. clip: see
    `Numbers`.
    """

    numbers: int
    levels: tuple[int, ...]
    gaps: tuple[int, ...]
    outputs: int
    scaled: bool
    knots: int = 0
    clip: float = 0.0


class Numbers(Layer):
    """Numbers to the net's scale, each perhaps embedded: {"numbers": [B, Fn]} -> [B, Fn * E + indicators of `gaps`].

    A missing number is replaced by the median; in a column of `gaps` a 1 marks it. z = (x - center) / scale, or with
    `knots` the normal quantile of x's rank among the training rows' (scikit-learn's QuantileTransformer), becomes
    z / sqrt(1 + (z / clip)^2) (Holzmüller et al. 2024, "Better by Default", section 3). Embeddings, of size E, follow
    Gorishniy et al. 2022, "On Embeddings for Numerical Features": periodic, sines and cosines of learned frequencies
    through a learned matrix and a ReLU beside the number itself; piecewise, the position in each of E bins, 0 to 1.
    """

    count: int
    gaps: tuple[int, ...] = ()
    knots: int = 0
    clip: float = 0.0
    embedding: Embedding = "none"
    size: int = 8
    frequency: float = 0.1

    @nn.compact
    def __call__(self, x: Row, *, train: bool = False) -> jax.Array:  # pyright: ignore[reportIncompatibleMethodOverride]
        held = {name: self._held(name) for name in ("logged", "median", "indicated", "center", "scale")}
        raw = x["numbers"]
        logged = jnp.where(held["logged"] > 0, jnp.log1p(jnp.maximum(raw, 0)), raw)
        absent = jnp.isnan(raw)
        filled = jnp.where(absent, held["median"], logged)
        scaled = self._ranked(filled) if self.knots else (filled - held["center"]) / held["scale"]
        bounded = scaled / jnp.sqrt(1 + (scaled / self.clip) ** 2) if self.clip else scaled
        parts = [self._embedded(bounded, filled)]
        if self.gaps:
            marked = np.array(self.gaps)
            parts.append(absent[:, marked] * held["indicated"][marked])
        return jnp.concatenate(parts, axis=-1)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        each = {"none": 1, "periodic": self.size + 1, "piecewise": self.size}[self.embedding]
        width = self.count * each + len(self.gaps)
        if self.embedding != "periodic":
            return LayerInfo("numbers", (width,), window=None)
        own = self.size + 2 * self.size * self.size + self.size
        return LayerInfo(
            "numbers", (width,), f"{self.count}*{own:,}", self.count * own, self.count * 2 * self.size**2, window=None
        )

    def _held(self, name: str, *shape: int) -> jax.Array:
        start = jnp.ones if name == "scale" else jnp.zeros
        return self.variable(COLLECTION, name, start, (self.count, *shape)).value

    def _ranked(self, filled: jax.Array) -> jax.Array:
        """The normal quantile of each number's rank among the knots; of equal knots the middle rank."""
        knots, ranks = self._held("knots", self.knots), jnp.linspace(0, 1, self.knots)
        upward = jax.vmap(jnp.interp, (1, 0, None), 1)(filled, knots, ranks)
        downward = jax.vmap(jnp.interp, (1, 0, None), 1)(-filled, -knots[:, ::-1], ranks)
        rank = (upward + 1 - downward) / 2
        return jax.scipy.special.ndtri(jnp.clip(rank, 1e-3, 1 - 1e-3))

    def _embedded(self, scaled: jax.Array, filled: jax.Array) -> jax.Array:
        if self.embedding == "none":
            return scaled
        if self.embedding == "piecewise":
            edges = self._held("edges", self.size + 1)
            widths = jnp.diff(edges)
            within = (filled[..., None] - edges[:, :-1]) / jnp.where(widths > 0, widths, 1.0)
            return jnp.clip(within, 0, 1).reshape(len(scaled), -1)
        drawn, glorot = nn.initializers.normal(self.frequency), nn.initializers.glorot_uniform(batch_axis=(0,))
        frequencies = self.param("frequencies", drawn, (self.count, self.size))
        kernel = self.param("kernel", glorot, (self.count, 2 * self.size, self.size))
        bias = self.param("bias", nn.initializers.zeros, (self.count, self.size))
        angles = 2 * np.pi * scaled[..., None] * frequencies
        waves = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
        learned = nn.relu(jnp.einsum("bfe,fed->bfd", waves, kernel) + bias)
        return jnp.concatenate([scaled, learned.reshape(len(scaled), -1)], axis=-1)


class Levels(Layer):
    """Levels as one-hot numbers: {"codes": [B, Fc]} -> [B, L], or with `size` E a learned vector each: [B, Fc * E].

    Levels that are rare in the training rows, and unseen ones, are zeros.
    """

    counts: tuple[int, ...]
    size: int = 0

    @nn.compact
    def __call__(self, x: Row, *, train: bool = False) -> jax.Array:  # pyright: ignore[reportIncompatibleMethodOverride]
        total = sum(self.counts)
        column = np.repeat(np.arange(len(self.counts)), self.counts)
        own = np.concatenate([np.arange(count) for count in self.counts])
        common = self.variable(COLLECTION, "common", jnp.zeros, (total,)).value
        hot = (x["codes"][:, column] == own) * common
        if not self.size:
            return hot
        vectors = self.param("vectors", nn.initializers.normal(1.0), (total, self.size))
        ends = np.cumsum((0, *self.counts))
        parts = [hot[:, begin:end] @ vectors[begin:end] for begin, end in itertools.pairwise(ends)]
        return jnp.concatenate(parts, axis=-1)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        total = sum(self.counts)
        if not self.size:
            return LayerInfo("levels", (total,), window=None)
        parameters = total * self.size
        formula = f"{total}*{self.size} = {parameters:,}"
        return LayerInfo("levels", (len(self.counts) * self.size,), formula, parameters, parameters, window=None)


class TargetScale(Layer):
    """The target's mean and standard deviation beside the net's numbers: [B, Q] -> [B, Q + 2].

    The loss is of scaled targets; errors and predictions are in the target's own unit (see `unscaled`).
    """

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        center = self.variable(COLLECTION, "center", jnp.zeros, (1,)).value
        scale = self.variable(COLLECTION, "scale", jnp.ones, (1,)).value
        return jnp.concatenate([x, *(jnp.broadcast_to(each, (len(x), 1)) for each in (center, scale))], axis=-1)

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        return LayerInfo("target_scale", (inputs[0][-1] + 2,), window=None)


def dense_table_net(
    spec: TableSpec,
    hidden: tuple[int, ...] = (128, 64),
    *,
    dropout: float = 0.0,
    embedding: Embedding = "none",
    embedding_size: int = 8,
    frequency: float = 0.1,
    level_size: int = 0,
) -> Network:
    """Dense ReLU layers on scaled numbers and levels, and a linear output; without `hidden`, a linear model.

    Returns [B, outputs + 2] for regression (see `TargetScale`), or logits [B, outputs].
    """
    parts: list[Handle] = []
    if spec.numbers:
        scaled = Numbers(
            spec.numbers, spec.gaps, spec.knots, spec.clip, embedding, embedding_size, frequency, name="numbers"
        )
        parts.append(wire(scaled, INPUT))
    if spec.levels:
        parts.append(wire(Levels(spec.levels, level_size, name="levels"), INPUT))
    handle = wire(Concat(name="features"), *parts)
    for index, features in enumerate(hidden, start=1):
        handle = wire(Dense(features, name=f"dense{index}"), handle)
        if dropout:
            handle = wire(Dropout(dropout, name=f"dropout{index}"), handle)
    head = wire(Dense(spec.outputs, activation="linear", name="head" if spec.scaled else "logits"), handle)
    return network(wire(TargetScale(name="target"), head) if spec.scaled else head)


def unscaled(outputs: jax.Array, *, log: bool) -> jax.Array:
    """The predictions [B, Q], in the target's unit, of outputs [B, Q + 2]; with `log` of a net of log(1 + target)."""
    scaled, center, scale = outputs[..., :-2], outputs[..., -2:-1], outputs[..., -1:]
    values = scaled * scale + center
    return jnp.expm1(values) if log else values
