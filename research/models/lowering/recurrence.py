"""A recurrent cell run over all steps of a sequence, with its derivative written by hand.

An LSTM's training step takes 11.6 ms, 15.5 with JAX's own derivative of the scan (docs/speed.md). Part of the gain is
memory: the backward pass writes each step's outputs over residuals that it no longer needs.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from research.models.cells import Arrays, Cell
from research.models.rounding import product


def run_cell(
    cell: Cell, x: jax.Array, kernel: jax.Array, recurrent: jax.Array, bias: jax.Array
) -> tuple[Arrays, Arrays]:
    """The states of `cell` on x [B, T, D] from a state of zeros: after each step [B, T, H], and after the last [B, H].

    kernel is [D, parts * H], recurrent [H, parts * H], bias as `cell.first_bias`. One product over all steps gives the
    contribution of the inputs. Reverse mode only (grad, vjp).
    """
    kernel, recurrent, bias = scaled(cell, kernel, recurrent, bias)
    steps = jnp.swapaxes(x, 0, 1)  # time first: a step's arrays lie together
    z = product(steps.reshape(-1, x.shape[-1]), kernel, rounds=cell.rounds).reshape(*steps.shape[:2], -1)
    outputs: tuple[Arrays, Arrays] = _states(cell, z, recurrent, bias)
    states, last = outputs
    return tuple(jnp.swapaxes(state, 0, 1) for state in states), last


def scaled(cell: Cell, *weights: jax.Array) -> Arrays:
    """`weights` [..., parts * H] as `cell.forward` takes them."""
    units = weights[0].shape[-1] // cell.parts
    return tuple(weight * cell.scale(units).astype(weight.dtype) for weight in weights)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _states(cell: Cell, z: jax.Array, recurrent: jax.Array, bias: jax.Array) -> tuple[Arrays, Arrays]:
    """The states after each step [T, B, H], and after the last step [B, H], of z [T, B, parts * H]."""

    def step(state: Arrays, z: jax.Array) -> tuple[Arrays, Arrays]:
        after, _ = cell.forward(state, z, recurrent, bias)
        return after, after

    last, states = jax.lax.scan(step, _zeros(cell, z, recurrent), z)
    return states, last


def _forward(cell: Cell, z: Any, recurrent: Any, bias: Any) -> tuple[tuple[Arrays, Arrays], tuple]:
    z, recurrent, bias = z.value, recurrent.value, bias.value
    state = _zeros(cell, z, recurrent)
    shapes = jax.eval_shape(cell.forward, state, z[0], recurrent, bias)[1]
    arrays = [z, *(jnp.zeros((len(z), *like.shape), like.dtype) for like in (*shapes[1:], *state))]

    def step(t: jax.Array, carry: tuple[Arrays, list]) -> tuple[Arrays, list]:
        state, arrays = carry
        after, residuals = cell.forward(state, _at(arrays[0], t), recurrent, bias)
        return after, [_put(array, value, t) for array, value in zip(arrays, (*residuals, *after), strict=True)]

    last, arrays = jax.lax.fori_loop(0, len(z), step, (state, arrays))
    states = tuple(arrays[len(shapes) :])
    return (states, last), (tuple(arrays[: len(shapes)]), states[0], recurrent)


def _backward(cell: Cell, saved: tuple, cotangents: tuple[tuple, tuple]) -> Arrays:
    residuals, hidden, recurrent = saved
    count = len(hidden)
    by_steps, by_last = ([None if isinstance(d, SymbolicZero) else d for d in states] for states in cotangents)

    def step(index: jax.Array, carry: tuple[Arrays, Arrays]) -> tuple[Arrays, Arrays]:
        (state, arrays), t = carry, count - 1 - index
        pairs = zip(state, by_steps, strict=True)  # None: this state is not used
        state = tuple(own if more is None else own + _at(more, t) for own, more in pairs)
        state, outs = cell.backward(state, tuple(_at(array, t) for array in arrays), recurrent)
        overwritten = tuple(_put(array, value, t) for array, value in zip(arrays, outs, strict=False))
        return state, (*overwritten, *arrays[len(outs) :])

    pairs = zip(_zeros(cell, hidden, recurrent), by_last, strict=True)
    start = tuple(zero if given is None else given for zero, given in pairs)
    _, arrays = jax.lax.fori_loop(0, count, step, (start, residuals))
    before = jnp.concatenate([jnp.zeros_like(hidden[:1]), hidden[:-1]])
    return cell.gradients(before, arrays)


_states.defvjp(_forward, _backward, symbolic_zeros=True)


def _zeros(cell: Cell, like: jax.Array, recurrent: jax.Array) -> Arrays:
    return (jnp.zeros((like.shape[1], recurrent.shape[0]), like.dtype),) * (1 + len(cell.extra_states))


def _at(array: jax.Array, t: jax.Array) -> jax.Array:
    return jax.lax.dynamic_index_in_dim(array, t, keepdims=False)


def _put(array: jax.Array, value: jax.Array, t: jax.Array) -> jax.Array:
    return jax.lax.dynamic_update_index_in_dim(array, value, t, 0)
