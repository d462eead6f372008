"""Other values of a type: what an observation could have been, to learn whether a pattern tells it from them.

A value is taken apart along its *cases*. In `completed(err(io))` there are `completed`, `err` and `io`, each of them a
*part* that could have been another, and called by the way to it: ``, `.completed`, `.completed.err`. What is at the end
of such a chain is one more part, however deep it is: of `ok({size: 5, …})` the case, and `.ok`, the whole record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import islice
from typing import assert_never

from wasicheck.values.argument_types import (
    Constant,
    MissingValue,
    Offset,
    RecordArgument,
    Reference,
    TupleArgument,
    VariantArgument,
    evaluate,
)
from wasicheck.values.literals import INTEGERS
from wasicheck.values.model import Handle, Record, Value, Variant
from wasicheck.values.pattern_types import Affix, Literal
from wasicheck.values.shapes import WIT_TYPES, cases, is_bytes
from wasicheck.values.wave import case_text
from wasicheck.wit.types import (
    BorrowType,
    EnumType,
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

PER_FIELD = 12
"""How many mutants a field of a record or tuple, or an element of a list, contributes at most."""
MENTIONED = 8
"""How many mentioned values of a type are tried: a list may mention hundreds."""
PER_PAYLOAD = 2
"""How many payloads another case is given besides the simplest."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """Another value of the type, and the part in which it differs: the cases that lead to it (`.completed.err`)."""

    value: Value
    part: str
    case: str | None = None
    """The case that the part has become; None if the part is no case."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What patterns mention, as it is what they can tell: values by their type, and parts of strings and bytes."""

    values: Mapping[Type, tuple[Value, ...]] = field(default_factory=dict)
    affixes: tuple[Value, ...] = ()


NO_HINTS = Hints()


def mutants(value: Value, type: Type, hints: Hints = NO_HINTS) -> tuple[Mutant, ...]:
    """Return a bounded number of other values of the type; none where there is nothing else to be: handles."""
    return tuple(_parts(value, type, "", hints))


def hints_of(patterns: Iterable[object], captured: Mapping[str, Value]) -> Hints:
    """Collect what patterns mention, references resolved."""
    values: dict[Type, list[Value]] = {}
    affixes: list[Value] = []
    for pattern in patterns:
        _collect(pattern, captured, values, affixes)
    return Hints({type: tuple(found[:MENTIONED]) for type, found in values.items()}, tuple(affixes[:MENTIONED]))


def _collect(
    part: object, captured: Mapping[str, Value], values: dict[Type, list[Value]], affixes: list[Value]
) -> None:
    match part:
        case Literal():
            values.setdefault(part.type, []).append(part.value)
        case Affix():
            affixes.append(part.content)
        case Constant() | Reference() | Offset() | RecordArgument() | TupleArgument() | VariantArgument():
            try:
                values.setdefault(part.type, []).append(evaluate(part, captured))
            except MissingValue:
                return
        case tuple():
            for inner in part:
                _collect(inner, captured, values, affixes)
        case _ if is_dataclass(part) and not isinstance(part, WIT_TYPES):
            for each in fields(part):
                _collect(getattr(part, each.name), captured, values, affixes)
        case _:
            return


def simplest(type: Type) -> Value:
    """Return a value of the type: zero, empty, the first case."""
    match type:
        case PrimitiveType("bool"):
            return False
        case PrimitiveType("f32" | "f64"):
            return 0.0
        case PrimitiveType("char"):
            return "a"
        case PrimitiveType("string"):
            return ""
        case PrimitiveType("error-context") | OwnType() | BorrowType() | StreamType() | FutureType():
            return Handle(0)
        case PrimitiveType():
            return 0
        case ListType(length=length):
            count = length or 0
            return bytes(count) if is_bytes(type) else (simplest(type.element),) * count
        case TupleType():
            return tuple(map(simplest, type.elements))
        case RecordType():
            return Record(tuple((field.name, simplest(field.type)) for field in type.fields))
        case FlagsType():
            return frozenset()
        case OptionType():
            return Variant("none")
        case VariantType() | EnumType() | ResultType():
            case, payload = next(iter(cases(type).items()))
            return Variant(case, None if payload is None else simplest(payload))
        case _:
            assert_never(type)


def _parts(value: Value, type: Type, part: str, hints: Hints) -> Iterator[Mutant]:
    """The mutants of a value in the order of its parts, outermost first."""
    if not isinstance(type, VariantType | EnumType | OptionType | ResultType):
        yield from (Mutant(other, part) for other in _distinct(value, _others(value, type, hints)))
        return
    assert isinstance(value, Variant)
    for hint in hints.values.get(type, ()):
        if hint != value:
            yield _hinted(value, hint, type, part)
    for case, payload in cases(type).items():
        if case != value.case:
            yield from (Mutant(Variant(case, other), part, case) for other in _payloads(payload))
    payload = cases(type)[value.case]
    if payload is not None:
        assert value.payload is not None
        for inner in _parts(value.payload, payload, f"{part}.{case_text(value.case, type)}", hints):
            yield Mutant(Variant(value.case, inner.value), inner.part, inner.case)


