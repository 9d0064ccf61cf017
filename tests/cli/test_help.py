"""--help: lines of 80 columns, whole sentences, no defaults that say nothing, and the flags of every kind of model."""

import ast
import dataclasses
import inspect
import re
import sys

import pytest

from research import help_text
from research.cli.receptive import COMMANDS, main
from research.config import (
    ConvNet,
    Custom,
    DenseNet,
    Net,
    PretrainedNet,
    RecurrentForecaster,
    TableNet,
    experiment,
    images,
    microscope,
    series,
    tables,
    training,
)

SUBCOMMANDS = [["weights", name] for name in ("inspect", "import", "export", "fetch", "classify")]


@pytest.fixture
def help_of(monkeypatch, capsys):
    """`help_of(*words)`: what `receptive WORDS --help` prints in a terminal of 80 columns."""

    def call(*words):
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "argv", ["receptive", *words, "--help"])
        try:
            assert main() == 0
        except SystemExit as stop:
            assert not stop.code
        return capsys.readouterr().out

    return call


def flags_of(model):
    names = {field.name for field in dataclasses.fields(model)} - {
        "kind",
        "arguments",
        "layers",
        "base",
    }  # these have no flag
    return {f"--model.{name.replace('_', '-')}" for name in names}


@pytest.mark.parametrize("words", [[name] for name in COMMANDS] + SUBCOMMANDS, ids=" ".join)
def test_help_fits_80_columns_and_says_nothing_empty(help_of, words):
    text = help_of(*words)
    assert "usage: " in text and max(map(len, text.splitlines())) <= 80
    assert not re.search(r"\(default:\s*(None|'')?\s*\)|\{None\}|\n\n\n", text), text


def test_train_shows_the_flags_of_every_kind_of_model(help_of):
    text = help_of("train")
    for model in (ConvNet, DenseNet, PretrainedNet, Net, Custom, RecurrentForecaster, TableNet):
        shown = text.partition(f"model={model.__name__}(...):")[2].partition("In a configuration")[0] or text
        assert flags_of(model) <= set(re.findall(r"--[\w.-]+", shown)), model


def test_help_of_a_configuration_has_its_own_kind_alone(help_of, root):
    text = help_of("train", str(root / "configs/tables_iris.py"))
    assert "--data.target" in text and "In a configuration with" not in text and "tables_iris" in text


@pytest.mark.parametrize("module", [experiment, images, microscope, series, tables, training])
def test_what_is_said_of_a_field_is_one_line(module):
    """Where a field's docstring has two lines, so has --help, since tyro 1.0.17 dedents it too late."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ClassDef):
            said = [ast.unparse(each.value) for each in node.body[1:] if isinstance(each, ast.Expr)]
            assert not [text for text in said if "\n" in text]


def test_frames_stay_straight_and_paragraphs_are_filled(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    boxes = (
        "usage: x [--a {None}|INT]\n\n"
        "╭─ options ──────────────────╮\n"
        "│ --a {None}|INT  Says a.    │\n"
        "│                 (default:  │\n"
        "│                 None)      │\n"
        "│ --b [{None}|INT ...]       │\n"
        "╰────────────────────────────╯\n"
    )
    assert help_text.readable(boxes, "One two three four five six seven.\n\n    Next.") == (
        "usage: x [--a INT|None]\n\n"
        "One two three four five six\nseven.\n\nNext.\n\n"
        "╭─ options ──────────────────╮\n"
        "│ --a INT|None    Says a.    │\n"
        "│ --b [INT|None ...]         │\n"
        "╰────────────────────────────╯\n"
    )
