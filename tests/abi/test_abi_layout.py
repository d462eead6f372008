"""Sizes, alignments, offsets and core types, against numbers computed by hand."""

from __future__ import annotations

import pytest
import wasi_types as w
from abi_strategies import HANDLES, enum_type, flags_type, record_type, types, variant_type
from hypothesis import HealthCheck, given, settings

from wasicheck.abi import (
    AbiError,
    CoreSignature,
    LiftForm,
    align_to,
    alignment,
    cases_of,
    despecialize,
    discriminant_size,
    discriminant_type,
    elem_size,
    field_offsets,
    fields_of,
    flags_size,
    flatten_type,
    join,
    lift_signature,
    lower_signature,
    payload_offset,
    task_return_signature,
)
from wasicheck.abi.layout import describe
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
    Case,
    Field,
    Function,
    FunctionKind,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    TupleType,
    Type,
    TypeId,
    VariantType,
)

i32, i64, f32, f64 = "i32", "i64", "f32", "f64"

LAYOUTS = [
    (BOOL, 1, 1, [i32]),
    (S8, 1, 1, [i32]),
    (U8, 1, 1, [i32]),
    (S16, 2, 2, [i32]),
    (U16, 2, 2, [i32]),
    (S32, 4, 4, [i32]),
    (U32, 4, 4, [i32]),
    (S64, 8, 8, [i64]),
    (U64, 8, 8, [i64]),
    (F32, 4, 4, [f32]),
    (F64, 8, 8, [f64]),
    (CHAR, 4, 4, [i32]),
    (STRING, 8, 4, [i32, i32]),
    *((handle, 4, 4, [i32]) for handle in HANDLES),
    (ListType(U64), 8, 4, [i32, i32]),
    (ListType(U16, 3), 6, 2, [i32, i32, i32]),
    (ListType(STRING, 2), 16, 4, [i32] * 4),
    (TupleType((U8, U64, U8)), 24, 8, [i32, i64, i32]),
    (record_type(U8, U16, U8), 6, 2, [i32, i32, i32]),
    (enum_type(1), 1, 1, [i32]),
    (enum_type(256), 1, 1, [i32]),
    (enum_type(257), 2, 2, [i32]),
    (enum_type(65536), 2, 2, [i32]),
    (enum_type(65537), 4, 4, [i32]),
    (flags_type(1), 1, 1, [i32]),
    (flags_type(8), 1, 1, [i32]),
    (flags_type(9), 2, 2, [i32]),
    (flags_type(16), 2, 2, [i32]),
    (flags_type(17), 4, 4, [i32]),
    (flags_type(32), 4, 4, [i32]),
    (OptionType(BOOL), 2, 1, [i32, i32]),
    (OptionType(STRING), 12, 4, [i32, i32, i32]),
    (ResultType(None, None), 1, 1, [i32]),
    (ResultType(U64, None), 16, 8, [i32, i64]),
    (ResultType(None, STRING), 12, 4, [i32, i32, i32]),
    (variant_type(F32, U32), 8, 4, [i32, i32]),
    (variant_type(F32, None, F32), 8, 4, [i32, f32]),
    (variant_type(F32, F64), 16, 8, [i32, i64]),
    (variant_type(TupleType((U8, F64)), U64, TupleType((F32, F64, F32))), 32, 8, [i32, i64, f64, f32]),
    (w.IPV4_SOCKET_ADDRESS, 6, 2, [i32] * 5),
    (w.IPV6_SOCKET_ADDRESS, 28, 4, [i32] * 11),
    (w.IP_SOCKET_ADDRESS, 32, 4, [i32] * 12),
    (w.SOCKETS_ERROR_CODE, 16, 4, [i32] * 4),
    (ResultType(None, w.SOCKETS_ERROR_CODE), 20, 4, [i32] * 5),
    (w.INSTANT, 16, 8, [i64, i32]),
    (OptionType(w.INSTANT), 24, 8, [i32, i64, i32]),
    (w.DESCRIPTOR_TYPE, 16, 4, [i32] * 4),
    (w.DESCRIPTOR_STAT, 104, 8, [i32] * 4 + [i64, i64] + [i32, i64, i32] * 3),
    (w.STAT_RESULT, 112, 8, [i32] * 5 + [i64, i64] + [i32, i64, i32] * 3),
    (w.DIRECTORY_ENTRY, 24, 4, [i32] * 6),
    (w.OPEN_FLAGS, 1, 1, [i32]),
    (w.ADVICE, 1, 1, [i32]),
    (w.HTTP_ERROR_CODE, 32, 8, [i32, i32, i64, i32, i32, i32, i32]),
    (ResultType(w.RESPONSE, w.HTTP_ERROR_CODE), 40, 8, [i32, i32, i32, i64, i32, i32, i32, i32]),
]


