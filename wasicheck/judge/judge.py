"""`judge(vector, layouts, runs, …)`: what a host's answers are worth, by the vector alone.

Every step is judged on its own; a vector's verdict is the worst of its parts. Nothing here knows a host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wasicheck.guest.frames import Tag
from wasicheck.guest.steps import Layout
from wasicheck.judge.model import SEVERITY, Result, StepResult, Verdict
from wasicheck.judge.observation import Observation, Progress, StepObservation, observe
from wasicheck.judge.run import ExitReason, Run
from wasicheck.values import Bindings, Value, format_value, match
from wasicheck.vectors.model import (
    Ending,
    ExitKind,
    Expectation,
    Harness,
    Level,
    New,
    Return,
    Step,
    Vector,
)
from wasicheck.vectors.outcomes import BYTES
from wasicheck.wit.types import ListType

SHOWN = 400
"""Characters of an observed value that a result keeps."""
EXCERPT = 2000
"""Characters of a host's own output that a result keeps."""


@dataclass(frozen=True)
class _Finding:
    """One part's verdict."""

    verdict: Verdict
    message: str = ""


_PASS = _Finding(Verdict.PASS)


def judge(
    vector: Vector,
    layouts: tuple[Layout, ...],
    runs: Sequence[Run],
    *,
    host: str,
    flags: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    internal_error: str | None = None,
) -> Result:
    """Judge the runs of a vector on a host.

    `missing`: imports that the host was proved to lack. `internal_error`: words of the host's own output that say
    it failed by itself (a panic), as its runner defines them.
    """
    first = runs[0]
    failed = next((run for run in runs if run.failure is not None), None)
    observations = [observe(layouts, tuple(_silent(s) for s in vector.steps), run) for run in runs]
    if failed is not None:
        return _result(vector, first, host, flags, (), _Finding(Verdict.ERROR, failed.failure or ""))
    if not observations[0].started:
        steps = _unreached(vector)
        finding = _not_started(first, missing, internal_error)
        if finding.verdict is Verdict.UNSUPPORTED and vector.unstable is not None:
            # A host may leave out what is still unstable.
            finding = replace(finding, verdict=Verdict.INFO)
        return _result(vector, first, host, flags, steps, finding)
    results: list[StepResult] = []
    findings: list[_Finding] = []
    for run, observation in zip(runs, observations, strict=True):
        judged, captured = _judge_steps(vector, observation, run, internal_error)
        findings += [_Finding(r.verdict, _located(r)) for r in judged]
        findings += _judge_end(vector, observation, run, captured, internal_error)
        if run is first or not results:
            results = judged
    for result in _judge_across(vector, observations):
        results.append(result)
        findings.append(_Finding(result.verdict, _located(result)))
    return _result(vector, first, host, flags, tuple(results), _worst(findings, vector.level))


def skipped(vector: Vector, host: str, flags: tuple[str, ...], reason: str) -> Result:
    """The result of a vector that is not run."""
    return _bare(vector, host, flags, Verdict.SKIP, reason)


def errored(vector: Vector, host: str, flags: tuple[str, ...], reason: str) -> Result:
    """The result of a vector that the harness could not prepare."""
    return _bare(vector, host, flags, Verdict.ERROR, reason)


# --- steps -----------------------------------------------------------------------------------------------


def _silent(step: Step) -> bool:
    """Whether the guest sends no frame of its own when the step is complete."""
    if isinstance(step.action, Harness):
        return not step.action.acknowledge
    return step.quiet or isinstance(step.action, New | Return)


