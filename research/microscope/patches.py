"""The real patches that excite each filter most, found in one pass over pictures of which few are held at a time."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.receptive_fields import ReceptiveField

GRAY = 128  # of a crop, where the field reaches beyond what is seen

Run = Callable[[np.ndarray], jax.Array]


class Strongest(NamedTuple):
    """Per filter the k pictures that excite it most, strongest first; what is missing has picture, row, column -1.

    values [F, k] float32, -inf where missing; picture [F, k]: its number in the stream, from 0; row and column [F, k]:
    the tap's position that was excited (0, 0 for a tap without places).
    """

    values: np.ndarray
    picture: np.ndarray
    row: np.ndarray
    column: np.ndarray


class _Best(NamedTuple):
    """What is carried from batch to batch: the fields of `Strongest`, [F, k] each, and whether all was finite []."""

    values: jax.Array
    picture: jax.Array
    row: jax.Array
    column: jax.Array
    finite: jax.Array


def strongest(run: Run, batches: Iterable[np.ndarray], k: int, *, above: float = 0.0) -> Strongest:
    """The exact top `k` of every filter over `batches` of pictures uint8 [B, H, W, C].

    `run(pictures [B, H, W, C])` -> activation [B, H', W', F] or [B, F]; it always gets as many pictures as the first
    batch has, what is missing filled up with copies that are not counted. A picture stands for itself with its
    strongest position (the first of equals, row by row), so a filter gets at most one patch of each: neighbouring
    positions show the same thing. Of equals the earlier picture wins, whatever the batch size. Only activations larger
    than `above` count: with 0 what a ReLU shuts off excites nothing; -inf takes all, as for a linear tap.

    Memory: k numbers per filter beside two batches. Raises UserError when there are no pictures or k is not positive,
    and when an activation is not finite.
    """
    if k < 1:
        raise UserError(f"{k} patches per filter are none; ask for 1 or more")
    best, first, size = None, 0, 0
    for batch in batches:
        size = size or len(batch)
        for start in range(0, len(batch), size or 1):
            part = batch[start : start + size]
            activation = run(part[np.minimum(np.arange(size), len(part) - 1)])
            # One batch ahead of what is merged, and no more: memory stays bounded.
            before = jax.block_until_ready(best) or _nothing(activation.shape[-1], k)
            best = _merge(before, activation, jnp.int32(first), jnp.int32(len(part)), jnp.float32(above))
            first += len(part)
    if best is None:
        raise UserError("no pictures to look for patches in; give at least one")
    if not best.finite:
        raise UserError("an activation is not a finite number, so there is no strongest; check the weights")
    return Strongest(*(np.asarray(each) for each in best[:4]))


def crop(image: np.ndarray, field: ReceptiveField, row: int, column: int) -> np.ndarray:
    """What position (`row`, `column`) of a tap with `field` sees of `image` uint8 [H, W, C]: uint8 [h, w, C].

    Exactly its receptive field: what is padding is mid-gray. Raises ValueError for a position that the tap does not
    have (a missing patch has none), and for an image that is smaller than those that the field was worked out for.
    """
    if min(np.subtract(image.shape[:2], field.edge)) < 0:
        raise ValueError(f"the field is one of pictures of {field.edge} or more, not of {image.shape[:2]}")
    rows, columns = field.seen(row, column)
    top, left = (a + i * j for i, j, a in zip((row, column), field.jump, field.start, strict=True))
    patch = np.full((*field.size, image.shape[2]), GRAY, image.dtype)
    patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[rows, columns]
    return patch


def _nothing(F: int, k: int) -> _Best:
    missing = jnp.full((F, k), -1, jnp.int32)
    return _Best(jnp.full((F, k), -jnp.inf, jnp.float32), missing, missing, missing, jnp.array(True))


@jax.jit
def _merge(best: _Best, activation: jax.Array, first: jax.Array, count: jax.Array, above: jax.Array) -> _Best:
    """`best` and the first `count` pictures of `activation` [B, ..., F], numbered from `first` on."""
    maps = activation.astype(jnp.float32).reshape(len(activation), -1, activation.shape[-1])
    place, values = maps.argmax(axis=1).astype(jnp.int32), maps.max(axis=1)
    number = jnp.arange(len(maps), dtype=jnp.int32)[:, None]
    counted = number < count
    row, column = jnp.divmod(place, activation.shape[2] if activation.ndim == 4 else 1)
    there = counted & (values > above)
    values = jnp.where(values == 0, 0.0, values)  # top_k puts -0.0 below 0.0; they are equals
    new = (jnp.where(there, values, -jnp.inf), *(jnp.where(there, each, -1) for each in (first + number, row, column)))
    candidates = [jnp.concatenate([old, each.T], axis=1) for old, each in zip(best[:4], new, strict=True)]
    # Of equals top_k takes the one further left: what was there before, then the earlier picture.
    values, order = jax.lax.top_k(candidates[0], best.values.shape[1])
    picture, row, column = (jnp.take_along_axis(each, order, axis=1) for each in candidates[1:])
    finite = jnp.isfinite(maps).all(axis=(1, 2)) | ~counted[:, 0]
    return _Best(values, picture, row, column, best.finite & finite.all())
