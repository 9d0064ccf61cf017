import numpy as np
import pytest

from research.errors import UserError
from research.models.imagenet import class_names, decode_predictions


def test_the_classes_are_imagenets_in_its_order():
    names = class_names()
    synsets = [synset for synset, _ in names]
    assert len(names) == 1000 and synsets == sorted(set(synsets))
    # As the course decodes them (keras.applications.imagenet_utils).
    known = {0: "tench", 285: "Egyptian_cat", 386: "African_elephant", 999: "toilet_tissue"}
    assert {index: names[index].name for index in known} == known and synsets[386] == "n02504458"


def test_logits_and_probabilities_give_the_same_answer():
    logits = np.random.default_rng(0).normal(0, 3, (2, 1000)).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for row, from_logits, from_shares in zip(
        shares, decode_predictions(logits, 4), decode_predictions(shares, 4), strict=True
    ):
        best = np.argsort(row)[::-1][:4]
        assert [guess[:2] for guess in from_logits] == [class_names()[index] for index in best]
        assert [guess[:2] for guess in from_logits] == [guess[:2] for guess in from_shares]
        np.testing.assert_allclose([guess.probability for guess in from_logits], row[best], rtol=1e-5)
        np.testing.assert_allclose([guess.probability for guess in from_shares], row[best], rtol=1e-5)


def test_large_logits_do_not_overflow_and_ties_keep_their_order():
    (guesses,) = decode_predictions(np.eye(1, 1000, 7) * 1e4, 3)
    assert [guess.probability for guess in guesses] == [1, 0, 0]
    assert [guess.synset for guess in guesses[1:]] == [class_names()[0].synset, class_names()[1].synset]


def test_other_outputs_are_refused():
    with pytest.raises(UserError, match="not 1x2"):
        decode_predictions(np.zeros((1, 2)))
    with pytest.raises(UserError, match="not 0"):
        decode_predictions(np.zeros((1, 1000)), top=0)
    for broken in (np.nan, np.inf):
        with pytest.raises(UserError, match="NaN or infinite"):
            decode_predictions(np.full((1, 1000), broken))
