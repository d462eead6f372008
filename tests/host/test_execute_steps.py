"""What the harness does while a host runs, and what the host's standard streams are."""

import os
import zlib

import pytest
from execute_stage import CONTROL, MILLISECOND, OK, PIPE, probe, tags

from wasicheck.guest.frames import Tag
from wasicheck.host.process import HostProcess
from wasicheck.host.stdio import wire
from wasicheck.judge.run import Exit, ExitReason, HarnessOutcome
from wasicheck.vectors.staging import Close, Drain, Feed, Harness, Pause, Receive, Stdio
from wasicheck.vectors.surroundings import Environment, Sink, Source, Stdin

pytestmark = pytest.mark.usefixtures("nothing_runs_on")

# --- harness steps ---------------------------------------------------------------------------------


def test_steps_are_acknowledged_in_order(misbehave):
    harness = {
        2: Harness(Receive(Stdio.STDOUT, 5), True),
        4: Harness(Pause(20 * MILLISECOND), True),
        6: Harness(Receive(Stdio.STDOUT, 7), False),
    }
    run = misbehave("reaches-steps", "2>hello!", "4>!", "6>, world", harness=harness, environment=CONTROL)
    assert run.harness == {
        2: HarnessOutcome(value=b"hello"),
        4: HarnessOutcome(),
        6: HarnessOutcome(value=b"hello, "),
    }
    assert run.stdout == b"hello, world\x82\x84"
    assert [frame.tag for frame in run.frames if frame.step == 4] == [Tag.REACHED]


def test_what_cannot_be_received_is_a_failure(misbehave):
    harness = {0: Harness(Receive(Stdio.STDOUT, 6), True)}
    run = misbehave("reaches-steps", "0>hello!", harness=harness, environment=CONTROL, deadline_ns=1000 * MILLISECOND)
    assert run.exit.reason is ExitReason.DEADLINE
    assert run.harness[0].failure == "5 of 6 bytes had come out of stdout when the run ended"


def test_what_the_guest_wrote_beside_its_frames_is_received_at_once(misbehave):
    """The parser may hold back only what can be the beginning of a frame."""
    harness = {0: Harness(Receive(Stdio.STDERR, 5), True)}
    run = misbehave("murmurs", harness=harness, environment=CONTROL)
    assert run.harness == {0: HarnessOutcome(value=b"hello")}
    assert (run.exit, run.stderr) == (OK, b"hello")


@pytest.mark.parametrize(
    ("action", "environment", "problem"),
    [
        (Feed(b"x"), Environment(), "stdin cannot be fed: it is not open"),
        (Close(Stdio.STDIN), Environment(), "stdin cannot be closed: it is not open"),
        (Close(Stdio.STDOUT), Environment(stdout=Sink.FILE), "the harness has no open end of stdout"),
        (Drain(Stdio.STDOUT), Environment(), "stdout was not held back, or is drained"),
        (Receive(Stdio.STDOUT, 1), Environment(stdout=Sink.BROKEN), "stdout is not read by the harness"),
        (Receive(Stdio.STDOUT, 9 << 20), Environment(), "9437184 bytes are more than is kept of stdout"),
    ],
)
def test_a_step_that_makes_no_sense_is_a_failure(misbehave, action, environment, problem):
    run = misbehave("reaches-steps", "0", harness={0: Harness(action, False)}, environment=environment)
    assert run.harness[0].failure == problem


def test_an_acknowledgement_needs_a_way_in(misbehave):
    run = misbehave("reaches-steps", "0", harness={0: Harness(Pause(0), True)})
    assert run.harness[0].failure == "the step cannot be acknowledged: stdin is not open"


def test_unexpected_arrivals_are_anomalies(misbehave):
    run = misbehave("reaches-steps", "0", "0", "7", harness={0: Harness(Pause(0), False)})
    assert run.anomalies == (
        "a frame that reaches step 0 once more",
        "a frame that reaches step 7, which is no harness step",
    )


def test_megabytes_are_fed_without_blocking(misbehave):
    data = bytes(range(256)) * (20 << 12)
    expected = b"%d %08x" % (len(data), zlib.crc32(data))
    run = misbehave("copies-stdin", environment=Environment(stdin=Stdin(Source.BYTES, data)))
    assert run.stdout == expected
    harness = {0: Harness(Feed(data), False), 1: Harness(Close(Stdio.STDIN), False)}
    run = misbehave("copies-stdin", harness=harness, environment=PIPE)
    assert run.stdout == expected
    run = misbehave("copies-stdin", harness={0: harness[0]}, environment=PIPE, deadline_ns=300 * MILLISECOND)
    assert run.exit.reason is ExitReason.DEADLINE, "a pipe that nobody closes has no end"


def test_a_host_that_does_not_read_its_stdin_is_no_trouble(misbehave):
    harness = {0: Harness(Feed(bytes(20 << 20)), False)}
    run = misbehave("reaches-steps", "0", harness=harness, environment=PIPE)
    assert run.exit == OK
    assert run.harness[0].failure is None


def test_stdin_ends_after_what_was_fed(misbehave):
    harness = {0: Harness(Close(Stdio.STDIN), False), 1: Harness(Pause(0), False)}
    run = misbehave("copies-stdin", harness=harness, environment=PIPE)
    assert run.stdout == b"0 00000000"


def test_an_unread_pipe_stalls_the_host_until_it_is_drained(misbehave):
    unread = Environment(stdout=Sink.UNREAD)
    run = misbehave(
        "floods-stdout", harness={0: Harness(Pause(0), False)}, environment=unread, deadline_ns=300 * MILLISECOND
    )
    assert run.exit.reason is ExitReason.DEADLINE
    assert 4096 <= len(run.stdout) < 1 << 20, "what lay in the pipe is read at the end"
    run = misbehave("floods-stdout", harness={0: Harness(Drain(Stdio.STDOUT), False)}, environment=unread)
    assert (run.exit, len(run.stdout)) == (OK, 1 << 20)


