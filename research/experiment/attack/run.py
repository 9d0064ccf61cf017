"""An attack from a run to its page: attack.json, pixels-K.jsonl, pictures/*.png, figures/*.png, attack.html."""

import dataclasses
import io
import json
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
from research.experiment.attack.filter_change import filter_changes
from research.experiment.attack.references import references
from research.experiment.attack.search import Row, adversarial, search
from research.experiment.attack.transfer import transfers
from research.experiment.attack.truth import truths
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
    transfer: Sequence[str] = (),
    filter: str | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Attack the net of `seed` in `run_dir` and write all to `out` (RUN/attack by default); returns attack.json.

    `transfer` are other runs, on which the flips are tried, and `filter`, as LAYER:NUMBER, one whose most changing
    pixel is searched. A call that was cut off goes on where it ended. Every change is checked again from its saved PNG
    file. Raises UserError for a run that is no classifier of pictures, for wrong settings, and for an `out` of another
    attack.
    """
    runtime.prepare()
    run_dir = Path(run_dir)
    folder = Path(out) if out else run_dir / "attack"
    found = victims(run_dir, config, root, seed)
    _check(config, found)
    _claim(folder, config, found)
    rows, truth = search(config, found, folder), truths(config, found, folder)
    changed = {pixels: _changed(found, rows[pixels]) for pixels in rows}
    shares = {pixels: _verified(found, rows[pixels], changed[pixels], folder) for pixels in rows}
    record = {
        "run": str(run_dir),
        "experiment": found.net.config.name,
        "settings": _settings(config),
        "identity": found.identity,
        "pictures": len(set(found.indices.tolist())),
        "left_out": found.left_out,
        "classes": list(found.net.classes),
        "results": [_summary(rows[pixels], shares[pixels]) for pixels in rows],
        "references": [_counted(row) for row in references(config, found, folder)],
        "transfer": transfers(transfer, found, rows, changed),
        "filter": None if filter is None else {"name": filter, "pictures": filter_changes(filter, found)},
        "exhaustive": _truth_summary(truth, rows.get(1, ())),
        "command": command,
        "device": runtime.device_name(),
    } | environment()
    figures = _figures(found, rows, shares, changed, truth, record)
    for name, content in figures.items():
        write_bytes(folder / "figures" / f"{name}.png", content)
    write_json(folder / RECORD, record)
    shown = {name: pictures.picture(content) for name, content in figures.items()}
    write_text(folder / PAGE, render(record, shown))
    return record


def _check(config: OnePixel, found: Victims) -> None:
    height, width = found.images.shape[1:3]
    if max(config.pixels) > height * width:
        raise UserError(f"{max(config.pixels)} pixels are more than the {height}x{width} of a picture; give fewer")


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
    return json.loads(json.dumps(dataclasses.asdict(config)))


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
            target = "" if row["target"] is None else f"-class-{found.aims.target[index]}"
            path = folder / "pictures" / f"{row['picture']:06d}{target}-pixels-{row['pixels']}.png"
            write_bytes(path, _png(changed[index]))
            read = np.asarray(Image.open(path))
            again[index] = read[..., None] if read.ndim == 2 else read
    shares = _probabilities(found, again)
    for index, row in enumerate(rows):
        named = shares[index].argmax()
        wanted = named != found.labels[index] if found.targets is None else named == found.targets[index]
        if row["success"] and not wanted:
            raise UserError(f"picture {row['picture']} is not flipped when read from its PNG; please report this")
    return shares


def _probabilities(found: Victims, images: np.ndarray) -> np.ndarray:
    """Of each class for each of `images`, [N, K]."""
    run = jax.jit(lambda variables, batch: jax.nn.softmax(found.net.apply(variables, batch)))
    starts = range(0, len(images), PART)
    return np.concatenate([np.asarray(run(found.net.variables, images[start : start + PART])) for start in starts])


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


def _counted(row: Row) -> dict[str, Any]:
    """A reference's row with numbers instead of the pictures."""
    flipped, count = sum(row["flipped"]), len(row["flipped"])
    low, high = proportion(flipped, count)
    numbers = {"flipped": flipped, "pictures": count, "share": flipped / count, "low95": low, "high95": high}
    return {name: value for name, value in row.items() if name != "flipped"} | numbers


def _truth_summary(truth: Sequence[Row], rows: Sequence[Row]) -> dict[str, Any] | None:
    """How many pictures some one-pixel change flips, how many none does, and what the search has flipped of them."""
    if not truth:
        return None
    flipped = [row["success"] for row in rows[: len(truth)]]
    possible = [row["possible"] is True or any(flipped[index : index + 1]) for index, row in enumerate(truth)]
    certified = sum(row["possible"] is False for row in truth)
    return {
        "pictures": len(truth),
        "possible": sum(possible),
        "certified": certified,
        "unknown": len(truth) - sum(possible) - certified,
        "found": sum(flipped) if rows else None,
    }


def _figures(
    found: Victims,
    rows: Mapping[int, Sequence[Row]],
    shares: Mapping[int, np.ndarray],
    changed: Mapping[int, np.ndarray],
    truth: Sequence[Row],
    record: Mapping[str, Any],
) -> dict[str, bytes]:
    classes, made = found.net.classes, {}
    fewest = next((pixels for pixels in rows if any(row["success"] for row in rows[pixels])), None)
    flips = [] if fewest is None else _flips(found, rows[fewest], shares[fewest], changed[fewest])
    if flips:
        surest = max(flips, key=lambda flip: flip.after[flip.named])
        made["point"] = attack_figures.point(surest, classes)
    made["success"] = attack_figures.success(record["results"], _queries(rows))
    made["fewest"] = attack_figures.fewest({each["pixels"]: each["share"] for each in record["results"]})
    if flips:
        made["gallery"] = attack_figures.gallery(flips[:12], classes)
        spots = [spot for flip in flips for spot in flip.places]
        made["places"] = attack_figures.places(spots, found.images.shape[1:3])
        turned = np.zeros((len(classes),) * 2, int)
        np.add.at(turned, ([flip.label for flip in flips], [flip.named for flip in flips]), 1)
        made["matrix"] = attack_figures.matrix(turned, classes)
    if truth and "flips" in truth[0]:
        made["vulnerability"] = attack_figures.vulnerability([np.array(row["flips"]) for row in truth])
    if record["filter"]:
        by_number = dict(zip(found.indices.tolist(), found.images, strict=True))
        made["filter"] = attack_figures.filter_changes(by_number, record["filter"]["pictures"])
    return made


def _flips(found: Victims, rows: Sequence[Row], shares: np.ndarray, changed: np.ndarray) -> list[attack_figures.Flip]:
    flips = [index for index, row in enumerate(rows) if row["success"]]
    before = _probabilities(found, found.images[flips])
    return [
        attack_figures.Flip(
            found.images[index], changed[index], tuple(map(tuple, rows[index]["coordinates"])), own, shares[index]
        )
        for index, own in zip(flips, before, strict=True)
    ]


def _queries(rows: Mapping[int, Sequence[Row]]) -> dict[int, list[int | None]]:
    return {pixels: [row["evaluations"] if row["success"] else None for row in rows[pixels]] for pixels in rows}
