"""The wasmtime runner, proved on the real program: the user's own, or the one in the cache."""

from pathlib import Path

import pytest
import wasmtime

from wasicheck.guest.frames import PLACEHOLDER, Frame, Tag, encode
from wasicheck.host.cache import find_cache
from wasicheck.host.errors import HostError
from wasicheck.host.execute import execute
from wasicheck.host.locate import load_runner
from wasicheck.judge.run import Exit, ExitReason
from wasicheck.vectors.model import Lift
from wasicheck.vectors.surroundings import Environment, Sink

RUNNERS = Path(__file__).parents[2] / "runners"
FRAME = Frame(0, 0, Tag.END, ((1024, b"memory"),))
TEXT = """
(component
  (import "wasi:cli/types@0.3.0" (instance $types
    (type $cases (enum "io" "illegal-byte-sequence" "pipe"))
    (export "error-code" (type (eq $cases)))))
  (alias export $types "error-code" (type $code))
  (type $bytes (stream u8))
  (type $outcome (result (error $code)))
  (type $written (future $outcome))
  (import "wasi:cli/stderr@0.3.0" (instance $stderr
    (export "error-code" (type $own (eq $code)))
    (type $data (stream u8))
    (type $result (result (error $own)))
    (type $future (future $result))
    (export "write-via-stream" (func (param "data" $data) (result $future)))))
  (core module $memory (memory (export "memory") 1))
  (core instance $m (instantiate $memory))
  (alias core export $m "memory" (core memory $memory))
  (core func $write-via-stream (canon lower (func $stderr "write-via-stream")))
  (core func $new (canon stream.new $bytes))
  (core func $write (canon stream.write $bytes async (memory $memory)))
  (core func $drop (canon stream.drop-writable $bytes))
  (core func $read (canon future.read $written async (memory $memory)))
  (core func $set (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core func $wait (canon waitable-set.wait (memory $memory)))
  (core module $main
    (import "" "memory" (memory 1))
    (import "" "write-via-stream" (func $write-via-stream (param i32) (result i32)))
    (import "" "new" (func $new (result i64)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "read" (func $read (param i32 i32) (result i32)))
    (import "" "set" (func $set (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (data (i32.const 1024) "DATA")
    (func $await (param $end i32) (param $code i32)
      (local $set i32)
      (if (i32.ne (local.get $code) (i32.const -1)) (then return))
      (local.set $set (call $set))
      (call $join (local.get $end) (local.get $set))
      (drop (call $wait (local.get $set) (i32.const 0)))
      (call $join (local.get $end) (i32.const 0)))
    (func (export "run") (result i32)
      (local $ends i64) (local $writer i32) (local $future i32)
      (local.set $ends (call $new))
      (local.set $writer (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
      (local.set $future (call $write-via-stream (i32.wrap_i64 (local.get $ends))))
      (call $await (local.get $writer) (call $write (local.get $writer) (i32.const 1024) (i32.const SIZE)))
      (call $drop (local.get $writer))
      (call $await (local.get $future) (call $read (local.get $future) (i32.const 16)))
      THEN))
  (core instance $i (instantiate $main (with "" (instance
    (export "memory" (memory $memory))
    (export "write-via-stream" (func $write-via-stream))
    (export "new" (func $new)) (export "write" (func $write)) (export "drop" (func $drop)) (export "read" (func $read))
    (export "set" (func $set)) (export "join" (func $join)) (export "wait" (func $wait))))))
  (func $run async (result (result)) (canon lift (core func $i "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $r)))
"""


def guest(then):
    """A guest that writes one frame to stderr, and then does something."""
    # The checksum leaves the nonce out, so that a frame can be made before the nonce is known.
    frame = encode(PLACEHOLDER, FRAME)
    data = "".join(f"\\{byte:02x}" for byte in frame)
    return bytes(wasmtime.wat2wasm(TEXT.replace("DATA", data).replace("SIZE", str(len(frame))).replace("THEN", then)))


@pytest.fixture(scope="module")
def host():
    try:
        return load_runner("wasmtime", runners=RUNNERS, cache=find_cache())
    except HostError as error:
        pytest.skip(f"no wasmtime: {error}")


@pytest.mark.parametrize(
    ("then", "end"),
    [
        ("(i32.const 0)", Exit(ExitReason.EXITED, 0)),
        ("(i32.const 1)", Exit(ExitReason.EXITED, 1)),
        ("unreachable", Exit(ExitReason.EXITED, 134)),
        ("(loop $forever (br $forever)) unreachable", Exit(ExitReason.DEADLINE, 9)),
    ],
)
def test_a_frame_arrives_however_the_guest_ends(host, then, end):
    run = execute(host, guest(then), Environment(), {}, deadline_ns=1 if end.reason is ExitReason.DEADLINE else 10**10)
    assert run.failure is None
    assert run.exit == end
    assert [(frame.step, frame.tag, frame.pieces) for frame in run.frames] == [(0, Tag.END, ((1024, b"memory"),))]
    assert run.anomalies == ()


@pytest.mark.parametrize("lift", [Lift.SYNC, Lift.STACKFUL])
def test_the_program_accepts_every_option_of_the_runner(host, lift):
    environment = Environment(args=("a", "--b"), env=(("A", "b=c"),), cwd="/", network=True)
    run = execute(host, guest("(i32.const 0)"), environment, {}, deadline_ns=10**10, lift=lift)
    assert (run.exit, run.stderr) == (Exit(ExitReason.EXITED, 0), b"")
    assert {"-Scwd=/", "A=b=c", "-Sinherit-network", "--b"} <= set(run.command)


def test_a_channel_nobody_reads_is_no_trouble(host):
    run = execute(host, guest("(i32.const 0)"), Environment(stderr=Sink.BROKEN), {}, deadline_ns=10**10)
    assert run.failure is None
    assert run.frames == ()
