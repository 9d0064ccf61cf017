"""Windows of series as a data set: the rows are stored once, and a window is given by its first row."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from research.batches import Array, Batch, padding_weights, real_rows


class WindowedSeries(NamedTuple):
    """N overlapping windows of series that are concatenated along R rows.

    Each window is L rows of context and P rows of horizon. `context` and `horizon` hold the positions of those rows,
    counted from the window's first one; their lengths are L and P.
    """

    values: Array  # [R, F]: differences from the reference, in spreads, 0 where unknown
    known: Array  # [R, F], 1 or 0
    calendar: Array  # [R, C]
    starts: Array  # int32 [N]
    context: Array  # int32 [L]
    horizon: Array  # int32 [P]

    @property
    def size(self) -> int:
        """The number of windows, N."""
        return len(self.starts)

    def take(self, index: jax.Array) -> Batch:
        """The windows at `index` [B], weighted by the known share of their horizons; see `DataSet.take`."""
        inputs, targets, known = self.windows(jnp.asarray(self.starts)[real_rows(index, self.size)])
        return Batch(inputs, targets, padding_weights(index, self.size) * known)

    def windows(self, starts: jax.Array) -> tuple[dict[str, jax.Array], jax.Array, jax.Array]:
        """(inputs, targets, known share of the targets [B]) of the windows that begin at the rows `starts` [B].

        Inputs are values and known [B, L, F] and calendar [B, L + P, C]; targets are values [B, P, F], NaN where
        unknown. The inputs contain no values from the horizon.
        """
        L, P = len(self.context), len(self.horizon)

        def sliced(column: Array) -> jax.Array:
            take = lambda start: jax.lax.dynamic_slice_in_dim(jnp.asarray(column), start, L + P)  # noqa: E731
            return jax.vmap(take)(starts)

        values, known = sliced(self.values), sliced(self.known)
        inputs = {"values": values[:, :L], "known": known[:, :L], "calendar": sliced(self.calendar)}
        return inputs, jnp.where(known[:, L:] > 0, values[:, L:], jnp.nan), known[:, L:].mean(axis=(1, 2))
