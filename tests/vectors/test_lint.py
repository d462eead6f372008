"""What is suspicious in vectors that load."""

from pathlib import Path

import pytest
from vector_cases import LEVELS, load, steps, vector

from wasicheck.check.vectors import lint
from wasicheck.vectors import requirements
from wasicheck.vectors.model import Place
from wasicheck.vectors.requirements import Provenance, Requirement

STDOUT = "wasi:cli/stdout@0.3.0"


def found(text, catalogue=None):
    suite = load(text)
    assert suite.problems == ()
    return [str(p) for p in lint(suite, catalogue or {})]


WAIT = "clocks/monotonic-clock.wait-for(1ms)"
ENDS = "- {new: stream<u8>, as: [r, w]}\n"
CALL = "- {call: write-via-stream($r), expect: $done}\n"
SUSPICIOUS = {
    "- {call: get-random-bytes(2), expect: '$x @ length(2)'}": "7:9: `$x` is captured and never used; write `_`, or a",
    "- {call: get-random-u64(), expect: {must: '!0', should: '$x @ 1..'}}": "7:9: `$x` is captured and never used",
    "- {call: get-random-bytes(2), expect: '[$x, $y]'}\n- {call: get-random-u64(), expect: '!0'}\n"
    "- {call: get-random-bytes(1), expect: '[== $y]'}": "7:9: `$x` is captured and never used",
    "- for: {i: 0..2}\n  steps: [{call: get-random-u64(), expect: '$x{i} @ 1..'}]": "8:17: `$x0` is captured and never",
    ENDS + "- drop: $w\n- trap: true": "7:9: the end `$r` is never used",
    ENDS + "- drop: $r\n- trap: true": "7:9: the end `$w` is never used",
    f"- {{start: {WAIT}, as: op}}\n- {{call: get-random-u64(), expect: '!0'}}": "7:9: `$op` is started",
    "- yield: 1": "3:5: nothing in `a` can fail; say what is expected of a step, or in `after`",
    f"- {{start: {WAIT}, as: op, note: why}}": "3:5: nothing in `a` can fail",
    "- {call: get-random-u64(), expect: $x}\n- {call: get-random-bytes($x), expect: $y, note: n}": "3:5: nothing in",
}


@pytest.mark.parametrize("body", SUSPICIOUS)
def test_something_suspicious(body):
    (problem,) = found(steps(body))
    assert problem.startswith(f"v.yaml:{SUSPICIOUS[body]}")


@pytest.mark.parametrize(
    "body",
    [
        "- {call: get-random-u64(), expect: $x}\n- {call: get-random-u64(), expect: '!= $x'}",
        "- {call: get-random-u64(), expect: $x}\n- {call: get-random-bytes($x), expect: length(5)}",
        "- {call: get-random-u64(), expect: $x}\n- {call: get-random-u64(), expect: $x-1}\n"
        "- {call: get-random-u64(), expect: '[$x + 1, $x-1]'}".replace("'[$x + 1, $x-1]'", "'$x + 1 .. | $x-1 ..'"),
        "- {call: get-random-u64(), expect: '$x @ 5', note: for those who read}",
        "- for: {i: 0..2}\n  steps: [{call: get-random-u64(), expect: '$x{i} @ 1..'}]\n"
        "- {call: get-random-u64(), expect: '!= $x1'}",
        ENDS + "- {write: $w, data: '\"x\"', expect: completed(1)}\n- drop: $r",
        ENDS + '- {write-all: $w, data: \'"x"\', expect: completed(1)}\n- {read: $r, expect: dropped("")}',
        ENDS + "- {start: {write: $w, data: '\"x\"'}, as: op, expect: blocked}\n- drop: $r\n"
        "- {await: $op, expect: dropped(0)}",
        f"- {{start: {WAIT}, as: op}}\n- {{await: $op}}",
        f"- {{start: {WAIT}, as: op}}\n- {{cancel: $op, expect: returned}}",
        f"- {{start: {WAIT}, as: op}}\n- {{start: {WAIT}, as: po}}\n- {{await-any: [$op, $po], expect: '0'}}",
        f"- {{start: {WAIT}, as: op}}\n- {{await-all: [$op], expect: '[0]'}}",
        f"- {{start: {WAIT}, as: op}}\n- trap: true",
        "- {call: get-random-u64(), expect: _, level: may}",
        "- call: clocks/monotonic-clock.wait-for(1ms)",
    ],
)
def test_nothing_suspicious(body):
    assert found(steps(body)) == []


