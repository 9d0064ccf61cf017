"""The pixel that changes one filter most, picture by picture."""

import jax
import numpy as np

from research.attack.filters import most_changing_pixel
from research.errors import UserError
from research.experiment.attack.search import Row
from research.experiment.attack.victims import Victims
from research.models.network import Network

MOST = 12  # pictures


def filter_changes(named: str, found: Victims) -> list[Row]:
    """For the filter LAYER:NUMBER on the first pictures: picture, row, column, values, before and after.

    The response is the mean over positions. Raises UserError for a layer or a filter that the net does not have.
    """
    layer, number = _filter(named, found)
    net = found.net.net

    def run(variables, image):
        def response(pictures: jax.Array) -> jax.Array:
            taps: dict[str, jax.Array] = net.apply(variables, pictures)[1]  # pyright: ignore[reportAssignmentType]
            return taps[layer][..., number].reshape(len(pictures), -1).mean(1)

        return most_changing_pixel(response, image)

    compiled = jax.jit(run)
    _, first = np.unique(found.indices, return_index=True)  # with every class as a target a picture is there often
    rows = []
    for index in first[:MOST]:
        change = jax.device_get(compiled(found.net.variables, found.images[index]))
        row, column, *values = change.candidate[0].tolist()
        spot = {"picture": int(found.indices[index]), "row": row, "column": column, "values": values}
        rows.append(spot | {"before": float(change.before), "after": float(change.after)})
    return rows


def _filter(named: str, found: Victims) -> tuple[str, int]:
    net = found.net.net
    if not isinstance(net, Network):
        raise UserError("--filter needs a net of this library's layers; leave it out for a net of one's own")
    layer, _, number = named.partition(":")
    shapes = jax.eval_shape(lambda pictures: net.apply(found.net.variables, pictures)[1], found.images[:1])
    if layer not in shapes:
        raise UserError(f"no layer {layer} for --filter; there are {', '.join(net.names)}")
    count = shapes[layer].shape[-1]
    if not number.isdigit() or int(number) >= count:
        raise UserError(f"--filter {named}: {layer} has the filters {layer}:0 to {layer}:{count - 1}")
    return layer, int(number)
