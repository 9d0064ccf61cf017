"""Readings of filters, tested: "filter 17 of block2_conv2 means X"; and what one picture's answer rests on."""

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
from research.experiment.loaded_net import LoadedNet
from research.microscope.exemplars import check_filters, filter_count
from research.microscope.hypothesis import Hypothesis, check_disjoint, check_responses, choose_and_test, every_filter
from research.microscope.real_pictures import Gallery, gallery, of_split
from research.microscope.saliency import grad_cam, gradient, upsampled_activation
from research.models.apply import apply_of
from research.models.inference import outputs
from research.models.receptive_fields import receptive_field
from research.models.single_filter import owners
from research.models.taps import check_tap, run_taps
from research.report import microscope as page

MAPS = 4  # pictures that are shown with where they excite a filter
AT_ONCE = 64

Synthetic = Callable[[str, int], np.ndarray | None]  # layer and filter -> exemplar [H, W, C]; None: it is dead


class Reading(NamedTuple):
    """A hypothesis and the pictures to test it on; without a filter, one is chosen on half of them."""

    layer: str
    filter: int | None
    meaning: str
    shows: Gallery
    others: Gallery


def prepared(loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> list[Reading]:
    """The hypotheses of `config`, their pictures read; UserError for one that cannot be tested."""
    if config.against is not None and not config.hypotheses:
        raise UserError("--against is for --hypotheses LAYER:FILTER=FOLDER; give one, or leave it away")
    return [_prepared(text, loaded, config, shape) for text in config.hypotheses]


def _prepared(text: str, loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> Reading:
    where, equals, meaning = text.partition("=")
    layer, _, number = where.partition(":")
    if not (equals and meaning and layer) or not (number.isdecimal() or ":" not in where):
        raise UserError(f"--hypotheses {text}: write LAYER:FILTER=X, or LAYER=X, for example block2_conv2:17=cats")
    check_layer(loaded, layer, [int(number)] if number else [], shape)
    shows, others = _sides(meaning, loaded, config, shape)
    check_disjoint(shows.digests(), others.digests(), shows.names)
    # A p takes pictures for independent; and of two copies one could be chosen on, the other tested on.
    shows, others = shows.distinct(f"of {meaning}"), others.distinct(f"that do not show {meaning}")
    positive = np.arange(len(shows.names) + len(others.names)) < len(shows.names)
    check_responses(np.zeros((len(positive), 1)), positive, choosing=not number)  # now, not after minutes of climbing
    return Reading(layer, int(number) if number else None, meaning, shows, others)


def check_layer(loaded: LoadedNet, layer: str, filters: Sequence[int], shape: tuple[int, int, int]) -> None:
    """Raise UserError for a tap that the net has not, that comes before all filters or lacks weights or `filters`."""
    check_tap(loaded.net, layer)
    missing = [owner for owner in owners(loaded.net, layer) if owner not in loaded.params]
    if missing:
        raise UserError(f"the file has no weights of {missing[0]}; it has {', '.join(loaded.layers)}")
    check_filters(layer, filters, filter_count(loaded.net, layer, shape))


def _sides(meaning: str, loaded: LoadedNet, config: Microscope, shape: tuple[int, int, int]) -> tuple[Gallery, Gallery]:
    if meaning in loaded.classes and loaded.data is not None and config.against is None:
        data = loaded.data()
        split, label = "test" if len(data.labels["test"]) else "train", data.classes.index(meaning)
        return of_split(data, split, split, label), of_split(data, split, split, label, but=True)
    if config.against is None:
        known = f"the classes are {', '.join(loaded.classes)}; " if loaded.classes else ""
        raise UserError(f"{meaning} is no class of the net ({known}for a folder, name another with --against)")
    if meaning in loaded.classes and not Path(meaning).is_dir():
        raise UserError(f"with --against, {meaning} is to be a folder of pictures, not a class; leave --against away")
    as_trained = functools.partial(gallery, shape=shape, ink=loaded.ink, squash=loaded.squash, ranges=loaded.ranges)
    return as_trained(meaning), as_trained(config.against)


def tested(loaded: LoadedNet, readings: Sequence[Reading], synthetic: Synthetic, seed: int) -> list[page.Hypothesis]:
    """The tests of `readings`; `synthetic` gives the exemplars that are ranked among the real pictures."""
    return [_tested(loaded, reading, synthetic, seed) for reading in readings]


def _tested(loaded: LoadedNet, reading: Reading, synthetic: Synthetic, seed: int) -> page.Hypothesis:
    both = np.concatenate([reading.shows.images, reading.others.images])
    positive = np.arange(len(both)) < len(reading.shows.images)
    responses, means = pooled(loaded, reading.layer, both)
    if reading.filter is None:
        found = choose_and_test(responses, positive, seed=seed)
    else:
        found = every_filter(responses, positive, seed=seed).about(reading.filter)
    own = responses[:, found.filter]
    exemplar = synthetic(reading.layer, found.filter)
    lines = _converse(loaded, reading, found.filter, (own, means[:, found.filter]), positive, exemplar)
    strongest = np.argsort(-own[positive], kind="stable")[:MAPS]
    maps = [_where(loaded, reading.layer, found.filter, reading.shows.images[place]) for place in strongest]
    return page.Hypothesis(reading.layer, found.filter, reading.meaning, *_numbers(found), maps=maps, converse=lines)


def _numbers(found: Hypothesis) -> tuple[Any, ...]:
    names = ("auroc", "low", "high", "p", "p_corrected", "looked_at", "positives", "negatives", "held_out")
    return tuple(getattr(found, name) for name in names)


def pooled(loaded: LoadedNet, layer: str, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much each picture [N, H, W, C] excites each filter of `layer`: where it does most, and on average, [N, F]."""

    def apply(variables: Any, pictures: jax.Array, key: jax.Array | None) -> tuple[jax.Array, Any]:
        tap = run_taps(loaded.net, variables["params"], pictures, [layer])[layer]
        places = tuple(range(1, tap.ndim - 1))
        return jnp.stack([tap.max(axis=places), tap.mean(axis=places)], axis=1), {}

    found = outputs(apply, {"params": loaded.params}, images, batch_size=AT_ONCE)
    return found[:, 0], found[:, 1]


def _converse(
    loaded: LoadedNet,
    reading: Reading,
    index: int,
    own: tuple[np.ndarray, np.ndarray],
    positive: np.ndarray,
    exemplar: np.ndarray | None,
) -> list[str]:
    """Does the exemplar itself rank above the real pictures, and what does the net call it?

    By their mean over positions, too: that is what it was climbed for.
    """
    if exemplar is None:
        return ["nothing that was found excites it from noise, so there is no exemplar to rank among the pictures"]
    counts = []
    for real, synthetic in zip(own, pooled(loaded, reading.layer, exemplar[None]), strict=True):
        below = [int((real[side] < synthetic[0, index]).sum()) for side in (positive, ~positive)]
        counts.append((f"{below[0]:,} of {positive.sum():,}", f"{below[1]:,} of {(~positive).sum():,}"))
    most, mean = counts
    lines = [f"the exemplar excites it more than {most[0]} pictures that show it and {most[1]} others"]
    if mean != most:
        lines.append(f"on average over positions, more than {mean[0]} and {mean[1]}: that is what it was climbed for")
    called = says(loaded, exemplar)
    return [*lines, f"the net calls the exemplar {called}"] if called else lines


def says(loaded: LoadedNet, picture: np.ndarray) -> str:
    """The class that the net gives `picture` [H, W, C] and its probability, in words; empty without a head."""
    if not loaded.classes or picture.shape != loaded.shape:
        return ""
    name, share = _answer(loaded, picture)
    return f"{name} ({share:.0%})"


def _answer(loaded: LoadedNet, picture: np.ndarray) -> tuple[str, float]:
    shares = np.asarray(jax.nn.softmax(outputs(apply_of(loaded.net), {"params": loaded.params}, picture[None])[0]))
    return loaded.classes[int(shares.argmax())], float(shares.max())


def _where(loaded: LoadedNet, layer: str, index: int, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture, and where it excites the filter [H, W], from 0 to 1."""
    tap = np.asarray(run_taps(loaded.net, loaded.params, jnp.asarray(picture[None]), [layer])[layer])[0]
    activation = tap[..., index] if tap.ndim == 3 else tap[index].reshape(1, 1)
    spread = upsampled_activation(
        np.maximum(activation, 0), receptive_field(loaded.net, layer, picture.shape), picture.shape[:2]
    )
    return picture, spread / max(float(spread.max()), 1e-12)


def photographed(loaded: LoadedNet, files: Sequence[str]) -> list[np.ndarray]:
    """The pictures in `files` as the net reads them. UserError for one that cannot be read, or without a head."""
    if files and loaded.shape is None:
        raise UserError("--saliency needs a net with a head: give the run of a trained classifier")
    shape = loaded.shape or (0, 0, 0)
    return [
        prepare_picture(file, shape, loaded.ink, squash=loaded.squash, ranges=loaded.ranges).pixels for file in files
    ]


def salient(loaded: LoadedNet, files: Sequence[str], pictures: Sequence[np.ndarray]) -> list[page.Saliency]:
    """Gradient and Grad-CAM of the net's own answer for each of `pictures`, named after their `files`."""
    found = []
    for file, picture in zip(files, pictures, strict=True):
        name, share = _answer(loaded, picture)
        of = (loaded.net, loaded.params, picture, loaded.classes.index(name))
        found.append(page.Saliency(file, picture, name, share, gradient(*of), grad_cam(*of)))
    return found
