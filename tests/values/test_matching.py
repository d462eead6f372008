"""Patterns against values: verdicts, captures and reasons."""

import math

import pytest
from value_types import (
    ADDRESS,
    BYTES,
    COPY,
    CREATED,
    ERROR,
    FAMILY,
    INSTANT,
    KEYED,
    MAYBE,
    OPEN,
    SIZE,
    SOCKET_ADDRESS,
    STAT,
    STREAM,
    STRINGS,
    U64S,
)

from wasicheck.values import Bindings, Handle, Record, Variant, match, parse_pattern
from wasicheck.wit.types import BOOL, CHAR, F64, S64, STRING, U8, U64, ListType, TupleType, Type

SCOPE = {"n": U64, "size": SIZE, "text": STRING, "then": INSTANT, "f": F64, "gone": U64, "list": U64S}
NOW = 1_700_000_000_000_000_000


def instant(seconds: int, nanoseconds: int) -> Record:
    return Record((("seconds", seconds), ("nanoseconds", nanoseconds)))


def address(port: int, *parts: int) -> Record:
    return Record((("port", port), ("address", parts)))


BINDINGS = Bindings(
    {"n": 7, "size": Variant("ok", 100), "text": "m", "then": instant(5, 500), "f": math.nan, "list": (1, 2)}, NOW
)
MATCHING = [
    ("_", U64, 5, {}),
    ("$x", U64, 5, {"x": 5}),
    ("$x @ 1..9", U64, 5, {"x": 5}),
    ("5", U64, 5, {}),
    ("nan", F64, math.nan, {}),
    ("true", BOOL, True, {}),
    ('"a"', STRING, "a", {}),
    ('repeat("ab", 4KiB)', BYTES, b"ab" * 4096, {}),
    ("ok($s)", CREATED, Variant("ok", Handle(3)), {"s": Handle(3)}),
    ("$s", STREAM, Handle(3), {"s": Handle(3)}),
    ("err(_)", SIZE, Variant("err", Variant("timeout")), {}),
    ("err(timeout)", SIZE, Variant("err", Variant("timeout")), {}),
    ("timeout | connection-reset", ERROR, Variant("connection-reset"), {}),
    ("completed($d) | dropped($d)", COPY, Variant("dropped", b"x"), {"d": b"x"}),
    ("%ok | plain", KEYED, Variant("ok"), {}),
    ("none", MAYBE, Variant("none"), {}),
    ("1..9", MAYBE, Variant("some", 5), {}),
    ("!5", MAYBE, Variant("some", 4), {}),
    ("!5", MAYBE, Variant("none"), {}),
    ("!= 5", MAYBE, Variant("none"), {}),
    ("{port: $p, ...}", SOCKET_ADDRESS, address(80, 1, 2, 3, 4), {"p": 80}),
    ("{size: 1}", STAT, Record((("size", 1), ("at", Variant("none")), ("kind", Variant("none")))), {}),
    ("(127, _, _, $last)", ADDRESS, (127, 0, 0, 1), {"last": 1}),
    ("{}", OPEN, frozenset(), {}),
    ("{create, exclusive}", OPEN, frozenset(("exclusive", "create")), {}),
    ("[]", U64S, (), {}),
    ("[1, $x]", U64S, (1, 2), {"x": 2}),
    ("[1, ...]", U64S, (1,), {}),
    ("[1, ...]", U64S, (1, 2, 3), {}),
    ("[..., 3]", U64S, (1, 2, 3), {}),
    ("[1, ..., 3]", U64S, (1, 3), {}),
    ("[_, 2, ...]", BYTES, b"\1\2\3", {}),
    ("1..9 & !5", U64, 6, {}),
    ("5..", U64, 5, {}),
    ("..5", U64, 5, {}),
    ("0.0..", F64, -0.0, {}),
    ("'a'..'z'", CHAR, "m", {}),
    ("$n + 3 .. $size.ok", U64, 10, {}),
    ("== $n", U64, 7, {}),
    ("== $f", F64, math.nan, {}),
    ("!= $n", U64, 8, {}),
    ("< $n", U64, 6, {}),
    ("<= $n", U64, 7, {}),
    ("> $n", U64, 8, {}),
    (">= $n + 1", U64, 8, {}),
    ("> $text", STRING, "n", {}),
    ("> $then", INSTANT, instant(5, 501), {}),
    ("> $then", INSTANT, instant(6, 0), {}),
    ("< (1, 2, 3, 4)", ADDRESS, (1, 2, 3, 3), {}),
    ("== $list", U64S, (1, 2), {}),
    ('prefix("ab")', STRING, "abc", {}),
    ('suffix("bc")', STRING, "abc", {}),
    ('contains("b")', STRING, "abc", {}),
    ('prefix("ab")', BYTES, b"abc", {}),
    ('suffix(hex("00"))', BYTES, b"a\0", {}),
    ('contains("b")', BYTES, b"abc", {}),
    ("prefix([1, 2])", U64S, (1, 2, 3), {}),
    ("suffix([2, 3])", U64S, (1, 2, 3), {}),
    ("contains([2])", U64S, (1, 2, 3), {}),
    ("contains([])", U64S, (), {}),
    ("suffix([])", U64S, (), {}),
    ("length(2)", STRING, "é☃", {}),
    ("length(3)", BYTES, "é!".encode(), {}),
    ("length(1..2)", U64S, (1,), {}),
    ('matches("[a-z]+")', STRING, "abc", {}),
    ('matches("\\u{e9}.")', BYTES, b"\xe9\xff", {}),
    ("unordered[1, 2]", U64S, (2, 1), {}),
    ("unordered[_, 1..2, 1]", U64S, (1, 2, 9), {}),
    ("unordered[1..3, 1..2, 1..1]", U64S, (1, 2, 3), {}),
    ("unordered[2..3, 1..3, 1..2]", U64S, (1, 2, 3), {}),
    ("unordered[1, ...]", U64S, (3, 2, 1), {}),
    ("unordered[]", U64S, (), {}),
    ("each(1..9)", U64S, (1, 9), {}),
    ("each(1)", U64S, (), {}),
    ("any(5)", U64S, (1, 5), {}),
    ("distinct", U64S, (1, 2), {}),
    ("distinct", ListType(F64), (0.0, -0.0, math.nan), {}),
    ("distinct", ListType(MAYBE), (Variant("none"), Variant("some", 1)), {}),
    ("distinct", ListType(SOCKET_ADDRESS), (address(1, 1, 1, 1, 1), address(1, 1, 1, 1, 2)), {}),
    ("ascending", U64S, (1, 1, 2), {}),
    ("ascending", ListType(INSTANT), (instant(1, 9), instant(2, 0)), {}),
    ("ascending", ListType(TupleType((U8, STRING))), ((1, "b"), (2, "a")), {}),
    ("gaps(2..3)", U64S, (1, 1, 3, 6), {}),
    ("bits-vary", BYTES, b"\x55\xaa", {}),
    ("bits-vary", U64S, (0, (1 << 64) - 1), {}),
    ("near-now(5s)", U64, NOW + 5_000_000_000, {}),
    ("near-now(5s)", S64, NOW - 5_000_000_000, {}),
    ("near-now(1us)", INSTANT, instant(1_700_000_000, 999), {}),
]


