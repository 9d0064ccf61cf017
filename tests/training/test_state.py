"""The leaves of a training in checkpoints, today's and those of earlier versions."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.batches import whole_set
from research.data.sampling import uniform
from research.experiment.images.loss import classification
from research.training import checkpoints, program
from research.training.early_stopping import Stopping
from research.training.fit import load
from research.training.plan import TrainingPlan
from research.training.state import of_earlier_versions

DATA = whole_set(np.eye(3, dtype=np.float32), np.arange(3))
PLAN = TrainingPlan(
    examples={"train": 3, "validation": 3},
    data_set=lambda split: DATA,
    identity="three rows",
    initialize=lambda key: {"params": {"w": {"kernel": jax.random.normal(key, (3, 3))}}},
    apply=lambda variables, inputs, key: (inputs @ variables["params"]["w"]["kernel"], {}),
    loss_fn=classification,
    metrics=("loss", "accuracy"),
    order=uniform(3, 3),
    optimizer=optax.adam(0.1),
    epochs=4,
    stopping=Stopping("patience", 2),
)


@pytest.mark.parametrize("seeds", [[3], [3, 4]])
def test_a_checkpoint_of_earlier_versions_is_loaded(tmp_path, seeds):
    state, _ = program.build_advance(PLAN)(program.start(seeds, PLAN), DATA, DATA, jnp.int32(4))
    fields = {name: value for name, value in state._asdict().items() if name != "fold"}
    earlier = {"seeds": fields.pop("seed"), "step": fields.pop("step")[0], "each": fields}
    folder = tmp_path / "run" / "checkpoints" / "group"
    checkpoints.save(folder, 4, earlier, {"data": PLAN.identity, "clock": {"compile": 1.0, "train": 2.0}})
    found, spent = load(PLAN, seeds, folder) or pytest.fail("nothing is found")
    for one, other in zip(*map(jax.tree.leaves, (found, state)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert spent == {"compile": 1.0, "train": 2.0}


def test_a_checkpoint_of_a_version_without_folds_is_of_the_first():
    leaves = {"seed": np.array([3, 4], np.int32), "params/w": np.zeros((2, 3))}
    found = of_earlier_versions(leaves)
    assert found["fold"].tolist() == [0, 0] and found["fold"].dtype == np.int32
    assert of_earlier_versions(found | {"fold": np.array([1, 2], np.int32)})["fold"].tolist() == [1, 2]
