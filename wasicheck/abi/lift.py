"""Lifting: values out of linear memory and out of core values.

What is a trap in the canonical ABI is an `AbiError` here, but for the conditions that need a guest's handle table:
a handle is a plain index. Strings are UTF-8. CanonicalABI.md, "Loading" and "Flat Lifting".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from math import isnan, nan
from types import MappingProxyType
from typing import assert_never, cast

from wasicheck.abi.errors import AbiError
from wasicheck.abi.flatten import CoreType, flatten_type, flatten_variant
from wasicheck.abi.layout import (
    POINTER_SIZE,
    RecordLike,
    VariantLike,
    alignment,
    cases_of,
    describe,
    discriminant_size,
    elem_size,
    field_offsets,
    fields_of,
    payload_offset,
)
from wasicheck.abi.memory import Memory
from wasicheck.abi.scalars import decode_float, lift_scalar
from wasicheck.values.model import Record, Value, Variant
from wasicheck.wit.types import (
    U8,
    BorrowType,
    Case,
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

CoreValue = int | float
"""An `i32` or `i64` as an unsigned int, an `f32` or `f64` as a float."""

MAX_STRING_BYTE_LENGTH = (1 << 28) - 1
MAX_LIST_BYTE_LENGTH = (1 << 28) - 1

_INTEGER_FORMATS = MappingProxyType({"s8": "b", "s16": "h", "u16": "H", "s32": "i", "u32": "I", "s64": "q", "u64": "Q"})
"""`struct` formats of the integer types whose every bit pattern is a value, `u8` left out."""


def load(memory: Memory, address: int, t: Type) -> Value:
    """Return the value of type `t` at `address`."""
    _check_aligned(address, t)
    match t:
        case PrimitiveType("string"):
            return _load_string(memory, *_load_pair(memory, address))
        case PrimitiveType() | FlagsType() | OwnType() | BorrowType() | StreamType() | FutureType():
            return lift_scalar(_load_int(memory, address, elem_size(t)), t)
        case ListType(element, int(length)):
            return _load_elements(memory, address, length, element)
        case ListType(element):
            return _load_list(memory, *_load_pair(memory, address), element)
        case RecordType() | TupleType():
            return _compound(
                t,
                [
                    load(memory, address + offset, field.type)
                    for field, offset in zip(fields_of(t), field_offsets(t), strict=True)
                ],
            )
        case VariantType() | EnumType() | OptionType() | ResultType():
            case = _case(t, _load_int(memory, address, discriminant_size(t)))
            payload = None if case.type is None else load(memory, address + payload_offset(t), case.type)
            return Variant(case.name, payload)
        case _:
            assert_never(t)


def lift_flat(memory: Memory, core_values: Sequence[CoreValue], t: Type) -> Value:
    """Return the value of type `t` that was passed as `core_values`, which must have the types of `flatten_type(t)`."""
    core_types = flatten_type(t)
    if len(core_values) != len(core_types):
        raise AbiError(f"{describe(t)} is passed as {len(core_types)} core values, not {len(core_values)}")
    for core_type, value in zip(core_types, core_values, strict=True):
        _check_core_value(value, core_type)
    return _lift_flat(memory, iter(core_values), t)


def _lift_flat(memory: Memory, values: Iterator[CoreValue], t: Type) -> Value:
    match t:
        case PrimitiveType("string"):
            return _load_string(memory, _next_int(values), _next_int(values))
        case PrimitiveType("f32" | "f64"):
            value = next(values)
            return nan if isnan(value) else float(value)
        case PrimitiveType() | FlagsType() | OwnType() | BorrowType() | StreamType() | FutureType():
            return lift_scalar(_next_int(values), t)
        case ListType(element, int(length)):
            return _sequence([_lift_flat(memory, values, element) for _ in range(length)], element)
        case ListType(element):
            return _load_list(memory, _next_int(values), _next_int(values), element)
        case RecordType() | TupleType():
            return _compound(t, [_lift_flat(memory, values, field.type) for field in fields_of(t)])
        case VariantType() | EnumType() | OptionType() | ResultType():
            case = _case(t, _next_int(values))
            # All core values of the variant are taken, also those that this case does not use.
            joined = flatten_variant(t)[1:]
            passed = list(islice(values, len(joined)))
            if case.type is None:
                return Variant(case.name)
            wanted = flatten_type(case.type)
            payload = [_coerce(value, have, want) for value, have, want in zip(passed, joined, wanted, strict=False)]
            return Variant(case.name, _lift_flat(memory, iter(payload), case.type))
        case _:
            assert_never(t)


def _coerce(value: CoreValue, have: CoreType, want: CoreType) -> CoreValue:
    """Undo `join`: recover a core value of type `want` from one of the type that the cases share."""
    match have, want:
        case (("i32" | "i64"), "f32"):
            return decode_float(int(value) % (1 << 32), 4)
        case "i64", "f64":
            return decode_float(int(value), 8)
        case "i64", "i32":
            return int(value) % (1 << 32)
        case _:
            return value


def _check_core_value(value: CoreValue, core_type: CoreType) -> None:
    match core_type:
        case "i32" | "i64":
            valid = isinstance(value, int) and 0 <= value < 1 << int(core_type[1:])
        case "f32" | "f64":
            valid = isinstance(value, float)
        case _:
            assert_never(core_type)
    if not valid:
        raise AbiError(f"{value!r} is not a core value of type {core_type}")


def _next_int(values: Iterator[CoreValue]) -> int:
    return int(next(values))


def _check_aligned(address: int, t: Type) -> None:
    if address % alignment(t):
        raise AbiError(f"misaligned pointer: {address:#x} to {describe(t)}, which has alignment {alignment(t)}")


def _load_int(memory: Memory, address: int, size: int) -> int:
    return int.from_bytes(memory.read(address, size), "little")


def _load_pair(memory: Memory, address: int) -> tuple[int, int]:
    """Return the pointer and the length that stand for a string or list."""
    return _load_int(memory, address, POINTER_SIZE), _load_int(memory, address + POINTER_SIZE, POINTER_SIZE)


def _load_string(memory: Memory, begin: int, length: int) -> str:
    if length > MAX_STRING_BYTE_LENGTH:
        raise AbiError(f"a string of {length} bytes is longer than the {MAX_STRING_BYTE_LENGTH} that are allowed")
    data = memory.read(begin, length)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AbiError(f"invalid UTF-8 in the string at {begin:#x}: {error.reason} at byte {error.start}") from None


def _load_list(memory: Memory, begin: int, length: int, element: Type) -> Value:
    size = length * elem_size(element)
    if size > MAX_LIST_BYTE_LENGTH:
        raise AbiError(f"a list of {size} bytes is longer than the {MAX_LIST_BYTE_LENGTH} that are allowed")
    _check_aligned(begin, element)
    memory.read(begin, size)
    return _load_elements(memory, begin, length, element)


def _load_elements(memory: Memory, begin: int, length: int, element: Type) -> Value:
    if element == U8:
        return memory.read(begin, length)
    size = elem_size(element)
    if isinstance(element, PrimitiveType) and element.name in _INTEGER_FORMATS:
        # Long lists of numbers are worth the short way.
        return struct.unpack(f"<{length}{_INTEGER_FORMATS[element.name]}", memory.read(begin, length * size))
    return tuple(load(memory, begin + index * size, element) for index in range(length))


def _sequence(elements: list[Value], element: Type) -> Value:
    return bytes(cast("list[int]", elements)) if element == U8 else tuple(elements)


def _compound(t: RecordLike, values: list[Value]) -> Value:
    match t:
        case RecordType(_, fields):
            return Record(tuple((field.name, value) for field, value in zip(fields, values, strict=True)))
        case TupleType():
            return tuple(values)
        case _:
            assert_never(t)


def _case(t: VariantLike, discriminant: int) -> Case:
    cases = cases_of(t)
    if discriminant >= len(cases):
        raise AbiError(f"invalid discriminant {discriminant} of {describe(t)}, which has {len(cases)} cases")
    return cases[discriminant]
