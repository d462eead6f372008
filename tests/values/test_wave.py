"""WAVE text to values and back."""

import math
import re

import pytest
from value_types import (
    ADDRESS,
    BORROW,
    BYTES,
    CREATED,
    DONE,
    ERROR,
    FAMILY,
    FOUR,
    FUTURE,
    KEYED,
    MAYBE,
    MAYBE_TWICE,
    OPEN,
    OPTIONAL,
    OWN,
    PREFIXED,
    SIZE,
    SOCKET_ADDRESS,
    STAT,
    STREAM,
    STRINGS,
    THREE,
    U64S,
)

from wasicheck.values import ExpressionError, Handle, Record, Variant, format_value, parse_value, same_value, type_text
from wasicheck.wit.types import (
    BOOL,
    CHAR,
    ERROR_CONTEXT,
    F32,
    F64,
    S8,
    S32,
    STRING,
    U8,
    U16,
    U32,
    U64,
    BorrowType,
    EnumType,
    FlagsType,
    FutureType,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    VariantType,
)

ONE = TupleType((U8,))


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("true", BOOL, True),
        ("false", BOOL, False),
        (" 5 // five", U8, 5),
        ("// five\n5", U8, 5),
        ("-128", S8, -128),
        ("-0", U8, 0),
        ("18446744073709551615", U64, (1 << 64) - 1),
        ("50ms", U64, 50_000_000),
        ("5s", U64, 5_000_000_000),
        ("10us", U16, 10_000),
        ("3ns", U8, 3),
        ("-1us", S32, -1000),
        ("4KiB", U32, 4096),
        ("4MiB", U32, 4 << 20),
        ("1GiB", U32, 1 << 30),
        ("1", F64, 1.0),
        ("-1.5e3", F64, -1500.0),
        ("1E-2", F64, 0.01),
        ("inf", F64, math.inf),
        ("-inf", F32, -math.inf),
        ("0.1", F32, 0.10000000149011612),
        ("'x'", CHAR, "x"),
        ("'☃'", CHAR, "☃"),
        (r"'\''", CHAR, "'"),
        ("'\"'", CHAR, '"'),
        (r"'\u{1F44B}'", CHAR, "\U0001f44b"),
        (r"'\u{00000041}'", CHAR, "A"),
        (r"'\n'", CHAR, "\n"),
        ('""', STRING, ""),
        (r'"abc\t123\"\\\'\r\n\u{e9}"', STRING, "abc\t123\"\\'\r\né"),
        ('"// no comment"', STRING, "// no comment"),
        ('"""\nA single line\n"""', STRING, "A single line"),
        ('"""\r\n  two\r\n   lines\r\n  """', STRING, "two\n lines"),
        ('"""\n  a\\tb\n\n"c" ""\\""\n"""', STRING, '  a\tb\n\n"c" """"'),
        ('"""\n"""', STRING, ""),
        ("[]", U64S, ()),
        ("[1, 2,]", U64S, (1, 2)),
        ("[1, 2, 3]", THREE, (1, 2, 3)),
        ('["a", "b"]', STRINGS, ("a", "b")),
        ("(127, 0, 0, 1)", ADDRESS, (127, 0, 0, 1)),
        ("(1)", ONE, (1,)),
        ("(1,)", ONE, (1,)),
        ("((1,))", ONE, "error: expected u8, found a tuple"),
        ("(5)", U8, 5),
        ("{port: 80, address: (1, 2, 3, 4)}", SOCKET_ADDRESS, Record((("port", 80), ("address", (1, 2, 3, 4))))),
        ("{address: (1, 2, 3, 4,), %port: 80,}", SOCKET_ADDRESS, Record((("port", 80), ("address", (1, 2, 3, 4))))),
        ("{size: 1}", STAT, Record((("size", 1), ("at", Variant("none")), ("kind", Variant("none"))))),
        (
            "{size: 1, kind: ipv4, at: some(3)}",
            STAT,
            Record((("size", 1), ("at", Variant("some", 3)), ("kind", Variant("some", Variant("ipv4"))))),
        ),
        ("{:}", OPTIONAL, Record((("a", Variant("none")),))),
        ("timeout", ERROR, Variant("timeout")),
        ("%timeout", ERROR, Variant("timeout")),
        ('other("x")', ERROR, Variant("other", Variant("some", "x"))),
        ("other(none)", ERROR, Variant("other", Variant("none"))),
        ("%ok", KEYED, Variant("ok")),
        ("plain", KEYED, Variant("plain")),
        ('prefix("a")', PREFIXED, Variant("prefix", "a")),
        ("length", PREFIXED, Variant("length")),
        ("none", MAYBE, Variant("none")),
        ("some(5)", MAYBE, Variant("some", 5)),
        ("5", MAYBE, Variant("some", 5)),
        ("some(none)", MAYBE_TWICE, Variant("some", Variant("none"))),
        ("some(5)", MAYBE_TWICE, Variant("some", Variant("some", 5))),
        ("%none", OptionType(EnumType(None, ("none", "some"))), Variant("some", Variant("none"))),
        ("5", SIZE, Variant("ok", 5)),
        ("err(timeout)", SIZE, Variant("err", Variant("timeout"))),
        ("ok", DONE, Variant("ok")),
        ("ok", ResultType(None, None), Variant("ok")),
        ("err", ResultType(U8, None), Variant("err")),
        ("{}", OPEN, frozenset()),
        ("{exclusive, %create,}", OPEN, frozenset(("create", "exclusive"))),
        ("[79, 75]", BYTES, b"OK"),
        ('"é"', BYTES, b"\xc3\xa9"),
        ('hex("00 fF")', BYTES, b"\x00\xff"),
        ('hex("")', BYTES, b""),
        ('repeat("ab", 3)', BYTES, b"ababab"),
        ('repeat("ab", 0)', BYTES, b""),
        ('repeat("", 9)', BYTES, b""),
        ('repeat(repeat("ab", 2), 2)', BYTES, b"abababab"),
        ('repeat(concat("a", "b"), 2)', BYTES, b"abab"),
        ("repeat(pattern(2), 2)", BYTES, b"\x00\x01\x00\x01"),
        ("pattern(0)", BYTES, b""),
        ("pattern(300)", BYTES, bytes(range(251)) + bytes(range(49))),
        ('concat("a", [98], hex("63"), ("d"))', BYTES, b"abcd"),
        ("concat()", BYTES, b""),
        ('"abcd"', FOUR, b"abcd"),
        ('some("x")', OptionType(BYTES), Variant("some", b"x")),
    ],
)
def test_parse(text: str, type, value):
    if isinstance(value, str) and value.startswith("error: "):
        with pytest.raises(ExpressionError, match=re.escape(value.removeprefix("error: "))):
            parse_value(text, type)
    else:
        parsed = parse_value(text, type)
        assert parsed == value
        assert parsed.__class__ is value.__class__


