"""What the harness can do in a step, as vectors write it."""

from __future__ import annotations

from wasicheck.vectors.keys import HARNESS
from wasicheck.vectors.literals import read_bytes
from wasicheck.vectors.model import Channel
from wasicheck.vectors.source import Node
from wasicheck.vectors.staging import (
    Close,
    Drain,
    Execute,
    Feed,
    HarnessAction,
    Hold,
    Pause,
    Put,
    Receive,
    Release,
    Remove,
    Rename,
    Stdio,
    Swap,
    Symlink,
)
from wasicheck.vectors.surroundings import Environment, Sink, Source
from wasicheck.vectors.trees import read_file_action

_OUTPUTS = (Stdio.STDOUT.value, Stdio.STDERR.value)
_FED = (Source.PIPE, Source.TERMINAL)
_READ = (Sink.PIPE, Sink.UNREAD, Sink.TERMINAL)


def read_harness_action(node: Node) -> tuple[HarnessAction, str]:
    """Return the action and what to call it in reports; raise `VectorError`."""
    beside = dict.fromkeys(key for keys in HARNESS.values() for key in keys)
    parts = node.mapping("what the harness does", (*HARNESS, *beside))
    kinds = [key for key in parts if key in HARNESS]
    if len(kinds) != 1:
        node.fail("the harness does exactly one thing in a step", f"one of {', '.join(HARNESS)}")
    kind = kinds[0]
    value = parts[kind]
    for key in parts:
        if key != kind and key not in HARNESS[kind]:
            owner = next(name for name, keys in HARNESS.items() if key in keys)
            parts[key].fail(f"`{key}` belongs to `{owner}`")
    action: HarnessAction
    match kind:
        case "feed":
            action = Feed(read_bytes(value))
        case "close":
            action = Close(Stdio(value.choice("a standard stream", [s.value for s in Stdio])))
        case "drain":
            action = Drain(Stdio(value.choice("an output", _OUTPUTS)))
        case "pause":
            action = Pause(value.duration("a pause", low=1))
        case "receive":
            stream = Stdio(value.choice("an output", _OUTPUTS))
            if "length" not in parts:
                node.fail("how many bytes to wait for is not given", "add `length: 5`")
            action = Receive(stream, parts["length"].integer("a length", 1, 1 << 30))
        case _:
            action = read_file_action(kind, parts, node)
    return action, f"{kind} {value.text('')}"


def check_stage(node: Node, action: HarnessAction, environment: Environment, channel: Channel) -> None:
    """Refuse an action that the surroundings have nothing for; raise `VectorError` for the step's node."""
    match action:
        case Feed() | Close(Stdio.STDIN):
            if environment.stdin.source not in _FED:
                own = environment.stdin.source is Source.CONTROL
                what = "what acknowledgements come through" if own else f"`{environment.stdin.source.value}`"
                node.fail(f"stdin is {what}, and neither fed nor closed by a step", "write `given: {stdin: pipe}`")
        case Close(stream):
            if stream.value == channel.value:
                node.fail(f"observations go out through {stream.value}: the harness cannot close it")
            _check_sink(node, stream, environment, _READ, "closed")
        case Drain(stream):
            _check_sink(node, stream, environment, (Sink.UNREAD,), "drained")
        case Receive(stream):
            _check_sink(node, stream, environment, _READ, "received")
        case Put() | Remove() | Rename() | Symlink() | Execute() | Swap() | Hold() | Release():
            if not environment.tree:
                node.fail("there are no files", "write `given: {tree: …}` or `given: {preopens: …}`")
        case _:
            pass


def _check_sink(node: Node, stream: Stdio, environment: Environment, fitting: tuple[Sink, ...], what: str) -> None:
    sink = environment.stdout if stream is Stdio.STDOUT else environment.stderr
    if sink not in fitting:
        words = " or ".join(f"`{s.value}`" for s in fitting)
        node.fail(f"{stream.value} is `{sink.value}` and cannot be {what}", f"that takes {words} in `given`")
