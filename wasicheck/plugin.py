"""The pytest plugin: `pytest --host=wasmtime` runs one item for each vector and host.

A module of `suites/` says which vectors it holds by a `Vectors` at its top level. Here are the options, the markers
and the hooks that every pytest session with this package installed goes through, so they do nothing, and import
nothing of the engine, before a host or a `Vectors` is met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import pytest

RUN = "wasicheck-run"
"""Name of the plugin that holds the run, where there is one."""
MISSING_HOST = (
    "--host is missing: say what to run the vectors on, as in `pytest --host=wasmtime`, "
    "`--host=wasmtime@48`, `--host=jco` or `--host=path/to/runner.toml`"
)
_MARKERS = {
    "must": "vectors about what the specification demands",
    "should": "vectors about what it recommends",
    "may": "vectors that record what it leaves open",
    "typical": "vectors about errors that it lists as typical",
    "unstable": "vectors about features that are still `@unstable`",
    "cli": "vectors of wasi:cli",
    "clocks": "vectors of wasi:clocks",
    "random": "vectors of wasi:random",
    "filesystem": "vectors of wasi:filesystem",
    "sockets": "vectors of wasi:sockets",
    "http": "vectors of wasi:http",
    "component_model": "vectors of the component model's native async",
}
_CHECKS = {
    "surface": "whether a host links the functions and types of an interface",
    "properties": "what must hold for all values",
}
_WORKER_WITHOUT_HOST = "wasicheck_without_host"
_suites_without_host = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Surface:
    """What a suite module holds: a check of each interface of the worlds that a host runs."""


@dataclass(frozen=True)
class Properties:
    """What a suite module holds: what must hold for all values, each tried with random ones."""


@dataclass(frozen=True)
class Vectors:
    """What a suite module holds: the vectors in one folder, `cli` for `vectors/cli/`.

    None stands for the folders that no `test_<folder>.py` beside the module is about.
    """

    folder: str | None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all in one group of `pytest --help`."""
    group = parser.getgroup("wasicheck", "conformance of WASI hosts")
    group.addoption(
        "--host",
        action="append",
        default=[],
        metavar="HOST",
        help="run vectors on this host: wasmtime, wasmtime@48, jco, or the path of a runner.toml; may be repeated",
    )
    group.addoption(
        "--abi", choices=("sync", "callback", "stackful"), default="sync", help="how guests are lifted (default: sync)"
    )
    group.addoption(
        "--lower", choices=("sync", "async"), default="async", help="how async calls are lowered (default: async)"
    )
    group.addoption("--wasicheck-vectors", metavar="DIR", help="a folder of vectors of your own")
    group.addoption("--wasicheck-json", metavar="FILE", help="write results as JSON lines")
    group.addoption("--wasicheck-junit", metavar="FILE", help="write JUnit XML, one testsuite per host and package")
    group.addoption(
        "--wasicheck-examples",
        type=int,
        default=15,
        metavar="N",
        help="try each property with so many vectors (default: 15)",
    )
    group.addoption(
        "--wasicheck-seed", type=int, default=0, metavar="N", help="vary the values that properties are tried with"
    )
    group.addoption("--no-expectations", action="store_true", help="leave the hosts' expectations.toml aside")
    group.addoption("--shard", metavar="N/M", help="only the Nth of M parts, which a vector's id decides")
    group.addoption("--baseline", metavar="RESULTS", help="fail only on what got worse since this run of the same host")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and with a host the run."""
    for name, meaning in {**_MARKERS, **_CHECKS}.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    if config.getoption("--host"):
        from wasicheck.conformance import ConformanceRun

        config.pluginmanager.register(ConformanceRun(config), RUN)


def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, obj: object) -> list[pytest.Item] | None:
    """Make the items of a `Vectors`, a `Surface` or a `Properties`."""
    if not isinstance(obj, Vectors | Surface | Properties):
        return None
    if collector.config.pluginmanager.has_plugin(RUN):
        from wasicheck.conformance import ConformanceRun

        run = collector.config.pluginmanager.get_plugin(RUN)
        assert isinstance(run, ConformanceRun)
        match obj:
            case Vectors(folder):
                return run.collect(collector, folder)
            case Surface():
                return run.collect_surface(collector)
            case Properties():
                return run.collect_properties(collector)
            case _:
                assert_never(obj)
    collector.config.stash[_suites_without_host] = True
    return []


def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Refuse to go on without a host where there is something to run on one."""
    if not config.stash.get(_suites_without_host, False):
        return
    # A worker of pytest-xdist cannot end the session; it tells the controller, which can.
    worker: dict[str, object] | None = getattr(config, "workeroutput", None)
    if worker is None:
        raise pytest.UsageError(MISSING_HOST)
    worker[_WORKER_WITHOUT_HOST] = True


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Refuse in the controller what a worker could not run."""
    if _WORKER_WITHOUT_HOST in getattr(node, "workeroutput", ()):
        raise pytest.UsageError(MISSING_HOST)
