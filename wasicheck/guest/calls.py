"""Calls of imported functions: in place, again and again, and started."""

from __future__ import annotations

from wasicheck.abi import alignment, elem_size, field_offsets, flatten_type, lower_signature, payload_offset
from wasicheck.guest.scope import Code, Pending, slot_text, store_pair
from wasicheck.vectors import outcomes
from wasicheck.vectors.model import Call, Lowering
from wasicheck.wit.types import TupleType, Type


def call_sync(call: Call, code: Code) -> int | None:
    """Call and wait in place; return the address of the result."""
    result = call.function.result
    address = code.scope.room(result)
    text, flat = _call_text(call, code, f"(i32.const {address})", is_async=False)
    code.begin.append(_store_flat(result, f"(i32.const {address})", text) if flat and result else text)
    if call.length_only:
        # What it points to stays untold: it may be too much for a frame.
        code.finish.append("(global.set $reported (global.get $heap))")
        return address + 4
    return None if result is None else address


def call_repeatedly(call: Call, code: Code) -> int:
    """Call `call.repeat` times; return the address of the list of results."""
    result = call.function.result
    assert result is not None
    assert call.repeat is not None
    size = elem_size(result)
    buffer = code.scope.storage.reported_region(size * call.repeat)
    pair = code.scope.storage.image.allocate(8, 4)
    code.locals["at"] = None
    text, flat = _call_text(call, code, "(local.get $at)", is_async=False)
    code.finish += [
        f"(local.set $at (i32.const {buffer}))",
        "(loop $again",
        f"  {_store_flat(result, '(local.get $at)', text) if flat else text}",
        f"  (local.set $at (i32.add (local.get $at) (i32.const {size})))",
        f"  (br_if $again (i32.lt_u (local.get $at) (i32.const {buffer + size * call.repeat}))))",
        *store_pair(pair, buffer, f"(i32.const {call.repeat})"),
        f"(call $piece (i32.const {buffer}) (i32.const {size * call.repeat}))",
    ]
    return pair


def start_call(call: Call, code: Code) -> Pending:
    """Begin a call in a slot of its own, whatever it would be lowered as otherwise."""
    scope = code.scope
    slot = scope.slot()
    where = slot_text(slot)
    variant = outcomes.cancel_result(call.function.result)
    result = scope.room(variant) + payload_offset(variant)
    text, _ = _call_text(call, code, f"(i32.const {result})", is_async=True)
    code.lend(call.arguments, slot)
    code.begin.append(f"(call $calling {where} {text})")

    def cancel() -> list[str]:
        return [
            f"(local.set $code (call {scope.canon.builtin('subtask.cancel')} (i32.load {where})))",
            f"(call {scope.canon.builtin('subtask.drop')} (i32.load {where}))",
        ]

    return Pending(slot, code.index, result, call.function.result, [], cancel)


def _call_text(call: Call, code: Code, result: str, *, is_async: bool) -> tuple[str, bool]:
    """The core call, with the address for its result, and whether it leaves the result as a core value."""
    signature = lower_signature(call.function, is_async=is_async)
    arguments = _arguments(call, code, spilled=signature.params_spilled)
    if signature.results_by_pointer:
        arguments.append(result)
    canon = code.scope.canon
    if call.through_component and not is_async:
        id = canon.lower_linked(call.function)
    else:
        id = canon.lower(call.function, Lowering.ASYNC if is_async else Lowering.SYNC)
    return f"(call {id} {' '.join(arguments)})", bool(signature.results)


def _arguments(call: Call, code: Code, *, spilled: bool) -> list[str]:
    """The core arguments of a call, without the pointer to its result."""
    if not spilled:
        return [core for argument in call.arguments for core in code.operands.flat(argument)]
    parameters = TupleType(tuple(p.type for p in call.function.params))
    address = code.scope.storage.image.allocate(elem_size(parameters), alignment(parameters))
    for argument, offset in zip(call.arguments, field_offsets(parameters), strict=True):
        code.operands.store(argument, address + offset)
    return [f"(i32.const {address})"]


def _store_flat(type: Type, address: str, text: str) -> str:
    """Store the one core value of a result in the result's memory form."""
    core = flatten_type(type)[0]
    size = elem_size(type)
    width = "" if size == (8 if core[1:] == "64" else 4) else str(size * 8)
    return f"({core}.store{width} {address} {text})"
