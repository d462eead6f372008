"""Operations that are under way: what starting, awaiting and cancelling them yields."""

from __future__ import annotations

from typing import assert_never

from wasicheck.abi import elem_size, payload_offset
from wasicheck.guest import runtime
from wasicheck.guest.calls import start_call
from wasicheck.guest.copies import await_slot, start_all, start_copy
from wasicheck.guest.scope import Code, Pending, slot_text, store_pair
from wasicheck.vectors.model import Call, Read, ReadAll, Start, Step, Write, WriteAll
from wasicheck.vectors.operands import Operation
from wasicheck.wit.types import U32, VariantType

RETURNED = 2
"""`Subtask.State.RETURNED`."""


def begin(action: Call | Read | Write | ReadAll | WriteAll, code: Code) -> Pending:
    """Begin an operation."""
    match action:
        case Call():
            return start_call(action, code)
        case Read() | Write():
            return start_copy(action, code)
        case ReadAll() | WriteAll():
            return start_all(action, code)
        case _:
            assert_never(action)


def in_place(action: Call | Read | Write, code: Code) -> int | None:
    """Begin an operation and wait for it; return the address of what it yields."""
    return _awaited(begin(action, code), code, runtime.WAIT)


def start(action: Start, step: Step, code: Code) -> int:
    """Begin an operation for later steps; return the address of how far it came at once."""
    pending = begin(action.action, code)
    code.scope.operations[action.name] = pending
    if action.apart:
        pending.apart = True
        code.begin.append(_join(pending, "(i32.const 0)", code))
    return _started(pending, step, code)


def await_one(operation: Operation, code: Code, *, polling: bool) -> int | None:
    """Wait for an operation; return the address of what it yields."""
    pending = code.operation(operation)
    code.scope.polls = code.scope.polls or polling
    code.wait += _rejoin([pending], code)
    return _awaited(pending, code, runtime.POLL if polling else runtime.WAIT)


def await_all(operations: tuple[Operation, ...], code: Code) -> int:
    """Wait for several operations; return the address of the list of their indices in the order of completion."""
    pending = [code.operation(o) for o in operations]
    code.wait += _rejoin(pending, code)
    code.wait += [await_slot(p.slot) for p in pending]
    image = code.scope.storage.image
    buffer = image.allocate(4 * len(pending), 4)
    pair = image.allocate(8, 4)
    code.scope.storage.helpers[_RANK] = None
    code.finish += [
        f"(call $rank (i32.const {_slot_table(pending, code)}) (i32.const {len(pending)}) (i32.const {buffer}))",
        *store_pair(pair, buffer, f"(i32.const {len(pending)})"),
        f"(call $piece (i32.const {buffer}) (i32.const {4 * len(pending)}))",
    ]
    return pair


def await_any(operations: tuple[Operation, ...], code: Code) -> int:
    """Wait for the first of several operations; return the address of its index."""
    pending = [code.operation(o) for o in operations]
    code.wait += _rejoin(pending, code)
    address = code.scope.room(U32)
    code.scope.storage.helpers[_FIRST] = None
    first = f"(call $first (i32.const {_slot_table(pending, code)}) (i32.const {len(pending)}))"
    code.locals["first"] = None
    code.wait += [
        f"(local.set $first {first})",
        f"(if (i32.eq (local.get $first) (i32.const -1)) (then (return (i32.const {runtime.WAIT}))))",
    ]
    code.finish.append(f"(i32.store (i32.const {address}) (local.get $first))")
    return address


def cancel(operation: Operation, step: Step, code: Code) -> int:
    """Cancel an operation in place, unless its end is already known; return the address of what became of it.

    The `cancel` built-ins are lowered without `async`, which traps as long as the waitable is in a set.
    """
    pending = code.operation(operation)
    where = slot_text(pending.slot)
    code.locals["code"] = None
    code.finish += [
        f"(if (i32.eq {runtime.status(where)} (i32.const {runtime.PENDING})) (then",
        f"  (call {code.scope.canon.builtin('waitable.join')} (i32.load {where}) (i32.const 0))",
        *(f"  {line}" for line in pending.cancel()),
        f"  (call $complete {where} (local.get $code))))",
    ]
    outcome = _outcome(pending, code)
    if pending.end is not None:
        assert outcome is not None
        return outcome
    # A call: the payload of `returned` is where the result is; the states before it are not counted.
    assert isinstance(step.yields, VariantType)
    address = pending.outcome - payload_offset(step.yields)
    state = f"(i32.load offset=8 {where})"
    code.finish.append(f"(i32.store8 (i32.const {address}) (i32.sub {state} (i32.const {RETURNED})))")
    return address


