"""What the harness does to the files of a tree while the guest runs."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath
from typing import assert_never

from wasicheck.host.forking import FORKING
from wasicheck.host.trees import FILE_MODE, encoded, parent_of, write_all
from wasicheck.judge.run import HarnessOutcome
from wasicheck.vectors.paths import path_text
from wasicheck.vectors.staging import Execute, FileAction, Hold, Put, Release, Remove, Rename, Swap, Symlink

PROGRAM = "sleep"
LONGEST_S = 600
"""When an executed program ends by itself, should the harness be gone: in seconds."""
BETWEEN_SWAPS_S = 50e-6
_PUT = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = _WRITE | os.O_CREAT | os.O_EXCL
_HOLD = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_RENAME_EXCHANGE = 2
_ATTEMPTS = 40
_BETWEEN_ATTEMPTS_S = 0.005


class Files:
    """Does file actions in the tree whose folder is open as `root`; nothing of them goes on after `close`."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._swaps: list[_Swapping] = []
        self._programs: list[_Program] = []
        self._held: dict[PurePosixPath, int] = {}

    def do(self, action: FileAction) -> HarnessOutcome:
        """Do it, at once; what the system refuses is a failure of the harness's."""
        try:
            self._do(action)
        except OSError as error:
            word = type(action).__name__.lower()
            return HarnessOutcome(failure=f"the harness cannot {word} {path_text(action.path)}: {error.strerror}")
        return HarnessOutcome()

    def close(self) -> None:
        """End what goes on, and put back what it has changed: swapped names are where they were, programs are gone."""
        while self._swaps:
            self._swaps.pop().close()
        while self._programs:
            self._programs.pop().close()
        while self._held:
            os.close(self._held.popitem()[1])

    def _do(self, action: FileAction) -> None:
        with parent_of(self._root, action.path) as parent:
            name = encoded(action.path.name)
            match action:
                case Put(data=data):
                    _put(parent, name, data)
                case Remove():
                    _remove(parent, name)
                case Rename(to=to):
                    with parent_of(self._root, to) as other:
                        os.rename(name, encoded(to.name), src_dir_fd=parent, dst_dir_fd=other)
                case Symlink(target=target):
                    os.symlink(encoded(target), name, dir_fd=parent)
                case Execute():
                    self._programs.append(_Program(parent, name))
                case Swap(other=other_path):
                    with parent_of(self._root, other_path) as other:
                        self._swaps.append(_Swapping(parent, name, other, encoded(other_path.name)))
                case Hold(path):
                    if path in self._held:
                        raise OSError(errno.EBUSY, "it is held already")
                    if not stat.S_ISFIFO(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                        raise OSError(errno.EINVAL, "it is no named pipe")
                    self._held[path] = os.open(name, _HOLD, dir_fd=parent)
                case Release(path):
                    if path not in self._held:
                        raise OSError(errno.EBADF, "it is not held")
                    os.close(self._held.pop(path))
                case _:
                    assert_never(action)


def _put(parent: int, name: bytes, data: bytes) -> None:
    """Write a file; one that is there stays the same file."""
    descriptor = os.open(name, _PUT, FILE_MODE, dir_fd=parent)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        os.ftruncate(descriptor, 0)
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _remove(parent: int, name: bytes) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        shutil.rmtree(os.fsdecode(name), dir_fd=parent)
    else:
        os.unlink(name, dir_fd=parent)


class _Program:
    """A copy of a sleeping program, run as a new entry of a directory; taken away at the end, if it is as it was."""

    def __init__(self, parent: int, name: bytes) -> None:
        source = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=os.defpath)
        if source is None:
            raise OSError(errno.ENOENT, f"there is no program `{PROGRAM}` here")
        self._name = name
        with ExitStack() as undo:
            self._parent = os.dup(parent)
            undo.callback(os.close, self._parent)
            with Path(source).open("rb") as original:
                descriptor = os.open(name, _NEW, 0o755, dir_fd=parent)
                undo.callback(os.unlink, name, dir_fd=parent)
                try:
                    os.fchmod(descriptor, 0o755)
                    write_all(descriptor, original.read())
                    self._status = os.fstat(descriptor)
                finally:
                    os.close(descriptor)
            self._process = self._start()
            undo.callback(self._end)
            self._check_busy()
            undo.pop_all()

    def _start(self) -> subprocess.Popen[bytes]:
        """Start it, once no child that another thread has just forked holds it open for writing."""
        file = os.open(self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._parent)
        try:
            for _ in range(_ATTEMPTS):
                try:
                    return _sleeping(file)
                except OSError as error:
                    if error.errno != errno.ETXTBSY:
                        raise
                time.sleep(_BETWEEN_ATTEMPTS_S)
            return _sleeping(file)
        finally:
            os.close(file)

    def _check_busy(self) -> None:
        try:
            os.close(os.open(self._name, _WRITE, dir_fd=self._parent))
        except OSError as error:
            if error.errno == errno.ETXTBSY:
                return
            raise
        raise OSError(errno.EOPNOTSUPP, "a running program can be written here")

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._end()
        with suppress(OSError):
            status = os.stat(self._name, dir_fd=self._parent, follow_symlinks=False)
            if _same(status, self._status):
                os.unlink(self._name, dir_fd=self._parent)
        os.close(self._parent)


def _sleeping(file: int) -> subprocess.Popen[bytes]:
    with FORKING:
        return subprocess.Popen(
            [PROGRAM, str(LONGEST_S)],
            executable=f"/proc/self/fd/{file}",
            pass_fds=(file,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether it is the same file, and nothing has been done to it."""
    keys = ("st_dev", "st_ino", "st_mode", "st_nlink", "st_size", "st_mtime_ns")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


class _Swapping:
    """Exchanges two names in a thread of its own."""

    def __init__(self, parent: int, name: bytes, other_parent: int, other: bytes) -> None:
        _exchange(parent, name, other_parent, other)
        self._odd = True
        self._over = threading.Event()
        self._names = name, other
        self._parents = os.dup(parent), os.dup(other_parent)
        self._thread = threading.Thread(target=self._go_on, name="wasicheck-swap", daemon=True)
        self._thread.start()

    def _go_on(self) -> None:
        while not self._over.is_set():
            self._swap()
            time.sleep(BETWEEN_SWAPS_S)

    def _swap(self) -> None:
        # The guest may have taken a name away, for the time being or for good.
        with suppress(OSError):
            _exchange(self._parents[0], self._names[0], self._parents[1], self._names[1])
            self._odd = not self._odd

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        if self._odd:
            self._swap()
        for parent in self._parents:
            os.close(parent)


def _exchange(parent: int, name: bytes, other_parent: int, other: bytes) -> None:
    """Exchange two names by `renameat2`; OSError."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        raise OSError(errno.ENOSYS, "there is no renameat2 here") from None
    if renameat2(parent, name, other_parent, other, _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
