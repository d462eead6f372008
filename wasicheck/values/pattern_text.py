"""Patterns and arguments back to text."""

from __future__ import annotations

from typing import assert_never

from wasicheck.values.argument_types import (
    Argument,
    Constant,
    ListArgument,
    Offset,
    RecordArgument,
    Reference,
    TupleArgument,
    VariantArgument,
)
from wasicheck.values.literals import CYCLE, Bytes, Chunk
from wasicheck.values.pattern_types import (
    Affix,
    Alternatives,
    AnyElement,
    Anything,
    Ascending,
    BitsVary,
    BytesLiteral,
    Capture,
    CasePattern,
    Comparison,
    Conjunction,
    Distinct,
    Each,
    Gaps,
    Length,
    ListPattern,
    Literal,
    Matches,
    NearNow,
    Negation,
    Pattern,
    Range,
    RecordPattern,
    TuplePattern,
    Uniform,
    Unordered,
)
from wasicheck.values.wave import case_text, format_value
from wasicheck.wit.types import STRING, U8, ListType, Type


def format_argument(argument: Argument) -> str:
    """Return text that parses to the same argument, given the same scope."""
    match argument:
        case Constant():
            return format_value(argument.value, argument.type)
        case Bytes():
            chunks = [_chunk_text(c, argument.type) for c in argument.chunks]
            return chunks[0] if len(chunks) == 1 else f"concat({', '.join(chunks)})"
        case Reference():
            return argument.text
        case Offset():
            return f"{argument.reference.text} {'-' if argument.amount < 0 else '+'} {abs(argument.amount)}"
        case RecordArgument():
            return f"{{{', '.join(f'{name}: {format_argument(a)}' for name, a in argument.fields)}}}"
        case TupleArgument():
            return _tuple_text([format_argument(a) for a in argument.elements])
        case ListArgument():
            return f"[{', '.join(map(format_argument, argument.elements))}]"
        case VariantArgument():
            return f"{case_text(argument.case, argument.type)}({format_argument(argument.payload)})"
        case _:
            assert_never(argument)


def format_pattern(pattern: Pattern) -> str:
    """Return text that parses to the same pattern, given its type and the same scope."""
    match pattern:
        case Anything():
            return "_"
        case Capture():
            inner = "" if isinstance(pattern.pattern, Anything) else f" @ {_operand(pattern.pattern)}"
            return f"${pattern.name}{inner}"
        case Literal():
            return format_value(pattern.value, pattern.type)
        case BytesLiteral():
            return format_argument(pattern.content)
        case RecordPattern():
            fields = [f"{name}: {format_pattern(p)}" for name, p in pattern.fields]
            return f"{{{', '.join([*fields, *_rest(pattern.rest)]) or ':'}}}"
        case TuplePattern():
            return _tuple_text(list(map(format_pattern, pattern.elements)))
        case ListPattern():
            first, last = map(format_pattern, pattern.first), map(format_pattern, pattern.last)
            return f"[{', '.join([*first, *_rest(pattern.rest), *last])}]"
        case CasePattern():
            payload = "" if pattern.payload is None else f"({format_pattern(pattern.payload)})"
            return case_text(pattern.case, pattern.type) + payload
        case Alternatives():
            return " | ".join(f"({t})" if isinstance(p, Alternatives) else t for p, t in _texts(pattern.patterns))
        case Conjunction():
            loose = Alternatives | Conjunction
            return " & ".join(f"({t})" if isinstance(p, loose) else t for p, t in _texts(pattern.patterns))
        case Negation():
            return f"!{_operand(pattern.pattern)}"
        case Range():
            low, high = ("" if b is None else format_argument(b) for b in (pattern.low, pattern.high))
            return f"{low} .. {high}" if "$" in low + high and low and high else f"{low}..{high}"
        case Comparison():
            return f"{pattern.operator} {format_argument(pattern.operand)}"
        case Affix():
            whole = ListType(pattern.type.element) if isinstance(pattern.type, ListType) else pattern.type
            return f"{pattern.where}({format_value(pattern.content, whole)})"
        case Length():
            return f"length({format_pattern(pattern.pattern)})"
        case Matches():
            return f"matches({format_value(pattern.regex.pattern, STRING)})"
        case Unordered():
            return f"unordered[{', '.join([*map(format_pattern, pattern.patterns), *_rest(pattern.rest)])}]"
        case Each():
            return f"each({format_pattern(pattern.pattern)})"
        case AnyElement():
            return f"any({format_pattern(pattern.pattern)})"
        case Distinct():
            return "distinct"
        case Ascending():
            return "ascending"
        case Gaps():
            return f"gaps({format_pattern(pattern.pattern)})"
        case BitsVary():
            return "bits-vary"
        case Uniform():
            return "entropy(uniform)"
        case NearNow():
            factor, unit = next(f for f in _DURATIONS if pattern.tolerance % f[0] == 0)
            return f"near-now({pattern.tolerance // factor}{unit})"
        case _:
            assert_never(pattern)


_DURATIONS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"))


def _texts(patterns: tuple[Pattern, ...]) -> list[tuple[Pattern, str]]:
    return [(p, format_pattern(p)) for p in patterns]


def _operand(pattern: Pattern) -> str:
    """Return the text of what follows `!` or `@`, grouped if it could be read otherwise."""
    text = format_pattern(pattern)
    return f"({text})" if isinstance(pattern, Alternatives | Conjunction | Comparison) else text


def _rest(rest: bool) -> list[str]:
    return ["..."] if rest else []


def _tuple_text(elements: list[str]) -> str:
    return f"({', '.join(elements)}{',' if len(elements) == 1 else ''})"


def _chunk_text(chunk: Chunk, type: Type) -> str:
    if chunk.unit == CYCLE:
        return f"pattern({chunk.length})"
    count = chunk.length // len(chunk.unit)
    text = format_value(chunk.unit, ListType(U8) if isinstance(type, ListType) else type)
    return text if count == 1 else f"repeat({text}, {count})"
