"""YAML with places: scalars of every style, and what is not YAML at all."""

import re

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from wasicheck.vectors.columns import Columns, resolve_row
from wasicheck.vectors.scalars import locate
from wasicheck.vectors.source import MAX_NESTING, Node, VectorError, compose, suggest


def node(text):
    return compose(text, "v.yaml")


def value(text):
    return node(text).entries("a thing")["a"][1]


def fails(call, *arguments, **more):
    with pytest.raises(VectorError) as caught:
        call(*arguments, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("a: one X two", "X"),
        ("a: one\n   two X", "X"),
        ("a: 'it''s X'", "X"),
        ("a: 'one\n\n\n  two X'", "X"),
        ('a: "\\"\\\\X"', "X"),
        ('a: "\\x41\\u00e9\\U0001F600 X"', "X"),
        ('a: "\\x20\\t\\n\\_ \\L X"', "X"),
        ('a: "one \\\n   two X"', "X"),
        ("a: &anchor 'X'", "X"),
        ("a: !!str &b X", "X"),
        ("a: |\n  one\n   two X\n", "X"),
        ("a: >-\n  one\n  two\n\n  three X", "X"),
        ("a: |2 # comment\n    one\n  X\n", "X"),
        ("é: '𝄞X'", "X"),
        ("a: [b, c]\nd: 'X'", "X"),
    ],
)
def test_a_place_in_a_scalar(text, mark):
    key = "d" if "d:" in text else "é" if "é" in text else "a"
    scalar = node(text).entries("a thing")[key][1].node
    line, column = locate(text, scalar, scalar.value.index(mark))
    assert text.splitlines()[line - 1][column - 1] == mark


def test_a_place_behind_a_scalar():
    scalar = value("a: 'xy '").node
    assert locate("a: 'xy '", scalar, 3) == (1, 7)
    assert locate("a: ''", value("a: ''").node, 0) == (1, 5)


@given(st.text("ab \n'\"\\:é\t#", max_size=30), st.sampled_from(["'", '"', "|", ">", None]), st.data())
def test_places_are_right_in_every_style(content, style, data):
    text = yaml.dump({"a": content}, default_style=style, allow_unicode=True)
    found = value(text)
    assume(found.node.value == content)
    offset = data.draw(st.integers(0, max(0, len(content) - 1)))
    line, column = locate(text, found.node, offset)
    lines = text.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1
    if content and content[offset] in "abé:#":
        assert lines[line - 1][column - 1] == content[offset]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: \x01", "v.yaml:1:4: not YAML: control characters are not allowed"),
        ("a: b\nc: \x01", "v.yaml:2:4: not YAML: control characters are not allowed"),
        ("a: 'b", "v.yaml:1:6: not YAML: found unexpected end of stream"),
        ("{\n" * (MAX_NESTING + 1001), f"v.yaml:{MAX_NESTING + 1}:1: nested more than {MAX_NESTING} deep"),
    ],
)
def test_what_is_not_yaml(text, error):
    assert fails(compose, text, "v.yaml") == error


def test_nesting_that_the_parser_itself_may_refuse():
    found = re.fullmatch(r"v\.yaml:1:([0-9]+): nested more than 200 deep", fails(compose, "{" * 1_201, "v.yaml"))
    assert found is not None
    assert int(found[1]) > MAX_NESTING


def test_nesting_is_counted_and_not_brackets():
    assert node("[" + "[], " * 2000 + "]").is_sequence


def test_aliases_are_taken_for_what_they_stand_for():
    found = node("a: &x {b: [1]}\nc: [*x, *x]").entries("a thing")["c"][1]
    assert [list(n.entries("a thing")) for n in found.sequence("things")] == [["b"], ["b"]]


