"""Peers in `given`, and the steps in which they do something."""

import zlib
from ipaddress import ip_address

import pytest
from vector_cases import load, vector

from wasicheck.values import Bindings, Record, Variant, match, type_text
from wasicheck.vectors import outcomes
from wasicheck.vectors.staging import (
    Accept,
    Connect,
    Direction,
    Handshake,
    Hangup,
    Harness,
    Inspect,
    ReceiveBody,
    ReceiveBytes,
    ReceiveDatagram,
    ReceiveRequest,
    ReceiveResponse,
    Send,
    SendDatagram,
    Shutdown,
)
from wasicheck.vectors.surroundings import Certificate, Family, Peer, PeerKind

SOCKETS = "wasi:sockets/types@0.3.0"
V4, V6 = ip_address("127.0.0.1"), ip_address("::1")
ALL = (
    "{server: tcp-listener, full: tcp-full, nobody: tcp-closed, client: tcp-client, box: udp, gone: udp-closed, "
    "secure: {kind: tcp-listener, tls: self-signed}, six: {kind: udp, family: ipv6}}"
)
RESULT = "result<_, string>"


def suite(peers, *steps, more=""):
    lines = "".join(f"  - {step}\n" for step in steps or ["{yield: 1}"])
    return load(vector(f"given:\n  network: true\n{more}  peers: {peers}\nsteps:\n{lines}", SOCKETS))


def loaded(peers, *steps, more=""):
    found = suite(peers, *steps, more=more)
    assert [str(p) for p in found.problems] == []
    return found.vectors["a"]


def refused(peers, *steps):
    (problem,) = suite(peers, *steps).problems
    return problem


@pytest.mark.parametrize(
    ("written", "peer"),
    [
        ("tcp-listener", Peer("p", PeerKind.TCP_LISTENER, Family.IPV4, V4)),
        ("tcp-full", Peer("p", PeerKind.TCP_FULL, Family.IPV4, V4, backlog=0)),
        ("{kind: tcp-full, backlog: 3}", Peer("p", PeerKind.TCP_FULL, Family.IPV4, V4, backlog=3)),
        ("{kind: udp, family: ipv6}", Peer("p", PeerKind.UDP, Family.IPV6, V6)),
        ("{kind: udp-closed, address: '::1'}", Peer("p", PeerKind.UDP_CLOSED, Family.IPV6, V6)),
        (
            "{kind: tcp-client, family: ipv4, address: 127.0.0.9, port: 4000}",
            Peer("p", PeerKind.TCP_CLIENT, Family.IPV4, ip_address("127.0.0.9"), 4000),
        ),
        (
            "{kind: tcp-listener, backlog: 1, receive-buffer: 4KiB}",
            Peer("p", PeerKind.TCP_LISTENER, Family.IPV4, V4, backlog=1, receive_buffer=4096),
        ),
        (
            "{kind: tcp-listener, tls: expired}",
            Peer("p", PeerKind.TCP_LISTENER, Family.IPV4, V4, tls=Certificate.EXPIRED),
        ),
    ],
)
def test_a_peer(written, peer):
    assert loaded(f"{{p: {written}}}").environment.peers == (peer,)


def test_an_address_of_a_network_of_its_own():
    peers = loaded("{p: {kind: udp, address: 10.1.0.1}}", more="  net: {addresses: [10.1.0.1/32]}\n").environment.peers
    assert peers[0].address == ip_address("10.1.0.1")


