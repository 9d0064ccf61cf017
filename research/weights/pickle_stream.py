"""Pickles read as data: opcodes are interpreted on a stack of plain values, and nothing is ever called.

A pickle is a program; Python's own reader imports and calls whatever it names. This one knows only the opcodes that
build dicts, lists, tuples and literals. A global is looked up in the reader's own table `allowed`; any other
global ends the reading with an error that names it, before anything else happens.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

LITERALS = (
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT", "FLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "STRING"),
    *("BINBYTES", "SHORT_BINBYTES"),
)
CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
IGNORED = ("PROTO", "FRAME", "STOP")


class Global(NamedTuple):
    """A name that the pickle would import; here it is only a name."""

    name: str


NAMED = 200  # letters of a name that a message shows


class RefusedError(Exception):
    """The pickle asks for more than data; the message names it."""


def interpret(stream: BinaryIO, allowed: Mapping[str, Any], persistent: Callable[[Any], Any]) -> Any:
    """The value of the pickle at the position of `stream`, which then is at its end.

    `allowed` maps names of globals ("collections.OrderedDict") to functions of the arguments that stand for a call of
    them, or to None where they are only mentioned. `persistent` gives the value of a persistent id. Raises
    RefusedError, or ValueError where the stream is broken.
    """
    machine = _Machine(allowed, persistent)
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            machine.step(opcode.name, argument)
        return machine.stack.pop()
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the pickle in it is broken: {error}") from error


class _Machine:
    def __init__(self, allowed: Mapping[str, Any], persistent: Callable[[Any], Any]):
        self.allowed, self.persistent = allowed, persistent
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in LITERALS:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name]())
        elif name in ("GLOBAL", "INST"):
            self.stack.append(self.named(*argument.split(" ", 1)))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            self.memo[len(self.memo) if argument is None else argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            self.stack.append(self.memo[argument])
        elif name in IGNORED:
            pass
        else:
            operation = getattr(self, f"do_{name.lower()}", None)
            if operation is None:
                raise RefusedError(f"the opcode {name}")
            operation()

    def named(self, module: str, attribute: str) -> Global:
        name = f"{module}.{attribute}"
        if name not in self.allowed:
            raise RefusedError(name[:NAMED])
        return Global(name)

    def items(self) -> list[Any]:
        """The items pushed since the last mark."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def do_mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def do_tuple(self) -> None:
        items = self.items()  # leaves the stack of before the mark
        self.stack.append(tuple(items))

    def do_tuple1(self) -> None:
        self.stack[-1:] = [tuple(self.stack[-1:])]

    def do_tuple2(self) -> None:
        self.stack[-2:] = [tuple(self.stack[-2:])]

    def do_tuple3(self) -> None:
        self.stack[-3:] = [tuple(self.stack[-3:])]

    def do_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.fill([key, value])

    def do_setitems(self) -> None:
        self.fill(self.items())

    def fill(self, flat: list[Any]) -> None:
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if not isinstance(key, str | int):  # hashing nested tuples can take for ever
                raise RefusedError(f"a key of type {type(key).__name__}")
            dict.__setitem__(self.stack[-1], key, value)

    def do_append(self) -> None:
        value = self.stack.pop()
        list.append(self.stack[-1], value)

    def do_appends(self) -> None:
        items = self.items()
        list.extend(self.stack[-1], items)

    def do_stack_global(self) -> None:
        attribute, module = self.stack.pop(), self.stack.pop()
        self.stack.append(self.named(module, attribute))

    def do_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        meaning = self.allowed[function.name] if isinstance(function, Global) else None
        if meaning is None:
            raise RefusedError("a call of something that is no function")
        self.stack.append(meaning(*arguments))

    def do_build(self) -> None:
        """Attributes of an object, such as `_metadata` of a state dict: no weights, so dropped."""
        self.stack.pop()

    def do_binpersid(self) -> None:
        self.stack.append(self.persistent(self.stack.pop()))
