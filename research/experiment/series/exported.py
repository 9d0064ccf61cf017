"""A trained forecaster for other libraries. Its scaling, in float64, stays outside of the net and is told beside it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from research.config import SeriesExperiment
from research.experiment.exported import ExportedNet, leaves_of
from research.experiment.series.keras_layers import KERAS_LAYERS
from research.experiment.series.net import Sizes, build_network, sizes_of
from research.experiment.series.predict import load
from research.experiment.series.saved_forecasts import read_reference
from research.experiment.series.torch_layers import TORCH_LAYERS
from research.models.apply import apply_of

WINDOWS = 4  # of random numbers that both nets run on


def exported(config: SeriesExperiment, run_dir: Path, seed: int | None) -> ExportedNet:
    """See `Task.exported`. Values and forecasts are in spreads from the reference, which the document holds."""
    seed = config.seed if seed is None else seed
    found = load(config, run_dir, seed)
    sizes = sizes_of(config, found.preprocessing["columns"], read_reference(run_dir).step)
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
        document=found.preprocessing,
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
