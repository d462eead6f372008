"""From a stored result back to what was observed, as far as results keep it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wasicheck.judge.model import Result, StepResult, Verdict
from wasicheck.judge.observation import Progress, StepObservation
from wasicheck.judge.run import Exit, ExitReason, Run
from wasicheck.values import Record, Value
from wasicheck.values.observed import parse_observed
from wasicheck.vectors.model import Channel, Ending, Step, Vector
from wasicheck.vectors.staging import Harness
from wasicheck.wit.types import ListType

_STATUS = re.compile(r"exit status (-?[0-9]+)")
_CUT = re.compile(r" … \([0-9]+ bytes\)\Z")
_ENDINGS = {"trap (": Ending.TRAP, "exit (": Ending.EXIT}
_JUDGED = (Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO)


@dataclass(frozen=True)
class RecordedStep:
    """What was observed of a step, and what it was worth: `seen` if it was complete, `ending` if it ended otherwise."""

    index: int
    step: Step
    verdict: Verdict
    seen: StepObservation | None = None
    ending: Ending | None = None


@dataclass(frozen=True)
class Recording:
    """What a result keeps of a run.

    `steps` are those whose expectation was met, or missed without failing, in order; `unread` how many others there
    were whose value cannot be had back; `failed` how many failed. `across` has the values of all runs by step. `run`
    knows the exit and the outputs, None of those that cannot be had back.
    """

    steps: tuple[RecordedStep, ...]
    unread: int
    failed: int
    across: dict[int, tuple[Value, ...]]
    exit: Exit | None
    stdout: bytes | None
    stderr: bytes | None


def recording(vector: Vector, result: Result) -> Recording | None:
    """Read what a result keeps; None if it is of another vector than this one: of one with other steps."""
    count = len(vector.steps)
    if [s.text for s in result.steps[:count]] != [s.text for s in vector.steps]:
        return None
    steps: list[RecordedStep] = []
    unread = failed = 0
    for index, (step, found) in enumerate(zip(vector.steps, result.steps, strict=False)):
        if found.verdict not in _JUDGED:
            failed += found.verdict is not Verdict.SKIP
            continue
        recorded = _step(vector, index, step, found)
        if recorded is not None:
            steps.append(recorded)
        elif step.yields is not None and found.observed not in ("not reached", "not run", "completed"):
            unread += 1
    across: dict[int, tuple[Value, ...]] = {}
    for found in result.steps[count:]:
        yields = vector.steps[found.index].yields
        values = None if yields is None else parse_observed(_whole(found), ListType(yields))
        if isinstance(values, tuple):
            across[found.index] = values
    status = _STATUS.fullmatch(result.exit)
    exit = Exit(ExitReason.EXITED, int(status[1])) if status is not None else None
    return Recording(tuple(steps), unread, failed, across, exit, _output(result.stdout), _output(result.stderr))


def bare_run(exit: Exit) -> Run:
    """A run of which nothing is known but how it ended."""
    return Run(frames=(), anomalies=(), exit=exit, stdout=b"", stderr=b"")


def moments(value: Value) -> tuple[int, ...]:
    """The times that a value tells, in nanoseconds since the epoch: when it may have been observed."""
    match value:
        case bool():
            return ()
        case int():
            return (value,)
        case Record(fields=(("seconds", int(seconds)), ("nanoseconds", int(rest)))):
            return (seconds * 1_000_000_000 + rest,)
        case Record(fields=fields):
            return tuple(moment for _, part in fields for moment in moments(part))
        case tuple():
            return tuple(moment for part in value for moment in moments(part))
        case _:
            payload = getattr(value, "payload", None)
            return () if payload is None else moments(payload)


def _step(vector: Vector, index: int, step: Step, found: StepResult) -> RecordedStep | None:
    reports = vector.guest.channel is not Channel.NONE or isinstance(step.action, Harness)
    if step.yields is not None and reports:
        value = parse_observed(_whole(found), step.yields)
        if value is not None:
            return RecordedStep(index, step, found.verdict, StepObservation(Progress.DONE, value))
    if found.observed == "completed" and (step.yields is None):
        return RecordedStep(index, step, found.verdict, StepObservation(Progress.DONE)) if reports else None
    if found.observed == "pending":
        return RecordedStep(index, step, found.verdict, ending=Ending.PENDING)
    for words, ending in _ENDINGS.items():
        if found.observed.startswith(words):
            return RecordedStep(index, step, found.verdict, ending=ending)
    return None


def _whole(found: StepResult) -> str:
    return found.observed if found.value is None else found.value


def _output(excerpt: str) -> bytes | None:
    return None if "\ufffd" in excerpt or _CUT.search(excerpt) else excerpt.encode("utf-8", "surrogatepass")
