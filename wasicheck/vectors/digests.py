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
from wasicheck.vectors.outcomes import DIGEST, read_all_result
from wasicheck.wit.types import U8, U32, U64, StreamType

_TYPE = read_all_result(StreamType(U8), digest=True)


def digest_pattern(pattern: Pattern) -> Pattern | None:
    """The same expectation with digests in place of bytes; None where it says more of them than a digest can tell."""
    match pattern:
        case CasePattern(payload=Literal(value=bytes() as data)):
            return _case(pattern, _digest(data))
        case CasePattern(payload=BytesLiteral(content=content)):
            return _case(pattern, _digest(content.materialise()))
        case CasePattern(payload=Length(pattern=length)):
            return _case(pattern, RecordPattern(DIGEST, (("length", length),), rest=True))
        case CasePattern(payload=Anything()):
            return _case(pattern, Anything(DIGEST))
        case Anything():
            return Anything(_TYPE)
        case Alternatives(patterns=parts):
            converted = [digest_pattern(p) for p in parts]
            whole = tuple(p for p in converted if p is not None)
            return Alternatives(_TYPE, whole) if len(whole) == len(parts) else None
        case _:
            return None


def _case(pattern: CasePattern, digest: Pattern) -> Pattern:
    return CasePattern(_TYPE, pattern.case, digest)


def _digest(data: bytes) -> Pattern:
    fields = (("length", Literal(U64, len(data))), ("crc32", Literal(U32, zlib.crc32(data))))
    return RecordPattern(DIGEST, fields, rest=False)
