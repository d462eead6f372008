"""Reads and writes of streams and futures, one at a time or to the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from wasicheck.abi import elem_size, payload_offset
from wasicheck.guest import runtime
from wasicheck.guest.canon import Canon
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
        f"(if (i32.eq {runtime.status(slot_text(slot))} (i32.const {runtime.PENDING}))"
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
    cancel = partial(_cancel, canon, action.end.type, copy.operation, where)
    return Pending(copy.slot, code.index, copy.address, copy.type, copy.finish, cancel, copy.piece, key)


def _cancel(canon: Canon, type: StreamType | FutureType, operation: str, slot: str) -> list[str]:
    return [f"(local.set $code (call {canon.cancel(type, operation)} (i32.load {slot})))"]


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


@dataclass(frozen=True)
class _Whole:
    """A stream that is read or written as a whole.

    `at` and `left` are text: where the next copy begins and how many elements are left; `total` is the address at
    which elements are counted, `after` code to run behind each copy, whose packed result is in `$code`.
    """

    operation: str
    type: VariantType
    address: int
    at: str
    left: str
    total: int
    after: list[str]
    finish: list[str]
    piece: str | None = None


def copy_all(action: ReadAll | WriteAll, code: Code) -> int:
    """Read to the end or the limit, or write until all is taken; return the address of the outcome.

    Phase 1 is to begin a copy, phase 2 to await it.
    """
    whole = _whole(action, code)
    slot = code.scope.slot()
    handle, _ = code.end(action.end, slot)
    code.locals["code"] = None
    code.wait += [
        "(loop $again",
        "  (if (i32.eq (global.get $phase) (i32.const 1)) (then",
        f"    {_copy_on(action, whole, slot, handle, code)}",
        "    (global.set $phase (i32.const 2))))",
        f"  {await_slot(slot)}",
        *(f"  {line}" for line in _taken(whole, slot)),
        f"  (if {_GOES_ON.format(left=whole.left)} (then",
        "    (global.set $phase (i32.const 1)) (br $again))))",
    ]
    code.finish += [*whole.finish, _result(whole, "(local.get $code)")]
    if whole.piece is not None:
        code.finish.append(whole.piece)
    return whole.address


def start_all(action: ReadAll | WriteAll, code: Code) -> Pending:
    """Begin to copy a stream as a whole, in a slot of its own and beside the steps: `$proceed` goes on with it."""
    whole = _whole(action, code)
    slot = code.scope.slot()
    where = slot_text(slot)
    handle, key = code.end(action.end, slot)
    code.scope.continued.append(slot)
    over = code.scope.storage.image.allocate(4, 4)
    again = _copy_on(action, whole, slot, f"(i32.load {where})", code)
    code.scope.storage.helpers[
        "\n".join(
            [
                f"(func $continue{slot} (param $on i32) (local $code i32)",
                "  (loop $again",
                f"    (if (i32.and (i32.eq {runtime.status(where)} (i32.const {runtime.COMPLETE}))",
                f"        (i32.eqz (i32.load (i32.const {over})))) (then",
                *(f"      {line}" for line in _taken(whole, slot)),
                f"      (if (i32.and (local.get $on) {_GOES_ON.format(left=whole.left)})",
                f"        (then {again} (br $again)))",
                f"      (i32.store (i32.const {over}) (i32.const 1))))))",
            ]
        )
    ] = None
    code.begin += [_copy_on(action, whole, slot, handle, code), f"(call $continue{slot} (i32.const 1))"]
    # A copy that was cancelled does not go on.
    finish = [
        f"(call $continue{slot} (i32.const 0))",
        *whole.finish,
        _result(whole, f"(i32.load offset=8 {where})"),
    ]
    return Pending(
        slot,
        code.index,
        whole.address,
        whole.type,
        finish,
        partial(_cancel, code.scope.canon, action.end.type, whole.operation, where),
        whole.piece,
        key,
    )


def proceed(slots: list[int]) -> str:
    """The function that the driver calls after every event: each whole stream goes on as far as it can."""
    return "\n".join(["(func $proceed", *(f"  (call $continue{slot} (i32.const 1))" for slot in slots)]) + ")"


_GOES_ON = (
    "(i32.eqz (i32.or (i32.and (local.get $code) (i32.const 15))"
    " (i32.or (i32.eqz (i32.shr_u (local.get $code) (i32.const 4))) (i32.eqz {left}))))"
)
"""Unless it says anything but `completed`, or took nothing: a copy that ends nothing either would go on for ever."""


def _whole(action: ReadAll | WriteAll, code: Code) -> _Whole:
    return _whole_read(action, code) if isinstance(action, ReadAll) else _whole_write(action, code)


def _whole_read(read: ReadAll, code: Code) -> _Whole:
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
    finish: list[str] = []
    piece: str | None = None
    if read.digest:
        crc = payload + 8
        taken = "(i32.shr_u (local.get $code) (i32.const 4))"
        after.append(f"(i32.store (i32.const {crc}) (call $crc32 (i32.load (i32.const {crc})) {at} {taken}))")
    else:
        at = f"(i32.add {at} (i32.mul {done} (i32.const {size})))"
        finish.append(f"(i32.store (i32.const {payload}) (i32.const {buffer}))")
        piece = f"(call $piece (i32.const {buffer}) (i32.mul {done} (i32.const {size})))"
    return _Whole("read", type, address, at, room, total, after, finish, piece)


def _whole_write(write: WriteAll, code: Code) -> _Whole:
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
    return _Whole("write", type, address, at, left, total, [], [])


def _copy_on(action: ReadAll | WriteAll, whole: _Whole, slot: int, handle: str, code: Code) -> str:
    """Begin to copy the next chunk."""
    core = code.scope.canon.copy(action.end.type, whole.operation, Lowering.ASYNC)
    chunk = f"(i32.const {action.chunk})"
    count = f"(select {chunk} {whole.left} (i32.lt_u {chunk} {whole.left}))"
    return f"(call $copying {slot_text(slot)} {handle} (call {core} {handle} {whole.at} {count}))"


def _taken(whole: _Whole, slot: int) -> list[str]:
    """Count what the copy in a slot took, and leave its packed result in `$code`."""
    total = f"(i32.const {whole.total})"
    return [
        f"(local.set $code (i32.load offset=8 {slot_text(slot)}))",
        *whole.after,
        f"(i32.store {total} (i32.add (i32.load {total}) (i32.shr_u (local.get $code) (i32.const 4))))",
    ]


def _result(whole: _Whole, packed: str) -> str:
    return f"(i32.store8 (i32.const {whole.address}) (i32.and {packed} (i32.const 15)))"
