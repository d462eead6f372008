"""From `--host=…` to a program: the user's own first, then the package; each failure with its fix."""

import pytest

from wasicheck.host import install as install_module
from wasicheck.host import locate as locate_module
from wasicheck.host.errors import HostError, RunnerError
from wasicheck.host.locate import load_runner
from wasicheck.vectors.model import Lift, World
from wasicheck.vectors.surroundings import Environment

TEXT = """\
name = "host"
worlds = ["wasi:cli/command"]
[find]
environment = "HOST"
path = "host"
[version]
argv = ["{binary}", "--version"]
pattern = 'host (\\S+)'
minimum = "2"
[run]
argv = ["{binary}", "{options}", "{component}", "{args}"]
"""
PACKAGE = '[find.package]\nindex = "pypi"\nname = "p"\nmember = "p/host"\ndefault = "5"\n'


@pytest.fixture
def runners(tmp_path):
    folder = tmp_path / "runners" / "host"
    folder.mkdir(parents=True)
    (folder / "runner.toml").write_text(TEXT)
    return folder.parent


def program(folder, text, name="host"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def load(runners, tmp_path):
    def load(spec="host", *, named=None, on_path=None, text=None):
        if text is not None:
            (runners / "host" / "runner.toml").write_text(text)
        environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
        if named is not None:
            environment["HOST"] = str(named)
        if on_path is not None:
            program(tmp_path / "bin", f"echo host {on_path}")
        return load_runner(spec, runners=runners, cache=tmp_path / "cache", environment=environment)

    return load


@pytest.fixture
def packaged(monkeypatch, tmp_path):
    """The package, as if the index had every version."""

    def fetch(package, wanted, cache):
        return program(tmp_path / "package", f"echo host {wanted}.0")

    monkeypatch.setattr(locate_module, "fetch", fetch)
    return TEXT + PACKAGE


def test_what_the_variable_names_comes_first(load, tmp_path):
    own = program(tmp_path / "own", "echo host 3.1 >&2")
    host = load(named=own, on_path="4.0")
    assert (host.binary, host.label, host.origin, host.notes) == (own, "host@3.1", "HOST", ())


def test_path_comes_next(load, tmp_path, packaged):
    host = load(on_path="4.0", text=packaged)
    assert (host.binary, host.label, host.origin) == (tmp_path / "bin" / "host", "host@4.0", "PATH")


def test_what_is_too_old_on_path_is_passed_over_and_told(load, tmp_path, packaged):
    host = load(on_path="1.9", text=packaged)
    assert (host.label, host.origin) == ("host@5.0", "package")
    assert host.notes == (f"{tmp_path / 'bin' / 'host'} is 1.9, older than 2",)


def test_a_version_asks_for_the_package(load, tmp_path, packaged):
    own = program(tmp_path / "own", "echo host 3.1")
    host = load("host@4", named=own, on_path="2.0", text=packaged)
    assert (host.label, host.origin) == ("host@4.0", "package")
    assert host.notes == (f"{own} is 3.1, not 4", f"{tmp_path / 'bin' / 'host'} is 2.0, not 4")


def test_a_version_is_satisfied_by_the_users_own(load, packaged):
    assert load("host@4", on_path="4.7.1", text=packaged).origin == "PATH"


def test_a_path_beside_the_runner(load, runners):
    program(runners / "host" / "bin", "echo host 7")
    host = load(str(runners / "host" / "runner.toml"), text=TEXT.replace('path = "host"', 'path = "bin/host"'))
    assert (host.label, host.origin) == ("host@7", "path")
    assert load(str(runners / "host")).label == "host@7"
    assert load(f"{runners / 'host' / 'runner.toml'}@7").label == "host@7"


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("hots", 'no host is called "hots"; did you mean "host"?; or give the path of a runner.toml'),
        ("zzz", 'no host is called "zzz"; known are host; or'),
        ("host@new", '"new" in --host=host@new is no version; write host@1 or host@1.2.3'),
        ("./gone.toml", "there is no runner at gone.toml; give the path of a runner.toml"),
        ("a@b/gone.toml", "there is no runner at a@b/gone.toml"),
        ("host@1", "host: 1 is older than 2, the oldest that can be used"),
    ],
)
def test_what_names_no_host(load, spec, problem):
    with pytest.raises(HostError) as caught:
        load(spec)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo other 3", r"printed 'other 3', in which 'host \(\\\\S\+\)' finds no version"),
        ("echo host new", "gives 'new', which is no version; correct the pattern"),
        ("echo sorry; exit 3", "ended with status 3: sorry"),
        ("exit 3", "ended with status 3: no output"),
        ("echo host 1.0", "own/host is 1.0, older than 2"),
        ("sleep 5", "did not end within 0 s"),
    ],
)
def test_a_program_that_the_user_names_must_work(load, tmp_path, monkeypatch, script, problem):
    monkeypatch.setattr(locate_module, "QUERY_DEADLINE_S", 0.4)
    own = program(tmp_path / "own", script)
    with pytest.raises(HostError, match=problem) as caught:
        load(named=own)
    assert str(caught.value).endswith("; set HOST to another program, or unset it")


