"""What must be true when a guest has ended, or when it never started."""

from __future__ import annotations

from typing import assert_never

from wasicheck.guest.frames import Tag
from wasicheck.judge.findings import PASS, Finding, last_words, met, missed, shown
from wasicheck.judge.model import Verdict
from wasicheck.judge.observation import Observation
from wasicheck.judge.run import ExitReason, Run
from wasicheck.judge.steps import JudgedSteps
from wasicheck.judge.trees import judge_tree
from wasicheck.values import Bindings, Value, match
from wasicheck.values.pattern_types import BytesLiteral, Literal
from wasicheck.vectors.model import Ending, ExitKind, Expectation, Level, Vector
from wasicheck.vectors.outcomes import BYTES


def judge_end(
    vector: Vector, observation: Observation, run: Run, steps: JudgedSteps, internal_error: str | None
) -> list[Finding]:
    """Judge how the run ended and what came out."""
    findings: list[Finding] = []
    if anomalies := (*run.anomalies, *observation.anomalies):
        words = "; ".join(anomalies[:3])
        findings.append(Finding(Verdict.FAIL, f"what the guest wrote did not come out as it was written: {words}"))
    if sum(frame.tag is Tag.HELLO for frame in run.frames) > 1:
        findings.append(Finding(Verdict.FAIL, "the host called `run` more than once"))
    if observation.interrupted_at == len(vector.steps) and not steps.ended_as_expected:
        findings.append(_judge_abrupt_end(vector, run, internal_error))
    if observation.ended or steps.ended_as_expected:
        findings.append(judge_exit(vector, run, internal_error))
    for name, expectations, data in (
        ("stdout", vector.after.stdout, run.stdout),
        ("stderr", vector.after.stderr, run.stderr),
    ):
        cut = name in run.truncated
        findings += [judge_output(vector, name, e, data, steps.captured, cut=cut) for e in expectations]
    findings += judge_tree(vector, run, steps.captured)
    return findings


def judge_no_start(vector: Vector, run: Run, missing: tuple[str, ...], internal_error: str | None) -> Finding:
    """Judge a run in which the guest did not start; `missing` are imports that the host was proved to lack."""
    match run.exit.reason:
        case ExitReason.DEADLINE:
            return Finding(Verdict.TIMEOUT, "the guest had not started at the deadline")
        case ExitReason.SIGNALED:
            return Finding(Verdict.CRASH, f"before the guest started the host {run.exit}{last_words(run)}")
        case ExitReason.EXITED if missing:
            # A host may leave out what is still unstable.
            verdict = Verdict.UNSUPPORTED if vector.unstable is None else Verdict.INFO
            return Finding(verdict, f"the host does not provide {', '.join(missing)}{last_words(run)}")
        case ExitReason.EXITED if internal_error is not None:
            return Finding(Verdict.CRASH, f"before the guest started the host failed by itself: {internal_error}")
        case ExitReason.EXITED:
            # What a guest asks for beyond its world a host need not have; the vector then records that.
            verdict = Verdict.INFO if vector.level is Level.MAY else Verdict.FAIL
            return Finding(verdict, f"the guest did not start, {run.exit}{last_words(run)}")
        case ExitReason.STOPPED:
            return Finding(missed(vector.level), f"the host serves, and did not call the guest{last_words(run)}")
        case _:
            assert_never(run.exit.reason)


def _judge_abrupt_end(vector: Vector, run: Run, internal_error: str | None) -> Finding:
    """Judge an end behind the last step, but before the guest said that it had come to its end."""
    match run.exit.reason:
        case ExitReason.DEADLINE:
            return Finding(Verdict.TIMEOUT, "all steps are complete, but the host had not ended at the deadline")
        case ExitReason.SIGNALED:
            return Finding(Verdict.CRASH, f"behind the last step the host {run.exit}{last_words(run)}")
        case ExitReason.EXITED if internal_error is not None:
            return Finding(Verdict.CRASH, f"behind the last step the host failed by itself: {internal_error}")
        case ExitReason.EXITED | ExitReason.STOPPED:
            message = f"the guest ended behind its last step, {run.exit}{last_words(run)}"
            return Finding(missed(vector.level), message)
        case _:
            assert_never(run.exit.reason)


def judge_exit(vector: Vector, run: Run, internal_error: str | None) -> Finding:
    """Judge how the host reports the end of a guest that ended as it was to."""
    expected = vector.after.exit
    if run.exit.reason is ExitReason.DEADLINE:
        return Finding(Verdict.TIMEOUT, "the guest has come to its end, but the host did not end")
    if run.exit.reason is ExitReason.SIGNALED:
        return Finding(Verdict.CRASH, f"at its end the host {run.exit}{last_words(run)}")
    if internal_error is not None:
        return Finding(Verdict.CRASH, f"the host failed by itself: {internal_error}")
    if expected is None:
        return PASS
    match expected.kind:
        case ExitKind.SUCCESS:
            fits, words = run.exit.code == 0, "success (exit status 0)"
        case ExitKind.FAILURE:
            fits, words = run.exit.code != 0, "failure (an exit status that is not 0)"
        case ExitKind.CODE:
            fits, words = run.exit.code == expected.code, f"exit status {expected.code}"
        case _:
            assert_never(expected.kind)
    if fits:
        return Finding(met(expected.level))
    message = f"{vector.after.place}: expected {words}, observed {run.exit}{last_words(run)}"
    return Finding(missed(expected.level), message)


def judge_output(
    vector: Vector, name: str, expectation: Expectation, data: bytes, captured: dict[str, Value], *, cut: bool
) -> Finding:
    """Judge what came out of an output; `cut` if the harness did not keep all of it."""
    pattern = expectation.outcome
    assert pattern is not None
    assert not isinstance(pattern, Ending)
    if cut and not (isinstance(pattern, Literal | BytesLiteral) and _length(pattern) < len(data)):
        return Finding(Verdict.ERROR, f"{name} went beyond what the harness keeps")
    found = match(pattern, data, Bindings(captured))
    if found.ok:
        return Finding(met(expectation.level))
    words = f"expected {expectation.text}, observed {shown(data, BYTES)}"
    message = f"{vector.after.place}: {name}: {words} ({found.reason})"
    return Finding(missed(expectation.level), message)


def _length(pattern: Literal | BytesLiteral) -> int:
    if isinstance(pattern, BytesLiteral):
        return pattern.content.length
    assert isinstance(pattern.value, bytes)
    return len(pattern.value)
