"""The canonical ABI against that of wasmtime: on generated types and on WASI's own, on good memory and on bad."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import pytest
import wasi_types as w
from abi_strategies import enum_type, flags_type, key, record_type, typed_values, values, variant_type
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from oracle import BASE, SLOTS, Dump, Oracle, WasmtimeRefuses, memory_with

from wasicheck.abi import (
    AbiError,
    CoreSignature,
    CoreType,
    CoreValue,
    Image,
    lift_flat,
    load,
    lower_flat,
    lower_signature,
)
from wasicheck.abi.layout import describe
from wasicheck.values.model import Value, Variant
from wasicheck.wit.types import (
    BOOL,
    CHAR,
    F32,
    F64,
    S64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    Field,
    Function,
    FunctionKind,
    ListType,
    OptionType,
    ResultType,
    TupleType,
    Type,
)

QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck))

CHOSEN = [
    w.IP_SOCKET_ADDRESS,
    w.STAT_RESULT,
    w.HTTP_ERROR_CODE,
    w.DIRECTORY_ENTRY,
    OptionType(w.INSTANT),
    ResultType(w.DIRECTORY_ENTRY, w.HTTP_ERROR_CODE),
    variant_type(F32, U32, F64, S64, CHAR),
    variant_type(F32, F32, None),
    variant_type(TupleType((F32, F64, F32)), TupleType((F64, U64, U32)), STRING),
    variant_type(F32, U16),
    variant_type(*([None] * 256), U64),
    enum_type(257),
    record_type(*([U8] * 16)),
    record_type(*([U8] * 17)),
    TupleType((F32, *([STRING] * 8))),
    TupleType((flags_type(8), flags_type(9), flags_type(16), flags_type(17), flags_type(32))),
    ListType(OptionType(ListType(STRING))),
    ListType(BOOL),
    ListType(U64),
]


def _signature(t: Type) -> CoreSignature:
    """Of a call of an import that takes one parameter, which is spilled to memory if it is large."""
    return lower_signature(
        Function("t:t/t", "f", FunctionKind.FREESTANDING, None, (Field("x", t),), None, False), is_async=False
    )


def _slot(value: CoreValue, core: CoreType) -> bytes:
    packed = struct.pack("<f" if core == "f32" else "<d", value) if core in ("f32", "f64") else b""
    return (packed or int(value).to_bytes(8, "little")).ljust(8, b"\0")


def _core_value(slot: bytes, core: CoreType) -> CoreValue:
    match core:
        case "f32" | "f64":
            value: float = struct.unpack_from("<f" if core == "f32" else "<d", slot)[0]
            return math.nan if math.isnan(value) else value
        case _:
            return int.from_bytes(slot[: int(core[1:]) // 8], "little")


def _lower_param(t: Type, value: Value) -> tuple[list[bytes], bytes]:
    """Slots of the core values, and memory, of a parameter."""
    image = Image(BASE)
    signature = _signature(t)
    flat = (image.place((value,), TupleType((t,))),) if signature.params_spilled else lower_flat(image, value, t)
    return [_slot(v, core) for v, core in zip(flat, signature.params, strict=True)], image.bytes


def _lift_param(t: Type, slots: list[bytes], heap: bytes) -> Value:
    signature = _signature(t)
    flat = [_core_value(slot, core) for slot, core in zip(slots, signature.params, strict=True)]
    memory = memory_with(heap + b"".join(slots))
    if not signature.params_spilled:
        return lift_flat(memory, flat, t)
    parameters = load(memory, int(flat[0]), TupleType((t,)))
    assert isinstance(parameters, tuple)
    return parameters[0]


def _sequence(t: Type, examples: list[Value]) -> Value:
    """The examples as one value of type `list<T>`."""
    return bytes(e for e in examples if isinstance(e, int)) if t == U8 else tuple(examples)


def _pair(pointer: CoreValue, length: CoreValue) -> bytes:
    return struct.pack("<II", pointer, length)


def _check(t: Type, examples: list[Value]) -> None:
    """Compare wasmtime with `store`, `load`, `lower_flat` and `lift_flat`: bytes and values, in both directions."""
    oracle = Oracle(t)
    sequence = _sequence(t, examples)
    image = Image(BASE)
    begin, length = lower_flat(image, sequence, ListType(t))
    dump = oracle.lower_list(sequence)
    assert dump == Dump((_slot(begin, "i32"), _slot(length, "i32")), image.bytes)
    assert key(load(memory_with(dump.heap, _pair(begin, length)), SLOTS, ListType(t))) == key(sequence)
    assert key(oracle.lift_list(image.bytes, int(begin), int(length))) == key(sequence)
    for value in examples:
        slots, heap = _lower_param(t, value)
        lowered = oracle.lower_flat(value)
        assert lowered == Dump(tuple(slots), heap)
        assert key(_lift_param(t, list(lowered.slots), lowered.heap)) == key(value)
        assert key(oracle.lift_flat(heap, slots)) == key(value)


def _outcome(lift: Callable[[], Value]) -> object:
    """What lifting gives: the value's key, or that it was refused."""
    try:
        return key(lift())
    except (AbiError, WasmtimeRefuses):
        return "refused"


