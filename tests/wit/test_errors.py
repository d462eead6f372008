"""Every mistake in WIT gives one line that says where, what and how to mend it; nothing else is ever raised."""

from __future__ import annotations

import contextlib
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasicheck.wit import WitError, parse_folder, parse_sources, parse_type, wasi

CASES = re.findall(r"^# (.+)\n((?:.*\n)+?)=> (.+)$", (Path(__file__).parent / "errors.txt").read_text(), re.MULTILINE)
STDIN = wasi().interface("wasi:cli/stdin@0.3.0")


def error_of(*sources: str) -> str:
    """Return the error of WIT files, called `x.wit`, `y.wit` and so on."""
    with pytest.raises(WitError) as caught:
        parse_sources({f"{name}.wit": text for name, text in zip("xyz", sources, strict=False)})
    return str(caught.value)


def interface(body: str) -> str:
    return "package a:b;\ninterface i {\n" + body + "\n}"


def test_the_table_is_read() -> None:
    assert len(CASES) > 80


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_wit(source: str, expected: str) -> None:
    assert error_of(source.removesuffix("\n")) == expected


GENERATED = [
    pytest.param(
        "package a:b;\n// \x07",
        "2:4: expected WIT text, found the forbidden character U+0007; remove it",
        id="control code",
    ),
    pytest.param(
        "package a:b; // \u202e",
        "1:17: expected WIT text, found the forbidden character U+202E; remove it",
        id="bidirectional override",
    ),
    pytest.param(
        interface("flags f { " + ", ".join(f"x{i}" for i in range(33)) + " }"),
        "3:161: expected at most 32 flags, found 33; split them into several types",
        id="too many flags",
    ),
    pytest.param(
        interface("type t = " + "list<" * 101 + "u8" + ">" * 101 + ";"),
        "3:510: expected a less deeply nested type, found `list`; at most 100 levels are supported",
        id="deep in one expression",
    ),
    pytest.param(
        interface("type t = " + "list<" * 100_000),
        "3:510: expected a less deeply nested type, found `list`; at most 100 levels are supported",
        id="deep without end",
    ),
    pytest.param(
        interface("type t0 = u8;\n" + "\n".join(f"type t{n + 1} = option<t{n}>;" for n in range(100))),
        "103:6: expected a smaller type, found one of depth 101 made of 101 types;"
        " at most 100 levels and 100000 types are supported",
        id="deep through names",
    ),
    pytest.param(
        interface("type t0 = u8;\n" + "\n".join(f"type t{n + 1} = tuple<t{n}, t{n}>;" for n in range(17))),
        "19:6: expected a smaller type, found one of depth 17 made of 131071 types;"
        " at most 100 levels and 100000 types are supported",
        id="exponentially wide through names",
    ),
    pytest.param(
        interface("f: func(x: t" + "9" * 5000 + ");"),
        "3:12: expected a type, found the unknown name `t" + "9" * 58 + "…`; declare it, or `use` it",
        id="a very long name",
    ),
    pytest.param(
        interface("f: func(x: list<u8, " + "9" * 5000 + ">);"),
        "3:21: expected a list length, found `" + "9" * 59 + "…`; it is a number from 1 to 4294967295",
        id="a very long number",
    ),
    pytest.param(
        interface("\n".join(f"type t{n} = t{(n + 1) % 2000};" for n in range(2000))),
        "3:11: expected types without a cycle, found `t0` → `t1` → `t2` → `t3` → `t4` → … → `t0`;"
        " take one of these references out",
        id="a long cycle",
    ),
]


