"""The comparison of forecasters: ranked with the baselines, and every pair tested."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.config import SeriesExperiment
from research.data.series.months import keeps_to_months, month_of
from research.evaluation.clustered import clustered_mean
from research.evaluation.forecast_errors import known_mean, window_losses
from research.evaluation.metrics import metric_of
from research.evaluation.ranking import Ranking, ranking
from research.experiment.histories import histories_of
from research.experiment.series.saved_forecasts import SavedForecasts, read_forecasts
from research.experiment.task import ComparedRuns
from research.report import ranking as tables
from research.report.comparison_text import difference_text
from research.report.curves import losses_by_kind
from research.report.forecast_comparison_figure import Window, forecast_comparison
from research.report.ranking_figure import ranking_figure
from research.report.ranking_matrix import matrix

Record = Mapping[str, Any]
Entries = Mapping[str, tuple[SeriesExperiment, Path]]
MOST_LISTED = 12  # pairs; more are a matrix


def compare_runs(entries: Entries, records: Mapping[str, Record]) -> ComparedRuns:
    """A row for each run and baseline, best first; all pairs tested, and each told against the best."""
    saved = {name: read_forecasts(run_dir) for name, (_, run_dir) in entries.items()}
    first, data = next(iter(saved.values())), next(iter(entries.values()))[0].data
    forecasts = _forecasts(saved)
    published = {name: config.published for name, (config, _) in entries.items()}
    found = [_row(name, each, first, records.get(name), published.get(name)) for name, each in forecasts.items()]
    rows = {row["name"]: dict(row) for row in tables.ranked(found)}
    pairs = _pairs(first, forecasts, data.unit, joined=data.missing == "join")
    tested = tables.paired(pairs, data.unit) if len(pairs) <= MOST_LISTED else matrix(list(rows), pairs, data.unit)
    return ComparedRuns(
        metric="mae",
        unit=data.unit,
        rows=rows,
        differences=pairs,
        sentences=[difference_text(pair, "mae", data.unit) for pair in _against_best(pairs, next(iter(rows)))],
        tables=[tables.ranking(found, data.unit), tested],
        figures=_figures(entries, saved, found, data.unit),
    )


def _forecasts(saved: Mapping[str, SavedForecasts]) -> dict[str, np.ndarray]:
    """Forecasts [S, N, P, F] of each run and each baseline by name; baselines that differ stay apart."""
    found = {name: np.stack(list(run.models.values())) for name, run in saved.items()}
    for name, run in saved.items():
        for baseline, each in run.baselines.items():
            if not np.array_equal(found.setdefault(baseline, each[None])[0], each, equal_nan=True):
                found[f"{baseline} of {name}"] = each[None]
    return found


def _figures(
    entries: Entries, saved: Mapping[str, SavedForecasts], rows: Sequence[Record], unit: str
) -> dict[str, bytes]:
    histories = {name: histories_of(run_dir) for name, (_, run_dir) in entries.items()}
    return {
        "errors": ranking_figure(rows, unit),
        "forecasts": forecast_comparison(_windows(saved), unit),
        **losses_by_kind(histories, {name: _loss(config) for name, (config, _) in entries.items()}),
    }


def _windows(saved: Mapping[str, SavedForecasts]) -> list[Window]:
    """The windows with the median and the greatest mean error of all runs, first column; forecasts over seeds."""
    first = next(iter(saved.values()))
    means = {name: np.mean(list(run.models.values()), axis=0) for name, run in saved.items()}
    errors = known_mean(np.abs(np.stack(list(means.values())) - first.truth), axis=(0, 2, 3))
    order = np.argsort(errors, kind="stable")[: np.isfinite(errors).sum()]
    chosen = {int(order[len(order) // 2]): "a typical window", int(order[-1]): "the hardest window"}
    return [
        Window(
            f"{words}, from {str(first.times[window, 0]).replace('T', ' ')[:16]}",
            first.times[window],
            first.truth[window, :, 0],
            {name: mean[window, :, 0] for name, mean in means.items()},
        )
        for window, words in chosen.items()
    ]


def _loss(config: SeriesExperiment) -> str:
    """The loss in words: losses around other references, or on other scales, are not comparable."""
    around = {"mean": "", "day": " around the daily profile", "weekday": " around the weekly profile"}
    scaled = "" if config.data.scaling == "standard" else f", scaling {config.data.scaling}"
    return f"{config.forecast.loss}{around[config.data.reference]}{scaled}"


def _row(
    name: str, forecasts: np.ndarray, saved: SavedForecasts, record: Record | None, published: float | None
) -> dict[str, Any]:
    """`forecasts` [S, N, P, F] of a model or baseline; the interval of its error is over other days."""
    each = np.abs(forecasts - saved.truth)
    values = [float(known_mean(one, axis=(0, 1, 2))) for one in each]
    trust = clustered_mean(each.mean(axis=0), saved.times.astype("datetime64[D]")[:, :, None])
    return {
        "name": name,
        "mean": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "low95": metric_of("mae").bounded(trust["low95"]),
        "high95": trust["high95"],
        "values": values,
        "parameters": None if record is None else record["parameters"]["trainable"],
        "published": published,
        "seconds": None if record is None else record["seconds"]["total"],
    }


def _pairs(
    saved: SavedForecasts, forecasts: Mapping[str, np.ndarray], unit: str, *, joined: bool
) -> list[dict[str, Any]]:
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


def _against_best(pairs: list[dict[str, Any]], best: str) -> list[dict[str, Any]]:
    """The pairs that `best` is in, turned so that it is the second."""
    return [pair if pair["b"] == best else _turned(pair) for pair in pairs if best in (pair["a"], pair["b"])]


def _turned(pair: Mapping[str, Any]) -> dict[str, Any]:
    ends = [None if pair[end] is None else -pair[end] for end in ("high95", "low95")]
    return {**pair, "a": pair["b"], "b": pair["a"], "mean": -pair["mean"], "low95": ends[0], "high95": ends[1]}


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
