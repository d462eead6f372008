"""Reads and writes of streams and futures, one at a time or to the end."""

from __future__ import annotations

from dataclasses import dataclass

from wasicheck.abi import elem_size, payload_offset
from wasicheck.guest import runtime
from wasicheck.guest.scope import Code, Pending, slot_text, store_pair
from wasicheck.vectors import outcomes
from wasicheck.vectors.model import Lowering, Read, ReadAll, Write, WriteAll
from wasicheck.wit.types import FutureType, StreamType, VariantType


@dataclass(frozen=True)
class _Copy:
    """A read or write in a slot: the type and address of its outcome, and the core arguments behind the end."""

    operation: str
    slot: int
    type: VariantType
    address: int
    arguments: str
    finish: list[str]
    piece: str | None = None


def await_slot(slot: int, outcome: int = runtime.WAIT) -> str:
    """Return from the step's function as long as a slot is pending."""
    return (
        f"(if (i32.eq (call $status {slot_text(slot)}) (i32.const {runtime.PENDING}))"
        f" (then (return (i32.const {outcome}))))"
    )


def start_copy(action: Read | Write, code: Code) -> Pending:
    """Begin a read or write in a slot of its own."""
    copy = _copy(action, code)
    where = slot_text(copy.slot)
    handle, key = code.end(action.end, copy.slot)
    canon = code.scope.canon
    id = canon.copy(action.end.type, copy.operation, Lowering.ASYNC)
    code.begin.append(f"(call $copying {where} {handle} (call {id} {handle} {copy.arguments}))")
    cancel = [f"(local.set $code (call {canon.cancel(action.end.type, copy.operation)} (i32.load {where})))"]
    return Pending(copy.slot, code.index, copy.address, copy.type, copy.finish, cancel, copy.piece, key)


def copy_sync(action: Read | Write, code: Code) -> int:
    """Read or write in place, by a built-in lowered without `async`; return the address of the outcome."""
    copy = _copy(action, code)
    handle, _ = code.end(action.end)
    id = code.scope.canon.copy(action.end.type, copy.operation, Lowering.SYNC)
    code.begin.append(f"(call $complete {slot_text(copy.slot)} (call {id} {handle} {copy.arguments}))")
    code.finish += [*copy.finish, *([copy.piece] if copy.piece else [])]
    return copy.address


def _copy(action: Read | Write, code: Code) -> _Copy:
    return _reading(action, code) if isinstance(action, Read) else _writing(action, code)


def _reading(read: Read, code: Code) -> _Copy:
    slot = code.scope.slot()
    packed = f"(i32.load offset=8 {slot_text(slot)})"
    type = outcomes.read_result(read.end.type)
    address = code.scope.room(type)
    payload = address + payload_offset(type)
    result = f"(i32.store8 (i32.const {address}) (i32.and {packed} (i32.const 15)))"
    if isinstance(read.end.type, FutureType):
        return _Copy("read", slot, type, address, f"(i32.const {payload})", [result])
    element = read.end.type.element
    size = 0 if element is None else elem_size(element)
    buffer = code.scope.storage.reported_region(size * read.count)
    count = f"(i32.shr_u {packed} (i32.const 4))"
    piece = f"(call $piece (i32.const {buffer}) (i32.mul {count} (i32.const {size})))"
    arguments = f"(i32.const {buffer}) (i32.const {read.count})"
    return _Copy("read", slot, type, address, arguments, [result, *store_pair(payload, buffer, count)], piece)


def _writing(write: Write, code: Code) -> _Copy:
    slot = code.scope.slot()
    packed = f"(i32.load offset=8 {slot_text(slot)})"
    type = outcomes.write_result(write.end.type)
    address = code.scope.room(type)
    result = f"(i32.store8 (i32.const {address}) (i32.and {packed} (i32.const 15)))"
    source = code.operands.place_in_memory(write.data, write.data.type)
    if isinstance(write.end.type, FutureType):
        return _Copy("write", slot, type, address, f"(i32.const {source})", [result])
    taken = f"(i32.store (i32.const {address + payload_offset(type)}) (i32.shr_u {packed} (i32.const 4)))"
    arguments = f"(i32.load (i32.const {source})) (i32.load (i32.const {source + 4}))"
    return _Copy("write", slot, type, address, arguments, [result, taken])