@pytest.mark.parametrize(
    ("peers", "told"),
    [
        ("{}", "no peer is given; as in `peers: {server: tcp-listener}`"),
        ("{a: tcp-listner}", "expected a kind of peer, found `tcp-listner`; did you mean `tcp-listener`?"),
        ("{A: udp}", "`A` is not the name of a peer"),
        ("{a: {port: 5}}", "what kind of peer `a` is, is not said; add `kind`"),
        ("{a: {kind: udp, prot: 5}}", "unknown key `prot` in a peer; did you mean `port`?"),
        ("{a: {kind: udp, address: localhost}}", "`localhost` is not an IP address"),
        ("{a: {kind: udp, address: 'fe80::1%lo'}}", "names a network interface"),
        ("{a: {kind: udp, address: 10.1.0.1}}", "is not a loopback address; others can be had with `given: {net"),
        ("{a: {kind: udp, address: '::1', family: ipv4}}", "`::1` is an ipv6 address, and the family is ipv4"),
        ("{a: {kind: udp, port: 0}}", "expected a port, an integer from 1 to 65535, found `0`"),
        ("{a: {kind: udp, backlog: 1}}", "a `udp` has no backlog"),
        ("{a: {kind: tcp-closed, receive-buffer: 1}}", "a `tcp-closed` receives nothing"),
        ("{a: {kind: tcp-client, tls: expired}}", "a `tcp-client` does not speak TLS; a `tcp-listener` does"),
        ("{a: {kind: tcp-listener, tls: wrongname}}", "found `wrongname`; did you mean `wrong-name`?"),
        ("{a: {kind: udp, port: 5}, b: {kind: udp, port: 5}}", "`a` has the same address and port"),
    ],
)
def test_what_is_no_peer(peers, told):
    problem = refused(peers)
    assert told in str(problem)
    assert problem.line == 8


def test_one_port_for_both_protocols():
    assert len(loaded("{a: {kind: udp, port: 5}, b: {kind: tcp-listener, port: 5}}").environment.peers) == 2


ACCEPT = "{peer: server, accept: conn}"
CONNECT = "{peer: client, connect: $server.address}"
SECURE = "{peer: secure, accept: tls}"
REQUEST = "{peer: conn, receive: request, level: may, expect: _}"
RESPONSE = "{peer: client, receive: response, level: may, expect: _}"


@pytest.mark.parametrize(
    ("before", "step", "action", "yields", "text"),
    [
        ((), "accept: conn", Accept("server", "conn"), "ip-socket-address", "server: accept conn"),
        ((ACCEPT,), "peer: conn, send: '\"hi\"'", Send("conn", b"hi"), RESULT, 'conn: send "hi"'),
        ((ACCEPT,), "peer: conn, send: '\"hi\"', chunk: 1", Send("conn", b"hi", 1), RESULT, 'conn: send "hi"'),
        ((CONNECT,), "peer: client, send: '\"hi\"'", Send("client", b"hi"), RESULT, 'client: send "hi"'),
        ((ACCEPT,), "peer: conn, receive: 5", ReceiveBytes("conn", 5, False), None, "conn: receive 5"),
        ((ACCEPT,), "peer: conn, receive: end", ReceiveBytes("conn", None, False), None, "conn: receive end"),
        (
            (ACCEPT,),
            "peer: conn, receive: end, digest: true",
            ReceiveBytes("conn", None, True),
            None,
            "conn: receive end",
        ),
        ((ACCEPT,), "peer: conn, shutdown: both", Shutdown("conn", Direction.BOTH), "", "conn: shutdown both"),
        ((ACCEPT,), "peer: conn, close: true", Hangup("conn", False), "", "conn: close"),
        ((ACCEPT,), "peer: conn, reset: true", Hangup("conn", True), "", "conn: reset"),
        ((ACCEPT,), "peer: conn, inspect: true", Inspect("conn"), None, "conn: inspect"),
        ((ACCEPT,), "peer: conn, receive: request", ReceiveRequest("conn"), None, "conn: receive request"),
        ((CONNECT,), "peer: client, receive: response", ReceiveResponse("client"), None, "client: receive response"),
        (
            (CONNECT,),
            "peer: client, receive: response, to: HEAD",
            ReceiveResponse("client", "HEAD"),
            None,
            "client: receive response to HEAD",
        ),
        ((ACCEPT, REQUEST), "peer: conn, receive: body", ReceiveBody("conn", False), None, "conn: receive body"),
        (
            (CONNECT, RESPONSE),
            "peer: client, receive: body, digest: true",
            ReceiveBody("client", True),
            None,
            "client: receive body",
        ),
        ((SECURE,), "peer: tls, handshake: true", Handshake("tls"), RESULT, "tls: handshake"),
        ((SECURE,), "peer: tls, close: true", Hangup("tls", False), "", "tls: close"),
        ((), "peer: server, close: true", Hangup("server", False), "", "server: close"),
        ((), "peer: client, close: true", Hangup("client", False), "", "client: close"),
        ((), "peer: full, accept: late", Accept("full", "late"), "ip-socket-address", "full: accept late"),
        ((), "peer: box, receive: datagram", ReceiveDatagram("box"), None, "box: receive datagram"),
        (
            (),
            "peer: box, receive: datagram, hop-limit: true",
            ReceiveDatagram("box", True),
            None,
            "box: receive datagram",
        ),
        (
            (),
            "peer: six, receive: datagram, flow-label: true",
            ReceiveDatagram("six", flow_label=True),
            "record { data: list<u8>, from: ip-socket-address, flow-label: u32 }",
            "six: receive datagram",
        ),
    ],
)
def test_a_step(before, step, action, yields, text):
    step = step if step.startswith("peer") else f"peer: server, {step}"
    last = loaded(ALL, *before, f"{{{step}, level: may, expect: _}}" if yields != "" else f"{{{step}}}").steps[-1]
    assert last.action == Harness(action, acknowledge=True)
    assert last.text == text
    if yields is not None:
        assert ("" if last.yields is None else type_text(last.yields)) == yields


