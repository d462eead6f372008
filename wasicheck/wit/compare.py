"""Structural differences between two sets of WIT packages, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from wasicheck.wit.text import type_text
from wasicheck.wit.types import (
    EnumType,
    FlagsType,
    Function,
    Interface,
    Package,
    Position,
    RecordType,
    ResourceType,
    Stability,
    Type,
    TypeDef,
    VariantType,
    Wit,
    World,
    WorldItem,
)

T = TypeVar("T")


class DifferenceKind(StrEnum):
    """What sort of difference it is."""

    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"
    GATES = "gates"
    """`@since`, `@unstable` or `@deprecated`."""


@dataclass(frozen=True)
class Difference:
    """One difference; `str()` is the line `item: what`.

    The item is an id or `namespace:package/interface@version#name`; `position` is where the second set has it, or has
    what it would belong to, if that is known.
    """

    kind: DifferenceKind
    item: str
    what: str
    position: Position | None = None

    def __str__(self) -> str:
        return f"{self.item}: {self.what}"


def compare(a: Wit, b: Wit) -> tuple[Difference, ...]:
    """Return how `b` differs from `a`; nothing if they are the same.

    Positions and the order of declarations do not count; the order of fields, cases, labels and parameters does.
    """
    return tuple(_each("package", a.packages, b.packages, lambda id: id, _package))


def compare_packages(a: Package, b: Package) -> tuple[Difference, ...]:
    """Return how the package `b` differs from `a`, whose id it has."""
    return tuple(_package(a.id, a, b))


def _each(
    kind: str,
    a: Mapping[str, T],
    b: Mapping[str, T],
    item: Callable[[str], str],
    differences: Callable[[str, T, T], Iterator[Difference]],
    around: Position | None = None,
) -> Iterator[Difference]:
    """Return the differences of what both have, in the order of `a`, and then what only `b` has."""
    for name, value in a.items():
        if name in b:
            yield from differences(item(name), value, b[name])
        else:
            yield Difference(DifferenceKind.MISSING, item(name), f"{kind} is missing", around)
    for name in b:
        if name not in a:
            at = getattr(b[name], "position", None) or around
            yield Difference(DifferenceKind.EXTRA, item(name), f"{kind} is extra", at)


def _package(id: str, a: Package, b: Package) -> Iterator[Difference]:
    package, at, version = id.partition("@")

    def item(name: str) -> str:
        return f"{package}/{name}{at}{version}"

    yield from _each("interface", a.interfaces, b.interfaces, item, _interface)
    yield from _each("world", a.worlds, b.worlds, item, _world)


def _interface(id: str, a: Interface, b: Interface) -> Iterator[Difference]:
    yield from _gates(id, a.stability, b.stability, b.position)
    yield from _each("type", a.types, b.types, lambda name: f"{id}#{name}", _type, b.position)
    yield from _each("function", a.functions, b.functions, lambda name: f"{id}#{name}", _function, b.position)


def _type(id: str, a: TypeDef, b: TypeDef) -> Iterator[Difference]:
    at = b.position
    yield from _gates(id, a.stability, b.stability, at)
    if a.used_from != b.used_from:
        yield _changed(id, f"expected {_origin(a)}, found {_origin(b)}", at)
        return
    match a.type, b.type:
        case (RecordType(), RecordType()) if _declared(a) and _declared(b):
            fields = {f.name: f.type for f in a.type.fields}, {f.name: f.type for f in b.type.fields}
            yield from _members(id, "field", *fields, at)
        case (VariantType(), VariantType()) if _declared(a) and _declared(b):
            cases = {c.name: c.type for c in a.type.cases}, {c.name: c.type for c in b.type.cases}
            yield from _members(id, "case", *cases, at)
        case (EnumType(), EnumType()) if _declared(a) and _declared(b):
            yield from _members(id, "case", dict.fromkeys(a.type.labels), dict.fromkeys(b.type.labels), at)
        case (FlagsType(), FlagsType()) if _declared(a) and _declared(b):
            yield from _members(id, "flag", dict.fromkeys(a.type.labels), dict.fromkeys(b.type.labels), at)
        case _:
            if _definition(a) != _definition(b):
                yield _changed(id, f"expected {_definition(a)}, found {_definition(b)}", at)


def _changed(id: str, what: str, at: Position | None) -> Difference:
    return Difference(DifferenceKind.CHANGED, id, what, at)


def _origin(definition: TypeDef) -> str:
    return "a type of its own" if definition.used_from is None else f"a type used from {definition.used_from}"


def _declared(definition: TypeDef) -> bool:
    """Whether the definition is the type's declaration, rather than another name for it."""
    id = None if not isinstance(definition.type, _Named) else definition.type.id
    return definition.used_from is None and id is not None and id.name == definition.name


