import contextlib
import dataclasses
import json
import re
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from research import experiment
from research.cli.train import train
from research.config import DenseNet, ImageData, ImageExperiment, Optimizer, Training
from research.data.images.sources import load_images
from research.errors import UserError
from research.experiment.images import predict as predicting
from research.experiment.images.describe import closing_lines, describe_data
from research.experiment.images.preprocessing import read_preprocessing
from research.run_directory import read_config


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory):
    config = ImageExperiment(
        name="digits",
        data=ImageData(source="digits"),
        model=DenseNet(hidden=(64,)),
        optimizer=Optimizer(learning_rate=0.005),
        train=Training(epochs=15, batch_size=64, patience=5),
        seeds=2,
    )
    run_dir = tmp_path_factory.mktemp("run") / "digits"
    return run_dir, experiment.run(config, run_dir), config


def digits():
    return load_images("digits", None, validation=0.1, test=0.2, split_seed=0, train_limit=None)


@pytest.fixture
def test_digits():
    return digits().images["test"]


def test_it_answers_as_the_evaluation_did(digits_run, test_digits, tmp_path):
    run_dir, _, _ = digits_run
    files = []
    for index, image in enumerate(test_digits[:80]):
        files.append(tmp_path / f"{index}.png")
        Image.fromarray(image[..., 0]).save(files[-1])
    answers = list(experiment.predict(run_dir, files))
    assert [answer["input"] for answer in answers] == [str(file) for file in files]
    right = np.mean([int(a["class"]) == label for a, label in zip(answers, digits().labels["test"], strict=False)])
    assert right > 0.9
    for answer in answers:
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert answer["probability"] == max(answer["probabilities"].values())
        assert answer["probabilities"].keys() == set("0123456789")
        json.dumps(answer, allow_nan=False)


def test_larger_inverted_and_coloured_pictures_of_the_same_digit(digits_run, test_digits, tmp_path):
    run_dir, _, _ = digits_run
    agreeing = []
    for image in test_digits[:20]:
        plain = Image.fromarray(image[..., 0])
        large = Image.new("L", (160, 200), 255)
        large.paste(Image.fromarray(255 - image[..., 0]).resize((120, 120), Image.Resampling.BICUBIC), (20, 50))
        plain.save(tmp_path / "plain.png")
        large.convert("RGBA").save(tmp_path / "large.png")
        one, other = experiment.predict(run_dir, [tmp_path / "plain.png", tmp_path / "large.png"])
        assert any("inverted" in step for step in other["prepared"])
        agreeing.append(one["class"] == other["class"])
    assert np.mean(agreeing) >= 0.8


def test_what_is_not_finite_is_no_answer(digits_run, test_digits, tmp_path, monkeypatch):
    Image.fromarray(test_digits[0, ..., 0]).save(tmp_path / "0.png")
    monkeypatch.setattr(
        predicting, "outputs", lambda apply, params, pixels, batch_size: np.full((len(pixels), 10), np.nan)
    )
    [answer] = experiment.predict(digits_run[0], [tmp_path / "0.png"])
    assert answer.keys() == {"input", "error"} and "not finite" in answer["error"]


def test_before_the_first_step_there_is_nothing_to_ask(digits_run, test_digits, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        sys.modules["research.experiment.run"], "termination", lambda: contextlib.nullcontext(lambda: True)
    )
    record = experiment.run(dataclasses.replace(digits_run[2], seeds=1), tmp_path / "run")
    assert record["status"] == "preempted"
    Image.fromarray(test_digits[0, ..., 0]).save(tmp_path / "0.png")
    for ask in (
        lambda: list(experiment.predict(tmp_path / "run", [tmp_path / "0.png"])),
        lambda: experiment.evaluate(tmp_path / "run"),
    ):
        with pytest.raises(UserError, match=r"no sound checkpoint of seed 0 with a step trained.*scripts/train\.py"):
            ask()
    assert "what answers" not in capsys.readouterr().err, "nothing does"


def test_for_a_run_that_was_cut_off_it_is_stated_what_answers(digits_run, test_digits, tmp_path, capsys):
    run_dir = shutil.copytree(digits_run[0], tmp_path / "run")
    record = json.loads((run_dir / "record.json").read_text())
    (run_dir / "record.json").write_text(json.dumps(record | {"status": "preempted"}))
    Image.fromarray(test_digits[0, ..., 0]).save(tmp_path / "0.png")
    [_] = experiment.predict(run_dir, [tmp_path / "0.png"])
    assert "was cut off in training: what answers is its newest checkpoint" in capsys.readouterr().err


