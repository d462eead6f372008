"""Whether a value matches a pattern, what it captures, and where and why it differs if it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, assert_never

from wasicheck.values.argument_types import MissingValue, evaluate
from wasicheck.values.literals import INTEGERS
from wasicheck.values.model import Record, Value, Variant
from wasicheck.values.pattern_text import format_argument, format_pattern
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
from wasicheck.values.statistics import not_uniform
from wasicheck.values.wave import case_text, format_value, same_value
from wasicheck.wit.types import PrimitiveType, RecordType, Type

SHOWN = 120
"""Characters that a reason gives to a value or pattern."""

_NO_CAPTURES: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bindings:
    """What a pattern may compare with: earlier captures by name, and when the observation came in (Unix ns)."""

    values: Mapping[str, Value] = field(default_factory=dict)
    received_at: int = 0


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome: the captures of a match; of a mismatch the reason, with the path to where it is."""

    ok: bool
    captures: Mapping[str, Value] = field(default_factory=lambda: _NO_CAPTURES)
    reason: str = ""


def match(pattern: Pattern, value: Value, bindings: Bindings) -> Match:
    """Match a value of the pattern's type.

    A comparison with something that has no value in these bindings is a mismatch, not an error.
    """
    matcher = _Matcher(bindings)
    difference = matcher.differ(pattern, value)
    if difference is None:
        return Match(True, matcher.captures)
    text = difference.text if isinstance(difference.text, str) else difference.text()
    return Match(False, reason=f"{difference.path}: {text}" if difference.path else text)


@dataclass(frozen=True, slots=True)
class _Difference:
    """Why a part of the value does not match, and the path to it (`.err`, `[3].0`, empty for the whole).

    The text may be made when it is asked for: most differences are of an alternative or element that is passed over.
    """

    text: str | Callable[[], str]
    path: str = ""


def _at(step: str, difference: _Difference | None) -> _Difference | None:
    return None if difference is None else _Difference(difference.text, step + difference.path)


