"""wasi:sockets: bytes and datagrams as they come, and addresses as they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from wasicheck.properties.model import Body, Property, steps
from wasicheck.properties.notation import blobs, data, joined, string

_TYPES = "wasi:sockets/types@0.3.0"
_LOOPBACK = "ipv4({port: 0, address: (127, 0, 0, 1)})"


def _ipv6_texts(address: IPv6Address) -> SearchStrategy[str]:
    """The ways in which an address can be written (RFC 4291, 2.2)."""
    groups = address.exploded.split(":")
    dotted = f"{':'.join(groups[:6])}:{IPv4Address(address.packed[12:])}"
    return st.sampled_from([address.compressed, address.compressed.upper(), address.exploded, dotted])


@st.composite
def _literal(draw: st.DrawFn) -> Body:
    """A step that resolves an address as it may be written."""
    if draw(st.booleans()):
        four = IPv4Address(draw(st.integers(0, 2**32 - 1)))
        text, value = str(four), f"ipv4(({joined(map(str, four.packed))}))"
    else:
        # Of IPv4-mapped ones the text says two things.
        six = IPv6Address(draw(st.integers(0, 2**128 - 1).filter(lambda number: number >> 32 != 0xFFFF)))
        words = [int.from_bytes(six.packed[i : i + 2]) for i in range(0, 16, 2)]
        text, value = draw(_ipv6_texts(six)), f"ipv6(({joined(map(str, words))}))"
    return {"call": f"resolve-addresses({string(text)})", "expect": f"ok([{value}])"}


def _literals(found: list[Body]) -> Body:
    return {"given": {"network": "true"}, "steps": found}


def _bound(name: str) -> list[Body]:
    return [
        {"call": "udp-socket.create(ipv4)", "expect": f"ok(${name})"},
        {"call": f"${name}.bind({_LOOPBACK})", "expect": "ok"},
        {"call": f"${name}.get-local-address()", "expect": f"ok(${name}-address)"},
    ]


def _datagrams(contents: list[bytes]) -> Body:
    found: list[Body] = []
    for content in contents:
        found += [
            {"call": f"$sender.send({data(content)}, some($receiver-address))", "expect": "ok"},
            {"call": "$receiver.receive()", "expect": f"ok(({data(content)}, == $sender-address))"},
        ]
    return {"given": {"network": "true"}, "steps": steps(_bound("receiver"), _bound("sender"), found)}


@st.composite
def _connections(draw: st.DrawFn) -> Body:
    there = draw(blobs(min_size=1, max_size=1_500))
    back = draw(blobs(min_size=1, max_size=1_500))
    return {
        "given": {"network": "true", "peers": {"server": "tcp-listener"}},
        "steps": steps(
            {"call": "tcp-socket.create(ipv4)", "expect": "ok($socket)"},
            {"call": "$socket.connect($server.address)", "expect": "ok"},
            {"peer": "server", "accept": "conn"},
            {"new": "stream<u8>", "as": ["data", "out"]},
            {"call": "$socket.send($data)", "expect": "$sent"},
            {"write-all": "$out", "data": data(there), "chunk": str(draw(st.integers(1, 500))),
             "expect": f"completed({len(there)})"},
            {"drop": "$out"},
            {"read": "$sent", "expect": "completed(ok)"},
            {"peer": "conn", "receive": "end", "expect": f"closed({data(there)})"},
            {"peer": "conn", "send": data(back), "chunk": str(draw(st.integers(1, 500))), "expect": "ok"},
            {"peer": "conn", "close": "true"},
            {"call": "$socket.receive()", "expect": "($in, $received)"},
            {"read-all": "$in", "chunk": str(draw(st.integers(1, 500))), "expect": f"dropped({data(back)})"},
            {"read": "$received", "expect": "completed(ok)"},
        ),
    }  # fmt: skip


PROPERTIES = (
    Property(
        "address-literals",
        "Any address that is written out is returned as it is",
        "wasi:sockets/ip-name-lookup@0.3.0",
        (
            "sockets.ip-name-lookup.resolve-addresses.literal-ipv4",
            "sockets.ip-name-lookup.resolve-addresses.literal-ipv6",
        ),
        st.lists(_literal(), min_size=1, max_size=8).map(_literals),
    ),
    Property(
        "datagrams",
        "Any datagram arrives as one, with its bytes and the address of its sender",
        _TYPES,
        (
            "sockets.udp-socket.send.data",
            "sockets.udp-socket.receive.data",
            "sockets.udp-socket.receive.boundaries",
        ),
        st.lists(blobs(max_size=1_200), min_size=1, max_size=4).map(_datagrams),
    ),
    Property(
        "connections",
        "Any bytes go both ways over a connection, in whatever pieces they are written and read",
        _TYPES,
        ("sockets.tcp-socket.send.data", "sockets.tcp-socket.receive.data"),
        _connections(),
    ),
)
