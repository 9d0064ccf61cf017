"""The leaves of a training in checkpoints, today's and those of earlier versions."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.batches import whole_set
from research.data.sampling import uniform
from research.training import checkpoints, program
from research.training.fit import load
from research.training.losses import classification
from research.training.plan import TrainingPlan
from research.training.state import chosen_epoch, chosen_leaves, members_of
from research.trees import named_leaves

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
    patience=2,
)


@pytest.mark.parametrize("seeds", [[3], [3, 4]])
def test_a_checkpoint_of_earlier_versions_is_loaded(tmp_path, seeds):
    state, _ = program.build_advance(PLAN)(program.start(seeds, PLAN), DATA, DATA, jnp.int32(4))
    fields = state._asdict()
    earlier = {"seeds": fields.pop("seed"), "step": fields.pop("step")[0], "each": fields}
    folder = tmp_path / "run" / "checkpoints" / "group"
    checkpoints.save(folder, 4, earlier, {"data": PLAN.identity, "clock": {"compile": 1.0, "train": 2.0}})
    found, spent = load(PLAN, seeds, folder) or pytest.fail("nothing is found")
    for one, other in zip(*map(jax.tree.leaves, (found, state)), strict=True):
        np.testing.assert_array_equal(one, other)
    assert spent == {"compile": 1.0, "train": 2.0}


def test_the_chosen_leaves_are_those_of_the_chosen_epoch():
    state, _ = program.build_advance(PLAN)(program.start([3], PLAN), DATA, DATA, jnp.int32(4))
    member = named_leaves(members_of(state)[0])
    assert chosen_epoch(member) == member["best/epoch"] > 0
    for changed, epoch in ((member["best/epoch"], member["best/epoch"]), (0, None)):
        told = member | {"params/w/kernel": np.zeros(1), "best/epoch": changed}
        assert chosen_epoch(told) == epoch
        np.testing.assert_array_equal(
            chosen_leaves(told)["params/w/kernel"], np.zeros(1) if epoch is None else member["best/params/w/kernel"]
        )
    no_copies = {name: leaf for name, leaf in member.items() if not name.startswith("best/params/")}
    assert chosen_epoch(no_copies) is None