class _Matcher:
    """One attempt, with what it has captured so far."""

    __slots__ = ("_bindings", "captures")

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self.captures: dict[str, Value] = {}

    def differ(self, pattern: Pattern, value: Value) -> _Difference | None:
        """Return where the value differs, or None if it matches."""
        v: Any = value  # Its class is that of the pattern's type.
        match pattern:
            case Anything():
                return None
            case Capture():
                self.captures[pattern.name] = value
                return self.differ(pattern.pattern, value)
            case Literal():
                return None if same_value(pattern.value, value) else _unequal(pattern, pattern.value, value)
            case BytesLiteral():
                content = pattern.content.materialise()
                return None if content == value else _unequal(pattern, content, value)
            case RecordPattern():
                return self._first((f".{name}", part, v[name]) for name, part in pattern.fields)
            case TuplePattern():
                return self._first((f".{i}", part, v[i]) for i, part in enumerate(pattern.elements))
            case ListPattern():
                return self._list(pattern, v)
            case CasePattern():
                if v.case != pattern.case:
                    return _expected(pattern, value)
                if pattern.payload is None:
                    return None
                return _at(f".{case_text(v.case, pattern.type)}", self.differ(pattern.payload, v.payload))
            case Alternatives():
                for part in pattern.patterns:
                    trial = _Matcher(self._bindings)
                    if trial.differ(part, value) is None:
                        self.captures.update(trial.captures)
                        return None
                return _expected(pattern, value)
            case Conjunction():
                return self._first(("", part, value) for part in pattern.patterns)
            case Negation():
                return _expected(pattern, value) if self.differ(pattern.pattern, value) is None else None
            case Range() | Comparison():
                return self._compare(pattern, value)
            case Affix():
                return None if _has_part(pattern, v) else _expected(pattern, value)
            case Length():
                return _at(" length", self.differ(pattern.pattern, len(v)))
            case Matches():
                text = v.decode("latin-1") if isinstance(v, bytes) else v
                return None if pattern.regex.fullmatch(text) else _expected(pattern, value)
            case Unordered():
                return self._unordered(pattern, v)
            case Each():
                return self._first((f"[{i}]", pattern.pattern, element) for i, element in enumerate(v))
            case AnyElement():
                found = any(self.differ(pattern.pattern, element) is None for element in v)
                return None if found else _expected(pattern, value)
            case Distinct():
                return _repetition(v, pattern.type.element)
            case Ascending():
                keys = [_order(e) for e in v]
                return next(
                    (
                        _Difference(
                            f"expected ascending elements, observed {_shown(v[i], pattern.type.element)}"
                            f" after {_shown(v[i - 1], pattern.type.element)}",
                            f"[{i}]",
                        )
                        for i in range(1, len(keys))
                        if not keys[i - 1] <= keys[i]
                    ),
                    None,
                )
            case Gaps():
                steps = ((i, v[i] - v[i - 1]) for i in range(1, len(v)) if v[i] != v[i - 1])
                return self._first((f"[{i}] gap", pattern.pattern, gap) for i, gap in steps)
            case BitsVary():
                return _stuck_bits(v, pattern.type.element)
            case Uniform():
                why = not_uniform(v)
                return None if why is None else _Difference(f"not uniformly random: {why}")
            case NearNow():
                return self._near_now(pattern, v)
            case _:
                assert_never(pattern)

    def _first(self, parts: Any) -> _Difference | None:
        """Return the first difference of (step, pattern, value) parts."""
        for step, pattern, value in parts:
            if (difference := self.differ(pattern, value)) is not None:
                return _at(step, difference)
        return None

    def _list(self, pattern: ListPattern, value: Sequence[Value]) -> _Difference | None:
        count = len(pattern.first) + len(pattern.last)
        if len(value) < count or (len(value) > count and not pattern.rest):
            wanted = f"{'at least ' if pattern.rest else ''}{count} element{'s' * (count != 1)}"
            return _Difference(f"expected {wanted}, observed {len(value)}: {_shown(value, pattern.type)}")
        tail = len(value) - len(pattern.last)
        parts = [(f"[{i}]", part, value[i]) for i, part in enumerate(pattern.first)]
        parts += [(f"[{tail + i}]", part, value[tail + i]) for i, part in enumerate(pattern.last)]
        return self._first(parts)

    def _compare(self, pattern: Range | Comparison, value: Value) -> _Difference | None:
        ends = (pattern.low, pattern.high) if isinstance(pattern, Range) else (pattern.operand, None)
        try:
            low, high = (None if end is None else evaluate(end, self._bindings.values) for end in ends)
        except MissingValue as missing:
            return _Difference(f"expected {format_pattern(pattern)}, but {missing}")
        if isinstance(pattern, Range):
            key: Any = value
            holds = (low is None or low <= key) and (high is None or key <= high)
        else:
            assert low is not None
            holds = _holds(pattern.operator, value, low)
        if holds:
            return None
        computed = ", ".join(
            f"{format_argument(end)} is {_shown(bound, pattern.type)}"
            for end, bound in zip(ends, (low, high), strict=True)
            if end is not None and bound is not None and "$" in format_argument(end)
        )
        where = f" where {computed}" if computed else ""
        return _Difference(f"expected {_pattern_shown(pattern)}{where}, observed {_shown(value, pattern.type)}")

    def _unordered(self, pattern: Unordered, value: Sequence[Value]) -> _Difference | None:
        """Match patterns and elements one to one, by augmenting paths: a greedy choice could block another pattern."""
        count = len(pattern.patterns)
        if len(value) < count or (len(value) > count and not pattern.rest):
            wanted = f"{'at least ' if pattern.rest else ''}{count} element{'s' * (count != 1)}"
            return _Difference(f"expected {wanted} in any order, observed {len(value)}: {_shown(value, pattern.type)}")
        fitting = [[i for i, v in enumerate(value) if self.differ(p, v) is None] for p in pattern.patterns]
        taken: dict[int, int] = {}
        chosen: dict[int, int] = {}
        for index, part in enumerate(pattern.patterns):
            if not _augment(index, fitting, taken, chosen):
                return _Difference(
                    f"no element is left for {_pattern_shown(part)}, observed {_shown(value, pattern.type)}"
                )
        return None

    def _near_now(self, pattern: NearNow, value: Any) -> _Difference | None:
        now = self._bindings.received_at
        at: int = value
        if isinstance(pattern.type, RecordType):
            at = value["seconds"] * 1_000_000_000 + value["nanoseconds"]
        if abs(at - now) <= pattern.tolerance:
            return None
        return _Difference(
            f"expected {format_pattern(pattern)}, observed {_shown(value, pattern.type)},"
            f" {abs(at - now) / 1e9:.3f} s {'before' if at < now else 'after'} it was received"
        )


