"""Transfer from end to end, on generated pictures and generated weights of SqueezeNet."""

import contextlib
import dataclasses
import io
import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from research import config as configuration
from research import experiment
from research.config import Augmentation, ConvNet, ImageData, ImageExperiment, Optimizer, PretrainedNet, Training
from research.errors import UserError
from research.experiment.images import transfer
from research.experiment.images.build import build
from research.experiment.microscope.loaded_net import load_net
from research.experiment.stages import expected_leaves, started
from research.experiment.training import load_variables
from research.models import inference
from research.models.lowering import convolution
from research.models.squeezenet import squeezenet
from research.models.transfer import transfer_net
from research.models.vgg16 import vgg16
from research.trees import from_named, named_leaves
from research.weights.load import load_weights
from research.weights.native_file import save_native

HEAD_LEAVES = ("dense1/bias", "dense1/kernel", "logits/bias", "logits/kernel")
HEAD = (512 + 1) * 6 + 7 * 2
FIRE9 = 512 * 64 + 64 + 64 * 256 + 256 + 9 * 64 * 256 + 256


@pytest.fixture(scope="module", autouse=True)
def _quickly_compiled():
    """The lowering that compiles fastest; `tests/models/lowering` holds all of them to the same numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "choose_lowering", lambda *_: "xla")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of red and green pictures, and weights of SqueezeNet at random."""
    folder, generator = tmp_path_factory.mktemp("transfer"), np.random.default_rng(0)
    for name, channel in (("green", 1), ("red", 0)):
        (folder / "colours" / name).mkdir(parents=True)
        for index in range(40):
            pixels = generator.integers(0, 130, (40, 36, 3)).astype(np.uint8)
            pixels[..., channel] += 40
            Image.fromarray(pixels).save(folder / "colours" / name / f"{index}.png")
    save_random(folder / "random.safetensors", squeezenet(), "squeezenet")
    return folder


def save_random(path, net, architecture):
    """Weights of `net` at random, He-scaled so that signals survive."""
    generator = np.random.default_rng(1)
    leaves = {}
    for name, shape in shapes_of(net).items():
        scale = np.sqrt(2 / np.prod(shape[:-1])) if name.endswith("kernel") else 0.1
        leaves[name] = np.float32(scale) * generator.standard_normal(shape, np.float32)
    source = {"file": "generated", "sha256": ""}
    save_native(path, leaves, architecture=architecture, convention="caffe", source=source)


def shapes_of(net):
    params = jax.eval_shape(lambda: net.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3))))["params"]
    return {name: leaf.shape for name, leaf in named_leaves(params).items()}


def changed(config, **fields):
    """`config` with fields of its parts changed: train={"epochs": 1}."""
    parts = {part: dataclasses.replace(getattr(config, part), **values) for part, values in fields.items()}
    return dataclasses.replace(config, **parts)


def ready_transfer(config):
    loaded = transfer.load_pretrained(config.model, config.data.root)
    return transfer.transfer(loaded, config.model, config, 2)


def curves(run_dir):
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return np.array([[row[split]["loss"] for split in ("train", "validation")] for row in rows])


@pytest.fixture(scope="module")
def config(folder):
    return ImageExperiment(
        name="colours",
        data=ImageData(source=str(folder / "colours"), size=36, validation=0.2, test=0.25),
        model=PretrainedNet(weights=str(folder / "random.safetensors"), hidden=(6,)),
        optimizer=Optimizer("adamw", learning_rate=3e-3, weight_decay=0.1),
        train=Training(epochs=2, batch_size=16),
    )


@pytest.fixture(scope="module")
def finished(config, tmp_path_factory):
    """A run of `config` and what it printed; not to be written into."""
    folder = tmp_path_factory.mktemp("finished")
    with contextlib.redirect_stderr(io.StringIO()) as said:
        experiment.run(config, folder / "run")
    return folder / "run", said.getvalue()


def test_only_what_lies_above_the_cut_is_trained(config, finished):
    record = json.loads((finished[0] / "record.json").read_text())
    assert record["parameters"] == {"total": 722_496 + HEAD, "trainable": HEAD}
    assert {name.split("/")[0] for name in build(config).net.names} == {"head"}
    tuned = build(changed(config, model={"fine_tune": 3}))
    assert {name.split("/")[0] for name in tuned.net.names} == {"head", "fire9"}


