"""Every command of the README, of docs/ and of the configurations is run here, or listed with what CI lacks for it."""

import importlib
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from research import config
from research.cli import compare, weights
from research.cli.compare_words import taken_apart
from research.cli.configured import configured
from research.command_line import parse
from research.errors import UserError

# What --train.epochs and the like are shortened to, and what a command is given besides: seconds, not minutes.
SHORTER = {"--seeds": "2", "--train.epochs": "2"}
BRIEF = ("--train.epochs", "2")
WIDTHS = ("--rows", "40", "--features", "20", "40", "80", "--mlp.widths", "2", "3", "4", "--mlp.epochs", "1")
EPOCHS = ("--rows", "60", "--mlp.width", "4", "--mlp.epochs", "3", "--two-scales.steps", "20000")
RUN = {
    "train.py configs/digits_cnn.py": (*BRIEF, "--run-dir", "runs/digits_cnn"),
    "train.py configs/digits_cnn.py --seeds 5 --train.epochs 20": (),
    "train.py configs/digits_cnn.py --train.order interleaved": BRIEF,
    "train.py configs/digits_cnn.py --train.balance duplicate": BRIEF,
    "train.py configs/digits_cnn.py --train.epochs 40 --train.gl 20": (),
    "evaluate.py runs/digits_cnn": (),
    "predict.py runs/digits_cnn photo.png folder/": (),
    "compare.py configs/digits_dense.py configs/digits_cnn.py --seeds 5": BRIEF,
    "compare.py configs/digits_cnn.py --vary train.l2 0 1e-4": BRIEF,
    "runs.py": (),
    "microscope.py runs/digits_cnn --layers conv2": ("--steps", "2", "--filters", "0", "1"),
    "attack.py runs/digits_cnn --pixels 1 3 --exhaustive 20": (
        *("--pictures", "4", "--population", "20", "--generations", "2", "--exhaustive", "1"),
    ),
    "train.py configs/tables_diabetes.py": BRIEF,
    "train.py configs/tables_iris.py": BRIEF,
    "double_descent.py configs/double_descent_width.py": ("--seeds", "2", *WIDTHS),
    "double_descent.py configs/double_descent_epochs.py": ("--seeds", "3", *EPOCHS),
    "train.py configs/digits_cnn.py --data.source FOLDER --data.size 64": BRIEF,
    "train.py configs/tables_diabetes.py --data.source FILE.csv --data.target COLUMN": BRIEF,
    "train.py configs/traffic_lstm.py --data.source FILE.csv --data.columns COLUMN": BRIEF,
    "train.py docs/examples/my_config.py": (*BRIEF, "--run-dir", "runs/my_config"),
    "predict.py runs/my_config photo.png": (),
    "microscope.py runs/my_config --layers Conv_1": ("--steps", "2", "--filters", "0", "1"),
    "compare.py docs/examples/my_config.py configs/digits_cnn.py --seeds 5": BRIEF,
}
ELSEWHERE = {
    **{f"docs/examples/own_{name}.py": "tests/experiment/test_examples.py" for name in ("data", "objective", "task")},
    "docs/examples/mobilenet_weights.py mobilenet.npz": "tests/experiment/images/test_own_base.py",
}
# What CI lacks for a command that this pattern matches.
LACKS = {
    r"--data\.root DIR": "data in DIR; tests/acceptance trains on the real data where $RESEARCH_DATA has them",
    r"weights\.py fetch": "the network, for 59 MB",
    r"DIR/ames/kaggle_test\.csv": "Kaggle's other houses",
    r"cats_and_dogs_squeezenet\.py --data\.source": "SqueezeNet's weights; tests/experiment/images/test_transfer.py",
    r"mobilenet_config": "MobileNet's weights; tests/experiment/images/test_own_base.py makes such where Keras is",
    r"digits\.pth": "PyTorch in the tests' own environment; tests/experiment/test_export.py runs it where it is",
}
FLAGS = {"weights export": weights.Export, "weights fetch": weights.Fetch, "weights inspect": weights.Look}


