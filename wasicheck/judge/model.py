"""Verdicts, and what came out of one vector: the records that reports are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wasicheck.vectors.model import Level


class Verdict(StrEnum):
    """What a vector, or one step of it, says about a host."""

    PASS = "pass"
    NON_STRICT = "non-strict"
    """A `should` or `typical` statement was missed; still conformant."""
    FAIL = "fail"
    """A `must` statement was missed."""
    INFO = "info"
    """A `may` statement: the answer is recorded, not judged."""
    UNSUPPORTED = "unsupported"
    """An import is missing: proved by a guest that does nothing but import it."""
    TIMEOUT = "timeout"
    """A step was still waiting at its limit, or the host at the outer deadline."""
    CRASH = "crash"
    """The host process died of a signal or an internal error."""
    ERROR = "error"
    """The harness could not set the scene or understand the guest; never the host's fault."""
    SKIP = "skip"
    """Not run, with the reason."""


SEVERITY: tuple[Verdict, ...] = (
    Verdict.ERROR,
    Verdict.CRASH,
    Verdict.TIMEOUT,
    Verdict.FAIL,
    Verdict.UNSUPPORTED,
    Verdict.NON_STRICT,
    Verdict.INFO,
    Verdict.SKIP,
    Verdict.PASS,
)
"""Worst first: a vector's verdict is the worst of its parts."""


@dataclass(frozen=True)
class StepResult:
    """One step: expected against observed, as text."""

    index: int
    place: str
    text: str
    expected: str
    observed: str
    verdict: Verdict
    level: Level
    message: str = ""
    value: str | None = None
    """The whole of what was observed, where `observed` is cut short and this is not too long: WAVE text."""


@dataclass(frozen=True)
class Result:
    """One vector on one host.

    `host` is the label a user selected (`wasmtime@49.0.3`), `flags` what the guest was built with
    (`lift=sync`), `reason` one sentence on why the verdict is not `pass`, `exit` the host's exit status in words,
    `stdout` and `stderr` excerpts of what it printed (frames taken out), `duration_s` wall-clock seconds.
    """

    id: str
    title: str
    interface: str
    host: str
    verdict: Verdict
    level: Level
    requirements: tuple[str, ...]
    place: str
    flags: tuple[str, ...]
    steps: tuple[StepResult, ...]
    reason: str
    exit: str
    stdout: str
    stderr: str
    duration_s: float
    command: str = ""
    """A command line that repeats the run."""
    expected_failure: str | None = None
    """The reason `expectations.toml` gives for this verdict; None where it lists nothing."""
    expected_link: str | None = None
    unexpected: str | None = None
    """Why this result is red although (or because) of an expectation; None where all is as expected or none applies."""

    @property
    def red(self) -> bool:
        """Whether the result fails a run: a bad verdict that nothing excuses, or an expectation that does not hold."""
        bad = self.verdict in (Verdict.FAIL, Verdict.TIMEOUT, Verdict.CRASH, Verdict.ERROR, Verdict.UNSUPPORTED)
        return self.unexpected is not None or (bad and self.expected_failure is None)
