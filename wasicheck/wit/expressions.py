"""Type expressions to types, and the limits that every type keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, assert_never

from wasicheck.wit.declarations import MAX_DEPTH
from wasicheck.wit.errors import WitError, quote, suggest
from wasicheck.wit.syntax import AppliedType, Constructor, HandleExpression, HandleKind, Name, TypeExpression
from wasicheck.wit.types import (
    CHAR,
    PRIMITIVES,
    BorrowType,
    EnumType,
    FlagsType,
    FutureType,
    ListType,
    OptionType,
    OwnType,
    Position,
    PrimitiveType,
    RecordType,
    ResourceType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    TypeDef,
    VariantType,
)

MAX_SIZE = 100_000
"""How many types a type may be made of, counted each time they occur."""


class Measure(NamedTuple):
    """How deep a type is nested, of how many types it is made, and whether a `borrow` is among them."""

    depth: int
    size: int
    borrows: bool


class Measures:
    """The measures of types, each taken once: types are shared, and written out one can be exponentially large."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Type, Measure]] = {}

    def of(self, type: Type) -> Measure:
        """Return the measure of a type."""
        known = self._known.get(id(type))
        if known is None:
            depth, size, borrows = 0, 1, isinstance(type, BorrowType)
            for part in _parts(type):
                measure = self.of(part)
                depth = max(depth, measure.depth)
                size += measure.size
                borrows = borrows or measure.borrows
            # The type is kept beside its measure so that its id is not given to another one.
            known = self._known[id(type)] = (type, Measure(depth + 1, size, borrows))
        return known[1]

    def check(self, type: Type, position: Position) -> Type:
        """Return `type`. Raises WitError at `position` if it is deeper or larger than supported."""
        measure = self.of(type)
        if measure.depth > MAX_DEPTH or measure.size > MAX_SIZE:
            found = f"one of depth {measure.depth} made of {measure.size} types"
            hint = f"at most {MAX_DEPTH} levels and {MAX_SIZE} types are supported"
            raise WitError.at(position, f"expected a smaller type, found {found}", hint)
        return type


def _parts(type: Type) -> Iterator[Type]:
    match type:
        case PrimitiveType() | EnumType() | FlagsType() | OwnType() | BorrowType():
            pass
        case ListType() | OptionType():
            yield type.element
        case StreamType() | FutureType():
            if type.element is not None:
                yield type.element
        case ResultType():
            if type.ok is not None:
                yield type.ok
            if type.error is not None:
                yield type.error
        case TupleType():
            yield from type.elements
        case RecordType():
            for field in type.fields:
                yield field.type
        case VariantType():
            for case in type.cases:
                if case.type is not None:
                    yield case.type
        case _:
            assert_never(type)


class TypeResolver:
    """Resolves type expressions among the names of one interface or world."""

    def __init__(self, types: Mapping[str, TypeDef], measures: Measures) -> None:
        self._types = types
        self._measures = measures

    def resolve(self, expression: TypeExpression) -> Type:
        """Return the type that `expression` stands for; a resource's bare name is `own`. Raises WitError."""
        match expression:
            case PrimitiveType():
                return expression
            case Name():
                named = self.named(expression)
                return OwnType(named) if isinstance(named, ResourceType) else named
            case HandleExpression(kind, name):
                resource = self.named(name)
                if not isinstance(resource, ResourceType):
                    message = f"expected a resource, found the type {quote(name.text)}"
                    raise WitError.at(name.position, message, f"only resources have {kind.value} handles")
                return OwnType(resource) if kind is HandleKind.OWN else BorrowType(resource)
            case AppliedType():
                return self._applied(expression)
            case _:
                assert_never(expression)

    def named(self, name: Name) -> Type | ResourceType:
        """Return the type or resource of that name. Raises WitError."""
        definition = self._types.get(name.text)
        if definition is None:
            message = f"expected a type, found the unknown name {quote(name.text)}"
            candidates = (*self._types, *PRIMITIVES, *(c.value for c in Constructor))
            raise WitError.at(name.position, message, suggest(name.text, candidates) or "declare it, or `use` it")
        return definition.type

    def _applied(self, expression: AppliedType) -> Type:
        arguments = [None if a is None else self.resolve(a) for a in expression.arguments]
        types = [a for a in arguments if a is not None]
        match expression.constructor:
            case Constructor.LIST:
                return ListType(types[0], expression.length)
            case Constructor.OPTION:
                return OptionType(types[0])
            case Constructor.RESULT:
                return ResultType(arguments[0], arguments[1])
            case Constructor.TUPLE:
                return TupleType(tuple(types))
            case Constructor.STREAM:
                self._check_payload(arguments[0], expression)
                if arguments[0] == CHAR:
                    # Explainer.md, "Asynchronous Value Types"
                    hint = "the component model rejects it for now; use `stream<u8>`"
                    raise WitError.at(expression.position, "expected another element type, found `stream<char>`", hint)
                return StreamType(arguments[0])
            case Constructor.FUTURE:
                self._check_payload(arguments[0], expression)
                return FutureType(arguments[0])
            case _:
                assert_never(expression.constructor)

    def _check_payload(self, payload: Type | None, expression: AppliedType) -> None:
        """Raise WitError if `payload` holds a borrow (Explainer.md, "Asynchronous Value Types")."""
        if payload is not None and self._measures.of(payload).borrows:
            message = f"expected a {expression.constructor.value} of types without `borrow`, found a `borrow` in it"
            raise WitError.at(expression.position, message, "pass the resource itself")


def names_in(expression: TypeExpression | None) -> Iterator[Name]:
    """Return the names of types in an expression, in order."""
    match expression:
        case None | PrimitiveType():
            pass
        case Name():
            yield expression
        case HandleExpression():
            yield expression.resource
        case AppliedType():
            for argument in expression.arguments:
                yield from names_in(argument)
        case _:
            assert_never(expression)
