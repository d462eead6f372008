"""Scenes: what a program sees of the surroundings made for it, and what is left when it has ended."""

import os
import resource
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from wasicheck.host import scene as scenes
from wasicheck.host.sandbox import SceneError, SceneUnavailableError
from wasicheck.host.scene import Scene
from wasicheck.vectors.surroundings import (
    Answer,
    Directory,
    Environment,
    Injection,
    Itself,
    NameService,
    Network,
    Preopen,
    ReadOnly,
    RegularFile,
    Sink,
    Source,
    Stdin,
    Subject,
    Tmpfs,
    TreeEntry,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: scenes are for Linux alone")

HELP = "import os, socket, errno, sys\nfrom pathlib import Path\n"


@dataclass
class Ended:
    """What became of a program."""

    code: int
    out: str
    unfired: list[str]


@contextmanager
def staged(environment, folder, program, *arguments):
    """A scene with a Python program about to run in it; yields the scene and a function that lets it run."""
    try:
        scene = Scene(environment, folder)
    except SceneUnavailableError as error:
        pytest.skip(f"NOT TESTED: {error}")
    command = (sys.executable, "-I", "-S", "-c", HELP + program, *arguments)
    process = subprocess.Popen(
        scene.argv(command),
        pass_fds=scene.pass_fds,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={"A": "b", "LC_ALL": "C"},
    )

    def run():
        scene.go()
        out, _ = process.communicate(timeout=20)
        return Ended(process.returncode, out, scene.unfired())

    try:
        try:
            scene.stage()
        except SceneUnavailableError as error:
            pytest.skip(f"NOT TESTED: {error}")
        yield scene, run
    finally:
        process.kill()
        process.communicate()
        scene.close()
        scene.close()


def see(environment, folder, program, *arguments):
    """What a program printed, which must end well."""
    with staged(environment, folder, program, *arguments) as (_, run):
        ended = run()
    assert ended.code == 0
    return ended.out.split()


def entry(path, content):
    return TreeEntry(PurePosixPath(path), content)


def names(folder):
    """What is in a directory of which there is a descriptor."""
    with os.scandir(folder) as entries:
        return sorted(found.name for found in entries)


def mounts():
    return Path("/proc/self/mounts").read_text()


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path):
    before = set(Path("/proc/self/fd").iterdir()), threading.active_count()
    yield
    assert (set(Path("/proc/self/fd").iterdir()), threading.active_count()) == before
    assert str(tmp_path) not in mounts()


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


# --- mounts --------------------------------------------------------------------------------------------


def test_mounts_of_the_tree(tmp_path):
    environment = Environment(
        tree=(
            entry("data", Directory()),
            entry("data/small", Directory(mount=Tmpfs(65536, 8))),
            entry("data/small/inner", Directory(mount=ReadOnly())),
            entry("data/ro", Directory(mount=ReadOnly())),
            entry("data/busy", RegularFile(mount=Itself())),
            entry("data/point", Directory(mount=Itself())),
        ),
    )
    program = """
def attempt(what, *arguments):
    try:
        what(*arguments)
        print("done")
    except OSError as error:
        print(errno.errorcode[error.errno])

os.chdir("tree/data")
attempt(Path("ro/new").touch)
attempt(Path("small/inner/new").touch)
attempt(os.unlink, "busy")
attempt(os.rmdir, "point")
attempt(os.rename, "ro/x", "small/x")
attempt(Path("small/big").write_bytes, bytes(1 << 17))
for index in range(5):
    attempt(Path(f"small/{index}").touch)
"""
    with staged(environment, tmp_path, program) as (scene, run):
        assert names(scene.root) == ["data"]
        for folder in ("data/ro", "data/point", "data/small/inner"):
            os.mkdir(folder, dir_fd=scene.root)
        for file in ("data/ro/x", "data/busy"):
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, dir_fd=scene.root))
        ended = run()
        small = os.open("data/small", os.O_RDONLY, dir_fd=scene.root)
        # Seen after the end, as the program left it.
        assert names(small) == ["0", "1", "2", "3", "4", "big", "inner"]
        assert os.stat("big", dir_fd=small).st_size == 65536
        os.close(small)
        assert not (tmp_path / "tree" / "data" / "small" / "big").exists()
    refused = ["EROFS", "EROFS", "EBUSY", "EBUSY", "EXDEV"]
    assert ended.out.split() == [*refused, "ENOSPC", *["done"] * 5]


def test_a_file_system_without_inodes_left(tmp_path):
    environment = Environment(tree=(entry("few", Directory(mount=Tmpfs(inodes=3))),))
    program = """
for index in range(3):
    try:
        Path(f"tree/few/{index}").mkdir()
    except OSError as error:
        print(index, errno.errorcode[error.errno])
"""
    assert see(environment, tmp_path, program) == ["2", "ENOSPC"]


