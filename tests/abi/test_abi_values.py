"""Lifting and lowering: bytes computed by hand, every refusal, and round trips."""

from __future__ import annotations

import math
import struct

import pytest
import wasi_types as w
from abi_strategies import HANDLES, enum_type, flags_type, key, record_type, typed_values, variant_type
from hypothesis import HealthCheck, given, settings

from wasicheck.abi import (
    AbiError,
    CoreValue,
    Image,
    Segments,
    alignment,
    elem_size,
    flatten_type,
    lift_flat,
    load,
    lower_flat,
    store,
)
from wasicheck.values.model import Handle, Record, Value, Variant
from wasicheck.wit.types import (
    BOOL,
    CHAR,
    F32,
    F64,
    S8,
    S16,
    S32,
    S64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    ListType,
    OptionType,
    PrimitiveType,
    ResultType,
    TupleType,
    Type,
)

LOOPBACK = Variant("ipv4", Record((("port", 8080), ("address", (127, 0, 0, 1)))))
INSTANT = Record((("seconds", -1), ("nanoseconds", 5)))


def segments(data: bytes, address: int = 0x100) -> Segments:
    """A memory that is known at `address` only."""
    return Segments([(address, data)])


@pytest.mark.parametrize(
    ("t", "value", "image"),
    [
        (BOOL, True, "01"),
        (U8, 255, "ff"),
        (S8, -1, "ff"),
        (U16, 0x1234, "3412"),
        (S16, -2, "feff"),
        (U32, 1, "01000000"),
        (S32, -(1 << 31), "00000080"),
        (U64, 1 << 63, "0000000000000080"),
        (S64, -1, "ff" * 8),
        (F32, 1.5, "0000c03f"),
        (F32, math.nan, "0000c07f"),
        (F64, -0.0, "0000000000000080"),
        (F64, math.nan, "000000000000f87f"),
        (CHAR, "é", "e9000000"),
        (STRING, "hé", "08010000 03000000 68c3a9"),
        (STRING, "", "08010000 00000000"),
        (ListType(U8), b"\1\2", "08010000 02000000 0102"),
        (ListType(U16), (1, 2), "08010000 02000000 0100 0200"),
        (ListType(STRING), ("a", "b"), "08010000 02000000 18010000 01000000 19010000 01000000 61 62"),
        (ListType(U8, 2), b"\1\2", "0102"),
        (ListType(U16, 2), (1, 2), "0100 0200"),
        (TupleType((U8, U32)), (1, 2), "01000000 02000000"),
        (w.INSTANT, INSTANT, "ffffffffffffffff 05000000 00000000"),
        (OptionType(w.INSTANT), Variant("none"), "00" * 24),
        (OptionType(w.INSTANT), Variant("some", INSTANT), "0100000000000000 ffffffffffffffff 05000000 00000000"),
        (w.IP_SOCKET_ADDRESS, LOOPBACK, "00000000 901f 7f000001" + "00" * 22),
        (ResultType(None, U8), Variant("err", 7), "01 07"),
        (w.ADVICE, Variant("will-need"), "03"),
        (enum_type(257), Variant("l256"), "0001"),
        (w.OPEN_FLAGS, frozenset({"create", "truncate"}), "09"),
        (flags_type(9), frozenset({"l8"}), "0001"),
        (flags_type(32), frozenset({"l31"}), "00000080"),
        *((handle, Handle(3), "03000000") for handle in HANDLES),
    ],
)
def test_store_and_load(t: Type, value: Value, image: str) -> None:
    made = Image(0x100)
    assert made.place(value, t) == 0x100
    assert made.bytes == bytes.fromhex(image)
    assert key(load(segments(made.bytes), 0x100, t)) == key(value)