def _judge_steps(
    vector: Vector, observation: Observation, run: Run, internal_error: str | None
) -> tuple[list[StepResult], dict[str, Value]]:
    """Return a result for each step, and what their patterns captured."""
    results: list[StepResult] = []
    captured: dict[str, Value] = {}
    interrupted = observation.interrupted_at
    over = False
    for index, (step, seen) in enumerate(zip(vector.steps, observation.steps, strict=True)):
        if isinstance(step.action, Harness) and index in run.harness:
            outcome = run.harness[index]
            if outcome.failure is not None and outcome.data is None:
                results.append(_step_result(index, step, Verdict.ERROR, outcome.failure, outcome.failure))
                continue
            if outcome.failure is not None:
                results.append(_judge_pending(index, step, outcome.failure))
                continue
            # Data that came when the guest had given up waiting for it came too late.
            if outcome.data is not None and seen.progress is not Progress.PENDING:
                seen = replace(seen, progress=Progress.DONE, value=outcome.data)
        ended_here = index == interrupted
        if seen.progress is Progress.DONE:
            results.append(_judge_value(index, step, seen, captured))
        elif seen.progress is Progress.PENDING:
            results.append(_judge_pending(index, step))
        elif seen.progress is Progress.SKIPPED:
            message = "not run: something it refers to is not there"
            verdict = Verdict.INFO if _level(step) is Level.MAY else Verdict.SKIP
            results.append(_step_result(index, step, verdict, "not run", message))
        elif ended_here:
            results.append(_judge_interruption(index, step, run, internal_error))
            # Behind a trap or exit that was asked for, steps are there to show that they do not run.
            over = results[-1].verdict is Verdict.PASS
        elif over:
            results.append(_step_result(index, step, Verdict.PASS, "not reached", ""))
        else:
            results.append(_step_result(index, step, Verdict.SKIP, "not reached", "the guest did not get here"))
    return results, captured


def _judge_value(index: int, step: Step, seen: StepObservation, captured: dict[str, Value]) -> StepResult:
    if seen.error is not None:
        return _step_result(index, step, Verdict.FAIL, "memory that is no such value", seen.error)
    observed = "completed" if step.yields is None or seen.value is None else _shown(seen.value, step)
    bindings = Bindings(captured, seen.received_at)
    findings: list[tuple[Expectation, _Finding]] = []
    for expectation in step.expectations:
        outcome = expectation.outcome
        if isinstance(outcome, Ending):
            findings.append((expectation, _Finding(_missed(expectation.level), f"expected {outcome.value}")))
            continue
        if outcome is None or seen.value is None:
            findings.append((expectation, _PASS))
            continue
        found = match(outcome, seen.value, bindings)
        if found.ok:
            captured.update(found.captures)
            verdict = Verdict.INFO if expectation.level is Level.MAY else Verdict.PASS
            findings.append((expectation, _Finding(verdict)))
        else:
            findings.append((expectation, _Finding(_missed(expectation.level), found.reason)))
    return _worst_expectation(index, step, findings, observed)


def _judge_pending(index: int, step: Step, message: str = "still waiting when its limit had passed") -> StepResult:
    if any(e.outcome is Ending.PENDING for e in step.expectations):
        return _step_result(index, step, Verdict.PASS, "pending", "")
    level = _level(step)
    verdict = Verdict.TIMEOUT if level is Level.MUST else _missed(level)
    return _step_result(index, step, verdict, "pending", message)


def _judge_interruption(index: int, step: Step, run: Run, internal_error: str | None) -> StepResult:
    """The guest ended in this step."""
    how = str(run.exit)
    if run.exit.reason is ExitReason.DEADLINE:
        return _step_result(index, step, Verdict.TIMEOUT, how, "the host was still in this step at the deadline")
    if run.exit.reason is ExitReason.SIGNALED:
        return _step_result(index, step, Verdict.CRASH, how, f"the host {how}{_last_words(run)}")
    if internal_error is not None:
        return _step_result(index, step, Verdict.CRASH, how, f"the host failed by itself: {internal_error}")
    for expectation in step.expectations:
        if expectation.outcome is Ending.EXIT:
            return _step_result(index, step, Verdict.PASS, f"exit ({how})", "")
        if expectation.outcome is Ending.TRAP:
            if run.exit.code != 0:
                return _step_result(index, step, Verdict.PASS, f"trap ({how})", "")
            return _step_result(index, step, Verdict.FAIL, how, "the guest ended, but the host reports success")
    message = f"the guest ended in this step, {how}{_last_words(run)}"
    return _step_result(index, step, _missed(_level(step)), f"trap or end ({how})", message)


def _judge_across(vector: Vector, observations: Sequence[Observation]) -> list[StepResult]:
    """Judge what steps yielded over all runs together."""
    results: list[StepResult] = []
    for index, step in enumerate(vector.steps):
        values = [o.steps[index].value for o in observations]
        present = tuple(v for v in values if v is not None)
        if not step.across or len(present) != len(values):
            continue
        assert step.yields is not None
        findings: list[tuple[Expectation, _Finding]] = []
        for expectation in step.across:
            assert expectation.outcome is not None
            assert not isinstance(expectation.outcome, Ending)
            found = match(expectation.outcome, present, Bindings())
            ok = _PASS if found.ok else _Finding(_missed(expectation.level), found.reason)
            findings.append((expectation, ok))
        observed = format_value(present, ListType(step.yields), max_length=SHOWN)
        across = replace(step, text=f"{step.text} (over {len(values)} runs)", expectations=step.across)
        results.append(_worst_expectation(index, across, findings, observed))
    return results


