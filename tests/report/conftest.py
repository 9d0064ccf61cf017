"""A run as the report sees it: records, histories and evaluations made of seeded noise, some of it hostile."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from research.evaluation.classification import Classification, evaluate_logits
from research.evaluation.intervals import across_seeds
from research.report import figures
from research.report.record import build_record

ENDS = (("_low95", -0.06), ("_high95", 0.07))  # of scores that are made up: their distance, as a share
CLASSES = ("<script>alert(1)</script>", "tabby & 'tom' \"cat\"", "$dog$ [red]x[/red]", "owl")
SIZES = {"train": 400, "validation": 60, "test": 100}


def layer(name: str, kind: str, inputs: Sequence[str], shape: Sequence[int], parameters: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "inputs": list(inputs),
        "output_shape": list(shape),
        "parameters": parameters,
        "formula": f"all of them = {parameters:,}" if parameters else "",
        "multiply_adds": 1000 * parameters,
        "receptive_field": [3, 3],
    }


SUMMARY = [
    layer("conv1", "conv", ["input"], (8, 8, 16), 160),
    layer("flatten", "flatten", ["conv1"], (1024,)),
    layer("logits", "dense", ["flatten"], (4,), 4100),
]
BRANCHES = [
    layer("squeeze", "conv", ["input"], (8, 8, 4), 20),
    layer("left<1>", "conv", ["squeeze"], (8, 8, 8), 40),
    layer("right&3", "conv", ["squeeze"], (8, 8, 8), 296),
    layer("join", "concatenate", ["left<1>", "right&3"], (8, 8, 16)),
    layer("add", "add", ["join", "squeeze"], (8, 8, 16)),
    *(layer(f"conv{number}", "conv", [f"conv{number - 1}" if number else "add"], (8, 8, 16), 9) for number in range(9)),
]


def evaluated(size: int, classes: Sequence[str], strength: float = 3.0) -> Classification:
    noise = np.random.default_rng(size)
    labels = noise.integers(0, len(classes), size)
    return evaluate_logits(
        noise.normal(size=(size, len(classes))) + strength * np.eye(len(classes))[labels], labels, classes
    )


def history(seed: int, epochs: int = 5) -> dict[str, Any]:
    noise, falling = np.random.default_rng(seed), np.exp(-np.arange(epochs) / 3)
    parts = {part: falling + 0.01 * noise.random(epochs) for part in ("train", "validation")}
    metrics = {part: {"loss": loss.tolist(), "accuracy": (1 - loss / 2).tolist()} for part, loss in parts.items()}
    return {"epoch": list(range(1, epochs + 1))} | metrics


def record_of(found: dict[str, Classification], seeds: int) -> dict[str, Any]:
    over = {
        f"{split}/accuracy": dict(across_seeds([result.accuracy + 0.001 * number for number in range(seeds)]))
        for split, result in found.items()
    }
    return build_record(
        {"data": {"name": "noise", "fingerprint": "sha256:0123abcd", "sizes": SIZES}},
        experiment="small_run",
        seed=3,
        metrics={split: result.metrics() for split, result in found.items()},
        parameters={"total": 4260, "trainable": 4260},
        seconds={"compile": 1.25, "train": 65.0, "total": 70.0},
        throughput={"examples_per_second": 12345.0},
        device="an abacus, 2 rods",
        versions={"python": "3.11.9", "jax": "0.10.2"},
        commit="deadbeef-dirty",
        status="finished",
        seeds=over if seeds > 1 else {},
    )


def make(classes: Sequence[str] = CLASSES, seeds: int = 1) -> dict[str, Any]:
    """What `page.render` takes."""
    found = {split: evaluated(size, classes) for split, size in SIZES.items()}
    histories = [history(seed) for seed in range(seeds)]
    test = dataclasses.asdict(found["test"])
    pictures = np.random.default_rng(0).integers(0, 256, (len(test["mistakes"]["indices"]), 8, 8, 1), np.uint8)
    return {
        "record": record_of(found, seeds),
        "command": "python scripts/train.py --config-json runs/x/config.json --run-dir 'a b' && echo <done>",
        "config": {"name": "small_run", "train": {"epochs": 5, "patience": None}, "model": {"channels": [16, 32]}},
        "summary": SUMMARY,
        "histories": histories,
        "best_epochs": [4] * seeds,
        "evaluation": test,
        "figures": figures.classification(histories, [4] * seeds, test, pictures),
    }


def forecast_evaluation(P: int = 24, F: int = 1, days: int = 15, seed: int = 0, mae: float = 49.0) -> dict[str, Any]:
    """Numbers as a backtest leaves them; nothing can be said of the truth at 3 o'clock."""
    noise = np.random.default_rng(seed)

    def scores(level: float) -> dict[str, Any]:
        overall = {"mae": level, "rmse": 1.4 * level, "mape": level / 600, "smape": level / 620, "mase": level / 65}
        per_horizon = {name: value * (1 + 0.1 * noise.random(P)) for name, value in overall.items()}
        return {"overall": overall, "per_horizon": per_horizon}

    model = scores(mae)
    by_hour = 0.9 + 0.05 * noise.uniform(-1, 1, 24)
    by_hour[3], by_hour[7] = np.nan, 0.8125
    return {
        "columns": tuple(f"detector<{number}>" for number in range(F)),
        "hours": np.arange(1.0, P + 1),
        "windows": 201,
        "days": days,
        "mae_low95": mae - 5,
        "mae_high95": mae + 6,
        "per_column": {name: value * noise.uniform(0.5, 2, F) for name, value in model["overall"].items()},
        "baselines": {
            "last value": scores(512.6),
            "seasonal naive (day)": scores(57.6),
            "historical average": scores(52.01),
        },
        "intervals": {
            "target": 0.9,
            "promised": 0.9,
            "assured": 0.7169,
            "calibration_days": 9,
            "coverage": 0.9042,
            "by_hour": by_hour,
            "worst_hour": 7,
            "worst_coverage": 0.8125,
            "width": 201.4,
            "winkler": 276.13,
            "method": "split conformal by hour of day",
        },
        "no_intervals": "",
    } | model


