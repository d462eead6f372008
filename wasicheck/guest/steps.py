"""One core function per step: begin it, wait for it, lay out what it yields.

What a step yields is put together in the guest's memory as a value of the step's own type (`Step.yields`), so that
lifting it, and reaching into it from later steps, is the same for the result of a call and for a copy result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from wasicheck.abi import alignment, elem_size
from wasicheck.guest import runtime
from wasicheck.guest.calls import call_repeatedly, call_sync
from wasicheck.guest.copies import await_slot, copy_all, copy_sync
from wasicheck.guest.operations import await_all, await_any, await_one, cancel, in_place, start
from wasicheck.guest.places import Place
from wasicheck.guest.scope import Code, Scope, slot_text
from wasicheck.values import Argument, Reference
from wasicheck.vectors.model import (
    Await,
    AwaitAll,
    AwaitAny,
    Backpressure,
    Call,
    Cancel,
    Drop,
    Ending,
    Handle,
    Lowering,
    New,
    Read,
    ReadAll,
    Respond,
    Return,
    Start,
    Step,
    Trap,
    Write,
    WriteAll,
    Yield,
)
from wasicheck.vectors.operands import End, WritableEnd
from wasicheck.vectors.staging import Harness
from wasicheck.wit.types import OwnType, Type


@dataclass(frozen=True)
class Layout:
    """Where a step's value lies in the memory that its frame carries; None if it yields nothing.

    `argument` is where a harness step's argument lies in the frame that says that it was reached.
    """

    address: int | None
    type: Type | None
    argument: Layout | None = None


DELIVERED_TEXT = 1024
"""Bytes for the strings of a value that the harness delivers."""
PACKED = f"(i32.load offset=8 {slot_text(runtime.CONTROL_SLOT)})"
"""The copy result of the last read of the control channel."""


def delivery_size(type: Type) -> int:
    """Bytes of a value that the harness delivers to the guest, with room for the strings in it behind it."""
    return elem_size(type) + DELIVERED_TEXT


def acknowledgement(step: int) -> int:
    """The byte that tells the guest that the harness has done a step."""
    return 0x80 | (step & 0x7F)


class StepCompiler:
    """Compiles the `count` steps of one vector, in order; `scope` keeps what later steps can refer to."""

    def __init__(self, scope: Scope, count: int, *, lowering: Lowering, has_task_return: bool) -> None:
        self.scope = scope
        self._count = count
        self._default_lowering = lowering
        self._has_task_return = has_task_return

    def compile(self, index: int, step: Step) -> tuple[str, Layout]:
        """Return the step's core function, and where its value lies; note what it captures.

        Raise `CompileError` for what no guest can do.
        """
        traps = any(e.outcome is Ending.TRAP for e in step.expectations)
        code = Code(self.scope, index, traps, outcome=runtime.SILENT if step.quiet else runtime.DONE)
        address = self._action(step, code)
        layout = Layout(address, step.yields, self._argument(step, code))
        if layout.address is not None and step.yields is not None:
            self.scope.capture(index, step, layout.address, step.yields)
        return _function(code, layout), layout

    def _action(self, step: Step, code: Code) -> int | None:
        """Collect the code of a step; return the address of what it yields."""
        match step.action:
            case Call(repeat=int()) as call:
                return call_repeatedly(call, code)
            case Call() as call if self._lowering(call, step) is Lowering.SYNC:
                return call_sync(call, code)
            case Read(lowering=Lowering.SYNC) | Write(lowering=Lowering.SYNC) as copy:
                return copy_sync(copy, code)
            case Call() | Read() | Write() as action:
                return in_place(action, code)
            case ReadAll() | WriteAll() as action:
                return copy_all(action, code)
            case Start() as action:
                return start(action, step, code)
            case Await(operation, polling):
                return await_one(operation, code, polling=polling)
            case AwaitAll(operations):
                return await_all(operations, code)
            case AwaitAny(operations):
                return await_any(operations, code)
            case Cancel(operation):
                return cancel(operation, step, code)
            case New() as new:
                self._new(new, code)
            case Drop(target):
                self._drop(target, code)
            case Yield(times):
                self._yield(times, code)
            case Backpressure(raised):
                change = self.scope.canon.builtin("backpressure.inc" if raised else "backpressure.dec")
                code.begin.append(f"(call {change})")
                code.outcome = runtime.SILENT
            case Trap():
                code.finish.append("(unreachable)")
            case Return(ok):
                self._return(ok, code)
            case Handle():
                return self._handle(step, code)
            case Respond(result):
                self._respond(result, code)
            case Harness(opening=True):
                # The harness has done it before the guest was called.
                code.outcome = runtime.SILENT
            case Harness() as harness:
                return self._harness(harness, step, code)
            case _:
                assert_never(step.action)
        return None

    def _lowering(self, call: Call, step: Step) -> Lowering:
        """How a call is lowered: as the vector says, else as the run says, else `async` where the function is.

        A call that is to be seen waiting cannot block in place.
        """
        if call.through_component or call.length_only:
            return Lowering.SYNC
        if call.lowering is not None:
            return call.lowering
        if not call.function.is_async:
            return Lowering.SYNC
        waits = any(e.outcome is Ending.PENDING for e in step.expectations)
        return Lowering.ASYNC if waits else self._default_lowering

    def _new(self, new: New, code: Code) -> None:
        """The ends of a pair lie side by side, and both can be referred to like a result."""
        ends = self.scope.storage.image.allocate(8, 8)
        code.begin.append(f"(i64.store (i32.const {ends}) (call {self.scope.canon.new(new.type)}))")
        code.outcome = runtime.SILENT
        there = (self.scope.completed(code.index),)
        self.scope.captures[new.readable] = Place(new.type, ends, conditions=there)
        self.scope.writable[new.writable] = Place(new.type, ends + 4, conditions=there)
        self.scope.last_user[None, ends + 4] = code.index

    def _drop(self, target: End | Reference, code: Code) -> None:
        if isinstance(target, Reference):
            assert isinstance(target.type, OwnType)
            drop = self.scope.canon.resource_drop(target.type.resource)
            place = code.operands.refer(target)
            code.idle((place.base, place.offset))
            handle = place.load("i32.load")
        else:
            drop = self.scope.canon.drop_end(target.type, writable=isinstance(target, WritableEnd))
            handle, _ = code.end(target)
        code.begin.append(f"(call {drop} {handle})")

    def _yield(self, times: int, code: Code) -> None:
        self.scope.polls = True
        code.wait += [
            f"(if (i32.le_u (global.get $phase) (i32.const {times})) (then",
            "  (global.set $phase (i32.add (global.get $phase) (i32.const 1)))",
            f"  (return (i32.const {runtime.POLL}))))",
        ]

    def _return(self, ok: bool, code: Code) -> None:
        code.outcome = runtime.SILENT
        code.begin.append(f"(global.set $result (i32.const {0 if ok else 1}))")
        # A host may end as soon as it has the result: behind the last step, that waits for the last frame.
        if self._has_task_return and code.index + 1 < self._count:
            code.begin.append(f"(call {self.scope.canon.builtin('task.return')} (global.get $result))")
            code.begin.append("(global.set $returned (i32.const 1))")

    def _handle(self, step: Step, code: Code) -> int:
        """Put the handle of the request where later steps find it."""
        address = self.scope.room(step.yields)
        code.begin.append(f"(i32.store (i32.const {address}) (global.get $request))")
        return address

    def _respond(self, result: Argument, code: Code) -> None:
        """Give the handler's result, and let the host take it before going on."""
        self.scope.polls = True
        values = code.operands.flat(result)
        code.begin.append(f"(call {self.scope.canon.task_return(result.type)} {' '.join(values)})")
        code.outcome = runtime.SILENT
        code.wait += [
            "(if (i32.eq (global.get $phase) (i32.const 1)) (then",
            "  (global.set $phase (i32.const 2))",
            f"  (return (i32.const {runtime.POLL}))))",
        ]

    def _argument(self, step: Step, code: Code) -> Layout | None:
        """What the guest tells the harness when it gets to a step."""
        argument = step.action.argument if isinstance(step.action, Harness) else None
        if argument is None:
            return None
        address = code.operands.place_in_memory(argument, argument.type)
        code.begin.append(f"(call $piece (i32.const {address}) (i32.const {elem_size(argument.type)}))")
        return Layout(address, argument.type)

    def _harness(self, harness: Harness, step: Step, code: Code) -> int | None:
        """Report that the step was reached; then wait for the harness's byte, if it sends one.

        The byte is the step's own: one that comes after its step was given up is passed over.
        """
        code.wait += [
            "(if (i32.eq (global.get $phase) (i32.const 1)) (then",
            "  (global.set $phase (i32.const 2))",
            f"  (return (i32.const {runtime.REACHED}))))",
        ]
        if not harness.acknowledge:
            code.outcome = runtime.SILENT
            return None
        slot = slot_text(runtime.CONTROL_SLOT)
        pending = f"(i32.eq {runtime.status(slot)} (i32.const {runtime.PENDING}))"
        # A stream that has ended says nothing any more.
        ended = f"(if (i32.and {PACKED} (i32.const 15)) (then (return (i32.const {runtime.WAIT}))))"
        code.wait += [
            "(loop $unheard",
            "  (if (i32.eq (global.get $phase) (i32.const 2)) (then",
            f"    (if (i32.eqz {pending}) (then",
            f"      {ended}",
            f"      (call $listen (i32.const {runtime.CONTROL_BYTE}) (i32.const 1))))",
            "    (global.set $phase (i32.const 3))))",
            "  (if (i32.eq (global.get $phase) (i32.const 3)) (then",
            f"    {await_slot(runtime.CONTROL_SLOT)}",
            "    (global.set $phase (i32.const 2))",
            f"    (br_if $unheard (i32.or (i32.and {PACKED} (i32.const 15)) (i32.ne",
            f"      (i32.load8_u (i32.const {runtime.CONTROL_BYTE})) (i32.const {acknowledgement(code.index)}))))",
            "    (global.set $phase (i32.const 4)))))",
        ]
        if not harness.delivers or step.yields is None:
            return None
        size = delivery_size(step.yields)
        address = self.scope.storage.image.allocate(size, alignment(step.yields))
        text = address + elem_size(step.yields)
        code.finish.append(f"(call $piece (i32.const {text}) (i32.const {address + size - text}))")
        got = self.scope.storage.image.allocate(4, 4)
        code.wait += [
            "(loop $more",
            "  (if (i32.and (i32.eq (global.get $phase) (i32.const 4))",
            f"      (i32.lt_u (i32.load (i32.const {got})) (i32.const {size}))) (then",
            f"    (call $listen (i32.add (i32.const {address}) (i32.load (i32.const {got})))",
            f"      (i32.sub (i32.const {size}) (i32.load (i32.const {got}))))",
            "    (global.set $phase (i32.const 5))))",
            "  (if (i32.eq (global.get $phase) (i32.const 5)) (then",
            f"    {await_slot(runtime.CONTROL_SLOT)}",
            f"    {ended}",
            f"    (i32.store (i32.const {got}) (i32.add (i32.load (i32.const {got}))",
            f"      (i32.shr_u {PACKED} (i32.const 4))))",
            "    (global.set $phase (i32.const 4))",
            "    (br $more))))",
        ]
        return address


def _function(code: Code, layout: Layout) -> str:
    """Put the parts of a step together."""
    lines = [f"(func $step{code.index} (result i32)"]
    lines += [f"  (local ${name} i32)" for name in code.locals]
    entry = [
        f"(if (i32.eqz {condition}) (then (return (i32.const {runtime.SKIP}))))"
        for condition in code.operands.conditions
    ]
    entry += code.operands.prelude + code.begin
    if code.wait:
        entry.append("(global.set $phase (i32.const 1))")
        lines += ["  (if (i32.eqz (global.get $phase)) (then", *(f"    {line}" for line in entry), "  ))"]
    else:
        lines += [f"  {line}" for line in entry]
    lines += [f"  {line}" for line in (*code.wait, *code.finish)]
    if layout.address is not None and layout.type is not None:
        lines.append(f"  (call $piece (i32.const {layout.address}) (i32.const {elem_size(layout.type)}))")
    lines.append(f"  (i32.const {code.outcome}))")
    return "\n".join(lines)
