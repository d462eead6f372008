"""Vector files as a whole: what is told of those that are not valid, and what the valid ones become."""

import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_cases import LEVELS, cases, load, steps, vector

from wasicheck.vectors.loader import DEFAULT_DEADLINE, load_suite, load_text
from wasicheck.vectors.model import Channel, Level, Lift
from wasicheck.vectors.requirements import requirement_ids
from wasicheck.vectors.source import VectorError

VECTORS = Path(__file__).parents[2] / "vectors"
FILES = sorted(p for p in VECTORS.rglob("*.yaml") if p.parent.name != "requirements")


@pytest.mark.parametrize(("text", "errors"), [pytest.param(t, e, id=n) for n, t, e in cases()])
def test_the_error_of_a_vector_that_is_not_valid(text, errors):
    suite = load(text)
    assert [str(p) for p in suite.problems] == errors
    assert len(errors) == 1


def test_the_vectors_of_the_project_are_valid():
    suite = load_suite(VECTORS, requirement_ids(VECTORS / "requirements"))
    assert [str(p) for p in suite.problems] == []
    assert len(suite.vectors) > 100


def test_everything_a_vector_can_say():
    suite = load(
        vector(
            """\
level: should
interface: wasi:random/insecure@0.3.0
steps: [{call: get-insecure-random-u64(), expect: $x}]
runs: 3
guest: {lift: [callback, sync], channel: stdout, limits: outside}
imports: [wasi:cli/stdin@0.3.0]
platforms: [linux]
unstable: clocks-timezone
deadline: 60s
tags: [slow]
note: why
"""
        )
    )
    assert suite.problems == ()
    found = suite.vectors["a"]
    assert (found.title, found.interface, found.requirements) == ("T", "wasi:random/insecure@0.3.0", ("r.must",))
    assert (found.level, found.runs, found.deadline) == (Level.SHOULD, 3, 60_000_000_000)
    assert found.steps[0].expectations[0].level is Level.SHOULD
    assert (found.guest.lifts, found.guest.channel, found.guest.limits_inside) == (
        (Lift.CALLBACK, Lift.SYNC),
        Channel.STDOUT,
        False,
    )
    assert (found.imports, found.platforms, found.tags) == (("wasi:cli/stdin@0.3.0",), ("linux",), ("slow",))
    assert found.unstable == "clocks-timezone"
    assert (str(found.place), found.place.column) == ("v.yaml:3", 5)


def test_what_a_vector_need_not_say():
    found = load(steps("- yield: 1")).vectors["a"]
    assert (found.level, found.runs, found.deadline, found.unstable) == (Level.MUST, 1, DEFAULT_DEADLINE, None)
    assert (found.guest.lifts, found.guest.channel, found.guest.limits_inside) == ((), Channel.STDERR, True)


def test_the_level_is_that_of_the_strongest_requirement():
    text = steps("- yield: 1").replace("[r.must]", "[r.may, r.typical, r.should]")
    assert load(text).vectors["a"].level is Level.SHOULD


@pytest.mark.parametrize(
    "more",
    [
        "steps: [{yield: 1}]\nafter: {stderr: '\"x\"'}",
        "steps: [{yield: 1}]\ngiven: {stderr: closed}",
        "steps: [{new: stream<u8>, as: [r, w]}, {call: cli/stderr.write-via-stream($r), expect: $f}]",
        "given: {stdin: pipe}\nsteps: [{harness: {close: stderr}}]",
    ],
)
def test_observations_keep_clear_of_a_tested_stderr(more):
    suite = load(vector(more + "\n"))
    assert suite.problems == ()
    assert suite.vectors["a"].guest.channel is Channel.STDOUT


def test_an_unstable_function_of_the_feature():
    text = steps("- {call: clocks/timezone.iana-id(), expect: none}") + "    unstable: clocks-timezone\n"
    assert load(text).problems == ()


