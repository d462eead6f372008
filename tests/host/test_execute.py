"""Every way in which a host can misbehave ends, in time, in a `Run` that says what happened."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from execute_stage import CONTROL, MILLISECOND, OK, inhabitants, probe, tags

from wasicheck.guest.steps import acknowledgement
from wasicheck.host import execute as execute_module
from wasicheck.host import streams
from wasicheck.host.execute import execute
from wasicheck.judge.run import Exit, ExitReason
from wasicheck.vectors.model import Channel, Lift
from wasicheck.vectors.staging import Harness, Pause, Receive, Stdio
from wasicheck.vectors.surroundings import Directory, Environment, Preopen, RegularFile, Sink, TreeEntry

pytestmark = pytest.mark.usefixtures("nothing_runs_on")


def entries(tree):
    """A tree, by the paths of what is in it."""
    return tuple(TreeEntry(PurePosixPath(path), content) for path, content in tree.items())


@pytest.mark.parametrize(
    ("behaviour", "exit", "frames", "anomalies"),
    [
        ("claims-everything", OK, [("HELLO", 0), ("DONE", 0), ("END", 1)], []),
        ("answers-wrongly", OK, [("HELLO", 0), ("DONE", 0), ("END", 1)], []),
        ("crashes", Exit(ExitReason.SIGNALED, signal.SIGSEGV), [("HELLO", 0)], []),
        ("aborts-silently", Exit(ExitReason.EXITED, 134), [], []),
        ("prints-a-megabyte", OK, [("HELLO", 0), ("END", 1)], []),
        ("leaves-a-child", OK, [("HELLO", 0), ("END", 1)], []),
        ("leaves-a-child-that-fled", OK, [("HELLO", 0), ("END", 1)], []),
        ("forges-frames", OK, [], []),
        ("cuts-a-frame-short", OK, [("HELLO", 0)], ["a frame cut short by the end of the stream"]),
        ("repeats-a-frame", OK, [("HELLO", 0), ("DONE", 0), ("END", 1)], ["frame 1 where frame 2 was due"]),
    ],
)
def test_a_host_that_ends_by_itself(misbehave, behaviour, exit, frames, anomalies):
    run = misbehave(behaviour)
    assert run.failure is None
    assert run.exit == exit
    assert tags(run) == frames
    assert list(run.anomalies) == anomalies
    assert run.duration_s < 5


@pytest.mark.parametrize("behaviour", ["hangs", "hangs-stubbornly", "closes-its-pipes", "floods"])
def test_a_host_that_does_not_end_is_killed_at_the_deadline(misbehave, behaviour):
    run = misbehave(behaviour, deadline_ns=300 * MILLISECOND)
    assert run.exit == Exit(ExitReason.DEADLINE, signal.SIGKILL)
    assert tags(run) == [("HELLO", 0)]
    assert 0.3 < run.duration_s < 2


def test_output_is_kept_up_to_the_limit_and_read_beyond_it(misbehave):
    run = misbehave("prints-a-megabyte", output_limit=1000)
    assert run.stdout == b"x" * 1000
    assert run.stderr == b"y" * 1000
    assert run.truncated == ("stdout", "stderr")
    assert tags(run)[-1] == ("END", 1)
    whole = misbehave("prints-a-megabyte")
    assert (len(whole.stdout), len(whole.stderr), whole.truncated) == (1 << 20, 1 << 20, ())


def test_frames_beyond_all_measure_are_an_anomaly(misbehave, monkeypatch):
    monkeypatch.setattr(streams, "FRAMES_LIMIT", 10)
    run = misbehave("answers-wrongly")
    assert any("together" in anomaly for anomaly in run.anomalies)


def test_frames_carry_the_time_of_their_arrival(misbehave):
    before = time.time_ns()
    run = misbehave("reaches-steps", "0!", harness={0: Harness(Pause(100 * MILLISECOND), True)}, environment=CONTROL)
    hello, reached, end = (frame.received_at for frame in run.frames)
    assert before <= hello <= reached <= time.time_ns()
    assert end - reached >= 100 * MILLISECOND


def test_the_channel_can_be_stdout(misbehave):
    run = misbehave("answers-wrongly", channel=Channel.STDOUT)
    assert run.frames == ()
    assert len(run.stderr) > 64, "frames on the other stream are output like any other"


# --- the sandbox -----------------------------------------------------------------------------------


def test_the_process_has_a_clean_environment_and_its_own_folder(misbehave, tmp_path, monkeypatch):
    monkeypatch.setenv("WASICHECK_LEAK", "1")
    environment = Environment(host_env=(("TZ", "Asia/Kolkata"),), descriptors=64)
    run, found = probe(misbehave, tmp_path, environment)
    names = {line[1:].partition("=")[0] for line in found if line.startswith("$")}
    assert names - {"LC_CTYPE"} == {"PATH", "HOME", "TMPDIR", "LANG", "TZ", "WASICHECK_FAKE"}
    assert "$TZ=Asia/Kolkata" in found
    folder = next(line for line in found if line.startswith("$HOME=")).removeprefix("$HOME=")
    assert f"session True cwd {folder}" in found
    assert "nofile (64, 64)" in found
    assert "open [0, 1, 2, 3]" in found, "3 is the listing itself"
    assert not Path(folder).exists()
    assert run.command[3].endswith("fake.py")


def test_options_and_fixtures(misbehave, tmp_path):
    tree = entries(
        {
            "a": Directory(),
            "a/b.txt": RegularFile(b"hello", modified=1_234_567_890_123_456_789),
            "w": Directory(),
            "w/c": RegularFile(),
        }
    )
    preopens = (Preopen("/", PurePosixPath()), Preopen("work", PurePosixPath("w")))
    environment = Environment(env=(("A", "b=c {args}"),), cwd="/x", tree=tree, preopens=preopens, network=True)
    _, found = probe(misbehave, tmp_path, environment, "--guest's own", "")
    arguments = [line.removeprefix("argument ") for line in found if line.startswith("argument ")]
    assert arguments[:3] == ["--env", "A=b=c {args}", "--dir"]
    assert arguments[3].endswith("::/")
    assert arguments[5].endswith("::work")
    assert arguments[6:9] == ["--cwd", "/x", "--network"]
    assert arguments[-2:] == ["--guest's own", ""]
    assert "file a/b.txt 5 1234567890123456789" in found
    assert any(line.startswith("file c 0 ") for line in found)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        (Environment(features=("clocks-timezone",)), "fake@1.0 does not offer the unstable feature clocks-timezone"),
        (Environment(tree=entries({"x" * 300: RegularFile()})), "File name too long"),
        (Environment(descriptors=1 << 40), "the host cannot be given 1099511627776 descriptors"),
    ],
)
def test_a_scene_that_cannot_be_set_is_a_failure(misbehave, environment, problem):
    run = misbehave("claims-everything", environment=environment)
    assert problem in run.failure
    assert run.frames == ()


def test_when_descriptors_run_out(misbehave, monkeypatch):
    def fail():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe", fail)
    run = misbehave("claims-everything")
    assert run.failure == "the standard streams cannot be arranged: [Errno 24] Too many open files"


def test_a_sandbox_that_cannot_be_made(misbehave, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert "the sandbox cannot be made: [Errno 2]" in misbehave("claims-everything").failure


def test_without_process_descriptors_the_host_is_asked_whether_it_has_ended(misbehave, monkeypatch):
    monkeypatch.delattr(os, "pidfd_open")
    run = misbehave("reaches-steps", "0>hello!", harness={0: Harness(Pause(0), True)}, environment=CONTROL)
    assert (run.exit, run.stdout) == (OK, b"hello\x80")
    assert misbehave("hangs", deadline_ns=100 * MILLISECOND).exit.reason is ExitReason.DEADLINE


def test_without_dev_full_there_is_no_full_output(misbehave, monkeypatch):
    monkeypatch.setattr(Path, "is_char_device", lambda path: False)
    run = misbehave("claims-everything", environment=Environment(stdout=Sink.FULL))
    assert "no /dev/full" in run.failure


def test_a_component_without_a_placeholder_is_refused(fake_host):
    host = replace(
        fake_host, runner=replace(fake_host.runner, run=replace(fake_host.runner.run, nonce_in_argument=False))
    )
    run = execute(host, b"no nonce here", Environment(), {}, deadline_ns=1)
    assert run.failure == "the guest does not hold the nonce placeholder exactly once"


def test_a_program_that_has_gone_is_a_failure(fake_host, tmp_path):
    run = execute(replace(fake_host, binary=tmp_path / "gone"), b"", Environment(), {}, deadline_ns=10**9)
    assert "the host cannot be started" in run.failure


def test_a_lift_that_the_host_lacks_is_a_failure(fake_host):
    host = replace(fake_host, runner=replace(fake_host.runner, lifts=()))
    run = execute(host, b"", Environment(), {}, deadline_ns=1, lift=Lift.STACKFUL)
    assert run.failure == "fake@1.0 does not offer guests with the stackful lift"


# --- neighbours ------------------------------------------------------------------------------------


def test_many_runs_at_once_do_not_disturb_each_other(misbehave):
    def one(index):
        harness = {index: Harness(Receive(Stdio.STDOUT, 4), True)}
        return misbehave("reaches-steps", f"{index}>{index:04}!", harness=harness, environment=CONTROL)

    with ThreadPoolExecutor(8) as pool:
        for index, run in enumerate(pool.map(one, range(24))):
            assert run.stdout == b"%04d%c" % (index, acknowledgement(index))
            assert run.harness[index].value == b"%04d" % index


def test_a_neighbours_children_do_not_hold_a_pipe_open(misbehave):
    """A descriptor that leaked into another host would keep this one's outputs from ending."""
    slow = threading.Thread(target=misbehave, args=("hangs",), kwargs={"deadline_ns": 1500 * MILLISECOND})
    slow.start()
    times = [misbehave("claims-everything").duration_s for _ in range(3)]
    slow.join()
    assert max(times) < 1.2


