"""The scenes of `given:`: user, limits, failing system calls, network and names of the host, read from YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network

from wasicheck.values.lexer import quote
from wasicheck.vectors.keys import ANSWER, INJECTION, NAMES, NET
from wasicheck.vectors.linux import ERRORS, SYSTEM_CALLS
from wasicheck.vectors.source import Node, suggest
from wasicheck.vectors.surroundings import Answer, Injection, NameService, Network, Refusal, Subject

USERS = ("ordinary",)
MAX_FILE_SIZE = (1 << 63) - 1

_PORTS = re.compile(r"([0-9]{1,5})\.\.([0-9]{1,5})")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_FATAL = frozenset({"mmap", "munmap", "mprotect", "close", "clone", "clone3"})
"""Calls without which no program starts: they fail only where an argument tells one from another."""


def read_user(node: Node) -> bool:
    """Read `user`: whether the host must not run as root. Raise `VectorError`."""
    return node.choice("a user", USERS) == "ordinary"


def read_file_size(node: Node) -> int:
    """Read `file-size`: RLIMIT_FSIZE in bytes. Raise `VectorError`."""
    return node.integer("the size a file may have", 0, MAX_FILE_SIZE)


# --- failing system calls ------------------------------------------------------------------------------


def read_injections(node: Node) -> tuple[Injection, ...]:
    """Read `errno`: the system calls of the host that fail. Raise `VectorError`."""
    return tuple(_injection(name, at, value) for name, (at, value) in node.entries("`errno`").items())


def _injection(name: str, at: Node, node: Node) -> Injection:
    call = SYSTEM_CALLS.get(name)
    if call is None:
        at.fail(f"unknown system call {quote(name)}", suggest(name, SYSTEM_CALLS))
    default = Subject.TREE if call.about_files else Subject.ANY
    if node.is_mapping:
        entry = node.mapping("a failing system call", INJECTION)
        if "error" not in entry:
            node.fail("there is no `error`", "as in `{error: EIO, argument: 3, equals: 4096}`")
        if ("argument" in entry) != ("equals" in entry):
            node.fail("`argument` and `equals` belong together", "as in `{error: EIO, argument: 3, equals: 4096}`")
        on = Subject(entry["on"].choice("what the call is about", tuple(Subject))) if "on" in entry else default
        if on is Subject.TREE and not call.about_files:
            entry["on"].fail(f"{quote(name)} is not about a file", "`on: any`")
        if on is Subject.SOCKETS and not call.descriptors:
            entry["on"].fail(f"{quote(name)} has no descriptor that could be a socket", "`on: any`")
        argument = entry["argument"].integer("the number of an argument", 0, 5) if "argument" in entry else None
        equals = entry["equals"].integer("the value of an argument", 0, (1 << 64) - 1) if "equals" in entry else 0
        times = _number(entry, "times", "how often the call fails", 1, 1000)
        injection = Injection(name, _error(entry["error"]), on, argument, equals, times)
    else:
        injection = Injection(name, _error(node), default)
    if name in _FATAL and injection.on is Subject.ANY and injection.argument is None:
        at.fail(f"without {quote(name)} no program starts", "say for which `argument` it fails, or `on: tree`")
    return injection


def _error(node: Node) -> str:
    return node.choice("the name of an error", ERRORS)


# --- network -------------------------------------------------------------------------------------------


def read_network(node: Node) -> Network:
    """Read `net`: a network namespace of the host's own. Raise `VectorError`."""
    entry = node.mapping("`net`", NET)
    return Network(
        addresses=tuple(_interface(n) for n in _list(entry, "addresses")),
        unreachable=tuple(_destination(n) for n in _list(entry, "unreachable")),
        prohibit=tuple(_destination(n) for n in _list(entry, "prohibit")),
        ports=_ports(entry["ports"]) if "ports" in entry else None,
        privileged_below=_number(entry, "privileged-below", "a port", 0, 65535),
        syn_retries=_number(entry, "syn-retries", "a number of retries", 1, 127),
        retries=_number(entry, "retries", "a number of retries", 0, 255),
        flow_labels=entry["flow-labels"].boolean("`flow-labels`") if "flow-labels" in entry else None,
    )


