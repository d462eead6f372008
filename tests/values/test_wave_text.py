"""Values to WAVE text, which values are the same, and types as text."""

import math

import pytest
from value_types import (
    ADDRESS,
    BORROW,
    BYTES,
    CREATED,
    DONE,
    ERROR,
    FUTURE,
    KEYED,
    OPEN,
    OPTIONAL,
    OWN,
    SOCKET_ADDRESS,
    STAT,
    STREAM,
    STRINGS,
    THREE,
    U64S,
)

from wasicheck.values import Handle, Record, Variant, format_value, same_value, type_text
from wasicheck.wit.types import (
    BOOL,
    CHAR,
    ERROR_CONTEXT,
    F32,
    F64,
    S8,
    STRING,
    U8,
    BorrowType,
    EnumType,
    FlagsType,
    FutureType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    VariantType,
)

ONE = TupleType((U8,))


@pytest.mark.parametrize(
    ("value", "type", "text"),
    [
        (True, BOOL, "true"),
        (False, BOOL, "false"),
        (-5, S8, "-5"),
        (0.1, F64, "0.1"),
        (0.10000000149011612, F32, "0.1"),
        (3.4028234663852886e38, F32, "3.40282347e+38"),
        (1e22, F64, "1e+22"),
        (math.nan, F64, "nan"),
        (math.inf, F32, "inf"),
        (-math.inf, F64, "-inf"),
        (-0.0, F32, "-0"),
        ("'", CHAR, r"'\''"),
        ("\0", CHAR, r"'\u{0}'"),
        ('say "hi"\n\u200b☃', STRING, r'"say \"hi\"\n\u{200b}☃"'),
        ((1, 2), U64S, "[1, 2]"),
        ((1,), ONE, "(1,)"),
        ((1, 2, 3, 4), ADDRESS, "(1, 2, 3, 4)"),
        (Record((("size", 1), ("at", Variant("none")), ("kind", Variant("none")))), STAT, "{size: 1}"),
        (Record((("size", 1), ("at", Variant("some", 2)), ("kind", Variant("none")))), STAT, "{size: 1, at: some(2)}"),
        (Record((("a", Variant("none")),)), OPTIONAL, "{:}"),
        (Variant("ok"), DONE, "ok"),
        (Variant("err", Variant("other", Variant("some", "x"))), DONE, 'err(other(some("x")))'),
        (Variant("ok"), KEYED, "%ok"),
        (frozenset(("exclusive", "create")), OPEN, "{create, exclusive}"),
        (frozenset(), OPEN, "{}"),
        (b"", BYTES, '""'),
        (b"a\tb\n", BYTES, r'"a\tb\n"'),
        (b"\xc3\xa9", BYTES, '"é"'),
        (b"\x00\xff", BYTES, 'hex("00 ff")'),
        (b"a\x00", BYTES, 'hex("61 00")'),
        (Handle(3), OWN, "<own tcp-socket 3>"),
        (Handle(3), BORROW, "<borrow tcp-socket 3>"),
        (Handle(4), STREAM, "<stream 4>"),
        (Handle(4), FUTURE, "<future 4>"),
        (Handle(5), ERROR_CONTEXT, "<error-context 5>"),
        (Variant("ok", Handle(1)), CREATED, "ok(<own tcp-socket 1>)"),
    ],
)
def test_format(value, type, text: str):
    assert format_value(value, type) == text


@pytest.mark.parametrize(
    ("value", "type", "limit", "text"),
    [
        ("a" * 100, STRING, 40, f'"{"a" * 20}"… (100 characters)'),
        (b"a" * 100, BYTES, 40, f'"{"a" * 20}"… (100 bytes)'),
        (b"\xff" * 100, BYTES, 40, 'hex("ff ff ff ff"… (100 bytes))'),
        (b"\xff" * 4, BYTES, 40, 'hex("ff ff ff ff")'),
        (b"abc", BYTES, 40, '"abc"'),
        (tuple(range(100)), U64S, 20, "[0, 1, 2, 3, 4, 5, …"),
        (tuple(range(100)), U64S, 30, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9…"),
        ((123456789,) * 3, U64S, 30, "[123456789, 123456789, … 1 mo…"),
        ((1, 2), U64S, 30, "[1, 2]"),
        ((1, 2, 3, 4), ADDRESS, 5, "(1, …"),
        (5, U8, 0, "…"),
    ],
)
def test_format_shortened(value, type, limit: int, text: str):
    assert format_value(value, type, max_length=limit) == text


def test_long_list_says_how_many_are_left():
    text = format_value(("x" * 30,) * 50, STRINGS, max_length=200)
    assert text.endswith('", … 45 more]')


@pytest.mark.parametrize(
    ("value", "type"),
    [("a", U8), (5, STRING), (5, BYTES), (True, U8), ((1,), OPEN), (Variant("ok"), ADDRESS), (b"a", U64S)],
)
def test_format_refuses_other_types(value, type):
    with pytest.raises(TypeError, match="is no value of"):
        format_value(value, type)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (0.0, -0.0, False),
        (1.5, 1.5, True),
        (math.nan, math.nan, True),
        (math.nan, 1.0, False),
        ((math.nan,), (math.nan,), True),
        ((1.0,), (1.0, 2.0), False),
        (Record((("a", 0.0),)), Record((("a", 0.0),)), True),
        (Record((("a", 0.0),)), Record((("a", -0.0),)), False),
        (Variant("a"), Variant("a"), True),
        (Variant("a"), Variant("b"), False),
        (Variant("a", 0.0), Variant("a", -0.0), False),
        (Variant("a", 0.0), Variant("a"), False),
        (b"a", b"a", True),
    ],
)
def test_same_value(a, b, same: bool):
    assert same_value(a, b) is same


def test_fields_of_a_record_value():
    record = Record((("a", 1), ("b", 2)))
    assert record["b"] == 2
    with pytest.raises(KeyError, match="c"):
        record["c"]


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (THREE, "list<u64, 3>"),
        (ResultType(None, None), "result"),
        (ResultType(U8, None), "result<u8>"),
        (DONE, "result<_, error-code>"),
        (CREATED, "result<own<tcp-socket>, error-code>"),
        (ADDRESS, "tuple<u8, u8, u8, u8>"),
        (RecordType(None, SOCKET_ADDRESS.fields), "record { port: u16, address: tuple<u8, u8, u8, u8> }"),
        (VariantType(None, ERROR.cases[:2]), "variant { access-denied, connection-refused }"),
        (EnumType(None, ("a", "b")), "enum { a, b }"),
        (FlagsType(None, ("a", "b")), "flags { a, b }"),
        (OPEN, "open-flags"),
        (BorrowType(OWN.resource), "borrow<tcp-socket>"),
        (STREAM, "stream<u8>"),
        (StreamType(None), "stream"),
        (FutureType(None), "future"),
        (FUTURE, "future<result<_, error-code>>"),
    ],
)
def test_type_text(type, text: str):
    assert type_text(type) == text