@pytest.mark.parametrize(("source", "expected"), GENERATED)
def test_generated_bad_wit(source: str, expected: str) -> None:
    assert error_of(source) == f"x.wit:{expected}"


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param(
            ("package a:b;", "package a:c;"),
            "y.wit:1:1: expected the package `a:b`, found `a:c`; see x.wit:1:1: a folder holds one package",
            id="two packages in one folder",
        ),
        pytest.param(
            ("package a:b; interface i {}", "interface I {}"),
            "y.wit:1:11: expected a new name, found `I` a second time;"
            " `i` is declared at x.wit:1:24, and names may not differ by case alone",
            id="one name in two files",
        ),
        pytest.param(
            ("package a:b; use c; interface c {}", "interface d { use e.{t}; }"),
            "x.wit:1:31: expected a new name, found `c` a second time; `c` is declared at x.wit:1:18",
            id="an alias and an interface of one file",
        ),
        pytest.param(
            ("package a:b; use c as e; interface c { type t = u8; }", "interface d { use e.{t}; }"),
            "y.wit:1:19: expected an interface of `a:b`, found the unknown name `e`;"
            " declare it, or name its package: `namespace:package/e`",
            id="an alias of another file",
        ),
    ],
)
def test_errors_across_files(sources: tuple[str, ...], expected: str) -> None:
    assert error_of(*sources) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eror-code", "1:1: expected a type, found the unknown name `eror-code`; did you mean `error-code`?"),
        (
            "list<tcp-socket>",
            "1:6: expected a type in the scope of `wasi:cli/stdin@0.3.0`, found `tcp-socket`;"
            " it belongs to wasi:sockets/types@0.3.0",
        ),
        (
            "borrow<error-code>",
            "1:8: expected a resource, found the type `error-code`; only resources have borrow handles",
        ),
        ("list<u8", "1:8: expected `>`, found the end of the text"),
        ("u8 u8", "1:4: expected the end of the type, found `u8`"),
        ("", "1:1: expected a type, found the end of the text"),
    ],
)
def test_bad_type_expression(text: str, expected: str) -> None:
    with pytest.raises(WitError) as caught:
        parse_type(text, STDIN, wasi())
    assert str(caught.value) == f"<type>:{expected}"


def test_folder_without_wit(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(WitError) as caught:
            parse_folder(folder)
        expected = "expected a folder with .wit files, found none; give the folder that has them"
        assert str(caught.value) == f"{folder}:1:1: {expected}"


def test_file_that_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "a.wit"
    file.write_bytes(b"package a:b;\n// \xff")
    with pytest.raises(WitError) as caught:
        parse_folder(tmp_path)
    assert str(caught.value) == f"{file}:2:4: expected UTF-8, found the byte 0xff; save the file as UTF-8"


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.wit").mkdir()
    with pytest.raises(WitError, match=r"a\.wit:1:1: expected a readable file, found: Is a directory$"):
        parse_folder(tmp_path)


def test_error_survives_pickling() -> None:
    error = WitError("a.wit", 1, 2, "message", "hint")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "a.wit:1:2: message; hint"
    assert (copy.file, copy.line, copy.column, copy.message, copy.hint) == ("a.wit", 1, 2, "message", "hint")


VALID = """package a:b@1.0.0;
use x:y/z@1.0.0 as zz; /* a /* b */ c */
interface t { record r { x: u8, %type: option<string> } variant v { a, B-c(list<r, 4>) } enum e { x } flags f { y } }
@since(version = 1.0.0) interface i {
  use t.{r as s}; resource q { constructor(a: s) -> result<q>; m: async func(b: borrow<q>); n: static func() -> q; }
  @unstable(feature = f) g: func(a: tuple<stream<u8>, future, result<_, s>>) -> char;
}
world v { import p: func(); export i; }
world w { include v with { p as o } import j: interface { use zz.{d}; } import t; @external-id("e") export k: t; }
package x:y@1.0.0 { interface z { type d = u64; } }
"""
PIECES = [*re.findall(r"\s+|[A-Za-z0-9-]+|.", VALID), "//", "/*", '"', "\\", "é", "\x00", "_", "%", "map", "own", "99"]


def test_the_valid_text_is_valid() -> None:
    assert set(parse_sources({"x.wit": VALID}).packages) == {"a:b@1.0.0", "x:y@1.0.0"}


def only_wit_errors(text: str) -> None:
    """Read `text`, and check that an error points into it."""
    try:
        parse_sources({"x.wit": text})
    except WitError as caught:
        error = caught
    else:
        return
    assert "\n" not in str(error)
    assert 1 <= error.line <= text.count("\n") + 1
    assert 1 <= error.column <= len(text.split("\n")[error.line - 1]) + 1


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
@settings(max_examples=200, deadline=None)
def test_any_text_raises_nothing_but_wit_errors(text: str) -> None:
    only_wit_errors(text)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_mutated_wit_raises_nothing_but_wit_errors(data: st.DataObject) -> None:
    pieces = PIECES[:-11]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(pieces)))
        end = data.draw(st.integers(start, min(start + 3, len(pieces))))
        pieces = [*pieces[:start], *data.draw(st.lists(st.sampled_from(PIECES), max_size=3)), *pieces[end:]]
    only_wit_errors("".join(pieces))


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
@settings(max_examples=100, deadline=None)
def test_any_type_expression_raises_nothing_but_wit_errors(text: str) -> None:
    with contextlib.suppress(WitError):
        parse_type(text, STDIN, wasi())
