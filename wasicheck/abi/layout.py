"""Despecialization, alignment and size of component types in linear memory.

Sizes, alignments and offsets are in bytes, for 32-bit memories. Everything raises `AbiError` for a type that the
component model does not admit: a record, tuple, variant, enum or flags without members, flags with more than 32
labels, a fixed-length list of length 0.
CanonicalABI.md, "Despecialization", "Alignment" and "Element Size".
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import assert_never

from wasicheck.abi.errors import AbiError
from wasicheck.wit.types import (
    U8,
    U16,
    U32,
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
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)

RecordLike = RecordType | TupleType
"""What despecializes to a record."""

VariantLike = VariantType | EnumType | OptionType | ResultType
"""What despecializes to a variant."""

HandleType = OwnType | BorrowType | StreamType | FutureType
"""What is an index into a handle table; so is `error-context`, but that is a primitive type."""

Despecialized = PrimitiveType | ListType | RecordType | VariantType | FlagsType | HandleType
"""What is left after `despecialize`."""

POINTER_SIZE = 4
HANDLE_SIZE = 4
MAX_FLAGS = 32

_PRIMITIVE_SIZE = MappingProxyType(
    {
        **dict.fromkeys(("bool", "s8", "u8"), 1),
        **dict.fromkeys(("s16", "u16"), 2),
        **dict.fromkeys(("s32", "u32", "f32", "char"), 4),
        **dict.fromkeys(("s64", "u64", "f64"), 8),
        "string": 2 * POINTER_SIZE,
        "error-context": HANDLE_SIZE,
    }
)


def describe(t: Type) -> str:
    """Name a type for a message: `u32`, `list`, `variant error-code`."""
    kind = type(t).__name__.removesuffix("Type").lower()
    match t:
        case PrimitiveType(name):
            return name
        case RecordType() | VariantType() | EnumType() | FlagsType() if t.id is not None:
            return f"{kind} {t.id.name}"
        case _:
            return kind


def align_to(address: int, alignment: int) -> int:
    """Round an address up to a multiple of `alignment`."""
    return -(-address // alignment) * alignment


@cache
def fields_of(t: RecordLike) -> tuple[Field, ...]:
    """Fields of a record; those of a tuple are named `0`, `1`, …."""
    match t:
        case RecordType():
            fields = t.fields
        case TupleType():
            fields = tuple(Field(str(index), element) for index, element in enumerate(t.elements))
        case _:
            assert_never(t)
    if not fields:
        raise AbiError(f"{describe(t)} has no fields; the component model requires at least one")
    return fields


@cache
def cases_of(t: VariantLike) -> tuple[Case, ...]:
    """Cases of a variant, enum, option (`none`, `some`) or result (`ok`, `err`), in the order of discriminants."""
    match t:
        case VariantType():
            cases = t.cases
        case EnumType():
            cases = tuple(Case(label, None) for label in t.labels)
        case OptionType():
            cases = (Case("none", None), Case("some", t.element))
        case ResultType():
            cases = (Case("ok", t.ok), Case("err", t.error))
        case _:
            assert_never(t)
    if not cases:
        raise AbiError(f"{describe(t)} has no cases; the component model requires at least one")
    return cases


@cache
def despecialize(t: Type) -> Despecialized:
    """Return the record that a tuple, or the variant that an enum, option or result stands for; else the type."""
    match t:
        case TupleType():
            return RecordType(None, fields_of(t))
        case EnumType() | OptionType() | ResultType():
            return VariantType(None, cases_of(t))
        case ListType(_, int(length)) if length < 1:
            raise AbiError(f"a list of the fixed length {length}; the component model requires at least 1")
        case _:
            return t


@cache
def alignment(t: Type) -> int:
    """Alignment of a value of type `t` in memory."""
    match despecialize(t):
        case PrimitiveType("string"):
            return POINTER_SIZE
        case PrimitiveType(name):
            return _PRIMITIVE_SIZE[name]
        case ListType(element, int()):
            return alignment(element)
        case ListType():
            return POINTER_SIZE
        case RecordType() as record:
            return max(alignment(field.type) for field in fields_of(record))
        case VariantType() as variant:
            return max(discriminant_size(variant), _max_case_alignment(variant))
        case FlagsType() as flags:
            return flags_size(flags)
        case OwnType() | BorrowType() | StreamType() | FutureType():
            return HANDLE_SIZE
        case other:
            assert_never(other)


@cache
def elem_size(t: Type) -> int:
    """Size of a value of type `t` in memory, padded to its alignment."""
    match despecialize(t):
        case PrimitiveType(name):
            return _PRIMITIVE_SIZE[name]
        case ListType(element, int(length)):
            return length * elem_size(element)
        case ListType():
            return 2 * POINTER_SIZE
        case RecordType() as record:
            end = field_offsets(record)[-1] + elem_size(fields_of(record)[-1].type)
            return align_to(end, alignment(record))
        case VariantType() as variant:
            payload = max((elem_size(case.type) for case in cases_of(variant) if case.type is not None), default=0)
            return align_to(payload_offset(variant) + payload, alignment(variant))
        case FlagsType() as flags:
            return flags_size(flags)
        case OwnType() | BorrowType() | StreamType() | FutureType():
            return HANDLE_SIZE
        case other:
            assert_never(other)


@cache
def field_offsets(t: RecordLike) -> tuple[int, ...]:
    """Offset of each field from the start of the record."""
    offsets = []
    end = 0
    for field in fields_of(t):
        offset = align_to(end, alignment(field.type))
        offsets.append(offset)
        end = offset + elem_size(field.type)
    return tuple(offsets)


@cache
def discriminant_type(t: VariantLike) -> PrimitiveType:
    """The smallest of `u8`, `u16` and `u32` that can count the cases."""
    count = len(cases_of(t))
    if count <= 1 << 8:
        return U8
    return U16 if count <= 1 << 16 else U32


def discriminant_size(t: VariantLike) -> int:
    """Size of the discriminant."""
    return elem_size(discriminant_type(t))


@cache
def payload_offset(t: VariantLike) -> int:
    """Offset of the payload from the start of the variant; the same for all cases, whether they have one or not."""
    return align_to(discriminant_size(t), _max_case_alignment(t))


def _max_case_alignment(t: VariantLike) -> int:
    return max((alignment(case.type) for case in cases_of(t) if case.type is not None), default=1)


@cache
def flags_size(t: FlagsType) -> int:
    """Size of flags: 1, 2 or 4, one bit for each label."""
    count = len(t.labels)
    if not 0 < count <= MAX_FLAGS:
        raise AbiError(f"{describe(t)} has {count} labels; the component model allows 1 to {MAX_FLAGS}")
    if count <= 8:
        return 1
    return 2 if count <= 16 else 4
