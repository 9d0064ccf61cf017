"""The forecasts that a run saves for comparisons, and the corrections and reference for new forecasts."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.series.archives import BROKEN
from research.data.series.reference import Reference, reference_bytes, reference_from_bytes
from research.errors import UserError
from research.evaluation.conformal import Widths
from research.experiment.series.build import SeriesPlan
from research.experiment.series.evaluate import Correction, ForecastEvaluation
from research.files import npz_bytes, write_bytes

FORECASTS, REFERENCE = "forecasts.npz", "reference.npz"


class SavedForecasts(NamedTuple):
    """Forecasts of the windows of a split, of every seed and baseline, in the series' unit."""

    truth: np.ndarray  # [N, P, F], NaN where unknown
    times: np.ndarray  # datetime64[s] [N, P]
    spread: np.ndarray  # [N, F], scales of columns with different units
    models: dict[int, np.ndarray]  # by seed, [N, P, F]
    baselines: dict[str, np.ndarray]  # by name, [N, P, F]


def save_forecasts(
    run_dir: Path,
    plan: SeriesPlan,
    baselines: Mapping[str, np.ndarray],
    evaluations: Mapping[int, ForecastEvaluation],
) -> None:
    """Write forecasts.npz and reference.npz to the run directory `run_dir`; nothing in them is pickled."""
    targets = next(iter(evaluations.values())).targets
    arrays: dict[str, Any] = {
        "truth": targets.truth,
        "times": targets.times.astype("datetime64[s]").astype(np.int64),
        "spread": targets.spread,
    }
    arrays |= {f"baseline/{name}": forecasts for name, forecasts in baselines.items()}
    for seed, found in evaluations.items():
        arrays[f"forecasts/{seed}"] = found.forecasts.middle
        arrays[f"shrink/{seed}"] = found.correction.shrink
        arrays[f"uncalibrated/{seed}"] = np.array(found.correction.uncalibrated)
        widths = found.correction.widths
        arrays |= (
            {} if widths is None else {f"{name}/{seed}": each for name, each in dataclasses.asdict(widths).items()}
        )
    write_bytes(run_dir / FORECASTS, npz_bytes(arrays))
    write_bytes(run_dir / REFERENCE, reference_bytes(plan.reference))


def read_forecasts(run_dir: Path) -> SavedForecasts:
    """The saved forecasts of the run in `run_dir`; UserError when they are missing or not sound."""
    arrays = _arrays(run_dir)
    try:
        return SavedForecasts(
            truth=arrays["truth"],
            times=arrays["times"].astype("datetime64[s]"),
            spread=arrays["spread"],
            models={int(seed): each for seed, each in _under(arrays, "forecasts").items()},
            baselines=_under(arrays, "baseline"),
        )
    except (KeyError, ValueError) as error:
        raise _broken(run_dir, error) from error


def read_correction(run_dir: Path, seed: int) -> Correction:
    """The correction of `seed` in the run in `run_dir`; UserError when it is missing or not sound."""
    arrays = _arrays(run_dir)
    try:
        names = [field.name for field in dataclasses.fields(Widths)]
        widths = Widths(*(arrays[f"{name}/{seed}"] for name in names)) if f"below/{seed}" in arrays else None
        return Correction(arrays[f"shrink/{seed}"], widths, str(arrays.get(f"uncalibrated/{seed}", "")))
    except (KeyError, ValueError) as error:
        raise _broken(run_dir, error) from error


def read_reference(run_dir: Path) -> Reference:
    """The reference of the run in `run_dir`; UserError when it is missing or not sound."""
    try:
        return reference_from_bytes((run_dir / REFERENCE).read_bytes(), str(run_dir / REFERENCE))
    except OSError as error:
        raise UserError(
            f"cannot read {run_dir / REFERENCE} ({error.strerror}); scripts/train.py writes it at its end, and "
            "scripts/evaluate.py anew"
        ) from error


def _arrays(run_dir: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(run_dir / FORECASTS, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except BROKEN as error:
        raise _broken(run_dir, error) from error


def _under(arrays: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{group}/"): each for name, each in arrays.items() if name.startswith(f"{group}/")}


def _broken(run_dir: Path, error: Exception) -> UserError:
    return UserError(f"{run_dir / FORECASTS} cannot be read ({error}); renew it with scripts/evaluate.py")
