"""The annotated specification: every item of the WIT with its requirements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wasicheck.report.matrix.model import Row
from wasicheck.vectors.requirements import Requirement
from wasicheck.wit.text import type_text
from wasicheck.wit.types import (
    EnumType,
    FlagsType,
    Function,
    FunctionKind,
    Interface,
    RecordType,
    ResourceType,
    TypeDef,
    VariantType,
    Wit,
)

GENERAL = "in general"
"""What the matrix calls the item of vectors that are about none of their interface's items."""


@dataclass(frozen=True)
class Item:
    """A function, a type, or what else requirements belong to; `signature` as WIT, empty of what has none."""

    id: str
    name: str
    signature: str
    unstable: bool
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """An interface, a world, or a part of the component model, with its items in the order of the WIT."""

    id: str
    package: str
    items: tuple[Item, ...]


def package_of(item: str) -> str:
    """`cli` of `wasi:cli/stdout@0.3.0#write-via-stream`; the first word of what is none of WASI's."""
    return item.partition("/")[0].partition(":")[2] if item.startswith("wasi:") else item.partition(" ")[0]


def annotated(wit: Wit, requirements: Mapping[str, Requirement], rows: Iterable[Row]) -> tuple[Chapter, ...]:
    """Return the chapters of the specification, with requirements that only vectors name in chapters of their own.

    Everything that the WIT declares is there, with requirements or without.
    """
    of_item: dict[str, list[str]] = {}
    for requirement in requirements.values():
        of_item.setdefault(requirement.item, []).append(requirement.id)
    unknown = dict.fromkeys(id for row in rows for id in row.requirements if id not in requirements)
    chapters: list[Chapter] = []
    for package in wit.packages.values():
        for interface in package.interfaces.values():
            items = [_item(interface.id, "", "", False, of_item)] if interface.id in of_item else []
            for name, definition in interface.types.items():
                if definition.used_from is None:
                    unstable = definition.stability.unstable is not None
                    items.append(_item(interface.id, name, _type(definition), unstable, of_item))
                items += [_function(f, of_item) for f in interface.functions.values() if f.resource == name]
            items += [_function(f, of_item) for f in interface.functions.values() if _is_free(f, interface)]
            chapters.append(Chapter(interface.id, package_of(interface.id), tuple(items)))
    rest: dict[str, list[Item]] = {}
    for id in tuple(of_item):
        chapter, _, name = id.partition("#")
        rest.setdefault(chapter, []).append(_item(chapter, name, "", False, of_item))
    chapters += [Chapter(id, package_of(id), tuple(items)) for id, items in rest.items()]
    if unknown:
        own = Item("other", "of other catalogues", "", False, tuple(unknown))
        chapters.append(Chapter("other requirements", "other", (own,)))
    order = {name: index for index, name in enumerate(dict.fromkeys(chapter.package for chapter in chapters))}
    return tuple(sorted(chapters, key=lambda chapter: order[chapter.package]))


def item_of(row: Row, requirements: Mapping[str, Requirement]) -> str:
    """The item of its interface that a vector is about: that of its first requirement that belongs there."""
    for id in row.requirements:
        requirement = requirements.get(id)
        if requirement is not None and requirement.item.startswith(f"{row.interface}#"):
            return requirement.item.partition("#")[2]
    return GENERAL


def _is_free(function: Function, interface: Interface) -> bool:
    return function.resource is None or function.resource not in interface.types


def _item(chapter: str, name: str, signature: str, unstable: bool, of_item: dict[str, list[str]]) -> Item:
    """An item, its requirements taken out of those that are left."""
    id = f"{chapter}#{name}" if name else chapter
    return Item(id, name or "the whole", signature, unstable, tuple(of_item.pop(id, ())))


def _function(function: Function, of_item: dict[str, list[str]]) -> Item:
    unstable = function.stability.unstable is not None
    return _item(function.interface, function.local_name, _signature(function), unstable, of_item)


def _signature(function: Function) -> str:
    own = function.kind is FunctionKind.METHOD
    params = ", ".join(f"{p.name}: {type_text(p.type)}" for p in function.params[1 if own else 0 :])
    if function.kind is FunctionKind.CONSTRUCTOR:
        return f"constructor({params})"
    static = "static " if function.kind is FunctionKind.STATIC else ""
    result = f" -> {type_text(function.result)}" if function.result is not None else ""
    return f"{function.name}: {static}{'async ' if function.is_async else ''}func({params}){result}"


def _type(definition: TypeDef) -> str:
    name, type = definition.name, definition.type
    match type:
        case ResourceType(id) if id.name == name:
            return f"resource {name}"
        case EnumType(id, labels) if id is not None and id.name == name:
            return f"enum {name} {{ {', '.join(labels)} }}"
        case FlagsType(id, labels) if id is not None and id.name == name:
            return f"flags {name} {{ {', '.join(labels)} }}"
        case RecordType(id, fields) if id is not None and id.name == name:
            return f"record {name} {{ {', '.join(f'{f.name}: {type_text(f.type)}' for f in fields)} }}"
        case VariantType(id, cases) if id is not None and id.name == name:
            parts = (c.name if c.type is None else f"{c.name}({type_text(c.type)})" for c in cases)
            return f"variant {name} {{ {', '.join(parts)} }}"
        case _:
            return f"type {name} = {type_text(type)}"
