"""Literals against their types: numbers with units, chars, strings, and byte strings that stay unmaterialised."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wasicheck.values import syntax
from wasicheck.values.lexer import ExpressionError, quote
from wasicheck.values.model import Value
from wasicheck.values.shapes import check_length, mismatch
from wasicheck.wit.types import U8, U32, ListType, PrimitiveType, Type

INTEGERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        **{f"u{width}": (0, (1 << width) - 1) for width in (8, 16, 32, 64)},
        **{f"s{width}": (-(1 << (width - 1)), (1 << (width - 1)) - 1) for width in (8, 16, 32, 64)},
    }
)
"""Least and greatest value of the integer types, by name."""

FLOATS = frozenset(("f32", "f64"))

UNITS: Mapping[str, int] = MappingProxyType(
    {
        "": 1,
        "ns": 1,
        "us": 1_000,
        "ms": 1_000_000,
        "s": 1_000_000_000,
        "KiB": 1 << 10,
        "MiB": 1 << 20,
        "GiB": 1 << 30,
    }
)
"""Factors of the units of integers: a time is in nanoseconds, a size in bytes."""

MAX_DIGITS = 400
MAX_BYTES = 256 << 20
"""Longest byte string that an expression may stand for."""

INLINE_BYTES = 4096
"""Up to this length a byte string is a plain constant; beyond, it stays a list of chunks."""

CYCLE = bytes(range(251))
"""What `pattern(n)` repeats: its period is prime, so that no block size hides a shifted or repeated block."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """`length` bytes: those of `unit`, again and again."""

    unit: bytes
    length: int

    def materialise(self) -> bytes:
        """Return the bytes."""
        return (self.unit * -(-self.length // len(self.unit)))[: self.length]


@dataclass(frozen=True, slots=True)
class Bytes:
    """A constant of type `list<u8>`, as chunks, so that `repeat("x", 16MiB)` costs nothing before it is needed."""

    type: Type
    chunks: tuple[Chunk, ...]

    @property
    def length(self) -> int:
        """How many bytes it is."""
        return sum(c.length for c in self.chunks)

    def materialise(self) -> bytes:
        """Return the bytes."""
        return b"".join(c.materialise() for c in self.chunks)


def integer(node: syntax.Node, type: PrimitiveType) -> int:
    """Return the integer that a number stands for; raise ExpressionError if it is none or not in the type's range."""
    if not isinstance(node, syntax.Number):
        raise mismatch(node, type)
    digits = node.digits
    if not digits.lstrip("-").isdigit():
        raise ExpressionError(f"expected {type.name}, an integer, found {quote(digits + node.unit)}", node.column)
    low, high = INTEGERS[type.name]
    value = int(digits) * UNITS[node.unit] if len(digits) <= MAX_DIGITS else high + 1
    if not low <= value <= high:
        raise ExpressionError(
            f"{quote(digits + node.unit)} is out of range of {type.name}",
            node.column,
            f"it holds {low} to {high}",
        )
    return value


def term(node: syntax.Number, type: PrimitiveType) -> int:
    """Return what a term adds to a reference of that type: an integer of either sign."""
    if not node.digits.lstrip("-").isdigit() or len(node.digits) > MAX_DIGITS:
        raise ExpressionError(f"expected an integer to add to {type.name}, found {quote(node.digits)}", node.column)
    return int(node.digits) * UNITS[node.unit]


