"""`judge(vector, layouts, runs, …)`: what a host's answers are worth, by the vector alone.

Every step is judged on its own; a vector's verdict is the worst of its parts. Nothing here knows a host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wasicheck.guest.steps import Layout
from wasicheck.judge.ending import judge_end, judge_no_start
from wasicheck.judge.findings import NOT_REACHED, Finding, graded, located, met, missed, observed, step_result, worst
from wasicheck.judge.model import SEVERITY, Result, StepResult, Verdict
from wasicheck.judge.observation import Observation, observe, unobserved
from wasicheck.judge.run import Run
from wasicheck.judge.steps import is_passed_through, is_silent, judge_steps
from wasicheck.values import Bindings, Value, match
from wasicheck.vectors.listing import Listed
from wasicheck.vectors.model import Channel, Ending, Expectation, Step, Vector
from wasicheck.wit.types import ListType

EXCERPT = 2000
"""Characters of a host's own output that a result keeps."""
_UNSHOWN = frozenset({Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFO, Verdict.TIMEOUT})
"""What says nothing about a host that did not meet the errors it was to meet; that it crashed is true without them."""


def judge(
    vector: Vector,
    layouts: tuple[Layout, ...],
    runs: Sequence[Run],
    *,
    host: str,
    flags: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    internal_errors: Sequence[str | None] = (),
) -> Result:
    """Judge the runs of a vector on a host; the result shows the first run, or the worst.

    `missing`: imports that the host was proved to lack. `internal_errors`: for each run, words of the host's own
    output that say it failed by itself (a panic), as its runner defines them.
    """
    for run in runs:
        if run.unavailable is not None:
            return _result(vector, run, host, flags, (), Finding(Verdict.SKIP, run.unavailable))
        if run.failure is not None:
            return _result(vector, run, host, flags, (), Finding(Verdict.ERROR, run.failure))
    silent = tuple(is_silent(step) for step in vector.steps)
    passed_through = frozenset(i for i, step in enumerate(vector.steps) if is_passed_through(step))
    reports = vector.guest.channel is not Channel.NONE
    observations = [
        observe(layouts, silent, run, passed_through) if reports else unobserved(len(layouts)) for run in runs
    ]
    errors = internal_errors or (None,) * len(runs)
    judged = [
        _judge_run(vector, observation, run, missing, error)
        for observation, run, error in zip(observations, runs, errors, strict=True)
    ]
    across = _judge_across(vector, observations)
    findings = [worst(found, vector.level) for _, found in judged]
    index = min(range(len(runs)), key=lambda i: SEVERITY.index(findings[i].verdict))
    finding = findings[index]
    if len(runs) > 1 and finding.message:
        finding = replace(finding, message=f"run {index + 1} of {len(runs)}: {finding.message}")
    overall = worst([finding, *map(located, across)], vector.level)
    if overall.verdict in _UNSHOWN and (unreached := runs[index].unreached):
        calls = ", ".join(unreached)
        overall = Finding(Verdict.SKIP, f"the host makes none of the system calls that are to fail ({calls})")
    return _result(vector, runs[index], host, flags, (*judged[index][0], *across), overall)


def skipped(vector: Vector | Listed, host: str, flags: tuple[str, ...], reason: str) -> Result:
    """The result of a vector that is not run."""
    return _bare(vector, host, flags, Verdict.SKIP, reason)


def errored(vector: Vector | Listed, host: str, flags: tuple[str, ...], reason: str) -> Result:
    """The result of a vector that the harness could not prepare."""
    return _bare(vector, host, flags, Verdict.ERROR, reason)


def _judge_run(
    vector: Vector, observation: Observation, run: Run, missing: tuple[str, ...], internal_error: str | None
) -> tuple[list[StepResult], list[Finding]]:
    """Judge one run; return a result for each step, and all that was found."""
    if not observation.started:
        unreached = [
            step_result(i, s, Verdict.SKIP, NOT_REACHED, "the guest did not start") for i, s in enumerate(vector.steps)
        ]
        return unreached, [judge_no_start(vector, run, missing, internal_error)]
    steps = judge_steps(vector, observation, run, internal_error)
    findings = [located(result) for result in steps.results]
    return steps.results, findings + judge_end(vector, observation, run, steps, internal_error)


def _judge_across(vector: Vector, observations: Sequence[Observation]) -> list[StepResult]:
    """Judge what steps yielded over all runs together; of a step without a value in some run its own result tells."""
    results: list[StepResult] = []
    for index, step in enumerate(vector.steps):
        values = [o.steps[index].value for o in observations]
        present = tuple(v for v in values if v is not None)
        if not step.across or len(present) != len(values):
            continue
        assert step.yields is not None
        findings = weigh_across(step, present)
        text = f"{step.text} (over {len(values)} runs)"
        together = replace(step, text=text, expectations=step.across)
        results.append(observed(graded(index, together, findings, ""), present, ListType(step.yields)))
    return results


def weigh_across(step: Step, values: tuple[Value, ...]) -> list[tuple[Expectation, Finding]]:
    """What each expectation on all runs of a step together makes of what it yielded in them."""
    findings: list[tuple[Expectation, Finding]] = []
    for expectation in step.across:
        assert expectation.outcome is not None
        assert not isinstance(expectation.outcome, Ending)
        found = match(expectation.outcome, values, Bindings())
        level = expectation.level
        findings.append((expectation, Finding(met(level)) if found.ok else Finding(missed(level), found.reason)))
    return findings


def _excerpt(data: bytes) -> str:
    text = data[: 4 * EXCERPT].decode("utf-8", "replace")
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]} … ({len(data)} bytes)"


def _result(
    vector: Vector, run: Run, host: str, flags: tuple[str, ...], steps: tuple[StepResult, ...], finding: Finding
) -> Result:
    return replace(
        _bare(vector, host, flags, finding.verdict, finding.message),
        steps=steps,
        exit=str(run.exit),
        stdout=_excerpt(run.stdout),
        stderr=_excerpt(run.stderr),
        duration_s=run.duration_s,
    )


def _bare(vector: Vector | Listed, host: str, flags: tuple[str, ...], verdict: Verdict, reason: str) -> Result:
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
