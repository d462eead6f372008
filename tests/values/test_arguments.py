"""Argument text to checked arguments, their text, and their evaluation."""

import pytest
from value_types import (
    ADDRESS,
    BORROW,
    BYTES,
    COPY,
    CREATED,
    DONE,
    ERROR,
    FOUR,
    FUTURE,
    MAYBE,
    OPEN,
    OTHER,
    OWN,
    SIZE,
    SOCKET_ADDRESS,
    STAT,
    STREAM,
    STRINGS,
    THREE,
    U64S,
)

from wasicheck.values import (
    Bytes,
    Chunk,
    Constant,
    ExpressionError,
    FieldStep,
    Handle,
    IndexStep,
    ListArgument,
    MissingValue,
    Offset,
    PayloadStep,
    Record,
    RecordArgument,
    Reference,
    TupleArgument,
    Variant,
    VariantArgument,
    WritableEnd,
    check_argument,
    evaluate,
    format_argument,
    parse_argument,
    parse_call,
    parse_reference,
)
from wasicheck.wit.types import STRING, U8, U16, U64, ListType, OptionType, TupleType

SCOPE = {
    "n": U64,
    "port": U16,
    "byte": U8,
    "sock": OWN,
    "created": CREATED,
    "size": SIZE,
    "done": DONE,
    "server": SOCKET_ADDRESS,
    "stat": STAT,
    "dirs": ListType(TupleType((OWN, STRING))),
    "three": THREE,
    "maybe": MAYBE,
    "copy": COPY,
    "in-1": STREAM,
    "later": FUTURE,
    "out": WritableEnd(STREAM),
    "answer": WritableEnd(FUTURE),
}
N = Reference(U64, "n", (), "$n")
PORT = Reference(U16, "server", (FieldStep("port"),), "$server.port")
VALUES = {
    "n": 7,
    "port": 80,
    "byte": 255,
    "sock": Handle(3),
    "size": Variant("ok", 5),
    "done": Variant("err", Variant("timeout")),
    "server": Record((("port", 80), ("address", (1, 2, 3, 4)))),
    "dirs": ((Handle(1), "/a"), (Handle(2), "/b")),
    "three": (1, 2, 3),
    "maybe": Variant("none"),
    "copy": Variant("completed", b"abc"),
}


