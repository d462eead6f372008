"""What can be seen of the guest's socket from outside: its options, and the hop limit that its SYN came with."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from wasicheck.host.peers.addresses import SocketAddress
from wasicheck.values import Record, Value, Variant

_PIDFD_GETFD = 438
"""The number of the system call, the same for all architectures."""
_TCP_SAVED_SYN = 28
_IPV4_TTL = 8
_IPV6_HOP_LIMIT = 7
"""Where the hop limit is in a header."""
_TCPI_SACKED = 28
"""Where `linux/tcp.h` has that member of `tcp_info`: behind eight bytes and five numbers."""
_IP = (socket.AF_INET, socket.AF_INET6)
_S = 1_000_000_000


class InspectionError(Exception):
    """The guest's socket cannot be looked at."""


def syn_hop_limit(accepted: socket.socket) -> int | None:
    """Return the hop limit of the SYN that began a connection; None where the system has not kept it.

    Can be asked once. The listener must have been told to keep it.
    """
    try:
        header = accepted.getsockopt(socket.IPPROTO_TCP, _TCP_SAVED_SYN, 256)
    except OSError:
        return None
    at = {4: _IPV4_TTL, 6: _IPV6_HOP_LIMIT}.get(header[0] >> 4) if len(header) > _IPV4_TTL else None
    return None if at is None else header[at]


def inspect_other_end(host: int | None, connected: socket.socket, syn: int | None) -> Value:
    """Return the options (`outcomes.SOCKET_OPTIONS`) of the socket at the other side of a connection.

    It is looked for in the processes of the session that the process `host` leads, and duplicated for the moment
    (`pidfd_getfd`). Raises InspectionError.
    """
    local, remote = connected.getpeername()[:2], connected.getsockname()[:2]
    with closing(_find(host, lambda one: _ends(one) == (local, remote))) as found:
        return _options(found, syn)


def inspect_bound(host: int | None, kind: socket.SocketKind, address: SocketAddress) -> Value:
    """Return the options (`outcomes.BOUND_OPTIONS`) of the socket that is bound to an address of the guest.

    Of TCP that is one that listens. It is looked for as by `inspect_other_end`, and InspectionError raised as there.
    """

    def fits(one: socket.socket) -> bool:
        listens = kind is socket.SOCK_STREAM
        if one.type is not kind or one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) != listens:
            return False
        return one.family in _IP and one.getsockname()[:2] == address[:2]

    with closing(_find(host, fits)) as found:
        buffers = (("receive-buffer-size", socket.SO_RCVBUF), ("send-buffer-size", socket.SO_SNDBUF))
        backlog = Variant("none") if kind is not socket.SOCK_STREAM else Variant("some", _backlog(found))
        sizes = ((name, found.getsockopt(socket.SOL_SOCKET, option)) for name, option in buffers)
        return Record((("hop-limit", _hop_limit(found)), *sizes, ("backlog", backlog)))


def _find(host: int | None, fits: Callable[[socket.socket], bool]) -> socket.socket:
    """A duplicate of a socket of the host, for the caller to close. Raises InspectionError."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        raise InspectionError("sockets of another process can be looked at on Linux only")
    if host is None:
        raise InspectionError("the host is not known")
    for process in _session(host):
        for duplicate in _sockets(process):
            if fits(duplicate):
                return duplicate
            duplicate.close()
    raise InspectionError("the guest's socket is not among those of the host")


def _backlog(listening: socket.socket) -> int:
    """How many connections the queue of a listener holds, which `tcp_info` has for it where others have segments."""
    information = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCPI_SACKED + 4)
    return int.from_bytes(information[_TCPI_SACKED:], sys.byteorder)


def _session(leader: int) -> Iterator[int]:
    yield leader
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # Behind the name, which may hold anything, stand the state, the parent, the group and the session.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and int(entry.name) != leader:
                yield int(entry.name)


def _sockets(process: int) -> Iterator[socket.socket]:
    """Duplicates of a process's sockets, each for the caller to close."""
    try:
        handle = os.pidfd_open(process)
    except OSError:
        return
    try:
        for entry in Path(f"/proc/{process}/fd").glob("[0-9]*"):
            with suppress(OSError):
                if str(entry.readlink()).startswith("socket:"):
                    yield socket.socket(fileno=_duplicate(handle, int(entry.name)))
    finally:
        os.close(handle)


def _duplicate(handle: int, descriptor: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    found = libc.syscall(_PIDFD_GETFD, handle, descriptor, 0)
    if found < 0:
        number = ctypes.get_errno()
        raise InspectionError(f"the host's sockets cannot be looked at: {os.strerror(number)}")
    return int(found)


def _ends(one: socket.socket) -> tuple[object, object] | None:
    """The local and the remote address of a connected IP socket."""
    if one.family not in _IP:
        return None
    try:
        return one.getsockname()[:2], one.getpeername()[:2]
    except OSError:
        return None


def _hop_limit(one: socket.socket) -> int:
    if one.family is socket.AF_INET6:
        return one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
    return one.getsockopt(socket.IPPROTO_IP, socket.IP_TTL)


def _options(one: socket.socket, syn: int | None) -> Value:
    def tcp(option: int) -> int:
        return one.getsockopt(socket.IPPROTO_TCP, option)

    keep_alive = Variant("none")
    if one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        times = (("idle-time", tcp(socket.TCP_KEEPIDLE) * _S), ("interval", tcp(socket.TCP_KEEPINTVL) * _S))
        keep_alive = Variant("some", Record((*times, ("count", tcp(socket.TCP_KEEPCNT)))))
    return Record(
        (
            ("hop-limit", _hop_limit(one)),
            ("keep-alive", keep_alive),
            ("receive-buffer-size", one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)),
            ("send-buffer-size", one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)),
            ("syn-hop-limit", Variant("none") if syn is None else Variant("some", syn)),
        )
    )
