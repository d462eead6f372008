"""Observation frames: how a guest's memory reaches the harness through a standard stream.

A frame is, little endian:

    nonce      16 bytes   chosen per run, without a newline: a host's own diagnostics are never taken for a frame
    sequence   u32        0, 1, 2 …: a lost or repeated frame shows
    step       u32        index of the step that the frame is about
    tag        u32        a `Tag`
    length     u32        of the payload in bytes
    checksum   u32        CRC-32 of the four words above and the payload
    payload               pieces of memory, each: address u32, length u32, that many bytes

Frames may stand anywhere in the stream, with the host's own output before, between and after them; the parser
hands that output on as noise. A host that writes line by line (`wasmtime serve`) may even put lines of its own inside
a frame, behind any byte of it that is a newline; the checksum tells whether leaving them out makes the frame whole.
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
MENDABLE = 64 << 10
"""How much of the stream may stand between the beginning of a frame and the end of one that was broken into."""
_NEWLINES = (16, 64)
"""How many newlines of a frame, and behind each how many of what follows, are looked at to mend it."""

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


class Damaged(ValueError):
    """What follows a nonce is no frame; says in words why."""


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
            try:
                whole = _read(self._buffer)
            except Damaged as damage:
                if self._mend():
                    continue
                if not self._beyond_mending():
                    return frames
                self._reject(str(damage))
                continue
            if whole is None:
                return frames
            del self._buffer[: HEADER_SIZE + len(whole.payload)]
            if whole.sequence != self._next:
                self.anomalies.append(f"frame {whole.sequence} where frame {self._next} was due")
                continue
            pieces = _split(whole.payload)
            if pieces is None:
                self.anomalies.append(f"a frame for step {whole.step} whose pieces do not fill it")
                continue
            self._next += 1
            frames.append(Frame(whole.sequence, whole.step, whole.tag, pieces, received_at))

    def finish(self) -> None:
        """Take note of the end of the stream: a frame cut short becomes an anomaly, its bytes noise."""
        if self._buffer.startswith(self._nonce):
            try:
                _read(self._buffer)
            except Damaged as damage:
                self.anomalies.append(str(damage))
            else:
                self.anomalies.append("a frame cut short by the end of the stream")
        self._discard(len(self._buffer))

    def _begun(self) -> int:
        """Return how many bytes at the end of the buffer may be the beginning of a nonce."""
        return next((n for n in range(NONCE_SIZE - 1, 0, -1) if self._buffer.endswith(self._nonce[:n])), 0)

    def _mend(self) -> bool:
        """Take out of the first frame what the host put behind one of its newlines, if that makes it whole."""
        inside, behind = _NEWLINES
        for start in _after_newlines(self._buffer, NONCE_SIZE, inside):
            for end in _after_newlines(self._buffer, start, behind):
                mended = self._buffer[:start] + self._buffer[end:MENDABLE]
                try:
                    whole = _read(mended)
                except Damaged:
                    continue
                if whole is not None:
                    between = bytes(self._buffer[start:end])
                    del self._buffer[start:end]
                    self._hand_on(between)
                    return True
        return False

    def _beyond_mending(self) -> bool:
        """Whether nothing that may still come would make the first frame whole."""
        return len(self._buffer) > MENDABLE or self._buffer.find(self._nonce, NONCE_SIZE) >= 0

    def _reject(self, anomaly: str) -> None:
        self.anomalies.append(anomaly)
        self._discard(NONCE_SIZE)

    def _discard(self, count: int) -> None:
        self._hand_on(bytes(self._buffer[:count]))
        del self._buffer[:count]

    def _hand_on(self, noise: bytes) -> None:
        room = max(0, self._max_noise - len(self.noise))
        self.noise += noise[:room]
        self.noise_dropped += max(0, len(noise) - room)


@dataclass(frozen=True)
class _Whole:
    """A frame whose checksum fits, its payload as it came."""

    sequence: int
    step: int
    tag: Tag
    payload: bytes


def _read(data: bytes | bytearray) -> _Whole | None:
    """Read the frame at the beginning of `data`, behind the nonce; None if more has to come first; raise Damaged."""
    if len(data) < HEADER_SIZE:
        return None
    sequence, step, tag, length, checksum = _WORDS.unpack_from(data, NONCE_SIZE)
    if length > MAX_PAYLOAD or tag not in Tag._value2member_map_:
        raise Damaged(f"a frame with a damaged header (tag {tag}, {length} bytes)")
    if len(data) < HEADER_SIZE + length:
        return None
    words = bytes(data[NONCE_SIZE : NONCE_SIZE + 16])
    payload = bytes(data[HEADER_SIZE : HEADER_SIZE + length])
    if zlib.crc32(payload, zlib.crc32(words)) != checksum:
        raise Damaged(f"a frame for step {step} whose checksum does not fit")
    return _Whole(sequence, step, Tag(tag), payload)


def _after_newlines(data: bytearray, start: int, most: int) -> list[int]:
    """Return the places behind the next newlines of the first MENDABLE bytes."""
    places: list[int] = []
    while len(places) < most and (at := data.find(b"\n", start, MENDABLE)) >= 0:
        start = at + 1
        places.append(start)
    return places


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
