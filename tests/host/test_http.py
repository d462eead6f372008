"""HTTP/1.1 messages that peers receive, with the test in the guest's part."""

import asyncio
import os
import socket
import struct
import time
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peer_stage import Stage, peer, value_of

from wasicheck.host.peers.connection import Received
from wasicheck.host.peers.http import MAX_HEAD, Messages
from wasicheck.host.peers.stream import Stream
from wasicheck.values import Record, Variant
from wasicheck.vectors.staging import (
    Accept,
    Connect,
    Hangup,
    ReceiveBody,
    ReceiveBytes,
    ReceiveRequest,
    ReceiveResponse,
    Send,
)

MIB = 1 << 20
REQUEST, BODY, REST = ReceiveRequest("conn"), ReceiveBody("conn", False), ReceiveBytes("conn", None, False)
GET = b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"
HOST = ("Host", b"x")


def request(method, target, *headers, version="1.1"):
    fields = (("method", method), ("target", target), ("version", version), ("headers", headers))
    return Variant("request", Record(fields))


def response(status, *headers, reason=b"OK", version="1.1"):
    fields = (("status", status), ("reason", reason), ("version", version), ("headers", headers))
    return Variant("response", Record(fields))


def body(data, framing, *trailers):
    return Variant("body", Record((("data", data), ("trailers", trailers), ("framing", Variant(framing)))))


def ended(conn, how):
    if how == "reset":
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if how != "open":
        conn.close()


# --- requests ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (GET, request("GET", "/a?b", HOST)),
        (b"GET / HTTP/1.0\r\n\r\n", request("GET", "/", version="1.0")),
        (b"OPTIONS * HTTP/1.1\r\nhOST:\t x \r\n\r\n", request("OPTIONS", "*", ("hOST", b"x"))),
        (
            b"X-!y_ HTTP://x/ HTTP/1.1\r\nHost: x\r\nb:\r\nA: 1\r\nb: \xe9 \t 2\r\nA:1\r\n\r\n",
            request("X-!y_", "HTTP://x/", HOST, ("b", b""), ("A", b"1"), ("b", b"\xe9 \t 2"), ("A", b"1")),
        ),
        # As they were sent, whatever the parser makes of them.
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n",
            request("POST", "/", HOST, ("Transfer-Encoding", b"Chunked")),
        ),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\nCONTENT-length: 1\r\n\r\n",
            request("POST", "/", HOST, ("Content-Length", b"1, 1"), ("CONTENT-length", b"1")),
        ),
        (
            b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
            request("CONNECT", "x:1", HOST),
        ),
    ],
)
def test_the_head_of_a_request(stage, conn, sent, received):
    conn.sendall(sent)
    assert stage.do(REQUEST) == [received]


def test_a_large_head(stage, conn):
    value = b"x" * (MAX_HEAD - 1000)
    steps = stage.begin(REQUEST, BODY)
    conn.sendall(GET[:-2] + b"y: " + value + b"\r\n\r\n")
    head, rest = stage.wait(steps)
    assert head.value == request("GET", "/a?b", HOST, ("y", value))
    assert rest.value == body(b"", "none")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "Missing mandatory Host: header"),
        (GET[:-2] + b"Host: y\r\n\r\n", "multiple Host: headers"),
        (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "illegal request line"),
        (b"GET / HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", "illegal header line"),
        (GET[:-2] + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "conflicting Content-Length headers"),
        (GET[:-2] + b"Transfer-Encoding: gzip\r\n\r\n", "Only Transfer-Encoding: chunked is supported"),
        (b"\x16\x03\x01\x02", "illegal request line"),
        (b"\r\n" + GET, "no request line received"),
        (GET[:-2] + b"y: " + b"x" * 2 * MAX_HEAD, "Receive buffer too long"),
        # What h11 would let through.
        (b"GET / HTTP/1.1\nHost: x\n\n", "a line ends in a LF without a CR"),
        (GET[:-2] + b"a: b\r\n c\r\n\r\n", "a folded line"),
        (GET[:-2] + b"a: b\x01\r\n\r\n", "a control character"),
        (GET[:-2] + b"a: b\x7f\r\n\r\n", "a control character"),
    ],
)
def test_what_is_no_request(stage, conn, sent, told):
    steps = stage.begin(REQUEST, ReceiveBytes("conn", min(len(sent), MIB), True))
    conn.sendall(sent)
    found, raw = stage.wait(steps)
    assert found.value.case == "malformed"
    assert told in found.value.payload
    # It is still there to be looked at.
    assert raw.value.payload["crc32"] == zlib.crc32(sent[:MIB])


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET[:-1]])
@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("action", [REQUEST, ReceiveResponse("conn")])
def test_a_head_that_never_ends(stage, conn, action, sent, how):
    conn.sendall(sent)
    ended(conn, how)
    assert stage.do(action) == [Variant(how, sent)]


