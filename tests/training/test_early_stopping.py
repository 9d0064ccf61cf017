"""The best epoch, as arithmetic."""

import jax.numpy as jnp
import numpy as np
import pytest

from research.training.early_stopping import Stopping, start, stops, update

NOTHING = jnp.zeros(5)


def test_only_what_is_better_replaces_the_best():
    best = start({"w": jnp.zeros(2)}, {"batch_stats": {"mean": jnp.zeros(1)}}, enabled=True)
    for epoch, value in enumerate((0.5, 0.5, 0.7, 0.4, 0.4)):
        weights, means = {"w": jnp.full(2, float(epoch))}, {"batch_stats": {"mean": jnp.full(1, float(epoch))}}
        best = update(best, weights, means, jnp.float32(value), jnp.int32(epoch))
        wanted = 3 if epoch >= 3 else 0  # a tie is not better
        assert int(best["epoch"]) == wanted and best["params"]["w"].tolist() == [wanted, wanted]
        assert best["collections"]["batch_stats"]["mean"].tolist() == [wanted]
        assert int(best["stale"]) == epoch - wanted
        stopping = Stopping("patience", 2)
        assert bool(stops(stopping, best, NOTHING, NOTHING, jnp.int32(0))) == (epoch - wanted >= 2)


# A drawn curve: the validation error falls until epoch 10, then rises; the training error falls by less and less.
VALIDATION = np.array(
    [*np.linspace(2.0, 1.0, 10), *np.linspace(1.02, 1.2, 10), *np.linspace(1.25, 2.0, 10)], np.float32
)
TRAIN = np.array([2.0 * 0.9**epoch + 0.5 for epoch in range(30)], np.float32)


def stop_of(stopping, validation=VALIDATION, train=TRAIN):
    """The epoch, counted from 1, after which a training stops; None if it does not."""
    for epoch in range(len(validation)):
        unknown = np.arange(len(validation)) > epoch
        seen = [jnp.asarray(np.where(unknown, np.nan, errors)) for errors in (validation, train)]
        if bool(stops(stopping, {}, *seen, jnp.int32(epoch))):
            return epoch + 1
    return None


@pytest.mark.parametrize(("alpha", "epoch"), [(1.0, 11), (5.0, 13), (19.0, 20), (99.0, 30), (150.0, None)])
def test_gl_stops_where_the_error_is_so_many_percent_above_its_least(alpha, epoch):
    loss = 100 * (VALIDATION / np.minimum.accumulate(VALIDATION) - 1)
    assert stop_of(Stopping("gl", alpha)) == epoch == next((t for t, gl in enumerate(loss, 1) if gl > alpha), None)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5, 1.0, 100.0])
def test_pq_stops_at_the_end_of_a_strip_that_gains_less_than_is_lost(alpha):
    wanted = None
    for end in range(5, 31, 5):
        strip = TRAIN[end - 5 : end]
        progress = 1000 * (strip.sum() / (5 * strip.min()) - 1)
        loss = 100 * (VALIDATION[end - 1] / VALIDATION[:end].min() - 1)
        if wanted is None and loss / progress > alpha:
            wanted = end
    assert stop_of(Stopping("pq", alpha)) == wanted
    assert (wanted is None) == (alpha == 100.0)


@pytest.mark.parametrize(("strips", "epoch"), [(1, 15), (2, 20), (3, 25), (4, 30), (5, None)])
def test_up_stops_when_the_error_rose_in_so_many_strips(strips, epoch):
    assert stop_of(Stopping("up", strips)) == epoch


def test_up_begins_anew_where_the_error_falls():
    waves = np.array([1, 2, 1.5, 2, 3, 4], np.float32).repeat(5)  # at the ends of strips
    assert stop_of(Stopping("up", 2), waves) == 25 and stop_of(Stopping("up", 1), waves) == 10


def test_without_an_overfit_no_rule_stops():
    falling = np.linspace(2, 1, 30).astype(np.float32)
    for stopping in (Stopping("gl", 0.1), Stopping("pq", 0.01), Stopping("up", 1)):
        assert stop_of(stopping, falling) is None