def _augment(start: int, fitting: list[list[int]], taken: dict[int, int], chosen: dict[int, int]) -> bool:
    """Find an element for one more pattern, moving others to other elements; False if there is none.

    `taken` and `chosen` hold the matching so far, by element and by pattern.
    """
    reached: dict[int, int] = {}
    queue = [start]
    for pattern in queue:
        for candidate in fitting[pattern]:
            if candidate in reached:
                continue
            reached[candidate] = pattern
            if candidate in taken:
                queue.append(taken[candidate])
                continue
            element: int | None = candidate
            while element is not None:
                owner = reached[element]
                taken[element] = owner
                chosen[owner], element = element, chosen.get(owner)
            return True
    return False


def _expected(pattern: Pattern, value: Value) -> _Difference:
    return _Difference(lambda: f"expected {_pattern_shown(pattern)}, observed {_shown(value, pattern.type)}")


def _shown(value: Any, type: Type) -> str:
    return format_value(value, type, max_length=SHOWN)


def _pattern_shown(pattern: Pattern) -> str:
    text = format_pattern(pattern)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _unequal(pattern: Literal | BytesLiteral, wanted: Value, value: Value) -> _Difference:
    """Tell two strings or byte strings apart where they begin to differ, if they are too long to be compared by eye."""
    if not isinstance(wanted, str | bytes) or not isinstance(value, str | bytes) or len(wanted) + len(value) < SHOWN:
        return _expected(pattern, value)
    low, high = 0, min(len(wanted), len(value))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if wanted[low:middle] == value[low:middle] else (low, middle - 1)
    here = [_shown(text[low : low + 16], pattern.type) for text in (wanted, value)]
    lengths = "" if len(wanted) == len(value) else f" (lengths {len(wanted)} and {len(value)})"
    return _Difference(f"differs at offset {low}{lengths}: expected {here[0]}, observed {here[1]} there")


def _order(value: Value) -> Any:
    """Return what Python orders as the value is ordered."""
    match value:
        case Record():
            return tuple(_order(v) for _, v in value.fields)
        case tuple():
            return tuple(map(_order, value))
        case _:
            return value


def _holds(operator: str, value: Value, operand: Value) -> bool:
    a, b = _order(value), _order(operand)
    match operator:
        case "==":
            return same_value(value, operand)
        case "!=":
            return not same_value(value, operand)
        case "<":
            return bool(a < b)
        case "<=":
            return bool(a <= b)
        case ">":
            return bool(a > b)
        case _:
            return bool(a >= b)


def _has_part(pattern: Affix, value: Any) -> bool:
    part: Any = pattern.content
    if isinstance(value, tuple):
        last = len(value) - len(part)
        places = {"prefix": range(min(1, last + 1)), "suffix": range(max(last, 0), last + 1)}
        return any(same_value(value[i : i + len(part)], part) for i in places.get(pattern.where, range(last + 1)))
    match pattern.where:
        case "prefix":
            return bool(value.startswith(part))
        case "suffix":
            return bool(value.endswith(part))
        case _:
            return part in value


def _identity(value: Value) -> Any:
    """Return something hashable that is equal exactly for the same values, where `==` is not: floats."""
    match value:
        case float():
            return value.hex()
        case tuple():
            return tuple(map(_identity, value))
        case Record():
            return tuple(_identity(v) for _, v in value.fields)
        case Variant():
            return (value.case, None if value.payload is None else _identity(value.payload))
        case _:
            return value


def _repetition(value: Sequence[Value], element: Type) -> _Difference | None:
    seen: dict[Any, int] = {}
    for index, one in enumerate(value):
        first = seen.setdefault(_identity(one), index)
        if first != index:
            return _Difference(
                f"expected distinct elements, observed {_shown(one, element)} at [{first}] too", f"[{index}]"
            )
    return None


def _stuck_bits(value: Sequence[int], element: Type) -> _Difference | None:
    assert isinstance(element, PrimitiveType)
    every = INTEGERS[element.name][1]
    ones, zeros = 0, 0
    for number in value:
        ones |= number
        zeros |= ~number
    stuck = (every & ~ones) | (every & ~zeros)
    if not stuck:
        return None
    bits = [i for i in range(every.bit_length()) if stuck >> i & 1]
    return _Difference(
        f"expected every bit as 0 and as 1, observed bit {bits[0]} never change in {len(value)} elements"
    )
