"""The search for values for which a property does not hold, by Hypothesis; what runs the vectors is handed in.

The same seed gives the same vectors. When one fails, Hypothesis looks for a smaller one that fails in the same way,
and what it may spend on that is limited: in vectors, and in the time that they take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from wasicheck.judge.model import Result, Verdict
from wasicheck.properties.model import Body, Property
from wasicheck.vectors.loader import load_text
from wasicheck.vectors.model import Level, Vector

_SMALLER = 60
"""How many vectors the search for a smaller one may take,"""
_SMALLER_S = 30.0
"""and how many seconds."""
_FAILED = (Verdict.FAIL, Verdict.TIMEOUT, Verdict.CRASH, Verdict.UNSUPPORTED)
_STOPPED = (Verdict.ERROR, Verdict.SKIP)


class _FailedError(Exception):
    """What tells Hypothesis that an example failed; always raised in one place, so that it is one failure to it."""


def examine(
    property: Property,
    judged: Callable[[Vector], Result],
    levels: Mapping[str, Level],
    *,
    examples: int,
    number: int,
    command: str = "",
) -> Result:
    """Try a property, and return what came of it as a result of its own.

    `judged` runs a vector, `levels` are the known requirements, `examples` is how many vectors are made and `number`
    the seed, `command` repeats a counterexample. The verdict is that of the smallest counterexample that was found,
    whose vector stands in the reason; or that of the first vector that could not be run; else `pass`.
    """
    search = _Search(property, judged, levels)

    @seed(f"{number} {property.id}")
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(property.bodies)
    def hold(body: Body) -> None:
        if not search.holds(body):
            raise _FailedError

    with suppress(_FailedError):
        hold()
    result = search.result()
    return replace(
        result, id=property.name, title=property.title, duration_s=search.seconds, command=command if result.red else ""
    )


class _Search:
    """What was tried, by the text of the vector, and what of it failed."""

    def __init__(self, property: Property, judged: Callable[[Vector], Result], levels: Mapping[str, Level]) -> None:
        self._property = property
        self._judged = judged
        self._levels = levels
        self._results: dict[str, Result] = {}
        self._failed: list[str] = []
        """In the order in which Hypothesis came upon them: the first, and ever smaller ones."""
        self._until_failure = 0
        self._stopped: Result | None = None

    def holds(self, body: Body) -> bool:
        """Whether a host passes the vector of a body; what is not tried any more passes."""
        text = self._property.text(body)
        if text not in self._results:
            if self._stopped is not None or self._spent:
                return True
            self._results[text] = self._run(text)
        result = self._results[text]
        if result.verdict in _STOPPED:
            self._stopped = result
        if result.verdict not in _FAILED:
            return True
        if self._failed and result.verdict is not self._results[self._failed[0]].verdict:
            # Another failure than the one of which a smaller example is looked for.
            return True
        self._until_failure = self._until_failure or len(self._results)
        self._failed.append(text)
        return False

    def result(self) -> Result:
        """The result of the search: that of a vector, its reason what the search has to tell."""
        if self._failed:
            # Hypothesis ends with the smallest.
            return self._counterexample(self._failed[-1])
        if self._stopped is not None:
            return self._stopped
        last = next(reversed(self._results.values()))
        return replace(last, verdict=Verdict.PASS, steps=(), reason="")

    @property
    def seconds(self) -> float:
        """How long the vectors took."""
        return sum(result.duration_s for result in self._results.values())

    def _counterexample(self, text: str) -> Result:
        found = self._results[text]
        smaller = ", then a smaller one" if text != self._failed[0] else ""
        often = "" if self._run(text).verdict in _FAILED else " (it passed when it was run again)"
        told = f"of {self._until_failure} vectors the last one failed{smaller}{often}:"
        # What a step has to say, reports say of the step.
        own = () if any(step.verdict is found.verdict for step in found.steps) else (found.reason,)
        return replace(found, reason="\n\n".join((*own, told, text)))

    @property
    def _spent(self) -> bool:
        """Whether the search for a smaller example has cost what it may."""
        if not self._failed:
            return False
        since = list(self._results.values())[self._until_failure :]
        return len(since) >= _SMALLER or sum(result.duration_s for result in since) >= _SMALLER_S

    def _run(self, text: str) -> Result:
        suite = load_text(text, f"{self._property.vector_id}.yaml", self._levels)
        for problem in suite.problems:
            raise problem
        (vector,) = suite.vectors.values()
        return self._judged(vector)
