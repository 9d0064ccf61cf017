"""A run as the report sees it: records, histories and evaluations made of seeded noise, some of it hostile."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from research.evaluation.classification import Classification, evaluate
from research.evaluation.intervals import across_seeds
from research.report import figures
from research.report.page import Report
from research.report.record import build_record

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
    *(layer(f"conv{place}", "conv", [f"conv{place - 1}" if place else "add"], (8, 8, 16), 9) for place in range(9)),
]


def judged(size: int, classes: Sequence[str], strength: float = 3.0) -> Classification:
    noise = np.random.default_rng(size)
    labels = noise.integers(0, len(classes), size)
    return evaluate(noise.normal(size=(size, len(classes))) + strength * np.eye(len(classes))[labels], labels, classes)


def history(seed: int, epochs: int = 5) -> dict[str, Any]:
    noise, falling = np.random.default_rng(seed), np.exp(-np.arange(epochs) / 3)
    parts = {part: falling + 0.01 * noise.random(epochs) for part in ("train", "validation")}
    metrics = {part: {"loss": loss.tolist(), "accuracy": (1 - loss / 2).tolist()} for part, loss in parts.items()}
    return {"epoch": list(range(1, epochs + 1))} | metrics


def record_of(found: dict[str, Classification], seeds: int) -> dict[str, Any]:
    over = {
        f"{split}/accuracy": dict(across_seeds([result.accuracy + 0.001 * place for place in range(seeds)]))
        for split, result in found.items()
    }
    return build_record(
        experiment="small_run",
        seed=3,
        metrics={split: result.metrics() for split, result in found.items()},
        parameters={"total": 4260, "trainable": 4260},
        seconds={"compile": 1.25, "train": 65.0, "total": 70.0},
        throughput={"examples_per_second": 12345.0},
        data={"name": "noise", "fingerprint": "sha256:0123abcd", "sizes": SIZES},
        device="an abacus, 2 rods",
        versions={"python": "3.11.9", "jax": "0.10.2"},
        commit="deadbeef-dirty",
        status="finished",
        seeds=over if seeds > 1 else None,
    )


def make(classes: Sequence[str] = CLASSES, seeds: int = 1) -> Report:
    found = {split: judged(size, classes) for split, size in SIZES.items()}
    histories = [history(seed) for seed in range(seeds)]
    test = dataclasses.asdict(found["test"])
    pictures = np.random.default_rng(0).integers(0, 256, (len(test["mistakes"]["indices"]), 8, 8, 1), np.uint8)
    return Report(
        record=record_of(found, seeds),
        command="python scripts/train.py --config-json runs/x/config.json --run-dir 'a b' && echo <done>",
        config={"name": "small_run", "train": {"epochs": 5, "patience": None}, "model": {"channels": [16, 32]}},
        summary=SUMMARY,
        histories=histories,
        best_epochs=[4] * seeds,
        evaluations={split: dataclasses.asdict(result) for split, result in found.items()},
        figures=figures.classification(histories, [4] * seeds, test, pictures),
    )


@pytest.fixture(scope="session")
def report() -> Report:
    return make()


@pytest.fixture(scope="session")
def seeds_report() -> Report:
    return make(seeds=3)


@pytest.fixture(scope="session")
def branches() -> list[dict[str, Any]]:
    return BRANCHES


@pytest.fixture(scope="session")
def judge() -> Callable[..., Classification]:
    return judged
