"""Exit statuses of a run: stable numbers for the gates of others."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from wasicheck.judge.model import Result, Verdict


class ExitStatus(IntEnum):
    """Exit status of `wasicheck run` and of `pytest --host`; 0 to 5 are as pytest has them.

    `HARNESS_ERROR` is none of pytest's; its number keeps clear of those pytest may yet add.
    """

    OK = 0
    """Every result is as expected: passed, skipped, non-strict, informative, or a known failure (of the host's
    expectations, or as bad in the baseline)."""
    RED = 1
    """At least one red result, or an expectation that names no vector."""
    INTERRUPTED = 2
    """The run was stopped before its end, and nothing that did run is red."""
    INTERNAL_ERROR = 3
    """A defect of wasicheck itself."""
    USAGE_ERROR = 4
    """A wrong command line, or an input that cannot be used: a vector, runner, expectations or results file."""
    NOTHING_SELECTED = 5
    """The selection holds no vector."""
    HARNESS_ERROR = 10
    """The only red results have the verdict `error`: the harness could not set the scene."""


def status_of(results: Iterable[Result], *, selected: int | None = None, problems: int = 0) -> ExitStatus:
    """Return the exit status that these results amount to.

    `selected` is the number of results the run was to have (None: as many as there are); `problems` the number of
    expectations that name no vector. What the hosts got wrong outweighs what the harness could not do, and both
    outweigh an interruption. A run of skips only is OK, as it is for pytest.
    """
    results = tuple(results)
    if not results and not selected:
        return ExitStatus.NOTHING_SELECTED
    red = [result for result in results if result.red]
    if problems or any(result.verdict is not Verdict.ERROR for result in red):
        return ExitStatus.RED
    if red:
        return ExitStatus.HARNESS_ERROR
    if selected is not None and len(results) < selected:
        return ExitStatus.INTERRUPTED
    return ExitStatus.OK
