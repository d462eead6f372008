"""Peers on a stage: sockets of the harness, with the test in the guest's part."""

import select
import socket
import time
from contextlib import ExitStack
from ipaddress import ip_address

from wasicheck.host.peers import Peers
from wasicheck.values import Record, Variant
from wasicheck.vectors.surroundings import Family, Peer, PeerKind

V4 = ip_address("127.0.0.1")


def peer(name, kind, backlog=16, **options):
    """A peer at 127.0.0.1."""
    return Peer(name, PeerKind(kind), Family.IPV4, V4, backlog=backlog, **options)


def value_of(address):
    """What `getsockname` gives, as an `ip-socket-address`."""
    octets = tuple(int(n) for n in address[0].split("."))
    return Variant("ipv4", Record((("port", address[1]), ("address", octets))))


class Stage:
    """Peers, and the sockets of the test; everything is closed in the end."""

    def __init__(self):
        self.stack = ExitStack()
        self.outcomes = {}

    def set(self, *peers, **options):
        self.peers = Peers(peers, **options)
        self.stack.callback(self.peers.close)

    def socket(self, kind=socket.SOCK_STREAM, family=socket.AF_INET):
        made = self.stack.enter_context(socket.socket(family, kind))
        made.settimeout(5)
        return made

    def address(self, name):
        return ("127.0.0.1", self.peers.introduction[name]["port"])

    def connected(self, name="server"):
        made = self.socket()
        made.connect(self.address(name))
        return made

    def begin(self, *actions, argument=None):
        first = len(self.outcomes) + len(self.peers.unfinished())
        for step, action in enumerate(actions, first):
            self.peers.begin(step, action, argument)
        return range(first, first + len(actions))

    def wait(self, steps, seconds=5.0):
        until = time.monotonic() + seconds
        while not self.outcomes.keys() >= set(steps) and (left := until - time.monotonic()) > 0:
            select.select([self.peers.wake], [], [], left)
            self.outcomes.update(self.peers.outcomes())
        return [self.outcomes.get(step) for step in steps]

    def do(self, *actions, argument=None):
        """What the actions yield."""
        found = self.wait(self.begin(*actions, argument=argument))
        assert [o and o.failure for o in found] == [None] * len(found)
        return [o.value for o in found]
