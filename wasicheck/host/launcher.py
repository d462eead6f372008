"""Makes the surroundings of one host on Linux, then becomes that host.

Run as `python -I -S launcher.py DESCRIPTOR COMMAND…`, with nothing but the standard library. The descriptor is one end
of a pair of sequenced-packet sockets; every packet is a dictionary, as `marshal` writes it (the interpreter on the
other side is the same), some with descriptors:

    harness → launcher   the instructions (see `wasicheck.host.instructions`)
    launcher → harness   {"staged": number}, with as many descriptors: of the tree, and of the mount namespace
    harness → launcher   {"socket": [family, kind]}, as often as it likes; answered by {}, with a socket made inside,
                         or by {"errno": number}
    harness → launcher   {"go": true}
    launcher → harness   {"filter": true}, with the listener of the system-call filter, if there is one
    end of the stream    the launcher has become the host

In place of any answer {"failed": text, "lacking": …} ends it: `lacking` names what this machine does not offer, or is
None if it should have worked. All namespaces and mounts go with the last process and descriptor that holds them.
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import resource
import signal
import socket
import stat
import struct
import sys
import threading
from contextlib import contextmanager

# Not from typing: every import makes each start of a host slower, that one by 5 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from wasicheck.host.instructions import Instructions


class LaunchError(Exception):
    """Something could not be done; `lacking` names what the machine does not offer, if that is why."""

    def __init__(self, message: str, lacking: str | None = None) -> None:
        super().__init__(message)
        self.lacking = lacking


_REFUSED = "EPERM EACCES ENOSYS EOPNOTSUPP EAFNOSUPPORT ENODEV ENOSPC EUSERS EROFS EADDRNOTAVAIL EBUSY"
_REFUSALS = frozenset(getattr(errno, name) for name in _REFUSED.split())
"""Errors of a machine that does not let itself be arranged, rather than of what was asked for."""

_LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def _doing(what: str, lacking: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        refused = error.errno in _REFUSALS
        raise LaunchError(f"{what}: {error.strerror}", lacking if refused else None) from None


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, argument: int, third: int = 0) -> None:
    zero = ctypes.c_ulong(0)
    _check(_LIBC.prctl(option, ctypes.c_ulong(argument), ctypes.c_ulong(third), zero, zero))


# --- namespaces ----------------------------------------------------------------------------------------

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def _enter_namespaces(instructions: Instructions) -> None:
    """Move into namespaces of one's own, of users too where that is the only way."""
    flags = (_CLONE_NEWNS if instructions["mounts"] else 0) | (_CLONE_NEWNET if instructions["network"] else 0)
    if not flags:
        return
    try:
        _check(_LIBC.unshare(flags))
    except OSError as error:
        if error.errno != errno.EPERM:
            raise LaunchError(f"a namespace cannot be made: {error.strerror}", "namespaces") from None
        _enter_user_namespace(flags)
    if instructions["mounts"]:
        with _doing("mounts cannot be kept to oneself", "namespaces"):
            _mount(None, "/", None, _MS_REC | _MS_PRIVATE)


def _enter_user_namespace(flags: int) -> None:
    user, group = os.geteuid(), os.getegid()
    with _doing("a user namespace cannot be made", "namespaces"):
        _check(_LIBC.unshare(_CLONE_NEWUSER | flags))
        # Everyone stays who they are: so a host that is not root has no capability once it runs.
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


# --- mounts --------------------------------------------------------------------------------------------

_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_LOOP_DEVICE = (7, 0)
"""Major and minor number of a block device that every Linux knows, whether or not it has one."""
_KEPT = (
    (os.ST_NOSUID, 2),
    (os.ST_NODEV, 4),
    (os.ST_NOEXEC, 8),
    (os.ST_NOATIME, 1024),
    (os.ST_NODIRATIME, 2048),
    (os.ST_RELATIME, 1 << 21),
)
"""Flags of a mount that a remount in a user namespace may not take away: as statvfs has them, and as mount does."""


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    _check(_LIBC.mount(*encoded[:3], ctypes.c_ulong(flags), encoded[3]))