def edited(run_dir, section, name, value):
    config = json.loads((run_dir / "config.json").read_text())
    config[section][name] = value
    (run_dir / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("section", "name", "value", "words"),
    [
        ("model", "dropout", 0.9, r"model\.dropout is 0\.9 there, and 0\.0 was trained"),
        ("train", "patience", None, r"train\.patience is None there, and 5 was trained"),
        ("data", "validation", 0.2, r"data\.validation is 0\.2 there, and 0\.1 was trained"),
    ],
)
def test_an_edited_configuration_is_noticed(digits_run, test_digits, tmp_path, section, name, value, words):
    run_dir = shutil.copytree(digits_run[0], tmp_path / "run")
    edited(run_dir, section, name, value)
    Image.fromarray(test_digits[0, ..., 0]).save(tmp_path / "0.png")
    for ask in (
        lambda: list(experiment.predict(run_dir, [tmp_path / "0.png"])),
        lambda: experiment.evaluate(run_dir),
        lambda: experiment.run(read_config(run_dir), run_dir),
    ):
        with pytest.raises(UserError, match=rf"config\.json was edited after training: {words}"):
            ask()


def test_what_has_no_influence_may_be_edited(digits_run, test_digits, tmp_path):
    run_dir = shutil.copytree(digits_run[0], tmp_path / "run")
    edited(run_dir, "data", "root", str(tmp_path))
    edited(run_dir, "train", "checkpoint_seconds", 7.0)
    Image.fromarray(test_digits[0, ..., 0]).save(tmp_path / "0.png")
    [answer] = experiment.predict(run_dir, [tmp_path / "0.png"])
    assert "class" in answer


def test_a_cut_record_is_cured_by_the_command_that_predict_names(digits_run, test_digits, tmp_path):
    run_dir = shutil.copytree(digits_run[0], tmp_path / "run")
    content = (run_dir / "record.json").read_text()
    (run_dir / "record.json").write_text(content[:200])
    Image.fromarray(test_digits[0, ..., 0]).save(tmp_path / "0.png")
    with pytest.raises(UserError) as caught:
        list(experiment.predict(run_dir, [tmp_path / "0.png"]))
    command = re.search(r"scripts/train\.py (.*?) writes it", str(caught.value))
    assert command is not None and train(command[1].split()) == 0
    assert json.loads((run_dir / "record.json").read_text())["metrics"] == json.loads(content)["metrics"]
    [answer] = experiment.predict(run_dir, [tmp_path / "0.png"])
    assert "class" in answer


def test_each_seed_answers_for_itself(digits_run, test_digits, tmp_path):
    run_dir, _, _ = digits_run
    Image.fromarray(test_digits[0][..., 0]).save(tmp_path / "a.png")
    one, other = (next(experiment.predict(run_dir, [tmp_path / "a.png"], seed)) for seed in (0, 1))
    assert one["probabilities"] != other["probabilities"]
    with pytest.raises(UserError, match="no checkpoint of seed 7"):
        next(experiment.predict(run_dir, [tmp_path / "a.png"], 7))


@pytest.mark.slow
def test_for_a_run_that_diverged_it_is_stated_what_answers(small_npz, tmp_path, capsys):
    config = ImageExperiment(
        name="wild",
        data=ImageData(source=str(small_npz)),
        model=DenseNet(hidden=(4,)),
        optimizer=Optimizer("sgd", learning_rate=1e15),
        train=Training(epochs=2, l2=1e9),
    )
    experiment.run(config, tmp_path / "run")
    Image.fromarray(np.load(small_npz)["x_test"][0]).save(tmp_path / "a.png")
    capsys.readouterr()
    [answer] = experiment.predict(tmp_path / "run", [tmp_path / "a.png"])
    assert "not finite" in answer["error"], "at such a rate"
    assert "seed 0 diverged in training: these are the parameters before step" in capsys.readouterr().err


