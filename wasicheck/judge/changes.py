"""What became of a vector between two runs: the difference that a gate is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from wasicheck.judge.model import Result, StepResult, Verdict

BADNESS: Mapping[Verdict, int] = {
    Verdict.UNSUPPORTED: 1,
    Verdict.FAIL: 1,
    Verdict.TIMEOUT: 2,
    Verdict.CRASH: 3,
}
"""The verdicts that fail a host, and how bad they are: a wrong answer that becomes a hang or a crash is worse."""
_UNKNOWN = (Verdict.ERROR, Verdict.SKIP)
"""Verdicts that say nothing about the host."""


class Change(StrEnum):
    """How a later result of a vector compares with an earlier one."""

    NEWLY_FAILING = "newly failing"
    WORSE = "worse"
    """It failed before, and now hangs or crashes instead, or fails in a step that was right."""
    NEWLY_PASSING = "newly passing"
    NOT_RUN = "no longer run"
    """Skipped, or an error of the harness: nothing is known of the host any more."""
    CHANGED = "changed"
    """Another verdict or another answer, neither of which fails what did not fail before.

    Numbers of five digits and more, and dates, are no other answer: they are ports, times and hashes.
    """
    SAME = "same"


def failing(verdict: Verdict) -> bool:
    """Whether the verdict fails a host. The harness's own errors do not."""
    return verdict in BADNESS


def compare(before: Result, after: Result) -> Change:
    """Compare two results of one vector, whatever hosts and flags they are of."""
    if after.verdict in _UNKNOWN:
        return Change.SAME if before.verdict is after.verdict else Change.NOT_RUN
    if failing(after.verdict):
        if not failing(before.verdict):
            return Change.NEWLY_FAILING
        if BADNESS[after.verdict] > BADNESS[before.verdict] or broken_step(before, after) is not None:
            return Change.WORSE
    elif failing(before.verdict):
        return Change.NEWLY_PASSING
    return Change.SAME if _answers(before) == _answers(after) else Change.CHANGED


def broken_step(before: Result, after: Result) -> StepResult | None:
    """The first step that was right before and is not any more; None where there is none, or the steps differ."""
    right = {
        (step.index, step.text) for step in before.steps if not failing(step.verdict) and step.verdict not in _UNKNOWN
    }
    return next((s for s in after.steps if failing(s.verdict) and (s.index, s.text) in right), None)


_PASSING = re.compile(r"[0-9]{5,}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT")
"""Ports, times, hashes, and the dates of HTTP: what is another one in each run."""


def _answers(result: Result) -> tuple[object, ...]:
    """The verdict, and what was observed where that is more than "as expected": a right answer may be a random one."""
    told = tuple(
        (s.index, s.verdict, _PASSING.sub("…", s.observed)) for s in result.steps if s.verdict is not Verdict.PASS
    )
    return (result.verdict, told)
