"""wasi:clocks and wasi:random: what is asked for, and what must be there at least."""

from __future__ import annotations

from hypothesis import strategies as st

from wasicheck.properties.model import Body, Property

_DURATIONS = st.one_of(st.integers(0, 2_000), st.integers(0, 5_000_000))
"""Nanoseconds, up to 5 ms."""


_LENGTHS = st.one_of(st.integers(0, 64), st.integers(0, 100_000))
_SOURCES = st.sampled_from(["random.get-random-bytes", "insecure.get-insecure-random-bytes"])


def _waits(waits: list[tuple[bool, int]]) -> Body:
    found: list[Body] = [{"call": "now()", "expect": "$t0"}]
    for index, (until, duration) in enumerate(waits):
        # The next wait is from there.
        name = f"$t{index + 1} @ " if index + 1 < len(waits) else ""
        found += [
            {"call": f"wait-until($t{index} + {duration})" if until else f"wait-for({duration})"},
            {"call": "now()", "expect": f"{name}>= $t{index} + {duration}"},
        ]
    return {"steps": found}


def _lengths(asked: list[tuple[str, int]]) -> Body:
    return {
        "steps": [
            {"call": f"{function}({length})", "only": "length", "expect": f"1..{length}" if length else "0"}
            for function, length in asked
        ]
    }


PROPERTIES = (
    Property(
        "waits",
        "No wait is over before its time",
        "wasi:clocks/monotonic-clock@0.3.0",
        ("clocks.monotonic-clock.wait-for.not-early", "clocks.monotonic-clock.wait-until.not-early"),
        st.lists(st.tuples(st.booleans(), _DURATIONS), min_size=1, max_size=5).map(_waits),
    ),
    Property(
        "random-lengths",
        "Between one and as many random bytes come as were asked for, and none if none were",
        "wasi:random/random@0.3.0",
        (
            "random.random.get-random-bytes.at-most",
            "random.random.get-random-bytes.at-least-one",
            "random.random.get-random-bytes.zero",
            "random.insecure.get-insecure-random-bytes.at-most",
            "random.insecure.get-insecure-random-bytes.at-least-one",
            "random.insecure.get-insecure-random-bytes.zero",
        ),
        st.lists(st.tuples(_SOURCES, _LENGTHS), min_size=1, max_size=6).map(_lengths),
    ),
)
