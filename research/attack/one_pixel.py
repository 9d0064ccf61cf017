"""The one-pixel attack on any function of pictures: a population of pixel changes for each picture.

Su, Vargas, Sakurai 2017, "One Pixel Attack for Fooling Deep Neural Networks" (arXiv:1710.08864).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from research.attack.evolution import Evolution, children
from research.attack.local import Ask, Asker, plain_asker
from research.attack.pixels import drawn, random_candidates, unchanged
from research.attack.success import Aim, fitness, margin

LogitsFn = Callable[[jax.Array], jax.Array]  # uint8 [N, H, W, C] -> [N, K]


class Attack(NamedTuple):
    """The settings of the search; the defaults are the paper's. A flip's margin must be above `rounding`."""

    pixels: int = 1
    population: int = 400
    generations: int = 100
    evolution: Evolution = Evolution()
    rounding: float = 0.0


PAPER = Attack()


class Search(NamedTuple):
    """The search on one picture, or with a leading axis on several."""

    key: jax.Array
    population: jax.Array  # int32 [P, k, 2 + C]
    fitness: jax.Array  # [P]
    best: jax.Array  # int32 [k, 2 + C], the candidate of the largest margin so far
    margin: jax.Array  # [], its margin
    generation: jax.Array  # int32 [], generations of children so far
    evaluations: jax.Array  # int32 [], pictures that the net was asked about


class Result(NamedTuple):
    """What an attack found, for each of B pictures.

    adversarial: uint8 [B, H, W, C], the picture itself where nothing flips it. success: bool [B]. coordinates: int32
    [B, k, 2], (row, column), -1 without success. values: uint8 [B, k, C]. margin: [B], of the best candidate, see
    `success.margin`. evaluations: int32 [B], pictures that the net was asked about.
    """

    adversarial: jax.Array
    success: jax.Array
    coordinates: jax.Array
    values: jax.Array
    margin: jax.Array
    evaluations: jax.Array


def one_pixel(
    key: jax.Array,
    logits_fn: LogitsFn,
    images: ArrayLike,
    labels: ArrayLike,
    *,
    targets: ArrayLike | None = None,
    attack: Attack = PAPER,
    start: ArrayLike | None = None,
    indices: ArrayLike | None = None,
) -> Result:
    """Attack each of `images` (uint8 [B, H, W, C]) with `labels` (int32 [B]); pure, and can be jitted.

    `logits_fn` gives logits or log-probabilities; one picture is searched after the other, `population` pictures at a
    time. With `targets` (int32 [B]) that class must win, otherwise any other than the label. `start` holds candidates
    of fewer pixels, int32 [B, j, 2 + C], that the search begins with. The result for a picture depends on `key`, its
    number in `indices` (int32 [B], by default 0..B-1) and the picture alone.

    Raises ValueError for images that are not uint8 [B, H, W, C], for more pixels than they have, and for fewer than 4
    candidates, since a child has three other parents.
    """
    asker, aims = plain_asker(logits_fn), aims_of(labels, targets)
    return search_pixels(key, asker, jnp.asarray(images), aims, attack=attack, start=start, indices=indices)


def search_pixels(
    key: jax.Array,
    asker: Asker,
    images: jax.Array,
    aims: Aim,
    *,
    attack: Attack = PAPER,
    start: ArrayLike | None = None,
    indices: ArrayLike | None = None,
) -> Result:
    """`one_pixel` with the `aims` (leaves [B]) of each attack, on a net that `asker` asks."""
    if images.dtype != jnp.uint8 or images.ndim != 4:
        raise ValueError(f"images are {images.dtype} {list(images.shape)}; give uint8 [B, H, W, C], 0 to 255")
    if attack.pixels > images.shape[1] * images.shape[2]:
        raise ValueError(f"{attack.pixels} pixels are more than the {images.shape[1]}x{images.shape[2]} of a picture")
    if attack.population < 4:
        raise ValueError(f"a population of {attack.population} is too small; give 4 or more")
    indices = jnp.arange(len(images)) if indices is None else indices
    found = unchanged_starts(images, attack.pixels) if start is None else start

    def one(inputs):
        index, image, aim, first = inputs
        ask = asker(image)
        search = begin(jax.random.fold_in(key, index), ask, image, aim, attack, first)
        return advance(search, ask, image, aim, attack, attack.generations)

    # Two loops that do not wait for each other keep two cores busy: 186,000 queries a second of LeNet-5, not 143,000.
    inputs, half = (jnp.asarray(indices), images, aims, found), len(images) // 2
    parts = [jax.tree.map(lambda leaf: leaf[:half], inputs), jax.tree.map(lambda leaf: leaf[half:], inputs)]
    searches = [jax.lax.map(one, part) for part in parts if len(part[0])]
    return results(jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *searches), images, attack)


def aims_of(labels: ArrayLike, targets: ArrayLike | None) -> Aim:
    """The aims of an attack on pictures with `labels`, with a leading axis B."""
    labels = jnp.asarray(labels, jnp.int32)
    wanted = labels if targets is None else jnp.asarray(targets, jnp.int32)
    return Aim(labels, wanted, jnp.full(labels.shape, targets is not None))


def unchanged_starts(images: ArrayLike, pixels: int) -> jax.Array:
    """Candidates that change nothing, int32 [B, pixels, 2 + C]."""
    return jax.vmap(lambda image: unchanged(image, pixels))(jnp.asarray(images))


def begin(key: jax.Array, ask: Ask, image: jax.Array, aim: Aim, attack: Attack, start: jax.Array) -> Search:
    """The first population for `image`: `start` (int32 [j, 2 + C], j at most k), and the others at random."""
    height, width, channels = image.shape
    draw, key = jax.random.split(key)
    population = random_candidates(draw, attack.population, attack.pixels, (height, width, channels))
    padded = jnp.concatenate([unchanged(image, attack.pixels - len(start)), start])  # what changes something is last
    population = population.at[0].set(padded)
    logits = ask(population)
    margins = margin(logits, aim)
    best = margins.argmax()
    evaluations = jnp.int32(attack.population)
    return Search(key, population, fitness(logits, aim), population[best], margins[best], jnp.int32(0), evaluations)


def advance(
    search: Search, ask: Ask, image: jax.Array, aim: Aim, attack: Attack, generations: int | jax.Array
) -> Search:
    """`search` on one picture after at most so many `generations` more; it ends where a candidate succeeds."""
    last = jnp.minimum(search.generation + generations, attack.generations)

    def goes_on(found: Search) -> jax.Array:
        return (found.margin <= attack.rounding) & (found.generation < last)

    return jax.lax.while_loop(goes_on, lambda found: _next(found, ask, image, aim, attack), search)


def results(searches: Search, images: jax.Array, attack: Attack) -> Result:
    """The result of searches [B] on `images`; pictures that nothing flips come back untouched."""
    success = searches.margin > attack.rounding
    changed = jax.vmap(lambda image, best: drawn(image, best[None])[0])(images, searches.best)
    return Result(
        adversarial=jnp.where(success[:, None, None, None], changed, images),
        success=success,
        coordinates=jnp.where(success[:, None, None], searches.best[..., :2], -1),
        values=searches.best[..., 2:].astype(jnp.uint8),
        margin=searches.margin,
        evaluations=searches.evaluations,
    )


def _next(found: Search, ask: Ask, image: jax.Array, aim: Aim, attack: Attack) -> Search:
    """One generation: a child takes its parent's place where it is fitter."""
    height, width, channels = image.shape
    key = jax.random.fold_in(found.key, found.generation)
    young = children(key, found.population, found.fitness.argmax(), (height, width, channels), attack.evolution)
    logits = ask(young)
    margins, fit = margin(logits, aim), fitness(logits, aim)
    fitter = fit > found.fitness
    best = margins.argmax()
    better = margins[best] > found.margin
    return Search(
        key=found.key,
        population=jnp.where(fitter[:, None, None], young, found.population),
        fitness=jnp.where(fitter, fit, found.fitness),
        best=jnp.where(better, young[best], found.best),
        margin=jnp.maximum(margins[best], found.margin),
        generation=found.generation + 1,
        evaluations=found.evaluations + attack.population,
    )
