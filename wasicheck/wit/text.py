"""Types as text."""

from __future__ import annotations

from typing import assert_never

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
    ResourceType,
    ResultType,
    StreamType,
    TupleType,
    Type,
    VariantType,
)


def type_text(type: Type | ResourceType, *, qualified: bool = False) -> str:
    """Return the WIT expression of a type, named types by their name: `future<result<_, error-code>>`.

    `qualified` puts each name's interface before it: `wasi:cli/types@0.3.0#error-code`. A record, variant, enum or
    flags type without name is written like a declaration: `record { x: u32 }`.
    """

    def text(type: Type | ResourceType | None) -> str:
        match type:
            case None:
                return "_"
            case PrimitiveType(name):
                return name
            case ListType(element, length):
                return f"list<{text(element)}>" if length is None else f"list<{text(element)}, {length}>"
            case OptionType(element):
                return f"option<{text(element)}>"
            case ResultType(None, None):
                return "result"
            case ResultType(ok, None):
                return f"result<{text(ok)}>"
            case ResultType(ok, error):
                return f"result<{text(ok)}, {text(error)}>"
            case TupleType(elements):
                return f"tuple<{', '.join(map(text, elements))}>"
            case StreamType(element):
                return "stream" if element is None else f"stream<{text(element)}>"
            case FutureType(element):
                return "future" if element is None else f"future<{text(element)}>"
            case OwnType(resource):
                return text(resource)
            case BorrowType(resource):
                return f"borrow<{text(resource)}>"
            case RecordType(None, fields):
                return f"record {{ {', '.join(f'{f.name}: {text(f.type)}' for f in fields)} }}"
            case VariantType(None, cases):
                parts = (c.name if c.type is None else f"{c.name}({text(c.type)})" for c in cases)
                return f"variant {{ {', '.join(parts)} }}"
            case EnumType(None, labels):
                return f"enum {{ {', '.join(labels)} }}"
            case FlagsType(None, labels):
                return f"flags {{ {', '.join(labels)} }}"
            case RecordType(id) | VariantType(id) | EnumType(id) | FlagsType(id) | ResourceType(id):
                return id.name if id is not None and not qualified else str(id)
            case _:
                assert_never(type)

    return text(type)
