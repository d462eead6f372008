"""The harness's sockets, with the test in the guest's part."""

import errno
import os
import select
import socket
import struct
import sys
import threading
import time
import zlib
from ipaddress import ip_address

import pytest
from peer_stage import peer, value_of

from wasicheck.host.forking import FORKING
from wasicheck.host.peers import Peers, sockets_needed
from wasicheck.host.sandbox import SceneError, SceneUnavailableError
from wasicheck.values import Record, Variant
from wasicheck.vectors.staging import (
    Accept,
    Connect,
    Direction,
    Hangup,
    ReceiveBytes,
    ReceiveDatagram,
    Send,
    Shutdown,
)
from wasicheck.vectors.surroundings import Family, Peer, PeerKind

V6 = ip_address("::1")
MIB = 1 << 20
OK = Variant("ok")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


# --- kinds of peers ------------------------------------------------------------------------------------


def test_peers_are_introduced(stage):
    stage.set(peer("server", "tcp-listener"), Peer("six", PeerKind.UDP, Family.IPV6, V6))
    server, six = (stage.peers.introduction[name] for name in ("server", "six"))
    assert server["address"] == value_of(stage.address("server"))
    fields = (("port", six["port"]), ("flow-info", 0), ("address", (0, 0, 0, 0, 0, 0, 0, 1)), ("scope-id", 0))
    assert six["address"] == Variant("ipv6", Record(fields))


@pytest.mark.parametrize(("family", "host"), [(Family.IPV4, "127.0.0.1"), (Family.IPV6, "[::1]")])
def test_the_authority_of_a_peer(stage, family, host):
    stage.set(Peer("server", PeerKind.TCP_LISTENER, family, ip_address(host.strip("[]"))))
    server = stage.peers.introduction["server"]
    assert server["authority"] == f"{host}:{server['port']}"


def test_an_accepted_connection(stage):
    stage.set(peer("server", "tcp-listener"))
    (step,) = stage.begin(Accept("server", "conn"))
    assert stage.wait([step], 0.05) == [None]
    assert stage.peers.unfinished() == {step: "`server` waits for a connection"}
    made = stage.connected()
    assert stage.wait([step])[0].value == value_of(made.getsockname())
    assert stage.peers.unfinished() == {}


def test_a_closed_port(stage):
    stage.set(peer("nobody", "tcp-closed"))
    assert stage.socket().connect_ex(stage.address("nobody")) == errno.ECONNREFUSED
    with pytest.raises(OSError, match="in use"):
        stage.socket().bind(stage.address("nobody"))


@linux
@pytest.mark.parametrize("backlog", [0, 3])
def test_a_full_queue(stage, backlog):
    stage.set(peer("full", "tcp-full", backlog=backlog))
    waiting = stage.socket()
    waiting.setblocking(False)
    assert waiting.connect_ex(stage.address("full")) == errno.EINPROGRESS
    assert select.select([], [waiting], [], 0.2)[1] == []


@linux
def test_a_full_queue_that_makes_room(stage):
    stage.set(peer("full", "tcp-full", backlog=0))
    waiting = stage.socket()
    waiting.setblocking(False)
    waiting.connect_ex(stage.address("full"))
    # The SYN is sent again after a second.
    assert stage.do(Accept("full", "late")) == [value_of(waiting.getsockname())]


@linux
def test_a_closed_udp_port(stage):
    stage.set(peer("gone", "udp-closed"))
    made = stage.socket(socket.SOCK_DGRAM)
    made.connect(stage.address("gone"))
    made.send(b"x")
    with pytest.raises(ConnectionRefusedError):
        made.send(b"x")


def test_a_client(stage):
    stage.set(peer("client", "tcp-client"))
    listener = stage.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    there = value_of(listener.getsockname())
    assert stage.do(Connect("client", None), Send("client", b"hey"), argument=there) == [OK, OK]
    made, source = listener.accept()
    with made:
        assert source == stage.address("client")
        assert made.recv(5) == b"hey"


def test_a_client_is_refused(stage):
    stage.set(peer("client", "tcp-client"), peer("nobody", "tcp-closed"))
    there = stage.peers.introduction["nobody"]["address"]
    assert stage.do(Connect("client", None), argument=there) == [Variant("err", "ECONNREFUSED")]


