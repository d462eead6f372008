"""What is found of one part of a run, how heavily it weighs, and how it is put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from wasicheck.judge.model import SEVERITY, StepResult, Verdict
from wasicheck.judge.run import Run
from wasicheck.values import Value, format_value
from wasicheck.vectors.model import Expectation, Level, Step
from wasicheck.wit.types import Type

SHOWN = 400
"""Characters of an observed value that a result keeps."""
KEPT = 1 << 16
"""Characters of an observed value that a result keeps where it cannot be shown in full."""
NOT_REACHED = "not reached"
"""What is observed of a step that the guest did not come to."""


@dataclass(frozen=True)
class Finding:
    """One part's verdict, and why.

    `unreached`: it is a step that the guest did not come to. `answer`: it is a step's recorded answer to a `may`.
    """

    verdict: Verdict
    message: str = ""
    unreached: bool = False
    answer: bool = False


PASS = Finding(Verdict.PASS)


def missed(level: Level) -> Verdict:
    """The verdict on a statement of that level that does not hold."""
    match level:
        case Level.MUST:
            return Verdict.FAIL
        case Level.SHOULD | Level.TYPICAL:
            return Verdict.NON_STRICT
        case Level.MAY:
            return Verdict.INFO
        case _:
            assert_never(level)


def met(level: Level) -> Verdict:
    """The verdict on a statement of that level that holds: what a host may do is recorded either way."""
    return Verdict.INFO if level is Level.MAY else Verdict.PASS


def strictest(step: Step) -> Level:
    """The strongest level that a step's expectations have."""
    return min((e.level for e in step.expectations), key=list(Level).index, default=Level.MUST)


def step_result(index: int, step: Step, verdict: Verdict, observed: str, message: str = "") -> StepResult:
    """The result of a step as a whole."""
    expected = ", ".join(e.text if e.level is Level.MUST else f"{e.level.value}: {e.text}" for e in step.expectations)
    return StepResult(
        index=index,
        place=str(step.place),
        text=step.text,
        expected=expected or "completes",
        observed=observed,
        verdict=verdict,
        level=strictest(step),
        message=message,
    )


def graded(index: int, step: Step, findings: Sequence[tuple[Expectation, Finding]], observed: str) -> StepResult:
    """The result of a step by the worst of its expectations."""
    expectation, finding = min(findings, key=lambda item: SEVERITY.index(item[1].verdict))
    result = step_result(index, step, finding.verdict, observed, finding.message)
    return replace(result, level=expectation.level)


def located(result: StepResult) -> Finding:
    """A step's result as a finding about the vector."""
    if result.verdict is Verdict.PASS:
        return PASS
    words = f"expected {result.expected}, observed {result.observed}"
    detail = f" ({result.message})" if result.message and result.message != result.observed else ""
    message = f"step {result.index + 1}, {result.place}: {result.text}: {words}{detail}"
    return Finding(result.verdict, message, result.observed == NOT_REACHED, result.verdict is Verdict.INFO)


def worst(findings: Sequence[Finding], level: Level) -> Finding:
    """The worst finding about a vector of that level.

    A step left out counts only if nothing explains it; that a step was not reached, only a failure explains. An
    answer that is merely recorded does not hide that what must hold does.
    """
    found = min(
        (f for f in findings if f.verdict is not Verdict.SKIP),
        key=lambda f: SEVERITY.index(f.verdict),
        default=PASS,
    )
    for skipped in findings:
        lenient = (Verdict.PASS, Verdict.INFO, *((Verdict.NON_STRICT,) if skipped.unreached else ()))
        if skipped.verdict is Verdict.SKIP and found.verdict in lenient:
            verdict = min(missed(level), found.verdict, key=SEVERITY.index)
            return Finding(verdict, f"not every step could be run: {skipped.message}")
    if found.verdict is Verdict.PASS or (found.answer and level is not Level.MAY):
        return Finding(met(level))
    return found


def shown(value: Value, type: Type) -> str:
    """A value as results show it."""
    return format_value(value, type, max_length=SHOWN)


def observed(result: StepResult, value: Value, type: Type) -> StepResult:
    """The result of a step with the value that was observed; the whole of it, where `shown` cuts it short."""
    short = shown(value, type)
    # Whatever is cut short has this in its place.
    whole = format_value(value, type) if "…" in short else short
    return replace(result, observed=short, value=whole if short != whole and len(whole) <= KEPT else None)


def last_words(run: Run) -> str:
    """The first line of what the host said on stderr, if anything."""
    lines = run.stderr.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[0][:200]}" if lines else ""
