"""Lowering: values into linear memory and into core values.

A value that does not have the type it is lowered as is an `AbiError`. Strings are UTF-8. Memory is allocated in the
order of the specification: a list before what its elements point to. CanonicalABI.md, "Storing" and "Flat Lowering".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

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
from wasicheck.abi.lift import CoreValue
from wasicheck.abi.memory import Allocator
from wasicheck.abi.scalars import decode_float, encode_float, lower_scalar, wrong_value
from wasicheck.values.model import Record, Value, Variant
from wasicheck.wit.types import (
    U8,
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


def store(image: Allocator, value: Value, t: Type, address: int) -> None:
    """Write a value of type `t` at `address`, and what it points to into newly allocated memory."""
    if address % alignment(t):
        raise AbiError(f"misaligned pointer: {address:#x} to {describe(t)}, which has alignment {alignment(t)}")
    match t:
        case PrimitiveType("string"):
            _store_pair(image, address, _store_string(image, value, t))
        case PrimitiveType() | FlagsType() | OwnType() | BorrowType() | StreamType() | FutureType():
            _store_int(image, address, lower_scalar(value, t), elem_size(t))
        case ListType(_, int()):
            _store_elements(image, _elements(value, t), t.element, address)
        case ListType():
            _store_pair(image, address, _store_list(image, value, t))
        case RecordType() | TupleType():
            members = zip(_members(value, t), fields_of(t), field_offsets(t), strict=True)
            for member, field, offset in members:
                store(image, member, field.type, address + offset)
        case VariantType() | EnumType() | OptionType() | ResultType():
            discriminant, payload = _match_case(value, t)
            _store_int(image, address, discriminant, discriminant_size(t))
            if payload is not None:
                store(image, *payload, address + payload_offset(t))
        case _:
            assert_never(t)


def lower_flat(image: Allocator, value: Value, t: Type) -> tuple[CoreValue, ...]:
    """Return the core values, of the types `flatten_type(t)`, that pass a value; what they point to goes to `image`."""
    return tuple(_lower_flat(image, value, t))


def _lower_flat(image: Allocator, value: Value, t: Type) -> Iterator[CoreValue]:
    match t:
        case PrimitiveType("string"):
            yield from _store_string(image, value, t)
        case PrimitiveType("f32" | "f64"):
            yield decode_float(lower_scalar(value, t), elem_size(t))
        case PrimitiveType() | FlagsType() | OwnType() | BorrowType() | StreamType() | FutureType():
            yield lower_scalar(value, t) % (1 << (64 if flatten_type(t) == ("i64",) else 32))
        case ListType(element, int()):
            for member in _elements(value, t):
                yield from _lower_flat(image, member, element)
        case ListType():
            yield from _store_list(image, value, t)
        case RecordType() | TupleType():
            for member, field in zip(_members(value, t), fields_of(t), strict=True):
                yield from _lower_flat(image, member, field.type)
        case VariantType() | EnumType() | OptionType() | ResultType():
            discriminant, payload = _match_case(value, t)
            joined = flatten_variant(t)[1:]
            flat = [] if payload is None else list(_lower_flat(image, *payload))
            have = () if payload is None else flatten_type(payload[1])
            yield discriminant
            yield from map(_coerce, flat, have, joined)
            yield from (0.0 if core in ("f32", "f64") else 0 for core in joined[len(flat) :])
        case _:
            assert_never(t)


def _coerce(value: CoreValue, have: CoreType, want: CoreType) -> CoreValue:
    """Put the bits of a core value into the type that the cases of a variant share."""
    if have == want or have == "i32":
        return value
    return encode_float(value, 4 if have == "f32" else 8)


def _store_int(image: Allocator, address: int, value: int, size: int) -> None:
    image.write(address, (value % (1 << 8 * size)).to_bytes(size, "little"))


def _store_pair(image: Allocator, address: int, pair: tuple[int, int]) -> None:
    for index, number in enumerate(pair):
        _store_int(image, address + index * POINTER_SIZE, number, POINTER_SIZE)


def _store_string(image: Allocator, value: Value, t: Type) -> tuple[int, int]:
    if not isinstance(value, str):
        raise wrong_value(value, t)
    try:
        data = value.encode("utf-8")
    except UnicodeEncodeError:
        raise wrong_value(value, t) from None
    address = image.allocate(len(data), 1)
    image.write(address, data)
    return address, len(data)


def _store_list(image: Allocator, value: Value, t: ListType) -> tuple[int, int]:
    elements = _elements(value, t)
    address = image.allocate(len(elements) * elem_size(t.element), alignment(t.element))
    _store_elements(image, elements, t.element, address)
    return address, len(elements)


def _store_elements(image: Allocator, elements: bytes | tuple[Value, ...], element: Type, address: int) -> None:
    if isinstance(elements, bytes):
        image.write(address, elements)
        return
    size = elem_size(element)
    for index, member in enumerate(elements):
        store(image, member, element, address + index * size)


def _elements(value: Value, t: ListType) -> bytes | tuple[Value, ...]:
    """Check that a value is a list of the right kind and length: bytes for `u8`, a tuple for all other types."""
    if not isinstance(value, bytes if t.element == U8 else tuple):
        raise wrong_value(value, t)
    assert isinstance(value, bytes | tuple)
    if t.length not in (None, len(value)):
        raise AbiError(f"a list of {len(value)} elements, where the type has the fixed length {t.length}")
    return value


def _members(value: Value, t: RecordLike) -> tuple[Value, ...]:
    fields = fields_of(t)
    match t, value:
        case RecordType(), Record(pairs) if [name for name, _ in pairs] == [field.name for field in fields]:
            return tuple(member for _, member in pairs)
        case TupleType(), tuple() if len(value) == len(fields):
            return value
    raise wrong_value(value, t)


def _match_case(value: Value, t: VariantLike) -> tuple[int, tuple[Value, Type] | None]:
    """Return the discriminant of a value, and its payload and the payload's type if there is one."""
    if not isinstance(value, Variant):
        raise wrong_value(value, t)
    for discriminant, case in enumerate(cases_of(t)):
        if case.name != value.case:
            continue
        if case.type is None and value.payload is None:
            return discriminant, None
        if case.type is not None and value.payload is not None:
            return discriminant, (value.payload, case.type)
        raise AbiError(f"case {case.name} of {describe(t)} {'needs a' if case.type else 'has no'} payload")
    raise AbiError(f"{describe(t)} has no case {value.case}")
