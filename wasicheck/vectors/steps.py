"""The `steps:` of a vector: what each does, resolved against the WIT, and the names that later steps can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from wasicheck.abi import lower_signature
from wasicheck.values import (
    Argument,
    CallExpression,
    ExpressionError,
    Pattern,
    Reference,
    accepts_everything,
    check_argument,
    parse_argument,
    parse_call,
    parse_pattern,
    parse_reference,
    type_text,
    variables,
)
from wasicheck.values import WritableEnd as WritableName
from wasicheck.vectors import outcomes
from wasicheck.vectors.digests import digest_pattern
from wasicheck.vectors.functions import Functions, UnknownFunctionError
from wasicheck.vectors.harness import read_harness_action
from wasicheck.vectors.model import (
    Action,
    Await,
    AwaitAll,
    AwaitAny,
    Call,
    Cancel,
    Drop,
    Ending,
    Expectation,
    Harness,
    Level,
    Lowering,
    New,
    Operation,
    Read,
    ReadableEnd,
    ReadAll,
    Receive,
    Return,
    Start,
    Step,
    Trap,
    WritableEnd,
    Write,
    WriteAll,
    Yield,
)
from wasicheck.vectors.source import Node, suggest
from wasicheck.wit import WitError, parse_type
from wasicheck.wit.types import (
    ERROR_CONTEXT,
    STRING,
    U8,
    BorrowType,
    Function,
    FutureType,
    Interface,
    ListType,
    OwnType,
    PrimitiveType,
    ResultType,
    StreamType,
    Type,
    Wit,
)

MAX_COUNT = (1 << 28) - 1
"""Elements that one read or write can ask for (CanonicalABI.md, `Buffer.MAX_LENGTH`)."""
DEFAULT_COUNT = 1 << 16
DEFAULT_LIMIT = 1 << 20
MAX_REPEAT = 1_000_000

_POINTERS = (STRING, ERROR_CONTEXT)
_COMMON = ("expect", "across", "within", "level", "note")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "call": ("lower", "repeat", "through"),
    "start": ("as",),
    "new": ("as",),
    "read": ("count", "lower"),
    "read-all": ("chunk", "limit", "digest"),
    "write": ("data", "lower"),
    "write-all": ("data", "chunk"),
    "await": ("polling",),
    "await-all": (),
    "await-any": (),
    "cancel": (),
    "drop": (),
    "yield": (),
    "harness": ("acknowledge",),
    "trap": (),
    "return": (),
}


@dataclass(frozen=True)
class _Started:
    """What a scope holds for a started operation."""

    action: Call | Read | Write

    def __str__(self) -> str:
        return "a started operation"


@dataclass
class StepReader:
    """Reads the steps of one vector in order; `scope` grows with what they capture and make."""

    wit: Wit
    functions: Functions
    interface: Interface
    level: Level
    acknowledges: bool
    """Whether harness steps are acknowledged unless they say otherwise: not where stdin is the vector's own."""
    runs: int
    scope: dict[str, object] = field(default_factory=dict)

    def read(self, node: Node) -> Step:
        """Read one step; raise `VectorError`."""
        kind = _kind(node)
        entry = node.mapping(f"a `{kind}` step", (kind, *_KEYS[kind], *_COMMON))
        if "note" in entry:
            entry["note"].text("a note")
        level = Level(entry["level"].choice("a level", [v.value for v in Level])) if "level" in entry else self.level
        action, yields, text = self._action(kind, entry, node)
        digest = isinstance(action, ReadAll) and action.digest
        # The bytes of a digest are written out in the vector.
        written = outcomes.read_all_result(StreamType(U8), digest=False) if digest else yields
        expectations = self._expectations(entry, node, action, written, level, digest=digest)
        across = self._across(entry, yields, level)
        within = entry["within"].duration("the limit of a step", low=1) if "within" in entry else None
        for expectation in expectations:
            if expectation.outcome is not None and not isinstance(expectation.outcome, Ending):
                for name, capture in variables(expectation.outcome).items():
                    self.scope[name] = capture.type
        return Step(action, yields, expectations, across, within, node.place, text)

    # --- expectations ------------------------------------------------------------------------------------

    def _expectations(
        self, entry: Mapping[str, Node], node: Node, action: Action, yields: Type | None, level: Level, *, digest: bool
    ) -> tuple[Expectation, ...]:
        if "expect" not in entry:
            if _must_expect(action) and yields is not None and "across" not in entry:
                node.fail(
                    f"this step yields {type_text(yields)} and has no `expect`",
                    "write the pattern that the specification asks for",
                )
            return (Expectation(level, None, "completes"),)
        expect = entry["expect"]
        if not expect.is_mapping:
            return (self._expectation(expect, yields, level, digest=digest),)
        graded = expect.mapping("graded expectations", [v.value for v in Level])
        if not graded:
            expect.fail("no expectation is given")
        return tuple(self._expectation(part, yields, Level(name), digest=digest) for name, part in graded.items())

    def _expectation(self, node: Node, yields: Type | None, level: Level, *, digest: bool) -> Expectation:
        text = node.text("a pattern")
        if text in [e.value for e in Ending]:
            return Expectation(level, Ending(text), text)
        if yields is None:
            node.fail(
                f"this step yields nothing to compare with `{text}`", f"one of {', '.join(e.value for e in Ending)}"
            )
        pattern = self._pattern(node, text, yields)
        if accepts_everything(pattern) and not variables(pattern) and level is not Level.MAY:
            node.fail(
                f"`{text}` accepts every {type_text(yields)}",
                "say what the specification asks for, or `level: may` to record the answer",
            )
        if digest:
            converted = digest_pattern(pattern)
            if converted is None:
                node.fail("with `digest: true` the bytes are given outright", 'as in `dropped(repeat("x", 4MiB))`')
            pattern = converted
        return Expectation(level, pattern, text)

    def _across(self, entry: Mapping[str, Node], yields: Type | None, level: Level) -> tuple[Expectation, ...]:
        if "across" not in entry:
            return ()
        node = entry["across"]
        if self.runs < 2:
            node.fail("`across` compares runs, and the vector has one", "add `runs: 2` to the vector")
        if yields is None:
            node.fail("this step yields nothing to compare over runs")
        text = node.text("a pattern")
        return (Expectation(level, self._pattern(node, text, ListType(yields)), text),)

    def _pattern(self, node: Node, text: str, type: Type) -> Pattern:
        try:
            return parse_pattern(text, type, self.scope)
        except ExpressionError as error:
            node.expression_failed(error)

    # --- actions -----------------------------------------------------------------------------------------

    def _action(self, kind: str, entry: Mapping[str, Node], node: Node) -> tuple[Action, Type | None, str]:
        """Return what a step does, what it yields, and how to call it in reports."""
        main = entry[kind]
        match kind:
            case "call":
                call, text = self._call(main, entry)
                result = call.function.result
                return call, result if call.repeat is None or result is None else ListType(result), text
            case "start":
                return self._start(main, entry, node)
            case "new":
                return self._new(main, entry, node)
            case "read":
                read = self._read(main, entry)
                return read, outcomes.read_result(read.end.type), f"read {read.end.reference.text}"
            case "read-all":
                read_all = self._read_all(main, entry)
                type = read_all.end.type
                assert isinstance(type, StreamType)
                return read_all, outcomes.read_all_result(type, digest=read_all.digest), f"read-all {main.text('')}"
            case "write":
                write = self._write(main, entry, node)
                return write, outcomes.write_result(write.end.type), f"write {main.text('')}"
            case "write-all":
                write = self._write(main, entry, node)
                if not isinstance(write.end.type, StreamType):
                    main.fail("`write-all` is for streams", "`write` gives a future its value")
                chunk = self._count(entry, "chunk", MAX_COUNT)
                action = WriteAll(write.end, write.data, chunk)
                return action, outcomes.write_result(write.end.type), f"write-all {main.text('')}"
            case "await":
                name, started = self._operation(main)
                polling = "polling" in entry and entry["polling"].boolean("`polling`")
                return Await(Operation(name), polling), _outcome(started.action), f"await ${name}"
            case "await-all":
                return AwaitAll(self._operations(main)), outcomes.INDICES, "await-all"
            case "await-any":
                return AwaitAny(self._operations(main)), outcomes.INDEX, "await-any"
            case "cancel":
                name, started = self._operation(main)
                return Cancel(Operation(name)), _cancelled(started.action), f"cancel ${name}"
            case "drop":
                return self._drop(main), None, f"drop {main.text('')}"
            case "yield":
                return Yield(main.integer("how often to yield", 1, MAX_REPEAT)), None, f"yield {main.text('')}"
            case "harness":
                return self._harness(main, entry)
            case "trap":
                if not main.boolean("`trap`"):
                    main.fail("a step with `trap: false` does nothing", "leave it out")
                return Trap(), None, "trap"
            case _:
                return Return(main.choice("`return`", ("ok", "err")) == "ok"), None, f"return {main.text('')}"

    def _call(self, node: Node, entry: Mapping[str, Node]) -> tuple[Call, str]:
        text = node.text("a call")
        function, arguments = self._called(node, text)
        lowering = (
            Lowering(entry["lower"].choice("a lowering", [v.value for v in Lowering])) if "lower" in entry else None
        )
        repeat = entry["repeat"].integer("how often to call", 1, MAX_REPEAT) if "repeat" in entry else None
        if repeat is not None and (function.is_async or function.result is None):
            entry["repeat"].fail("only calls of functions with a result that are not `async` can be repeated")
        through = "through" in entry
        if through:
            entry["through"].choice("`through`", ("component",))
            if not _is_flat(function):
                entry["through"].fail(f"{function.item} cannot be called through a component without memory")
        return Call(function, arguments, lowering, repeat, through), text

    def _called(self, node: Node, text: str) -> tuple[Function, tuple[Argument, ...]]:
        """Resolve `function(…)` or `$receiver.method(…)`, and check the arguments."""
        try:
            expression = parse_call(text)
            function, receiver = self._callee(node, expression)
            parameters = function.params[1:] if receiver is not None else function.params
            if len(parameters) != len(expression.arguments):
                names = ", ".join(f"{p.name}: {type_text(p.type)}" for p in parameters)
                node.fail(
                    f"{function.item} takes {len(parameters)} arguments, {len(expression.arguments)} are given",
                    f"({names})",
                    column=expression.column,
                )
            arguments = tuple(
                check_argument(a, p.type, self.scope) for a, p in zip(expression.arguments, parameters, strict=True)
            )
        except ExpressionError as error:
            node.expression_failed(error)
        return function, arguments if receiver is None else (receiver, *arguments)

    def _callee(self, node: Node, expression: CallExpression) -> tuple[Function, Argument | None]:
        if not expression.callee.startswith("$"):
            try:
                return self.functions.find(expression.callee, self.interface), None
            except UnknownFunctionError as error:
                node.fail(error.message, suggest(expression.callee, error.candidates), column=expression.column)
        target, _, method = expression.callee.rpartition(".")
        if not target:
            node.fail(f"`{expression.callee}` names no method", "write `$resource.method(…)`", column=expression.column)
        receiver = parse_reference(target, self.scope)
        if not isinstance(receiver.type, (OwnType, BorrowType)):
            node.fail(f"`{target}` is a {type_text(receiver.type)}, not a resource", column=expression.column)
        resource = receiver.type.resource
        methods = self.functions.methods(str(resource.id))
        if method not in methods:
            node.fail(f"{resource.id} has no method `{method}`", suggest(method, methods), column=expression.column)
        borrowed = parse_argument(target, BorrowType(resource), self.scope)
        return methods[method], borrowed

    def _start(self, node: Node, entry: Mapping[str, Node], step: Node) -> tuple[Action, Type | None, str]:
        if node.is_mapping:
            parts = node.entries("what is started")
            kind = next((k for k in ("read", "write", "call") if k in parts), None)
            if kind is None:
                node.fail("expected something to start", "`call`, `read` or `write`")
            inner = node.mapping("what is started", (kind, *(k for k in _KEYS[kind] if k in ("count", "data"))))
            action: Call | Read | Write
            if kind == "read":
                action, text = self._read(inner["read"], inner), f"read {inner['read'].text('')}"
            elif kind == "write":
                action, text = self._write(inner["write"], inner, node), f"write {inner['write'].text('')}"
            else:
                action, text = self._call(inner["call"], {})
        else:
            action, text = self._call(node, {})
        if "as" not in entry:
            step.fail("a started operation needs a name to be awaited by", "add `as: name`")
        name = self._new_name(entry["as"])
        self.scope[name] = _Started(action)
        return Start(name, action), _started_outcome(action), f"start {text}"

    def _new(self, node: Node, entry: Mapping[str, Node], step: Node) -> tuple[Action, Type | None, str]:
        type = self._type(node)
        if not isinstance(type, (StreamType, FutureType)):
            node.fail(f"expected a stream or a future, found {type_text(type)}")
        if isinstance(type, StreamType) and type.element is None:
            node.fail("streams without elements are not supported", "no WASI function takes one")
        names = list(entry["as"].sequence("the names of the two ends")) if "as" in entry else []
        if len(names) != 2:
            step.fail("a new stream or future has two ends", "add `as: [readable, writable]`")
        readable, writable = (self._new_name(n) for n in names)
        self.scope[readable] = type
        self.scope[writable] = WritableName(type)
        return New(readable, writable, type), None, f"new {node.text('')}"

    def _type(self, node: Node) -> Type:
        text = node.text("a type")
        try:
            return parse_type(text, self.interface, self.wit)
        except WitError as error:
            node.fail(error.message, error.hint, column=error.column - 1)

    def _new_name(self, node: Node) -> str:
        name = node.text("a name")
        if not name.replace("-", "").isalnum() or not name[0].isalpha() or not name.isascii():
            node.fail(f"`{name}` is not a name", "letters, digits and hyphens, without the `$`")
        if name in self.scope:
            node.fail(f"`${name}` is already {_described(self.scope[name])}", "take another name")
        return name

    # --- ends of streams and futures -------------------------------------------------------------------------

    def _readable(self, node: Node) -> ReadableEnd:
        reference = self._reference(node, "the readable end of a stream or future")
        if not isinstance(reference.type, (StreamType, FutureType)):
            text = type_text(reference.type)
            node.fail(f"`{reference.text}` is a {text}, not the readable end of a stream or future")
        return ReadableEnd(reference, reference.type)

    def _writable(self, node: Node) -> WritableEnd:
        text = node.text("the writable end of a stream or future")
        known = {f"${k}": v for k, v in self.scope.items()}
        end = known.get(text)
        if not isinstance(end, WritableName):
            candidates = [k for k, v in known.items() if isinstance(v, WritableName)]
            node.fail(f"`{text}` is not the writable end of a stream or future", suggest(text, candidates))
        return WritableEnd(text[1:], end.of)

    def _reference(self, node: Node, what: str) -> Reference:
        try:
            return parse_reference(node.text(what), self.scope)
        except ExpressionError as error:
            node.expression_failed(error)

    def _count(self, entry: Mapping[str, Node], key: str, default: int, low: int = 1) -> int:
        return entry[key].integer(f"`{key}`", low, MAX_COUNT) if key in entry else default

    def _lower(self, entry: Mapping[str, Node]) -> Lowering:
        if "lower" not in entry:
            return Lowering.ASYNC
        return Lowering(entry["lower"].choice("a lowering", [v.value for v in Lowering]))

    def _read(self, node: Node, entry: Mapping[str, Node]) -> Read:
        end = self._readable(node)
        if isinstance(end.type, FutureType) and "count" in entry:
            entry["count"].fail("a future has one value: `count` is for streams")
        return Read(end, self._count(entry, "count", DEFAULT_COUNT, low=0), self._lower(entry))

    def _read_all(self, node: Node, entry: Mapping[str, Node]) -> ReadAll:
        end = self._readable(node)
        if not isinstance(end.type, StreamType) or end.type.element is None:
            node.fail("`read-all` is for streams", "`read` takes the value of a future")
        digest = "digest" in entry and entry["digest"].boolean("`digest`")
        if digest and end.type.element != outcomes.BYTES.element:
            entry["digest"].fail("a digest is of bytes: the stream is no stream<u8>")
        limit = self._count(entry, "limit", MAX_COUNT if digest else DEFAULT_LIMIT)
        return ReadAll(end, self._count(entry, "chunk", DEFAULT_COUNT), limit, digest)

    def _write(self, node: Node, entry: Mapping[str, Node], step: Node) -> Write:
        end = self._writable(node)
        element = end.type.element
        assert element is not None
        if "data" not in entry:
            step.fail("nothing is given to write", "add `data: …`")
        type = element if isinstance(end.type, FutureType) else ListType(element)
        text = entry["data"].text("what to write")
        try:
            data = parse_argument(text, type, self.scope)
        except ExpressionError as error:
            entry["data"].expression_failed(error)
        return Write(end, data, self._lower(entry))

    # --- operations ------------------------------------------------------------------------------------------

    def _operation(self, node: Node) -> tuple[str, _Started]:
        text = node.text("a started operation")
        name = text.removeprefix("$")
        started = self.scope.get(name)
        if not isinstance(started, _Started) or not text.startswith("$"):
            candidates = [f"${k}" for k, v in self.scope.items() if isinstance(v, _Started)]
            node.fail(f"`{text}` is not a started operation", suggest(text, candidates))
        return name, started

    def _operations(self, node: Node) -> tuple[Operation, ...]:
        operations = tuple(Operation(self._operation(n)[0]) for n in node.sequence("started operations"))
        if not operations:
            node.fail("no operation is given")
        return operations

    def _drop(self, node: Node) -> Drop:
        text = node.text("what to drop")
        if isinstance(self.scope.get(text[1:]), WritableName):
            return Drop(self._writable(node))
        reference = self._reference(node, "what to drop")
        match reference.type:
            case StreamType() | FutureType():
                return Drop(ReadableEnd(reference, reference.type))
            case OwnType():
                return Drop(reference)
            case _:
                text = type_text(reference.type)
                return node.fail(f"a {text} cannot be dropped", "resources, streams and futures can")

    def _harness(self, node: Node, entry: Mapping[str, Node]) -> tuple[Action, Type | None, str]:
        action, text = read_harness_action(node)
        acknowledge = self.acknowledges
        if "acknowledge" in entry:
            acknowledge = entry["acknowledge"].boolean("`acknowledge`")
            if acknowledge and not self.acknowledges:
                entry["acknowledge"].fail("stdin is the vector's own: the harness cannot acknowledge through it")
        yields = outcomes.BYTES if isinstance(action, Receive) else None
        return Harness(action, acknowledge), yields, f"harness: {text}"


