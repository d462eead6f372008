"""What a type makes of an untyped node: its fields, elements, case or flags; shared by values, arguments and patterns.

Nothing here looks into the parts: it pairs each with its type, and refuses what the type has no place for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import assert_never, get_args

from wasicheck.values import syntax
from wasicheck.values.lexer import ExpressionError, quote, suggestion
from wasicheck.wit.types import (
    BOOL,
    ERROR_CONTEXT,
    U8,
    BorrowType,
    EnumType,
    Field,
    FlagsType,
    FutureType,
    ListType,
    OptionType,
    OwnType,
    PrimitiveType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)

WIT_TYPES: tuple[type, ...] = get_args(Type)
"""The classes of value types, to tell them from whatever else a scope holds."""

KEYWORDS = frozenset(("true", "false", "inf", "nan", "some", "none", "ok", "err"))
"""WAVE's reserved labels: a case of a variant or enum with such a name is written with `%`."""

CasedType = VariantType | EnumType | OptionType | ResultType
"""The types whose values are `Variant`."""

FlatType = OptionType | ResultType
"""Those of them whose `some` or `ok` may be left out."""

HandleType = OwnType | BorrowType | StreamType | FutureType


def type_text(type: Type) -> str:
    """Return the type as WIT writes it, with named types by their bare name."""
    match type:
        case PrimitiveType():
            return type.name
        case ListType():
            length = "" if type.length is None else f", {type.length}"
            return f"list<{type_text(type.element)}{length}>"
        case OptionType():
            return f"option<{type_text(type.element)}>"
        case ResultType():
            ok, error = ("_" if t is None else type_text(t) for t in (type.ok, type.error))
            return ("result" if ok == "_" else f"result<{ok}>") if error == "_" else f"result<{ok}, {error}>"
        case TupleType():
            return f"tuple<{', '.join(map(type_text, type.elements))}>"
        case RecordType():
            fields = ", ".join(f"{f.name}: {type_text(f.type)}" for f in type.fields)
            return f"record {{ {fields} }}" if type.id is None else type.id.name
        case VariantType():
            return f"variant {{ {', '.join(c.name for c in type.cases)} }}" if type.id is None else type.id.name
        case EnumType():
            return f"enum {{ {', '.join(type.labels)} }}" if type.id is None else type.id.name
        case FlagsType():
            return f"flags {{ {', '.join(type.labels)} }}" if type.id is None else type.id.name
        case OwnType():
            return f"own<{type.resource.id.name}>"
        case BorrowType():
            return f"borrow<{type.resource.id.name}>"
        case StreamType():
            return "stream" if type.element is None else f"stream<{type_text(type.element)}>"
        case FutureType():
            return "future" if type.element is None else f"future<{type_text(type.element)}>"
        case _:
            assert_never(type)


def found(node: syntax.Node) -> str:
    """Return what a node is, for the end of `expected …, found …`."""
    match node:
        case syntax.Number():
            return quote(node.digits + node.unit)
        case syntax.Text():
            return "a string"
        case syntax.Character():
            return "a char"
        case syntax.Label():
            return quote(node.name)
        case syntax.Call():
            return quote(f"{node.name}(…)")
        case syntax.Bracketed():
            return quote(f"{node.name}[…]")
        case syntax.Parenthesised():
            return "a tuple"
        case syntax.Listing():
            return "a list"
        case syntax.Entries():
            return "a record"
        case syntax.Labels():
            return "flags"
        case syntax.Rest():
            return "`...`"
        case syntax.Hole():
            return "the pattern `_`"
        case syntax.Name():
            return quote(f"${node.name}{node.path}")
        case syntax.Capture():
            return "a capture"
        case syntax.Range():
            return "a range"
        case syntax.Comparison():
            return "a comparison"
        case syntax.Alternatives():
            return "alternatives"
        case syntax.Conjunction():
            return "a conjunction"
        case syntax.Negation():
            return "a negation"
        case _:
            assert_never(node)