def test_nan():
    assert math.isnan(parse_value("nan", F64))
    assert same_value(parse_value("nan", F32), math.nan)


def test_long_bytes():
    assert parse_value("pattern(8KiB)", BYTES) == (bytes(range(251)) * 33)[:8192]
    assert parse_value('[repeat("x", 8KiB)]', ListType(BYTES)) == (b"x" * 8192,)


@pytest.mark.parametrize(
    ("text", "type", "column", "message"),
    [
        ("", U8, 0, "expected an expression, found the end"),
        ("5 6", U8, 2, "unexpected `6` after the expression"),
        ("256", U8, 0, "`256` is out of range of u8; it holds 0 to 255"),
        ("-1", U8, 0, "`-1` is out of range of u8; it holds 0 to 255"),
        ("5s", U32, 0, "`5s` is out of range of u32; it holds 0 to 4294967295"),
        ("1" * 401, U64, 0, f"`{'1' * 39}…` is out of range of u64; it holds 0 to 18446744073709551615"),
        ("1.5", U8, 0, "expected u8, an integer, found `1.5`"),
        ("-inf", U8, 0, "expected u8, an integer, found `-inf`"),
        ("007", U8, 0, "malformed number `007`; write decimal digits, without leading zeros"),
        ("[1, 5x]", U64S, 4, "malformed number `5x`; write decimal digits, without leading zeros"),
        ('"5"', U8, 0, "expected u8, found a string"),
        ("1e999", F64, 0, "`1e999` is out of range of f64; write `inf` or `-inf`"),
        ("1e39", F32, 0, "`1e39` is out of range of f32; write `inf` or `-inf`"),
        ("5ms", F64, 0, "f64 takes no unit, found `5ms`"),
        ("[]", F64, 0, "expected f64, found a list"),
        ("hello", STRING, 0, "expected string, found `hello`; put text between quotes"),
        ("'a'", STRING, 0, "expected string, found a char"),
        ('"a"', CHAR, 0, "expected char, found a string"),
        ("'ab'", CHAR, 0, 'malformed char; a char is one character or escape between single quotes; strings take `"`'),
        ('"abc', STRING, 0, 'unterminated string; close it with `"`, or write a line break in it as `\\n`'),
        ('"""abc"', STRING, 0, 'unterminated multiline string; close it with `"""` on a line of its own'),
        ('"""abc"""', STRING, 0, 'a multiline string begins with `"""` and a line break and ends with both'),
        ('"""\nabc"""', STRING, 0, 'a multiline string begins with `"""` and a line break and ends with both'),
        ('"""\n  a\n b\n  """', STRING, 8, 'a line is indented less than the closing `"""` (2 spaces)'),
        ('"""\n  a\\x\n  """', STRING, 7, "unknown escape `\\x`; escapes are \\' \\\" \\\\ \\t \\n \\r and \\u{…}"),
        (r'"a\x41"', STRING, 2, "unknown escape `\\x`; escapes are \\' \\\" \\\\ \\t \\n \\r and \\u{…}"),
        (r"'\u{d800}'", CHAR, 1, "`\\u{d800}` is not a Unicode scalar value"),
        (r'"\u{110000}"', STRING, 1, "`\\u{110000}` is not a Unicode scalar value"),
        (r'"\u{1000000000}"', STRING, 1, "`\\u{1000000000}` is not a Unicode scalar value"),
        ('"\ud800"', STRING, 1, "a surrogate is not a Unicode scalar value"),
        ("#", U8, 0, "unexpected character `#`"),
        ("\x01", U8, 0, "unexpected character `\\u{1}`"),
        ("%", U8, 0, "`%` without a label"),
        ("true", U8, 0, "expected u8, found `true`"),
        ("%true", BOOL, 0, "expected bool, found `true`"),
        ("(1, 2)", ADDRESS, 0, "tuple<u8, u8, u8, u8> has 4 elements, 2 are given"),
        ("[1]", ADDRESS, 0, "expected tuple<u8, u8, u8, u8>, found a list"),
        ("[1, 2]", THREE, 0, "list<u64, 3> has 3 elements, 2 are given"),
        ('"abc"', FOUR, 0, "list<u8, 4> has 4 elements, 3 are given"),
        ("[1 2]", U64S, 3, "expected `,` or `]`, found `2`"),
        ("[1, 2", U64S, 5, "expected `,` or `]`, found the end"),
        ("[,]", U64S, 1, "expected an expression, found `,`"),
        ("[1, ...]", U64S, 4, "`...` is for patterns; a value gives every element"),
        ("...", U64S, 0, "expected an expression, found `...`; `...` is for the rest of a list or record"),
        ('"a"', U64S, 0, "expected list<u64>, found a string"),
        ("hello", BYTES, 0, 'expected list<u8>, found `hello`; write a string, `[1, 2]` or `hex("00 ff")`'),
        ('hex("0")', BYTES, 4, '`hex` takes a string of pairs of hexadecimal digits; as in `hex("00 ff")`'),
        ("hex(00)", BYTES, 4, "malformed number `00`; write decimal digits, without leading zeros"),
        ("hex(1)", BYTES, 4, '`hex` takes a string of pairs of hexadecimal digits; as in `hex("00 ff")`'),
        ("pattern()", BYTES, 0, "`pattern` takes 1 argument, 0 are given; write `pattern(<length>)`"),
        ('repeat("a")', BYTES, 0, "`repeat` takes 2 arguments, 1 are given; write `repeat(<bytes>, <count>)`"),
        ('repeat("ab", 1GiB)', BYTES, 0, "2147483648 bytes are too many; the limit is 268435456"),
        ("pattern(1GiB)", BYTES, 0, "1073741824 bytes are too many; the limit is 268435456"),
        ("[1, 256]", BYTES, 4, "`256` is out of range of u8; it holds 0 to 255"),
        ("concat(5)", BYTES, 7, "expected list<u8>, found `5`"),
        ("{port: 80}", SOCKET_ADDRESS, 0, "socket-address lacks the field `address`"),
        ("{:}", SOCKET_ADDRESS, 0, "socket-address lacks the fields `port`, `address`"),
        (
            "{prot: 80}",
            SOCKET_ADDRESS,
            1,
            "socket-address has no field `prot`; did you mean `port`? its fields are: port, address",
        ),
        ("{port: 80, port: 81}", SOCKET_ADDRESS, 11, "field `port` is given twice"),
        ("{port, address}", SOCKET_ADDRESS, 0, "expected socket-address, found flags; write `{field: value}`"),
        ("{}", OPTIONAL, 0, "expected optional, found flags; write `{:}` for a record without fields given"),
        ("{size: 1, ...}", STAT, 0, "`...` is for patterns; a value gives every field"),
        ("{a: 1, b}", STAT, 8, "expected `:`, found `}`"),
        ("{b, a: 1}", STAT, 5, "expected `,` or `}`, found `:`"),
        ("{a b}", OPEN, 3, "expected `,` or `}`, found `b`"),
        ("{: a}", OPEN, 3, "expected `}`, found `a`"),
        ("{1: 2}", STAT, 1, "expected a label, found `1`"),
        ("{..., a: 1}", STAT, 6, "expected `}`, found `a`"),
        ("{a, ...}", OPEN, 0, "`...` cannot follow flags; a pattern of flags is the exact set"),
        (
            "{creat}",
            OPEN,
            1,
            "`creat` is no flag of open-flags; did you mean `create`? its flags are: create, directory, exclusive",
        ),
        ("{create, create}", OPEN, 9, "flag `create` is given twice"),
        ("{:}", OPEN, 0, "expected open-flags, found a record; write `{}` for no flags"),
        ("{create: true}", OPEN, 0, "expected open-flags, found a record"),
        (
            "connection-refusd",
            ERROR,
            0,
            "`connection-refusd` is no case of error-code; did you mean `connection-refused`? its cases are: "
            "access-denied, connection-refused, connection-reset, timeout, other",
        ),
        ("ipv5()", FAMILY, 0, "`ipv5` is no case of ip-address-family; did you mean `ipv6`? its cases are: ipv4, ipv6"),
        (
            "zzz",
            EnumType(None, tuple(f"case-{i}" for i in range(9))),
            0,
            "`zzz` is no case of enum { case-0, case-1, case-2, case-3, case-4, case-5, case-6, case-7, case-8 }",
        ),
        ("timeout(5)", ERROR, 0, "case `timeout` of error-code has no payload; write `timeout`"),
        ("other", ERROR, 0, "case `other` of error-code has one payload, of type option<string>; write `other(…)`"),
        ("%other()", ERROR, 0, "case `other` of error-code has one payload, of type option<string>; write `%other(…)`"),
        ("some(1, 2)", MAYBE, 0, "case `some` of option<u64> has one payload, of type u64; write `some((…, …))`"),
        ("ok", KEYED, 0, "`ok` is a keyword; the case of keyed is written with `%`; write `%ok`"),
        ("5", ERROR, 0, "expected error-code, found `5`"),
        ("5", MAYBE_TWICE, 0, "expected option<option<u64>>, found `5`; write one of `none`, `some(…)`"),
        ("5", DONE, 0, "expected result<_, error-code>, found `5`; write one of `ok`, `err(…)`"),
        (
            "%some(5)",
            MAYBE_TWICE,
            0,
            "`some` is no case of option<option<u64>>; did you mean `some`? its cases are: none, some",
        ),
        ("<own tcp-socket 3>", OWN, 0, "a handle cannot be written as text; capture it and refer to it by name"),
        (
            "3",
            OWN,
            0,
            "expected own<tcp-socket>, found `3`; a handle has no text form; capture it and refer to it by name",
        ),
        ("3", ERROR_CONTEXT, 0, "expected error-context, found `3`"),
        ("$x", U8, 0, "unknown name `$x`; no name is known here"),
        ("$", U8, 0, "`$` without a name; write `$name`"),
        ("_", U8, 0, "expected a value of type u8, found the pattern `_`"),
        ("$x @ _", U8, 0, "expected a value of type u8, found a capture"),
        ("1..2", U8, 0, "expected a value of type u8, found a range"),
        ("..2", U8, 0, "expected a value of type u8, found a range"),
        ("< 2", U8, 0, "expected a value of type u8, found a comparison"),
        ("1 | 2", U8, 0, "expected a value of type u8, found alternatives"),
        ("1 & 2", U8, 0, "expected a value of type u8, found a conjunction"),
        ("!1", U8, 0, "expected a value of type u8, found a negation"),
        ("unordered[1]", U64S, 0, "expected list<u64>, found `unordered[…]`"),
        ("5 = 6", U8, 2, "unexpected `=`; write `==` to compare"),
        ("5 @ 6", U8, 2, "`@` must follow the name of a capture; write `$name @ pattern`"),
        ("(1, ...)", TupleType((U8, U8)), 4, "expected u8, found `...`"),
        ("[" * 70, U8, 65, "nested more than 64 deep"),
        ("!" * 70, U8, 65, "nested more than 64 deep"),
    ],
)
def test_refuse(text: str, type, column: int, message: str):
    with pytest.raises(ExpressionError) as caught:
        parse_value(text, type)
    assert (str(caught.value), caught.value.column) == (message, column)
    assert "\n" not in str(caught.value)


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
