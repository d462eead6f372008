"""The fake host of tests/hosts/fake, ready to misbehave; and a stage for peers."""

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from execute_stage import inhabitants
from peer_stage import Stage, peer

from wasicheck.guest.frames import PLACEHOLDER
from wasicheck.host.execute import execute
from wasicheck.host.host import Host
from wasicheck.host.locate import load_runner
from wasicheck.judge.run import Run
from wasicheck.vectors.staging import Accept
from wasicheck.vectors.surroundings import Environment

FAKE = Path(__file__).parents[1] / "hosts" / "fake" / "runner.toml"
COMPONENT = b"\0asm and so on " + PLACEHOLDER
SECOND = 1_000_000_000


@pytest.fixture(scope="session")
def fake_host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    here = {**os.environ, "WASICHECK_FAKE_PYTHON": sys.executable}
    return load_runner(str(FAKE), runners=FAKE.parent, cache=tmp_path_factory.mktemp("cache"), environment=here)


@pytest.fixture
def misbehave(fake_host: Host) -> Callable[..., Run]:
    """A function that runs the fake host with a behaviour; other arguments go to `execute` or the environment."""

    def run(behaviour, *args, harness=None, deadline_ns=10 * SECOND, environment=Environment(), **options):  # noqa: B008
        environment = replace(environment, args=args, host_env=(("WASICHECK_FAKE", behaviour), *environment.host_env))
        return execute(fake_host, COMPONENT, environment, harness or {}, deadline_ns=deadline_ns, **options)

    return run


@pytest.fixture
def nothing_runs_on(tmp_path_factory, monkeypatch):
    """No run may leave a folder behind, or a process that lives in one."""
    temporary = tmp_path_factory.mktemp("runs")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert list(temporary.iterdir()) == []
    assert inhabitants(temporary) == []


@pytest.fixture
def nothing_is_left(tmp_path):
    """No descriptor, thread or mount of what a test has staged."""
    before = set(Path("/proc/self/fd").iterdir()), threading.active_count()
    yield
    assert (set(Path("/proc/self/fd").iterdir()), threading.active_count()) == before
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


@pytest.fixture
def stage():
    stage = Stage()
    with stage.stack:
        yield stage


@pytest.fixture
def conn(stage):
    """A connection to `server`, accepted as `conn`."""
    stage.set(peer("server", "tcp-listener"))
    made = stage.connected()
    stage.do(Accept("server", "conn"))
    return made
