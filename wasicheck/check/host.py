"""The surface of a host: which functions and types of WASI 0.3.0 a guest that only imports them finds there.

What a host tells by linking is not taken on trust. Controls come first and last: a function, a method and a resource
that no host has, and a function with a wrong type. Where a control starts, the host does not look, and what it lets
pass proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from wasicheck.wit.types import (
    STRING,
    U64,
    BorrowType,
    EnumType,
    FlagsType,
    Function,
    FunctionKind,
    FutureType,
    Interface,
    ListType,
    NamedType,
    OptionType,
    OwnType,
    PrimitiveType,
    RecordType,
    ResourceType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    TypeDef,
    TypeId,
    VariantType,
    Wit,
)

ABSENT = "wasicheck-absent"
"""The name of what no host has."""

Item = Function | NamedType


class Status(StrEnum):
    """What linking tells of a function or type."""

    LINKED = "linked"
    MISSING = "missing"
    MISTYPED = "mistyped"
    """The host refuses it, for another reason than that it is missing, and compares types: see its words."""
    REFUSED = "refused"
    """The host refuses it, and does not compare types: see its words."""
    UNKNOWN = "unknown"
    """This host does not tell by linking."""


@dataclass(frozen=True)
class Attempt:
    """What came of a guest that only imports: whether it started, and the host's words if not."""

    linked: bool
    message: str = ""


Link = Callable[[Sequence[Item]], Attempt]


@dataclass(frozen=True)
class Tells:
    """What the host notices when it links, by the controls."""

    functions: bool
    methods: bool
    resources: bool
    types: bool


@dataclass(frozen=True)
class Entry:
    """A function or type; `unstable` is the feature it hangs on, `message` the host's words or why nothing is known."""

    item: str
    status: Status
    unstable: str | None = None
    message: str = ""
    beyond: bool = False
    """Whether the world has it not, so that a host need not offer it there."""

    @property
    def lacking(self) -> bool:
        """Whether a host of the world ought to have it, and has not."""
        known = self.status not in (Status.LINKED, Status.UNKNOWN)
        return known and not self.beyond and self.unstable is None


@dataclass(frozen=True)
class WorldSurvey:
    """What a host offers to guests of one world; `problem` says why nothing could be found out."""

    world: str
    tells: Tells | None
    functions: tuple[Entry, ...]
    types: tuple[Entry, ...]
    problem: str | None = None

    @property
    def lacking(self) -> tuple[Entry, ...]:
        """What a host of the world ought to have, and has not."""
        return tuple(entry for entry in (*self.functions, *self.types) if entry.lacking)

    def data(self) -> dict[str, object]:
        """Return it for JSON."""

        def entries(part: Iterable[Entry]) -> dict[str, object]:
            return {
                e.item: {
                    "status": e.status.value,
                    "unstable": e.unstable,
                    "beyond": e.beyond,
                    "message": e.message or None,
                }
                for e in part
            }

        tells = self.tells and {
            "functions": self.tells.functions,
            "methods": self.tells.methods,
            "resources": self.tells.resources,
            "types": self.tells.types,
        }
        return {
            "problem": self.problem,
            "tells": tells,
            "functions": entries(self.functions),
            "types": entries(self.types),
        }


@dataclass(frozen=True)
class HostSurvey:
    """What a host offers to guests of each world that it runs; `guests` is how many it took to find out."""

    host: str
    worlds: tuple[WorldSurvey, ...]
    guests: int
    seconds: float

    @property
    def problems(self) -> tuple[str, ...]:
        """Why nothing could be found out of some world."""
        return tuple(w.problem for w in self.worlds if w.problem is not None)

    @property
    def lacking(self) -> tuple[Entry, ...]:
        """What a host of these worlds ought to have, and has not."""
        return tuple(entry for world in self.worlds for entry in world.lacking)

    def data(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "host": self.host,
            "guests": self.guests,
            "seconds": round(self.seconds, 3),
            "worlds": {w.world: w.data() for w in self.worlds},
        }


