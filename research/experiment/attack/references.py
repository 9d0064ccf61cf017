"""What the search is compared with, besides random pixels: pixels by the gradient, and small changes of all pixels."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np

from research.attack.gradients import Ball, changed, fgsm, gradient_pixels, pgd
from research.attack.one_pixel import LogitsFn
from research.attack.success import Aim, margin
from research.config import OnePixel
from research.experiment.attack.search import Row, read_lines, write_lines
from research.experiment.attack.victims import Victims
from research.keys import key
from research.report.progress import counting

TOGETHER = 32  # pictures in one call

Change = Callable[[jax.Array, LogitsFn, jax.Array, Aim], jax.Array]  # (key, net, images, aims) -> changed images


def references(config: OnePixel, found: Victims, folder: Path) -> list[Row]:
    """A row for each way: way ("gradient pixels", "FGSM", "PGD"), pixels or norm and radius, and flipped (bool [N]).

    Rows already in `folder` are taken from there.
    """
    path = folder / "references.jsonl"
    rows = read_lines(path)
    ways = list(_ways(config))
    with counting("ways") as show:
        for named, change in ways[len(rows) :]:
            rows.append(named | {"flipped": _flipped(config, found, change).tolist()})
            write_lines(path, rows)
            show("by the gradient", len(rows), len(ways))
    return rows[: len(ways)]


def _ways(config: OnePixel) -> Iterator[tuple[Row, Change]]:
    for pixels in sorted(set(config.pixels)):
        yield {"way": "gradient pixels", "pixels": pixels}, functools.partial(_by_pixels, pixels)
    for radius in config.linf:
        ball = Ball("Linf", radius)
        yield {"way": "FGSM", "norm": ball.norm, "radius": radius}, functools.partial(_by_fgsm, ball)
    for ball in (*(Ball("Linf", radius) for radius in config.linf), *(Ball("L2", radius) for radius in config.l2)):
        yield {"way": "PGD", "norm": ball.norm, "radius": ball.radius}, functools.partial(_by_pgd, ball)


def _by_pixels(pixels: int, _: jax.Array, logits_fn: LogitsFn, images: jax.Array, aims: Aim) -> jax.Array:
    return changed(images, gradient_pixels(logits_fn, images, aims, pixels))


def _by_fgsm(ball: Ball, _: jax.Array, logits_fn: LogitsFn, images: jax.Array, aims: Aim) -> jax.Array:
    return fgsm(logits_fn, images, aims, ball)


def _by_pgd(ball: Ball, address: jax.Array, logits_fn: LogitsFn, images: jax.Array, aims: Aim) -> jax.Array:
    return pgd(address, logits_fn, images, aims, ball)


def _flipped(config: OnePixel, found: Victims, change: Change) -> np.ndarray:
    """Whether the net names another class (or the target) for each picture after `change`, bool [N]."""

    @jax.jit
    def run(variables, address, images, aims):
        logits_fn = functools.partial(found.net.apply, variables)
        return jax.vmap(margin)(logits_fn(change(address, logits_fn, images, aims)), aims) > 0

    parts = []
    for start in range(0, len(found.images), TOGETHER):
        chosen = np.minimum(np.arange(start, start + TOGETHER), len(found.images) - 1)
        images, aims = jax.tree.map(lambda leaf, at=chosen: leaf[at], (found.images, found.aims))
        parts.append(np.asarray(run(found.net.variables, key(config.seed, "pgd", start), images, aims)))
    return np.concatenate(parts)[: len(found.images)]
