"""What each step of one run is worth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import assert_never

from wasicheck.judge.findings import (
    NOT_REACHED,
    PASS,
    Finding,
    graded,
    last_words,
    met,
    missed,
    observed,
    step_result,
    strictest,
)
from wasicheck.judge.model import StepResult, Verdict
from wasicheck.judge.observation import Observation, Progress, StepObservation
from wasicheck.judge.run import ExitReason, HarnessOutcome, Run
from wasicheck.values import Bindings, Value, Variant, match
from wasicheck.vectors.model import Ending, Expectation, Level, New, Respond, Return, Step, Vector
from wasicheck.vectors.staging import Harness

_CUT_OFF = ("closed", "reset", "incomplete")
"""What a peer yields when a connection ends before what it waits for has come; the guest's end does that as well."""


def is_silent(step: Step) -> bool:
    """Whether the guest sends no frame of its own about the step when it is complete."""
    opening = isinstance(step.action, Harness) and step.action.opening
    return step.quiet or opening or isinstance(step.action, New | Return | Respond)


def is_passed_through(step: Step) -> bool:
    """Whether the guest goes on at once when it has reported that it reached the step."""
    return isinstance(step.action, Harness) and not step.action.acknowledge


@dataclass
class JudgedSteps:
    """A result for each step, what their patterns captured, and whether the guest ended where it was to end."""

    results: list[StepResult] = field(default_factory=list)
    captured: dict[str, Value] = field(default_factory=dict)
    ended_as_expected: bool = False


def judge_steps(vector: Vector, observation: Observation, run: Run, internal_error: str | None) -> JudgedSteps:
    """Judge every step by itself: one that goes wrong hides none of the others."""
    judged = JudgedSteps()
    end = _interrupted_at(vector, observation)
    for index, (step, seen) in enumerate(zip(vector.steps, observation.steps, strict=True)):
        if end is None or index < end:
            result = _judge_passed(index, step, seen, run, judged.captured, end)
        elif index == end:
            result = judge_end_in(vector, index, run, internal_error)
            ending = any(e.outcome in (Ending.TRAP, Ending.EXIT) for e in step.expectations)
            judged.ended_as_expected = ending and result.verdict in (Verdict.PASS, Verdict.INFO)
        elif judged.ended_as_expected:
            # Behind a trap or exit that was asked for, steps are there to show that they do not run.
            result = step_result(index, step, Verdict.PASS, NOT_REACHED)
        else:
            result = step_result(index, step, Verdict.SKIP, NOT_REACHED, "the guest did not get here")
        judged.results.append(result)
    return judged


def _interrupted_at(vector: Vector, observation: Observation) -> int | None:
    """The step in which the guest ended, if it did not come to its end; the number of steps if it got beyond them.

    Of steps that send no frame the guest may have ended in any: then it is the one that is expected to end it.
    """
    if observation.interrupted_at is None:
        return None
    for index in range(observation.unheard, min(observation.interrupted_at + 1, len(vector.steps))):
        if any(e.outcome in (Ending.TRAP, Ending.EXIT) for e in vector.steps[index].expectations):
            return index
    return observation.interrupted_at


def _judge_passed(
    index: int, step: Step, seen: StepObservation, run: Run, captured: dict[str, Value], end: int | None
) -> StepResult:
    """Judge a step that the guest got beyond."""
    outcome = run.harness.get(index)
    if isinstance(step.action, Harness):
        if outcome is None:
            message = "the guest is beyond this step, and never came to it"
            return step_result(index, step, Verdict.FAIL, "left out", message)
        if outcome.failure is not None:
            return _judge_harness_failure(index, step, outcome, outcome.failure)
        # Data that came when the guest had given up waiting for it came too late.
        if seen.progress is not Progress.PENDING and not step.action.delivers:
            seen = replace(seen, value=outcome.value)
    match seen.progress:
        case Progress.PENDING:
            return judge_pending(index, step)
        case Progress.SKIPPED:
            return _left_out(index, step, "something it refers to is not there")
        case Progress.DONE:
            return judge_value(index, step, seen, captured, late=outcome is not None and outcome.late)
        case Progress.NOT_REACHED | Progress.REACHED if end is not None and is_silent(step):
            if step.yields is None:
                return step_result(index, step, Verdict.PASS, "completed")
            return step_result(
                index, step, Verdict.SKIP, "not reported", "the guest ended before it reported this step"
            )
        case Progress.NOT_REACHED | Progress.REACHED:
            message = "later frames came, the one about this step did not"
            return step_result(index, step, Verdict.FAIL, "no frame", message)
        case _:
            assert_never(seen.progress)


