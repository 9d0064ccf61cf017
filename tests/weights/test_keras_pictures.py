"""A net whose configuration says other things of its layers than ours have is refused, every one of them named."""

import h5py
import pytest

from research.weights.conversion import check_conversion
from research.weights.load import load_weights
from research.weights.mapping import plan_conversion
from research.weights.weight_file import read

SETTINGS = {"activation": "relu", "padding": "same", "strides": [1, 1], "dilation_rate": [1, 1], "groups": 1}
DENSE = {"fc1": {"activation": "relu"}, "fc2": {"activation": "relu"}, "predictions": {"activation": "softmax"}}
BLOCKS = [f"block{block}_pool" for block in range(1, 6)]


def layer(kind, name, **settings):
    return {"class_name": kind, "config": {"name": name} | settings}


def configured(leaves, **changes):
    """The layers of a VGG16 as Keras states them, {name: layer}, with `changes` {layer: settings}."""
    layers = {}
    for leaf in leaves:
        name = leaf.split("/")[0]
        settings = DENSE.get(name, SETTINGS) | changes.get(name, {})
        if name == "fc1":
            layers["flatten"] = layer("Flatten", "flatten")
        layers[name] = layer("Dense" if name in DENSE else "Conv2D", name, **settings)
        if name in ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"):
            layers[f"{name[:6]}_pool"] = layer("MaxPooling2D", f"{name[:6]}_pool", pool_size=[2, 2], strides=[2, 2])
    return layers


@pytest.fixture
def objections_to(tmp_path, thin, wanted, write_keras3):
    """`objections_to(layers)`: what a .keras file of VGG16's base with that configuration is refused for."""

    def refused(layers, top=False, base=False):
        leaves = thin(top=top)
        path = write_keras3(tmp_path / "v.keras", leaves, config=list(layers.values()))
        shapes = {name: shape for name, shape in wanted(leaves).items() if not base or name.startswith("block")}
        plan = plan_conversion(read(path), "vgg16")
        return "; ".join(check_conversion(plan, shapes).wrong.get("of another kind", []))

    return refused


def insert_after(layers, after, *new):
    """`layers` with `new` ones after the one of that name (None: before all)."""
    names = list(layers)
    cut = names.index(after) + 1 if after else 0
    items = list(layers.items())
    return dict([*items[:cut], *((each["config"]["name"], each) for each in new), *items[cut:]])


@pytest.mark.parametrize("last", ["softmax", "linear"])
def test_what_keras_says_of_vgg16_is_what_ours_is(tmp_path, thin, wanted, write_keras3, last):
    leaves = thin(top=True)
    config = list(configured(leaves, predictions={"activation": last}).values())
    assert load_weights(write_keras3(tmp_path / "v.keras", leaves, config=config), wanted(leaves), "vgg16").leaves


@pytest.mark.parametrize("inner", [False, True])
def test_every_layer_that_is_another_is_named(tmp_path, thin, wanted, write_keras3, refusal, inner):
    leaves = thin(top=True)
    changes = {"block1_conv1": {"activation": "elu"}, "block3_conv2": {"strides": [2, 2], "padding": "valid"}}
    layers = configured(leaves, **changes, fc2={"activation": {"class_name": "LeakyReLU"}})
    config = list(layers.values())
    if inner:
        end = list(layers).index("flatten")
        config = [layer("Sequential", "in", layers=config[:end]), *config[end:]]
    path = write_keras3(tmp_path / "v.keras", leaves, named=True, config=config)
    words = ["block1_conv1 (activation elu, ours relu)", "fc2 (activation a custom Leaky"]
    words.append("block3_conv2 (padding valid, ours same, strides [2, 2], ours 1)")
    with refusal("of another kind", *words):
        load_weights(path, wanted(leaves), "vgg16")


@pytest.mark.parametrize("pool", BLOCKS)
@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (layer("AveragePooling2D", "pooled"), "pooled (an AveragePooling2D)"),
        (layer("MaxPooling2D", "pooled", pool_size=[3, 3], strides=[2, 2]), "pooled (pool_size 3, ours 2)"),
        (layer("MaxPooling2D", "pooled", strides=[1, 1]), "pooled (strides 1, ours 2)"),
        (layer("MaxPooling2D", "pooled", padding="same"), "pooled (padding same, ours valid)"),
    ],
)
def test_another_pool_is_refused(thin, objections_to, pool, new, fault):
    layers = configured(thin())
    layers[pool] = new
    assert objections_to(layers) == fault


@pytest.mark.parametrize("pool", BLOCKS[:-1])
def test_a_pool_that_is_not_there_is_missed(thin, objections_to, pool):
    layers = configured(thin())
    del layers[pool]
    assert objections_to(layers) == f"block{int(pool[5]) + 1}_conv1 (0 MaxPooling2D before it, ours 1)"


