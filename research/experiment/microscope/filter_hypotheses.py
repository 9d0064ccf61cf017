"""Tests of hypotheses such as "filter 17 of block2_conv2 means X", and saliency maps of the net's predictions."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.config import Microscope
from research.data.images.pictures import prepare_picture
from research.errors import UserError
from research.evaluation.comparison import holm
from research.experiment.microscope.loaded_net import LoadedNet
from research.microscope.exemplars import check_filters, filter_count
from research.microscope.hypothesis import Hypothesis, check_disjoint, check_responses, choose_and_test, every_filter
from research.microscope.real_pictures import LoadedPictures, load_folder, split_pictures
from research.microscope.saliency import grad_cam, gradient, upsampled_activation
from research.models.apply import apply_of
from research.models.inference import outputs
from research.models.receptive_fields import receptive_field
from research.models.single_filter import owners
from research.models.taps import check_tap, run_taps
from research.report import microscope as page

MAPS = 4  # pictures that are shown with their activation map
BATCH, BATCH_PIXELS = 64, 2**20  # pictures in a batch, and pixels: VGG16's first block makes 64 numbers of each

ExemplarOf = Callable[[str, int], np.ndarray | None]  # (layer, filter) -> exemplar [H, W, C]; None if it is dead


class Prepared(NamedTuple):
    """A hypothesis and the pictures to test it on. Without a filter, one is chosen on half of the pictures."""

    layer: str
    filter: int | None
    meaning: str  # a class, or a folder's name
    positives: LoadedPictures  # pictures that show the meaning
    negatives: LoadedPictures


def prepare_hypotheses(loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> list[Prepared]:
    """Parse the hypotheses of `config` and read their pictures; UserError for one that cannot be tested."""
    if config.against is not None and not config.hypotheses:
        raise UserError("--against is for --hypotheses LAYER:FILTER=FOLDER; give one, or leave it away")
    return [_prepare(text, loaded, config, shape) for text in config.hypotheses]


def _prepare(text: str, loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> Prepared:
    where, equals, meaning = text.partition("=")
    layer, _, number = where.partition(":")
    if not (equals and meaning and layer) or not (number.isdecimal() or ":" not in where):
        raise UserError(f"--hypotheses {text}: write LAYER:FILTER=X, or LAYER=X, for example block2_conv2:17=cats")
    check_layer(loaded, layer, [int(number)] if number else [], shape)
    positives, negatives = _sides(meaning, loaded, config, shape)
    check_disjoint(positives.digests(), negatives.digests(), positives.names)
    # A p-value assumes independent pictures, and a filter must not be chosen on one copy and tested on another.
    positives = positives.distinct(f"of {meaning}")
    negatives = negatives.distinct(f"that do not show {meaning}")
    positive = np.arange(len(positives.names) + len(negatives.names)) < len(positives.names)
    check_responses(np.zeros((len(positive), 1)), positive, choosing=not number)  # before long ascents
    name = meaning if config.against is None else Path(meaning).expanduser().resolve().name
    return Prepared(layer, int(number) if number else None, name, positives, negatives)


def check_layer(loaded: LoadedNet, layer: str, filters: Sequence[int], shape: tuple[int, int, int]) -> None:
    """Raise UserError for a tap that does not exist, comes before all filters, or lacks weights or `filters`."""
    check_tap(loaded.net, layer)
    missing = [owner for owner in owners(loaded.net, layer) if owner not in loaded.params]
    if missing:
        raise UserError(f"the file has no weights of {missing[0]}; it has {', '.join(loaded.layers)}")
    check_filters(layer, filters, filter_count(loaded.net, layer, shape))


def _sides(
    meaning: str, loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]
) -> tuple[LoadedPictures, LoadedPictures]:
    if meaning in loaded.classes and loaded.data is not None and config.against is None:
        data = loaded.data()
        split, label = "test" if len(data.labels["test"]) else "train", data.classes.index(meaning)
        return split_pictures(data, split, split, label), split_pictures(data, split, split, label, invert=True)
    if config.against is None:
        classes = f"the classes are {', '.join(loaded.classes)}; " if loaded.classes else ""
        raise UserError(f"{meaning} is no class of the net ({classes}for a folder, name another with --against)")
    if meaning in loaded.classes and not Path(meaning).is_dir():
        raise UserError(f"with --against, {meaning} is to be a folder of pictures, not a class; leave --against away")
    as_trained = functools.partial(load_folder, shape=shape, ink=loaded.ink, squash=loaded.squash, ranges=loaded.ranges)
    return as_trained(meaning), as_trained(config.against)


def test_hypotheses(
    loaded: LoadedNet, hypotheses: Sequence[Prepared], exemplar_of: ExemplarOf, seed: int
) -> list[page.Hypothesis]:
    """The results for `hypotheses`; `exemplar_of` gives the exemplars that are ranked among the real pictures."""
    found = [_test_hypothesis(loaded, hypothesis, exemplar_of, seed) for hypothesis in hypotheses]
    family = holm([each.p for each in found])
    pairs = zip(found, family, strict=True)
    return [dataclasses.replace(each, p_family=p, tested=len(found)) for each, p in pairs]


def _test_hypothesis(loaded: LoadedNet, hypothesis: Prepared, exemplar_of: ExemplarOf, seed: int) -> page.Hypothesis:
    both = np.concatenate([hypothesis.positives.images, hypothesis.negatives.images])
    positive = np.arange(len(both)) < len(hypothesis.positives.images)
    responses, means = pooled(loaded, hypothesis.layer, both)
    if hypothesis.filter is None:
        result = choose_and_test(responses, positive, seed=seed)
    else:
        result = every_filter(responses, positive, seed=seed).about(hypothesis.filter)
    own = responses[:, result.filter]
    exemplar = exemplar_of(hypothesis.layer, result.filter)
    lines = _converse(loaded, hypothesis, result.filter, (own, means[:, result.filter]), positive, exemplar)
    strongest = np.argsort(-own[positive], kind="stable")[:MAPS]
    images = hypothesis.positives.images[strongest]
    maps = [_activation_map(loaded, hypothesis.layer, result.filter, image) for image in images]
    return page.Hypothesis(
        hypothesis.layer, result.filter, hypothesis.meaning, *_fields(result), maps=maps, converse=lines
    )


def _fields(result: Hypothesis) -> tuple[Any, ...]:
    names = ("auroc", "low", "high", "p", "p_corrected", "looked_at", "positives", "negatives", "held_out")
    return tuple(getattr(result, name) for name in names)


def pooled(loaded: LoadedNet, layer: str, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and the mean response, over positions, of each filter of `layer` to `images` [N, H, W, C]: [N, F]."""

    def apply(variables: Any, pictures: jax.Array, key: jax.Array | None) -> tuple[jax.Array, Any]:
        tap = run_taps(loaded.net, variables["params"], pictures, [layer])[layer]
        axes = tuple(range(1, tap.ndim - 1))
        return jnp.stack([tap.max(axis=axes), tap.mean(axis=axes)], axis=1), {}

    responses = outputs(apply, {"params": loaded.params}, images, batch_size=batch_size(images.shape[1:]))
    return responses[:, 0], responses[:, 1]


