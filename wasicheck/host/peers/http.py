"""HTTP/1.1 messages read from a connection: only the receiving side, as vectors write out what is to be sent.

h11 parses them, and says what is malformed. Where it differs from RFC 9112:

- It takes a bare LF for the end of a line, folded lines, control characters in values and a status line that ends with
  the status. Nobody may send these (sections 2.2, 4 and 5.2, RFC 9110, section 5.5): `_REFUSED` has them refused in
  heads. In trailers all but the last are let through.
- It ignores white space and extensions behind the size of a chunk; white space alone is not allowed (section 7.1).
- It refuses an empty line before a request, which a server should ignore and a client must not send (section 2.2).
- It refuses a Transfer-Encoding that is not just `chunked`, once, though others are allowed (section 6.1).
- It takes Transfer-Encoding together with Content-Length, which nobody may send (section 6.2): the headers show it.
- It leaves out a repeated Content-Length, and writes codings in small letters. So headers are taken from the bytes; of
  trailers this is left as it is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import h11

from wasicheck.host.peers.connection import BUFFER, TURN, Received, UnmetError
from wasicheck.host.peers.stream import Stream
from wasicheck.values import Record, Value, Variant

MAX_HEAD = 1 << 20
"""Most bytes of a head, of the line before a chunk and of trailers; a head may be longer by what came at once."""
_REFUSED = (
    (re.compile(rb"(?<!\r)\n"), "a line ends in a LF without a CR"),
    (re.compile(rb"\n[ \t]"), "a folded line"),
    (re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]"), "a control character"),
    (re.compile(rb"\AHTTP/1\.[0-9] [0-9]{3}\r\n"), "a status line without the space behind the status"),
)

_Head = h11.Request | h11.InformationalResponse | h11.Response


class _Framing(StrEnum):
    """What tells where a body ends; `outcomes.FRAMING`."""

    NONE = "none"
    CONTENT_LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass
class _Body:
    """A body that is still to come, with what parses it."""

    parser: h11.Connection
    framing: _Framing


class Messages:
    """Reads messages one after the other; what follows a head, or a body, stays in the stream.

    Each message has a parser of its own: h11 would want to know what is sent as well, to go on to the next one.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._body: _Body | None = None

    async def request(self, into: Received) -> Variant:
        """Receive the head of a request; `outcomes.REQUEST_RESULT`. Raises OSError."""
        head, raw = await self._head(_server, into)
        if isinstance(head, Variant):
            return head
        assert isinstance(head, h11.Request)
        self._expect_body(_server, raw, _framing(head, ""))
        fields: tuple[tuple[str, Value], ...] = (
            ("method", head.method.decode("ascii")),
            ("target", head.target.decode("ascii")),
            ("version", head.http_version.decode("ascii")),
            ("headers", _headers(raw)),
        )
        return Variant("request", Record(fields))

    async def response(self, method: str, into: Received) -> Variant:
        """Receive the head of a response to a request of that method; `outcomes.RESPONSE_RESULT`. Raises OSError."""

        def client() -> h11.Connection:
            parser = h11.Connection(h11.CLIENT, MAX_HEAD)
            # Without a proposal h11 refuses a 101.
            headers = [("host", "x"), ("connection", "upgrade"), ("upgrade", "x")]
            parser.send(h11.Request(method=method, target="*", headers=headers))
            return parser

        head, raw = await self._head(client, into)
        if isinstance(head, Variant):
            return head
        assert isinstance(head, h11.InformationalResponse | h11.Response)
        self._expect_body(client, raw, _framing(head, method))
        fields: tuple[tuple[str, Value], ...] = (
            ("status", head.status_code),
            ("reason", bytes(head.reason)),
            ("version", head.http_version.decode("ascii")),
            ("headers", _headers(raw)),
        )
        return Variant("response", Record(fields))

    async def body(self, into: Received) -> Variant:
        """Receive the body that belongs to the last head; `outcomes.body_result`. Raises OSError, UnmetError."""
        body, self._body = self._body, None
        if body is None:
            raise UnmetError("there is no body to receive: no head was received before it")
        if body.framing is _Framing.NONE:
            return _complete(into, (), body.framing)
        buffer = memoryview(bytearray(BUFFER))
        turns = 0
        while True:
            try:
                event = body.parser.next_event()
            except h11.RemoteProtocolError as error:
                return Variant("malformed", str(error))
            match event:
                case h11.Data(data=data):
                    into.take(memoryview(data))
                    continue
                case h11.EndOfMessage(headers=trailers):
                    self._stream.put_back(body.parser.trailing_data[0])
                    return _complete(into, trailers.raw_items(), body.framing)
            try:
                count = await self._stream.receive_into(buffer)
            except ConnectionResetError:
                return Variant("reset", into.value)
            if count == 0 and body.framing is not _Framing.CLOSE:
                return Variant("incomplete", into.value)
            body.parser.receive_data(bytes(buffer[:count]))
            turns += 1
            if turns % TURN == 0:
                await asyncio.sleep(0)

    async def _head(self, make: Callable[[], h11.Connection], into: Received) -> tuple[_Head | Variant, bytes]:
        """Receive a head; return it and its bytes, or what came in its place. What is malformed can be received raw."""
        self._body = None
        parser = make()
        buffer = memoryview(bytearray(BUFFER))
        event: object = h11.NEED_DATA
        while event is h11.NEED_DATA:
            try:
                count = await self._stream.receive_into(buffer)
            except ConnectionResetError:
                return Variant("reset", into.value), b""
            if count == 0:
                return Variant("closed", into.value), b""
            into.take(buffer[:count])
            parser.receive_data(bytes(buffer[:count]))
            try:
                event = parser.next_event()
            except h11.RemoteProtocolError as error:
                return self._malformed(into, str(error)), b""
        assert isinstance(event, h11.Request | h11.InformationalResponse | h11.Response)
        came = bytes(into.kept or b"")
        rest = parser.trailing_data[0]
        head = came[: len(came) - len(rest)]
        for pattern, words in _REFUSED:
            if pattern.search(head):
                return self._malformed(into, words), b""
        self._stream.put_back(rest)
        return event, head

    def _malformed(self, into: Received, words: str) -> Variant:
        self._stream.put_back(into.kept or b"")
        return Variant("malformed", words)

    def _expect_body(self, make: Callable[[], h11.Connection], head: bytes, framing: _Framing) -> None:
        """Have the body parsed by a parser that has seen the head, and nothing behind it."""
        parser = make()
        parser.receive_data(head)
        parser.next_event()
        self._body = _Body(parser, framing)


