"""Random keys by address: the same address gives the same key, independent of earlier draws."""

import zlib

import jax


def key(seed: int | jax.Array, *address: str | int | jax.Array) -> jax.Array:
    """The typed PRNG key at `address` under `seed`, for example `key(seed, "dropout", step)`.

    Names are folded in as their CRC-32 (stable across processes, unlike `hash`); integers, also traced ones, are folded
    in directly. Two different addresses give independent streams; nothing is carried from call to call.
    """
    found = jax.random.key(seed)
    for part in address:
        found = jax.random.fold_in(found, zlib.crc32(part.encode()) if isinstance(part, str) else part)
    return found
