"""Typed vector to component text to wasm."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from wasmtime import WasmtimeError, wat2wasm

from wasicheck.guest import runtime
from wasicheck.guest.canon import Canon
from wasicheck.guest.imports import Imports
from wasicheck.guest.operands import FILL, Storage
from wasicheck.guest.steps import Layout, StepCompiler
from wasicheck.vectors.model import Channel, Harness, Lift, Lowering, Step, Vector
from wasicheck.wit.types import Function, FutureType, StreamType, Wit

VERSION = "0.3.0"
RUN = f"wasi:cli/run@{VERSION}"
DEFAULT_LIMIT = 3_000_000_000
"""Nanoseconds a step may wait, where the vector does not say."""


class CompileError(Exception):
    """A vector whose guest is not valid WebAssembly: a defect of the compiler or of the vector, never of a host."""


@dataclass(frozen=True)
class Build:
    """How guests are built in a run: the same vector then tests more of a host's canonical ABI."""

    lift: Lift = Lift.SYNC
    lowering: Lowering = Lowering.ASYNC

    @property
    def flags(self) -> tuple[str, ...]:
        """As results record it: `lift=sync`, `lower=async`."""
        return (f"lift={self.lift.value}", f"lower={self.lowering.value}")


@dataclass(frozen=True)
class Guest:
    """A compiled vector: the component (its nonce still the placeholder), its text, and where each step's value is."""

    wasm: bytes
    wat: str
    layouts: tuple[Layout, ...]


def compile_vector(vector: Vector, wit: Wit, build: Build) -> Guest:
    """Compile a vector; raise `CompileError`."""
    return compile_steps(
        vector.steps,
        wit,
        build,
        channel=vector.guest.channel,
        limits=vector.guest.limits_inside,
        imports=vector.imports,
    )


def compile_steps(
    steps: tuple[Step, ...],
    wit: Wit,
    build: Build,
    *,
    channel: Channel = Channel.STDERR,
    limits: bool = True,
    imports: tuple[str, ...] = (),
    link: tuple[Function, ...] = (),
) -> Guest:
    """Compile steps to a component for the world `wasi:cli/command`.

    `imports` are interfaces to import whole, `link` functions to import, whether they are called or not.
    """
    needed = Imports(wit)
    for id in imports:
        needed.interface(id)
    for function in link:
        needed.function(function)
    wat, layouts = _component(steps, wit, build, channel, limits, needed)
    try:
        wasm = bytes(wat2wasm(wat))
    except WasmtimeError as error:
        raise CompileError(f"the guest is not valid WebAssembly text: {error}") from error
    return Guest(wasm, wat, layouts)


def _component(
    steps: tuple[Step, ...], wit: Wit, build: Build, channel: Channel, limits: bool, needed: Imports
) -> tuple[str, tuple[Layout, ...]]:
    canon = Canon(needed)
    storage = Storage(runtime.STATIC_END)
    flags = storage.image.allocate(len(steps) + 1, 1)
    compiler = StepCompiler(canon, storage, flags, lowering=build.lowering, has_task_return=build.lift is not Lift.SYNC)
    functions: list[str] = []
    layouts: list[Layout] = []
    for index, step in enumerate(steps):
        text, layout = compiler.compile(index, step)
        functions.append(text)
        layouts.append(layout)

    limit_table = storage.image.allocate(8 * (len(steps) + 1), 8)
    for index, step in enumerate(steps):
        storage.image.write(limit_table + 8 * index, struct.pack("<Q", step.within or DEFAULT_LIMIT))
    slots = storage.image.allocate(compiler.slots * runtime.SLOT_SIZE, 4)

    parts = [
        _bindings(canon, wit, channel, limits=limits, listens=any(_acknowledged(s) for s in steps)),
        runtime.core(limits=limits),
        *([FILL] if compiler.fills else []),
        *functions,
        _entry(canon, build.lift, polls=compiler.polls),
    ]
    constants = {
        "slots": slots,
        "slot_output": slots + runtime.OUTPUT_SLOT * runtime.SLOT_SIZE,
        "slots_end": slots + compiler.slots * runtime.SLOT_SIZE,
        "flags": flags,
        "limits": limit_table,
        "steps": len(steps),
    }
    module = [
        *canon.core_imports(),
        *(f"(global ${name} i32 (i32.const {value}))" for name, value in constants.items()),
        *(
            [f"(table funcref (elem {' '.join(f'$step{i}' for i in range(len(steps)))}))"]
            if steps
            else ["(table 0 funcref)"]
        ),
        runtime.nonce_segment(),
        *_segments(storage),
        *parts,
    ]
    component = [
        *needed.render(),
        runtime.MEMORY_MODULE.format(pages=storage.pages, heap=storage.heap),
        "(core instance $memory_instance (instantiate $Memory))",
        '(alias core export $memory_instance "memory" (core memory $memory))',
        '(alias core export $memory_instance "realloc" (core func $realloc))',
        *canon.definitions(),
        _block(
            "(core module $Guest",
            ['(import "" "memory" (memory 1))', '(import "" "heap" (global $heap (mut i32)))', *module],
        ),
        _block(
            '(core instance $guest (instantiate $Guest (with "" (instance',
            [
                '(export "memory" (memory $memory))',
                '(export "heap" (global $memory_instance "heap"))',
                *canon.core_exports(),
            ],
            "))))",
        ),
        f'(func $run async (result (result)) (canon lift (core func $guest "run"){_LIFT_OPTIONS[build.lift]}))',
        '(instance $exports (export "run" (func $run)))',
        f'(export "{RUN}" (instance $exports))',
    ]
    return _block("(component", component) + "\n", tuple(layouts)