def forecast_panel(L: int = 6, P: int = 24, bounds: bool = True) -> dict[str, Any]:
    """A window of hours, of which the truth of one is unknown."""
    times = np.datetime64("2016-03-04T00:00") + np.arange(L + P) * np.timedelta64(1, "h")
    wave = 100 + 50 * np.sin(np.arange(L + P) / 4)
    truth = wave[L:].copy()
    truth[P // 2] = np.nan if P > 1 else truth[P // 2]
    return {
        "title": "Friday, 4 March",
        "past_times": times[:L],
        "past": wave[:L],
        "times": times[L:],
        "truth": truth,
        "forecast": wave[L:] + 5,
        "low": wave[L:] - 20 if bounds else None,
        "high": wave[L:] + 30 if bounds else None,
        "expected": wave[L:] - 3 if bounds else None,
    }


def regression_evaluation(N: int = 120, seed: int = 0) -> dict[str, Any]:
    """Numbers as house prices leave them; the names are hostile."""
    noise = np.random.default_rng(seed)
    truth = np.round(noise.lognormal(12, 0.4, N))
    predicted = truth * noise.lognormal(0, 0.1, N)

    def scores(mae: float) -> dict[str, float]:
        found = {"mae": mae, "rmse": 1.5 * mae, "rmsle": mae / 1.3e5, "r2": 1 - mae / 1.6e5}
        ends = {f"{name}{end}": value * (1 + by) for name, value in found.items() for end, by in ENDS}
        return found | ends

    baselines = {
        "median": 55432.1,
        "linear regression": 21234.0,
        "ridge": 19876.0,
        "histogram <gradient> boosting": 17804.0,
    }
    return {
        "target": "Sale<Price>",
        "rows": N,
        "scores": scores(16502.0),
        "ensemble": scores(15602.0),
        "baselines": {
            name: {metric: scores(mae)[metric] for metric in ("mae", "rmse", "rmsle", "r2")}
            for name, mae in baselines.items()
        },
        "differences": {
            "histogram <gradient> boosting": {
                "mae": {"mean": -1302.0, "low95": -1994.0, "high95": -610.0, "p": 0.0021},
            },
            "ridge": {"r2": {"mean": 0.0123, "low95": -0.002, "high95": 0.0266, "p": 0.08}},
        },
        "truth": truth,
        "predicted": predicted,
        "low": predicted * 0.8,
        "high": predicted * 1.2,
        "intervals": {
            "target": 0.9,
            "coverage": 0.9083,
            "coverage_low95": 0.8432,
            "coverage_high95": 0.9480,
            "width": 71234.0,
            "winkler": 91234.0,
            "calibration_rows": 233,
        },
        "no_intervals": "",
        "importance": {
            "columns": [f"Column<{number}>" for number in range(30)],
            "increase": 12000 * np.exp(-np.arange(30) / 5) - 200,
            "std": np.full(30, 300.0),
        },
    }


def print_table(table: Table, width: int = 80) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


@pytest.fixture(scope="session")
def printed() -> Callable[..., str]:
    """`printed(table, width)`: the table as a terminal shows it."""
    return print_table


@pytest.fixture(scope="session")
def titles_of() -> Callable[[Table], list[str]]:
    """`titles_of(table)`: the titles of its columns."""
    return lambda table: [str(column.header) for column in table.columns]


@pytest.fixture(scope="session")
def forecast_evaluation_of() -> Callable[..., dict[str, Any]]:
    return forecast_evaluation


@pytest.fixture(scope="session")
def forecast_panel_of() -> Callable[..., dict[str, Any]]:
    return forecast_panel


@pytest.fixture(scope="session")
def regression_evaluation_of() -> Callable[..., dict[str, Any]]:
    return regression_evaluation


@pytest.fixture(scope="session")
def report() -> dict[str, Any]:
    return make()


@pytest.fixture(scope="session")
def seeds_report() -> dict[str, Any]:
    return make(seeds=3)


@pytest.fixture(scope="session")
def branches() -> list[dict[str, Any]]:
    return BRANCHES


@pytest.fixture(scope="session")
def evaluation_of() -> Callable[..., Classification]:
    return evaluated
