"""The import section of a guest: exactly the functions it needs, with exactly the types WIT gives them.

An imported instance has to export every named type that its functions mention, so asking for a function pulls in
those types: declared in place where the interface declares them, or equated with the declaring interface's export
where a WIT `use` brought them in. Nothing else of the interface is mentioned; a host that lacks a function fails to
link by that function's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from wasicheck.wit.types import (
    BorrowType,
    EnumType,
    FlagsType,
    Function,
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
    TypeId,
    VariantType,
    Wit,
)


def quoted(name: str) -> str:
    """A name as a WebAssembly text string."""
    return f'"{name}"'


@dataclass
class _Instance:
    """The instance type of one imported interface, as it grows."""

    interface: Interface
    names: dict[TypeId, str] = field(default_factory=dict)
    """Local names of the named types that are exported so far."""
    lines: list[str] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    needs: dict[str, None] = field(default_factory=dict)
    """Interfaces that have to be imported before this one."""
    hoisted: dict[str, str] = field(default_factory=dict)
    """Identifiers of anonymous types, by their text."""

    def hoist(self, text: str) -> str:
        """Define an anonymous type on a line of its own; return its identifier."""
        if text not in self.hoisted:
            self.hoisted[text] = f"$hoisted{len(self.hoisted)}"
            self.lines.append(f"(type {self.hoisted[text]} {text})")
        return self.hoisted[text]


class Imports:
    """Collects the functions and types a guest imports, and renders them as component text."""

    def __init__(self, wit: Wit) -> None:
        self._wit = wit
        self._instances: dict[str, _Instance] = {}
        self._aliases: dict[TypeId, str] = {}

    def function(self, function: Function) -> str:
        """Import a function; return the text that refers to it in a `canon lower`."""
        instance = self._instance(function.interface)
        if function.local_name not in instance.functions:
            instance.functions[function.local_name] = function
            parameters = "".join(f" (param {quoted(p.name)} {self._local(instance, p.type)})" for p in function.params)
            result = "" if function.result is None else f" (result {self._local(instance, function.result)})"
            kind = "func async" if function.is_async else "func"
            instance.lines.append(f"(export {quoted(function.import_name)} ({kind}{parameters}{result}))")
        return f"${function.interface} {quoted(function.import_name)}"

    def interface(self, id: str) -> None:
        """Import every function and type of an interface."""
        interface = self._wit.interface(id)
        instance = self._instance(id)
        for definition in interface.types.values():
            for named in _named_parts(definition.type):
                self._name(instance, named)
        for function in interface.functions.values():
            self.function(function)

    def type(self, named: NamedType) -> None:
        """Import a type with the interface that declares it."""
        assert named.id is not None
        self._name(self._instance(named.id.interface), named)

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The interfaces that something is imported of."""
        return tuple(self._instances)

    def include(self, other: Imports, *, without: str) -> None:
        """Import whatever another component imports, but for one interface."""
        for id, instance in other._instances.items():
            if id != without:
                for function in instance.functions.values():
                    self.function(function)
                for definition in instance.interface.types.values():
                    if definition.name in instance.names.values():
                        for named in _named_parts(definition.type):
                            self._name(self._instance(id), named)

    def outer(self, type: Type) -> str:
        """The text of a type at the component's top level, importing what it names."""
        return _text(type, self._outer_name)

    def resource(self, resource: ResourceType) -> str:
        """The top-level identifier of a resource type."""
        return self._outer_name(resource)

    def render(self) -> list[str]:
        """Return the imports and aliases, every interface behind those it needs."""
        lines: list[str] = []
        done: set[str] = set()

        def visit(id: str) -> None:
            if id in done:
                return
            done.add(id)
            instance = self._instances[id]
            for other in instance.needs:
                visit(other)
            body = "".join(f"\n    {line}" for line in instance.lines)
            lines.append(f"(import {quoted(id)} (instance ${id}{body}))")
            lines.extend(
                f"(alias export ${id} {quoted(instance.names[type_id])} (type {alias}))"
                for type_id, alias in self._aliases.items()
                if type_id.interface == id
            )

        for id in self._instances:
            visit(id)
        return lines

    def _instance(self, id: str) -> _Instance:
        if id not in self._instances:
            self._instances[id] = _Instance(self._wit.interface(id))
        return self._instances[id]

    def _outer_name(self, named: NamedType) -> str:
        assert named.id is not None, "WIT declares every record, variant, enum, flags and resource by name"
        if named.id not in self._aliases:
            self._name(self._instance(named.id.interface), named)
            self._aliases[named.id] = f"${named.id}"
        return self._aliases[named.id]

    def _local(self, instance: _Instance, type: Type) -> str:
        return _text(type, lambda named: self._name(instance, named), instance.hoist)

    def _name(self, instance: _Instance, named: NamedType) -> str:
        """Export a named type from an instance type; return its local identifier."""
        assert named.id is not None
        if named.id in instance.names:
            return f"${instance.names[named.id]}"
        if named.id.interface == instance.interface.id:
            name = named.id.name
            if isinstance(named, ResourceType):
                instance.lines.append(f"(export {quoted(name)} (type ${name} (sub resource)))")
            else:
                body = self._definition(instance, named)
                instance.lines.append(f"(type ${name}' {body})")
                instance.lines.append(f"(export {quoted(name)} (type ${name} (eq ${name}')))")
        else:
            name = next(d.name for d in instance.interface.types.values() if d.type == named)
            outer = self._outer_name(named)
            instance.needs[named.id.interface] = None
            instance.lines.append(f"(export {quoted(name)} (type ${name} (eq {outer})))")
        instance.names[named.id] = name
        return f"${name}"

    def _definition(self, instance: _Instance, named: RecordType | VariantType | EnumType | FlagsType) -> str:
        match named:
            case RecordType(_, fields):
                return (
                    f"(record {' '.join(f'(field {quoted(f.name)} {self._local(instance, f.type)})' for f in fields)})"
                )
            case VariantType(_, cases):
                parts = (
                    f"(case {quoted(c.name)})"
                    if c.type is None
                    else f"(case {quoted(c.name)} {self._local(instance, c.type)})"
                    for c in cases
                )
                return f"(variant {' '.join(parts)})"
            case EnumType(_, labels):
                return f"(enum {' '.join(map(quoted, labels))})"
            case FlagsType(_, labels):
                return f"(flags {' '.join(map(quoted, labels))})"
            case _:
                assert_never(named)