_LIFT_OPTIONS = {
    Lift.SYNC: "",
    Lift.CALLBACK: ' async (callback (core func $guest "callback"))',
    Lift.STACKFUL: " async",
}


def _acknowledged(step: Step) -> bool:
    return isinstance(step.action, Harness) and step.action.acknowledge


def _bindings(canon: Canon, wit: Wit, channel: Channel, *, limits: bool, listens: bool) -> str:
    """The runtime's own names for what it calls: the channel, the control stream, the clock."""
    write = wit.interface(f"wasi:cli/{channel.value}@{VERSION}").functions["write-via-stream"]
    stream = write.params[0].type
    future = write.result
    assert isinstance(stream, StreamType)
    assert isinstance(future, FutureType)
    for name in ("waitable-set.new", "waitable.join", "subtask.drop"):
        canon.builtin(name)
    lines = [
        f"(func $output.new (result i64) (call {canon.new(stream)}))",
        f"(func $output.open (param i32) (result i32) (call {canon.lower(write, Lowering.SYNC)} (local.get 0)))",
        "(func $output.write (param i32 i32 i32) (result i32)"
        f" (call {canon.copy(stream, 'write', Lowering.ASYNC)} (local.get 0) (local.get 1) (local.get 2)))",
        f"(func $output.close (param i32) (call {canon.drop_end(stream, writable=True)} (local.get 0)))",
        "(func $output.await (param i32 i32) (result i32)"
        f" (call {canon.copy(future, 'read', Lowering.ASYNC)} (local.get 0) (local.get 1)))",
        f"(func $output.forget (param i32) (call {canon.drop_end(future, writable=False)} (local.get 0)))",
    ]
    if limits:
        wait_for = wit.interface(f"wasi:clocks/monotonic-clock@{VERSION}").functions["wait-for"]
        canon.builtin("subtask.cancel")
        lines.append(
            f"(func $timer (param i64) (result i32) (call {canon.lower(wait_for, Lowering.ASYNC)} (local.get 0)))"
        )
    if listens:
        read = wit.interface(f"wasi:cli/stdin@{VERSION}").functions["read-via-stream"]
        control, slot = runtime.CONTROL_PAIR, runtime.CONTROL_SLOT * runtime.SLOT_SIZE
        lines += [
            ";; Wait for a byte on stdin: the harness's acknowledgement.",
            "(func $listen",
            f"  (if (i32.eqz (i32.load (i32.const {control})))",
            f"    (then (call {canon.lower(read, Lowering.SYNC)} (i32.const {control}))))",
            f"  (call $copying (i32.add (global.get $slots) (i32.const {slot})) (i32.load (i32.const {control}))",
            f"    (call {canon.copy(stream, 'read', Lowering.ASYNC)} (i32.load (i32.const {control}))",
            f"      (i32.const {runtime.CONTROL_BYTE}) (i32.const 1))))",
        ]
    return "\n".join(lines)


def _entry(canon: Canon, lift: Lift, *, polls: bool) -> str:
    """The exported function, and the functions that take events for it."""
    if polls:
        canon.builtin("waitable-set.poll")
    blocks = lift is not Lift.CALLBACK
    if blocks:
        canon.builtin("waitable-set.wait")
        if polls:
            canon.builtin("thread.yield")
    if lift is not Lift.SYNC:
        canon.task_return("(result (result))")
    waiting = runtime.waiting(blocks=blocks, polls=polls)
    match lift:
        case Lift.SYNC:
            entry = runtime.SYNC_ENTRY.format(loop=runtime.blocking_loop(polls=polls))
        case Lift.STACKFUL:
            entry = runtime.STACKFUL_ENTRY.format(loop=runtime.blocking_loop(polls=polls))
        case Lift.CALLBACK:
            entry = runtime.CALLBACK_ENTRY.format(poll=runtime.CALLBACK_POLL if polls else "")
    return f"{waiting}\n{entry}"


def _segments(storage: Storage) -> list[str]:
    """Data segments of the image (zeros left out) and of what stands in regions."""
    pieces: list[tuple[int, bytes]] = [(storage.image.base, storage.image.bytes), *storage.segments]
    return [
        f'(data (i32.const {address + start}) "{_escaped(run)}")'
        for address, data in pieces
        for start, run in _runs(data)
    ]


def _runs(data: bytes, gap: int = 16) -> list[tuple[int, bytes]]:
    """The parts of data between long runs of zeros, each with its offset."""
    runs: list[tuple[int, bytes]] = []
    at = 0
    zeros = bytes(gap)
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        end = data.find(zeros, at)
        end = len(data) if end < 0 else end
        runs.append((at, data[at:end]))
        at = end
    return runs


def _escaped(data: bytes) -> str:
    return "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02x}" for b in data)


def _block(head: str, lines: list[str], tail: str = ")") -> str:
    body = "\n".join(lines).replace("\n", "\n  ")
    return f"{head}\n  {body}{tail}"
