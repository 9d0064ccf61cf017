"""The bounds of a configuration's fields."""

import pytest

from research import config as configuration
from research.errors import UserError


@pytest.mark.parametrize("change", [{"steps": 0}, {"pad": -2}, {"rate": float("nan")}, {"size": 0}, {"scale": 1.5}])
def test_what_a_microscope_is_set_to_is_within_bounds(change):
    with pytest.raises(UserError, match=next(iter(change))):
        configuration.within_bounds(configuration.Microscope(**change))
    assert configuration.within_bounds(configuration.Microscope()) == configuration.Microscope()
