"""The grammar of types, functions and feature gates (WIT.md, "Items: type", "Types", "Feature Gates")."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from wasicheck.wit.cursor import Cursor
from wasicheck.wit.errors import WitError, quote
from wasicheck.wit.syntax import (
    AliasItem,
    AppliedType,
    CaseItem,
    Constructor,
    EnumItem,
    FieldItem,
    FlagsItem,
    FunctionItem,
    HandleExpression,
    HandleKind,
    Name,
    RecordItem,
    ResourceItem,
    TypeExpression,
    TypeItem,
    VariantItem,
)
from wasicheck.wit.types import PRIMITIVES, FunctionKind, Stability

MAX_DEPTH = 100
"""How deep types may be nested; the depth that WebAssembly engines accept."""

_MAX_LENGTH = 2**32 - 1
_CONSTRUCTORS = {c.value: c for c in Constructor}
_HANDLES = {k.value: k for k in HandleKind}
_GATES = ("since", "unstable", "deprecated", "external-id")
_NO_GATES = Stability()


def parse_gates(cursor: Cursor) -> Stability:
    """Read any number of `@since`, `@unstable`, `@deprecated` (and `@external-id`, which says nothing of types)."""
    if cursor.token != "@":
        return _NO_GATES
    start = cursor.position()
    found: dict[str, str] = {}
    while cursor.take("@"):
        gate = cursor.token
        if gate not in _GATES:
            raise cursor.expected_one_of("a feature gate", _GATES)
        if gate in found:
            raise cursor.error("another gate", f"one {quote('@' + gate)} is enough")
        cursor.advance()
        cursor.expect("(")
        match gate:
            case "external-id":
                if not cursor.token.startswith('"'):
                    raise cursor.error("a string", "put it into double quotes")
                cursor.advance()
                found[gate] = ""
            case "unstable":
                cursor.expect("feature")
                cursor.expect("=")
                found[gate] = cursor.name("a feature name").text
            case _:
                cursor.expect("version")
                cursor.expect("=")
                found[gate] = cursor.version()
        cursor.expect(")")
    since, unstable, deprecated = (found.get(g) for g in ("since", "unstable", "deprecated"))
    if since is not None and unstable is not None:
        raise WitError.at(start, "expected `@since` or `@unstable`, found both", "keep one of them")
    if deprecated is not None and since is None and unstable is None:
        raise WitError.at(start, "expected `@since` beside `@deprecated`, found it alone", "say since when it existed")
    if cursor.first_gate is None and (since is not None or unstable is not None):
        cursor.first_gate = start
    return Stability(since, unstable, deprecated)


def parse_type_item(cursor: Cursor, stability: Stability) -> TypeItem | None:
    """Read the declaration of a type, or return None where the next token begins none."""
    parse = _TYPE_ITEMS.get(cursor.token)
    if parse is None:
        return None
    keyword = cursor.advance()
    article = "an" if keyword == "enum" else "a"
    return parse(cursor, cursor.name(f"{article} {keyword} name"), stability)


def _alias(cursor: Cursor, name: Name, stability: Stability) -> AliasItem:
    cursor.expect("=")
    target = parse_type_expression(cursor)
    cursor.expect(";")
    return AliasItem(name, target, stability)


def _record(cursor: Cursor, name: Name, stability: Stability) -> RecordItem:
    cursor.expect("{")
    fields = cursor.listed_some("}", "a record field", lambda: _field(cursor, "a field name"))
    return RecordItem(name, fields, stability)


def _variant(cursor: Cursor, name: Name, stability: Stability) -> VariantItem:
    def case() -> CaseItem:
        case_name = cursor.name("a case name")
        if not cursor.take("("):
            return CaseItem(case_name, None)
        payload = parse_type_expression(cursor)
        cursor.expect(")")
        return CaseItem(case_name, payload)

    cursor.expect("{")
    return VariantItem(name, cursor.listed_some("}", "a variant case", case), stability)


def _enum(cursor: Cursor, name: Name, stability: Stability) -> EnumItem:
    cursor.expect("{")
    labels = cursor.listed_some("}", "an enum case", lambda: cursor.name("a case name"))
    return EnumItem(name, labels, stability)


def _flags(cursor: Cursor, name: Name, stability: Stability) -> FlagsItem:
    cursor.expect("{")
    return FlagsItem(name, cursor.listed_some("}", "a flag", lambda: cursor.name("a flag name")), stability)


def _resource(cursor: Cursor, name: Name, stability: Stability) -> ResourceItem:
    functions = []
    if not cursor.take(";"):
        cursor.expect("{")
        while not cursor.take("}"):
            functions.append(_member(cursor, parse_gates(cursor)))
    return ResourceItem(name, tuple(functions), stability)


_TYPE_ITEMS: dict[str, Callable[[Cursor, Name, Stability], TypeItem]] = {
    "type": _alias,
    "record": _record,
    "variant": _variant,
    "enum": _enum,
    "flags": _flags,
    "resource": _resource,
}
TYPE_KEYWORDS = tuple(_TYPE_ITEMS)


def _member(cursor: Cursor, stability: Stability) -> FunctionItem:
    """Read a `resource-method`."""
    if cursor.token == "constructor":
        name = Name("constructor", cursor.position())
        cursor.advance()
        params = _params(cursor)
        result = parse_type_expression(cursor) if cursor.take("->") else None
        cursor.expect(";")
        return FunctionItem(name, FunctionKind.CONSTRUCTOR, params, result, False, stability)
    if cursor.token == "async" and cursor.ahead(1) == "constructor":
        raise cursor.error("`constructor`", "a constructor cannot be async")
    name = cursor.name("a method name, `constructor` or `}`")
    cursor.expect(":")
    kind = FunctionKind.STATIC if cursor.take("static") else FunctionKind.METHOD
    return parse_function(cursor, name, stability)._replace(kind=kind)


def parse_function(cursor: Cursor, name: Name, stability: Stability) -> FunctionItem:
    """Read the type of a function, after its name and colon, with the semicolon."""
    is_async = cursor.take("async")
    cursor.expect("func")
    params = _params(cursor)
    result = parse_type_expression(cursor) if cursor.take("->") else None
    cursor.expect(";")
    return FunctionItem(name, FunctionKind.FREESTANDING, params, result, is_async, stability)


def _params(cursor: Cursor) -> tuple[FieldItem, ...]:
    cursor.expect("(")
    return cursor.listed(")", lambda: _field(cursor, "a parameter name"))


def _field(cursor: Cursor, what: str) -> FieldItem:
    name = cursor.name(what)
    cursor.expect(":")
    return FieldItem(name, parse_type_expression(cursor))


def parse_type_expression(cursor: Cursor, depth: int = 0) -> TypeExpression:
    """Read a `ty`."""
    text = cursor.token
    if (primitive := PRIMITIVES.get(text)) is not None:
        cursor.advance()
        return primitive
    if (constructor := _CONSTRUCTORS.get(text)) is not None:
        if depth == MAX_DEPTH:
            raise cursor.error("a less deeply nested type", f"at most {MAX_DEPTH} levels are supported")
        return _applied(cursor, constructor, depth + 1)
    if (handle := _HANDLES.get(text)) is not None:
        cursor.advance()
        cursor.expect("<")
        resource = cursor.name("a resource name")
        cursor.expect(">")
        return HandleExpression(handle, resource)
    if text == "map":
        raise cursor.error("a type", "`map` is not supported: it is not part of WASI 0.3.0's component model")
    if text == "_":
        raise cursor.error("a type", "`_` stands only for the first type of a `result`")
    return cursor.name("a type")


def _applied(cursor: Cursor, constructor: Constructor, depth: int) -> AppliedType:
    position = cursor.position()
    cursor.advance()
    arguments: tuple[TypeExpression | None, ...]
    length = None
    match constructor:
        case Constructor.LIST:
            cursor.expect("<", "say of what: `list<u8>`")
            arguments = (parse_type_expression(cursor, depth),)
            if cursor.take(","):
                length = _length(cursor)
            cursor.expect(">")
        case Constructor.OPTION:
            cursor.expect("<", "say of what: `option<u8>`")
            arguments = (parse_type_expression(cursor, depth),)
            cursor.expect(">")
        case Constructor.TUPLE:
            cursor.expect("<", "say of what: `tuple<u8, string>`")
            arguments = cursor.listed_some(">", "a type", lambda: parse_type_expression(cursor, depth))
        case Constructor.STREAM | Constructor.FUTURE:
            arguments = (None,)
            if cursor.take("<"):
                arguments = (parse_type_expression(cursor, depth),)
                cursor.expect(">")
        case Constructor.RESULT:
            arguments = (None, None)
            if cursor.take("<"):
                if cursor.take("_"):
                    cursor.expect(",", "write `result` where it has neither type")
                    arguments = (None, parse_type_expression(cursor, depth))
                else:
                    ok = parse_type_expression(cursor, depth)
                    arguments = (ok, parse_type_expression(cursor, depth) if cursor.take(",") else None)
                cursor.expect(">")
        case _:
            assert_never(constructor)
    return AppliedType(constructor, arguments, length, position)


def _length(cursor: Cursor) -> int:
    text = cursor.token
    # The digits are counted first: Python refuses to convert thousands of them.
    if not (text.isdecimal() and text[0] != "0" and len(text) <= 10 and int(text) <= _MAX_LENGTH):
        raise cursor.error("a list length", f"it is a number from 1 to {_MAX_LENGTH}")
    cursor.advance()
    return int(text)
