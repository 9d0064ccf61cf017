import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from research.data.images.stream import AHEAD, stream

N, B, EPOCH = 23, 4, 6  # examples, batch, steps an epoch: one index of padding
STEPS = 3 * EPOCH + 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Mapped pictures, and labels."""
    path = tmp_path_factory.mktemp("stream") / "a.npy"
    generator = np.random.default_rng(0)
    np.save(path, generator.integers(0, 256, (N, 5, 4, 3)).astype(np.uint8))
    return np.load(path, mmap_mode="r"), generator.integers(0, 9, N).astype(np.int32)


def order(epoch):
    shuffled = np.random.default_rng(epoch).permutation(N)
    return np.append(shuffled, np.full(-N % B, N)).reshape(EPOCH, B)


def expected(step):
    """The rows of a step's batch; padding is the last example."""
    rows = order(step // EPOCH)[step % EPOCH]
    return np.where(rows == N, N - 1, rows)


@pytest.mark.parametrize("window", [1, 3, EPOCH, 2 * EPOCH + 1, STEPS, 100])
@pytest.mark.parametrize("first", [0, 1, EPOCH - 1, 7, STEPS - 1])
def test_blocks_are_plain_indexing_from_any_first_step(pictures, first, window):
    images, labels = pictures
    step = first
    for block in stream(images, labels, order, first_step=first, steps=STEPS, window=window):
        assert block.start == step and block.steps == min(window, STEPS - step)
        rows = np.concatenate([expected(step + index) for index in range(block.steps)])
        np.testing.assert_array_equal(block.inputs[: len(rows)], images[rows])
        np.testing.assert_array_equal(block.labels[: len(rows)], labels[rows])
        assert block.inputs.shape == (window * B, 5, 4, 3) and block.labels.shape == (window * B,)
        assert (block.inputs[len(rows) :] == images[-1]).all() and (block.labels[len(rows) :] == labels[-1]).all()
        assert type(block.inputs) is np.ndarray and block.inputs.dtype == np.uint8 and block.labels.dtype == np.int32
        step += block.steps
    assert step == STEPS


def test_whoever_resumes_sees_the_tail_of_the_undisturbed(pictures):
    whole = list(stream(*pictures, order, first_step=0, steps=STEPS, window=4))
    for index, block in enumerate(whole):
        tail = list(stream(*pictures, order, first_step=block.start, steps=STEPS, window=4))
        assert len(tail) == len(whole) - index
        for one, other in zip(tail, whole[index:], strict=True):
            assert all(np.array_equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def test_nothing_is_left_to_do(pictures):
    assert list(stream(*pictures, order, first_step=STEPS, steps=STEPS, window=4)) == []


def test_it_runs_ahead_by_so_much_and_stops_when_it_is_closed(pictures):
    asked = set()

    def spying(epoch):
        asked.add(epoch)
        return order(epoch)

    blocks = stream(*pictures, spying, first_step=0, steps=1000 * EPOCH, window=EPOCH)
    assert not asked  # until the first block is wanted
    for index in range(5):
        next(blocks)
        assert max(asked) <= index + AHEAD
    blocks.close()
    for thread in threading.enumerate():
        if thread.name.startswith("grain"):
            thread.join(10)
            assert not thread.is_alive()
    assert max(asked) <= 4 + AHEAD
    with pytest.raises(StopIteration):
        next(blocks)


def test_an_error_in_the_order_arrives(pictures):
    def failing(epoch):
        if epoch == 2:
            raise LookupError("no such epoch")
        return order(epoch)

    blocks = stream(*pictures, failing, first_step=0, steps=STEPS, window=EPOCH)
    assert [next(blocks).start, next(blocks).start] == [0, EPOCH]
    with pytest.raises(LookupError, match="no such epoch"):
        list(blocks)


LARGE = """
import sys
from pathlib import Path
import grain
import numpy as np
from research.data.images.stream import stream
def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024
def order(epoch):
    return np.random.default_rng(epoch).permutation(4000).reshape(-1, 20)
images = np.load("large.npy", mmap_mode="r")
before, peak, total = anonymous(), 0, 0
for block in stream(images, np.zeros(4000, np.int32), order, first_step=0, steps=400, window=2):
    peak, total = max(peak, anonymous() - before), total + block.inputs.nbytes
print(total, peak, block.inputs.nbytes)
"""


@pytest.mark.slow
def test_what_is_in_memory_is_a_few_blocks_of_many(tmp_path, root):
    """300 MB, twice, through blocks of 3 MB; nothing else is said. Pages of the file are the system's to drop."""
    shape = (4000, 160, 160, 3)
    images = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.uint8, shape)
    images[:, :, 0] = np.arange(4000, dtype=np.uint8)[:, None, None]
    del images
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LARGE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    total, peak, block = map(int, done.stdout.split())
    assert total == 2 * np.prod(shape) and peak < 12 * block < 80 << 20


def test_grain_is_imported_when_it_is_needed(root):
    code = "import sys, research.data.images.stream, research.data.images.sources; assert 'grain' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(root), "PATH": ""}, check=True)
