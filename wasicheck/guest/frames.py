"""Observation frames: how a guest's memory reaches the harness through a standard stream.

A frame is, little endian:

    nonce      16 bytes   chosen per run: a host's own diagnostics are never taken for a frame
    sequence   u32        0, 1, 2 …: a lost or repeated frame shows
    step       u32        index of the step that the frame is about
    tag        u32        a `Tag`
    length     u32        of the payload in bytes
    checksum   u32        CRC-32 of the four words above and the payload
    payload               pieces of memory, each: address u32, length u32, that many bytes

Frames may stand anywhere in the stream, with the host's own output before, between and after them; the parser
hands that output on as noise.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

NONCE_SIZE = 16
PLACEHOLDER = b"<wasicheck nonce"
"""Stands where the nonce belongs in a compiled guest until `stamp` replaces it."""
MAX_PAYLOAD = 64 << 20
"""A longer payload is taken for a damaged header."""

_WORDS = struct.Struct("<IIIII")
_PIECE = struct.Struct("<II")
HEADER_SIZE = NONCE_SIZE + _WORDS.size


class Tag(IntEnum):
    """What a frame says about its step."""

    HELLO = 0
    """The guest has started; step is 0."""
    DONE = 1
    """The step is complete; the payload has its results."""
    PENDING = 2
    """The step's limit has passed and it is still waiting."""
    REACHED = 3
    """The guest has come to a harness step."""
    END = 4
    """The last step is behind; step is the number of steps."""
    SKIPPED = 5
    """The step was left out: something it refers to is not there, because an earlier step went otherwise."""


@dataclass(frozen=True)
class Frame:
    """A frame that arrived whole; `pieces` are (address, bytes), `received_at` is in nanoseconds since the epoch."""

    sequence: int
    step: int
    tag: Tag
    pieces: tuple[tuple[int, bytes], ...]
    received_at: int = 0


def stamp(wasm: bytes, nonce: bytes) -> bytes:
    """Return the guest with its nonce in place; raise ValueError if the placeholder is not there exactly once."""
    if len(nonce) != NONCE_SIZE:
        raise ValueError(f"a nonce has {NONCE_SIZE} bytes, not {len(nonce)}")
    if wasm.count(PLACEHOLDER) != 1:
        raise ValueError("the guest does not hold the nonce placeholder exactly once")
    return wasm.replace(PLACEHOLDER, nonce)


def encode(nonce: bytes, frame: Frame) -> bytes:
    """Return a frame as a guest would write it (for fake hosts and tests)."""
    payload = b"".join(_PIECE.pack(address, len(data)) + data for address, data in frame.pieces)
    words = struct.pack("<IIII", frame.sequence, frame.step, frame.tag, len(payload))
    return nonce + words + struct.pack("<I", zlib.crc32(payload, zlib.crc32(words))) + payload


class FrameParser:
    """Splits a byte stream into frames and noise, incrementally.

    `noise` collects what is no frame (up to `max_noise` bytes; `noise_dropped` counts the rest), `anomalies` says
    in words what was wrong with frames that were not accepted.
    """

    def __init__(self, nonce: bytes, *, max_noise: int = 1 << 20) -> None:
        self._nonce = nonce
        self._buffer = bytearray()
        self._next = 0
        self._max_noise = max_noise
        self.noise = bytearray()
        self.noise_dropped = 0
        self.anomalies: list[str] = []

    def feed(self, data: bytes, received_at: int = 0) -> list[Frame]:
        """Take more bytes and return the frames that they complete."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            start = self._buffer.find(self._nonce)
            if start < 0:
                self._discard(len(self._buffer) - self._begun())
                return frames
            self._discard(start)
            if len(self._buffer) < HEADER_SIZE:
                return frames
            sequence, step, tag, length, checksum = _WORDS.unpack_from(self._buffer, NONCE_SIZE)
            if length > MAX_PAYLOAD or tag not in Tag._value2member_map_:
                self._reject(f"a frame with a damaged header (tag {tag}, {length} bytes)")
                continue
            if len(self._buffer) < HEADER_SIZE + length:
                return frames
            words = bytes(self._buffer[NONCE_SIZE : NONCE_SIZE + 16])
            payload = bytes(self._buffer[HEADER_SIZE : HEADER_SIZE + length])
            if zlib.crc32(payload, zlib.crc32(words)) != checksum:
                self._reject(f"a frame for step {step} whose checksum does not fit")
                continue
            del self._buffer[: HEADER_SIZE + length]
            if sequence != self._next:
                self.anomalies.append(f"frame {sequence} where frame {self._next} was due")
                continue
            pieces = _split(payload)
            if pieces is None:
                self.anomalies.append(f"a frame for step {step} whose pieces do not fill it")
                continue
            self._next += 1
            frames.append(Frame(sequence, step, Tag(tag), pieces, received_at))

    def finish(self) -> None:
        """Take note of the end of the stream: a frame cut short becomes an anomaly, its bytes noise."""
        if self._buffer.startswith(self._nonce):
            self.anomalies.append("a frame cut short by the end of the stream")
        self._discard(len(self._buffer))

    def _begun(self) -> int:
        """Return how many bytes at the end of the buffer may be the beginning of a nonce."""
        return next((n for n in range(NONCE_SIZE - 1, 0, -1) if self._buffer.endswith(self._nonce[:n])), 0)

    def _reject(self, anomaly: str) -> None:
        self.anomalies.append(anomaly)
        self._discard(NONCE_SIZE)

    def _discard(self, count: int) -> None:
        room = max(0, self._max_noise - len(self.noise))
        self.noise += self._buffer[: min(count, room)]
        self.noise_dropped += max(0, count - room)
        del self._buffer[:count]


def _split(payload: bytes) -> tuple[tuple[int, bytes], ...] | None:
    pieces: list[tuple[int, bytes]] = []
    at = 0
    while at < len(payload):
        if len(payload) - at < _PIECE.size:
            return None
        address, length = _PIECE.unpack_from(payload, at)
        at += _PIECE.size
        if len(payload) - at < length:
            return None
        pieces.append((address, payload[at : at + length]))
        at += length
    return tuple(pieces)
