"""What a compiled guest is made of: its imports, its nonce, its memory; what cannot be compiled; how long it takes."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from inline import load, one
from wasmtime import Engine, wat2wasm
from wasmtime.component import Component, ComponentInstanceType, FuncType

from wasicheck.guest import compiler
from wasicheck.guest.compiler import Build, CompileError, Guest, compile_steps, compile_vector
from wasicheck.guest.frames import NONCE_SIZE, PLACEHOLDER, stamp
from wasicheck.guest.imports import Imports
from wasicheck.session import load_vectors
from wasicheck.vectors.model import Channel, Lift, Lowering, Vector, World, Yield
from wasicheck.wit import wasi
from wasicheck.wit.types import U8, FutureType, ListType, OptionType, ResultType, StreamType, TupleType, Type

VALIDATED = (Lift.SYNC, Lift.CALLBACK)
"""The lifts that wasmtime takes without being asked to; the tests on its command line have all three."""
BUILDS = [Build(lift, lowering) for lift in VALIDATED for lowering in Lowering]
ENGINE = Engine()
CHANNEL = {
    "wasi:cli/types@0.3.0": set(),
    "wasi:cli/stderr@0.3.0": {"write-via-stream"},
}
"""What every guest imports: the channel for observations."""
CLOCK = {"wasi:clocks/monotonic-clock@0.3.0": {"[async]wait-for"}}
"""What guests import whose steps may wait: the clock that limits that."""


def build(vector: Vector, build: Build = Build()) -> Guest:  # noqa: B008
    return compile_vector(vector, wasi(), build)


def imports(guest: Guest) -> dict[str, set[str]]:
    """The functions that a component imports, by interface; wasmtime has validated it then."""
    component = Component(ENGINE, guest.wasm)
    found: dict[str, set[str]] = {}
    type = component.type
    for name, item in type.imports(ENGINE).items():
        assert isinstance(item.ty, ComponentInstanceType)
        found[name] = {n for n, part in item.ty.exports(ENGINE).items() if isinstance(part.ty, FuncType)}
    return found


def used(found: dict[str, set[str]]) -> dict[str, set[str]]:
    return {name: functions for name, functions in found.items() if functions}


@pytest.mark.parametrize("lift", VALIDATED)
@pytest.mark.parametrize(
    ("steps", "more"),
    [
        pytest.param("- return: ok", {}, id="nothing"),
        pytest.param("- trap: true\n  expect: trap", {}, id="trap"),
        pytest.param(
            "- call: clocks/monotonic-clock.now()\n  expect: $t",
            {"wasi:clocks/monotonic-clock@0.3.0": {"now"}},
            id="one",
        ),
        pytest.param(
            "- call: sockets/types.tcp-socket.create(ipv4)\n  expect: ok($s)\n- drop: $s",
            {"wasi:sockets/types@0.3.0": {"[static]tcp-socket.create"}},
            id="resource",
        ),
        pytest.param(
            "- harness: {pause: 1ms}",
            CLOCK | {"wasi:cli/stdin@0.3.0": {"read-via-stream"}},
            id="acknowledged",
        ),
        pytest.param(
            "- call: clocks/monotonic-clock.wait-for(1)",
            {"wasi:clocks/monotonic-clock@0.3.0": {"[async]wait-for"}},
            id="async",
        ),
        pytest.param("- new: stream<u8>\n  as: [r, w]\n- start: {read: $r}\n  as: reading", CLOCK, id="started"),
    ],
)
def test_a_guest_imports_what_it_uses_and_no_more(steps: str, more: dict[str, set[str]], lift: Lift) -> None:
    expected = {name: set(functions) for name, functions in CHANNEL.items()}
    for name, functions in more.items():
        expected.setdefault(name, set()).update(functions)
    plain = {name: {f.replace("[async]", "") for f in functions} for name, functions in expected.items()}
    assert used(imports(build(one(steps), Build(lift)))) == used(plain)


NEW = "- new: stream<u8>\n  as: [r, w]\n"


@pytest.mark.parametrize(
    ("steps", "builtins"),
    [
        pytest.param("- return: ok", set(), id="nothing"),
        pytest.param(f"{NEW}- read: $r\n  expect: pending", {"subtask.cancel", "subtask.drop"}, id="a wait"),
        pytest.param(
            f'{NEW}- start: {{read: $r}}\n  as: reading\n- cancel: $reading\n  expect: cancelled("")',
            {"subtask.cancel", "subtask.drop", "stream.cancel-read"},
            id="a cancelled read",
        ),
    ],
)
def test_hosts_compile_no_more_than_what_a_guest_uses(steps: str, builtins: set[str]) -> None:
    text = build(one(steps)).wat
    assert {
        name for name in re.findall(r"\(canon ([a-z.-]+)", text) if "cancel" in name or "subtask" in name
    } == builtins
    assert "(table" not in text


def test_a_guest_without_limits_has_no_clock_and_may_speak_through_stdout() -> None:
    guest = compile_steps((), wasi(), Build(), channel=Channel.STDOUT, limits=False)
    assert used(imports(guest)) == {"wasi:cli/stdout@0.3.0": {"write-via-stream"}}


def test_what_is_to_be_linked_is_imported() -> None:
    exit = wasi().interface("wasi:cli/exit@0.3.0").functions["exit"]
    guest = compile_steps((), wasi(), Build(), link=(exit,), imports=("wasi:random/random@0.3.0",))
    found = imports(guest)
    assert found["wasi:cli/exit@0.3.0"] == {"exit"}
    assert found["wasi:random/random@0.3.0"] == {"get-random-bytes", "get-random-u64"}


@pytest.mark.parametrize("id", [i.id for p in wasi().packages.values() for i in p.interfaces.values()])
def test_every_interface_can_be_imported_whole(id: str) -> None:
    guest = compile_steps((), wasi(), Build(), imports=(id,))
    functions = {f.import_name for f in wasi().interface(id).functions.values()}
    assert imports(guest).get(id, set()) >= functions


def test_every_vector_of_the_suite_compiles_and_has_one_nonce() -> None:
    builds = cycle((Build(), Build(Lift.CALLBACK), Build(Lift.STACKFUL, Lowering.SYNC)))
    for vector, chosen in zip(load_vectors().vectors.values(), builds, strict=False):
        chosen = chosen if vector.world is World.COMMAND else Build(Lift.CALLBACK)
        guest = build(vector, chosen)
        assert len(guest.layouts) == len(vector.steps)
        assert guest.wasm.count(PLACEHOLDER) == (vector.guest.channel is not Channel.NONE)


@pytest.mark.parametrize("chosen", BUILDS, ids=lambda b: ",".join(b.flags))
@pytest.mark.parametrize("file", ["step_kinds.yaml", "arguments.yaml"])
def test_guests_are_valid(file: str, chosen: Build) -> None:
    vectors = load((Path(__file__).parent / file).read_text(encoding="utf-8")).values()
    for vector in vectors:
        # Long ones only take longer; `thread.yield` is not on without a flag.
        if len(vector.steps) > 12 or any(isinstance(s.action, Yield) for s in vector.steps):
            continue
        stamped = stamp(build(vector, chosen).wasm, bytes(range(NONCE_SIZE)))
        Component(ENGINE, stamped).close()


def test_the_text_is_what_was_assembled() -> None:
    guest = build(one("- call: clocks/monotonic-clock.now()\n  expect: $t"))
    assert bytes(wat2wasm(guest.wat)) == guest.wasm
    assert all(line == line.rstrip() for line in guest.wat.splitlines())


def test_small_things_that_outgrow_their_place_move_the_large_ones() -> None:
    literal = 'concat("{i}", repeat("-", 4000))'
    text = f"""
