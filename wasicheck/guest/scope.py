"""What the steps of a guest share while they are compiled: memory, slots, and the names that later steps can use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import assert_never

from wasicheck.abi import alignment, elem_size
from wasicheck.guest import runtime
from wasicheck.guest.canon import Canon
from wasicheck.guest.errors import CompileError
from wasicheck.guest.operands import Operands, Storage
from wasicheck.guest.places import Place
from wasicheck.values import (
    Argument,
    Bytes,
    Constant,
    ListArgument,
    Offset,
    RecordArgument,
    Reference,
    TupleArgument,
    VariantArgument,
    capture_paths,
)
from wasicheck.vectors.model import Ending, Step
from wasicheck.vectors.operands import End, Operation, ReadableEnd, WritableEnd
from wasicheck.wit.types import FutureType, StreamType, Type

Key = tuple[str | None, int]
"""What tells one handle from another: where it lies."""


@dataclass
class Pending:
    """A started operation: its slot, what completes it, and where its outcome is laid out."""

    slot: int
    step: int
    """The step that started it: later ones depend on that."""
    outcome: int
    """Address of the outcome, a value of `type`."""
    type: Type | None
    finish: list[str]
    """Code that lays the outcome out, once the slot is complete."""
    cancel: Callable[[], list[str]]
    """Gives the code that leaves `$code` with what cancelling says, and defines the built-ins for it."""
    piece: str | None = None
    """Code that adds the buffer of a read to the frame."""
    end: Key | None = None
    """The end that is copied from or to; None for a call, whose outcome is there only if it has returned."""
    apart: bool = False
    """Whether its waitable joins the guest's waitable set only when it is awaited."""


@dataclass
class Scope:
    """Compile-time state that grows from step to step; all `…_text` are WebAssembly text."""

    canon: Canon
    storage: Storage
    flags: int
    """Address of one byte for each step: whether it is complete."""
    polls: bool = False
    captures: dict[str, Place] = field(default_factory=dict)
    writable: dict[str, Place] = field(default_factory=dict)
    operations: dict[str, Pending] = field(default_factory=dict)
    slots: int = runtime.FIRST_FREE_SLOT
    """How many slots are in use."""
    last_user: dict[Key, int] = field(default_factory=dict)
    """The last step that used an end."""
    users: dict[Key, list[int]] = field(default_factory=dict)
    """The slots of operations that use a handle until they are over."""
    continued: list[int] = field(default_factory=list)
    """The slots of streams that are copied as a whole beside the steps."""

    def slot(self) -> int:
        """Take a slot."""
        self.slots += 1
        return self.slots - 1

    def room(self, type: Type | None) -> int:
        """Allocate memory for a value; 0 if there is none."""
        return 0 if type is None else self.storage.image.allocate(max(elem_size(type), 1), max(alignment(type), 4))

    def completed(self, step: int) -> str:
        """Text that is non-zero if a step is complete."""
        return f"(i32.load8_u offset={self.flags + step} (i32.const 0))"

    def resolve(self, reference: Reference) -> Place:
        """The place of a reference."""
        if reference.name not in self.captures:
            raise CompileError(f"`${reference.name}` is what the harness saw: the guest does not have it")
        return reduce(Place.follow, reference.path, self.captures[reference.name])

    def capture(self, index: int, step: Step, address: int, yields: Type) -> None:
        """Note where the captures of a step are; one in several alternatives is there if any of them is."""
        root = Place(yields, address, conditions=(self.completed(index),))
        for expectation in step.expectations:
            if expectation.outcome is None or isinstance(expectation.outcome, Ending):
                continue
            for name, paths in capture_paths(expectation.outcome).items():
                places = [reduce(Place.follow, path.path, root) for path in paths]
                ways = [p.conditions for p in places]
                conditions = ways[0] if len(set(ways)) == 1 else (any_of(ways),)
                self.captures[name] = replace(places[0], conditions=conditions)