def _list(entry: Mapping[str, Node], key: str) -> tuple[Node, ...]:
    return tuple(entry[key].sequence(f"`{key}`")) if key in entry else ()


def _number(entry: Mapping[str, Node], key: str, what: str, low: int, high: int) -> int | None:
    return entry[key].integer(what, low, high) if key in entry else None


def _interface(node: Node) -> str:
    text = node.text("an address with the length of its prefix")
    try:
        interface = ip_interface(text)
    except ValueError:
        node.fail(f"expected an address with the length of its prefix, found {quote(text)}", "such as `10.1.0.1/32`")
    address = interface.ip
    if address.is_multicast or address.is_unspecified:
        node.fail(f"{quote(text)} cannot be the address of an interface", "such as `10.1.0.1/32`")
    return str(interface)


def _destination(node: Node) -> str:
    text = node.text("the destination of a route")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        node.fail(f"expected the destination of a route, found {quote(text)}", "such as `10.2.0.0/16`")
    if "/" in text and ip_interface(text).ip != network.network_address:
        node.fail(f"{quote(text)} has bits beyond its prefix", f"`{network}`")
    return str(network)


def _ports(node: Node) -> tuple[int, int]:
    text = node.text("a range of ports")
    found = _PORTS.fullmatch(text)
    if found is None:
        node.fail(f"expected a range of ports, found {quote(text)}", "such as `60000..60000`")
    low, high = int(found[1]), int(found[2])
    if not 1 <= low <= high <= 65535:
        node.fail(f"{quote(text)} is not a range of ports", "from 1 to 65535, the lower one first")
    return low, high


# --- names ---------------------------------------------------------------------------------------------


def read_names(node: Node) -> NameService:
    """Read `names`: where the host's names come from. Raise `VectorError`."""
    entry = node.mapping("`names`", NAMES)
    hosts = _named(entry["hosts"], "`hosts`") if "hosts" in entry else ()
    zone = _named(entry["dns"], "`dns`") if "dns" in entry else ()
    broken = "broken" in entry and entry["broken"].boolean("`broken`")
    if broken and (hosts or zone):
        entry["broken"].fail("nothing is looked up where the service of names is broken", "leave `hosts` and `dns` out")
    return NameService(
        hosts=tuple((name, tuple(_address(n) for n in value.sequence("addresses"))) for name, value in hosts),
        zone=tuple((name, _answer(value)) for name, value in zone),
        broken=broken,
    )


def _named(node: Node, what: str) -> tuple[tuple[str, Node], ...]:
    """Read a mapping from domain names, which are made lower-case."""
    seen: dict[str, Node] = {}
    for text, (at, value) in node.entries(what).items():
        name = text.lower()
        if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
            at.fail(f"{quote(text)} is not a domain name", "labels of letters, digits and `-`, as in `one.test`")
        if name in seen:
            at.fail(f"the name {quote(text)} is there twice", "capital letters make no difference")
        seen[name] = value
    return tuple(seen.items())


def _address(node: Node, of: type[IPv4Address] | type[IPv6Address] | None = None) -> str:
    text = node.text("an address")
    try:
        address = ip_address(text)
    except ValueError:
        node.fail(f"expected an address, found {quote(text)}", "such as `127.0.0.1` or `::1`")
    if of is not None and not isinstance(address, of):
        node.fail(f"{quote(text)} is not an address of this kind", "IPv4 under `a`, IPv6 under `aaaa`")
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        node.fail(f"{quote(text)} has a scope, which names do not")
    return str(address)


def _answer(node: Node) -> Answer | Refusal:
    if not node.is_mapping:
        return Refusal(node.choice("an answer", tuple(Refusal)))
    entry = node.mapping("an answer", ANSWER)
    return Answer(
        a=tuple(_address(n, IPv4Address) for n in _list(entry, "a")),
        aaaa=tuple(_address(n, IPv6Address) for n in _list(entry, "aaaa")),
    )