@pytest.mark.parametrize(
    ("t", "size", "align", "flat"), LAYOUTS, ids=[f"{index}-{describe(row[0])}" for index, row in enumerate(LAYOUTS)]
)
def test_layout(t: Type, size: int, align: int, flat: list[str]) -> None:
    assert (elem_size(t), alignment(t), list(flatten_type(t))) == (size, align, flat)


@pytest.mark.parametrize(
    ("t", "offsets"),
    [
        (w.IPV4_SOCKET_ADDRESS, (0, 2)),
        (w.IPV6_SOCKET_ADDRESS, (0, 4, 8, 24)),
        (w.INSTANT, (0, 8)),
        (w.DESCRIPTOR_STAT, (0, 16, 24, 32, 56, 80)),
        (w.DNS_ERROR_PAYLOAD, (0, 12)),
        (w.TLS_ALERT_RECEIVED_PAYLOAD, (0, 4)),
        (w.FIELD_SIZE_PAYLOAD, (0, 12)),
        (TupleType((U8, U64, U8)), (0, 8, 16)),
    ],
)
def test_field_offsets(t: RecordType, offsets: tuple[int, ...]) -> None:
    assert field_offsets(t) == offsets


@pytest.mark.parametrize(
    ("t", "discriminant", "payload"),
    [
        (OptionType(U8), U8, 1),
        (OptionType(w.INSTANT), U8, 8),
        (w.IP_SOCKET_ADDRESS, U8, 4),
        (w.HTTP_ERROR_CODE, U8, 8),
        (w.STAT_RESULT, U8, 8),
        (ResultType(None, None), U8, 1),
        (enum_type(256), U8, 1),
        (enum_type(257), U16, 2),
        (enum_type(65537), U32, 4),
        (variant_type(*([None] * 256), U8), U16, 2),
        (variant_type(*([None] * 256), U64), U16, 8),
    ],
)
def test_variant_layout(t: VariantType, discriminant: Type, payload: int) -> None:
    assert (discriminant_type(t), payload_offset(t)) == (discriminant, payload)
    assert discriminant_size(t) == elem_size(discriminant)


def test_despecialize() -> None:
    assert fields_of(TupleType((U8, STRING))) == (Field("0", U8), Field("1", STRING))
    assert cases_of(OptionType(U8)) == (Case("none", None), Case("some", U8))
    assert cases_of(ResultType(None, U8)) == (Case("ok", None), Case("err", U8))
    assert despecialize(TupleType((U8,))) == RecordType(None, (Field("0", U8),))
    assert despecialize(enum_type(1)) == VariantType(None, (Case("l0", None),))
    assert despecialize(w.INSTANT) is w.INSTANT
    assert despecialize(U8) is U8


@pytest.mark.parametrize(
    ("t", "message"),
    [
        (RecordType(TypeId("a:b/c", "r"), ()), "record r has no fields"),
        (TupleType(()), "tuple has no fields"),
        (VariantType(TypeId("a:b/c", "v"), ()), "variant v has no cases"),
        (enum_type(0), "enum has no cases"),
        (flags_type(0), "flags has 0 labels"),
        (flags_type(33), "flags has 33 labels; the component model allows 1 to 32"),
        (ListType(U8, 0), "a list of the fixed length 0"),
    ],
)
@pytest.mark.parametrize("function", [alignment, elem_size, flatten_type])
def test_inadmissible_types(function: object, t: Type, message: str) -> None:
    with pytest.raises(AbiError, match=message):
        function(t)  # type: ignore[operator]


@pytest.mark.parametrize(("address", "align", "expected"), [(0, 8, 0), (1, 8, 8), (8, 8, 8), (9, 4, 12), (7, 1, 7)])
def test_align_to(address: int, align: int, expected: int) -> None:
    assert align_to(address, align) == expected


@pytest.mark.parametrize(
    ("a", "b", "joined"),
    [
        (i32, i32, i32),
        (f64, f64, f64),
        (i32, f32, i32),
        (f32, i32, i32),
        (f32, f64, i64),
        (f64, i64, i64),
        (i32, i64, i64),
        (i32, f64, i64),
        (f32, i64, i64),
    ],
)
def test_join(a: str, b: str, joined: str) -> None:
    assert join(a, b) == joined  # type: ignore[arg-type]


def _function(params: list[Type], result: Type | None) -> Function:
    fields = tuple(Field(f"p{index}", t) for index, t in enumerate(params))
    return Function("a:b/c", "f", FunctionKind.FREESTANDING, None, fields, result, True)


CONNECT = _function([HANDLES[1], w.IP_SOCKET_ADDRESS], ResultType(None, w.SOCKETS_ERROR_CODE))
NOW = _function([], U64)
WAIT_FOR = _function([U64], None)
RUN = _function([], ResultType(None, None))
HANDLE = _function([w.REQUEST], ResultType(w.RESPONSE, w.HTTP_ERROR_CODE))
STAT = _function([HANDLES[1]], w.STAT_RESULT)


