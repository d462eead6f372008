"""One host process: started in a session of its own, watched, and ended with all that it left behind.

Until the process is reaped its number is not given to another one, so its group can be killed safely: the order is
always notice, kill the group, reap.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from wasicheck.host.forking import FORKING

_SHELL = "/bin/sh"


class Launcher(Protocol):
    """A program that sets a scene and then becomes the host."""

    @property
    def pass_fds(self) -> Sequence[int]:
        """The descriptors that it inherits."""

    def argv(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """Its command line, given the host's."""


class HostProcess:
    """A running host; `watch` is a descriptor that becomes readable when it has ended (None: ask `ended`)."""

    def __init__(
        self,
        argv: tuple[str, ...],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        child: Sequence[int | None],
        descriptors: int | None,
        launcher: Launcher | None = None,
    ) -> None:
        """Start it; `child` are its descriptors 0 to 2 (None: closed), `descriptors` its RLIMIT_NOFILE. OSError.

        A `launcher` is started in its place, becomes it, and closes descriptors and sets limits in between.
        """
        stdin, stdout, stderr = (subprocess.DEVNULL if one is None else one for one in child)
        with FORKING:
            self._process = subprocess.Popen(
                [*_shell(child, descriptors), *argv] if launcher is None else launcher.argv(argv),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                env=environment,
                start_new_session=True,
                pass_fds=() if launcher is None else launcher.pass_fds,
            )
        self.pid = self._process.pid
        self.watch: int | None = None
        # Not there on other systems, and refused by some sandboxes.
        with suppress(AttributeError, OSError):
            self.watch = os.pidfd_open(self.pid)

    def ended(self) -> bool:
        """Say whether the process has ended, without reaping it."""
        if hasattr(os, "waitid"):
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self.pid, options) is not None
        return self._process.poll() is not None

    def kill_group(self) -> None:
        """Kill the process and everything that has stayed in its group."""
        if self._process.returncode is None or not hasattr(os, "waitid"):
            # Refused when it is gone, or (macOS) when nothing but the unreaped leader is left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Kill what is left, reap the process, and return its status: negative for the signal it died of."""
        self.kill_group()
        code = self._process.wait()
        if self.watch is not None:
            os.close(self.watch)
            self.watch = None
        return code


def kill_strays(folder: Path) -> int:
    """Kill the processes whose HOME is the run's folder: children that have left the group. Return how many.

    Only where there is a /proc with environments (Linux).
    """
    mark = b"HOME=" + os.fsencode(folder)
    killed = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            handle = os.pidfd_open(int(entry.name))
        except OSError:
            continue
        try:
            # Read after the handle was opened: the number cannot have passed to another process unnoticed.
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                killed += 1
        except OSError:
            continue
        finally:
            os.close(handle)
    return killed


def _shell(child: Sequence[int | None], descriptors: int | None) -> list[str]:
    """Return what comes before the command to close descriptors and set limits; nothing, as a rule.

    A shell does it in the child after the fork, so that the fast ways to start a process stay open.
    """
    closing = "".join(f" {number}>&-" for number, one in enumerate(child) if one is None)
    if descriptors is None and not closing:
        return []
    limit = f"ulimit -n {descriptors} && " if descriptors is not None else ""
    # Shells add these to the environment on their own.
    return [_SHELL, "-c", f'unset PWD OLDPWD SHLVL; {limit}exec "$@"{closing}', _SHELL]