@pytest.mark.parametrize(("text", "type", "value", "captures"), MATCHING)
def test_match(text: str, type: Type, value, captures):
    outcome = match(parse_pattern(text, type, SCOPE), value, BINDINGS)
    assert outcome.ok, outcome.reason
    assert outcome.captures == captures
    assert outcome.reason == ""


DIFFERING = [
    ("5", U64, 6, "expected 5, observed 6"),
    ("0.0", F64, -0.0, "expected 0.0, observed -0.0"),
    ("nan", F64, 1.5, "expected nan, observed 1.5"),
    ("$x @ 5", U64, 6, "expected 5, observed 6"),
    ('"a"', STRING, "b", 'expected "a", observed "b"'),
    (
        "err(timeout)",
        SIZE,
        Variant("err", Variant("connection-reset")),
        ".err: expected timeout, observed connection-reset",
    ),
    ("err(timeout)", SIZE, Variant("ok", 5), "expected err(timeout), observed ok(5)"),
    ("err(_)", CREATED, Variant("ok", Handle(3)), "expected err(_), observed ok(<own tcp-socket 3>)"),
    (
        "err(timeout) | err(connection-reset)",
        SIZE,
        Variant("err", Variant("access-denied")),
        "expected err(timeout) | err(connection-reset), observed err(access-denied)",
    ),
    ("{port: 80, ...}", SOCKET_ADDRESS, address(81, 1, 2, 3, 4), ".port: expected 80, observed 81"),
    ("(127, _, _, 1)", ADDRESS, (127, 0, 0, 2), ".3: expected 1, observed 2"),
    ("{create}", OPEN, frozenset(), "expected {create}, observed {}"),
    ("[1, 2]", U64S, (1,), "expected 2 elements, observed 1: [1]"),
    ("[1]", U64S, (1, 2), "expected 1 element, observed 2: [1, 2]"),
    ("[1, 2, ...]", U64S, (1,), "expected at least 2 elements, observed 1: [1]"),
    ("[1, 2, ...]", U64S, (1, 3, 5), "[1]: expected 2, observed 3"),
    ("[1, ..., 5]", U64S, (1, 2, 3, 6), "[3]: expected 5, observed 6"),
    ("[{port: 1, ...}]", ListType(SOCKET_ADDRESS), (address(2, 0, 0, 0, 0),), "[0].port: expected 1, observed 2"),
    ("1..9 & !5", U64, 5, "expected !5, observed 5"),
    ("1..9", U64, 10, "expected 1..9, observed 10"),
    ("0.0..1.0", F64, math.nan, "expected 0.0..1.0, observed nan"),
    (
        "$n + 3 .. $size.ok",
        U64,
        5,
        "expected $n + 3 .. $size.ok where $n + 3 is 10, $size.ok is 100, observed 5",
    ),
    (">= $gone", U64, 5, "expected >= $gone, but `$gone` has no value"),
    ("== $n", U64, 8, "expected == $n where $n is 7, observed 8"),
    ("!= 7", U64, 7, "expected != 7, observed 7"),
    ("== some($n)", MAYBE, Variant("none"), "expected == some($n) where some($n) is some(7), observed none"),
    ("< $n", U64, 7, "expected < $n where $n is 7, observed 7"),
    ("<= $n", U64, 8, "expected <= $n where $n is 7, observed 8"),
    (
        "> $then",
        INSTANT,
        instant(5, 500),
        "expected > $then where $then is {seconds: 5, nanoseconds: 500}, observed {seconds: 5, nanoseconds: 500}",
    ),
    (">= 5.0", F64, math.nan, "expected >= 5.0, observed nan"),
    ('prefix("ab")', STRING, "bab", 'expected prefix("ab"), observed "bab"'),
    ('suffix("ab")', BYTES, b"aba", 'expected suffix("ab"), observed "aba"'),
    ('contains("x")', STRING, "aba", 'expected contains("x"), observed "aba"'),
    ("prefix([1])", U64S, (2, 1), "expected prefix([1]), observed [2, 1]"),
    ("suffix([1, 2, 3])", U64S, (2, 3), "expected suffix([1, 2, 3]), observed [2, 3]"),
    ("contains([1, 3])", U64S, (1, 2, 3), "expected contains([1, 3]), observed [1, 2, 3]"),
    ("length(2)", STRING, "abc", " length: expected 2, observed 3"),
    ('matches("[a-z]+")', STRING, "abc1", 'expected matches("[a-z]+"), observed "abc1"'),
    ("unordered[1, 2]", U64S, (1,), "expected 2 elements in any order, observed 1: [1]"),
    ("unordered[1]", U64S, (), "expected 1 element in any order, observed 0: []"),
    ("unordered[1, ...]", U64S, (), "expected at least 1 element in any order, observed 0: []"),
    ("unordered[1, 2]", U64S, (1, 1), "no element is left for 2, observed [1, 1]"),
    ("unordered[1..2, 1..2, 1..2]", U64S, (1, 2, 3), "no element is left for 1..2, observed [1, 2, 3]"),
    ("each(1..9)", U64S, (1, 10), "[1]: expected 1..9, observed 10"),
    ("any(5)", U64S, (1, 2), "expected any(5), observed [1, 2]"),
    ("distinct", U64S, (1, 2, 1), "[2]: expected distinct elements, observed 1 at [0] too"),
    ("distinct", ListType(F64), (math.nan, math.nan), "[1]: expected distinct elements, observed nan at [0] too"),
    (
        "distinct",
        ListType(MAYBE),
        (Variant("some", 1), Variant("some", 1)),
        "[1]: expected distinct elements, observed some(1) at [0] too",
    ),
    ("ascending", STRINGS, ("b", "a"), '[1]: expected ascending elements, observed "a" after "b"'),
    ("gaps(2..3)", U64S, (1, 3, 7), "[2] gap: expected 2..3, observed 4"),
    ("gaps(2..3)", U64S, (3, 1), "[1] gap: expected 2..3, observed -2"),
    ("bits-vary", BYTES, b"\x01\x03", "expected every bit as 0 and as 1, observed bit 0 never change in 2 elements"),
    ("bits-vary", BYTES, b"\x0f\x30", "expected every bit as 0 and as 1, observed bit 6 never change in 2 elements"),
    ("entropy(uniform)", BYTES, b"abc", "not uniformly random: 3 bytes are too few to tell; it takes 64"),
    (
        "near-now(5s)",
        U64,
        NOW + 5_000_000_001,
        "expected near-now(5s), observed 1700000005000000001, 5.000 s after it was received",
    ),
    (
        "near-now(1s)",
        INSTANT,
        instant(1_699_999_998, 0),
        "expected near-now(1s), observed {seconds: 1699999998, nanoseconds: 0}, 2.000 s before it was received",
    ),
]