def mismatch(node: syntax.Node, type: Type) -> ExpressionError:
    """The node is of another kind than the type; say so, with the usual ways to mend it."""
    hint = None
    match type, node:
        case RecordType(), syntax.Labels():
            hint = "write `{:}` for a record without fields given" if not node.labels else "write `{field: value}`"
        case FlagsType(), syntax.Entries() if not node.entries:
            hint = "write `{}` for no flags"
        case ((OwnType() | BorrowType() | StreamType() | FutureType()), _):
            hint = "a handle has no text form; capture it and refer to it by name"
        case ((OptionType() | ResultType()), _):
            hint = f"write one of {', '.join(map(_case_text, cases(type).items()))}"
        case ListType(element=element), syntax.Label() if element == U8:
            hint = 'write a string, `[1, 2]` or `hex("00 ff")`'
        case PrimitiveType(name="string" | "char"), syntax.Label():
            hint = "put text between quotes"
    return ExpressionError(f"expected {type_text(type)}, found {found(node)}", node.column, hint)


def is_bytes(type: Type) -> bool:
    """Whether values of the type are `bytes`: `list<u8>` of any or a fixed length."""
    return isinstance(type, ListType) and type.element == U8


@cache
def has_handle(type: Type) -> bool:
    """Whether values of the type hold a handle, which is never comparable."""
    match type:
        case OwnType() | BorrowType() | StreamType() | FutureType():
            return True
        case PrimitiveType():
            return type == ERROR_CONTEXT
        case EnumType() | FlagsType():
            return False
        case ListType():
            return has_handle(type.element)
        case TupleType():
            return any(map(has_handle, type.elements))
        case RecordType():
            return any(has_handle(f.type) for f in type.fields)
        case VariantType() | OptionType() | ResultType():
            return any(has_handle(t) for t in cases(type).values() if t is not None)
        case _:
            assert_never(type)


@cache
def cases(type: CasedType) -> Mapping[str, Type | None]:
    """Return the payload types by case, in the order of the type."""
    match type:
        case VariantType():
            return MappingProxyType({c.name: c.type for c in type.cases})
        case EnumType():
            return MappingProxyType(dict.fromkeys(type.labels))
        case OptionType():
            return MappingProxyType({"none": None, "some": type.element})
        case ResultType():
            return MappingProxyType({"ok": type.ok, "err": type.error})
        case _:
            assert_never(type)


def is_ordered(type: Type) -> bool:
    """Whether values of the type have an order: integers, floats, chars, strings, and records and tuples of those.

    Chars and strings are ordered by scalar values, records and tuples by their first difference.
    """
    match type:
        case PrimitiveType():
            return type not in (BOOL, ERROR_CONTEXT)
        case RecordType():
            return all(is_ordered(f.type) for f in type.fields)
        case TupleType():
            return all(map(is_ordered, type.elements))
        case _:
            return False


def _case_text(case: tuple[str, Type | None]) -> str:
    name, payload = case
    return f"`{name}`" if payload is None else f"`{name}(…)`"


def flat_case(type: CasedType) -> tuple[str, Type] | None:
    """Return the case, and its payload type, that a payload without case stands for, or None.

    WAVE's flattening: `some` of an option and `ok` of a result, unless the payload is an option or result itself.
    """
    match type:
        case OptionType():
            flat: tuple[str, Type | None] = ("some", type.element)
        case ResultType():
            flat = ("ok", type.ok)
        case _:
            return None
    case, payload = flat
    return None if payload is None or isinstance(payload, FlatType) else (case, payload)


def read_case(
    node: syntax.Labelled, type: CasedType, placeholder: str
) -> tuple[str, Type | None, syntax.Node | None] | None:
    """Return the case that the node names, its payload type and the payload's node; None if it names none.

    Raise ExpressionError for a payload too many or missing (`placeholder` is what the hint shows for it), and for a
    keyword that lacks its `%`.
    """
    known = cases(type)
    if node.name not in known:
        return None
    if isinstance(type, FlatType):
        if node.escaped:
            return None
    elif node.name in KEYWORDS and not node.escaped:
        raise ExpressionError(
            f"{quote(node.name)} is a keyword; the case of {type_text(type)} is written with `%`",
            node.column,
            f"write `%{node.name}`",
        )
    payload = known[node.name]
    sign = "%" if node.escaped else ""
    given = node.arguments if isinstance(node, syntax.Call) else ()
    if payload is None:
        if isinstance(node, syntax.Call):
            raise ExpressionError(
                f"case {quote(node.name)} of {type_text(type)} has no payload",
                node.column,
                f"write `{sign}{node.name}`",
            )
        return node.name, None, None
    if len(given) != 1:
        inner = ", ".join(placeholder for _ in given)
        raise ExpressionError(
            f"case {quote(node.name)} of {type_text(type)} has one payload, of type {type_text(payload)}",
            node.column,
            f"write `{sign}{node.name}({f'({inner})' if len(given) > 1 else placeholder})`",
        )
    return node.name, payload, given[0]