@dataclass
class Code:
    """The parts of one step's core function, as they are collected.

    `begin` runs once, `wait` until it does not return any more, then `finish`; `outcome` is what the function returns
    at last. A step that `traps` is there to see just that, so nothing is left out to avoid it.
    """

    scope: Scope
    index: int
    traps: bool
    outcome: int
    locals: dict[str, None] = field(default_factory=dict)
    begin: list[str] = field(default_factory=list)
    wait: list[str] = field(default_factory=list)
    finish: list[str] = field(default_factory=list)
    operands: Operands = field(init=False)

    def __post_init__(self) -> None:
        self.operands = Operands(self.scope.storage, self._place)

    def _place(self, reference: Reference) -> Place:
        place = self.scope.resolve(reference)
        if isinstance(reference.type, StreamType | FutureType):
            self.idle((place.base, place.offset))
        return place

    def require(self, condition: str) -> None:
        """The step is left out unless this holds."""
        if condition not in self.operands.conditions:
            self.operands.conditions.append(condition)

    def idle(self, key: Key) -> None:
        """The step is left out if an operation on a handle is still under way: the canonical ABI would trap."""
        if not self.traps:
            for slot in self.scope.users.get(key, ()):
                self.require(f"(i32.ne {runtime.status(slot_text(slot))} (i32.const {runtime.PENDING}))")

    def end(self, end: End, slot: int | None = None) -> tuple[str, Key]:
        """The handle of an end, to be used by the operation in a slot; the step depends on what used it before."""
        match end:
            case ReadableEnd(reference):
                place = self.operands.refer(reference)
            case WritableEnd(name):
                place = self.scope.writable[name]
            case _:
                assert_never(end)
        key = (place.base, place.offset)
        if key in self.scope.last_user:
            self.require(self.scope.completed(self.scope.last_user[key]))
        self.idle(key)
        self.scope.last_user[key] = self.index
        if slot is not None:
            self.scope.users.setdefault(key, []).append(slot)
        return place.load("i32.load"), key

    def lend(self, arguments: tuple[Argument, ...], slot: int) -> None:
        """Note that resources are lent to the call in a slot: until it is over they cannot be dropped."""
        for reference in _references(arguments):
            place = self.scope.resolve(reference)
            self.scope.users.setdefault((place.base, place.offset), []).append(slot)

    def operation(self, operation: Operation) -> Pending:
        """A started operation; the step depends on the one that started it."""
        pending = self.scope.operations[operation.name]
        self.require(self.scope.completed(pending.step))
        if pending.end is not None:
            self.scope.last_user[pending.end] = self.index
        return pending


def slot_text(slot: int) -> str:
    """The address of a slot."""
    return f"(i32.add (global.get $slots) (i32.const {slot * runtime.SLOT_SIZE}))"


def store_pair(address: int, pointer: int, length: str) -> list[str]:
    """Store a list whose elements lie at a static address."""
    return [
        f"(i32.store (i32.const {address}) (i32.const {pointer}))",
        f"(i32.store (i32.const {address + 4}) {length})",
    ]


def any_of(ways: list[tuple[str, ...]]) -> str:
    """Text that is non-zero if all conditions of one of the ways hold.

    A condition is looked at only if those before it hold: it may load from where they say that there is something.
    """
    wholes = [
        reduce(lambda rest, c: f"(if (result i32) {c} (then {rest}) (else (i32.const 0)))", way[::-1]) for way in ways
    ]
    return reduce(lambda a, b: f"(i32.or {a} {b})", wholes)


def _references(arguments: tuple[Argument, ...]) -> Iterator[Reference]:
    for argument in arguments:
        match argument:
            case Reference():
                yield argument
            case RecordArgument(_, fields):
                yield from _references(tuple(part for _, part in fields))
            case TupleArgument(_, elements) | ListArgument(_, elements):
                yield from _references(elements)
            case VariantArgument(payload=payload):
                yield from _references((payload,))
            case Constant() | Bytes() | Offset():
                pass
            case _:
                assert_never(argument)
