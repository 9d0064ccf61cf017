"""Forecasters that real Keras saved (golden/make.py) forecast here what they did there; others are refused."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from research.cli.weights import weights
from research.command_line import MISTAKE
from research.errors import UserError
from research.models.forecasters import ForecastSpec, recurrent_forecaster
from research.weights.forecaster import Description
from research.weights.load import forecaster_leaves, load_forecaster, open_weights
from research.weights.mapping import guess
from research.weights.weight_file import read

GOLDEN = Path(__file__).with_name("golden") / "forecasters.zip"
WITH_CONFIG = ("two_lstm.h5", "gru.keras", "hard.keras", "old_hard.h5", "old_gru.h5")
SILENT = ("two_lstm.weights.h5", "gru_before.weights.h5", "rnn.weights.h5", "old_rnn_alone.h5")
NETS = {
    "two_lstm.h5": Description("lstm", (4, 5), (), 3, 6, False, "sigmoid", True),
    "two_lstm.weights.h5": Description("lstm", (4, 4), (), 3, 6, False, "sigmoid", False),
    "gru.keras": Description("gru", (4,), (7,), 3, 6, True, "sigmoid", True),
    "gru_before.weights.h5": Description("gru", (4,), (), 3, 6, False, "sigmoid", False),
    "rnn.weights.h5": Description("rnn", (4,), (), 3, 6, False, "sigmoid", False),
    "hard.keras": Description("lstm", (4,), (), 3, 6, False, "hard_sigmoid", True),
    "old_hard.h5": Description("lstm", (4, 3), (), 3, 6, False, "hard_sigmoid_keras2", True),
    "old_gru.h5": Description("gru", (4,), (), 3, 6, True, "sigmoid", True),
    "old_rnn_alone.h5": Description("rnn", (4,), (), 3, 6, False, "sigmoid", False),
    "old_list.h5": Description("lstm", (4,), (), 3, 6, False, "hard_sigmoid_keras2", True, "sigmoid"),
    "old_list_folded.h5": Description("gru", (3,), (), 3, 6, True, "sigmoid", True, "tanh"),
    "folded.keras": Description("gru", (4,), (5,), 3, 6, True, "sigmoid", True, "sigmoid"),
    "functional.keras": Description("lstm", (4,), (5,), 3, 6, False, "hard_sigmoid", True, "tanh"),
    "old_functional.h5": Description("lstm", (3, 4), (), 3, 6, False, "sigmoid", True, "sigmoid", (2, 3)),
}


@pytest.fixture
def golden(tmp_path):
    """`golden(name)`: the path of a file as Keras wrote it."""

    def unpack(name):
        with zipfile.ZipFile(GOLDEN) as archive:
            return Path(archive.extract(name, tmp_path))

    return unpack


@pytest.fixture(scope="module")
def outputs():
    with zipfile.ZipFile(GOLDEN) as archive, np.load(io.BytesIO(archive.read("outputs.npz"))) as file:
        return dict(file)


def nested(leaves):
    tree = {}
    for leaf, array in leaves.items():
        layer, part = leaf.split("/")
        tree.setdefault(layer, {})[part] = jnp.asarray(array)
    return tree


def forecast(leaves, description, inputs):
    """Our net of the description, on values that are in spreads already: [B, L, F] -> [B, P*F]."""
    channels = inputs.shape[-1]
    spec = ForecastSpec(horizon=description.outputs // channels, channels=channels, output=description.output)
    how = {"dense": description.dense, "gates": description.gates, "reset_after": description.reset_after}
    net = recurrent_forecaster(spec, description.kind, description.features, **how)
    calendar = np.zeros((len(inputs), inputs.shape[1] + spec.horizon, 0), np.float32)
    window = {"values": inputs, "known": np.ones_like(inputs), "calendar": calendar}
    out, _ = net.apply({"params": nested(leaves)}, window)
    return np.asarray(out).reshape(len(inputs), -1)


@pytest.mark.parametrize("name", NETS)
def test_it_forecasts_what_it_forecast_in_keras(golden, outputs, name):
    leaves, description = forecaster_leaves(golden(name))
    assert description == NETS[name]
    wanted = outputs[f"{name}/outputs"]
    found = forecast(leaves, description, outputs[f"{name}/inputs"])
    assert np.abs(found - wanted).max() < 1e-6 * max(1, np.abs(wanted).max())


def test_the_golden_forecasts_tell_gates_apart(golden, outputs):
    for name in ("hard.keras", "old_hard.h5"):
        leaves, description = forecaster_leaves(golden(name))
        for gates in {"sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"} - {description.gates}:
            found = forecast(leaves, description._replace(gates=gates), outputs[f"{name}/inputs"])
            assert np.abs(found - outputs[f"{name}/outputs"]).max() > 1e-3


@pytest.mark.parametrize("name", NETS)
def test_inspect_shows_every_array_and_what_net_it_is(golden, capsys, name):
    path = golden(name)
    assert weights(["inspect", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    leaves, description = forecaster_leaves(path)
    assert max(map(len, lines)) <= 80 and lines[-1] == str(description)
    assert any(line.startswith("architecture forecaster, gates") for line in lines)
    assert (
        all(leaf in "\n".join(lines) for leaf in leaves) and lines[-2] == f"fits: {len(leaves)} of {len(leaves)} leaves"
    )


@pytest.mark.parametrize("name", NETS)
def test_import_export_import_is_bit_equal(golden, tmp_path, capsys, name):
    path = golden(name)
    assert weights(["import", str(path), str(tmp_path / "one.safetensors")]) == 0
    assert weights(["export", str(tmp_path / "one.safetensors"), str(tmp_path / "back.h5")]) == 0
    assert weights(["import", str(tmp_path / "back.h5"), str(tmp_path / "two.safetensors")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == lines[4] and lines[1].startswith("fingerprint ")
    first, description = forecaster_leaves(path)
    for again in ("one.safetensors", "back.h5", "two.safetensors"):
        second, same = forecaster_leaves(tmp_path / again)
        assert same == description._replace(gates_stated=True) and list(second) == list(first)
        assert all(np.array_equal(first[leaf], second[leaf]) for leaf in first)


def test_an_exported_file_has_the_order_that_keras_loads_by(golden, tmp_path):
    weights(["export", str(golden("old_hard.h5")), str(tmp_path / "out.h5")])
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file.attrs["layer_names"]) == ["lstm1", "lstm2", "head"]
        ends = [name.split("/")[1] for name in file["lstm2"].attrs["weight_names"]]
        assert ends == ["kernel:0", "recurrent:0", "bias:0"]


def test_a_forecaster_is_guessed_and_pictures_still_are(golden, tmp_path, thin, write_keras3):
    assert guess(read(golden("gru.keras"))) == "forecaster"
    assert guess(read(write_keras3(tmp_path / "v.weights.h5", thin(top=True)))) == "vgg16"


def stacked(path, layers, units=2):
    """A .weights.h5 of `layers` LSTMs and a dense layer, each with its own numbers."""
    with h5py.File(path, "w") as file:
        for index in range(layers):
            cell = file.create_group(f"layers/lstm_{index}/cell/vars" if index else "layers/lstm/cell/vars")
            for number, shape in enumerate([(units, 4 * units), (units, 4 * units), (4 * units,)]):
                cell[str(number)] = np.full(shape, index, "f4")
        file["layers/dense/vars/0"], file["layers/dense/vars/1"] = np.ones((units, 3), "f4"), np.ones(3, "f4")
        file["layers/dropout/seed_generator/vars/0"] = np.ones(2, "u4")  # no weights
    return path


def test_the_eleventh_layer_is_the_eleventh(tmp_path):
    leaves, description = forecaster_leaves(stacked(tmp_path / "w.weights.h5", 12))
    assert description.features == (2,) * 12
    assert [leaves[f"lstm{index}/bias"][0] for index in range(1, 13)] == list(range(12))


def test_layers_that_do_not_chain_are_all_named(golden, tmp_path, refusal):
    path = golden("two_lstm.h5")
    with h5py.File(path, "a") as file:
        root = file["model_weights"]
        second, dense = root["fast/sequential/fast/lstm_cell"], root["dense/sequential/dense"]
        del second["kernel"], second["bias"], dense["kernel"]
        second["kernel"], second["bias"] = np.ones((7, 20), "f4"), np.full(20, np.nan, "f4")
        dense["kernel"] = np.ones((4, 6), "f4")
    with refusal(
        *("two_lstm.h5 does not fit forecaster", "lstm2/kernel is 7x20, not 4x20", "head/kernel is 4x6, not 5x6"),
        "not numbers: lstm2/bias (NaN or infinite)",
    ):
        forecaster_leaves(path)
    with refusal("lstm2/kernel is 7x20, not 4x20"):
        weights(["import", str(path), str(tmp_path / "out.safetensors")])
    assert not (tmp_path / "out.safetensors").exists()
    assert weights(["inspect", str(path)]) == MISTAKE


def test_what_is_missing_or_extra_is_named(golden, refusal):
    path = golden("two_lstm.weights.h5")
    with h5py.File(path, "a") as file:
        del file["layers/lstm_1/cell/vars/2"], file["layers/dense"]
        file["layers/layer_normalization/vars/0"] = np.ones(4, "f4")
        file["layers/bidirectional/forward_layer/cell/vars/3"] = np.ones(4, "f4")
    with refusal(
        *("missing: lstm2/bias, head/kernel, head/bias;", "extra: layers/bidirectional/forward_layer/cell/vars/3"),
        "layers/layer_normalization/vars/0",
    ):
        forecaster_leaves(path)


def test_both_directions_are_no_two_layers(tmp_path, refusal):
    path = stacked(tmp_path / "w.weights.h5", 1)
    with h5py.File(path, "a") as file:
        for part in ("forward_layer", "backward_layer"):
            file.copy("layers/lstm", f"layers/bidirectional/{part}")
        del file["layers/lstm"]
    with refusal("within a Bidirectional", "layers/bidirectional/backward_layer/cell"):
        forecaster_leaves(path)


def test_a_layer_may_be_called_forward(golden):
    path = golden("two_lstm.h5")
    with h5py.File(path, "a") as file:
        root, config = file["model_weights"], str(file.attrs["model_config"])
        root.move("fast", "forward_lstm")
        root["forward_lstm/sequential"].move("fast", "forward_lstm")
        for group, names in ((root, "layer_names"), (root["forward_lstm"], "weight_names")):
            group.attrs[names] = [str(name).replace("fast", "forward_lstm") for name in group.attrs[names]]
        file.attrs["model_config"] = config.replace('"fast"', '"forward_lstm"')
    assert forecaster_leaves(path)[1] == NETS["two_lstm.h5"]


@pytest.mark.parametrize("wrapper", ["bidirectional/forward_lstm", "both/backward_lstm_1", "time_distributed_2"])
def test_a_wrapped_layer_of_keras_2_is_not_read_as_a_plain_one(tmp_path, refusal, wrapper):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        layers = {"lstm": [(2, 8), (2, 8), (8,)], wrapper: [(2, 8), (2, 8), (8,)], "dense": [(2, 3), (3,)]}
        if "distributed" in wrapper:
            layers[wrapper] = [(2, 2), (2,)]
        file.attrs["layer_names"] = [name.split("/")[0] for name in layers]
        for name, shapes in layers.items():
            group, parts = file.create_group(name.split("/")[0]), ["kernel", "recurrent_kernel", "bias"]
            names = [f"{name}/{part}:0" for part in (parts if len(shapes) > 2 else parts[::2])]
            group.attrs["weight_names"] = names
            for each, shape in zip(names, shapes, strict=True):
                group[each] = np.ones(shape, "f4")
    with refusal(f"layers within a Bidirectional or a TimeDistributed ({wrapper})"):
        forecaster_leaves(tmp_path / "w.h5")


def configured(path, change):
    """The file with `change(layers)` made to its configuration."""
    with h5py.File(path, "a") as file:
        model_config = json.loads(file.attrs["model_config"])
        layers = model_config["config"]["layers"]
        change({layer["config"]["name"]: layer for layer in layers}, layers)
        file.attrs["model_config"] = json.dumps(model_config)
    return path


def test_layers_of_another_kind_are_all_named(golden, refusal):
    def change(named, layers):
        named["slow"]["config"] |= {"activation": "relu", "go_backwards": True, "recurrent_activation": "tanh"}
        named["fast"]["config"] |= {"return_sequences": True}
        named["dense"]["config"] |= {"activation": "softplus"}
        layers.append({"class_name": "Flatten", "config": {"name": "flat"}})
        layers.insert(0, layers.pop(3))

    with refusal(
        *("of another kind: flat (a Flatten)", "slow (activation relu, ours tanh, go_backwards True, ours False)"),
        *("fast (return_sequences True, ours False)", "dense (activation softplus, ours linear or sigmoid or tanh)"),
        *("gates of several kinds (sigmoid, tanh)", "gates (tanh, ours sigmoid or hard_sigmoid)"),
        "a dense layer before a recurrent one",
    ):
        forecaster_leaves(configured(golden("two_lstm.h5"), change))


def test_cells_of_several_kinds_are_refused(tmp_path, refusal):
    path = stacked(tmp_path / "w.weights.h5", 1)
    with h5py.File(path, "a") as file:
        for number, shape in enumerate([(2, 6), (2, 6), (2, 6)]):
            file[f"layers/zgru/cell/vars/{number}"] = np.ones(shape, "f4")
    with refusal("of another kind: several kinds of recurrent layers (lstm1, gru2)"):
        forecaster_leaves(path)


def test_the_version_of_keras_decides_what_hard_means(golden):
    path = golden("old_hard.h5")
    with h5py.File(path, "a") as file:
        file.attrs["keras_version"] = "3.13.0"
    assert forecaster_leaves(path)[1].gates == "hard_sigmoid"
    assert forecaster_leaves(golden("hard.keras"))[1].gates == "hard_sigmoid"


def test_a_net_takes_a_file_that_fits_it_and_no_other(golden, refusal):
    path = golden("old_hard.h5")
    leaves, description = forecaster_leaves(path)
    wanted = {leaf: array.shape for leaf, array in leaves.items()}
    found = load_forecaster(path, wanted, description.gates)
    assert list(found) == list(wanted) and all(np.array_equal(found[leaf], leaves[leaf]) for leaf in leaves)
    other = dict(wanted) | {"lstm1/kernel": (8, 16), "dense1/kernel": (3, 9), "dense1/bias": (9,)}
    del other["lstm2/bias"]
    with refusal(
        *("missing: dense1/kernel, dense1/bias", "extra: lstm_1/lstm_cell/bias:0", "lstm1/kernel is 3x16, not 8x16"),
        "gates (hard_sigmoid_keras2, the net's sigmoid: --model.gates)",
    ):
        load_forecaster(path, other, "sigmoid")
    silent = golden("two_lstm.weights.h5")
    shapes = {leaf: array.shape for leaf, array in forecaster_leaves(silent)[0].items()}
    assert load_forecaster(silent, shapes, "hard_sigmoid").keys() == shapes.keys()  # it does not say


def test_weights_of_pictures_are_no_forecaster(tmp_path, thin, write_keras3, refusal):
    with refusal("weights of another net than forecaster", "it has layers/conv2d/vars/0"):
        forecaster_leaves(write_keras3(tmp_path / "v.weights.h5", thin()))


def test_a_cell_cannot_make_us_read_another_file(golden, tmp_path, refusal):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["numbers"] = np.ones((4, 16), "f4")
    path = golden("two_lstm.weights.h5")
    with h5py.File(path, "a") as file:
        del file["layers/lstm/cell/vars/1"]
        file["layers/lstm/cell/vars/1"] = h5py.ExternalLink("secret.h5", "numbers")
    with refusal("is refused", "another file", "secret.h5"):
        read(path)
    with h5py.File(path, "a") as file:
        del file["layers/lstm/cell"]
        file["layers/lstm/cell"] = h5py.ExternalLink("secret.h5", "/")
    with refusal("is refused", "another file", "secret.h5"):
        read(path)


def test_groups_that_hold_themselves_are_damage(golden, refusal):
    path = golden("two_lstm.weights.h5")
    with h5py.File(path, "a") as file:
        file["layers/lstm/again"] = file["layers"]
    with refusal("damaged", "recursion"):
        read(path)


CONFIGS = ["", "[]", "{", '{"config": 3}', '{"config": {"layers": [1]}}', "[" * 100_000, "null"]


@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_that_cannot_be_read_is_refused(golden, config, refusal):
    path = golden("old_gru.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["model_config"]
        file.attrs.create("model_config", config[:60_000])
    with refusal("old_gru.h5", "configuration"):
        forecaster_leaves(path)


@pytest.mark.parametrize(
    ("damaged", "content"),
    [*(("config.json", each) for each in CONFIGS), *(("metadata.json", each) for each in ("", "[]", "{", "null"))],
)
def test_neither_is_one_of_a_keras_file(golden, tmp_path, damaged, content, refusal):
    with zipfile.ZipFile(golden("hard.keras")) as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | {damaged: content}
    with zipfile.ZipFile(tmp_path / "other.keras", "w") as archive:
        for name, each in members.items():
            archive.writestr(name, each)
    with refusal("other.keras", "config" if damaged == "config.json" else "metadata.json cannot be read"):
        forecaster_leaves(tmp_path / "other.keras")


@pytest.mark.parametrize("name", ["heads.keras", "heads.h5"])
def test_two_heads_on_one_layer_are_no_chain(golden, name, refusal):
    with refusal(f"{name} does not fit forecaster", "2 outputs (dense"):
        forecaster_leaves(golden(name))


def test_hard_gates_of_an_unknown_version_are_refused(golden, refusal):
    path = golden("old_hard.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["keras_version"], file["model_weights"].attrs["keras_version"]
    with refusal("hard_sigmoid, of an unknown version of Keras"):
        forecaster_leaves(path)


def test_a_configuration_of_other_layers_is_refused(golden, refusal):
    def change(named, layers):
        named["fast"]["config"]["name"] = "quick"

    with refusal(
        "weights of layers that are not configured (fast/sequential/fast/lstm_cell)", "without weights (quick)"
    ):
        forecaster_leaves(configured(golden("two_lstm.h5"), change))


@pytest.mark.parametrize("name", ["old_list.h5", "functional.keras"])
def test_a_net_takes_the_output_that_the_file_tells_and_no_other(golden, tmp_path, refusal, name):
    leaves, description = forecaster_leaves(golden(name))
    weights(["import", str(golden(name)), str(tmp_path / "one.safetensors")])
    weights(["export", str(golden(name)), str(tmp_path / "one.h5")])
    wanted = {leaf: array.shape for leaf, array in leaves.items()}
    for path in (golden(name), tmp_path / "one.safetensors", tmp_path / "one.h5"):
        assert load_forecaster(path, wanted, description.gates, description.output).keys() == wanted.keys()
        with refusal(f"output ({description.output}, the net's linear: --model.output)"):
            load_forecaster(path, wanted, description.gates)


@pytest.mark.parametrize("target", [[2, 3], [3, 2], [-1, 2], [6, 1]])
def test_a_net_takes_the_shape_of_the_outputs_that_the_file_tells_and_no_other(golden, tmp_path, refusal, target):
    """Series x steps would be steps x series in another order; an import and an export still tell."""

    def change(named, layers):
        named["reshape"]["config"]["target_shape"] = target

    path = configured(golden("old_functional.h5"), change)
    leaves, description = forecaster_leaves(path)
    steps, series = 6 // target[1], target[1]
    assert description.shape == (steps, series)
    weights(["import", str(path), str(tmp_path / "one.safetensors")])
    weights(["export", str(tmp_path / "one.safetensors"), str(tmp_path / "one.h5")])
    wanted = {leaf: array.shape for leaf, array in leaves.items()}
    for each in (path, tmp_path / "one.safetensors", tmp_path / "one.h5"):
        loaded = load_forecaster(each, wanted, description.gates, description.output, (steps, series))
        assert loaded.keys() == wanted.keys()
        with refusal(f"outputs ({steps} steps x {series} series, the net's 3 steps x 4 series)"):
            load_forecaster(each, wanted, description.gates, description.output, (3, 4))


def test_one_series_has_the_same_numbers_as_one_step(golden):
    def change(named, layers):
        named["reshape"]["config"]["target_shape"] = [1, 6]

    path = configured(golden("old_functional.h5"), change)
    leaves, description = forecaster_leaves(path)
    wanted = {leaf: array.shape for leaf, array in leaves.items()}
    assert load_forecaster(path, wanted, description.gates, description.output, (6, 1)).keys() == wanted.keys()


@pytest.mark.parametrize("shape", [(), (3,), (3, 4, 5), (0, 16), (3, 0)])
@pytest.mark.parametrize("part", ["0", "1", "2"])
def test_arrays_of_any_shape_are_refused_in_words(tmp_path, refusal, part, shape):
    path = stacked(tmp_path / "w.weights.h5", 2)
    with h5py.File(path, "a") as file:
        del file[f"layers/lstm/cell/vars/{part}"]
        file[f"layers/lstm/cell/vars/{part}"] = np.ones(shape, "f4")
    leaf = ("kernel", "recurrent", "bias")[int(part)]
    with refusal("w.weights.h5", f"lstm1/{leaf} is"):
        forecaster_leaves(path)


def test_what_a_file_calls_itself_is_held_to(golden, tmp_path, refusal):
    weights(["import", str(golden("hard.keras")), str(tmp_path / "one.safetensors")])
    file = open_weights(tmp_path / "one.safetensors")
    assert file.notes["architecture"] == "forecaster" and file.notes["convention"] == "hard_sigmoid"
    with h5py.File(golden("old_gru.h5"), "a") as file:
        file.attrs["convention"] = "caffe"
    with refusal("tells of gates 'caffe'", "known are sigmoid and hard_sigmoid and hard_sigmoid_keras2"):
        forecaster_leaves(tmp_path / "old_gru.h5")


@pytest.mark.parametrize("name", [*WITH_CONFIG, *SILENT])
def test_what_a_file_of_weights_only_cannot_tell_is_said(golden, capsys, name):
    path = golden(name)
    assert weights(["inspect", str(path)]) == 0
    shown = capsys.readouterr().err
    leaves, description = forecaster_leaves(path)
    load_forecaster(path, {leaf: array.shape for leaf, array in leaves.items()}, description.gates)
    for text in (shown, capsys.readouterr().err):
        words = ("cannot tell whether a layer reads backwards (go_backwards)", "several outputs", "is used twice")
        for each in (*words, "layers without weights", "other gates"):
            assert (each in text) == (name in SILENT), text


def add_layer(path, name, *shapes):
    with h5py.File(path, "a") as file:
        for number, shape in enumerate(shapes):
            file[f"{name}/vars/{number}"] = np.ones(shape, "f4")
    return path


@pytest.mark.parametrize("name", ["layers/time_distributed/layer", "out", "layers/einsum_dense"])
@pytest.mark.parametrize("flag", ["--drop-top", "--partial"])
def test_no_layer_of_a_forecaster_is_a_top_that_could_be_dropped(tmp_path, refusal, name, flag):
    path = add_layer(stacked(tmp_path / "w.weights.h5", 1), name, (2, 2), (2,))
    with pytest.raises(UserError, match=f"extra: {name}/vars/0, {name}/vars/1") as caught:
        forecaster_leaves(path)
    assert "--drop-top" not in str(caught.value)
    with refusal("holds a forecaster, which is taken whole", f"leave out {flag}"):
        weights(["import", str(path), str(tmp_path / "out.safetensors"), flag])
    assert not (tmp_path / "out.safetensors").exists()


def test_kernels_without_their_lora_deltas_are_refused(golden, refusal):
    path = golden("two_lstm.h5")
    with h5py.File(path, "a") as file:
        group = file["model_weights/dense"]
        names = [f"sequential/dense/lora_kernel_{end}" for end in "ab"]
        group[names[0]], group[names[1]] = np.ones((5, 2), "f4"), np.ones((2, 6), "f4")
        group.attrs["weight_names"] = [*group.attrs["weight_names"], *names]
    with refusal("kernels without what LoRA has learned; save NAME.keras", "(dense/sequential/dense)"):
        forecaster_leaves(path)


def without_biases(path, *layers, stated=True):
    """The file as Keras writes it where `layers` were made with use_bias=False."""
    with h5py.File(path, "a") as file:
        for name in layers:
            group = file["model_weights"][name]
            names = list(map(str, group.attrs["weight_names"]))
            del group[names.pop()]
            group.attrs["weight_names"] = names

    def change(named, _):
        for name in layers if stated else ():
            named[name]["config"]["use_bias"] = False

    return configured(path, change)


@pytest.mark.parametrize(
    ("name", "layers", "leaves"),
    [("two_lstm.h5", ["slow", "dense"], ["lstm1", "head"]), ("old_gru.h5", ["gru", "dense"], ["gru1", "head"])],
)
def test_a_layer_without_a_bias_has_one_of_zeros(golden, tmp_path, name, layers, leaves):
    whole, description = forecaster_leaves(golden(name))
    with h5py.File(tmp_path / name) as file:
        names = {layer: next(each for each in file["model_weights"] if each.startswith(layer)) for layer in layers}
    found, same = forecaster_leaves(without_biases(tmp_path / name, *names.values()))
    assert same == description and list(found) == list(whole)
    for leaf in whole:
        zero = leaf in [f"{layer}/bias" for layer in leaves]
        assert np.array_equal(found[leaf], 0 * whole[leaf] if zero else whole[leaf]), leaf
    assert weights(["inspect", str(tmp_path / name)]) == 0


def test_what_is_missing_in_a_forecaster_is_answered_by_advice_that_helps(golden, refusal):
    path = without_biases(golden("two_lstm.h5"), "slow", stated=False)
    with refusal("use_bias=False: save the whole model as NAME.keras", "missing: lstm1/bias"):
        forecaster_leaves(path)
    path = golden("two_lstm.weights.h5")
    with h5py.File(path, "a") as file:
        del file["layers/dense"]
    with refusal("its last layer is a recurrent one; ours have a Dense layer above it", "missing: head/kernel"):
        forecaster_leaves(path)
