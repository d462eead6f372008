"""Properties of values, their text and patterns, over generated types."""

from functools import lru_cache

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from strategies import typed_values, types, values_of
from value_types import BYTES, ERROR, OWN, SIZE, SOCKET_ADDRESS, STAT, U64S

from wasicheck.values import (
    Bindings,
    ExpressionError,
    accepts_everything,
    evaluate,
    format_argument,
    format_pattern,
    format_value,
    match,
    parse_argument,
    parse_call,
    parse_pattern,
    parse_value,
    same_value,
    variables,
)
from wasicheck.values.regions import impossible
from wasicheck.wit.types import F64, STRING, U64, Type

BINDINGS = Bindings({"n": 7}, 0)
SCOPE = {"n": U64, "server": SOCKET_ADDRESS, "size": SIZE}


@given(typed_values())
def test_text_of_a_value_parses_to_it(typed):
    type, (value,) = typed
    assert same_value(parse_value(format_value(value, type), type), value)


@given(typed_values())
def test_a_value_as_argument_is_constant(typed):
    type, (value,) = typed
    argument = parse_argument(format_value(value, type), type, {})
    assert same_value(evaluate(argument, {}), value)
    assert same_value(evaluate(parse_argument(format_argument(argument), type, {}), {}), value)


@given(typed_values(), st.integers(0, 60))
def test_shortened_text_keeps_to_the_limit(typed, limit: int):
    type, (value,) = typed
    whole = format_value(value, type)
    text = format_value(value, type, max_length=limit)
    assert len(text) <= max(limit, 1)
    assert text == whole or "…" in text


@given(typed_values(2))
def test_a_literal_matches_its_value_and_no_other(typed):
    type, (value, other) = typed
    pattern = parse_pattern(format_value(value, type), type, {})
    assert match(pattern, value, BINDINGS).ok
    assert not impossible(pattern)
    outcome = match(pattern, other, BINDINGS)
    assert outcome.ok == same_value(value, other)
    assert outcome.ok or outcome.reason
    if accepts_everything(pattern):
        assert same_value(value, other)


@given(typed_values(2))
def test_comparison_and_negation(typed):
    type, (value, other) = typed
    text = format_value(value, type)
    scope, bindings = {"v": type}, Bindings({"v": value})
    same = same_value(value, other)
    for wanted, texts in ((same, (f"== {text}", "== $v")), (not same, (f"!= {text}", "!= $v"))):
        for one in texts:
            assert match(parse_pattern(one, type, scope), other, bindings).ok == wanted
    try:
        negation = parse_pattern(f"!{text}", type, {})
    except ExpressionError:
        assert same, "the type has other values, so the negation can match"
    else:
        assert match(negation, other, BINDINGS).ok != same


@given(typed_values())
def test_hole_and_capture_match_everything(typed):
    type, (value,) = typed
    for text, captures in (("_", {}), ("$x", {"x": value})):
        pattern = parse_pattern(text, type, {})
        assert accepts_everything(pattern)
        outcome = match(pattern, value, BINDINGS)
        assert outcome.ok
        assert outcome.captures == captures
        assert set(variables(pattern)) == set(captures)


@lru_cache
def patterns(type: Type, depth: int = 1) -> st.SearchStrategy[str]:
    """Texts of patterns of a type, some of them impossible."""
    leaf = st.one_of(values_of(type).map(lambda v: format_value(v, type)), st.just("_"))
    if type in (U64, F64):
        ordered = values_of(type).map(lambda v: format_value(v, type))
        leaf |= st.one_of(
            st.builds("{}..{}".format, ordered, ordered),
            st.builds("{}..".format, ordered),
            st.builds("..{}".format, ordered),
            st.builds("{} {}".format, st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), ordered),
        )
    if type in (STRING, U64S, BYTES):
        leaf |= st.integers(0, 3).map("length({})".format) | st.integers(0, 3).map("length(> {})".format)
    if type == U64S:
        inner = patterns(U64, 0)
        leaf |= st.one_of(
            st.builds("each({})".format, inner),
            st.builds("any({})".format, inner),
            st.builds("[{}, ...]".format, inner),
            st.builds("[..., {}]".format, inner),
            st.builds("unordered[{}, {}]".format, inner, inner),
            st.sampled_from(("distinct", "ascending", "[...]", "unordered[...]", "bits-vary")),
        )
    if type == SIZE:
        leaf |= st.builds("ok({})".format, patterns(U64, 1)) | st.builds("err({})".format, patterns(ERROR, 1))
    if type == STAT:
        leaf |= st.builds("{{size: {}, ...}}".format, patterns(U64, 1))
    if depth == 0:
        return leaf
    deeper = patterns(type, depth - 1)
    return st.one_of(
        leaf,
        st.builds("({} | {})".format, deeper, deeper),
        st.builds("({} & {})".format, deeper, deeper),
        st.builds("!({})".format, deeper),
    )