def test_the_wrong_family(stage):
    stage.set(peer("client", "tcp-client"), Peer("six", PeerKind.TCP_CLOSED, Family.IPV6, V6))
    there = stage.peers.introduction["six"]["address"]
    (found,) = stage.wait(stage.begin(Connect("client", None), argument=there))
    assert found.failure.startswith("`client` is of another address family than [::1]:")


@pytest.mark.parametrize(
    ("first", "second", "error", "told"),
    [
        ("tcp-listener", "127.0.0.1", SceneError, "the peer `two` cannot be had at 127.0.0.1:.*in use"),
        ("tcp-closed", "127.0.0.1", SceneError, "the peer `two` cannot be had at 127.0.0.1:.*in use"),
        ("tcp-listener", "192.0.2.1", SceneUnavailableError, r"the peer `two` cannot be had at 192\.0\.2\.1:"),
    ],
)
def test_what_cannot_be_had(stage, first, second, error, told):
    stage.set(peer("one", first))
    two = Peer("two", PeerKind.TCP_LISTENER, Family.IPV4, ip_address(second), port=stage.address("one")[1])
    with pytest.raises(error, match=told):
        Peers((peer("three", "udp"), two))


def test_sockets_come_from_the_maker(stage):
    peers = (peer("full", "tcp-full", backlog=1), peer("box", "udp"), Peer("six", PeerKind.UDP, Family.IPV6, V6))
    left = list(sockets_needed(peers))

    def make(family, kind):
        left.remove((family, kind))
        return socket.socket(family, kind)

    stage.set(*peers, make=make)
    # A queue is full before all that were got for it are used.
    assert set(left) <= {(socket.AF_INET, socket.SOCK_STREAM)}


# --- connections ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "ending", "length", "received"),
    [
        (b"hello", "open", 5, Variant("received", b"hello")),
        (b"hello world", "open", 5, Variant("received", b"hello")),
        (b"hell", "closed", 5, Variant("closed", b"hell")),
        (b"hello", "closed", None, Variant("closed", b"hello")),
        (b"", "closed", None, Variant("closed", b"")),
        (b"hell", "reset", 5, Variant("reset", b"hell")),
        (b"", "reset", None, Variant("reset", b"")),
    ],
)
def test_receiving(stage, conn, sent, ending, length, received):
    conn.sendall(sent)
    if ending == "reset":
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if ending != "open":
        conn.close()
    assert stage.do(ReceiveBytes("conn", length, False)) == [received]


def test_digests_and_both_directions_at_once(stage, conn):
    data = os.urandom(8 * MIB)
    got = bytearray()

    def read():
        while len(got) < len(data) and (part := conn.recv(1 << 18)):
            got.extend(part)

    steps = stage.begin(Send("conn", data), ReceiveBytes("conn", 5, False), ReceiveBytes("conn", None, True))
    conn.sendall(b"12345" + data)
    conn.shutdown(socket.SHUT_WR)
    reader = threading.Thread(target=read)
    reader.start()
    outcomes = stage.wait(steps)
    reader.join()
    digest = Record((("length", len(data)), ("crc32", zlib.crc32(data))))
    assert [o.value for o in outcomes] == [OK, Variant("received", b"12345"), Variant("closed", digest)]
    assert got == data


def test_sending_in_chunks(stage, conn):
    assert stage.do(Send("conn", bytes(range(250)), 7), Shutdown("conn", Direction.WRITE)) == [OK, None]
    with conn.makefile("rb") as file:
        assert file.read() == bytes(range(250))


def test_sending_waits_for_the_reader_and_holds_up_what_comes_after(stage, conn):
    steps = stage.begin(Send("conn", bytes(64 * MIB)), Send("conn", b"x"), Hangup("conn", reset=False))
    assert stage.wait(steps, 0.1) == [None, None, None]
    assert stage.peers.unfinished() == {
        steps[0]: f"`conn` waits to send all of {64 * MIB} bytes",
        steps[1]: "`conn` waits to send all of 1 bytes",
        steps[2]: "`conn` waits for its steps before",
    }
    conn.close()
    first, second, third = stage.wait(steps)
    assert first.value.case == "err"
    assert first.value.payload in ("ECONNRESET", "EPIPE")
    assert second.value == Variant("err", "EPIPE")
    assert third.failure is None


