"""Nets of one's own: what is accepted, what is refused in one line, and that they compute what their file says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.config import Custom
from research.models.apply import apply_of
from research.models.custom import check_custom, custom_net
from research.models.custom_summary import summarize_custom
from research.models.initialization import initializer
from research.trees import count, named_leaves

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1)).astype(np.uint8)
NETS = """
import flax.linen as nn
import jax, jax.numpy as jnp

class Block(nn.Module):
    width: int
    @nn.compact
    def __call__(self, x, train):
        y = nn.Conv(self.width, (3, 3), use_bias=False)(x)
        y = nn.relu(nn.BatchNorm(use_running_average=not train)(y))
        self.sow("intermediates", "rectified", y)
        return y

class Small(nn.Module):
    width: int
    classes: int = 10
    rate: float = 0.5
    @nn.compact
    def __call__(self, x, train=False):
        x = Block(self.width)(x, train)
        x = nn.avg_pool(x, (4, 4), (4, 4)).reshape(len(x), -1)
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        x = nn.Dropout(self.rate, deterministic=not train)(x * scale)
        return nn.Dense(self.classes)(x)

class Still(nn.Module):
    num_classes: int
    widths: tuple = (3,)
    @nn.compact
    def __call__(self, x, deterministic):
        for width in self.widths:
            x = nn.Dropout(0.5)(nn.Dense(width)(x.reshape(len(x), -1)), deterministic=deterministic)
        return nn.Dense(self.num_classes)(x), {"mine": x}

