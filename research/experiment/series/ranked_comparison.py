"""The comparison of forecasters: ranked with the baselines, and every pair tested."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from research.config import SeriesExperiment
from research.data.series.months import keeps_to_months, month_of
from research.evaluation.clustered import clustered_mean
from research.evaluation.forecast_errors import known_mean, window_losses
from research.evaluation.metrics import metric_of
from research.evaluation.ranking import Ranking, ranking
from research.experiment.histories import histories_of
from research.experiment.series.saved_forecasts import SavedForecasts, read_forecasts
from research.files import write_bytes
from research.report import ranking as tables
from research.report.curves import losses
from research.report.ranking_figure import ranking_figure

Record = dict[str, Any]


def compare_runs(
    entries: Sequence[tuple[SeriesExperiment, Path]], records: dict[str, Record], figure: Path
) -> tuple[dict[str, Any], list[Table]]:
    """A row for each run and baseline, best first; draws `figure`, and beside it NAME-losses of all runs' training."""
    saved = {config.name: read_forecasts(run_dir) for config, run_dir in entries}
    first = next(iter(saved.values()))
    errors = {name: np.stack(list(run.models.values())) for name, run in saved.items()}
    for name, run in saved.items():
        for baseline, each in run.baselines.items():
            if not np.array_equal(errors.setdefault(baseline, each[None])[0], each, equal_nan=True):
                errors[f"{baseline} of {name}"] = each[None]
    unit = entries[0][0].data.unit
    published = {config.name: config.published for config, _ in entries}
    rows = [_row(name, each, first, records.get(name), published.get(name)) for name, each in errors.items()]
    pairs = _pairs(first, errors, unit, joined=entries[0][0].data.missing == "join")
    write_bytes(figure, ranking_figure(rows, unit))
    kinds = {(config.forecast.loss, config.data.reference, config.data.scaling) for config, _ in entries}
    histories = {_loss_label(config, alike=len(kinds) == 1): histories_of(run_dir) for config, run_dir in entries}
    if any(histories.values()):  # none where no run was trained
        write_bytes(figure.with_name(f"{figure.stem}-losses{figure.suffix}"), losses(histories))
    return {row["name"]: row for row in rows}, [tables.ranking(rows, unit), tables.paired(pairs, unit)]


def _loss_label(config: SeriesExperiment, *, alike: bool) -> str:
    """The label of a run's loss curve; it states the loss where the runs do not all have the same."""
    around = "" if config.data.reference == "mean" else " around the profile"
    scaled = "" if config.data.scaling == "standard" else f", scaling {config.data.scaling}"
    return config.name if alike else f"{config.name}: {config.forecast.loss}{around}{scaled}"


def _row(
    name: str, forecasts: np.ndarray, saved: SavedForecasts, record: Record | None, published: float | None
) -> Record:
    """`forecasts` [S, N, P, F] of a model or baseline; the interval of its error is over other days."""
    each = np.abs(forecasts - saved.truth)
    values = [float(known_mean(one, axis=(0, 1, 2))) for one in each]
    trust = clustered_mean(each.mean(axis=0), saved.times.astype("datetime64[D]")[:, :, None])
    return {
        "name": name,
        "mae": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "low95": metric_of("mae").bounded(trust["low95"]),
        "high95": trust["high95"],
        "values": values,
        "parameters": None if record is None else record["parameters"]["trainable"],
        "published": published,
        "seconds": None if record is None else record["seconds"]["total"],
    }


def _pairs(saved: SavedForecasts, forecasts: dict[str, np.ndarray], unit: str, *, joined: bool) -> list[Record]:
    """All pairs of models and baselines, tested on losses averaged over windows that begin at the same time."""
    times, index = np.unique(saved.times[:, 0], return_inverse=True)
    scale = None if unit or saved.truth.shape[2] == 1 else np.mean(saved.spread, axis=0)
    found = {
        name: np.stack([_averaged(window_losses(one, saved.truth, scale), index, len(times)) for one in runs])
        for name, runs in forecasts.items()
    }
    positions = steps_between(times, saved.times, joined=joined)
    days = times.astype("datetime64[D]").astype(int)
    ranked: Ranking = ranking(found, positions, days, saved.truth.shape[1])
    return [{"a": p["better"], "b": p["worse"], "days": p["days"]} | dict(p["test"]) for p in ranked.pairs]


def steps_between(origins: np.ndarray, times: np.ndarray, *, joined: bool) -> np.ndarray:
    """The step at which each of `origins` [N] lies, datetime64[s], of windows with targets at `times` [M, P].

    Steps are counted by the clock or by months, or one after the other if the series are `joined` around gaps.
    """
    found = np.unique(times)
    if joined:
        return np.searchsorted(found, origins)
    origin_steps, target_steps = (
        month_of(each) if keeps_to_months({"": found}) else each.astype(np.int64) for each in (origins, found)
    )
    lengths, counts = np.unique(np.diff(target_steps), return_counts=True)
    return origin_steps // int(lengths[counts.argmax()] if len(lengths) else 1)


def _averaged(losses: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """The mean [count] of the known `losses` [N] of the windows of each `index` [N]; NaN where none is known."""
    known = np.isfinite(losses)
    total, number = np.bincount(index[known], losses[known], count), np.bincount(index[known], minlength=count)
    return total / np.where(number > 0, number, np.nan)