# --- responses -----------------------------------------------------------------------------------------


@pytest.fixture
def server(stage):
    """The guest's end of the connection of a `client`."""
    stage.set(peer("client", "tcp-client"))
    listener = stage.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    stage.do(Connect("client", None), argument=value_of(listener.getsockname()))
    made, _ = listener.accept()
    made.settimeout(5)
    return stage.stack.enter_context(made)


OK_5 = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
LENGTH_5 = ("Content-Length", b"5")


@pytest.mark.parametrize(
    ("sent", "method", "head", "rest"),
    [
        (OK_5 + b"hello", "GET", response(200, LENGTH_5), body(b"hello", "content-length")),
        (OK_5, "HEAD", response(200, LENGTH_5), body(b"", "none")),
        (OK_5, "CONNECT", response(200, LENGTH_5), body(b"", "none")),
        (b"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "CONNECT", None, body(b"", "content-length")),
        (b"HTTP/1.1 204 No\r\n\r\n", "GET", response(204, reason=b"No"), body(b"", "none")),
        (b"HTTP/1.1 304 \xe9\r\nA: b\r\n\r\n", "GET", response(304, ("A", b"b"), reason=b"\xe9"), body(b"", "none")),
        (b"HTTP/1.1 103 \r\nA: b\r\n\r\n", "GET", response(103, ("A", b"b"), reason=b""), body(b"", "none")),
        (b"HTTP/1.1 101 \r\nUpgrade: y\r\n\r\n", "GET", response(101, ("Upgrade", b"y"), reason=b""), None),
        (b"HTTP/1.0 999 OK\r\n\r\nhello", "GET", response(999, version="1.0"), body(b"hello", "close")),
    ],
)
def test_a_response(stage, server, sent, method, head, rest):
    server.sendall(sent)
    server.shutdown(socket.SHUT_WR)
    found = stage.do(ReceiveResponse("client", method), ReceiveBody("client", False))
    assert found == [head or found[0], rest or found[1]]


def test_what_is_no_response(stage, server):
    server.sendall(b"HTTP/1.1 200\r\n\r\n")
    (found,) = stage.do(ReceiveResponse("client"))
    assert found == Variant("malformed", "a status line without the space behind the status")


def test_informational_responses_and_requests_in_turn(stage, server):
    sent = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    stage.do(Send("client", sent + sent))
    assert server.recv(100) == sent + sent
    informational = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\na: b\r\n\r\n"
    server.sendall(informational + OK_5 + b"hello" + OK_5 + b"world")
    one, whole = ReceiveResponse("client"), ReceiveBody("client", False)
    assert stage.do(one, one, one, whole, one, whole) == [
        response(100, reason=b"Continue"),
        response(103, ("a", b"b"), reason=b"Early"),
        response(200, LENGTH_5),
        body(b"hello", "content-length"),
        response(200, LENGTH_5),
        body(b"world", "content-length"),
    ]


# --- bodies --------------------------------------------------------------------------------------------

LENGTH = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (LENGTH + b"hello", body(b"hello", "content-length")),
        (LENGTH.replace(b"5", b"0"), body(b"", "content-length")),
        (GET, body(b"", "none")),
        (CHUNKED + b"0\r\n\r\n", body(b"", "chunked")),
        (CHUNKED + b"3;a=b\r\nhel\r\n002\r\nlo\r\n0\r\n\r\n", body(b"hello", "chunked")),
        (CHUNKED + b"0\r\nX-t: v\r\nx-T:\r\n\r\n", body(b"", "chunked", ("X-t", b"v"), ("x-T", b""))),
    ],
)
def test_a_body(stage, conn, sent, received):
    conn.sendall(sent)
    assert stage.do(REQUEST, BODY)[1] == received


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"3\r\nhello\r\n0\r\n\r\n", "malformed chunk footer"),
        (b"x\r\n", "illegal chunk header"),
        (b"0\r\na b: c\r\n\r\n", "illegal header line"),
    ],
)
def test_a_body_that_is_malformed(stage, conn, sent, told):
    conn.sendall(CHUNKED + sent)
    found = stage.do(REQUEST, BODY)[1]
    assert found.case == "malformed"
    assert told in found.payload


