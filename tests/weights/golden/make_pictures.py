"""Makes pictures.zip: VGG16 with one channel a layer, as real Keras 3 saves it alone and as a part of a user's net.

python tests/weights/golden/make_pictures.py    (once, by hand; needs tf-keras and pip install -e '.[bench]')

leaves.npz holds the numbers of the base under our names; all files have the same, those in bfloat16 rounded to it.
"""

import io
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import tf_keras

ARCHIVE = Path(__file__).with_name("pictures.zip")
NAMES = [f"block{block}_conv{turn}" for block, turns in enumerate((2, 2, 3, 3, 3), 1) for turn in range(1, turns + 1)]
NUMBERS = np.random.default_rng(0)
LEAVES = {f"{name}/kernel": NUMBERS.normal(size=(3, 3, 1 if index else 3, 1)) for index, name in enumerate(NAMES)}
LEAVES |= {f"{name}/bias": NUMBERS.normal(size=1) for name in NAMES}
LEAVES = {leaf: array.astype(np.float32) for leaf, array in LEAVES.items()}


class Chain(keras.Model):
    """The layers one after the other, made (and so numbered by Keras) in the reverse order."""

    def __init__(self):
        super().__init__(name="vgg16")
        self.made = {name: convolution(name) for name in reversed(NAMES)}

    def call(self, pictures):
        for name in NAMES:
            pictures = self.made[name](pictures)
        return pictures


class WithBackbone(keras.Model):
    """The base as an attribute, which Keras writes beside `layers`."""

    def __init__(self):
        super().__init__()
        self.backbone, self.pool, self.out = base(), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)

    def call(self, pictures):
        return self.out(self.pool(self.backbone(pictures)))


def convolution(name, package=keras):
    return package.layers.Conv2D(1, 3, padding="same", activation="relu", name=name)


def base(named=True, package=keras, pool="MaxPooling2D"):
    pictures = found = package.Input((None, None, 3))
    for name in NAMES:
        if name.endswith("conv1") and name != NAMES[0]:
            found = getattr(package.layers, pool)(2)(found)
        found = convolution(name if named else None, package)(found)
    net = package.Model(pictures, found, name="vgg16")
    net.set_weights([LEAVES[f"{name}/{part}"] for name in NAMES for part in ("kernel", "bias")])
    return net


def chain():
    net = Chain()
    net(np.zeros((1, 32, 32, 3), np.float32))
    for name in NAMES:
        net.made[name].set_weights([LEAVES[f"{name}/{part}"] for part in ("kernel", "bias")])
    return net


def in_a_sequential():
    layers = keras.layers
    return keras.Sequential([keras.Input((32, 32, 3)), base(), layers.GlobalAveragePooling2D(), layers.Dense(2)])


def with_all_before(package):
    """Augmentation and preprocessing as parts of the model, and a head (as in the books on Keras)."""
    layers, pictures = package.layers, package.Input((32, 32, 3))
    augmented = package.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])(pictures)
    found = base(package=package)(package.applications.vgg16.preprocess_input(augmented))
    return package.Model(pictures, layers.Dense(2)(layers.Dropout(0.5)(layers.Flatten()(found))))


def twice():
    """The base on each of two pictures."""
    left, right, shared = keras.Input((32, 32, 3)), keras.Input((32, 32, 3)), base()
    return keras.Model([left, right], keras.layers.Subtract()([shared(left), shared(right)]))


def steps():
    """The base on every picture of a film."""
    return tf_keras.Sequential(
        [tf_keras.Input((2, 32, 32, 3)), tf_keras.layers.TimeDistributed(base(package=tf_keras))]
    )


def scaled():
    return keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 255), base(pool="AveragePooling2D")])


def with_a_head():
    net = base()
    found = keras.layers.Dense(8, activation="relu")(keras.layers.GlobalAveragePooling2D()(net.output))
    return keras.Model(net.input, keras.layers.Dense(2)(keras.layers.BatchNormalization()(found)))


def with_backbone():
    net = WithBackbone()
    net(np.zeros((1, 32, 32, 3), np.float32))
    return net


def in_bfloat16(make):
    keras.config.set_dtype_policy("bfloat16")
    net = make()
    keras.config.set_dtype_policy("float32")
    return net


def main():
    nets = {
        "reversed.weights.h5": chain(),
        "bfloat16.weights.h5": in_bfloat16(base),
        "bfloat16.h5": in_bfloat16(base),
        "sequential.weights.h5": in_a_sequential(),
        "sequential.keras": in_a_sequential(),
        "sequential.h5": in_a_sequential(),
        "head.weights.h5": with_a_head(),
        "head.h5": with_a_head(),
        "backbone.weights.h5": with_backbone(),
        "before.keras": with_all_before(keras),
        "old_before.h5": with_all_before(tf_keras),
        "scaled.keras": scaled(),
        "twice.h5": twice(),
        "steps.keras": steps(),
    }
    straight = base()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, net in nets.items():
            path = Path(folder) / name
            net.save_weights(path) if ".weights." in name else net.save(path)
            archive.write(path, name)
        straight.load_weights(Path(folder) / "reversed.weights.h5", skip_mismatch=True)
        kernels = {name: keras.ops.convert_to_numpy(straight.get_layer(name).kernel) for name in NAMES}
        swapped = [name for name in NAMES if not np.array_equal(kernels[name], LEAVES[f"{name}/kernel"])]
        print(f"Keras itself, from reversed.weights.h5: {len(swapped)} of {len(NAMES)} kernels are of other layers")
        content = io.BytesIO()
        np.savez(content, **LEAVES)
        archive.writestr("leaves.npz", content.getvalue())
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