def test_a_handle_need_not_be_used():
    body = ENDS + CALL + "- {write-all: $w, data: '\"x\"', expect: completed(1)}"
    assert found(steps(body, STDOUT)) == []


def test_a_peer_need_not_be_asked_for_its_address():
    body = "given: {network: true, peers: {client: tcp-client}}\nsteps: [{peer: client, close: true}, {trap: true}]\n"
    assert found(vector(body)) == []


@pytest.mark.parametrize(
    "more",
    [
        "after: {exit: success}",
        "after: {stdout: '\"x\"'}",
        "after: {stderr: '\"x\"'}",
    ],
)
def test_what_comes_after_can_fail(more):
    assert found(vector(f"steps: [{{yield: 1}}]\n{more}\n")) == []


def test_a_result_that_is_an_error_can_fail():
    assert found(steps("- return: err")) == []
    assert len(found(steps("- return: ok"))) == 1


def test_what_is_compared_over_runs_can_fail():
    assert found(steps("- {call: get-random-u64(), across: distinct}") + "    runs: 2\n") == []


def test_what_is_used_afterwards_is_used():
    assert found(steps("- {call: get-random-u64(), expect: $x}") + "    after: {stdout: length(== $x)}\n") == []


def test_rows_of_a_table_share_their_steps():
    text = """\
interface: wasi:random/random@0.3.0
vectors:
  - id: a-{n}
    title: T {n}
    requirements: [r.must]
    table: [{n: 1, after: '!= $x'}, {n: 2, after: '!0'}]
    steps:
      - {call: get-random-u64(), expect: '$x @ 1..'}
      - {call: get-random-u64(), expect: '{after}'}
"""
    assert found(text) == []
    assert len(found(text.replace("!= $x", "!5"))) == 1


def test_titles():
    good = steps("- trap: true")
    other = "".join(good.splitlines(keepends=True)[2:]).replace("id: a", "id: b").replace("title: T", "title: t")
    assert found(good + other) == ["v.yaml:8:5: `b` has the title of `a`; say how they differ"]
    assert found(good + other + "    interface: wasi:cli/run@0.3.0\n") == []


CATALOGUE = {
    id: Requirement(id, "x", level, Provenance.WIT, "t", requirements.Testable.YES, "", None, (), Place("r.yaml", 1))
    for id, level in LEVELS.items()
}


@pytest.mark.parametrize(
    ("cited", "body", "expected"),
    [
        ("r.must, r.should", "- trap: true", ["cites `r.should` (should), but all it expects is must; grade the step"]),
        ("r.should", "- trap: true", []),
        ("r.must, r.should", "- {call: get-random-u64(), expect: {must: '!0', should: '5'}}", []),
        ("r.must, r.should", "- trap: true\n- {call: get-random-u64(), expect: _, level: may}", []),
        ("r.must, r.may", "- {call: get-random-u64(), across: distinct}", ["cites `r.may` (may)"]),
        ("r.unknown, r.must", "- trap: true", []),
    ],
)
def test_grades(cited, body, expected):
    catalogue = dict(CATALOGUE)
    text = steps(body).replace("r.must", cited).replace("r.unknown, ", "") + "    runs: 2\n"
    problems = found(text, catalogue)
    assert len(problems) == len(expected)
    assert all(e in p for e, p in zip(expected, problems, strict=True))


@pytest.mark.parametrize("after", ["{exit: {should: success}}", "{stdout: {should: '\"x\"'}}"])
def test_grades_of_what_comes_after(after):
    text = steps("- trap: true").replace("r.must", "r.must, r.should") + f"    after: {after}\n"
    assert found(text, CATALOGUE) == []


def test_a_requirement_that_cannot_be_tested():
    untestable = Requirement(
        "r.must",
        "x",
        LEVELS["r.must"],
        Provenance.WIT,
        "t",
        requirements.Testable.NO,
        "why",
        None,
        (),
        Place("r.yaml", 1),
    )
    assert found(steps("- trap: true"), {"r.must": untestable}) == [
        "v.yaml:3:5: `a` cites `r.must`, which cannot be tested; why"
    ]


def test_places_have_columns():
    assert Path(found(steps("- yield: 1"))[0].partition(":")[0]).name == "v.yaml"
