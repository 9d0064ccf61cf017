"""Pictures turned, zoomed and shifted by bilinear resampling, on the device and differentiable."""

import jax
import jax.numpy as jnp


def warped(picture: jax.Array, turn: jax.Array, seen: jax.Array, shift: jax.Array) -> jax.Array:
    """`picture` [H, W, C] resampled: output position p (from the middle) shows input position seen * R(turn) p + shift.

    `turn` in radians, `seen` the visible share of the sides, `shift` [2] in pixels (rows, columns). With
    0, 1 and (0, 0) the picture is unchanged to the bit.
    """
    height, width, _ = picture.shape
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    rows, columns = jnp.meshgrid(jnp.arange(height) - middle_row, jnp.arange(width) - middle_column, indexing="ij")
    cosine, sine = seen * jnp.cos(turn), seen * jnp.sin(turn)
    from_row = cosine * rows - sine * columns + (middle_row + shift[0])
    from_column = sine * rows + cosine * columns + (middle_column + shift[1])
    return _bilinear(picture.astype(jnp.float32), from_row, from_column)


def _bilinear(picture: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
    """The values of `picture` [H, W, C] at fractional positions [H', W'] -> [H', W', C]."""
    height, width, _ = picture.shape
    top, left = jnp.floor(row), jnp.floor(column)
    down, right = (row - top)[..., None], (column - left)[..., None]
    rows = [_mirrored(top.astype(jnp.int32) + step, height) for step in (0, 1)]
    columns = [_mirrored(left.astype(jnp.int32) + step, width) for step in (0, 1)]
    upper, lower = ([picture[r, c] for c in columns] for r in rows)
    between = [one + (other - one) * right for one, other in (upper, lower)]
    return between[0] + (between[1] - between[0]) * down


def _mirrored(index: jax.Array, length: int) -> jax.Array:
    """Positions on an axis that is extended by repeated mirroring at both ends."""
    folded = index % (2 * length)
    return jnp.minimum(folded, 2 * length - 1 - folded)
