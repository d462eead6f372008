"""Scenes: the process that becomes the host, and what cannot be had."""

import os
import resource
import subprocess

import pytest
from scene_stage import MARKS, see, staged

from wasicheck.host import scene as scenes
from wasicheck.host.sandbox import SceneError, SceneUnavailableError
from wasicheck.host.scene import Scene
from wasicheck.vectors.surroundings import Environment, Injection, Network, Sink, Source, Stdin, Subject

pytestmark = MARKS

# --- the process ---------------------------------------------------------------------------------------


def test_the_program_gets_its_environment_and_no_descriptors_but_its_own(tmp_path):
    program = """
print(Path("/proc/self/environ").read_text(), *os.listdir("/proc/self/fd"))
"""
    # The fourth descriptor is that of the listing.
    expected = ["A=b\0LC_ALL=C\0", "0", "1", "2", "3"]
    assert see(Environment(ordinary_user=True), tmp_path, program) == expected


def test_an_ordinary_user_has_no_power_over_files(tmp_path):
    program = """
print(*[line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff")])
try:
    Path("tree/secret").read_bytes()
except PermissionError as error:
    print(error.errno == errno.EACCES, os.geteuid())
try:
    socket.socket().bind(("127.0.0.1", 1))
except PermissionError:
    print("refused")
"""
    environment = Environment(ordinary_user=True, net=Network())
    with staged(environment, tmp_path, program) as (scene, run):
        os.close(os.open("secret", os.O_CREAT | os.O_WRONLY, 0, dir_fd=scene.root))
        ended = run()
    assert ended.out.split() == ["0" * 16, "True", str(os.geteuid()), "refused"]


def test_limits_and_closed_streams(tmp_path):
    program = """
import resource
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
Path("seen").write_text(f"{limits} {Path('/proc/self/fd/0').exists()}")
Path("big").write_bytes(bytes(65))
"""
    stdin = Stdin(Source.CLOSED)
    environment = Environment(descriptors=20, file_size=64, stdin=stdin, stdout=Sink.CLOSED)
    with staged(environment, tmp_path, program) as (_, run):
        ended = run()
    # Python ignores SIGXFSZ.
    assert ended.code > 0
    assert (tmp_path / "seen").read_text() == "(20, 20) False"
    assert (tmp_path / "big").stat().st_size == 64


def test_who_does_not_ignore_the_signal_dies_of_a_file_too_large(tmp_path):
    program = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); Path('big').write_bytes(bytes(65))"
    with staged(Environment(file_size=64), tmp_path, program) as (_, run):
        assert run().code == -25
    assert not list(tmp_path.glob("core*"))


def test_a_limit_above_what_is_allowed_is_the_harness_s_error(tmp_path, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (10, 10))
    with pytest.raises(SceneError, match="files of the host cannot be limited to 64 bytes: here it is 10"):
        Scene(Environment(file_size=64), tmp_path)


def test_a_host_that_cannot_be_started(tmp_path):
    with staged(Environment(ordinary_user=True), tmp_path, "") as (scene, _):
        pass
    scene = Scene(Environment(ordinary_user=True), tmp_path)
    process = subprocess.Popen(scene.argv((str(tmp_path / "none"),)), pass_fds=scene.pass_fds)
    scene.stage()
    with pytest.raises(SceneError, match=r"the host cannot be started: .*none: No such file or directory"):
        scene.go()
    scene.close()
    assert process.wait(5) == 1


def test_a_launcher_that_dies_is_told(tmp_path):
    scene = Scene(Environment(ordinary_user=True), tmp_path)
    subprocess.run(["true"], pass_fds=scene.pass_fds, check=True)
    with pytest.raises(SceneError, match="the launcher has ended without a word"):
        scene.stage()
    scene.close()


def test_a_launcher_that_dies_later_is_told(tmp_path):
    scene = Scene(Environment(ordinary_user=True), tmp_path)
    process = subprocess.Popen(scene.argv(("true",)), pass_fds=scene.pass_fds)
    scene.stage()
    process.kill()
    process.wait()
    with pytest.raises(SceneError, match="the launcher cannot be told what to do: Broken pipe"):
        scene.go()
    scene.close()


def test_a_launcher_that_does_nothing_is_not_waited_for(tmp_path):
    scene = Scene(Environment(ordinary_user=True), tmp_path)
    process = subprocess.Popen(["sleep", "30"], pass_fds=scene.pass_fds)
    with pytest.raises(SceneError, match="the launcher does not answer"):
        scene.stage(0.05)
    scene.close()
    process.kill()
    process.wait()


def test_a_launcher_ends_with_the_harness(tmp_path):
    scene = Scene(Environment(ordinary_user=True), tmp_path)
    process = subprocess.Popen(scene.argv(("true",)), pass_fds=scene.pass_fds)
    scene.stage()
    scene.close()
    assert process.wait(5) == 1


# --- what cannot be had --------------------------------------------------------------------------------


def test_a_refusal_is_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "_refused", {})
    with pytest.raises(SceneUnavailableError, match="it said no"):
        scenes._give_up("it said no", "namespaces")
    with pytest.raises(SceneUnavailableError, match="it said no"):
        Scene(Environment(net=Network()), tmp_path)
    Scene(Environment(ordinary_user=True), tmp_path).close()


@pytest.mark.parametrize(
    ("what", "value", "environment", "message"),
    [
        ("sys.platform", "darwin", Environment(ordinary_user=True), "on Linux only"),
        (
            "platform.machine",
            lambda: "riscv64",
            Environment(injections=(Injection("fsync", "EIO", Subject.TREE),)),
            "system calls cannot be made to fail on riscv64",
        ),
    ],
)
def test_other_systems(tmp_path, monkeypatch, what, value, environment, message):
    monkeypatch.setattr(what, value)
    with pytest.raises(SceneUnavailableError, match=message):
        Scene(environment, tmp_path)
