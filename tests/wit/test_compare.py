"""Differences between two sets of packages, one mutation at a time."""

from __future__ import annotations

import pytest

from wasicheck.wit import compare, parse_sources, wasi
from wasicheck.wit.types import Wit

BASE = """package a:b@1.0.0;
interface t { record r { x: u8, y: u16 } }
@since(version = 1.0.0)
interface i {
  use t.{r};
  variant v { a, b(u8), c }
  enum e { a, b }
  flags f { a, b }
  resource q { constructor(); m: func(); s: static func(); }
  type n = list<u8>;
  type p = q;
  type o = v;
  @since(version = 1.0.0)
  g: func(a: u8, b: r) -> result<r, string>;
  h: func();
}
world w { import t; import k: func(p: u8); import l: t; export i; export j: interface {} }
"""

CASES = [
    ("x: u8", "x: u64", ["a:b/t@1.0.0#r: field x: expected u8, found u64"]),
    ("x: u8, ", "", ["a:b/t@1.0.0#r: field x is missing"]),
    ("y: u16", "y: u16, z: u8", ["a:b/t@1.0.0#r: field z is extra"]),
    ("x: u8, y: u16", "y: u16, x: u8", ["a:b/t@1.0.0#r: expected the fields in the order x, y, found y, x"]),
    ("a, b(u8), c", "a, b, c", ["a:b/i@1.0.0#v: case b: expected u8, found nothing"]),
    ("a, b(u8), c", "a, b(u8)", ["a:b/i@1.0.0#v: case c is missing"]),
    ("a, b(u8), c", "c, b(u8), a", ["a:b/i@1.0.0#v: expected the cases in the order a, b, c, found c, b, a"]),
    ("enum e { a, b }", "enum e { a, b, c }", ["a:b/i@1.0.0#e: case c is extra"]),
    ("flags f { a, b }", "flags f { b, a }", ["a:b/i@1.0.0#f: expected the flags in the order a, b, found b, a"]),
    ("flags f { a, b }", "enum f { a, b }", ["a:b/i@1.0.0#f: expected flags, found enum"]),
    ("flags f { a, b }", "type f = u8;", ["a:b/i@1.0.0#f: expected flags, found u8"]),
    ("type n = list<u8>", "type n = list<u8, 2>", ["a:b/i@1.0.0#n: expected list<u8>, found list<u8, 2>"]),
    ("type o = v", "type o = e", ["a:b/i@1.0.0#o: expected a:b/i@1.0.0#v, found a:b/i@1.0.0#e"]),
    ("type p = q;", "resource p;", ["a:b/i@1.0.0#p: expected a:b/i@1.0.0#q, found resource"]),
    ("type p = q;", "", ["a:b/i@1.0.0#p: type is missing"]),
    ("type p = q;", "type p = q; type z = q;", ["a:b/i@1.0.0#z: type is extra"]),
    ("constructor(); ", "", ["a:b/i@1.0.0#q.constructor: function is missing"]),
    (
        "m: func()",
        "m: static func()",
        [
            "a:b/i@1.0.0#q.m: expected a method function, found a static one",
            "a:b/i@1.0.0#q.m: parameter self is missing",
        ],
    ),
    ("h: func()", "h: async func()", ["a:b/i@1.0.0#h: expected func, found async func"]),
    ("h: func();", "h: func(); z: func();", ["a:b/i@1.0.0#z: function is extra"]),
    ("a: u8, b: r", "b: r, a: u8", ["a:b/i@1.0.0#g: expected the parameters in the order a, b, found b, a"]),
    ("a: u8, b: r", "a: u8, c: r", ["a:b/i@1.0.0#g: parameter b is missing", "a:b/i@1.0.0#g: parameter c is extra"]),
    ("a: u8, b: r", "a: s8, b: r", ["a:b/i@1.0.0#g: parameter a: expected u8, found s8"]),
    ("-> result<r, string>", "", ["a:b/i@1.0.0#g: result: expected result<a:b/t@1.0.0#r, string>, found nothing"]),
    ("h: func()", "h: func() -> u8", ["a:b/i@1.0.0#h: result: expected nothing, found u8"]),
    (
        "use t.{r};",
        "record r { x: u8, y: u16 }",
        [
            "a:b/i@1.0.0#r: expected a type used from a:b/t@1.0.0, found a type of its own",
            "a:b/i@1.0.0#g: parameter b: expected a:b/t@1.0.0#r, found a:b/i@1.0.0#r",
            "a:b/i@1.0.0#g: result: expected result<a:b/t@1.0.0#r, string>, found result<a:b/i@1.0.0#r, string>",
        ],
    ),
    (
        "@since(version = 1.0.0)\n  g",
        "@unstable(feature = f) @deprecated(version = 1.0.0)\n  g",
        [
            "a:b/i@1.0.0#g: gates: expected @since(version = 1.0.0), found @unstable(feature = f)"
            " @deprecated(version = 1.0.0)"
        ],
    ),
    (
        "enum e",
        "@since(version = 2.0.0) enum e",
        ["a:b/i@1.0.0#e: gates: expected none, found @since(version = 2.0.0)"],
    ),
    (
        "@since(version = 1.0.0)\ninterface",
        "interface",
        ["a:b/i@1.0.0: gates: expected @since(version = 1.0.0), found none"],
    ),
    ("import k: func(p: u8); ", "", ["a:b/w@1.0.0: k: import is missing"]),
    ("import k: func(p: u8)", "import k: func()", ["a:b/w@1.0.0: k: parameter p is missing"]),
    ("import k: func(p: u8)", "import k: t", ["a:b/w@1.0.0: k: expected a function, found a:b/t@1.0.0"]),
    ("import l: t", "import l: i", ["a:b/w@1.0.0: l: expected a:b/t@1.0.0, found a:b/i@1.0.0"]),
    (
        "export i",
        "@since(version = 1.0.0) export i",
        ["a:b/w@1.0.0: a:b/i@1.0.0: gates: expected none, found @since(version = 1.0.0)"],
    ),
    ("export i", "export i; export t", ["a:b/w@1.0.0: a:b/t@1.0.0: export is extra"]),
    ("world w", "@unstable(feature = f) world w", ["a:b/w@1.0.0: gates: expected none, found @unstable(feature = f)"]),
    ("world w", "world x {} world w", ["a:b/x@1.0.0: world is extra"]),
    ("world w", "interface x {} world w", ["a:b/x@1.0.0: interface is extra"]),
]


def parse(text: str) -> Wit:
    return parse_sources({"x.wit": text})


@pytest.mark.parametrize(("old", "new", "expected"), CASES, ids=[f"{old} → {new}" for old, new, _ in CASES])
def test_difference(old: str, new: str, expected: list[str]) -> None:
    assert BASE.count(old) == 1
    assert [str(d) for d in compare(parse(BASE), parse(BASE.replace(old, new)))] == expected


def test_no_difference() -> None:
    assert compare(parse(BASE), parse(BASE)) == ()
    assert compare(wasi(), wasi()) == ()


def test_order_of_declarations_does_not_count() -> None:
    lines = BASE.splitlines()
    reordered = "\n".join([lines[0], *lines[2:4], *reversed(lines[4:12]), *lines[14:16], lines[16], lines[1]])
    original = "\n".join([*lines[:12], *lines[14:]])
    assert compare(parse(original), parse(reordered)) == ()


def test_packages() -> None:
    one, two = parse("package a:b;"), parse("package a:c;")
    assert list(map(str, compare(one, two))) == ["a:b: package is missing", "a:c: package is extra"]