def _awaited(pending: Pending, code: Code, outcome: int) -> int | None:
    code.wait.append(await_slot(pending.slot, outcome))
    if pending.end is None:
        # A call that was cancelled has no result.
        code.wait.append(
            f"(if (i32.ne (i32.load offset=8 {slot_text(pending.slot)}) (i32.const {RETURNED}))"
            f" (then (return (i32.const {runtime.SKIP}))))"
        )
    return _outcome(pending, code)


def _outcome(pending: Pending, code: Code) -> int | None:
    """Lay out the outcome of an operation that is complete."""
    code.finish += pending.finish
    if pending.piece is not None:
        code.finish.append(pending.piece)
    return None if pending.type is None else pending.outcome


def _started(pending: Pending, step: Step, code: Code) -> int:
    """What a `start` yields: whether the operation is complete already, and a copy then with what."""
    assert step.yields is not None
    address = code.scope.room(step.yields)
    where = slot_text(pending.slot)
    blocked = f"(i32.eq {runtime.status(where)} (i32.const {runtime.PENDING}))"
    if pending.end is None:
        # A call that is not complete has started, or waits for backpressure to end: `$calling` keeps which.
        code.finish.append(
            f"(i32.store8 (i32.const {address})"
            f" (if (result i32) {blocked} (then (i32.load offset=8 {where})) (else (i32.const {RETURNED}))))"
        )
        return address
    code.finish += [
        f"(if {blocked}",
        f"  (then (i32.store8 (i32.const {address}) (i32.const 2)))",
        "  (else",
        *(f"    {line}" for line in pending.finish),
        f"    (memory.copy (i32.const {address}) (i32.const {pending.outcome}) (i32.const {elem_size(step.yields)}))",
        *([f"    {pending.piece}"] if pending.piece is not None else []),
        "  ))",
    ]
    return address


def _join(pending: Pending, waitable_set: str, code: Code) -> str:
    """Move the waitable of an operation that is not complete to a waitable set (0: to none)."""
    where = slot_text(pending.slot)
    return (
        f"(if (i32.eq {runtime.status(where)} (i32.const {runtime.PENDING}))"
        f" (then (call {code.scope.canon.builtin('waitable.join')} (i32.load {where}) {waitable_set})))"
    )


def _rejoin(pending: list[Pending], code: Code) -> list[str]:
    """When a wait begins, take in what was started apart."""
    joins = [f"  {_join(p, '(global.get $set)', code)}" for p in pending if p.apart]
    if not joins:
        return []
    begins = "(if (i32.eq (global.get $phase) (i32.const 1)) (then"
    return [begins, *joins, "  (global.set $phase (i32.const 2))))"]


def _slot_table(pending: list[Pending], code: Code) -> int:
    """Put the offsets of slots into memory; return the address."""
    image = code.scope.storage.image
    table = image.allocate(4 * len(pending), 4)
    image.write(table, b"".join((p.slot * runtime.SLOT_SIZE).to_bytes(4, "little") for p in pending))
    return table


_RANK = """\
;; Write the indices of slots, which are all complete, in the order of their completion.
(func $rank (param $table i32) (param $count i32) (param $to i32)
  (local $i i32) (local $j i32) (local $rank i32) (local $mine i32)
  (loop $each
    (local.set $mine (call $order_of (local.get $table) (local.get $i)))
    (local.set $rank (i32.const 0))
    (local.set $j (i32.const 0))
    (loop $other
      (local.set $rank (i32.add (local.get $rank)
        (i32.lt_u (call $order_of (local.get $table) (local.get $j)) (local.get $mine))))
      (br_if $other (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $count))))
    (i32.store (i32.add (local.get $to) (i32.shl (local.get $rank) (i32.const 2))) (local.get $i))
    (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count)))))
(func $order_of (param $table i32) (param $index i32) (result i32)
  (i32.load offset=12 (i32.add (global.get $slots)
    (i32.load (i32.add (local.get $table) (i32.shl (local.get $index) (i32.const 2)))))))"""

_FIRST = f"""\
;; The index of the slot that was complete first; -1 if none is.
(func $first (param $table i32) (param $count i32) (result i32)
  (local $i i32) (local $slot i32) (local $best i32) (local $found i32)
  (local.set $best (i32.const -1))
  (local.set $found (i32.const -1))
  (loop $each
    (local.set $slot (i32.add (global.get $slots)
      (i32.load (i32.add (local.get $table) (i32.shl (local.get $i) (i32.const 2))))))
    (if (i32.and (i32.eq {runtime.status("(local.get $slot)")} (i32.const {runtime.COMPLETE}))
                 (i32.lt_u (i32.load offset=12 (local.get $slot)) (local.get $best)))
      (then
        (local.set $best (i32.load offset=12 (local.get $slot)))
        (local.set $found (local.get $i))))
    (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $count))))
  (local.get $found))"""
