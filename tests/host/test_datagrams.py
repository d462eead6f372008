"""Peers: datagrams, and what is told of their headers."""

import socket
import struct
import sys
from ipaddress import ip_address

import pytest
from peer_stage import peer, value_of

from wasicheck.values import Record, Variant
from wasicheck.vectors.staging import ReceiveDatagram, SendDatagram
from wasicheck.vectors.surroundings import Family, Peer, PeerKind

OK = Variant("ok")
V6 = ip_address("::1")
linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only Linux tells")


@linux
def test_a_datagram_and_its_hop_limit(stage):
    stage.set(peer("box", "udp"))
    made = stage.socket(socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 42)
    made.bind(("127.0.0.1", 0))
    for data in (b"ping", b""):
        made.sendto(data, stage.address("box"))
    plain, limited = stage.do(ReceiveDatagram("box"), ReceiveDatagram("box", hop_limit=True))
    source = ("from", value_of(made.getsockname()))
    assert plain == Record((("data", b"ping"), source))
    assert limited == Record((("data", b""), source, ("hop-limit", 42)))


def test_the_hop_limit_of_a_datagram_over_ipv6(stage):
    stage.set(Peer("box", PeerKind.UDP, Family.IPV6, V6))
    made = stage.socket(socket.SOCK_DGRAM, socket.AF_INET6)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 42)
    made.sendto(b"x", ("::1", stage.peers.introduction["box"]["port"]))
    assert stage.do(ReceiveDatagram("box", hop_limit=True))[0]["hop-limit"] == 42


@pytest.mark.parametrize(("size", "outcome"), [(65_507, OK), (65_508, Variant("err", "EMSGSIZE"))])
def test_sending_a_datagram(stage, size, outcome):
    stage.set(peer("box", "udp"))
    made = stage.socket(socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    there = value_of(made.getsockname())
    assert stage.do(SendDatagram("box", bytes(size), None), argument=there) == [outcome]
    if outcome == OK:
        data, source = made.recvfrom(1 << 16)
        assert (data, source) == (bytes(size), stage.address("box"))


IPV6_FLOWLABEL_MGR, IPV6_FLOWINFO_SEND, IPV6_AUTOFLOWLABEL = 32, 33, 70


def labelled(stage, label):
    """A socket that sends with a label, 0 or of its own (`linux/in6.h`)."""
    made = stage.socket(socket.SOCK_DGRAM, socket.AF_INET6)
    if label:
        request = V6.packed + label.to_bytes(4, "big") + struct.pack("=BBHHHI", 0, 1, 1, 0, 0, 0)
        try:
            made.setsockopt(socket.IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, request)
        except PermissionError as error:
            pytest.skip(f"NOT TESTED: {error}")
    made.setsockopt(socket.IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1)
    made.setsockopt(socket.IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0)
    return made


@linux
@pytest.mark.parametrize("label", [0, 0x12345])
def test_the_flow_label_of_a_datagram(stage, label):
    stage.set(Peer("box", PeerKind.UDP, Family.IPV6, V6))
    made = labelled(stage, label)
    # With a traffic class, which the system tells together with the label.
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 32)
    made.sendto(b"x", ("::1", stage.peers.introduction["box"]["port"], label))
    (found,) = stage.do(ReceiveDatagram("box", hop_limit=True, flow_label=True))
    assert [name for name, _ in found.fields] == ["data", "from", "hop-limit", "flow-label"]
    assert found["flow-label"] == label


def test_a_datagram_of_ipv4_has_no_flow_label(stage):
    stage.set(peer("box", "udp"))
    stage.socket(socket.SOCK_DGRAM).sendto(b"x", stage.address("box"))
    (found,) = stage.wait(stage.begin(ReceiveDatagram("box", flow_label=True)))
    assert found.failure == "this system does not tell the flow label of a datagram"


def test_an_address_with_more_than_a_flow_label(stage):
    stage.set(Peer("box", PeerKind.UDP, Family.IPV6, V6))
    fields = (("port", 9), ("flow-info", 1 << 20), ("address", (0, 0, 0, 0, 0, 0, 0, 1)), ("scope-id", 0))
    there = Variant("ipv6", Record(fields))
    (found,) = stage.wait(stage.begin(SendDatagram("box", b"x", None), argument=there))
    assert found.failure == "the flow information 0x100000 of [::1]:9 is more than a flow label"