Damage = list[tuple[int, int]]

DAMAGE = st.lists(st.tuples(st.integers(0, 511), st.sampled_from([0, 1, 2, 3, 0x80, 0xFF])), min_size=1, max_size=3)
"""Positions and bytes. No byte makes a length of the order of the memory, which would take the bindings seconds."""


def _damaged(data: bytes, damage: Damage) -> bytes:
    spoilt = bytearray(data)
    for position, byte in damage:
        spoilt[position % len(data)] = byte
    return bytes(spoilt)


def _check_damaged(t: Type, examples: list[Value], damage: Damage) -> bool:
    """Compare what wasmtime and we make of spoilt memory and core values; tell whether any of them was refused."""
    oracle = Oracle(t)
    image = Image(BASE)
    begin, length = lower_flat(image, _sequence(t, examples), ListType(t))
    heap = _damaged(image.bytes, damage)
    memory = memory_with(heap, _pair(begin, length))
    ours = _outcome(lambda: load(memory, SLOTS, ListType(t)))
    assert ours == _outcome(lambda: oracle.lift_list(heap, int(begin), int(length)))
    slots, heap = _lower_param(t, examples[0])
    spoilt = _damaged(b"".join(slots) + heap, damage)
    slots, heap = [spoilt[8 * i : 8 * i + 8] for i in range(len(slots))], spoilt[8 * len(slots) :]
    flat = _outcome(lambda: _lift_param(t, slots, heap))
    assert flat == _outcome(lambda: oracle.lift_flat(heap, slots))
    return "refused" in (ours, flat)


@settings(QUICK, max_examples=240)
@given(typed_values(closed=True))
def test_generated_types(example: tuple[Type, list[Value]]) -> None:
    _check(*example)


@pytest.mark.parametrize("t", CHOSEN, ids=describe)
def test_chosen_types(t: Type) -> None:
    @settings(QUICK, max_examples=3)
    @given(st.lists(values(t), min_size=2, max_size=4))
    def check(examples: list[Value]) -> None:
        _check(t, examples)

    check()


@settings(QUICK, max_examples=200)
@given(typed_values(closed=True), DAMAGE)
def test_damaged_memory(example: tuple[Type, list[Value]], damage: Damage) -> None:
    event("refused" if _check_damaged(*example, damage) else "accepted")


@pytest.mark.parametrize(
    ("t", "value", "damage"),
    [
        (STRING, "abc", [(8, 0xFF)]),
        (STRING, "abc", [(0, 0xFF), (3, 0xFF)]),
        (STRING, "\u07ff", [(8, 0xED), (9, 0xA0)]),
        (CHAR, "a", [(1, 0xD8)]),
        (CHAR, "a", [(1, 0xDF)]),
        (CHAR, "a", [(2, 0x11)]),
        (CHAR, "\0", [(1, 0xD8)]),
        (CHAR, "\0", [(2, 0x11)]),
        (w.ADVICE, Variant("normal"), [(0, 6)]),
        (OptionType(U8), Variant("none"), [(0, 2)]),
        (ListType(U16), (1, 2), [(0, 0x11)]),
        (ListType(U32), (), [(0, 0x12)]),
        (ListType(U64), (1,), [(7, 0x20)]),
    ],
)
def test_both_refuse(t: Type, value: Value, damage: Damage) -> None:
    assert _check_damaged(t, [value], damage)


@pytest.mark.parametrize(
    ("t", "value", "damage"),
    [
        (BOOL, True, [(0, 0x80)]),
        (flags_type(9), frozenset({"l8"}), [(1, 0xFF)]),
        (F32, 1.0, [(3, 0xFF), (2, 0xFF)]),
        (F64, 1.0, [(7, 0xFF), (6, 0xFF)]),
        (CHAR, "a", [(1, 0xD7)]),
        (CHAR, "\uffff", [(2, 0x10)]),
        (variant_type(F32, U64), Variant("l0", 1.0), [(12, 0xFF)]),
    ],
)
def test_both_accept(t: Type, value: Value, damage: Damage) -> None:
    assert not _check_damaged(t, [value], damage)
