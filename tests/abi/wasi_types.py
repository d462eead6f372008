"""Types of WASI 0.3.0, built by hand: the layouts in the tests are computed by hand from the same declarations."""

from __future__ import annotations

from wasicheck.wit.types import (
    S64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    Case,
    EnumType,
    Field,
    FlagsType,
    OptionType,
    OwnType,
    RecordType,
    ResourceType,
    ResultType,
    TupleType,
    TypeId,
    VariantType,
)


def _record(interface: str, name: str, /, **fields: object) -> RecordType:
    members = tuple(Field(label.replace("_", "-"), t) for label, t in fields.items())  # type: ignore[arg-type]
    return RecordType(TypeId(interface, name), members)


def _variant(interface: str, name: str, *cases: str | Case) -> VariantType:
    return VariantType(TypeId(interface, name), tuple(Case(c, None) if isinstance(c, str) else c for c in cases))


SOCKETS = "wasi:sockets/types@0.3.0"
FILESYSTEM = "wasi:filesystem/types@0.3.0"
HTTP = "wasi:http/types@0.3.0"

IPV4_ADDRESS = TupleType((U8,) * 4)
IPV6_ADDRESS = TupleType((U16,) * 8)
IPV4_SOCKET_ADDRESS = _record(SOCKETS, "ipv4-socket-address", port=U16, address=IPV4_ADDRESS)
IPV6_SOCKET_ADDRESS = _record(
    SOCKETS, "ipv6-socket-address", port=U16, flow_info=U32, address=IPV6_ADDRESS, scope_id=U32
)
IP_SOCKET_ADDRESS = _variant(
    SOCKETS, "ip-socket-address", Case("ipv4", IPV4_SOCKET_ADDRESS), Case("ipv6", IPV6_SOCKET_ADDRESS)
)
SOCKETS_ERROR_CODE = _variant(
    SOCKETS,
    "error-code",
    "access-denied",
    "not-supported",
    "invalid-argument",
    "out-of-memory",
    "timeout",
    "invalid-state",
    "address-not-bindable",
    "address-in-use",
    "remote-unreachable",
    "connection-refused",
    "connection-broken",
    "connection-reset",
    "connection-aborted",
    "datagram-too-large",
    Case("other", OptionType(STRING)),
)

INSTANT = _record("wasi:clocks/system-clock@0.3.0", "instant", seconds=S64, nanoseconds=U32)

DESCRIPTOR_TYPE = _variant(
    FILESYSTEM,
    "descriptor-type",
    "block-device",
    "character-device",
    "directory",
    "fifo",
    "symbolic-link",
    "regular-file",
    "socket",
    Case("other", OptionType(STRING)),
)
DESCRIPTOR_STAT = _record(
    FILESYSTEM,
    "descriptor-stat",
    type=DESCRIPTOR_TYPE,
    link_count=U64,
    size=U64,
    data_access_timestamp=OptionType(INSTANT),
    data_modification_timestamp=OptionType(INSTANT),
    status_change_timestamp=OptionType(INSTANT),
)
DIRECTORY_ENTRY = _record(FILESYSTEM, "directory-entry", type=DESCRIPTOR_TYPE, name=STRING)
OPEN_FLAGS = FlagsType(TypeId(FILESYSTEM, "open-flags"), ("create", "directory", "exclusive", "truncate"))
ADVICE = EnumType(
    TypeId(FILESYSTEM, "advice"), ("normal", "sequential", "random", "will-need", "dont-need", "no-reuse")
)

DNS_ERROR_PAYLOAD = _record(HTTP, "DNS-error-payload", rcode=OptionType(STRING), info_code=OptionType(U16))
TLS_ALERT_RECEIVED_PAYLOAD = _record(
    HTTP, "TLS-alert-received-payload", alert_id=OptionType(U8), alert_message=OptionType(STRING)
)
FIELD_SIZE_PAYLOAD = _record(HTTP, "field-size-payload", field_name=OptionType(STRING), field_size=OptionType(U32))
HTTP_ERROR_CODE = _variant(
    HTTP,
    "error-code",
    "DNS-timeout",
    Case("DNS-error", DNS_ERROR_PAYLOAD),
    "destination-not-found",
    "destination-unavailable",
    "destination-IP-prohibited",
    "destination-IP-unroutable",
    "connection-refused",
    "connection-terminated",
    "connection-timeout",
    "connection-read-timeout",
    "connection-write-timeout",
    "connection-limit-reached",
    "TLS-protocol-error",
    "TLS-certificate-error",
    Case("TLS-alert-received", TLS_ALERT_RECEIVED_PAYLOAD),
    "HTTP-request-denied",
    "HTTP-request-length-required",
    Case("HTTP-request-body-size", OptionType(U64)),
    "HTTP-request-method-invalid",
    "HTTP-request-URI-invalid",
    "HTTP-request-URI-too-long",
    Case("HTTP-request-header-section-size", OptionType(U32)),
    Case("HTTP-request-header-size", OptionType(FIELD_SIZE_PAYLOAD)),
    Case("HTTP-request-trailer-section-size", OptionType(U32)),
    Case("HTTP-request-trailer-size", FIELD_SIZE_PAYLOAD),
    "HTTP-response-incomplete",
    Case("HTTP-response-header-section-size", OptionType(U32)),
    Case("HTTP-response-header-size", FIELD_SIZE_PAYLOAD),
    Case("HTTP-response-body-size", OptionType(U64)),
    Case("HTTP-response-trailer-section-size", OptionType(U32)),
    Case("HTTP-response-trailer-size", FIELD_SIZE_PAYLOAD),
    Case("HTTP-response-transfer-coding", OptionType(STRING)),
    Case("HTTP-response-content-coding", OptionType(STRING)),
    "HTTP-response-timeout",
    "HTTP-upgrade-failed",
    "HTTP-protocol-error",
    "loop-detected",
    "configuration-error",
    Case("internal-error", OptionType(STRING)),
)
REQUEST = OwnType(ResourceType(TypeId(HTTP, "request")))
RESPONSE = OwnType(ResourceType(TypeId(HTTP, "response")))

STAT_RESULT = ResultType(DESCRIPTOR_STAT, SOCKETS_ERROR_CODE)
"""Its error type has the layout of the file system's, which differs in labels alone."""
