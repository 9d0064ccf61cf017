"""The ranking: best first, beside the best baseline, and of every two which is better and whether that is a finding."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from research.report import ranking_figure
from research.report.ranking import finding, paired, ranked, ranking
from research.report.tables import names_folded, rows_of


def entry(name, mae, *, spread=1.5, parameters=2504, published=None):
    baseline = parameters is None
    return {
        "name": name,
        "mean": mae,
        "std": None if baseline else spread,
        "low95": mae - 9,
        "high95": mae + 10,
        "values": [mae] if baseline else [mae - spread, mae, mae + spread],
        "parameters": parameters,
        "published": published,
        "seconds": None if baseline else 41.0,
    }


ROWS = [
    entry("traffic_dense", 116.0),
    entry("last value", 512.6, parameters=None),
    entry("seasonal naive (day)", 57.6, parameters=None),
    entry("traffic_lstm_told_the_hour_of_day", 60.04, published=60.0),
    entry("historical average", 52.01, parameters=None),
    entry("traffic_profile", 48.91),
]


def pair(a, b, mean, half, p, days=15, lag=3):
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return {"a": a, "b": b, "mean": mean, "low95": low, "high95": high, "p": p, "lag": lag, "days": days}


def test_the_best_is_first_and_each_stands_beside_the_best_baseline(titles_of):
    table = ranking(ROWS, "veh/h")
    rows, note = rows_of(table), str(table.title)
    assert [row[0].split("\n")[0] for row in rows] == [row["name"] for row in sorted(ROWS, key=lambda r: r["mean"])]
    assert rows[0] == ("traffic_profile", "2.5 k", "48.91 ± 1.50\n39.91 to 58.91", "-6.0%", "41")
    assert rows[1] == ("historical average\nbaseline", "–", "52.01\n43.01 to 62.01", "–", "–")
    assert rows[3][2].endswith("\n60.00") and rows[3][3] == "+15.4%"
    assert titles_of(table)[2] == "Test MAE, veh/h\n95% interval\npublished"
    assert "over test days" in note and "std over seeds" in note


def test_the_ranking_names_only_what_it_shows(titles_of):
    alone = [entry("historical average", 52.01, parameters=None), entry("last value", 512.6, parameters=None)]
    table = ranking(alone)
    error = titles_of(table)[2]
    assert "published" not in error and "seeds" not in str(table.title) and error.startswith("Test MAE\n")
    assert [row[3] for row in rows_of(ranking([ROWS[0]]))] == ["–"]


def test_a_run_that_diverged_is_last():
    broken = entry("broken", 1.0) | {"mean": float("nan"), "low95": None, "high95": None, "values": [float("nan")]}
    assert ranked([broken, *ROWS])[-1] is broken
    assert rows_of(ranking([broken, *ROWS]))[-1][2:4] == ("–\n–", "–")
    assert ranking_figure.ranking_figure([broken, *ROWS]) == ranking_figure.ranking_figure(ROWS)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (pair("a", "b", -3.0, 1.0, 0.001), "a is better than b\nthe interval excludes zero"),
        (pair("a", "b", 3.0, 1.0, 0.001), "b is better than a\nthe interval excludes zero"),
        (pair("a", "b", -3.0, 4.0, 0.2), "a is ahead of b\nundecided: the interval includes zero"),
        (pair("a", "b", 3.0, 3.0, 0.04), "b is ahead of a\nundecided: the interval includes zero"),
        (
            pair("a", "b", -3.0, 2.0, 0.06),
            "a is ahead of b\nthe interval excludes zero, but p after Holm is not below 0.05",
        ),
        (pair("a", "b", -3.0, None, None), "a is ahead of b\nundecided: no interval"),
    ],
)
def test_a_finding_says_which_is_better_and_whether_zero_is_excluded(found, said):
    assert finding(found) == said


def test_the_better_one_is_ahead_by_a_positive_number_whichever_came_first():
    one, other = (
        rows_of(paired([each])) for each in (pair("a", "b", -3.0, 1.0, 0.001), pair("b", "a", 3.0, 1.0, 0.001))
    )
    assert one == other
    assert one[0][1:] == ("3.000\n2.000 to 4.000", "0.001")
    assert rows_of(paired([pair("a", "b", -3.0, None, None)]))[0][1:] == ("3.000\n–", "–")


def test_the_note_says_how_few_the_days_are():
    several = [pair("a", "b", -3.0, 1.0, 0.001, lag=2), pair("a", "c", -3.0, 1.0, 0.001, lag=5)]
    note = str(paired(several).title)
    assert "15 test days: few" in note and "lag 2 to 5" in note and "2 pairs" in note
    assert "few" not in str(paired([pair("a", "b", 1.0, 2.0, 0.5, days=200)]).title)
    assert paired([]).title is None


def test_tables_fit_80_columns_with_all_their_words(printed):
    pairs = [pair(a["name"], b["name"], a["mean"] - b["mean"], 4.0, 0.01) for a, b in itertools.combinations(ROWS, 2)]
    for table in (ranking(ROWS, "veh/h"), paired(pairs, "veh/h")):
        text = printed(table)
        assert max(map(len, text.splitlines())) <= 80
        for word in " ".join(" ".join(row) for row in rows_of(table)).split():
            assert word in text or len(word) > 30, word


@pytest.fixture
def figure_of(monkeypatch):
    """`figure_of(rows)`: the figure itself, drawn."""
    figures_drawn = []

    def keep(figure):
        FigureCanvasAgg(figure).draw()
        figures_drawn.append(figure)
        return b""

    def call(rows):
        monkeypatch.setattr(ranking_figure, "png", keep)
        ranking_figure.ranking_figure(rows, "veh/h")
        return figures_drawn[-1]

    return call


def test_every_row_is_named_with_its_number_and_no_words_touch(figure_of):
    figure = figure_of(ROWS)
    (axes,) = figure.axes
    words = [text.get_text() for text in axes.texts]
    assert words[::2] == [row["name"] for row in ranked(ROWS)]
    assert words[1::2] == ["48.91 ± 1.50", "52.01", "57.60", "60.04 ± 1.50", "116.0 ± 1.5", "512.6"]
    heights = [text.get_position()[1] for text in axes.texts]
    assert heights[::2] == heights[1::2] == sorted(heights[::2])
    assert all(text.get_bbox_patch() is not None for text in axes.texts)  # the dashed line runs behind them
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_the_axis_reaches_all_but_what_is_far_off_which_is_an_arrow(figure_of):
    (axes,) = figure_of(ROWS).axes
    low, high = axes.get_xlim()
    assert low < 39.91 and 126.0 < high < 140
    assert [line.get_marker() for line in axes.lines].count(">") == 1
    (axes,) = figure_of(ROWS[2:]).axes
    assert ">" not in [line.get_marker() for line in axes.lines]


def test_seeds_published_values_and_the_best_baseline_are_drawn(figure_of):
    (axes,) = figure_of(ROWS).axes
    ticks = [line for line in axes.lines if line.get_marker() == "|"]
    seeds = [list(line.get_xdata()) for line in ticks if len(line.get_xdata()) == 3]
    assert seeds == [row["values"] for row in ranked(ROWS) if len(row["values"]) == 3]
    assert [list(line.get_xdata()) for line in ticks if len(line.get_xdata()) == 1] == [[60.0]]
    assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [52.01]


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (ROWS, True),
        ([row for row in ROWS if row["parameters"] is not None], False),
        ([ROWS[5], ROWS[1]], False),  # the only baseline is off the axis
    ],
)
def test_the_legend_names_the_best_baseline_where_its_line_is_drawn(figure_of, rows, named):
    figure = figure_of(rows)
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert (len(dashed), "best baseline" in words) == (int(named), named)
    box = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, "the legend is not cut"


def test_the_figure_of_one_row_and_of_equal_rows():
    for rows in ([ROWS[0]], [ROWS[0] | {"low95": None, "high95": None, "values": [116.0]}] * 2):
        assert ranking_figure.ranking_figure(rows)[:4] == b"\x89PNG"


def test_long_names_are_broken_between_words_in_a_terminal(printed):
    name = "traffic_dense-learning_rate-0.001-hidden_widths-64"
    made = names_folded(ranking([entry(name, 98765.4), *ROWS], "veh/h"))
    assert rows_of(made)[-1][0] == "traffic_dense-learning_\nrate-0.001-hidden_widths-64"
    text = printed(made)
    assert all(line in text for row in rows_of(made) for line in row[0].splitlines())
    assert max(map(len, text.splitlines())) <= 80
    short = ranking(ROWS[:1], "veh/h")
    assert names_folded(short) is short, "that fits"
