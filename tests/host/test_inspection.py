"""Peers: the guest's sockets looked at from outside."""

import os
import socket
import sys

import pytest
from peer_stage import peer, value_of

from wasicheck.values import Record, Reference, Variant
from wasicheck.vectors import outcomes
from wasicheck.vectors.staging import Inspect

linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only on Linux can they be looked at")
HERE = Reference(outcomes.socket_address(), "address", (), "$address")
"""What the guest gives in its place does not come from here."""


@linux
def test_looking_at_the_other_end(stage, conn):
    conn.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 42)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 7)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10_000)
    stage.peers.host = os.getpid()
    (found,) = stage.do(Inspect("conn"))
    keep_alive = Record((("idle-time", 7_000_000_000), ("interval", 3_000_000_000), ("count", 2)))
    assert found["hop-limit"] == 42
    assert found["keep-alive"] == Variant("some", keep_alive)
    assert found["receive-buffer-size"] == 20_000
    assert found["syn-hop-limit"] == Variant("some", 64)


@pytest.mark.parametrize(("host", "told"), [(None, "the host is not known"), (1 << 22, "is not among those of the")])
@linux
def test_looking_at_what_is_not_there(stage, conn, host, told):
    stage.peers.host = host
    (found,) = stage.wait(stage.begin(Inspect("conn")))
    assert told in found.failure


def bound(stage, kind):
    """A socket of the test, with buffers and a hop limit of its own."""
    made = stage.socket(kind)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 42)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 10_000)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
    made.bind(("127.0.0.1", 0))
    return made


@linux
def test_looking_at_a_bound_socket(stage):
    stage.set(peer("box", "udp"))
    stage.peers.host = os.getpid()
    made = bound(stage, socket.SOCK_DGRAM)
    (found,) = stage.do(Inspect("box", HERE), argument=value_of(made.getsockname()))
    sizes = (("receive-buffer-size", 20_000), ("send-buffer-size", 40_000))
    assert found == Record((("hop-limit", 42), *sizes, ("backlog", Variant("none"))))


@linux
@pytest.mark.parametrize("backlog", [1, 7])
def test_looking_at_a_listener(stage, backlog):
    stage.set(peer("client", "tcp-client"))
    stage.peers.host = os.getpid()
    made = bound(stage, socket.SOCK_STREAM)
    made.listen(backlog)
    there = value_of(made.getsockname())
    # A connection has the same address, and is none that listens.
    stage.socket().connect(made.getsockname())
    accepted, _ = made.accept()
    with accepted:
        (found,) = stage.do(Inspect("client", HERE), argument=there)
    assert found["backlog"] == Variant("some", backlog)


@linux
def test_a_socket_that_does_not_listen_is_no_listener(stage):
    stage.set(peer("client", "tcp-client"))
    stage.peers.host = os.getpid()
    there = value_of(bound(stage, socket.SOCK_STREAM).getsockname())
    (found,) = stage.wait(stage.begin(Inspect("client", HERE), argument=there))
    assert "is not among those of the host" in found.failure
