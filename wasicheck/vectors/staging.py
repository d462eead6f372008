"""What the harness does in the course of a run, as data: the actions of `harness` and `peer` steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from wasicheck.values import Argument


class Stdio(StrEnum):
    """A standard stream of the host process."""

    STDIN = "stdin"
    STDOUT = "stdout"
    STDERR = "stderr"


# --- standard streams ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Feed:
    """Write bytes to the host's stdin (or to its terminal)."""

    data: bytes


@dataclass(frozen=True)
class Close:
    """Close the harness's end of a standard stream."""

    stream: Stdio


@dataclass(frozen=True)
class Drain:
    """Begin to read an output that was given as `unread`."""

    stream: Stdio


@dataclass(frozen=True)
class Receive:
    """Wait until the host's output so far has at least `length` bytes; yields those bytes (`list<u8>`)."""

    stream: Stdio
    length: int


@dataclass(frozen=True)
class Pause:
    """Let wall-clock time pass: `duration` nanoseconds."""

    duration: int


StreamAction = Feed | Close | Drain | Receive


# --- files ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Put:
    """Write a regular file of the tree, anew or over what was there."""

    path: PurePosixPath
    data: bytes


@dataclass(frozen=True)
class Remove:
    """Remove a file, or a directory with all that is in it."""

    path: PurePosixPath


@dataclass(frozen=True)
class Rename:
    """Rename an entry of the tree."""

    path: PurePosixPath
    to: PurePosixPath


@dataclass(frozen=True)
class Symlink:
    """Make a symbolic link."""

    path: PurePosixPath
    target: str


@dataclass(frozen=True)
class Execute:
    """Put a program there and run it until the end of the run: its file is busy."""

    path: PurePosixPath


@dataclass(frozen=True)
class Swap:
    """Exchange two names again and again in the background, until the end of the run."""

    path: PurePosixPath
    other: PurePosixPath


@dataclass(frozen=True)
class Hold:
    """Hold a named pipe open for reading and writing until it is released, or until the end of the run."""

    path: PurePosixPath


@dataclass(frozen=True)
class Release:
    """Close what was held open."""

    path: PurePosixPath


FileAction = Put | Remove | Rename | Symlink | Execute | Swap | Hold | Release


# --- peers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Introduce:
    """Tell the guest the peers' addresses; yields a record with one field for each peer."""


@dataclass(frozen=True)
class Accept:
    """Take the next connection of a listener, and call it `connection`; yields its other side's address."""

    peer: str
    connection: str


@dataclass(frozen=True)
class Handshake:
    """Do the TLS handshake of an accepted connection; yields `result<_, string>` with the name of an alert or error."""

    peer: str


@dataclass(frozen=True)
class Connect:
    """Connect a client to an address of the guest; yields `result<_, string>` with the name of an errno.

    `to` None: to where the host serves.
    """

    peer: str
    to: Argument | None


@dataclass(frozen=True)
class Send:
    """Send bytes over a connection, all of them, `chunk` at a time; yields `result<_, string>`."""

    peer: str
    data: bytes
    chunk: int | None = None


@dataclass(frozen=True)
class SendDatagram:
    """Send one datagram to an address; yields `result<_, string>`."""

    peer: str
    data: bytes
    to: Argument


@dataclass(frozen=True)
class ReceiveBytes:
    """Receive `length` bytes of a connection, or (None) all until its end; `digest`: keep length and checksum only."""

    peer: str
    length: int | None
    digest: bool


@dataclass(frozen=True)
class ReceiveRequest:
    """Receive the head of an HTTP/1.1 request over a connection."""

    peer: str


@dataclass(frozen=True)
class ReceiveResponse:
    """Receive the head of an HTTP/1.1 response, informational ones too; `method` is that of the request it answers."""

    peer: str
    method: str = "GET"


@dataclass(frozen=True)
class ReceiveBody:
    """Receive the body that belongs to the last head, with its trailers; `digest` as for `ReceiveBytes`."""

    peer: str
    digest: bool


@dataclass(frozen=True)
class ReceiveDatagram:
    """Receive one datagram; yields `record { data: list<u8>, from: ip-socket-address }`.

    And, where asked for, its `hop-limit: u8` and its `flow-label: u32` (20 bits, 0: none).
    """

    peer: str
    hop_limit: bool = False
    flow_label: bool = False


class Direction(StrEnum):
    """What `shutdown` ends."""

    READ = "read"
    WRITE = "write"
    BOTH = "both"


@dataclass(frozen=True)
class Shutdown:
    """Shut a connection down, in one direction or both."""

    peer: str
    direction: Direction


@dataclass(frozen=True)
class Hangup:
    """Close a socket; `reset`: with a RST in place of a FIN (SO_LINGER of 0)."""

    peer: str
    reset: bool


@dataclass(frozen=True)
class Inspect:
    """Look at the options of a socket of the guest; yields them as a record.

    It is the one at the other side of the connection, or that of the same kind as the peer's that is bound to `at`.
    """

    peer: str
    at: Argument | None = None


PeerAction = (
    Introduce
    | Accept
    | Handshake
    | Connect
    | Send
    | SendDatagram
    | ReceiveBytes
    | ReceiveRequest
    | ReceiveResponse
    | ReceiveBody
    | ReceiveDatagram
    | Shutdown
    | Hangup
    | Inspect
)


# --- all of them ---------------------------------------------------------------------------------------

HarnessAction = StreamAction | Pause | FileAction | PeerAction


@dataclass(frozen=True)
class Harness:
    """Something the harness does when the guest gets here.

    `acknowledge`: the guest waits until it is done (for a byte on stdin). Without it the guest goes on at once.
    """

    action: HarnessAction
    acknowledge: bool
    opening: bool = False
    """Whether it is done as soon as the host serves, before the guest is called."""
    after: str | None = None
    """The peer or connection whose steps before this one have to be done as well; of a step of a peer."""

    @property
    def argument(self) -> Argument | None:
        """What the guest tells the harness when it gets here."""
        match self.action:
            case Connect(to=argument) | SendDatagram(to=argument) | Inspect(at=argument):
                return argument
            case _:
                return None

    @property
    def delivers(self) -> bool:
        """Whether the guest gets what the step yields, in place of a mere acknowledgement."""
        return isinstance(self.action, Introduce)
