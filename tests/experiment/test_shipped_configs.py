"""Every shipped configuration loads and has the parameters that it has always had."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research import config as configuration
from research.config import PretrainedNet
from research.data.tables.table import Schema
from research.experiment.images.build import build_network
from research.experiment.series import net as forecasters
from research.experiment.tables.net import build_network as build_table_network
from research.models.transfer import transfer_net
from research.trees import count

# (pixels [H, W, C], classes) of the data that the configuration names, and the count that must not change.
GOLDEN = {
    "cats_and_dogs_augmented": ((150, 150, 3), 2, 3_453_121),
    "cats_and_dogs_scratch": ((150, 150, 3), 2, 3_453_121),
    "cats_and_dogs_squeezenet": ((200, 200, 3), 2, 723_522),
    "cats_and_dogs_squeezenet_tuned": ((200, 200, 3), 2, 723_522),
    "cats_and_dogs_vgg16": ((200, 200, 3), 2, 14_714_688 + 1_026),
    "cats_and_dogs_vgg16_augmented": ((200, 200, 3), 2, 14_714_688 + 1_026),
    "cats_and_dogs_vgg16_tuned": ((200, 200, 3), 2, 14_714_688 + 1_026),
    "cifar10_lenet5": ((32, 32, 3), 10, 456 + 2_416 + 48_120 + 10_164 + 850),
    "cifar10_resnet20": ((32, 32, 3), 10, 269_722),
    "cifar10_vgg_bn": ((32, 32, 3), 10, 9 * (3 * 32 + 32 * 32 + 32 * 64 + 64**2 + 64 * 128 + 128**2) + 896 + 1_290),
    "digits_cnn": ((8, 8, 1), 10, 72_842),
    "digits_dense": ((8, 8, 1), 10, 38_410),
    "mnist_cnn": ((28, 28, 1), 10, 93_322),
    "mnist_cnn_short": ((28, 28, 1), 10, 93_322),
    "mnist_dense": ((28, 28, 1), 10, 407_050),
}

# (columns F, seconds of a step) of the series that the configuration names, and the count that must not change.
SERIES = {
    "i405_cnn": (1, 300, 22_240),
    "i405_dense": (1, 300, 32_608),
    "i405_gru": (1, 300, 31_968),
    "i405_lstm": (1, 300, 36_128),
    "i405_rnn": (1, 300, 23_072),
    "metr_la_cnn": (15, 300, 156_640),
    "metr_la_dense": (15, 300, 359_200),
    "metr_la_gru": (15, 300, 296_736),
    "metr_la_lstm": (15, 300, 301_792),
    "metr_la_rnn": (15, 300, 286_048),
    "pems_next": (1, 300, 13),
    "traffic_cnn": (1, 3600, 14_168),
    "traffic_dense": (1, 3600, 2_008),
    "traffic_gru": (1, 3600, 14_424),
    "traffic_lstm": (1, 3600, 4 * (1 + 64 + 1) * 64 + 65 * 24),
    "traffic_profile": (1, 3600, 2_776),
    "traffic_rnn": (1, 3600, 5_784),
}

# (columns of numbers, those with gaps, levels of the others, the count, classes) of the table.
TABLES = {
    "ames_course": (36, 0, (), 37 * 64 + 65 * 64 + 65, 0),
    "ames_full": (36, 3, (2,) * 43, (36 + 3 + 2 * 43 + 1) * 128 + 129 * 64 + 65, 0),
    "tables_diabetes": (10, 0, (), 2_817, 0),
    "tables_iris": (4, 0, (), 5 * 32 + 33 * 3, 3),
}


# No experiments: they train nets of many sizes, and have other tests.
DOUBLE_DESCENT = ("double_descent_epochs", "double_descent_width")


def test_every_configuration_has_its_golden_count(root):
    assert {path.stem for path in (root / "configs").glob("*.py")} == {*GOLDEN, *SERIES, *TABLES, *DOUBLE_DESCENT}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_count_is_the_golden_one(root, name):
    config = configuration.load(str(root / "configs" / f"{name}.py"))
    shape, classes, parameters = GOLDEN[name]
    model = config.model
    if isinstance(model, PretrainedNet):
        shaped = {"pooling": model.pooling, "hidden": model.hidden, "dropout": model.dropout}
        net = transfer_net(model.backbone, "caffe", classes, **shaped)
    else:
        net = build_network(model, classes)
    variables = jax.eval_shape(lambda: net.init(jax.random.key(0), jnp.zeros((1, *shape))))
    assert count(variables["params"]) == parameters


@pytest.mark.parametrize("name", SERIES)
def test_the_count_of_a_forecaster_is_the_golden_one(root, name):
    config = configuration.load(str(root / "configs" / f"{name}.py"))
    channels, seconds, parameters = SERIES[name]
    sizes = forecasters.sizes_of(config, config.data.columns or channels * ("",), np.timedelta64(seconds, "s"))
    net = forecasters.build_network(config.model, sizes)
    assert sizes.channels == channels
    assert count(jax.eval_shape(lambda: net.init(jax.random.key(0), forecasters.example(sizes)))) == parameters


@pytest.mark.parametrize("name", TABLES)
def test_the_count_of_a_net_of_tables_is_the_golden_one(root, name):
    config = configuration.load(str(root / "configs" / f"{name}.py"))
    numbers, gaps, levels, parameters, classes = TABLES[name]
    names = tuple(f"c{index}" for index in range(len(levels)))
    schema = Schema(
        target="y",
        numeric=("n",) * numbers,
        shifts=(0.0,) * numbers,
        gaps=(True,) * gaps + (False,) * (numbers - gaps),
        ordered=((),) * numbers,
        categorical=names,
        levels=(("a", "b"),) * len(levels),
        ids=None,
        classes=("k",) * classes,
    )
    net = build_table_network(config, schema)
    row = {"numbers": jnp.zeros((1, numbers)), "codes": jnp.zeros((1, len(levels)), jnp.int32)}
    assert count(jax.eval_shape(lambda: net.init(jax.random.key(0), row)["params"])) == parameters


@pytest.mark.parametrize("name", [*GOLDEN, *SERIES, *TABLES, *DOUBLE_DESCENT])
def test_a_configuration_is_called_as_its_file_is(root, name):
    config = configuration.load(str(root / "configs" / f"{name}.py"), configuration.RunConfig)
    assert config.name == name
    assert f"configs/{name}.py" in (root / "configs" / f"{name}.py").read_text(), "the docstring says how to run it"
