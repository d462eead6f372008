"""Harness steps and what comes out: what is judged when data is late or missing, and references in `after`."""

from __future__ import annotations

import struct

import pytest

from wasicheck.guest.compiler import Build, Guest, compile_vector
from wasicheck.guest.frames import Frame, Tag
from wasicheck.judge.judge import judge
from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.run import Exit, ExitReason, HarnessOutcome, Run
from wasicheck.vectors.loader import load_text
from wasicheck.vectors.model import Level, Vector
from wasicheck.wit import wasi

LEVELS = {"must.it": Level.MUST, "should.it": Level.SHOULD}
COMPLETED = 0

PROMPT = """
interface: wasi:cli/stdout@0.3.0
vectors:
  - id: prompt
    title: Prompt
    requirements: [{level}.it]
    steps:
      - harness: {{receive: stdout, length: 3}}
        expect: '"ab?"'
"""

WRITE = """
interface: wasi:cli/stdout@0.3.0
vectors:
  - id: cut
    title: Cut
    requirements: [must.it]
    steps:
      - new: stream<u8>
        as: [data, out]
      - write: $out
        data: '"xxxx"'
        expect: completed($taken)
    after: {stdout: length(== $taken)}
"""

OPTIONAL = """
interface: wasi:cli/stdout@0.3.0
vectors:
  - id: optional
    title: Optional
    requirements: [must.it]
    steps:
      - call: clocks/monotonic-clock.wait-for(1ms)
        level: LEVEL
"""


def vector(text: str) -> tuple[Vector, Guest]:
    suite = load_text(text, "vectors/x.yaml", LEVELS)
    assert not suite.problems
    (one,) = suite.vectors.values()
    return one, compile_vector(one, wasi(), Build())


def judged(text: str, frames: list[tuple[int, Tag]], outcome: HarnessOutcome | None = None, **seen: object) -> Result:
    """Judge a run that sent these frames."""
    one, guest = vector(text)
    pieces = seen.get("pieces", {})
    assert isinstance(pieces, dict)
    stdout = seen.get("stdout", b"")
    assert isinstance(stdout, bytes)
    sent = [(0, Tag.HELLO), *frames, (len(one.steps), Tag.END)]
    run = Run(
        frames=tuple(Frame(i, step, tag, pieces.get(step, ())) for i, (step, tag) in enumerate(sent)),
        anomalies=(),
        exit=Exit(ExitReason.EXITED, 0),
        stdout=stdout,
        stderr=b"",
        harness={} if outcome is None else {0: outcome},
    )
    return judge(one, guest.layouts, [run], host="fake@1")


@pytest.mark.parametrize(
    ("level", "frames", "outcome", "verdict"),
    [
        ("should", [Tag.REACHED, Tag.DONE], HarnessOutcome(b"ab?"), Verdict.PASS),
        ("must", [Tag.REACHED, Tag.DONE], HarnessOutcome(b"abc"), Verdict.FAIL),
        # The guest had given up when the data came.
        ("should", [Tag.REACHED, Tag.PENDING], HarnessOutcome(b"ab?"), Verdict.NON_STRICT),
        ("must", [Tag.REACHED, Tag.PENDING], HarnessOutcome(b"ab?"), Verdict.TIMEOUT),
        # It never came.
        ("should", [Tag.REACHED, Tag.PENDING], HarnessOutcome(b"a", "1 of 3 bytes", waited=True), Verdict.NON_STRICT),
        ("must", [Tag.REACHED], HarnessOutcome(b"", "0 of 3 bytes", waited=True), Verdict.TIMEOUT),
        # The harness could not do its part.
        ("should", [Tag.REACHED, Tag.PENDING], HarnessOutcome(failure="no such end"), Verdict.ERROR),
        # What it needs is not there, and nothing else tells why.
        ("must", [Tag.REACHED, Tag.DONE], HarnessOutcome(failure="not open", unmet=True), Verdict.FAIL),
    ],
)
def test_what_is_received(level: str, frames: list[Tag], outcome: HarnessOutcome, verdict: Verdict) -> None:
    result = judged(PROMPT.format(level=level), [(0, tag) for tag in frames], outcome)
    assert result.verdict is verdict


@pytest.mark.parametrize(("stdout", "verdict"), [(b"xx", Verdict.PASS), (b"xxx", Verdict.FAIL), (b"", Verdict.FAIL)])
def test_what_comes_out_is_compared_with_a_capture(stdout: bytes, verdict: Verdict) -> None:
    _, guest = vector(WRITE)
    address = guest.layouts[1].address
    assert address is not None
    pieces = {1: ((address, bytes([COMPLETED, 0, 0, 0]) + struct.pack("<I", 2)),)}
    assert judged(WRITE, [(1, Tag.DONE)], stdout=stdout, pieces=pieces).verdict is verdict


@pytest.mark.parametrize(("level", "verdict"), [("may", Verdict.PASS), ("must", Verdict.FAIL)])
def test_a_step_left_out(level: str, verdict: Verdict) -> None:
    assert judged(OPTIONAL.replace("LEVEL", level), [(0, Tag.SKIPPED)]).verdict is verdict
