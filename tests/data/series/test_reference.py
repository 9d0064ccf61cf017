import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler

from research.data.series.profiles import ProfileSpec, slots_of_day
from research.data.series.reference import (
    Reference,
    expected,
    fit_reference,
    leave_one_day_out,
    reference_bytes,
    reference_from_bytes,
    series_index,
)
from research.data.series.series_set import Series

KINDS = ["mean", "day", "weekday"]
START = np.datetime64("2016-01-04T00:00:00")  # a Monday


def series(count, minutes=60, lost=0.0, seed=0, name="A", start=START):
    generator = np.random.default_rng(seed)
    times = start + np.arange(count) * np.timedelta64(minutes, "m")
    values = generator.normal(size=(count, 2)) * [1, 100] + [5, -300]
    values[generator.random((count, 2)) < lost] = np.nan
    return Series(name, times.astype("datetime64[s]"), values)


def step(minutes=60):
    return np.timedelta64(minutes, "m")


def test_the_mean_and_its_standard_deviation():
    one, two = series(100, lost=0.1), series(80, seed=1, name="B")
    found = fit_reference([one, two], step(), "mean")
    assert found.table.shape == (2, 1, 2) and found.names == ("A", "B")
    for index, each in enumerate((one, two)):
        np.testing.assert_allclose(found.table[index, 0], np.nanmean(each.values, axis=0))
        np.testing.assert_allclose(found.spread[index], np.nanstd(each.values, axis=0))
        np.testing.assert_array_equal(expected(found, index, each.times[:3]), np.tile(found.table[index], (3, 1)))


@pytest.mark.parametrize("minutes", [5, 60, 45, 1440])
def test_the_day_is_the_mean_of_each_of_its_steps(minutes):
    one = series(24 * 60 * 9 // minutes, minutes, lost=0.05)
    found = fit_reference([one], step(minutes), "day")
    slots = (one.times - one.times.astype("datetime64[D]")).astype(int) // (60 * minutes)
    assert found.table.shape == (1, slots_of_day(60 * minutes), 2)
    for slot in np.unique(slots):
        np.testing.assert_allclose(found.table[0, slot], np.nanmean(one.values[slots == slot], axis=0))
    residuals = one.values - found.table[0, slots]
    np.testing.assert_allclose(found.spread[0], np.sqrt(np.nanmean(residuals**2, axis=0)))


@pytest.mark.parametrize("blend", [0.0, 0.3, 1.0])
def test_the_weekday_is_shrunk_towards_the_day(blend):
    one = series(24 * 25)
    found = fit_reference([one], step(), "weekday", blend)
    day = fit_reference([one], step(), "day").table[0]
    assert found.table.shape == (1, 7 * 24, 2)
    for weekday in range(7):
        own = one.values.reshape(25, 24, 2)[weekday::7].mean(axis=0)
        np.testing.assert_allclose(
            found.table[0, 24 * weekday : 24 * (weekday + 1)], blend * own + (1 - blend) * day, atol=1e-10
        )
    thursday = np.datetime64("2030-01-03T17:30:00")
    np.testing.assert_array_equal(expected(found, 0, np.array([thursday]))[0], found.table[0, 3 * 24 + 17])


def test_weekdays_never_seen_have_the_mean_of_all_days():
    one = series(24 * 5)  # Monday to Friday
    found = fit_reference([one], step(), "weekday", 1.0)
    day = fit_reference([one], step(), "day").table[0]
    np.testing.assert_allclose(found.table[0, 5 * 24 :], np.tile(day, (2, 1)))


def test_steps_of_the_day_never_seen_have_the_nearest_one_around_the_clock():
    one = series(24 * 4)
    hours = np.arange(24 * 4) % 24
    one.values[~np.isin(hours, [1, 8, 20]), 0] = np.nan
    found = fit_reference([one], step(), "day").table[0]
    nearest = [1, 1, 1, 1, 1, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 20, 20, 20, 20, 20, 20, 20, 20, 1]
    nearest[14] = 8  # as far from 20, and the earlier of both
    nearest[4], nearest[5] = 1, 8
    means = one.values.reshape(4, 24, 2).mean(axis=0)
    np.testing.assert_allclose(found[:, 0], means[nearest, 0])
    np.testing.assert_allclose(found[:, 1], means[:, 1])


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    days=st.integers(3, 16),
    lost=st.floats(0, 0.6),
    seed=st.integers(0, 99),
    late=st.integers(0, 30),
)
def test_what_is_left_out_is_what_all_other_days_say(kind, days, lost, seed, late):
    one = series(8 * days, 180, lost, seed, start=START + np.timedelta64(late, "h"))
    (found,) = leave_one_day_out(fit_reference([one], step(180), kind, 0.4), [one])
    dates = one.times.astype("datetime64[D]")
    for date in np.unique(dates):
        rest = Series("A", one.times[dates != date], one.values[dates != date])
        known = np.unique(rest.times[np.isfinite(rest.values).any(axis=1)].astype("datetime64[D]"))
        if len(known) < 2 or not np.isfinite(rest.values).any(axis=0).all():
            continue
        refitted = fit_reference([rest], step(180), kind, 0.4)
        np.testing.assert_allclose(
            found[dates == date], expected(refitted, 0, one.times[dates == date]), rtol=1e-9, atol=1e-9
        )