def test_an_output_can_be_closed_under_the_host(misbehave):
    for sink in (Sink.PIPE, Sink.UNREAD):
        harness = {0: Harness(Close(Stdio.STDOUT), False)}
        run = misbehave("floods-stdout", harness=harness, environment=Environment(stdout=sink))
        assert run.exit == Exit(ExitReason.EXITED, 1), "Python reports EPIPE"
        assert b"BrokenPipeError" in run.stderr


def test_a_file_is_watched_while_the_host_runs(misbehave):
    environment = Environment(stdin=Stdin(Source.CONTROL), stderr=Sink.FILE, stdout=Sink.FILE)
    harness = {0: Harness(Receive(Stdio.STDOUT, 5), True)}
    run = misbehave("reaches-steps", "0>hello!", harness=harness, environment=environment)
    assert run.harness == {0: HarnessOutcome(value=b"hello")}
    assert run.stdout == b"hello\x80"
    assert tags(run)[-1] == ("END", 1)


# --- the standard streams --------------------------------------------------------------------------

PIPE_KIND, FILE_KIND, TTY_KIND = "10000", "100000", "20000"


@pytest.mark.parametrize(
    ("stdin", "kind", "read"),
    [
        (Stdin(Source.NULL), f"0 kind {TTY_KIND} tty False", "0 read b''"),
        (Stdin(Source.BYTES, b"some"), f"0 kind {PIPE_KIND} tty False", "0 read b'some'"),
        (Stdin(Source.BYTES), f"0 kind {PIPE_KIND} tty False", "0 read b''"),
        (Stdin(Source.FILE, b"some"), f"0 kind {FILE_KIND} tty False", "0 read b'some'"),
        (Stdin(Source.WRITE_ONLY), f"0 kind {FILE_KIND} tty False", "0 read 9"),
        (Stdin(Source.CONTROL), f"0 kind {PIPE_KIND} tty False", "0 unread"),
        (Stdin(Source.PIPE), f"0 kind {PIPE_KIND} tty False", "0 unread"),
        (Stdin(Source.TERMINAL), f"0 kind {TTY_KIND} tty True", "0 unread"),
    ],
)
def test_stdin_is_what_the_vector_says(misbehave, tmp_path, stdin, kind, read):
    _, found = probe(misbehave, tmp_path, Environment(stdin=stdin), *([] if read == "0 unread" else ["read"]))
    assert kind in found
    assert read in found


def test_stdin_can_be_a_directory(tmp_path):
    """Asked of the descriptor itself, because Python does not even start with it."""
    wiring = wire(Environment(stdin=Stdin(Source.DIRECTORY)), tmp_path)
    with pytest.raises(IsADirectoryError):
        os.read(wiring.child[0], 1)
    wiring.close()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize(
    ("sink", "kind", "wrote"),
    [
        (Sink.PIPE, f"kind {PIPE_KIND} tty False", "wrote 5"),
        (Sink.UNREAD, f"kind {PIPE_KIND} tty False", "wrote 5"),
        (Sink.BROKEN, f"kind {PIPE_KIND} tty False", "write 32"),
        (Sink.FULL, f"kind {TTY_KIND} tty False", "write 28"),
        (Sink.FILE, f"kind {FILE_KIND} tty False", "wrote 5"),
        (Sink.READ_ONLY, f"kind {FILE_KIND} tty False", "write 9"),
        (Sink.TERMINAL, f"kind {TTY_KIND} tty True", "wrote 5"),
    ],
)
def test_outputs_are_what_the_vector_says(misbehave, tmp_path, stream, sink, kind, wrote):
    run, found = probe(misbehave, tmp_path, Environment(**{stream: sink}))
    number = {"stdout": 1, "stderr": 2}[stream]
    assert f"{number} {kind}" in found
    assert f"{number} {wrote}" in found
    assert getattr(run, stream) == (b"probe" if wrote == "wrote 5" else b"")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stream_can_be_closed(tmp_path, number):
    """Asked of a shell's `/proc`, because Python and other runtimes open /dev/null in the place of what is missing."""
    child = [None if index == number else os.open(os.devnull, os.O_RDWR) for index in range(3)]
    report = tmp_path / "report"
    process = HostProcess(
        ["/bin/sh", "-c", f'for n in 0 1 2; do [ -e /proc/$$/fd/$n ] && echo $n >> "{report}"; done'],
        environment={"PATH": os.defpath},
        cwd=tmp_path,
        child=child,
        descriptors=None,
    )
    process._process.wait()
    process.reap()
    for descriptor in child:
        if descriptor is not None:
            os.close(descriptor)
    assert report.read_text().split() == [str(n) for n in range(3) if n != number]


def test_a_closed_channel_is_an_empty_run(misbehave):
    run = misbehave("claims-everything", environment=Environment(stdout=Sink.CLOSED, stderr=Sink.CLOSED))
    assert (run.failure, run.stdout, run.stderr) == (None, b"", b"")


def test_a_terminal_is_raw_and_can_be_fed(misbehave):
    environment = Environment(stdin=Stdin(Source.TERMINAL), stdout=Sink.TERMINAL)
    harness = {0: Harness(Feed(b"\x03"), False), 1: Harness(Pause(0), True)}
    run = misbehave("reaches-steps", "0>a\nb!", "1!", harness=harness, environment=environment)
    assert run.exit == OK, "an interrupt character is a byte like any other"
    assert run.stdout == b"a\nb\x03\x81"
