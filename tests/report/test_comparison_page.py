"""The page of a comparison: scores, words, settings, figures, links; every string escaped, nothing fetched."""

import io

import pytest
from PIL import Image

from research.report.comparison_page import caption, render, settings_table
from research.report.tables import rows_of, table

NAMES = ["small", "wide <b>"]
COMPARISON = {
    "runs": [{"name": name, "directory": "../x", "seed": 3, "device": "CPU", "commit": "abc"} for name in NAMES],
    "metric": "accuracy",
    "unit": "",
    "rows": [{"name": name, "values": [0.5, 0.6]} for name in NAMES],
    "differences": [],
    "sentences": ["wide <b> is worse than small by 1.20 points (0.30 to 2.10)"],
    "settings": {"model.hidden": {"small": [64], "wide <b>": [256]}, "model.kernel": {"small": 3}},
    "data": {"name": "rows & more", "fingerprint": "f", "sizes": {"train": 1200, "test": 30}},
    "command": "python scripts/compare.py a.py b.py && echo <done>",
    "commit": "def",
    "versions": {"jax": "1"},
}


def png():
    content = io.BytesIO()
    Image.new("L", (320, 200)).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="module")
def page():
    scores = table(("Run", "Test"), [("small", "50%"), ("wide <b>", "40%")])
    pairs = table(("Pairs", "1"), [("2", "0.1\nworse")])
    reports = {"small": "../my runs/small/report.html", "wide <b>": None}
    return render(COMPARISON, [scores, pairs], {"accuracies": png(), "losses of mse, scaling none": png()}, reports)


def test_it_says_all_that_it_is_given(page):
    for words in (
        "small and wide &lt;b&gt;, compared",
        "<li>wide &lt;b&gt; is worse than small by 1.20 points (0.30 to 2.10).</li>",
        "rows &amp; more: 1,200 train, 30 test",
        "3 to 4",
        "&lt;done&gt;",
        "model.hidden",
        "[256]",
        "<small>worse</small>",
    ):
        assert words in page, words
    assert page.count("data:image/png;base64,") == 2


def test_a_note_is_as_wide_as_the_page_and_not_as_its_table():
    page = render(COMPARISON, [table(("Run",), [("small",)], note="How to read <it>")], {}, {})
    before, _, inside = page.partition('<div class="scroll"')
    assert "How to read &lt;it&gt;</p>" in before and "How to read" not in inside


def test_the_title_names_few_runs():
    runs = [COMPARISON["runs"][0] | {"name": f"run{number}"} for number in range(9)]
    page = render(COMPARISON | {"runs": runs}, [table((), ())], {}, {})
    assert "<h1>run0, run1, run2 and 6 others, compared</h1>" in page


def test_a_run_is_linked_where_it_has_a_report(page):
    assert '<a href="../my%20runs/small/report.html">small</a>' in page
    assert page.count("<a ") == 1 and "<li>wide &lt;b&gt;</li>" in page


def test_nothing_is_fetched_or_run(page):
    assert not any(words in page for words in ("<script", "http://", "https://", "wide <b>"))
    assert "default-src 'none'" in page


def test_of_many_runs_the_rows_of_settings_are_runs():
    few = rows_of(settings_table(COMPARISON["settings"], NAMES))
    assert few == [("model.hidden", "[64]", "[256]"), ("model.kernel", "3", "–")]
    names = [f"run{number}" for number in range(7)]
    many = rows_of(settings_table({"seed": dict(zip(names, range(7), strict=True))}, names))
    assert many == [(f"run{number}", f"{number}") for number in range(7)]


def test_losses_of_several_kinds_say_so():
    assert "another kind" in caption("losses of mse") and "Loss (mse) over" in caption("losses of mse")
    assert "another kind" not in caption("losses")
