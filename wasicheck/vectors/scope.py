"""What the steps of a vector have made so far, by the names that later steps use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

from wasicheck.values import (
    Argument,
    ExpressionError,
    Pattern,
    Reference,
    parse_argument,
    parse_pattern,
    parse_reference,
    type_text,
)
from wasicheck.values import WritableEnd as WritableName
from wasicheck.vectors import outcomes
from wasicheck.vectors.model import Call, Read, ReadAll, Write, WriteAll
from wasicheck.vectors.operands import ReadableEnd, WritableEnd
from wasicheck.vectors.source import Node, suggest
from wasicheck.wit.types import FutureType, StreamType, Type

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")


@dataclass(frozen=True)
class Started:
    """What a scope holds for a started operation."""

    action: Call | Read | Write | ReadAll | WriteAll

    def __str__(self) -> str:
        return "a started operation"

    @property
    def outcome(self) -> Type | None:
        """What awaiting it yields."""
        match self.action:
            case Call(function):
                return function.result
            case Read(end):
                return outcomes.read_result(end.type)
            case ReadAll(end, digest=digest):
                assert isinstance(end.type, StreamType)
                return outcomes.read_all_result(end.type, digest=digest)
            case Write(end) | WriteAll(end):
                return outcomes.write_result(end.type)
            case _:
                assert_never(self.action)

    @property
    def cancelled(self) -> Type | None:
        """What cancelling it yields."""
        if isinstance(self.action, Call):
            return outcomes.cancel_result(self.action.function.result)
        return self.outcome

    @property
    def started(self) -> Type:
        """What starting it yields."""
        match self.action:
            case Call():
                return outcomes.SUBTASK_STATE
            case Read(end):
                return outcomes.read_result(end.type, started=True)
            case ReadAll(end, digest=digest):
                assert isinstance(end.type, StreamType)
                return outcomes.read_all_result(end.type, digest=digest, started=True)
            case Write(end) | WriteAll(end):
                return outcomes.write_result(end.type, started=True)
            case _:
                assert_never(self.action)


class Scope:
    """The names of one vector; expressions in YAML nodes are read against them, and fail as `VectorError`."""

    def __init__(self) -> None:
        self.entries: dict[str, object] = {}
        """As `wasicheck.values` wants them: a `Type` for a value, else something that says what it is."""

    # --- names -------------------------------------------------------------------------------------------

    def new_name(self, node: Node) -> str:
        """Read a name that nothing has yet."""
        name = node.text("a name")
        if not _NAME.fullmatch(name):
            node.fail(f"`{name}` is not a name", "letters, digits and single hyphens, without the `$`")
        if name in self.entries:
            known = self.entries[name]
            what = "the name of a value" if isinstance(known, Type) else str(known)
            node.fail(f"`${name}` is already {what}", "take another name")
        return name

    def readable(self, node: Node) -> ReadableEnd:
        """Read a reference to the readable end of a stream or future."""
        reference = self.reference(node, "the readable end of a stream or future")
        if not isinstance(reference.type, (StreamType, FutureType)):
            text = type_text(reference.type)
            node.fail(f"`{reference.text}` is a {text}, not the readable end of a stream or future")
        return ReadableEnd(reference, reference.type)

    def writable(self, node: Node) -> WritableEnd:
        """Read the name of the writable end of a stream or future."""
        text = node.text("the writable end of a stream or future")
        end = self.entries.get(text[1:]) if text.startswith("$") else None
        if not isinstance(end, WritableName):
            candidates = [f"${name}" for name, entry in self.entries.items() if isinstance(entry, WritableName)]
            node.fail(f"`{text}` is not the writable end of a stream or future", suggest(text, candidates))
        return WritableEnd(text[1:], end.of)

    def is_writable(self, text: str) -> bool:
        """Whether a text is the name of a writable end."""
        return text.startswith("$") and isinstance(self.entries.get(text[1:]), WritableName)

    def operation(self, node: Node) -> tuple[str, Started]:
        """Read the name of a started operation."""
        text = node.text("a started operation")
        started = self.entries.get(text[1:]) if text.startswith("$") else None
        if not isinstance(started, Started):
            candidates = [f"${name}" for name, entry in self.entries.items() if isinstance(entry, Started)]
            node.fail(f"`{text}` is not a started operation", suggest(text, candidates))
        return text[1:], started

    # --- expressions -------------------------------------------------------------------------------------

    def reference(self, node: Node, what: str) -> Reference:
        """Read a reference to an earlier value."""
        try:
            return parse_reference(node.text(what), self.entries)
        except ExpressionError as error:
            node.expression_failed(error)

    def argument(self, node: Node, type: Type, what: str) -> Argument:
        """Read a value, in which there may be references."""
        try:
            return parse_argument(node.text(what), type, self.entries)
        except ExpressionError as error:
            node.expression_failed(error)

    def pattern(self, node: Node, type: Type) -> Pattern:
        """Read a pattern over values of the type."""
        try:
            return parse_pattern(node.text("a pattern"), type, self.entries)
        except ExpressionError as error:
            node.expression_failed(error)