# --- network -------------------------------------------------------------------------------------------


def test_addresses_and_routes(tmp_path):
    network = Network(
        addresses=("10.1.0.1/32", "fd00::1/128"),
        unreachable=("10.2.0.0/16", "fd01::/32"),
        prohibit=("10.3.0.0/16", "fd02::/32"),
    )
    program = """
for address in sys.argv[1:]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        print(errno.errorcode[one.connect_ex((address, 9))])
"""
    addresses = ("127.0.0.1", "10.1.0.1", "fd00::1", "10.2.0.1", "fd01::1", "10.3.0.1", "fd02::1", "10.4.0.1")
    assert see(Environment(net=network), tmp_path, program, *addresses) == [
        *["ECONNREFUSED"] * 3,
        *["EHOSTUNREACH"] * 2,
        *["EACCES"] * 2,
        "ENETUNREACH",
    ]


def test_an_address_that_the_kernel_refuses_is_told(tmp_path):
    network = Network(addresses=("10.1.0.1/32", "10.1.0.1/32"))
    with staged(Environment(net=Network()), tmp_path, ""):
        "It is skipped where there are no namespaces."
    scene = Scene(Environment(net=network), tmp_path)
    process = subprocess.Popen(scene.argv(("true",)), pass_fds=scene.pass_fds)
    with pytest.raises(SceneError, match="the network namespace cannot be arranged: File exists"):
        scene.stage()
    scene.close()
    process.wait(5)


def test_settings_hold_for_the_host_and_not_for_the_harness(tmp_path):
    network = Network(ports=(60000, 60000), privileged_below=500, syn_retries=1, retries=2)
    program = """
os.chdir("/proc/sys/net/ipv4")
for name in ("ip_local_port_range", "ip_unprivileged_port_start", "tcp_syn_retries", "tcp_retries2"):
    print(Path(name).read_text())
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])
print(socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))))
"""
    with (
        staged(Environment(net=network), tmp_path, program, "80") as (scene, run),
        scene.make(socket.AF_INET, socket.SOCK_STREAM) as one,
        scene.make(socket.AF_INET, socket.SOCK_STREAM) as two,
    ):
        one.bind(("127.0.0.1", 80))
        one.listen()
        two.bind(("127.0.0.1", 0))
        assert two.getsockname()[1] < 60000
        assert not one.get_inheritable()
        ended = run()
    assert ended.out.split() == ["60000", "60000", "500", "1", "2", "60000", "0"]


def test_a_socket_that_cannot_be_made_is_refused_as_usual(tmp_path):
    with (
        staged(Environment(net=Network()), tmp_path, "") as (scene, _),
        pytest.raises(OSError, match="Address family not supported"),
    ):
        scene.make(socket.AF_ASH, socket.SOCK_STREAM)


def test_without_a_network_of_its_own_sockets_are_ordinary(tmp_path):
    with staged(Environment(ordinary_user=True), tmp_path, "") as (scene, run):
        scene.make(socket.AF_INET, socket.SOCK_DGRAM).close()
        assert run().code == 0


def test_all_ports_for_the_host_leave_none(tmp_path):
    with pytest.raises(SceneError, match=r"the range 1\.\.65535 leaves no port for the harness"):
        Scene(Environment(net=Network(ports=(1, 65535))), tmp_path)


def test_names(tmp_path):
    service = NameService(
        hosts=(("one.test", ("127.0.0.9",)),),
        zone=(("two.test", Answer(("127.0.0.2",), ("::2",))), ("one.test", Answer(("127.0.0.3",)))),
    )
    program = """
for name in ("one.test", "two.test", "three.test"):
    try:
        print(*sorted({found[4][0] for found in socket.getaddrinfo(name, None)}))
    except socket.gaierror as error:
        print(error.errno == socket.EAI_NONAME)
"""
    before = Path("/etc/hosts").read_text()
    assert see(Environment(names=service), tmp_path, program) == ["127.0.0.9", "127.0.0.2", "::2", "True"]
    assert Path("/etc/hosts").read_text() == before


# --- system calls --------------------------------------------------------------------------------------

ATTEMPT = """
def attempt(what, *arguments, **named):
    try:
        print("done" if what(*arguments, **named) is None else "done")
    except OSError as error:
        print(errno.errorcode[error.errno])

folder = os.open("tree/data", os.O_RDONLY)
"""
INJECTED = Environment(tree=(entry("data", Directory()),), preopens=(Preopen("/data", PurePosixPath("data")),))


def inject(folder, program, *injections):
    with staged(replace(INJECTED, injections=injections), folder, ATTEMPT + program) as (scene, run):
        os.mkdir("data", dir_fd=scene.root)
        os.mkdir("data/sub", dir_fd=scene.root)
        os.mkdir("other", dir_fd=scene.root)
        descriptor = os.open("data/x", os.O_CREAT | os.O_WRONLY, dir_fd=scene.root)
        os.write(descriptor, b"0123456789")
        os.close(descriptor)
        ended = run()
    assert ended.code == 0
    return ended.out.split(), ended.unfired