@pytest.mark.parametrize(
    ("sent", "data"),
    [
        (LENGTH + b"hell", b"hell"),
        (CHUNKED + b"5\r\nhel", b"hel"),
        (CHUNKED + b"5\r\nhello\r\n0", b"hello"),
        (CHUNKED + b"5\r\nhello\r\n0\r\na: b\r\n", b"hello"),
    ],
)
@pytest.mark.parametrize(("how", "case"), [("closed", "incomplete"), ("reset", "reset")])
def test_a_body_that_never_ends(stage, conn, sent, data, how, case):
    conn.sendall(sent)
    stage.do(REQUEST)
    ended(conn, how)
    assert stage.do(BODY) == [Variant(case, data)]


def test_a_body_until_the_end_of_the_connection_that_is_reset(stage, server):
    server.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
    stage.do(ReceiveResponse("client"))
    ended(server, "reset")
    assert stage.do(ReceiveBody("client", False)) == [Variant("reset", b"hello")]


def test_what_follows_stays_for_the_next_step(stage, conn):
    conn.sendall(LENGTH + b"hello" + GET + CHUNKED + b"0\r\n\r\n" + LENGTH + b"hello, raw")
    found = stage.do(REQUEST, BODY, REQUEST, REQUEST, BODY, REQUEST, ReceiveBytes("conn", 5, False))
    assert [f.case for f in found] == ["request", "body", "request", "request", "body", "request", "received"]
    conn.close()
    assert stage.do(REST) == [Variant("closed", b", raw")]


@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_a_large_body_by_its_digest(stage, conn, framing):
    data = os.urandom(16 * MIB)
    if framing == "chunked":
        size = 8192
        chunks = (b"%x\r\n%b\r\n" % (size, data[at : at + size]) for at in range(0, len(data), size))
        sent = CHUNKED + b"".join(chunks) + b"0\r\n\r\n"
    else:
        sent = LENGTH.replace(b"5", b"%d" % len(data)) + data
    steps = stage.begin(REQUEST, ReceiveBody("conn", True))
    started = time.monotonic()
    conn.sendall(sent)
    found = stage.wait(steps)[1].value
    assert time.monotonic() - started < 5
    digest = (("length", len(data)), ("crc32", zlib.crc32(data)))
    assert found == Variant("body", Record((*digest, ("trailers", ()), ("framing", Variant(framing)))))


def test_a_body_that_has_no_head(stage, conn):
    (found,) = stage.wait(stage.begin(BODY))
    assert found.failure == "there is no body to receive: no head was received before it"