def _in_place(text: str) -> str:
    return text


def _text(type: Type, name: Callable[[NamedType], str], hoist: Callable[[str], str] = _in_place) -> str:
    """Component text of a type, with `name` giving the identifier of each named type in it.

    `hoist` takes the text of a type that has to be defined apart, and returns the identifier to write instead.
    """
    match type:
        case PrimitiveType(text):
            return text
        case ListType(element, None):
            return f"(list {_text(element, name, hoist)})"
        case ListType(element, length):
            return f"(list {_text(element, name, hoist)} {length})"
        case OptionType(element):
            return f"(option {_text(element, name, hoist)})"
        case ResultType(ok, error):
            parts = "" if ok is None else f" {_text(ok, name, hoist)}"
            if isinstance(ok, StreamType | FutureType):
                # wat2wasm takes `(stream …)` here for the beginning of `(error …)`.
                parts = f" {hoist(parts[1:])}"
            return f"(result{parts}{'' if error is None else f' (error {_text(error, name, hoist)})'})"
        case TupleType(elements):
            return f"(tuple {' '.join(_text(e, name, hoist) for e in elements)})"
        case OwnType(resource):
            return f"(own {name(resource)})"
        case BorrowType(resource):
            return f"(borrow {name(resource)})"
        case StreamType(element):
            return "stream" if element is None else f"(stream {_text(element, name, hoist)})"
        case FutureType(element):
            return "future" if element is None else f"(future {_text(element, name, hoist)})"
        case RecordType() | VariantType() | EnumType() | FlagsType():
            return name(type)
        case _:
            assert_never(type)


def _named_parts(type: Type | ResourceType) -> list[NamedType]:
    """The named types that a type mentions."""
    if isinstance(type, ResourceType):
        return [type]
    found: list[NamedType] = []

    def note(named: NamedType) -> str:
        found.append(named)
        return ""

    _text(type, note)
    return found
