"""The surroundings of one run: a fresh folder, preopened directories with their fixtures, environment variables."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from wasicheck.host.runner import Runner
from wasicheck.vectors.surroundings import Environment


class SceneError(Exception):
    """The surroundings that a vector asks for could not be arranged, though this machine should be able to."""


class SceneUnavailableError(Exception):
    """This machine cannot stage what a vector asks for: it is skipped, with the reason."""


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """Make a folder for one run, and remove it with all that the guest left in it, whatever happens."""
    with TemporaryDirectory(prefix="wasicheck-", ignore_cleanup_errors=True) as name:
        try:
            yield Path(name)
        finally:
            _make_removable(name)


def _make_removable(folder: str) -> None:
    """Let their owner into all directories: where a removal is refused, Python would change what a link leads to."""
    for where, names, _ in os.walk(folder):
        for inner in (Path(where, name) for name in names):
            with suppress(OSError):
                mode = inner.lstat().st_mode
                if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
                    inner.chmod(stat.S_IRWXU)


def check_limits(environment: Environment) -> None:
    """Raise SceneError for a limit on descriptors that this process may not give."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if environment.descriptors is not None and most != resource.RLIM_INFINITY and environment.descriptors > most:
        raise SceneError(f"the host cannot be given {environment.descriptors} descriptors: the limit here is {most}")


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
