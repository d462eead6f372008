"""Each kind of step becomes what the model says, with the type that it yields."""

from dataclasses import replace

import pytest
from vector_cases import load, steps

from wasicheck.values import Constant, Reference, type_text
from wasicheck.vectors import outcomes
from wasicheck.vectors.keys import STEP
from wasicheck.vectors.model import (
    Await,
    AwaitAll,
    AwaitAny,
    Backpressure,
    Call,
    Cancel,
    Drop,
    Ending,
    Level,
    Lowering,
    New,
    Read,
    ReadAll,
    Return,
    Start,
    Trap,
    Write,
    WriteAll,
    Yield,
)
from wasicheck.vectors.operands import Operation, ReadableEnd, WritableEnd
from wasicheck.vectors.staging import Close, Drain, Feed, Harness, Pause, Receive, Stdio
from wasicheck.wit import wasi
from wasicheck.wit.types import BOOL, U8, U32, U64, FutureType, ListType, StreamType

BYTES, FUTURE = StreamType(U8), FutureType(BOOL)
RANDOM = wasi().interface("wasi:random/random@0.3.0").functions
CLOCK = wasi().interface("wasi:clocks/monotonic-clock@0.3.0").functions
U64_CALL = Call(RANDOM["get-random-u64"], ())
WAIT = "clocks/monotonic-clock.wait-for(1ms)"
WAIT_CALL = Call(CLOCK["wait-for"], (Constant(U64, 1_000_000),))
NEW = "- {new: stream<u8>, as: [r, w]}\n- {new: future<bool>, as: [fr, fw]}\n"
START = f"{NEW}- {{start: {WAIT}, as: op}}\n- {{start: {{read: $r, count: 5}}, as: copy}}\n"
R = ReadableEnd(Reference(BYTES, "r", (), "$r"), BYTES)
FR = ReadableEnd(Reference(FUTURE, "fr", (), "$fr"), FUTURE)
W, FW = WritableEnd("w", BYTES), WritableEnd("fw", FUTURE)
HI = Constant(ListType(U8), b"hi")


def last(body, given=""):
    suite = load(steps(body) + given)
    assert suite.problems == ()
    return suite.vectors["a"].steps[-1]


