"""The test of a filter's meaning: what is found, what is not, and what is refused."""

import dataclasses
import hashlib

import numpy as np
import pytest
from scipy.stats import binom, kstest

from research.errors import UserError
from research.microscope.auroc import auroc, interval
from research.microscope.hypothesis import check_disjoint, choose_and_test, every_filter, halves
from research.microscope.permutation import permutation_p
from research.models.layers import Conv
from research.models.network import sequence
from research.models.taps import run_taps

HALF = np.arange(40) < 20


def noise(random, pictures=40, filters=20):
    return random.normal(size=(pictures, filters)).astype(np.float32)


def within_band(errors):
    low, high = binom.interval(0.99, len(errors), 0.05)
    return low <= np.count_nonzero(errors) <= high


def planted(seed=0, pictures=40):
    """Responses [N, 64] in which filter 17 alone responds to the thing."""
    random = np.random.default_rng(seed)
    positive = random.permutation(np.arange(pictures) < pictures // 2)
    responses = noise(random, pictures, 64)
    responses[:, 17] += 6 * positive
    return responses, positive


def test_a_planted_filter_is_found_and_no_other():
    table = every_filter(*planted(), seed=0)
    found = table.about(17)
    assert found.auroc >= 0.99
    assert found.p == found.p_corrected == 1 / 10_000
    assert found.low > 0.8
    assert np.flatnonzero(table.p_corrected <= 0.05).tolist() == [17]


GLYPH = np.array([[1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0]], np.uint8)


def looked_at(seed):
    """What a T's detector, and a decoy that looks at another channel, make of 40 pictures with a T in half of them."""
    random = np.random.default_rng(seed)
    positive = random.permutation(np.arange(40) < 20)
    pictures = random.integers(60, 120, (40, 16, 14, 2)).astype(np.uint8)
    for index in np.flatnonzero(positive):
        row, column = random.integers(0, (12, 10))
        pictures[index, row : row + 5, column : column + 5, 0] += 60 * GLYPH
    kernel = np.zeros((5, 5, 2, 2), np.float32)
    kernel[..., 0, 0] = kernel[..., 1, 1] = GLYPH - GLYPH.mean()
    params = {"conv": {"kernel": kernel, "bias": np.zeros(2, np.float32)}}
    found = run_taps(sequence(Conv(2, size=(5, 5), name="conv")), params, pictures.astype(np.float32), ["conv"])
    return np.asarray(found["conv"]).max(axis=(1, 2)), positive


def test_a_glyphs_detector_is_found_in_pictures_and_a_decoys_p_is_uniform():
    decoys = []
    for seed in range(200):
        responses, positive = looked_at(seed)
        table = every_filter(responses, positive, seed=seed, permutations=199)
        assert table.auroc[0] >= 0.99 and table.p[0] == 1 / 200
        decoys.append(table.p[1])
    assert kstest(decoys, "uniform").pvalue > 0.01
    assert within_band(np.array(decoys) <= 0.05)


def test_the_table_holds_what_its_parts_say():
    responses, positive = planted()
    table = every_filter(responses, positive, seed=3, permutations=99, alternative="two-sided")
    p, corrected = permutation_p(responses, positive, permutations=99, seed=3, alternative="two-sided")
    assert np.array_equal([table.p, table.p_corrected], [p, corrected])
    assert np.array_equal([table.low, table.high], interval(responses, positive))
    row = dataclasses.asdict(table.about(5))
    assert row == {
        **{"filter": 5, "auroc": auroc(responses, positive)[5], "low": table.low[5], "high": table.high[5]},
        **{"p": p[5], "p_corrected": corrected[5], "looked_at": 64, "positives": 20, "negatives": 20},
        **{"permutations": 99, "held_out": False, "chosen_on_positives": 0, "chosen_on_negatives": 0},
    }
    assert {type(value) for value in row.values()} == {int, float, bool}  # for a JSON record


def test_choose_and_test_finds_the_planted_filter_and_tells_both_halves():
    responses, positive = planted(pictures=43)  # 21 and 22
    found = choose_and_test(responses, positive, seed=1)
    assert (found.filter, found.held_out, found.looked_at) == (17, True, 1)
    assert found.p == found.p_corrected == 1 / 10_000
    assert found.positives + found.chosen_on_positives == 21
    assert found.negatives + found.chosen_on_negatives == 22
    assert abs(found.positives - found.chosen_on_positives) == 1
    assert found == choose_and_test(responses, positive, seed=1)


def test_choose_and_test_takes_its_numbers_from_the_second_half_only():
    responses, positive = planted()
    choosing, testing = halves(positive, 1)
    found = choose_and_test(responses, positive, seed=1, permutations=99)
    assert found.auroc == auroc(responses[testing], positive[testing])[17]
    other = responses.copy()
    other[testing, :] = 0
    changed = choose_and_test(other, positive, seed=1, permutations=99)
    assert (changed.filter, changed.auroc, changed.p) == (17, 0.5, 1)
    other = responses.copy()
    other[choosing, 17] = 0
    assert choose_and_test(other, positive, seed=1, permutations=99).filter != 17


def test_two_sided_chooses_the_silent_filter():
    responses, positive = planted()
    responses[:, 3] -= 60 * positive
    responses[:, 17] = 0
    assert choose_and_test(responses, positive, seed=0, permutations=99, alternative="two-sided").filter == 3
    assert choose_and_test(responses, positive, seed=0, permutations=99).filter != 3


def test_halves_part_both_sides_by_the_seed_alone():
    positive = np.random.default_rng(0).random(101) < 0.3
    choosing, testing = halves(positive, 5)
    assert np.array_equal(np.sort(np.r_[choosing, testing]), np.arange(101))
    assert abs(positive[choosing].sum() - positive[testing].sum()) <= 1
    assert abs((~positive[choosing]).sum() - (~positive[testing]).sum()) <= 1
    assert np.array_equal(halves(positive, 5)[0], choosing)
    assert not np.array_equal(halves(positive, 6)[0], choosing)


def test_a_filter_chosen_on_noise_fails_on_the_other_half_but_not_on_the_same():
    random, held_out, same = np.random.default_rng(1), [], []
    for run in range(400):
        responses = noise(random)
        held_out.append(choose_and_test(responses, HALF, seed=run, permutations=199).p)
        best = int(np.argmax(auroc(responses, HALF)))
        same.append(every_filter(responses[:, [best]], HALF, seed=run, permutations=199).p[0])
    assert within_band(np.array(held_out) <= 0.05)
    assert np.mean(np.array(same) <= 0.05) > 0.4  # 1 - 0.95^20 = 0.64


def test_constant_filters_give_half_and_one():
    table = every_filter(np.full((40, 3), 0.1, np.float32), HALF, seed=0, permutations=99)
    assert table.auroc.tolist() == [0.5] * 3
    assert table.p.tolist() == table.p_corrected.tolist() == [1.0] * 3


def refusal(function, *arguments, **named):
    with pytest.raises(UserError) as caught:
        function(*arguments, **named)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_too_few_pictures_say_how_many_are_needed():
    responses = noise(np.random.default_rng(0))
    message = refusal(every_filter, responses, np.arange(40) < 7, seed=0)
    assert "show it: 7, that do not: 33" in message
    assert "at least 8 on each side" in message
    assert "show it: 40, that do not: 0" in refusal(every_filter, responses, np.ones(40, bool), seed=0)
    every_filter(responses, np.arange(40) < 8, seed=0, permutations=9)


def test_choosing_needs_twice_as_many():
    responses = noise(np.random.default_rng(0))
    message = refusal(choose_and_test, responses, np.arange(40) >= 15, seed=0)
    assert "show it: 25, that do not: 15" in message
    assert "at least 16 on each side (8 to choose the filter on and 8 to test it on)" in message
    found = choose_and_test(responses, np.arange(40) < 16, seed=0, permutations=9)
    assert found.positives == found.chosen_on_positives == 8


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_responses_that_are_no_numbers_are_refused(value):
    responses = noise(np.random.default_rng(0))
    responses[[3, 9], 4] = responses[3, 11] = value
    message = refusal(every_filter, responses, HALF, seed=0)
    assert "2 of 20 filters (first: 4, 11)" in message
    assert "2 of 40 pictures" in message
    assert "check the weights" in message


@pytest.mark.parametrize("index", [-1, 20])
def test_a_filter_that_is_not_there_names_the_range(index):
    table = every_filter(noise(np.random.default_rng(0)), HALF, seed=0, permutations=9)
    assert refusal(table.about, index) == f"no filter {index}; this layer's filters go from 0 to 19"


def test_pictures_on_both_sides_are_refused_by_their_digests():
    names = [f"cats/{number}.jpg" for number in range(9)]
    cats = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    dogs = [hashlib.sha256(bytes([number])).hexdigest() for number in range(9)]
    check_disjoint(cats, dogs, names)
    message = refusal(check_disjoint, cats, [*dogs, cats[7], cats[2], cats[5], cats[3]], names)
    assert "do not: 4 (first: cats/2.jpg, cats/3.jpg, cats/5.jpg)" in message
    assert "do not: 1 (first: cats/0.jpg);" in refusal(check_disjoint, cats, cats[:1], names)
