"""Component values as immutable Python data.

type                            value
bool                            bool
s8 … u64                        int
f32, f64                        float (every NaN is the canonical one)
char                            str of one character
string                          str
list<u8>                        bytes
list<T>, tuple<…>               tuple
record                          Record
variant, enum, option, result   Variant (cases `none`, `some`, `ok`, `err` for the last two)
flags                           frozenset of labels
own, borrow, stream, future     Handle
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """A record: (field, value) pairs in the order of the type."""

    fields: tuple[tuple[str, Value], ...]

    def __getitem__(self, name: str) -> Value:
        for field, value in self.fields:
            if field == name:
                return value
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Variant:
    """A case with its payload; payload None means that the case has none."""

    case: str
    payload: Value | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """An index into a guest's handle table: opaque, never comparable between runs or hosts."""

    index: int


Value = bool | int | float | str | bytes | tuple["Value", ...] | Record | Variant | frozenset[str] | Handle
