"""What tests of the commands share: calling one as its script would, and what a refusal looks like."""

import importlib
import re
import sys

import pytest

from research.command_line import run


@pytest.fixture
def run_script(monkeypatch, capfd, root):
    """`run_script("train", *arguments) -> (exit code, stdout, stderr)`, as the script of that name would."""

    def call(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"scripts/{name}.py", *map(str, arguments)])
        module = importlib.import_module(f"research.cli.{name}")
        capfd.readouterr()
        code = run(getattr(module, name))
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def refused():
    """`refused(answer, pattern, folder)`: one line that says so, exit code 2, and nothing written to `folder`/runs."""

    def check(answer, pattern, folder):
        code, out, err = answer
        assert code == 2, (code, out, err)
        assert len(err.strip().splitlines()) == 1 and not out, (out, err)
        assert re.search(pattern, err), err
        assert not (folder / "runs").exists()

    return check
