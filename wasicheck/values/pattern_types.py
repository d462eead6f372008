"""Patterns as a closed union of frozen dataclasses, each with the `type` of the values it is matched against."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wasicheck.values.argument_types import Argument, Constant, Offset, Reference
from wasicheck.values.literals import Bytes
from wasicheck.values.model import Value
from wasicheck.values.shapes import CasedType
from wasicheck.wit.types import ListType, PrimitiveType, RecordType, TupleType, Type


@dataclass(frozen=True, slots=True)
class Anything:
    """`_`: every value of the type."""

    type: Type


@dataclass(frozen=True, slots=True)
class Capture:
    """`$name @ pattern`, or `$name` where the pattern is `_`: gives the value a name if it matches."""

    type: Type
    name: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Literal:
    """Exactly that value: of a primitive type, of flags, or bytes."""

    type: Type
    value: Value


@dataclass(frozen=True, slots=True)
class BytesLiteral:
    """Exactly those bytes, too many to hold before they are needed."""

    type: Type
    content: Bytes


@dataclass(frozen=True, slots=True)
class RecordPattern:
    """The given fields, in the order of the type; all of them unless `rest`."""

    type: RecordType
    fields: tuple[tuple[str, Pattern], ...]
    rest: bool


@dataclass(frozen=True, slots=True)
class TuplePattern:
    """Each element."""

    type: TupleType
    elements: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class ListPattern:
    """The first elements, and, if `rest`, any number of others and then the last elements."""

    type: ListType
    first: tuple[Pattern, ...]
    rest: bool
    last: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class CasePattern:
    """One case of a variant, enum, option or result; the payload's pattern is None if the case has none."""

    type: CasedType
    case: str
    payload: Pattern | None


@dataclass(frozen=True, slots=True)
class Alternatives:
    """`a | b`: the first that matches gives the captures."""

    type: Type
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Conjunction:
    """`a & b`."""

    type: Type
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`!a`."""

    type: Type
    pattern: Pattern


Bound = Constant | Reference | Offset


@dataclass(frozen=True, slots=True)
class Range:
    """`low..high`, both inclusive, of integers, floats or chars; None is unbounded. A NaN is in no range."""

    type: PrimitiveType
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`== operand`, `!=`, `<`, `<=`, `>`, `>=`.

    Ordered are integers, floats, chars, strings (by scalar values), and records and tuples of those, field by field.
    """

    type: Type
    operator: str
    operand: Argument


@dataclass(frozen=True, slots=True)
class Affix:
    """`prefix(x)`, `suffix(x)` or `contains(x)`, as `where` says, of a string or list; x is one of the same type."""

    type: Type
    where: str
    content: Value


@dataclass(frozen=True, slots=True)
class Length:
    """`length(p)`: the number of a list's elements or of a string's characters (scalar values), as a u64."""

    type: Type
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Matches:
    """`matches("regex")`: the whole string, or the bytes read as Latin-1."""

    type: Type
    regex: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Unordered:
    """`unordered[p, q]`: a matching of patterns and elements one to one; with `rest` elements may be left over."""

    type: ListType
    patterns: tuple[Pattern, ...]
    rest: bool


@dataclass(frozen=True, slots=True)
class Each:
    """`each(p)`: every element."""

    type: ListType
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class AnyElement:
    """`any(p)`: at least one element."""

    type: ListType
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Distinct:
    """`distinct`: no two elements are the same."""

    type: ListType


@dataclass(frozen=True, slots=True)
class Ascending:
    """`ascending`: no element is less than the one before, in the order of `Comparison`."""

    type: ListType


@dataclass(frozen=True, slots=True)
class Gaps:
    """`gaps(p)`: the differences of consecutive integers that are not zero, as u64; a decrease never matches."""

    type: ListType
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class BitsVary:
    """`bits-vary`: each bit of the unsigned elements is 0 in some and 1 in some."""

    type: ListType


@dataclass(frozen=True, slots=True)
class Uniform:
    """`entropy(uniform)`: the bytes pass the tests of `statistics.not_uniform`."""

    type: ListType


@dataclass(frozen=True, slots=True)
class NearNow:
    """`near-now(5s)`: at most `tolerance` ns from the harness's clock when the observation came in.

    Of integers (Unix time in ns) and of records of `seconds` and `nanoseconds`.
    """

    type: PrimitiveType | RecordType
    tolerance: int


Pattern = (
    Anything
    | Capture
    | Literal
    | BytesLiteral
    | RecordPattern
    | TuplePattern
    | ListPattern
    | CasePattern
    | Alternatives
    | Conjunction
    | Negation
    | Range
    | Comparison
    | Affix
    | Length
    | Matches
    | Unordered
    | Each
    | AnyElement
    | Distinct
    | Ascending
    | Gaps
    | BitsVary
    | Uniform
    | NearNow
)
