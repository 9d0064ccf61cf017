import dataclasses
import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.ascent.objectives import LEAK, Channel, Constant, Direction, Diversity, Filter, as_objective, stacked

TAPS = {"map": np.random.default_rng(0).normal(size=(3, 5, 4, 6)).astype(np.float32)}
A, B = Channel(jnp.int32(1), "map"), Channel(jnp.int32(4), "map", position=(2, 3))


@pytest.mark.parametrize("how", [operator.add, operator.sub, operator.mul])
@pytest.mark.parametrize("other", [B, 0.7])
def test_operators_do_to_scores_what_they_say_and_leave_their_operands(how, other):
    before = [dataclasses.asdict(A), A.score(TAPS)]
    worth = other if isinstance(other, float) else other.score(TAPS)
    assert how(A, other).score(TAPS) == how(A.score(TAPS), worth)
    assert how(other, A).score(TAPS) == how(worth, A.score(TAPS))
    assert (-A).score(TAPS) == -A.score(TAPS)
    assert [dataclasses.asdict(A), A.score(TAPS)] == before


def test_operands_that_are_neither_objectives_nor_numbers():
    for other in ("B", None):
        with pytest.raises(TypeError, match="objectives and numbers"):
            A - other


def test_what_is_scored():
    assert A.score(TAPS) == pytest.approx(TAPS["map"][..., 1].mean(), rel=1e-5)
    assert B.score(TAPS) == pytest.approx(TAPS["map"][:, 2, 3, 4].mean(), rel=1e-5)
    vector = np.arange(6, dtype=np.float32)
    found = Direction(jnp.asarray(vector), "map").score(TAPS)
    assert found == pytest.approx((TAPS["map"] * vector).sum(axis=-1).mean(), rel=1e-4)


def test_diversity_is_zero_among_equals_whatever_their_scale_and_one_among_the_unlike():
    one = TAPS["map"][:1]
    assert Diversity("map").score({"map": np.concatenate([one, 3 * one, 0.1 * one])}) == pytest.approx(0, abs=1e-5)
    unlike = np.zeros((2, 4, 4, 2), np.float32)
    unlike[0, ..., 0] = unlike[1, ..., 1] = 1
    assert Diversity("map").score({"map": unlike}) == pytest.approx(1)
    assert Diversity("map").score({"map": one}) == 0


def test_a_silent_filter_is_scored_by_what_comes_before_its_nonlinearity():
    def respond(given, taps):
        return jnp.maximum(taps["map"][..., 0] + given, 0), taps["map"][..., 0] + given

    loud, silent = (Filter(jnp.float32(bias), respond) for bias in (0.0, -100.0))
    values = TAPS["map"][..., 0]
    assert loud.score(TAPS) == pytest.approx(np.maximum(values, 0).mean(), rel=1e-5)
    assert values.mean() - 100 < silent.score(TAPS) < values.max() - 100
    slope = np.asarray(jax.grad(lambda x: silent.score({"map": x}))(jnp.asarray(TAPS["map"])))
    assert not slope[..., 1:].any()
    np.testing.assert_allclose(slope[..., 0].sum(axis=(1, 2)), 1 / 3, rtol=1e-5)
    for one, slope_of in zip(values, slope[..., 0], strict=True):  # a deviation more counts e times as much
        expected = np.exp((one - one.max()) / one.std())
        np.testing.assert_allclose(slope_of / slope_of.max(), expected, rtol=1e-3)


def test_a_filter_that_responds_has_a_gradient_where_it_is_silent_and_its_plain_score():
    def respond(given, taps):
        before = taps["map"][..., 0] + given
        return jnp.maximum(before, 0), before

    values = jnp.asarray(TAPS["map"])
    score = lambda x: Filter(jnp.float32(-2e6), respond).score({"map": x})  # noqa: E731
    assert score(values.at[:, 0, 0, 0].set(2e6 + 8)) == pytest.approx(8 / 20)  # to the last digit
    score = lambda x: Filter(jnp.float32(0), respond).score({"map": x})  # noqa: E731
    slope = jax.grad(score)(values)[..., 0]
    np.testing.assert_allclose(slope, np.where(TAPS["map"][..., 0] > 0, 1, LEAK) / values[..., 0].size, rtol=1e-6)
    linear = jax.grad(lambda x: Filter((), lambda given, taps: (taps["map"],) * 2).score({"map": x}))(values)
    np.testing.assert_allclose(linear, 1 / values.size, rtol=1e-6)


def test_objectives_of_one_structure_are_stacked_and_run_side_by_side():
    each = [Channel(jnp.int32(i), "map") * 2 + Constant(jnp.float32(i)) for i in range(4)]
    found = jax.vmap(lambda objective: objective.score(TAPS))(stacked(each))
    np.testing.assert_allclose(found, [objective.score(TAPS) for objective in each], rtol=1e-6)
    with pytest.raises(ValueError, match="Constant"):
        stacked([A, as_objective(1.0)])
