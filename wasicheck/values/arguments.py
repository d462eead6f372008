"""Argument expressions: WAVE values that may refer to earlier results, such as `{port: $server.1, family: ipv4}`.

An argument is checked against its type and becomes a tree of `Argument`. A subtree without references
is one `Constant`; a long byte string stays `Bytes`.
"""

from __future__ import annotations

import re

from wasicheck.values import syntax
from wasicheck.values.argument_types import (
    Argument,
    Constant,
    FieldStep,
    IndexStep,
    ListArgument,
    Offset,
    PathStep,
    PayloadStep,
    RecordArgument,
    Reference,
    Scope,
    TupleArgument,
    VariantArgument,
)
from wasicheck.values.lexer import ExpressionError, quote, suggestion
from wasicheck.values.literals import INLINE_BYTES, INTEGERS, byte_string, scalar, term
from wasicheck.values.model import Record, Value, Variant
from wasicheck.values.parser import parse
from wasicheck.values.shapes import (
    WIT_TYPES,
    CasedType,
    FlatType,
    cases,
    check_length,
    flat_case,
    found,
    grouped,
    is_bytes,
    mismatch,
    read_case,
    read_elements,
    read_fields,
    read_flags,
    type_text,
    unknown_case,
)
from wasicheck.wit.types import (
    BorrowType,
    EnumType,
    FlagsType,
    ListType,
    OptionType,
    OwnType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    Type,
    VariantType,
)


def parse_argument(text: str, type: Type, scope: Scope) -> Argument:
    """Return the argument that the text stands for; raise ExpressionError."""
    return check_argument(parse(text), type, scope)


def parse_reference(text: str, scope: Scope) -> Reference:
    """Return the reference that the text is, whatever its type, such as the receiver of `$sock.connect`."""
    node = parse(text)
    if not isinstance(node, syntax.Name) or node.terms:
        raise ExpressionError(f"expected a reference, found {found(node)}", node.column, "write `$name`")
    return resolve(node, scope, "a value")


def check_argument(node: syntax.Node, type: Type, scope: Scope) -> Argument:
    """Read a tree as an argument of the type; raise ExpressionError."""
    match node:
        case syntax.Name():
            return _reference(node, type, scope)
        case syntax.Parenthesised() if (inner := grouped(node, type)) is not None:
            return check_argument(inner, type, scope)
        case (
            syntax.Hole()
            | syntax.Capture()
            | syntax.Range()
            | syntax.Comparison()
            | syntax.Alternatives()
            | syntax.Conjunction()
            | syntax.Negation()
        ):
            raise ExpressionError(f"expected a value of type {type_text(type)}, found {found(node)}", node.column)
    match type:
        case PrimitiveType():
            return Constant(type, scalar(node, type))
        case EnumType() | VariantType() | OptionType() | ResultType():
            return _cased(node, type, scope)
        case RecordType() if isinstance(node, syntax.Entries):
            return _record(node, type, scope)
        case ListType():
            return _list(node, type, scope)
        case TupleType() if isinstance(node, syntax.Parenthesised):
            elements = tuple(check_argument(n, t, scope) for t, n in read_elements(node, type))
            constants = _constants(elements)
            return TupleArgument(type, elements) if constants is None else Constant(type, constants)
        case FlagsType() if isinstance(node, syntax.Labels):
            return Constant(type, read_flags(node, type))
        case _:
            raise mismatch(node, type)


def _constants(arguments: tuple[Argument, ...]) -> tuple[Value, ...] | None:
    """Return the values if all are constants."""
    values = tuple(a.value for a in arguments if isinstance(a, Constant))
    return values if len(values) == len(arguments) else None


def _cased(node: syntax.Node, type: CasedType, scope: Scope) -> Argument:
    labelled = node if isinstance(node, syntax.Labelled) else None
    if labelled is not None and (case := read_case(labelled, type, "…")) is not None:
        name, payload_type, payload = case
        if payload_type is None or payload is None:
            return Constant(type, Variant(name))
        return _case(type, name, check_argument(payload, payload_type, scope))
    flat = flat_case(type)
    if flat is not None:
        return _case(type, flat[0], check_argument(node, flat[1], scope))
    raise mismatch(node, type) if labelled is None else unknown_case(labelled, type)


def _case(type: CasedType, name: str, payload: Argument) -> Argument:
    if isinstance(payload, Constant):
        return Constant(type, Variant(name, payload.value))
    assert not isinstance(type, EnumType)
    return VariantArgument(type, name, payload)


def _record(node: syntax.Entries, type: RecordType, scope: Scope) -> Argument:
    if node.rest:
        raise ExpressionError("`...` is for patterns; a value gives every field", node.column)
    fields = tuple(
        Constant(f.type, Variant("none")) if n is None else check_argument(n, f.type, scope)
        for f, n in read_fields(node, type)
    )
    names = tuple(f.name for f in type.fields)
    constants = _constants(fields)
    if constants is None:
        return RecordArgument(type, tuple(zip(names, fields, strict=True)))
    return Constant(type, Record(tuple(zip(names, constants, strict=True))))