def unknown_case(node: syntax.Labelled, type: CasedType) -> ExpressionError:
    """The node names no case of the type."""
    return ExpressionError(
        f"{quote(node.name)} is no case of {type_text(type)}",
        node.column,
        suggestion(node.name, cases(type), "its cases are"),
    )


def read_fields(node: syntax.Entries, type: RecordType) -> tuple[tuple[Field, syntax.Node | None], ...]:
    """Pair each field of the type, in its order, with the node given for it or None.

    Raise ExpressionError for an unknown or repeated field, and, unless the node ends with `...`, for a missing one
    that is no option.
    """
    given: dict[str, syntax.Node] = {}
    names = [f.name for f in type.fields]
    for entry in node.entries:
        if entry.name not in names:
            raise ExpressionError(
                f"{type_text(type)} has no field {quote(entry.name)}",
                entry.column,
                suggestion(entry.name, names, "its fields are"),
            )
        if entry.name in given:
            raise ExpressionError(f"field {quote(entry.name)} is given twice", entry.column)
        given[entry.name] = entry.value
    if not node.rest:
        missing = [f.name for f in type.fields if f.name not in given and not isinstance(f.type, OptionType)]
        if missing:
            raise ExpressionError(
                f"{type_text(type)} lacks the field{'s' * (len(missing) > 1)} {', '.join(map(quote, missing))}",
                node.column,
            )
    return tuple((f, given.get(f.name)) for f in type.fields)


def read_elements(node: syntax.Parenthesised, type: TupleType) -> tuple[tuple[Type, syntax.Node], ...]:
    """Pair the elements of a tuple with their types; raise ExpressionError if there are more or fewer."""
    if len(node.elements) != len(type.elements):
        raise ExpressionError(
            f"{type_text(type)} has {len(type.elements)} elements, {len(node.elements)} are given", node.column
        )
    return tuple(zip(type.elements, node.elements, strict=True))


def read_flags(node: syntax.Labels, type: FlagsType) -> frozenset[str]:
    """Return the flags that are set; raise ExpressionError for an unknown or repeated one."""
    labels: set[str] = set()
    for label in node.labels:
        if label.name not in type.labels:
            raise ExpressionError(
                f"{quote(label.name)} is no flag of {type_text(type)}",
                label.column,
                suggestion(label.name, type.labels, "its flags are"),
            )
        if label.name in labels:
            raise ExpressionError(f"flag {quote(label.name)} is given twice", label.column)
        labels.add(label.name)
    return frozenset(labels)


_OPERATORS = (syntax.Alternatives, syntax.Conjunction, syntax.Negation, syntax.Comparison, syntax.Capture)


def grouped(node: syntax.Parenthesised, type: Type) -> syntax.Node | None:
    """Return what the parentheses merely group; None if they make a tuple.

    `(x)` groups, except for a tuple of one element, where it takes an operator such as `|` within to make it a group.
    """
    if len(node.elements) != 1 or node.comma:
        return None
    (inner,) = node.elements
    if isinstance(type, TupleType) and len(type.elements) == 1 and not isinstance(inner, _OPERATORS):
        return None
    return inner


def check_length(count: int, type: ListType, column: int) -> None:
    """Raise ExpressionError if a fixed-length list would get another number of elements."""
    if type.length is not None and count != type.length:
        raise ExpressionError(f"{type_text(type)} has {type.length} elements, {count} are given", column)
