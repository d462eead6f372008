"""The types and functions that one interface or world defines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import assert_never

from wasicheck.wit.errors import WitError, quote, suggest
from wasicheck.wit.expressions import Measures, TypeResolver, names_in
from wasicheck.wit.graph import in_order
from wasicheck.wit.packages import UniqueNames
from wasicheck.wit.syntax import (
    AliasItem,
    CaseItem,
    EnumItem,
    FieldItem,
    FlagsItem,
    FunctionItem,
    Name,
    RecordItem,
    ResourceItem,
    TypeItem,
    UseItem,
    VariantItem,
)
from wasicheck.wit.types import (
    BorrowType,
    Case,
    EnumType,
    Field,
    FlagsType,
    Function,
    FunctionKind,
    Interface,
    OwnType,
    RecordType,
    ResourceType,
    ResultType,
    Type,
    TypeDef,
    TypeId,
    VariantType,
)

_MAX_FLAGS = 32


class Definitions:
    """The types of an interface or world, and the functions that refer to them.

    `id` is that of the interface or world; `interface_of` gives the resolved interface that a `use` takes from.
    Making one, and every method, raises WitError.
    """

    def __init__(
        self,
        id: str,
        items: Iterable[UseItem | TypeItem],
        interface_of: Callable[[UseItem], Interface],
        unique: UniqueNames,
        measures: Measures,
    ) -> None:
        self._id = id
        self._measures = measures
        self.types: dict[str, TypeDef] = {}
        """By name, in the order of declaration."""
        self._resolver = TypeResolver(self.types, measures)
        declared: dict[str, TypeItem] = {}
        order: list[str] = []
        for item in items:
            if isinstance(item, UseItem):
                self._use(item, interface_of(item), unique)
                order.extend(n.alias.text for n in item.names)
            else:
                unique.claim(item.name.text, item.name.position)
                declared[item.name.text] = item
                order.append(item.name.text)
        references = {
            name: {n.text: n.position for n in _references(item) if n.text in declared}
            for name, item in declared.items()
        }
        for name in in_order(references, "types"):
            self.types[name] = self._define(declared[name])
        in_declaration_order = {name: self.types[name] for name in order}
        self.types.clear()
        self.types.update(in_declaration_order)

    def _use(self, item: UseItem, interface: Interface, unique: UniqueNames) -> None:
        for name, alias in ((n.name, n.alias) for n in item.names):
            unique.claim(alias.text, alias.position)
            source = interface.types.get(name.text)
            if source is None:
                message = f"expected a type of {quote(interface.id)}, found the unknown name {quote(name.text)}"
                if name.text in interface.functions:
                    message = message.replace("unknown name", "function")
                hint = suggest(name.text, interface.types) or "only the types of an interface can be used"
                raise WitError.at(name.position, message, hint)
            self.types[alias.text] = TypeDef(alias.text, source.type, interface.id, item.stability, alias.position)

    def _define(self, item: TypeItem) -> TypeDef:
        id = TypeId(self._id, item.name.text)
        type: Type | ResourceType
        match item:
            case AliasItem():
                target = item.target
                type = self._resolver.named(target) if isinstance(target, Name) else self._resolver.resolve(target)
            case RecordItem():
                type = RecordType(id, self._fields(item.fields, UniqueNames()))
            case VariantItem():
                type = VariantType(id, self._cases(item.cases))
            case EnumItem():
                type = EnumType(id, _labels(item.labels))
            case FlagsItem():
                if len(item.labels) > _MAX_FLAGS:
                    message = f"expected at most {_MAX_FLAGS} flags, found {len(item.labels)}"
                    raise WitError.at(item.labels[_MAX_FLAGS].position, message, "split them into several types")
                type = FlagsType(id, _labels(item.labels))
            case ResourceItem():
                type = ResourceType(id)
            case _:
                assert_never(item)
        if not isinstance(type, ResourceType):
            self._measures.check(type, item.name.position)
        return TypeDef(item.name.text, type, None, item.stability, item.name.position)

    def _fields(self, items: Iterable[FieldItem], unique: UniqueNames) -> tuple[Field, ...]:
        fields = []
        for item in items:
            unique.claim(item.name.text, item.name.position)
            fields.append(Field(item.name.text, self._resolver.resolve(item.type)))
        return tuple(fields)

    def _cases(self, items: Iterable[CaseItem]) -> tuple[Case, ...]:
        unique = UniqueNames()
        cases = []
        for item in items:
            unique.claim(item.name.text, item.name.position)
            cases.append(Case(item.name.text, None if item.type is None else self._resolver.resolve(item.type)))
        return tuple(cases)

    def resource_functions(self, item: ResourceItem) -> Iterator[Function]:
        """Return the constructor, methods and static functions of a resource."""
        resource = ResourceType(TypeId(self._id, item.name.text))
        unique = UniqueNames()
        # Explainer.md, "Import and Export Definitions": `[method]foo.foo` counts as `foo`, which is the resource.
        unique.claim(item.name.text, item.name.position)
        for function in item.functions:
            unique.claim(function.name.text, function.name.position)
            yield self.function(function, resource)

    def function(self, item: FunctionItem, resource: ResourceType | None = None) -> Function:
        """Return a function, that of a resource if one is given."""
        name, position = item.name.text, item.name.position
        unique = UniqueNames()
        params: tuple[Field, ...] = ()
        if resource is not None and item.kind is FunctionKind.METHOD:
            unique.claim("self", position)
            params = (Field("self", BorrowType(resource)),)
        params += self._fields(item.params, unique)
        result = None if item.result is None else self._resolver.resolve(item.result)
        if resource is not None and item.kind is FunctionKind.CONSTRUCTOR:
            if result is None:
                result = OwnType(resource)
            elif not (isinstance(result, ResultType) and result.ok == OwnType(resource)):
                shape = quote(f"result<{resource.id.name}, …>")
                message = f"expected a constructor that returns {shape}, found another result"
                raise WitError.at(position, message, "write no result if it cannot fail")
        for param in params:
            self._measures.check(param.type, position)
        if result is not None and self._measures.of(self._measures.check(result, position)).borrows:
            message = "expected a result without `borrow`, found a `borrow` in it"
            raise WitError.at(position, message, "return the resource itself")
        resource_name = None if resource is None else resource.id.name
        return Function(
            self._id, name, item.kind, resource_name, params, result, item.is_async, item.stability, position
        )


def _labels(names: tuple[Name, ...]) -> tuple[str, ...]:
    unique = UniqueNames()
    for name in names:
        unique.claim(name.text, name.position)
    return tuple(n.text for n in names)


def _references(item: TypeItem) -> Iterator[Name]:
    """Return the names of types in a declaration; a resource's functions are no part of its type."""
    match item:
        case AliasItem():
            yield from names_in(item.target)
        case RecordItem():
            for field in item.fields:
                yield from names_in(field.type)
        case VariantItem():
            for case in item.cases:
                yield from names_in(case.type)
        case EnumItem() | FlagsItem() | ResourceItem():
            pass
        case _:
            assert_never(item)
