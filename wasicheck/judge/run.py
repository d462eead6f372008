"""What the harness saw of one run of a guest, before anything is lifted or judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import assert_never

from wasicheck.guest.frames import Frame
from wasicheck.values import Value
from wasicheck.vectors.surroundings import EntryKind


class ExitReason(StrEnum):
    """How the host process came to its end."""

    EXITED = "exited"
    SIGNALED = "signaled"
    """By a signal that the harness did not send."""
    STOPPED = "stopped"
    """By the harness, when a host that serves had nothing more to show."""
    DEADLINE = "deadline"
    """Killed by the harness at the outer deadline."""


@dataclass(frozen=True)
class Exit:
    """The end of the host process; `code` is its exit status, or the number of the signal."""

    reason: ExitReason
    code: int

    def __str__(self) -> str:
        match self.reason:
            case ExitReason.EXITED:
                return f"exit status {self.code}"
            case ExitReason.SIGNALED:
                return f"died of signal {self.code}"
            case ExitReason.STOPPED:
                return "stopped by the harness"
            case ExitReason.DEADLINE:
                return "killed at the deadline"
            case _:
                assert_never(self.reason)


@dataclass(frozen=True)
class HarnessOutcome:
    """What became of a harness step: what it yields, or why it could not be done.

    `waited`: it waited for something that the host or the guest did not do. `unmet`: what it needs is not there, as an
    earlier step went otherwise. Any other failure is the harness's. `late`: it was seen only after the guest had ended,
    which may be all that brought it about.
    """

    value: Value | None = None
    failure: str | None = None
    waited: bool = False
    unmet: bool = False
    late: bool = False


@dataclass(frozen=True)
class SeenEntry:
    """An entry of the tree on disk; times in nanoseconds since the epoch, `identity` the same for all names of a file.

    `content` is None where the entry is no file, or a file of which only `crc32` and `size` were kept (both None where
    it is too large to be read).
    """

    kind: EntryKind
    mode: int
    size: int
    links: int
    modified: int
    accessed: int
    identity: tuple[int, int]
    content: bytes | None = None
    crc32: int | None = None
    target: str | None = None


Tree = Mapping[PurePosixPath, SeenEntry]
"""What lies in a tree, the folder itself left out."""


@dataclass(frozen=True)
class Run:
    """One run: frames in order, what else the host printed, and how it ended.

    `stdout` and `stderr` are what came out of those streams with the frames taken out, cut at the output limit
    (`truncated` names the streams that were); `anomalies` are damaged or unexpected frames, in words;
    `failure` is set when the harness could not set the scene (the host then may not have started at all).
    """

    frames: tuple[Frame, ...]
    anomalies: tuple[str, ...]
    exit: Exit
    stdout: bytes
    stderr: bytes
    truncated: tuple[str, ...] = ()
    harness: Mapping[int, HarnessOutcome] = field(default_factory=dict)
    duration_s: float = 0.0
    failure: str | None = None
    unavailable: str | None = None
    """Why this machine cannot stage the surroundings; the host was not started."""
    command: tuple[str, ...] = ()
    before: Tree = field(default_factory=dict)
    after: Tree = field(default_factory=dict)
    """The tree on disk before the start and after the end; both empty where there is none."""
    unreached: tuple[str, ...] = ()
    """The system calls that were to fail, as `openat: EIO`, if the host made none of them; empty if it made one."""
