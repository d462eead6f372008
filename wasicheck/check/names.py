"""Names of interfaces and packages: which are WASI's, of which version, and what became of those of 0.2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

VERSION = "0.3.0"


class Release(StrEnum):
    """How a version stands to 0.3.0."""

    SAME = "same"
    LATER = "later"
    """0.3.1 and its like, or `0.3`, which stands for all of them: a host of 0.3.0 may take it for 0.3.0."""
    CANDIDATE = "candidate"
    """0.3.0-rc-2026-03-15 and its like: nothing but itself is compatible with it."""
    OLD = "old"
    """0.2 or earlier."""
    OTHER = "other"
    """None, one after 0.3, or none at all."""


@dataclass(frozen=True)
class WasiName:
    """`wasi:cli/stdin@0.3.1`, in parts; the interface is empty for a package."""

    package: str
    interface: str
    version: str

    @property
    def release(self) -> Release:
        """How the version stands to 0.3.0."""
        if self.version == VERSION:
            return Release.SAME
        if re.fullmatch(r"0\.3(\.\d+)?(\+.*)?", self.version):
            return Release.LATER
        if re.fullmatch(r"0\.3\.\d+-.+", self.version):
            return Release.CANDIDATE
        return Release.OLD if re.match(r"0\.[012]([.-]|$)", self.version) else Release.OTHER

    @property
    def comparable(self) -> bool:
        """Whether there is something of 0.3.0 to compare with."""
        return self.release in (Release.SAME, Release.LATER, Release.CANDIDATE)


_NAME = re.compile(r"(wasi:[^/@#]+)(?:/([^@#]+))?(?:@([^#]+))?")


def wasi_name(name: str) -> WasiName | None:
    """Return the parts of the name of a WASI interface or package; None for any other name."""
    found = _NAME.fullmatch(name)
    return found and WasiName(found[1], found[2] or "", found[3] or "")


def canonical(id: str) -> str:
    """Return the id of an interface or package with the version 0.3.0, if it is WASI's and of any 0.3."""
    name = wasi_name(id)
    if name is None or not name.comparable:
        return id
    return f"{name.package}{'/' if name.interface else ''}{name.interface}@{VERSION}"


def successor(name: WasiName) -> str:
    """Return what WASI 0.3.0 has in place of an interface of 0.2, in words."""
    return _SUCCESSORS.get(f"{name.package}/{name.interface}") or _SUCCESSORS.get(name.package) or _SAME_NAME


_SAME_NAME = "0.3.0 has an interface of that name"
_SOCKETS = "`wasi:sockets/types` has the resources, and `create` makes them"
_SUCCESSORS = {
    "wasi:io": "gone: `stream<T>`, `future<T>` and `async func` of the component model took its place",
    "wasi:io/poll": "gone: an `async func` or a `future<T>` is waited for by the component model itself",
    "wasi:io/streams": "gone: `stream<u8>` of the component model took its place",
    "wasi:io/error": "gone: each interface has an `error-code` of its own",
    "wasi:clocks/wall-clock": "now `wasi:clocks/system-clock`",
    "wasi:sockets/network": "gone: no function takes a network; the types are in `wasi:sockets/types`",
    "wasi:sockets/instance-network": "gone: no function takes a network",
    "wasi:sockets/tcp": _SOCKETS,
    "wasi:sockets/udp": _SOCKETS,
    "wasi:sockets/tcp-create-socket": "now `tcp-socket.create` of `wasi:sockets/types`",
    "wasi:sockets/udp-create-socket": "now `udp-socket.create` of `wasi:sockets/types`",
    "wasi:http/incoming-handler": "now `wasi:http/handler`, which takes a request and returns a response",
    "wasi:http/outgoing-handler": "now `wasi:http/client`",
    "wasi:http/proxy": "now the world `wasi:http/service`",
}
