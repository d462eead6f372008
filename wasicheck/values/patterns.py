"""Pattern text to checked patterns: WAVE with holes, captures, alternatives, ranges, comparisons and functions.

A label is resolved by the type it meets: of a variant, enum, option or result it is a case first, and only then a
pattern function. Whatever evidently cannot match (an empty range, cases that exclude each other) is an error, as is a
capture without a fixed place in the value, since the guest has to find it there.
"""

from __future__ import annotations

from wasicheck.values import syntax
from wasicheck.values.argument_types import Constant, Offset, Reference, Scope
from wasicheck.values.arguments import check_argument
from wasicheck.values.captures import variables
from wasicheck.values.lexer import ExpressionError, quote
from wasicheck.values.literals import BYTE_FUNCTIONS, Bytes, scalar
from wasicheck.values.model import Variant
from wasicheck.values.parser import parse
from wasicheck.values.pattern_functions import FUNCTIONS, check_function, unknown_function
from wasicheck.values.pattern_types import (
    Alternatives,
    Anything,
    Bound,
    BytesLiteral,
    Capture,
    CasePattern,
    Comparison,
    Conjunction,
    ListPattern,
    Literal,
    Negation,
    Pattern,
    Range,
    RecordPattern,
    TuplePattern,
)
from wasicheck.values.regions import impossible
from wasicheck.values.shapes import (
    CasedType,
    FlatType,
    check_length,
    flat_case,
    grouped,
    has_handle,
    is_bytes,
    is_ordered,
    mismatch,
    read_case,
    read_elements,
    read_fields,
    read_flags,
    type_text,
    unknown_case,
)
from wasicheck.wit.types import (
    STRING,
    FlagsType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    TupleType,
    Type,
)


def parse_pattern(text: str, type: Type, scope: Scope) -> Pattern:
    """Return the pattern that the text stands for, checked against the type.

    `scope` holds the names of earlier results, for comparisons and bounds; a capture takes a name that is not in it.
    Raise ExpressionError.
    """
    return _Checker(scope).check(parse(text), type, None)


