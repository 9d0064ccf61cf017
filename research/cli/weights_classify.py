"""`weights.py classify FILE PICTURE...`: the ImageNet classes of pictures by a full VGG16."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from research.cli.weights_leaves import leaf_shapes
from research.command_line import MISTAKE, parse
from research.data.images.pictures import prepare_picture
from research.data.images.walk import picture_files
from research.data.paths import expanded
from research.errors import UserError
from research.models.imagenet import decode_predictions
from research.models.network import Network
from research.models.taps import run_taps
from research.models.vgg16 import TOP_SIDE, vgg16
from research.trees import from_named
from research.weights.conversion import convert
from research.weights.load import open_weights
from research.weights.mapping import guess, plan_conversion
from research.weights.published import VGG16_TOP, check_published

Tree = Any
ARCHITECTURE, ANSWER = "vgg16", "predictions"


@dataclasses.dataclass(frozen=True)
class Classify:
    """The weights and the pictures."""

    file: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """Weights of VGG16 with its classifier of 1000 classes, in any format that `inspect` reads."""
    pictures: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PICTURE...")]
    """PNG, JPEG and others, of any size, or folders with them: the middle square is scaled to 224 x 224."""
    top: int = 5
    """Number of classes to name, 1 to 1000."""


def classify(arguments: Sequence[str]) -> int:
    """Name the likeliest of ImageNet's 1000 classes for each picture: one JSON object per line.

    A file that is no picture is named on stderr; the others are still classified, and the exit code is 2.
    """
    flags = parse(Classify, arguments, about=classify.__doc__ or "")
    if not flags.pictures:
        raise UserError("PICTURE is missing: name one or more; see --help")
    if flags.top < 1:
        raise UserError(f"--top is 1 to 1000, not {flags.top}")
    files = picture_files(flags.pictures)
    net, params = _full_net(expanded(flags.file))
    wrong = 0
    for picture in files:
        try:
            prepared = prepare_picture(picture, (TOP_SIDE, TOP_SIDE, 3), None)
        except UserError as error:
            print(f"weights.py: {error}", file=sys.stderr)
            wrong = MISTAKE
            continue
        shares = run_taps(net, params, jnp.asarray(prepared.pixels[None]), [ANSWER])[ANSWER]
        (best,) = decode_predictions(np.asarray(shares), flags.top)
        guesses = [each._asdict() | {"probability": round(each.probability, 6)} for each in best]
        print(json.dumps({"input": str(picture), "predictions": guesses, "prepared": list(prepared.steps)}), flush=True)
    return wrong


def _full_net(path: Path) -> tuple[Network, Tree]:
    """VGG16 with its top, as probabilities, and its parameters from the file at `path`."""
    if not path.exists():
        raise UserError(
            f"no weights {path}; scripts/weights.py fetch vgg16 --top gets them ({VGG16_TOP.megabytes} MB, "
            f"md5 {VGG16_TOP.md5}) to weights/{VGG16_TOP.name} of the data's root; give that as FILE"
        )
    file = check_published(open_weights(path))
    architecture = file.notes.get("architecture") or guess(file)
    plan = plan_conversion(file, architecture)
    if architecture != ARCHITECTURE or not any(leaf.startswith(f"{ANSWER}/") for leaf in plan.leaves):
        full = "scripts/weights.py fetch vgg16 --top"
        raise UserError(
            f"{path} holds {architecture} without ImageNet's classifier; give a full VGG16, as {full} brings it"
        )
    net = vgg16(include_top=True, probabilities=True, convention=plan.convention)  # pyright: ignore[reportArgumentType]
    leaves = convert(plan, leaf_shapes(ARCHITECTURE, include_top=True))
    pixels = jax.ShapeDtypeStruct((1, TOP_SIDE, TOP_SIDE, 3), np.uint8)
    like = jax.eval_shape(net.init, jax.random.key(0), pixels)["params"]
    return net, from_named({name: jnp.asarray(leaf) for name, leaf in leaves.items()}, like)
