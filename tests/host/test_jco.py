"""jco as a host: runners/jco found, filled and started, and what run.mjs makes of a guest's surroundings and end."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest
from wasmtime import wat2wasm

from wasicheck.guest.frames import PLACEHOLDER
from wasicheck.host.cache import find_cache
from wasicheck.host.errors import HostError
from wasicheck.host.host import Host
from wasicheck.host.locate import load_runner
from wasicheck.host.prepare import PrepareError, Preparer
from wasicheck.vectors.model import Lift, World
from wasicheck.vectors.surroundings import Environment

pytestmark = pytest.mark.jco

RUNNERS = Path(__file__).parents[2] / "runners"
Run = Callable[..., subprocess.CompletedProcess[bytes]]
NONCE = bytes(range(16))
DEADLINE_S = 20.0

GUEST = """
(component
  (import "wasi:cli/types@0.3.0" (instance $types
    (type $code' (enum "io" "illegal-byte-sequence" "pipe"))
    (export "error-code" (type (eq $code')))))
  (alias export $types "error-code" (type $code))
  (type $bytes (stream u8))
  (type $written (future (result (error $code))))
  (import "wasi:cli/stderr@0.3.0" (instance $stderr
    (export "error-code" (type $e (eq $code)))
    (type $s (stream u8)) (type $f (future (result (error $e))))
    (export "write-via-stream" (func (param "data" $s) (result $f)))))
  {imports}
  (core module $Memory
    (memory (export "memory") 4)
    (global $top (export "top") (mut i32) (i32.const 131072))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.get $top)
      (global.set $top (i32.add (global.get $top) (local.get 3)))))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $m))
  (alias core export $memory "realloc" (core func $realloc))
  (canon lower (func $stderr "write-via-stream") (core func $stderr))
  (canon stream.new $bytes (core func $new))
  (canon stream.write $bytes async (memory $m) (core func $write))
  (canon stream.read $bytes async (memory $m) (core func $read))
  (canon stream.drop-writable $bytes (core func $close))
  (canon future.read $written async (memory $m) (core func $written))
  (canon waitable-set.new (core func $set))
  (canon waitable-set.wait (memory $m) (core func $wait))
  (canon waitable.join (core func $join))
  {lowers}
  (core module $Main
    (import "" "memory" (memory 0))
    (import "" "top" (global $top (mut i32)))
    (import "" "stderr" (func $stderr (param i32) (result i32)))
    (import "" "new" (func $new (result i64)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "read" (func $read (param i32 i32 i32) (result i32)))
    (import "" "close" (func $close (param i32)))
    (import "" "written" (func $written (param i32 i32) (result i32)))
    (import "" "set" (func $set (result i32)))
    (import "" "wait" (func $wait (param i32 i32) (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    {core_imports}
    (data (i32.const 64) "<wasicheck nonce")
    (data (i32.const 128) "said.")
    ;; The outcome of an operation on a waitable, waited for when it is blocked.
    (func $done (param $waitable i32) (param $code i32) (result i32)
      (local $in i32)
      (if (i32.ne (local.get $code) (i32.const -1)) (then (return (local.get $code))))
      (local.set $in (call $set))
      (call $join (local.get $waitable) (local.get $in))
      (drop (call $wait (local.get $in) (i32.const 16)))
      (call $join (local.get $waitable) (i32.const 0))
      (i32.load (i32.const 20)))
    ;; Writes to stderr and waits until it is written.
    (func $say (param $at i32) (param $length i32)
      (local $ends i64) (local $out i32) (local $future i32) (local $count i32)
      (local.set $ends (call $new))
      (local.set $out (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
      (local.set $future (call $stderr (i32.wrap_i64 (local.get $ends))))
      (loop $more
        (local.set $count (i32.shr_u
          (call $done (local.get $out) (call $write (local.get $out) (local.get $at) (local.get $length)))
          (i32.const 4)))
        (local.set $at (i32.add (local.get $at) (local.get $count)))
        (local.set $length (i32.sub (local.get $length) (local.get $count)))
        (br_if $more (i32.and (i32.ne (local.get $count) (i32.const 0)) (i32.ne (local.get $length) (i32.const 0)))))
      (call $close (local.get $out))
      (drop (call $done (local.get $future) (call $written (local.get $future) (i32.const 32)))))
    (func (export "run") (result i32) (local $in i32) (local $got i32) (local $ends i64)
      {body}))
  (core instance $main (instantiate $Main (with "" (instance
    (export "memory" (memory $m)) (export "top" (global $memory "top")) (export "stderr" (func $stderr))
    (export "new" (func $new)) (export "write" (func $write)) (export "read" (func $read))
    (export "close" (func $close)) (export "written" (func $written)) (export "set" (func $set))
    (export "wait" (func $wait)) (export "join" (func $join)) {core_exports}))))
  (func $run async (result (result)) (canon lift (core func $main "run")))
  (instance $export (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $export)))
"""

SAY = "(call $say (i32.const 128) (i32.const 5))"
OK = "(i32.const 0)"
NOTHING_GIVEN = Environment()
FOREVER = "(drop (call $wait (call $set) (i32.const 16)))"


def guest(
    body: str, *, imports: str = "", functions: Sequence[tuple[str, str, str]] = (), types: str = "(param i32)"
) -> bytes:
    """Return a guest: `functions` are (name, import instance and function, canonical options), all of type `types`."""
    return bytes(
        wat2wasm(
            GUEST.replace("{imports}", imports)
            .replace("{lowers}", "\n".join(f"(canon lower (func {f}) {o} (core func ${n}))" for n, f, o in functions))
            .replace("{core_imports}", "\n".join(f'(import "" "{n}" (func ${n} {types}))' for n, _, _ in functions))
            .replace("{core_exports}", "\n".join(f'(export "{n}" (func ${n}))' for n, _, _ in functions))
            .replace("{body}", body)
        )
    )


@pytest.fixture(scope="module")
def jco() -> Host:
    try:
        return load_runner("jco", runners=RUNNERS, cache=find_cache())
    except HostError as error:
        if any(words in str(error) for words in ("cannot be reached", "could not be fetched", "npm is needed")):
            pytest.skip(f"NOT TESTED: jco comes from the npm registry: {error}")
        raise


@pytest.fixture(scope="module")
def preparer(jco: Host) -> Iterator[Preparer]:
    with Preparer(jco) as helper:
        yield helper


@pytest.fixture
def run(jco: Host, preparer: Preparer, tmp_path: Path) -> Run:
    def run(
        component: bytes,
        environment: Environment = NOTHING_GIVEN,
        directories: Sequence[tuple[Path, str]] = (),
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        data: bytes | None = None,
        shell: str = "",
    ) -> subprocess.CompletedProcess[bytes]:
        prepared = preparer.prepare(component)
        command = jco.command(prepared, environment, Lift.SYNC, directories=directories, nonce=NONCE)
        if shell:
            command = ("sh", "-c", f'exec "$@" {shell}', "sh", *command)
        return subprocess.run(
            command,
            **({"input": data} if data is not None else {"stdin": stdin}),
            capture_output=True,
            timeout=DEADLINE_S,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "SECRET": "of the host"},
            check=False,
        )

    return run


EXIT = {
    "imports": """(import "wasi:cli/exit@0.3.0" (instance $exit
        (export "exit-with-code" (func (param "status-code" u8)))))""",
    "functions": [("exit", '$exit "exit-with-code"', "")],
}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param(f"{SAY} {OK}", 0, b"", id="ok"),
        pytest.param(f"{SAY} (i32.const 1)", 1, b"", id="err"),
        pytest.param(f"{SAY} unreachable", 1, b"error: the guest trapped: RuntimeError", id="trap"),
        pytest.param(f"{SAY} (call $exit (i32.const 7)) unreachable", 7, b"", id="exit-with-code"),
        pytest.param(f"{SAY} (call $exit (i32.const 0)) unreachable", 0, b"", id="exit-with-zero"),
        pytest.param(f"{SAY} {FOREVER} {OK}", 1, b"error: the guest trapped: Error", id="nothing-can-wake-it"),
    ],
)
def test_how_a_guest_ends_shows_in_the_status(run: Run, body: str, status: int, words: bytes) -> None:
    done = run(guest(body, **EXIT))
    assert done.returncode == status, done
    assert done.stderr.startswith(b"said.")
    assert words in done.stderr
    assert bool(words) == (done.stderr != b"said.")


def test_nothing_said_before_an_exit_is_lost(run: Run) -> None:
    component = guest(f"{SAY} {SAY} {SAY} (call $exit (i32.const 7)) unreachable", **EXIT)
    assert [run(component).stderr for _ in range(6)] == [b"said.said.said."] * 6


def test_what_a_guest_does_not_wait_for_is_written_all_the_same(run: Run) -> None:
    body = f"""
      (local.set $ends (call $new))
      (local.set $in (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
      (drop (call $stderr (i32.wrap_i64 (local.get $ends))))
      (drop (call $done (local.get $in) (call $write (local.get $in) (i32.const 128) (i32.const 5))))
      (call $close (local.get $in)) {OK}"""
    done = run(guest(body))
    assert (done.returncode, done.stderr) == (0, b"said.")


def test_the_nonce_stands_in_for_its_placeholder(run: Run) -> None:
    done = run(guest(f"(call $say (i32.const 64) (i32.const 16)) {OK}"))
    assert done.stderr == NONCE
    assert PLACEHOLDER not in done.stderr


ENVIRONMENT = {
    "imports": """(import "wasi:cli/environment@0.3.0" (instance $environment
        (type $pairs (list (tuple string string))) (type $strings (list string)) (type $maybe (option string))
        (export "get-environment" (func (result $pairs)))
        (export "get-arguments" (func (result $strings)))
        (export "get-initial-cwd" (func (result $maybe)))))""",
    "functions": [
        (name, f'$environment "get-{name}"', "(memory $m) (realloc (core func $realloc))")
        for name in ("environment", "arguments", "initial-cwd")
    ],
}
DUMP = f"(call $say (i32.const 131072) (i32.sub (global.get $top) (i32.const 131072))) {OK}"


@pytest.mark.parametrize(
    ("function", "environment", "present", "absent"),
    [
        pytest.param(
            "arguments", Environment(args=("--flag", "two words", "--")), ["--flag", "two words", "--"], [], id="args"
        ),
        pytest.param(
            "environment",
            Environment(env=(("NAME", "a=b c"), ("EMPTY", ""))),
            ["NAME", "a=b c", "EMPTY"],
            ["SECRET", "PATH"],
            id="env",
        ),
        pytest.param("environment", Environment(), [], ["SECRET", "PATH"], id="no-env"),
        pytest.param("initial-cwd", Environment(cwd="/in/the guest"), ["/in/the guest"], [], id="cwd"),
    ],
)
def test_what_the_guest_is_told(
    run: Run, function: str, environment: Environment, present: list[str], absent: list[str]
) -> None:
    done = run(guest(f"(call ${function} (i32.const 256)) {DUMP}", **ENVIRONMENT), environment)
    assert done.returncode == 0, done
    for text in present:
        assert text.encode() in done.stderr
    for text in absent:
        assert text.encode() not in done.stderr


def test_directories_are_granted_by_name_and_nothing_else(run: Run, tmp_path: Path) -> None:
    imports = """
      (import "wasi:filesystem/types@0.3.0" (instance $files (export "descriptor" (type (sub resource)))))
      (alias export $files "descriptor" (type $descriptor))
      (import "wasi:filesystem/preopens@0.3.0" (instance $preopens
        (export "descriptor" (type $d (eq $descriptor))) (type $list (list (tuple (own $d) string)))
        (export "get-directories" (func (result $list)))))"""
    functions = [("directories", '$preopens "get-directories"', "(memory $m) (realloc (core func $realloc))")]
    component = guest(f"(call $directories (i32.const 256)) {DUMP}", imports=imports, functions=functions)
    assert run(component).stderr == b""
    done = run(component, directories=[(tmp_path, "/one"), (tmp_path, "two::three")])
    assert done.returncode == 0, done
    assert b"/one" in done.stderr
    assert b"two::three" in done.stderr


STDIN = {
    "imports": """(import "wasi:cli/stdin@0.3.0" (instance $stdin
        (export "error-code" (type $e (eq $code)))
        (type $s (stream u8)) (type $f (future (result (error $e)))) (type $both (tuple $s $f))
        (export "read-via-stream" (func (result $both)))))""",
    "functions": [("stdin", '$stdin "read-via-stream"', "(memory $m)")],
}
# Echoes stdin; at its end, one byte more: 0 for ok, 1 for err.
ECHO = f"""
  (call $stdin (i32.const 256))
  (local.set $in (i32.load (i32.const 256)))
  (block $end (loop $more
    (local.set $got (call $done (local.get $in) (call $read (local.get $in) (i32.const 1024) (i32.const 65536))))
    (if (i32.shr_u (local.get $got) (i32.const 4))
      (then (call $say (i32.const 1024) (i32.shr_u (local.get $got) (i32.const 4)))))
    (br_if $more (i32.eqz (i32.and (local.get $got) (i32.const 15))))))
  (drop (call $done (i32.load (i32.const 260)) (call $written (i32.load (i32.const 260)) (i32.const 512))))
  (call $say (i32.const 512) (i32.const 1)) {OK}"""


def test_stdin_is_the_guests(run: Run, tmp_path: Path) -> None:
    component = guest(ECHO, **STDIN)
    assert run(component, data=b"through a pipe").stderr == b"through a pipe\0"
    assert run(component).stderr == b"\0"
    assert run(component, shell="<&-").stderr == b"\0"
    (tmp_path / "file").write_bytes(b"from a file")
    with (tmp_path / "file").open("rb") as file:
        assert run(component, stdin=file).stderr == b"from a file\0"


def test_ports_to_serve_on_are_none_that_another_process_may_be_given_meanwhile(
    jco: Host, preparer: Preparer, tmp_path: Path
) -> None:
    prepared = preparer.prepare(guest(OK))
    command = jco.command(prepared, NOTHING_GIVEN, Lift.SYNC, directories=(), nonce=NONCE, world=World.SERVICE)
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as host:
        try:
            assert host.stderr is not None
            found = next(filter(None, (re.search(r"serving on 127\.0\.0\.1:(\d+)", line) for line in host.stderr)))
            port = int(found[1])
            socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()
        finally:
            host.kill()
    assert port < 32_768, "Linux hands out those from here on, other systems later ones"


def test_a_component_without_an_entry_is_refused_by_name(preparer: Preparer) -> None:
    with pytest.raises(PrepareError, match=r"exports none of wasi:cli/run@0\.3\.0, wasi:http/handler@0\.3\.0"):
        preparer.prepare(bytes(wat2wasm("(component)")))


def test_what_the_shim_lacks_does_not_link(run: Run) -> None:
    imports = '(import "wasi:cli/nothing@0.3.0" (instance $nothing (export "at-all" (func (param "x" u32)))))'
    done = run(guest(OK, imports=imports, functions=[("nothing", '$nothing "at-all"', "")]))
    assert done.returncode == 1
    assert b"error: the component does not link: Error: preview3-shim has no wasi:cli/nothing" in done.stderr
