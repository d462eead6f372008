"""One core function per step: begin it, wait for it, lay out what it yields.

What a step yields is put together in the guest's memory as a value of the step's own type (`Step.yields`), so that
lifting it, and reaching into it from later steps, is the same for the result of a call and for a copy result.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import assert_never

from wasicheck.abi import alignment, elem_size, field_offsets, flatten_type, lower_signature, payload_offset
from wasicheck.guest import runtime
from wasicheck.guest.canon import Canon
from wasicheck.guest.operands import Operands, Storage
from wasicheck.guest.places import Place
from wasicheck.values import Reference, capture_paths
from wasicheck.vectors import outcomes
from wasicheck.vectors.model import (
    Await,
    AwaitAll,
    AwaitAny,
    Call,
    Cancel,
    Drop,
    End,
    Ending,
    Harness,
    Lowering,
    New,
    Operation,
    Read,
    ReadableEnd,
    ReadAll,
    Return,
    Start,
    Step,
    Trap,
    WritableEnd,
    Write,
    WriteAll,
    Yield,
)
from wasicheck.wit.types import U32, FutureType, OwnType, StreamType, TupleType, Type, VariantType


@dataclass(frozen=True)
class Layout:
    """Where a step's value lies in the memory that its frame carries; None if it yields nothing."""

    address: int | None
    type: Type | None


@dataclass
class Pending:
    """A started operation: its slot, what completes it, and where its outcome is laid out."""

    slot: int
    step: int
    """The step that started it: later ones depend on that."""
    outcome: int
    """Address of the outcome, a value of `type`."""
    type: Type | None
    finish: list[str]
    """Code that lays the outcome out, once the slot is complete."""
    cancel: list[str]
    """Code that leaves `$code` with what cancelling says."""
    piece: str | None = None
    """Code that adds the buffer of a read to the frame."""
    end: str | None = None
    """The end that is copied from or to: in use until the operation is over."""
    apart: bool = False
    """Whether its waitable joins the guest's waitable set only when it is awaited."""


@dataclass
class Code:
    """The parts of a step's function, as they are collected."""

    operands: Operands
    locals: dict[str, None] = field(default_factory=dict)
    begin: list[str] = field(default_factory=list)
    wait: list[str] = field(default_factory=list)
    finish: list[str] = field(default_factory=list)
    outcome: int = runtime.DONE


