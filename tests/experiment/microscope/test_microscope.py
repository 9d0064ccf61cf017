"""A net under the microscope, from end to end: a small one, trained here."""

import dataclasses
import json
import shutil

import pytest

from research.config import Microscope
from research.errors import UserError
from research.experiment.microscope import microscope

LOOK = Microscope(layers=("conv1", "logits"), steps=20, variants=2, patches=3)


@pytest.mark.slow
def test_all_that_is_asked_for_is_left(trained, tmp_path):
    look = Microscope(
        **vars(LOOK) | {"hypotheses": ("logits:1=1", "conv1:2=2"), "saliency": (str(trained / "bright/0.png"),)}
    )
    page = microscope(trained / "run", look, out=tmp_path / "out", command="python scripts/microscope.py")
    text = page.read_text()
    assert {path.name for path in (tmp_path / "out/sheets").iterdir()} == {"conv1-whole.png", "logits-whole.png"}
    record = json.loads((tmp_path / "out/microscope.json").read_text())
    assert [len(record["layers"][name]) for name in ("conv1", "logits")] == [6, 3]
    logit, _ = record["hypotheses"]
    assert logit["auroc"] > 0.95 and logit["p"] < 0.01 and not logit["held_out"] and logit["looked_at"] == 3
    assert [each["says"].split()[0] for each in record["layers"]["logits"]] == ["0", "1", "2"]
    assert "the net calls the exemplar 1" in text and "0.png" in text
    assert "on average over positions, more than" in text


@pytest.mark.slow
def test_the_same_seed_gives_the_same_page(trained, tmp_path):
    pages = [microscope(trained / "run", LOOK, out=tmp_path / name) for name in "ab"]
    sheets = [(page.parent / "sheets/conv1-whole.png").read_bytes() for page in pages]
    assert sheets[0] == sheets[1]


def test_a_folder_is_tested_against_another(trained, tmp_path):
    look = Microscope(
        layers=("conv1",),
        steps=5,
        variants=0,
        near=False,
        pictures=str(trained / "bright"),
        hypotheses=(f"conv1={trained / 'bright'}",),
        against=str(trained / "dim"),
    )
    microscope(trained / "run", look, out=tmp_path / "out")
    [found] = json.loads((tmp_path / "out/microscope.json").read_text())["hypotheses"]
    assert found["auroc"] > 0.9 and found["held_out"] and (found["positives"], found["negatives"]) == (10, 10)
    assert found["meaning"] == "bright"
    with pytest.raises(UserError, match="with --against, 1 is to be a folder of pictures, not a class"):
        microscope(trained / "run", dataclasses.replace(look, hypotheses=("conv1=1",)), out=tmp_path / "out")
    with pytest.raises(UserError, match="--against is for --hypotheses"):
        microscope(trained / "run", dataclasses.replace(look, hypotheses=()), out=tmp_path / "out")


@pytest.mark.slow
def test_any_tap_is_looked_at(trained, tmp_path):
    look = Microscope(layers=("conv1/pre", "flatten"), filters=(0, 5), steps=5, patches=2, hypotheses=("flatten:7=2",))
    microscope(trained / "run", look, out=tmp_path / "out")
    record = json.loads((tmp_path / "out/microscope.json").read_text())
    assert {name: [each["filter"] for each in found] for name, found in record["layers"].items()} == {
        "conv1/pre": [0, 5],
        "flatten": [0, 5],
    }
    assert record["hypotheses"][0]["looked_at"] == 8 * 8 * 6


@pytest.mark.slow
def test_the_converse_is_reported_for_a_filter_that_is_not_looked_at_too(trained, tmp_path):
    look = Microscope(layers=("conv1",), filters=(0,), steps=20, variants=0, near=False, hypotheses=("logits:1=1",))
    microscope(trained / "run", look, out=tmp_path / "out")
    [found] = json.loads((tmp_path / "out/microscope.json").read_text())["hypotheses"]
    assert "the exemplar excites it more than" in found["converse"][0]
    assert "the net calls the exemplar 1" in found["converse"][1]


