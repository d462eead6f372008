"""What can go wrong between the harness and a host, as exceptions that say how to put it right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from wasicheck.errors import InputError


class HostError(InputError):
    """No host could be had: its program is missing, too old or broken, or could not be fetched."""


class RunnerError(HostError):
    """A runner.toml (or releases file) says something that cannot be used.

    `str()` reads `file:line: key: what was expected; the fix`.
    """

    def __init__(self, file: Path, line: int | None, key: str, problem: str) -> None:
        self.file = file
        self.line = line
        self.key = key
        self.problem = problem
        place = f"{file}:{line}" if line is not None else str(file)
        super().__init__(f"{place}: {key}: {problem}" if key else f"{place}: {problem}")


class PrepareError(Exception):
    """A helper of `[prepare]` could not be started, died, or did not answer as it has to."""


class RefusedError(PrepareError):
    """A helper of `[prepare]` refused a component: the host cannot run it."""


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the nearest known name, else `; known are …`."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known are {', '.join(names)}" if names else ""