@pytest.mark.parametrize(
    ("text", "type", "argument"),
    [
        ("5", U64, Constant(U64, 5)),
        ("$n", U64, N),
        ("($n)", U64, N),
        ("$n + 5ms", U64, Offset(U64, N, 5_000_000)),
        ("$n - 1", U64, Offset(U64, N, -1)),
        ("$n -1", U64, Offset(U64, N, -1)),
        ("$n + 1us - 1 + -2", U64, Offset(U64, N, 997)),
        ("$server.port", U16, PORT),
        ("$server.%port", U16, Reference(U16, "server", (FieldStep("port"),), "$server.%port")),
        ("$server.address.3", U8, Reference(U8, "server", (FieldStep("address"), IndexStep(3)), "$server.address.3")),
        ("$dirs[10].1", STRING, Reference(STRING, "dirs", (IndexStep(10), IndexStep(1)), "$dirs[10].1")),
        ("$three[2]", U64, Reference(U64, "three", (IndexStep(2),), "$three[2]")),
        ("$size.ok", U64, Reference(U64, "size", (PayloadStep("ok"),), "$size.ok")),
        ("$size.err", ERROR, Reference(ERROR, "size", (PayloadStep("err"),), "$size.err")),
        ("$maybe.some", U64, Reference(U64, "maybe", (PayloadStep("some"),), "$maybe.some")),
        (
            "$copy.completed[1]",
            U8,
            Reference(U8, "copy", (PayloadStep("completed"), IndexStep(1)), "$copy.completed[1]"),
        ),
        ("$sock", OWN, Reference(OWN, "sock", (), "$sock")),
        ("$sock", BORROW, Reference(OWN, "sock", (), "$sock")),
        ("$dirs[0].0", BORROW, Reference(OWN, "dirs", (IndexStep(0), IndexStep(0)), "$dirs[0].0")),
        ("$in-1", STREAM, Reference(STREAM, "in-1", (), "$in-1")),
        ("$later", FUTURE, Reference(FUTURE, "later", (), "$later")),
        ("$maybe", MAYBE, Reference(MAYBE, "maybe", (), "$maybe")),
        ("$n", MAYBE, VariantArgument(MAYBE, "some", N)),
        ("some($n)", MAYBE, VariantArgument(MAYBE, "some", N)),
        ("$n + 1", SIZE, VariantArgument(SIZE, "ok", Offset(U64, N, 1))),
        (
            "{port: $server.port, address: (127, 0, 0, 1)}",
            SOCKET_ADDRESS,
            RecordArgument(SOCKET_ADDRESS, (("port", PORT), ("address", Constant(ADDRESS, (127, 0, 0, 1))))),
        ),
        (
            "{size: $n}",
            STAT,
            RecordArgument(
                STAT,
                (
                    ("size", N),
                    ("at", Constant(MAYBE, Variant("none"))),
                    ("kind", Constant(STAT.fields[2].type, Variant("none"))),
                ),
            ),
        ),
        (
            "(1, $byte, 3, 4)",
            ADDRESS,
            TupleArgument(
                ADDRESS,
                (Constant(U8, 1), Reference(U8, "byte", (), "$byte"), Constant(U8, 3), Constant(U8, 4)),
            ),
        ),
        ("[1, $n]", U64S, ListArgument(U64S, (Constant(U64, 1), N))),
        ("[$byte]", BYTES, ListArgument(BYTES, (Reference(U8, "byte", (), "$byte"),))),
        ("{create}", OPEN, Constant(OPEN, frozenset(("create",)))),
        ("ok(5)", SIZE, Constant(SIZE, Variant("ok", 5))),
        ('repeat("ab", 4KiB)', BYTES, Bytes(BYTES, (Chunk(b"ab", 8192),))),
        ("pattern(16MiB)", BYTES, Bytes(BYTES, (Chunk(bytes(range(251)), 16 << 20),))),
        (
            'concat("x", repeat("ab", 4KiB))',
            BYTES,
            Bytes(BYTES, (Chunk(b"x", 1), Chunk(b"ab", 8192))),
        ),
        (
            'completed(repeat("a", 8KiB))',
            COPY,
            VariantArgument(COPY, "completed", Bytes(BYTES, (Chunk(b"a", 8192),))),
        ),
    ],
)
def test_parse(text: str, type, argument):
    parsed = parse_argument(text, type, SCOPE)
    assert parsed == argument
    assert parse_argument(format_argument(parsed), type, SCOPE) == parsed


