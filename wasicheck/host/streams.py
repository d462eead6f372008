"""What goes through the standard streams of a running host: collected on the way out, fed on the way in."""

from __future__ import annotations

import os
import selectors
from collections import deque

from wasicheck.guest.frames import Frame, FrameParser
from wasicheck.host.stdio import Wiring

FRAMES_LIMIT = 256 << 20
"""Payload bytes of all frames of one run together; more is taken for a guest or host that has gone wild."""
_CHUNK = 256 << 10


class Collector:
    """The bytes that came out of one output, up to a limit; with a nonce, frames are taken out of them."""

    def __init__(self, limit: int, nonce: bytes | None = None) -> None:
        self._limit = limit
        self._parser = None if nonce is None else FrameParser(nonce, max_noise=limit)
        self._plain = bytearray()
        self._dropped = 0
        self._payload = 0
        self._overflow: list[str] = []
        self.frames: list[Frame] = []

    @property
    def data(self) -> bytearray:
        """What came out so far, frames not counted."""
        return self._plain if self._parser is None else self._parser.noise

    @property
    def truncated(self) -> bool:
        """Whether more came out than was kept."""
        return (self._dropped if self._parser is None else self._parser.noise_dropped) > 0

    @property
    def anomalies(self) -> list[str]:
        """What was wrong with frames, in words."""
        return [] if self._parser is None else self._parser.anomalies + self._overflow

    def take(self, data: bytes, received_at: int) -> list[Frame]:
        """Add what has just come out; return the frames that it completes. `received_at`: ns since the epoch."""
        if self._parser is None:
            room = max(0, self._limit - len(self._plain))
            self._plain += data[:room]
            self._dropped += max(0, len(data) - room)
            return []
        if self._overflow:
            return []
        fresh = self._parser.feed(data, received_at)
        self._payload += sum(len(piece) for frame in fresh for _, piece in frame.pieces)
        if self._payload > FRAMES_LIMIT:
            self._overflow = [f"frames of more than {FRAMES_LIMIT >> 20} MiB together; what followed was not read"]
        self.frames += fresh
        return fresh

    def finish(self) -> None:
        """Take note of the end of the stream."""
        if self._parser is not None:
            self._parser.finish()


class Feeder:
    """The way into the host's stdin; never blocks, and bears that nobody reads."""

    def __init__(self, wiring: Wiring, selector: selectors.BaseSelector) -> None:
        self._wiring = wiring
        self._selector = selector
        self._queue: deque[memoryview] = deque()
        self._watched = False
        self._broken = False
        self._ending = False

    @property
    def accepts(self) -> bool:
        """Whether anything can be put in; true as well when the host has closed its end."""
        return not self._ending and (self._broken or self._wiring.feed is not None)

    def put(self, data: bytes) -> None:
        """Write the data, now or as soon as there is room."""
        if data and not self._broken:
            self._queue.append(memoryview(data))
            self.flush()

    def end(self) -> None:
        """Close stdin once everything that was put in is written."""
        self._ending = True
        self.flush()

    def flush(self) -> None:
        """Write what there is room for."""
        descriptor = self._wiring.feed
        if descriptor is None:
            return
        try:
            while self._queue:
                written = os.write(descriptor, self._queue[0])
                self._queue[0] = self._queue[0][written:]
                if not self._queue[0]:
                    self._queue.popleft()
        except BlockingIOError:
            if not self._watched:
                self._selector.register(descriptor, selectors.EVENT_WRITE, self)
                self._watched = True
            return
        except OSError:
            # EPIPE, or EIO of a terminal: the host reads no more, which is its right.
            self._broken = True
            self._queue.clear()
        if self._watched:
            self._selector.unregister(descriptor)
            self._watched = False
        if self._broken or self._ending:
            os.close(descriptor)
            self._wiring.feed = None


def read_some(descriptor: int) -> bytes | None:
    """Return what can be read at once, b"" at the end of the stream, None when there is nothing just now."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        # A terminal whose other end is closed says EIO.
        return b""