def test_an_interrupt_kills_the_host_and_removes_the_folder(tmp_path):
    program = f"""
import os, signal, sys
from pathlib import Path
sys.path[:0] = {sys.path!r}
# A job in the background of a shell inherits that it ignores interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
from wasicheck.host.locate import load_runner
from wasicheck.host.execute import execute
from wasicheck.host.process import HostProcess
from wasicheck.host.stdio import wire
from wasicheck.vectors.surroundings import Environment
os.environ["WASICHECK_FAKE_PYTHON"] = sys.executable
os.environ["WASICHECK_FAKE"] = "hangs"
file = Path({str(Path(__file__).parents[1] / "hosts" / "fake" / "runner.toml")!r})
host = load_runner(str(file), runners=file.parent, cache=Path({str(tmp_path)!r}))
print("ready", flush=True)
execute(host, b"", Environment(), {{}}, deadline_ns=60 * 10**9)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 5
    while not (started := list(tmp_path.glob("wasicheck-*/guest.wasm"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert started
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=5)
    assert "KeyboardInterrupt" in errors
    assert not list(tmp_path.glob("wasicheck-*"))
    assert inhabitants(tmp_path) == []


def test_the_limit_of_kept_output_is_eight_mebibytes():
    assert execute_module.OUTPUT_LIMIT == 8 << 20
