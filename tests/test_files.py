import json
import os

import numpy as np
import pytest

from research import files
from research.errors import UserError


def test_json_holds_numpy_and_says_null_where_there_is_no_number(tmp_path):
    files.write_json(tmp_path / "a.json", {"x": np.float32(0.5), "y": np.array([1, 2]), "z": float("nan"), "t": (1,)})
    assert files.read_json(tmp_path / "a.json") == {"x": 0.5, "y": [1, 2], "z": None, "t": [1]}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    files.write_text(tmp_path / "a.txt", "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        files.write_text(tmp_path / "a.txt", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def test_a_figures_path_is_checked_before_any_work(tmp_path):
    assert files.png_path(tmp_path / "new/figure.PNG") == tmp_path / "new/figure.PNG"
    assert not list(tmp_path.iterdir())
    for path, complaint in (
        (tmp_path, "is a folder; give a file"),
        (tmp_path / "notes.md", "does not end in .png"),
        ("/proc/figure.png", "cannot write /proc/figure.png: .*; choose another place"),
    ):
        with pytest.raises(UserError, match=complaint):
            files.png_path(path)


@pytest.mark.parametrize("content", ["", "{", '{"a": 1', "\x00"])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=r"a\.json is not valid JSON"):
        files.read_json(tmp_path / "a.json")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        files.read_json(tmp_path / "nowhere.json")


def test_writing_where_a_file_stands_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        files.write_text(tmp_path / "file" / "below", json.dumps(1))