def test_sending_to_a_connection_that_was_reset(stage, conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()
    assert stage.do(Send("conn", b"x")) == [Variant("err", "ECONNRESET")]
    # There is nothing left to be shut down.
    assert stage.do(Shutdown("conn", Direction.BOTH)) == [None]


@pytest.mark.parametrize(
    ("action", "seen"),
    [
        (Shutdown("conn", Direction.WRITE), b""),
        (Shutdown("conn", Direction.BOTH), b""),
        (Hangup("conn", reset=False), b""),
        (Hangup("conn", reset=True), ConnectionResetError),
    ],
)
def test_the_end_of_a_connection(stage, conn, action, seen):
    stage.do(action)
    if isinstance(seen, bytes):
        assert conn.recv(1) == seen
    else:
        with pytest.raises(seen):
            conn.recv(1)


def test_a_connection_is_not_closed_while_a_child_is_made(stage, conn):
    with FORKING:
        (step,) = stage.begin(Hangup("conn", reset=False))
        assert stage.wait([step], 0.05) == [None]
        assert select.select([conn], [], [], 0)[0] == []
    assert stage.wait([step])[0].failure is None
    assert conn.recv(1) == b""


def test_a_listener_that_is_closed(stage):
    stage.set(peer("server", "tcp-listener"))
    stage.do(Hangup("server", reset=False))
    assert stage.socket().connect_ex(stage.address("server")) == errno.ECONNREFUSED


def test_what_waits_says_how_far_it_is(stage, conn):
    conn.sendall(b"hel")
    steps = stage.begin(ReceiveBytes("conn", 5, False))
    deadline = time.monotonic() + 5
    while "(0 bytes" in stage.peers.unfinished()[steps[0]] and time.monotonic() < deadline:
        time.sleep(0.005)
    assert stage.peers.unfinished() == {steps[0]: "`conn` waits for 5 bytes (3 bytes have come)"}


def test_steps_of_a_connection_wait_for_it(stage):
    stage.set(peer("server", "tcp-listener"))
    steps = stage.begin(Accept("server", "conn"), ReceiveBytes("conn", 2, False))
    stage.connected().sendall(b"hi")
    assert stage.wait(steps)[1].value == Variant("received", b"hi")


def test_different_peers_do_not_wait_for_each_other(stage):
    stage.set(peer("server", "tcp-listener"), peer("other", "tcp-listener"))
    blocked, done = stage.begin(Accept("server", "a"), Accept("other", "b"))
    stage.connected("other")
    assert stage.wait([done])[0].failure is None
    assert blocked in stage.peers.unfinished()


@pytest.mark.parametrize("other", ["conn", "server"])
def test_a_step_that_waits_for_the_steps_of_a_peer(stage, other):
    stage.set(peer("server", "tcp-listener"))
    stage.peers.begin(0, Accept("server", "conn"), None)
    stage.peers.begin(1, ReceiveBytes("conn", 2, False), None)
    stage.peers.begin(2, Send("conn", b"x"), None, other)
    connected = stage.connected()
    stage.wait([0])
    connected.settimeout(0.05)
    if other == "conn":
        with pytest.raises(TimeoutError):
            connected.recv(1)
        connected.sendall(b"hi")
    connected.settimeout(5)
    assert connected.recv(1) == b"x"


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        ([Accept("nowhere", "conn")], "there is no peer `nowhere`"),
        ([Hangup("server", False), Accept("server", "conn"), Send("conn", b"x")], "`conn` is not open: an earlier"),
    ],
)
def test_what_cannot_be_done(stage, actions, told):
    stage.set(peer("server", "tcp-listener"))
    assert stage.wait(stage.begin(*actions))[-1].failure.startswith(told)


# --- the end -------------------------------------------------------------------------------------------


@linux
def test_nothing_is_left(stage):
    def descriptors():
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a count

    threads, before = threading.active_count(), descriptors()
    peers = Peers(tuple(peer(kind.value, kind) for kind in PeerKind))
    made = stage.socket()
    made.connect(("127.0.0.1", peers.introduction["tcp-listener"]["port"]))
    peers.begin(0, Accept("tcp-listener", "conn"), None)
    peers.begin(1, Send("conn", bytes(64 * MIB)), None)
    peers.begin(2, ReceiveBytes("conn", None, True), None)
    peers.begin(3, ReceiveDatagram("udp"), None)
    select.select([peers.wake], [], [], 5)
    started = time.monotonic()
    peers.close()
    peers.close()
    assert time.monotonic() - started < 1
    made.close()
    assert (threading.active_count(), descriptors()) == (threads, before)
