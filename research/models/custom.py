"""A net of one's own, as this library's nets are: `init` and `apply`, which returns (output, taps).

It is a Flax Linen module, or a pair of functions (docs/extending.md). What it needs, and whether it fits, is found out
from signatures and shapes before anything is computed.
"""

import dataclasses
import difflib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.core import FrozenDict, meta
from flax.traverse_util import flatten_dict

from research.config import Custom
from research.errors import UserError
from research.models.custom_source import load_source, one_line, source_digest
from research.models.layer import Shape
from research.models.network import Network

Tree = Any
OUTPUTS = ("classes", "num_classes", "n_classes", "outputs", "num_outputs")  # arguments that are the number of classes
# Arguments of `__call__` that say whether the net trains, and their value when it does.
FLAGS = {
    "train": True,
    "training": True,
    "is_training": True,
    "deterministic": False,
    "use_running_average": False,
}
TAPS = "intermediates"  # Flax's collection of captured and sown values

# (variables, x, train, rngs, collections that it may update) -> (output, taps, those collections)
Run = Callable[[Tree, jax.Array, bool, Mapping[str, jax.Array], Sequence[str]], tuple[Any, dict[str, Any], Tree]]


@dataclasses.dataclass(frozen=True)
class CustomNet:
    """A net of one's own. Two are equal where their file, arguments and outputs are, so programs compile once."""

    key: str  # of all that determines the net
    label: str = dataclasses.field(compare=False)  # my_nets.py:ResNet
    unit: bool = dataclasses.field(compare=False)  # whether it reads pixels as 0..1
    start: Callable[[jax.Array, jax.Array], Tree] = dataclasses.field(compare=False, repr=False)
    run: Run = dataclasses.field(compare=False, repr=False)
    module: nn.Module | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def root(self) -> str:
        """The tap that is the output: the module's class, or "output" of a pair of functions."""
        return "output" if self.module is None else type(self.module).__name__

    def init(self, key: jax.Array, x: Any) -> Tree:
        """The initial variables {"params": ..., and its collections} for inputs like `x` [1, ...]."""
        return self.start(key, self._pixels(x, jnp.dtype(jnp.float32)))

    def apply(
        self,
        variables: Tree,
        x: Any,
        train: bool = False,
        *,
        rngs: Mapping[str, jax.Array] | None = None,
        mutable: Sequence[str] | bool = False,
    ) -> Any:
        """(output, taps) of `x` [B, ...]; with `mutable`, ((output, taps), the collections of these names)."""
        leaves = [leaf for leaf in jax.tree.leaves(variables["params"]) if jnp.issubdtype(leaf.dtype, jnp.floating)]
        x = self._pixels(x, leaves[0].dtype if leaves else jnp.dtype(jnp.float32))
        names = [] if isinstance(mutable, bool) else list(mutable)
        output, taps, updated = self.run(variables, x, train, dict(rngs or {}), names)
        return (output, taps) if mutable is False else ((output, taps), updated)

    def _pixels(self, x: Any, dtype: jnp.dtype) -> jax.Array:
        return jnp.asarray(x).astype(dtype) / 255 if self.unit else jnp.asarray(x)


def custom_net(model: Custom, outputs: int) -> CustomNet | Network:
    """The net that `model` names, with `outputs` logits; UserError where it cannot be made.

    A network of our layers is returned as it is, since it knows more of itself; it reads pixels as they are stored.
    """
    found = _made(load_source(model), model, outputs)
    if isinstance(found, Network):
        return found
    of = {"key": _key(model, outputs), "label": model.label, "unit": model.pixels == "unit"}
    if isinstance(found, nn.Module):
        return _of_module(found, **of)
    pair: Any = found if isinstance(found, tuple) else [getattr(found, name, None) for name in ("init", "apply")]
    if len(pair) == 2 and all(map(callable, pair)):
        return _of_functions(pair[0], pair[1], **of)
    raise UserError(
        f"{model.label} is {_kind(found)}; a net is a Flax Linen module, a pair of functions init and apply, or a "
        "function that returns one"
    )


