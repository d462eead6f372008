"""The harness's part in a run: the harness steps of a vector, done in the order in which the guest gets to them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from wasicheck.abi import AbiError, Image, alignment, elem_size, load
from wasicheck.guest.frames import Frame, Tag
from wasicheck.guest.steps import Layout, acknowledgement, delivery_size
from wasicheck.host.files import Files
from wasicheck.host.peers import Peers
from wasicheck.host.streams import Collector, Feeder
from wasicheck.judge.observation import ReportedMemory
from wasicheck.judge.run import HarnessOutcome
from wasicheck.values import Value
from wasicheck.vectors.staging import (
    Close,
    Connect,
    Drain,
    Feed,
    FileAction,
    Harness,
    Introduce,
    Pause,
    PeerAction,
    Receive,
    Stdio,
    StreamAction,
)


class Stage(Protocol):
    """What a harness step can act upon."""

    feeder: Feeder
    collectors: Mapping[Stdio, Collector]
    """The outputs that are read, sooner or later."""
    limit: int
    peers: Peers | None
    files: Files | None

    def drain(self, stream: Stdio) -> bool:
        """Begin to read an output; False when it is none that was held back."""

    def shut(self, stream: Stdio) -> bool:
        """Close the harness's end of an output; False when there is none."""


class HarnessSteps:
    """Does one step at a time; a step that cannot be done yet holds up those after it, but for those of peers."""

    def __init__(self, harness: Mapping[int, Harness], layouts: tuple[Layout, ...], stage: Stage) -> None:
        self._harness = harness
        self._layouts = layouts
        self._stage = stage
        self._arguments: dict[int, Value] = {}
        self._reached: set[int] = set()
        self._queue: deque[int] = deque()
        self.outcomes: dict[int, HarnessOutcome] = {}
        self.anomalies: list[str] = []
        self.wake: int | None = None
        """When a pause ends, in nanoseconds of the monotonic clock."""
        self.guest_ended = False
        """Whether the guest has come to its end: what peers see from then on is late."""

    def open(self, address: Value) -> None:
        """Do what comes before the guest is called: the host serves at that address."""
        for step, harness in self._harness.items():
            if harness.opening:
                self._reached.add(step)
                if isinstance(harness.action, Connect) and harness.action.to is None:
                    self._arguments[step] = address
                self._queue.append(step)

    def arrive(self, frames: list[Frame]) -> None:
        """Take note of the steps that the guest has reached."""
        for frame in frames:
            self.guest_ended |= frame.tag is Tag.END
            if frame.tag is not Tag.REACHED:
                continue
            if frame.step not in self._harness:
                self.anomalies.append(f"a frame that reaches step {frame.step}, which is no harness step")
            elif frame.step in self._reached:
                self.anomalies.append(f"a frame that reaches step {frame.step} once more")
            else:
                self._reached.add(frame.step)
                self._queue.append(frame.step)
                self._note_argument(frame)

    def advance(self, *, over: bool = False) -> None:
        """Do what can be done by now; `over`: the host has ended, so that nothing is left to wait for."""
        while self._queue:
            step = self._queue[0]
            action = self._harness[step].action
            if isinstance(action, PeerAction) and not isinstance(action, Introduce):
                self._begin(step, action)
            else:
                outcome = self._attempt(action, over=over)
                if outcome is None:
                    break
                self._finish(step, outcome)
            self._queue.popleft()
        self.collect()
        if over and self._stage.peers is not None:
            for step, words in self._stage.peers.unfinished().items():
                failure = f"{words}, and was still waiting when the run ended"
                self.outcomes[step] = HarnessOutcome(failure=failure, waited=True)

    def collect(self) -> None:
        """Take what peers have done since."""
        if self._stage.peers is not None:
            for step, outcome in self._stage.peers.outcomes():
                self._finish(step, replace(outcome, late=self.guest_ended))

    def _note_argument(self, frame: Frame) -> None:
        layout = self._layouts[frame.step].argument if frame.step < len(self._layouts) else None
        if layout is None or layout.address is None or layout.type is None:
            return
        memory = ReportedMemory()
        memory.add(frame.pieces)
        try:
            self._arguments[frame.step] = load(memory, layout.address, layout.type)
        except AbiError as error:
            self.anomalies.append(f"what step {frame.step + 1} tells the harness cannot be lifted: {error}")

    def _begin(self, step: int, action: PeerAction) -> None:
        if self._stage.peers is None:
            self._finish(step, HarnessOutcome(failure="the run has no peers"))
        elif self._harness[step].argument is not None and step not in self._arguments:
            self._finish(step, HarnessOutcome(failure="what the guest tells the harness did not arrive"))
        else:
            self._stage.peers.begin(step, action, self._arguments.get(step), self._harness[step].after)

    def _finish(self, step: int, outcome: HarnessOutcome) -> None:
        """Keep what became of a step, and let the guest go on if it waits for that; what comes too late is not kept."""
        if step in self.outcomes:
            return
        harness = self._harness[step]
        if harness.acknowledge and outcome.failure is None:
            if self._stage.feeder.accepts:
                self._stage.feeder.put(bytes([acknowledgement(step)]) + self._delivery(step, outcome))
            else:
                outcome = HarnessOutcome(outcome.value, "the step cannot be acknowledged: stdin is not open")
        self.outcomes[step] = outcome

    def _delivery(self, step: int, outcome: HarnessOutcome) -> bytes:
        """What the guest gets behind the acknowledgement: the bytes of the value, for where it keeps it."""
        if not self._harness[step].delivers or outcome.value is None:
            return b""
        layout = self._layouts[step]
        assert layout.address is not None
        assert layout.type is not None
        image = Image(layout.address)
        image.store(outcome.value, layout.type, image.allocate(elem_size(layout.type), alignment(layout.type)))
        return image.bytes.ljust(delivery_size(layout.type), b"\0")

    def _attempt(self, action: StreamAction | Pause | FileAction | Introduce, *, over: bool) -> HarnessOutcome | None:
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
            case Introduce():
                return HarnessOutcome(value=stage.peers.introduction if stage.peers is not None else None)
            case _:
                if stage.files is None:
                    return HarnessOutcome(failure="the run has no tree")
                return stage.files.do(action)

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
            return HarnessOutcome(value=bytes(collector.data[:length]))
        if over:
            had = bytes(collector.data)
            failure = f"{len(had)} of {length} bytes had come out of {stream.value} when the run ended"
            return HarnessOutcome(had, failure, waited=True)
        return None
