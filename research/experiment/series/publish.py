"""The outputs of a forecaster's run: its field of the record, figures, report and saved forecasts."""

import dataclasses
import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.config import SeriesExperiment, to_json
from research.data.series.closed_times import closed_text
from research.data.series.durations import format_duration
from research.data.series.text_times import format_offset
from research.evaluation.conformal import Widths
from research.evaluation.intervals import assured
from research.experiment.evaluations import best_epochs
from research.experiment.histories import command_of, headline_split, histories_of
from research.experiment.series.backtest import baseline_forecasts, season_name, targets_of
from research.experiment.series.build import SPLITS, SeriesPlan, closed_hours
from research.experiment.series.evaluate import ForecastEvaluation
from research.experiment.series.memory import memories_of
from research.experiment.series.negatives import negative_forecasts, never_negative
from research.experiment.series.saved_forecasts import save_forecasts
from research.files import write_bytes, write_text
from research.report import forecast_figures
from research.report.forecast_page import forecast_details
from research.report.page import render
from research.run_directory import REPORT
from research.training.state import TrainState, chosen_variables


def record_fields(plan: SeriesPlan, _: Mapping[int, Mapping[str, ForecastEvaluation]]) -> dict[str, Any]:
    """The field of the record that forecasters fill in: data, on the series and windows."""
    return {"data": _data_record(plan)}


def _data_record(plan: SeriesPlan) -> dict[str, Any]:
    data, sizes = plan.data, plan.sizes
    opening = closed_hours(plan)
    remarks = (data.findings.summary(), None if opening is None else closed_text(opening))
    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "windows": data_id(plan),
        "sizes": {split: plan.examples[split] for split in SPLITS},
        "columns": list(data.columns),
        "series": [one.name for one in data.parts["train"]],
        "unit": plan.config.data.unit,
        "step": format_duration(data.step),
        "utc_offset": None if data.offset is None else format_offset(data.offset),
        "context": format_duration(data.step * sizes.context),
        "horizon": format_duration(data.step * sizes.horizon),
        "training_days": _training_days(plan),
        "never_negative": never_negative(plan),
        "baselines": _baseline_errors(plan),
        "opening": None if opening is None else ["".join("01"[there] for there in day) for day in opening.astype(int)],
        "findings": [remark for remark in remarks if remark],
        "files": data.findings.document(),
    }


def _training_days(plan: SeriesPlan) -> int:
    """The number of days with a known value in training."""
    days = [one.times[np.isfinite(one.values).any(axis=1)].astype("datetime64[D]") for one in plan.data.parts["train"]]
    return len(np.unique(np.concatenate(days)))


def _baseline_errors(plan: SeriesPlan) -> dict[str, dict[str, float]]:
    """{split: {baseline: mean absolute error}}, in the series' own unit.

    For the season before, also over only those windows whose season before was measured throughout, if any.
    """
    errors = {}
    for split in SPLITS:
        if plan.examples[split]:
            truth, (named, naive) = (
                targets_of(plan.windows[split], plan.sizes).truth,
                baseline_forecasts(plan, split),
            )
            errors[split] = {name: float(np.nanmean(np.abs(each - truth))) for name, each in named.items()}
            whole = naive.seasonal.all(axis=(1, 2))
            if whole.any():
                strict = float(np.nanmean(np.abs(naive.forecasts - truth)[whole]))
                errors[split][f"{season_name(plan)}, {int(whole.sum())} whole windows"] = strict
    return errors


def data_id(plan: SeriesPlan) -> str:
    """A digest of the test windows: their values, times and starts."""
    windows, sizes = plan.windows["test"], plan.sizes
    digest = hashlib.sha256("\0".join((*plan.data.columns, str(sizes.context), str(sizes.horizon))).encode())
    for each in (windows.values, windows.known, windows.times.astype(np.int64), windows.starts):
        digest.update(np.ascontiguousarray(each).data)
    return digest.hexdigest()[:16]