GOOD = {
    "- {call: get-random-u64(), expect: '!0'}": (U64_CALL, U64, "get-random-u64()"),
    "- {call: get-random-u64, lower: sync, expect: '!0'}": (
        Call(RANDOM["get-random-u64"], (), Lowering.SYNC),
        U64,
        "get-random-u64",
    ),
    f"- {{call: {WAIT}, lower: async}}": (replace(WAIT_CALL, lowering=Lowering.ASYNC), None, WAIT),
    "- {call: get-random-u64(), repeat: 1KiB, expect: distinct}": (
        Call(RANDOM["get-random-u64"], (), repeat=1024),
        ListType(U64),
        "get-random-u64()",
    ),
    "- {call: get-random-u64(), through: component, expect: '!0'}": (
        Call(RANDOM["get-random-u64"], (), through_component=True),
        U64,
        "get-random-u64()",
    ),
    "- {call: get-random-bytes(5), only: length, expect: '5'}": (
        Call(RANDOM["get-random-bytes"], (Constant(U64, 5),), length_only=True),
        U32,
        "get-random-bytes(5)",
    ),
    "- call: clocks/monotonic-clock.wait-for(5ms)": (
        Call(CLOCK["wait-for"], (Constant(U64, 5_000_000),)),
        None,
        "clocks/monotonic-clock.wait-for(5ms)",
    ),
    "- {new: stream<u8>, as: [r, w]}": (New("r", "w", BYTES), None, "new stream<u8>"),
    "- {new: future<bool>, as: [r, w]}": (New("r", "w", FUTURE), None, "new future<bool>"),
    NEW + "- {read: $r, expect: dropped(_)}": (Read(R, 1 << 16), outcomes.read_result(BYTES), "read $r"),
    NEW + "- {read: $r, count: 0, lower: sync, expect: dropped(_)}": (
        Read(R, 0, Lowering.SYNC),
        outcomes.read_result(BYTES),
        "read $r",
    ),
    NEW + "- {read: $fr, expect: completed(true)}": (Read(FR, 1 << 16), outcomes.read_result(FUTURE), "read $fr"),
    NEW + "- {read-all: $r, expect: dropped(_)}": (
        ReadAll(R, 1 << 16, 1 << 20, False),
        outcomes.read_all_result(BYTES, digest=False),
        "read-all $r",
    ),
    NEW + "- {read-all: $r, chunk: 5, limit: 7, digest: true, expect: dropped(_)}": (
        ReadAll(R, 5, 7, True),
        outcomes.read_all_result(BYTES, digest=True),
        "read-all $r",
    ),
    NEW + "- {write: $w, data: '\"hi\"', expect: completed(2)}": (
        Write(W, HI),
        outcomes.write_result(BYTES),
        "write $w",
    ),
    NEW + "- {write: $fw, data: true, expect: completed}": (
        Write(FW, Constant(BOOL, True)),
        outcomes.write_result(FUTURE),
        "write $fw",
    ),
    NEW + "- {write-all: $w, data: '\"hi\"', chunk: 1}": (
        WriteAll(W, HI, 1),
        outcomes.write_result(BYTES),
        "write-all $w",
    ),
    f"- {{start: {WAIT}, as: op}}": (
        Start("op", WAIT_CALL),
        outcomes.SUBTASK_STATE,
        f"start {WAIT}",
    ),
    f"- {{start: {{call: {WAIT}}}, as: op, apart: true}}": (
        Start("op", WAIT_CALL, apart=True),
        outcomes.SUBTASK_STATE,
        f"start {WAIT}",
    ),
    NEW + "- {start: {read: $r, count: 5}, as: op}": (
        Start("op", Read(R, 5)),
        outcomes.read_result(BYTES, started=True),
        "start read $r",
    ),
    NEW + "- {start: {write: $w, data: '\"hi\"'}, as: op, expect: blocked}": (
        Start("op", Write(W, HI)),
        outcomes.write_result(BYTES, started=True),
        "start write $w",
    ),
    START + "- {await: $op}": (Await(Operation("op")), None, "await $op"),
    START + "- {await: $copy, polling: true, expect: dropped(_)}": (
        Await(Operation("copy"), polling=True),
        outcomes.read_result(BYTES),
        "await $copy",
    ),
    START + "- {await-all: [$op, $copy], expect: '[1, 0]'}": (
        AwaitAll((Operation("op"), Operation("copy"))),
        outcomes.INDICES,
        "await-all $op $copy",
    ),
    START + "- {await-any: [$copy], expect: '0'}": (
        AwaitAny((Operation("copy"),)),
        outcomes.INDEX,
        "await-any $copy",
    ),
    START + "- {cancel: $op, expect: returned}": (
        Cancel(Operation("op")),
        outcomes.cancel_result(None),
        "cancel $op",
    ),
    START + "- {cancel: $copy, expect: cancelled(_)}": (
        Cancel(Operation("copy")),
        outcomes.read_result(BYTES),
        "cancel $copy",
    ),
    NEW + "- {start: {write: $w, data: '\"hi\"'}, as: op}\n- {cancel: $op, expect: cancelled(0)}": (
        Cancel(Operation("op")),
        outcomes.write_result(BYTES),
        "cancel $op",
    ),
    NEW + "- drop: $w": (Drop(W), None, "drop $w"),
    NEW + "- drop: $fr": (Drop(FR), None, "drop $fr"),
    "- yield: 3": (Yield(3), None, "yield 3"),
    "- backpressure: raise": (Backpressure(True), None, "backpressure raise"),
    "- backpressure: lower": (Backpressure(False), None, "backpressure lower"),
    "- trap: true": (Trap(), None, "trap"),
    "- return: ok": (Return(True), None, "return ok"),
    "- return: err": (Return(False), None, "return err"),
    "- harness: {pause: 50ms}": (Harness(Pause(50_000_000), True), None, "harness: pause 50ms"),
    "- {harness: {pause: 1us}, acknowledge: false}": (Harness(Pause(1_000), False), None, "harness: pause 1us"),
    "- {harness: {receive: stdout, length: 5}, expect: '\"hello\"'}": (
        Harness(Receive(Stdio.STDOUT, 5), True),
        outcomes.BYTES,
        "harness: receive stdout",
    ),
}


@pytest.mark.parametrize("body", GOOD)
def test_a_step(body):
    step = last(body)
    assert (step.action, step.yields, step.text) == GOOD[body]


def test_every_kind_of_step_is_tested():
    firsts = {body.splitlines()[-1].removeprefix("- ").lstrip("{").partition(":")[0] for body in GOOD}
    # Those of peers are in test_peers.py.
    assert firsts | {"peer", "handle"} == set(STEP)


GIVEN = {
    "- harness: {feed: '\"x\"'}": ("{stdin: pipe}", Feed(b"x")),
    "- harness: {close: stdin}": ("{stdin: terminal}", Close(Stdio.STDIN)),
    "- harness: {drain: stdout}": ("{stdout: unread}", Drain(Stdio.STDOUT)),
    "- harness: {close: stdout}": ("{stdout: unread}", Close(Stdio.STDOUT)),
    "- harness: {close: stderr}": ("{stdin: pipe}", Close(Stdio.STDERR)),
}


@pytest.mark.parametrize("body", GIVEN)
def test_a_harness_step_that_needs_surroundings(body):
    given, action = GIVEN[body]
    assert last(body, f"    given: {given}\n").action.action == action


