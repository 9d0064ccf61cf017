"""The order in which the examples of an epoch are drawn, as a pure function of (seed, fold, epoch)."""

import heapq
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Order
from research.keys import key


def uniform(examples: int, batch_size: int, views: int = 1) -> Order:
    """Each of N `examples` once an epoch, in an order drawn anew by (seed, epoch), the same in every fold.

    With `views`, the data set holds that many views of the examples one after the other, [views * N], and the epochs
    take the views in turn. The last, smaller batch is filled with padding, the index views * N.
    """
    steps = -(-examples // batch_size)

    def order(seed: jax.Array, fold: jax.Array, epoch: jax.Array) -> jax.Array:
        drawn = jax.random.permutation(key(seed, "shuffle", epoch), examples) + (epoch % views) * examples
        padding = steps * batch_size - examples
        return jnp.pad(drawn, (0, padding), constant_values=views * examples).reshape(steps, batch_size)

    return order


def by_class(labels: np.ndarray, batch_size: int, views: int = 1) -> Order:
    """As `uniform`, with one class after the other: a control, the worst that an order can be."""
    return _arranged(labels, np.arange(len(labels)), batch_size, views)


def interleaved(labels: np.ndarray, batch_size: int, views: int = 1) -> Order:
    """As `uniform`, with the classes mixed evenly: every prefix has each class's share, give or take one example.

    The turns of the classes are the same in every epoch (`turns`); which example takes a turn is drawn.
    """
    taken = np.empty(len(labels), np.int64)
    taken[np.argsort(turns(np.bincount(labels)), kind="stable")] = np.arange(len(labels))
    return _arranged(labels, taken, batch_size, views)


def turns(counts: np.ndarray) -> np.ndarray:
    """The class of each of N turns, int [N], for classes of so many examples [K].

    After t turns a class of share s has had less than one turn more or less than s t. Its next turn may come when it
    would be at most 1 - d ahead then, and must come before it is more than that behind; of those that may, the one that
    must first has it. With d = 1 / (2 K - 2) none is late (Tijdeman 1980, "The chairman assignment problem").
    """
    present = [int(label) for label in np.flatnonzero(counts)]
    margin, total = 1 / max(2 * len(present) - 2, 2), int(np.sum(counts))
    waiting = [
        (margin * total / counts[label], label, 0) for label in present
    ]  # by the time from which a turn may come
    heapq.heapify(waiting)
    ready: list[tuple[float, int, int]] = []  # by the time up to which it must come
    order = np.empty(total, np.int64)
    for turn in range(total):
        while waiting and waiting[0][0] <= turn + 1 + 1e-6:
            _, label, had = heapq.heappop(waiting)
            heapq.heappush(ready, ((had + 1 - margin) * total / counts[label], label, had))
        _, label, had = heapq.heappop(ready)
        order[turn] = label
        if had + 1 < counts[label]:
            heapq.heappush(waiting, ((had + 1 + margin) * total / counts[label], label, had + 1))
    return order


def subsampled(labels: np.ndarray, batch_size: int) -> Order:
    """As many examples of each class an epoch as the rarest has, drawn anew by (seed, epoch): the others rest."""
    counts = np.bincount(labels)
    return _drawn_by_class(labels, np.where(counts > 0, counts[counts > 0].min(), 0), batch_size)


def duplicated(labels: np.ndarray, batch_size: int) -> Order:
    """As many examples of each class an epoch as the commonest has: rarer ones come again, equally often or once more.

    Which come once more is drawn anew by (seed, epoch).
    """
    counts = np.bincount(labels)
    return _drawn_by_class(labels, np.where(counts > 0, counts.max(), 0), batch_size)


def class_weights(labels: np.ndarray) -> np.ndarray:
    """A weight for each example, float32 [N], with which every class has the same sum; their mean is 1."""
    counts = np.bincount(labels)
    return (len(labels) / (np.count_nonzero(counts) * counts[labels])).astype(np.float32)


def _drawn_by_class(labels: np.ndarray, wanted: np.ndarray, batch_size: int) -> Order:
    """`wanted` [K] examples of each class an epoch, in a drawn order, each example as often as any of its class or
    once more.
    """
    counts, count = np.bincount(labels, minlength=len(wanted)), len(labels)
    starts = np.cumsum(counts) - counts
    # Number j of the wanted ones of a class is number j modulo its size, of its examples in the order that is drawn.
    taken = np.concatenate(
        [start + np.arange(number) % max(size, 1) for start, number, size in zip(starts, wanted, counts, strict=True)]
    )
    steps = -(-len(taken) // batch_size)
    own = np.asarray(labels)

    def order(seed: jax.Array, fold: jax.Array, epoch: jax.Array) -> jax.Array:
        rows = jax.random.permutation(key(seed, "classes", epoch), count)
        by_label = rows[jnp.argsort(jnp.asarray(own)[rows], stable=True)]
        drawn = jax.random.permutation(key(seed, "shuffle", epoch), by_label[taken])
        padding = steps * batch_size - len(taken)
        return jnp.pad(drawn, (0, padding), constant_values=count).reshape(steps, batch_size)

    return order


def _arranged(labels: np.ndarray, taken: np.ndarray, batch_size: int, views: int) -> Order:
    """Position t of an epoch has number taken[t] of the examples, which are sorted by class, and drawn within one."""
    drawn, count = uniform(len(labels), batch_size, views), len(labels)
    own = np.asarray(labels)

    def order(seed: jax.Array, fold: jax.Array, epoch: jax.Array) -> jax.Array:
        flat = drawn(seed, fold, epoch).reshape(-1)
        rows = flat[:count]
        by_label = rows[jnp.argsort(jnp.asarray(own)[rows % count], stable=True)]
        return jnp.concatenate([by_label[taken], flat[count:]]).reshape(-1, batch_size)

    return order


def within_folds(rows: Sequence[np.ndarray], examples: int, batch_size: int) -> Order:
    """Of N `examples` a fold's own `rows` once an epoch, in an order drawn anew by (seed, epoch).

    Padding is also what shorter folds lack of the longest.
    """
    longest = max(map(len, rows))
    own = np.stack([np.pad(each, (0, longest + 1 - len(each)), constant_values=examples) for each in rows])
    drawn = uniform(longest, batch_size)

    def order(seed: jax.Array, fold: jax.Array, epoch: jax.Array) -> jax.Array:
        return jnp.asarray(own, jnp.int32)[fold, drawn(seed, fold, epoch)]

    return order