@pytest.mark.parametrize(
    ("t", "value", "flat"),
    [
        (U32, 0xFFFFFFFF, (0xFFFFFFFF,)),
        (S8, -1, (0xFFFFFFFF,)),
        (S64, -1, ((1 << 64) - 1,)),
        (F32, 0.5, (0.5,)),
        (STRING, "ab", (0x100, 2)),
        (ListType(U8), b"ab", (0x100, 2)),
        (ListType(U8, 2), b"\1\2", (1, 2)),
        (ListType(S8, 2), (-1, 2), (0xFFFFFFFF, 2)),
        (w.OPEN_FLAGS, frozenset({"directory"}), (2,)),
        (w.IP_SOCKET_ADDRESS, LOOPBACK, (0, 8080, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0)),
        (variant_type(F32, U32), Variant("l0", 1.5), (0, 0x3FC00000)),
        (variant_type(F32, U64), Variant("l0", 1.5), (0, 0x3FC00000)),
        (variant_type(F64, U32), Variant("l0", 1.5), (0, 0x3FF8000000000000)),
        (variant_type(S32, U64), Variant("l0", -1), (0, 0xFFFFFFFF)),
        (variant_type(F32, F32), Variant("l1", 1.5), (1, 1.5)),
        (variant_type(None, F64), Variant("l0"), (0, 0.0)),
        (variant_type(None, TupleType((F32, U64))), Variant("l0"), (0, 0.0, 0)),
    ],
)
def test_lower_and_lift_flat(t: Type, value: Value, flat: tuple[CoreValue, ...]) -> None:
    image = Image(0x100)
    lowered = lower_flat(image, value, t)
    assert key(lowered) == key(flat)
    assert lift_flat(image, lowered, t) == value


def test_f32_is_rounded() -> None:
    image = Image(0)
    [rounded] = lower_flat(image, 0.1, F32)
    assert rounded == struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert load(image, image.place(0.1, F32), F32) == rounded


@pytest.mark.parametrize(
    ("t", "data", "value"),
    [
        (BOOL, "02", True),
        (w.OPEN_FLAGS, "f1", frozenset({"create"})),
        (F32, "010080ff", math.nan),
        (F64, "010000000000f0ff", math.nan),
        (CHAR, "ffff1000", "\U0010ffff"),
        (CHAR, "ffd70000", "\ud7ff"),
        (CHAR, "00e00000", "\ue000"),
    ],
)
def test_lenient_load(t: Type, data: str, value: Value) -> None:
    assert key(load(segments(bytes.fromhex(data)), 0x100, t)) == key(value)


@pytest.mark.parametrize(
    ("t", "flat", "value"),
    [
        (BOOL, (256,), True),
        (U8, (0x1FF,), 255),
        (S8, (0x1FF,), -1),
        (S16, (0x18000,), -32768),
        (U64, (1 << 63,), 1 << 63),
        (w.OPEN_FLAGS, (0x101,), frozenset({"create"})),
        (F32, (-math.nan,), math.nan),
        (variant_type(S8, U64), (0, 0x1_0000_0000), Variant("l0", 0)),
        (variant_type(F32, U64), (0, 0x1_3FC0_0000), Variant("l0", 1.5)),
        (variant_type(U8, TupleType((U8, U8))), (0, 1, 99), Variant("l0", 1)),
    ],
)
def test_lenient_lift_flat(t: Type, flat: tuple[CoreValue, ...], value: Value) -> None:
    assert key(lift_flat(segments(b""), flat, t)) == key(value)


def test_values_behind_a_variant_are_not_eaten() -> None:
    t = TupleType((variant_type(U8, TupleType((U8, U8))), U8))
    assert lift_flat(segments(b""), (0, 1, 99, 7), t) == (Variant("l0", 1), 7)


@pytest.mark.parametrize(
    ("t", "data", "message"),
    [
        (w.ADVICE, "06", "invalid discriminant 6 of enum advice, which has 6 cases"),
        (OptionType(U8), "0200", "invalid discriminant 2 of option"),
        (CHAR, "00001100", "invalid char: 0x110000"),
        (CHAR, "00d80000", "invalid char: 0xd800"),
        (CHAR, "ffdf0000", "invalid char: 0xdfff"),
        (
            STRING,
            "08010000 02000000 c3 28",
            "invalid UTF-8 in the string at 0x108: invalid continuation byte at byte 0",
        ),
        (STRING, "08010000 03000000 eda080", "invalid UTF-8"),
        (STRING, "08010000 02000000 61", r"no segment holds the bytes 0x108\.\.0x10a"),
        (STRING, "00000000 00000010", "a string of 268435456 bytes is longer than the 268435455"),
        (STRING, "ffffffff 01000001", "out of the bounds"),
        (ListType(U16), "09010000 00000000", "misaligned pointer: 0x109 to u16, which has alignment 2"),
        (ListType(U64), "00000000 00000002", "a list of 268435456 bytes is longer than the 268435455"),
        (ListType(U16), "08010000 02000000 0000", "no segment holds"),
        (ListType(U16), "feffffff 02000000", "out of the bounds"),
        (ListType(w.ADVICE), "08010000 02000000 0506", "invalid discriminant 6"),
        *((handle, "00000000", "invalid handle of type .*: 0x0 is not an index") for handle in HANDLES),
        (HANDLES[0], "00000010", "invalid handle of type own: 0x10000000"),
        (U64, "00", "no segment holds"),
    ],
)
def test_load_refuses(t: Type, data: str, message: str) -> None:
    with pytest.raises(AbiError, match=message):
        load(segments(bytes.fromhex(data)), 0x100, t)