def test_calls_fail_that_are_about_the_tree(tmp_path):
    program = """
here = os.path.abspath("tree/data")
attempt(os.open, "x", os.O_RDONLY, dir_fd=folder)
attempt(os.open, "tree/data/x", os.O_RDONLY)
attempt(os.open, f"{here}/x", os.O_RDONLY)
attempt(os.open, f"{here}/../../tree/data/sub", os.O_RDONLY)
attempt(os.open, ".", os.O_RDONLY, dir_fd=folder)
attempt(os.open, "../other", os.O_RDONLY, dir_fd=folder)
attempt(os.open, "/etc/hosts", os.O_RDONLY)
attempt(os.listdir, folder)
"""
    found, unfired = inject(
        tmp_path,
        program,
        Injection("openat", "ENFILE", Subject.TREE),
        Injection("getdents64", "EIO", Subject.TREE),
        Injection("renameat", "EIO", Subject.TREE),
    )
    assert found == ["ENFILE"] * 4 + ["done"] * 3 + ["EIO"]
    assert unfired == ["renameat: EIO"]


def test_calls_fail_by_descriptor_and_argument(tmp_path):
    program = """
file = os.open("x", os.O_RDWR, dir_fd=folder)
attempt(os.pread, file, 1, 3)
attempt(os.pread, file, 1, 4)
attempt(os.fsync, file)
attempt(os.fsync, folder)
attempt(os.fsync, os.open(".", os.O_RDONLY))
attempt(os.utime, file)
attempt(os.utime, "x", dir_fd=folder)
attempt(os.utime, ".")
attempt(os.write, file, b"x")
"""
    found, unfired = inject(
        tmp_path,
        program,
        Injection("pread64", "EIO", Subject.TREE, argument=3, equals=4),
        Injection("fsync", "EDQUOT", Subject.TREE),
        Injection("utimensat", "EPERM", Subject.TREE),
        Injection("write", "ENOSPC", Subject.TREE),
        Injection("ftruncate", "EFBIG", Subject.TREE),
    )
    assert found == ["done", "EIO", "EDQUOT", "EDQUOT", "done", "EPERM", "EPERM", "done", "ENOSPC"]
    assert unfired == ["ftruncate: EFBIG"]


def test_calls_fail_on_sockets_or_altogether(tmp_path):
    program = """
one, two = socket.socketpair()
attempt(os.write, one.fileno(), b"x")
attempt(one.setsockopt, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
attempt(socket.socket().bind, ("127.0.0.1", 0))
attempt(os.mkdir, "elsewhere")
"""
    found, unfired = inject(
        tmp_path,
        program,
        Injection("write", "ECONNRESET", Subject.SOCKETS),
        Injection("setsockopt", "EPERM", Subject.SOCKETS),
        Injection("bind", "ENOBUFS", Subject.ANY),
        Injection("mkdir", "ENOSPC", Subject.ANY),
    )
    assert found == ["ECONNRESET", "EPERM", "ENOBUFS", "ENOSPC"]
    assert unfired == []


def test_calls_of_several_threads_and_children_fail(tmp_path):
    program = """
from threading import Thread
threads = [Thread(target=attempt, args=(os.fsync, folder)) for _ in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.stdout.flush()
if os.fork() == 0:
    attempt(os.fsync, folder)
    sys.stdout.flush()
    os._exit(0)
os.wait()
"""
    found, unfired = inject(tmp_path, program, Injection("fsync", "EIO", Subject.TREE))
    assert (found, unfired) == (["EIO"] * 21, [])


def test_a_host_that_is_killed_in_a_filtered_call_leaves_nothing(tmp_path):
    environment = replace(INJECTED, injections=(Injection("read", "EIO", Subject.TREE),))
    with staged(environment, tmp_path, "os.read(os.pipe()[0], 1)") as (scene, _):
        scene.go()


@pytest.mark.parametrize(
    ("calls", "unreached"),
    [
        (("fsync",), ("fsync: ENOSYS",)),
        (("fsync", "fdatasync"), ("fsync: ENOSYS", "fdatasync: ENOSYS")),
        (("fsync", "getrandom"), ()),
        ((), ()),
    ],
)
def test_a_run_tells_when_the_host_met_none_of_its_errors(misbehave, calls, unreached):
    injections = tuple(Injection(call, "ENOSYS", Subject.ANY) for call in calls)
    run = misbehave("claims-everything", environment=Environment(injections=injections))
    if run.unavailable is not None:
        pytest.skip(f"NOT TESTED: {run.unavailable}")
    assert (run.failure, run.exit.code, run.unreached) == (None, 0, unreached)


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
