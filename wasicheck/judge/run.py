"""What the harness saw of one run of a guest, before anything is lifted or judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from wasicheck.guest.frames import Frame


class ExitReason(StrEnum):
    """How the host process came to its end."""

    EXITED = "exited"
    SIGNALED = "signaled"
    """By a signal that the harness did not send."""
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
            case ExitReason.DEADLINE:
                return "killed at the deadline"
            case _:
                assert_never(self.reason)


@dataclass(frozen=True)
class HarnessOutcome:
    """What became of a harness step: `data` is what a `Receive` saw; `failure` why it could not be done.

    Both: the host did not let out what the step waited for. A failure alone is the harness's.
    """

    data: bytes | None = None
    failure: str | None = None


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
    command: tuple[str, ...] = ()