SAMPLES = st.sampled_from((U64, F64, STRING, U64S, BYTES, SIZE, STAT, ERROR)).flatmap(
    lambda t: st.tuples(st.just(t), patterns(t), values_of(t))
)


@given(SAMPLES)
@settings(max_examples=200)
def test_patterns_print_and_claim_rightly(sample):
    type, text, value = sample
    try:
        pattern = parse_pattern(text, type, SCOPE)
    except ExpressionError:
        assume(False)
    again = parse_pattern(format_pattern(pattern), type, SCOPE)
    outcome = match(pattern, value, BINDINGS)
    assert match(again, value, BINDINGS).ok == outcome.ok
    assert format_pattern(again) == format_pattern(pattern)
    assert outcome.ok or not accepts_everything(pattern)
    assert outcome.ok or outcome.reason


@given(SAMPLES, st.data())
@settings(max_examples=200)
def test_what_is_refused_as_impossible_never_matches(sample, data):
    type, text, value = sample
    try:
        parts = [parse_pattern(part, type, SCOPE) for part in (text, data.draw(patterns(type)))]
    except ExpressionError:
        assume(False)
    both = f"({format_pattern(parts[0])}) & ({format_pattern(parts[1])})"
    try:
        conjunction = parse_pattern(both, type, SCOPE)
    except ExpressionError:
        assert not all(match(part, value, BINDINGS).ok for part in parts)
    else:
        assert match(conjunction, value, BINDINGS).ok == all(match(part, value, BINDINGS).ok for part in parts)


TOKENS = st.lists(
    st.sampled_from(
        (
            *"()[]{},:|&!@<>+-_.$%\"'/ \n=0",
            *(
                "...",
                "..",
                "==",
                "!=",
                "$n",
                "$server.port",
                "$x",
                "5",
                "-1",
                "1.5",
                "5s",
                "4KiB",
                "nan",
                "inf",
                "true",
            ),
            *("ok", "err", "some", "none", "timeout", "other", "port", "size", '"a"', "'a'", '"""\n a\n """', "hex"),
            *("repeat", "pattern", "concat", "prefix", "length", "each", "any", "unordered", "distinct", "gaps"),
            *("matches", "near-now", "entropy", "uniform", "ascending", "bits-vary", '"("', "// c\n"),
        )
    ),
    max_size=14,
).map("".join)


@given(TOKENS | st.text(max_size=30), types() | st.sampled_from((SIZE, STAT, U64S, BYTES, SOCKET_ADDRESS, OWN)))
@example("(" * 500, U64)
@example("!" * 500, U64)
@example("$x @" * 500, U64)
@example("[" * 64 + "]" * 64, U64S)
@example("9" * 5000, U64)
@example("1" + "0" * 5000 + ".5e9", F64)
@example("$n + " + "9" * 5000, U64)
@example('"' + "\\u{" + "0" * 5000 + "}" + '"', STRING)
@example("$" + "a" * 100_000, U64)
@example('matches("' + "(" * 5000 + '")', STRING)
@example("each(" * 30, U64S)
@settings(max_examples=300)
def test_any_text_gives_a_value_or_an_expression_error(text: str, type: Type):
    for parse in (
        lambda: parse_value(text, type),
        lambda: parse_argument(text, type, SCOPE),
        lambda: format_pattern(parse_pattern(text, type, SCOPE)),
        lambda: parse_call(text),
    ):
        refusal = None
        try:
            parse()
        except ExpressionError as error:
            refusal = error
        if refusal is not None:
            assert 0 <= refusal.column <= len(text)
            assert str(refusal)
            assert "\n" not in str(refusal)
