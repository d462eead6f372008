"""Typed vector to component text to wasm.

A guest is two core modules: the memory, which the imports are lowered with, and the steps with the runtime that drives
them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from wasmtime import WasmtimeError, wat2wasm

from wasicheck.guest import runtime
from wasicheck.guest.canon import MEMORY, REALLOC, Canon
from wasicheck.guest.copies import proceed
from wasicheck.guest.driver import Runtime
from wasicheck.guest.driver import runtime as runtime_of
from wasicheck.guest.errors import CompileError
from wasicheck.guest.imports import Imports, quoted
from wasicheck.guest.operands import Storage
from wasicheck.guest.scope import Scope
from wasicheck.guest.steps import Layout, StepCompiler
from wasicheck.vectors.model import Backpressure, Channel, Lift, Lowering, Step, Vector, World
from wasicheck.vectors.staging import Harness
from wasicheck.wit.types import Function, FutureType, NamedType, ResourceType, StreamType, TupleType, Wit

__all__ = ["Build", "CompileError", "Guest", "compile_steps", "compile_vector"]

VERSION = "0.3.0"
DEFAULT_LIMIT = 3_000_000_000
"""Nanoseconds a step may wait, where the vector does not say."""
REGIONS = 1 << 16
"""Where large buffers begin, unless the small things before them need more room."""


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
        world=vector.world,
        downstream=vector.downstream,
    )


def compile_steps(
    steps: tuple[Step, ...],
    wit: Wit,
    build: Build,
    *,
    channel: Channel = Channel.STDERR,
    limits: bool = True,
    imports: tuple[str, ...] = (),
    link: tuple[Function | NamedType, ...] = (),
    world: World = World.COMMAND,
    downstream: tuple[Step, ...] = (),
) -> Guest:
    """Compile steps to a component for a world; raise `CompileError`.

    `imports` are interfaces to import whole. `link` are types to import, and functions to import and lower though
    nothing calls them: some hosts look for a function only when it is lowered. `downstream` are the steps of the
    handler that a middleware imports, or that a service is linked to as its client: a second component, which reports
    nothing.
    """
    part = _part(steps, wit, build, world, channel, limits=limits, imports=imports, link=link)
    text = part.text
    if downstream:
        inner = _part(downstream, wit, build, World.SERVICE, Channel.NONE, limits=False, linked=True)
        text = _composition(part, inner, wit, as_client=world is World.SERVICE)
    try:
        wasm = bytes(wat2wasm(text))
    except WasmtimeError as error:
        raise CompileError(f"the guest is not valid WebAssembly text: {error}") from error
    return Guest(wasm, text, part.layouts)


@dataclass(frozen=True)
class _Part:
    """A component as text, where each step's value is in its memory, and what it imports."""

    text: str
    layouts: tuple[Layout, ...]
    imports: Imports