def judge_value(
    index: int, step: Step, seen: StepObservation, captured: dict[str, Value], *, late: bool = False
) -> StepResult:
    """Judge a step that is complete, and add to `captured` what its patterns capture.

    `late`: it is a harness step that came to its end only when the guest had.
    """
    if seen.error is not None:
        return step_result(index, step, Verdict.FAIL, "memory that is no such value", seen.error)
    result = graded(index, step, weigh_value(step, seen, captured, late=late), "completed")
    return result if step.yields is None or seen.value is None else observed(result, seen.value, step.yields)


def weigh_value(
    step: Step, seen: StepObservation, captured: dict[str, Value], *, late: bool = False
) -> list[tuple[Expectation, Finding]]:
    """What each expectation makes of a step that is complete; adds to `captured` what they capture."""
    bindings = Bindings(captured, seen.received_at)
    findings: list[tuple[Expectation, Finding]] = []
    for expectation in step.expectations:
        outcome = expectation.outcome
        if isinstance(outcome, Ending):
            findings.append((expectation, Finding(missed(expectation.level), f"expected {outcome.value}")))
            continue
        if outcome is None or seen.value is None:
            findings.append((expectation, PASS))
            continue
        found = match(outcome, seen.value, bindings)
        if found.ok:
            captured.update(found.captures)
            findings.append((expectation, Finding(met(expectation.level))))
        else:
            cut_off = late and isinstance(seen.value, Variant) and seen.value.case in _CUT_OFF
            reason = f"{found.reason}; it came to that only when the guest had ended" if cut_off else found.reason
            findings.append((expectation, Finding(missed(expectation.level), reason)))
    return findings


def judge_pending(index: int, step: Step, message: str = "still waiting when its limit had passed") -> StepResult:
    """Judge a step that was still waiting when its limit had passed."""
    for expectation in step.expectations:
        if expectation.outcome is Ending.PENDING:
            return step_result(index, step, met(expectation.level), "pending")
    level = strictest(step)
    verdict = Verdict.TIMEOUT if missed(level) is Verdict.FAIL else missed(level)
    return step_result(index, step, verdict, "pending", message)


def _left_out(index: int, step: Step, why: str) -> StepResult:
    verdict = Verdict.INFO if strictest(step) is Level.MAY else Verdict.SKIP
    return step_result(index, step, verdict, "not run", f"not run: {why}")


def _judge_harness_failure(index: int, step: Step, outcome: HarnessOutcome, failure: str) -> StepResult:
    if outcome.waited:
        # The host did not let out what the harness waited for.
        return judge_pending(index, step, failure)
    if outcome.unmet:
        return _left_out(index, step, failure)
    return step_result(index, step, Verdict.ERROR, failure, failure)


def judge_end_in(vector: Vector, index: int, run: Run, internal_error: str | None) -> StepResult:
    """Judge the step in which the guest ended."""
    step = vector.steps[index]
    how = str(run.exit)
    if run.exit.reason is ExitReason.SIGNALED:
        return step_result(index, step, Verdict.CRASH, how, f"the host {how}{last_words(run)}")
    if run.exit.reason is ExitReason.EXITED and internal_error is not None:
        return step_result(index, step, Verdict.CRASH, how, f"the host failed by itself: {internal_error}")
    outcome = run.harness.get(index)
    if outcome is not None and outcome.failure is not None:
        return _judge_harness_failure(index, step, outcome, outcome.failure)
    pending = next((e for e in step.expectations if e.outcome is Ending.PENDING), None)
    if run.exit.reason is ExitReason.DEADLINE:
        if pending is not None and not vector.guest.limits_inside:
            return step_result(index, step, met(pending.level), "pending")
        return step_result(index, step, Verdict.TIMEOUT, how, "the host was still in this step at the deadline")
    for expectation in step.expectations:
        if expectation.outcome is Ending.EXIT:
            return step_result(index, step, met(expectation.level), f"exit ({how})")
        if expectation.outcome is Ending.TRAP:
            if run.exit.code != 0 or run.exit.reason is ExitReason.STOPPED:
                return step_result(index, step, met(expectation.level), f"trap ({how})")
            message = "the guest ended, but the host reports success"
            return step_result(index, step, missed(expectation.level), how, message)
    message = f"the guest ended in this step, {how}{last_words(run)}"
    return step_result(index, step, missed(strictest(step)), f"trap or end ({how})", message)
