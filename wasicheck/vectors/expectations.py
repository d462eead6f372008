"""What is expected of a step, or of an output: patterns, endings and their grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wasicheck.values import Pattern, accepts_everything, parse_pattern, type_text, variables
from wasicheck.vectors.digests import digest_pattern
from wasicheck.vectors.model import (
    Action,
    Await,
    AwaitAll,
    AwaitAny,
    Call,
    Cancel,
    Ending,
    Expectation,
    Level,
    Lowering,
    Read,
    ReadAll,
    Start,
    Step,
    Trap,
    Write,
    WriteAll,
)
from wasicheck.vectors.operands import Operation
from wasicheck.vectors.outcomes import BYTES, body_result, read_all_result, receive_result
from wasicheck.vectors.scope import Scope, Started
from wasicheck.vectors.source import Node
from wasicheck.vectors.staging import Accept, Connect, Handshake, Harness, ReceiveBody, ReceiveBytes, Send, SendDatagram
from wasicheck.wit.types import U8, ListType, StreamType, Type, VariantType

LEVELS = tuple(level.value for level in Level)
_ENDINGS = tuple(ending.value for ending in Ending)
_QUOTE = "a pattern that begins with `{` has to be quoted"


def read_level(node: Node) -> Level:
    """Read a level; raise `VectorError`."""
    return Level(node.choice("a level", LEVELS))


def read_expectations(
    entry: Mapping[str, Node], step: Node, action: Action, yields: Type | None, level: Level, scope: Scope
) -> tuple[tuple[Expectation, ...], Mapping[str, Type]]:
    """Read the `expect:` of a step, given what it does and yields; raise `VectorError`.

    Return it with the types of the names that it captures. Without one, a step that yields nothing has to complete;
    a `trap` step has to trap.
    """
    node = entry.get("expect")
    if node is None:
        if isinstance(action, Trap):
            return (Expectation(level, Ending.TRAP, Ending.TRAP.value),), {}
        if isinstance(action, Harness) and isinstance(action.action, Connect | Handshake | Send | SendDatagram):
            assert yields is not None
            return (Expectation(level, parse_pattern("ok", yields, {}), "ok"),), {}
        introduced = isinstance(action, Harness) and isinstance(action.action, Accept)
        if yields is not None and "across" not in entry and not isinstance(action, Start | WriteAll) and not introduced:
            step.fail(
                f"this step yields {type_text(yields)} and has no `expect`",
                "write the pattern that the specification asks for",
            )
        return (Expectation(level, None, "completes"),), {}
    captured: dict[str, Type] = {}
    explained = "unchecked" in entry
    return _graded(
        node, level, lambda part, grade: _expectation(part, action, yields, grade, scope, captured, explained)
    ), captured


def read_across(
    node: Node | None, yields: Type | None, action: Action, level: Level, runs: int
) -> tuple[Expectation, ...]:
    """Read the `across:` of a step: patterns over the list of what it yields in each run; raise `VectorError`."""
    if node is None:
        return ()
    if runs < 2:
        node.fail("`across` compares runs, and the vector has one", "add `runs: 2` to the vector")
    if yields is None or isinstance(action, Harness):
        node.fail("this step yields nothing to compare over runs")
    over = ListType(yields)
    # Each run has captured something else: no name means anything over all of them.
    return _graded(node, level, lambda part, grade: _final(part, over, grade, Scope(), "value"))


def read_output(node: Node | None, level: Level, scope: Scope) -> tuple[Expectation, ...]:
    """Read what is expected of an output: patterns over its bytes; raise `VectorError`."""
    if node is None:
        return ()
    return _graded(node, level, lambda part, grade: _final(part, BYTES, grade, scope, "output"))


def read_unchecked(node: Node | None) -> str:
    """Read why expectations leave something open; raise `VectorError`. Empty where nothing is said."""
    if node is None:
        return ""
    reason = node.text("a reason")
    if not reason.strip():
        node.fail("no reason is given", "say why the specification leaves it open, or why it is tested elsewhere")
    return reason


def may_end(step: Step) -> bool:
    """Whether one of the step's expectations is that the guest ends in it."""
    return any(e.outcome in (Ending.TRAP, Ending.EXIT) for e in step.expectations)


