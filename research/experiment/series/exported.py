"""A trained forecaster for other libraries. Its scaling, in float64, stays outside of the net and is told beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from research.config import SeriesExperiment
from research.data.series.durations import format_duration
from research.data.series.reference import Reference
from research.experiment.exported import ExportedNet, leaves_of
from research.experiment.series.keras_layers import KERAS_LAYERS
from research.experiment.series.net import Sizes, bounds_of, build_network, sizes_of
from research.experiment.series.predict import load
from research.experiment.series.saved_forecasts import read_correction, read_reference
from research.experiment.series.torch_layers import TORCH_LAYERS
from research.models.apply import apply_of

WINDOWS = 4  # of random numbers that both nets run on
SLOTS = {
    "mean": "0",
    "day": "seconds since local midnight // seconds of a step",
    "weekday": "seconds since local midnight // seconds of a step + weekday (Monday 0) * steps of a day, rounded up",
}


def exported(config: SeriesExperiment, run_dir: Path, seed: int | None) -> ExportedNet:
    """See `Task.exported`. Values and forecasts are in spreads from the reference, which the document holds."""
    seed = config.seed if seed is None else seed
    found, reference = load(config, run_dir, seed), read_reference(run_dir)
    columns = tuple(found.preprocessing["columns"])
    sizes = sizes_of(config, columns, reference.step)
    net, window = build_network(config.model, sizes), _window(sizes)
    outputs = np.asarray(apply_of(net)(found.variables, window, None)[0])
    L, P, F, Q = sizes.context, *outputs.shape[1:]
    steps = {"values": f"[B, {L}, {F}]", "known": f"[B, {L}, {F}]", "calendar": f"[B, {L + P}, {sizes.calendar}]"}
    inputs = _read(window, sizes)
    return ExportedNet(
        title=config.name,
        net=net,
        members=[leaves_of(found.variables)],
        inputs=inputs,
        outputs=outputs,
        keras=KERAS_LAYERS,
        torch=TORCH_LAYERS,
        reads=", ".join(f"{name} {steps[name]}" for name in inputs),
        gives=f"forecasts [B, {P}, {F}, {Q}] by step, column and quantile, in spreads from the expected values",
        document=_document(config, columns, sizes, reference, read_correction(run_dir, seed).shrink),
    )


def _window(sizes: Sizes) -> dict[str, np.ndarray]:
    """Windows of random numbers, of which a tenth is unknown where windows may have such."""
    draw, L, P = np.random.default_rng(0), sizes.context, sizes.horizon
    known = (draw.random((WINDOWS, L, sizes.channels)) > 0.1 * sizes.masked).astype(np.float32)
    return {
        "values": draw.normal(size=known.shape).astype(np.float32) * known,
        "known": known,
        "calendar": draw.uniform(-1, 1, (WINDOWS, L + P, sizes.calendar)).astype(np.float32),
    }


def _read(window: Mapping[str, np.ndarray], sizes: Sizes) -> dict[str, np.ndarray]:
    """What the net reads of windows."""
    read = {"values": True, "known": sizes.masked, "calendar": sizes.calendar > 0}
    return {name: each for name, each in window.items() if read[name]}


def _document(
    config: SeriesExperiment, columns: tuple[str, ...], sizes: Sizes, reference: Reference, shrink: np.ndarray
) -> dict[str, Any]:
    """How a series becomes the net's inputs, and its outputs forecasts."""
    bounds, data = bounds_of(config.forecast, columns), config.data
    return {
        "columns": columns,
        "context_steps": sizes.context,
        "horizon_steps": sizes.horizon,
        "step": format_duration(reference.step),
        "values": "(value - expected) / spread of each step of the context, computed in float64; 0 where unknown",
        "known": "1 where a value is known, else 0" if sizes.masked else "every value must be known",
        "calendar": data.calendar,
        "calendar_columns": "of context and horizon, for each name sin and cos of 2 pi times: time_of_day, the share "
        "of the day since local midnight; day_of_week, weekday (Monday 0) / 7; time_of_year, day of the year (from 0) "
        "/ its days",
        "forecast": "expected + spread * shrink[step] * output, of the step that is forecast; with quantiles, these in "
        "rising order, the middle one the forecast; then at least lower and at most upper",
        "quantiles": sizes.quantiles,
        "shrink": shrink,
        "lower": bounds.lower,  # infinities are null
        "upper": bounds.upper,
        "missing_steps": "left out: the next step follows" if data.missing == "join" else "",
        "slot": SLOTS[reference.profile.kind],
        "series": {
            name: {"expected_by_slot": table, "spread": spread}
            for name, table, spread in zip(reference.names, reference.table, reference.spread, strict=True)
        },
    }
