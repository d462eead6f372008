"""Hypothesis strategies for component types, and for the values of a type."""

from __future__ import annotations

import math
import struct
from typing import assert_never

from hypothesis import strategies as st

from wasicheck.abi import cases_of, fields_of
from wasicheck.values.model import Handle, Record, Value, Variant
from wasicheck.wit.types import (
    ERROR_CONTEXT,
    PRIMITIVES,
    U8,
    BorrowType,
    Case,
    EnumType,
    Field,
    FlagsType,
    FutureType,
    ListType,
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
)

RESOURCE = ResourceType(TypeId("t:t/t", "r"))
HANDLES = (OwnType(RESOURCE), BorrowType(RESOURCE), StreamType(U8), StreamType(None), FutureType(U8), ERROR_CONTEXT)

INTEGERS = {f"u{w}": (0, (1 << w) - 1) for w in (8, 16, 32, 64)} | {
    f"s{w}": (-(1 << (w - 1)), (1 << (w - 1)) - 1) for w in (8, 16, 32, 64)
}


def labels(count: int) -> tuple[str, ...]:
    """`count` labels that differ."""
    return tuple(f"l{index}" for index in range(count))


def enum_type(count: int) -> EnumType:
    """An enum of that many labels."""
    return EnumType(None, labels(count))


def flags_type(count: int) -> FlagsType:
    """Flags of that many labels."""
    return FlagsType(None, labels(count))


def variant_type(*payloads: Type | None) -> VariantType:
    """A variant with those payloads."""
    return VariantType(None, tuple(Case(f"l{index}", payload) for index, payload in enumerate(payloads)))


def record_type(*types: Type) -> RecordType:
    """A record with fields of those types."""
    return RecordType(None, tuple(Field(f"l{index}", t) for index, t in enumerate(types)))


def types(*, closed: bool = False, depth: int = 3) -> st.SearchStrategy[Type]:
    """Types, most of them compound to some depth; `closed` leaves out handles and fixed-length lists.

    Not `st.recursive`, which mostly makes leaves and small types, and the same ones many times.
    """
    leaves: st.SearchStrategy[Type] = st.one_of(
        st.sampled_from([t for t in PRIMITIVES.values() if t != ERROR_CONTEXT]),
        st.sampled_from([1, 2, 5, 256, 257]).map(enum_type),
        st.sampled_from([1, 7, 8, 9, 16, 17, 31, 32]).map(flags_type),
    )
    if not closed:
        leaves |= st.sampled_from(HANDLES)
    if depth == 0:
        return leaves
    inner = leaves | types(closed=closed, depth=depth - 1)
    members = st.lists(inner, min_size=2, max_size=6)
    payload = st.none() | inner
    return st.one_of(
        st.builds(ListType, inner, st.none() if closed else st.none() | st.integers(1, 3)),
        st.builds(OptionType, inner),
        st.builds(ResultType, payload, payload),
        members.map(lambda types: TupleType(tuple(types))),
        members.map(lambda types: record_type(*types)),
        st.lists(payload, min_size=2, max_size=6).map(lambda payloads: variant_type(*payloads)),
        leaves,
    )


def values(t: Type) -> st.SearchStrategy[Value]:
    """Values of type `t`."""
    match t:
        case PrimitiveType("bool"):
            return st.booleans()
        case PrimitiveType("char"):
            return st.characters(exclude_categories=["Cs"])
        case PrimitiveType("string"):
            return st.text(max_size=5)
        case PrimitiveType(("f32" | "f64") as name):
            # The one NaN of the model.
            floats = st.floats(width=32 if name == "f32" else 64)
            return floats.map(lambda f: math.nan if math.isnan(f) else f)
        case PrimitiveType("error-context") | OwnType() | BorrowType() | StreamType() | FutureType():
            return st.builds(Handle, st.integers(1, (1 << 28) - 1))
        case PrimitiveType(name):
            return st.integers(*INTEGERS[name])
        case ListType(element, length):
            low, high = (0, 3) if length is None else (length, length)
            if element == U8:
                return st.binary(min_size=low, max_size=high)
            return st.lists(values(element), min_size=low, max_size=high).map(tuple)
        case TupleType(elements):
            return st.tuples(*map(values, elements))
        case RecordType():
            names = [field.name for field in fields_of(t)]
            members = st.tuples(*(values(field.type) for field in fields_of(t)))
            return members.map(lambda m: Record(tuple(zip(names, m, strict=True))))
        case VariantType() | EnumType() | OptionType() | ResultType():
            return st.sampled_from(cases_of(t)).flatmap(_case_values)
        case FlagsType():
            return st.frozensets(st.sampled_from(t.labels))
        case _:
            assert_never(t)


def _case_values(case: Case) -> st.SearchStrategy[Value]:
    if case.type is None:
        return st.just(Variant(case.name))
    return values(case.type).map(lambda payload: Variant(case.name, payload))


def typed_values(*, closed: bool = False) -> st.SearchStrategy[tuple[Type, list[Value]]]:
    """A type with values of it, all different."""
    return types(closed=closed).flatmap(
        lambda t: st.tuples(st.just(t), st.lists(values(t), min_size=1, max_size=8, unique_by=key))
    )


def key(value: object) -> object:
    """What two values have in common exactly if they are the same: NaN is NaN, -0.0 is not 0.0, nor True 1."""
    match value:
        case float():
            return ("float", struct.pack("<d", value))
        case tuple():
            return tuple(map(key, value))
        case Record(pairs):
            return ("record", key(pairs))
        case Variant(case, payload):
            return ("variant", case, key(payload))
    return (type(value).__name__, value)