def test_features_from_the_cache_equal_the_whole_net(config, finished):
    plan = build(config)
    like = jax.eval_shape(lambda: plan.net.init(jax.random.key(0), plan.inputs["train"][:1]))
    head = load_variables(config, like, 0, finished[0])
    ready = ready_transfer(config)
    whole = transfer_net("squeezenet", "caffe", 2, hidden=(6,))
    params = from_named(
        named_leaves(ready.below) | named_leaves(head["params"]),
        jax.eval_shape(lambda: whole.init(jax.random.key(0), jnp.zeros((1, 36, 36, 3), jnp.uint8))["params"]),
    )
    wanted = jax.jit(whole.apply)({"params": params}, plan.data.images["test"])[0]
    found = plan.apply(head, plan.inputs["test"], None)[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", transfer.KNOWN["squeezenet"])
def test_weights_are_found_under_each_known_name(tmp_path, name):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / name).touch()
    assert transfer.weights_file(PretrainedNet(backbone="squeezenet"), str(tmp_path)).name == name
    with pytest.raises(UserError, match=r"no weights .*vgg16_imagenet_notop\.npz or .*--model.weights FILE"):
        transfer.weights_file(PretrainedNet(backbone="vgg16"), str(tmp_path))


def test_the_first_known_name_is_taken_and_a_named_file_before_it(tmp_path):
    (tmp_path / "weights").mkdir()
    for name in (*transfer.KNOWN["vgg16"], "own.npz"):
        (tmp_path / "weights" / name).touch()
    root, first = str(tmp_path), transfer.KNOWN["vgg16"][0]
    assert transfer.weights_file(PretrainedNet(backbone="vgg16"), root).name == first
    assert transfer.weights_file(PretrainedNet(backbone="vgg16", weights="own.npz"), root).name == "own.npz"


def test_the_microscope_takes_a_backbone_by_name(folder, tmp_path):
    (tmp_path / "weights").mkdir()
    leaves = load_weights(folder / "random.safetensors", shapes_of(squeezenet()), "squeezenet").leaves
    np.savez(tmp_path / "weights" / "squeezenet_v1.1_imagenet_notop.npz", **leaves)
    loaded = load_net("squeezenet", root=str(tmp_path))
    assert loaded.title.startswith("squeezenet") and "fire9/expand3x3" in loaded.layers


