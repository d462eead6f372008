"""`given` and `after`: the surroundings, and what must be true outside."""

from pathlib import PurePosixPath

import pytest
from vector_cases import load, vector

from wasicheck.vectors.environment import SINKS, SOURCES
from wasicheck.vectors.model import ExitExpectation, ExitKind, Level
from wasicheck.vectors.surroundings import Directory, Environment, Preopen, RegularFile, Sink, Source, Stdin, TreeEntry


def loaded(more):
    suite = load(vector(more))
    assert suite.problems == ()
    return suite.vectors["a"]


def test_everything_that_can_be_given():
    found = loaded(
        """\
steps: [{yield: 1}]
given:
  args: [a, '']
  env: {A: b, C: ''}
  cwd: /data
  stdin: {file: '"abc"'}
  stdout: file
  preopens: {/data: {a.txt: {data: hex("00 ff"), modified: -5s}, sub/b: {}}, /empty: {}}
  network: true
  descriptors: 64
  host-env: {TZ: Asia/Kathmandu}
  features: [clocks-timezone]
"""
    )
    tree = (
        ("data", Directory()),
        ("data/a.txt", RegularFile(b"\x00\xff", modified=-5_000_000_000)),
        ("data/sub", Directory()),
        ("data/sub/b", RegularFile()),
        ("empty", Directory()),
    )
    assert found.environment == Environment(
        args=("a", ""),
        env=(("A", "b"), ("C", "")),
        cwd="/data",
        stdin=Stdin(Source.FILE, b"abc"),
        stdout=Sink.FILE,
        tree=tuple(TreeEntry(PurePosixPath(name), content) for name, content in tree),
        preopens=(Preopen("/data", PurePosixPath("data")), Preopen("/empty", PurePosixPath("empty"))),
        network=True,
        descriptors=64,
        host_env=(("TZ", "Asia/Kathmandu"),),
        features=("clocks-timezone",),
    )


def test_nothing_is_given():
    assert loaded("steps: [{yield: 1}]\n").environment == Environment()


def test_stdin_is_the_harness_channel_where_it_acknowledges():
    assert loaded("steps: [{harness: {pause: 1ms}}]\n").environment.stdin == Stdin(Source.CONTROL)
    silent = "steps: [{harness: {pause: 1ms}, acknowledge: false}]\n"
    assert loaded(silent).environment.stdin == Stdin(Source.NULL)
    own = loaded("given: {stdin: pipe}\nsteps: [{harness: {pause: 1ms}}]\n")
    assert own.environment.stdin == Stdin(Source.PIPE)
    assert not own.steps[0].action.acknowledge


@pytest.mark.parametrize("word", SOURCES)
def test_a_kind_of_stdin(word):
    assert loaded(f"steps: [{{yield: 1}}]\ngiven: {{stdin: '{word}'}}\n").environment.stdin == Stdin(Source(word))


def test_every_kind_of_stdin_can_be_said():
    assert {*SOURCES, "bytes", "file", "control"} == {s.value for s in Source}
    assert loaded("steps: [{yield: 1}]\ngiven: {stdin: {bytes: '\"a\"'}}\n").environment.stdin.data == b"a"


@pytest.mark.parametrize("word", SINKS)
def test_a_kind_of_output(word):
    assert loaded(f"steps: [{{yield: 1}}]\ngiven: {{stdout: {word}}}\n").environment.stdout is Sink(word)


SUCCESS = ExitExpectation(ExitKind.SUCCESS, None, Level.MUST)
FAILURE = ExitExpectation(ExitKind.FAILURE, None, Level.MUST)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("steps: [{yield: 1}]", SUCCESS),
        ("steps: [{return: ok}]", SUCCESS),
        ("steps: [{return: err}, {yield: 1}]", FAILURE),
        ("steps: [{trap: true}]", None),
        ("steps: [{call: cli/exit.exit(ok), expect: exit}]", None),
        ("steps: [{call: get-random-u64(), expect: {must: $x, may: trap}}]", None),
        ("steps: [{trap: true}]\nafter: {exit: failure}", FAILURE),
        ("steps: [{yield: 1}]\nafter: {exit: code(7)}", ExitExpectation(ExitKind.CODE, 7, Level.MUST)),
        ("steps: [{yield: 1}]\nafter: {exit: {should: code(0)}}", ExitExpectation(ExitKind.CODE, 0, Level.SHOULD)),
        ("level: may\nsteps: [{yield: 1}]\nafter: {exit: success}", ExitExpectation(ExitKind.SUCCESS, None, Level.MAY)),
    ],
)
def test_the_exit(more, expected):
    assert loaded(more + "\n").after.exit == expected


def test_outputs():
    after = loaded(
        """\
steps: [{call: get-random-u64(), expect: '$x @ 1..5'}]
after:
  stdout: {must: 'length(== $x)', should: '"abc"', may: _}
  stderr: '""'
"""
    ).after
    assert [(e.level, e.text) for e in after.stdout] == [
        (Level.MUST, "length(== $x)"),
        (Level.SHOULD, '"abc"'),
        (Level.MAY, "_"),
    ]
    assert [(e.level, e.text) for e in after.stderr] == [(Level.MUST, '""')]
    assert after.place.line == 8
