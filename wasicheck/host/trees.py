"""Trees on disk: fixtures made before the run, and what lies there then and after it.

Everything is done relative to descriptors of directories, name by name, so that no symbolic link is ever followed and
no path is too long.
"""

from __future__ import annotations

import errno
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import assert_never

from wasicheck.host.sandbox import SceneError, SceneUnavailableError
from wasicheck.judge.run import SeenEntry, Tree
from wasicheck.vectors.paths import path_text
from wasicheck.vectors.surroundings import (
    Device,
    Directory,
    EntryKind,
    Fifo,
    HardLink,
    RegularFile,
    SymbolicLink,
    TreeEntry,
    UnixSocket,
)

DIRECTORY_MODE = 0o755
FILE_MODE = 0o644
"""Modes of what is given none, whatever the umask of this process."""

KEPT = 1 << 20
"""Bytes of a file up to which a snapshot keeps its content."""
SUMMED = 256 << 20
"""Bytes of a file up to which a snapshot has its checksum."""
KEPT_IN_ALL = 64 << 20
SUMMED_IN_ALL = 1 << 30
MOST_ENTRIES = 250_000
DEEPEST = 100
_BLOCK = 1 << 20

_WALK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_QUIETLY = getattr(os, "O_NOATIME", 0)
"""Reading leaves the time of access as it is; for the owner of a file only."""
_INCAPABLE = (errno.EFBIG, errno.EILSEQ, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
"""What a file system, or a user without privileges, answers to what it is not able to do."""

_KINDS = {
    stat.S_IFREG: EntryKind.FILE,
    stat.S_IFDIR: EntryKind.DIRECTORY,
    stat.S_IFLNK: EntryKind.SYMLINK,
    stat.S_IFIFO: EntryKind.FIFO,
    stat.S_IFSOCK: EntryKind.SOCKET,
    stat.S_IFBLK: EntryKind.BLOCK_DEVICE,
    stat.S_IFCHR: EntryKind.CHARACTER_DEVICE,
}


def encoded(text: str) -> bytes:
    """A name or target as the system has it, whatever the locale."""
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def parent_of(root: int, path: PurePosixPath) -> Iterator[int]:
    """Open the directory that holds a path of the tree, following no link; OSError if it is not there."""
    descriptor = os.open(".", _WALK, dir_fd=root)
    try:
        for part in path.parts[:-1]:
            inner = os.open(encoded(part), _WALK, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


# --- fixtures ------------------------------------------------------------------------------------------


def furnish(root: int, entries: Sequence[TreeEntry], owner: int | None = None) -> None:
    """Make the entries in the directory `root`, parents before what is in them, and give them to the user `owner`.

    Directories that are there already, such as mount points, are taken as they are; devices have to be there. Raises
    SceneUnavailableError for what the file system or the user is not able to do, SceneError for any other failure.
    """
    maker = _Maker(root, owner)
    try:
        for entry in entries:
            with _telling(entry.path):
                maker.make(entry)
        # Directories get their modes and times when all is in them.
        for entry in reversed(entries):
            if isinstance(entry.content, Directory):
                with _telling(entry.path):
                    maker.finish_directory(entry.path, entry.content)
    finally:
        maker.close()


@contextmanager
def _telling(path: PurePosixPath) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = SceneUnavailableError if error.errno in _INCAPABLE else SceneError
        raise kind(f"the fixture {path_text(path)} cannot be made: {error.strerror}") from None


class _Maker:
    """Makes one entry after the other; keeps the directory that the last one was in."""

    def __init__(self, root: int, owner: int | None) -> None:
        self._root = root
        self._owner = owner
        self._folder = PurePosixPath()
        self._descriptor = os.open(".", _WALK, dir_fd=root)

    def close(self) -> None:
        os.close(self._descriptor)

    def make(self, entry: TreeEntry) -> None:
        parent = self._enter(entry.path.parent)
        name = encoded(entry.path.name) or b"."
        content = entry.content
        match content:
            case RegularFile():
                self._make_file(parent, name, content)
                return
            case Device():
                _check_device(parent, name, content)
                return
            case Directory():
                self._make_directory(parent, name, content)
            case SymbolicLink(target):
                os.symlink(encoded(target), name, dir_fd=parent)
            case HardLink(target):
                with parent_of(self._root, target) as source:
                    os.link(encoded(target.name), name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
            case Fifo():
                os.mkfifo(name, FILE_MODE, dir_fd=parent)
                os.chmod(name, FILE_MODE, dir_fd=parent)
            case UnixSocket():
                # What bind() makes, without its limit of 108 bytes.
                os.mknod(name, stat.S_IFSOCK | FILE_MODE, dir_fd=parent)
                os.chmod(name, FILE_MODE, dir_fd=parent)
            case _:
                assert_never(content)
        if self._owner is not None:
            os.chown(name, self._owner, -1, dir_fd=parent, follow_symlinks=False)

    def finish_directory(self, path: PurePosixPath, content: Directory) -> None:
        parent, name = self._enter(path.parent), encoded(path.name) or b"."
        os.chmod(name, DIRECTORY_MODE if content.mode is None else content.mode, dir_fd=parent)
        if content.modified is not None:
            accessed = os.stat(name, dir_fd=parent).st_atime_ns
            os.utime(name, ns=(accessed, content.modified), dir_fd=parent)
            _check_time(os.stat(name, dir_fd=parent).st_mtime_ns, content.modified)

    def _enter(self, folder: PurePosixPath) -> int:
        """Return a descriptor of a directory made before; valid until the next call."""
        if folder != self._folder:
            with parent_of(self._root, folder) as parent:
                descriptor = os.open(encoded(folder.name) or b".", _WALK, dir_fd=parent)
            os.close(self._descriptor)
            self._folder, self._descriptor = folder, descriptor
        return self._descriptor

    def _make_file(self, parent: int, name: bytes, content: RegularFile) -> None:
        descriptor = os.open(name, _NEW, 0o600, dir_fd=parent)
        try:
            write_all(descriptor, content.data)
            if content.size is not None:
                os.ftruncate(descriptor, content.size)
            if self._owner is not None:
                os.fchown(descriptor, self._owner, -1)
            # Behind fchown, which takes set-user-ID away.
            os.fchmod(descriptor, FILE_MODE if content.mode is None else content.mode)
            if content.modified is not None or content.accessed is not None:
                made = os.fstat(descriptor)
                accessed = made.st_atime_ns if content.accessed is None else content.accessed
                modified = made.st_mtime_ns if content.modified is None else content.modified
                os.utime(descriptor, ns=(accessed, modified))
                kept = os.fstat(descriptor)
                _check_time(kept.st_atime_ns, accessed)
                _check_time(kept.st_mtime_ns, modified)
        finally:
            os.close(descriptor)

    def _make_directory(self, parent: int, name: bytes, content: Directory) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                raise
        if not content.files:
            return
        folder = os.open(name, _WALK, dir_fd=parent)
        try:
            for number in range(content.files):
                numbered = b"f%05d" % number
                file = os.open(numbered, _NEW, FILE_MODE, dir_fd=folder)
                try:
                    os.fchmod(file, FILE_MODE)
                    if self._owner is not None:
                        os.fchown(file, self._owner, -1)
                finally:
                    os.close(file)
        finally:
            os.close(folder)


def _check_device(parent: int, name: bytes, content: Device) -> None:
    """Refuse to go on without a device, which only the launcher of a scene can have put there."""
    kind = stat.S_IFMT(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    if _KINDS.get(kind) != content.kind.value:
        raise SceneError(f"what should be a {content.kind} is none")


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes to a file; OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _check_time(kept: int, asked: int) -> None:
    if kept != asked:
        raise SceneUnavailableError(f"the file system here cannot keep the time {asked} ns, but {kept} ns")


# --- snapshots -----------------------------------------------------------------------------------------


def snapshot(root: int) -> Tree:
    """Look at all that lies in the directory `root`, and change none of it, times of access included.

    A file's content is kept up to `KEPT` bytes, its checksum up to `SUMMED`, as long as all of them together are not
    more than `KEPT_IN_ALL` and `SUMMED_IN_ALL`. What may not be read is seen, but not its content. Raises SceneError
    for a tree that is too large or too deep, and where it cannot be looked at.
    """
    try:
        return _Snapshot(root).seen
    except OSError as error:
        raise SceneError(f"the tree cannot be looked at: {error.strerror}") from None


class _Snapshot:
    """One look at a tree."""

    def __init__(self, root: int) -> None:
        self.seen: dict[PurePosixPath, SeenEntry] = {}
        self._linked: dict[tuple[int, int], tuple[bytes | None, int | None]] = {}
        self._kept = 0
        self._summed = 0
        self._look(_open_quietly(b".", _LIST, root), PurePosixPath(), 0)

    def _look(self, folder: int, path: PurePosixPath, depth: int) -> None:
        """Add what is in an open directory, and close it."""
        try:
            if depth > DEEPEST:
                raise SceneError(f"the tree is more than {DEEPEST} directories deep: {path_text(path)[:200]}")
            with os.scandir(folder) as listing:
                names = [os.fsencode(entry.name) for entry in listing]
            if len(self.seen) + len(names) > MOST_ENTRIES:
                raise SceneError(f"the tree has more than {MOST_ENTRIES} entries")
            for name in names:
                # What a process left behind by the host removes meanwhile is not there.
                with suppress(FileNotFoundError):
                    self._add(folder, name, path / name.decode("utf-8", "surrogateescape"), depth)
        finally:
            os.close(folder)

    def _add(self, folder: int, name: bytes, path: PurePosixPath, depth: int) -> None:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), EntryKind.OTHER)
        content, crc32 = self._content(folder, name, status) if kind is EntryKind.FILE else (None, None)
        target: str | None = None
        if kind is EntryKind.SYMLINK:
            target = _read_link(folder, name, status)
        self.seen[path] = SeenEntry(
            kind=kind,
            mode=stat.S_IMODE(status.st_mode),
            size=status.st_size,
            links=status.st_nlink,
            modified=status.st_mtime_ns,
            accessed=status.st_atime_ns,
            identity=(status.st_dev, status.st_ino),
            content=content,
            crc32=crc32,
            target=target,
        )
        if kind is EntryKind.DIRECTORY:
            with suppress(PermissionError):
                self._look(_open_quietly(name, _LIST, folder), path, depth + 1)

    def _content(self, folder: int, name: bytes, status: os.stat_result) -> tuple[bytes | None, int | None]:
        """The content or the checksum of a file, as far as there is room for it."""
        if status.st_size == 0:
            return b"", None
        identity = status.st_dev, status.st_ino
        if identity in self._linked:
            return self._linked[identity]
        found: tuple[bytes | None, int | None] = None, None
        with suppress(PermissionError):
            if status.st_size <= min(KEPT, KEPT_IN_ALL - self._kept):
                found = _read(folder, name, status.st_size), None
                self._kept += status.st_size
            elif status.st_size <= min(SUMMED, SUMMED_IN_ALL - self._summed):
                found = None, _checksum(folder, name, status.st_size)
                self._summed += status.st_size
        if status.st_nlink > 1:
            self._linked[identity] = found
        return found


def _read_link(folder: int, name: bytes, status: os.stat_result) -> str:
    """The target of a link, whose time of access reading has changed, and is put back."""
    target = os.readlink(name, dir_fd=folder)
    try:
        times = (status.st_atime_ns, status.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        # On a read-only file system reading has changed nothing.
        if error.errno not in (errno.EPERM, errno.EACCES, errno.EROFS):
            raise
    return target.decode("utf-8", "surrogateescape")


def _read(folder: int, name: bytes, size: int) -> bytes:
    with open(_open_quietly(name, _READ, folder), "rb", buffering=0) as file:
        pieces: list[bytes] = []
        while size > 0 and (piece := file.read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


def _checksum(folder: int, name: bytes, size: int) -> int:
    crc32 = 0
    room = memoryview(bytearray(_BLOCK))
    with open(_open_quietly(name, _READ, folder), "rb", buffering=0) as file:
        while size > 0 and (length := file.readinto(room)):
            crc32 = zlib.crc32(room[:length], crc32)
            size -= length
    return crc32


def _open_quietly(name: bytes, flags: int, folder: int) -> int:
    """Open without a trace in the time of access where that is allowed; OSError."""
    try:
        return os.open(name, flags | _QUIETLY, dir_fd=folder)
    except PermissionError:
        return os.open(name, flags, dir_fd=folder)