@pytest.mark.parametrize(
    ("text", "type", "column", "message"),
    [
        ("$nn", U64, 0, "unknown name `$nn`; did you mean `$n`?"),
        ("{port: 80, address: (1, $x, 3, 4)}", SOCKET_ADDRESS, 24, "unknown name `$x`"),
        ("$n-1", U64, 0, "unknown name `$n-1`; write `$n - 1` to subtract"),
        ("$port", U64, 0, "`$port` is u16; expected u64"),
        ("$port", MAYBE, 0, "`$port` is u16; expected option<u64>"),
        ("$n", OptionType(MAYBE), 0, "`$n` is u64; expected option<option<u64>>"),
        ("$size", U64, 0, "`$size` is result<u64, error-code>; expected u64; write `$size.ok` for its payload"),
        (
            "$created",
            BORROW,
            0,
            "`$created` is result<own<tcp-socket>, error-code>; expected borrow<tcp-socket>; "
            "write `$created.ok` for its payload",
        ),
        ("$done", U64, 0, "`$done` is result<_, error-code>; expected u64"),
        ("$out", BYTES, 0, "`$out` is the writable end of a stream; expected list<u8>"),
        ("$out", STREAM, 0, "`$out` is the writable end of a stream; expected stream<u8>"),
        ("$answer.ok", U64, 0, "`$answer` is the writable end of a future; expected u64"),
        ("$sock + 1", OWN, 0, "`$sock` is own<tcp-socket>; only integers take `+` and `-`"),
        ("$n + 1.5", U64, 5, "expected an integer to add to u64, found `1.5`"),
        ("$n + x", U64, 5, "expected a number to add, found `x`"),
        ("$n +", U64, 4, "expected a number to add, found the end"),
        (
            "$server.prot",
            U16,
            0,
            "`$server` is socket-address, which has no `.prot`; did you mean `.port`? it has: .port, .address",
        ),
        (
            "$server.address.4",
            U8,
            0,
            "`$server.address` is tuple<u8, u8, u8, u8>, which has no `.4`; it has: .0, .1, .2, .3",
        ),
        (
            "$server.address.99999999999",
            U8,
            0,
            "`$server.address` is tuple<u8, u8, u8, u8>, which has no `.99999999999`; it has: .0, .1, .2, .3",
        ),
        (
            "$server.address[0]",
            U8,
            0,
            "`$server.address` is tuple<u8, u8, u8, u8>, which has no `[0]`; it has: .0, .1, .2, .3",
        ),
        ("$three[3]", U64, 0, "`$three` is list<u64, 3>, which has no `[3]`; did you mean `[0]`? it has: [0]"),
        ("$dirs.0", OWN, 0, "`$dirs` is list<tuple<own<tcp-socket>, string>>, which has no `.0`; it has: [0]"),
        ("$done.ok", U64, 0, "`$done` is result<_, error-code>, which has no `.ok`; it has: .err"),
        ("$done.err.timeout", U64, 0, "`$done.err` is error-code, which has no `.timeout`; it has: .other"),
        ("$n.x", U64, 0, "`$n` is u64, which has no `.x`"),
        ("_", U64, 0, "expected a value of type u64, found the pattern `_`"),
        ("[$byte, 1]", FOUR, 0, "list<u8, 4> has 4 elements, 2 are given"),
    ],
)
def test_refuse(text: str, type, column: int, message: str):
    with pytest.raises(ExpressionError) as caught:
        parse_argument(text, type, SCOPE)
    assert str(caught.value) == message
    assert caught.value.column == column


def test_another_resource_is_no_borrow():
    with pytest.raises(ExpressionError, match="is own<tcp-socket>; expected borrow<udp-socket>"):
        parse_argument("$sock", type(BORROW)(OTHER), SCOPE)


def test_few_known_names_are_listed():
    with pytest.raises(ExpressionError) as caught:
        parse_argument("$zz", U64, {"a": U64, "b": U64})
    assert caught.value.hint == "known names are: $a, $b"


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        ("5", U64, 5),
        ("$n", U64, 7),
        ("$n - 8", U64, -1),
        ("$server.port + 1", U16, 81),
        ("$server.address.2", U8, 3),
        ("$dirs[1].1", STRING, "/b"),
        ("$dirs[1].0", BORROW, Handle(2)),
        ("$copy.completed[2]", U8, 99),
        ("$n", MAYBE, Variant("some", 7)),
        ("{port: $port, address: $server.address}", SOCKET_ADDRESS, VALUES["server"]),
        ("($byte, 2, 3, 4)", ADDRESS, (255, 2, 3, 4)),
        ("[1, $n]", U64S, (1, 7)),
        ("[$byte, 1]", BYTES, b"\xff\x01"),
        ("[$byte + 1]", BYTES, b"\x00"),
        ('repeat("ab", 3000)', BYTES, b"ab" * 3000),
        ('[$dirs[0].1, "c"]', STRINGS, ("/a", "c")),
    ],
)
def test_evaluate(text: str, type, value):
    assert evaluate(parse_argument(text, type, SCOPE), VALUES) == value


