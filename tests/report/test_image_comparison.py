"""Runs side by side: their figure keeps its words apart, their table fits 80 columns, and both say the numbers."""

import itertools
import struct

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from research.evaluation.comparison import step_by_step
from research.evaluation.intervals import across_seeds
from research.report import image_comparison_figure
from research.report.image_comparison import ComparedRun, comparison_table
from research.report.tables import names_folded, rows_of

# (trained parameters, test accuracy, accuracy on training pictures, published band, epochs)
RUNS = {
    "cats_and_dogs_scratch": (3_453_121, 0.72, 1.0, (0.68, 0.75), 30),
    "cats_and_dogs_augmented": (3_453_121, 0.82, 0.86, (0.80, 0.83), 60),
    "cats_and_dogs_squeezenet": (1_026, 0.955, 0.975, (0.96, 0.975), 40),
    "cats_and_dogs_squeezenet_tuned": (387_202, 0.957, 1.0, (0.96, 0.975), 15),
    "cats_and_dogs_vgg16": (525_313, 0.971, 0.985, None, 1),
    "cats_and_dogs_vgg16_tuned": (7_605_000, 0.979, 0.999, (0.97, 0.97), 15),
}


def compared_runs(runs, seeds, scatter=0.01):
    noise = np.random.default_rng(0)
    names = list(RUNS)[:runs]
    values = {name: (RUNS[name][1] + scatter * noise.uniform(-1, 1, seeds)).tolist() for name in names}
    steps = step_by_step(values)
    made = {}
    for name in names:
        parameters, _, train, published, _ = RUNS[name]
        made[name] = ComparedRun(parameters, across_seeds(values[name]), train, published, 1234.5, steps.get(name))
    return made


def histories(names, seeds):
    found = {}
    for name in names:
        epochs = list(range(1, RUNS[name][-1] + 1))
        rising = {"loss": [1 / epoch for epoch in epochs], "accuracy": [1 - 0.5 / epoch for epoch in epochs]}
        found[name] = [{"epoch": epochs, "train": rising, "validation": rising}] * seeds
    return found


@pytest.fixture
def figure_of(monkeypatch):
    """`figure_of(runs, seeds)`: the figure itself, drawn."""
    figures_drawn = []

    def keep(figure):
        FigureCanvasAgg(figure).draw()
        figures_drawn.append(figure)
        return b""

    def call(made, seeds):
        monkeypatch.setattr(image_comparison_figure, "png", keep)
        image_comparison_figure.comparison_figure(made, histories(made, seeds))
        return figures_drawn[-1]

    return call


def shown_texts(figure):
    """All texts but empty ones and the labels of ticks outside the view, which matplotlib keeps and does not draw."""
    from matplotlib.text import Text

    away = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        away |= {tick.label1 for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in away]


@pytest.mark.parametrize(("runs", "seeds", "scatter"), [(2, 2, 0.02), (2, 1, 0.0), (6, 3, 0.01), (6, 2, 0.05)])
def test_words_lie_inside_the_figure_and_apart(figure_of, runs, seeds, scatter):
    figure = figure_of(compared_runs(runs, seeds, scatter), seeds)
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown_texts(figure)]
    assert len(boxes) > 8 * len(figure.axes)
    for words, box in boxes:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, words
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1, words
    for (words, box), (others, other) in itertools.combinations(boxes, 2):
        assert not box.overlaps(other), (words, others)


def test_the_figure_says_what_each_run_is_and_what_is_published(figure_of):
    made = compared_runs(6, 3)
    axes = figure_of(made, 3).axes[0]
    words = [text.get_text() for text in axes.texts]
    for name, run in made.items():
        assert name in words and f"{100 * run.test['mean']:.2f}% ± {100 * run.test['std']:.2f}" in words
    assert [word for word in words if word.startswith("published")] == [
        "published: 68–75%",
        "published: 80–83%",
        "published: 96–97.5%",
        "published: 96–97.5%",
        "published: 97%",
    ]


def test_published_words_stay_inside_at_either_end(figure_of):
    bands = ((0.50, 0.51), (0.99, 1.0))
    made = compared_runs(2, 2, 0.005).items()
    made = {name: run._replace(published=band) for (name, run), band in zip(made, bands, strict=True)}
    axes = figure_of(made, 2).axes[0]
    left, right = axes.get_window_extent().intervalx
    for text in axes.texts:
        assert left - 1 <= text.get_window_extent().x0 and text.get_window_extent().x1 <= right + 1, text


