"""Which values a pattern can and must match, as far as that is evident without running anything.

A region is a set of values: for integers, floats, chars and bools a list of intervals of ordinals; for strings and
lists intervals of lengths; for variants, enums, options and results a region by case; for everything else one ordinal
that stands for all values. `least` is a region that surely matches, `most` one outside which nothing does:
a pattern is impossible if `most` is empty, vacuous if `least` is the whole type.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from functools import cache
from typing import assert_never

from wasicheck.values.argument_types import Argument, Constant
from wasicheck.values.literals import FLOATS, INTEGERS
from wasicheck.values.model import Value
from wasicheck.values.pattern_types import (
    Affix,
    Alternatives,
    AnyElement,
    Anything,
    Ascending,
    BitsVary,
    BytesLiteral,
    Capture,
    CasePattern,
    Comparison,
    Conjunction,
    Distinct,
    Each,
    Gaps,
    Length,
    ListPattern,
    Literal,
    Matches,
    NearNow,
    Negation,
    Pattern,
    Range,
    RecordPattern,
    TuplePattern,
    Uniform,
    Unordered,
)
from wasicheck.values.shapes import cases
from wasicheck.wit.types import (
    EnumType,
    ListType,
    OptionType,
    PrimitiveType,
    ResultType,
    Type,
    VariantType,
)

Intervals = tuple[tuple[int, int], ...]
Region = Intervals | Mapping[str, "Region"]

_UNIT: Intervals = ((0, 0),)
_LENGTHS: Intervals = ((0, (1 << 64) - 1),)
_NAN = (0x7FF0 << 48) + 1


def accepts_everything(pattern: Pattern) -> bool:
    """Whether the pattern evidently matches every value of its type, and so asserts nothing."""
    return least(pattern) == universe(pattern.type)


def impossible(pattern: Pattern) -> bool:
    """Whether the pattern evidently matches no value of its type."""
    return _empty(most(pattern))


@cache
def universe(type: Type) -> Region:
    """Return the region of all values of the type."""
    match type:
        case PrimitiveType(name) if name in INTEGERS:
            return (INTEGERS[name],)
        case PrimitiveType("f32" | "f64"):
            return ((_ordinal(-math.inf), _NAN),)
        case PrimitiveType("char"):
            return ((0, 0xD7FF), (0xE000, 0x10FFFF))
        case PrimitiveType("bool"):
            return ((0, 1),)
        case PrimitiveType("string") | ListType(length=None):
            return _LENGTHS
        case ListType(length=int(length)):
            return ((length, length),)
        case VariantType() | EnumType() | OptionType() | ResultType():
            return {name: _UNIT if payload is None else universe(payload) for name, payload in cases(type).items()}
        case _:
            return _UNIT


def _ordinal(value: Value) -> int:
    """Return the place of a scalar in the order of its type; floats by their bits, with NaN last."""
    if isinstance(value, str):
        return ord(value)
    if isinstance(value, float):
        if math.isnan(value):
            return _NAN
        (bits,) = struct.unpack("<q", struct.pack("<d", value))
        return int(bits) if bits >= 0 else -(bits & ((1 << 63) - 1)) - 1
    assert isinstance(value, int)
    return int(value)


def _empty(region: Region) -> bool:
    return all(map(_empty, region.values())) if isinstance(region, Mapping) else not region


def _nothing(whole: Region) -> Region:
    return {name: _nothing(part) for name, part in whole.items()} if isinstance(whole, Mapping) else ()


def _union(a: Region, b: Region) -> Region:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return {name: _union(part, b[name]) for name, part in a.items()}
    assert isinstance(a, tuple)
    assert isinstance(b, tuple)
    merged: list[tuple[int, int]] = []
    for low, high in sorted(a + b):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _intersection(a: Region, b: Region) -> Region:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return {name: _intersection(part, b[name]) for name, part in a.items()}
    assert isinstance(a, tuple)
    assert isinstance(b, tuple)
    parts = [(max(l1, l2), min(h1, h2)) for l1, h1 in a for l2, h2 in b]
    return tuple(sorted(p for p in parts if p[0] <= p[1]))


def _complement(region: Region, whole: Region) -> Region:
    if isinstance(region, Mapping) and isinstance(whole, Mapping):
        return {name: _complement(region[name], part) for name, part in whole.items()}
    assert isinstance(region, tuple)
    rest = whole
    for low, high in region:
        rest = _intersection(rest, ((-(1 << 65), low - 1), (high + 1, 1 << 65)))
    return rest


def least(pattern: Pattern) -> Region:
    """Return a region all of whose values match."""
    return _region(pattern, least, most, exact=True)


def most(pattern: Pattern) -> Region:
    """Return a region that holds all values that match."""
    return _region(pattern, most, least, exact=False)


def _region(
    pattern: Pattern, same: Callable[[Pattern], Region], opposite: Callable[[Pattern], Region], *, exact: bool
) -> Region:
    """Return the least or most region; `exact` tells that what cannot be told is left out, not in."""
    whole = universe(pattern.type)
    nothing = _nothing(whole)
    unknown = nothing if exact else whole

    def all_of(patterns: tuple[Pattern, ...]) -> Region:
        """The region of a whole whose parts are matched; no part is impossible, or it would have been refused."""
        return nothing if exact and not all(map(accepts_everything, patterns)) else whole

    def at_least(length: int, parts: Region = whole) -> Region:
        """The lists or strings of that length and more, if `parts` is not less."""
        return _intersection(parts, ((length, 1 << 64),))

    match pattern:
        case Anything():
            return whole
        case Capture():
            return same(pattern.pattern)
        case Literal(value=bytes() | str()) if pattern.type != PrimitiveType("char"):
            assert isinstance(pattern.value, bytes | str)
            return nothing if exact else _lengths(len(pattern.value), whole)
        case Literal(value=bool() | int() | float() | str()):
            return ((_ordinal(pattern.value),) * 2,)
        case Literal():
            return unknown
        case BytesLiteral():
            return nothing if exact else _lengths(pattern.content.length, whole)
        case RecordPattern():
            return all_of(tuple(p for _, p in pattern.fields))
        case TuplePattern():
            return all_of(pattern.elements)
        case ListPattern():
            parts = all_of(pattern.first + pattern.last)
            count = len(pattern.first) + len(pattern.last)
            return at_least(count, parts) if pattern.rest else _intersection(parts, ((count, count),))
        case CasePattern():
            assert isinstance(nothing, Mapping)
            return {**nothing, pattern.case: _UNIT if pattern.payload is None else same(pattern.payload)}
        case Alternatives():
            region = nothing
            for p in pattern.patterns:
                region = _union(region, same(p))
            return region
        case Conjunction():
            region = whole
            for p in pattern.patterns:
                region = _intersection(region, same(p))
            return region
        case Negation():
            return _complement(opposite(pattern.pattern), whole)
        case Range():
            low, high = _constant(pattern.low), _constant(pattern.high)
            if exact and not (_closed(pattern.low) and _closed(pattern.high)):
                return nothing
            return _span(pattern.type, low, high)
        case Comparison():
            return _compared(pattern, whole, unknown)
        case Affix():
            assert isinstance(pattern.content, str | bytes | tuple)
            size = len(pattern.content)
            return whole if size == 0 else nothing if exact else at_least(size)
        case Length():
            return _intersection(same(pattern.pattern), whole)
        case Unordered():
            count = len(pattern.patterns)
            parts = all_of(pattern.patterns)
            return at_least(count, parts) if pattern.rest else _intersection(parts, ((count, count),))
        case Each():
            return _intersection(whole, ((0, 0),)) if exact and not accepts_everything(pattern.pattern) else whole
        case AnyElement():
            return at_least(1, all_of((pattern.pattern,)))
        case Distinct() | Ascending() | Gaps():
            return _intersection(whole, ((0, 1),)) if exact else whole
        case BitsVary():
            return nothing if exact else at_least(2)
        case Matches() | Uniform() | NearNow():
            return unknown
        case _:
            assert_never(pattern)


def _lengths(length: int, whole: Region) -> Region:
    return _intersection(whole, ((length, length),))


def _closed(bound: Argument | None) -> bool:
    return bound is None or isinstance(bound, Constant)


def _constant(bound: Argument | None) -> Value | None:
    return bound.value if isinstance(bound, Constant) else None


def _span(type: PrimitiveType, low: Value | None, high: Value | None) -> Region:
    """Return the part of an ordered type from low to high: zero of either sign is one number there, and NaN is none."""
    ends = [_ordinal(-0.0 if low == 0 and isinstance(low, float) else low)] if low is not None else []
    ends += [_ordinal(0.0 if high == 0 and isinstance(high, float) else high)] if high is not None else []
    if type.name in FLOATS and _NAN in ends:
        return ()
    start = -(1 << 65) if low is None else ends[0]
    end = ends[-1] if high is not None else _NAN - 1 if type.name in FLOATS else 1 << 65
    return _intersection(universe(type), ((start, end),))


def _compared(pattern: Comparison, whole: Region, unknown: Region) -> Region:
    """Return the region of a comparison with a constant scalar."""
    value = _constant(pattern.operand)
    type = pattern.type
    if not isinstance(type, PrimitiveType) or type.name == "string" or value is None:
        return unknown
    at = ((_ordinal(value),) * 2,)
    match pattern.operator:
        case "==":
            return at
        case "!=":
            return _complement(at, whole)
        case "<=":
            return _span(type, None, value)
        case ">=":
            return _span(type, value, None)
        case "<":
            return _intersection(_span(type, None, value), _complement(_span(type, value, value), whole))
        case _:
            return _intersection(_span(type, value, None), _complement(_span(type, value, value), whole))
