"""The types that are one number: integers, `bool`, `char`, floats, flags and handles.

Integers travel as unsigned bit patterns, and floats as Python floats with one NaN. CanonicalABI.md, "Loading",
"Storing", "Flat Lifting" and "Flat Lowering".
"""

from __future__ import annotations

import math
import struct
from reprlib import repr as short_repr
from types import MappingProxyType
from typing import assert_never

from wasicheck.abi.errors import AbiError
from wasicheck.abi.layout import HandleType, describe
from wasicheck.values.model import Handle, Value
from wasicheck.wit.types import (
    BorrowType,
    FlagsType,
    FutureType,
    OwnType,
    PrimitiveType,
    StreamType,
    Type,
)

ScalarType = PrimitiveType | FlagsType | HandleType
"""A type that flattens to one core value; of the primitive types, all but `string`."""

CANONICAL_FLOAT32_NAN = 0x7FC00000
CANONICAL_FLOAT64_NAN = 0x7FF8000000000000
MAX_HANDLE = (1 << 28) - 1
"""Greatest index of a handle table; index 0 is never in use."""

_INTEGER = MappingProxyType(
    {f"{sign}{width}": (width, sign == "s") for sign in ("u", "s") for width in (8, 16, 32, 64)},
)
"""Width in bits of the integer types, and whether they are signed."""


def wrong_value(value: Value, t: Type) -> AbiError:
    """The error for lowering a value as a type that it does not have."""
    return AbiError(f"{short_repr(value)} is not a value of type {describe(t)}")


def decode_float(bits: int, size: int) -> float:
    """Reinterpret 32 or 64 bits (`size` 4 or 8) as a float; every NaN becomes the canonical one."""
    unsigned, floating = ("<I", "<f") if size == 4 else ("<Q", "<d")
    value: float = struct.unpack(floating, struct.pack(unsigned, bits))[0]
    return math.nan if math.isnan(value) else value


def encode_float(value: float, size: int) -> int:
    """Reinterpret a float as 32 or 64 bits (`size` 4 or 8), rounded to nearest; NaN becomes the canonical one."""
    if math.isnan(value):
        return CANONICAL_FLOAT32_NAN if size == 4 else CANONICAL_FLOAT64_NAN
    unsigned, floating = ("<I", "<f") if size == 4 else ("<Q", "<d")
    try:
        bits: int = struct.unpack(unsigned, struct.pack(floating, value))[0]
    except OverflowError:
        raise AbiError(f"{value!r} is beyond the range of f32") from None
    return bits


def lift_scalar(bits: int, t: ScalarType) -> Value:
    """Return the value of a bit pattern, of which bits beyond the width of `t` are ignored.

    Raise `AbiError` for a `char` that is no Unicode scalar value, and for a handle that no table can hold.
    """
    match t:
        case PrimitiveType("bool"):
            return bits != 0
        case PrimitiveType("f32"):
            return decode_float(bits, 4)
        case PrimitiveType("f64"):
            return decode_float(bits, 8)
        case PrimitiveType("char"):
            if bits > 0x10FFFF or 0xD800 <= bits <= 0xDFFF:
                raise AbiError(f"invalid char: {bits:#x} is not a Unicode scalar value")
            return chr(bits)
        case PrimitiveType("error-context") | OwnType() | BorrowType() | StreamType() | FutureType():
            if not 0 < bits <= MAX_HANDLE:
                raise AbiError(f"invalid handle of type {describe(t)}: {bits:#x} is not an index of a handle table")
            return Handle(bits)
        case PrimitiveType(name):
            width, signed = _INTEGER[name]
            wrapped = bits % (1 << width)
            return wrapped - (1 << width) if signed and wrapped >> (width - 1) else wrapped
        case FlagsType(_, labels):
            return frozenset(label for index, label in enumerate(labels) if bits >> index & 1)
        case _:
            assert_never(t)


def lower_scalar(value: Value, t: ScalarType) -> int:
    """Return the bit pattern of a value, as a negative number for a negative integer.

    Raise `AbiError` for a value that does not have the type.
    """
    match t, value:
        case PrimitiveType("bool"), bool():
            return int(value)
        case PrimitiveType("f32"), float():
            return encode_float(value, 4)
        case PrimitiveType("f64"), float():
            return encode_float(value, 8)
        case PrimitiveType("char"), str() if len(value) == 1 and not "\ud800" <= value <= "\udfff":
            return ord(value)
        case (
            PrimitiveType("error-context") | OwnType() | BorrowType() | StreamType() | FutureType(),
            Handle(index),
        ) if 0 <= index < 1 << 32:
            return index
        case PrimitiveType(name), int() if name in _INTEGER and not isinstance(value, bool):
            width, signed = _INTEGER[name]
            low = -(1 << (width - 1)) if signed else 0
            if low <= value < low + (1 << width):
                return value
        case FlagsType(_, labels), frozenset() if value.issubset(labels):
            return sum(1 << index for index, label in enumerate(labels) if label in value)
    raise wrong_value(value, t)