def _kind(node: Node) -> str:
    """The one thing that a step does."""
    keys = list(node.entries("a step"))
    kinds = [key for key in keys if key in _KEYS]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        node.fail(f"a step does one thing, this one {' and '.join(f'`{k}`' for k in kinds)}", "write two steps")
    unknown = next((key for key in keys if key not in _COMMON), "")
    hint = suggest(unknown, [*_KEYS, "for"]) or f"one of {', '.join(_KEYS)}"
    return node.fail("this step does nothing that is known", hint)


def _must_expect(action: Action) -> bool:
    """Whether a step that yields something has to say what is expected of it."""
    return not isinstance(action, (Start, WriteAll))


def _outcome(action: Call | Read | Write) -> Type | None:
    """What awaiting a started operation yields."""
    match action:
        case Call(function):
            return function.result
        case Read(end):
            return outcomes.read_result(end.type)
        case Write(end):
            return outcomes.write_result(end.type)
        case _:
            assert_never(action)


def _cancelled(action: Call | Read | Write) -> Type | None:
    """What cancelling a started operation yields."""
    return outcomes.cancel_result(action.function.result) if isinstance(action, Call) else _outcome(action)


def _started_outcome(action: Call | Read | Write) -> Type:
    """What starting an operation yields."""
    match action:
        case Call():
            return outcomes.SUBTASK_STATE
        case Read(end):
            return outcomes.read_result(end.type, started=True)
        case Write(end):
            return outcomes.write_result(end.type, started=True)
        case _:
            assert_never(action)


def _is_flat(function: Function) -> bool:
    """Whether a function's types are numbers and results of them: nothing named, nothing in memory."""
    signature = lower_signature(function, is_async=False)
    types = [p.type for p in function.params] + ([] if function.result is None else [function.result])
    plain = all(t == ResultType(None, None) or (isinstance(t, PrimitiveType) and t not in _POINTERS) for t in types)
    return plain and not (function.is_async or signature.params_spilled or signature.results_by_pointer)


def _described(known: object) -> str:
    return "a captured value" if isinstance(known, Type) else str(known)
