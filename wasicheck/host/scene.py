"""The scene of a run on the harness's side: it instructs a launcher, fills what that makes, and lets the host begin."""

from __future__ import annotations

import marshal
import os
import resource
import shutil
import socket
import stat
import sys
import threading
from array import array
from collections.abc import Mapping
from ipaddress import IPv4Network, ip_interface, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from wasicheck.host.injection import SECCOMP, Injector, filter_program, machine
from wasicheck.host.instructions import Instructions
from wasicheck.host.sandbox import SceneError, SceneUnavailableError
from wasicheck.vectors.surroundings import (
    Device,
    DeviceKind,
    Directory,
    Environment,
    Mount,
    Network,
    ReadOnly,
    RegularFile,
    Sink,
    Source,
    Tmpfs,
    TreeEntry,
)

if TYPE_CHECKING:
    from wasicheck.host.names import NameServer

TREE = "tree"
"""The folder of the tree inside the run's."""
_LAUNCHER = Path(__file__).with_name("launcher.py")
_TIMEOUT_S = 10.0
_UNREACHABLE = 7
_PROHIBIT = 8
_PORTS = (1024, 65535)
_PRIVILEGED_BELOW = 1024
_PORT_RANGE = "ipv4/ip_local_port_range"
_PORT_START = "ipv4/ip_unprivileged_port_start"

_refused: dict[str, str] = {}
"""What this machine has turned out not to offer, and in which words: it is not asked again."""


