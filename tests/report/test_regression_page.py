"""The page of a regression: the verdict in plain words, all its parts, nothing else, and narrow enough for a phone."""

import html
import re
from pathlib import Path

import pytest
from matplotlib import get_data_path
from PIL import ImageFont

from research.evaluation.intervals import across_seeds
from research.report import regression_tables
from research.report.page import render
from research.report.record import build_record
from research.report.regression_figures import regression
from research.report.regression_page import regression_details
from research.report.tables import rows_of

PHONE = 390 - 32  # pixels inside the margins of page.css
DATA = {
    "name": "houses",
    "fingerprint": "sha256:0123abcd",
    "rows": "sha256:4567",
    "sizes": {"train": 1022, "validation": 146, "test": 120},
    "target": "Sale<Price>",
    "unit": "USD",
    "columns": {"numeric": [f"Num<{number}>" for number in range(36)], "categorical": ["Street", "Alley & lane"]},
    "left_out": {"Id": "a number of its own in every row, <so> it says nothing", "Utilities": "one value only"},
    "findings": ["259 cells of LotFrontage are missing", "a level is <rare>"],
    "folds": 5,
    "repeats": 8,
}


@pytest.fixture(scope="module")
def report_of(regression_evaluation_of):
    """`report_of(seeds)`: what `page.render` takes, for a page with all that it can show."""
    part = {"loss": [1.0, 0.5, 0.4], "mae": [90000.0, 20000.0, 17000.0]}
    histories = [{"epoch": [1, 2, 3], "train": part, "validation": part}]
    drawn = regression(histories, [2], regression_evaluation_of(), "USD")

    def make(seeds=1, **changes):
        evaluation = regression_evaluation_of() | changes
        gone = {"importance"} if evaluation["importance"] is None else set()
        over = {"test/mae": dict(across_seeds([16502.0 + number for number in range(seeds)]))}
        record = build_record(
            {"data": DATA},
            experiment="small_houses",
            seed=3,
            metrics={"test": evaluation["scores"]},
            parameters={"total": 2504, "trainable": 2504},
            seconds={"compile": 1.25, "train": 65.0, "total": 70.0},
            throughput={"examples_per_second": 12345.0},
            device="an abacus, 2 rods",
            versions={"jax": "0.10.2"},
            commit="deadbeef",
            status="finished",
            seeds=over if seeds > 1 else {},
        )
        return {
            "record": record,
            "command": "python scripts/train.py",
            "template": "regression.html",
            "details": regression_details,
            "histories": histories,
            "best_epochs": [2],
            "evaluation": evaluation,
            "figures": {name: png for name, png in drawn.items() if name not in gone},
            "headline": "mae",
            "unit": "rows",
        }

    return make


