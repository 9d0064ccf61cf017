"""The truth about one pixel, picture by picture: every change of a gray one, a verdict on one of several channels."""

import functools
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from research.attack.bounds import unbounded
from research.attack.boxes import BoxMargins, box_margins
from research.attack.color import decide
from research.attack.exhaustive import Margins, exhaustive, pruned
from research.attack.success import Aim, margin
from research.config import OnePixel
from research.experiment.attack.asking import Asking, asking, steady_net, whole
from research.experiment.attack.search import Row, read_lines, target_of, write_lines
from research.experiment.attack.victims import Victims
from research.report.progress import counting

ASKED = 512  # pictures in one call


def truths(config: OnePixel, found: Victims, folder: Path) -> list[Row]:
    """A row for each of the first `config.exhaustive` attacks; those already in `folder` are taken from there.

    It says: picture, target, possible (whether a one-pixel change succeeds; None: not known), and of a gray picture
    flips (int [H][W]: of the 256 values, those that succeed at each place), of others the change, if one is known.
    """
    count = min(config.exhaustive, len(found.images))
    path = folder / "exhaustive.jsonl"
    rows = read_lines(path)[:count]
    tell = _teller(found)
    with counting("pictures") as show:
        for index in range(len(rows), count):
            aim = jax.tree.map(lambda leaf, i=index: leaf[i], found.aims)
            named = {"picture": int(found.indices[index]), "target": target_of(found, index)}
            rows.append(named | tell(found.images[index], aim))
            write_lines(path, rows)
            show("every change of one pixel", index + 1, count)
    return rows


def _teller(found: Victims) -> Callable[[np.ndarray, Aim], Row]:
    bounded = _bounded(found)
    if found.images.shape[-1] > 1:
        return functools.partial(_verdict, asking(found), bounded)
    if bounded is not None:
        return functools.partial(_pruned, whole(found), bounded)
    run = jax.jit(lambda variables, image, aim: exhaustive(functools.partial(found.net.apply, variables), image, aim))
    return lambda image, aim: _flips(np.asarray(run(found.net.variables, image, aim)))


def _bounded(found: Victims) -> Callable[[np.ndarray, Aim], BoxMargins] | None:
    """The bounds of the net on changes of a picture; None where it has layers without bounds."""
    steady = steady_net(found)
    return functools.partial(box_margins, *steady) if steady and not unbounded(steady[0]) else None


def _pruned(net: Asking, bounded: Callable[[np.ndarray, Aim], BoxMargins], image: np.ndarray, aim: Aim) -> Row:
    return _flips(pruned(bounded(image, aim), _margins(net, image, aim), image.shape[:2])[0])


def _flips(flips: np.ndarray) -> Row:
    return {"possible": bool(flips.any()), "flips": flips.tolist()}


def _verdict(net: Asking, bounded: Callable[[np.ndarray, Aim], BoxMargins] | None, image: np.ndarray, aim: Aim) -> Row:
    bound = None if bounded is None else bounded(image, aim)
    verdict = decide(bound, _margins(net, image, aim), image.shape[:2], image.shape[-1])
    possible = {"flipped": True, "certified": False, "unknown": None}[verdict.status]
    return {"possible": possible, "change": None if verdict.candidate is None else verdict.candidate.tolist()}


def _margins(net: Asking, image: np.ndarray, aim: Aim) -> Margins:
    """The margins of candidates on `image`, less what they may be rounded by."""

    def margins(candidates: np.ndarray) -> np.ndarray:
        parts = []
        for start in range(0, len(candidates), ASKED):
            chosen = candidates[np.minimum(np.arange(start, start + ASKED), len(candidates) - 1)]
            parts.append(np.asarray(_margin(net.asker, net.variables, image, aim, chosen)) - net.rounding)
        return np.concatenate(parts)[: len(candidates)] if parts else np.zeros(0)

    return margins


@functools.partial(jax.jit, static_argnums=0)
def _margin(asker_of, variables, image: jax.Array, aim: Aim, candidates: jax.Array) -> jax.Array:
    return margin(asker_of(variables)(image)(candidates), aim)