@pytest.mark.parametrize(
    ("after", "new", "fault"),
    [
        (None, layer("Rescaling", "scale", scale=1 / 255), "scale (a Rescaling, which scales its input"),
        (None, layer("ReLU", "bend"), "bend (relu of the input)"),
        ("block1_conv1", layer("Activation", "bend", activation="tanh"), "bend (activation tanh, ours relu)"),
        ("block3_pool", layer("LayerNormalization", "norm"), "norm (a LayerNormalization)"),
        ("block3_pool", layer("MyOwnLayer", "mine"), "mine (a MyOwnLayer)"),
        ("block3_pool", layer("Lambda", "code"), "code (a Lambda, which is code)"),
        ("block3_conv1", layer("MaxPooling2D", "further"), "block3_conv2 (1 MaxPooling2D before it, ours 0)"),
        ("block4_conv1", layer("ELU", "bend"), "bend (activation elu, ours relu)"),
    ],
)
def test_what_computes_between_layers_of_ours_is_refused(thin, objections_to, after, new, fault):
    assert fault in objections_to(insert_after(configured(thin()), after, new))


@pytest.mark.parametrize("name", ["block3_conv1", "block3_pool"])
def test_a_class_of_the_users_is_not_that_of_keras_by_the_same_name(thin, objections_to, name):
    layers = configured(thin())
    layers[name] |= {"module": None, "registered_name": f"Mine>{layers[name]['class_name']}"}
    assert f"{name} (a Mine>{layers[name]['class_name']}" in objections_to(layers)


def test_a_convolution_without_a_bias_has_one_of_zeros(tmp_path, thin, wanted, write_legacy, refusal):
    leaves, name = thin(), "block2_conv1"
    config = {"layers": list(configured(leaves, **{name: SETTINGS | {"use_bias": False}}).values())}
    path = write_legacy(tmp_path / "v.h5", leaves, "tf.keras", config=config)
    with h5py.File(path, "a") as file:
        del file[name][f"{name}/bias:0"]
        file[name].attrs["weight_names"] = [f"{name}/kernel:0"]
    found = load_weights(path, wanted(leaves), "vgg16").leaves
    assert not found[f"{name}/bias"].any() and len(found) == len(leaves)
    with h5py.File(path, "a") as file:
        del file.attrs["model_config"]
    with refusal("the file says use_bias=False: save the whole model", "missing: block2_conv1/bias"):
        load_weights(path, wanted(leaves), "vgg16")


def test_layers_called_in_another_order_are_refused(thin, objections_to):
    layers = configured(thin())
    layers |= {"block5_conv2": layers["block5_conv1"], "block5_conv1": layers["block5_conv2"]}
    objections = objections_to(layers)
    assert "block5_conv1 (reads block5_conv2, ours block4_conv3)" in objections
    assert "block5_conv3 (reads block5_conv1, ours block5_conv2)" in objections


def test_a_convolution_of_another_kind_or_without_an_activation_is_refused(thin, objections_to):
    layers = configured(thin(), block2_conv1={"activation": "linear"})
    layers["block5_conv3"] = layer("SeparableConv2D", "block5_conv3", **SETTINGS)
    objections = objections_to(layers)
    assert "block2_conv1 (activation linear, ours relu)" in objections
    assert "block5_conv3 (a SeparableConv2D, ours a Conv2D)" in objections


def test_what_comes_to_the_same_is_taken(thin, objections_to):
    layers = configured(thin(), block1_conv1={"activation": "linear"}, block5_conv3={"activation": "linear"})
    augmenting = layer("Sequential", "augment", layers=[layer("RandomFlip", "flip"), layer("RandomZoom", "zoom")])
    layers = insert_after(layers, None, layer("InputLayer", "in"), augmenting)
    layers = insert_after(layers, "block1_conv1", layer("Dropout", "drop"), layer("ReLU", "bend"))
    linear = layer("Activation", "none", activation="linear")
    layers = insert_after(layers, "block3_conv1", layer("ReLU", "twice"), linear)
    assert not objections_to(insert_after(layers, "block5_conv3", layer("Activation", "last", activation="relu")))


def test_what_lies_above_the_last_layer_that_is_wanted_is_not_looked_at(thin, objections_to):
    head = (layer("GlobalAveragePooling2D", "mean"), layer("Rescaling", "scale"), layer("Dense", "own"))
    assert not objections_to(insert_after(configured(thin()), "block5_pool", *head))
    whole = configured(thin(top=True), fc2={"activation": "tanh"})
    assert objections_to(whole, top=True) == "fc2 (activation tanh, ours relu)"
    assert not objections_to(whole, top=True, base=True)