class Scene:
    """The surroundings of one host process that an ordinary process does not have.

    In this order: start `argv(command)` with `pass_fds`, its standard streams as the host is to have them (those that
    are to be closed: anything) and no limit on descriptors; `stage`; fill the tree through `root`, bind sockets from
    `make`; `go`. When the host has been reaped the tree can still be looked at through `root`, until `close`.
    """

    def __init__(self, environment: Environment, folder: Path) -> None:
        """Prepare it inside the run's folder. Raises SceneUnavailableError where this system cannot do it."""
        if sys.platform != "linux":
            raise SceneUnavailableError("the surroundings of this vector can be made on Linux only")
        self._environment = environment
        self._tree = folder / TREE
        self._tree.mkdir(exist_ok=True)
        self._instructions = _instructions(environment, self._tree, folder)
        _check_refused(self._instructions)
        self._lock = threading.Lock()
        self._held: list[int] = []
        self._root: int | None = None
        self._names: NameServer | None = None
        self._injector: Injector | None = None
        self._control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_TIMEOUT_S)
        self._say(self._instructions)
        self.pass_fds = (self._theirs.fileno(),)

    @property
    def root(self) -> int:
        """A descriptor of the tree's folder, seen with the mounts in it; the scene's own, for others to duplicate."""
        assert self._root is not None, "the scene has not been staged"
        return self._root

    def argv(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """Return the command line of the launcher that becomes the host with that one."""
        program = shutil.which(command[0]) or command[0]
        return (sys.executable, "-I", "-S", str(_LAUNCHER), str(self.pass_fds[0]), program, *command[1:])

    def stage(self, timeout: float = _TIMEOUT_S) -> None:
        """Wait until the launcher, which must have been started, has made everything; `timeout` in seconds.

        Raises SceneUnavailableError for what this machine does not offer, SceneError for all else.
        """
        self._theirs.close()
        self._control.settimeout(timeout)
        _, self._held = self._hear(2)
        self._root = self._held[0]
        if self._environment.names is not None:
            # Only here, because few vectors need it and the import takes long.
            from wasicheck.host.names import NameServer

            try:
                datagrams = self.make(socket.AF_INET, socket.SOCK_DGRAM)
                connections = self.make(socket.AF_INET, socket.SOCK_STREAM)
                self._names = NameServer(self._environment.names, datagrams, connections)
            except OSError as error:
                raise SceneError(f"the name server cannot be started: {error}") from None

    def make(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        """Make a socket of the host's network, before `go`. Raises OSError as `socket.socket` does, SceneError."""
        if not self._instructions["network"]:
            return socket.socket(family, kind)
        with self._lock:
            self._say({"socket": (int(family), int(kind))})
            answer, descriptors = self._hear(1)
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
        return socket.socket(family, kind, fileno=descriptors[0])

    def go(self, timeout: float = _TIMEOUT_S) -> None:
        """Let the launcher become the host, and wait until it has. Raises as `stage` does."""
        self._control.settimeout(timeout)
        self._say({"go": True})
        while True:
            message, descriptors = self._hear(1, may_end=True)
            if not message:
                return
            folders = [self._tree / preopen.folder for preopen in self._environment.preopens]
            self._injector = Injector(descriptors[0], self._environment.injections, folders)

    def unfired(self) -> list[str]:
        """Return the errors that the host has not met, since it made no such call: `pread64: EIO`."""
        if self._injector is None:
            return []
        return [f"{injection.call}: {injection.error}" for injection in self._injector.unfired()]

    def close(self) -> None:
        """Let go of everything, namespaces and mounts included. May be called twice."""
        self._control.close()
        self._theirs.close()
        if self._names is not None:
            self._names.close()
        if self._injector is not None:
            self._injector.close()
        while self._held:
            os.close(self._held.pop())

    def _say(self, message: Mapping[str, Any]) -> None:
        try:
            self._control.send(marshal.dumps(dict(message)))
        except OSError as error:
            raise SceneError(f"the launcher cannot be told what to do: {error.strerror or error}") from None

    def _hear(self, most: int, *, may_end: bool = False) -> tuple[dict[str, Any], list[int]]:
        """Receive a message and up to that many descriptors; an empty one is the end of the launcher."""
        try:
            # Not `recv_fds`, which does not pass the flag on in Python 3.11.
            packet, ancillary, _, _ = self._control.recvmsg(
                1 << 16, socket.CMSG_SPACE(4 * most), socket.MSG_CMSG_CLOEXEC
            )
        except TimeoutError:
            raise SceneError("the launcher does not answer") from None
        except ConnectionResetError:
            # It has ended without having read everything.
            packet, ancillary = b"", []
        if not packet:
            if not may_end:
                raise SceneError("the launcher has ended without a word")
            return {}, []
        message: dict[str, Any] = marshal.loads(packet)
        if "failed" in message:
            _give_up(message["failed"], message["lacking"])
        return message, [one for _, _, data in ancillary for one in array("i", data)]


def _give_up(why: str, lacking: str | None) -> NoReturn:
    if lacking is None:
        raise SceneError(why)
    _refused[lacking] = why
    raise SceneUnavailableError(why)


def _check_refused(instructions: Instructions) -> None:
    """Raise SceneUnavailableError at once for what has been refused before."""
    needed = {
        "namespaces": instructions["mounts"] or instructions["network"],
        "network": instructions["network"],
        "filters of system calls": instructions["filter"] is not None,
    }
    for name, why in _refused.items():
        if needed.get(name):
            raise SceneUnavailableError(why)


# --- instructions --------------------------------------------------------------------------------------


def _instructions(environment: Environment, tree: Path, folder: Path) -> Instructions:
    mounts = [(tree / entry.path, mount) for entry in environment.tree if (mount := _mount(entry)) is not None]
    devices = [(str(tree / e.path), _device(e.content.kind)) for e in environment.tree if isinstance(e.content, Device)]
    net = environment.net
    settings, late_settings = _settings(net) if net is not None or environment.names is not None else ({}, {})
    over: list[tuple[str, str]] = []
    hidden: list[str] = []
    if environment.names is not None:
        from wasicheck.host.names import HIDDEN, OPTIONAL, REPLACED, write_files

        files = write_files(environment.names, folder)
        # C libraries that have no such file of theirs do without (musl), or look into hosts first by themselves.
        there = (one for one in zip(files, REPLACED, strict=True) if one[1] != OPTIONAL or Path(OPTIONAL).exists())
        over, hidden = [(str(path), replaced) for path, replaced in there], list(HIDDEN)
    on = machine() if environment.injections else ""
    return Instructions(
        mounts=bool(mounts or over or devices),
        network=net is not None or environment.names is not None,
        tree=str(tree),
        tmpfs=[(str(path), _options(mount)) for path, mount in mounts if isinstance(mount, Tmpfs)],
        devices=devices,
        over=over,
        hidden=hidden,
        addresses=[_address(text) for text in net.addresses] if net is not None else [],
        routes=_routes(net) if net is not None else [],
        settings=settings,
        late_settings=late_settings,
        binds=[(str(p), isinstance(mount, ReadOnly)) for p, mount in mounts if not isinstance(mount, Tmpfs)],
        powerless=environment.ordinary_user,
        filter=filter_program(environment.injections, on).hex() if environment.injections else None,
        system_call=SECCOMP.get(on, 0),
        closed=_closed(environment),
        limits=_limits(environment),
    )


def _mount(entry: TreeEntry) -> Mount | None:
    return entry.content.mount if isinstance(entry.content, RegularFile | Directory) else None


def _device(kind: DeviceKind) -> str | None:
    """A device of this machine that is only to be looked at; None where it shows none."""
    if kind is DeviceKind.CHARACTER:
        return os.devnull
    with os.scandir("/dev") as listing:
        blocks = [one.path for one in listing if stat.S_ISBLK(one.stat(follow_symlinks=False).st_mode)]
    return min(blocks, default=None)


def _options(mount: Tmpfs) -> str:
    options = ["mode=0755"]
    if mount.size is not None:
        options.append(f"size={mount.size}")
    if mount.inodes is not None:
        options.append(f"nr_inodes={mount.inodes}")
    return ",".join(options)


def _address(text: str) -> tuple[int, int, str]:
    interface = ip_interface(text)
    return _family(interface.network), interface.network.prefixlen, str(interface.ip)


def _routes(net: Network) -> list[tuple[int, int, str, int]]:
    kinds = ((_UNREACHABLE, net.unreachable), (_PROHIBIT, net.prohibit))
    return [
        (_family(network), network.prefixlen, str(network.network_address), kind)
        for kind, destinations in kinds
        for network in map(ip_network, destinations)
    ]


def _family(network: Any) -> int:
    return int(socket.AF_INET if isinstance(network, IPv4Network) else socket.AF_INET6)


def _settings(net: Network | None) -> tuple[dict[str, str], dict[str, str]]:
    """What is written before the harness has its sockets, and what after.

    Meanwhile it may bind to any port, and is given none of those that the host will have.
    """
    net = net or Network()
    privileged = _PRIVILEGED_BELOW if net.privileged_below is None else net.privileged_below
    early, late = {_PORT_START: "0"}, {_PORT_START: str(privileged)}
    if net.ports is not None:
        low, high = net.ports
        below, above = (_PORTS[0], low - 1), (high + 1, _PORTS[1])
        ours = max(below, above, key=lambda ports: ports[1] - ports[0])
        if ours[0] > ours[1]:
            raise SceneError(f"the range {low}..{high} leaves no port for the harness")
        early[_PORT_RANGE], late[_PORT_RANGE] = (f"{first} {last}" for first, last in (ours, net.ports))
    if net.syn_retries is not None:
        early["ipv4/tcp_syn_retries"] = str(net.syn_retries)
    if net.retries is not None:
        early["ipv4/tcp_retries2"] = str(net.retries)
    if net.flow_labels is not None:
        early["ipv6/auto_flowlabels"] = str(int(net.flow_labels))
    return early, late


def _closed(environment: Environment) -> list[int]:
    outputs = ((1, environment.stdout), (2, environment.stderr))
    closed = [0] if environment.stdin.source is Source.CLOSED else []
    return closed + [number for number, sink in outputs if sink is Sink.CLOSED]


def _limits(environment: Environment) -> dict[str, int]:
    limits: dict[str, int] = {}
    if environment.descriptors is not None:
        limits["RLIMIT_NOFILE"] = environment.descriptors
    if environment.file_size is not None:
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        if most != resource.RLIM_INFINITY and environment.file_size > most:
            raise SceneError(f"files of the host cannot be limited to {environment.file_size} bytes: here it is {most}")
        # Who does not ignore the signal dies, with a picture of its memory.
        limits |= {"RLIMIT_FSIZE": environment.file_size, "RLIMIT_CORE": 0}
    return limits
