"""Scenes: system calls that fail."""

import os
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from scene_stage import MARKS, entry, staged

from wasicheck.vectors.surroundings import Directory, Environment, Injection, Preopen, Subject

pytestmark = MARKS

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


def test_calls_fail_so_often_and_no_more(tmp_path):
    program = """
for _ in range(3):
    attempt(os.fsync, folder)
"""
    found, unfired = inject(tmp_path, program, Injection("fsync", "EIO", Subject.TREE, times=2))
    assert (found, unfired) == (["EIO", "EIO", "done"], [])
