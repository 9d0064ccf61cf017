import numpy as np
import pytest

from research.models.inference import outputs


def double(params, inputs, key):
    return inputs * params, {}


@pytest.mark.parametrize("count", [1, 4, 5, 11])
def test_every_example_comes_back_once_and_in_order(count):
    inputs = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    np.testing.assert_array_equal(outputs(double, 2.0, inputs, batch_size=4), 2 * inputs)


def test_no_inputs_is_an_error():
    with pytest.raises(ValueError, match="no inputs"):
        outputs(double, 2.0, np.zeros((0, 3)))
