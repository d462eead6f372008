"""When a host that serves is ready for clients, and when all has been seen of it: it does not end by itself."""

from __future__ import annotations

import re
import socket
import time
from ipaddress import ip_address

from wasicheck.host.peers.addresses import to_value
from wasicheck.values import Value

GRACE_NS = 4_000_000_000
"""How long the guest may go on when its clients wait for nothing more: longer than a step of it waits."""
TRAP_GRACE_NS = 300_000_000
"""The same where the guest is to trap, of which nothing tells but that it is silent."""
CLIENTS_NS = 3_000_000_000
"""How long clients may wait when the guest has come to its end."""

_ADDRESS = re.compile(r"\[?([0-9a-fA-F.:]+?)\]?:([0-9]{1,5})")


class ServingError(Exception):
    """The host says that it serves, and does not say where."""


class Serving:
    """A run in which the host serves; `ready` finds the address in what it prints on stderr.

    `traps`: the guest is to trap.
    """

    def __init__(self, ready: re.Pattern[str], *, traps: bool) -> None:
        self._ready = ready
        self._grace = TRAP_GRACE_NS if traps else GRACE_NS
        self.opened = False
        self.wake: int | None = None
        """When to look again, in nanoseconds of the monotonic clock."""
        self._since: tuple[bool, bool] | None = None

    def find(self, output: bytes) -> Value | None:
        """Return the address once the host has told it (an `ip-socket-address`); raise ServingError."""
        if self.opened:
            return None
        found = self._ready.search(output.decode("utf-8", "replace"))
        if found is None:
            return None
        self.opened = True
        address = _ADDRESS.fullmatch(found[1])
        if address is None or int(address[2]) > 65535:
            raise ServingError(f"the host serves at `{found[1][:100]}`, which is no address and port")
        try:
            ip = ip_address(address[1])
        except ValueError:
            raise ServingError(f"the host serves at `{found[1][:100]}`, which is no address and port") from None
        family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
        tail = () if ip.version == 4 else (0, 0)
        return to_value(family, (str(ip), int(address[2]), *tail))

    def over(self, *, ended: bool, waiting: bool) -> bool:
        """Say whether nothing more is to be seen: `ended`: the guest has; `waiting`: clients wait for something."""
        if not self.opened:
            return False
        if ended and not waiting:
            return True
        now = time.monotonic_ns()
        if self._since != (ended, waiting):
            self._since = (ended, waiting)
            self.wake = None if waiting and not ended else now + (CLIENTS_NS if waiting else self._grace)
        return self.wake is not None and now >= self.wake