@pytest.mark.slow
@pytest.mark.parametrize("other", ["weights", "precision", "split"])
def test_features_of_other_weights_another_precision_or_split_are_others(config, folder, other, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # nothing that another test left
    fresh = tmp_path / "fresh.npz"
    leaves = load_weights(folder / "random.safetensors", shapes_of(squeezenet()), "squeezenet").leaves
    np.savez(fresh, **{name: leaf * np.float32(1.01) for name, leaf in leaves.items()})
    changes = {
        "weights": {"model": {"weights": str(fresh)}},
        "precision": {"train": {"precision": "bfloat16"}},
        "split": {"model": {"fine_tune": 1}},
    }
    one, two, again = (build(changed(config, **fields)) for fields in ({}, changes[other], {}))
    assert one.inputs["train"].shape != two.inputs["train"].shape or (one.inputs["train"] != two.inputs["train"]).any()
    np.testing.assert_array_equal(one.inputs["train"], again.inputs["train"])


def test_the_frozen_part_is_compiled_once_for_all_pieces(config):
    """Each program maps memory that is never given back: of one a piece, a few thousand pictures end the process."""
    ready = ready_transfer(config)
    images = np.zeros((16, 36, 36, 3), np.uint8)
    transfer.frozen_outputs(ready, images)
    compiled = inference._run._cache_size()
    again = ready_transfer(config)  # as another split, or another run in this process, has it
    for one in (ready, again):
        transfer.frozen_outputs(one, images)
    assert inference._run._cache_size() == compiled


@pytest.mark.slow
def test_predictions_go_through_both_parts(finished, folder):
    run, record = finished[0], json.loads((finished[0] / "record.json").read_text())
    answers = list(experiment.predict(run, [folder / "colours/red", folder / "colours/green"]))
    right = np.mean([answer["class"] == answer["input"].split("/")[-2] for answer in answers])
    overall = sum(record["metrics"][s]["accuracy"] * record["data"]["sizes"][s] for s in record["metrics"]) / 80
    assert right == pytest.approx(overall)


def test_other_weights_are_other_training(config, finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    (tmp_path / "run/record.json").unlink()
    frozen = named_leaves(ready_transfer(config).below)
    leaves = {name: np.asarray(leaf) + 1 for name, leaf in frozen.items()}
    save_native(
        tmp_path / "b.safetensors",
        leaves,
        architecture="squeezenet",
        convention="caffe",
        source={"file": "generated", "sha256": ""},
    )
    other = dataclasses.replace(
        config, model=dataclasses.replace(config.model, weights=str(tmp_path / "b.safetensors"))
    )
    with pytest.raises(UserError, match=r"model\.weights"):
        experiment.run(other, tmp_path / "run")


@pytest.mark.slow
def test_features_of_a_net_that_only_pools_otherwise_are_others(config):
    """At a size at which the pooled map has several positions."""
    larger = changed(config, data={"size": 96})
    mean, largest = (build(changed(larger, model={"pooling": how})).inputs["test"] for how in ("avg", "max"))
    assert (largest >= mean - 1e-3).all() and (largest > mean + 1e-3).any()


def test_missing_weights_say_where_to_get_them(config, tmp_path):
    lost = dataclasses.replace(config, model=PretrainedNet(backbone="vgg16"))
    with pytest.raises(UserError, match=r"weights\.py fetch vgg16.*md5 6d6bbae.*--model\.weights"):
        experiment.run(lost, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_gray_or_small_pictures_are_refused(config, tmp_path):
    for change in ({"gray": True}, {"size": 31}):
        wrong = dataclasses.replace(config, data=dataclasses.replace(config.data, **change))
        with pytest.raises(UserError, match=r"colour pictures of 32 pixels or more.*(--data\.gray|--data\.size)"):
            experiment.run(wrong, tmp_path / "run")


@pytest.mark.slow
def test_curves_on_the_cache_are_those_without_it(config, tmp_path):
    cached = changed(config, model={"fine_tune": 1})  # a frozen layer is left above the split
    records = [
        experiment.run(changed(cached, model={"cache": cache}), tmp_path / str(cache)) for cache in (True, False)
    ]
    assert records[0]["parameters"] == records[1]["parameters"]
    np.testing.assert_allclose(curves(tmp_path / "True"), curves(tmp_path / "False"), rtol=1e-5)


@pytest.mark.slow
def test_curves_on_cached_views_are_those_of_views_drawn_in_the_step(config, finished, tmp_path):
    """With as many views as epochs, under the seed that the cached views are drawn by."""
    augment = Augmentation(flip=True, rotation=20.0, brightness=0.2)
    drawn = dataclasses.replace(changed(config, data={"split_seed": 0}), augment=augment)
    kept = dataclasses.replace(drawn, augment=dataclasses.replace(augment, views=2))
    experiment.run(drawn, tmp_path / "drawn")
    experiment.run(kept, tmp_path / "kept")
    np.testing.assert_allclose(curves(tmp_path / "kept"), curves(tmp_path / "drawn"), rtol=1e-5)
    assert not np.allclose(curves(finished[0]), curves(tmp_path / "drawn"), rtol=1e-3)


def test_views_without_a_frozen_part_are_refused(config, tmp_path):
    for wrong in (
        dataclasses.replace(config, augment=Augmentation(views=2)),
        dataclasses.replace(config, augment=Augmentation(views=2, flip=True), model=ConvNet()),
    ):
        with pytest.raises(UserError, match=r"augment\.views"):
            experiment.run(wrong, tmp_path / "run")


@pytest.mark.slow
def test_what_a_pattern_freezes_stays_as_the_weights_had_it(config, tmp_path, folder):
    frozen = changed(config, model={"fine_tune": 3}, train={"freeze": ("fire9/squeeze1x1/*", "*/bias")})
    record = experiment.run(frozen, tmp_path / "run")
    assert record["parameters"]["trainable"] == 64 * 256 + 9 * 64 * 256 + 512 * 6 + 6 * 2
    assert "fire9/squeeze1x1" not in build(frozen).net.names, "what is frozen lies below the split"
    plan = build(frozen)
    like = jax.eval_shape(lambda: plan.net.init(jax.random.key(0), plan.inputs["train"][:1]))
    ended = named_leaves(load_variables(frozen, like, 0, tmp_path / "run")["params"])
    for name, leaf in plan.start.items():
        assert np.array_equal(ended[name], leaf) == name.endswith("bias"), name


def test_a_wrong_pattern_gives_the_list(config, tmp_path):
    with pytest.raises(UserError, match=r"train\.freeze fire10/\* .*head/logits/kernel"):
        experiment.run(changed(config, train={"freeze": ("fire10/*",)}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_bfloat16_computes_what_float32_does_but_coarser(config, tmp_path):
    slow = changed(config, model={"fine_tune": 3}, optimizer={"learning_rate": 1e-5})
    exact, coarse = (changed(slow, train={"precision": precision}) for precision in ("float32", "bfloat16"))
    records = [experiment.run(c, tmp_path / c.train.precision) for c in (exact, coarse)]
    assert records[0]["parameters"] == records[1]["parameters"]
    assert records[0]["parameters"] == {"total": 722_496 + HEAD, "trainable": HEAD + FIRE9}
    ours, theirs = curves(tmp_path / "float32"), curves(tmp_path / "bfloat16")
    assert (ours != theirs).any()
    np.testing.assert_allclose(theirs, ours, rtol=0.1)
    like = jax.eval_shape(lambda: build(coarse).net.init(jax.random.key(0), build(coarse).inputs["train"][:1]))
    ended = load_variables(coarse, like, 0, tmp_path / "bfloat16")
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(ended))


@pytest.mark.slow
def test_the_shipped_vgg16_rungs_run_one_after_the_other_from_a_weight_file_to_a_report(folder, root):
    weights = folder / "vgg16.safetensors"
    save_random(weights, vgg16(), "vgg16")
    block5, head = 3 * (9 * 512 * 512 + 512), (512 + 1) * 2
    for name, trained in (("cats_and_dogs_vgg16", head), ("cats_and_dogs_vgg16_tuned", head + block5)):
        small = changed(
            configuration.load(str(root / "configs" / f"{name}.py")),
            data={"source": str(folder / "colours"), "size": 32, "validation": 0.2, "test": 0.25},
            model={"weights": str(weights)},
            train={"epochs": 1},
        )
        run_dir = Path("runs") / name  # where the second looks for the first
        record = experiment.run(small, run_dir)
        assert record["parameters"] == {"total": 14_714_688 + head, "trainable": trained}
        assert np.isfinite(record["metrics"]["test"]["loss"]) and (run_dir / "report.html").exists()
        (answer,) = experiment.predict(run_dir, [folder / "colours/red/0.png"])
        assert answer["class"] in ("green", "red")
    assert record["start"]["experiment"] == "cats_and_dogs_vgg16"


@pytest.mark.slow
def test_a_stage_is_split_before_the_one_before_it_is_trained_as_after(config):
    """So that a comparison computes no features that the run will not read."""
    whole, tuned = (changed(config, model=fields) for fields in ({"cache": False}, {"fine_tune": 3}))
    stage = dataclasses.replace(config, start="runs/before")
    after_whole = build(stage, expected_leaves(stage, build(whole)))
    assert not after_whole.frozen, "all of the backbone lies below the cut, as it was loaded"
    found = expected_leaves(stage, build(tuned))
    after_tuned = started(stage, build(stage, found), found)
    assert {name.split("/")[0] for name in after_tuned.frozen} == {"fire9"}
    assert build(stage, expected_leaves(stage, after_tuned)).frozen == after_tuned.frozen


@pytest.mark.slow
def test_swapped_channels_are_warned_of(config, finished, tmp_path, folder, capsys):
    assert "swapped" not in finished[1]
    for file in (folder / "colours").rglob("*.png"):
        target = tmp_path / "blue" / file.relative_to(folder / "colours")
        target.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(int(file.stem)).integers(0, 200, (36, 36, 3))
        pixels[..., 2] += 55
        Image.fromarray(pixels.astype(np.uint8)).save(target)
    build(changed(config, data={"source": str(tmp_path / "blue")}))
    assert "red and blue look swapped" in capsys.readouterr().err


@pytest.mark.slow
def test_stages_keep_what_was_trained_above_the_cut_also_where_it_is_frozen_again(config, finished, tmp_path):
    """Head, then block and head, then the head alone: predictions and the microscope need no earlier stage."""
    first, second, third = finished[0], tmp_path / "second", tmp_path / "third"
    tuned = dataclasses.replace(changed(config, model={"fine_tune": 3}), name="tuned", start=str(first))
    untouched = experiment.run(changed(tuned, train={"epochs": 0}), tmp_path / "untouched")
    before = json.loads((first / "record.json").read_text())
    assert untouched["metrics"]["test"]["loss"] == pytest.approx(before["metrics"]["test"]["loss"], rel=1e-4)
    assert untouched["start"]["leaves"] == [f"params/head/{leaf}" for leaf in HEAD_LEAVES]
    after = experiment.run(tuned, second)
    again = dataclasses.replace(changed(config, train={"epochs": 0}), name="again", start=str(second))
    record = experiment.run(again, third)
    assert record["metrics"]["test"]["loss"] == pytest.approx(after["metrics"]["test"]["loss"], rel=1e-4)
    assert record["parameters"]["trainable"] == HEAD
    shutil.rmtree(second)
    picture = next(Path(config.data.source).rglob("*.png"))
    assert [answer["class"] for answer in experiment.predict(third, [picture])]
    fire9, pretrained = (load_net(where).params["fire9/expand3x3"]["kernel"] for where in (third, first))
    assert not np.array_equal(fire9, pretrained)
