"""The warm helper of `[prepare]`: asked once per component, replaced when it fails, gone at the end."""

import sys
import threading
from pathlib import Path

import pytest

from wasicheck.host.errors import PrepareError
from wasicheck.host.execute import execute
from wasicheck.host.host import Host
from wasicheck.host.locate import locate
from wasicheck.host.prepare import Preparer
from wasicheck.host.runner import read_runner
from wasicheck.vectors.surroundings import Environment

HELPER = """\
import json, os, sys, time
log = open(os.path.join(os.path.dirname(__file__), "log"), "a", buffering=1)
log.write(f"start {os.getpid()}\\n")
for line in sys.stdin:
    request = json.loads(line)
    guest = open(request["component"], "rb").read()
    log.write(f"asked {guest.decode()}\\n")
    match guest:
        case b"die":
            sys.exit("the helper is dead")
        case b"vanish":
            sys.exit(0)
        case b"hang":
            time.sleep(60)
        case b"babble":
            answer = "no json"
        case b"odd":
            answer = '{"fine": 1}'
        case b"bad":
            answer = '{"error": "no component"}'
        case _:
            with open(os.path.join(request["output"], "guest"), "wb") as file:
                file.write(b"prepared " + guest)
            answer = '{"ok": true}'
    os.write(1, answer[:3].encode())
    os.write(1, answer[3:].encode() + b"\\n")
"""
RUNNER = """\
name = "warm"
worlds = ["wasi:cli/command"]
[find]
environment = "PYTHON"
[version]
argv = ["echo", "1"]
pattern = "(.*)"
[prepare]
argv = ["{binary}", "{folder}/helper.py"]
deadline = "5s"
[run]
argv = ["cat", "{prepared}/guest", "{folder}/{nonce}"]
nonce = "argument"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "helper.py").write_text(HELPER)
    return tmp_path


@pytest.fixture
def host(folder) -> Host:
    return make(folder, RUNNER)


def make(folder, text):
    (folder / "runner.toml").write_text(text)
    environment = {"PYTHON": sys.executable}
    return locate(read_runner(folder / "runner.toml"), None, cache=folder / "cache", environment=environment)


def log(folder):
    return [line.split()[0] if line.startswith("start") else line for line in (folder / "log").read_text().splitlines()]


def test_each_component_is_prepared_once_by_one_helper(host, folder):
    with Preparer(host) as preparer:
        threads = [threading.Thread(target=preparer.prepare, args=(name,)) for name in (b"a", b"b", b"a", b"b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        made = preparer.prepare(b"a")
        assert (made / "guest").read_bytes() == b"prepared a"
    assert sorted(log(folder)) == ["asked a", "asked b", "start"]
    pid = (folder / "log").read_text().split()[1]
    assert not Path("/proc", pid).exists()
    assert not made.exists()


def test_the_run_gets_what_was_prepared(host):
    with Preparer(host) as preparer:
        run = execute(host, b"a", Environment(), {}, deadline_ns=10**9, preparer=preparer, nonce=bytes(range(16)))
    assert run.stdout == b"prepared a"
    assert b"000102030405060708090a0b0c0d0e0f: No such file" in run.stderr
    run = execute(host, b"a", Environment(), {}, deadline_ns=10**9)
    assert run.failure == "warm@1 has a [prepare] helper, and no preparer was given"


@pytest.mark.parametrize(
    ("component", "problem"),
    [
        (b"die", "the helper of warm@1 ended: the helper is dead"),
        (b"vanish", "the helper of warm@1 ended: it printed nothing"),
        (b"babble", r"the helper of warm@1 answered b'no json\\n', which is no JSON"),
        (b"odd", 'the helper of warm@1 answered {"fine": 1}'),
        (b"bad", "the helper of warm@1 cannot prepare the component: no component"),
    ],
)
def test_what_fails_is_told_and_the_next_component_is_prepared(host, component, problem):
    with Preparer(host) as preparer:
        with pytest.raises(PrepareError, match=problem):
            preparer.prepare(component)
        assert (preparer.prepare(b"a") / "guest").is_file()
        run = execute(host, component, Environment(), {}, deadline_ns=10**9, preparer=preparer)
        assert "the helper of warm@1" in (run.failure or run.stderr.decode())
        assert (run.failure is None) is (component == b"bad"), "a component that is refused is one that does not run"


def test_a_helper_that_hangs_is_replaced(folder):
    host = make(folder, RUNNER.replace("5s", "300ms"))
    with Preparer(host) as preparer:
        with pytest.raises(PrepareError, match=r"did not answer in time"):
            preparer.prepare(b"hang")
        assert (preparer.prepare(b"a") / "guest").is_file()
    assert log(folder).count("start") == 2


def test_a_helper_that_closes_its_ears(folder, host):
    (folder / "helper.py").write_text("import os, time\nos.close(0)\nos.write(1, b'')\ntime.sleep(0.3)\n")
    with Preparer(host) as preparer, pytest.raises(PrepareError, match=r"ended"):
        preparer.prepare(b"a" * 100)


def test_a_helper_that_cannot_be_started(folder):
    host = make(folder, RUNNER.replace('["{binary}", "{folder}/helper.py"]', '["{folder}/gone"]'))
    with Preparer(host) as preparer, pytest.raises(PrepareError, match=r"cannot be started: .*No such file"):
        preparer.prepare(b"a")


def test_a_host_without_a_helper(folder):
    text = RUNNER.replace('[prepare]\nargv = ["{binary}", "{folder}/helper.py"]\ndeadline = "5s"\n', "")
    host = make(folder, text.replace("prepared", "component"))
    with Preparer(host) as preparer, pytest.raises(PrepareError, match=r"warm@1 has no \[prepare\]"):
        preparer.prepare(b"a")
