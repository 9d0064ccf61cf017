"""The page of a forecast: its number in its unit, the best baseline beside it, all its parts, nothing else."""

import html
import re
from typing import Any

import numpy as np
import pytest

from research.evaluation.intervals import across_seeds
from research.report.forecast_figures import forecasting
from research.report.forecast_page import forecast_details
from research.report.page import render
from research.report.record import build_record


def layer(name, kind, inputs, shape, parameters=0):
    facts = {"name": name, "kind": kind, "inputs": inputs, "output_shape": shape, "parameters": parameters}
    return facts | {"formula": "", "multiply_adds": 10 * parameters, "receptive_field": None}


SEQUENCE = [
    layer("lstm1", "recurrent", ["values", "calendar"], [6, 64], 17408),
    layer("last", "last", ["lstm1"], [64]),
    layer("head", "dense", ["last"], [24], 1560),
    layer("forecast", "unscale", ["head"], [24, 1, 1]),
]


def memories(T: int = 24, H: int = 6) -> dict[str, dict[str, Any]]:
    times = np.datetime64("2016-03-04T00:00") + np.arange(T) * np.timedelta64(1, "h")
    turns = 2 * np.pi * (np.arange(T)[:, None] / T - np.arange(H) / H)
    return {"lstm1": {"times": times, "cells": np.cos(turns), "series": np.arange(T), "title": "detector, veh/h"}}


def record_of(evaluation: dict[str, Any], seeds: int) -> dict[str, Any]:
    ends = {"mae_low95": evaluation["mae_low95"], "mae_high95": evaluation["mae_high95"]}
    data = {
        "name": "traffic",
        "fingerprint": "sha256:0123abcd",
        "windows": "sha256:4567",
        "sizes": {"train": 270, "validation": 79, "test": 201},
        "columns": evaluation["columns"],
        "unit": "veh/h",
        "step": "1 h",
        "context": "6 h",
        "horizon": "24 h",
        "findings": ["13 gaps, the longest <b>3 days</b>"],
    }
    return build_record(
        {"data": data},
        experiment="small_forecast",
        seed=3,
        metrics={"test": evaluation["overall"] | ends},
        parameters={"total": 2504, "trainable": 2504},
        seconds={"compile": 1.25, "train": 65.0, "total": 70.0},
        throughput={"examples_per_second": 12345.0},
        device="an abacus, 2 rods",
        versions={"jax": "0.10.2"},
        commit="deadbeef",
        status="finished",
        seeds={"test/mae": dict(across_seeds([53.0 + number for number in range(seeds)]))} if seeds > 1 else {},
    )


@pytest.fixture(scope="module")
def report_of(forecast_evaluation_of, forecast_panel_of):
    """`report_of(F, seeds)`: what `page.render` takes, for a page with all that it can show."""

    def make(F=1, seeds=1):
        evaluation = forecast_evaluation_of(F=F)
        loss = {"loss": [1.0, 0.5, 0.4]}
        histories = [{"epoch": [1, 2, 3], "train": loss, "validation": loss}] * seeds
        figures = forecasting(histories, [2] * seeds, evaluation, [forecast_panel_of()], memories(), "veh/h")
        return {
            "record": record_of(evaluation, seeds),
            "command": "python scripts/train.py",
            "template": "forecasting.html",
            "details": forecast_details,
            "summary": SEQUENCE,
            "histories": histories,
            "evaluation": evaluation,
            "figures": figures,
            "headline": "mae",
            "unit": "windows",
        }

    return make


def text_of(page: str) -> str:
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def headings(page: str) -> list[str]:
    return re.findall(r"<h[123]>(.*?)</h[123]>", page)


@pytest.fixture(scope="module")
def page(report_of) -> str:
    return render(**report_of())


def test_sections_come_in_the_promised_order(page, report_of):
    assert headings(page) == [
        "small_forecast",
        "Metrics",
        "Learning curves",
        "Comparison with the baselines",
        "Forecasts against the truth",
        "Error by horizon",
        "Intervals",
        "Cell states",
        "The series",
        "Findings",
        "The network",
        "Where these numbers come from",
    ]
    assert "Column by column" in headings(render(**report_of(F=3)))


@pytest.mark.parametrize(
    "said",
    [
        "49.00 MAE in veh/h on 201 test windows",
        "95% interval 44.00 to 55.00 , over new windows",
        "The best baseline, historical average, has 52.01 veh/h: the model does better by 3.01 veh/h, 5.8%.",
        "traffic: 270 train, 79 validation, 201 test windows",
        "MAE, veh/h 95% interval 49.00 44.00 to 55.00",
        "MASE model 49.00 68.60 8.17%",
        "the numbers rest on 15 test days: few.",
        "90.4% of the test truth lay in its 90% interval; 81.2% in the worst hour, 07:00–08:00.",
        "split conformal by hour of day",
        "The state that lstm1 carries",
        "columns detector<0> unit veh/h step 1 h context 6 h horizon 24 h",
        "13 gaps, the longest <b>3 days</b>",
    ],
)
def test_what_the_page_says(page, said):
    assert said in text_of(page)


def test_a_headline_without_a_unit_has_none(report_of):
    assert "0.754 MASE on 201 test windows" in text_of(render(**report_of() | {"headline": "mase"}))


def test_the_title_says_the_number_and_the_metric(page):
    assert "<title>small_forecast: 49.00 MAE</title>" in page


def test_of_several_seeds_the_mean_is_compared_and_the_seed_of_the_tables_is_named(report_of):
    said = text_of(render(**report_of(seeds=3)))
    assert "54.00 mean MAE in veh/h on 201 test windows, of 3 trainings" in said
    assert "has 52.01 veh/h: the baseline does better by 1.99 veh/h, 3.8%." in said
    assert "model, seed 3 49.00" in said


def test_nothing_is_fetched_or_run_and_strings_are_text(page):
    assert not re.search(r"<script|<link|@import|url\(|src=\"http", page)
    assert "detector&lt;0&gt;" in page and "<b>3 days" not in page


def test_every_figure_stands_in_it(page, report_of):
    assert page.count("<img ") == len(report_of()["figures"]) == 5


def test_what_is_empty_is_left_out(report_of):
    report = report_of()
    data = {name: report["record"]["data"][name] for name in ("name", "fingerprint", "sizes")}
    record = report["record"] | {"metrics": {}, "status": "diverged", "data": data}
    bare = render(
        record, report["command"], template="forecasting.html", details=forecast_details, headline="mae", unit="windows"
    )
    assert headings(bare) == ["small_forecast", "Where these numbers come from"]
    evaluation = report["evaluation"] | {"intervals": None, "baselines": {}}
    lean = render(**report | {"evaluation": evaluation, "figures": {}})
    assert "Intervals" not in headings(lean) and "best baseline" not in lean and "Error by horizon" in headings(lean)


def test_the_same_report_gives_the_same_page(page, report_of):
    assert render(**report_of()) == page