def _hinted(value: Value, hint: Value, type: Type, part: str) -> Mutant:
    """A whole value that is mentioned as a mutant of the innermost part in which it differs."""
    inner, of, where = (value, hint), type, part
    while isinstance(of, VariantType | EnumType | OptionType | ResultType):
        one, other = inner
        assert isinstance(one, Variant)
        assert isinstance(other, Variant)
        if one.case != other.case:
            return Mutant(hint, where, other.case)
        payload = cases(of)[one.case]
        assert payload is not None
        assert one.payload is not None
        assert other.payload is not None
        where += f".{case_text(one.case, of)}"
        inner, of = (one.payload, other.payload), payload
    return Mutant(hint, where)


def _payloads(type: Type | None) -> Iterator[Value | None]:
    """The payloads that another case is tried with."""
    if type is None:
        yield None
    else:
        simple = simplest(type)
        yield simple
        yield from (mutant.value for mutant in islice(_parts(simple, type, "", NO_HINTS), PER_PAYLOAD))


def _distinct(value: Value, others: Iterator[Value]) -> Iterator[Value]:
    """Those of the others that differ from the value and from each other."""
    seen = {value}
    for other in others:
        if other not in seen:
            seen.add(other)
            yield other


def _others(value: Value, type: Type, hints: Hints) -> Iterator[Value]:
    """Other values of a type that has no cases; some may be the value itself."""
    yield from hints.values.get(type, ())
    for affix in hints.affixes:
        match value, affix:
            case (str(), str()) | (bytes(), bytes()):
                yield from (affix + value, value + affix)  # type: ignore[operator]
    match type, value:
        case PrimitiveType("bool"), bool():
            yield not value
        case PrimitiveType("f32" | "f64"), float():
            yield from (0.0, -value, value + 1.0, math.inf, math.nan)
        case PrimitiveType("char"), str():
            yield from ("a", "z", chr(ord(value) ^ 1))
        case PrimitiveType("string"), str():
            yield from _texts(value)
        case PrimitiveType(name), int() if name in INTEGERS:
            low, high = INTEGERS[name]
            yield from (n for n in (value + 1, value - 1, 0, low, high) if low <= n <= high)
        case ListType(), bytes():
            yield from _byte_strings(value, type)
        case ListType(), tuple():
            yield from _lists(value, type, hints)
        case TupleType(), tuple():
            for index, (element, of) in enumerate(zip(value, type.elements, strict=True)):
                for mutant in islice(_parts(element, of, "", hints), PER_FIELD):
                    yield (*value[:index], mutant.value, *value[index + 1 :])
        case RecordType(), Record():
            for index, ((name, inner), field) in enumerate(zip(value.fields, type.fields, strict=True)):
                for mutant in islice(_parts(inner, field.type, "", hints), PER_FIELD):
                    yield Record((*value.fields[:index], (name, mutant.value), *value.fields[index + 1 :]))
        case FlagsType(), frozenset():
            yield from (value ^ {label} for label in type.labels)
            yield from (frozenset(), frozenset(type.labels))
        case _:
            # Which index a handle has says nothing.
            return


def _texts(value: str) -> Iterator[str]:
    if value:
        yield from (_other_character(value[0]) + value[1:], value[:-1] + _other_character(value[-1]), value[:-1], "")
    yield f"{value}x"


def _other_character(character: str) -> str:
    return "a" if character != "a" else "b"


def _byte_strings(value: bytes, type: ListType) -> Iterator[bytes]:
    for index in sorted({0, len(value) // 2, len(value) - 1} if value else ()):
        yield value[:index] + bytes((value[index] ^ 1,)) + value[index + 1 :]
    if type.length is None:
        if value:
            yield from (value[:-1], b"")
        yield value + b"x"


def _lists(value: tuple[Value, ...], type: ListType, hints: Hints) -> Iterator[tuple[Value, ...]]:
    if type.length is None:
        if value:
            yield from (value[:-1], value[1:], ())
        yield (*value, value[-1] if value else simplest(type.element))
        simple = simplest(type.element)
        yield (*value, simple)
        yield from ((*value, m.value) for m in islice(_parts(simple, type.element, "", hints), PER_FIELD))
    if len(value) > 1:
        yield (value[1], value[0], *value[2:])
        yield value[::-1]
    for index in sorted({0, len(value) // 2, len(value) - 1} if value else ()):
        for mutant in islice(_parts(value[index], type.element, "", hints), PER_FIELD):
            yield (*value[:index], mutant.value, *value[index + 1 :])