def _server() -> h11.Connection:
    return h11.Connection(h11.SERVER, MAX_HEAD)


def _framing(head: _Head, method: str) -> _Framing:
    """What tells the end of the body behind a head (RFC 9112, section 6.3); `method` is that of the answered one."""
    if isinstance(head, h11.InformationalResponse):
        return _Framing.NONE
    if isinstance(head, h11.Response):
        tunnel = method == "CONNECT" and head.status_code < 300
        if head.status_code in (204, 304) or method == "HEAD" or tunnel:
            return _Framing.NONE
    names = {name for name, _ in head.headers}
    if b"transfer-encoding" in names:
        return _Framing.CHUNKED
    if b"content-length" in names:
        return _Framing.CONTENT_LENGTH
    return _Framing.NONE if isinstance(head, h11.Request) else _Framing.CLOSE


def _headers(head: bytes) -> Value:
    """The headers of a head that h11 and `_REFUSED` have nothing against."""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
    parts = (line.partition(b":") for line in lines)
    return _pairs((name, value) for name, _, value in parts)


def _pairs(headers: Iterable[tuple[bytes, bytes]]) -> Value:
    return tuple((name.decode("ascii"), bytes(value).strip(b" \t")) for name, value in headers)


def _complete(into: Received, trailers: Iterable[tuple[bytes, bytes]], framing: _Framing) -> Variant:
    data: tuple[tuple[str, Value], ...]
    match into.value:
        case Record(fields=digest):
            data = digest
        case value:
            data = (("data", value),)
    return Variant("body", Record((*data, ("trailers", _pairs(trailers)), ("framing", Variant(framing.value)))))
