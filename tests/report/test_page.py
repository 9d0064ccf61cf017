"""The page: what must be on it, and that it is well-formed, alone, safe and always the same."""

import base64
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from research.report.page import render

VOID = {"meta", "img", "br", "link", "input", "hr"}
BLOCKS = {"dt", "dd", "td", "th", "p"}


class Reader(HTMLParser):
    """Collects tags, attributes, the text of the page and of each heading; fails on tags that do not match."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.headings: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " " if tag in BLOCKS else ""

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings[-1] += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def page(report) -> str:
    return render(**report)


@pytest.fixture(scope="module")
def read(page) -> Reader:
    return Reader(page)


def bare(report: dict[str, Any], metrics: dict[str, Any] | None = None) -> str:
    """The page of a run that left nothing but `metrics`."""
    return render(report["record"] | {"metrics": metrics or {}, "status": "diverged"}, report["command"])


def words(text: str) -> str:
    return " ".join(text.split())


def test_sections_come_in_the_promised_order(read):
    assert read.headings == [
        "small_run",
        "Metrics",
        "Learning curves",
        "Class by class",
        "Confusions",
        "Most frequent",
        "Calibration",
        "Most confident mistakes",
        "The network",
        "Where these numbers come from",
        "Configuration",
    ]


def test_headline_of_one_model_has_its_interval_over_new_examples(report, read):
    test = report["record"]["metrics"]["test"]
    assert f"{100 * test['accuracy']:.2f}% accuracy on 100 test pictures" in words(read.text)
    ends = f"95% interval {100 * test['accuracy_low95']:.2f}–{100 * test['accuracy_high95']:.2f}%, over new pictures"
    assert ends in words(read.text)


def test_headline_of_several_seeds_is_their_mean_with_its_interval_over_seeds(seeds_report):
    read = Reader(render(**seeds_report))
    over = seeds_report["record"]["seeds"]["test/accuracy"]
    assert f"{100 * over['mean']:.2f}% mean accuracy on 100 test pictures, of 3 trainings" in words(read.text)
    ends = f"95% interval {100 * over['low95']:.2f}–{100 * over['high95']:.2f}%, over seeds"
    assert ends in words(read.text)
    assert "seeds 3 to 5" in words(read.text)
    assert read.headings[1:4] == ["Metrics", "Over seeds", "Seed 3 alone"]
    of_one = ["Class by class", "Confusions", "Calibration", "Most confident mistakes"]
    assert [f"{name}, seed 3" for name in of_one] == [name for name in read.headings if name.endswith(", seed 3")]


@pytest.mark.parametrize(
    "fact",
    [
        "status finished",
        "device an abacus, 2 rods",
        "1 min 10 s, of which training 1 min 05 s and compilation 1.25 s",
        "seed 3",
        "noise: 400 train, 60 validation, 100 test pictures",
        "5 epochs. The saved weights are those of epoch 4.",
        "--run-dir 'a b' && echo <done>",
        "commit deadbeef-dirty",
        "data fingerprint sha256:0123abcd",
        "jax 0.10.2",
        "train.epochs 5",
        "train.patience null",
        "model.channels [16, 32]",
    ],
)
def test_facts(read, fact):
    assert fact in words(read.text)


def test_tables_hold_the_numbers(report, read):
    test = report["evaluation"]
    rows = {tuple(map(words, row)) for row in read.rows}
    support = test["per_class"]["support"]
    recall = f"{100 * test['per_class']['recall'][3]:.2f}%"
    assert any(row[0] == "owl" and row[2] == recall and row[-1] == str(support[3]) for row in rows)
    assert ("total", "", "4,260", "4.26 M", "") in rows
    assert any(row[:3] == ("logits", "4", "all of them = 4,100") for row in rows)
    metrics = next(row for row in read.rows if row[0] == "loss")
    assert metrics[1] == f"{report['record']['metrics']['test']['loss']:.4f}"  # the headline's split comes first


def test_every_table_is_rectangular(read):
    assert {len(row) for row in read.rows} <= {4, 5}


def test_figures_are_inside_as_they_are(report, read):
    sources = [value for tag, name, value in read.attributes if tag == "img" and name == "src"]
    pngs = {base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources}
    assert pngs == set(report["figures"].values())
    alts = [value for tag, name, value in read.attributes if tag == "img" and name == "alt"]
    assert len(alts) == len(sources) and all(alts)


def test_nothing_is_fetched_or_run(page, read):
    assert re.findall(r"https?://[^\"' ]+", page) == ["http://www.w3.org/2000/svg"] * 2
    assert not {"script", "link", "iframe", "object", "base", "form"} & set(read.tags)
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert not re.search(r"@import|url\(", page)
    assert any(value and value.startswith("default-src 'none'") for _, _, value in read.attributes)


def test_hostile_names_are_text(page, read):
    assert "<script" not in page
    assert "<script>alert(1)</script>" in read.text
    assert "tabby & 'tom' \"cat\"" in read.text


def test_the_network_is_drawn_for_both_widths(read):
    drawings = [value for _, name, value in read.attributes if name == "class" and value and "drawing" in value]
    assert drawings == ["drawing wide", "drawing narrow"]
    assert read.tags.count("svg") == 2


def test_phone_paper_and_dark_are_provided_for(page, read):
    assert ("meta", "content", "width=device-width, initial-scale=1") in read.attributes
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page
    assert read.tags.count("table") == page.count('<div class="scroll"')


def test_the_same_report_gives_the_same_page(report, page):
    assert render(**report) == page


def test_what_is_empty_is_left_out(report):
    read = Reader(bare(report))
    assert read.headings == ["small_run", "Where these numbers come from"]
    assert "status diverged" in words(read.text)
    assert not {"img", "svg", "table"} & set(read.tags)
    assert "None" not in read.text


def test_numbers_that_are_missing_leave_no_nonsense(report):
    read = Reader(bare(report, {"test": {"accuracy": float("nan"), "loss": None}}))
    assert "nan" not in read.text.lower()
    assert "None" not in read.text
    assert ["loss", "–"] in read.rows
