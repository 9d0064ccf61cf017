"""What a run keeps of its forecasts: those of every window of test, for comparisons, and what new ones need."""

import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.series.archives import BROKEN
from research.data.series.reference import Reference, reference_bytes, reference_from_bytes
from research.errors import UserError
from research.evaluation.conformal import Widths
from research.experiment.series.build import Parts
from research.experiment.series.evaluate import Correction, ForecastEvaluation
from research.files import write_bytes

FORECASTS, REFERENCE = "forecasts.npz", "reference.npz"


class SavedForecasts(NamedTuple):
    """Forecasts of the windows of a split, of every seed and baseline, in the series' unit."""

    truth: np.ndarray  # [N, P, F], NaN where unknown
    times: np.ndarray  # datetime64[s] [N, P]
    spread: np.ndarray  # [N, F], what brings columns of different units together
    models: dict[int, np.ndarray]  # by seed, [N, P, F]
    baselines: dict[str, np.ndarray]  # by name, [N, P, F]


def keep(
    place: Path, parts: Parts, baselines: Mapping[str, np.ndarray], judged: Mapping[int, ForecastEvaluation]
) -> None:
    """Write forecasts.npz and reference.npz to the run directory `place`; nothing in them is pickled."""
    targets = next(iter(judged.values())).targets
    arrays: dict[str, Any] = {
        "truth": targets.truth,
        "times": targets.times.astype("datetime64[s]").astype(np.int64),
        "spread": targets.spread,
    }
    arrays |= {f"baseline/{name}": forecasts for name, forecasts in baselines.items()}
    for seed, found in judged.items():
        arrays[f"forecasts/{seed}"] = found.forecasts.middle
        arrays[f"shrink/{seed}"] = found.correction.shrink
        arrays[f"uncalibrated/{seed}"] = np.array(found.correction.uncalibrated)
        widths = found.correction.widths
        arrays |= (
            {} if widths is None else {f"{name}/{seed}": each for name, each in dataclasses.asdict(widths).items()}
        )
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    write_bytes(place / FORECASTS, file.getvalue())
    write_bytes(place / REFERENCE, reference_bytes(parts.reference))


def read_kept(place: Path) -> SavedForecasts:
    """The forecasts that the run in `place` keeps; UserError when they are not there, or not sound."""
    arrays = _arrays(place)
    try:
        return SavedForecasts(
            truth=arrays["truth"],
            times=arrays["times"].astype("datetime64[s]"),
            spread=arrays["spread"],
            models={int(seed): each for seed, each in _under(arrays, "forecasts").items()},
            baselines=_under(arrays, "baseline"),
        )
    except (KeyError, ValueError) as error:
        raise _broken(place, error) from error


def read_correction(place: Path, seed: int) -> Correction:
    """What validation taught of `seed` in the run in `place`; UserError when that is not there, or not sound."""
    arrays = _arrays(place)
    try:
        names = [field.name for field in dataclasses.fields(Widths)]
        widths = Widths(*(arrays[f"{name}/{seed}"] for name in names)) if f"below/{seed}" in arrays else None
        return Correction(arrays[f"shrink/{seed}"], widths, str(arrays.get(f"uncalibrated/{seed}", "")))
    except (KeyError, ValueError) as error:
        raise _broken(place, error) from error


def read_reference(place: Path) -> Reference:
    """The reference that the run in `place` was told by; UserError when it is not there, or not sound."""
    try:
        return reference_from_bytes((place / REFERENCE).read_bytes(), str(place / REFERENCE))
    except OSError as error:
        raise UserError(f"cannot read {place / REFERENCE} ({error.strerror}); scripts/evaluate.py writes it") from error


def _arrays(place: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(place / FORECASTS, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except BROKEN as error:
        raise _broken(place, error) from error


def _under(arrays: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{group}/"): each for name, each in arrays.items() if name.startswith(f"{group}/")}


def _broken(place: Path, error: Exception) -> UserError:
    return UserError(f"{place / FORECASTS} cannot be read ({error}); renew it with scripts/evaluate.py")
