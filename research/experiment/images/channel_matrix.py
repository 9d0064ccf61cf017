"""The preprocessing of an ImageNet net as a product: it is linear in the channels."""

import jax.numpy as jnp
import numpy as np

from research.models.layers import Preprocess


def channel_matrix(layer: Preprocess) -> tuple[np.ndarray, np.ndarray]:
    """What a preprocessing does to a pixel x [3], as x @ matrix [3, 3] + offset [3].

    Measured between 0 and 256: between 0 and 1 the difference would lose digits beside the offset.
    """
    offset = np.asarray(layer(jnp.zeros((1, 1, 1, 3))))[0, 0, 0]
    return (np.asarray(layer(256 * jnp.eye(3)[:, None, None]))[:, 0, 0] - offset) / 256, offset