- for: {{i: 0..39}}
  steps:
    - call: http/types.fields.from-list([("a", {literal})])
      expect: ok(_)
- call: random/random.get-random-u64()
  repeat: 10
  expect: length(10)
"""
    guest = build(one(text))
    segments = [
        (int(found[1]), len(re.sub(r"\\[0-9a-f]{2}", ".", found[2])))
        for found in re.finditer(r'\(data \(i32\.const (\d+)\) "(.*)"\)', guest.wat)
    ]
    end = max(start + length for start, length in segments)
    (buffer,) = re.findall(r"local.set \$at \(i32.const (\d+)\)", guest.wat)
    assert end <= int(buffer)
    assert end > 40 * 4000


def test_long_bytes_are_not_in_the_component() -> None:
    text = """
- new: stream<u8>
  as: [r, w]
- write-all: $w
  data: concat(repeat("0123456789", 16MiB), "end")
"""
    guest = build(one(text))
    assert len(guest.wasm) < 20_000
    assert guest.wat.count("(call $fill") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "- call: read-via-stream()\n  expect: ($in, $done)\n"
            "- read-all: $in\n  limit: 70000000\n  expect: dropped(length(1))",
            "70000000 bytes are more than can be observed at once (66060288): read less",
        ),
        (
            "- new: stream<u64>\n  as: [r, w]\n- read: $r\n  count: 9000000\n  expect: pending",
            "72000000 bytes are more than can be observed at once (66060288): read less",
        ),
        (
            "- call: random/random.get-random-u64()\n  repeat: 1000000\n  expect: $a @ length(1000000)\n"
            "- new: stream<u8>\n  as: [r, w]\n"
            '- for: {i: 0..17}\n  steps:\n    - write-all: $w\n      data: repeat("x", 255MiB)',
            "the buffers of the vector are 4342 MiB together, more than a memory holds",
        ),
    ],
    ids=["read-all", "read", "memory"],
)
def test_what_no_guest_can_do(text: str, message: str) -> None:
    with pytest.raises(CompileError) as error:
        build(one(text))
    assert str(error.value) == message


def test_invalid_text_is_a_defect_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(compiler._LIFT_OPTIONS, Lift.SYNC, ' no "option')
    with pytest.raises(CompileError, match="the guest is not valid WebAssembly text"):
        build(one("- yield: 1"))


def test_a_call_that_is_to_be_seen_waiting_is_lowered_async_whatever_the_run_says() -> None:
    pending = "- call: clocks/monotonic-clock.wait-for(60s)\n  within: 1ms\n  expect: pending"
    text = build(one(pending), Build(lowering=Lowering.SYNC)).wat
    assert text.count("(call $wasi:clocks/monotonic-clock@0.3.0#wait-for.async") == 1
    done = build(one(pending.replace("  expect: pending", "")), Build(lowering=Lowering.SYNC)).wat
    assert done.count("(call $wasi:clocks/monotonic-clock@0.3.0#wait-for ") == 1


def test_the_result_is_given_behind_the_last_frame_unless_steps_follow() -> None:
    last = build(one("- yield: 1\n- return: err"), Build(Lift.CALLBACK)).wat
    assert last.count("(call $task.return") == 1
    middle = build(one("- return: err\n- yield: 1"), Build(Lift.CALLBACK)).wat
    assert middle.count("(call $task.return") == 2


def test_hundreds_of_steps_compile_quickly() -> None:
    text = "- for: {i: 0..999}\n  steps:\n    - call: clocks/monotonic-clock.now()\n      expect: $t{i}"
    vector = one(text)
    began = time.perf_counter()
    guest = build(vector)
    assert time.perf_counter() - began < 5
    assert len(guest.layouts) == 1000


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (ListType(U8, 3), "(list u8 3)"),
        (StreamType(None), "stream"),
        (FutureType(None), "future"),
        (ResultType(StreamType(U8), None), "(result (stream u8))"),
        (TupleType((U8, OptionType(U8))), "(tuple u8 (option u8))"),
    ],
)
def test_types_that_wasi_does_not_use(type: Type, text: str) -> None:
    assert Imports(wasi()).outer(type) == text


def test_the_same_anonymous_type_twice_is_defined_once() -> None:
    listen = wasi().interface("wasi:sockets/types@0.3.0").functions["tcp-socket.listen"]
    again = replace(listen, name="again")
    needed = Imports(wasi())
    needed.function(listen)
    needed.function(again)
    assert "\n".join(needed.render()).count("(stream (own $tcp-socket))") == 1
