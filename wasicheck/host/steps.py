"""The harness's part in a run: the harness steps of a vector, done in the order in which the guest gets to them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Protocol, assert_never

from wasicheck.guest.frames import Frame, Tag
from wasicheck.host.streams import Collector, Feeder
from wasicheck.judge.run import HarnessOutcome
from wasicheck.vectors.model import Close, Drain, Feed, Harness, HarnessAction, Pause, Receive, Stdio

ACKNOWLEDGEMENT = b"\x06"


class Stage(Protocol):
    """What a harness step can act upon."""

    feeder: Feeder
    collectors: Mapping[Stdio, Collector]
    """The outputs that are read, sooner or later."""
    limit: int

    def drain(self, stream: Stdio) -> bool:
        """Begin to read an output; False when it is none that was held back."""

    def shut(self, stream: Stdio) -> bool:
        """Close the harness's end of an output; False when there is none."""


class HarnessSteps:
    """Does one step at a time; a step that cannot be done yet holds up those after it."""

    def __init__(self, harness: Mapping[int, Harness], stage: Stage) -> None:
        self._harness = harness
        self._stage = stage
        self._reached: set[int] = set()
        self._queue: deque[int] = deque()
        self.outcomes: dict[int, HarnessOutcome] = {}
        self.anomalies: list[str] = []
        self.wake: int | None = None
        """When a pause ends, in nanoseconds of the monotonic clock."""

    def arrive(self, frames: list[Frame]) -> None:
        """Take note of the steps that the guest has reached."""
        for frame in frames:
            if frame.tag is not Tag.REACHED:
                continue
            if frame.step not in self._harness:
                self.anomalies.append(f"a frame that reaches step {frame.step}, which is no harness step")
            elif frame.step in self._reached:
                self.anomalies.append(f"a frame that reaches step {frame.step} once more")
            else:
                self._reached.add(frame.step)
                self._queue.append(frame.step)

    def advance(self, *, over: bool = False) -> None:
        """Do what can be done by now; `over`: the host has ended, so that nothing is left to wait for."""
        while self._queue:
            step = self._queue[0]
            outcome = self._attempt(self._harness[step].action, over=over)
            if outcome is None:
                return
            self._queue.popleft()
            if self._harness[step].acknowledge and outcome.failure is None:
                if self._stage.feeder.accepts:
                    self._stage.feeder.put(ACKNOWLEDGEMENT)
                else:
                    outcome = HarnessOutcome(outcome.data, "the step cannot be acknowledged: stdin is not open")
            self.outcomes[step] = outcome

    def _attempt(self, action: HarnessAction, *, over: bool) -> HarnessOutcome | None:
        """Return the outcome of an action, or None when it has to wait."""
        stage = self._stage
        match action:
            case Feed(data):
                if not stage.feeder.accepts:
                    return HarnessOutcome(failure="stdin cannot be fed: it is not open")
                stage.feeder.put(data)
                return HarnessOutcome()
            case Close(Stdio.STDIN):
                if not stage.feeder.accepts:
                    return HarnessOutcome(failure="stdin cannot be closed: it is not open")
                stage.feeder.end()
                return HarnessOutcome()
            case Close(stream):
                done = stage.shut(stream)
                return HarnessOutcome(failure=None if done else f"the harness has no open end of {stream.value}")
            case Drain(stream):
                done = stage.drain(stream)
                return HarnessOutcome(failure=None if done else f"{stream.value} was not held back, or is drained")
            case Pause(duration):
                return self._pause(duration, over=over)
            case Receive(stream, length):
                return self._receive(stream, length, over=over)
            case _:
                assert_never(action)

    def _pause(self, duration: int, *, over: bool) -> HarnessOutcome | None:
        now = time.monotonic_ns()
        if self.wake is None:
            self.wake = now + duration
        if now < self.wake and not over:
            return None
        self.wake = None
        return HarnessOutcome()

    def _receive(self, stream: Stdio, length: int, *, over: bool) -> HarnessOutcome | None:
        collector = self._stage.collectors.get(stream)
        if collector is None:
            return HarnessOutcome(failure=f"{stream.value} is not read by the harness")
        if length > self._stage.limit:
            return HarnessOutcome(failure=f"{length} bytes are more than is kept of {stream.value}")
        if len(collector.data) >= length:
            return HarnessOutcome(data=bytes(collector.data[:length]))
        if over:
            had = bytes(collector.data)
            return HarnessOutcome(
                had, f"{len(had)} of {length} bytes had come out of {stream.value} when the run ended"
            )
        return None
