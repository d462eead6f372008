"""`judge` on hand-made runs: steps, their verdicts and the words for them, and where the guest ended."""

from __future__ import annotations

import pytest
from judge_scene import KILLED, NEW, NUMBER, OK, SEGFAULT, TRAPPED, WAIT, Scene, verdicts

from wasicheck.guest.frames import Tag
from wasicheck.judge.model import Verdict
from wasicheck.judge.run import Exit, ExitReason
from wasicheck.values import Variant

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