class StepCompiler:
    """Compiles the steps of one vector, in order; keeps what later steps can refer to."""

    def __init__(
        self, canon: Canon, storage: Storage, flags: int, *, lowering: Lowering, has_task_return: bool
    ) -> None:
        self.canon = canon
        self.storage = storage
        self.polls = False
        self.fills = False
        self.has_task_return = has_task_return
        self._default_lowering = lowering
        self._flags = flags
        self._captures: dict[str, Place] = {}
        self._ends: dict[str, int] = {}
        self._used_by: dict[str, int] = {}
        self._operations: dict[str, Pending] = {}
        self._slots = runtime.FIRST_FREE_SLOT
        self._step = 0

    @property
    def slots(self) -> int:
        """Number of slots in use."""
        return self._slots

    def compile(self, index: int, step: Step) -> tuple[str, Layout]:
        """Return the step's core function, and where its value lies; note what it captures."""
        self._step = index
        code = Code(Operands(self.storage, self._resolve), outcome=runtime.SILENT if step.quiet else runtime.DONE)
        address = self._action(step, code)
        layout = Layout(address, step.yields)
        if address is not None and step.yields is not None:
            self._capture(step, Place(step.yields, address, conditions=(self._completed(index),)))
        return self._function(index, code, layout), layout

    def _capture(self, step: Step, root: Place) -> None:
        """Note where the captures of a step's patterns are; one in several alternatives is there if any of them is."""
        for expectation in step.expectations:
            if expectation.outcome is None or isinstance(expectation.outcome, Ending):
                continue
            for name, paths in capture_paths(expectation.outcome).items():
                places = []
                for path in paths:
                    place = root
                    for part in path.path:
                        place = place.follow(part)
                    places.append(place)
                ways = [p.conditions for p in places]
                conditions = ways[0] if len(set(ways)) == 1 else (_any_of(ways),)
                self._captures[name] = replace(places[0], conditions=conditions)

    # --- what steps refer to ---------------------------------------------------------------------

    def _resolve(self, reference: Reference) -> Place:
        place = self._captures[reference.name]
        for part in reference.path:
            place = place.follow(part)
        return place

    def _completed(self, step: int) -> str:
        return f"(i32.load8_u offset={self._flags + step} (i32.const 0))"

    def _end(self, code: Code, end: End) -> str:
        """The handle of an end; the step then depends on the last one that used it."""
        key = _end_key(end)
        match end:
            case ReadableEnd(reference):
                handle = code.operands.refer(reference).load("i32.load")
            case WritableEnd(name):
                handle = f"(i32.load (i32.const {self._ends[name]}))"
            case _:
                assert_never(end)
        if key in self._used_by:
            self._depend(code, self._used_by[key])
        self._used_by[key] = self._step
        return handle

    def _depend(self, code: Code, step: int) -> None:
        condition = self._completed(step)
        if condition not in code.operands.conditions:
            code.operands.conditions.append(condition)

    def _operation(self, code: Code, operation: Operation) -> Pending:
        pending = self._operations[operation.name]
        self._depend(code, pending.step)
        if pending.end is not None:
            self._used_by[pending.end] = self._step
        return pending

    def _lowering(self, call: Call) -> Lowering:
        """How a call is lowered: as the vector says, else as the run says, else `async` where the function is."""
        if call.lowering is not None:
            return call.lowering
        return self._default_lowering if call.function.is_async else Lowering.SYNC

    def _slot(self) -> int:
        self._slots += 1
        return self._slots - 1

    @staticmethod
    def _slot_text(slot: int) -> str:
        return f"(i32.add (global.get $slots) (i32.const {slot * runtime.SLOT_SIZE}))"

    def _room(self, type: Type | None) -> int:
        return 0 if type is None else self.storage.image.allocate(max(elem_size(type), 1), max(alignment(type), 4))

    # --- assembling --------------------------------------------------------------------------------

    def _function(self, index: int, code: Code, layout: Layout) -> str:
        lines = [f"(func $step{index} (result i32)"]
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
        self.fills = self.fills or any("$fill" in line for line in lines)
        return "\n".join(lines)

    def _await_slot(self, slot: int, outcome: int = runtime.WAIT) -> str:
        return (
            f"(if (i32.eq (call $status {self._slot_text(slot)}) (i32.const {runtime.PENDING}))"
            f" (then (return (i32.const {outcome}))))"
        )

    def _action(self, step: Step, code: Code) -> int | None:
        """Collect the code of a step; return the address of what it yields."""
        match step.action:
            case Call(repeat=None) as call if self._lowering(call) is Lowering.SYNC:
                return self._call_sync(call, code)
            case Call(repeat=None) as call:
                pending = self._start(call, code)
                code.wait.append(self._await_slot(pending.slot))
                return self._outcome(pending, code)
            case Call() as call:
                return self._call_repeatedly(call, code)
            case New() as new:
                self._new(new, code)
            case Read(lowering=Lowering.SYNC) | Write(lowering=Lowering.SYNC) as copy:
                return self._copy_sync(copy, code)
            case Read() | Write() as copy:
                pending = self._start(copy, code)
                code.wait.append(self._await_slot(pending.slot))
                return self._outcome(pending, code)
            case ReadAll() as read_all:
                return self._read_all(read_all, code)
            case WriteAll() as write_all:
                return self._write_all(write_all, code)
            case Start(name, action, apart):
                self._operations[name] = pending = self._start(action, code)
                if apart:
                    pending.apart = True
                    code.begin.append(self._join(pending, "(i32.const 0)"))
                return self._started(pending, action, step, code)
            case Await(operation, polling):
                pending = self._operation(code, operation)
                self.polls = self.polls or polling
                code.wait += self._rejoin([pending])
                code.wait.append(self._await_slot(pending.slot, runtime.POLL if polling else runtime.WAIT))
                return self._outcome(pending, code)
            case AwaitAll(operations):
                return self._await_all([self._operation(code, o) for o in operations], code)
            case AwaitAny(operations):
                return self._await_any([self._operation(code, o) for o in operations], code)
            case Cancel(operation):
                return self._cancel(self._operation(code, operation), step, code)
            case Drop(target):
                self._drop(target, code)
            case Yield(times):
                self._yield(times, code)
            case Trap():
                code.finish.append("(unreachable)")
            case Return(ok):
                self._return(ok, code)
            case Harness() as harness:
                self._harness(harness, code)
            case _:
                assert_never(step.action)
        return None

    # --- calls -------------------------------------------------------------------------------------

    def _arguments(self, call: Call, code: Code) -> list[str]:
        """The core arguments of a call, without the pointer to its result."""
        is_async = self._lowering(call) is Lowering.ASYNC
        if not lower_signature(call.function, is_async=is_async).params_spilled:
            return [core for argument in call.arguments for core in code.operands.flat(argument)]
        spilled = TupleType(tuple(p.type for p in call.function.params))
        address = self._room(spilled)
        for argument, offset in zip(call.arguments, field_offsets(spilled), strict=True):
            code.operands.store(argument, address + offset)
        return [f"(i32.const {address})"]

    def _call_text(self, call: Call, code: Code, result: int | str) -> tuple[str, bool]:
        """The core call, its result pointer included, and whether it leaves the result as a core value."""
        lowering = self._lowering(call)
        signature = lower_signature(call.function, is_async=lowering is Lowering.ASYNC)
        arguments = self._arguments(call, code)
        if signature.results_by_pointer:
            arguments.append(result if isinstance(result, str) else f"(i32.const {result})")
        linked = call.through_component
        id = self.canon.lower_linked(call.function) if linked else self.canon.lower(call.function, lowering)
        return f"(call {id} {' '.join(arguments)})", bool(signature.results)

    def _call_sync(self, call: Call, code: Code) -> int | None:
        result = call.function.result
        address = self._room(result)
        text, flat = self._call_text(call, code, address)
        code.begin.append(self._store_flat(result, f"(i32.const {address})", text) if flat and result else text)
        if call.length_only:
            # What it points to stays untold: it may be too much for a frame.
            code.finish.append("(global.set $reported (global.get $heap))")
            return address + 4
        return None if result is None else address

    @staticmethod
    def _store_flat(type: Type, address: str, text: str) -> str:
        """Store the one core value of a result in the result's memory form."""
        core = flatten_type(type)[0]
        size = elem_size(type)
        width = "" if size == (8 if core[1:] == "64" else 4) else str(size * 8)
        return f"({core}.store{width} {address} {text})"

    def _call_repeatedly(self, call: Call, code: Code) -> int:
        result = call.function.result
        assert result is not None
        assert call.repeat is not None
        size = elem_size(result)
        buffer = self.storage.region(size * call.repeat)
        pair = self.storage.image.allocate(8, 4)
        code.locals["at"] = None
        text, flat = self._call_text(call, code, "(local.get $at)")
        code.finish += [
            f"(local.set $at (i32.const {buffer}))",
            "(loop $again",
            f"  {self._store_flat(result, '(local.get $at)', text) if flat else text}",
            f"  (local.set $at (i32.add (local.get $at) (i32.const {size})))",
            f"  (br_if $again (i32.lt_u (local.get $at) (i32.const {buffer + size * call.repeat}))))",
            *self._store_pair(pair, buffer, f"(i32.const {call.repeat})"),
            f"(call $piece (i32.const {buffer}) (i32.const {size * call.repeat}))",
        ]
        return pair

    @staticmethod
    def _store_pair(address: int, pointer: int, length: str) -> list[str]:
        return [
            f"(i32.store (i32.const {address}) (i32.const {pointer}))",
            f"(i32.store (i32.const {address + 4}) {length})",
        ]

    # --- operations that may be outstanding ------------------------------------------------------------

    def _start(self, action: Call | Read | Write, code: Code) -> Pending:
        """Begin an operation in a slot of its own."""
        slot = self._slot()
        where = self._slot_text(slot)
        match action:
            case Call(function):
                # A started call is lowered `async`, whatever the default is.
                action = replace(action, lowering=Lowering.ASYNC)
                variant = outcomes.cancel_result(function.result)
                address = self._room(variant)
                result = address + payload_offset(variant)
                text, _ = self._call_text(action, code, result)
                code.begin.append(f"(call $calling {where} {text})")
                cancel = [
                    f"(local.set $code (call {self.canon.builtin('subtask.cancel')} (i32.load {where})))",
                    f"(call {self.canon.builtin('subtask.drop')} (i32.load {where}))",
                ]
                return Pending(slot, self._step, result, function.result, [], cancel)
            case Read(end):
                address, finish, arguments, piece = self._reading(action, slot)
                operation = "read"
            case Write(end):
                address, finish, arguments = self._writing(action, code, slot)
                operation, piece = "write", None
            case _:
                assert_never(action)
        handle = self._end(code, end)
        id = self.canon.copy(end.type, operation, Lowering.ASYNC)
        code.begin.append(f"(call $copying {where} {handle} (call {id} {handle} {arguments}))")
        cancel = [f"(local.set $code (call {self.canon.cancel(end.type, operation)} (i32.load {where})))"]
        type = outcomes.read_result(end.type) if operation == "read" else outcomes.write_result(end.type)
        return Pending(slot, self._step, address, type, finish, cancel, piece, _end_key(end))

    def _reading(self, read: Read, slot: int) -> tuple[int, list[str], str, str | None]:
        """Outcome address, code to lay it out, core arguments and buffer piece of a read."""
        type = outcomes.read_result(read.end.type)
        address = self._room(type)
        payload = address + payload_offset(type)
        code = f"(i32.load offset=8 {self._slot_text(slot)})"
        discriminant = f"(i32.store8 (i32.const {address}) (i32.and {code} (i32.const 15)))"
        match read.end.type:
            case FutureType():
                return address, [discriminant], f"(i32.const {payload})", None
            case StreamType(element):
                size = 0 if element is None else elem_size(element)
                buffer = self.storage.region(size * read.count)
                count = f"(i32.shr_u {code} (i32.const 4))"
                finish = [discriminant, *self._store_pair(payload, buffer, count)]
                piece = f"(call $piece (i32.const {buffer}) (i32.mul {count} (i32.const {size})))"
                return address, finish, f"(i32.const {buffer}) (i32.const {read.count})", piece
            case _:
                assert_never(read.end.type)

    def _writing(self, write: Write, code: Code, slot: int) -> tuple[int, list[str], str]:
        """Outcome address, code to lay it out, and core arguments of a write."""
        type = outcomes.write_result(write.end.type)
        address = self._room(type)
        packed = f"(i32.load offset=8 {self._slot_text(slot)})"
        finish = [f"(i32.store8 (i32.const {address}) (i32.and {packed} (i32.const 15)))"]
        source = code.operands.place_in_memory(write.data, write.data.type)
        if isinstance(write.end.type, FutureType):
            return address, finish, f"(i32.const {source})"
        payload = address + payload_offset(type)
        finish.append(f"(i32.store (i32.const {payload}) (i32.shr_u {packed} (i32.const 4)))")
        return address, finish, f"(i32.load (i32.const {source})) (i32.load (i32.const {source + 4}))"

    def _outcome(self, pending: Pending, code: Code) -> int | None:
        """Lay out the outcome of an operation that is complete."""
        code.finish += pending.finish
        if pending.piece is not None:
            code.finish.append(pending.piece)
        return None if pending.type is None else pending.outcome

    def _started(self, pending: Pending, action: Call | Read | Write, step: Step, code: Code) -> int:
        """What a `start` yields: whether the operation is complete already, and then with what."""
        assert step.yields is not None
        address = self._room(step.yields)
        where = self._slot_text(pending.slot)
        blocked = f"(i32.eq (call $status {where}) (i32.const {runtime.PENDING}))"
        if isinstance(action, Call):
            # A call that is not complete has started, or waits for backpressure to end: `$calling` keeps which.
            code.finish.append(
                f"(i32.store8 (i32.const {address})"
                f" (if (result i32) {blocked} (then (i32.load offset=8 {where})) (else (i32.const 2))))"
            )
            return address
        assert isinstance(step.yields, VariantType)
        assert pending.type is not None
        size = elem_size(step.yields)
        code.finish += [
            f"(if {blocked}",
            f"  (then (i32.store8 (i32.const {address}) (i32.const 2)))",
            "  (else",
            *(f"    {line}" for line in pending.finish),
            f"    (memory.copy (i32.const {address}) (i32.const {pending.outcome}) (i32.const {size}))",
            *([f"    {pending.piece}"] if pending.piece is not None else []),
            "  ))",
        ]
        return address

    def _copy_sync(self, copy: Read | Write, code: Code) -> int:
        """A read or write lowered without `async`: it blocks in place."""
        slot = self._slot()
        where = self._slot_text(slot)
        if isinstance(copy, Read):
            address, finish, arguments, piece = self._reading(copy, slot)
            operation = "read"
        else:
            address, finish, arguments = self._writing(copy, code, slot)
            operation, piece = "write", None
        handle = self._end(code, copy.end)
        id = self.canon.copy(copy.end.type, operation, Lowering.SYNC)
        code.begin.append(f"(call $complete {where} (call {id} {handle} {arguments}))")
        code.finish += [*finish, *([piece] if piece else [])]
        return address

    def _join(self, pending: Pending, waitable_set: str) -> str:
        """Move the waitable of an operation that is not complete to a waitable set (0: to none)."""
        where = self._slot_text(pending.slot)
        return (
            f"(if (i32.eq (call $status {where}) (i32.const {runtime.PENDING}))"
            f" (then (call {self.canon.builtin('waitable.join')} (i32.load {where}) {waitable_set})))"
        )

    def _rejoin(self, pending: list[Pending]) -> list[str]:
        """When a wait begins, take in what was started apart."""
        joins = [f"  {self._join(p, '(global.get $set)')}" for p in pending if p.apart]
        if not joins:
            return []
        begins = "(if (i32.eq (global.get $phase) (i32.const 1)) (then"
        return [begins, *joins, "  (global.set $phase (i32.const 2))))"]

    def _await_all(self, pending: list[Pending], code: Code) -> int:
        code.wait += self._rejoin(pending)
        code.wait += [self._await_slot(p.slot) for p in pending]
        buffer = self.storage.image.allocate(4 * len(pending), 4)
        pair = self.storage.image.allocate(8, 4)
        orders = [f"(i32.load offset=12 {self._slot_text(p.slot)})" for p in pending]
        for index, mine in enumerate(orders):
            rank = "(i32.const 0)"
            for other in orders[:index] + orders[index + 1 :]:
                rank = f"(i32.add {rank} (i32.lt_u {other} {mine}))"
            code.finish.append(
                f"(i32.store (i32.add (i32.const {buffer}) (i32.shl {rank} (i32.const 2))) (i32.const {index}))"
            )
        code.finish += self._store_pair(pair, buffer, f"(i32.const {len(pending)})")
        code.finish.append(f"(call $piece (i32.const {buffer}) (i32.const {4 * len(pending)}))")
        return pair

    def _await_any(self, pending: list[Pending], code: Code) -> int:
        code.wait += self._rejoin(pending)
        code.locals["best"] = None
        address = self._room(U32)
        none_yet = f"(i32.const {runtime.PENDING})"
        all_pending = "(i32.const 1)"
        for p in pending:
            still = f"(i32.eq (call $status {self._slot_text(p.slot)}) {none_yet})"
            all_pending = f"(i32.and {all_pending} {still})"
        code.wait.append(f"(if {all_pending} (then (return (i32.const {runtime.WAIT}))))")
        code.finish.append("(local.set $best (i32.const -1))")
        for index, p in enumerate(pending):
            where = self._slot_text(p.slot)
            order = f"(i32.load offset=12 {where})"
            complete = f"(i32.eq (call $status {where}) (i32.const {runtime.COMPLETE}))"
            code.finish += [
                f"(if (i32.and {complete} (i32.lt_u {order} (local.get $best)))",
                f"  (then (local.set $best {order}) (i32.store (i32.const {address}) (i32.const {index}))))",
            ]
        return address

    def _cancel(self, pending: Pending, step: Step, code: Code) -> int:
        """Cancel in place (the `cancel` built-ins are lowered synchronously), unless its end is already known."""
        where = self._slot_text(pending.slot)
        code.locals["code"] = None
        code.finish += [
            f"(if (i32.eq (call $status {where}) (i32.const {runtime.PENDING})) (then",
            f"  (call {self.canon.builtin('waitable.join')} (i32.load {where}) (i32.const 0))",
            *(f"  {line}" for line in pending.cancel),
            f"  (call $complete {where} (local.get $code))))",
        ]
        outcome = self._outcome(pending, code)
        if step.yields == pending.type and outcome is not None:
            return outcome
        # A call: the payload of `returned` is where the result is; the states before it count from 2.
        assert isinstance(step.yields, VariantType)
        address = pending.outcome - payload_offset(step.yields)
        state = f"(i32.load offset=8 {where})"
        code.finish.append(f"(i32.store8 (i32.const {address}) (i32.sub {state} (i32.const 2)))")
        return address

    # --- whole streams -----------------------------------------------------------------------------------

    def _read_all(self, read: ReadAll, code: Code) -> int:
        stream = read.end.type
        assert isinstance(stream, StreamType)
        assert stream.element is not None
        size = elem_size(stream.element)
        type = outcomes.read_all_result(stream, digest=read.digest)
        address = self._room(type)
        payload = address + payload_offset(type)
        total = payload if read.digest else payload + 4
        crc = payload + 8
        buffer = self.storage.region(size * (read.chunk if read.digest else read.limit))
        handle = self._end(code, read.end)
        slot = self._slot()
        where = self._slot_text(slot)
        read_core = self.canon.copy(stream, "read", Lowering.ASYNC)
        room = f"(i32.sub (i32.const {read.limit}) (i32.load (i32.const {total})))"
        count = f"(select (i32.const {read.chunk}) {room} (i32.lt_u (i32.const {read.chunk}) {room}))"
        if read.digest:
            at = f"(i32.const {buffer})"
        else:
            at = f"(i32.add (i32.const {buffer}) (i32.mul (i32.load (i32.const {total})) (i32.const {size})))"
        code.locals["code"] = None
        taken = "(i32.shr_u (local.get $code) (i32.const 4))"
        digest = f"(i32.store (i32.const {crc}) (call $crc32 (i32.load (i32.const {crc})) {at} {taken}))"
        code.wait += [
            "(loop $again",
            "  (if (i32.eq (global.get $phase) (i32.const 1)) (then",
            f"    (call $copying {where} {handle} (call {read_core} {handle} {at} {count}))",
            "    (global.set $phase (i32.const 2))))",
            f"  {self._await_slot(slot)}",
            f"  (local.set $code (i32.load offset=8 {where}))",
            *([f"  {digest}"] if read.digest else []),
            f"  (i32.store (i32.const {total}) (i32.add (i32.load (i32.const {total})) {taken}))",
            # A read that takes nothing and ends nothing would go on for ever.
            "  (if (i32.eqz (i32.and (local.get $code) (i32.const 15))) (then",
            f"    (if (i32.and (i32.ne {taken} (i32.const 0)) (i32.ne {room} (i32.const 0))) (then",
            "      (global.set $phase (i32.const 1)) (br $again))))))",
        ]
        code.finish.append(f"(i32.store8 (i32.const {address}) (i32.and (local.get $code) (i32.const 15)))")
        if not read.digest:
            code.finish += [
                f"(i32.store (i32.const {payload}) (i32.const {buffer}))",
                f"(call $piece (i32.const {buffer}) (i32.mul (i32.load (i32.const {total})) (i32.const {size})))",
            ]
        return address

    def _write_all(self, write: WriteAll, code: Code) -> int:
        stream = write.end.type
        assert isinstance(stream, StreamType)
        assert stream.element is not None
        size = elem_size(stream.element)
        type = outcomes.write_result(stream)
        address = self._room(type)
        total = address + payload_offset(type)
        source = code.operands.place_in_memory(write.data, write.data.type)
        handle = self._end(code, write.end)
        slot = self._slot()
        where = self._slot_text(slot)
        core = self.canon.copy(stream, "write", Lowering.ASYNC)
        done = f"(i32.load (i32.const {total}))"
        left = f"(i32.sub (i32.load (i32.const {source + 4})) {done})"
        at = f"(i32.add (i32.load (i32.const {source})) (i32.mul {done} (i32.const {size})))"
        count = f"(select (i32.const {write.chunk}) {left} (i32.lt_u (i32.const {write.chunk}) {left}))"
        code.locals["code"] = None
        taken = "(i32.shr_u (local.get $code) (i32.const 4))"
        code.wait += [
            "(loop $again",
            "  (if (i32.eq (global.get $phase) (i32.const 1)) (then",
            f"    (call $copying {where} {handle} (call {core} {handle} {at} {count}))",
            "    (global.set $phase (i32.const 2))))",
            f"  {self._await_slot(slot)}",
            f"  (local.set $code (i32.load offset=8 {where}))",
            f"  (i32.store (i32.const {total}) (i32.add {done} {taken}))",
            "  (if (i32.eqz (i32.and (local.get $code) (i32.const 15))) (then",
            f"    (if (i32.and (i32.ne {taken} (i32.const 0)) (i32.ne {left} (i32.const 0))) (then",
            "      (global.set $phase (i32.const 1)) (br $again))))))",
        ]
        code.finish.append(f"(i32.store8 (i32.const {address}) (i32.and (local.get $code) (i32.const 15)))")
        return address

    # --- the rest ------------------------------------------------------------------------------------------

    def _new(self, new: New, code: Code) -> None:
        """The ends of a pair lie side by side; the readable one can be referred to like a result."""
        ends = self.storage.image.allocate(8, 8)
        code.begin.append(f"(i64.store (i32.const {ends}) (call {self.canon.new(new.type)}))")
        code.outcome = runtime.SILENT
        self._captures[new.readable] = Place(new.type, ends, conditions=(self._completed(self._step),))
        self._ends[new.writable] = ends + 4
        self._used_by[_end_key(WritableEnd(new.writable, new.type))] = self._step

    def _drop(self, target: End | Reference, code: Code) -> None:
        if isinstance(target, Reference):
            assert isinstance(target.type, OwnType)
            drop = self.canon.resource_drop(target.type.resource)
            handle = code.operands.refer(target).load("i32.load")
        else:
            drop = self.canon.drop_end(target.type, writable=isinstance(target, WritableEnd))
            handle = self._end(code, target)
        code.begin.append(f"(call {drop} {handle})")

    def _yield(self, times: int, code: Code) -> None:
        self.polls = True
        code.wait += [
            f"(if (i32.le_u (global.get $phase) (i32.const {times})) (then",
            "  (global.set $phase (i32.add (global.get $phase) (i32.const 1)))",
            f"  (return (i32.const {runtime.POLL}))))",
        ]

    def _return(self, ok: bool, code: Code) -> None:
        code.outcome = runtime.SILENT
        code.begin.append(f"(global.set $result (i32.const {0 if ok else 1}))")
        if self.has_task_return:
            code.begin += ["(call $task.return (global.get $result))", "(global.set $returned (i32.const 1))"]

    def _harness(self, harness: Harness, code: Code) -> None:
        """Report that the step was reached; then wait for the harness's byte, if it sends one."""
        code.wait += [
            "(if (i32.eq (global.get $phase) (i32.const 1)) (then",
            "  (global.set $phase (i32.const 2))",
            f"  (return (i32.const {runtime.REACHED}))))",
        ]
        if not harness.acknowledge:
            code.outcome = runtime.SILENT
            return
        code.wait += [
            "(if (i32.eq (global.get $phase) (i32.const 2)) (then",
            "  (call $listen)",
            "  (global.set $phase (i32.const 3))))",
            self._await_slot(runtime.CONTROL_SLOT),
        ]


def _end_key(end: End) -> str:
    return end.reference.text if isinstance(end, ReadableEnd) else f"writable ${end.name}"


def _any_of(ways: list[tuple[str, ...]]) -> str:
    """WebAssembly text that is non-zero if all conditions of one of the ways hold."""
    wholes = [reduce(lambda a, b: f"(i32.and {a} {b})", way) for way in ways]
    return reduce(lambda a, b: f"(i32.or {a} {b})", wholes)
