"""The surroundings of a guest: everything that `given:` can say, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePosixPath

from wasicheck.values import Pattern

IpAddress = IPv4Address | IPv6Address


# --- standard streams ----------------------------------------------------------------------------------


class Source(StrEnum):
    """What the host's stdin is."""

    CONTROL = "control"
    """The harness's own channel for acknowledgements; not for the vector to read."""
    NULL = "null"
    """Nothing to read, at end of file."""
    BYTES = "bytes"
    """A pipe with given bytes, then end of file."""
    PIPE = "pipe"
    """A pipe that stays open, fed and closed by harness steps."""
    FILE = "file"
    """A regular file with given bytes."""
    CLOSED = "closed"
    """No descriptor 0 at all."""
    DIRECTORY = "directory"
    """A directory: reading it fails with EISDIR."""
    WRITE_ONLY = "write-only"
    """A descriptor that is open for writing only: reading it fails with EBADF."""
    TERMINAL = "terminal"
    """A pseudo-terminal in raw mode, fed by harness steps."""


class Sink(StrEnum):
    """What the host's stdout or stderr is."""

    PIPE = "pipe"
    """A pipe that the harness reads."""
    UNREAD = "unread"
    """A pipe that nobody reads before a `drain` step."""
    BROKEN = "broken"
    """A pipe whose reader is gone: writing fails with EPIPE."""
    FULL = "full"
    """`/dev/full`: writing fails with ENOSPC."""
    FILE = "file"
    """A regular file."""
    READ_ONLY = "read-only"
    """A descriptor that is open for reading only: writing fails with EBADF."""
    CLOSED = "closed"
    """No descriptor at all."""
    TERMINAL = "terminal"
    """A pseudo-terminal in raw mode that the harness reads."""


@dataclass(frozen=True)
class Stdin:
    """What the host's stdin is, and the bytes in it (for `bytes` and `file`)."""

    source: Source
    data: bytes = b""


# --- trees ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tmpfs:
    """A file system in memory of its own: `size` in bytes, `inodes` as a number; None: no limit."""

    size: int | None = None
    inodes: int | None = None


@dataclass(frozen=True)
class ReadOnly:
    """A bind mount of what is there, read-only once it has been filled."""


@dataclass(frozen=True)
class Itself:
    """A bind mount of what is there: a mount point, which is busy."""


Mount = Tmpfs | ReadOnly | Itself


@dataclass(frozen=True)
class RegularFile:
    """A regular file; `size` above the length of `data` leaves a hole behind it.

    `modified` and `accessed` are in nanoseconds since the epoch; None: the time of making.
    """

    data: bytes = b""
    size: int | None = None
    mode: int | None = None
    modified: int | None = None
    accessed: int | None = None
    mount: Itself | None = None


@dataclass(frozen=True)
class Directory:
    """A directory; `files` is how many empty files named `f00000`, `f00001` … are put into it."""

    mode: int | None = None
    modified: int | None = None
    mount: Mount | None = None
    files: int = 0


@dataclass(frozen=True)
class SymbolicLink:
    """A symbolic link with any text as its target."""

    target: str


@dataclass(frozen=True)
class HardLink:
    """A further name of a file of the tree."""

    target: PurePosixPath


@dataclass(frozen=True)
class Fifo:
    """A named pipe."""


@dataclass(frozen=True)
class UnixSocket:
    """The name of a bound socket of the family AF_UNIX."""


class DeviceKind(StrEnum):
    """What a device is, as `descriptor-type` of wasi:filesystem/types has it."""

    BLOCK = "block-device"
    CHARACTER = "character-device"


@dataclass(frozen=True)
class Device:
    """A device of the machine, seen at this path as well; a character device is `/dev/null`."""

    kind: DeviceKind


Content = RegularFile | Directory | SymbolicLink | HardLink | Fifo | UnixSocket | Device


@dataclass(frozen=True)
class TreeEntry:
    """Something in a tree; bytes of a path that are not UTF-8 are surrogates, as in `os.fsdecode`."""

    path: PurePosixPath
    content: Content


@dataclass(frozen=True)
class Preopen:
    """A directory of the tree given to the guest under `name`."""

    name: str
    folder: PurePosixPath


class EntryKind(StrEnum):
    """What an entry of a tree is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    FIFO = "fifo"
    SOCKET = "socket"
    BLOCK_DEVICE = "block-device"
    CHARACTER_DEVICE = "character-device"
    OTHER = "other"


@dataclass(frozen=True)
class Absent:
    """Nothing is at the path."""


@dataclass(frozen=True)
class Anything:
    """The path and all that is beneath are not compared."""


@dataclass(frozen=True)
class AnythingBeneath:
    """All that is beneath the path is not compared; the directory at the path itself is."""


@dataclass(frozen=True)
class Present:
    """An entry of that kind is at the path; what is None is not compared.

    `data` is a pattern over the bytes of a file, `size` over their number (`u64`), `modified` and `accessed` over
    nanoseconds since the epoch (`s64`); `same_as` is another name of the same file.
    """

    kind: EntryKind
    data: Pattern | None = None
    size: Pattern | None = None
    target: str | None = None
    mode: int | None = None
    modified: Pattern | None = None
    accessed: Pattern | None = None
    links: int | None = None
    same_as: PurePosixPath | None = None


# --- peers ---------------------------------------------------------------------------------------------


class Family(StrEnum):
    """`ip-address-family` of wasi:sockets/types."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class PeerKind(StrEnum):
    """What a peer is."""

    TCP_LISTENER = "tcp-listener"
    """Listens."""
    TCP_FULL = "tcp-full"
    """Listens, but its accept queue is full: connecting to it neither succeeds nor fails."""
    TCP_CLOSED = "tcp-closed"
    """Holds a port that nobody listens on: connecting to it is refused."""
    TCP_CLIENT = "tcp-client"
    """A bound socket that connects to the guest when it is told to."""
    UDP = "udp"
    """A bound datagram socket."""
    UDP_CLOSED = "udp-closed"
    """Holds a port at which no datagram is taken: each is answered with ICMP port unreachable."""


