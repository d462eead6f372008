"""The surroundings of one run: a fresh folder, preopened directories with their fixtures, environment variables."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from wasicheck.host.runner import Runner
from wasicheck.vectors.model import Environment, FileEntry


class SceneError(Exception):
    """The surroundings that a vector asks for cannot be arranged here."""


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """Make a folder for one run, and remove it with all that the guest left in it, whatever happens."""
    with TemporaryDirectory(prefix="wasicheck-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def check_limits(environment: Environment) -> None:
    """Raise SceneError for a limit on descriptors that this process may not give."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if environment.descriptors is not None and most != resource.RLIM_INFINITY and environment.descriptors > most:
        raise SceneError(f"the host cannot be given {environment.descriptors} descriptors: the limit here is {most}")


def furnish(folder: Path, environment: Environment) -> tuple[tuple[Path, str], ...]:
    """Make the preopened directories inside `folder`; return them as (folder, name in the guest).

    Raises SceneError for an entry that would leave its directory or that the file system refuses.
    """
    made: list[tuple[Path, str]] = []
    for index, preopen in enumerate(environment.preopens):
        root = folder / f"preopen-{index}"
        root.mkdir()
        for entry in preopen.entries:
            try:
                _place(root, entry)
            except OSError as error:
                raise SceneError(f"the fixture {entry.path} cannot be made: {error.strerror}") from None
        made.append((root, preopen.name))
    return tuple(made)


def _place(root: Path, entry: FileEntry) -> None:
    if entry.path.is_absolute() or ".." in entry.path.parts:
        raise SceneError(f"the fixture {entry.path} lies outside its directory")
    path = root / entry.path
    if len(entry.path.parts) > 1:
        path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(entry.data)
    if entry.modified is not None:
        os.utime(path, ns=(entry.modified, entry.modified))


def process_environment(
    runner: Runner, environment: Environment, folder: Path, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables of the host process: little, always the same, and the runner's and the vector's on top."""
    variables = {
        "PATH": inherited.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
    }
    variables |= {name: inherited[name] for name in runner.run.inherit if name in inherited}
    return variables | dict(runner.run.environment) | dict(environment.host_env)
