"""Expectations on bytes turned into expectations on their length and checksum."""

from __future__ import annotations

import zlib

from wasicheck.values import Pattern
from wasicheck.values.pattern_types import (
    Alternatives,
    Anything,
    BytesLiteral,
    CasePattern,
    Length,
    Literal,
    RecordPattern,
)
from wasicheck.vectors.outcomes import DIGEST
from wasicheck.wit.types import U32, U64, RecordType, Type, VariantType

_Fields = tuple[tuple[str, Pattern], ...]


def digest_pattern(pattern: Pattern, type: VariantType) -> Pattern | None:
    """The same expectation with digests in place of bytes; None where it says more of them than a digest can tell.

    `type` is that of what is yielded: cases with a digest as their payload, or with a record that has the fields of a
    digest in place of `data`. Payloads that have no bytes in them stay as they are.
    """
    match pattern:
        case CasePattern(case=name, payload=payload):
            expected = next((case.type for case in type.cases if case.name == name), None)
            if payload is None or expected is None or payload.type == expected:
                return CasePattern(type, name, payload)
            converted = _payload(payload, expected)
            return None if converted is None else CasePattern(type, name, converted)
        case Anything():
            return Anything(type)
        case Alternatives(patterns=parts):
            alternatives = [digest_pattern(p, type) for p in parts]
            whole = tuple(p for p in alternatives if p is not None)
            return Alternatives(type, whole) if len(whole) == len(parts) else None
        case _:
            return None


def _payload(payload: Pattern, type: Type) -> Pattern | None:
    match payload:
        case Anything():
            return Anything(type)
        case RecordPattern(fields=fields, rest=rest):
            assert isinstance(type, RecordType)
            converted: list[tuple[str, Pattern]] = []
            for name, part in fields:
                digest = _digest(part) if name == "data" else ((name, part),)
                if digest is None:
                    return None
                converted += digest
            return RecordPattern(type, tuple(converted), rest)
        case _:
            digest = _digest(payload)
            return None if digest is None else RecordPattern(DIGEST, digest, rest=False)


def _digest(pattern: Pattern) -> _Fields | None:
    """The fields of a digest, of a pattern over the bytes themselves."""
    match pattern:
        case Literal(value=bytes() as data):
            return _exactly(data)
        case BytesLiteral(content=content):
            return _exactly(content.materialise())
        case Length(pattern=length):
            return ("length", length), ("crc32", Anything(U32))
        case Anything():
            return ("length", Anything(U64)), ("crc32", Anything(U32))
        case _:
            return None


def _exactly(data: bytes) -> _Fields:
    return ("length", Literal(U64, len(data))), ("crc32", Literal(U32, zlib.crc32(data)))
