"""Socket addresses as Python has them, and as values of `ip-socket-address` (wasi:sockets/types)."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from wasicheck.values import Record, Value, Variant

MAX_FLOW_LABEL = 0xFFFFF
"""The largest flow label: 20 bits (RFC 8200, 3). Python takes no other flow information."""
SocketAddress = tuple[Any, ...]
"""`(host, port)` or `(host, port, flow information, scope)`."""


def to_value(family: socket.AddressFamily, address: SocketAddress) -> Variant:
    """Return what `getsockname` and its like give, as an `ip-socket-address`."""
    host, port = str(address[0]).partition("%")[0], int(address[1])
    if family is socket.AF_INET:
        octets = tuple(IPv4Address(host).packed)
        return Variant("ipv4", Record((("port", port), ("address", octets))))
    packed = IPv6Address(host).packed
    segments = tuple(int.from_bytes(packed[i : i + 2], "big") for i in range(0, 16, 2))
    fields = (("port", port), ("flow-info", address[2]), ("address", segments), ("scope-id", address[3]))
    return Variant("ipv6", Record(fields))


def from_value(value: Value) -> tuple[socket.AddressFamily, SocketAddress]:
    """Return the family of an `ip-socket-address` and what `connect` and `sendto` take."""
    assert isinstance(value, Variant)
    assert isinstance(value.payload, Record)
    record = value.payload
    match value.case, record["address"]:
        case "ipv4", tuple() as octets:
            return socket.AF_INET, (str(IPv4Address(bytes(_integers(octets)))), record["port"])
        case "ipv6", tuple() as segments:
            host = str(IPv6Address(b"".join(s.to_bytes(2, "big") for s in _integers(segments))))
            return socket.AF_INET6, (host, record["port"], record["flow-info"], record["scope-id"])
        case _:
            raise ValueError(f"{value.case} is no address family")


def _integers(values: tuple[Value, ...]) -> list[int]:
    return [value for value in values if isinstance(value, int)]


def text(address: SocketAddress) -> str:
    """Return an address as people write it: `127.0.0.1:80`, `[::1]:80`."""
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
