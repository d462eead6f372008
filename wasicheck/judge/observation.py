"""From the frames of a run to what each step yielded."""

from __future__ import annotations

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
    """What was seen of a guest: whether it started and came to its end, and each step in order."""

    started: bool
    ended: bool
    steps: tuple[StepObservation, ...]

    @property
    def interrupted_at(self) -> int | None:
        """The step in which the guest ended before its end: the first that it never got beyond."""
        if not self.started or self.ended:
            return None
        behind = [i for i, s in enumerate(self.steps) if s.progress not in (Progress.NOT_REACHED, Progress.REACHED)]
        return behind[-1] + 1 if behind else 0


_PROGRESS = {
    Tag.DONE: Progress.DONE,
    Tag.PENDING: Progress.PENDING,
    Tag.SKIPPED: Progress.SKIPPED,
    Tag.REACHED: Progress.REACHED,
}


class _ReportedMemory:
    """The guest's memory as far as frames have reported it; where reports overlap, the latest counts."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, bytes]] = []

    def add(self, pieces: tuple[tuple[int, bytes], ...]) -> None:
        self._pieces.extend(pieces)

    def read(self, address: int, length: int) -> bytes:
        if length == 0:
            return b""
        for start, data in reversed(self._pieces):
            if start <= address and address + length <= start + len(data):
                return data[address - start : address - start + length]
        raise AbiError(f"the guest has not reported the {length} bytes at {address:#x}")


def observe(layouts: tuple[Layout, ...], silent: tuple[bool, ...], run: Run) -> Observation:
    """Lift what the steps of a run yielded; `silent` says which steps send no frame when they are complete.

    What such a step yielded comes in the next frame, and counts as received then.
    """
    memory = _ReportedMemory()
    steps = [StepObservation(Progress.NOT_REACHED) for _ in layouts]
    started = ended = False
    for frame in run.frames:
        memory.add(frame.pieces)
        if frame.tag is Tag.HELLO:
            started = True
        elif frame.tag is Tag.END:
            ended = True
        elif frame.step < len(steps):
            steps[frame.step] = _lift(memory, layouts[frame.step], _PROGRESS[frame.tag], frame.received_at)
    # A silent step is complete if anything later was heard of.
    heard, received_at = ended, run.frames[-1].received_at if ended else 0
    for index in reversed(range(len(steps))):
        if heard and silent[index] and steps[index].progress in (Progress.NOT_REACHED, Progress.REACHED):
            steps[index] = _lift(memory, layouts[index], Progress.DONE, received_at)
        heard = heard or steps[index].progress is not Progress.NOT_REACHED
        received_at = steps[index].received_at or received_at
    return Observation(started, ended, tuple(steps))


def _lift(memory: _ReportedMemory, layout: Layout, progress: Progress, received_at: int) -> StepObservation:
    if progress is not Progress.DONE or layout.address is None or layout.type is None:
        return StepObservation(progress, received_at=received_at)
    try:
        return StepObservation(progress, load(memory, layout.address, layout.type), received_at)
    except AbiError as error:
        return StepObservation(progress, None, received_at, str(error))
