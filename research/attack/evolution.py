"""Differential evolution on whole numbers: the children of a population of candidates, and their selection.

Storn & Price 1997, "Differential Evolution"; as in Su et al. 2017, section 3.3: rand/1, F = 0.5, no crossover, and a
child competes with its own parent alone. best/1 with binomial crossover is the other common form.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp


class Evolution(NamedTuple):
    """How children are made. `weight` is F; `crossover` the share of numbers that a child has from its mutant (CR)."""

    mutation: Literal["rand1", "best1"] = "rand1"
    weight: float = 0.5
    crossover: float = 1.0


def children(key: jax.Array, population: jax.Array, best: jax.Array, shape: tuple[int, int, int], how: Evolution):
    """A child for each of `population` (int32 [P, k, 2 + C]), for pictures of `shape` [H, W, C]: int32 [P, k, 2 + C].

    `best` is the index of the fittest. The mutant is a + F (b - c) with three others a, b, c, rounded up or down by
    chance, since rounding halves to even would favour even rows; in best/1, a is the fittest. Values are clipped to
    0..255. A place outside the picture is drawn anew, uniformly, so that the borders get no more than their share.
    """
    chosen, places, crossed, rounded = jax.random.split(key, 4)
    a, b, c = (population[index] for index in three_others(chosen, len(population)))
    a = a if how.mutation == "rand1" else population[best]
    mutant = jnp.floor(a + how.weight * (b - c) + jax.random.uniform(rounded, a.shape)).astype(jnp.int32)
    sides = jnp.array(shape[:2])
    fresh = jax.random.randint(places, mutant[..., :2].shape, 0, sides)
    inside = (mutant[..., :2] >= 0) & (mutant[..., :2] < sides)
    place = jnp.where(inside, mutant[..., :2], fresh)
    mutant = jnp.concatenate([place, jnp.clip(mutant[..., 2:], 0, 255)], axis=-1)
    return mutant if how.crossover >= 1 else _crossed(crossed, population, mutant, how.crossover)


def three_others(key: jax.Array, count: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """For each i of `count` (at least 4) three numbers below it, uniform, all different and none i: int32 [count]."""
    draws = jax.random.split(key, 3)
    taken = [jnp.arange(count)]
    for number, draw in enumerate(draws, start=1):
        found = jax.random.randint(draw, (count,), 0, count - number)
        for before in jnp.sort(jnp.stack(taken), axis=0):  # step over each number that is taken, from the smallest
            found = found + (found >= before)
        taken.append(found)
    return taken[1], taken[2], taken[3]


def _crossed(key: jax.Array, population: jax.Array, mutant: jax.Array, share: float) -> jax.Array:
    """Binomial crossover: each number from the mutant with probability `share`, and one of them surely."""
    flat = population.reshape(len(population), -1)
    some, one = jax.random.split(key)
    sure = jax.random.randint(one, (len(flat), 1), 0, flat.shape[1]) == jnp.arange(flat.shape[1])
    taken = sure | (jax.random.uniform(some, flat.shape) < share)
    return jnp.where(taken, mutant.reshape(flat.shape), flat).reshape(population.shape)
