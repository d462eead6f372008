"""What a step yields when that is not simply the result of a call: copy results, subtask states, digests.

Each is an ordinary component-model type, so that a guest can lay it out in memory, and patterns, values and reports
need nothing of their own for it. Case names are those of CanonicalABI.md (`CopyResult`, `Subtask.State`).
"""

from __future__ import annotations

from functools import cache

from wasicheck.vectors.model import Call
from wasicheck.wit import parse_type, wasi
from wasicheck.wit.types import (
    STRING,
    U8,
    U16,
    U32,
    U64,
    Case,
    EnumType,
    Field,
    FutureType,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)

BYTES = ListType(U8)
INDICES = ListType(U32)
INDEX = U32
DIGEST = RecordType(None, (Field("length", U64), Field("crc32", U32)))
ERRNO_RESULT = ResultType(None, STRING)
"""Of what a peer does: `err` with the name of an errno, such as `"ECONNREFUSED"`, or of an alert of TLS."""
HEADERS = ListType(TupleType((STRING, BYTES)))
FRAMING = EnumType(None, ("none", "content-length", "chunked", "close"))
"""What tells where the body of an HTTP message ends."""
REQUEST = RecordType(
    None, (Field("method", STRING), Field("target", STRING), Field("version", STRING), Field("headers", HEADERS))
)
RESPONSE = RecordType(
    None, (Field("status", U16), Field("reason", BYTES), Field("version", STRING), Field("headers", HEADERS))
)
_NO_HEAD = (Case("closed", BYTES), Case("reset", BYTES), Case("malformed", STRING))
REQUEST_RESULT = VariantType(None, (Case("request", REQUEST), *_NO_HEAD))
RESPONSE_RESULT = VariantType(None, (Case("response", RESPONSE), *_NO_HEAD))
"""Of receiving a head: that, or what came before a FIN or RST, or why it is none."""
KEEP_ALIVE = RecordType(None, (Field("idle-time", U64), Field("interval", U64), Field("count", U32)))
"""Times in nanoseconds."""
SOCKET_OPTIONS = RecordType(
    None,
    (
        Field("hop-limit", U8),
        Field("keep-alive", OptionType(KEEP_ALIVE)),
        Field("receive-buffer-size", U64),
        Field("send-buffer-size", U64),
        Field("syn-hop-limit", OptionType(U8)),
    ),
)
"""Of looking at the guest's socket: its options as its system has them, and the hop limit that its SYN came with."""
BOUND_OPTIONS = RecordType(
    None,
    (
        Field("hop-limit", U8),
        Field("receive-buffer-size", U64),
        Field("send-buffer-size", U64),
        Field("backlog", OptionType(U32)),
    ),
)
"""The same of a socket that is bound, and how long the queue of one that listens may get."""
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
def read_all_result(type: StreamType, *, digest: bool, started: bool = False) -> VariantType:
    """Of reading to the end: `dropped(list<T>)`, or `completed(list<T>)` if the limit came first."""
    assert type.element is not None
    return _copy(DIGEST if digest else ListType(type.element), started=started)


@cache
def cancel_result(result: Type | None) -> VariantType:
    """Of cancelling a call: what became of its subtask."""
    return VariantType(
        None,
        (Case("returned", result), Case("cancelled-before-started", None), Case("cancelled-before-returned", None)),
    )


@cache
def socket_address() -> Type:
    """`ip-socket-address` of wasi:sockets/types."""
    return parse_type("ip-socket-address", wasi().interface("wasi:sockets/types@0.3.0"), wasi())


@cache
def introduction(peers: tuple[str, ...]) -> RecordType:
    """Of the introduction of peers: a field for each, with its address, its port, and both as URIs have them."""
    fields = (Field("address", socket_address()), Field("port", U16), Field("authority", STRING))
    return RecordType(None, tuple(Field(name, RecordType(None, fields)) for name in peers))


@cache
def receive_result(*, digest: bool) -> VariantType:
    """Of receiving from a connection: all that was asked for, or what came before a FIN or RST."""
    payload = DIGEST if digest else BYTES
    return VariantType(None, tuple(Case(name, payload) for name in ("received", "closed", "reset")))


@cache
def body_result(*, digest: bool) -> VariantType:
    """Of receiving the body of an HTTP message: all of it, or what came before the end of the stream or a RST."""
    payload = DIGEST if digest else BYTES
    data = DIGEST.fields if digest else (Field("data", BYTES),)
    body = RecordType(None, (*data, Field("trailers", HEADERS), Field("framing", FRAMING)))
    broken = (Case("incomplete", payload), Case("reset", payload), Case("malformed", STRING))
    return VariantType(None, (Case("body", body), *broken))


@cache
def datagram(*, hop_limit: bool, flow_label: bool) -> RecordType:
    """Of receiving a datagram: its bytes and where it comes from, and of its header what is asked for."""
    asked = ((hop_limit, Field("hop-limit", U8)), (flow_label, Field("flow-label", U32)))
    fields = (Field("data", BYTES), Field("from", socket_address()))
    return RecordType(None, (*fields, *(field for wanted, field in asked if wanted)))
