"""The suite on the real hosts: nothing red beyond what their expectations.toml explains.

A part of it that is the same every time: half on wasmtime, less of other builds and of jco. `make conformance` runs
everything on any of them.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wasicheck.batch import start_batch
from wasicheck.guest.compiler import Build
from wasicheck.host.errors import HostError
from wasicheck.host.host import Host
from wasicheck.judge.model import Result, Verdict
from wasicheck.session import expectations_of, find_host, list_vectors, open_session
from wasicheck.vectors.listing import Listed
from wasicheck.vectors.model import Lift, Lowering
from wasicheck.vectors.source import VectorError

SUITE = list_vectors()


@contextmanager
def _host(spec: str) -> Iterator[Host]:
    try:
        host = find_host(spec)
    except HostError as error:
        pytest.skip(f"NOT TESTED ON {spec}: {error}")
    yield host


def _part(of: int) -> list[Listed]:
    """One in so many vectors, spread over all packages by their ids."""
    return [vector for id, vector in SUITE.vectors.items() if zlib.crc32(id.encode()) % of == 0]


def _run(host: Host, build: Build, vectors: list[Listed], *, jobs: int, seed: int | None = None) -> tuple[Result, ...]:
    with open_session(host, build, expectations_of(host)) as session:
        batch = start_batch([session], vectors, SUITE.names, jobs=jobs)
        with batch.workers:
            return batch.run(seed=seed, report=lambda _: None, problem=_refuse)


def _refuse(problem: VectorError) -> None:
    raise problem


def _complaints(results: tuple[Result, ...]) -> list[str]:
    return [f"{r.id}: {r.unexpected or r.reason}" for r in results if r.red]


def test_wasmtime_in_random_order() -> None:
    with _host("wasmtime") as host:
        results = _run(host, Build(), _part(2), jobs=os.cpu_count() or 1, seed=20_261)
    assert _complaints(results) == []
    assert len(results) > len(SUITE.vectors) // 3


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(Build(Lift.CALLBACK), id="callback-lift"),
        pytest.param(Build(Lift.STACKFUL), id="stackful-lift"),
        pytest.param(Build(lowering=Lowering.SYNC), id="sync-lower"),
    ],
)
def test_other_builds_on_wasmtime(build: Build) -> None:
    with _host("wasmtime") as host:
        results = _run(host, build, _part(8), jobs=os.cpu_count() or 1)
    assert _complaints(results) == []


def test_one_at_a_time_and_many_at_once_on_wasmtime() -> None:
    with _host("wasmtime") as host:
        calm = {r.id: r.verdict for r in _run(host, Build(), _part(12), jobs=1)}
        wild = {r.id: r.verdict for r in _run(host, Build(), _part(12), jobs=4, seed=20_262)}
    assert {id: (calm[id], wild[id]) for id in calm if calm[id] is not wild[id]} == {}


@pytest.mark.jco
def test_jco() -> None:
    with _host("jco") as host:
        results = _run(host, Build(), _part(24), jobs=os.cpu_count() or 1)
    assert _complaints(results) == []
    passed = sum(r.verdict is Verdict.PASS for r in results)
    assert passed > len(results) // 2, "most of the suite passes on jco"