def _list(node: syntax.Node, type: ListType, scope: Scope) -> Argument:
    if isinstance(node, syntax.Listing):
        for element in node.elements:
            if isinstance(element, syntax.Rest):
                raise ExpressionError("`...` is for patterns; a value gives every element", element.column)
        elements = tuple(check_argument(e, type.element, scope) for e in node.elements)
        check_length(len(elements), type, node.column)
        constants = _constants(elements)
        if constants is None:
            return ListArgument(type, elements)
        return Constant(type, constants if not is_bytes(type) else bytes(v for v in constants if isinstance(v, int)))
    if not is_bytes(type):
        raise mismatch(node, type)
    content = byte_string(node, type)
    return Constant(type, content.materialise()) if content.length <= INLINE_BYTES else content


_STEP = re.compile(r"\.%?(?P<label>[A-Za-z][A-Za-z0-9-]*)|\.(?P<place>[0-9]+)|\[(?P<index>[0-9]+)\]")


def resolve(node: syntax.Name, scope: Scope, expected: str) -> Reference:
    """Return the reference that the name and path are, terms left aside.

    Raise ExpressionError for an unknown name, one that stands for no value (`expected` says what was wanted), and a
    step that its type does not have.
    """
    if node.name not in scope:
        if re.search(r"-[0-9]+$", node.name) and node.name.rpartition("-")[0] in scope:
            name, _, amount = node.name.rpartition("-")
            raise ExpressionError(
                f"unknown name `${node.name}`", node.column, f"write `${name} - {amount}` to subtract"
            )
        raise ExpressionError(
            f"unknown name {quote('$' + node.name)}",
            node.column,
            suggestion(node.name, scope, "known names are", "$") if scope else "no name is known here",
        )
    entry = scope[node.name]
    if not isinstance(entry, WIT_TYPES):
        raise ExpressionError(f"`${node.name}` is {entry}; expected {expected}", node.column)
    type: Type = entry  # type: ignore[assignment]
    path: list[PathStep] = []
    text = f"${node.name}"
    for written in _STEP.finditer(node.path):
        step, type = _step(written, type, text, node.column)
        path.append(step)
        text += written[0]
    return Reference(type, node.name, tuple(path), text)


def _step(written: re.Match[str], type: Type, text: str, column: int) -> tuple[PathStep, Type]:
    """Return one step of a path from a type, and the type where it leads."""
    label, place, index = written.groups()
    known: list[str] = []
    match type:
        case RecordType():
            known = [f".{f.name}" for f in type.fields]
            for field in type.fields:
                if field.name == label:
                    return FieldStep(label), field.type
        case VariantType() | OptionType() | ResultType():
            payloads = {n: t for n, t in cases(type).items() if t is not None}
            known = [f".{n}" for n in payloads]
            if label in payloads:
                return PayloadStep(label), payloads[label]
        case TupleType():
            known = [f".{i}" for i in range(len(type.elements))]
            if place is not None and len(place) < 10 and int(place) < len(type.elements):
                return IndexStep(int(place)), type.elements[int(place)]
        case ListType():
            known = ["[0]"]
            if index is not None and len(index) < 10 and (type.length is None or int(index) < type.length):
                return IndexStep(int(index)), type.element
    raise ExpressionError(
        f"{quote(text)} is {type_text(type)}, which has no {quote(written[0])}",
        column,
        suggestion(written[0], known, "it has"),
    )


def _reference(node: syntax.Name, type: Type, scope: Scope) -> Argument:
    reference = resolve(node, scope, type_text(type))
    if _usable(reference.type, type):
        return _with_terms(reference, node)
    if isinstance(type, FlatType):
        flat = flat_case(type)
        if flat is not None and _usable(reference.type, flat[1]):
            return VariantArgument(type, flat[0], _with_terms(reference, node))
    hint = None
    if isinstance(reference.type, CasedType):
        fitting = [n for n, t in cases(reference.type).items() if t is not None and _usable(t, type)]
        hint = f"write `{reference.text}.{fitting[0]}` for its payload" if fitting else None
    raise ExpressionError(
        f"{quote(reference.text)} is {type_text(reference.type)}; expected {type_text(type)}", node.column, hint
    )


def _usable(given: Type, wanted: Type) -> bool:
    """Whether a reference of a type may stand where another is wanted: the same, or its resource borrowed."""
    if isinstance(wanted, BorrowType) and isinstance(given, OwnType):
        return given.resource == wanted.resource
    return given == wanted


def _with_terms(reference: Reference, node: syntax.Name) -> Argument:
    if not node.terms:
        return reference
    if not isinstance(reference.type, PrimitiveType) or reference.type.name not in INTEGERS:
        raise ExpressionError(
            f"{quote(reference.text)} is {type_text(reference.type)}; only integers take `+` and `-`", node.column
        )
    amount = 0
    for sign, number in node.terms:
        amount += sign * term(number, reference.type)
    return Offset(reference.type, reference, amount)