def test_a_program_that_cannot_be_started(load, tmp_path):
    own = program(tmp_path / "own", "")
    own.write_bytes(b"\x7fELF and then nothing")
    with pytest.raises(HostError, match=r"cannot be started: Exec format error"):
        load(named=own)


def test_a_program_that_is_not_there_or_not_executable(load, tmp_path):
    with pytest.raises(HostError, match=r"HOST=.*/gone does not exist; correct it, or unset it"):
        load(named=tmp_path / "gone")
    own = program(tmp_path / "own", "")
    own.chmod(0o644)
    with pytest.raises(HostError, match=r"HOST=.*/host is not executable \(chmod \+x\)"):
        load(named=own)


def test_no_program_at_all(load):
    with pytest.raises(HostError) as caught:
        load()
    assert str(caught.value) == ("host: no program was found; host is not in PATH (set HOST to the path of one)")
    with pytest.raises(HostError, match=r"gone is not there, or not executable \(put x/gone there\)"):
        load(text=TEXT.replace('environment = "HOST"\npath = "host"', 'path = "x/gone"'))


def test_a_package_that_cannot_be_had(load, monkeypatch):
    def fetch(package, wanted, cache):
        raise HostError("p==5.* could not be fetched")

    monkeypatch.setattr(locate_module, "fetch", fetch)
    with pytest.raises(HostError) as caught:
        load(text=TEXT + PACKAGE)
    assert str(caught.value) == ("host: p==5.* could not be fetched (set HOST to the path of one); host is not in PATH")
    with pytest.raises(HostError) as caught:
        load(text=(TEXT + PACKAGE).replace('environment = "HOST"\npath = "host"\n', ""))
    assert str(caught.value) == "host: p==5.* could not be fetched"


def test_a_package_that_is_too_old(load, packaged):
    with pytest.raises(HostError, match=r"is 1\.0, older than 2; choose a newer release, as in --host=host@VERSION"):
        load(text=packaged.replace('default = "5"', 'default = "1"'))


def test_a_bad_runner_is_an_error_of_its_file(load, runners):
    with pytest.raises(RunnerError, match=r"runner\.toml:1: nam: unknown key"):
        load(text=TEXT.replace("name", "nam", 1))


# --- what a host needs besides its program -----------------------------------------------------------

INSTALL = (
    TEXT.replace('argv = ["{binary}", "--version"]', 'argv = ["cat", "{install}/version"]')
    + """
[install]
argv = ["sh", "{folder}/install.sh", "{install}", "{wanted}"]
inputs = ["install.sh"]
default = "2.5"
"""
)


@pytest.fixture
def script(runners):
    def script(text):
        (runners / "host" / "install.sh").write_text(text)

    script('echo x >> "$(dirname "$0")/calls"; echo "host $2" > "$1/version"')
    return script


def test_what_is_needed_is_installed_once_per_version(load, runners, script):
    first = load(on_path="1", text=INSTALL)
    assert (first.label, load().install) == ("host@2.5", first.install)
    assert load("host@3.1").label == "host@3.1"
    assert (runners / "host" / "calls").read_text() == "x\nx\n"
    script('echo "host 2.6" > "$1/version"')
    assert load().label == "host@2.6", "another input, another installation"