@pytest.mark.parametrize(("text", "type", "value", "reason"), DIFFERING)
def test_differ(text: str, type: Type, value, reason: str):
    outcome = match(parse_pattern(text, type, SCOPE), value, BINDINGS)
    assert not outcome.ok
    assert outcome.reason == reason
    assert outcome.captures == {}


def test_path_of_a_keyword_case():
    type = ListType(TupleType((SIZE,)))
    outcome = match(parse_pattern("[(ok(5),)]", type, {}), ((Variant("ok", 6),),), BINDINGS)
    assert outcome.reason == "[0].0.ok: expected 5, observed 6"


def test_missing_case_of_an_earlier_result():
    pattern = parse_pattern("== $size.err", ERROR, SCOPE)
    outcome = match(pattern, Variant("timeout"), BINDINGS)
    assert outcome.reason == "expected == $size.err, but `$size.err` has no value: there is no `.err`"


@pytest.mark.parametrize(
    ("wanted", "value", "reason"),
    [
        (
            'repeat("ab", 8KiB)',
            b"ab" * 4096 + b"X" + b"ab" * 4096,
            'differs at offset 8192 (lengths 16384 and 16385): expected "abababababababab", '
            'observed "Xabababababababa" there',
        ),
        (
            'repeat("ab", 8KiB)',
            b"ab" * 8000,
            'differs at offset 16000 (lengths 16384 and 16000): expected "abababababababab", observed "" there',
        ),
        (
            f'"{"a" * 100}"',
            b"a" * 99 + b"\0",
            'differs at offset 99: expected "a", observed hex("00") there',
        ),
    ],
)
def test_long_bytes_are_told_apart_where_they_differ(wanted: str, value: bytes, reason: str):
    assert match(parse_pattern(wanted, BYTES, {}), value, BINDINGS).reason == reason


def test_long_patterns_and_values_are_shortened():
    pattern = parse_pattern(" | ".join(str(i) for i in range(100)), U64, {})
    outcome = match(pattern, 500, BINDINGS)
    assert len(outcome.reason) < 200
    assert outcome.reason.endswith("…, observed 500")


def test_any_order_is_no_greedy_choice():
    # Pattern i takes elements 0 to i, and the widest come first: each greedy choice has to be undone.
    count = 60
    text = ", ".join(f"0..{i}" for i in reversed(range(count)))
    pattern = parse_pattern(f"unordered[{text}]", U64S, {})
    assert match(pattern, tuple(range(count)), BINDINGS).ok
    assert not match(pattern, (0, *range(1, count - 1), count), BINDINGS).ok


def test_enum_patterns():
    assert match(parse_pattern("!ipv4", FAMILY, {}), Variant("ipv6"), Bindings()).ok
