"""Other values of a type, and the text of observed values back to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from strategies import typed_values
from value_types import BYTES, ERROR, OWN, STAT

from wasicheck.values import Handle, Variant, format_value, parse_pattern, parse_value, same_value
from wasicheck.values.captures import named_cases
from wasicheck.values.mutants import hints_of, mutants, simplest
from wasicheck.values.observed import parse_observed
from wasicheck.wit import parse_type, wasi
from wasicheck.wit.types import F64, STRING, U8, U32, FutureType, ListType, ResultType, StreamType, TupleType, Type

SOCKETS = wasi().interface("wasi:sockets/types@0.3.0")
LOOKUP = wasi().interface("wasi:sockets/ip-name-lookup@0.3.0")


def texts(value: str, type: Type) -> list[str]:
    return [f"{mutant.part} {format_value(mutant.value, type)}" for mutant in mutants(parse_value(value, type), type)]


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        (parse_type("bool", SOCKETS, wasi()), "true", [" false"]),
        (U8, "5", [" 6", " 4", " 0", " 255"]),
        (U8, "0", [" 1", " 255"]),
        (F64, "1.5", [" 0.0", " -1.5", " 2.5", " inf", " nan"]),
        (parse_type("char", SOCKETS, wasi()), "'x'", [" 'a'", " 'z'", " 'y'"]),
        (STRING, '"ab"', [' "bb"', ' "aa"', ' "a"', ' ""', ' "abx"']),
        (STRING, '""', [' "x"']),
        (BYTES, '"abc"', [' "`bc"', ' "acc"', ' "abb"', ' "ab"', ' ""', ' "abcx"']),
        (ListType(U8, 2), '"ab"', [' "`b"', ' "ac"']),
        (ListType(U32), "[]", [" [0]", " [1]", " [4294967295]"]),
        (ListType(U8, 1), '"a"', [' "`"']),
        (ListType(STRING, 2), '["", "a"]', [' ["a", ""]', ' ["x", "a"]', ' ["", "b"]', ' ["", ""]', ' ["", "ax"]']),
        (TupleType((U8, STRING)), '(0, "")', [' (1, "")', ' (255, "")', ' (0, "x")']),
        (OWN, None, []),
    ],
)
def test_other_values_of_types_without_cases(type: Type, value: str | None, expected: list[str]) -> None:
    if value is None:
        assert mutants(Handle(3), type) == ()
    else:
        assert texts(value, type) == expected


def test_the_cases_that_lead_to_a_value_are_parts_of_their_own() -> None:
    type = ResultType(U8, parse_type("error-code", LOOKUP, wasi()))
    assert texts("ok(5)", type)[:2] == [" err(access-denied)", " err(invalid-argument)"]
    assert texts("ok(5)", type)[3:] == [".ok ok(6)", ".ok ok(4)", ".ok ok(0)", ".ok ok(255)"]
    parts = texts('err(other(some("x")))', type)
    assert " ok(0)" in parts
    assert ".err err(invalid-argument)" in parts
    assert ".err.other err(other(none))" in parts
    assert '.err.other.some err(other(some("")))' in parts


def test_what_patterns_mention_is_tried_in_the_innermost_part_that_differs() -> None:
    type = ResultType(BYTES, ERROR)
    pattern = parse_pattern('ok(!prefix("x") & != $before)', type, {"before": BYTES})
    hints = hints_of([pattern], {"before": b"earlier"})
    found = [(mutant.part, mutant.value) for mutant in mutants(Variant("ok", b"ab"), type, hints)]
    assert (".ok", Variant("ok", b"earlier")) in found
    assert (".ok", Variant("ok", b"xab")) in found
    whole = parse_pattern("!= $before", type, {"before": type})
    for before, part in ((Variant("ok", b"no"), ".ok"), (Variant("err", Variant("timeout")), "")):
        hinted = mutants(Variant("ok", b"ab"), type, hints_of([whole], {"before": before}))
        assert (part, before) in [(mutant.part, mutant.value) for mutant in hinted]
    assert not any(hints_of([whole], {}).values.values()), "a reference that leads nowhere mentions nothing"


@given(typed_values())
def test_mutants_are_other_values_of_the_type(typed) -> None:
    type, (value,) = typed
    for mutant in mutants(value, type):
        assert not same_value(mutant.value, value)
        format_value(mutant.value, type)  # raises TypeError for anything else


@given(typed_values())
def test_the_simplest_value_is_of_the_type(typed) -> None:
    type, _ = typed
    assert same_value(parse_value(format_value(simplest(type), type), type), simplest(type))


@given(typed_values())
def test_observed_text_is_read_back(typed) -> None:
    type, (value,) = typed
    read = parse_observed(format_value(value, type), type)
    assert read is not None
    assert same_value(read, value)


@pytest.mark.parametrize("length", [257, 1000, 100_000])
@pytest.mark.parametrize("unit", [b"x", bytes(range(251)), bytes(range(200, 251)) + bytes(range(200)), b"ab\xff"])
def test_long_bytes_that_repeat_themselves_are_read_back(unit: bytes, length: int) -> None:
    value = (unit * length)[:length]
    text = format_value(value, BYTES)
    assert len(text) < 3000
    assert parse_observed(text, BYTES) == value
    other = value[:-1] + b"\x00"
    assert parse_observed(format_value(other, BYTES), BYTES) == other


HANDLES = TupleType((STRING, ListType(OWN), StreamType(U8), FutureType(U8)))


def test_handles_are_read_back_by_their_index() -> None:
    value = ("<own tcp-socket 9>", (Handle(3), Handle(4)), Handle(5), Handle(6))
    assert parse_observed(format_value(value, HANDLES), HANDLES) == value
    two = TupleType((StreamType(U8), StreamType(U32)))
    assert parse_observed("(<stream 1>, <stream 2>)", two) == (Handle(1), Handle(2))


@pytest.mark.parametrize(
    "text",
    [
        "not reached",
        '("a", [], <stream 1>, <stream 2>)',
        '("a", [<own nothing 1>], <stream 1>, <future 1>)',
        '("a", […',
        "",
    ],
)
def test_what_is_no_whole_value_of_the_type_is_not_read(text: str) -> None:
    assert parse_observed(text, HANDLES) is None
    assert parse_observed(format_value(bytes(1000), BYTES, max_length=400), BYTES) is None


@pytest.mark.parametrize(
    ("pattern", "path", "cases"),
    [
        ("ok(_) | err(access-denied | timeout)", (), {"ok", "err"}),
        ("ok(_) | err(access-denied | timeout)", ("err",), {"access-denied", "timeout"}),
        ("$a @ err(timeout)", ("err",), {"timeout"}),
        ("!err(timeout)", ("err",), set()),
        ("err(_)", ("err",), set()),
        ("ok(_)", ("err",), set()),
    ],
)
def test_the_cases_that_a_pattern_names(pattern: str, path: tuple[str, ...], cases: set[str]) -> None:
    assert named_cases(parse_pattern(pattern, ResultType(STAT, ERROR), {}), path) == cases