def test_load_refuses_a_misaligned_address() -> None:
    with pytest.raises(AbiError, match="misaligned pointer: 0x102 to record instant, which has alignment 8"):
        load(segments(bytes(32)), 0x102, w.INSTANT)


@pytest.mark.parametrize(
    ("t", "flat", "message"),
    [
        (U8, (), "u8 is passed as 1 core values, not 0"),
        (STRING, (1, 2, 3), "string is passed as 2 core values, not 3"),
        (U8, (-1,), "-1 is not a core value of type i32"),
        (U8, (1 << 32,), "is not a core value of type i32"),
        (U64, (1 << 64,), "is not a core value of type i64"),
        (U8, (1.0,), "1.0 is not a core value of type i32"),
        (F32, (1,), "1 is not a core value of type f32"),
        (F64, (1,), "1 is not a core value of type f64"),
        (w.ADVICE, (6,), "invalid discriminant 6"),
        (variant_type(U8), (1, 0), "invalid discriminant 1 of variant"),
        (CHAR, (0xD800,), "invalid char"),
        (HANDLES[0], (0,), "invalid handle"),
        (STRING, (0x200, 1), "no segment holds"),
        (ListType(U16), (0x101, 0), "misaligned"),
    ],
)
def test_lift_flat_refuses(t: Type, flat: tuple[CoreValue, ...], message: str) -> None:
    with pytest.raises(AbiError, match=message):
        lift_flat(segments(bytes(8)), flat, t)


@pytest.mark.parametrize(
    ("t", "value", "message"),
    [
        (BOOL, 1, "1 is not a value of type bool"),
        (U8, True, "True is not a value of type u8"),
        (U8, 256, "256 is not a value of type u8"),
        (U8, -1, "-1 is not a value of type u8"),
        (S8, 128, "128 is not a value of type s8"),
        (S8, -129, "-129 is not a value of type s8"),
        (U64, 1 << 64, "is not a value of type u64"),
        (U8, 1.0, "1.0 is not a value of type u8"),
        (F32, 1, "1 is not a value of type f32"),
        (F32, 1e300, "1e.300 is beyond the range of f32"),
        (F64, "1", "'1' is not a value of type f64"),
        (CHAR, "ab", "'ab' is not a value of type char"),
        (CHAR, "\ud800", "is not a value of type char"),
        (CHAR, 5, "5 is not a value of type char"),
        (STRING, b"a", "b'a' is not a value of type string"),
        (STRING, "\udfff", "is not a value of type string"),
        (ListType(U8), (1, 2), "is not a value of type list"),
        (ListType(U16), b"ab", "is not a value of type list"),
        (ListType(U8, 2), b"abc", "a list of 3 elements, where the type has the fixed length 2"),
        (ListType(U16, 2), (1,), "a list of 1 elements, where the type has the fixed length 2"),
        (TupleType((U8, U8)), (1,), "is not a value of type tuple"),
        (TupleType((U8,)), Record((("0", 1),)), "is not a value of type tuple"),
        (record_type(U8, U8), Record((("l1", 1), ("l0", 1))), "is not a value of type record"),
        (w.INSTANT, (1, 2), "is not a value of type record instant"),
        (w.ADVICE, "normal", "'normal' is not a value of type enum advice"),
        (w.ADVICE, Variant("usual"), "enum advice has no case usual"),
        (w.ADVICE, Variant("normal", 1), "case normal of enum advice has no payload"),
        (OptionType(U8), Variant("some"), "case some of option needs a payload"),
        (w.OPEN_FLAGS, frozenset({"append"}), "is not a value of type flags open-flags"),
        (w.OPEN_FLAGS, 1, "1 is not a value of type flags open-flags"),
        (HANDLES[0], 3, "3 is not a value of type own"),
        (HANDLES[0], Handle(-1), "is not a value of type own"),
        (HANDLES[0], Handle(1 << 32), "is not a value of type own"),
    ],
)
def test_lowering_refuses(t: Type, value: Value, message: str) -> None:
    with pytest.raises(AbiError, match=message):
        Image(0).place(value, t)
    with pytest.raises(AbiError, match=message):
        lower_flat(Image(0), value, t)


