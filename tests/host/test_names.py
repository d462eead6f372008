"""The name server of a scene: what it answers to whom, and that it goes away."""

import socket
import threading
from contextlib import contextmanager

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from wasicheck.host import names
from wasicheck.host.names import NameServer, respond, write_files
from wasicheck.vectors.surroundings import Answer, NameService, Refusal

MANY = tuple(f"127.0.1.{number}" for number in range(1, 101))
SERVICE = NameService(
    hosts=(("one.test", ("127.0.0.1", "::1")), ("three.test", ("127.0.0.3",))),
    zone=(
        ("two.test", Answer(("127.0.0.3", "127.0.0.2"), ("::2",))),
        ("four.test", Answer(("127.0.0.4",))),
        ("many.test", Answer(MANY)),
        *((f"{refusal.value}.test", refusal) for refusal in Refusal),
    ),
)


def asked(name, kind, *, limit=None, edns=False):
    query = dns.message.make_query(name, kind, use_edns=edns, payload=1232 if edns else 0)
    response = respond(SERVICE, query.to_wire(), limit=limit)
    return None if response is None else dns.message.from_wire(response)


def addresses(response):
    return [str(record) for rrset in response.answer for record in rrset]


@pytest.mark.parametrize(
    ("name", "kind", "code", "found"),
    [
        ("two.test", "A", "NOERROR", ["127.0.0.3", "127.0.0.2"]),
        ("TWO.test", "AAAA", "NOERROR", ["::2"]),
        ("two.test", "MX", "NOERROR", []),
        ("four.test", "AAAA", "NOERROR", []),
        ("one.test", "A", "NXDOMAIN", []),
        ("nxdomain.test", "A", "NXDOMAIN", []),
        ("nodata.test", "A", "NOERROR", []),
        ("servfail.test", "A", "SERVFAIL", []),
        ("refused.test", "A", "REFUSED", []),
        ("notimp.test", "A", "NOTIMP", []),
    ],
)
def test_answers(name, kind, code, found):
    response = asked(name, kind)
    assert (dns.rcode.to_text(response.rcode()), addresses(response)) == (code, found)


@pytest.mark.parametrize("question", [b"", b"\0" * 11, dns.message.Message(id=1).to_wire()])
def test_what_is_no_question_is_not_answered(question):
    assert respond(SERVICE, question, limit=None) is None


def test_silence():
    assert asked("silent.test", "A") is None


@pytest.mark.parametrize(
    ("limit", "edns", "cut"), [(512, False, True), (512, True, True), (4096, False, False), (None, False, False)]
)
def test_what_is_too_long_for_a_datagram_is_cut(limit, edns, cut):
    response = asked("many.test", "A", limit=limit, edns=edns)
    assert bool(response.flags & dns.flags.TC) is cut
    assert addresses(response) == ([] if cut else list(MANY))


def test_the_files_of_a_resolver(tmp_path):
    hosts, resolv, switch = (path.read_text() for path in write_files(SERVICE, tmp_path))
    assert hosts == "127.0.0.1\tone.test\n::1\tone.test\n127.0.0.3\tthree.test\n"
    assert "nameserver 127.0.0.1\n" in resolv
    assert "hosts: files dns\n" in switch


@contextmanager
def serving(patch):
    """A server on a port of the system's choice; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    patch.setattr(names, "ADDRESS", address)
    udp, tcp = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server = NameServer(SERVICE, udp, tcp)
    yield address[1]
    server.close()
    server.close()
    assert (udp.fileno(), tcp.fileno()) == (-1, -1)
    assert not [thread for thread in threading.enumerate() if thread.name == "wasicheck-names"]


@pytest.fixture
def port(monkeypatch):
    with serving(monkeypatch) as found:
        yield found


@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_the_server_answers_on_both_transports(port, ask):
    response = ask(dns.message.make_query("two.test", "A"), "127.0.0.1", timeout=5, port=port)
    assert addresses(response) == ["127.0.0.3", "127.0.0.2"]


def test_a_connection_takes_several_questions_and_may_break_off(port):
    question = dns.message.make_query("four.test", "A").to_wire()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for _ in range(2):
            connection.sendall(len(question).to_bytes(2, "big") + question)
            length = int.from_bytes(connection.recv(2), "big")
            assert addresses(dns.message.from_wire(connection.recv(length))) == ["127.0.0.4"]
        connection.sendall(b"\1")
    assert dns.query.udp(dns.message.make_query("four.test", "A"), "127.0.0.1", timeout=5, port=port)


def test_silence_is_not_the_end_of_the_server(port):
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(dns.message.make_query("silent.test", "A"), "127.0.0.1", timeout=0.05, port=port)
    assert dns.query.udp(dns.message.make_query("four.test", "A"), "127.0.0.1", timeout=5, port=port)


def test_an_idle_connection_does_not_hold_the_server_up(monkeypatch):
    with serving(monkeypatch) as port:
        connection = socket.create_connection(("127.0.0.1", port), timeout=5)
        assert dns.query.udp(dns.message.make_query("four.test", "A"), "127.0.0.1", timeout=5, port=port)
    with connection:
        assert connection.recv(1) == b""
