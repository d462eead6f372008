"""Vectors compiled, run on the wasmtime command line, and judged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wasicheck.guest.compiler import Build
from wasicheck.host.errors import HostError
from wasicheck.host.host import Host
from wasicheck.judge.model import Result
from wasicheck.session import HostSession, find_host
from wasicheck.vectors.model import Vector


@pytest.fixture(scope="session")
def wasmtime() -> Host:
    try:
        return find_host("wasmtime")
    except HostError as error:
        pytest.skip(f"no wasmtime here: {error}")


@pytest.fixture(scope="session")
def play(wasmtime: Host) -> Callable[..., Result]:
    """Run a vector on wasmtime and judge it."""
    sessions: dict[Build, HostSession] = {}

    def run(vector: Vector, build: Build = Build()) -> Result:  # noqa: B008
        return sessions.setdefault(build, HostSession(wasmtime, build)).run(vector)

    return run
