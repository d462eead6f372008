"""The loop around a running host: one selector over its outputs, its stdin and its end."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Mapping
from pathlib import Path

from wasicheck.guest.frames import Tag
from wasicheck.guest.steps import Layout
from wasicheck.host.files import Files
from wasicheck.host.peers import Peers
from wasicheck.host.process import HostProcess, kill_strays
from wasicheck.host.serving import Serving
from wasicheck.host.stdio import Wiring
from wasicheck.host.steps import HarnessSteps
from wasicheck.host.streams import Collector, Feeder, read_some
from wasicheck.judge.run import Exit, ExitReason, Run
from wasicheck.vectors.model import Channel
from wasicheck.vectors.staging import Harness, Stdio

GRACE_NS = 200_000_000
"""How long outputs may stay open after the host has ended, before what holds them is killed."""
_DYING_NS = 5_000_000_000
_POLL_NS = 5_000_000
_ENDED = object()
_PEERS = object()


class Conversation:
    """One run of a started host, from the first byte to the last."""

    def __init__(
        self,
        process: HostProcess,
        wiring: Wiring,
        harness: Mapping[int, Harness],
        *,
        nonce: bytes,
        layouts: tuple[Layout, ...],
        channel: Channel,
        output_limit: int,
        folder: Path,
        peers: Peers | None,
        files: Files | None,
        serving: Serving | None,
    ) -> None:
        self._serving = serving
        self._guest_ended = channel is Channel.NONE
        self.peers = peers
        self.files = files
        self._process = process
        self._wiring = wiring
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._ended_at: int | None = None
        self._poll = bool(wiring.files and harness) or process.watch is None
        self.limit = output_limit
        self.feeder = Feeder(wiring, self._selector)
        self.collectors: Mapping[Stdio, Collector] = {
            stream: Collector(output_limit, nonce if stream.value == channel.value else None)
            for stream in (Stdio.STDOUT, Stdio.STDERR)
            if stream in wiring.readable or stream in wiring.held or stream in wiring.files
        }
        self._steps = HarnessSteps(harness, layouts, self)

    def hold(self, deadline_ns: int, stdin: bytes, command: tuple[str, ...]) -> Run:
        """Go through the run and return what was seen. Reaps the process; the deadline counts from now."""
        started = time.monotonic_ns()
        with self._selector:
            for stream, descriptor in self._wiring.readable.items():
                self._selector.register(descriptor, selectors.EVENT_READ, stream)
            if self._process.watch is not None:
                self._selector.register(self._process.watch, selectors.EVENT_READ, _ENDED)
            if self.peers is not None:
                self._selector.register(self.peers.wake, selectors.EVENT_READ, _PEERS)
            self.feeder.put(stdin)
            if self._wiring.feed_ends:
                self.feeder.end()
            while self._ended_at is None and not self._served() and time.monotonic_ns() < started + deadline_ns:
                self._turn(started + deadline_ns)
            running = self._ended_at is None
            stopped = running and self._served()
            if stopped:
                # What clients see from here on is the harness's doing.
                self._steps.advance(over=True)
            self._settle(late=running)
        code = self._process.reap()
        for collector in self.collectors.values():
            collector.finish()
        self._wait_for_peers()
        self._steps.advance(over=True)
        return Run(
            frames=tuple(frame for collector in self.collectors.values() for frame in collector.frames),
            anomalies=tuple(
                [text for collector in self.collectors.values() for text in collector.anomalies] + self._steps.anomalies
            ),
            exit=_exit(code, late=running, stopped=stopped),
            stdout=self._output(Stdio.STDOUT),
            stderr=self._output(Stdio.STDERR),
            truncated=tuple(stream.value for stream, collector in self.collectors.items() if collector.truncated),
            harness=self._steps.outcomes,
            duration_s=((self._ended_at or time.monotonic_ns()) - started) / 1e9,
            command=command,
        )

    def drain(self, stream: Stdio) -> bool:
        """Begin to read an output that was held back."""
        descriptor = self._wiring.held.pop(stream, None)
        if descriptor is None:
            return False
        self._wiring.readable[stream] = descriptor
        self._selector.register(descriptor, selectors.EVENT_READ, stream)
        return True

    def shut(self, stream: Stdio) -> bool:
        """Close the harness's end of an output."""
        if stream in self._wiring.readable:
            self._close(stream)
            return True
        descriptor = self._wiring.held.pop(stream, None)
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None

    def _turn(self, until: int) -> None:
        """Wait for something to happen, at most until then, and deal with it."""
        now = time.monotonic_ns()
        wake = min(until, self._steps.wake or until)
        if self._serving is not None:
            wake = min(wake, self._serving.wake or until)
        timeout = min(wake - now, _POLL_NS) if self._poll else wake - now
        for key, _ in self._selector.select(max(0, timeout) / 1e9):
            if isinstance(key.data, Stdio):
                self._read(key.data)
            elif isinstance(key.data, Feeder):
                key.data.flush()
            elif key.data is _PEERS:
                self._steps.collect()
            else:
                self._note_end()
        if self._poll:
            self._read_files()
            if self._ended_at is None and self._process.ended():
                self._note_end()
        self._steps.advance()

    def _served(self) -> bool:
        """Whether a host that serves has nothing more to show."""
        waiting = self.peers is not None and bool(self.peers.unfinished())
        return self._serving is not None and self._serving.over(ended=self._guest_ended, waiting=waiting)

    def _note_end(self) -> None:
        self._steps.guest_ended = True
        self._ended_at = time.monotonic_ns()
        if self._process.watch is not None:
            self._selector.unregister(self._process.watch)

    def _settle(self, *, late: bool) -> None:
        """Read what is left when the host has ended or has to: first what lies in the pipes, then without patience."""
        if late:
            self._process.kill_group()
            give_up = time.monotonic_ns() + _DYING_NS
            while self._ended_at is None and time.monotonic_ns() < give_up:
                self._turn(give_up)
        for stream in tuple(self._wiring.held):
            self.drain(stream)
        self._read_out()
        if self._wiring.readable:
            self._process.kill_group()
            self._read_out()
        if self._wiring.readable:
            kill_strays(self._folder)
            self._read_out()
        self._read_files()

    def _wait_for_peers(self) -> None:
        """Let peers see the end of the connections that the host has left behind."""
        if self.peers is None:
            return
        give_up = time.monotonic_ns() + GRACE_NS
        with selectors.DefaultSelector() as selector:
            selector.register(self.peers.wake, selectors.EVENT_READ)
            while self.peers.unfinished() and (left := give_up - time.monotonic_ns()) > 0:
                selector.select(left / 1e9)
                self._steps.collect()

    def _read_out(self) -> None:
        give_up = time.monotonic_ns() + GRACE_NS
        while self._wiring.readable and time.monotonic_ns() < give_up:
            self._turn(give_up)

    def _read(self, stream: Stdio) -> None:
        descriptor = self._wiring.readable.get(stream)
        if descriptor is None:
            # A harness step has closed it since the selector reported it.
            return
        data = read_some(descriptor)
        if data == b"":
            self._close(stream)
        elif data is not None:
            self._take(stream, data)

    def _read_files(self) -> None:
        for stream, descriptor in self._wiring.files.items():
            while data := read_some(descriptor):
                self._take(stream, data)

    def _take(self, stream: Stdio, data: bytes) -> None:
        collector = self.collectors[stream]
        frames = collector.take(data, time.time_ns())
        self._guest_ended |= any(frame.tag is Tag.END for frame in frames)
        self._steps.arrive(frames)
        if self._serving is not None and not self._serving.opened and stream is Stdio.STDERR:
            address = self._serving.find(bytes(collector.data))
            if address is not None:
                self._steps.open(address)

    def _close(self, stream: Stdio) -> None:
        descriptor = self._wiring.readable.pop(stream)
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def _output(self, stream: Stdio) -> bytes:
        return bytes(self.collectors[stream].data) if stream in self.collectors else b""


def _exit(code: int, *, late: bool, stopped: bool) -> Exit:
    if stopped:
        return Exit(ExitReason.STOPPED, 0)
    if late:
        return Exit(ExitReason.DEADLINE, -code if code < 0 else code)
    return Exit(ExitReason.SIGNALED, -code) if code < 0 else Exit(ExitReason.EXITED, code)