def test_store_refuses_a_misaligned_address() -> None:
    image = Image(0)
    image.allocate(8, 4)
    with pytest.raises(AbiError, match="misaligned pointer: 0x2 to u32, which has alignment 4"):
        store(image, 1, U32, 2)


class TestImage:
    def test_allocation(self) -> None:
        image = Image(0x101)
        assert image.allocate(1, 1) == 0x101
        assert image.allocate(4, 8) == 0x108
        assert image.allocate(0, 4) == 0x10C
        assert image.end == 0x10C
        assert image.bytes == bytes(11)

    def test_store_replaces(self) -> None:
        image = Image(8)
        address = image.allocate(4, 4)
        image.store(0x01020304, U32, address)
        assert image.bytes == b"\4\3\2\1"
        image.store(5, U32, address)
        assert image.read(address, 4) == b"\5\0\0\0"

    @pytest.mark.parametrize("address", [4, 7, 9, 12])
    def test_only_allocated_bytes_can_be_used(self, address: int) -> None:
        image = Image(8)
        image.allocate(4, 4)
        with pytest.raises(AbiError, match=r"not within the image 0x8\.\.0xc"):
            image.write(address, bytes(4))
        with pytest.raises(AbiError, match=r"not within the image 0x8\.\.0xc"):
            image.read(address, 4)

    def test_memory_ends_at_4_gib(self) -> None:
        image = Image((1 << 32) - 8)
        image.allocate(8, 8)
        with pytest.raises(AbiError, match="no room for 1 bytes at 0x100000000"):
            image.allocate(1, 1)


class TestSegments:
    MEMORY = Segments([(20, b"cd"), (10, b"0123"), (22, b"ef"), (12, b"23456"), (11, b"1")], size=64)

    @pytest.mark.parametrize(
        ("address", "length", "data"),
        [(10, 7, b"0123456"), (13, 2, b"34"), (20, 4, b"cdef"), (23, 1, b"f"), (0, 0, b""), (64, 0, b"")],
    )
    def test_read(self, address: int, length: int, data: bytes) -> None:
        assert self.MEMORY.read(address, length) == data

    @pytest.mark.parametrize(
        ("address", "length", "message"),
        [
            (9, 1, r"no segment holds the bytes 0x9\.\.0xa"),
            (9, 2, "no segment"),
            (16, 2, "no segment"),
            (17, 1, "no segment"),
            (24, 1, "no segment"),
            (63, 2, r"0x3f\.\.0x41 is out of the bounds of the memory of 64 bytes"),
            (65, 0, "out of the bounds"),
        ],
    )
    def test_unknown_bytes(self, address: int, length: int, message: str) -> None:
        with pytest.raises(AbiError, match=message):
            self.MEMORY.read(address, length)

    @pytest.mark.parametrize(
        ("pieces", "message"),
        [
            ([(0, b"ab"), (1, b"c")], r"segments disagree about the bytes 0x1\.\.0x2"),
            ([(0, b"abc"), (1, b"bd")], "segments disagree"),
            ([(-1, b"a")], "outside of the memory"),
            ([(63, b"ab")], r"segment 0x3f\.\.0x41 is outside of the memory of 64 bytes"),
        ],
    )
    def test_impossible_pieces(self, pieces: list[tuple[int, bytes]], message: str) -> None:
        with pytest.raises(AbiError, match=message):
            Segments(pieces, size=64)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(typed_values())
def test_round_trips(example: tuple[Type, list[Value]]) -> None:
    t, values = example
    image = Image(0x100)
    addresses = [image.place(value, t) for value in values]
    memory = segments(image.bytes)
    for value, address in zip(values, addresses, strict=True):
        assert address % alignment(t) == 0
        assert image.read(address, elem_size(t))
        assert key(load(memory, address, t)) == key(value)
    for value in values:
        flat = lower_flat(image, value, t)
        assert len(flat) == len(flatten_type(t))
        assert key(lift_flat(image, flat, t)) == key(value)


def test_an_unknown_primitive_type_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        elem_size(PrimitiveType("u128"))
