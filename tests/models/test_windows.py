import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.windows import Forecast, Scaled


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


def test_the_heads_answer_is_told_step_by_step_channel_by_channel():
    answer = jnp.arange(2.0 * 4 * 3 * 2).reshape(2, -1)
    layer = Forecast(4, quantiles=2)
    found = layer.apply({}, answer)
    assert found.shape[1:] == layer.facts(((24,),)).output == layer.facts(((4, 6),)).output == (4, 3, 2)
    for b, p, f, q in np.ndindex(2, 4, 3, 2):
        assert found[b, p, f, q] == answer[b, (p * 3 + f) * 2 + q]