@pytest.mark.parametrize(
    ("step", "kind", "text"),
    [
        ("peer: client, connect: $server.address", Connect, "client: connect $server.address"),
        ("peer: box, send: '\"hi\"', to: $server.address", SendDatagram, 'box: send "hi" to $server.address'),
    ],
)
def test_a_step_that_needs_an_address(step, kind, text):
    last = loaded(ALL, f"{{{step}}}").steps[-1]
    assert isinstance(last.action.action, kind)
    assert type_text(last.action.argument.type) == "ip-socket-address"
    assert last.text == text
    assert [e.text for e in last.expectations] == ["ok"]


@pytest.mark.parametrize("name", ["box", "client"])
def test_a_step_that_looks_at_a_bound_socket(name):
    last = loaded(ALL, f"{{peer: {name}, inspect: $server.address, expect: '{{hop-limit: 5, ...}}'}}").steps[-1]
    assert isinstance(last.action.action, Inspect)
    assert type_text(last.action.argument.type) == "ip-socket-address"
    assert last.text == f"{name}: inspect $server.address"
    assert last.yields is outcomes.BOUND_OPTIONS


@pytest.mark.parametrize(
    ("expect", "action"),
    [
        ('received("hello")', "receive: 5"),
        ('closed("hello")', "receive: end"),
        ('reset("hello") | closed(_)', "receive: end"),
        ('closed(repeat("x", 4MiB))', "receive: end, digest: true"),
        ('request({method: "GET", ...})', "receive: request"),
        ('request({target: "/" | "*", headers: any(("host", _)), ...}) | closed("")', "receive: request"),
        ('malformed(contains("Host"))', "receive: request"),
        ('response({status: 200, reason: "OK", headers: [("a", "b")], version: "1.1"})', "receive: response"),
    ],
)
def test_what_a_connection_is_expected_to_receive(expect, action):
    last = loaded(ALL, ACCEPT, f"{{peer: conn, {action}, expect: '{expect}'}}").steps[-1]
    assert [e.text for e in last.expectations] == [expect]


def test_a_handshake_has_to_go_well_unless_it_says_otherwise():
    one = loaded(ALL, SECURE, "{peer: tls, handshake: true}").steps[-1]
    other = loaded(ALL, SECURE, "{peer: tls, handshake: true, expect: err(_)}").steps[-1]
    assert [e.text for e in (*one.expectations, *other.expectations)] == ["ok", "err(_)"]


