"""The pattern functions, `prefix("a")` to `near-now(5s)`: which types each is for, and what it takes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType

from wasicheck.values import syntax
from wasicheck.values.argument_types import evaluate
from wasicheck.values.arguments import check_argument
from wasicheck.values.lexer import ExpressionError, quote, suggestion
from wasicheck.values.literals import INTEGERS, integer
from wasicheck.values.model import Value
from wasicheck.values.pattern_types import (
    Affix,
    AnyElement,
    Ascending,
    BitsVary,
    Distinct,
    Each,
    Gaps,
    Length,
    Matches,
    NearNow,
    Pattern,
    Uniform,
    Unordered,
)
from wasicheck.values.shapes import found, has_handle, is_bytes, is_ordered, mismatch, type_text
from wasicheck.wit.types import S64, STRING, U32, U64, Field, ListType, PrimitiveType, RecordType, Type

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "prefix": 'prefix("text")',
        "suffix": 'suffix("text")',
        "contains": 'contains("text")',
        "length": "length(5)",
        "matches": 'matches("regex")',
        "unordered": "unordered[1, 2]",
        "each": "each(1..9)",
        "any": "any(1..9)",
        "distinct": "distinct",
        "ascending": "ascending",
        "gaps": "gaps(1..9)",
        "bits-vary": "bits-vary",
        "entropy": "entropy(uniform)",
        "near-now": "near-now(5s)",
    }
)
"""An example of each, by name."""

Check = Callable[[syntax.Node, Type, str | None], Pattern]
"""Reads a node as a pattern of a type; the last argument says what leaves a capture there without a fixed place."""


def check_function(node: syntax.Application, type: Type, check: Check) -> Pattern:
    """Return the pattern of a function of `FUNCTIONS`; raise ExpressionError if type or arguments do not suit it."""
    match node.name:
        case "prefix" | "suffix" | "contains":
            return Affix(type, node.name, _part(node, type))
        case "length":
            _sequence(node, type)
            return Length(type, _count(node, check))
        case "matches":
            if type != STRING and not is_bytes(type):
                raise _unsuited(node, type, "strings and list<u8>")
            return Matches(type, _regex(_argument(node)))
        case "unordered":
            return _unordered(node, _list(node, type), check)
        case "each":
            of = _list(node, type)
            return Each(of, check(_argument(node), of.element, "under `each`"))
        case "any":
            of = _list(node, type)
            return AnyElement(of, check(_argument(node), of.element, "under `any`"))
        case "gaps":
            of = _list(node, type)
            if not isinstance(of.element, PrimitiveType) or of.element.name not in INTEGERS:
                raise _unsuited(node, type, "lists of integers")
            return Gaps(of, check(_argument(node), U64, "in `gaps`"))
        case "distinct":
            return Distinct(_comparable(node, _alone(node, type)))
        case "ascending":
            of = _alone(node, type)
            if not is_ordered(of.element):
                raise _unsuited(node, type, "lists of integers, floats, chars, strings, or records and tuples of those")
            return Ascending(of)
        case "bits-vary":
            of = _alone(node, type)
            if not isinstance(of.element, PrimitiveType) or INTEGERS.get(of.element.name, (-1, 0))[0] < 0:
                raise _unsuited(node, type, "lists of unsigned integers")
            return BitsVary(of)
        case "entropy":
            of = _list(node, type)
            if not is_bytes(type):
                raise _unsuited(node, type, "list<u8>")
            predicate = _argument(node)
            if not isinstance(predicate, syntax.Label) or predicate.name != "uniform":
                raise ExpressionError(
                    f"no such statistic: {found(predicate)}", predicate.column, "write `entropy(uniform)`"
                )
            return Uniform(of)
        case _:
            return NearNow(_clock(node, type), integer(_argument(node), U64))


def _unsuited(node: syntax.Application, type: Type, meant: str) -> ExpressionError:
    return ExpressionError(f"{quote(node.name)} is for {meant}; the type here is {type_text(type)}", node.column)


def _argument(node: syntax.Application) -> syntax.Node:
    """Return the one argument; raise ExpressionError if there is none or another number."""
    if not isinstance(node, syntax.Call) or len(node.arguments) != 1:
        raise ExpressionError(f"{quote(node.name)} takes one argument", node.column, f"as in `{FUNCTIONS[node.name]}`")
    return node.arguments[0]


def _sequence(node: syntax.Application, type: Type) -> None:
    if type != STRING and not isinstance(type, ListType):
        raise _unsuited(node, type, "strings and lists")


def _count(node: syntax.Application, check: Check) -> Pattern:
    """Return the pattern of a length: over u64, or over u32 where it refers to one (what a write has taken)."""
    try:
        return check(_argument(node), U64, "in `length`")
    except ExpressionError as error:
        try:
            return check(_argument(node), U32, "in `length`")
        except ExpressionError:
            raise error from None


def _list(node: syntax.Application, type: Type) -> ListType:
    if not isinstance(type, ListType):
        raise _unsuited(node, type, "lists")
    return type


def _comparable(node: syntax.Application, type: ListType) -> ListType:
    if has_handle(type):
        raise ExpressionError(f"{type_text(type)} holds handles, which cannot be compared", node.column)
    return type


def _alone(node: syntax.Application, type: Type) -> ListType:
    """Return the list type of a function without arguments."""
    if not isinstance(node, syntax.Label):
        raise ExpressionError(f"{quote(node.name)} takes no argument", node.column, f"write `{node.name}`")
    return _list(node, type)


def _part(node: syntax.Application, type: Type) -> Value:
    """Return the constant that a string or list begins with, ends with or contains."""
    _sequence(node, type)
    whole: Type = type
    if isinstance(type, ListType):
        whole = ListType(_comparable(node, type).element)
    return evaluate(check_argument(_argument(node), whole, {}), {})


def _regex(node: syntax.Node) -> re.Pattern[str]:
    if not isinstance(node, syntax.Text):
        raise ExpressionError(f"expected a regular expression in a string, found {found(node)}", node.column)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(node.value)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ExpressionError(f"invalid regular expression: {error}", node.column) from None


def _unordered(node: syntax.Application, type: ListType, check: Check) -> Unordered:
    if not isinstance(node, syntax.Bracketed):
        raise ExpressionError("`unordered` takes a list", node.column, f"as in `{FUNCTIONS[node.name]}`")
    rests = [n for n in node.elements if isinstance(n, syntax.Rest)]
    if len(rests) > 1:
        raise ExpressionError("`unordered` takes one `...`", rests[1].column)
    patterns = tuple(
        check(n, type.element, "under `unordered`") for n in node.elements if not isinstance(n, syntax.Rest)
    )
    return Unordered(type, patterns, bool(rests))


def _clock(node: syntax.Application, type: Type) -> PrimitiveType | RecordType:
    match type:
        case PrimitiveType() if type in (U64, S64):
            return type
        case RecordType(fields=(Field("seconds", seconds), Field("nanoseconds", nanoseconds))) if (
            seconds in (U64, S64) and nanoseconds == U32
        ):
            return type
        case _:
            raise _unsuited(node, type, "u64, s64 and records of seconds and nanoseconds")


def unknown_function(node: syntax.Application, type: Type) -> ExpressionError:
    """The node is no literal of the type and names no function."""
    error = mismatch(node, type)
    return ExpressionError(
        error.message, error.column, suggestion(node.name, FUNCTIONS, "pattern functions are") or error.hint
    )
