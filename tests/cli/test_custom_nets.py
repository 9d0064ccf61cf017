"""A mistake in a net of one's own is one line on stderr and exit code 2, and nothing is written."""

import pytest

NETS = """
import flax.linen as nn

class Net(nn.Module):
    depth: int
    outputs: int
    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.outputs)(x.reshape(len(x), -1))
"""
CONFIG = """
from research.config import Custom, ImageExperiment
def get_config():
    return ImageExperiment(name="own", model=Custom({model}))
"""


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        ('""', r"model\.source '' names no file; write FILE\.py:NAME or package\.module:NAME"),
        ('"nets.py:Nett"', r"nets\.py has no Nett; did you mean Net\?"),
        ('"nets.py:Net"', r"nets\.py:Net needs depth, which model\.arguments does not give"),
        (
            '"nets.py:Net", {"depth": 1, "outputs": 4}',
            r"gives \[B, 4\] for pictures of 8x8x1; 10 classes need \[B, 10\]",
        ),
        ('"nowhere.py:Net"', r"own\.py: no file nowhere\.py of model\.source"),
        ('"nets.py:Net", {"depth": object()}', r"own\.py: .*JSON"),
        ('"nets.py:Net", pixels="floats"', r"own\.py: configuration field model\.pixels"),
    ],
)
def test_a_mistake_is_one_line(run_script, refused, tmp_path, model, pattern):
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "own.py").write_text(CONFIG.format(model=model))
    refused(run_script("train", tmp_path / "own.py"), pattern, tmp_path)
