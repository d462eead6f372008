"""Whether a function or type of a component is the one that WASI declares, part by part.

As hosts do when they link, types are compared by structure: a record is the same if its fields are, whatever it is
called. Only resources are the same by identity. What differs inside a type with a name is told of that type, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from wasicheck.check.names import canonical
from wasicheck.wit import type_text
from wasicheck.wit.types import (
    BorrowType,
    EnumType,
    FlagsType,
    Function,
    FutureType,
    ListType,
    OptionType,
    OwnType,
    RecordType,
    ResourceType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)


@dataclass(frozen=True)
class Mismatch:
    """A part that is not as WASI declares it: `path` leads to it from the function or named type `item`."""

    item: str
    path: tuple[str, ...]
    expected: str
    found: str


@dataclass(frozen=True)
class _Place:
    item: str
    path: tuple[str, ...] = ()

    def __truediv__(self, part: str) -> _Place:
        return _Place(self.item, (*self.path, part))

    def mismatch(self, expected: str, found: str) -> Mismatch:
        return Mismatch(self.item, self.path, expected, found)


def function_mismatches(expected: Function, found: Function) -> Iterator[Mismatch]:
    """Return how the type of a function differs from WASI's; names of parameters are not part of it."""
    place = _Place(expected.item)
    if expected.is_async is not found.is_async:
        yield place.mismatch(_async(expected), _async(found))
    for index, (a, b) in enumerate(zip_longest(expected.params, found.params), 1):
        if a is None:
            yield (place / f"parameter {b.name}").mismatch("no such parameter", type_text(b.type))
        elif b is None:
            yield (place / f"parameter {a.name}").mismatch(type_text(a.type), "no such parameter")
        else:
            named = a.name if a.name == b.name else f"{index}, {a.name}"
            yield from type_mismatches(a.type, b.type, place / f"parameter {named}")
    yield from _optional(expected.result, found.result, place / "result")


def parameter_names(expected: Function, found: Function) -> Mismatch | None:
    """Return how the names of parameters differ, which hosts ignore and tools that compose components do not."""
    names = [", ".join(p.name for p in f.params) for f in (expected, found)]
    if len(expected.params) != len(found.params) or names[0] == names[1]:
        return None
    return Mismatch(expected.item, ("parameters",), names[0], names[1])


def definition_mismatches(item: str, expected: Type, found: Type) -> Iterator[Mismatch]:
    """Return how a type that an interface offers differs from WASI's of that name."""
    return type_mismatches(expected, found, _Place(item))


def _async(function: Function) -> str:
    return "async func" if function.is_async else "func"


def _optional(expected: Type | None, found: Type | None, place: _Place) -> Iterator[Mismatch]:
    if expected is not None and found is not None:
        yield from type_mismatches(expected, found, place)
    elif expected is not found:
        yield place.mismatch(_text(expected), _text(found))


def type_mismatches(expected: Type, found: Type, place: _Place) -> Iterator[Mismatch]:
    """Return how two types differ; a type with a name becomes the place of what differs inside it."""
    match expected, found:
        case (ListType(a, n), ListType(b, m)) if n == m:
            yield from type_mismatches(a, b, place / "element")
        case OptionType(a), OptionType(b):
            yield from type_mismatches(a, b, place / "some")
        case ResultType(), ResultType():
            yield from _optional(expected.ok, found.ok, place / "ok")
            yield from _optional(expected.error, found.error, place / "err")
        case (TupleType(parts), TupleType(others)) if len(parts) == len(others):
            for index, (a, b) in enumerate(zip(parts, others, strict=True)):
                yield from type_mismatches(a, b, place / f"element {index}")
        case StreamType(), StreamType():
            yield from _optional(expected.element, found.element, place / "stream element")
        case FutureType(), FutureType():
            yield from _optional(expected.element, found.element, place / "future value")
        case RecordType(), RecordType():
            a_fields = {f.name: f.type for f in expected.fields}
            yield from _members("field", a_fields, {f.name: f.type for f in found.fields}, _inside(expected, place))
        case VariantType(), VariantType():
            a_cases = {c.name: c.type for c in expected.cases}
            yield from _members("case", a_cases, {c.name: c.type for c in found.cases}, _inside(expected, place))
        case EnumType(), EnumType():
            labels = dict.fromkeys(expected.labels), dict.fromkeys(found.labels)
            yield from _members("case", *labels, _inside(expected, place))
        case FlagsType(), FlagsType():
            labels = dict.fromkeys(expected.labels), dict.fromkeys(found.labels)
            yield from _members("flag", *labels, _inside(expected, place))
        case (OwnType(a), OwnType(b)) | (BorrowType(a), BorrowType(b)):
            if _identity(a) != _identity(b):
                yield place.mismatch(f"the resource {_identity(a)}", f"the resource {_identity(b)}")
        case _:
            if expected != found:
                yield place.mismatch(_text(expected), _text(found))


def _inside(type: RecordType | VariantType | EnumType | FlagsType, place: _Place) -> _Place:
    return place if type.id is None else _Place(str(type.id))


def _members(
    kind: str, expected: Mapping[str, Type | None], found: Mapping[str, Type | None], place: _Place
) -> Iterator[Mismatch]:
    for name, type in expected.items():
        if name in found:
            yield from _optional(type, found[name], place / f"{kind} {name}")
        else:
            yield (place / f"{kind} {name}").mismatch(_text(type) if type else f"a {kind}", f"no such {kind}")
    for name, type in found.items():
        if name not in expected:
            yield (place / f"{kind} {name}").mismatch(f"no such {kind}", _text(type) if type else f"a {kind}")
    orders = [n for n in expected if n in found], [n for n in found if n in expected]
    if orders[0] != orders[1]:
        yield (place / f"order of {kind}s").mismatch(", ".join(orders[0]), ", ".join(orders[1]))


def _identity(resource: ResourceType) -> str:
    """The resource's id at the version of WASI that the check is about: later releases mean the same one."""
    return f"{canonical(resource.id.interface)}#{resource.id.name}"


def _text(type: Type | None) -> str:
    match type:
        case None:
            return "nothing"
        case RecordType() | VariantType() | EnumType() | FlagsType() if type.id is not None:
            return f"the {_KINDS[type.__class__]} {type_text(type)}"
        case _:
            return type_text(type)


_KINDS = {RecordType: "record", VariantType: "variant", EnumType: "enum", FlagsType: "flags"}
