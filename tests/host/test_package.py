"""Releases are fetched with pip from a local folder of wheels, verified, and kept."""

import base64
import hashlib
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wasicheck.host import cache as cache_module
from wasicheck.host import package as package_module
from wasicheck.host.cache import find_cache, lock
from wasicheck.host.errors import HostError
from wasicheck.host.package import fetch, find_release, platform_key, unpack
from wasicheck.host.runner import Package, Release
from wasicheck.host.version import parse_version

MEMBER = "host_bin/host"


def program(version):
    return f"#!/bin/sh\necho host {version}\n".encode()


def wheel(folder, version, *, files=None, record=None):
    """Write a wheel of the package host-bin; `record` replaces the true RECORD (None: true, "": none)."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"host_bin-{version}.dist-info"
    files = {MEMBER: program(version)} if files is None else files
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: host-bin\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n",
    }
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for name, data in files.items()
    ]
    path = folder / f"host_bin-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        if record != "":
            archive.writestr(f"{info}/RECORD", record or "\n".join([*rows, f"{info}/RECORD,,"]))
    return path


def package(*releases):
    return Package("host-bin", MEMBER, "1", releases)


def release(version, package_version=None, sha256=None):
    return Release(version, package_version or version, ((platform_key(), sha256),) if sha256 else ())


def wanted(text):
    version = parse_version(text)
    assert version is not None
    return version


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its index, with versions 1.1, 1.2 and 2.0.4."""
    folder = tmp_path / "index"
    for version in ("1.1", "1.2", "2.0.4"):
        wheel(folder, version)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """The same wheels, taken without asking pip, which needs half a second for each."""

    def download(requirement, folder):
        name, _, version = requirement.partition("==")
        assert name == "host-bin"
        return wheel(folder, version)

    monkeypatch.setattr(package_module, "_download", download)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def no_pip(monkeypatch):
    """Calls of pip fail the test from here on."""
    return lambda: monkeypatch.setattr(package_module, "_download", lambda *_: pytest.fail("pip was called"))


def test_a_release_is_fetched_once_and_can_be_run(index, cache, no_pip):
    found = fetch(package(), wanted("1"), cache)
    assert subprocess.run([found], capture_output=True, check=True).stdout == b"host 1.2\n"
    assert found.is_relative_to(cache)
    no_pip()
    assert fetch(package(), wanted("1"), cache) == found
    assert fetch(package(), wanted("1.2"), cache) == found
    assert sorted(path.name for path in (cache / "packages").iterdir()) == [
        f"host-bin-1.2-{platform_key()}",
        "host-bin.lock",
    ], "nothing temporary stays"


def test_the_newest_in_the_cache_that_fits(shelf, cache, no_pip):
    for version in ("1.1", "1.2", "2.0.4"):
        fetch(package(release(version)), wanted(version), cache)
    (cache / "packages" / f"host-bin-1.9-{platform_key()}").mkdir()
    (cache / "packages" / f"host-bin-odd-{platform_key()}").mkdir()
    no_pip()
    assert "host-bin-1.2-" in str(fetch(package(), wanted("1"), cache))


def test_a_pinned_release_is_taken_before_others(shelf, cache):
    pinned = package(release("2.0.3", "2.0.4", hashlib.sha256(program("2.0.4")).hexdigest()), release("1.1"))
    assert "host-bin-2.0.4" in str(fetch(pinned, wanted("2.0.3"), cache))
    assert "host-bin-2.0.4" in str(fetch(pinned, wanted("2.0.4"), cache))
    assert "host-bin-1.1" in str(fetch(pinned, wanted("1"), cache))


def test_which_release_is_meant():
    releases = package(release("49.0.2"), release("49.0.3", "49.0.4"), release("48.0.2"))
    assert find_release(releases, wanted("49")).version == "49.0.3"
    assert find_release(releases, wanted("49.0.4")).version == "49.0.3"
    assert find_release(releases, wanted("48.0.2")).package == "48.0.2"
    assert find_release(releases, wanted("47")) is None


def test_another_checksum_than_the_pinned_one_is_refused(shelf, cache):
    with pytest.raises(HostError, match=r"the runner pins 000"):
        fetch(package(release("1.1", sha256="0" * 64)), wanted("1.1"), cache)
    assert not list((cache / "packages").glob("host-bin-*"))


def test_what_the_index_does_not_have(index, cache):
    with pytest.raises(HostError) as caught:
        fetch(package(), wanted("9"), cache)
    assert "host-bin==9.* is not in the cache and could not be fetched: Could not find a version" in str(caught.value)


