"""The text of an observed value, as results keep it, back to the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice, product

from wasicheck.values.argument_types import evaluate
from wasicheck.values.arguments import check_argument
from wasicheck.values.lexer import ExpressionError
from wasicheck.values.model import Handle, Value
from wasicheck.values.parser import parse
from wasicheck.values.shapes import cases
from wasicheck.wit.types import (
    BorrowType,
    EnumType,
    FutureType,
    ListType,
    OptionType,
    OwnType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)

_HANDLE = re.compile(r'"(?:[^"\\]|\\.)*"|<(?P<kind>(?:own|borrow) [a-z0-9-]+|stream|future) (?P<index>[0-9]+)>')
"""A string, in which nothing is a handle, or a handle."""
_TRIES = 64
"""How many assignments of types to handles are tried, where a value has several types of streams or futures."""


def parse_observed(text: str, type: Type) -> Value | None:
    """Return the value whose text `format_value` made; None if the text was cut short, or is of another type.

    A handle is what its index says, and nothing else is known of it.
    """
    kinds: dict[str, str] = {}
    values: dict[str, Value] = {}

    def name(found: re.Match[str]) -> str:
        if found["kind"] is None:
            return found[0]
        handle = f"handle-{len(kinds)}"
        kinds[handle] = found["kind"]
        values[handle] = Handle(int(found["index"]))
        return f"${handle}"

    try:
        node = parse(_HANDLE.sub(name, text))
    except ExpressionError:
        return None
    for scope in islice(_scopes(kinds, type), _TRIES):
        try:
            return evaluate(check_argument(node, type, scope), values)
        except ExpressionError:
            continue
    return None


def _scopes(kinds: Mapping[str, str], type: Type) -> Iterator[Mapping[str, Type]]:
    """Every way to give types to handles of these kinds; all of one kind are taken to be of the same type first."""
    if not kinds:
        yield {}
        return
    by_kind: dict[str, list[Type]] = {}
    for handle in _handles(type):
        by_kind.setdefault(_kind(handle), []).append(handle)
    present = list(dict.fromkeys(kinds.values()))
    for chosen in product(*(by_kind.get(kind, []) for kind in present)):
        of = dict(zip(present, chosen, strict=True))
        yield {name: of[kind] for name, kind in kinds.items()}
    for each in product(*(by_kind.get(kind, []) for kind in kinds.values())):
        yield dict(zip(kinds, each, strict=True))


def _kind(type: Type) -> str:
    match type:
        case OwnType():
            return f"own {type.resource.id.name}"
        case BorrowType():
            return f"borrow {type.resource.id.name}"
        case StreamType():
            return "stream"
        case _:
            return "future"


def _handles(type: Type) -> Iterator[Type]:
    """The types of handles in a type, each once."""
    found: dict[Type, None] = {}
    _collect(type, found)
    yield from found


def _collect(type: Type, found: dict[Type, None]) -> None:
    match type:
        case OwnType() | BorrowType() | StreamType() | FutureType():
            found[type] = None
        case ListType(element=element):
            _collect(element, found)
        case TupleType(elements=elements):
            for element in elements:
                _collect(element, found)
        case RecordType(fields=fields):
            for field in fields:
                _collect(field.type, found)
        case VariantType() | EnumType() | OptionType() | ResultType():
            for payload in cases(type).values():
                if payload is not None:
                    _collect(payload, found)
        case _:
            return
