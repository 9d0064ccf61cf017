"""The real patches that excite each filter most, found in one pass over pictures with little memory."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.receptive_fields import ReceptiveField

Run = Callable[[np.ndarray], jax.Array]


class Strongest(NamedTuple):
    """The k pictures that excite each filter most, strongest first; a missing one has picture, row and column -1.

    values [F, k] float32, -inf where missing; picture [F, k]: index in the stream, from 0; row and column [F, k]: the
    tap's position with that value (0, 0 for a tap without positions).
    """

    values: np.ndarray
    picture: np.ndarray
    row: np.ndarray
    column: np.ndarray


class _Best(NamedTuple):
    """The state between batches: the fields of `Strongest`, [F, k] each, and whether all values were finite []."""

    values: jax.Array
    picture: jax.Array
    row: jax.Array
    column: jax.Array
    finite: jax.Array


def strongest(run: Run, batches: Iterable[np.ndarray], k: int, *, above: float = 0.0) -> Strongest:
    """The exact top `k` of every filter over `batches` of pictures uint8 [B, H, W, C].

    `run(pictures [B, H, W, C])` -> activation [B, H', W', F] or [B, F]. Every call has as many pictures as the first
    batch; smaller batches are padded with copies that do not count. Each picture counts with its strongest position
    (the first of equals, row by row), so a filter gets at most one patch per picture: neighbouring positions show the
    same thing. Of equal pictures the earlier one wins, for any batch size. Only activations above `above` count: use 0
    after a ReLU, and -inf for a linear tap.

    Memory: two batches and k numbers per filter. Raises UserError without pictures, for k < 1, and for an activation
    that is not finite.
    """
    if k < 1:
        raise UserError(f"{k} patches per filter are none; ask for 1 or more")
    best, first, size = None, 0, 0
    for batch in batches:
        size = size or len(batch)
        for start in range(0, len(batch), size or 1):
            part = batch[start : start + size]
            activation = run(part[np.minimum(np.arange(size), len(part) - 1)])
            # Wait for the previous merge: at most one batch runs ahead, so memory stays bounded.
            previous = jax.block_until_ready(best) or _empty(activation.shape[-1], k)
            best = _merge(previous, activation, jnp.int32(first), jnp.int32(len(part)), jnp.float32(above))
            first += len(part)
    if best is None:
        raise UserError("no pictures to look for patches in; give at least one")
    if not best.finite:
        raise UserError("an activation is not a finite number, so there is no strongest; check the weights")
    return Strongest(*(np.asarray(field) for field in best[:4]))


def crop(image: np.ndarray, field: ReceptiveField, row: int, column: int) -> np.ndarray:
    """What position (`row`, `column`) sees of `image` uint8 [H, W, C], without the padding: uint8 [h, w, C].

    Raises ValueError for a position that the tap does not have (-1 of a missing patch, for example), and for an image
    smaller than `field.edge`.
    """
    if min(np.subtract(image.shape[:2], field.edge)) < 0:
        raise ValueError(f"the field is one of pictures of {field.edge} or more, not of {image.shape[:2]}")
    return image[field.seen(row, column)].copy()


def _empty(F: int, k: int) -> _Best:
    missing = jnp.full((F, k), -1, jnp.int32)
    return _Best(jnp.full((F, k), -jnp.inf, jnp.float32), missing, missing, missing, jnp.array(True))


@jax.jit
def _merge(best: _Best, activation: jax.Array, first: jax.Array, count: jax.Array, above: jax.Array) -> _Best:
    """Merge `best` with the first `count` pictures of `activation` [B, ..., F], whose indices start at `first`."""
    maps = activation.astype(jnp.float32).reshape(len(activation), -1, activation.shape[-1])
    position, values = maps.argmax(axis=1).astype(jnp.int32), maps.max(axis=1)
    index = jnp.arange(len(maps), dtype=jnp.int32)[:, None]
    counted = index < count
    row, column = jnp.divmod(position, activation.shape[2] if activation.ndim == 4 else 1)
    valid = counted & (values > above)
    values = jnp.where(values == 0, 0.0, values)  # top_k puts -0.0 below 0.0
    new = (jnp.where(valid, values, -jnp.inf), *(jnp.where(valid, field, -1) for field in (first + index, row, column)))
    candidates = [jnp.concatenate([old, field.T], axis=1) for old, field in zip(best[:4], new, strict=True)]
    # Of equals top_k takes the leftmost: earlier batches first, then the earlier picture.
    values, order = jax.lax.top_k(candidates[0], best.values.shape[1])
    picture, row, column = (jnp.take_along_axis(field, order, axis=1) for field in candidates[1:])
    finite = jnp.isfinite(maps).all(axis=(1, 2)) | ~counted[:, 0]
    return _Best(values, picture, row, column, best.finite & finite.all())
