"""What the harness can do in a step, as vectors write it."""

from __future__ import annotations

from wasicheck.values import ExpressionError, parse_value
from wasicheck.vectors.model import Close, Drain, Feed, HarnessAction, Pause, Receive, Stdio
from wasicheck.vectors.outcomes import BYTES
from wasicheck.vectors.source import Node

KINDS = ("feed", "close", "drain", "pause", "receive")


def read_harness_action(node: Node) -> tuple[HarnessAction, str]:
    """Return the action and what to call it in reports; raise `VectorError`."""
    parts = node.mapping("what the harness does", (*KINDS, "length"))
    kinds = [key for key in parts if key in KINDS]
    if len(kinds) != 1:
        node.fail("the harness does exactly one thing in a step", f"one of {', '.join(KINDS)}")
    kind = kinds[0]
    value = parts[kind]
    if "length" in parts and kind != "receive":
        parts["length"].fail("`length` belongs to `receive`")
    action: HarnessAction
    match kind:
        case "feed":
            action = Feed(read_bytes(value))
        case "close":
            action = Close(Stdio(value.choice("a standard stream", [s.value for s in Stdio])))
        case "drain":
            action = Drain(Stdio(value.choice("an output", ("stdout", "stderr"))))
        case "pause":
            action = Pause(value.duration("a pause", low=1))
        case _:
            stream = Stdio(value.choice("an output", ("stdout", "stderr")))
            if "length" not in parts:
                node.fail("how many bytes to wait for is not given", "add `length: 5`")
            action = Receive(stream, parts["length"].integer("a length", 1, 1 << 30))
    return action, f"{kind} {value.text('')}"


def read_bytes(node: Node) -> bytes:
    """Read a byte string literal: `"text"`, `hex("00 ff")`, `repeat("x", 4MiB)`."""
    try:
        value = parse_value(node.text("bytes"), BYTES)
    except ExpressionError as error:
        node.expression_failed(error)
    assert isinstance(value, bytes)
    return value
