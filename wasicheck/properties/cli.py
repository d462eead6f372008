"""wasi:cli: what a program is given, and the streams that a host passes on."""

from __future__ import annotations

from hypothesis import strategies as st

from wasicheck.properties.model import Body, Property, steps
from wasicheck.properties.notation import blobs, data, joined, string, texts

_ENVIRONMENT = "wasi:cli/environment@0.3.0"


@st.composite
def _arguments(draw: st.DrawFn) -> Body:
    arguments = draw(st.lists(texts(), min_size=1, max_size=6))
    listed = joined(map(string, arguments))
    call = {"call": "get-arguments()", "expect": f"[{listed}] | [_, {listed}]"}
    return {"given": {"args": arguments}, "steps": [call]}


@st.composite
def _variables(draw: st.DrawFn) -> Body:
    # A name that begins with a letter is none of an option.
    names = st.builds(str.__add__, st.sampled_from("abcXYZ_é中"), texts(without="\0=", max_size=12))
    variables = draw(st.dictionaries(names, texts(), min_size=1, max_size=6))
    listed = joined(f"({string(name)}, {string(value)})" for name, value in variables.items())
    call = {"call": "get-environment()", "expect": f"unordered[{listed}, ...]"}
    return {"given": {"env": variables}, "steps": [call]}


def _exit_codes(code: int) -> Body:
    return {
        "steps": [{"call": f"exit-with-code({code})", "expect": "exit"}],
        "after": {"exit": f"code({code})"},
    }


@st.composite
def _stdin(draw: st.DrawFn) -> Body:
    content = draw(blobs(max_size=2_000))
    chunk = draw(st.integers(1, 300))
    return {
        "given": {"stdin": {draw(st.sampled_from(["bytes", "file"])): data(content)}},
        "steps": [
            {"call": "read-via-stream()", "expect": "($in, $done)"},
            {"read-all": "$in", "chunk": str(chunk), "expect": f"dropped({data(content)})"},
            {"read": "$done", "expect": "completed(ok)"},
        ],
    }


@st.composite
def _passed_on(draw: st.DrawFn) -> Body:
    # What the guest takes does not come out.
    taken = draw(blobs(max_size=3))
    rest = data(draw(blobs(max_size=500)))
    if more := draw(st.integers(0, 200_000)):
        rest = f"concat({rest}, pattern({more}))"
    return {
        "given": {"stdin": {"bytes": f"concat({data(taken)}, {rest})"}},
        "steps": steps(
            {"call": "read-via-stream()", "expect": "($in, $read)"},
            [{"read": "$in", "count": "1", "expect": f"completed({data(bytes([byte]))})"} for byte in taken],
            {"call": "cli/stdout.write-via-stream($in)", "expect": "$written"},
            {"read": "$written", "expect": "completed(ok)"},
            {"read": "$read", "expect": "completed(ok)"},
        ),
        "after": {"stdout": rest},
    }


PROPERTIES = (
    Property(
        "arguments",
        "Any arguments are given in order, one string each, behind at most the name of the program",
        _ENVIRONMENT,
        ("cli.environment.get-arguments.list",),
        _arguments(),
    ),
    Property(
        "variables",
        "Any variables granted to the program are there, with their values",
        _ENVIRONMENT,
        ("cli.environment.get-environment.pairs", "cli.environment.get-environment.unicode"),
        _variables(),
    ),
    Property(
        "exit-codes",
        "The host's status is the code that the guest exits with",
        "wasi:cli/exit@0.3.0",
        ("cli.exit.exit-with-code.code", "cli.exit.exit-with-code.no-return"),
        st.integers(0, 255).map(_exit_codes),
    ),
    Property(
        "stdin-read",
        "Any stdin comes whole and in order, however much the guest asks for at a time",
        "wasi:cli/stdin@0.3.0",
        ("cli.stdin.read-via-stream.data", "cli.stdin.read-via-stream.eof-future-ok", "cm.stream.read.partial"),
        _stdin(),
    ),
    Property(
        "stdin-to-stdout",
        "What is left of stdin comes out of stdout when the guest hands the stream on, and both futures say success",
        "wasi:cli/stdin@0.3.0",
        ("cm.stream.forward.host-to-host", "cm.stream.forward.after-partial-read", "cli.stdout.write-via-stream.data"),
        _passed_on(),
    ),
)