def survey(wit: Wit, world: str, link: Link, *, beyond: bool = True) -> WorldSurvey:
    """Find out by `link` what a host offers to guests of a world of `wit`, and what `beyond` it."""
    offered = {item.name for item in wit.world(world).imports}
    interfaces = [i for i in surveyed(wit) if beyond or i.id in offered]
    empty = link(())
    if not empty.linked:
        return WorldSurvey(world, None, (), (), f"a guest that imports no more than it reports with: {empty.message}")
    return _Survey(world, link, interfaces, offered).result()


def surveyed(wit: Wit) -> tuple[Interface, ...]:
    """Return the interfaces that hosts have; those that a world exports are for guests to have."""
    exported = {item.name for p in wit.packages.values() for w in p.worlds.values() for item in w.exports}
    return tuple(i for p in wit.packages.values() for i in p.interfaces.values() if i.id not in exported)


def declared_types(interface: Interface) -> tuple[TypeDef, ...]:
    """Return the types with a name that an interface declares; aliases and `use` are none."""
    return tuple(definition for definition in interface.types.values() if _declared(definition))


class _Survey:
    def __init__(self, world: str, link: Link, interfaces: Sequence[Interface], offered: set[str]) -> None:
        self._world = world
        self._link = link
        self._offered = offered
        self._interfaces = interfaces
        self._functions = [f for i in interfaces for f in i.functions.values()]
        self._types = [d for i in interfaces for d in declared_types(i)]
        self._unstable = {i.id: i.stability.unstable for i in interfaces}
        self._attempts: dict[str, Attempt] = {}
        self._missing_words: set[str] = set()

    def result(self) -> WorldSurvey:
        functions, methods, resources = (self._notices(control) for control in self._controls())
        told = [f for f in self._functions if (methods if f.kind is FunctionKind.METHOD else functions)]
        resource_types = [d.type for d in self._types if resources and isinstance(d.type, ResourceType)]
        self._try_all([*told, *resource_types])
        tells = Tells(functions, methods, resources, functions and self._notices_types(told))
        entries = [self._function(f, tells) for f in self._functions]
        linked = {f.item: f for f in self._functions if self._linked(f)}
        mentioned = {id for f in linked.values() for id in _mentions(f)} if tells.types else set()
        types = [self._type(definition, mentioned, tells) for definition in self._types]
        return WorldSurvey(self._world, tells, tuple(entries), tuple(types))

    # --- controls ------------------------------------------------------------------------------------

    def _controls(self) -> Iterator[Item]:
        """A free function, a method and a resource of interfaces of the world, with names that no host knows."""
        known = [f for f in self._functions if f.interface in self._offered and not self._feature(f)]
        free = next(f for f in known if f.kind is FunctionKind.FREESTANDING)
        yield replace(free, name=ABSENT)
        # A world without resources has no methods to look for.
        method = next((f for f in known if f.kind is FunctionKind.METHOD), None)
        yield free if method is None else replace(method, name=ABSENT)
        yield ResourceType(TypeId(free.interface, ABSENT))

    def _notices(self, control: Item) -> bool:
        attempt = self._link((control,))
        if not attempt.linked:
            self._missing_words.add(_reason(attempt.message))
        return not attempt.linked

    def _notices_types(self, told: Iterable[Function]) -> bool:
        function = next((f for f in told if f.kind is FunctionKind.FREESTANDING and self._linked(f)), None)
        if function is None:
            return False
        return not self._link((replace(function, result=U64 if function.result == STRING else STRING),)).linked

    # --- probes --------------------------------------------------------------------------------------

    def _try_all(self, items: Sequence[Item]) -> None:
        """All that is stable at once, as most hosts have it; else interface by interface; else by halves."""
        world = [i for i in items if _interface(i) in self._offered and not self._feature(i)]
        if self._try(world):
            items = [i for i in items if i not in world]
        for interface in self._interfaces:
            for unstable in (False, True):
                part = [i for i in items if _interface(i) == interface.id and bool(self._feature(i)) is unstable]
                if not self._try(part):
                    self._halve(self._of_resources_there(part))

    def _of_resources_there(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items but for resources that are missing, and with them all of their functions."""
        resources = {item.id.name: item for item in items if isinstance(item, ResourceType)}
        missing = {name for name, resource in resources.items() if not self._try([resource])}
        for item in items:
            if isinstance(item, Function) and item.resource in missing:
                self._attempts[item.item] = self._attempts[_name(resources[item.resource])]
        return [item for item in items if _name(item) not in self._attempts]

    def _halve(self, items: Sequence[Item]) -> None:
        if not items or self._try(items) or len(items) == 1:
            return
        middle = len(items) // 2
        self._halve(items[:middle])
        self._halve(items[middle:])

    def _try(self, items: Sequence[Item]) -> bool:
        attempt = self._link(items) if items else Attempt(True)
        if attempt.linked or len(items) == 1:
            self._attempts.update((_name(item), attempt) for item in items)
        return attempt.linked

    def _linked(self, item: Item) -> bool:
        attempt = self._attempts.get(_name(item))
        return attempt is not None and attempt.linked

    # --- entries -------------------------------------------------------------------------------------

    def _function(self, function: Function, tells: Tells) -> Entry:
        if function.item in self._attempts:
            return self._entry(function, *self._judged(function, tells))
        what = "a method that it does not have" if function.kind is FunctionKind.METHOD else "a function it has not"
        return self._entry(function, Status.UNKNOWN, f"the host links {what}: it may miss it when it is called")

    def _type(self, definition: TypeDef, mentioned: set[TypeId], tells: Tells) -> Entry:
        type = definition.type
        assert isinstance(type, RecordType | VariantType | EnumType | FlagsType | ResourceType)
        if _name(type) in self._attempts:
            return self._entry(type, *self._judged(type, tells))
        if type.id in mentioned:
            return self._entry(type, Status.LINKED)
        why = "no function that links mentions it" if tells.types else "the host does not compare types"
        return self._entry(type, Status.UNKNOWN, why)

    def _judged(self, item: Item, tells: Tells) -> tuple[Status, str]:
        attempt = self._attempts[_name(item)]
        if attempt.linked:
            return Status.LINKED, ""
        if _reason(attempt.message) in self._missing_words:
            return Status.MISSING, attempt.message
        return (Status.MISTYPED if tells.types else Status.REFUSED), attempt.message

    def _entry(self, item: Item, status: Status, message: str = "") -> Entry:
        return Entry(_name(item), status, self._feature(item), message, _interface(item) not in self._offered)

    def _feature(self, item: Item) -> str | None:
        own = item.stability.unstable if isinstance(item, Function) else None
        return own or self._unstable[_interface(item)]


def _declared(definition: TypeDef) -> bool:
    """Whether it is the declaration of a type with a name, and no alias or `use`."""
    match definition.type:
        case RecordType(id) | VariantType(id) | EnumType(id) | FlagsType(id) | ResourceType(id):
            return definition.used_from is None and id is not None and id.name == definition.name
        case _:
            return False


def _name(item: Item) -> str:
    return item.item if isinstance(item, Function) else str(item.id)


def _interface(item: Item) -> str:
    if isinstance(item, Function):
        return item.interface
    assert item.id is not None
    return item.id.interface


def _mentions(function: Function) -> Iterator[TypeId]:
    """The types with names that a function's type is made of."""
    for part in (*(p.type for p in function.params), function.result):
        yield from _names_in(part)


def _names_in(type: Type | None) -> Iterator[TypeId]:
    parts: Iterable[Type | None] = ()
    match type:
        case OwnType(resource) | BorrowType(resource):
            yield resource.id
        case ListType(element) | OptionType(element) | StreamType(element) | FutureType(element):
            parts = (element,)
        case ResultType(ok, error):
            parts = (ok, error)
        case TupleType(elements):
            parts = elements
        case RecordType(id, fields):
            yield from () if id is None else (id,)
            parts = (f.type for f in fields)
        case VariantType(id, cases):
            yield from () if id is None else (id,)
            parts = (c.type for c in cases)
        case EnumType(id) | FlagsType(id):
            yield from () if id is None else (id,)
        case PrimitiveType() | None:
            pass
        case _:
            assert_never(type)
    for part in parts:
        yield from _names_in(part)


def _reason(message: str) -> str:
    """The end of the host's words, which is where it says why, without names and numbers."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    last = re.sub(r"^\d+: ", "", lines[-1]) if lines else ""
    return re.sub(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\d+", "…", last)