def test_kinds():
    found = node("{a: {}, b: [], c: x, d: }")
    parts = {key: part for key, (_, part) in found.entries("a thing").items()}
    assert [p.is_mapping for p in parts.values()] == [True, False, False, False]
    assert [p.is_sequence for p in parts.values()] == [False, True, False, False]
    assert [p.is_absent for p in parts.values()] == [False, False, False, True]
    assert (found.keys, parts["b"].keys, parts["b"].written) == (("a", "b", "c", "d"), (), "[]")
    assert fails(parts["a"].sequence, "x") == "v.yaml:1:5: expected x, a list, found a mapping"
    assert fails(parts["b"].entries, "x") == "v.yaml:1:12: expected x, a mapping, found a list"
    assert fails(parts["d"].entries, "x") == "v.yaml:1:25: expected x, a mapping, found nothing"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("007", 7), ("4KiB", 4096), ("2MiB", 1 << 21), ("1GiB", 1 << 30)],
)
def test_an_integer(text, expected):
    assert value(f"a: {text}").integer("n", 0, 1 << 30) == expected


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "''", "4 KiB", "1TiB", "٣", "2GiB"])
def test_no_integer(text):
    assert "expected n, an integer from 0 to 1073741824, found" in fails(value(f"a: {text}").integer, "n", 0, 1 << 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0ns", 0),
        ("1.5us", 1500),
        ("50ms", 50_000_000),
        ("2s", 2_000_000_000),
        ("0.1ns", 0),
        ("0.123456789s", 123456789),
    ],
)
def test_a_duration(text, expected):
    assert value(f"a: {text}").duration("t") == expected


@pytest.mark.parametrize("text", ["5", "5m", "s", "1e3s", "-1s", "1.0000000001s", "10000000000s", "٣s"])
def test_no_duration(text):
    assert fails(value(f"a: {text}").duration, "t").startswith("v.yaml:1:4: ")


def test_words():
    assert value("a: true").boolean("b")
    assert not value("a: false").boolean("b")
    assert "`true` or `false`, found `True`" in fails(value("a: True").boolean, "b")
    assert fails(value("a: x").choice, "c", ["xy"]) == "v.yaml:1:4: expected c, found `x`; did you mean `xy`? one of xy"


def test_suggestions():
    assert suggest("abd", ["abc", "x"]) == "did you mean `abc`? one of abc, x"
    assert suggest("q", [f"a{i}" for i in range(13)]) is None
    assert suggest("q", []) is None
    assert suggest("a1", [f"a{i}" for i in range(13)]) == "did you mean `a1`?"


def test_a_long_text_is_shortened():
    assert len(fails(value(f"a: {'x' * 5000}").boolean, "b")) < 200


# --- columns ---------------------------------------------------------------------------------------------------


def test_columns_are_put_in():
    columns = Columns({"a": "one", "b-c": ""}, "row")
    assert columns.replaced("{a}{b-c}{d} {read, write}") == "one{d} {read, write}"
    assert ("a" in columns, "d" in columns) == (True, False)


def test_columns_of_other_rows():
    columns = Columns({"a": "1"}, "row", ("a", "b"))
    assert (columns.missing("{a}{c}"), columns.missing("{a}{b}")) == (None, "b")
    assert Columns({"i": "2"}, "round").within(columns).missing("{i}{b}") == "b"
    inner = Columns({"i": "2"}, "round").within(None)
    assert (inner.origin, inner.missing("{b}")) == ("round", None)


@given(st.lists(st.sampled_from(["{a}", "{b}", "x", "{", "é"]), max_size=8), st.text("xyz", max_size=4))
def test_offsets_behind_columns(parts, replacement):
    columns = Columns({"a": replacement, "b": "long text"}, "row")
    text = "".join(parts)
    for index, character in enumerate(text):
        before = columns.replaced(text[:index])
        if character == "x" and columns.replaced(text).startswith(before):
            assert columns.original_offset(text, len(before)) in (index, text.rfind("{", 0, index))


def test_rows_refer_to_what_stands_behind():
    assert resolve_row({"a": "{b}{b}", "b": "<{c}>", "c": "x{a}"}) == {"a": "<x{a}><x{a}>", "b": "<x{a}>", "c": "x{a}"}


def test_keys_take_columns_too():
    found = node("{'{k}': 1}")
    placed = Node(found.document, found.node, Columns({"k": "key"}, "row"))
    assert placed.keys == ("key",)
    assert list(placed.mapping("a thing", ("key",))) == ["key"]
