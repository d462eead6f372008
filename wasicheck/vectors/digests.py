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
from wasicheck.wit.types import U32, U64, VariantType


def digest_pattern(pattern: Pattern, type: VariantType) -> Pattern | None:
    """The same expectation with digests in place of bytes; None where it says more of them than a digest can tell.

    `type` is that of what is yielded: cases with digests as their payloads.
    """
    match pattern:
        case CasePattern(payload=Literal(value=bytes() as data)):
            return _case(type, pattern, _digest(data))
        case CasePattern(payload=BytesLiteral(content=content)):
            return _case(type, pattern, _digest(content.materialise()))
        case CasePattern(payload=Length(pattern=length)):
            return _case(type, pattern, RecordPattern(DIGEST, (("length", length),), rest=True))
        case CasePattern(payload=Anything()):
            return _case(type, pattern, Anything(DIGEST))
        case Anything():
            return Anything(type)
        case Alternatives(patterns=parts):
            converted = [digest_pattern(p, type) for p in parts]
            whole = tuple(p for p in converted if p is not None)
            return Alternatives(type, whole) if len(whole) == len(parts) else None
        case _:
            return None


def _case(type: VariantType, pattern: CasePattern, digest: Pattern) -> Pattern:
    return CasePattern(type, pattern.case, digest)


def _digest(data: bytes) -> Pattern:
    fields = (("length", Literal(U64, len(data))), ("crc32", Literal(U32, zlib.crc32(data))))
    return RecordPattern(DIGEST, fields, rest=False)
