"""The system calls and errors of Linux, by name: what `given.errno` can make fail, and with what.

Numbers are those of the kernel's user-space interface, which never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

MACHINES = ("x86_64", "aarch64")
"""The machines whose system calls are known, as `platform.machine()` names them."""


@dataclass(frozen=True)
class SystemCall:
    """A system call: its numbers by machine (None: not there), and the arguments that say which file it is about.

    `descriptors` are arguments (counted from 0) that are descriptors; `paths` are pairs of arguments, a directory's
    descriptor (None: the working directory) and the address of a path.
    """

    name: str
    numbers: tuple[int | None, int | None]
    descriptors: tuple[int, ...] = ()
    paths: tuple[tuple[int | None, int], ...] = ()
    about_sockets: bool = False
    """Whether its descriptor can only be a socket."""

    def number(self, machine: str) -> int | None:
        """Return its number on one of `MACHINES`, or None if it is not there."""
        return self.numbers[MACHINES.index(machine)]

    @property
    def about_files(self) -> bool:
        """Whether it can be about a file."""
        return bool(self.descriptors or self.paths) and not self.about_sockets


_ONE_DESCRIPTOR = """
read 0 63        write 1 64       readv 19 65       writev 20 66      pread64 17 67    pwrite64 18 68
preadv 295 69    pwritev 296 70   preadv2 327 286   pwritev2 328 287  ftruncate 77 46  fallocate 285 47
fadvise64 221 223  fsync 74 82    fdatasync 75 83   sync_file_range 277 84             lseek 8 62
fstat 5 80       fstatfs 138 44   getdents 78 -     getdents64 217 61 close 3 57       fchmod 91 52
fcntl 72 25      flock 73 32      ioctl 16 29       dup 32 23         dup3 292 24
"""
_ONE_SOCKET = """
bind 49 200      listen 50 201    accept 43 202     accept4 288 242   connect 42 203   shutdown 48 210
getsockname 51 204  getpeername 52 205  setsockopt 54 208  getsockopt 55 209  sendto 44 206  recvfrom 45 207
sendmsg 46 211   recvmsg 47 212   sendmmsg 307 269  recvmmsg 299 243
"""
_ONE_PATH = """
truncate 76 45   stat 4 -         lstat 6 -         statfs 137 43     open 2 -         creat 85 -
mkdir 83 -       rmdir 84 -       unlink 87 -       readlink 89 -     utime 132 -      utimes 235 -
chmod 90 -       access 21 -      mknod 133 -
"""
_DIRECTORY_AND_PATH = """
newfstatat 262 79  statx 332 291  openat 257 56     openat2 437 437   mkdirat 258 34   unlinkat 263 35
readlinkat 267 78  utimensat 280 88  futimesat 261 -  fchmodat 268 53 faccessat 269 48 faccessat2 439 439
mknodat 259 33
"""
_NEITHER = """
socket 41 198    socketpair 53 199  clock_gettime 228 113  clock_getres 229 114  clock_nanosleep 230 115
nanosleep 35 101  gettimeofday 96 169  getrandom 318 278   mmap 9 222       mremap 25 216    munmap 11 215
mprotect 10 226  madvise 28 233   pipe2 293 59      eventfd2 290 19   epoll_create1 291 20
epoll_ctl 233 21 epoll_wait 232 - epoll_pwait 281 22  poll 7 -        ppoll 271 73     select 23 -
pselect6 270 72  timerfd_create 283 85  timerfd_settime 286 86  clone 56 220  clone3 435 435
io_uring_setup 425 425  getcwd 79 17  chdir 80 49  uname 63 160  sysinfo 99 179
"""


def _rows(table: str) -> Iterator[tuple[str, tuple[int | None, int | None]]]:
    words = iter(table.split())
    for name, here, there in zip(words, words, words, strict=True):
        yield name, (int(here), None if there == "-" else int(there))


def _calls() -> Iterator[SystemCall]:
    for name, numbers in _rows(_ONE_DESCRIPTOR):
        yield SystemCall(name, numbers, descriptors=(0,))
    for name, numbers in _rows(_ONE_SOCKET):
        yield SystemCall(name, numbers, descriptors=(0,), about_sockets=True)
    for name, numbers in _rows(_ONE_PATH):
        yield SystemCall(name, numbers, paths=((None, 0),))
    for name, numbers in _rows(_DIRECTORY_AND_PATH):
        yield SystemCall(name, numbers, paths=((0, 1),))
    for name, numbers in _rows(_NEITHER):
        yield SystemCall(name, numbers)
    yield SystemCall("sendfile", (40, 71), descriptors=(0, 1))
    yield SystemCall("splice", (275, 76), descriptors=(0, 2))
    yield SystemCall("copy_file_range", (326, 285), descriptors=(0, 2))
    yield SystemCall("rename", (82, None), paths=((None, 0), (None, 1)))
    yield SystemCall("renameat", (264, 38), paths=((0, 1), (2, 3)))
    yield SystemCall("renameat2", (316, 276), paths=((0, 1), (2, 3)))
    yield SystemCall("link", (86, None), paths=((None, 0), (None, 1)))
    yield SystemCall("linkat", (265, 37), paths=((0, 1), (2, 3)))
    # The first path of these is the text of the link, which need not be the path of anything.
    yield SystemCall("symlink", (88, None), paths=((None, 1),))
    yield SystemCall("symlinkat", (266, 36), paths=((1, 2),))


SYSTEM_CALLS: Mapping[str, SystemCall] = MappingProxyType({call.name: call for call in _calls()})

_ERRORS = """
EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV
ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK
ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM ENOSTR ENODATA ETIME ENOSR ENONET EREMOTE ENOLINK ECOMM EPROTO
EMULTIHOP EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG EILSEQ EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED
EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM
EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL
"""
ERRORS = tuple(_ERRORS.split())
"""Names of errors that Python's `errno` knows on Linux."""