def commands(root):
    """[(file, command)] of all fenced blocks and of the configurations' docstrings, without `python scripts/`."""
    found = []
    for file in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", file.read_text(), re.DOTALL | re.MULTILINE)
        found += [(file.name, line) for block in blocks for line in block.splitlines()]
    for file in sorted((root / "configs").glob("*.py")):
        found += [(file.name, line) for line in file.read_text().split('"""')[1].splitlines()]
    pattern = r"python (?:scripts/)?((?:docs/examples/)?[a-z_]+\.py.*)"
    lines = [(name, re.search(pattern, line)) for name, line in found]
    return [(name, re.split(r"\s+[#>]", line[1])[0].strip()) for name, line in lines if line]


def inline_commands(root):
    """[(file, command)] of the code in running text that is a command with arguments, as `commands` gives them."""
    found, pattern = [], r"(?:(?:python )?scripts/(\w+)\.py|receptive (\w+)) (.+)"
    for file in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.DOTALL | re.MULTILINE)
        codes = [re.fullmatch(pattern, " ".join(code.split())) for code in re.findall(r"`([^`]+)`", text)]
        found += [(file.name, f"{code[1] or code[2]}.py {code[3].split(' > ')[0]}") for code in codes if code]
    return found


def expanded(word):
    """The words that a shell makes of `a{b,c}`."""
    before, brace, rest = word.partition("{")
    inside, _, after = rest.partition("}")
    return [f"{before}{part}{after}" for part in inside.split(",")] if brace else [word]


def arguments_of(command):
    """What the parser of `command` reads; it raises UserError for a flag or a configuration that there is not."""
    name, *words = [each for word in shlex.split(command) for each in expanded(word)]
    name = name.removesuffix(".py")
    if name == "train":
        return configured(words, "")
    if name == "double_descent":
        return configured(words, "", config.DoubleDescent)
    if name == "compare":
        return compare._entries(taken_apart(words))
    if name == "weights":
        return parse(FLAGS[f"weights {words[0]}"], words[1:])
    return parse(importlib.import_module(f"research.cli.{name}").Flags, words)


def test_every_command_is_run_or_listed_and_all_its_flags_exist(root, monkeypatch):
    monkeypatch.chdir(root)
    found = {command for _, command in commands(root)}
    lacking = {command for command in found if any(re.search(pattern, command) for pattern in LACKS)}
    assert found - lacking == {*RUN, *ELSEWHERE}, "a command is neither run nor listed"
    assert all((root / name).is_file() for command, file in ELSEWHERE.items() for name in (command.split()[0], file))
    assert all(any(re.search(pattern, command) for command in found) for pattern in LACKS)
    for command in sorted(found - set(ELSEWHERE)):
        arguments_of(command)


def test_all_flags_of_the_commands_in_running_text_exist(root, monkeypatch):
    monkeypatch.chdir(root)
    found = inline_commands(root)
    assert {"results.md", "tables.md", "microscope.md"} <= {name for name, _ in found}
    for name, command in found:
        try:
            arguments_of(command)
        except UserError as error:
            pytest.fail(f"{name}: {command}: {error}")


def test_links_of_documents_lead_to_files(root):
    for file in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
            assert (file.parent / link).exists(), f"{file.name}: {link}"


@pytest.fixture
def checkout(root, tmp_path, monkeypatch):
    """The working directory of a user: the shipped files, and the files that the commands name."""
    for name in ("configs", "docs"):
        (tmp_path / name).symlink_to(root / name)
    noise = np.random.default_rng(0)
    for name in ["photo.png", "folder/a.png", *(f"FOLDER/{kind}/{n}.png" for kind in "ab" for n in range(20))]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise.integers(0, 256, (64, 64), np.uint8)).save(tmp_path / name)
    hours = pd.date_range("2024-03-04", periods=500, freq="h")
    frame = pd.DataFrame({"time": hours, "COLUMN": np.sin(np.arange(500) / 4) + 2, "other": noise.random(500)})
    frame.to_csv(tmp_path / "FILE.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("document", ["README.md", "extending.md", "double_descent.md", "tricks.md", "tables_iris.py"])
def test_the_commands_of_a_document_run(root, checkout, run_script, document):
    for command in [command for name, command in commands(root) if name == document and command in RUN]:
        name, *words = shlex.split(command)
        words = [SHORTER.get(before, word) for before, word in zip(["", *words], words, strict=False)]
        code, out, err = run_script(name.removesuffix(".py"), *words, *RUN[command])
        assert code == 0 and out and not err.startswith(f"{name}:"), (command, err)