def publish(
    config: SeriesExperiment,
    plan: SeriesPlan,
    run_dir: Path,
    members: Sequence[TrainState],
    evaluations: Mapping[int, Mapping[str, ForecastEvaluation]],
    record: dict[str, Any],
) -> None:
    """Draw the figures, write the report, and save the forecasts; details are those of the first seed."""
    split = headline_split(evaluations[config.seed])
    shown = evaluations[config.seed][split]
    evaluation = evaluation_document(shown, record["data"]["never_negative"])
    histories, best = histories_of(run_dir), best_epochs(members)
    memories = memories_of(plan, chosen_variables(members[0])["params"], split)
    windows, unit = panels(plan, split, shown), plan.config.data.unit
    drawn = forecast_figures.forecasting(histories, best, evaluation, windows, memories, unit)
    for name, png in drawn.items():
        write_bytes(run_dir / "figures" / f"{name}.png", png)
    baselines = baseline_forecasts(plan, split)[0]
    save_forecasts(run_dir, plan, baselines, {seed: splits[split] for seed, splits in evaluations.items()})
    page = render(
        record,
        command_of(run_dir),
        template="forecasting.html",
        details=forecast_details,
        config=to_json(config),
        summary=plan.summary,
        histories=histories,
        best_epochs=best,
        evaluation=evaluation,
        figures=drawn,
        split=split,
        headline="mae",
        unit="windows",
    )
    write_text(run_dir / REPORT, page)


def evaluation_document(found: ForecastEvaluation, never: Collection[str] = ()) -> dict[str, Any]:
    """An evaluation as plain values, for report and tables; `never` are the columns that were never negative."""
    model = dataclasses.asdict(found.model)
    scores = model.pop("intervals")
    beside = {name: dataclasses.asdict(each) for name, each in found.baselines.items()}
    widths, reason = found.correction.widths, found.correction.uncalibrated
    intervals = None
    if scores is not None and widths is not None:
        intervals = {"target": scores["wanted"], "worst_coverage": scores["worst"], **_promise(widths, scores)}
        intervals |= {name: scores[name] for name in ("coverage", "by_hour", "worst_hour", "width", "winkler")}
        if np.isfinite(scores["by_hour"]).sum() == 1:  # steps of days or months have one hour
            intervals |= {"worst_hour": None, "method": intervals["method"].replace(" by hour of day", "")}
    return model | {
        "baselines": beside,
        "intervals": intervals,
        "no_intervals": "" if intervals else reason,
        "negative": negative_forecasts(found.forecasts, found.model.columns, never, found.bounds.lower),
    }


def _promise(widths: Widths, scores: Mapping[str, Any]) -> dict[str, Any]:
    """The promised coverage of the intervals, its assurance, and the days of calibration.

    Over several hours and columns, the least of each is given.
    """
    days = int(widths.days.min())
    return {
        "promised": float(widths.promised.min()),
        "assured": assured(scores["wanted"], days),
        "calibration_days": days,
        "method": "conformal by hour of day, from validation days",
    }


def panels(plan: SeriesPlan, split: str, found: ForecastEvaluation) -> list[dict[str, Any]]:
    """The windows of `split` with the least, the median and the greatest error, of the first column, for figures."""
    errors = np.nanmean(np.abs(found.forecasts.middle - found.targets.truth), axis=(1, 2))
    order = np.argsort(errors, kind="stable")
    words = {0: "the best", len(order) // 2: "a typical", len(order) - 1: "the worst"}
    return [_panel(plan, split, found, int(order[rank]), words[rank]) for rank in sorted(words)]


def _panel(plan: SeriesPlan, split: str, found: ForecastEvaluation, window: int, which: str) -> dict[str, Any]:
    windows = plan.windows[split]
    start, L = int(windows.starts[window]), plan.sizes.context
    past = np.where(windows.known[start : start + L, 0], windows.values[start : start + L, 0], np.nan)
    forecasts, targets = found.forecasts, found.targets
    name = f" of {plan.data.columns[0]}" if len(plan.data.columns) > 1 else ""
    return {
        "title": f"{which} forecast{name}, from {str(targets.times[window, 0]).replace('T', ' ')[:16]}",
        "past_times": windows.times[start : start + L],
        "past": past,
        "times": targets.times[window],
        "truth": targets.truth[window, :, 0],
        "forecast": forecasts.middle[window, :, 0],
        "low": None if forecasts.low is None else forecasts.low[window, :, 0],
        "high": None if forecasts.high is None else forecasts.high[window, :, 0],
        "expected": targets.expected[window, :, 0],
    }