def own_base(model: Custom) -> CustomNet:
    """The net that `model` names as a base for transfer: it has no logits. A network of our layers is a module, too."""
    found = _made(load_source(model), model, None)
    of = {"key": _key(model, None), "label": model.label, "unit": model.pixels == "unit"}
    if isinstance(found, nn.Module):
        return _of_module(found, **of)
    raise UserError(f"{model.label} is {_kind(found)}; a base is a Flax Linen module or a function that returns one")


def check_custom(net: CustomNet, picture: Shape, outputs: int) -> None:
    """UserError unless `net` takes pictures of shape `picture` and gives `outputs` logits each, also in training."""
    pixels = jax.ShapeDtypeStruct((2, *picture), np.uint8)
    size = "x".join(map(str, picture))
    try:
        variables = jax.eval_shape(net.init, jax.random.key(0), pixels)
        if not variables.get("params"):
            raise UserError(f"{net.label} has no parameters, so there is nothing to train")
        held = [name for name in variables if name != "params"]
        output, _ = jax.eval_shape(lambda v, x: net.apply(v, x), variables, pixels)
        _, updated = jax.eval_shape(
            lambda v, x, key: net.apply(v, x, True, rngs={"dropout": key}, mutable=held),
            *(variables, pixels, jax.random.key(0)),
        )
    except UserError:
        raise
    except Exception as error:  # the user's code, and Flax' complaints of it
        raise UserError(f"{net.label} fails on pictures of {size}: {one_line(error)}") from error
    found = getattr(output, "shape", None)
    if found != (2, outputs):
        given = (
            f"[{', '.join(['B', *map(str, found[1:])])}]" if found and found[0] == 2 else f"{found or _kind(output)}"
        )
        raise UserError(f"{net.label} gives {given} for pictures of {size}; {outputs} classes need [B, {outputs}]")
    for name in held:
        if _forms(updated.get(name, variables[name])) != _forms(variables[name]):
            raise UserError(f"{net.label} changes the shapes of its collection {name} in training; they must stay")


def _key(model: Custom, outputs: int | None) -> str:
    return json.dumps([source_digest(model), model.source, model.arguments, model.pixels, outputs], sort_keys=True)


def _forms(tree: Tree) -> Any:
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)


def _made(found: Any, model: Custom, outputs: int | None) -> Any:
    """`found`, called with the arguments of `model` where it is a class or a function."""
    ready = isinstance(found, (nn.Module, tuple, ModuleType)) or (_has_functions(found) and not inspect.isclass(found))
    if ready or not callable(found):
        if model.arguments:
            raise UserError(f"{model.label} is {_kind(found)}, which takes no arguments: leave model.arguments empty")
        return found
    arguments = {name: _hashable(value) for name, value in model.arguments.items()}
    try:
        return found(**arguments | _missing(found, model, outputs))
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{model.label} fails with {arguments}: {one_line(error)}") from error


def _missing(make: Callable[..., Any], model: Custom, outputs: int | None) -> dict[str, int]:
    """The number of classes by the name that `make` has for it.

    UserError for an argument that `make` does not take, or needs and does not get.
    """
    known = {name: each for name, each in inspect.signature(make).parameters.items() if name not in ("parent", "name")}
    names = [name for name, each in known.items() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    takes_any = any(each.kind == each.VAR_KEYWORD for each in known.values())
    for name in model.arguments:
        if name not in names and not takes_any:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"{model.label} takes no argument {name}{hint} (it takes {', '.join(names) or 'none'})")
    asked = [name for name in names if name in OUTPUTS and name not in model.arguments]
    given = {} if outputs is None else dict.fromkeys(asked, outputs)
    absent = [n for n in names if known[n].default is inspect.Parameter.empty and n not in {*model.arguments, *given}]
    if absent:
        raise UserError(f"{model.label} needs {' and '.join(absent)}, which model.arguments does not give")
    return given