def batch_size(shape: Sequence[int]) -> int:
    """How many pictures of `shape` [H, W, C] a net runs on at once."""
    return min(max(BATCH_PIXELS // (shape[0] * shape[1]), 1), BATCH)


def _converse(
    loaded: LoadedNet,
    hypothesis: Prepared,
    index: int,
    own: tuple[np.ndarray, np.ndarray],
    positive: np.ndarray,
    exemplar: np.ndarray | None,
) -> list[str]:
    """Lines on the exemplar: its rank among the real pictures, and the class that the net predicts for it.

    They also give the rank by the mean over positions, which the ascent maximizes.
    """
    if exemplar is None:
        return ["gradient ascent from noise does not excite it, so there is no exemplar to rank among the pictures"]
    counts = []
    for real, synthetic in zip(own, pooled(loaded, hypothesis.layer, exemplar[None]), strict=True):
        below = [int((real[side] < synthetic[0, index]).sum()) for side in (positive, ~positive)]
        counts.append((f"{below[0]:,} of {positive.sum():,}", f"{below[1]:,} of {(~positive).sum():,}"))
    most, mean = counts
    lines = [f"the exemplar excites it more than {most[0]} pictures that show it and {most[1]} others"]
    if mean != most:
        lines.append(f"on average over positions, more than {mean[0]} and {mean[1]}: the ascent maximizes that")
    prediction = describe_prediction(loaded, exemplar)
    return [*lines, f"the net calls the exemplar {prediction}"] if prediction else lines


def describe_prediction(loaded: LoadedNet, picture: np.ndarray) -> str:
    """The predicted class of `picture` [H, W, C] and its probability, as text; empty without a head."""
    if not loaded.classes or picture.shape != loaded.shape:
        return ""
    name, probability = _predicted(loaded, picture)
    return f"{name} ({probability:.0%})"


def _predicted(loaded: LoadedNet, picture: np.ndarray) -> tuple[str, float]:
    net, params = loaded.head()
    probabilities = np.asarray(jax.nn.softmax(outputs(apply_of(net), {"params": params}, picture[None])[0]))
    return loaded.classes[int(probabilities.argmax())], float(probabilities.max())


def _activation_map(loaded: LoadedNet, layer: str, index: int, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`picture` and the filter's activation upsampled to it, [H, W] from 0 to 1."""
    tap = np.asarray(run_taps(loaded.net, loaded.params, jnp.asarray(picture[None]), [layer])[layer])[0]
    activation = np.maximum(tap[..., index] if tap.ndim == 3 else tap[index].reshape(1, 1), 0)
    field = receptive_field(loaded.net, layer, picture.shape)
    if any(field.jump) or tap.ndim == 1:
        upsampled = upsampled_activation(activation, field, picture.shape[:2])
    else:  # of a net of one's own, where it is unknown what a position sees
        upsampled = np.asarray(jax.image.resize(activation, picture.shape[:2], "bilinear"))
    return picture, upsampled / max(float(upsampled.max()), 1e-12)


def read_pictures(loaded: LoadedNet, files: Sequence[str]) -> list[np.ndarray]:
    """Read `files` as the net does. UserError for an unreadable file, or a net without a head."""
    if files and loaded.shape is None:
        raise UserError("--saliency needs a net with a head: give the run of a trained classifier")
    shape = loaded.shape or (0, 0, 0)
    return [
        prepare_picture(file, shape, loaded.ink, squash=loaded.squash, ranges=loaded.ranges).pixels for file in files
    ]


def saliency_maps(loaded: LoadedNet, files: Sequence[str], pictures: Sequence[np.ndarray]) -> list[page.Saliency]:
    """Gradient and Grad-CAM of the predicted class for each of `pictures`, named after their `files`."""
    maps = []
    for file, picture in zip(files, pictures, strict=True):
        name, probability = _predicted(loaded, picture)
        index = loaded.classes.index(name)
        by_pixel, by_map = gradient(*loaded.head(), picture, index), grad_cam(loaded.net, loaded.params, picture, index)
        maps.append(page.Saliency(file, picture, name, probability, by_pixel, by_map))
    return maps
