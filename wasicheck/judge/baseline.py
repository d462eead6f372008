"""A baseline: the results of an earlier run, which excuse what was as bad then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wasicheck.judge.changes import Change, broken_step, compare, failing
from wasicheck.judge.model import Result, Verdict


@dataclass(frozen=True)
class Baseline:
    """Earlier results of one host, by id and flags of the guest; `name` is what reports call the baseline."""

    name: str = ""
    results: Mapping[tuple[str, tuple[str, ...]], Result] = field(default_factory=dict)


NO_BASELINE = Baseline()


def baseline_of(name: str, results: Iterable[Result]) -> Baseline:
    """Make a baseline of the results of one host."""
    return Baseline(name, {(result.id, result.flags): result for result in results})


def excuse(baseline: Baseline, result: Result) -> Result:
    """Return a result that is red only if it got worse.

    A red result that was as bad in the baseline becomes an expected failure; one whose expectation was wrong, and
    that did not fail, is red no more. Nothing excuses an error of the harness, nor a failure that the baseline does
    not have.
    """
    before = baseline.results.get((result.id, result.flags))
    if before is None or not result.red or result.verdict is Verdict.ERROR:
        return result
    match compare(before, result):
        case Change.NEWLY_FAILING:
            return result
        case Change.WORSE:
            return replace(result, unexpected=f"worse than in {baseline.name}: {_how(before, result)}")
        case _ if failing(result.verdict):
            return replace(result, expected_failure=f"{before.verdict} in {baseline.name} as well", unexpected=None)
        case _:
            return replace(result, unexpected=None)


def _how(before: Result, after: Result) -> str:
    step = broken_step(before, after)
    if step is None:
        return f"{before.verdict} became {after.verdict}"
    return f"step {step.index + 1} ({step.place}) was right: expected {step.expected}, observed {step.observed}"