def test_a_single_day_has_its_own_mean_and_is_refused_as_a_profile(refusal):
    one = series(20)
    reference = fit_reference([one], step(), "mean")
    np.testing.assert_array_equal(leave_one_day_out(reference, [one])[0], expected(reference, 0, one.times))
    for kind in ("day", "weekday"):
        with refusal("series A has fewer than two training days", "--data.reference mean"):
            fit_reference([one], step(), kind)


def test_a_series_without_noise_keeps_a_scale_to_divide_by():
    day = np.sin(np.arange(24 * 6) * 2 * np.pi / 24)
    one = Series("", START + np.arange(24 * 6) * step(), np.stack([day, 7 * day], axis=1))
    found = fit_reference([one], step(), "day")
    np.testing.assert_allclose(found.spread, [[np.sqrt(0.5), 7 * np.sqrt(0.5)]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_is_of_training_alone_and_moves_with_its_unit(kind):
    one = series(24 * 12)
    found = fit_reference([one], step(), kind)
    scaled = fit_reference([one._replace(values=3 * one.values + 7)], step(), kind)
    np.testing.assert_allclose(scaled.table, 3 * found.table + 7)
    np.testing.assert_allclose(scaled.spread, 3 * found.spread)
    longer = series(24 * 12 + 50)
    cut = Series("A", longer.times[: 24 * 12], longer.values[: 24 * 12])
    before = fit_reference([cut], step(), kind)
    longer.values[24 * 12 :] = 1e9
    np.testing.assert_array_equal(fit_reference([cut], step(), kind).table, before.table)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_is_read_as_it_was_written(kind):
    found = fit_reference([series(24 * 9, name="L405/12"), series(24 * 9, seed=1, name="")], step(), kind, 0.3)
    content = reference_bytes(found)
    again = reference_from_bytes(content, "run")
    assert again[:3] == found[:3] and reference_bytes(again) == content
    np.testing.assert_array_equal(again.table, found.table)
    np.testing.assert_array_equal(again.spread, found.spread)


def test_a_median_is_not_moved_by_an_odd_day():
    """And its profile of a weekday, left out day by day, is that of the others."""
    one = series(24 * 21)
    odd = one._replace(values=one.values.copy())
    odd.values[24 * 8 : 24 * 9] += 1e6
    plain, moved = (fit_reference([each], step(), "weekday", 0.5, statistic="median").table for each in (one, odd))
    assert np.abs(plain - moved).max() < 1e3
    (found,) = leave_one_day_out(fit_reference([one], step(), "weekday", 0.5, statistic="median"), [one])
    others = one._replace(times=one.times[24:], values=one.values[24:])
    refit = fit_reference([others], step(), "weekday", 0.5, statistic="median")
    np.testing.assert_allclose(found[:24], expected(refit, 0, one.times[:24]))


def test_smoothing_keeps_the_mean_of_the_day_and_calms_it():
    plain, smooth = (fit_reference([series(24 * 9)], step(), "day", smooth=width).table for width in (0.0, 2.0))
    np.testing.assert_allclose(plain.mean(axis=1), smooth.mean(axis=1))
    assert np.abs(np.diff(smooth, axis=1)).sum() < np.abs(np.diff(plain, axis=1)).sum()


def test_a_reference_from_before_there_were_months_is_read_and_months_and_openings_come_back():
    found = fit_reference([series(24 * 9)], step(), "mean")
    with np.load(io.BytesIO(reference_bytes(found)), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files if name != "opening"}
    np.savez(old := io.BytesIO(), **(arrays | {"step": np.array(3600)}))
    assert reference_from_bytes(old.getvalue(), "run").step == np.timedelta64(3600, "s")
    assert reference_from_bytes(old.getvalue(), "run").opening is None
    opening = np.arange(7 * 24).reshape(1, 7, 24) % 5 == 0
    again = reference_from_bytes(reference_bytes(found._replace(step=np.timedelta64(3, "M"), opening=opening)), "run")
    assert str(again.step) == "3 months" and np.array_equal(again.opening, opening)


def test_what_is_no_reference(refusal):
    found = fit_reference([series(24 * 9)], step(), "day")
    content = reference_bytes(found)
    wrong = [
        found._replace(profile=ProfileSpec("year")),
        found._replace(names=()),
        found._replace(spread=found.spread[:, :1]),
    ]
    trap = found._replace(names=np.array([print], object))
    for broken in (b"", b"text", content[:200], content[:-30], *map(reference_bytes, (*wrong, trap))):
        with refusal("run holds no reference of series", "train again"):
            reference_from_bytes(broken, "run")


def test_series_are_found_by_name(refusal):
    found = Reference(("A", "B"), np.timedelta64(3600, "s"), ProfileSpec(), np.zeros((2, 1, 1)), np.ones((2, 1)))
    assert [series_index(found, name) for name in "AB"] == [0, 1]
    with refusal("series 'C' was not in training, which had 'A', 'B'"):
        series_index(found, "C")


@pytest.mark.parametrize(("scaling", "low", "high"), [("minmax", 0, 1), ("minmax_symmetric", -1, 1)])
def test_min_max_scaling_puts_the_training_range_where_scikit_learn_does(scaling, low, high):
    each = [series(100, lost=0.1), series(80, seed=1, name="B")]
    found = fit_reference(each, step(), "mean", scaling=scaling)
    for index, one in enumerate(each):
        scaled = (one.values - expected(found, index, one.times)) / found.spread[index]
        wanted = MinMaxScaler((low, high)).fit_transform(one.values)
        np.testing.assert_allclose(scaled, wanted, atol=1e-12)
        np.testing.assert_allclose([np.nanmin(scaled, 0), np.nanmax(scaled, 0)], [[low] * 2, [high] * 2], atol=1e-12)
    back = reference_from_bytes(reference_bytes(found), "here")
    np.testing.assert_array_equal(back.table, found.table)


def test_values_can_be_read_as_they_are():
    one = series(50)
    found = fit_reference([one], step(), "mean", scaling="none")
    assert not expected(found, 0, one.times).any() and (found.spread == 1).all()


@pytest.mark.parametrize("kind", ["day", "weekday"])
@pytest.mark.parametrize("scaling", ["minmax", "minmax_symmetric", "none"])
def test_only_standard_scaling_has_a_profile(refusal, kind, scaling):
    with refusal("data.scaling", scaling, "--data.reference mean"):
        fit_reference([series(100)], step(), kind, scaling=scaling)