class _Checker:
    """The typed pass over one pattern: the names it may refer to and those it has captured so far."""

    __slots__ = ("_captured", "_scope")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._captured: dict[str, Type] = {}

    def check(self, node: syntax.Node, type: Type, unfixed: str | None) -> Pattern:
        """Read a tree as a pattern; `unfixed` says what leaves a capture here without a fixed place, if anything."""
        match node:
            case syntax.Hole():
                return Anything(type)
            case syntax.Name():
                if node.path or node.terms:
                    raise ExpressionError(
                        f"{quote(f'${node.name}{node.path}')} is a reference, not a pattern",
                        node.column,
                        "write `==` before it to compare",
                    )
                return self._capture(node, type, Anything(type), unfixed)
            case syntax.Capture():
                return self._capture(node, type, self.check(node.pattern, type, unfixed), unfixed)
            case syntax.Parenthesised() if (inner := grouped(node, type)) is not None:
                return self.check(inner, type, unfixed)
            case syntax.Alternatives():
                return self._alternatives(node, type, unfixed)
            case syntax.Conjunction():
                both = Conjunction(type, tuple(self.check(n, type, unfixed) for n in node.items))
                return _possible(both, node, "nothing matches: the parts of `&` exclude each other")
            case syntax.Negation():
                negation = Negation(type, self.check(node.item, type, "under `!`"))
                return _possible(negation, node, "nothing matches: what `!` excludes is everything")
            case syntax.Comparison():
                return self._comparison(node, type)
            case syntax.Range():
                return self._range(node, type)
            case _:
                return self._shaped(node, type, unfixed)

    def _capture(
        self, node: syntax.Name | syntax.Capture, type: Type, pattern: Pattern, unfixed: str | None
    ) -> Pattern:
        name = node.name
        if name in self._scope:
            raise ExpressionError(f"`${name}` already has a value", node.column, f"write `== ${name}` to compare")
        if name in self._captured:
            raise ExpressionError(f"`${name}` is captured twice in this pattern", node.column)
        if unfixed is not None:
            raise ExpressionError(
                f"`${name}` cannot be captured {unfixed}: the value has no fixed place there",
                node.column,
                f"capture what is around it, as in `${name} @ …`",
            )
        self._captured[name] = type
        return Capture(type, name, pattern)

    def _alternatives(self, node: syntax.Alternatives, type: Type, unfixed: str | None) -> Pattern:
        before = self._captured
        patterns: list[Pattern] = []
        branches: list[dict[str, Type]] = []
        for item in node.items:
            self._captured = dict(before)
            patterns.append(self.check(item, type, unfixed))
            branches.append(self._captured)
        captured = branches[0]
        if any(len(branch) > len(before) for branch in branches):
            places = [variables(p) for p in patterns]
            for name in {n: None for place in places for n in place}:
                if not all(name in place for place in places):
                    raise ExpressionError(
                        f"`${name}` is captured by some alternatives only",
                        node.column,
                        f"capture it in each, or around them: `${name} @ (a | b)`",
                    )
                if len({(place[name].type, place[name].place) for place in places}) > 1:
                    raise ExpressionError(
                        f"`${name}` is captured at different places or with different types", node.column
                    )
        self._captured = captured
        return Alternatives(type, tuple(patterns))

    def _comparison(self, node: syntax.Comparison, type: Type) -> Pattern:
        equality = node.operator in ("==", "!=")
        if not equality and not is_ordered(type):
            if isinstance(type, FlatType) and (flat := flat_case(type)) is not None:
                return CasePattern(type, flat[0], self._comparison(node, flat[1]))
            raise ExpressionError(f"{type_text(type)} has no order; `{node.operator}` does not apply", node.column)
        if has_handle(type):
            raise ExpressionError(f"{type_text(type)} holds handles, which cannot be compared", node.column)
        operand = check_argument(node.operand, type, self._scope)
        comparison = Comparison(type, node.operator, operand)
        if node.operator in ("<", ">") and impossible(comparison):
            raise ExpressionError(f"nothing of type {type_text(type)} matches this comparison", node.column)
        return comparison

    def _range(self, node: syntax.Range, type: Type) -> Pattern:
        if isinstance(type, FlatType) and (flat := flat_case(type)) is not None:
            return CasePattern(type, flat[0], self._range(node, flat[1]))
        if not isinstance(type, PrimitiveType) or not is_ordered(type) or type == STRING:
            raise mismatch(node, type)
        bounds: list[Bound | None] = []
        for part in (node.low, node.high):
            bound = None if part is None else check_argument(part, type, self._scope)
            assert bound is None or isinstance(bound, Bound)
            bounds.append(bound)
        low, high = bounds
        if _is_empty(low, high):
            raise ExpressionError("the range is empty: it ends before it begins", node.column)
        return Range(type, low, high)

    def _shaped(self, node: syntax.Node, type: Type, unfixed: str | None) -> Pattern:
        """Read a node that says what the value looks like, in the way of its type."""
        if isinstance(type, CasedType):
            return self._cased(node, type, unfixed)
        if isinstance(node, syntax.Application):
            if node.name in FUNCTIONS:
                pattern = check_function(node, type, self.check)
                if isinstance(type, ListType) and type.length is not None:
                    return _possible(pattern, node, f"no {type_text(type)} can match this")
                return pattern
            literal = is_bytes(type) and node.name in BYTE_FUNCTIONS
            if not literal and not (isinstance(node, syntax.Label) and isinstance(type, PrimitiveType)):
                raise unknown_function(node, type)
        match type:
            case PrimitiveType():
                return Literal(type, scalar(node, type))
            case RecordType() if isinstance(node, syntax.Entries):
                return self._record(node, type, unfixed)
            case TupleType() if isinstance(node, syntax.Parenthesised):
                return TuplePattern(type, tuple(self.check(n, t, unfixed) for t, n in read_elements(node, type)))
            case ListType() if isinstance(node, syntax.Listing):
                return self._list(node, type, unfixed)
            case ListType():
                content = check_argument(node, type, {})
                if isinstance(content, Bytes):
                    return BytesLiteral(type, content)
                assert isinstance(content, Constant)
                return Literal(type, content.value)
            case FlagsType() if isinstance(node, syntax.Labels):
                return Literal(type, read_flags(node, type))
            case _:
                raise mismatch(node, type)

    def _cased(self, node: syntax.Node, type: CasedType, unfixed: str | None) -> Pattern:
        labelled = node if isinstance(node, syntax.Labelled) else None
        if labelled is not None and (case := read_case(labelled, type, "_")) is not None:
            name, payload_type, payload = case
            if payload_type is None or payload is None:
                return CasePattern(type, name, None)
            return CasePattern(type, name, self.check(payload, payload_type, unfixed))
        flat = flat_case(type)
        if flat is not None:
            return CasePattern(type, flat[0], self.check(node, flat[1], unfixed))
        raise mismatch(node, type) if labelled is None else unknown_case(labelled, type)

    def _record(self, node: syntax.Entries, type: RecordType, unfixed: str | None) -> Pattern:
        fields: list[tuple[str, Pattern]] = []
        for field, part in read_fields(node, type):
            if part is not None:
                fields.append((field.name, self.check(part, field.type, unfixed)))
            elif not node.rest:
                assert isinstance(field.type, OptionType)
                fields.append((field.name, CasePattern(field.type, Variant("none").case, None)))
        return RecordPattern(type, tuple(fields), node.rest)

    def _list(self, node: syntax.Listing, type: ListType, unfixed: str | None) -> Pattern:
        rests = [i for i, n in enumerate(node.elements) if isinstance(n, syntax.Rest)]
        if len(rests) > 1:
            raise ExpressionError("a list takes one `...`", node.elements[rests[1]].column, "write `any(p)`")
        cut = rests[0] if rests else len(node.elements)
        first = tuple(self.check(n, type.element, unfixed) for n in node.elements[:cut])
        behind = unfixed or "behind `...`"
        last = tuple(self.check(n, type.element, behind) for n in node.elements[cut + 1 :])
        if not rests:
            check_length(len(first), type, node.column)
            octets = [p.value for p in first if isinstance(p, Literal) and isinstance(p.value, int)]
            if is_bytes(type) and len(octets) == len(first):
                return Literal(type, bytes(octets))
        elif type.length is not None and len(first) + len(last) > type.length:
            raise ExpressionError(f"no {type_text(type)} has so many elements", node.column)
        return ListPattern(type, first, bool(rests), last)


def _possible(pattern: Pattern, node: syntax.Node, otherwise: str) -> Pattern:
    """Return the pattern, or raise ExpressionError if it evidently matches nothing."""
    if impossible(pattern):
        raise ExpressionError(otherwise, node.column)
    return pattern


def _is_empty(low: Bound | None, high: Bound | None) -> bool:
    """Whether a range is evidently empty: a bound is NaN, or both are constant or on one reference and out of order."""
    match low, high:
        case (Constant(_, float(end)), _) | (_, Constant(_, float(end))) if end != end:
            return True
        case Constant(_, (int() | float()) as start), Constant(_, (int() | float()) as end):
            return start > end
        case Constant(_, str() as start), Constant(_, str() as end):
            return start > end
        case ((Reference() | Offset()), (Reference() | Offset())):
            (lower, first), (upper, last) = _split(low), _split(high)
            return lower == upper and first > last
        case _:
            return False


def _split(bound: Reference | Offset) -> tuple[Reference, int]:
    return (bound, 0) if isinstance(bound, Reference) else (bound.reference, bound.amount)