def test_without_a_network_there_is_one_clear_error(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(HostError, match=r"host-bin==1\.\* is not in the cache .* check the network") as caught:
        fetch(package(), wanted("1"), cache)
    assert "\n" not in str(caught.value)


def test_without_pip(cache, monkeypatch):
    done = subprocess.CompletedProcess([], 1, "", f"{sys.executable}: No module named pip\n")
    monkeypatch.setattr(package_module.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(HostError, match=r"is fetched with pip, which .* does not have: install it"):
        fetch(package(), wanted("1"), cache)


def test_a_pip_that_hangs(cache, monkeypatch):
    def hang(command, **_):
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(package_module.subprocess, "run", hang)
    with pytest.raises(HostError, match=r"could not be fetched within 600 s"):
        fetch(package(), wanted("1"), cache)


def test_a_pip_that_says_nothing(cache, monkeypatch):
    done = subprocess.CompletedProcess([], 3, "", "")
    monkeypatch.setattr(package_module.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(HostError, match=r"pip ended with status 3"):
        fetch(package(), wanted("1"), cache)


def test_a_wheel_without_the_member(shelf, cache):
    with pytest.raises(HostError, match=r'has no member "other/host": correct find\.package\.member'):
        fetch(Package("host-bin", "other/host", "1", ()), wanted("1.1"), cache)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"record": f"{MEMBER},sha256=AAAA,1\n"}, f"{MEMBER} in .* does not have the checksum"),
        ({"record": "something else,\n"}, "does not have the checksum"),
        ({"record": ""}, "has no RECORD"),
        ({"files": {"../evil": b""}}, r'is not to be trusted: it holds "\.\./evil"'),
        ({"files": {"/evil": b""}}, 'is not to be trusted: it holds "/evil"'),
    ],
)
def test_a_wheel_that_is_not_what_it_says(tmp_path, options, problem):
    with pytest.raises(HostError, match=problem):
        unpack(wheel(tmp_path, "1", **options), tmp_path / "out")
    assert not (tmp_path / "evil").exists()


def test_a_damaged_wheel(tmp_path):
    path = tmp_path / "host_bin-1-py3-none-any.whl"
    path.write_bytes(b"no zip")
    with pytest.raises(HostError, match=r"is damaged"):
        unpack(path, tmp_path / "out")


def test_several_processes_fetch_once(index, cache, tmp_path):
    """Each stands for an xdist worker; pip leaves a line in its log every time it is called."""
    calls = tmp_path / "calls"
    code = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}
from pathlib import Path
from test_package import package, wanted
from wasicheck.host import package as module
original = module._download
def counted(*arguments):
    with open({str(calls)!r}, "a") as log:
        log.write("x")
    return original(*arguments)
module._download = counted
print(module.fetch(package(), wanted("2"), Path({str(cache)!r})))
"""
    run = [sys.executable, "-c", code]
    processes = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate(timeout=60)[0] for process in processes}
    assert len(found) == 1
    assert calls.read_text() == "x"


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match=r"the cache cannot be written: .*; set WASICHECK_CACHE"):
        fetch(package(), wanted("1"), tmp_path / "file")


def test_a_full_disk(shelf, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package_module, "unpack", full)
    with pytest.raises(HostError, match=r"could not be kept in the cache: .*No space left"):
        fetch(package(), wanted("1"), cache)


# --- the cache -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WASICHECK_CACHE": "/own", "XDG_CACHE_HOME": "/xdg", "HOME": "/home/me"}, "/own"),
        ({"XDG_CACHE_HOME": "/xdg", "HOME": "/home/me"}, "/xdg/wasicheck"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.cache/wasicheck"),
        ({"HOME": "/home/me"}, "/home/me/.cache/wasicheck"),
    ],
)
def test_where_the_cache_is(environment, expected):
    assert find_cache(environment) == Path(expected)


def test_there_may_be_no_place_for_a_cache():
    with pytest.raises(HostError, match=r"set WASICHECK_CACHE"):
        find_cache({})


def test_a_lock_excludes_others_and_gives_up_in_time(tmp_path):
    with lock(tmp_path / "lock"), pytest.raises(HostError, match=r"held by another process"):  # noqa: SIM117
        with lock(tmp_path / "lock", deadline_s=0.1):
            pytest.fail("two held the lock")


def test_a_lock_is_handed_on(tmp_path):
    inside = []

    def work(_):
        with lock(tmp_path / "a" / "lock"):
            inside.append(1)
            assert len(inside) == 1
            inside.pop()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert cache_module.LOCK_DEADLINE_S > package_module.DOWNLOAD_DEADLINE_S
