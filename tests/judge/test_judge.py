"""`judge` on hand-made runs: every verdict, the words for it, and that one mismatch hides nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from inline import one

from wasicheck.abi import Image
from wasicheck.guest.compiler import Build, Guest, compile_vector
from wasicheck.guest.frames import Frame, Tag
from wasicheck.judge.judge import EXCERPT, errored, judge, skipped
from wasicheck.judge.model import Result, Verdict
from wasicheck.judge.run import Exit, ExitReason, HarnessOutcome, Run
from wasicheck.values import Value, Variant
from wasicheck.vectors.model import Vector
from wasicheck.wit import wasi

OK = Exit(ExitReason.EXITED, 0)
TRAPPED = Exit(ExitReason.EXITED, 134)
KILLED = Exit(ExitReason.DEADLINE, 9)
SEGFAULT = Exit(ExitReason.SIGNALED, 11)

NUMBER = "- call: clocks/monotonic-clock.now()\n  expect: {}\n"
WAIT = "- call: clocks/monotonic-clock.wait-for(1ms)\n"
NEW = "- new: stream<u8>\n  as: [r, w]\n"


class Scene:
    """A vector, and the frames that a guest of it could send."""

    def __init__(self, steps: str, *, requirement: str = "must", more: str = "") -> None:
        self.vector: Vector = one(steps, requirement=requirement, more=more)
        self.guest: Guest = compile_vector(self.vector, wasi(), Build())
        self.end = (Tag.END, len(self.vector.steps))

    def done(self, step: int, value: Value | None = None) -> tuple[Tag, int, tuple[tuple[int, bytes], ...]]:
        """The frame that says that a step is complete, with what it yields."""
        layout = self.guest.layouts[step]
        if value is None or layout.address is None or layout.type is None:
            return Tag.DONE, step, ()
        image = Image(layout.address)
        image.place(value, layout.type)
        return Tag.DONE, step, ((layout.address, image.bytes),)

    def run(self, *frames: tuple[object, ...], exit: Exit = OK, hello: bool = True, **seen: object) -> Run:
        sent = [(Tag.HELLO, 0), *frames] if hello else list(frames)
        return Run(
            frames=tuple(Frame(i, f[1], f[0], f[2] if len(f) > 2 else ()) for i, f in enumerate(sent)),  # type: ignore[arg-type]
            **{"anomalies": (), "exit": exit, "stdout": b"", "stderr": b""} | seen,  # type: ignore[arg-type]
        )

    def judge(self, *runs: Run, missing: tuple[str, ...] = (), errors: Sequence[str | None] = ()) -> Result:
        return judge(self.vector, self.guest.layouts, runs, host="h", missing=missing, internal_errors=errors)


def verdicts(result: Result) -> list[str]:
    return [s.verdict.value for s in result.steps]


# --- values ---------------------------------------------------------------------------------------------------


def test_all_is_well() -> None:
    scene = Scene(NUMBER.format("$a") + WAIT + NUMBER.format("'>= $a'"))
    run = scene.run(scene.done(0, 5), scene.done(1), scene.done(2, 6), scene.end, duration_s=0.5)
    result = scene.judge(run)
    assert (result.verdict, result.reason, result.exit, result.duration_s) == (Verdict.PASS, "", "exit status 0", 0.5)
    assert [(s.expected, s.observed, s.message) for s in result.steps] == [
        ("$a", "5", ""),
        ("completes", "completed", ""),
        (">= $a", "6", ""),
    ]


def test_a_mismatch_says_where_and_what_and_hides_no_other_step() -> None:
    scene = Scene(NUMBER.format("5") + WAIT + NUMBER.format("7"))
    result = scene.judge(scene.run(scene.done(0, 6), scene.done(1), scene.done(2, 7), scene.end))
    assert verdicts(result) == ["fail", "pass", "pass"]
    assert result.reason == (
        "step 1, vectors/x.yaml:9: clocks/monotonic-clock.now(): expected 5, observed 6 (expected 5, observed 6)"
    )


@pytest.mark.parametrize(
    ("expect", "value", "verdict", "level"),
    [
        ("'5'", 5, Verdict.PASS, "must"),
        ("{must: 1..9, should: '5'}", 5, Verdict.PASS, "must"),
        ("{must: 1..9, should: '5'}", 6, Verdict.NON_STRICT, "should"),
        ("{must: 1..9, should: '5'}", 60, Verdict.FAIL, "must"),
        ("{must: 1..9, typical: '5'}", 6, Verdict.NON_STRICT, "typical"),
        ("{may: '5'}", 5, Verdict.INFO, "may"),
        ("{may: '5'}", 6, Verdict.INFO, "may"),
        ("{must: 1..9, may: '5'}", 60, Verdict.FAIL, "must"),
    ],
)
def test_levels(expect: str, value: int, verdict: Verdict, level: str) -> None:
    scene = Scene(NUMBER.format(expect))
    (step,) = scene.judge(scene.run(scene.done(0, value), scene.end)).steps
    assert (step.verdict, step.level.value) == (verdict, level)


@pytest.mark.parametrize(
    ("requirement", "verdict"),
    [("must", "fail"), ("should", "non-strict"), ("typical", "non-strict"), ("may", "info")],
)
def test_a_vector_has_the_level_of_its_requirements(requirement: str, verdict: str) -> None:
    scene = Scene(NUMBER.format("5"), requirement=requirement)
    assert scene.judge(scene.run(scene.done(0, 6), scene.end)).verdict.value == verdict
    assert scene.judge(scene.run(scene.done(0, 5), scene.end)).verdict is (
        Verdict.INFO if requirement == "may" else Verdict.PASS
    )


def test_memory_that_is_no_such_value() -> None:
    scene = Scene("- call: sockets/types.tcp-socket.create(ipv4)\n  expect: ok(_)\n" + WAIT)
    address = scene.guest.layouts[0].address
    assert address is not None
    run = scene.run((Tag.DONE, 0, ((address, b"\xff" * 64),)), scene.done(1), scene.end)
    result = scene.judge(run)
    assert verdicts(result) == ["fail", "pass"]
    assert result.steps[0].observed == "memory that is no such value"
    assert "discriminant 255" in result.steps[0].message


def test_what_was_to_trap_or_to_wait_and_did_not() -> None:
    scene = Scene(NUMBER.format("trap"))
    result = scene.judge(scene.run(scene.done(0, 5), scene.end))
    assert result.reason.endswith("expected trap, observed 5 (expected trap)")
    assert result.verdict is Verdict.FAIL
    waiting = Scene(WAIT + "  expect: pending")
    result = waiting.judge(waiting.run(waiting.done(0), waiting.end))
    assert result.reason.endswith("expected pending, observed completed (expected pending)")


# --- waiting and being left out -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "verdict", "step"),
    [
        ("", Verdict.TIMEOUT, Verdict.TIMEOUT),
        ("  level: should", Verdict.NON_STRICT, Verdict.NON_STRICT),
        ("  expect: pending", Verdict.PASS, Verdict.PASS),
        ("  expect: {may: pending}", None, Verdict.INFO),
    ],
)
def test_a_step_that_is_still_waiting(more: str, verdict: Verdict | None, step: Verdict) -> None:
    scene = Scene(WAIT + more)
    result = scene.judge(scene.run((Tag.PENDING, 0), scene.end))
    assert verdict in (None, result.verdict)
    assert (result.steps[0].verdict, result.steps[0].observed) == (step, "pending")
    if step is Verdict.TIMEOUT:
        assert result.reason.endswith("observed pending (still waiting when its limit had passed)")


SOCKET = "- call: sockets/types.tcp-socket.create(ipv4)\n  expect: {}\n- drop: $s\n"


@pytest.mark.parametrize(
    ("expect", "steps", "verdict"),
    [
        # The step before explains it.
        ("ok($s)", ["fail", "skip"], Verdict.FAIL),
        ("{should: ok($s)}", ["non-strict", "skip"], Verdict.NON_STRICT),
        # Nothing explains it: the vector promised more than it looked at.
        ("{may: ok($s)}", ["info", "skip"], Verdict.FAIL),
    ],
)
def test_a_step_that_refers_to_nothing(expect: str, steps: list[str], verdict: Verdict) -> None:
    scene = Scene(SOCKET.format(expect))
    refused = scene.done(0, Variant("err", Variant("access-denied")))
    result = scene.judge(scene.run(refused, (Tag.SKIPPED, 1), scene.end))
    assert verdicts(result) == steps
    assert result.verdict is verdict
    assert result.steps[1].message == "not run: something it refers to is not there"


# --- where the guest ended ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exit", "error", "verdict", "reason"),
    [
        (KILLED, None, Verdict.TIMEOUT, "killed at the deadline (the host was still in this step at the deadline)"),
        (SEGFAULT, None, Verdict.CRASH, "died of signal 11 (the host died of signal 11: oh)"),
        (TRAPPED, "panicked at x", Verdict.CRASH, "exit status 134 (the host failed by itself: panicked at x)"),
        (
            TRAPPED,
            None,
            Verdict.FAIL,
            "trap or end (exit status 134) (the guest ended in this step, exit status 134: oh)",
        ),
        (OK, None, Verdict.FAIL, "trap or end (exit status 0) (the guest ended in this step, exit status 0: oh)"),
    ],
)
def test_the_guest_ends_in_a_step(exit: Exit, error: str | None, verdict: Verdict, reason: str) -> None:
    scene = Scene(NUMBER.format("5") + NEW + WAIT + WAIT)
    result = scene.judge(scene.run(scene.done(0, 5), exit=exit, stderr=b"\noh\nno\n"), errors=[error])
    assert result.verdict is verdict
    assert result.reason == (
        "step 3, vectors/x.yaml:13: clocks/monotonic-clock.wait-for(1ms): expected completes, observed " + reason
    )
    assert verdicts(result) == ["pass", "pass", verdict.value, "skip"]
    assert result.steps[3].observed == "not reached"


@pytest.mark.parametrize("requirement", ["should", "may"])
def test_what_was_not_reached_is_not_excused_by_a_lesser_miss(requirement: str) -> None:
    scene = Scene(WAIT + f"  level: {requirement}\n" + WAIT)
    result = scene.judge(scene.run(exit=TRAPPED))
    assert result.verdict is Verdict.FAIL
    assert result.reason.startswith("not every step could be run: step 2")


@pytest.mark.parametrize(
    ("expect", "exit", "verdict", "observed"),
    [
        ("trap", TRAPPED, "pass", "trap (exit status 134)"),
        ("{may: trap}", TRAPPED, "info", "trap (exit status 134)"),
        ("trap", OK, "fail", "exit status 0"),
        ("{should: trap}", OK, "non-strict", "exit status 0"),
        ("trap", KILLED, "timeout", "killed at the deadline"),
        ("trap", SEGFAULT, "crash", "died of signal 11"),
        ("exit", OK, "pass", "exit (exit status 0)"),
        ("{may: exit}", TRAPPED, "info", "exit (exit status 134)"),
        ("exit", KILLED, "timeout", "killed at the deadline"),
    ],
)
def test_the_guest_ends_where_it_is_to_end(expect: str, exit: Exit, verdict: str, observed: str) -> None:
    action = "call: cli/exit.exit(ok)" if "exit" in expect else "trap: true"
    scene = Scene(NEW + f"- {action}\n  expect: {expect}\n" + WAIT)
    result = scene.judge(scene.run(exit=exit))
    assert verdicts(result) == ["pass", verdict, "pass" if verdict in ("pass", "info") else "skip"]
    assert result.steps[1].observed == observed


def test_a_silent_step_may_be_the_one_that_is_to_trap() -> None:
    scene = Scene("- return: ok\n- return: ok\n  expect: trap\n" + WAIT)
    assert verdicts(scene.judge(scene.run(exit=TRAPPED))) == ["pass", "pass", "pass"]


def test_a_quiet_step_may_never_be_reported() -> None:
    scene = Scene(NUMBER.format("$a") + "  quiet: true\n" + WAIT)
    result = scene.judge(scene.run(exit=TRAPPED))
    assert verdicts(result) == ["skip", "fail"]
    assert result.steps[0].message == "the guest ended before it reported this step"


@pytest.mark.parametrize(("more", "verdict"), [("    guest: {limits: outside}", Verdict.PASS), ("", Verdict.TIMEOUT)])
def test_what_is_to_wait_waits_until_the_deadline_where_the_guest_cannot_end_it(more: str, verdict: Verdict) -> None:
    scene = Scene(f"{WAIT}  expect: pending", more=more)
    assert scene.judge(scene.run(exit=KILLED)).verdict is verdict


@pytest.mark.parametrize(
    ("exit", "error", "verdict", "reason"),
    [
        (KILLED, None, Verdict.TIMEOUT, "all steps are complete, but the host had not ended at the deadline"),
        (SEGFAULT, None, Verdict.CRASH, "behind the last step the host died of signal 11"),
        (TRAPPED, "panic", Verdict.CRASH, "behind the last step the host failed by itself: panic"),
        (TRAPPED, None, Verdict.FAIL, "the guest ended behind its last step, exit status 134"),
    ],
)
def test_the_guest_ends_behind_its_last_step(exit: Exit, error: str | None, verdict: Verdict, reason: str) -> None:
    scene = Scene(WAIT + NEW)
    result = scene.judge(scene.run(scene.done(0), exit=exit), errors=[error])
    assert (result.verdict, result.reason) == (verdict, reason)
    assert verdicts(result) == ["pass", "pass"]


@pytest.mark.parametrize(
    ("after", "exit", "error", "verdict", "reason"),
    [
        ("", OK, None, Verdict.PASS, ""),
        ("", TRAPPED, None, Verdict.FAIL, "expected success (exit status 0), observed exit status 134: oh"),
        ("", KILLED, None, Verdict.TIMEOUT, "the guest has come to its end, but the host did not end"),
        ("", SEGFAULT, None, Verdict.CRASH, "at its end the host died of signal 11: oh"),
        ("", OK, "panic", Verdict.CRASH, "the host failed by itself: panic"),
        ("failure", Exit(ExitReason.EXITED, 3), None, Verdict.PASS, ""),
        ("failure", OK, None, Verdict.FAIL, "expected failure (an exit status that is not 0), observed exit status 0"),
        ("code(7)", Exit(ExitReason.EXITED, 7), None, Verdict.PASS, ""),
        ("code(7)", OK, None, Verdict.FAIL, "expected exit status 7, observed exit status 0: oh"),
        ("{should: code(7)}", OK, None, Verdict.NON_STRICT, "expected exit status 7, observed exit status 0: oh"),
        ("{may: code(7)}", OK, None, None, "expected exit status 7, observed exit status 0: oh"),
    ],
)
def test_how_the_host_ends(after: str, exit: Exit, error: str | None, verdict: Verdict | None, reason: str) -> None:
    scene = Scene(WAIT, more=f"    after: {{exit: {after}}}" if after else "")
    result = scene.judge(scene.run(scene.done(0), scene.end, exit=exit, stderr=b"oh"), errors=[error])
    assert verdict in (None, result.verdict)
    if verdict is not None:
        assert reason in result.reason


def test_exit_status_after_an_expected_trap() -> None:
    scene = Scene("- trap: true\n  expect: trap", more="    after: {exit: code(134)}")
    assert scene.judge(scene.run(exit=TRAPPED)).verdict is Verdict.PASS
    assert scene.judge(scene.run(exit=Exit(ExitReason.EXITED, 1))).verdict is Verdict.FAIL


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
