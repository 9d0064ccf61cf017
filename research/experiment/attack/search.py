"""The search over all pictures, a few at a time: progress is shown, and every finished picture is kept on disk."""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.attack.evolution import Evolution
from research.attack.exhaustive import exhaustive
from research.attack.one_pixel import Attack, aims_of, one_pixel, unchanged_starts
from research.attack.pixels import drawn
from research.attack.random_pixels import random_pixels
from research.attack.success import Aim
from research.config import OnePixel
from research.errors import UserError
from research.experiment.attack.victims import Victims
from research.files import write_text
from research.keys import key
from research.report import formats
from research.report.progress import counting

Row = dict[str, Any]
TOGETHER = 8  # pictures in one call: what is lost where a run is cut off


def attack_of(config: OnePixel, pixels: int) -> Attack:
    """The settings of a search with so many pixels."""
    how = Evolution(config.mutation, config.weight, config.crossover)
    return Attack(pixels, config.population, config.generations, how)


def targets_of(config: OnePixel, found: Victims) -> np.ndarray | None:
    """The class to be named for each picture, int32 [N]; None where any wrong one will do."""
    if config.target is None:
        return None
    if config.target not in found.classes:
        raise UserError(f"no class {config.target} (there are {', '.join(found.classes)})")
    target = found.classes.index(config.target)
    return np.full(len(found.labels), target, np.int32)


def search(config: OnePixel, found: Victims, folder: Path) -> dict[int, list[Row]]:
    """{pixels: a row for each picture}; rows already in `folder` are taken from there.

    A row says: picture (its index in the test split), pixels, success, flipped_by_random (the control), coordinates
    ((row, column) of each pixel), values, margin and evaluations.
    """
    targets, rows, before = targets_of(config, found), {}, None
    for pixels in sorted(set(config.pixels)):
        with counting("pictures") as show:
            rows[pixels] = _searched(config, found, targets, pixels, before, folder, show)
        before = _starts(found, rows[pixels])
    return rows


def truths(config: OnePixel, found: Victims, folder: Path) -> list[Row]:
    """Of the first `config.exhaustive` pictures: flips (int [H][W], values that flip the picture at each place)."""
    count = min(config.exhaustive, len(found.images))
    path, targets = folder / "exhaustive.jsonl", targets_of(config, found)
    rows = _read(path)
    run = jax.jit(functools.partial(exhaustive, found.logits_fn))
    with counting("pictures") as show:
        for index in range(len(rows), count):
            truth = run(
                found.images[index], jax.tree.map(lambda leaf, i=index: leaf[i], aims_of(found.labels, targets))
            )
            rows.append({"picture": int(found.indices[index]), "flips": np.asarray(truth.flips).tolist()})
            _write(path, rows)
            show("every change of one pixel", index + 1, count)
    return rows[:count]


def _searched(
    config: OnePixel,
    found: Victims,
    targets: np.ndarray | None,
    pixels: int,
    before: np.ndarray | None,
    folder: Path,
    show: Any,
) -> list[Row]:
    path, attack = folder / f"pixels-{pixels}.jsonl", attack_of(config, pixels)
    done = _read(path)[: len(found.images)]
    aims = aims_of(found.labels, targets)
    starts = np.asarray(unchanged_starts(found.images, 1)) if before is None else before
    for start in range(len(done), len(found.images), TOGETHER):
        chosen = np.minimum(np.arange(start, start + TOGETHER), len(found.images) - 1)  # one size, compiled once
        labels = found.labels[chosen]
        address = key(config.seed, "search", pixels)
        result = _run(
            found.logits_fn, attack, address, found.indices[chosen], found.images[chosen], labels,
            None if targets is None else targets[chosen], starts[chosen],
        )  # fmt: skip
        control = _control(
            found.logits_fn, attack, key(config.seed, "random", pixels), found.indices[chosen], found.images[chosen],
            jax.tree.map(lambda leaf, at=chosen: leaf[at], aims),
        )  # fmt: skip
        done += _rows(found, chosen, pixels, result, control)[: len(found.images) - start]
        _write(path, done)
        show(formats.pixels(pixels), len(done), len(found.images))
    return done


@functools.partial(jax.jit, static_argnums=(0, 1))
def _run(logits_fn, attack, key, indices, images, labels, targets, starts):
    return one_pixel(key, logits_fn, images, labels, targets=targets, attack=attack, start=starts, indices=indices)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _control(logits_fn, attack, key, indices, images, aims: Aim):
    def one(inputs):
        index, image, aim = inputs
        return random_pixels(jax.random.fold_in(key, index), logits_fn, image, aim, attack)

    return jax.lax.map(one, (indices, images, aims))[0]


def _rows(found: Victims, chosen: np.ndarray, pixels: int, result: Any, control: jax.Array) -> list[Row]:
    parts = (result.success, result.coordinates, result.values, result.margin, result.evaluations, control)
    names = ("success", "coordinates", "values", "margin", "evaluations", "flipped_by_random")
    columns = {name: np.asarray(part).tolist() for name, part in zip(names, parts, strict=True)}
    return [
        {"picture": int(found.indices[at]), "pixels": pixels} | {name: column[i] for name, column in columns.items()}
        for i, at in enumerate(chosen)
    ]


def _starts(found: Victims, rows: Sequence[Row]) -> np.ndarray:
    """The candidates of `rows`, int32 [N, k, 2 + C]: a picture that was not flipped begins without any change."""
    pixels = rows[0]["pixels"]
    still = np.array(unchanged_starts(found.images, pixels))
    for index, row in enumerate(rows):
        if row["success"]:
            still[index] = np.concatenate([row["coordinates"], row["values"]], axis=-1)
    return still


def adversarial(image: np.ndarray, row: Mapping[str, Any]) -> np.ndarray:
    """`image` (uint8 [H, W, C]) with the change of `row` drawn in."""
    candidate = np.concatenate([row["coordinates"], row["values"]], axis=-1)
    return np.asarray(drawn(jnp.asarray(image), jnp.asarray(candidate)[None])[0])


def _read(path: Path) -> list[Row]:
    """The rows of the file at `path` up to the first that is damaged."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _write(path: Path, rows: Sequence[Row]) -> None:
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))
