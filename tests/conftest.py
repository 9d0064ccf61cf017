"""What all tests share: where programs are cached, and which tests this machine can run. They compile what ships."""

import gc
import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: threads of two test processes would fight for cores

import numpy as np
import pytest
from PIL import Image

from research.bench.workloads import ATTACKS, OF_ONNX
from research.command_line import COLLECT_AFTER
from research.errors import UserError

ROOT = Path(__file__).parents[1]
pytest_plugins = ["tests.weight_files"]
LIBRARIES = {name: find_spec(name) is not None for name in ("torch", "keras")}
ONNX_PEERS = all(find_spec(package) for package in OF_ONNX)
ATTACKERS = all(find_spec(package) for package in ("torch", "torchattacks", "art"))


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the slow tests, too")


def pytest_configure(config):
    assert "jax" not in sys.modules, "imported by a conftest.py, before these settings could reach it"
    gc.set_threshold(COLLECT_AFTER)  # as a script does
    # In the environment, so that subprocesses inherit it: programs compile once per checkout.
    if config.pluginmanager.hasplugin("cacheprovider"):
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("compiled"))


def pytest_collection_modifyitems(config, items):
    """Tests that need what a machine may lack are deselected, and counted as such: acceptance tests without
    $RESEARCH_DATA, those that ask for the fixture `browser` without $RECEPTIVE_BROWSER, those of ONNX peers and of
    other attacks without their packages, those of PyTorch or Keras without it; and slow ones without --slow.
    """
    slow = config.getoption("--slow")
    away = [item for item in items if _lacks(item) or (item.get_closest_marker("slow") and not slow)]
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if item not in away]


def _lacks(item):
    data, browser = os.environ.get("RESEARCH_DATA"), os.environ.get("RECEPTIVE_BROWSER")
    if "browser" in getattr(item, "fixturenames", ()) and not browser:
        return True
    if item.get_closest_marker("needs_onnx") and not ONNX_PEERS:
        return True
    if item.get_closest_marker("needs_attackers") and not ATTACKERS:
        return True
    if any(item.get_closest_marker(f"needs_{name}") and not there for name, there in LIBRARIES.items()):
        return True
    return "acceptance" in item.path.parts and not data


def pytest_report_header(config):
    data, browser = os.environ.get("RESEARCH_DATA"), os.environ.get("RECEPTIVE_BROWSER")
    return [
        f"slow tests: {'among them' if config.getoption('--slow') else 'deselected, give --slow to run them'}",
        f"acceptance tests: {'on ' + data if data else 'deselected, set RESEARCH_DATA to run them on real data'}",
        f"tests of ONNX peers: {'among them' if ONNX_PEERS else 'deselected, install the extra bench to run them'}",
        f"tests of other attacks: {'among them' if ATTACKERS else f'deselected, pip install {ATTACKS} to run them'}",
        *(f"tests with {name}: {'among them' if there else 'deselected'}" for name, there in LIBRARIES.items()),
        f"browser tests: {'in ' + browser if browser else 'deselected, set RECEPTIVE_BROWSER (chromium) to run them'}",
    ]


@pytest.fixture(autouse=True)
def _elsewhere(request, tmp_path, monkeypatch):
    """Every test runs in a folder of its own, where the user's data cannot be met by chance."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "acceptance" not in request.path.parts:
        monkeypatch.delenv("RESEARCH_DATA", raising=False)


@pytest.fixture(scope="module", autouse=True)
def _blank_figures(request):
    """Tests of experiments and commands take a third less time with blank figures; those of reports draw them."""
    room, *_ = request.path.relative_to(ROOT / "tests").parts
    if os.environ.get("RESEARCH_DATA") or room not in ("experiment", "cli"):
        yield
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    def blank(canvas, file, **options):
        Image.new("L", canvas.get_width_height()).save(file, "PNG")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FigureCanvasAgg, "print_png", blank)
        yield


@pytest.fixture
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def refusal():
    """A context that demands a UserError of one line holding every word given."""

    @contextmanager
    def refused(*words):
        with pytest.raises(UserError) as caught:
            yield
        message = str(caught.value)
        assert "\n" not in message and message.strip(), message
        for word in words:
            assert str(word) in message, message

    return refused


@pytest.fixture(scope="session")
def write_rows():
    """`write_rows(path)`: three classes of 8x8 pictures told apart by a bright row each, at its own height."""
    return _write_rows


@pytest.fixture
def small_npz(tmp_path):
    """The pictures of `write_rows` in a file of the test's own."""
    return _write_rows(tmp_path / "rows.npz")


@pytest.fixture(scope="session")
def write_series():
    """`write_series(path, change)`: two weeks of hourly `flow` and `speed` that follow the day, as `change` leaves
    them, a function of the columns' dict.
    """
    return _write_series


@pytest.fixture(scope="session")
def write_houses():
    """`write_houses(path, change, rows)`: houses whose price follows area, quality and garage, as `change` leaves them,
    a function of the columns' dict.
    """
    return _write_houses


def _write_houses(path, change=lambda columns: columns, rows=120):
    generator = np.random.default_rng(0)
    area = generator.integers(50, 250, rows)
    quality = generator.choice(["Fa", "TA", "Gd"], rows)
    garage = generator.choice(["Attached", "Detached", "NA"], rows)
    price = 1000 * area * (1 + (quality == "Gd") - 0.3 * (quality == "Fa")) + 20_000 * (garage != "NA")
    columns = change(
        {
            "Id": np.arange(1, rows + 1),
            "area": area,
            "front": np.where(np.arange(rows) % 10 == 3, "", generator.integers(5, 30, rows).astype(str)),
            "quality": quality,
            "veneer": generator.choice(["None", "Brick"], rows),
            "garage": garage,
            "pool": generator.choice(["True", "False"], rows),
            "price": price.astype(int),
        }
    )
    lines = zip(*columns.values(), strict=True)
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in (columns, *lines)))
    return path


def _write_series(path, change=lambda columns: columns):
    generator = np.random.default_rng(0)
    hours = np.arange(14 * 24)
    times = np.datetime64("2016-01-04T00:00") + hours * np.timedelta64(1, "h")
    day = -np.cos(2 * np.pi * hours / 24)
    flow = 600 + 400 * day + np.cumsum(generator.normal(0, 8, len(hours)))
    columns = change(
        {"time": times.astype(str), "flow": flow, "speed": 60 - 10 * day + generator.normal(0, 2, len(day))}
    )
    rows = zip(*columns.values(), strict=True)
    cell = lambda one: "" if isinstance(one, float) and np.isnan(one) else str(one)  # noqa: E731
    path.write_text("".join(",".join(map(cell, row)) + "\n" for row in (columns, *rows)))
    return path


def _write_rows(path):
    generator = np.random.default_rng(0)
    labels = np.arange(150) % 3
    images = generator.integers(0, 120, (150, 8, 8)).astype(np.uint8)
    images[np.arange(150), 2 * labels + 1] += 100
    np.savez(path, x_train=images[:120], y_train=labels[:120], x_test=images[120:], y_test=labels[120:])
    return path
