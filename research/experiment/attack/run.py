"""An attack from a run to its page: attack.json, pixels-K.jsonl, pictures/*.png, figures/*.png, attack.html."""

import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from research import runtime
from research.config import OnePixel
from research.errors import UserError
from research.evaluation.intervals import proportion
from research.experiment.attack.search import Row, adversarial, search, targets_of, truths
from research.experiment.attack.victims import Victims, victims
from research.files import check_writable, read_json, write_bytes, write_json, write_text
from research.report import attack_figures, pictures
from research.report.attack_page import render
from research.report.environment import environment

PAGE, RECORD = "attack.html", "attack.json"
PART = 256  # pictures that are checked at once


def attack(
    run_dir: Path | str,
    config: OnePixel,
    *,
    out: Path | str | None = None,
    root: str | None = None,
    seed: int | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Attack the net of `seed` in `run_dir` and write all to `out` (RUN/attack by default); returns attack.json.

    A call that was cut off goes on where it ended. Every change is checked again from its saved PNG file. Raises
    UserError for a run that is no classifier of pictures, for wrong settings, and for an `out` of another attack.
    """
    runtime.prepare()
    run_dir = Path(run_dir)
    folder = Path(out) if out else run_dir / "attack"
    found = victims(run_dir, config, root, seed)
    _check(config, found)
    _claim(folder, config, found)
    rows, truth = search(config, found, folder), truths(config, found, folder)
    changed = {pixels: _changed(found, rows[pixels]) for pixels in rows}
    named = {pixels: _verified(found, rows[pixels], changed[pixels], folder) for pixels in rows}
    record = {
        "run": str(run_dir),
        "experiment": found.name,
        "settings": _settings(config),
        "identity": found.identity,
        "pictures": len(found.images),
        "left_out": found.left_out,
        "classes": list(found.classes),
        "results": [_summary(rows[pixels], named[pixels]) for pixels in rows],
        "exhaustive": _truth_summary(truth, rows.get(1, ())),
        "command": command,
        "device": runtime.device_name(),
    } | environment()
    figures = _figures(found, rows, named, changed, truth, record)
    for name, png in figures.items():
        write_bytes(folder / "figures" / f"{name}.png", png)
    write_json(folder / RECORD, record)
    shown = {name: pictures.picture(png) for name, png in figures.items()}
    write_text(folder / PAGE, render(record, shown))
    return record


def _check(config: OnePixel, found: Victims) -> None:
    height, width, channels = found.images.shape[1:]
    if max(config.pixels) > height * width:
        raise UserError(f"{max(config.pixels)} pixels are more than the {height}x{width} of a picture; give fewer")
    if config.exhaustive and channels != 1:
        raise UserError("exhaustive search is for gray pictures; leave out --exhaustive")
    targets_of(config, found)


def _claim(folder: Path, config: OnePixel, found: Victims) -> None:
    """Make `folder` that of this attack; UserError where it is that of another one."""
    path, own = folder / "settings.json", {"settings": _settings(config), "identity": found.identity}
    check_writable(path)
    if path.is_file() and read_json(path) != own:
        before = read_json(path).get("settings", {})
        differing = [name for name, value in own["settings"].items() if before.get(name) != value]
        what = f"with other settings ({', '.join(differing)})" if differing else "on another net or other data"
        raise UserError(f"{folder} holds an attack {what}; delete it, or choose another --out")
    write_json(path, own)


def _settings(config: OnePixel) -> dict[str, Any]:
    """The fields of `config` as JSON has them."""
    return dataclasses.asdict(config) | {"pixels": list(config.pixels)}


def _changed(found: Victims, rows: Sequence[Row]) -> np.ndarray:
    """The pictures with the changes that succeeded, uint8 [N, H, W, C]."""
    pairs = zip(found.images, rows, strict=True)
    return np.stack([adversarial(image, row) if row["success"] else image for image, row in pairs])


def _verified(found: Victims, rows: Sequence[Row], changed: np.ndarray, folder: Path) -> np.ndarray:
    """Probabilities [N, K] of the changed pictures, as they are read from the PNG files that are written here.

    Raises UserError where a saved picture is not flipped as the search says.
    """
    again = np.array(found.images)
    for index, row in enumerate(rows):
        if row["success"]:
            path = folder / "pictures" / f"{row['picture']:06d}-pixels-{row['pixels']}.png"
            write_bytes(path, _png(changed[index]))
            read = np.asarray(Image.open(path))
            again[index] = read[..., None] if read.ndim == 2 else read
    run = jax.jit(lambda images: jax.nn.softmax(found.logits_fn(images)))
    shares = np.concatenate([np.asarray(run(again[start : start + PART])) for start in range(0, len(again), PART)])
    for index, row in enumerate(rows):
        if row["success"] and shares[index].argmax() == found.labels[index]:
            raise UserError(f"picture {row['picture']} is not flipped when read from its PNG; please report this")
    return shares


def _png(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pictures.planes(image)).save(content, "PNG")
    return content.getvalue()


def _summary(rows: Sequence[Row], shares: np.ndarray) -> dict[str, Any]:
    success = np.array([row["success"] for row in rows])
    queries = np.array([row["evaluations"] for row in rows])
    control = np.array([row["flipped_by_random"] for row in rows])
    low, high = proportion(int(success.sum()), len(rows))
    return {
        "pixels": rows[0]["pixels"],
        "flipped": int(success.sum()),
        "pictures": len(rows),
        "share": float(success.mean()),
        "low95": low,
        "high95": high,
        "flipped_by_random": int(control.sum()),
        "queries_mean": float(queries.mean()),
        "queries_mean_of_flips": float(queries[success].mean()) if success.any() else None,
        "confidence_mean_of_flips": float(shares.max(1)[success].mean()) if success.any() else None,
    }


def _truth_summary(truth: Sequence[Row], rows: Sequence[Row]) -> dict[str, Any] | None:
    """How many pictures some one-pixel change flips, and of these, how many the search has flipped."""
    if not truth:
        return None
    possible = {row["picture"] for row in truth if np.any(row["flips"])}
    flipped = {row["picture"] for row in rows if row["success"]}
    return {
        "pictures": len(truth),
        "possible": len(possible),
        "certified": len(truth) - len(possible),
        "found": len(possible & flipped) if rows else None,
    }


def _figures(
    found: Victims,
    rows: Mapping[int, Sequence[Row]],
    shares: Mapping[int, np.ndarray],
    changed: Mapping[int, np.ndarray],
    truth: Sequence[Row],
    record: Mapping[str, Any],
) -> dict[str, bytes]:
    made = {"success": attack_figures.success(record["results"], _queries(rows))}
    fewest = next((pixels for pixels in rows if any(row["success"] for row in rows[pixels])), None)
    if fewest is not None:
        own = rows[fewest]
        flips = [index for index, row in enumerate(own) if row["success"]]
        shown = [
            attack_figures.Flip(
                found.images[index],
                changed[fewest][index],
                tuple(map(tuple, own[index]["coordinates"])),
                found.classes[found.labels[index]],
                found.classes[int(shares[fewest][index].argmax())],
                float(shares[fewest][index].max()),
            )
            for index in flips[:12]
        ]
        made["gallery"] = attack_figures.gallery(shown)
        made["places"] = attack_figures.places(
            [place for index in flips for place in own[index]["coordinates"]], found.images.shape[1:3]
        )
        turned = np.zeros((len(found.classes),) * 2, int)
        for index in flips:
            turned[found.labels[index], shares[fewest][index].argmax()] += 1
        made["matrix"] = attack_figures.matrix(turned, found.classes)
    if truth:
        made["vulnerability"] = attack_figures.vulnerability([np.array(row["flips"]) for row in truth])
    return made


def _queries(rows: Mapping[int, Sequence[Row]]) -> dict[int, list[int | None]]:
    return {pixels: [row["evaluations"] if row["success"] else None for row in rows[pixels]] for pixels in rows}