X100 = (("length", 100), ("crc32", zlib.crc32(b"x" * 100)))
OTHER_100 = (("length", 100), ("crc32", 0))
OTHER_99 = (("length", 99), ("crc32", 0))


def whole(digest, *trailers):
    return Variant("body", Record((*digest, ("trailers", trailers), ("framing", Variant("chunked")))))


@pytest.mark.parametrize(
    ("expect", "accepts", "refuses"),
    [
        ('body({data: repeat("x", 100), ...})', whole(X100), whole(OTHER_100)),
        ('body({data: repeat("x", 100), trailers: [], framing: chunked})', whole(X100), whole(X100, ("a", b"b"))),
        ("body({data: length(100), ...})", whole(OTHER_100), whole(OTHER_99)),
        ("body({data: _, trailers: [], framing: _})", whole(OTHER_100), whole(OTHER_100, ("a", b"b"))),
        ("body({trailers: [], ...})", whole(OTHER_100), whole(OTHER_100, ("a", b"b"))),
        ("body(_)", whole(OTHER_100), Variant("malformed", "")),
        ("incomplete(length(100))", Variant("incomplete", Record(X100)), Variant("incomplete", Record(OTHER_99))),
        (
            'reset(repeat("x", 100)) | malformed(contains("y"))',
            Variant("malformed", "xyz"),
            Variant("reset", Record(OTHER_100)),
        ),
    ],
)
def test_the_digest_of_a_body(expect, accepts, refuses):
    step = f"{{peer: conn, receive: body, digest: true, expect: '{expect}'}}"
    (expectation,) = loaded(ALL, ACCEPT, REQUEST, step).steps[-1].expectations
    assert match(expectation.outcome, accepts, Bindings()).ok
    assert not match(expectation.outcome, refuses, Bindings()).ok


