"""WAVE, the component model's text form of values, with a few extensions for byte strings and units.

Extensions: `list<u8>` takes a string for its UTF-8 and `hex`, `repeat`, `pattern` and `concat`; an integer takes a unit
of time (`50ms`, in nanoseconds) or size (`4KiB`). Handles are printed, as `<own tcp-socket 3>`, but never parsed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from wasicheck.values.argument_types import evaluate
from wasicheck.values.arguments import check_argument
from wasicheck.values.literals import CYCLE, INTEGERS, single
from wasicheck.values.model import Handle, Record, Value, Variant
from wasicheck.values.parser import parse
from wasicheck.values.shapes import KEYWORDS, CasedType, cases, is_bytes, type_text
from wasicheck.wit.types import (
    BorrowType,
    EnumType,
    FlagsType,
    FutureType,
    ListType,
    OptionType,
    OwnType,
    PrimitiveType,
    RecordType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)

_LINES = str.maketrans("", "", "\t\n\r")
"""White space that a text may have, and that does not count as printable."""


def parse_value(text: str, type: Type) -> Value:
    """Return the value of the type that the text stands for; raise ExpressionError."""
    return evaluate(check_argument(parse(text), type, {}), {})


def same_value(a: Value, b: Value) -> bool:
    """Whether two values of one type are the same data: a NaN is itself, and 0.0 is not -0.0."""
    match a, b:
        case float(), float():
            return (a == b and math.copysign(1.0, a) == math.copysign(1.0, b)) or (a != a and b != b)
        case tuple(), tuple():
            return len(a) == len(b) and all(map(same_value, a, b))
        case Record(), Record():
            return all(same_value(x, y) for (_, x), (_, y) in zip(a.fields, b.fields, strict=True))
        case Variant(payload=x), Variant(payload=y) if a.case == b.case:
            return x is y or (x is not None and y is not None and same_value(x, y))
        case _:
            return a == b


def format_value(value: Value, type: Type, *, max_length: int | None = None) -> str:
    """Return the WAVE text of a value of the type.

    With `max_length`, in characters, long strings, byte strings and lists are cut short and say how long they are, and
    the whole is cut if it is still longer; such a text no longer parses. Raise TypeError if the value is not of the
    type.
    """
    text = _format(value, type, max_length)
    return text if max_length is None or len(text) <= max_length else f"{text[: max(max_length - 1, 0)]}…"


def _format(value: Value, type: Type, limit: int | None) -> str:
    match type, value:
        case PrimitiveType("bool"), bool():
            return "true" if value else "false"
        case PrimitiveType("f32" | "f64"), float():
            return _float_text(value, type.name)
        case PrimitiveType("char"), str():
            return f"'{_escaped(value, _CHAR_QUOTES)}'"
        case PrimitiveType("string"), str():
            return _string_text(value, limit)
        case PrimitiveType("error-context"), Handle():
            return f"<error-context {value.index}>"
        case PrimitiveType(name), int() if name in INTEGERS and not isinstance(value, bool):
            return str(value)
        case ListType(), bytes() if is_bytes(type):
            return _bytes_text(value, limit)
        case ListType(), tuple():
            return f"[{_joined(((e, type.element) for e in value), len(value), limit)}]"
        case TupleType(), tuple():
            comma = "," if len(value) == 1 else ""
            return f"({', '.join(_format(v, t, limit) for v, t in zip(value, type.elements, strict=True))}{comma})"
        case RecordType(), Record():
            given = [
                f"{f.name}: {_format(v, f.type, limit)}"
                for (_, v), f in zip(value.fields, type.fields, strict=True)
                if not (isinstance(f.type, OptionType) and isinstance(v, Variant) and v.case == "none")
            ]
            return f"{{{', '.join(given) or ':'}}}"
        case ((VariantType() | EnumType() | OptionType() | ResultType()), Variant()):
            payload_type = cases(type)[value.case]
            name = case_text(value.case, type)
            if payload_type is None or value.payload is None:
                return name
            return f"{name}({_format(value.payload, payload_type, limit)})"
        case FlagsType(), frozenset():
            return f"{{{', '.join(label for label in type.labels if label in value)}}}"
        case OwnType(), Handle():
            return f"<own {type.resource.id.name} {value.index}>"
        case BorrowType(), Handle():
            return f"<borrow {type.resource.id.name} {value.index}>"
        case StreamType(), Handle():
            return f"<stream {value.index}>"
        case FutureType(), Handle():
            return f"<future {value.index}>"
        case _:
            raise TypeError(f"{value!r:.80} is no value of {type_text(type)}")


def case_text(case: str, type: CasedType) -> str:
    """Return the label of a case, with `%` where it would read as a keyword."""
    return f"%{case}" if case in KEYWORDS and isinstance(type, VariantType | EnumType) else case


def _joined(elements: Iterable[tuple[Value, Type]], count: int, limit: int | None) -> str:
    shown: list[str] = []
    length = 0
    for value, type in elements:
        text = _format(value, type, limit)
        length += len(text) + 2
        if limit is not None and length > limit and shown:
            return f"{', '.join(shown)}, … {count - len(shown)} more"
        shown.append(text)
    return ", ".join(shown)


def _float_text(value: float, name: str) -> str:
    """Return the shortest decimal that reads back as the same float of that width."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if name == "f32":
        for digits in range(1, 9):
            text = f"{value:.{digits}g}"
            if abs(float(text)) < 3.4028235e38 and single(float(text)) == value:
                return text
        return f"{value:.9g}"
    return repr(value)


_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_CHAR_QUOTES = {**_ESCAPES, "'": "\\'"}
_STRING_QUOTES = {**_ESCAPES, '"': '\\"'}


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text)


def _string_text(value: str, limit: int | None) -> str:
    if limit is None or len(value) <= limit:
        return f'"{_escaped(value, _STRING_QUOTES)}"'
    return f'"{_escaped(value[: max(limit - 20, 1)], _STRING_QUOTES)}"… ({len(value)} characters)'


PLAIN = 256
"""Up to so many bytes are written out even if they repeat themselves."""
_LONGEST_PERIOD = 1024


def _repeated(value: bytes) -> str | None:
    """Return `pattern(…)` or `repeat(…)` for bytes that repeat themselves, with what is left behind; else None."""
    period = value.find(value[:32], 1, _LONGEST_PERIOD + 32)
    if period < 0 or value[period:] != value[:-period]:
        return None
    if value[:period] == CYCLE:
        return f"pattern({len(value)})"
    count, left = divmod(len(value), period)
    repeat = f"repeat({_bytes_text(value[:period], None)}, {count})"
    return repeat if not left else f"concat({repeat}, {_bytes_text(value[:left], None)})"


def _bytes_text(value: bytes, limit: int | None) -> str:
    """Return a string if the bytes are printable UTF-8, else `hex(…)`; `repeat(…)` if that is much shorter."""
    try:
        text: str | None = value.decode()
    except UnicodeDecodeError:
        text = None
    if limit is None and len(value) > PLAIN and (repeated := _repeated(value)) is not None:
        return repeated
    note = f"… ({len(value)} bytes)"
    if text is not None and text.translate(_LINES).isprintable():
        if limit is None or len(text) <= limit:
            return f'"{_escaped(text, _STRING_QUOTES)}"'
        return f'"{_escaped(text[: max(limit - 20, 1)], _STRING_QUOTES)}"{note}'
    if limit is None or len(value) * 3 <= limit:
        return f'hex("{value.hex(" ")}")'
    return f'hex("{value[: max((limit - 28) // 3, 1)].hex(" ")}"{note})'