def test_hollow_markers_are_the_training_pictures(figure_of):
    made = compared_runs(4, 3)
    hollow = [line for line in figure_of(made, 3).axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata()[0] for line in hollow] == [run.train for run in made.values()]
    unknown = {name: run._replace(train=None) for name, run in made.items()}
    assert not [line for line in figure_of(unknown, 3).axes[0].lines if line.get_markerfacecolor() == "white"]


def test_the_figure_reaches_as_far_as_its_numbers_and_no_accuracy_beyond_one(figure_of):
    made = compared_runs(2, 2, scatter=0.1)
    assert max(run.test["high95"] for run in made.values()) > 1.05
    low, high = figure_of(made, 2).axes[0].get_xlim()
    assert low < min(*(run.test["low95"] for run in made.values()), 0.68) and 1.0 < high < 1.05
    narrow = {name: run._replace(train=None, published=None) for name, run in compared_runs(2, 1, 0.0).items()}
    low, high = figure_of(narrow, 1).axes[0].get_xlim()
    assert 0.70 < low < 0.72 and 0.82 < high < 0.84


@pytest.mark.slow
def test_the_figure_is_the_same_bytes_for_the_same_numbers_and_others_for_others():
    made = compared_runs(2, 3)
    drawn = image_comparison_figure.comparison_figure(made, histories(made, 3))
    assert drawn == image_comparison_figure.comparison_figure(made, histories(made, 3))
    assert struct.unpack(">I", drawn[16:20])[0] == round(5.4 * 160)
    first, *others = made.items()
    for changed in ({"train": 0.9}, {"published": None}, {"test": first[1].test | {"values": [0.7, 0.7, 0.71]}}):
        one = dict([(first[0], first[1]._replace(**changed)), *others])
        assert image_comparison_figure.comparison_figure(one, histories(one, 3)) != drawn


def test_a_run_without_history_is_refused():
    with pytest.raises(KeyError, match="augmented"):
        image_comparison_figure.comparison_figure(compared_runs(2, 1), histories(["cats_and_dogs_scratch"], 1))


@pytest.mark.parametrize(("runs", "seeds", "scatter"), [(2, 1, 0.0), (6, 3, 0.01), (6, 2, 0.03)])
def test_the_table_fits_80_columns_with_all_its_words(printed, runs, seeds, scatter):
    table = comparison_table(compared_runs(runs, seeds, scatter))
    table = names_folded(table)
    text = printed(table)
    assert max(map(len, text.splitlines())) <= 80
    for row in rows_of(table):
        for line in "\n".join(row).splitlines():
            assert line in text
    folded = printed(comparison_table(compared_runs(6, 2, 0.15)))  # its numbers are folded
    assert max(map(len, folded.splitlines())) <= 80


def test_the_table_says_the_numbers():
    made = compared_runs(4, 3)
    first, *_, tuned = rows_of(comparison_table(made))
    step = made["cats_and_dogs_squeezenet_tuned"].difference
    assert tuned[0] == "cats_and_dogs_squeezenet_tuned"
    folded = rows_of(names_folded(comparison_table(made)))[-1]
    assert folded == ("cats_and_dogs_\nsqueezenet_tuned", *tuned[1:])
    assert tuned[1] == "387 k" and tuned[4:] == ("100.00%", "1,234")
    assert tuned[2].endswith("\n96–97.5%")
    assert tuned[3].splitlines()[0] == f"{100 * step['mean']:+.2f} points"
    assert tuned[3].splitlines()[2] == f"p = {step['p']:.2g}"
    assert first[3] == "–"


def test_the_table_names_only_what_it_shows(printed, titles_of):
    titles = {seeds: titles_of(comparison_table(compared_runs(3, seeds))) for seeds in (1, 3)}
    assert "published" in titles[3][2] and "t test" in titles[3][3] and "t test" not in titles[1][3]
    plain = {name: run._replace(published=None) for name, run in compared_runs(3, 3).items()}
    assert "published" not in printed(comparison_table(plain))
    notes = {size: str(comparison_table(compared_runs(*size)).title) for size in ((3, 3), (2, 3), (2, 1))}
    assert "Holm" in notes[3, 3] and "Holm" not in notes[2, 3] and "One seed" in notes[2, 1]


def test_a_name_without_a_place_to_break_is_folded_and_brackets_are_not_markup(printed):
    first, second = compared_runs(2, 1).values()
    text = printed(comparison_table({"x" * 40: first, "[red]b[/red]": second}))
    assert text.count("x") >= 40 and "[red]b[/red]" in text
    assert max(map(len, text.splitlines())) <= 80