def test_a_digest_cannot_tell_everything():
    step = """{peer: conn, receive: body, digest: true, expect: 'body({data: prefix("x"), ...})'}"""
    assert "with `digest: true` the bytes are given outright" in str(refused(ALL, ACCEPT, REQUEST, step))


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (["{peer: $server, accept: conn}"], "`$server` is not the name of a peer; without the `$`: `server`"),
        (["{peer: serve, accept: conn}"], "there is no peer or connection `serve` at this point; did you mean `serv"),
        (["{peer: conn, receive: 5}", ACCEPT], "there is no peer or connection `conn` at this point"),
        ([ACCEPT, ACCEPT], "there is already a peer or connection `conn`"),
        (["{peer: server}"], "a peer does exactly one thing in a step; one of accept,"),
        (["{peer: server, accept: a, close: true}"], "a peer does exactly one thing in a step"),
        (["{peer: client, accept: conn}"], "it cannot `accept`; only a `tcp-listener` or `tcp-full` accepts"),
        (["{peer: server, connect: $client.address}"], "it cannot `connect`; only a `tcp-client` connects"),
        (["{peer: nobody, connect: $client.address}"], "it cannot `connect`; only a `tcp-client` connects"),
        ([CONNECT, CONNECT], "`client`, a `tcp-client`, is a connection: it cannot `connect`; only a `tcp-client` co"),
        (["{peer: server, receive: 5}"], "listens for connections: it cannot `receive`; accept a connection before"),
        (["{peer: client, receive: 5}"], "is not connected: it cannot `receive`; connect before: `peer: client`"),
        (["{peer: gone, receive: datagram}"], "`gone`, a `udp-closed`, takes nothing: it cannot `receive`"),
        (["{peer: nobody, close: true}"], "`nobody`, a `tcp-closed`, takes nothing: it cannot `close`"),
        (["{peer: box, shutdown: write}"], "is a UDP socket: it cannot `shutdown`; only a connection is shut down"),
        ([ACCEPT, "{peer: conn, close: true}", "{peer: conn, receive: 5}"], "`conn` has been closed; nothing can be"),
        ([ACCEPT, "{peer: conn, reset: true}", "{peer: conn, close: true}"], "`conn` has been closed"),
        ([ACCEPT, "{peer: conn, close: false}"], "a step with `close: false` does nothing"),
        ([ACCEPT, "{peer: conn, receive: datagram}"], "`conn` is a connection, and receives bytes"),
        ([ACCEPT, "{peer: conn, receive: all}"], "expected a number of bytes"),
        ([ACCEPT, "{peer: conn, receive: 5, hop-limit: true}"], "`hop-limit` is for datagrams"),
        ([ACCEPT, "{peer: conn, send: '\"x\"', to: $box.address}"], "`conn` is a connection: it sends to its other"),
        ([ACCEPT, "{peer: conn, send: '\"x\"', digest: true}"], "`digest` belongs to `receive`"),
        ([ACCEPT, "{peer: conn, shutdown: write}", "{peer: conn, send: '\"x\"'}"], "been shut down for writing"),
        ([ACCEPT, "{peer: conn, shutdown: both}", "{peer: conn, shutdown: read}"], "has already been shut down: read"),
        ([ACCEPT, "{peer: conn, receive: request, to: GET}"], "`to` says which request a response answers"),
        ([CONNECT, "{peer: client, receive: response, to: HAED}"], "found `HAED`; did you mean `HEAD`?"),
        ([ACCEPT, "{peer: conn, receive: request, digest: true}"], "`digest` is for bytes and bodies"),
        ([ACCEPT, "{peer: conn, receive: body}"], "what `conn` received last is no head that a body could belong to"),
        ([ACCEPT, REQUEST, REQUEST.replace("request", "5"), REQUEST.replace("request", "body")], "is no head that"),
        ([ACCEPT, "{peer: conn, handshake: true}"], "it cannot `handshake`; only a connection accepted by a listener"),
        ([SECURE, "{peer: tls, receive: 5}"], "has not done its TLS handshake: it cannot `receive`; do that before: "),
        ([SECURE, "{peer: tls, handshake: false}"], "a step with `handshake: false` does nothing"),
        ([SECURE, *["{peer: tls, handshake: true}"] * 2], "is a connection: it cannot `handshake`"),
        (["{peer: box, receive: datagram, to: GET}"], "`to` is for responses: a datagram is for whoever receives it"),
        (["{peer: box, receive: datagram, flow-label: true}"], "only datagrams of IPv6 have a flow label; `box: {kind"),
        ([ACCEPT, "{peer: conn, receive: 5, flow-label: true}"], "`flow-label` is for datagrams"),
        (["{peer: box, inspect: true}"], "`box` has no connection to a socket of the guest; name one"),
        (["{peer: client, inspect: $box.port}"], "ip-socket-address"),
        (["{peer: server, inspect: $box.address}"], "it cannot `inspect`; accept a connection before"),
        ([ACCEPT, "{peer: conn, inspect: $box.address}"], "expected `inspect`"),
        (["{peer: box, receive: 5}"], "`box` is a UDP socket, and receives a datagram at a time"),
        (["{peer: box, receive: datagram, digest: true}"], "`digest` is for connections"),
        (["{peer: box, send: '\"x\"'}"], "to whom `box` sends is not given; add `to: $address`"),
        (["{peer: box, send: '\"x\"', to: $box.address, chunk: 1}"], "a datagram is sent whole"),
        (["{peer: box, send: '\"x\"', to: $box.port}"], "ip-socket-address"),
    ],
)
def test_what_can_never_be(steps, told):
    assert told in str(refused(ALL, *steps))


def test_a_step_of_a_vector_without_peers():
    (problem,) = load(vector("steps: [{peer: server, accept: conn}]\n", SOCKETS)).problems
    assert "there is no peer `server`; add `given: {peers: {server: tcp-listener}}`" in str(problem)