def _part(
    steps: tuple[Step, ...],
    wit: Wit,
    build: Build,
    world: World,
    channel: Channel,
    *,
    limits: bool,
    linked: bool = False,
    imports: tuple[str, ...] = (),
    link: tuple[Function | NamedType, ...] = (),
) -> _Part:
    """Compile steps to a component; static memory is laid out again if its small things need more room.

    `linked`: another component imports what it exports.
    """
    regions = REGIONS
    while True:
        needed = Imports(wit)
        for id in imports:
            needed.interface(id)
        for item in link:
            if not isinstance(item, Function):
                needed.type(item)
        lowered = tuple(item for item in link if isinstance(item, Function))
        storage = Storage(runtime.STATIC_END, regions)
        text, layouts = _component(steps, wit, build, channel, limits, needed, storage, world, lowered, linked=linked)
        if not storage.overlaps:
            return _Part(text, layouts, needed)
        regions = -(-storage.image.end // REGIONS) * REGIONS


def _composition(front: _Part, inner: _Part, wit: Wit, *, as_client: bool) -> str:
    """A component of two: a middleware and the handler that it imports.

    `as_client`: a service, and a handler in the place of the client that it imports.
    """
    handler, handle = _EXPORTS[World.SERVICE]
    linked = CLIENT if as_client else handler
    outer = Imports(wit)
    for part in (inner, front):
        outer.include(part.imports, without=linked)

    def instance(name: str, part: _Part, more: str = "") -> list[str]:
        arguments = "".join(f" (with {quoted(id)} (instance ${id}))" for id in part.imports.interfaces if id != linked)
        return [
            part.text.rstrip().replace("(component", f"(component $component.{name}", 1),
            f"(instance $instance.{name} (instantiate $component.{name}{arguments}{more}))",
            f"(alias export $instance.{name} {quoted(handler)} (instance $handler.{name}))",
        ]

    lines = [
        "(component",
        *outer.render(),
        *instance("downstream", inner),
        *(_client_of(handle, wit) if as_client else ()),
        *instance(
            "front", front, f" (with {quoted(linked)} (instance ${'client' if as_client else 'handler.downstream'}))"
        ),
        f"(export {quoted(handler)} (instance $handler.front))",
    ]
    return "\n  ".join(lines) + ")\n"


CLIENT = f"wasi:http/client@{VERSION}"
"""The interface that a handler can stand in for: `send` has the type of `handle`."""


def _client_of(handle: str, wit: Wit) -> list[str]:
    """The handler behind as an instance of the client's interface."""
    lines = [f"(alias export $handler.downstream {quoted(handle)} (func $client.send))"]
    exports = '(export "send" (func $client.send))'
    for name in (definition.name for definition in wit.interface(CLIENT).types.values()):
        lines.append(f"(alias export $handler.downstream {quoted(name)} (type $client.{name}))")
        exports += f" (export {quoted(name)} (type $client.{name}))"
    return [*lines, f"(instance $client {exports})"]


_EXPORTS = {
    World.COMMAND: (f"wasi:cli/run@{VERSION}", "run"),
    World.SERVICE: (f"wasi:http/handler@{VERSION}", "handle"),
    World.MIDDLEWARE: (f"wasi:http/handler@{VERSION}", "handle"),
}
_LIFT_OPTIONS = {
    Lift.SYNC: "",
    Lift.CALLBACK: ' async (callback (core func $guest "callback"))',
    Lift.STACKFUL: " async",
}


def _component(
    steps: tuple[Step, ...],
    wit: Wit,
    build: Build,
    channel: Channel,
    limits: bool,
    needed: Imports,
    storage: Storage,
    world: World,
    lowered: tuple[Function, ...] = (),
    *,
    linked: bool,
) -> tuple[str, tuple[Layout, ...]]:
    canon = Canon(needed)
    for function in lowered:
        canon.lower(function, Lowering.SYNC)
    scope = Scope(canon, storage, flags=storage.image.allocate(len(steps) + 1, 1))
    compiler = StepCompiler(scope, len(steps), lowering=build.lowering, has_task_return=build.lift is not Lift.SYNC)
    compiled = [compiler.compile(index, step) for index, step in enumerate(steps)]
    functions = [*storage.helpers, *(text for text, _ in compiled), _take_step(len(steps))]
    functions += [proceed(scope.continued)] if scope.continued else []
    listens = any(isinstance(s.action, Harness) and s.action.acknowledge for s in steps)
    if listens:
        functions.append(_listen(canon, wit))

    limit_table = storage.image.allocate(8 * (len(steps) + 1), 8)
    times = struct.pack(f"<{len(steps)}Q", *(step.within or DEFAULT_LIMIT for step in steps))
    storage.image.write(limit_table, times)
    slots = storage.image.allocate(scope.slots * runtime.SLOT_SIZE, 4)

    constants = {
        "slots": slots,
        "slots_end": slots + scope.slots * runtime.SLOT_SIZE,
        "flags": scope.flags,
        "limits": limit_table,
        "steps": len(steps),
    }
    if world is not World.COMMAND:
        size = storage.image.end - storage.image.base
        constants |= {"image": storage.image.base, "image_size": size, "pristine": storage.region(size)}
    # One that reports nothing may be called by several clients. Where back-pressure is tested, its steps do that.
    holds = channel is Channel.NONE and not any(isinstance(step.action, Backpressure) for step in steps)
    # A guest whose steps never wait needs no clock.
    waits = listens or scope.polls or scope.slots > runtime.FIRST_FREE_SLOT
    driver = runtime_of(
        build.lift,
        world,
        channel,
        waits=waits,
        limits=limits,
        polls=scope.polls,
        proceeds=bool(scope.continued),
        holds=holds,
    )
    for name in driver.builtins:
        canon.builtin(name)
    bindings = _bindings(canon, wit, channel, driver)
    imports_first = [
        '(import "" "memory" (memory 1))',
        '(import "" "heap" (global $heap (mut i32)))',
        *canon.core_imports(),
    ]
    module = [
        *(f"(global ${name} i32 (i32.const {value}))" for name, value in constants.items()),
        *_segments(storage),
        *functions,
    ]
    export = _export(world, build.lift, needed, wit, whole=linked)
    component = [
        *needed.render(),
        runtime.MEMORY_MODULE.format(pages=storage.pages, heap=storage.heap),
        "(core instance $memory_instance (instantiate $Memory))",
        '(alias core export $memory_instance "memory" (core memory $memory))',
        '(alias core export $memory_instance "realloc" (core func $realloc))',
        *canon.definitions(),
        f"(core module $Guest{_indented(imports_first)}\n    {driver.text}{_indented(module)})",
        '(core instance $guest (instantiate $Guest (with "" (instance',
        '  (export "memory" (memory $memory))',
        '  (export "heap" (global $memory_instance "heap"))',
        *(f"  {line}" for line in canon.core_exports()),
        *(f'  (export "{name}" (func {id}))' for name, id in bindings.items()),
        "))))",
        *export,
    ]
    return "\n  ".join(("(component", *component)) + ")\n", tuple(layout for _, layout in compiled)


def _export(world: World, lift: Lift, needed: Imports, wit: Wit, *, whole: bool) -> list[str]:
    """The world's export, lifted from the core module; `whole`: with the types that the function mentions.

    Another component that imports the interface wants the types as well.
    """
    id, name = _EXPORTS[world]
    interface = wit.interface(id)
    function = interface.functions[name]
    parameters = "".join(f" (param {quoted(p.name)} {needed.outer(p.type)})" for p in function.params)
    assert function.result is not None
    types, result = list[str](), needed.outer(function.result)
    if world is not World.COMMAND:
        types, result = [f"(type $handled {result})"], "$handled"
    exported = ""
    if whole:
        for definition in interface.types.values():
            type = definition.type
            known = needed.resource(type) if isinstance(type, ResourceType) else needed.outer(type)
            exported += f" (export {quoted(definition.name)} (type {known}))"
    lifted = f'(canon lift (core func $guest "{name}"){_LIFT_OPTIONS[lift]} {MEMORY} {REALLOC})'
    return [
        *types,
        f"(func ${name} async{parameters} (result {result}) {lifted})",
        f'(instance $exports{exported} (export "{name}" (func ${name})))',
        f'(export "{id}" (instance $exports))',
    ]


def _take_step(count: int) -> str:
    """The function that calls the step which `$step` numbers. A table of steps would take hosts longer to compile."""
    calls = [f"  end\n  call $step{index}\n  return" for index in range(count)]
    targets = " ".join(map(str, range(count)))
    blocks = [f"  {' '.join(['block'] * count)}", f"  (br_table {targets} 0 (global.get $step))"] if count else []
    return "\n".join(["(func $take_step (result i32)", *blocks, *calls, "  unreachable)"])


def _bindings(canon: Canon, wit: Wit, channel: Channel, driver: Runtime) -> dict[str, str]:
    """What stands behind the runtime's own names for the channel and the clock."""
    bindings: dict[str, str] = {}
    if driver.reports:
        write = wit.interface(f"wasi:cli/{channel.value}@{VERSION}").functions["write-via-stream"]
        stream = write.params[0].type
        future = write.result
        assert isinstance(stream, StreamType)
        assert isinstance(future, FutureType)
        bindings = {
            "output.new": canon.new(stream),
            "output.open": canon.lower(write, Lowering.SYNC),
            "output.write": canon.copy(stream, "write", Lowering.ASYNC),
            "output.close": canon.drop_end(stream, writable=True),
            "output.await": canon.copy(future, "read", Lowering.ASYNC),
            "output.forget": canon.drop_end(future, writable=False),
        }
    if driver.limits:
        wait_for = wit.interface(f"wasi:clocks/monotonic-clock@{VERSION}").functions["wait-for"]
        bindings["timer"] = canon.lower(wait_for, Lowering.ASYNC)
    return bindings


def _listen(canon: Canon, wit: Wit) -> str:
    """Read from stdin, where the harness's acknowledgements come in."""
    read = wit.interface(f"wasi:cli/stdin@{VERSION}").functions["read-via-stream"]
    assert isinstance(read.result, TupleType)
    stream = read.result.elements[0]
    assert isinstance(stream, StreamType)
    control, slot = runtime.CONTROL_PAIR, runtime.CONTROL_SLOT * runtime.SLOT_SIZE
    return f"""\
;; Read from stdin, where the harness's acknowledgements come in.
(func $listen (param $to i32) (param $length i32)
  (if (i32.eqz (i32.load (i32.const {control})))
    (then (call {canon.lower(read, Lowering.SYNC)} (i32.const {control}))))
  (call $copying (i32.add (global.get $slots) (i32.const {slot})) (i32.load (i32.const {control}))
    (call {canon.copy(stream, "read", Lowering.ASYNC)} (i32.load (i32.const {control}))
      (local.get $to) (local.get $length))))"""


def _segments(storage: Storage) -> list[str]:
    """Data segments of the image (zeros left out) and of what stands in regions."""
    pieces: list[tuple[int, bytes]] = [(storage.image.base, storage.image.bytes), *storage.segments]
    return [
        f'(data (i32.const {address + start}) "{_escaped(run)}")'
        for address, data in pieces
        for start, run in _runs(data)
    ]


_RUN = re.compile(rb"[^\0](?:\0{0,15}[^\0]+)*", re.DOTALL)


def _runs(data: bytes) -> Iterable[tuple[int, bytes]]:
    """The parts of data between runs of 16 zeros or more, each with its offset."""
    return ((found.start(), found[0]) for found in _RUN.finditer(data))


_ESCAPES = {b: chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\{b:02x}" for b in range(256)}


def _escaped(data: bytes) -> str:
    return data.decode("latin-1").translate(_ESCAPES)


def _indented(lines: list[str]) -> str:
    """Lines of a module within the component."""
    return "\n".join(("", *lines)).replace("\n", "\n    ")