@pytest.mark.parametrize(
    ("actions", "sent", "told"),
    [
        ([REQUEST], b"GET", "`conn` waits for the head of a request (3 bytes have come)"),
        ([ReceiveResponse("conn")], b"HTTP", "`conn` waits for the head of a response (4 bytes have come)"),
        ([REQUEST, BODY], LENGTH + b"he", "`conn` waits for the rest of a body (2 bytes have come)"),
    ],
)
def test_what_waits_says_how_far_it_is(stage, conn, actions, sent, told):
    conn.sendall(sent)
    last = stage.begin(*actions)[-1]
    deadline = time.monotonic() + 5
    while stage.peers.unfinished()[last] != told and time.monotonic() < deadline:
        time.sleep(0.005)
        stage.wait([], 0)
    assert stage.peers.unfinished()[last] == told


TOKENS = st.text("abcXYZ09-_!", min_size=1, max_size=8)
VALUES = st.binary(max_size=20).map(lambda b: bytes(c for c in b if c >= 0x20 and c != 0x7F).strip(b" \t"))


@pytest.fixture(scope="module")
def listening():
    stage = Stage()
    with stage.stack:
        stage.set(peer("server", "tcp-listener"))
        yield stage


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=st.lists(st.tuples(TOKENS.map("x-{}".format), VALUES), max_size=5),
    parts=st.lists(st.binary(min_size=1, max_size=50), max_size=5),
    trailers=st.lists(st.tuples(TOKENS.map("x-{}".format), VALUES), max_size=3),
    piece=st.integers(1, 60),
)
def test_whatever_is_sent_comes_out(listening, headers, parts, trailers, piece):
    """Also in small pieces, and twice on one connection."""

    def lines(pairs):
        return b"".join(name.encode() + b": " + value + b"\r\n" for name, value in pairs)

    chunks = b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in parts)
    message = CHUNKED[:-2] + lines(headers) + b"\r\n" + chunks + b"0\r\n" + lines(trailers) + b"\r\n"
    name = f"conn-{len(listening.outcomes)}"
    with listening.connected() as made:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head, rest = ReceiveRequest(name), ReceiveBody(name, False)
        steps = listening.begin(Accept("server", name), head, rest, head, rest, Hangup(name, reset=False))
        for at in range(0, 2 * len(message), piece):
            made.sendall((message + message)[at : at + piece])
        _, *found, _ = listening.wait(steps)
    expected_head = request("POST", "/", HOST, ("Transfer-Encoding", b"chunked"), *headers)
    assert [f.value for f in found] == [expected_head, body(b"".join(parts), "chunked", *trailers)] * 2


class Script(Stream):
    """A stream with given bytes, then its end."""

    def __init__(self, data):
        super().__init__(None)
        self.put_back(data)

    async def _read(self, room):
        return 0


MESSAGES = [GET, LENGTH + b"hello", CHUNKED + b"3\r\nhel\r\n0\r\na: b\r\n\r\n", OK_5 + b"hello"]
DAMAGE = st.tuples(
    st.integers(0, 99), st.integers(0, 3), st.sampled_from([b"", b"\r", b"\n", b"\0", b" ", b":", b"9" * 30])
)


@given(st.sampled_from(MESSAGES), st.lists(DAMAGE, min_size=1, max_size=3))
def test_whatever_is_damaged_comes_to_an_end(message, damage):
    for at, cut, put in damage:
        message = message[:at] + put + message[at + cut :]

    async def receive():
        messages = Messages(Script(message))
        if message.startswith(b"HTTP"):
            head = await messages.response("GET", Received(bytearray()))
        else:
            head = await messages.request(Received(bytearray()))
        return head.case, (await messages.body(Received(bytearray()))).case if head.case.startswith("re") else None

    head, rest = asyncio.run(receive())
    assert head in ("request", "response", "closed", "malformed")
    assert rest in ("body", "incomplete", "malformed", None)
