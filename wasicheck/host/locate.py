"""From what a user writes after `--host=` to a `Host`: its program found, asked for its version, made ready."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wasicheck.host import install
from wasicheck.host.errors import HostError, suggest
from wasicheck.host.host import Host
from wasicheck.host.package import fetch
from wasicheck.host.runner import Runner, VersionQuery, read_runner
from wasicheck.host.version import Version, parse_version

QUERY_DEADLINE_S = 30.0


@dataclass(frozen=True)
class _Candidate:
    """A program that is there; `binding`: the user named it, so it must work."""

    binary: Path
    origin: str
    binding: bool = False


def load_runner(spec: str, *, runners: Path, cache: Path, environment: Mapping[str, str] = os.environ) -> Host:
    """Return the host that `spec` names: `wasmtime`, `wasmtime@48`, `wasmtime@49.0.3`, or a path to a runner.toml.

    `runners` holds a folder per known host, `cache` what has been fetched. Raises RunnerError for a bad runner.toml
    and HostError when no program can be had, with the fix in the message.
    """
    name, wanted = _split(spec)
    return locate(read_runner(_runner_file(name, runners)), wanted, cache=cache, environment=environment)


def locate(runner: Runner, wanted: Version | None, *, cache: Path, environment: Mapping[str, str] = os.environ) -> Host:
    """Return the runner with its program: the user's own where it will do, else the package's release.

    With `wanted` the user's own program counts only when it is that version. Raises HostError.
    """
    of_install = runner.install is not None and runner.install.default is not None
    of_program = None if of_install else wanted
    query = runner.find.version
    if of_program and query and query.minimum and of_program.precedes(query.minimum):
        raise HostError(f"{runner.name}: {of_program} is older than {query.minimum}, the oldest that can be used")
    notes: list[str] = []
    for candidate in _candidates(runner, environment, notes):
        objection = _objection(runner, candidate, of_program)
        if objection is None:
            return _host(runner, candidate, wanted, notes, cache)
        if candidate.binding and of_program is None:
            raise HostError(
                f"{runner.name}: {objection}; set {runner.find.environment} to another program, or unset it"
            )
        notes.append(objection)
    package = runner.find.package
    if package is None:
        raise HostError(_nowhere(runner, notes))
    version = of_program or parse_version(package.default)
    assert version is not None  # the reader has checked the default
    try:
        binary = fetch(package, version, cache)
    except HostError as error:
        raise HostError("; ".join([f"{runner.name}: {error}{_own(runner)}", *notes])) from None
    candidate = _Candidate(binary, "package")
    # A package's version may differ from its program's, so it has been held to the wanted one already.
    if (objection := _objection(runner, candidate, None)) is not None:
        raise HostError(f"{runner.name}: {objection}; choose a newer release, as in --host={runner.name}@VERSION")
    return _host(runner, candidate, wanted, notes, cache)


def _split(spec: str) -> tuple[str, Version | None]:
    name, at, version = spec.rpartition("@")
    if not at:
        return spec, None
    if (wanted := parse_version(version)) is not None:
        return name, wanted
    if "/" in version:
        return spec, None
    raise HostError(f'"{version}" in --host={spec} is no version; write {name}@1 or {name}@1.2.3')


def _runner_file(name: str, runners: Path) -> Path:
    path = Path(name)
    if "/" in name or name.endswith(".toml") or path.is_dir():
        file = path / "runner.toml" if path.is_dir() else path
        if not file.is_file():
            raise HostError(f"there is no runner at {file}; give the path of a runner.toml")
        return file
    file = runners / name / "runner.toml"
    if not file.is_file():
        known = sorted(entry.parent.name for entry in runners.glob("*/runner.toml"))
        raise HostError(f'no host is called "{name}"{suggest(name, known)}; or give the path of a runner.toml')
    return file


def _candidates(runner: Runner, environment: Mapping[str, str], notes: list[str]) -> Iterator[_Candidate]:
    find = runner.find
    if find.environment and (named := environment.get(find.environment)):
        path = shutil.which(named, path=environment.get("PATH"))
        if path is None:
            problem = "is not executable (chmod +x)" if Path(named).is_file() else "does not exist"
            raise HostError(f"{runner.name}: {find.environment}={named} {problem}; correct it, or unset it")
        yield _Candidate(Path(path).absolute(), find.environment, binding=True)
    if find.path and "/" in find.path:
        path = shutil.which(runner.folder / find.path)
        if path is None:
            notes.append(f"{runner.folder / find.path} is not there, or not executable")
        else:
            yield _Candidate(Path(path).absolute(), "path")
    elif find.path:
        path = shutil.which(find.path, path=environment.get("PATH"))
        if path is None:
            notes.append(f"{find.path} is not in PATH")
        else:
            yield _Candidate(Path(path).absolute(), "PATH")


def _objection(runner: Runner, candidate: _Candidate, wanted: Version | None) -> str | None:
    """Say what is wrong with a program's version, or None."""
    query = runner.find.version
    if query is None:
        return None
    try:
        version = _ask(query, {"binary": str(candidate.binary), "folder": str(runner.folder)})
    except HostError as error:
        return str(error)
    if query.minimum is not None and version < query.minimum:
        return f"{candidate.binary} is {version}, older than {query.minimum}"
    if wanted is not None and not version.matches(wanted):
        return f"{candidate.binary} is {version}, not {wanted}"
    return None


def _host(runner: Runner, found: _Candidate, wanted: Version | None, notes: list[str], cache: Path) -> Host:
    folder = None
    values = {"binary": str(found.binary), "folder": str(runner.folder)}
    if runner.install is not None:
        folder = install.fill(runner, runner.install, found.binary, wanted, cache)
        values["install"] = str(folder)
    version = _ask(runner.version, values)
    if runner.version.minimum is not None and version < runner.version.minimum:
        raise HostError(f"{runner.name}: version {version} is older than {runner.version.minimum}; ask for a newer one")
    return Host(runner, found.binary, version, found.origin, folder, tuple(notes))


def _ask(query: VersionQuery, values: Mapping[str, str]) -> Version:
    argv = query.argv.expand(values)
    shown = " ".join(argv)
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=QUERY_DEADLINE_S, check=False
        )
    except OSError as error:
        raise HostError(f"`{shown}` cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise HostError(f"`{shown}` did not end within {QUERY_DEADLINE_S:.0f} s") from None
    output = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode != 0:
        raise HostError(f"`{shown}` ended with status {done.returncode}: {output.strip()[:200] or 'no output'}")
    match = query.pattern.search(output)
    if match is None or match[1] is None:
        raise HostError(
            f"`{shown}` printed {output.strip()[:200]!r}, in which {query.pattern.pattern!r} finds no version"
        )
    version = parse_version(match[1])
    if version is None:
        raise HostError(f"`{shown}` gives {match[1]!r}, which is no version; correct the pattern")
    return version


def _nowhere(runner: Runner, notes: list[str]) -> str:
    return "; ".join([f"{runner.name}: no program was found", *notes]) + (_own(runner) or "")


def _own(runner: Runner) -> str:
    if runner.find.environment:
        return f" (set {runner.find.environment} to the path of one)"
    return f" (put {runner.find.path} there)" if runner.find.path else ""