# --- the end ---------------------------------------------------------------------------------------------


def _judge_end(
    vector: Vector, observation: Observation, run: Run, captured: dict[str, Value], internal_error: str | None
) -> list[_Finding]:
    """What must be true when the guest has ended."""
    findings: list[_Finding] = []
    if run.anomalies:
        words = "; ".join(run.anomalies[:3])
        findings.append(_Finding(Verdict.FAIL, f"what the guest wrote did not come out as it was written: {words}"))
    complete = observation.interrupted_at is not None and observation.interrupted_at >= len(vector.steps)
    if complete:
        # Every step was reported, the end was not.
        findings.append(_abrupt(vector, run, internal_error))
    if sum(frame.tag is Tag.HELLO for frame in run.frames) > 1:
        findings.append(_Finding(Verdict.FAIL, "the host called `run` more than once"))
    if observation.ended or _ends_early(vector):
        findings.append(_judge_exit(vector, run, internal_error))
    for name, expectations, data in (
        ("stdout", vector.after.stdout, run.stdout),
        ("stderr", vector.after.stderr, run.stderr),
    ):
        if name in run.truncated and expectations:
            findings.append(_Finding(Verdict.ERROR, f"{name} went beyond what the harness keeps"))
            continue
        for expectation in expectations:
            assert expectation.outcome is not None
            assert not isinstance(expectation.outcome, Ending)
            found = match(expectation.outcome, data, Bindings(captured))
            if not found.ok:
                text = format_value(data, BYTES, max_length=SHOWN)
                where = f"{vector.after.place}: {name}"
                message = f"{where}: expected {expectation.text}, observed {text} ({found.reason})"
                findings.append(_Finding(_missed(expectation.level), message))
    return findings


def _abrupt(vector: Vector, run: Run, internal_error: str | None) -> _Finding:
    match run.exit.reason:
        case ExitReason.DEADLINE:
            return _Finding(Verdict.TIMEOUT, "all steps are complete, but the host had not ended at the deadline")
        case ExitReason.SIGNALED:
            return _Finding(Verdict.CRASH, f"behind the last step the host {run.exit}{_last_words(run)}")
        case ExitReason.EXITED if internal_error is not None:
            return _Finding(Verdict.CRASH, f"behind the last step the host failed by itself: {internal_error}")
        case ExitReason.EXITED:
            message = f"the guest ended behind its last step, {run.exit}{_last_words(run)}"
            return _Finding(_missed(vector.level), message)


def _ends_early(vector: Vector) -> bool:
    return any(e.outcome in (Ending.TRAP, Ending.EXIT) for s in vector.steps for e in s.expectations)


def _judge_exit(vector: Vector, run: Run, internal_error: str | None) -> _Finding:
    expected = vector.after.exit
    if run.exit.reason is ExitReason.DEADLINE:
        return _Finding(Verdict.TIMEOUT, "the guest has come to its end, but the host did not end")
    if run.exit.reason is ExitReason.SIGNALED:
        return _Finding(Verdict.CRASH, f"at its end the host {run.exit}{_last_words(run)}")
    if internal_error is not None:
        return _Finding(Verdict.CRASH, f"the host failed by itself: {internal_error}")
    if expected is None:
        return _PASS
    match expected.kind:
        case ExitKind.SUCCESS:
            fits, words = run.exit.code == 0, "success (exit status 0)"
        case ExitKind.FAILURE:
            fits, words = run.exit.code != 0, "failure (an exit status that is not 0)"
        case ExitKind.CODE:
            fits, words = run.exit.code == expected.code, f"exit status {expected.code}"
    if fits:
        return _PASS
    message = f"{vector.after.place}: expected {words}, observed {run.exit}{_last_words(run)}"
    return _Finding(_missed(expected.level), message)


def _not_started(run: Run, missing: tuple[str, ...], internal_error: str | None) -> _Finding:
    match run.exit.reason:
        case ExitReason.DEADLINE:
            return _Finding(Verdict.TIMEOUT, "the guest had not started at the deadline")
        case ExitReason.SIGNALED:
            return _Finding(Verdict.CRASH, f"before the guest started the host {run.exit}{_last_words(run)}")
        case ExitReason.EXITED:
            if missing:
                return _Finding(
                    Verdict.UNSUPPORTED, f"the host does not provide {', '.join(missing)}{_last_words(run)}"
                )
            if internal_error is not None:
                return _Finding(Verdict.CRASH, f"before the guest started the host failed by itself: {internal_error}")
            return _Finding(Verdict.FAIL, f"the guest did not start, {run.exit}{_last_words(run)}")


