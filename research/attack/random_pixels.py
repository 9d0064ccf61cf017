"""The control: as many random pixels as the search had candidates."""

import jax
import jax.numpy as jnp

from research.attack.local import Ask
from research.attack.one_pixel import Attack
from research.attack.pixels import random_candidates
from research.attack.success import Aim, margin


def random_pixels(key: jax.Array, ask: Ask, image: jax.Array, aim: Aim, attack: Attack) -> tuple[jax.Array, jax.Array]:
    """(whether random changes flip `image`, pictures that the net was asked about), with the most queries of `attack`.

    Candidates are those of a first population, drawn anew in place of each generation, until one succeeds.
    """
    height, width, channels = image.shape

    def goes_on(state: tuple[jax.Array, jax.Array]) -> jax.Array:
        return ~state[0] & (state[1] <= attack.generations)

    def draw(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        fresh = jax.random.fold_in(key, state[1])
        candidates = random_candidates(fresh, attack.population, attack.pixels, (height, width, channels))
        return (margin(ask(candidates), aim) > attack.rounding).any(), state[1] + 1

    flipped, rounds = jax.lax.while_loop(goes_on, draw, (jnp.bool_(False), jnp.int32(0)))
    return flipped, rounds * attack.population
