"""What a gate lets through: how a later result compares with an earlier one, and what a baseline excuses."""

from __future__ import annotations

from typing import Any

import pytest

from wasicheck.judge.baseline import NO_BASELINE, baseline_of, excuse
from wasicheck.judge.changes import Change, broken_step, compare
from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.vectors.model import Level

PASS, INFO, NON_STRICT, SKIP = Verdict.PASS, Verdict.INFO, Verdict.NON_STRICT, Verdict.SKIP
FAIL, UNSUPPORTED, TIMEOUT, CRASH, ERROR = (
    Verdict.FAIL,
    Verdict.UNSUPPORTED,
    Verdict.TIMEOUT,
    Verdict.CRASH,
    Verdict.ERROR,
)


def step(index: int, verdict: Verdict, observed: str = "ok", text: str = "f()") -> StepResult:
    return StepResult(index, f"v.yaml:{index}", text, "ok", observed, verdict, Level.MUST)


def result(verdict: Verdict, *steps: StepResult, **changes: Any) -> Result:
    fields: dict[str, Any] = {
        "id": "v",
        "title": "T",
        "interface": "wasi:cli/stdout@0.3.0",
        "host": "h@1",
        "verdict": verdict,
        "level": Level.MUST,
        "requirements": (),
        "place": "v.yaml:1",
        "flags": (),
        "steps": steps,
        "reason": "",
        "exit": "",
        "stdout": "",
        "stderr": "",
        "duration_s": 0.1,
    }
    return Result(**fields | changes)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (PASS, PASS, Change.SAME),
        (PASS, FAIL, Change.NEWLY_FAILING),
        (NON_STRICT, TIMEOUT, Change.NEWLY_FAILING),
        (INFO, CRASH, Change.NEWLY_FAILING),
        (SKIP, FAIL, Change.NEWLY_FAILING),
        (ERROR, UNSUPPORTED, Change.NEWLY_FAILING),
        (FAIL, PASS, Change.NEWLY_PASSING),
        (CRASH, INFO, Change.NEWLY_PASSING),
        (UNSUPPORTED, NON_STRICT, Change.NEWLY_PASSING),
        (FAIL, FAIL, Change.SAME),
        (FAIL, TIMEOUT, Change.WORSE),
        (TIMEOUT, CRASH, Change.WORSE),
        (UNSUPPORTED, CRASH, Change.WORSE),
        (CRASH, FAIL, Change.CHANGED),
        (UNSUPPORTED, FAIL, Change.CHANGED),
        (FAIL, UNSUPPORTED, Change.CHANGED),
        (PASS, NON_STRICT, Change.CHANGED),
        (SKIP, PASS, Change.CHANGED),
        (PASS, SKIP, Change.NOT_RUN),
        (FAIL, ERROR, Change.NOT_RUN),
        (SKIP, ERROR, Change.NOT_RUN),
        (SKIP, SKIP, Change.SAME),
        (ERROR, ERROR, Change.SAME),
    ],
)
def test_verdicts_compared(before: Verdict, after: Verdict, change: Change) -> None:
    assert compare(result(before), result(after)) is change


OLD, NEW = "Tue, 01 Dec 2026 12:35:07 GMT", "Wed, 02 Dec 2026 09:00:10 GMT"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ([step(0, FAIL, "a")], [step(0, FAIL, "a")], Change.SAME),
        ([step(0, FAIL, "a")], [step(0, FAIL, "b")], Change.CHANGED),
        ([step(0, FAIL), step(1, PASS)], [step(0, FAIL), step(1, FAIL)], Change.WORSE),
        ([step(0, FAIL), step(1, SKIP)], [step(0, FAIL), step(1, FAIL)], Change.CHANGED),
        ([step(0, FAIL), step(1, PASS)], [step(0, FAIL), step(1, FAIL, text="another")], Change.CHANGED),
        # Ports, times, hashes and dates are others in each run; small numbers are answers.
        ([step(0, FAIL, "ok({port: 48122})")], [step(0, FAIL, "ok({port: 9999})")], Change.CHANGED),
        ([step(0, FAIL, "ok({port: 48122})")], [step(0, FAIL, "ok({port: 35091})")], Change.SAME),
        ([step(0, FAIL, "completed(4096)")], [step(0, FAIL, "completed(4095)")], Change.CHANGED),
        ([step(0, FAIL, f'("date", "{OLD}")')], [step(0, FAIL, f'("date", "{NEW}")')], Change.SAME),
        # A right answer may be a random one.
        ([step(0, FAIL), step(1, PASS, "4")], [step(0, FAIL), step(1, PASS, "7")], Change.SAME),
    ],
)
def test_steps_compared(before: list[StepResult], after: list[StepResult], change: Change) -> None:
    assert compare(result(FAIL, *before), result(FAIL, *after)) is change


def test_an_informative_answer_that_changes_is_told() -> None:
    assert compare(result(INFO, step(0, INFO, "1")), result(INFO, step(0, INFO, "2"))) is Change.CHANGED


def test_the_step_that_broke() -> None:
    before, after = result(FAIL, step(0, FAIL), step(1, PASS)), result(FAIL, step(0, FAIL), step(1, TIMEOUT))
    assert broken_step(before, after) == after.steps[1]
    assert broken_step(after, before) is None


def test_what_was_as_bad_is_excused() -> None:
    baseline = baseline_of("the baseline h@0", [result(FAIL)])
    excused = excuse(baseline, result(FAIL))
    assert not excused.red
    assert excused.expected_failure == "fail in the baseline h@0 as well"
    assert excused.verdict is FAIL


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (result(PASS), result(FAIL)),
        (result(ERROR), result(FAIL)),
        (result(ERROR), result(ERROR)),
        (result(FAIL), result(ERROR)),
        (result(FAIL), result(FAIL, id="another")),
        (result(FAIL), result(FAIL, flags=("lift=callback",))),
    ],
)
def test_what_is_not_known_to_be_as_bad_stays_red(before: Result, after: Result) -> None:
    assert excuse(baseline_of("b", [before]), after) is after
    assert after.red


def test_what_got_worse_says_how() -> None:
    baseline = baseline_of("b", [result(FAIL, step(0, FAIL), step(1, PASS))])
    crashed = excuse(baseline, result(CRASH))
    assert (crashed.red, crashed.unexpected) == (True, "worse than in b: fail became crash")
    broken = excuse(baseline, result(FAIL, step(0, FAIL), step(1, FAIL, "err(io)")))
    assert broken.unexpected == "worse than in b: step 2 (v.yaml:1) was right: expected ok, observed err(io)"


def test_what_got_better_is_not_red_whatever_is_expected() -> None:
    fixed = result(PASS, unexpected="listed as a known failure, but it passes")
    assert not excuse(baseline_of("b", [result(FAIL)]), fixed).red


def test_what_is_not_red_is_left_alone() -> None:
    known = result(CRASH, expected_failure="known")
    assert excuse(baseline_of("b", [result(PASS)]), known) is known
    assert excuse(NO_BASELINE, known) is known