def test_a_resource_is_called_and_dropped():
    socket = "- {call: sockets/types.tcp-socket.create(ipv4), expect: ok($s)}\n"
    suite = load(steps(socket + "- {call: $s.get-is-listening(), expect: 'false'}\n- drop: $s"))
    assert suite.problems == ()
    _, called, dropped = suite.vectors["a"].steps
    assert called.action.function.item == "wasi:sockets/types@0.3.0#tcp-socket.get-is-listening"
    assert type_text(called.action.arguments[0].type) == "borrow<tcp-socket>" or called.action.arguments[0].name == "s"
    assert dropped.action.target.name == "s"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("- {call: get-random-u64(), expect: $x}", [(Level.MUST, "$x")]),
        ("- {call: get-random-u64(), expect: _, level: may}", [(Level.MAY, "_")]),
        ("- {call: get-random-u64(), expect: {must: 1.., should: '5'}}", [(Level.MUST, "1.."), (Level.SHOULD, "5")]),
        ("- {call: get-random-u64(), expect: trap}", [(Level.MUST, "trap")]),
        ("- {yield: 1, expect: trap}", [(Level.MUST, "trap")]),
        ("- trap: true", [(Level.MUST, "trap")]),
        ("- yield: 1", [(Level.MUST, "completes")]),
        (f"- {{start: {WAIT}, as: op}}", [(Level.MUST, "completes")]),
        ("- {call: clocks/monotonic-clock.wait-for(1s), within: 1ms, expect: pending}", [(Level.MUST, "pending")]),
        ("- {call: cli/exit.exit(ok), expect: exit}", [(Level.MUST, "exit")]),
        (START + "- {await: $op, expect: pending}", [(Level.MUST, "pending")]),
        (NEW + "- {read: $r, expect: pending}", [(Level.MUST, "pending")]),
        (NEW + "- {write-all: $w, data: '\"x\"', expect: pending}", [(Level.MUST, "pending")]),
    ],
)
def test_an_expectation(body, expected):
    assert [(e.level, e.text) for e in last(body).expectations] == expected


def test_endings_are_no_patterns():
    assert last("- trap: true").expectations[0].outcome is Ending.TRAP
    assert last("- yield: 1").expectations[0].outcome is None


def test_the_other_keys_of_a_step():
    step = last("- {call: get-random-u64(), expect: $x, within: 1.5s, note: why, quiet: true}\n")
    assert (step.within, step.note, step.quiet, step.place.line, step.place.column) == (
        1_500_000_000,
        "why",
        True,
        7,
        9,
    )
    assert not last("- {call: get-random-u64(), expect: $x, quiet: false}").quiet


def test_across_runs():
    suite = load(steps("- {call: get-random-u64(), across: {must: length(2), should: distinct}}") + "    runs: 2\n")
    step = suite.vectors["a"].steps[0]
    assert [(e.level, e.text) for e in step.across] == [(Level.MUST, "length(2)"), (Level.SHOULD, "distinct")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("- {call: get-random-u64(), expect: $x, across: '[$y, ...]'}", "captured where nothing can refer"),
        ("- {call: get-random-u64(), expect: $x, across: each(== $x)}", "unknown name `$x`"),
        ("- {yield: 1, across: distinct}", "nothing to compare over runs"),
        ("- {harness: {receive: stdout, length: 1}, across: distinct}", "nothing to compare over runs"),
    ],
)
def test_across_runs_there_are_no_names(body, message):
    (problem,) = load(steps(body) + "    runs: 2\n").problems
    assert message in str(problem)


def test_loops_and_their_variable():
    body = """\
- for: {i: 1..2}
  steps:
    - for: {word: [a, b]}
      steps: [{call: 'get-random-bytes({i})', expect: '$x{i}-{word}'}]
"""
    suite = load(steps(body))
    assert [s.expectations[0].text for s in suite.vectors["a"].steps] == ["$x1-a", "$x1-b", "$x2-a", "$x2-b"]


@pytest.mark.parametrize(
    ("expect", "shown"),
    [
        ('dropped(repeat("x", 100000))', "100000"),
        ('dropped("abc") | completed("")', "3"),
        ("dropped(length(5..))", "5"),
        ("dropped(_)", ""),
    ],
)
def test_digests(expect, shown):
    pattern = last(NEW + f"- {{read-all: $r, digest: true, expect: '{expect}'}}").expectations[0].outcome
    assert pattern.type == outcomes.read_all_result(BYTES, digest=True)
    assert shown in repr(pattern)
    assert "BytesLiteral" not in repr(pattern)


@pytest.mark.parametrize("expect", ['dropped("a") | dropped(prefix("b"))', "$x", 'dropped("a" | "b")'])
def test_what_no_digest_can_tell(expect):
    (problem,) = load(steps(NEW + f"- {{read-all: $r, digest: true, expect: '{expect}'}}")).problems
    assert "the bytes are given outright" in str(problem)


def test_a_digest_that_is_only_recorded():
    assert last(NEW + "- {read-all: $r, digest: true, level: may, expect: _}").expectations[0].text == "_"