@pytest.mark.slow
def test_copies_are_reported_once_and_count_once(trained, tmp_path, capsys):
    for name in ("shows", "others"):
        (tmp_path / name).mkdir()
    for index in range(20):
        (tmp_path / f"shows/{index}.png").symlink_to(trained / f"bright/{2 * (index // 2)}.png")
        (tmp_path / f"others/{index}.png").symlink_to(trained / f"dim/{2 * index + 1}.png")
    tests = {"hypotheses": (f"conv1:1={tmp_path / 'shows'}",), "against": str(tmp_path / "others")}
    look = Microscope(layers=("conv1",), filters=(0,), steps=2, variants=0, near=False, patches=0, **tests)
    microscope(trained / "run", look, out=tmp_path / "out")
    [found] = json.loads((tmp_path / "out/microscope.json").read_text())["hypotheses"]
    assert (found["positives"], found["negatives"]) == (10, 20)
    assert "10 of 20 pictures of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": ("conv7",)}, r"no layer conv7; did you mean conv1\? \(there are rescale, conv1"),
        ({"layers": ("rescale",)}, r"rescale has no filters, .*; these layers have: conv1, flatten, logits"),
        ({"layers": ("logits/pre",)}, "no tap logits/pre: logits has no nonlinearity"),
        ({"hypotheses": ("rescale=1",)}, "rescale has no filters, "),
        ({"hypotheses": ("conv1:1=copies",), "against": "dim"}, r"pictures that show it: 1, .* at least 8"),
        ({"saliency": ("nothing.png",)}, "there is no picture or folder nothing.png"),
        ({"filters": (6,)}, "conv1 has no filter 6; its 6 filters are 0 to 5"),
        ({"hypotheses": ("conv1:9=1",)}, "conv1 has no filter 9; its 6 filters are 0 to 5"),
        ({"hypotheses": ("conv1",)}, "write LAYER:FILTER=X, or LAYER=X"),
        ({"hypotheses": ("conv1=cats",)}, r"cats is no class of the net \(the classes are 0, 1, 2;"),
        ({"hypotheses": ("conv1=ten",), "against": "others"}, "hypothesis needs at least 16 on each side"),
        ({"hypotheses": ("conv1=bright",), "against": "bright"}, r"both among those .*: 20 \(first: "),
        ({"pictures": "nothing"}, "no folder nothing"),
        ({"pictures": "empty"}, "empty: it holds no picture; give a folder of .jpg"),
        ({"pictures": "broken"}, r"broken: none of its 1 pictures can be read"),
        ({"size": 9}, "--size 9: rows takes pictures of 8x8"),
    ],
)
def test_what_cannot_be_done_is_one_line(trained, tmp_path, monkeypatch, change, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/a.png").write_bytes(b"words")
    (tmp_path / "copies").mkdir()
    for index in range(20):
        (tmp_path / f"copies/{index}.png").symlink_to(trained / "bright/0.png")
    sources = (("bright", "bright", 20), ("others", "dim", 20), ("dim", "dim", 20), ("ten", "bright", 10))
    for name, source, count in sources:
        (tmp_path / name).mkdir()
        for file in sorted((trained / source).iterdir())[:count]:
            (tmp_path / name / file.name).symlink_to(file)
    monkeypatch.setattr("research.experiment.microscope.run.layer_view", None)  # the error comes before any ascent
    with pytest.raises(UserError, match=message):
        microscope(trained / "run", Microscope(**vars(LOOK) | change), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_edited_configuration_is_noticed(trained, tmp_path):
    run = shutil.copytree(trained / "run", tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["optimizer"]["learning_rate"] *= 2
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"config\.json was edited after training: optimizer\.learning_rate is"):
        microscope(run, LOOK, out=tmp_path / "out")


def test_a_configuration_that_is_not_trained_says_how(root, tmp_path):
    with pytest.raises(UserError, match=r"is not trained yet .*scripts/train\.py"):
        microscope(root / "configs/digits_cnn.py", LOOK)
    with pytest.raises(UserError, match=r"a weight file, or vgg16 or squeezenet"):
        microscope(tmp_path / "nothing.npz", LOOK)
