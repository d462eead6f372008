"""TLS at the side of peers, with the test in the guest's part."""

import errno
import os
import socket
import ssl
import struct
import threading
from datetime import UTC, datetime

import pytest
from cryptography import x509
from peer_stage import peer

from wasicheck.host.peers.tls import authority_certificate, server_context
from wasicheck.values import Variant
from wasicheck.vectors.staging import (
    Accept,
    Direction,
    Handshake,
    Hangup,
    ReceiveBody,
    ReceiveBytes,
    ReceiveRequest,
    Send,
    Shutdown,
)
from wasicheck.vectors.surroundings import Certificate

OK = Variant("ok")
REST = ReceiveBytes("conn", None, False)


def trusting(version=ssl.TLSVersion.TLSv1_3):
    """A client that trusts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = version
    return context


@pytest.fixture(params=list(Certificate))
def certificate(request):
    return request.param


def accepted(stage, certificate=Certificate.SELF_SIGNED):
    """A TCP connection of the test, and the step of the handshake that has begun."""
    stage.set(peer("server", "tcp-listener", tls=certificate))
    made = stage.connected()
    # What waits to be sent is lost with a RST.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stage.do(Accept("server", "conn"))
    return made, stage.begin(Handshake("conn"))


def bare(client):
    """The TCP connection underneath."""
    raw = socket.socket(fileno=client.detach())
    raw.settimeout(5)
    return raw


def reset(raw):
    """Close a connection with a RST."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def secured(stage, context=None, **options):
    """A TLS connection of the test, its handshake done."""
    made, steps = accepted(stage, **options)
    client = stage.stack.enter_context((context or trusting()).wrap_socket(made, server_hostname="localhost"))
    assert stage.wait(steps)[0].value == OK
    return client


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_directions(stage, version):
    context = trusting(version)
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = secured(stage, context)
    assert client.selected_alpn_protocol() == "http/1.1"
    client.sendall(b"hello, server")
    assert stage.do(ReceiveBytes("conn", 5, False), Send("conn", b"hello, client", 5)) == [
        Variant("received", b"hello"),
        OK,
    ]
    with client.makefile("rb") as file:
        assert file.read(13) == b"hello, client"
    # The rest of a record comes after what this side has ended.
    stage.do(Shutdown("conn", Direction.WRITE))
    assert client.recv(1) == b""
    client.sendall(b"!")
    client.unwrap()
    assert stage.do(REST) == [Variant("closed", b", server!")]


def test_much_in_both_directions_at_once(stage):
    client, data = secured(stage), os.urandom(4 << 20)
    steps = stage.begin(Send("conn", data), ReceiveBytes("conn", len(data), False))
    got = bytearray()

    def read():
        while len(got) < len(data):
            got.extend(client.recv(1 << 16))

    reader = threading.Thread(target=read)
    reader.start()
    client.sendall(data)
    sent, received = stage.wait(steps)
    reader.join()
    assert (sent.value, received.value) == (OK, Variant("received", data))
    assert got == data


def test_http(stage):
    client = secured(stage)
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" * 2)
    head, body = ReceiveRequest("conn"), ReceiveBody("conn", False)
    found = stage.do(head, body, head, body)
    assert found[:2] == found[2:]
    assert found[1].payload["data"] == b"hi"


def test_a_client_that_checks_the_certificate(stage, certificate):
    made, steps = accepted(stage, certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(made, server_hostname="localhost")
    assert stage.wait(steps)[0].value == Variant("err", "unknown_ca")
    (after,) = stage.wait(stage.begin(REST))
    assert after.failure == "`conn` is not open: an earlier step went otherwise"


def test_what_is_wrong_with_a_certificate(stage, certificate):
    client = secured(stage, certificate=certificate)
    shown = x509.load_der_x509_certificate(client.getpeercert(binary_form=True))
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    right = [str(n) for n in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert right is (certificate is not Certificate.WRONG_NAME)
    assert (shown.not_valid_after_utc < datetime.now(UTC)) is (certificate is Certificate.EXPIRED)
    assert shown.issuer != shown.subject


@pytest.mark.parametrize(
    ("shown", "problem"),
    [
        (Certificate.VALID, None),
        (Certificate.SELF_SIGNED, "unable to get local issuer certificate"),
        (Certificate.EXPIRED, "certificate has expired"),
        (Certificate.WRONG_NAME, "IP address mismatch"),
    ],
)
def test_what_is_left_to_object_for_a_client_that_trusts_the_authority(stage, shown, problem):
    context = ssl.create_default_context(cadata=authority_certificate().decode())
    made, steps = accepted(stage, shown)
    if problem is None:
        with context.wrap_socket(made, server_hostname="127.0.0.1"):
            assert stage.wait(steps)[0].value == OK
    else:
        with pytest.raises(ssl.SSLCertVerificationError, match=problem):
            context.wrap_socket(made, server_hostname="127.0.0.1")


def test_a_certificate_is_made_once():
    one = server_context(Certificate.EXPIRED, "127.0.0.1")
    assert one is server_context(Certificate.EXPIRED, "127.0.0.1")
    assert one is not server_context(Certificate.EXPIRED, "::1")


@pytest.mark.parametrize(
    ("sent", "ending", "told"),
    [
        (b"", "closed", "eof"),
        (b"", "reset", "ECONNRESET"),
        (b"GET / HTTP/1.1\r\n\r\n", "open", "http_request"),
        (b"\x16\x03\x01\x00\x01\x00", "closed", "eof"),
    ],
)
def test_what_is_no_handshake(stage, sent, ending, told):
    made, steps = accepted(stage)
    made.sendall(sent)
    if ending == "reset":
        reset(made)
    elif ending == "closed":
        made.close()
    assert stage.wait(steps)[0].value == Variant("err", told)


def test_closing(stage):
    client = secured(stage)
    stage.do(Send("conn", b"x"), Hangup("conn", reset=False))
    # Without a close_notify this would be an error.
    client.suppress_ragged_eofs = False
    assert (client.recv(1), client.recv(1)) == (b"x", b"")


def test_resetting(stage):
    client = secured(stage)
    stage.do(Send("conn", b"x"), Hangup("conn", reset=True))
    with bare(client) as raw, raw.makefile("rb") as file, pytest.raises(ConnectionResetError):
        file.read()


@pytest.mark.parametrize(
    ("ending", "received"),
    [
        ("fin", Variant("closed", b"hi")),
        ("reset", Variant("reset", b"hi")),
        ("garbage", Variant("reset", b"hi")),
    ],
)
def test_a_client_that_does_not_say_goodbye(stage, ending, received):
    client = secured(stage)
    client.sendall(b"hi")
    with bare(client) as raw:
        if ending == "garbage":
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        if ending == "reset":
            reset(raw)
        else:
            raw.shutdown(socket.SHUT_WR)
        assert stage.do(REST) == [received]


def test_sending_to_a_client_that_is_gone(stage):
    client = secured(stage)
    reset(bare(client))
    (found,) = stage.do(Send("conn", b"x"))
    assert found.payload in (errno.errorcode[errno.ECONNRESET], errno.errorcode[errno.EPIPE])


def test_a_handshake_that_waits(stage):
    _, steps = accepted(stage)
    assert stage.wait(steps, 0.05) == [None]
    assert stage.peers.unfinished() == {steps[0]: "`conn` is in its TLS handshake"}


def test_a_handshake_of_a_plain_connection(stage, conn):
    (found,) = stage.wait(stage.begin(Handshake("conn")))
    assert found.failure == "`conn` was not accepted by a listener that speaks TLS"