def test_one_bad_file_does_not_silence_the_others(digits_run, test_digits, tmp_path):
    run_dir, _, _ = digits_run
    Image.fromarray(test_digits[0][..., 0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("not a picture")
    answers = list(experiment.predict(run_dir, [tmp_path / "b.png", tmp_path / "a.png", tmp_path / "none.png"]))
    assert [("error" in answer) for answer in answers] == [True, False, True]


def test_a_folder_is_walked_as_in_training(digits_run, test_digits, tmp_path, capsys):
    """test/cats/... answers as its files do; what is hidden does not exist, and what is left out is counted."""
    held = tmp_path / "test"
    names = ["a.png", "cats/b.jpg", "cats/c.JFIF", "dogs/more/d.png"]
    for name, image in zip(names, test_digits, strict=False):
        (held / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(held / name, "PNG")
    (held / "cats/broken.png").write_text("not a picture")
    for name in ("cats/._b.jpg", ".cache/e.png", "__MACOSX/f.png", "cats/notes.txt"):
        (held / name).parent.mkdir(exist_ok=True)
        (held / name).write_text("junk")
    answers = list(experiment.predict(digits_run[0], [held]))
    expected = ["a.png", "cats/b.jpg", "cats/broken.png", "cats/c.JFIF", "dogs/more/d.png"]
    assert [answer["input"] for answer in answers] == [str(held / name) for name in expected]
    assert ["error" in answer for answer in answers] == [False, False, True, False, False]
    assert "1 of the files in" in (printed := capsys.readouterr().err) and "notes.txt" in printed
    (tmp_path / "none/within").mkdir(parents=True)
    with pytest.raises(UserError, match=r"no pictures in .*none and below"):
        list(experiment.predict(digits_run[0], [tmp_path / "none"]))


@pytest.mark.slow
def test_pictures_of_16_bits_are_read_as_in_training(tmp_path, capsys):
    """Two classes that differ in brightness alone: one range for the set, stored with the run, tells them apart."""
    noise, folder = np.random.default_rng(0), tmp_path / "set"
    for name, low, high in (("dim", 0, 250), ("lit", 300, 3000)):
        (folder / name).mkdir(parents=True)
        for index in range(30):
            Image.fromarray(noise.integers(low, high, (8, 8)).astype(np.uint16)).save(folder / name / f"{index}.png")
    config = ImageExperiment(
        name="deep",
        data=ImageData(source=str(folder), size=8, gray=True),
        model=DenseNet(hidden=(8,)),
        optimizer=Optimizer(learning_rate=0.03),
        train=Training(epochs=30, batch_size=16),
    )
    begun = []
    record, _ = experiment.conduct(config, tmp_path / "run", lambda parts: begun.extend(describe_data(parts)))
    assert record["data"]["ranges"] == {"integers": [0, 4095]}
    assert "their pixels are integers: in all of them 0 to 4,095 become 0 to 255" in begun
    assert record["metrics"]["train"]["accuracy"] == 1
    answers = list(experiment.predict(tmp_path / "run", [folder]))
    assert [answer["class"] for answer in answers] == ["dim"] * 30 + ["lit"] * 30
    assert answers[0]["prepared"] == ["converted I;16 to L: 0 to 4,095 become 0 to 255", "scaled from 8x8"]


def test_as_is_switches_off_what_is_done_to_drawings(digits_run, test_digits, tmp_path):
    large = Image.fromarray(255 - test_digits[0, ..., 0]).resize((160, 160), Image.Resampling.BICUBIC)
    large.save(tmp_path / "a.png")
    [usual] = experiment.predict(digits_run[0], [tmp_path / "a.png"])
    [as_is] = experiment.predict(digits_run[0], [tmp_path / "a.png"], as_is=True)
    assert any("inverted" in step for step in usual["prepared"])
    assert as_is["prepared"] == ["cropped to the middle and scaled from 160x160"]
    assert as_is["probabilities"] != usual["probabilities"]


def test_what_the_training_pictures_are_is_stated_and_stored(digits_run):
    record = digits_run[1]
    assert record["data"]["ink"]["light_on_dark"]
    line = closing_lines(record)[-1]
    assert line.startswith("its pictures are drawings, light on dark: predict.py") and "--as-is" in line
    [line] = closing_lines(record | {"preprocessing": record["preprocessing"] | {"ink": None}})
    assert line.startswith("its pictures are no drawings: predict.py scales others")
    assert not closing_lines(record | {"data": record["data"] | {"shape": [8, 8, 3]}})


def test_preprocessing_is_a_field_of_the_record_and_older_records_are_read(digits_run):
    record = digits_run[1]
    ink, squash, ranges = read_preprocessing(record)
    assert ink is not None and ink["light_on_dark"] and not squash and not ranges
    older = {name: value for name, value in record.items() if name != "preprocessing"}
    assert read_preprocessing(older) == (ink, squash, ranges)
    folders = older | {"data": record["data"] | {"ink": None, "findings": {}, "ranges": {"integers": [0, 4095]}}}
    assert read_preprocessing(folders) == (None, True, {"integers": (0, 4095)})
    report_alone = record | {"data": {name: record["data"][name] for name in ("shape", "classes")}}
    assert read_preprocessing(report_alone) == (ink, squash, ranges)


DRAWN = {"light_on_dark": True, "extent": 0.9, "row": 0.5, "column": 0.5}
DAMAGED = [
    *(([], "light_on_dark"), ("dark", "light_on_dark"), (DRAWN | {"light_on_dark": "yes"}, "light_on_dark")),
    ({"light_on_dark": True, "extent": 0.9, "row": 0.5}, "column"),
    *((DRAWN | {"extent": value}, "extent") for value in ("wide", -0.1, 1.5, float("nan"), True, None)),
]


@pytest.mark.parametrize(("ink", "wrong"), DAMAGED)
def test_a_damaged_layout_of_drawings_is_refused_by_its_field(ink, wrong):
    for part in ("preprocessing", "data"):  # of records of today and of earlier versions
        with pytest.raises(UserError, match=rf"record\.json: {part}\.ink has no usable {wrong}; .* scripts/evaluate"):
            read_preprocessing({"data": {}} | {part: {"ink": ink, "squash": False}})


def test_no_run_is_said_plainly(tmp_path):
    with pytest.raises(UserError, match="not a run directory"):
        next(experiment.predict(tmp_path, []))


def test_early_stopping_predicts_from_the_best_epoch(digits_run, test_digits):
    run_dir, record, _ = digits_run
    again = experiment.evaluate(run_dir)[0]
    assert again["metrics"]["test"] == record["metrics"]["test"]
