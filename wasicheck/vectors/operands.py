"""What steps are about, by the names that a vector gives: ends of streams and futures, and operations under way."""

from __future__ import annotations

from dataclasses import dataclass

from wasicheck.values import Reference
from wasicheck.wit.types import FutureType, StreamType


@dataclass(frozen=True)
class ReadableEnd:
    """The readable end of a stream or future: a captured result, or one that a `New` step made."""

    reference: Reference
    type: StreamType | FutureType


@dataclass(frozen=True)
class WritableEnd:
    """The writable end of a stream or future, by the name that a `New` step gave it."""

    name: str
    type: StreamType | FutureType


End = ReadableEnd | WritableEnd


@dataclass(frozen=True)
class Operation:
    """The name of an outstanding operation, made by a `Start` step (`as: name`)."""

    name: str