# --- whole streams -------------------------------------------------------------------------------------------


def read_all(read: ReadAll, code: Code) -> int:
    """Read to the end, or up to the limit; return the address of the outcome."""
    stream = read.end.type
    assert isinstance(stream, StreamType)
    assert stream.element is not None
    size = elem_size(stream.element)
    type = outcomes.read_all_result(stream, digest=read.digest)
    address = code.scope.room(type)
    payload = address + payload_offset(type)
    total = payload if read.digest else payload + 4
    storage = code.scope.storage
    buffer = storage.region(size * read.chunk) if read.digest else storage.reported_region(size * read.limit)
    done = f"(i32.load (i32.const {total}))"
    room = f"(i32.sub (i32.const {read.limit}) {done})"
    at = f"(i32.const {buffer})"
    after: list[str] = []
    if read.digest:
        crc = payload + 8
        taken = "(i32.shr_u (local.get $code) (i32.const 4))"
        after.append(f"(i32.store (i32.const {crc}) (call $crc32 (i32.load (i32.const {crc})) {at} {taken}))")
    else:
        at = f"(i32.add {at} (i32.mul {done} (i32.const {size})))"
        code.finish += [
            f"(i32.store (i32.const {payload}) (i32.const {buffer}))",
            f"(call $piece (i32.const {buffer}) (i32.mul {done} (i32.const {size})))",
        ]
    _copy_on(read, code, "read", at, room, total, after)
    code.finish.append(f"(i32.store8 (i32.const {address}) (i32.and (local.get $code) (i32.const 15)))")
    return address


def write_all(write: WriteAll, code: Code) -> int:
    """Write until all is taken or the other end is dropped; return the address of the outcome."""
    stream = write.end.type
    assert isinstance(stream, StreamType)
    assert stream.element is not None
    type = outcomes.write_result(stream)
    address = code.scope.room(type)
    total = address + payload_offset(type)
    source = code.operands.place_in_memory(write.data, write.data.type)
    done = f"(i32.load (i32.const {total}))"
    left = f"(i32.sub (i32.load (i32.const {source + 4})) {done})"
    at = f"(i32.add (i32.load (i32.const {source})) (i32.mul {done} (i32.const {elem_size(stream.element)})))"
    _copy_on(write, code, "write", at, left, total, [])
    code.finish.append(f"(i32.store8 (i32.const {address}) (i32.and (local.get $code) (i32.const 15)))")
    return address


def _copy_on(
    action: ReadAll | WriteAll, code: Code, operation: str, at: str, left: str, total: int, after: list[str]
) -> None:
    """Copy at most a chunk at a time until nothing is left, or a copy says anything but `completed`.

    `after` is code to run behind each copy, whose packed result is in `$code`; `total` is where its elements are
    counted. Phase 1 is to begin a copy, phase 2 to await it.
    """
    slot = code.scope.slot()
    where = slot_text(slot)
    handle, _ = code.end(action.end, slot)
    core = code.scope.canon.copy(action.end.type, operation, Lowering.ASYNC)
    count = f"(select (i32.const {action.chunk}) {left} (i32.lt_u (i32.const {action.chunk}) {left}))"
    taken = "(i32.shr_u (local.get $code) (i32.const 4))"
    code.locals["code"] = None
    code.wait += [
        "(loop $again",
        "  (if (i32.eq (global.get $phase) (i32.const 1)) (then",
        f"    (call $copying {where} {handle} (call {core} {handle} {at} {count}))",
        "    (global.set $phase (i32.const 2))))",
        f"  {await_slot(slot)}",
        f"  (local.set $code (i32.load offset=8 {where}))",
        *(f"  {line}" for line in after),
        f"  (i32.store (i32.const {total}) (i32.add (i32.load (i32.const {total})) {taken}))",
        # A copy that takes nothing and ends nothing would go on for ever.
        "  (if (i32.eqz (i32.and (local.get $code) (i32.const 15))) (then",
        f"    (if (i32.and (i32.ne {taken} (i32.const 0)) (i32.ne {left} (i32.const 0))) (then",
        "      (global.set $phase (i32.const 1)) (br $again))))))",
    ]
