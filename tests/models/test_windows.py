import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.windows import Forecast, Scaled


def test_the_context_is_told_in_spreads_from_what_is_expected(window):
    read = window(calendar=0)
    found = Scaled().apply({}, read)
    past = read["expected"][:, :6]
    np.testing.assert_allclose(found * read["spread"][:, None] + past, read["values"], rtol=1e-5)


@pytest.mark.parametrize("mask", [False, True])
def test_mask_and_calendar_stand_behind_the_values(window, mask):
    read = window()
    layer = Scaled(mask, calendar=2)
    found = layer.apply({}, read)
    assert found.shape[1:] == layer.facts(((6, 3),)).output == (6, 8 if mask else 5)
    np.testing.assert_array_equal(found[..., -2:], read["calendar"][:, :6])
    if mask:
        np.testing.assert_array_equal(found[..., 3:6], read["known"])


def test_what_stands_in_the_place_of_an_unknown_value_does_not_matter(window):
    read = window()
    read["known"] = read["known"].at[0, 2, 1].set(0).at[1, 5].set(0)
    layer = Scaled(mask=True, calendar=2)
    jacobian = jax.jacrev(lambda values: layer.apply({}, read | {"values": values}))(read["values"])
    reached = np.abs(np.asarray(jacobian)).sum(axis=(0, 1, 2)) > 0
    np.testing.assert_array_equal(reached, read["known"] > 0)
    assert not np.asarray(layer.apply({}, read))[1, 5, :6].any()


def test_a_head_that_says_nothing_leaves_what_is_expected(window):
    read = window()
    found = Forecast(4, quantiles=2).apply({}, jnp.zeros((2, 4 * 3 * 2)), read)
    assert found.shape[1:] == Forecast(4, 2).facts(((24,), (6, 3))).output == (4, 3, 2)
    np.testing.assert_array_equal(found, np.repeat(read["expected"][:, 6:, :, None], 2, axis=-1))


def test_the_heads_answer_is_in_spreads_step_by_step_channel_by_channel(window):
    read = window()
    answer = jnp.arange(2.0 * 4 * 3 * 2).reshape(2, -1)
    found = Forecast(4, quantiles=2).apply({}, answer, read)
    for b, p, f, q in np.ndindex(2, 4, 3, 2):
        wanted = read["expected"][b, 6 + p, f] + read["spread"][b, f] * answer[b, (p * 3 + f) * 2 + q]
        np.testing.assert_allclose(found[b, p, f, q], wanted, rtol=1e-6)


def test_another_unit_changes_nothing_but_the_unit(window):
    read = window()
    other = read | {name: read[name] * 3 - 7 for name in ("values", "expected")} | {"spread": read["spread"] * 3}
    np.testing.assert_allclose(Scaled().apply({}, other), Scaled().apply({}, read), atol=1e-4)
    answer = jax.random.normal(jax.random.key(0), (2, 12))
    one, same = (Forecast(4).apply({}, answer, each) for each in (read, other))
    np.testing.assert_allclose(one * 3 - 7, same, rtol=1e-4)
