"""Errors put into system calls of the host: a filter that asks, and a thread that answers (seccomp_unotify(2)).

The filter hands every call with a number that is to fail over to the harness, which looks at the arguments and either
lets the call happen or has it fail. So a read of the guest's file can fail while the host's own libraries are loaded
as always, and it is known which errors a host has met.
"""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import select
import struct
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import assert_never

from wasicheck.host.sandbox import SceneUnavailableError
from wasicheck.vectors.linux import MACHINES, SYSTEM_CALLS, SystemCall
from wasicheck.vectors.surroundings import Injection, Subject

SECCOMP: Mapping[str, int] = {"x86_64": 317, "aarch64": 277}
"""The number of the system call `seccomp` on the machines of `MACHINES`."""
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_RET_USER_NOTIF = 0x7FC00000
_RET_ALLOW = 0x7FFF0000

_NOTIF_RECV = 0xC0502100
_NOTIF_SEND = 0xC0182101
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
"""`struct seccomp_notif`: id, thread, flags, then `struct seccomp_data`: number, architecture, address, arguments."""
_RESPONSE = struct.Struct("=QqiI")
_CONTINUE = 1
_AT_FDCWD = 0xFFFFFF9C
_PATH_MAX = 4096
_JOIN_S = 2.0


def machine() -> str:
    """Return the machine's name if its system calls are known. Raises SceneUnavailableError."""
    name = platform.machine()
    if name not in MACHINES:
        raise SceneUnavailableError(f"system calls cannot be made to fail on {name}: its numbers are not known")
    return name


def filter_program(injections: Sequence[Injection], on: str) -> bytes:
    """Return the classic BPF program for a machine: ask about the calls that are to fail, allow all others."""
    numbers = [number for i in injections if (number := SYSTEM_CALLS[i.call].number(on)) is not None]
    length = len(numbers)
    program = [
        _instruction(0x20, 4),  # load the architecture
        _instruction(0x15, _AUDIT_ARCH[on], 0, length + 1),
        _instruction(0x20, 0),  # load the number of the call
        *(_instruction(0x15, number, length - index, 0) for index, number in enumerate(numbers)),
        _instruction(0x06, _RET_ALLOW),
        _instruction(0x06, _RET_USER_NOTIF),
    ]
    return b"".join(program)


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)


@dataclass(frozen=True)
class _Call:
    """A call that the host is about to make."""

    thread: int
    number: int
    arguments: tuple[int, ...]


class Injector:
    """Answers the filter's questions in a thread of its own, until the host has ended or it is closed."""

    def __init__(self, listener: int, injections: Sequence[Injection], folders: Sequence[Path]) -> None:
        """Take over the descriptor `listener`; `folders` are the preopened directories on this machine."""
        on = machine()
        self._listener = listener
        # As /proc has them, and as the host was told.
        self._folders = frozenset(text for folder in folders for text in (str(folder), os.path.realpath(folder)))
        self._by_number = {SYSTEM_CALLS[i.call].number(on): i for i in injections}
        self._fired: dict[Injection, int] = dict.fromkeys(injections, 0)
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._answer, name="wasicheck-injector", daemon=True)
        self._thread.start()

    def unfired(self) -> tuple[Injection, ...]:
        """Return those that no call of the host has met so far."""
        return tuple(injection for injection, times in self._fired.items() if not times)

    def close(self) -> None:
        """Stop answering: calls that still come fail with ENOSYS. May be called twice."""
        if self._listener < 0:
            return
        os.close(self._stopped)
        self._thread.join(_JOIN_S)
        os.close(self._listener)
        os.close(self._stop)
        self._listener = -1

    def _answer(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self._stop in ready or not ready.get(self._listener, 0) & select.POLLIN:
                # Told to, or nobody is left whom the filter binds.
                return
            # The caller may have been killed, or interrupted, before the question is read or answered.
            with suppress(OSError):
                self._answer_one()

    def _answer_one(self) -> None:
        buffer = bytearray(_NOTIFICATION.size)
        fcntl.ioctl(self._listener, _NOTIF_RECV, buffer, True)
        identity, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(buffer)
        injection = self._by_number.get(number)
        error, flags = 0, _CONTINUE
        if injection is not None and self._fails(injection, _Call(thread, number, tuple(arguments))):
            error, flags = -getattr(errno, injection.error), 0
            # Before the answer: the host may end right behind it.
            self._fired[injection] += 1
        fcntl.ioctl(self._listener, _NOTIF_SEND, bytearray(_RESPONSE.pack(identity, 0, error, flags)), True)

    def _fails(self, injection: Injection, call: _Call) -> bool:
        if injection.times is not None and self._fired[injection] >= injection.times:
            return False
        return self._is_about(injection, call)

    def _is_about(self, injection: Injection, call: _Call) -> bool:
        if injection.argument is not None and call.arguments[injection.argument] != injection.equals:
            return False
        kind = SYSTEM_CALLS[injection.call]
        match injection.on:
            case Subject.ANY:
                return True
            case Subject.SOCKETS:
                opened = (_descriptor(call, index) for index in kind.descriptors)
                return any(target is not None and target.startswith("socket:") for target in opened)
            case Subject.TREE:
                return self._is_about_tree(kind, call)
            case _:
                assert_never(injection.on)

    def _is_about_tree(self, kind: SystemCall, call: _Call) -> bool:
        if any(self._is_inside(_descriptor(call, index)) for index in kind.descriptors):
            return True
        for directory, address in kind.paths:
            path = _path(call, call.arguments[address])
            base = _directory(call, directory)
            if path:
                # The preopened directory itself is opened by the host on its way to the guest.
                full = os.path.normpath(PurePosixPath(base or "", path))
                if self._is_inside(full, strictly=True):
                    return True
            elif directory is not None and self._is_inside(base):
                return True
        return False

    def _is_inside(self, path: str | None, *, strictly: bool = False) -> bool:
        if path is None:
            return False
        return any(path.startswith(f"{f}/") or (path == f and not strictly) for f in self._folders)


def _descriptor(call: _Call, index: int) -> str | None:
    """Say what a descriptor among the arguments is open on, as /proc has it."""
    return _link(call.thread, f"fd/{call.arguments[index] & 0xFFFFFFFF}")


def _directory(call: _Call, index: int | None) -> str | None:
    """Say where a relative path begins."""
    if index is None or call.arguments[index] & 0xFFFFFFFF == _AT_FDCWD:
        return _link(call.thread, "cwd")
    return _descriptor(call, index)


def _link(thread: int, name: str) -> str | None:
    try:
        return str(Path(f"/proc/{thread}/{name}").readlink())
    except OSError:
        return None


def _path(call: _Call, address: int) -> str:
    """Read a path from the host's memory; empty if it has none, or cannot be read."""
    if address == 0:
        return ""
    data = b""
    try:
        with Path(f"/proc/{call.thread}/mem").open("rb", buffering=0) as memory:
            memory.seek(address)
            # A page at a time: the next one need not be there.
            while b"\0" not in data and len(data) < _PATH_MAX:
                data += memory.read(_PATH_MAX - (address + len(data)) % _PATH_MAX) or b"\0"
    except (OSError, ValueError, OverflowError):
        return ""
    return os.fsdecode(data.partition(b"\0")[0])
