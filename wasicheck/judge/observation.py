"""From the frames of a run to what each step yielded."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from enum import StrEnum

from wasicheck.abi import AbiError, load
from wasicheck.guest.frames import Tag
from wasicheck.guest.steps import Layout
from wasicheck.judge.run import Run
from wasicheck.values import Value


class Progress(StrEnum):
    """How far a step came."""

    NOT_REACHED = "not reached"
    REACHED = "reached"
    """A harness step that the guest has come to and not gone beyond."""
    DONE = "done"
    PENDING = "pending"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class StepObservation:
    """What was seen of one step; `value` where it yields one, `error` if the memory in its frame cannot be lifted."""

    progress: Progress
    value: Value | None = None
    received_at: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Observation:
    """What was seen of a guest: whether it started and came to its end, and each step in order.

    `unheard` is the first step behind those that frames tell of; `interrupted_at` the step in which the guest ended
    before its end (the number of steps if behind all of them), None if it did not. Steps between the two send no
    frame of their own. `anomalies`: frames that no guest sends in that order, in words.
    """

    started: bool
    ended: bool
    steps: tuple[StepObservation, ...]
    unheard: int
    interrupted_at: int | None
    anomalies: tuple[str, ...]


_PROGRESS = {
    Tag.DONE: Progress.DONE,
    Tag.PENDING: Progress.PENDING,
    Tag.SKIPPED: Progress.SKIPPED,
    Tag.REACHED: Progress.REACHED,
}


class ReportedMemory:
    """The guest's memory as far as frames have reported it: pieces that do not overlap, but may be reported again."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._pieces: dict[int, bytes] = {}

    def add(self, pieces: tuple[tuple[int, bytes], ...]) -> None:
        """Add what a frame carries."""
        for start, data in pieces:
            before = self._pieces.get(start)
            if before is None:
                insort(self._starts, start)
                self._pieces[start] = data
            else:
                self._pieces[start] = data + before[len(data) :]

    def read(self, address: int, length: int) -> bytes:
        """Return bytes that have been reported; raise `AbiError` for any others."""
        if length == 0:
            return b""
        index = bisect_right(self._starts, address) - 1
        if index >= 0:
            start = self._starts[index]
            data = self._pieces[start][address - start : address - start + length]
            if len(data) == length:
                return data
        raise AbiError(f"the guest has not reported the {length} bytes at {address:#x}")


def observe(
    layouts: tuple[Layout, ...], silent: tuple[bool, ...], run: Run, passed_through: frozenset[int] = frozenset()
) -> Observation:
    """Lift what the steps of a run yielded.

    `silent` says which steps send no frame: what they yielded comes in the next one, and counts as received then.
    Those `passed_through` are complete as soon as they are reached.
    """
    memory = ReportedMemory()
    steps = [StepObservation(Progress.NOT_REACHED) for _ in layouts]
    anomalies: list[str] = []
    started = ended = False
    unheard = 0
    for frame in run.frames:
        memory.add(frame.pieces)
        in_order = started and not ended and unheard <= frame.step <= len(steps)
        if frame.tag is Tag.HELLO:
            started = True
        elif not in_order or (frame.step == len(steps)) != (frame.tag is Tag.END):
            anomalies.append(f"a frame out of order: {frame.tag.name} of step {frame.step + 1} of {len(steps)}")
        elif frame.tag is Tag.END:
            ended = True
        else:
            at_once = frame.tag is Tag.REACHED and frame.step in passed_through
            progress = Progress.DONE if at_once else _PROGRESS[frame.tag]
            steps[frame.step] = _lift(memory, layouts[frame.step], progress, frame.received_at)
            unheard = frame.step + (progress is not Progress.REACHED)
    _infer_silent(steps, silent, layouts, memory, run.frames[-1].received_at if ended else None)
    interrupted_at = None
    if started and not ended:
        interrupted_at = next((i for i in range(unheard, len(steps)) if not silent[i]), len(steps))
    return Observation(started, ended, tuple(steps), unheard, interrupted_at, tuple(anomalies))


def unobserved(count: int) -> Observation:
    """What there is to say of a guest that reports nothing: only what others have seen of it is judged."""
    steps = (StepObservation(Progress.DONE),) * count
    return Observation(started=True, ended=True, steps=steps, unheard=count, interrupted_at=None, anomalies=())


def _infer_silent(
    steps: list[StepObservation],
    silent: tuple[bool, ...],
    layouts: tuple[Layout, ...],
    memory: ReportedMemory,
    heard_at: int | None,
) -> None:
    """A silent step is complete if anything later was heard of; `heard_at`: when the end was, if it was."""
    for index in reversed(range(len(steps))):
        if heard_at is not None and silent[index] and steps[index].progress is Progress.NOT_REACHED:
            steps[index] = _lift(memory, layouts[index], Progress.DONE, heard_at)
        elif steps[index].progress is not Progress.NOT_REACHED:
            heard_at = steps[index].received_at


def _lift(memory: ReportedMemory, layout: Layout, progress: Progress, received_at: int) -> StepObservation:
    if progress is not Progress.DONE or layout.address is None or layout.type is None:
        return StepObservation(progress, received_at=received_at)
    try:
        return StepObservation(progress, load(memory, layout.address, layout.type), received_at)
    except AbiError as error:
        return StepObservation(progress, None, received_at, str(error))
