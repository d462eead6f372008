"""All peers of one run: a thread with a loop of its own does what they are told, each in order, all side by side."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from wasicheck.host.peers import connection
from wasicheck.host.peers.addresses import MAX_FLOW_LABEL, SocketAddress, from_value, text, to_value
from wasicheck.host.peers.binding import FAMILIES, Bound, MakeSocket, bind, filler_addresses
from wasicheck.host.peers.connection import UnfitError, UnmetError
from wasicheck.host.peers.http import Messages
from wasicheck.host.peers.inspection import InspectionError, inspect_bound, inspect_other_end, syn_hop_limit
from wasicheck.host.peers.stream import Stream
from wasicheck.host.peers.tls import TlsStream, server_context
from wasicheck.judge.run import HarnessOutcome
from wasicheck.values import Record, Value, Variant
from wasicheck.vectors.staging import (
    Accept,
    Connect,
    Direction,
    Handshake,
    Hangup,
    Inspect,
    Introduce,
    PeerAction,
    ReceiveBody,
    ReceiveBytes,
    ReceiveDatagram,
    ReceiveRequest,
    ReceiveResponse,
    Send,
    SendDatagram,
    Shutdown,
)
from wasicheck.vectors.surroundings import Peer

_CLOSING_S = 2.0


class _Lane(Enum):
    """What of one socket is done in order: sending and receiving go on at the same time."""

    SEND = "send"
    RECEIVE = "receive"


_BOTH = (_Lane.SEND, _Lane.RECEIVE)


@dataclass
class _End:
    """A socket by its name; None before the connection was accepted and after it was closed.

    `stream` is what goes over it, with the HTTP `messages` therein, from when there is a connection, of TLS after the
    handshake for which `tls` is there; of a listener that is the one of its connections.
    """

    name: str
    family: socket.AddressFamily
    sock: socket.socket | None
    bound: Bound | None = None
    syn_hop_limit: int | None = None
    tls: ssl.SSLContext | None = None
    stream: Stream | None = None
    messages: Messages | None = None
    last: dict[_Lane, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def open(self) -> socket.socket:
        """The socket, for use."""
        if self.sock is None:
            raise UnmetError(f"`{self.name}` is not open: an earlier step went otherwise")
        return self.sock

    @property
    def connection(self) -> Stream:
        """What goes over the connection, for use."""
        if self.stream is None:
            raise UnmetError(f"`{self.name}` is not open: an earlier step went otherwise")
        return self.stream

    @property
    def http(self) -> Messages:
        """The HTTP messages that come over the connection."""
        if self.messages is None:
            self.messages = Messages(self.connection)
        return self.messages


class Peers:
    """The peers of a run; `wake` is a descriptor that is readable when there are outcomes.

    All methods are for the one thread that made it. `close` has to be called in the end.
    """

    def __init__(self, peers: tuple[Peer, ...], make: MakeSocket = socket.socket) -> None:
        """Bind them all, with sockets from `make`; raise SceneUnavailableError or SceneError."""
        self._ends: dict[str, _End] = {}
        self.host: int | None = None
        """The process id of the host once it runs: `Inspect` looks at its sockets."""
        fields: list[tuple[str, Value]] = []
        try:
            for peer in peers:
                bound = bind(peer, make)
                family = FAMILIES[peer.family]
                end = self._ends[peer.name] = _End(peer.name, family, bound.sock, bound)
                if peer.tls is not None:
                    end.tls = server_context(peer.tls, str(peer.address))
                fields.append((peer.name, _introduction(family, bound.address)))
        except BaseException:
            self._close_sockets()
            raise
        self.introduction: Value = Record(tuple(fields))
        self._waiting: dict[int, PeerAction] = {}
        self._progress: dict[int, connection.Received] = {}
        self._outcomes: deque[tuple[int, HarnessOutcome]] = deque()
        self.wake, self._waker = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self._waker, False)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="wasicheck peers", daemon=True)
        self._thread.start()
        self._closed = False

    def begin(self, step: int, action: PeerAction, argument: Value | None, after: str | None = None) -> None:
        """Have something done as soon as what came before it at the same peer is done; never blocks.

        `after`: the name of a peer or connection of which all that came before has to be done as well.
        """
        self._waiting[step] = action
        self._loop.call_soon_threadsafe(self._launch, step, action, argument, after)

    def outcomes(self) -> list[tuple[int, HarnessOutcome]]:
        """Return the steps that have been done since, and what became of them."""
        with suppress(BlockingIOError):
            while os.read(self.wake, 4096):
                pass
        found: list[tuple[int, HarnessOutcome]] = []
        while self._outcomes:
            found.append(self._outcomes.popleft())
        for step, _ in found:
            del self._waiting[step]
        return found

    def unfinished(self) -> dict[int, str]:
        """Return, of each step that `outcomes` has not told of, what it waits for."""
        return {step: _waits_for(action, self._progress.get(step)) for step, action in self._waiting.items()}

    def close(self) -> None:
        """End whatever is under way and close all sockets; may be called again."""
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSING_S)
        self._close_sockets()
        os.close(self.wake)
        os.close(self._waker)

    # --- in the thread of the loop -----------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        finally:
            self._loop.close()

    def _close_sockets(self) -> None:
        for end in self._ends.values():
            if end.bound is not None:
                end.bound.close()
            if end.sock is not None:
                end.sock.close()

    def _launch(self, step: int, action: PeerAction, argument: Value | None, after: str | None) -> None:
        end = self._ends.get(_peer(action))
        if end is None:
            self._publish(step, HarnessOutcome(failure=f"there is no peer `{_peer(action)}`"))
            return
        lanes = _lanes(action)
        before = {end.last[lane] for lane in lanes if lane in end.last}
        if after is not None and after in self._ends:
            before |= set(self._ends[after].last.values())
        task = self._loop.create_task(self._do(step, action, argument, end, before))
        for lane in lanes:
            end.last[lane] = task
        if isinstance(action, Accept):
            last = dict.fromkeys(_BOTH, task)
            self._ends[action.connection] = _End(action.connection, end.family, None, last=last)

    async def _do(
        self,
        step: int,
        action: PeerAction,
        argument: Value | None,
        end: _End,
        before: set[asyncio.Task[None]],
    ) -> None:
        if before:
            await asyncio.wait(before)
        try:
            outcome = HarnessOutcome(await self._act(step, action, argument, end))
        except OSError as error:
            outcome = HarnessOutcome(failure=f"`{end.name}`: {error.strerror or error}")
        except UnmetError as error:
            outcome = HarnessOutcome(failure=str(error), unmet=True)
        except (UnfitError, InspectionError) as error:
            outcome = HarnessOutcome(failure=str(error))
        self._publish(step, outcome)

    def _publish(self, step: int, outcome: HarnessOutcome) -> None:
        self._outcomes.append((step, outcome))
        # A pipe that is full wakes the harness just as well.
        with suppress(BlockingIOError):
            os.write(self._waker, b"\0")

    async def _act(self, step: int, action: PeerAction, argument: Value | None, end: _End) -> Value | None:
        match action:
            case Accept(connection=name):
                return await self._accept(end, name)
            case Handshake():
                return await _handshake(end)
            case Connect():
                return await _connect(end, _destination(end, argument))
            case Send(data=data, chunk=chunk):
                return await connection.send(end.connection, data, chunk)
            case SendDatagram(data=data):
                return await connection.send_datagram(end.open, data, _destination(end, argument))
            case ReceiveBytes(length=length, digest=digest):
                return await connection.receive(end.connection, length, self._received(step, digest=digest))
            case ReceiveRequest():
                return await end.http.request(self._received(step))
            case ReceiveResponse(method=method):
                return await end.http.response(method, self._received(step))
            case ReceiveBody(digest=digest):
                return await end.http.body(self._received(step, digest=digest))
            case ReceiveDatagram():
                return await _receive_datagram(end, action)
            case Shutdown(direction=direction):
                await connection.shut_down(end.connection, direction)
                return None
            case Hangup(reset=reset):
                await _hang_up(end, reset=reset)
                return None
            case Inspect(at=None):
                return inspect_other_end(self.host, end.open, end.syn_hop_limit)
            case Inspect():
                return inspect_bound(self.host, end.open.type, _destination(end, argument))
            case Introduce():
                raise UnfitError("the introduction is not for a peer")
            case _:
                assert_never(action)

    def _received(self, step: int, *, digest: bool = False) -> connection.Received:
        """Where a step puts what it receives, so that it can be told how much that is."""
        received = self._progress[step] = connection.Received(None if digest else bytearray())
        return received

    async def _accept(self, end: _End, name: str) -> Value:
        """Take the next connection that is not one of those that fill the queue."""
        assert end.bound is not None
        fillers = set(filler_addresses(end.bound))
        while True:
            accepted, source = await self._loop.sock_accept(end.open)
            if source not in fillers:
                break
            accepted.close()
        _without_delay(accepted)
        connected = self._ends[name]
        connected.sock, connected.tls = accepted, end.tls
        connected.stream = Stream(accepted) if end.tls is None else None
        connected.syn_hop_limit = syn_hop_limit(accepted)
        return to_value(end.family, source)


async def _connect(end: _End, to: SocketAddress) -> Variant:
    connecting = end.open
    outcome = await connection.connect(connecting, to)
    _without_delay(connecting)
    end.stream = Stream(connecting)
    return outcome


async def _handshake(end: _End) -> Variant:
    if end.tls is None:
        raise UnfitError(f"`{end.name}` was not accepted by a listener that speaks TLS")
    stream = TlsStream(end.open, end.tls)
    outcome = await stream.handshake()
    if outcome.case == "ok":
        end.stream = stream
    return outcome


async def _hang_up(end: _End, *, reset: bool) -> None:
    closing, stream = end.open, end.stream
    if stream is not None and not reset:
        with suppress(OSError):
            await stream.finish()
    end.sock = end.stream = end.messages = None
    connection.close(closing, reset=reset)


async def _receive_datagram(end: _End, action: ReceiveDatagram) -> Value:
    got = await connection.receive_datagram(end.open)
    fields: list[tuple[str, Value]] = [("data", got.data), ("from", to_value(end.family, got.source))]
    told = ((action.hop_limit, "hop-limit", got.hop_limit), (action.flow_label, "flow-label", got.flow_label))
    for name, value in ((name, value) for asked, name, value in told if asked):
        if value is None:
            raise UnfitError(f"this system does not tell the {name.replace('-', ' ')} of a datagram")
        fields.append((name, value))
    return Record(tuple(fields))


def _without_delay(connected: socket.socket) -> None:
    """Have bytes sent as soon as they are written: what a vector sends apart should come apart."""
    with suppress(OSError):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _destination(end: _End, argument: Value | None) -> SocketAddress:
    if argument is None:
        raise UnfitError(f"`{end.name}` was not told to which address")
    family, address = from_value(argument)
    if family is not end.family:
        raise UnfitError(f"`{end.name}` is of another address family than {text(address)}")
    if family is socket.AF_INET6 and address[2] > MAX_FLOW_LABEL:
        raise UnfitError(f"the flow information {address[2]:#x} of {text(address)} is more than a flow label")
    return address


def _introduction(family: socket.AddressFamily, address: SocketAddress) -> Value:
    """What the guest is told of a peer at an address."""
    fields = (("address", to_value(family, address)), ("port", address[1]), ("authority", text(address)))
    return Record(fields)


def _peer(action: PeerAction) -> str:
    return "" if isinstance(action, Introduce) else action.peer


def _lanes(action: PeerAction) -> tuple[_Lane, ...]:
    match action:
        case Send() | SendDatagram() | Shutdown(direction=Direction.WRITE):
            return (_Lane.SEND,)
        case ReceiveBytes() | ReceiveRequest() | ReceiveResponse() | ReceiveBody() | ReceiveDatagram():
            return (_Lane.RECEIVE,)
        case Accept() | Shutdown(direction=Direction.READ):
            return (_Lane.RECEIVE,)
        case Handshake() | Connect() | Shutdown() | Hangup() | Inspect() | Introduce():
            return _BOTH
        case _:
            assert_never(action)


def _waits_for(action: PeerAction, received: connection.Received | None) -> str:
    """Say what a step waits for that has not been done."""
    name = f"`{_peer(action)}`"
    had = f"({received.length if received is not None else 0} bytes have come)"
    match action:
        case Accept():
            return f"{name} waits for a connection"
        case Handshake():
            return f"{name} is in its TLS handshake"
        case Connect():
            return f"{name} is connecting"
        case Send(data=data):
            return f"{name} waits to send all of {len(data)} bytes"
        case SendDatagram():
            return f"{name} waits to send a datagram"
        case ReceiveBytes(length=None):
            return f"{name} waits for the end of the stream {had}"
        case ReceiveBytes(length=length):
            return f"{name} waits for {length} bytes {had}"
        case ReceiveRequest():
            return f"{name} waits for the head of a request {had}"
        case ReceiveResponse():
            return f"{name} waits for the head of a response {had}"
        case ReceiveBody():
            return f"{name} waits for the rest of a body {had}"
        case ReceiveDatagram():
            return f"{name} waits for a datagram"
        case Shutdown() | Hangup() | Inspect() | Introduce():
            return f"{name} waits for its steps before"
        case _:
            assert_never(action)