def _mount_first(instructions: Instructions) -> None:
    for path, options in instructions["tmpfs"]:
        # Not by pathlib, here and below: importing it takes long.
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
        with _doing("a file system in memory cannot be mounted", "mounts"):
            _mount("tmpfs", path, "tmpfs", 0, options)
    for path, source in instructions["devices"]:
        _put_device(path, source)
    for source, target in instructions["over"]:
        if not os.path.exists(target):  # noqa: PTH110
            raise LaunchError(f"there is no {target} that could be replaced", target)
        with _doing(f"{target} cannot be replaced", "mounts"):
            _mount(source, target, None, _MS_BIND)
    for path in instructions["hidden"]:
        if os.path.isdir(path):  # noqa: PTH112
            with _doing(f"{path} cannot be hidden", "mounts"):
                _mount("tmpfs", path, "tmpfs", 0, "size=4096")


def _put_device(path: str, source: str | None) -> None:
    """Have a device appear: one that is there takes no privilege to be shown in a second place."""
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    if source is None:
        with _doing("a block device cannot be made, and there is none in /dev", "block devices"):
            os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(*_LOOP_DEVICE))
        return
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with _doing(f"{source} cannot be shown in a second place", "mounts"):
        _mount(source, path, None, _MS_BIND)


def _mount_onto_itself(path: str, *, read_only: bool) -> None:
    with _doing(f"{path} cannot be made a mount point", "mounts"):
        _mount(path, path, None, _MS_BIND | _MS_REC)
        if read_only:
            present = os.statvfs(path).f_flag
            kept = sum(flag for seen, flag in _KEPT if present & seen)
            _mount(None, path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)


# --- network -------------------------------------------------------------------------------------------

_RTM_NEWLINK = 16
_RTM_NEWADDR = 20
_RTM_NEWROUTE = 24
_NLM_F_REQUEST = 1
_NLM_F_ACK = 4
_NLM_F_CREATE = 0x400
_LOOPBACK = 1
"""The index of the loopback interface, the first of every namespace."""


def _configure(instructions: Instructions) -> None:
    with (
        _doing("the network namespace cannot be arranged", "network"),
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link,
    ):
        # rtnetlink(7): ifinfomsg, with IFF_UP as the flag and as the only one that changes.
        _ask(link, _RTM_NEWLINK, struct.pack("=BxHiII", 0, 0, _LOOPBACK, 1, 1))
        for family, length, address in instructions["addresses"]:
            packed = socket.inet_pton(family, address)
            body = struct.pack("=BBBBI", family, length, 0, 0, _LOOPBACK)
            _ask(link, _RTM_NEWADDR, body + _attribute(2, packed) + _attribute(1, packed))
        for family, length, destination, kind in instructions["routes"]:
            # Table main, made by an administrator, to anywhere.
            body = struct.pack("=BBBBBBBBI", family, length, 0, 0, 254, 4, 0, kind, 0)
            _ask(link, _RTM_NEWROUTE, body + _attribute(1, socket.inet_pton(family, destination)))
    _set(instructions["settings"])


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value


def _ask(link: socket.socket, kind: int, body: bytes) -> None:
    """Send one request of rtnetlink and wait for the answer. OSError."""
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE
    link.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body)
    (negative,) = struct.unpack_from("=i", link.recv(8192), 16)
    if negative:
        raise OSError(-negative, os.strerror(-negative))


