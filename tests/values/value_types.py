"""The types that the tests of values, arguments and patterns use."""

from wasicheck.values import WritableEnd
from wasicheck.wit.types import (
    F64,
    S64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    BorrowType,
    Case,
    EnumType,
    Field,
    FlagsType,
    FutureType,
    ListType,
    OptionType,
    OwnType,
    RecordType,
    ResourceType,
    ResultType,
    StreamType,
    TupleType,
    TypeId,
    VariantType,
)

_SOCKETS = "wasi:sockets/types@0.3.0"


def _named(name: str) -> TypeId:
    return TypeId(_SOCKETS, name)


BYTES = ListType(U8)
U64S = ListType(U64)
STRINGS = ListType(STRING)
FOUR = ListType(U8, 4)
THREE = ListType(U64, 3)
FAMILY = EnumType(_named("ip-address-family"), ("ipv4", "ipv6"))
ERROR = VariantType(
    _named("error-code"),
    (
        *(Case(name, None) for name in ("access-denied", "connection-refused", "connection-reset", "timeout")),
        Case("other", OptionType(STRING)),
    ),
)
KEYED = EnumType(_named("keyed"), ("ok", "err", "true", "plain"))
OPEN = FlagsType(_named("open-flags"), ("create", "directory", "exclusive"))
ADDRESS = TupleType((U8, U8, U8, U8))
SOCKET_ADDRESS = RecordType(_named("socket-address"), (Field("port", U16), Field("address", ADDRESS)))
STAT = RecordType(_named("stat"), (Field("size", U64), Field("at", OptionType(U64)), Field("kind", OptionType(FAMILY))))
OPTIONAL = RecordType(_named("optional"), (Field("a", OptionType(U8)),))
INSTANT = RecordType(_named("instant"), (Field("seconds", S64), Field("nanoseconds", U32)))
SOCKET = ResourceType(_named("tcp-socket"))
OTHER = ResourceType(_named("udp-socket"))
OWN, BORROW = OwnType(SOCKET), BorrowType(SOCKET)
CREATED = ResultType(OWN, ERROR)
SIZE = ResultType(U64, ERROR)
DONE = ResultType(None, ERROR)
STREAM, FUTURE = StreamType(U8), FutureType(DONE)
COPY = VariantType(None, tuple(Case(name, BYTES) for name in ("completed", "dropped", "cancelled")))
PREFIXED = VariantType(None, (Case("prefix", STRING), Case("length", None)))
MAYBE = OptionType(U64)
MAYBE_TWICE = OptionType(MAYBE)

SCOPE = {
    "n": U64,
    "f": F64,
    "server": SOCKET_ADDRESS,
    "text": STRING,
    "size": SIZE,
    "then": INSTANT,
    "sock": OWN,
    "out": WritableEnd(STREAM),
}
"""What patterns can refer to."""
