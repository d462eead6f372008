"""`judge` on hand-made runs: what the harness saw, frames that no guest sends, output, several runs, and none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inline import one
from judge_scene import KILLED, NEW, NUMBER, OK, SEGFAULT, TRAPPED, WAIT, Scene, verdicts

from wasicheck.guest.frames import Tag
from wasicheck.judge.judge import EXCERPT, errored, skipped
from wasicheck.judge.model import Verdict
from wasicheck.judge.run import Exit, ExitReason, HarnessOutcome
from wasicheck.values import Variant

# --- not started ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exit", "missing", "error", "verdict", "reason"),
    [
        (KILLED, (), None, Verdict.TIMEOUT, "the guest had not started at the deadline"),
        (SEGFAULT, (), None, Verdict.CRASH, "before the guest started the host died of signal 11: oh"),
        (TRAPPED, (), "panic", Verdict.CRASH, "before the guest started the host failed by itself: panic"),
        (TRAPPED, (), None, Verdict.FAIL, "the guest did not start, exit status 134: oh"),
        (OK, (), None, Verdict.FAIL, "the guest did not start, exit status 0: oh"),
        (TRAPPED, ("a#b", "a#c"), "panic", Verdict.UNSUPPORTED, "the host does not provide a#b, a#c: oh"),
    ],
)
def test_a_guest_that_did_not_start(
    exit: Exit, missing: tuple[str, ...], error: str | None, verdict: Verdict, reason: str
) -> None:
    scene = Scene(WAIT + NEW)
    result = scene.judge(scene.run(hello=False, exit=exit, stderr=b"oh"), missing=missing, errors=[error])
    assert (result.verdict, result.reason) == (verdict, reason)
    assert verdicts(result) == ["skip", "skip"]


def test_what_a_guest_asks_for_that_may_be_missing() -> None:
    scene = Scene(WAIT, more="    level: may")
    assert scene.judge(scene.run(hello=False, exit=TRAPPED)).verdict is Verdict.INFO


def test_a_host_may_leave_out_what_is_unstable() -> None:
    scene = Scene(WAIT, more="    unstable: clocks-timezone")
    assert scene.judge(scene.run(hello=False), missing=("a#b",)).verdict is Verdict.INFO


# --- the harness ----------------------------------------------------------------------------------------------

RECEIVE = "- harness: {receive: stdout, length: 3}\n  expect: '\"abc\"'\n"


@pytest.mark.parametrize(
    ("exit", "outcome", "error", "verdict"),
    [
        # The harness did its part, the guest never came back.
        (KILLED, HarnessOutcome(b"abc"), None, Verdict.TIMEOUT),
        (SEGFAULT, HarnessOutcome(b"abc"), None, Verdict.CRASH),
        (TRAPPED, HarnessOutcome(b"abc"), "panic", Verdict.CRASH),
        (TRAPPED, HarnessOutcome(b"abc"), None, Verdict.FAIL),
        # What the harness waited for never came; why, the end of the host may tell better.
        (KILLED, HarnessOutcome(b"a", "1 of 3 bytes", waited=True), None, Verdict.TIMEOUT),
        (OK, HarnessOutcome(b"a", "1 of 3 bytes", waited=True), None, Verdict.TIMEOUT),
        (SEGFAULT, HarnessOutcome(b"a", "1 of 3 bytes", waited=True), None, Verdict.CRASH),
        (TRAPPED, HarnessOutcome(b"a", "1 of 3 bytes", waited=True), "panic", Verdict.CRASH),
        # The harness could not do it.
        (KILLED, HarnessOutcome(failure="not open"), None, Verdict.ERROR),
        (SEGFAULT, HarnessOutcome(failure="not open"), None, Verdict.CRASH),
    ],
)
def test_the_guest_ends_in_a_harness_step(
    exit: Exit, outcome: HarnessOutcome, error: str | None, verdict: Verdict
) -> None:
    scene = Scene(RECEIVE)
    run = scene.run((Tag.REACHED, 0), exit=exit, harness={0: outcome})
    assert scene.judge(run, errors=[error]).verdict is verdict


@pytest.mark.parametrize(("data", "verdict"), [(b"abc", Verdict.PASS), (b"abd", Verdict.FAIL)])
def test_a_step_passed_through_is_judged_by_what_the_harness_saw(data: bytes, verdict: Verdict) -> None:
    scene = Scene(RECEIVE + WAIT, more="    given: {stdin: pipe}")
    run = scene.run((Tag.REACHED, 0), scene.done(1), scene.end, harness={0: HarnessOutcome(data)})
    assert scene.judge(run).verdict is verdict
    # The guest ended behind it.
    result = scene.judge(scene.run((Tag.REACHED, 0), exit=TRAPPED, harness={0: HarnessOutcome(b"abc")}))
    assert verdicts(result) == ["pass", "fail"]


CONNECTED = """
- {peer: server, accept: conn}
- {peer: conn, receive: 5, acknowledge: false, expect: received("hello")}
"""
PEERS = "    given: {network: true, peers: {server: tcp-listener}}"


@pytest.mark.parametrize(
    ("case", "late", "told"),
    [("closed", True, True), ("reset", True, True), ("closed", False, False), ("received", True, False)],
)
def test_a_connection_that_only_the_end_of_the_guest_has_cut_off(case: str, late: bool, told: bool) -> None:
    scene = Scene(CONNECTED, more=PEERS)
    done = {0: HarnessOutcome(), 1: HarnessOutcome(), 2: HarnessOutcome(Variant(case, b"x"), late=late)}
    frames = ((Tag.REACHED, 0), scene.done(0), (Tag.REACHED, 1), scene.done(1), (Tag.REACHED, 2))
    result = scene.judge(scene.run(*frames, scene.end, harness=done))
    assert result.steps[2].verdict is Verdict.FAIL
    assert result.steps[2].message.endswith("; it came to that only when the guest had ended") is told


# --- frames that no guest sends -------------------------------------------------------------------------------


def test_claims_without_frames_are_not_believed() -> None:
    scene = Scene(NUMBER.format("{may: _}") + WAIT + NEW + RECEIVE, requirement="may")
    result = scene.judge(scene.run(scene.end))
    assert verdicts(result) == ["fail", "fail", "pass", "fail"]
    assert result.verdict is Verdict.FAIL
    assert result.reason.endswith("observed no frame (later frames came, the one about this step did not)")


def test_claims_without_values_are_not_believed() -> None:
    scene = Scene(NUMBER.format("{may: _}") + RECEIVE, requirement="may")
    result = scene.judge(scene.run((Tag.DONE, 0), (Tag.DONE, 1), scene.end))
    assert verdicts(result) == ["fail", "fail"]
    assert result.steps[1].message == "the guest is beyond this step, and never came to it"


@pytest.mark.parametrize(
    "frames",
    [
        [(Tag.DONE, 1), (Tag.DONE, 0)],
        [(Tag.DONE, 0), (Tag.DONE, 0), (Tag.DONE, 1)],
        [(Tag.DONE, 0), (Tag.DONE, 1), (Tag.DONE, 2)],
        [(Tag.DONE, 0), (Tag.DONE, 1), (Tag.DONE, 9)],
        [(Tag.DONE, 0), (Tag.DONE, 1), (Tag.END, 1)],
    ],
)
def test_frames_out_of_order(frames: list[tuple[Tag, int]]) -> None:
    scene = Scene(WAIT + WAIT, requirement="may")
    result = scene.judge(scene.run(*frames, scene.end))
    assert result.verdict is Verdict.FAIL


def test_frames_outside_of_a_run() -> None:
    scene = Scene(WAIT)
    early = scene.judge(scene.run(scene.done(0), (Tag.HELLO, 0), scene.done(0), scene.end, hello=False))
    assert early.reason == (
        "what the guest wrote did not come out as it was written: a frame out of order: DONE of step 1 of 1"
    )
    late = scene.judge(scene.run(scene.done(0), scene.end, scene.end))
    assert late.reason.endswith("a frame out of order: END of step 2 of 1")
    twice = scene.judge(scene.run((Tag.HELLO, 0), scene.done(0), scene.end))
    assert twice.reason == "the host called `run` more than once"


def test_damaged_frames() -> None:
    scene = Scene(WAIT)
    result = scene.judge(scene.run(scene.done(0), scene.end, anomalies=("a", "b", "c", "d")))
    assert result.verdict is Verdict.FAIL
    assert result.reason == "what the guest wrote did not come out as it was written: a; b; c"


# --- what came out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "stdout", "truncated", "verdict"),
    [
        ("'\"abc\"'", b"abc", (), Verdict.PASS),
        ("'\"abc\"'", b"abd", (), Verdict.FAIL),
        ("{should: '\"abc\"'}", b"abd", (), Verdict.NON_STRICT),
        # More came out than was kept: certainly wrong, or not to be told.
        ("'\"abc\"'", b"abcd", ("stdout",), Verdict.FAIL),
        ('repeat("x", 5000)', b"x" * 5001, ("stdout",), Verdict.FAIL),
        ('repeat("x", 5000)', b"x" * 5000, ("stdout",), Verdict.ERROR),
        ('prefix("abc")', b"abcd", ("stdout",), Verdict.ERROR),
    ],
)
def test_output(after: str, stdout: bytes, truncated: tuple[str, ...], verdict: Verdict) -> None:
    scene = Scene(WAIT, more=f"    after: {{stdout: {after if after[0] in chr(39) + '{' else repr(after)}}}")
    result = scene.judge(scene.run(scene.done(0), scene.end, stdout=stdout, truncated=truncated))
    assert result.verdict is verdict
    if verdict is Verdict.FAIL and not truncated:
        assert result.reason == (
            'vectors/x.yaml:7: stdout: expected "abc", observed "abd" (expected "abc", observed "abd")'
        )


def test_excerpts_of_what_came_out_are_kept() -> None:
    scene = Scene(WAIT)
    run = scene.run(scene.done(0), scene.end, stdout=b"x" * 5000, stderr=b"\xff")
    result = scene.judge(run)
    assert result.stdout == "x" * EXCERPT + " … (5000 bytes)"
    assert result.stderr == "�"


# --- several runs ---------------------------------------------------------------------------------------------

ACROSS = "- call: clocks/monotonic-clock.now()\n  across: {}\n"


@pytest.mark.parametrize(
    ("pattern", "values", "verdict"),
    [("distinct", (1, 2), Verdict.PASS), ("distinct", (1, 1), Verdict.FAIL)],
)
def test_across_runs(pattern: str, values: tuple[int, ...], verdict: Verdict) -> None:
    scene = Scene(ACROSS.format(pattern), more="    runs: 2")
    result = scene.judge(*(scene.run(scene.done(0, v), scene.end) for v in values))
    assert result.verdict is verdict
    assert [s.text for s in result.steps] == [
        "clocks/monotonic-clock.now()",
        "clocks/monotonic-clock.now() (over 2 runs)",
    ]
    assert result.steps[1].observed == f"[{values[0]}, {values[1]}]"


def test_the_worst_run_is_shown_and_named() -> None:
    scene = Scene(ACROSS.format("distinct"), more="    runs: 3")
    good = scene.run(scene.done(0, 5), scene.end)
    bad = scene.run(exit=SEGFAULT)
    result = scene.judge(good, replace(good, exit=Exit(ExitReason.EXITED, 3)), bad)
    assert result.verdict is Verdict.CRASH
    assert result.reason.startswith("run 3 of 3: step 1, ")
    assert result.exit == "died of signal 11"
    # It has no value, so nothing can be said of all together.
    assert len(result.steps) == 1


def test_every_run_is_judged_by_its_own_words() -> None:
    scene = Scene(ACROSS.format("distinct"), more="    runs: 2")
    runs = [scene.run(scene.done(0, v), scene.end) for v in (1, 2)]
    assert scene.judge(*runs, errors=[None, "panic"]).reason == "run 2 of 2: the host failed by itself: panic"
    silent = scene.judge(runs[0], scene.run(hello=False, exit=TRAPPED))
    assert silent.reason == "run 2 of 2: the guest did not start, exit status 134"


# --- errors put into system calls -----------------------------------------------------------------------------

UNMET = "the host makes none of the system calls that are to fail (openat: EIO, openat2: EIO)"


@pytest.mark.parametrize(
    ("level", "value", "exit", "errors", "verdict"),
    [
        ("must", 5, OK, (), Verdict.PASS),
        ("must", 6, OK, (), Verdict.SKIP),
        ("typical", 6, OK, (), Verdict.SKIP),
        ("may", 5, OK, (), Verdict.SKIP),
        ("must", None, KILLED, (), Verdict.SKIP),
        ("must", None, TRAPPED, (), Verdict.SKIP),
        ("must", None, SEGFAULT, (), Verdict.CRASH),
        ("must", 5, OK, ("panic",), Verdict.CRASH),
    ],
)
def test_a_host_that_met_no_error_is_not_blamed(
    level: str, value: int | None, exit: Exit, errors: tuple[str, ...], verdict: Verdict
) -> None:
    scene = Scene(NUMBER.format(5), requirement=level)
    frames = () if value is None else (scene.done(0, value), scene.end)
    result = scene.judge(scene.run(*frames, exit=exit, unreached=("openat: EIO", "openat2: EIO")), errors=errors)
    assert result.verdict is verdict
    assert (result.reason == UNMET) == (verdict is Verdict.SKIP)
    assert len(result.steps) == 1


def test_a_host_that_met_one_is_judged() -> None:
    scene = Scene(NUMBER.format(5), more="    runs: 2")
    unmet = scene.run(scene.done(0, 5), scene.end, unreached=("openat: EIO",))
    assert scene.judge(unmet, scene.run(scene.done(0, 6), scene.end)).verdict is Verdict.FAIL
    assert scene.judge(unmet, scene.run(scene.done(0, 5), scene.end)).verdict is Verdict.PASS


def test_what_is_not_the_runs_is_said_whatever_the_host_met() -> None:
    scene = Scene(WAIT)
    silent = scene.run(hello=False, unreached=("openat: EIO",))
    assert scene.judge(silent, missing=("wasi:clocks/monotonic-clock@0.3.0",)).verdict is Verdict.UNSUPPORTED
    assert scene.judge(replace(silent, failure="no such directory")).verdict is Verdict.ERROR


# --- no run ---------------------------------------------------------------------------------------------------


def test_a_scene_that_could_not_be_set_is_an_error_whatever_else_was_seen() -> None:
    scene = Scene(WAIT)
    result = scene.judge(scene.run(scene.done(0), scene.end, failure="no such directory"))
    assert (result.verdict, result.reason, result.steps) == (Verdict.ERROR, "no such directory", ())


def test_vectors_that_are_not_run() -> None:
    vector = one(WAIT)
    assert skipped(vector, "h", ("f",), "not here").verdict is Verdict.SKIP
    assert (errored(vector, "h", (), "why").verdict, errored(vector, "h", (), "why").reason) == (Verdict.ERROR, "why")
