"""What several seeds say together."""

import pytest

from research.experiment.evaluations import over_seeds


@pytest.mark.parametrize(
    ("name", "values", "ends"),
    [
        ("test/mape", [0.7, 1.3], (0.0, 4.811861)),  # may be more than 100%
        ("test/smape", [1.2, 1.3], (0.614689, 1.885310)),
        ("test/smape", [1.2, 1.9], (0.0, 2.0)),
        ("test/accuracy", [0.98, 0.99], (0.921469, 1.0)),
        ("test/interval_coverage", [0.9, 0.99], (0.373221, 1.0)),
        ("test/brier", [0.5, 1.9], (0.0, 2.0)),
        ("test/calibration_error", [0.4, 0.9], (0.0, 1.0)),
        ("test/mae", [1.0, 3.0], (0.0, 14.706205)),
    ],
)
def test_an_interval_over_seeds_ends_where_the_metric_itself_does(name, values, ends):
    found = over_seeds([{name: value} for value in values])[name]
    assert (found["low95"], found["high95"]) == pytest.approx(ends, abs=1e-5)