def _set(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        with _doing(f"{name} cannot be set", "settings of the network"):
            _write(f"/proc/sys/net/{name}", value)


# --- what the host may do ------------------------------------------------------------------------------

_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_NO_PRIVILEGES_FOR_ROOT = 0xEF
"""SECBIT_NOROOT, _NO_SETUID_FIXUP and _NO_CAP_AMBIENT_RAISE, each locked, and _KEEP_CAPS_LOCKED."""
_CAPABILITY_VERSION_3 = 0x20080522
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _drop_capabilities() -> None:
    """Give up every capability for good, also across an exec as root. Does nothing for who has none."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        permitted = next(int(line.split()[1], 16) for line in status if line.startswith("CapPrm:"))
    if permitted:
        with _doing("privileges cannot be dropped", "capabilities"):
            _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
            _prctl(_PR_SET_SECUREBITS, _NO_PRIVILEGES_FOR_ROOT)
            for capability in range(64):
                try:
                    _prctl(_PR_CAPBSET_DROP, capability)
                except OSError as error:
                    if error.errno == errno.EINVAL:
                        break
                    raise
            header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
            _check(_LIBC.capset(header, bytes(24)))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _install_filter(control: socket.socket, instructions: Instructions, program: bytes) -> None:
    """Install the filter, and send its listener to the harness."""
    installed, sent = threading.Event(), threading.Event()
    listener = -1

    def send() -> None:
        # Not bound by the filter, which is for the thread that installs it alone: sending may be what it catches.
        installed.wait()
        if listener >= 0:
            socket.send_fds(control, [_encode({"filter": True})], [listener])
        sent.set()

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        with _doing("system calls cannot be filtered", "filters of system calls"):
            _prctl(_PR_SET_NO_NEW_PRIVS, 1)
            described = _Program(len(program) // 8, program)
            call = ctypes.c_long(instructions["system_call"])
            flags = ctypes.c_ulong(_SECCOMP_FILTER_FLAG_NEW_LISTENER)
            # A descriptor of its own, closed on exec by the kernel.
            listener = _check(
                _LIBC.syscall(call, ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER), flags, ctypes.byref(described))
            )
    finally:
        installed.set()
        sent.wait()


def _become(command: list[str], instructions: Instructions) -> NoReturn:
    for name, value in instructions["limits"].items():
        kind = getattr(resource, name)
        resource.setrlimit(kind, (value, value))
    for descriptor in instructions["closed"]:
        os.close(descriptor)
    try:
        os.execve(command[0], command, _variables())
    except OSError as error:
        raise LaunchError(f"the host cannot be started: {command[0]}: {error.strerror}") from None


def _variables() -> dict[bytes, bytes]:
    """The environment as it was handed over: an interpreter may have added to its own."""
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123
        pairs = (entry.partition(b"=") for entry in file.read().split(b"\0") if entry)
        return {name: value for name, _, value in pairs}


# --- the conversation ----------------------------------------------------------------------------------


def _encode(message: dict[str, Any]) -> bytes:
    return marshal.dumps(message)


def _receive(control: socket.socket) -> dict[str, Any]:
    packet = control.recv(1 << 20)
    if not packet:
        # The harness is gone, or has given up.
        os._exit(1)
    message: dict[str, Any] = marshal.loads(packet)
    return message


def _stage(control: socket.socket, instructions: Instructions) -> None:
    _enter_namespaces(instructions)
    if instructions["network"]:
        _configure(instructions)
    _mount_first(instructions)
    opened = [os.open(instructions["tree"], os.O_RDONLY | os.O_DIRECTORY)]
    if instructions["mounts"]:
        # Who holds it keeps the mounts: they can be looked at when the host has ended.
        opened.append(os.open("/proc/self/ns/mnt", os.O_RDONLY))
    socket.send_fds(control, [_encode({"staged": len(opened)})], opened)
    for descriptor in opened:
        os.close(descriptor)


def _serve(control: socket.socket) -> None:
    """Make sockets until it is time to go on."""
    while "socket" in (message := _receive(control)):
        family, kind = message["socket"]
        try:
            with socket.socket(family, kind) as made:
                socket.send_fds(control, [_encode({})], [made.fileno()])
        except OSError as error:
            control.send(_encode({"errno": error.errno}))


def _launch(control: socket.socket, command: list[str]) -> NoReturn:
    instructions: Instructions = _receive(control)  # type: ignore[assignment]  # written by host/scene.py
    _stage(control, instructions)
    _serve(control)
    _set(instructions["late_settings"])
    for path, read_only in instructions["binds"]:
        _mount_onto_itself(path, read_only=read_only)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        # The interpreter ignores them, which an exec would hand on.
        signal.signal(ignored, signal.SIG_DFL)
    if instructions["powerless"]:
        _drop_capabilities()
    if instructions["filter"] is not None:
        _install_filter(control, instructions, bytes.fromhex(instructions["filter"]))
    _become(command, instructions)


def main() -> NoReturn:
    """Do as instructed; end with status 1 if that cannot be done, having said why."""
    descriptor, *command = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as control:
        control.set_inheritable(False)
        try:
            _launch(control, command)
        except LaunchError as error:
            control.send(_encode({"failed": str(error), "lacking": error.lacking}))
        except Exception as error:
            control.send(_encode({"failed": f"the launcher failed: {error!r}", "lacking": None}))
    os._exit(1)


if __name__ == "__main__":
    main()
