"""What each construct of WIT means: its syntax, by the types and functions that come of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from wasicheck.wit import parse_sources, parse_type, type_text, wasi
from wasicheck.wit.types import (
    BOOL,
    CHAR,
    ERROR_CONTEXT,
    S64,
    STRING,
    U8,
    U32,
    BorrowType,
    Case,
    EnumType,
    Field,
    FlagsType,
    Function,
    FunctionKind,
    FutureType,
    Interface,
    ListType,
    OptionType,
    OwnType,
    Position,
    RecordType,
    ResourceType,
    ResultType,
    Stability,
    StreamType,
    TupleType,
    Type,
    TypeId,
    VariantType,
)

R = ResourceType(TypeId("a:b/i@1.2.3", "r"))


def interface(body: str) -> Interface:
    """Return the interface `a:b/i@1.2.3` with that body, which begins in line 1, column 1 of its file."""
    wit = parse_sources({"x.wit": "package a:b@1.2.3;", "y.wit": "interface i {\n" + body + "\n}"})
    return wit.interface("a:b/i@1.2.3")


def functions(body: str) -> Mapping[str, Function]:
    return interface(body).functions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((name, parse_type(name, interface(""), wasi())) for name in ("s8", "s16", "s32", "u16", "u64", "f32", "f64")),
        ("bool", BOOL),
        ("char", CHAR),
        ("string", STRING),
        ("error-context", ERROR_CONTEXT),
        ("list<u8>", ListType(U8)),
        ("list<u8, 4>", ListType(U8, 4)),
        ("list<u8, 4294967295>", ListType(U8, 4294967295)),
        ("option<list<u8>>", OptionType(ListType(U8))),
        ("result", ResultType(None, None)),
        ("result<u8>", ResultType(U8, None)),
        ("result<_, u8>", ResultType(None, U8)),
        ("result<u8, string>", ResultType(U8, STRING)),
        ("tuple<u8>", TupleType((U8,))),
        ("tuple<u8, u32, >", TupleType((U8, U32))),
        ("stream", StreamType(None)),
        ("stream<u8>", StreamType(U8)),
        ("future", FutureType(None)),
        ("future<result<_, u8>>", FutureType(ResultType(None, U8))),
        ("stream<stream<r>>", StreamType(StreamType(OwnType(R)))),
        ("r", OwnType(R)),
        ("own<r>", OwnType(R)),
        ("borrow<r>", BorrowType(R)),
        ("list<borrow<r>>", ListType(BorrowType(R))),
        ("alias", OwnType(R)),
        ("borrow<alias>", BorrowType(R)),
        ("lent", BorrowType(R)),
        ("%alias", OwnType(R)),
        ("/* a /* nested */ comment */ u8 // and more", U8),
    ],
)
def test_type_expression(text: str, expected: Type) -> None:
    scope = interface("resource r; type alias = r; type lent = borrow<r>;")
    assert parse_type(text, scope, wasi()) == expected
    function = functions(f"resource r; type alias = r; type lent = borrow<r>; f: func(x: {text}\n);")["f"]
    assert function.params == (Field("x", expected),)


def test_limit_of_nesting() -> None:
    text = "list<" * 99 + "u8" + ">" * 99
    assert type_text(parse_type(text, interface(""), wasi())) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type t = u8;", U8),
        ("type t = list<u8>;", ListType(U8)),
        (
            "record t { x: u8, %type: string }",
            RecordType(TypeId("a:b/i@1.2.3", "t"), (Field("x", U8), Field("type", STRING))),
        ),
        ("record t { x: u8, }", RecordType(TypeId("a:b/i@1.2.3", "t"), (Field("x", U8),))),
        (
            "variant t { a, HTTP-error(u8), b-2, c(option<string>), }",
            VariantType(
                TypeId("a:b/i@1.2.3", "t"),
                (Case("a", None), Case("HTTP-error", U8), Case("b-2", None), Case("c", OptionType(STRING))),
            ),
        ),
        ("enum t { a, b }", EnumType(TypeId("a:b/i@1.2.3", "t"), ("a", "b"))),
        ("flags t { a, b, }", FlagsType(TypeId("a:b/i@1.2.3", "t"), ("a", "b"))),
        ("resource t;", ResourceType(TypeId("a:b/i@1.2.3", "t"))),
        ("resource t {}", ResourceType(TypeId("a:b/i@1.2.3", "t"))),
        ("type t = later; type later = tuple<u8>;", TupleType((U8,))),
    ],
)
def test_type_declaration(text: str, expected: Type | ResourceType) -> None:
    definition = interface(text).types["t"]
    assert definition.type == expected
    assert definition.used_from is None
    assert definition.position is not None
    assert (definition.position.file, definition.position.line) == ("y.wit", 2)


def test_function() -> None:
    found = functions("f: func();\n  g-2: async func(a: u8, %record: string,) -> result<_, s64>;")
    assert found["f"] == Function(
        "a:b/i@1.2.3", "f", FunctionKind.FREESTANDING, None, (), None, False, position=Position("y.wit", 2, 1)
    )
    assert found["g-2"].params == (Field("a", U8), Field("record", STRING))
    assert found["g-2"].result == ResultType(None, S64)
    assert found["g-2"].is_async
    assert found["g-2"].position == Position("y.wit", 3, 3)


def test_resource_functions() -> None:
    found = functions(
        "resource r { constructor(a: u8); m: func(b: r); n: async func(); s: static func() -> r;"
        " t: static async func(this: borrow<r>); }"
    )
    assert list(found) == ["r.constructor", "r.m", "r.n", "r.s", "r.t"]
    self = Field("self", BorrowType(R))
    shapes = [(f.import_name, f.kind, f.params, f.result, f.is_async) for f in found.values()]
    assert shapes == [
        ("[constructor]r", FunctionKind.CONSTRUCTOR, (Field("a", U8),), OwnType(R), False),
        ("[method]r.m", FunctionKind.METHOD, (self, Field("b", OwnType(R))), None, False),
        ("[method]r.n", FunctionKind.METHOD, (self,), None, True),
        ("[static]r.s", FunctionKind.STATIC, (), OwnType(R), False),
        ("[static]r.t", FunctionKind.STATIC, (Field("this", BorrowType(R)),), None, True),
    ]
    assert {f.resource for f in found.values()} == {"r"}


def test_fallible_constructor() -> None:
    found = functions("resource r { constructor() -> result<r, string>; }")["r.constructor"]
    assert found.result == ResultType(OwnType(R), STRING)


def test_gates() -> None:
    found = interface(
        """
        @since(version = 1.0.0)
        type a = u8;
        @since(version = 1.0.0-rc.1+b) @deprecated(version = 1.2.0)
        b: func();
        @unstable(feature = new-things)
        resource r {
            @external-id("R \\" ☃")
            @since(version = 0.1.0)
            m: func();
            n: func();
        }
        @external-id("x") c: func();
        """
    )
    assert found.types["a"].stability == Stability(since="1.0.0")
    assert found.functions["b"].stability == Stability(since="1.0.0-rc.1+b", deprecated="1.2.0")
    assert found.types["r"].stability == Stability(unstable="new-things")
    assert found.functions["r.m"].stability == Stability(since="0.1.0")
    assert found.functions["r.n"].stability == Stability()
    assert found.functions["c"].stability == Stability()
    assert found.stability == Stability()


def test_external_id_needs_no_package_version() -> None:
    wit = parse_sources({"x.wit": 'package a:b; world w { @external-id("f") import f: func(); }'})
    assert [i.name for i in wit.world("a:b/w").imports] == ["f"]


def test_comments_and_white_space() -> None:
    text = "/// doc\r\npackage/**/a:b;//\n\tinterface/*/* */*/i{//x*/\n/** doc */f:func();}// end"
    assert list(parse_sources({"x.wit": text}).interface("a:b/i").functions) == ["f"]


def test_versions_in_paths_end_before_the_names() -> None:
    text = """
        package a:b@0.3.0-rc-2026-01-06.1+build.5;
        interface i { type t = u8; }
        interface j { use a:b/i@0.3.0-rc-2026-01-06.1+build.5.{t}; }
    """
    wit = parse_sources({"x.wit": text})
    assert list(wit.packages) == ["a:b@0.3.0-rc-2026-01-06.1+build.5"]
    assert wit.interface("a:b/j@0.3.0-rc-2026-01-06.1+build.5").types["t"].type == U8


@pytest.mark.parametrize("qualified", [False, True])
def test_type_text(qualified: bool) -> None:
    scope = wasi().interface("wasi:http/types@0.3.0")
    prefix = "wasi:http/types@0.3.0#" if qualified else ""
    for text in (
        "u8",
        "list<u8>",
        "list<u8, 4>",
        "option<string>",
        "result",
        "result<u8>",
        "result<_, u8>",
        "result<u8, bool>",
        "tuple<u8, char>",
        "stream",
        "stream<u8>",
        "future",
        "future<result<_, u8>>",
        "borrow<{}fields>",
        "{}fields",
        "{}error-code",
    ):
        type = parse_type(text.format(""), scope, wasi())
        assert type_text(type, qualified=qualified) == text.format(prefix)


@pytest.mark.parametrize(
    ("type", "expected"),
    [
        (RecordType(None, (Field("x", U8), Field("y", STRING))), "record { x: u8, y: string }"),
        (VariantType(None, (Case("a", None), Case("b", U8))), "variant { a, b(u8) }"),
        (EnumType(None, ("a", "b")), "enum { a, b }"),
        (FlagsType(None, ("a", "b")), "flags { a, b }"),
        (R, "r"),
    ],
)
def test_type_text_of_types_without_name(type: Type | ResourceType, expected: str) -> None:
    assert type_text(type) == expected
