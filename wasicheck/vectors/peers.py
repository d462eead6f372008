"""Peers as vectors write them: what `given.peers` says, and the steps in which they do something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import assert_never

from wasicheck.values import Argument
from wasicheck.vectors import outcomes
from wasicheck.vectors.keys import PEER, PEER_ENTRY
from wasicheck.vectors.literals import read_bytes
from wasicheck.vectors.scope import Scope
from wasicheck.vectors.source import Node, suggest
from wasicheck.vectors.staging import (
    Accept,
    Connect,
    Direction,
    Handshake,
    Hangup,
    Inspect,
    PeerAction,
    ReceiveBody,
    ReceiveBytes,
    ReceiveDatagram,
    ReceiveRequest,
    ReceiveResponse,
    Send,
    SendDatagram,
    Shutdown,
)
from wasicheck.vectors.surroundings import Certificate, Family, IpAddress, Peer, PeerKind
from wasicheck.wit.types import RecordType, Type

SERVICE = "service"
"""In place of an address: where the host serves."""
MAX_RECEIVED = 1 << 30
MAX_BUFFER = 1 << 28
MAX_BACKLOG = 4096
_KINDS = tuple(kind.value for kind in PeerKind)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
_LOOPBACK: Mapping[Family, IpAddress] = {Family.IPV4: ip_address("127.0.0.1"), Family.IPV6: ip_address("::1")}
_LISTENING = (PeerKind.TCP_LISTENER, PeerKind.TCP_FULL)
_DATAGRAMS = (PeerKind.UDP, PeerKind.UDP_CLOSED)
_TALKING = (PeerKind.TCP_CLIENT, PeerKind.UDP)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_HEADS = ("request", "response")


# --- given ---------------------------------------------------------------------------------------------


def read_peers(node: Node, *, isolated: bool = False) -> tuple[Peer, ...]:
    """Read `given.peers`; raise `VectorError`.

    `isolated`: the network is a namespace of its own. Without that an address has to be a loopback address.
    """
    peers = tuple(_peer(key, value, isolated=isolated) for key, value in node.entries("`peers`").values())
    if not peers:
        node.fail("no peer is given", "as in `peers: {server: tcp-listener}`")
    taken: dict[object, str] = {}
    for peer, (_, value) in zip(peers, node.entries("`peers`").values(), strict=True):
        other = taken.setdefault((peer.kind in _DATAGRAMS, peer.address, peer.port), peer.name)
        if peer.port and other != peer.name:
            value.fail(f"`{other}` has the same address and port", "leave `port` out: the system finds a free one")
    return peers


def introduction_type(peers: tuple[Peer, ...]) -> RecordType:
    """What the guest is told of the peers: a field for each, with its `address`, its `port` and its `authority`."""
    return outcomes.introduction(tuple(peer.name for peer in peers))


def _peer(key: Node, node: Node, *, isolated: bool) -> Peer:
    name = _name(key)
    entry: Mapping[str, Node] = node.mapping("a peer", PEER_ENTRY) if node.is_mapping else {"kind": node}
    if "kind" not in entry:
        node.fail(f"what kind of peer `{name}` is, is not said", f"add `kind`: one of {', '.join(_KINDS)}")
    kind = PeerKind(entry["kind"].choice("a kind of peer", _KINDS))
    family, address = _address(entry, isolated=isolated)
    port = entry["port"].integer("a port", 1, 0xFFFF) if "port" in entry else 0
    backlog = 0 if kind is PeerKind.TCP_FULL else 128
    if "backlog" in entry:
        if kind not in _LISTENING:
            entry["backlog"].fail(f"a `{kind.value}` has no backlog", "a `tcp-listener` has")
        backlog = entry["backlog"].integer("a backlog", 0, MAX_BACKLOG)
    buffer: int | None = None
    if "receive-buffer" in entry:
        if kind not in (PeerKind.TCP_LISTENER, *_TALKING):
            entry["receive-buffer"].fail(f"a `{kind.value}` receives nothing", "leave `receive-buffer` out")
        buffer = entry["receive-buffer"].integer("the size of a buffer", 1, MAX_BUFFER)
    tls: Certificate | None = None
    if "tls" in entry:
        if kind is not PeerKind.TCP_LISTENER:
            entry["tls"].fail(f"a `{kind.value}` does not speak TLS", "a `tcp-listener` does")
        tls = Certificate(entry["tls"].choice("a certificate", list(Certificate)))
    return Peer(name, kind, family, address, port, backlog, buffer, tls)


def _name(node: Node) -> str:
    name = node.text("the name of a peer")
    if not _NAME.fullmatch(name):
        node.fail(f"`{name}` is not the name of a peer", "small letters, digits and single hyphens, such as `server`")
    return name


def _address(entry: Mapping[str, Node], *, isolated: bool) -> tuple[Family, IpAddress]:
    family = Family(entry["family"].choice("an address family", list(Family))) if "family" in entry else None
    if "address" not in entry:
        family = family or Family.IPV4
        return family, _LOOPBACK[family]
    node = entry["address"]
    text = node.text("an IP address")
    try:
        address = ip_address(text)
    except ValueError:
        node.fail(f"`{text}` is not an IP address", "such as 127.0.0.2 or ::1")
    if getattr(address, "scope_id", None) is not None:
        node.fail(f"`{text}` names a network interface, which is not supported")
    if not address.is_loopback and not isolated:
        node.fail(f"`{text}` is not a loopback address", "others can be had with `given: {net: {addresses: …}}`")
    own = Family.IPV4 if address.version == 4 else Family.IPV6
    if family not in (None, own):
        node.fail(f"`{text}` is an {own.value} address, and the family is {family}", "leave `family` out")
    return own, address


# --- steps ---------------------------------------------------------------------------------------------


class _State(Enum):
    """How far the socket of a name has come; the value is how messages say it."""

    INERT = "takes nothing"
    UNCONNECTED = "is not connected"
    LISTENING = "listens for connections"
    SECURING = "has not done its TLS handshake"
    CONNECTED = "is a connection"
    DATAGRAMS = "is a UDP socket"
    CLOSED = "has been closed"


_FIRST = {
    PeerKind.TCP_LISTENER: _State.LISTENING,
    PeerKind.TCP_FULL: _State.LISTENING,
    PeerKind.TCP_CLIENT: _State.UNCONNECTED,
    PeerKind.TCP_CLOSED: _State.INERT,
    PeerKind.UDP: _State.DATAGRAMS,
    PeerKind.UDP_CLOSED: _State.INERT,
}


@dataclass
class _Known:
    """What is known of a name at a point of the vector; `kind` is None for an accepted connection.

    `tls`: whether the connections of a listener begin with a handshake. `headed`: whether what was received last is the
    head of a message, which has a body.
    """

    kind: PeerKind | None
    state: _State
    shut: frozenset[str] = frozenset()
    family: Family = Family.IPV4
    tls: bool = False
    headed: bool = False


class PeerNames:
    """The peers of a vector and the connections that its steps have accepted so far, by name."""

    def __init__(self, peers: tuple[Peer, ...]) -> None:
        self._known = {peer.name: self._first(peer) for peer in peers}

    @staticmethod
    def _first(peer: Peer) -> _Known:
        return _Known(peer.kind, _FIRST[peer.kind], family=peer.family, tls=peer.tls is not None)

    def find(self, node: Node) -> tuple[str, _Known]:
        """Read the name of a peer or connection that exists by now."""
        name = node.text("the name of a peer or connection")
        if name.startswith("$"):
            node.fail(f"`{name}` is not the name of a peer", f"without the `$`: `{name[1:]}`")
        if name not in self._known:
            if not self._known:
                node.fail(f"there is no peer `{name}`", f"add `given: {{peers: {{{name}: tcp-listener}}}}`")
            hint = suggest(name, self._known)
            node.fail(f"there is no peer or connection `{name}` at this point", hint)
        return name, self._known[name]

    def add(self, node: Node, *, tls: bool) -> str:
        """Read the name of a new connection."""
        name = _name(node)
        if name in self._known:
            node.fail(f"there is already a peer or connection `{name}`", "take another name")
        self._known[name] = _Known(None, _State.SECURING if tls else _State.CONNECTED)
        return name


def read_peer_step(
    kind_node: Node, entry: Mapping[str, Node], step: Node, scope: Scope, peers: PeerNames
) -> tuple[PeerAction, Type | None, str]:
    """Read what a peer does; return the action, what it yields and how to call it in reports.

    `kind_node` is the value of `peer`, `entry` all of the step. Raises `VectorError`, also for what can never happen:
    a connection used before it is accepted, a second `connect`, anything after `close`.
    """
    name, known = peers.find(kind_node)
    verbs = [key for key in entry if key in PEER]
    if len(verbs) != 1:
        step.fail("a peer does exactly one thing in a step", f"one of {', '.join(PEER)}")
    verb = verbs[0]
    for key in entry:
        if key not in PEER[verb] and (owner := next((v for v, keys in PEER.items() if key in keys), None)):
            entry[key].fail(f"`{key}` belongs to `{owner}`")
    main = entry[verb]
    if known.state is _State.CLOSED:
        kind_node.fail(f"`{name}` has been closed", "nothing can be done with it any more")
    _check(kind_node, verb, name, known)
    action, yields = _action(verb, main, entry, step, name, known, scope, peers)
    told = f" to {entry['to'].text('')}" if "to" in entry else ""
    said = main.text("")
    plain = verb in _PLAIN and not said.startswith("$")
    return action, yields, f"{name}: {verb}" if plain else f"{name}: {verb} {said}{told}"


_PLAIN = ("handshake", "close", "reset", "inspect")
_FITTING: Mapping[str, tuple[_State, ...]] = {
    "accept": (_State.LISTENING,),
    "handshake": (_State.SECURING,),
    "connect": (_State.UNCONNECTED,),
    "send": (_State.CONNECTED, _State.DATAGRAMS),
    "receive": (_State.CONNECTED, _State.DATAGRAMS),
    "shutdown": (_State.CONNECTED,),
    "close": (_State.LISTENING, _State.SECURING, _State.CONNECTED, _State.DATAGRAMS, _State.UNCONNECTED),
    "reset": (_State.CONNECTED, _State.SECURING),
    "inspect": (_State.CONNECTED, _State.SECURING, _State.UNCONNECTED, _State.DATAGRAMS),
}
_HINTS = {
    "accept": "only a `tcp-listener` or `tcp-full` accepts",
    "handshake": "only a connection accepted by a listener with `tls` does, and only once",
    "connect": "only a `tcp-client` connects, and only once",
    "send": "connections and UDP sockets send",
    "receive": "connections and UDP sockets receive",
    "shutdown": "only a connection is shut down",
    "reset": "only a connection is reset",
    "inspect": "the guest's socket is found by its connection, or by its address from a `udp` or `tcp-client`",
}


def _check(node: Node, verb: str, name: str, known: _Known) -> None:
    """Refuse what cannot be done with a socket as it is."""
    if known.state in _FITTING[verb]:
        return
    hint = _HINTS.get(verb)
    if _State.CONNECTED in _FITTING[verb]:
        match known.state:
            case _State.LISTENING:
                hint = f"accept a connection before: `peer: {name}`, `accept: conn`"
            case _State.UNCONNECTED:
                hint = f"connect before: `peer: {name}`, `connect: $address`"
            case _State.SECURING:
                hint = f"do that before: `peer: {name}`, `handshake: true`"
    kind = f"a `{known.kind.value}`" if known.kind is not None else "a connection"
    node.fail(f"`{name}`, {kind}, {known.state.value}: it cannot `{verb}`", hint)


def _action(
    verb: str,
    main: Node,
    entry: Mapping[str, Node],
    step: Node,
    name: str,
    known: _Known,
    scope: Scope,
    peers: PeerNames,
) -> tuple[PeerAction, Type | None]:
    datagrams = known.state is _State.DATAGRAMS
    match verb:
        case "accept":
            return Accept(name, peers.add(main, tls=known.tls)), outcomes.socket_address()
        case "handshake":
            _agree(main, verb)
            known.state = _State.CONNECTED
            return Handshake(name), outcomes.ERRNO_RESULT
        case "connect":
            known.state = _State.CONNECTED
            to = None if main.text("an address") == SERVICE else _to(main, scope)
            return Connect(name, to), outcomes.ERRNO_RESULT
        case "send" if datagrams:
            if "to" not in entry:
                step.fail(f"to whom `{name}` sends is not given", "add `to: $address`")
            if "chunk" in entry:
                entry["chunk"].fail("a datagram is sent whole")
            return SendDatagram(name, read_bytes(main), _to(entry["to"], scope)), outcomes.ERRNO_RESULT
        case "send":
            if "to" in entry:
                entry["to"].fail(f"`{name}` is a connection: it sends to its other side only")
            if "write" in known.shut:
                step.fail(f"`{name}` has been shut down for writing")
            chunk = entry["chunk"].integer("a size", 1, MAX_RECEIVED) if "chunk" in entry else None
            return Send(name, read_bytes(main), chunk), outcomes.ERRNO_RESULT
        case "receive" if datagrams:
            return _receive_datagram(main, entry, name, known.family)
        case "receive":
            return _receive(main, entry, name, known)
        case "shutdown":
            return _shutdown(main, name, known), None
        case "inspect" if known.state in (_State.UNCONNECTED, _State.DATAGRAMS):
            if not main.text("an address").startswith("$"):
                main.fail(f"`{name}` has no connection to a socket of the guest", "name one: `inspect: $address`")
            return Inspect(name, _to(main, scope)), outcomes.BOUND_OPTIONS
        case "inspect":
            _agree(main, verb)
            return Inspect(name), outcomes.SOCKET_OPTIONS
        case _:
            _agree(main, verb)
            known.state = _State.CLOSED
            return Hangup(name, reset=verb == "reset"), None


def _agree(node: Node, verb: str) -> None:
    if not node.boolean(f"`{verb}`"):
        node.fail(f"a step with `{verb}: false` does nothing", "leave it out")


def _to(node: Node, scope: Scope) -> Argument:
    return scope.argument(node, outcomes.socket_address(), "an address of the guest")


def _receive_datagram(main: Node, entry: Mapping[str, Node], name: str, family: Family) -> tuple[PeerAction, Type]:
    if main.text("what to receive") != "datagram":
        main.fail(f"`{name}` is a UDP socket, and receives a datagram at a time", "write `receive: datagram`")
    if "digest" in entry:
        entry["digest"].fail("`digest` is for connections: a datagram is small enough to be compared as it is")
    if "to" in entry:
        entry["to"].fail("`to` is for responses: a datagram is for whoever receives it")
    hop_limit = "hop-limit" in entry and entry["hop-limit"].boolean("`hop-limit`")
    flow_label = "flow-label" in entry and entry["flow-label"].boolean("`flow-label`")
    if flow_label and family is not Family.IPV6:
        entry["flow-label"].fail("only datagrams of IPv6 have a flow label", f"`{name}: {{kind: udp, family: ipv6}}`")
    yields = outcomes.datagram(hop_limit=hop_limit, flow_label=flow_label)
    return ReceiveDatagram(name, hop_limit, flow_label), yields


def _receive(main: Node, entry: Mapping[str, Node], name: str, known: _Known) -> tuple[PeerAction, Type]:
    """Read what a connection receives: bytes, or a part of an HTTP message."""
    text = main.text("what to receive")
    if "hop-limit" in entry:
        entry["hop-limit"].fail("`hop-limit` is for datagrams", "`inspect: true` tells that of a connection")
    if "flow-label" in entry:
        entry["flow-label"].fail("`flow-label` is for datagrams")
    if "to" in entry and text != "response":
        entry["to"].fail("`to` says which request a response answers", "it goes with `receive: response`")
    if "digest" in entry and text in _HEADS:
        entry["digest"].fail("`digest` is for bytes and bodies: a head is compared as it is")
    headed, known.headed = known.headed, text in _HEADS
    digest = "digest" in entry and entry["digest"].boolean("`digest`")
    match text:
        case "request":
            return ReceiveRequest(name), outcomes.REQUEST_RESULT
        case "response":
            method = entry["to"].choice("the method of a request", _METHODS) if "to" in entry else _METHODS[0]
            return ReceiveResponse(name, method), outcomes.RESPONSE_RESULT
        case "body":
            if not headed:
                hint = f"before that: `peer: {name}`, `receive: request` or `receive: response`"
                main.fail(f"what `{name}` received last is no head that a body could belong to", hint)
            return ReceiveBody(name, digest), outcomes.body_result(digest=digest)
        case "datagram":
            main.fail(f"`{name}` is a connection, and receives bytes", "write `receive: 5`, or `receive: end`")
        case "end":
            length = None
        case _:
            what = "a number of bytes, `end`, `request`, `response` or `body`"
            length = main.integer(what, 1, MAX_RECEIVED)
    return ReceiveBytes(name, length, digest), outcomes.receive_result(digest=digest)


def _shutdown(node: Node, name: str, known: _Known) -> Shutdown:
    direction = Direction(node.choice("a direction", list(Direction)))
    match direction:
        case Direction.READ | Direction.WRITE:
            ends = frozenset((direction.value,))
        case Direction.BOTH:
            ends = frozenset((Direction.READ.value, Direction.WRITE.value))
        case _:
            assert_never(direction)
    if again := sorted(ends & known.shut):
        node.fail(f"`{name}` has already been shut down: {' and '.join(again)}")
    known.shut |= ends
    return Shutdown(name, direction)