def _of_module(module: nn.Module, **of: Any) -> CustomNet:
    parameters = list(inspect.signature(type(module).__call__).parameters.values())[2:]  # after self and x
    flags = {each.name: FLAGS[each.name] for each in parameters if each.name in FLAGS}
    _refuse_needs([each for each in parameters if each.name not in flags], of["label"], "__call__")

    def start(key: jax.Array, x: jax.Array) -> Tree:
        still: dict[str, Any] = {name: not value for name, value in flags.items()}
        variables = meta.unbox(module.init(key, x, **still))
        return {name: tree for name, tree in variables.items() if name != TAPS}

    def run(variables: Tree, x: jax.Array, train: bool, rngs: Mapping[str, jax.Array], names: Sequence[str]):
        given: dict[str, Any] = {name: value if train else not value for name, value in flags.items()}
        # Streams of other names than "dropout" fall back to that of "params".
        streams = {"params": jax.random.fold_in(rngs["dropout"], 1)} | dict(rngs) if rngs else None
        mutable = [*names, TAPS]
        output, state = module.apply(variables, x, **given, rngs=streams, mutable=mutable, capture_intermediates=True)
        output, own = output if _with_taps(output) else (output, {})
        root = type(module).__name__
        taps = dict(_captured(state.get(TAPS) or {}, root)) | own | {root: output}
        return output, _arrays(taps), {name: state[name] for name in names if name in state}

    return CustomNet(start=start, run=run, module=module, **of)


def _of_functions(init: Callable[..., Any], apply: Callable[..., Any], **of: Any) -> CustomNet:
    parameters = list(inspect.signature(apply).parameters.values())[2:]  # after variables and x
    _refuse_needs([each for each in parameters if each.name not in ("train", "rngs")], of["label"], "apply")
    names = [each.name for each in parameters if each.name in ("train", "rngs")]

    def start(key: jax.Array, x: jax.Array) -> Tree:
        found = init(key, x)
        if not isinstance(found, Mapping) or "params" not in found:
            raise UserError(f'init of {of["label"]} gives {_kind(found)}; it must give variables, {{"params": ...}}')
        return dict(found)

    def run(variables: Tree, x: jax.Array, train: bool, rngs: Mapping[str, jax.Array], collections: Sequence[str]):
        given = {"train": train, "rngs": rngs}
        found = apply(variables, x, **{name: given[name] for name in names})
        output, taps, updated = (*found, {}, {})[:3] if isinstance(found, tuple) else (found, {}, {})
        return output, _arrays({**taps, "output": output}), {n: updated[n] for n in collections if n in updated}

    return CustomNet(start=start, run=run, **of)


def _refuse_needs(parameters: Sequence[inspect.Parameter], label: str, function: str) -> None:
    """UserError for a parameter without a default, beside those that a net is given."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p.name for p in parameters if p.default is inspect.Parameter.empty and p.kind not in variadic]
    if needed:
        raise UserError(
            f"{function} of {label} needs {' and '.join(needed)}, and it gets pictures and whether it trains: give "
            "a default"
        )


def _captured(tree: Mapping[str, Any], root: str) -> Iterator[tuple[str, Any]]:
    """(name, value) of what Flax captured, in the order of the calls: `Block_0/Conv_0`, and `root` for the output.

    The second value of a module that is called twice is `Block_0/Conv_0/2`.
    """
    for path, values in flatten_dict(tree).items():
        name = "/".join(part for part in path if part != "__call__") or root
        for index, value in enumerate(values if isinstance(values, tuple) else (values,), start=1):
            yield name if index == 1 else f"{name}/{index}", value


def _arrays(taps: Mapping[str, Any]) -> dict[str, jax.Array]:
    """Those of `taps` that are float arrays [B, ...] with filters on the last axis."""
    return {
        name: tap
        for name, tap in taps.items()
        if isinstance(tap, jax.Array) and tap.ndim > 1 and jnp.issubdtype(tap.dtype, jnp.floating)
    }


def _with_taps(output: Any) -> bool:
    return isinstance(output, tuple) and len(output) == 2 and isinstance(output[1], Mapping)


def _has_functions(found: Any) -> bool:
    return callable(getattr(found, "init", None)) and callable(getattr(found, "apply", None))


def _hashable(value: Any) -> Any:
    """Lists as tuples and dicts as frozen ones, as Flax keeps the fields of a module."""
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return FrozenDict({name: _hashable(each) for name, each in value.items()}) if isinstance(value, dict) else value


def _kind(found: Any) -> str:
    """What `found` is, in words: `a tuple`, `an int`."""
    name = f"class {found.__name__}" if inspect.isclass(found) else type(found).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