class Wide(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(7)(x.reshape(len(x), -1))

class Needy(nn.Module):
    classes: int
    @nn.compact
    def __call__(self, x, mask):
        return nn.Dense(self.classes)(x.reshape(len(x), -1))

class Failing(nn.Module):
    def __call__(self, x):
        raise ValueError("two\\nlines")

class Growing(nn.Module):
    classes: int
    @nn.compact
    def __call__(self, x, train=False):
        seen = self.variable("seen", "all", jnp.zeros, (1,))
        if train:
            seen.value = jnp.zeros((len(seen.value) + 1,))
        return nn.Dense(self.classes)(x.reshape(len(x), -1))

def made(classes, scale=1.0):
    def init(key, x):
        size = x.reshape(len(x), -1).shape[1]
        return {"params": {"out": {"w": scale * jax.random.normal(key, (size, classes))}}, "seen": {"n": jnp.zeros(())}}
    def apply(variables, x, train, rngs):
        output = x.reshape(len(x), -1) @ variables["params"]["out"]["w"]
        return output, {"flat": x.reshape(len(x), -1)}, {"seen": {"n": variables["seen"]["n"] + train}}
    return init, apply

init, apply = made(3)
READY = Still(num_classes=3)
NUMBER = 3
def nothing(): return 3
def bare(): return (lambda key, x: [1]), (lambda variables, x: x)
"""


@pytest.fixture
def net(tmp_path):
    """`net(NAME, outputs, **arguments)`: the net of that name in a file of nets."""
    (tmp_path / "nets.py").write_text(NETS)

    def make(name, outputs=3, pixels="unit", **arguments):
        return custom_net(Custom(f"{tmp_path / 'nets.py'}:{name}".removesuffix(":"), arguments, pixels), outputs)

    return make


ALL = [("Small", {"width": 4}), ("Still", {"widths": [5, 4]}), ("READY", {}), ("made", {"scale": 0.1}), ("", {})]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments"), ALL)
def test_modules_and_functions_are_nets(net, name, arguments):
    found = net(name, **arguments)
    check_custom(found, (8, 8, 1), 3)
    variables = initializer(found, PICTURES[:1], {})(jax.random.key(0))
    apply = apply_of(found)
    output, same = apply(variables, PICTURES, None)
    assert output.shape == (6, 3) and output.dtype == jnp.float32
    jax.tree.map(np.testing.assert_array_equal, same, {n: tree for n, tree in variables.items() if n != "params"})
    alone = np.concatenate([apply(variables, PICTURES[i : i + 1], None)[0] for i in range(6)])
    np.testing.assert_allclose(output, alone, rtol=1e-5, atol=1e-5)
    _, moved = apply(variables, PICTURES, jax.random.key(1))
    for name, leaf in named_leaves(moved).items():
        assert not np.array_equal(leaf, named_leaves(same)[name]), f"{name} follows training"


@pytest.mark.slow
def test_the_module_computes_what_flax_does(net):
    found = net("Small", width=4)
    variables = found.init(jax.random.key(0), PICTURES[:1])
    wanted = found.module.init(jax.random.key(0), PICTURES[:1] / np.float32(255))
    jax.tree.map(np.testing.assert_array_equal, variables, {n: wanted[n] for n in ("params", "batch_stats")})
    output, taps = found.apply(variables, PICTURES)
    np.testing.assert_allclose(output, found.module.apply(variables, PICTURES / np.float32(255)), rtol=1e-5)
    assert list(taps) == [
        *("Block_0/Conv_0", "Block_0/BatchNorm_0", "Block_0/rectified", "Block_0", "Dropout_0", "Dense_0", "Small"),
    ]
    np.testing.assert_array_equal(taps["Small"], output)
    np.testing.assert_array_equal(taps["Block_0/rectified"], jax.nn.relu(taps["Block_0/BatchNorm_0"]))


def test_taps_that_a_net_returns_are_there_too(net):
    for name, taps in (("READY", ["Dense_0", "Dropout_0", "Dense_1", "Still", "mine"]), ("made", ["flat", "output"])):
        found = net(name)
        output, values = found.apply(found.init(jax.random.key(0), PICTURES[:1]), PICTURES)
        assert list(values) == taps
        np.testing.assert_array_equal(values[found.root], output)


def test_dropout_draws_by_the_key(net):
    found = net("Small", width=4)
    variables = found.init(jax.random.key(0), PICTURES[:1])
    one, same, other = (apply_of(found)(variables, PICTURES, jax.random.key(k))[0] for k in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_pixels_are_those_asked_for(net):
    unit, stored = net("made"), net("made", pixels="bytes")
    variables = unit.init(jax.random.key(0), PICTURES[:1])
    scaled, raw = (apply_of(each)(variables, PICTURES, None)[0] for each in (unit, stored))
    np.testing.assert_allclose(255 * scaled, raw, rtol=1e-4)


def test_the_same_file_and_arguments_are_the_same_net(net):
    assert net("Small", width=4) == net("Small", width=4) and hash(net("Still", widths=[5])) is not None
    assert net("Small", width=4) != net("Small", width=5) and net("Small", width=4) != net("Small", 4, width=4)


def test_an_edited_file_is_another_net(net, tmp_path):
    before = net("Wide")
    path = tmp_path / "nets.py"
    path.write_text(NETS.replace("nn.Dense(7)", "nn.Dense(3)"))
    after = custom_net(Custom(f"{path}:Wide"), 3)
    assert before != after
    check_custom(after, (8, 8, 1), 3)


@pytest.mark.parametrize(("name", "arguments"), ALL)
def test_the_summary_counts_every_parameter_once(net, name, arguments):
    found = net(name, **arguments)
    variables = found.init(jax.random.key(0), PICTURES[:1])
    rows = summarize_custom(found, (8, 8, 1))
    assert sum(row["parameters"] for row in rows) == count(variables["params"])
    assert rows[-1]["output_shape"] == [3]


def test_the_summary_names_modules_shapes_products_and_statistics(net):
    rows = {row["name"]: row for row in summarize_custom(net("Small", width=4), (8, 8, 1))}
    conv, norm = rows["Block_0/Conv_0"], rows["Block_0/BatchNorm_0"]
    assert (conv["parameters"], conv["output_shape"], conv["multiply_adds"]) == (36, [8, 8, 4], 64 * 36)
    assert (norm["parameters"], norm["formula"], norm["multiply_adds"]) == (8, "8 and 8 statistics", None)
    assert rows["Dense_0"]["parameters"] == 17 * 3 and rows["nets.py:Small"]["parameters"] == 16
    assert rows["Block_0"]["parameters"] == 0 and rows["Block_0"]["kind"] == "Block"


REFUSED = [
    ("Small", {}, ["nets.py:Small needs width, which model.arguments does not give"]),
    ("Small", {"width": 4, "rat": 0.1}, ["takes no argument rat; did you mean rate?"]),
    ("Smal", {}, ["nets.py has no Smal; did you mean Small?"]),
    ("Wide", {}, ["gives [B, 7] for pictures of 8x8x1", "3 classes need [B, 3]"]),
    ("Needy", {}, ["__call__ of nets.py:Needy needs mask"]),
    ("Failing", {}, ["fails on pictures of 8x8x1: ValueError: two lines"]),
    ("Growing", {}, ["changes the shapes of its collection seen"]),
    ("NUMBER", {}, ["is an int; a net is a Flax Linen module"]),
    ("nothing", {}, ["is an int; a net is a Flax Linen module"]),
    ("bare", {}, ["init of nets.py:bare gives a list"]),
    ("READY", {"widths": [1]}, ["takes no arguments"]),
    ("Small", {"width": "wide"}, ["fails on pictures of 8x8x1"]),
]


@pytest.mark.parametrize(("name", "arguments", "words"), REFUSED, ids=[f"{n}{a}" for n, a, _ in REFUSED])
def test_what_does_not_fit_is_one_line(net, refusal, name, arguments, words):
    with refusal(*words):
        check_custom(net(name, **arguments), (8, 8, 1), 3)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nothing.py:Net", ["no file nothing.py"]),
        ("no.such.module:Net", ["no.such.module", "ModuleNotFoundError"]),
        ("nosuchmodule:Net", ["no module nosuchmodule", "FILE.py:NAME"]),
        ("broken.py:Net", ["broken.py of model.source fails: SyntaxError"]),
        ("leaving.py:Net", ["leaving.py of model.source fails: SystemExit: 3"]),
        ("json:nothing", ["has no nothing"]),
    ],
)
def test_a_source_that_cannot_be_used_is_one_line(tmp_path, refusal, source, words):
    (tmp_path / "broken.py").write_text("x = (\n")
    (tmp_path / "leaving.py").write_text("import sys; sys.exit(3)")
    with refusal(*words):
        custom_net(Custom(source), 3)


def test_a_module_of_a_package_is_a_source(tmp_path, monkeypatch):
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package/nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    found = custom_net(Custom("own_package.nets:Small", {"width": 2}), 3)
    check_custom(found, (8, 8, 1), 3)
    assert found.label == "own_package.nets:Small"
