"""What is done over one connection or UDP socket, without blocking and with nothing lost on the way."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
import zlib
from contextlib import suppress
from dataclasses import dataclass

from wasicheck.host.forking import FORKING
from wasicheck.host.peers.addresses import MAX_FLOW_LABEL, SocketAddress
from wasicheck.host.peers.binding import IPV6_FLOWINFO
from wasicheck.host.peers.stream import Stream
from wasicheck.values import Record, Value, Variant
from wasicheck.vectors.staging import Direction

BUFFER = 1 << 18
MAX_DATAGRAM = 1 << 16
MAX_KEPT = 64 << 20
"""Most bytes that are kept of one `receive`; of more, only a digest can be had."""
TURN = 16
"""After so many operations that did not have to wait, others get their turn."""
_SHUTDOWNS = {
    Direction.READ: socket.SHUT_RD,
    Direction.WRITE: socket.SHUT_WR,
    Direction.BOTH: socket.SHUT_RDWR,
}


class UnfitError(Exception):
    """A step cannot be done, for a reason that is not the system's."""


class UnmetError(UnfitError):
    """What an action needs is not there: an earlier one went otherwise than the vector has it."""


class TooMuchError(UnfitError):
    """More bytes came than are kept."""


@dataclass
class Received:
    """What a `receive` has got so far; `kept` is None where only the digest is asked for."""

    kept: bytearray | None
    length: int = 0
    crc32: int = 0

    def take(self, data: memoryview) -> None:
        """Take further bytes."""
        self.length += len(data)
        if self.kept is None:
            self.crc32 = zlib.crc32(data, self.crc32)
        elif self.length > MAX_KEPT:
            raise TooMuchError(f"more than {MAX_KEPT} bytes came, which is more than is kept: `digest: true` takes any")
        else:
            self.kept += data

    @property
    def value(self) -> Value:
        """The bytes, or their length and checksum."""
        if self.kept is not None:
            return bytes(self.kept)
        return Record((("length", self.length), ("crc32", self.crc32)))


async def receive(stream: Stream, length: int | None, into: Received) -> Variant:
    """Receive `length` bytes (None: all) or as many as come; OSError for what is neither an end nor a reset."""
    buffer = memoryview(bytearray(BUFFER if length is None else min(length, BUFFER)))
    turns = 0
    while length is None or into.length < length:
        room = buffer if length is None else buffer[: length - into.length]
        try:
            count = await stream.receive_into(room)
        except ConnectionResetError:
            return Variant("reset", into.value)
        if count == 0:
            return Variant("closed", into.value)
        into.take(room[:count])
        turns += 1
        if turns % TURN == 0:
            await asyncio.sleep(0)
    return Variant("received", into.value)


async def send(stream: Stream, data: bytes, chunk: int | None) -> Variant:
    """Send everything; `err` with the name of the error if that cannot be."""
    view = memoryview(data)
    size = chunk or max(len(data), 1)
    try:
        for turn, start in enumerate(range(0, len(data), size)):
            await stream.send(view[start : start + size])
            if turn % TURN == TURN - 1:
                await asyncio.sleep(0)
    except OSError as error:
        return failed(error)
    return Variant("ok")


async def send_datagram(end: socket.socket, data: bytes, to: SocketAddress) -> Variant:
    """Send one datagram; `err` with the name of the error if the system refuses it."""
    try:
        await asyncio.get_running_loop().sock_sendto(end, data, to)
    except OSError as error:
        return failed(error)
    return Variant("ok")


async def connect(end: socket.socket, to: SocketAddress) -> Variant:
    """Connect; `err` with the name of the error."""
    try:
        await asyncio.get_running_loop().sock_connect(end, to)
    except OSError as error:
        return failed(error)
    return Variant("ok")


@dataclass(frozen=True)
class Datagram:
    """A datagram, whom it comes from, and what the system tells of its header (None: it does not)."""

    data: bytes
    source: SocketAddress
    hop_limit: int | None
    flow_label: int | None


async def receive_datagram(end: socket.socket) -> Datagram:
    """Receive one datagram."""
    while True:
        try:
            data, ancillary, _, source = end.recvmsg(MAX_DATAGRAM, 256)
        except (BlockingIOError, InterruptedError):
            await _readable(end)
            continue
        return Datagram(data, source, _hop_limit(ancillary), _flow_label(end, ancillary))


async def _readable(end: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(end, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(end)


def _hop_limit(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    told = ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, getattr(socket, "IPV6_HOPLIMIT", None)))
    for level, kind, data in ancillary:
        if (level, kind) in told:
            (limit,) = struct.unpack("i", data[:4])
            return int(limit)
    return None


def _flow_label(end: socket.socket, ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The flow label; a system that tells it keeps silent where it and the traffic class are 0."""
    if sys.platform != "linux" or end.family is not socket.AF_INET6:
        return None
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IPV6, IPV6_FLOWINFO):
            return int.from_bytes(data[:4], "big") & MAX_FLOW_LABEL
    return 0


async def shut_down(stream: Stream, direction: Direction) -> None:
    """Shut a connection down; nothing is left to do for one that the other side has reset."""
    if direction is not Direction.READ:
        with suppress(OSError):
            await stream.finish()
    try:
        stream.sock.shutdown(_SHUTDOWNS[direction])
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise


def close(end: socket.socket, *, reset: bool) -> None:
    """Close a socket with a FIN, or (`reset`) with a RST."""
    if reset:
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with FORKING:
        end.close()


def failed(error: OSError) -> Variant:
    """Return `err` with the name of an errno."""
    return Variant("err", errno.errorcode.get(error.errno or 0, str(error)))
