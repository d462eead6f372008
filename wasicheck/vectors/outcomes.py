"""What a step yields when that is not simply the result of a call: copy results, subtask states, digests.

Each is an ordinary component-model type, so that a guest can lay it out in memory, and patterns, values and reports
need nothing of their own for it. Case names are those of CanonicalABI.md (`CopyResult`, `Subtask.State`).
"""

from __future__ import annotations

from functools import cache

from wasicheck.vectors.model import Call
from wasicheck.wit.types import (
    U8,
    U32,
    U64,
    Case,
    EnumType,
    Field,
    FutureType,
    ListType,
    RecordType,
    StreamType,
    Type,
    VariantType,
)

BYTES = ListType(U8)
INDICES = ListType(U32)
INDEX = U32
DIGEST = RecordType(None, (Field("length", U64), Field("crc32", U32)))
SUBTASK_STATE = EnumType(None, ("starting", "started", "returned"))


def _copy(payload: Type | None, *, started: bool) -> VariantType:
    """A copy result; one that was merely started may be `blocked`, one that was awaited may be `cancelled`."""
    last = Case("blocked", None) if started else Case("cancelled", payload)
    return VariantType(None, (Case("completed", payload), Case("dropped", payload), last))


def _future_copy(payload: Type | None, *, started: bool) -> VariantType:
    last = Case("blocked" if started else "cancelled", None)
    return VariantType(None, (Case("completed", payload), Case("dropped", None), last))


def call_result(call: Call) -> Type | None:
    """Of a call: its result, or the list of them where it is repeated, or only the length."""
    if call.length_only:
        return U32
    result = call.function.result
    return result if call.repeat is None or result is None else ListType(result)


@cache
def read_result(type: StreamType | FutureType, *, started: bool = False) -> VariantType:
    """Of one read: `completed(list<T>)` of a stream, `completed(T)` of a future."""
    if isinstance(type, FutureType):
        return _future_copy(type.element, started=started)
    return _copy(U32 if type.element is None else ListType(type.element), started=started)


@cache
def write_result(type: StreamType | FutureType, *, started: bool = False) -> VariantType:
    """Of one write: `completed(n)` with the number of elements taken from a stream, plain `completed` of a future."""
    if isinstance(type, FutureType):
        return _future_copy(None, started=started)
    return _copy(U32, started=started)


@cache
def read_all_result(type: StreamType, *, digest: bool) -> VariantType:
    """Of reading to the end: `dropped(list<T>)`, or `completed(list<T>)` if the limit came first."""
    assert type.element is not None
    return _copy(DIGEST if digest else ListType(type.element), started=False)


@cache
def cancel_result(result: Type | None) -> VariantType:
    """Of cancelling a call: what became of its subtask."""
    return VariantType(
        None,
        (Case("returned", result), Case("cancelled-before-started", None), Case("cancelled-before-returned", None)),
    )