_Named = RecordType | VariantType | EnumType | FlagsType | ResourceType


def _definition(definition: TypeDef) -> str:
    """Return a type as one would declare it: `resource`, `enum`, or what an alias stands for."""
    if not _declared(definition):
        return type_text(definition.type, qualified=True)
    return type(definition.type).__name__.removesuffix("Type").lower()


def _members(
    id: str, kind: str, a: Mapping[str, Type | None], b: Mapping[str, Type | None], at: Position | None
) -> Iterator[Difference]:
    """Return the differences of fields, cases or parameters."""
    for name, type in a.items():
        if name not in b:
            yield _changed(id, f"{kind} {name} is missing", at)
        elif _text(type) != _text(b[name]):
            yield _changed(id, f"{kind} {name}: expected {_text(type)}, found {_text(b[name])}", at)
    for name in b:
        if name not in a:
            yield _changed(id, f"{kind} {name} is extra", at)
    yield from _order(id, kind, [n for n in a if n in b], [n for n in b if n in a], at)


def _order(id: str, kind: str, a: Sequence[str], b: Sequence[str], at: Position | None) -> Iterator[Difference]:
    if a != b:
        yield _changed(id, f"expected the {kind}s in the order {', '.join(a)}, found {', '.join(b)}", at)


def _text(type: Type | None) -> str:
    return "nothing" if type is None else type_text(type, qualified=True)


def _function(id: str, a: Function, b: Function) -> Iterator[Difference]:
    at = b.position
    yield from _gates(id, a.stability, b.stability, at)
    if a.kind is not b.kind:
        yield _changed(id, f"expected a {a.kind.value} function, found a {b.kind.value} one", at)
    if a.is_async is not b.is_async:
        yield _changed(id, f"expected {_async(a)}, found {_async(b)}", at)
    params = {p.name: p.type for p in a.params}, {p.name: p.type for p in b.params}
    yield from _members(id, "parameter", *params, at)
    if _text(a.result) != _text(b.result):
        yield _changed(id, f"result: expected {_text(a.result)}, found {_text(b.result)}", at)


def _async(function: Function) -> str:
    return "async func" if function.is_async else "func"


def _world(id: str, a: World, b: World) -> Iterator[Difference]:
    yield from _gates(id, a.stability, b.stability, b.position)
    for kind, items_a, items_b in (("import", a.imports, b.imports), ("export", a.exports, b.exports)):
        by_name = {i.name: i for i in items_a}, {i.name: i for i in items_b}
        yield from _each(kind, *by_name, lambda name: f"{id}: {name}", _world_item, b.position)


def _world_item(id: str, a: WorldItem, b: WorldItem) -> Iterator[Difference]:
    match a.target, b.target:
        case Function() as function_a, Function() as function_b:
            yield from _function(id, function_a, function_b)
        case _:
            yield from _gates(id, a.stability, b.stability, None)
            if _target(a) != _target(b):
                yield _changed(id, f"expected {_target(a)}, found {_target(b)}", None)


def _target(item: WorldItem) -> str:
    return item.target if isinstance(item.target, str) else "a function"


def _gates(id: str, a: Stability, b: Stability, at: Position | None) -> Iterator[Difference]:
    if a != b:
        what = f"gates: expected {_gates_text(a)}, found {_gates_text(b)}"
        yield Difference(DifferenceKind.GATES, id, what, at)


def _gates_text(stability: Stability) -> str:
    gates = []
    if stability.since is not None:
        gates.append(f"@since(version = {stability.since})")
    if stability.unstable is not None:
        gates.append(f"@unstable(feature = {stability.unstable})")
    if stability.deprecated is not None:
        gates.append(f"@deprecated(version = {stability.deprecated})")
    return " ".join(gates) or "none"
