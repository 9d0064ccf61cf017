"""The best epoch, as arithmetic."""

import jax.numpy as jnp

from research.training.early_stopping import exhausted, start, update


def test_only_what_is_better_replaces_the_best():
    best = start({"w": jnp.zeros(2)}, {"batch_stats": {"mean": jnp.zeros(1)}}, enabled=True)
    for epoch, value in enumerate((0.5, 0.5, 0.7, 0.4, 0.4)):
        weights, means = {"w": jnp.full(2, float(epoch))}, {"batch_stats": {"mean": jnp.full(1, float(epoch))}}
        best = update(best, weights, means, jnp.float32(value), jnp.int32(epoch))
        wanted = 3 if epoch >= 3 else 0  # a tie is not better
        assert int(best["epoch"]) == wanted and best["params"]["w"].tolist() == [wanted, wanted]
        assert best["collections"]["batch_stats"]["mean"].tolist() == [wanted]
        assert int(best["stale"]) == epoch - wanted
        assert bool(exhausted(best, 2)) == (epoch - wanted >= 2)
