"""Bounds on a net's logits where a picture varies along a few directions: affine forms, carried through its layers.

A form is center + sum_s t_s slopes[s] + e, with every t_s in [-1, 1] and |e| <= radius elementwise: the zonotope of
Singh et al. 2018, "Fast and Effective Robustness Certification", with all symbols but the first few merged into the
radius. Layers that are linear carry center and slopes exactly, and the radius by the absolute weights.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from research.attack.success import Aim
from research.models.layer import Layer
from research.models.layers import (
    Add,
    AvgPool,
    BinaryLogits,
    Concat,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    Rescale,
    Shortcut,
)
from research.models.network import Network
from research.models.normalization import Affine

Tree = Any

LINEAR = (
    *(Add, Affine, AvgPool, BinaryLogits, Concat, Conv, Dense, DepthwiseConv, Dropout, Flatten, GlobalPool, Rescale),
    Shortcut,
)
SMOOTH = {"tanh": lambda value: 1 - value**2, "sigmoid": lambda value: value * (1 - value)}  # slope at f(x) = value


class Form(NamedTuple):
    """N sets of values [...], each an affine form of S symbols."""

    center: jax.Array  # [N, ...]
    slopes: jax.Array  # [S, N, ...]
    radius: jax.Array  # [N, ...], not negative

    @property
    def lower(self) -> jax.Array:
        """The least that each value can be, [N, ...]."""
        return self.center - _reach(self.slopes) - self.radius

    @property
    def upper(self) -> jax.Array:
        """The most that each value can be, [N, ...]."""
        return self.center + _reach(self.slopes) + self.radius


def unbounded(net: Any) -> str | None:
    """Why `logits_form` does not take `net`, in a few words; None if it does."""
    if not isinstance(net, Network):
        return "a net of one's own"
    for layer in net.layers:
        largest = isinstance(layer, GlobalPool) and layer.mode == "max"
        if largest or layer.extra_taps() or not isinstance(layer, (*LINEAR, MaxPool)):
            return f"the layer {layer.name} ({type(layer).__name__})"
        if layer.activation not in ("linear", "relu", *SMOOTH):
            return f"the activation {layer.activation} of {layer.name}"
    return None


def logits_form(net: Network, params: Tree, pictures: Form) -> Form:
    """The form of the logits [N, K] where the pixels of N pictures [N, H, W, C] have the form `pictures`.

    `net` has no BatchNorm left (`normalization.without_statistics`), and `unbounded` says None of it.
    """
    outputs: list[Form] = []
    for layer, name, sources in zip(net.layers, net.names, net.wires, strict=True):
        read = [pictures if source < 0 else outputs[source] for source in sources]
        found = _largest(layer, read[0]) if isinstance(layer, MaxPool) else _linear(layer, params.get(name, {}), read)
        outputs.append(_activated(layer.activation, found))
    return outputs[-1]


def upper_margin(logits: Form, aim: Aim) -> tuple[jax.Array, jax.Array]:
    """(The largest that `success.margin` can be [N], the slopes [S, N] of the class that decides it)."""
    wanted, sign = jnp.where(aim.targeted, aim.target, aim.label), jnp.where(aim.targeted, -1, 1)
    own = jax.tree.map(lambda leaf: jnp.take(leaf, wanted, axis=-1)[..., None], logits)
    gain = Form(sign * (logits.center - own.center), sign * (logits.slopes - own.slopes), logits.radius + own.radius)
    others = jnp.arange(logits.center.shape[-1]) != wanted
    # Targeted, the margin is over the best of the others: it is at most that over any one of them.
    least, most = (jnp.where(others, gain.upper, away) for away in (jnp.inf, -jnp.inf))
    deciding = jnp.where(aim.targeted, least.argmin(-1), most.argmax(-1))[:, None]
    slopes = jnp.take_along_axis(gain.slopes, deciding[None], axis=-1)[..., 0]
    return jnp.take_along_axis(gain.upper, deciding, axis=-1)[:, 0], slopes


def _reach(slopes: jax.Array) -> jax.Array:
    """How far the symbols can go from the center; a sum of few terms, which XLA fuses as it does no reduction."""
    return functools.reduce(jnp.add, jnp.abs(slopes))


def _linear(layer: Layer, params: Tree, read: Sequence[Form]) -> Form:
    """A linear layer: its own outputs at the center; at the slopes and the radius without what it adds."""
    plain = layer.clone(offset=0.0) if isinstance(layer, Rescale) else layer
    without = params | {"bias": jnp.zeros_like(params["bias"])} if "bias" in params else params
    absolute = jax.tree.map(jnp.abs, without)
    count = len(read[0].slopes)
    flat = [form.slopes.reshape(-1, *form.slopes.shape[2:]) for form in read]
    slopes = _run(plain, without, flat)
    return Form(
        _run(layer, params, [form.center for form in read]),
        slopes.reshape(count, -1, *slopes.shape[1:]),
        _run(plain, absolute, [form.radius for form in read]),
    )


def _run(layer: Layer, params: Tree, inputs: Sequence[jax.Array]) -> jax.Array:
    return layer.apply({"params": params}, *inputs)  # pyright: ignore[reportReturnType]


def _activated(activation: str, form: Form) -> Form:
    if activation == "linear":
        return form
    lower, upper = form.lower, form.upper
    if activation == "relu":
        # The band of least height about max(x, 0) on [lower, upper] has the slope of the chord (Singh et al., fig. 3).
        unstable = (lower < 0) & (upper > 0)
        chord = jnp.where(unstable, upper / jnp.where(unstable, upper - lower, 1), (lower >= 0).astype(upper.dtype))
        half = jnp.where(unstable, -chord * lower / 2, 0)
        return _scaled(form, chord, half, half)
    # The function less the smaller of its two end slopes is nondecreasing: its ends bound it (their section 4.3).
    function = jnp.tanh if activation == "tanh" else jax.nn.sigmoid
    ends = function(lower), function(upper)
    slope = jnp.minimum(*map(SMOOTH[activation], ends))
    middle = ((ends[0] + ends[1]) - slope * (lower + upper)) / 2
    return _scaled(form, slope, middle, ((ends[1] - ends[0]) - slope * (upper - lower)) / 2)


def _scaled(form: Form, factor: jax.Array, shift: jax.Array, half: jax.Array) -> Form:
    """factor * form + shift, give or take `half`."""
    return Form(factor * form.center + shift, factor * form.slopes, factor * form.radius + jnp.maximum(half, 0))


def _largest(layer: MaxPool, form: Form) -> Form:
    """The maximum of each window, one position after the other."""
    stride = layer.stride or layer.window
    rows, columns, _ = layer.info((form.center.shape[1:],)).output

    def shifted(leaf: jax.Array, top: int, left: int) -> jax.Array:
        last = (top + (rows - 1) * stride[0] + 1, left + (columns - 1) * stride[1] + 1)
        return leaf[..., top : last[0] : stride[0], left : last[1] : stride[1], :]

    offsets = itertools.product(*map(range, layer.window))
    return functools.reduce(_larger, (jax.tree.map(lambda leaf: shifted(leaf, *at), form) for at in offsets))  # noqa: B023


def _larger(one: Form, other: Form) -> Form:
    """The larger of two forms: the one that surely is; else the one that is so at the center, and what it may lack."""
    swapped = one.center < other.center
    first, second = (jax.tree.map(lambda a, b: jnp.where(swapped, b, a), x, y) for x, y in ((one, other), (other, one)))
    lacking = second.center - first.center + _reach(second.slopes - first.slopes) + first.radius + second.radius
    half = jnp.maximum(lacking, 0) / 2
    near = Form(first.center + half, first.slopes, first.radius + half)
    # Where the slopes cost more than they tell, the interval is narrower.
    lower, upper = jnp.maximum(one.lower, other.lower), jnp.maximum(one.upper, other.upper)
    narrow = (lacking > 0) & ((upper - lower) / 2 < near.radius + _reach(near.slopes))
    interval = Form((lower + upper) / 2, jnp.zeros_like(first.slopes), (upper - lower) / 2)
    return jax.tree.map(lambda a, b: jnp.where(narrow, a, b), interval, near)