TABLE = """\
interface: wasi:random/random@0.3.0
vectors:
  - id: bytes-{n}
    title: '{n} bytes: {about}'
    requirements: [r.must]
    table:
      - {n: 1, about: one, bytes: '{{n}}', key: expect}
      - {n: 22, about: 'two of {extra}', extra: '{n} ones', bytes: '{n}', key: expect}
    steps:
      - call: get-random-bytes({bytes})
        '{key}': length({n})
"""


def test_a_table():
    text = TABLE.replace("{{n}}", "1").replace("bytes: '{n}'", "bytes: 22").replace("{n} ones", "many ones")
    suite = load(text)
    assert suite.problems == ()
    assert [(v.id, v.title) for v in suite.vectors.values()] == [
        ("bytes-1", "1 bytes: one"),
        ("bytes-22", "22 bytes: two of many ones"),
    ]
    assert suite.vectors["bytes-22"].steps[0].expectations[0].text == "length(22)"


def test_an_error_behind_a_replaced_column():
    text = TABLE.replace("{{n}}", "1").replace("bytes: '{n}'", "bytes: 22").replace("({bytes})", "({bytes}, oops)")
    (_, problem) = load(text).problems
    assert str(problem).startswith("v.yaml:10:15: wasi:random/random@0.3.0#get-random-bytes takes 1 argument")
    problems = load(text.replace(", oops", "").replace("length({n})", "length({n}) & oops")).problems
    assert [(p.line, p.column) for p in problems] == [(4, 12), (11, 32)]


def test_an_error_within_a_replaced_column():
    text = TABLE.replace("bytes: '{{n}}'", "bytes: '5, x'").replace("bytes: '{n}'", "bytes: 22").replace("{n} ones", "")
    problem = load(text).problems[0]
    assert (problem.line, problem.column) == (10, 15)
    assert problem.message.endswith("(with the row of line 7)")
    problem = load(text.replace("5, x", "$x")).problems[0]
    assert (problem.line, problem.column) == (10, 32)


def test_a_table_with_too_many_steps():
    text = f"""\
interface: wasi:random/random@0.3.0
vectors:
  - id: a-{{n}}
    title: T
    requirements: [r.must]
    table: [{", ".join(f"{{n: {i}}}" for i in range(12))}]
    steps: [{{for: {{i: 0..1999}}, steps: [{{yield: 1}}]}}]
"""
    suite = load(text)
    assert [p.message for p in suite.problems] == [
        "with its table and loops the vector has more than 20000 steps (with the row of line 6)"
    ]
    assert len(suite.vectors) == 10


def test_a_bad_vector_does_not_stop_the_others():
    good = steps("- yield: 1")
    text = good + "  - 5\n  - {id: b}\n" + "".join(good.splitlines(keepends=True)[2:]).replace("id: a", "id: c")
    suite = load(text)
    assert list(suite.vectors) == ["a", "c"]
    assert [p.line for p in suite.problems] == [8, 9]


def test_a_folder(tmp_path):
    folder = tmp_path / "mine"
    (folder / "x" / "requirements").mkdir(parents=True)
    (folder / "x" / "requirements" / "r.yaml").write_text("not read: [")
    (folder / "x" / "a.yaml").write_text(steps("- yield: 1"))
    (folder / "x" / "b.yaml").write_text(steps("- yield: 1"))
    (folder / "c.yml").write_text(steps("- yield: 1"))
    (folder / "d.yaml").write_bytes(b"a: \xff")
    (folder / "e.yaml").mkdir()
    suite = load_suite(folder, LEVELS)
    assert [str(p) for p in suite.problems] == [
        "mine/c.yml:1:1: the file is not read; name it `*.yaml`",
        "mine/d.yaml:1:1: is not UTF-8 (byte 3); save the file as UTF-8",
        "mine/e.yaml:1:1: cannot be read: Is a directory",
        "mine/x/b.yaml:3:9: the id `a` is also used in mine/x/a.yaml:3; ids are unique over the whole suite",
    ]
    assert [str(v.place) for v in suite.vectors.values()] == ["mine/x/a.yaml:3"]


