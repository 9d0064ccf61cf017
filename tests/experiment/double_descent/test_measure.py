"""Both kinds of double descent, small: their files, their peaks, and what a second call computes."""

import dataclasses
import json

import numpy as np
import pytest

from research.config import EpochDescent, MlpEpochs, MlpWidths, TwoScales, WidthDescent
from research.errors import UserError
from research.experiment.double_descent import measure, parts, widths

WIDTHS = WidthDescent(
    name="widths", seeds=3, rows=60, features=(20, 60, 150), mlp=MlpWidths(widths=(2, 3, 4), epochs=2, batch_size=30)
)
EPOCHS = EpochDescent(
    name="epochs", seeds=3, rows=60, two_scales=TwoScales(steps=20_000), mlp=MlpEpochs(width=4, epochs=3, batch_size=30)
)
FILES = {"config.json", "curves.npz", "figures", "parts", "record.json", "report.html"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """{kind: (run directory, record)} of both kinds."""
    folder = tmp_path_factory.mktemp("runs")
    return {config.kind: (folder / config.kind, measure(config, folder / config.kind)) for config in (WIDTHS, EPOCHS)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["widths", "epochs"])
def test_a_run_directory_is_complete(measured, kind):
    run_dir, record = measured[kind]
    assert {path.name for path in run_dir.iterdir() if path.name[0] != "."} == FILES
    assert json.loads((run_dir / "record.json").read_text()) == record
    assert record["status"] == "finished" and record["seeds"] == [0, 1, 2]
    page = (run_dir / "report.html").read_text()
    assert all(peak["curve"] in page.replace("&#39;", "'") for peak in record["peaks"])
    assert page.count("data:image/png") == len(list((run_dir / "figures").iterdir()))
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
def test_the_peak_is_at_the_number_of_rows(measured):
    run_dir, record = measured["widths"]
    peaks = {peak["curve"]: peak for peak in record["peaks"]}
    squared = peaks["features, 20% noise: squared error"]
    assert squared["position"] == pytest.approx(60) and squared["positions"] == [20, 60, 150]
    assert squared["height"]["mean"] > 4 * squared["first"]["mean"]
    with np.load(run_dir / "curves.npz") as curves:
        ranks = curves["features/float64/rank"]
        np.testing.assert_array_equal(ranks, [[20, 60, 60]] * 3)
        fitted = curves["features/float64/train_mse"]
        assert (fitted[..., 1:] < 1e-9).all() and (fitted[..., 0] > 0.01).all()  # from n features on it interpolates
        assert curves["mlp/test_error"].shape == (2, 3, 3)


@pytest.mark.slow
def test_groups_of_their_own_step_sizes_remove_the_double_descent(measured):
    run_dir, record = measured["epochs"]
    one, each = record["peaks"][:2]
    assert one["position"] is not None and each["position"] is None
    assert each["least"] < one["least"]
    with np.load(run_dir / "curves.npz") as curves:
        closed, mean = curves["two_scales/closed_form"], curves["two_scales/measured"].mean(axis=1)
        assert np.abs(mean / closed - 1).max() < 0.08
        assert curves["mlp/test_loss"].shape == (3, 3, 3)


@pytest.mark.slow
def test_a_finished_run_is_read_again(measured, monkeypatch):
    run_dir, record = measured["widths"]
    monkeypatch.setattr(widths, "curves", lambda *_: pytest.fail("measured again"))
    assert measure(WIDTHS, run_dir) == record


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on_with_the_missing_part(tmp_path, monkeypatch):
    computed = []
    write = parts.Parts._write

    def stop_after_two(self, name, *result):
        if len(computed) == 2:
            raise KeyboardInterrupt
        computed.append(name)
        write(self, name, *result)

    monkeypatch.setattr(parts.Parts, "_write", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        measure(WIDTHS, tmp_path / "run")
    assert computed == ["features_20", "features_60"] and not (tmp_path / "run" / "record.json").exists()
    monkeypatch.setattr(
        parts.Parts, "_write", lambda self, name, *result: computed.append(name) or write(self, name, *result)
    )
    (tmp_path / "run" / "parts" / "features_20.npz").write_bytes(b"damaged")
    measure(WIDTHS, tmp_path / "run")
    assert computed[2:] == ["features_20", "features_150", "mlp_2_to_3", "mlp_4_to_4"]


@pytest.mark.slow
def test_parts_of_other_code_are_computed_again(tmp_path):
    one = parts.Parts(tmp_path)
    one("a", lambda: {"x": np.arange(3)})
    other = parts.Parts(tmp_path)
    np.testing.assert_array_equal(other("a", lambda: {"x": np.zeros(3)})["x"], [0, 1, 2])
    other.computed_by = {"commit": "another"}
    assert not other("a", lambda: {"x": np.zeros(3)})["x"].any()


@pytest.mark.slow
def test_a_directory_of_another_configuration_is_refused(measured, tmp_path):
    run_dir, _ = measured["widths"]
    with pytest.raises(UserError, match=r"another configuration \(rows is 60 there, 70 here\)"):
        measure(dataclasses.replace(WIDTHS, rows=70), run_dir)
    with pytest.raises(UserError, match="another configuration"):
        measure(EPOCHS, run_dir)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 1790}, "--rows is 1790"),
        ({"rows": 5}, "--rows is 5"),
        ({"features": (20, 10, 30)}, "--features must increase"),
        ({"noises": (0.2, 0.2)}, "--noises must increase"),
        ({"features": (20, 60)}, "three or more"),
        ({"seeds": 1}, "seeds: Input should be greater than or equal to 2"),
        ({"noises": (1.0,)}, "noises"),
    ],
)
def test_widths_that_make_no_sense_are_refused(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        measure(dataclasses.replace(WIDTHS, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": (100,)}, "one value for each group"),
        ({"coefficients": (0.0, 1.8)}, "without a signal"),
        ({"rows": 130}, "more than all features"),
        ({"step_size": 1.2}, r"diverges; choose one below 1\.0"),
        ({"noise_variance": 0.0}, "greater than 0"),
    ],
)
def test_two_scales_that_make_no_sense_are_refused(tmp_path, change, message):
    linear = dataclasses.replace(EPOCHS.two_scales, **change)
    with pytest.raises(UserError, match=message):
        measure(dataclasses.replace(EPOCHS, two_scales=linear), tmp_path / "run")
    assert not (tmp_path / "run").exists()
