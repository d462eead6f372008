"""Filling `{install}`: what a host needs besides its program, made once per version by the runner's own command."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from wasicheck.host.cache import lock
from wasicheck.host.errors import HostError
from wasicheck.host.package import platform_key
from wasicheck.host.runner import Install, Runner
from wasicheck.host.version import Version

_DONE = ".wasicheck-complete"


def fill(runner: Runner, install: Install, binary: Path, wanted: Version | None, cache: Path) -> Path:
    """Return the filled folder; HostError, with what the command said, when it could not be filled.

    The folder is filled in place, because what installs there may write its path down; a mark made at the end tells
    a whole folder from one that was left half-way.
    """
    version = wanted.text if wanted is not None and install.default is not None else install.default or ""
    values = {"binary": str(binary), "folder": str(runner.folder), "wanted": version}
    key = hashlib.sha256(repr((platform_key(), install.argv.expand({**values, "install": ""}))).encode())
    for name in install.inputs:
        key.update((runner.folder / name).read_bytes())
    base = cache / "installs"
    folder = base / "-".join(part for part in (runner.name, version, key.hexdigest()[:16]) if part)
    if (folder / _DONE).is_file():
        return folder
    with lock(base / f"{runner.name}.lock"):
        if not (folder / _DONE).is_file():
            try:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                _run(runner, install.argv.expand({**values, "install": str(folder)}), install.deadline / 1e9)
                (folder / _DONE).touch()
            except OSError as error:
                raise HostError(f"{runner.name}: [install] could not be done: {error}") from None
    return folder


def _run(runner: Runner, argv: tuple[str, ...], deadline_s: float) -> None:
    shown = " ".join(argv)
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline_s, cwd=runner.folder, check=False
        )
    except subprocess.TimeoutExpired:
        raise HostError(f"{runner.name}: `{shown}` did not end within {deadline_s:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-800:] or "it printed nothing"
        raise HostError(f"{runner.name}: `{shown}` ended with status {done.returncode}: {said}")