# --- putting it together -----------------------------------------------------------------------------------


def _missed(level: Level) -> Verdict:
    """The verdict on a statement of that level that does not hold."""
    match level:
        case Level.MUST:
            return Verdict.FAIL
        case Level.SHOULD | Level.TYPICAL:
            return Verdict.NON_STRICT
        case Level.MAY:
            return Verdict.INFO


def _level(step: Step) -> Level:
    """The strongest level that a step's expectations have."""
    return min((e.level for e in step.expectations), key=list(Level).index, default=Level.MUST)


def _worst_expectation(
    index: int, step: Step, findings: Sequence[tuple[Expectation, _Finding]], observed: str
) -> StepResult:
    if not findings:
        return _step_result(index, step, Verdict.PASS, observed, "")
    expectation, finding = min(findings, key=lambda item: SEVERITY.index(item[1].verdict))
    result = _step_result(index, step, finding.verdict, observed, finding.message)
    return replace(result, level=expectation.level)


def _step_result(index: int, step: Step, verdict: Verdict, observed: str, message: str) -> StepResult:
    expected = ", ".join(e.text if e.level is Level.MUST else f"{e.level.value}: {e.text}" for e in step.expectations)
    return StepResult(
        index=index,
        place=str(step.place),
        text=step.text,
        expected=expected or "completes",
        observed=observed,
        verdict=verdict,
        level=_level(step),
        message=message,
    )


def _located(result: StepResult) -> str:
    if result.verdict is Verdict.PASS:
        return ""
    words = f"expected {result.expected}, observed {result.observed}"
    detail = f" ({result.message})" if result.message and result.message != result.observed else ""
    return f"step {result.index + 1}, {result.place}: {result.text}: {words}{detail}"


def _unreached(vector: Vector) -> tuple[StepResult, ...]:
    return tuple(
        _step_result(i, s, Verdict.SKIP, "not reached", "the guest did not start") for i, s in enumerate(vector.steps)
    )


def _worst(findings: Sequence[_Finding], level: Level) -> _Finding:
    """The worst finding; a step left out counts only if nothing explains it."""
    worst = min(
        (f for f in findings if f.verdict is not Verdict.SKIP),
        key=lambda f: SEVERITY.index(f.verdict),
        default=_PASS,
    )
    left_out = any(f.verdict is Verdict.SKIP for f in findings)
    if left_out and worst.verdict in (Verdict.PASS, Verdict.INFO):
        first = next(f for f in findings if f.verdict is Verdict.SKIP)
        return _Finding(_missed(level), f"not every step could be run: {first.message}")
    if worst.verdict is Verdict.PASS and level is Level.MAY:
        return _Finding(Verdict.INFO)
    return worst


def _last_words(run: Run) -> str:
    """The first line of what the host said on stderr, if anything."""
    lines = run.stderr.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[0][:200]}" if lines else ""


def _shown(value: Value, step: Step) -> str:
    assert step.yields is not None
    return format_value(value, step.yields, max_length=SHOWN)


def _excerpt(data: bytes) -> str:
    text = data[: 4 * EXCERPT].decode("utf-8", "replace")
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]} … ({len(data)} bytes)"


def _result(
    vector: Vector, run: Run, host: str, flags: tuple[str, ...], steps: tuple[StepResult, ...], finding: _Finding
) -> Result:
    return replace(
        _bare(vector, host, flags, finding.verdict, finding.message),
        steps=steps,
        exit=str(run.exit),
        stdout=_excerpt(run.stdout),
        stderr=_excerpt(run.stderr),
        duration_s=run.duration_s,
    )


def _bare(vector: Vector, host: str, flags: tuple[str, ...], verdict: Verdict, reason: str) -> Result:
    return Result(
        id=vector.id,
        title=vector.title,
        interface=vector.interface,
        host=host,
        verdict=verdict,
        level=vector.level,
        requirements=vector.requirements,
        place=str(vector.place),
        flags=flags,
        steps=(),
        reason=reason,
        exit="",
        stdout="",
        stderr="",
        duration_s=0.0,
    )
