"""Makes forecasters.zip: forecasters as real Keras 3 and Keras 2 save them, and what they forecast.

python tests/weights/golden/make.py    (once, by hand; needs: pip install -e '.[bench]' tf-keras; half a minute)

Weights are large enough for gates to saturate. NAME/inputs [B, L, F] and NAME/outputs [B, P*F] are in outputs.npz.
A name with "functional" is that of a functional model; one with "list" has the configuration of Keras 2.1, a bare list
of layers; "heads" are two on one layer, which is no forecaster here.
It also loads into Keras what `research.weights` reads and exports again, and holds those forecasts against these.
"""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import tf_keras

from research.weights.export import export
from research.weights.load import forecaster_leaves
from research.weights.name_tables import convention_of

ARCHIVE = Path(__file__).with_name("forecasters.zip")
STEPS, CHANNELS, HORIZON = 5, 3, 2


def nets():
    """{file name: net}: all three cells, one layer and two, with and without names of one's own."""
    new, old = keras.layers, tf_keras.layers
    head = HORIZON * CHANNELS
    hard = {"recurrent_activation": "hard_sigmoid"}
    return {
        "two_lstm.h5": (
            keras,
            [new.LSTM(4, return_sequences=True, name="slow"), new.LSTM(5, name="fast"), new.Dense(head)],
        ),
        "two_lstm.weights.h5": (keras, [new.LSTM(4, return_sequences=True), new.LSTM(4), new.Dense(head)]),
        "gru.keras": (
            keras,
            [new.GRU(4), new.Dropout(0.1), new.Dense(7, activation="relu", name="wide"), new.Dense(head, name="a")],
        ),
        "gru_before.weights.h5": (keras, [new.GRU(4, reset_after=False), new.Dense(head)]),
        "rnn.weights.h5": (keras, [new.SimpleRNN(4), new.Dense(head), new.Reshape((HORIZON, CHANNELS))]),
        "hard.keras": (keras, [new.LSTM(4, **hard), new.Dense(head)]),
        "old_hard.h5": (tf_keras, [old.LSTM(4, return_sequences=True, **hard), old.LSTM(3, **hard), old.Dense(head)]),
        "old_gru.h5": (tf_keras, [old.GRU(4), old.Dense(head)]),
        "old_rnn_alone.h5": (tf_keras, [old.SimpleRNN(4), old.Dense(head)]),
        "old_list.h5": (tf_keras, [old.LSTM(4, **hard), old.Dropout(0.2), old.Dense(head, activation="sigmoid")]),
        "old_list_folded.h5": (tf_keras, [old.GRU(3), old.Dense(head), old.Activation("tanh")]),
        "folded.keras": (
            keras,
            [new.GRU(4), new.Dense(5), new.Activation("relu"), new.Dense(head), new.Activation("sigmoid")],
        ),
        "functional.keras": (
            keras,
            [new.LSTM(4, **hard), new.Dense(5), new.GaussianNoise(0.1), new.ReLU(), new.Dense(head, activation="tanh")],
        ),
        "old_functional.h5": (
            tf_keras,
            [
                *(old.LSTM(3, return_sequences=True), old.SpatialDropout1D(0.1), old.LSTM(4), old.Dense(head)),
                *(old.Activation("linear"), old.Reshape((HORIZON, CHANNELS)), old.Activation("sigmoid")),
            ],
        ),
    }


def built(package, layers, name):
    """The net of `layers`, functional where its name says so."""
    if "functional" not in name:
        return package.Sequential([package.layers.Input((STEPS, CHANNELS)), *layers])
    first = last = package.layers.Input((STEPS, CHANNELS))
    for layer in layers:
        last = layer(last)
    return package.Model(first, last)


def as_list(path):
    """Rewrite a Sequential's configuration as Keras 2.1 wrote it: a bare list of layers, none of them an InputLayer."""
    with h5py.File(path, "a") as file:
        model = json.loads(file.attrs["model_config"])
        first, *layers = model["config"]["layers"]
        layers[0]["config"]["batch_input_shape"] = first["config"]["batch_input_shape"]
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers})
        file.attrs["keras_version"] = "2.1.6"


def two_heads(package, folder, name):
    """A file of two heads on one layer, of the same shape as one on the other would have."""
    first = package.layers.Input((STEPS, CHANNELS))
    read = package.layers.LSTM(6)(first)
    path = Path(folder) / name
    package.Model(first, [package.layers.Dense(6, activation="relu")(read), package.layers.Dense(6)(read)]).save(path)
    return path


def main():
    generator, outputs = np.random.default_rng(0), {}
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (package, layers) in nets().items():
            net = built(package, layers, name)
            net.set_weights([generator.normal(0, 0.8, array.shape) for array in net.get_weights()])
            path = Path(folder) / name
            alone = ".weights." in name or "alone" in name
            net.save_weights(path) if alone else net.save(path)
            if "list" in name:
                as_list(path)
            archive.write(path, name)
            inputs = generator.normal(0, 1.5, (4, STEPS, CHANNELS)).astype(np.float32)
            outputs |= {f"{name}/inputs": inputs, f"{name}/outputs": np.asarray(net(inputs)).reshape(4, -1)}
            leaves, description = forecaster_leaves(path)
            back = export(
                Path(folder) / "back.h5",
                leaves,
                architecture="forecaster",
                convention=convention_of(description.gates, description.output),
            )
            net.set_weights([0 * array for array in net.get_weights()])
            net.load_weights(back)
            assert np.array_equal(np.asarray(net(inputs)).reshape(4, -1), outputs[f"{name}/outputs"]), name
        for package, name in ((keras, "heads.keras"), (tf_keras, "heads.h5")):
            archive.write(two_heads(package, folder, name), name)
        content = io.BytesIO()
        np.savez(content, **outputs)
        archive.writestr("outputs.npz", content.getvalue())
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