def _graded(node: Node, level: Level, read: Callable[[Node, Level], Expectation]) -> tuple[Expectation, ...]:
    """One expectation of the given level, or several by their own."""
    if not node.is_mapping:
        return (read(node, level),)
    graded = node.mapping("graded expectations", LEVELS, _QUOTE)
    if not graded:
        node.fail("no expectation is given", _QUOTE)
    return tuple(read(part, Level(name)) for name, part in graded.items())


def _expectation(
    node: Node,
    action: Action,
    yields: Type | None,
    level: Level,
    scope: Scope,
    captured: dict[str, Type],
    explained: bool,
) -> Expectation:
    """One expectation on a step; adds what it captures to `captured`.

    `explained`: the step says why it leaves something open, which may be everything.
    """
    text = node.text("a pattern")
    if text in _ENDINGS:
        ending = Ending(text)
        _check_ending(node, ending, action)
        return Expectation(level, ending, text)
    if yields is None:
        node.fail(f"this step yields nothing to compare with `{text}`", "leave `expect` out, or expect `trap`")
    whole = _without_digest(action, scope)
    # The bytes of a digest are written out in the vector.
    pattern = scope.pattern(node, whole or yields)
    names = {name: capture.type for name, capture in variables(pattern).items()}
    if names and isinstance(action, Harness):
        node.fail("what comes out of the host cannot be captured: the guest does not have it")
    if twice := names.keys() & captured.keys():
        node.fail(f"`${min(twice)}` is captured in two expectations", "capture it in the first one")
    captured.update(names)
    if not names and level is not Level.MAY and not explained:
        _refuse_everything(node, text, pattern, type_text(yields), "`unchecked: why not`, or ")
    if whole is not None:
        assert isinstance(yields, VariantType)
        converted = digest_pattern(pattern, yields)
        if converted is None:
            node.fail("with `digest: true` the bytes are given outright", 'as in `dropped(repeat("x", 4MiB))`')
        pattern = converted
    return Expectation(level, pattern, text)


def _without_digest(action: Action, scope: Scope) -> Type | None:
    """What a step that yields a digest would yield without; None for any other step."""
    match action:
        case ReadAll(digest=True):
            return read_all_result(StreamType(U8), digest=False)
        case Start(action=ReadAll(digest=True)):
            return read_all_result(StreamType(U8), digest=False, started=True)
        case Await(Operation(name)) | Cancel(Operation(name)):
            match scope.entries[name]:
                case Started(ReadAll(digest=True)):
                    return read_all_result(StreamType(U8), digest=False)
                case _:
                    return None
        case Harness(ReceiveBytes(digest=True)):
            return receive_result(digest=False)
        case Harness(ReceiveBody(digest=True)):
            return body_result(digest=False)
        case _:
            return None


def _final(node: Node, type: Type, level: Level, scope: Scope, what: str) -> Expectation:
    """An expectation on something that no later step can refer to."""
    text = node.text("a pattern")
    pattern = scope.pattern(node, type)
    if captured := variables(pattern):
        node.fail(f"`${min(captured)}` is captured where nothing can refer to it", "leave the name out")
    if level is not Level.MAY:
        _refuse_everything(node, text, pattern, what)
    return Expectation(level, pattern, text)


def _refuse_everything(node: Node, text: str, pattern: Pattern, what: str, otherwise: str = "") -> None:
    if accepts_everything(pattern):
        node.fail(
            f"`{text}` accepts every {what}",
            f"say what the specification asks for, or {otherwise}`level: may` to record the answer",
        )


def _check_ending(node: Node, ending: Ending, action: Action) -> None:
    match ending:
        case Ending.PENDING if not can_wait(action):
            node.fail("this step cannot be `pending`: it does not wait, or blocks the guest while it does")
        case Ending.EXIT if not isinstance(action, (Call, Start, Await, AwaitAll, AwaitAny)):
            node.fail("only a call can `exit`", "`trap` is for what must not be done")


def can_wait(action: Action) -> bool:
    """Whether a step can be found waiting when its limit has passed."""
    match action:
        case Call(function, lowering=lowering):
            return lowering is Lowering.ASYNC or (lowering is None and function.is_async)
        case Read(lowering=lowering) | Write(lowering=lowering):
            return lowering is Lowering.ASYNC
        case ReadAll() | WriteAll() | Await() | AwaitAll() | AwaitAny() | Harness(acknowledge=True):
            return True
        case _:
            return False