def test_an_installation_left_half_way_is_done_again(load, script):
    script("touch $1/debris; exit 4")
    with pytest.raises(HostError, match=r"ended with status 4: it printed nothing"):
        load(on_path="1", text=INSTALL)
    script('[ -e $1/debris ] && exit 5; echo "host 3" > $1/version')
    assert load().label == "host@3"


def test_an_installation_that_fails(load, script, monkeypatch):
    script("echo 'no such package' >&2; exit 1")
    with pytest.raises(HostError, match=r"ended with status 1: no such package"):
        load(on_path="1", text=INSTALL)
    script("sleep 5")
    with pytest.raises(HostError, match=r"did not end within 0 s"):
        load(text=INSTALL + 'deadline = "100ms"\n')
    with pytest.raises(HostError, match=r"\[install\] could not be done: .*No such file"):
        load(text=INSTALL.replace('["sh",', '["no-such-program",'))
    script('echo "host 1" > "$1/version"')
    with pytest.raises(HostError, match=r"host: version 1 is older than 2; ask for a newer one"):
        load(text=INSTALL)


def test_two_that_want_the_same_installation(load, script, monkeypatch):
    """The second comes to the lock, and finds the work done."""
    real = install_module.lock

    def slow(path):
        monkeypatch.setattr(install_module, "lock", real)
        load(text=INSTALL)
        return real(path)

    monkeypatch.setattr(install_module, "lock", slow)
    assert load(on_path="1", text=INSTALL).label == "host@2.5"


# --- what a host offers --------------------------------------------------------------------------------


def test_options_from_a_version_on(load):
    text = TEXT + '[options]\ncwd = { argv = ["--cwd", "{cwd}"], minimum = "4" }\n'
    environment = Environment(cwd="/x")
    old, new = load(on_path="3", text=text), load(on_path="4", text=text)
    assert old.lacks(environment, Lift.SYNC) == ("host@3 does not offer an initial working directory",)
    assert new.lacks(environment, Lift.SYNC) == ()
    assert new.command(new.binary, environment, Lift.SYNC)[1:3] == ("--cwd", "/x")
    assert old.command(old.binary, environment, Lift.SYNC) == (str(old.binary), str(old.binary))


def test_whom_to_trust_and_when_instances_are_fresh(load, tmp_path):
    serve = "[serve]\nargv = ['{binary}', '{options}', '{component}']\nready = 'on (\\S+)'\nfresh = ['--once']\n"
    trust = '[trust]\nargv = ["--ca", "{authority}"]\nenvironment = { CA = "<{authority}>" }\nminimum = "4"\n'
    text = TEXT.replace('"]\n[find]', '", "wasi:http/service"]\n[find]', 1) + serve + trust
    environment, file = Environment(trust=True), tmp_path / "a.pem"
    old, new = load(on_path="3", text=text), load(on_path="4", text=text)
    assert old.lacks(environment, Lift.SYNC) == ("host@3 does not offer trusting an authority that it is told of",)
    assert new.lacks(environment, Lift.SYNC) == ()
    assert new.trusting(file) == {"CA": f"<{file}>"}
    assert new.command(file, environment, Lift.SYNC, authority=file)[1:-1] == ("--ca", str(file))
    assert new.command(file, environment, Lift.SYNC, authority=file, world=World.SERVICE)[1:-1] == (
        "--once",
        "--ca",
        str(file),
    )
    shared = Environment(shared=True)
    assert "--once" not in new.command(file, shared, Lift.SYNC, world=World.SERVICE)


def test_what_is_lacking_is_told(load):
    host = load(on_path="4", text=TEXT.replace(', "{args}"', "") + '[feature]\ntz = ["--tz"]\n')
    environment = Environment(args=("a",), env=(("A", "b"),), cwd="/", network=True, features=("tz", "other"))
    assert [reason.removeprefix("host@4 does not offer ") for reason in host.lacks(environment, Lift.STACKFUL)] == [
        "guests with the stackful lift",
        "command line arguments",
        "environment variables",
        "an initial working directory",
        "granting the network",
        "the unstable feature other",
    ]
    assert host.lifts == {Lift.SYNC, Lift.CALLBACK}
    assert host.features == {"tz"}
    assert host.command(host.binary, Environment(features=("tz",)), Lift.SYNC)[1] == "--tz"
    assert host.helper_command() is None
