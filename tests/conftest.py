"""What all tests share: a compilation cache of the checkout's own, and which tests this machine can run."""

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: threads of two test processes would fight for cores

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def pytest_configure(config):
    # Before JAX is imported, so that subprocesses inherit it: programs compile once per checkout.
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(config.cache.mkdir("compiled"))


def pytest_collection_modifyitems(config, items):
    """Tests that need what a machine may lack are deselected, and counted as such: acceptance tests without
    $RESEARCH_DATA, those that ask for the fixture `browser` without $RECEPTIVE_BROWSER.
    """
    away = [item for item in items if _lacks(item)]
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if item not in away]


def _lacks(item):
    data, browser = os.environ.get("RESEARCH_DATA"), os.environ.get("RECEPTIVE_BROWSER")
    if "browser" in getattr(item, "fixturenames", ()) and not browser:
        return True
    return "acceptance" in item.path.parts and not data


def pytest_report_header():
    data, browser = os.environ.get("RESEARCH_DATA"), os.environ.get("RECEPTIVE_BROWSER")
    return [
        f"acceptance tests: {'on ' + data if data else 'deselected, set RESEARCH_DATA to run them on real data'}",
        f"browser tests: {'in ' + browser if browser else 'deselected, set RECEPTIVE_BROWSER (chromium) to run them'}",
    ]


@pytest.fixture(autouse=True)
def _elsewhere(request, tmp_path, monkeypatch):
    """Every test runs in a folder of its own, where the user's data cannot be met by chance."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if "acceptance" not in request.path.parts:
        monkeypatch.delenv("RESEARCH_DATA", raising=False)


@pytest.fixture
def root():
    """The checkout."""
    return ROOT


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
