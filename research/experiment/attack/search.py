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
from research.attack.one_pixel import Attack, search_pixels, unchanged_starts
from research.attack.pixels import drawn
from research.attack.random_pixels import random_pixels
from research.attack.success import Aim
from research.config import OnePixel
from research.experiment.attack.asking import Asking, asking
from research.experiment.attack.victims import ALL, Victims
from research.files import write_text
from research.keys import key
from research.report import formats
from research.report.progress import counting

Row = dict[str, Any]
TOGETHER = 8  # pictures in one call: what is lost where a run is cut off


def attack_of(config: OnePixel, pixels: int, rounding: float) -> Attack:
    """The settings of a search with so many pixels, on a net whose logits are rounded by so much."""
    how = Evolution(config.mutation, config.weight, config.crossover)
    return Attack(pixels, config.population, config.generations, how, rounding)


def search(config: OnePixel, found: Victims, folder: Path) -> dict[int, list[Row]]:
    """{pixels: a row for each picture}; rows already in `folder` are taken from there.

    A row says: picture (its index in the test split), target (a class; None: any wrong one), pixels, success,
    flipped_by_random (the control), coordinates ((row, column) of each pixel), values, margin and evaluations.
    """
    rows, before, net = {}, None, asking(found)
    for pixels in sorted(set(config.pixels)):
        with counting("attacks" if config.target == ALL else "pictures") as show:
            rows[pixels] = _searched(config, found, net, pixels, before, folder, show)
        before = _starts(found, rows[pixels])
    return rows


def _searched(
    config: OnePixel,
    found: Victims,
    net: Asking,
    pixels: int,
    before: np.ndarray | None,
    folder: Path,
    show: Any,
) -> list[Row]:
    path, attack = folder / f"pixels-{pixels}.jsonl", attack_of(config, pixels, net.rounding)
    done = read_lines(path)[: len(found.images)]
    starts = np.asarray(unchanged_starts(found.images, 1)) if before is None else before
    keys = key(config.seed, "search", pixels), key(config.seed, "random", pixels)
    for start in range(len(done), len(found.images), TOGETHER):
        chosen = np.minimum(np.arange(start, start + TOGETHER), len(found.images) - 1)  # one size, compiled once
        attacked = jax.tree.map(lambda leaf, at=chosen: leaf[at], (found.numbers, found.images, found.aims, starts))
        result, control = _run(net.asker, attack, net.variables, keys, *attacked)
        done += _rows(found, chosen, pixels, result, control)[: len(found.images) - start]
        write_lines(path, done)
        show(formats.pixels(pixels), len(done), len(found.images))
    return done


@functools.partial(jax.jit, static_argnums=(0, 1))
def _run(asker_of, attack: Attack, variables, keys, numbers, images, aims: Aim, starts):
    """(Result, whether random pixels flip each), of attacks [B]."""
    asker = asker_of(variables)

    def by_chance(inputs) -> jax.Array:
        number, image, aim = inputs
        return random_pixels(jax.random.fold_in(keys[1], number), asker(image), image, aim, attack)[0]

    result = search_pixels(keys[0], asker, images, aims, attack=attack, start=starts, indices=numbers)
    return result, jax.lax.map(by_chance, (numbers, images, aims))


def _rows(found: Victims, chosen: np.ndarray, pixels: int, result: Any, control: jax.Array) -> list[Row]:
    parts = (result.success, result.coordinates, result.values, result.margin, result.evaluations, control)
    names = ("success", "coordinates", "values", "margin", "evaluations", "flipped_by_random")
    columns = {name: np.asarray(part).tolist() for name, part in zip(names, parts, strict=True)}
    return [
        {"picture": int(found.indices[at]), "target": target_of(found, at), "pixels": pixels}
        | {name: column[i] for name, column in columns.items()}
        for i, at in enumerate(chosen)
    ]


def target_of(found: Victims, index: int) -> str | None:
    """The class that attack `index` asks for; None where any wrong one will do."""
    return None if found.targets is None else found.net.classes[found.targets[index]]


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


def read_lines(path: Path) -> list[Row]:
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


def write_lines(path: Path, rows: Sequence[Row]) -> None:
    """Write `rows` whole, a JSON object a line."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))
