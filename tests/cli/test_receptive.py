"""The installed program: one command for each script, with the scripts' exit codes."""

import sys

import pytest

from research.cli.receptive import COMMANDS, main


@pytest.fixture
def call(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["/usr/bin/receptive", *words])
        return main(), *capsys.readouterr()

    return call


def test_every_script_is_a_command(root):
    assert {path.stem for path in (root / "scripts").glob("*.py")} == set(COMMANDS)


def test_without_a_command_it_says_which_there_are(call):
    code, out, _ = call()
    assert code == 0 and all(command in out for command in COMMANDS)
    assert max(map(len, out.splitlines())) <= 80 and call("--help")[1] == out


def test_a_wrong_command_is_one_line(call):
    code, out, err = call("trian")
    assert code == 2 and not out
    assert err.startswith("receptive: no command trian; did you mean train?") and err.count("\n") == 1


def test_messages_name_commands_as_they_are_called(call, tmp_path):
    code, _, err = call("predict", str(tmp_path), "x.png")
    assert code == 2 and err.startswith("receptive predict: ")
    assert "train one with receptive train" in err and "scripts/" not in err
