"""The cache folder, shared by every process that runs wasicheck, and the locks that keep them apart."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from wasicheck.host.errors import HostError

LOCK_DEADLINE_S = 900.0


def find_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the cache folder, which need not exist: `WASICHECK_CACHE`, else `wasicheck` in the user's cache folder.

    The latter is `XDG_CACHE_HOME` where that is an absolute path (as the XDG base directory specification asks), or
    `~/.cache`. HostError without any of them.
    """
    if own := environment.get("WASICHECK_CACHE"):
        return Path(own).absolute()
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "wasicheck"
    if home := environment.get("HOME"):
        return Path(home, ".cache", "wasicheck")
    raise HostError("there is no folder to keep downloads in: set WASICHECK_CACHE (HOME is not set either)")


@contextmanager
def lock(path: Path, *, deadline_s: float = LOCK_DEADLINE_S) -> Iterator[None]:
    """Hold the lock file, among processes and threads alike; HostError when it is not to be had in time.

    The lock is the kernel's and goes with the process that holds it; the file stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise HostError(f"the cache cannot be written: {error}; set WASICHECK_CACHE to a folder of your own") from None
    try:
        give_up = time.monotonic() + deadline_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise HostError(f"{path} has been held by another process for {deadline_s:.0f} s") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)