# --- whatever is written -------------------------------------------------------------------------------------

SEEDS = ["".join(f.read_text(encoding="utf-8").splitlines(keepends=True)[:60]) for f in FILES[:8]]
SEEDS += [text for _, text, _ in cases()]
PIECES = st.sampled_from(
    [
        *"{}[]()\"'\\:,#|>&*!$-_@=<.%? \n\t0",
        *("\r\n", "\x00", "\ufeff", "é", "\U0001f600", "{i}", "$x", "..", "99999999999", "5ms", "4GiB", "1e999"),
        *("expect", "steps", "table", "for", "null", "~", "<<", "await", "- ", "? ", "&a ", "*a"),
    ]
)


@st.composite
def mutated(draw):
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 5, 20])))
        text = text[:start] + draw(PIECES) + text[end:]
    return text


@settings(max_examples=400)
@given(mutated())
def test_a_mutated_file_gives_vectors_or_errors_of_one_line(text):
    suite = load(text)
    for problem in suite.problems:
        assert isinstance(problem, VectorError)
        assert str(problem).startswith(f"v.yaml:{problem.line}:{problem.column}: ")
        assert str(problem).isprintable()
        assert problem.line >= 1
        assert problem.column >= 1


@pytest.mark.parametrize(
    "text",
    [
        "[" * 300_000,
        "{a: " * 100_000,
        "- " * 100_000 + "a",
        "interface: wasi:cli/stdin@0.3.0\nvectors:\n  - &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"  - &a{i} [{', '.join(['*a' + (str(i - 1) if i else '')] * 9)}]\n" for i in range(12)),
        steps("- {call: get-random-u64(), expect: '" + "(" * 5000 + "'}"),
        steps("- {call: get-random-u64(), expect: '" + "5 | " * 20000 + "'}"),
        steps("- yield: " + "9" * 5000),
        steps("- {yield: 1, within: " + "9" * 5000 + "s}"),
    ],
    ids=["brackets", "braces", "dashes", "aliases", "parentheses", "alternatives", "digits", "duration"],
)
def test_a_monstrous_file_is_refused_soon(text):
    begin = time.process_time()
    suite = load(text)
    assert suite.problems
    assert time.process_time() - begin < 5
    assert all(len(str(p)) < 500 for p in suite.problems)


def test_a_thousand_vectors_load_quickly():
    files = []
    for number in range(40):
        items = [
            f"""\
  - id: v{number}-{i}
    title: What is written to stream {number}-{i} comes out of stdout
    requirements: [r.must, r.should]
    given: {{env: {{NAME: v{i}}}}}
    steps:
      - new: stream<u8>
        as: [data, out]
      - call: write-via-stream($data)
        expect: $done
      - write-all: $out
        data: '"hello {i}"'
        expect: completed({6 + len(str(i))})
      - drop: $out
      - read: $done
        expect: {{must: completed(ok | err(pipe)), should: completed(ok)}}
      - call: cli/environment.get-environment()
        expect: any(("NAME", "v{i}")) & length(1..{i + 1})
    after: {{stdout: '"hello {i}"', exit: success}}
"""
            for i in range(25)
        ]
        files.append("interface: wasi:cli/stdout@0.3.0\nvectors:\n" + "".join(items))
    begin = time.process_time()
    suites = [load_text(text, "v.yaml", LEVELS) for text in files]
    seconds = time.process_time() - begin
    assert sum(len(s.vectors) for s in suites) == 1000
    # Measured at 0.7 s; the margin is for busy machines, and for coverage.
    assert seconds < (3 if sys.gettrace() is None else 30)


def test_no_key_in_the_vectors_is_read_by_yaml_itself():
    """`yes`, `null` and `1:30` are text: what they mean is for the vector's own types to say."""
    suite = load(steps("- yield: 1") + "    given: {env: {A: yes, B: null, C: 1:30, D: 2020-01-01, E: }}\n")
    assert [value for _, value in suite.vectors["a"].environment.env] == ["yes", "null", "1:30", "2020-01-01", ""]