def test_a_model_that_real_keras_saved_with_other_layers_is_refused(keras_file, keras_leaves, wanted, refusal):
    pools = [f"average_pooling2d{end} (an AveragePooling2D)" for end in ("", "_1", "_2", "_3")]
    with refusal("rescaling (a Rescaling, which scales its input", *pools):
        load_weights(keras_file("scaled.keras"), wanted(keras_leaves), "vgg16")


@pytest.mark.parametrize("name", ["before.keras", "old_before.h5"])
@pytest.mark.parametrize(("old", "new"), [("-103.93", "-100.93"), ('"step": -1', '"step": 1'), ("}, 2]]", "}, 0]]")])
def test_only_the_preprocessing_that_ours_has_is_taken(keras_file, keras_leaves, name, old, new):
    """Other means, or channels in another order."""
    file = read(keras_file(name))
    changed = file.notes["config"].replace(old, new)
    objections = plan_conversion(file._replace(notes=file.notes | {"config": changed}), "vgg16").objections
    assert bool(objections) == (changed != file.notes["config"])
    assert all(any(kind in each for kind in ("an Add", "a Stack", "a GetItem", "OpLambda")) for each in objections)


@pytest.mark.parametrize("name", ["twice.h5", "steps.keras"])
def test_a_base_that_is_called_several_times_is_one(keras_file, keras_leaves, wanted, name):
    assert load_weights(keras_file(name), wanted(keras_leaves), "vgg16").leaves


def fires(**changes):
    """A functional SqueezeNet up to fire9, as Keras 2 tells it; `changes` {layer: (kind, settings)}."""
    listed, before = [("InputLayer", {"name": "in"}, [])], "in"

    def add(name, *read, kind="Conv2D", **settings):
        kind, changed = changes.get(name.replace("/", "_"), (kind, {}))
        config = {"name": name} | settings | changed
        listed.append((kind, config, [[[each, 0, 0, {}] for each in read]]))
        return name

    before = add("conv1", "in", activation="relu", strides=[2, 2], padding="valid")
    for fire in range(2, 10):
        if fire in (2, 4, 6):
            before = add(f"pool{fire}", before, kind="MaxPooling2D", pool_size=[3, 3], strides=[2, 2])
        squeezed = add(f"fire{fire}/squeeze1x1", before, activation="relu", padding="valid")
        both = [add(f"fire{fire}/expand{side}", squeezed, activation="relu", padding="same") for side in ("1x1", "3x3")]
        before = add(f"fire{fire}/concat", *both, kind="Concatenate", axis=3)
    layers = [{"class_name": kind, "name": config["name"], "config": config} for kind, config, _ in listed]
    layers = [entry | {"inbound_nodes": read} for entry, (*_, read) in zip(layers, listed, strict=True)]
    return {"layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [[before, 0, 0]]}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, ""),
        ({"fire2_squeeze1x1": ("Conv2D", {"activation": "tanh"})}, "fire2/squeeze1x1 (activation tanh, ours relu)"),
        ({"conv1": ("Conv2D", {"strides": [1, 1]})}, "conv1 (strides [1, 1], ours 2)"),
        ({"fire3_expand3x3": ("Conv2D", {"padding": "valid"})}, "fire3/expand3x3 (padding valid, ours same)"),
        ({"fire3_concat": ("Add", {})}, "fire3/concat (an Add)"),
        ({"fire3_concat": ("Concatenate", {"axis": 1})}, "fire3/concat (axis 1, ours 3)"),
        ({"pool4": ("AveragePooling2D", {})}, "pool4 (an AveragePooling2D)"),
    ],
)
def test_a_squeezenet_is_looked_at_as_well(tmp_path, thin_squeezenet, wanted, write_legacy, changes, fault):
    path = write_legacy(tmp_path / "s.h5", thin_squeezenet, "tf.keras", config=fires(**changes))
    wrong = check_conversion(plan_conversion(read(path), "squeezenet"), wanted(thin_squeezenet)).wrong
    assert wrong == ({"of another kind": [fault]} if fault else {})


def test_a_layer_that_the_configuration_does_not_state_is_refused(thin, objections_to):
    layers = configured(thin())
    layers["block5_conv3"] = layer("Backbone", "mine")
    assert "block5_conv3 (its configuration is not stated)" in objections_to(layers)


def test_a_configuration_that_cannot_be_read_is_refused(tmp_path, thin, wanted, write_keras3, refusal):
    leaves = thin()
    with refusal("damaged", "configuration cannot be read"):
        load_weights(write_keras3(tmp_path / "v.keras", leaves, config=[1]), wanted(leaves), "vgg16")