def single(value: float) -> float:
    """Return the f32 nearest to a float; raise OverflowError if it is beyond the largest."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _floating(node: syntax.Node, type: PrimitiveType) -> float:
    match node:
        case syntax.Label(name="nan" | "inf"):
            return math.nan if node.name == "nan" else math.inf
        case syntax.Number(digits="-inf"):
            return -math.inf
        case syntax.Number(unit=""):
            value = float(node.digits)
            try:
                value = single(value) if type.name == "f32" else value
            except OverflowError:
                value = math.inf
            if math.isinf(value):
                raise ExpressionError(
                    f"{quote(node.digits)} is out of range of {type.name}", node.column, "write `inf` or `-inf`"
                )
            return value
        case syntax.Number():
            raise ExpressionError(f"{type.name} takes no unit, found {quote(node.digits + node.unit)}", node.column)
        case _:
            raise mismatch(node, type)


def scalar(node: syntax.Node, type: PrimitiveType) -> Value:
    """Return the value of a literal of a primitive type; raise ExpressionError."""
    name = type.name
    if name in INTEGERS:
        return integer(node, type)
    if name == "string" and isinstance(node, syntax.Text):
        return node.value
    if name == "bool" and isinstance(node, syntax.Label) and node.name in ("true", "false") and not node.escaped:
        return node.name == "true"
    if name == "char" and isinstance(node, syntax.Character):
        return node.value
    if name in FLOATS:
        return _floating(node, type)
    raise mismatch(node, type)


BYTE_FUNCTIONS = frozenset(("hex", "repeat", "pattern", "concat"))


def byte_string(node: syntax.Node, type: ListType) -> Bytes:
    """Return the bytes that a literal of `list<u8>` stands for.

    A string is its UTF-8, a list its elements; `hex("00 ff")`, `repeat(<bytes>, <count>)`, `pattern(<length>)` (0 to
    250, again and again) and `concat(<bytes>, …)` make longer ones. Raise ExpressionError.
    """
    value = Bytes(type, _chunks(node, type))
    if value.length > MAX_BYTES:
        raise ExpressionError(f"{value.length} bytes are too many", node.column, f"the limit is {MAX_BYTES}")
    check_length(value.length, type, node.column)
    return value


def _chunks(node: syntax.Node, type: ListType) -> tuple[Chunk, ...]:
    match node:
        case syntax.Text():
            return _chunk(node.value.encode())
        case syntax.Listing():
            return _chunk(bytes([integer(e, U8) for e in node.elements]))
        case syntax.Parenthesised(elements=(inner,), comma=False):
            return _chunks(inner, type)
        case syntax.Call(name="hex", arguments=arguments):
            return _chunk(_hex(node, arguments))
        case syntax.Call(name="pattern", arguments=arguments):
            (length,) = _exactly(node, arguments, "<length>")
            count = integer(length, U32)
            return (Chunk(CYCLE, count),) if count else ()
        case syntax.Call(name="repeat", arguments=arguments):
            what, times = _exactly(node, arguments, "<bytes>", "<count>")
            return _repeated(_chunks(what, ListType(U8)), integer(times, U32), node.column)
        case syntax.Call(name="concat", arguments=arguments):
            return tuple(c for a in arguments for c in _chunks(a, ListType(U8)))
        case _:
            raise mismatch(node, type)


def _chunk(content: bytes) -> tuple[Chunk, ...]:
    return (Chunk(content, len(content)),) if content else ()


def _exactly(node: syntax.Call, arguments: tuple[syntax.Node, ...], *names: str) -> tuple[syntax.Node, ...]:
    if len(arguments) != len(names):
        raise ExpressionError(
            f"{quote(node.name)} takes {len(names)} argument{'s' * (len(names) > 1)}, {len(arguments)} are given",
            node.column,
            f"write `{node.name}({', '.join(names)})`",
        )
    return arguments


def _hex(node: syntax.Call, arguments: tuple[syntax.Node, ...]) -> bytes:
    (digits,) = _exactly(node, arguments, '"00 ff"')
    if isinstance(digits, syntax.Text):
        try:
            return bytes.fromhex(digits.value)
        except ValueError:
            pass
    raise ExpressionError("`hex` takes a string of pairs of hexadecimal digits", digits.column, 'as in `hex("00 ff")`')


def _repeated(chunks: tuple[Chunk, ...], count: int, column: int) -> tuple[Chunk, ...]:
    """Repeat chunks; a single one just gets longer, several are joined to make the new unit."""
    length = sum(c.length for c in chunks)
    if length * count > MAX_BYTES:
        raise ExpressionError(f"{length * count} bytes are too many", column, f"the limit is {MAX_BYTES}")
    if not length or not count:
        return ()
    whole = len(chunks) == 1 and chunks[0].length % len(chunks[0].unit) == 0
    unit = chunks[0].unit if whole else b"".join(c.materialise() for c in chunks)
    return (Chunk(unit, length * count),)