def text_of(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def headings(page: str) -> list[str]:
    return re.findall(r"<h[123]>(.*?)</h[123]>", page)


@pytest.fixture(scope="module")
def page(report_of) -> str:
    return render(**report_of())


def test_sections_come_in_the_promised_order(page):
    assert headings(page) == [
        "small_houses",
        "Metrics",
        "Learning curves",
        "Comparison with the baselines",
        "Differences over the same splits",
        "Predictions against the truth",
        "Intervals",
        "Importance of the columns",
        "The data",
        "Findings",
        "Columns left out",
        "Where these numbers come from",
    ]


@pytest.mark.parametrize(
    "said",
    [
        "16,502 MAE in USD on 120 test rows",
        "95% interval 15,512 to 17,657 , over new rows",
        "The model is better than the best baseline, histogram <gradient> boosting: its MAE is lower by 1,302 USD "
        "(95% interval 610 to 1,994).",
        "Model MAE, USD RMSE, USD RMSLE R²",
        "model 16,502 15,512 to 17,657 24,753",
        "The ensemble, the mean of all seeds' predictions, has an MAE of 15,602 USD, 900.0 USD less than one model's.",
        "histogram <gradient> boosting MAE, USD 1,302 610 to 1,994 0.00210",
        "ridge R² 0.012 −0.002 to 0.027 0.0800",
        "they held 90.8% of 120 test rows (95% interval 84.32–94.80%), in agreement with the promise.",
        "rows of calibration 233",
        "target Sale<Price>, USD rows 1,022 train, 146 validation, 120 test",
        "numeric columns 36: Num<0>, Num<1>, Num<2>, Num<3>, Num<4>, Num<5>, Num<6>, Num<7> and 28 more",
        "categorical columns 2: Street, Alley & lane columns left out 2 folds 5, drawn 8 times",
        "a level is <rare>",
        "Id a number of its own in every row, <so> it says nothing",
    ],
)
def test_what_the_page_says(page, said):
    assert said in text_of(page)


def test_nothing_is_fetched_or_run_and_strings_are_text(page):
    assert not re.search(r"<script|<link|@import|url\(|src=\"http", page)
    assert "Sale&lt;Price&gt;" in page and not re.search(r"<(gradient|Price|so|rare|0)>", page)


def test_every_figure_stands_in_it(page):
    assert page.count("<img ") == 4 and "Bars are the prediction intervals" in page


def test_figures_keep_four_fifths_of_their_size_on_a_phone_and_none_scrolls(page):
    widths = [int(width) for width in re.findall(r'<img [^>]*width="(\d+)"', page)]
    assert widths and max(widths) * 0.8 <= PHONE and 'class="wide"' not in page


def test_of_several_seeds_the_seed_of_the_tables_is_named(report_of):
    assert "model, seed 3 16,502" in text_of(render(**report_of(seeds=3)))


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"intervals": None, "low": None, "high": None}, ["Intervals"]),
        ({"importance": None}, ["Importance of the columns"]),
        ({"differences": {}}, ["Differences over the same splits"]),
        ({"ensemble": None}, []),
        ({"baselines": {}, "differences": {}, "ensemble": None}, ["Differences over the same splits"]),
    ],
)
def test_what_is_unknown_is_left_out(page, report_of, changes, gone):
    lean = render(**report_of(**changes))
    assert headings(lean) == [heading for heading in headings(page) if heading not in gone]
    assert ("Bars are" in lean) == ("low" not in changes)
    assert ("The ensemble, the mean" in lean) == ("ensemble" not in changes)
    assert ('class="verdict"' in lean) == ("baselines" not in changes)


def test_why_there_are_no_intervals_is_said(report_of):
    said = text_of(render(**report_of(intervals=None, no_intervals="90% takes 9 held-out rows")))
    assert "none 90% takes 9 held-out rows" in said


def test_a_run_that_did_not_finish_has_a_page(report_of):
    report = report_of()
    data = {name: DATA[name] for name in ("name", "fingerprint", "sizes")}
    record = report["record"] | {"metrics": {}, "status": "diverged", "data": data}
    kept = {name: report[name] for name in ("command", "template", "details", "headline", "unit")}
    assert headings(render(record, **kept)) == ["small_houses", "The data", "Where these numbers come from"]


def test_the_same_report_gives_the_same_page(page, report_of):
    assert render(**report_of()) == page


def width_of(text: str, size: int) -> float:
    font = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"  # wider than the fonts of phones
    return ImageFont.truetype(str(font), size).getlength(text)


def column_width(title: str, cells: list[str], leads: bool) -> float:
    """Pixels of a column at the sizes of page.css on a phone: 14 a letter, 12 below it; words over 18 letters wrap."""
    widths = [max(width_of(word, 14) for word in title.split())]
    for cell in cells:
        first, *below = cell.split("\n")
        wraps = len(cell) > 18 and leads
        widths += [max(map(width_of, first.split(), [14] * 9)) if wraps else width_of(first, 14)]
        widths += [width_of(line, 12) for line in below]
        widths += [128.0] if wraps else []
    return max(widths) + 0.7 * 16


@pytest.mark.parametrize(("name", "columns"), [("scores", 3), ("differences", 3), ("intervals", 2)])
def test_a_phone_shows_the_columns_that_decide_without_scrolling(regression_evaluation_of, titles_of, name, columns):
    made = getattr(regression_tables, name)(regression_evaluation_of(), "USD")
    cells = list(zip(*rows_of(made), strict=True))
    widths = [column_width(titles_of(made)[index], cells[index], index == 0) for index in range(columns)]
    assert sum(widths) <= PHONE


def test_every_table_scrolls_in_a_box_of_its_own(page):
    assert page.count("<table>") == page.count('<div class="scroll"') >= 5