@pytest.mark.parametrize(
    ("text", "type", "message"),
    [
        ("$later", FUTURE, "`$later` has no value"),
        ("$size.err", ERROR, "`$size.err` has no value: there is no `.err`"),
        ("$done.err.other", OptionType(STRING), "`$done.err.other` has no value: there is no `.other`"),
        ("$dirs[2].0", OWN, "`$dirs[2].0` has no value: there is no `[2]`"),
        ("$copy.completed[3] + 1", U8, "`$copy.completed[3]` has no value: there is no `[3]`"),
        ("[$copy.dropped]", ListType(BYTES), "`$copy.dropped` has no value: there is no `.dropped`"),
    ],
)
def test_missing_value(text: str, type, message: str):
    with pytest.raises(MissingValue) as caught:
        evaluate(parse_argument(text, type, SCOPE), VALUES)
    assert str(caught.value) == message


def test_long_bytes_stay_unmaterialised():
    argument = parse_argument('concat(repeat("x", 16MiB), pattern(500))', BYTES, {})
    assert isinstance(argument, Bytes)
    assert argument.length == (16 << 20) + 500
    assert argument.chunks == (Chunk(b"x", 16 << 20), Chunk(bytes(range(251)), 500))
    assert argument.materialise().endswith(b"x" + (bytes(range(251)) * 2)[:500])


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [("$sock", "sock", ()), ("$dirs[0].0", "dirs", (IndexStep(0), IndexStep(0)))],
)
def test_reference(text: str, name: str, path):
    reference = parse_reference(text, SCOPE)
    assert (reference.type, reference.name, reference.path) == (OWN, name, path)
    assert "".join(map(str, path)) == "[0]" * len(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "expected a reference, found `5`; write `$name`"),
        ("$n + 1", "expected a reference, found `$n`; write `$name`"),
        ("$out", "`$out` is the writable end of a stream; expected a value"),
    ],
)
def test_no_reference(text: str, message: str):
    with pytest.raises(ExpressionError) as caught:
        parse_reference(text, SCOPE)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "callee", "column", "types", "values"),
    [
        ("now", "now", 0, (), ()),
        (" now()", "now", 1, (), ()),
        ("tcp-socket.create(ipv4)", "tcp-socket.create", 0, (STRING,), None),
        ("$sock.connect(5, [1, 2],)", "$sock.connect", 0, (U64, U64S), (5, (1, 2))),
        ("$dirs[0].0.%open(\n  5 // comment\n)", "$dirs[0].0.%open", 0, (U64,), (5,)),
    ],
)
def test_call(text: str, callee: str, column: int, types, values):
    call = parse_call(text)
    assert (call.callee, call.column, len(call.arguments)) == (callee, column, len(types))
    if values is not None:
        checked = tuple(check_argument(a, t, {}) for a, t in zip(call.arguments, types, strict=True))
        assert tuple(evaluate(a, {}) for a in checked) == values


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 0, "expected a call; write `function(…)` or `$resource.method(…)`"),
        ("5", 0, "expected a call; write `function(…)` or `$resource.method(…)`"),
        ("f(1", 3, "expected `,` or `)`, found the end"),
        ("f(1) 2", 5, "unexpected `2` after the expression"),
        ("f g", 2, "unexpected `g` after the expression"),
    ],
)
def test_no_call(text: str, column: int, message: str):
    with pytest.raises(ExpressionError) as caught:
        parse_call(text)
    assert (str(caught.value), caught.value.column) == (message, column)


def test_steps_as_text():
    assert [str(s) for s in (FieldStep("a"), IndexStep(1), PayloadStep("ok"))] == [".a", "[1]", ".ok"]
