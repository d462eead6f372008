"""Peers' sockets made and bound, so that their addresses are known before the guest starts."""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from wasicheck.host.peers.addresses import SocketAddress, text
from wasicheck.host.sandbox import SceneError, SceneUnavailableError
from wasicheck.vectors.surroundings import Family, Peer, PeerKind

MakeSocket = Callable[[socket.AddressFamily, socket.SocketKind], socket.socket]

FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
TCP_SAVE_SYN = 27
"""`linux/tcp.h`: keep the header of the SYN for whoever accepts; Python has no name for it."""
IP_RECVTTL = 12
"""`linux/in.h`."""
IPV6_FLOWINFO = 11
"""`linux/in6.h`: report the traffic class and the flow label of what is received."""

_DATAGRAMS = (PeerKind.UDP, PeerKind.UDP_CLOSED)
_LISTENING = (PeerKind.TCP_LISTENER, PeerKind.TCP_FULL)
_FILL_S = 0.05
"""A connection over loopback that is not complete by then is not going to be."""
_FILL_MOST_S = 1.0
"""The same for one for which there should be room in the queue."""
_MISSING = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM, errno.EPROTONOSUPPORT)


@dataclass
class Bound:
    """A peer's socket with its address; `fillers` are the connections that take up a listener's queue."""

    peer: Peer
    sock: socket.socket
    address: SocketAddress
    fillers: list[socket.socket] = field(default_factory=list)

    def close(self) -> None:
        """Close the socket and what fills its queue."""
        self.sock.close()
        for filler in self.fillers:
            filler.close()


def sockets_needed(peers: tuple[Peer, ...]) -> tuple[tuple[socket.AddressFamily, socket.SocketKind], ...]:
    """Return the family and kind of every socket that binding the peers may ask for."""
    return tuple(
        (FAMILIES[peer.family], _kind(peer))
        for peer in peers
        for _ in range(1 + (_most_fillers(peer) if peer.kind is PeerKind.TCP_FULL else 0))
    )


def bind(peer: Peer, make: MakeSocket) -> Bound:
    """Make the socket of a peer and put it into the state that its kind says.

    Raises SceneUnavailableError where this machine has no such address or family, SceneError for any other failure.
    """
    with _explained(peer):
        made = make(FAMILIES[peer.family], _kind(peer))
    bound = Bound(peer, made, ())
    try:
        with _explained(peer):
            _arrange(bound, make)
    except BaseException:
        bound.close()
        raise
    return bound


class _explained:
    """Turns an OSError into what went wrong with a peer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        where = text((str(self._peer.address), self._peer.port))
        why = f"the peer `{self._peer.name}` cannot be had at {where}: {os.strerror(error.errno or 0)}"
        raise (SceneUnavailableError if error.errno in _MISSING else SceneError)(why) from None


def _kind(peer: Peer) -> socket.SocketKind:
    return socket.SOCK_DGRAM if peer.kind in _DATAGRAMS else socket.SOCK_STREAM


def _arrange(bound: Bound, make: MakeSocket) -> None:
    peer, made = bound.peer, bound.sock
    made.setblocking(False)
    if peer.family is Family.IPV6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if peer.port and peer.kind in (*_LISTENING, PeerKind.TCP_CLIENT):
        # A connection of an earlier run may still be in TIME_WAIT.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if peer.receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, peer.receive_buffer)
    made.bind((str(peer.address), peer.port))
    bound.address = made.getsockname()
    match peer.kind:
        case PeerKind.TCP_LISTENER | PeerKind.TCP_FULL:
            with suppress(OSError):
                made.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 1)
            made.listen(peer.backlog)
            if peer.kind is PeerKind.TCP_FULL:
                _fill(bound, make)
        case PeerKind.UDP:
            _report_headers(made, peer.family)
        case PeerKind.UDP_CLOSED:
            # Datagrams from anywhere but itself then belong to no socket, while the port stays taken.
            made.connect(bound.address)
        case PeerKind.TCP_CLOSED | PeerKind.TCP_CLIENT:
            pass


def _report_headers(made: socket.socket, family: Family) -> None:
    if family is Family.IPV6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        if sys.platform == "linux":
            made.setsockopt(socket.IPPROTO_IPV6, IPV6_FLOWINFO, 1)
    elif sys.platform == "linux":
        made.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)


def _most_fillers(peer: Peer) -> int:
    """How many connections are tried; systems take somewhat more of them than the backlog says."""
    return 2 * peer.backlog + 4


def _fill(bound: Bound, make: MakeSocket) -> None:
    """Connect to the listener until it takes no more."""
    peer = bound.peer
    for count in range(_most_fillers(peer)):
        filler = make(FAMILIES[peer.family], socket.SOCK_STREAM)
        bound.fillers.append(filler)
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(bound.address)
        if not _completes(filler, _FILL_S if count > peer.backlog else _FILL_MOST_S):
            # It is not to take the place that an `accept` makes.
            bound.fillers.pop().close()
            return
    raise SceneUnavailableError(f"the accept queue of the peer `{peer.name}` never gets full on this system")


def _completes(connecting: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connecting, select.POLLOUT)
    return bool(poll.poll(seconds * 1000)) and connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def filler_addresses(bound: Bound) -> Iterator[SocketAddress]:
    """The addresses from which a listener's queue was filled."""
    return (filler.getsockname() for filler in bound.fillers)