class Certificate(StrEnum):
    """The certificate of a listener that speaks TLS; nobody trusts the issuer, but a host that is told to (`trust`)."""

    VALID = "valid"
    """Nothing else is wrong with it."""
    SELF_SIGNED = "self-signed"
    """Its issuer is another one, whom no host is ever told to trust."""
    EXPIRED = "expired"
    """Its validity has ended."""
    WRONG_NAME = "wrong-name"
    """It is for another name than the address or `localhost`."""


@dataclass(frozen=True)
class Peer:
    """A socket of the harness, bound before the guest starts.

    `port` 0 is one of the system's choice; `backlog` the length of a listener's queue; `receive_buffer` is
    SO_RCVBUF in bytes (None: as the system has it); `tls` is the certificate of a listener whose connections speak TLS.
    """

    name: str
    kind: PeerKind
    family: Family
    address: IpAddress
    port: int = 0
    backlog: int = 128
    receive_buffer: int | None = None
    tls: Certificate | None = None


# --- scenes --------------------------------------------------------------------------------------------


class Subject(StrEnum):
    """What a system call has to be about for an injected error."""

    TREE = "tree"
    """A file beneath a preopened directory, by descriptor or by path; the directory itself by descriptor only."""
    SOCKETS = "sockets"
    """A descriptor that is a socket."""
    ANY = "any"
    """Anything, what the host does for itself included."""


@dataclass(frozen=True)
class Injection:
    """A system call of the host that fails with `error` (`EIO`) if it is about that subject.

    `argument`: only if that argument, counted from 0, `equals` the number. `times`: only so often (None: always).
    """

    call: str
    error: str
    on: Subject
    argument: int | None = None
    equals: int = 0
    times: int | None = None


@dataclass(frozen=True)
class Network:
    """A network namespace of the host's own, with nothing but loopback and what is said here.

    `addresses` are added to the loopback interface, with their prefix length (`10.1.0.1/32`); `unreachable` and
    `prohibit` are destinations of routes of that type; `ports` is the range of ephemeral ports; `flow_labels` says
    whether the system gives flows of IPv6 labels of its own.
    """

    addresses: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()
    prohibit: tuple[str, ...] = ()
    ports: tuple[int, int] | None = None
    privileged_below: int | None = None
    syn_retries: int | None = None
    retries: int | None = None
    flow_labels: bool | None = None


class Refusal(StrEnum):
    """How a name server does not answer a question."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    NOTIMP = "notimp"
    SILENT = "silent"


@dataclass(frozen=True)
class Answer:
    """What the name server answers for a name."""

    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()


@dataclass(frozen=True)
class NameService:
    """Where the host's names come from: a hosts file, then a name server of the harness (any other: NXDOMAIN).

    `broken`: from neither, but from a service that is not installed, so that the system fails to look anything up.
    """

    hosts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    zone: tuple[tuple[str, Answer | Refusal], ...] = ()
    broken: bool = False


@dataclass(frozen=True)
class Environment:
    """The surroundings of a guest."""

    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None
    stdin: Stdin = Stdin(Source.NULL)
    stdout: Sink = Sink.PIPE
    stderr: Sink = Sink.PIPE
    tree: tuple[TreeEntry, ...] = ()
    """What lies in the fresh folder, parents before what is in them."""
    preopens: tuple[Preopen, ...] = ()
    network: bool = False
    trust: bool = False
    """Whether the host is told to trust the issuer of the peers' certificates."""
    shared: bool = False
    """Whether a host that serves may use an instance for more than one request."""
    peers: tuple[Peer, ...] = ()
    descriptors: int | None = None
    """RLIMIT_NOFILE of the host process."""
    file_size: int | None = None
    """RLIMIT_FSIZE of the host process in bytes."""
    ordinary_user: bool = False
    """Whether the host must not run as root; the tree then belongs to the user it runs as."""
    injections: tuple[Injection, ...] = ()
    net: Network | None = None
    names: NameService | None = None
    host_env: tuple[tuple[str, str], ...] = ()
    """Variables of the host process itself (`TZ`), not granted to the guest."""
    features: tuple[str, ...] = ()
    """Unstable WIT features the host must switch on (`clocks-timezone`)."""

    @property
    def staged(self) -> bool:
        """Whether the host needs more than its own process, files and sockets: namespaces, limits, a filter."""
        contents = [entry.content for entry in self.tree]
        mounted = any(isinstance(one, Device) or getattr(one, "mount", None) is not None for one in contents)
        limited = self.ordinary_user or self.file_size is not None or bool(self.injections)
        return mounted or limited or self.net is not None or self.names is not None
