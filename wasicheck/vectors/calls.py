"""The calls in a vector: which function they mean, and its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wasicheck.abi import lower_signature
from wasicheck.values import (
    Argument,
    CallExpression,
    ExpressionError,
    check_argument,
    parse_argument,
    parse_call,
    parse_reference,
    type_text,
)
from wasicheck.vectors.model import Call, Lowering
from wasicheck.vectors.names import Names, UnknownFunctionError
from wasicheck.vectors.scope import Scope
from wasicheck.vectors.source import Node, suggest
from wasicheck.wit.types import (
    ERROR_CONTEXT,
    STRING,
    BorrowType,
    Function,
    Interface,
    ListType,
    OwnType,
    PrimitiveType,
    ResultType,
)

MAX_REPEAT = 1_000_000
_LOWERINGS = tuple(v.value for v in Lowering)
_POINTERS = (STRING, ERROR_CONTEXT)


@dataclass(frozen=True)
class CallReader:
    """Reads the calls of one vector."""

    names: Names
    interface: Interface
    scope: Scope
    unstable: str | None
    """The unstable feature whose functions may be called."""

    def read(self, node: Node, entry: Mapping[str, Node], *, after_quiet: bool) -> tuple[Call, str]:
        """Read `function(…)` or `$receiver.method(…)` with the keys beside it; return it and its text.

        `after_quiet`: the step before is reported together with this one. Raise `VectorError`.
        """
        text = node.text("a call")
        function, arguments = self._resolve(node, text)
        feature = self.names.feature(function)
        if feature is not None and feature != self.unstable:
            node.fail(f"{function.item} is unstable", f"add `unstable: {feature}` to the vector")
        lowering = Lowering(entry["lower"].choice("a lowering", _LOWERINGS)) if "lower" in entry else None
        if lowering is Lowering.ASYNC and not function.is_async:
            entry["lower"].fail(f"{function.item} is not `async`: it cannot be lowered so", "leave `lower` out")
        repeat = entry["repeat"].integer("how often to call", 1, MAX_REPEAT) if "repeat" in entry else None
        if repeat is not None:
            _check_repeatable(entry["repeat"], function, lowering)
        through = "through" in entry
        if through:
            entry["through"].choice("`through`", ("component",))
            if not _is_flat(function):
                entry["through"].fail(f"{function.item} cannot be called through a component without memory")
        length_only = "only" in entry
        if length_only:
            _check_length_only(entry["only"], function, repeated=repeat is not None, after_quiet=after_quiet)
        return Call(function, arguments, lowering, repeat, through, length_only), text

    def _resolve(self, node: Node, text: str) -> tuple[Function, tuple[Argument, ...]]:
        """The function and its arguments, the receiver of a method among them."""
        try:
            expression = parse_call(text)
            function, receiver = self._callee(node, expression)
            parameters = function.params if receiver is None else function.params[1:]
            given = len(expression.arguments)
            if len(parameters) != given:
                signature = ", ".join(f"{p.name}: {type_text(p.type)}" for p in parameters)
                node.fail(
                    f"{function.item} takes {_counted(len(parameters))}, {given or 'none'} given",
                    f"({signature})" if parameters else None,
                    at=expression.column,
                )
            arguments = tuple(
                check_argument(a, p.type, self.scope.entries)
                for a, p in zip(expression.arguments, parameters, strict=True)
            )
        except ExpressionError as error:
            node.expression_failed(error)
        return function, arguments if receiver is None else (receiver, *arguments)

    def _callee(self, node: Node, expression: CallExpression) -> tuple[Function, Argument | None]:
        """The function, and for a method its receiver; raise `VectorError` or `ExpressionError`."""
        callee, column = expression.callee, expression.column
        if not callee.startswith("$"):
            try:
                return self.names.function(callee, self.interface), None
            except UnknownFunctionError as error:
                node.fail(error.message, suggest(callee, error.candidates), at=column)
        target, _, method = callee.rpartition(".")
        if not target:
            node.fail(f"`{callee}` names no method", "write `$resource.method(…)`", at=column)
        try:
            receiver = parse_reference(target, self.scope.entries)
        except ExpressionError as error:
            raise ExpressionError(error.message, error.column + column, error.hint) from None
        if not isinstance(receiver.type, (OwnType, BorrowType)):
            node.fail(f"`{target}` is a {type_text(receiver.type)}, not a resource", at=column)
        resource = receiver.type.resource
        methods = self.names.methods(str(resource.id))
        if method not in methods:
            at = column + len(target) + 1
            node.fail(f"{resource.id} has no method `{method}`", suggest(method, methods), at=at)
        return methods[method], parse_argument(target, BorrowType(resource), self.scope.entries)


def _counted(number: int) -> str:
    return f"{number or 'no'} argument{'' if number == 1 else 's'}"


def _check_repeatable(node: Node, function: Function, lowering: Lowering | None) -> None:
    if function.result is None:
        node.fail(f"{function.item} has no result, so there is nothing to collect")
    if function.is_async and lowering is not Lowering.SYNC:
        node.fail(f"{function.item} is `async`", "add `lower: sync`: each call then waits in place")


def _check_length_only(node: Node, function: Function, *, repeated: bool, after_quiet: bool) -> None:
    node.choice("`only`", ("length",))
    if function.is_async or not (function.result == STRING or isinstance(function.result, ListType)):
        node.fail(f"{function.item} returns no list or string, or is `async`")
    if repeated:
        node.fail("a repeated call yields what it returned, not lengths")
    if after_quiet:
        node.fail("the quiet step before this one has to be reported first", "leave out its `quiet`")


def _is_flat(function: Function) -> bool:
    """Whether a function's types are numbers and results of them: nothing named, nothing in memory."""
    signature = lower_signature(function, is_async=False)
    types = [p.type for p in function.params] + ([] if function.result is None else [function.result])
    plain = all(t == ResultType(None, None) or (isinstance(t, PrimitiveType) and t not in _POINTERS) for t in types)
    return plain and not (function.is_async or signature.params_spilled or signature.results_by_pointer)