@pytest.mark.parametrize(
    ("function", "is_async", "expected"),
    [
        (CONNECT, False, CoreSignature((i32,) * 14, (), results_by_pointer=True)),
        (CONNECT, True, CoreSignature((i32, i32), (i32,), params_spilled=True, results_by_pointer=True)),
        (NOW, False, CoreSignature((), (i64,))),
        (NOW, True, CoreSignature((i32,), (i32,), results_by_pointer=True)),
        (WAIT_FOR, False, CoreSignature((i64,), ())),
        (WAIT_FOR, True, CoreSignature((i64,), (i32,))),
        (RUN, False, CoreSignature((), (i32,))),
        (_function([U8] * 16, U8), False, CoreSignature((i32,) * 16, (i32,))),
        (_function([U8] * 17, U8), False, CoreSignature((i32,), (i32,), params_spilled=True)),
        (_function([U8] * 4, None), True, CoreSignature((i32,) * 4, (i32,))),
        (_function([U8] * 5, None), True, CoreSignature((i32,), (i32,), params_spilled=True)),
    ],
)
def test_lower_signature(function: Function, is_async: bool, expected: CoreSignature) -> None:
    assert lower_signature(function, is_async=is_async) == expected


@pytest.mark.parametrize(
    ("function", "form", "expected"),
    [
        (RUN, LiftForm.SYNC, CoreSignature((), (i32,))),
        (RUN, LiftForm.CALLBACK, CoreSignature((), (i32,))),
        (RUN, LiftForm.STACKFUL, CoreSignature((), ())),
        (HANDLE, LiftForm.SYNC, CoreSignature((i32,), (i32,), results_by_pointer=True)),
        (HANDLE, LiftForm.CALLBACK, CoreSignature((i32,), (i32,))),
        (HANDLE, LiftForm.STACKFUL, CoreSignature((i32,), ())),
        (WAIT_FOR, LiftForm.SYNC, CoreSignature((i64,), ())),
        (_function([U8] * 16, F32), LiftForm.SYNC, CoreSignature((i32,) * 16, (f32,))),
        (_function([U8] * 17, None), LiftForm.SYNC, CoreSignature((i32,), (), params_spilled=True)),
        (_function([U8] * 17, None), LiftForm.STACKFUL, CoreSignature((i32,), (), params_spilled=True)),
    ],
)
def test_lift_signature(function: Function, form: LiftForm, expected: CoreSignature) -> None:
    assert lift_signature(function, form) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (None, CoreSignature((), ())),
        (RUN.result, CoreSignature((i32,), ())),
        (HANDLE.result, CoreSignature((i32, i32, i32, i64, i32, i32, i32, i32), ())),
        (TupleType((U8,) * 16), CoreSignature((i32,) * 16, ())),
        (TupleType((U8,) * 17), CoreSignature((i32,), (), params_spilled=True)),
    ],
)
def test_task_return_signature(result: Type | None, expected: CoreSignature) -> None:
    assert task_return_signature(result) == expected


def test_a_stat_result_is_returned_flat() -> None:
    assert STAT.result is not None
    assert task_return_signature(STAT.result) == CoreSignature((i32,) * 5 + (i64, i64) + (i32, i64, i32) * 3, ())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(types())
def test_layout_invariants(t: Type) -> None:
    assert alignment(t) in (1, 2, 4, 8)
    assert elem_size(t) > 0
    assert elem_size(t) % alignment(t) == 0
    # A core value holds at most 8 bytes, and at least one byte of memory stands behind each.
    assert elem_size(t) >= len(flatten_type(t))
    plain = despecialize(t)
    assert (elem_size(plain), alignment(plain), flatten_type(plain)) == (elem_size(t), alignment(t), flatten_type(t))
    match plain:
        case RecordType():
            ends = [
                offset + elem_size(field.type)
                for field, offset in zip(fields_of(plain), field_offsets(plain), strict=True)
            ]
            assert all(o % alignment(f.type) == 0 for f, o in zip(fields_of(plain), field_offsets(plain), strict=True))
            assert all(end <= offset for end, offset in zip(ends, field_offsets(plain)[1:], strict=False))
            assert elem_size(plain) - ends[-1] < alignment(plain)
            assert len(flatten_type(plain)) == sum(len(flatten_type(field.type)) for field in fields_of(plain))
        case VariantType(_, cases):
            payloads = [case.type for case in cases if case.type is not None]
            assert all(payload_offset(plain) % alignment(payload) == 0 for payload in payloads)
            assert all(payload_offset(plain) + elem_size(payload) <= elem_size(plain) for payload in payloads)
            assert len(flatten_type(plain)) == 1 + max((len(flatten_type(p)) for p in payloads), default=0)
            for payload in payloads:
                flat = flatten_type(payload)
                assert all(join(a, b) == b for a, b in zip(flat, flatten_type(plain)[1:], strict=False))


def test_flags_size_of_each_count() -> None:
    assert [flags_size(flags_type(count)) for count in range(1, 33)] == [1] * 8 + [2] * 8 + [4] * 16
