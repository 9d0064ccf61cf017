"""Arrays and frames take the place of files: the same run, the same answers."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from research import experiment
from research.config import (
    DenseForecaster,
    DenseNet,
    ImageData,
    ImageExperiment,
    SeriesData,
    SeriesExperiment,
    Training,
)
from research.errors import UserError
from research.experiment.given_data import as_files


@pytest.fixture
def rows(small_npz):
    with np.load(small_npz) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture
def dense(small_npz):
    return ImageExperiment(
        name="dense",
        data=ImageData(source=str(small_npz), validation=0.2),
        model=DenseNet(hidden=(4,)),
        train=Training(epochs=1, batch_size=16),
    )


@pytest.mark.slow
def test_arrays_give_the_run_of_their_file(dense, rows, tmp_path):
    data = ((rows["x_train"], rows["y_train"]), (rows["x_test"], rows["y_test"])) if "x_test" in rows else (
        rows["x_train"], rows["y_train"])  # fmt: skip
    record = experiment.run(dense, tmp_path / "arrays", data=data)
    assert record["metrics"] == experiment.run(dense, tmp_path / "file")["metrics"]
    again, _ = experiment.evaluate(tmp_path / "arrays")
    assert again["metrics"] == record["metrics"]
    assert [path.suffix for path in (tmp_path / "given").iterdir()] == [".npz"]


@pytest.mark.slow
def test_names_are_classes(dense, rows, tmp_path):
    names = np.array(["low", "middle", "top"])[rows["y_train"].ravel()]
    record = experiment.run(dense, tmp_path / "named", data=(rows["x_train"], names))
    assert record["data"]["classes"] == ["low", "middle", "top"]
    assert record["data"]["sizes"]["test"] > 0


def test_an_array_is_predicted_as_its_file_is(dense, rows, tmp_path):
    experiment.run(dense, tmp_path / "run")
    pictures = rows["x_train"][:3]
    Image.fromarray(pictures[1].reshape(pictures.shape[1:3])).save(tmp_path / "one.png")
    [of_file] = experiment.predict(tmp_path / "run", str(tmp_path / "one.png"))
    answers = list(experiment.predict(tmp_path / "run", pictures))
    assert [answer["input"] for answer in answers] == ["picture 0", "picture 1", "picture 2"]
    assert answers[1] == of_file | {"input": "picture 1"}
    assert list(experiment.predict(tmp_path / "run", [pictures[1], tmp_path / "one.png"]))[1] == of_file


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((4, 8, 8)), ("ndarray", "pair of arrays")),
        ((np.zeros((4, 8, 8)), np.zeros(3, int)), ("4 images but 3 labels",)),
        ((np.zeros((4, 8)), np.zeros(4, int)), ("(4, 8)", "[N, H, W]")),
        (([np.zeros((8, 8)), np.zeros((9, 9))], np.zeros(2, int)), ("no array",)),
        ((np.zeros((4, 8, 8)), np.array([1, "a", None, 2], object)), ("objects",)),
    ],
)
def test_wrong_arrays_are_refused_before_anything_is_written(dense, data, words, refusal, tmp_path):
    before = set(tmp_path.iterdir())
    with refusal(*words):
        experiment.run(dense, tmp_path / "run", data=data)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3), (2, 8, 8), (2, 8, 8, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_pictures_become_files_without_loss(shape, kind, refusal):
    array = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    if shape[-1] == 3 and kind != np.uint8:
        with refusal(np.dtype(kind).name, "uint8"), as_files(array):
            pass
        return
    with as_files(array) as (paths, names):
        read = np.stack([np.asarray(Image.open(path)) for path in paths])
    assert len(names) == (2 if shape[0] == 2 else 1) and (read.reshape(array.shape) == array).all()


@pytest.mark.parametrize(
    ("inputs", "word"), [(3, "int"), (np.zeros((2, 2, 2, 2, 2)), "(2, 2, 2, 2, 2)"), ([None], "None")]
)
def test_other_inputs_are_refused(inputs, word, refusal):
    with refusal(word), as_files(inputs):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("indexed", [False, True])
def test_a_frame_of_a_series_gives_the_run_of_its_file(write_series, tmp_path, indexed, refusal):
    source = write_series(tmp_path / "hours.csv")
    config = SeriesExperiment(
        name="hours",
        data=SeriesData(source=str(source), context="4h", horizon="6h", columns=("flow",)),
        model=DenseForecaster(hidden=(2,)),
        train=Training(epochs=1),
    )
    frame = pd.read_csv(source)
    time = frame.columns[0]
    frame[time] = pd.to_datetime(frame[time])
    given = frame.set_index(time) if indexed else frame
    record = experiment.run(config, tmp_path / "frame", data=given)
    assert record["metrics"] == experiment.run(config, tmp_path / "file")["metrics"]
    [of_file] = experiment.predict(tmp_path / "file", source)
    [of_frame] = experiment.predict(tmp_path / "frame", given.reset_index() if indexed else given)
    assert of_frame == of_file | {"input": "frame 0"}
    with refusal("list, not a pandas DataFrame"):
        experiment.run(config, tmp_path / "list", data=[1, 2])
    with refusal("flow"):
        experiment.run(config, tmp_path / "lacking", data=frame.drop(columns="flow"))
    assert not (tmp_path / "lacking").exists()


@pytest.mark.slow
def test_the_source_is_named_by_its_content(dense, rows, tmp_path):
    pair = (rows["x_train"], rows["y_train"])
    for name in ("a", "b"):
        experiment.run(dataclasses.replace(dense, seed=ord(name)), tmp_path / name, data=pair)
    assert len(list((tmp_path / "given").iterdir())) == 1


def test_a_mistake_in_a_frame_is_told_of_the_frame_and_not_of_its_file(tmp_path):
    frame = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=400, freq="h"), "v": np.arange(400.0)})
    config = SeriesExperiment(name="s", data=SeriesData(source="", columns=("flow",)), model=DenseForecaster())
    with pytest.raises(UserError, match=r"^the frame has no column") as caught:
        experiment.run(config, tmp_path / "run", data=frame)
    assert ".parquet" not in str(caught.value)
