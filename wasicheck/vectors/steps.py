"""The `steps:` of a vector: what each does, resolved against the WIT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wasicheck.values import WritableEnd as WritableName
from wasicheck.values import parse_pattern, type_text, variables
from wasicheck.vectors import outcomes
from wasicheck.vectors.calls import CallReader
from wasicheck.vectors.expectations import read_across, read_expectations, read_level, read_unchecked
from wasicheck.vectors.harness import read_harness_action
from wasicheck.vectors.keys import COMMON, LOOP, STARTED, STEP
from wasicheck.vectors.model import (
    Action,
    Await,
    AwaitAll,
    AwaitAny,
    Backpressure,
    Call,
    Cancel,
    Drop,
    Expectation,
    Handle,
    Level,
    Lowering,
    New,
    Read,
    ReadAll,
    Respond,
    Return,
    Start,
    Step,
    Trap,
    World,
    Write,
    WriteAll,
    Yield,
)
from wasicheck.vectors.names import Names
from wasicheck.vectors.operands import Operation, ReadableEnd
from wasicheck.vectors.peers import PeerNames, introduction_type, read_peer_step
from wasicheck.vectors.scope import Scope, Started
from wasicheck.vectors.source import Node, suggest
from wasicheck.vectors.staging import Connect, Harness, Introduce, Receive
from wasicheck.vectors.surroundings import Peer
from wasicheck.wit import WitError
from wasicheck.wit.types import Function, FutureType, Interface, ListType, OwnType, StreamType, Type

MAX_COUNT = (1 << 28) - 1
"""Elements that one read or write can ask for (CanonicalABI.md, `Buffer.MAX_LENGTH`)."""
DEFAULT_COUNT = 1 << 16
DEFAULT_LIMIT = 1 << 20
MAX_YIELDS = 1_000_000
MAX_QUIET = 2
"""Quiet steps in a row that yield something: what they yield is gathered in one frame."""

_LOWERINGS = tuple(v.value for v in Lowering)
_PRESSURE = ("raise", "lower")
_What = tuple[Action, Type | None, str]
"""What a step does, what it yields, and how to call it in reports."""


@dataclass
class StepReader:
    """Reads the steps of one vector in order; `scope` grows with what they capture and make."""

    names: Names
    interface: Interface
    level: Level
    acknowledges: bool
    """Whether harness steps are acknowledged unless they say otherwise: not where stdin is the vector's own."""
    runs: int
    unstable: str | None
    """The unstable feature that the vector is about."""
    scope: Scope = field(default_factory=Scope)
    peers: PeerNames = field(default_factory=lambda: PeerNames(()))
    world: World = World.COMMAND
    _opening: bool = False
    """Whether the steps so far are done before the guest is called."""
    _quiet: int = 0
    """How many quiet steps that yield something came just before."""

    def read(self, node: Node) -> Step:
        """Read one step; raise `VectorError`."""
        kind = _kind(node)
        if self._opening and kind not in ("peer", "handle"):
            node.fail("the guest has not been called here", "before the `handle` step there are steps of peers")
        entry = node.mapping(f"a `{kind}` step", (kind, *STEP[kind], *COMMON))
        note = entry["note"].text("a note") if "note" in entry else ""
        unchecked = read_unchecked(entry.get("unchecked"))
        level = self._level(entry)
        action, yields, text = self._action(kind, entry, node)
        if isinstance(action, Handle):
            assert yields is not None
            captures = parse_pattern(f"${text.removeprefix('handle ')}", yields, {})
            expectation = Expectation(Level.MUST, captures, "a request")
            return Step(action, yields, (expectation,), (), None, node.place, text, note=note)
        expectations, captured = read_expectations(entry, node, action, yields, level, self.scope)
        across = read_across(entry.get("across"), yields, action, level, self.runs)
        within = entry["within"].duration("the limit of a step", low=1) if "within" in entry else None
        self.scope.entries.update(captured)
        quiet = "quiet" in entry and self._is_quiet(entry["quiet"], action, yields)
        if not quiet:
            self._quiet = 0
        if unchecked and yields is None:
            entry["unchecked"].fail("this step yields nothing that could be left open", "leave it out")
        return Step(action, yields, expectations, across, within, node.place, text, quiet, note, unchecked)

    def __post_init__(self) -> None:
        self._opening = self.world is not World.COMMAND

    def meet(self, peers: tuple[Peer, ...]) -> None:
        """Take note of the peers, which the guest does not get to know."""
        self.peers = PeerNames(peers)

    def introduce(self, given: Node, peers: tuple[Peer, ...]) -> Step:
        """Return the step in which the guest learns the peers' addresses; raise `VectorError`."""
        if not self.acknowledges:
            given.fail("stdin is the vector's own: peers cannot be introduced through it", "leave out `stdin`")
        type = introduction_type(peers)
        pattern = parse_pattern("{" + ", ".join(f"{peer.name}: ${peer.name}" for peer in peers) + "}", type, {})
        self.scope.entries.update({name: capture.type for name, capture in variables(pattern).items()})
        expectation = Expectation(Level.MUST, pattern, "the addresses of the peers")
        action = Harness(Introduce(), acknowledge=True)
        return Step(action, type, (expectation,), (), None, given.place, "introduce peers")

    def _level(self, entry: Mapping[str, Node]) -> Level:
        if "level" not in entry:
            return self.level
        if "expect" in entry and entry["expect"].is_mapping and "across" not in entry:
            entry["level"].fail("the expectations of this step are graded: `level` says nothing", "leave it out")
        return read_level(entry["level"])

    def _is_quiet(self, node: Node, action: Action, yields: Type | None) -> bool:
        """Read `quiet:` of a step: calls and awaits can be, and few in a row that yield something."""
        if not node.boolean("`quiet`"):
            return False
        if not isinstance(action, Call | Start | Await):
            node.fail("only `call`, `start` and `await` can be quiet")
        self._quiet += yields is not None
        if self._quiet > MAX_QUIET:
            node.fail(f"more than {MAX_QUIET} quiet steps in a row yield something", "report one in between")
        return True

    def _action(self, kind: str, entry: Mapping[str, Node], node: Node) -> _What:
        main = entry[kind]
        match kind:
            case "call":
                call, text = self._call(main, entry)
                return call, outcomes.call_result(call), text
            case "start":
                return self._start(main, entry, node)
            case "new":
                return self._new(main, entry, node)
            case "read":
                read = self._read(main, entry)
                return read, outcomes.read_result(read.end.type), f"read {read.end.reference.text}"
            case "read-all":
                return self._read_all(main, entry)
            case "write":
                write = self._write(main, entry, node)
                return write, outcomes.write_result(write.end.type), f"write ${write.end.name}"
            case "write-all":
                return self._write_all(main, entry, node)
            case "await":
                name, started = self.scope.operation(main)
                polling = "polling" in entry and entry["polling"].boolean("`polling`")
                return Await(Operation(name), polling), started.outcome, f"await ${name}"
            case "await-all":
                operations = self._operations(main)
                return AwaitAll(operations), outcomes.INDICES, _listed("await-all", operations)
            case "await-any":
                operations = self._operations(main)
                return AwaitAny(operations), outcomes.INDEX, _listed("await-any", operations)
            case "cancel":
                name, started = self.scope.operation(main)
                return Cancel(Operation(name)), started.cancelled, f"cancel ${name}"
            case "drop":
                return self._drop(main), None, f"drop {main.text('what to drop')}"
            case "yield":
                times = main.integer("how often to yield", 1, MAX_YIELDS)
                return Yield(times), None, f"yield {times}"
            case "backpressure":
                way = main.choice("what to do to back-pressure", _PRESSURE)
                return Backpressure(way == "raise"), None, f"backpressure {way}"
            case "harness":
                return self._harness(main, entry)
            case "peer":
                return self._peer(main, entry, node)
            case "trap":
                if not main.boolean("`trap`"):
                    main.fail("a step with `trap: false` does nothing", "leave it out")
                return Trap(), None, "trap"
            case "handle":
                return self._handle(main)
            case _:
                return self._return(main)

    def _call(self, node: Node, entry: Mapping[str, Node]) -> tuple[Call, str]:
        reader = CallReader(self.names, self.interface, self.scope, self.unstable)
        return reader.read(node, entry, after_quiet=self._quiet > 0)

    def _started_call(self, node: Node) -> tuple[Call, str]:
        call, text = self._call(node, {})
        if not call.function.is_async:
            node.fail(f"{call.function.item} is not `async`: it has returned when it is called", "write `call:`")
        return call, text

    def _start(self, node: Node, entry: Mapping[str, Node], step: Node) -> _What:
        action: Call | Read | Write | ReadAll | WriteAll
        parts = node.entries("what is started") if node.is_mapping else {}
        kind = next((k for k in STARTED if k in parts), None)
        if node.is_mapping and kind is None:
            unknown = next(iter(parts), "")
            node.fail("expected something to start", suggest(unknown, STARTED))
        if kind is None:
            action, text = self._started_call(node)
        else:
            inner = node.mapping("what is started", (kind, *STARTED[kind]))
            match kind:
                case "call":
                    action, text = self._started_call(inner["call"])
                case "read":
                    action = self._read(inner["read"], inner)
                    text = f"read {action.end.reference.text}"
                case "read-all":
                    action, _, text = self._read_all(inner["read-all"], inner)
                case "write-all":
                    action, _, text = self._write_all(inner["write-all"], inner, node)
                case _:
                    action = self._write(inner["write"], inner, node)
                    text = f"write ${action.end.name}"
        if "as" not in entry:
            step.fail("a started operation needs a name to be awaited by", "add `as: name`")
        name = self.scope.new_name(entry["as"])
        started = Started(action)
        self.scope.entries[name] = started
        apart = "apart" in entry and entry["apart"].boolean("`apart`")
        if apart and isinstance(action, ReadAll | WriteAll):
            entry["apart"].fail("what is copied as a whole goes on by its events", "start a `read` or `write` apart")
        return Start(name, action, apart), started.started, f"start {text}"

    def _new(self, node: Node, entry: Mapping[str, Node], step: Node) -> _What:
        text = node.text("a type")
        try:
            type = self.names.type(text, self.interface)
        except WitError as error:
            node.fail(error.message, error.hint, at=error.column - 1)
        if not isinstance(type, (StreamType, FutureType)):
            node.fail(f"expected a stream or a future, found {type_text(type)}", "such as `stream<u8>`")
        if type.element is None:
            node.fail("streams and futures without a payload are not supported", "no WASI function takes one")
        names = list(entry["as"].sequence("the names of the two ends")) if "as" in entry else []
        if len(names) != 2:
            step.fail("a new stream or future has two ends", "add `as: [readable, writable]`")
        readable = self.scope.new_name(names[0])
        self.scope.entries[readable] = type
        writable = self.scope.new_name(names[1])
        self.scope.entries[writable] = WritableName(type)
        return New(readable, writable, type), None, f"new {text}"

    # --- copies ----------------------------------------------------------------------------------------------

    def _count(self, entry: Mapping[str, Node], key: str, default: int, low: int = 1) -> int:
        return entry[key].integer(f"`{key}`", low, MAX_COUNT) if key in entry else default

    def _lower(self, entry: Mapping[str, Node]) -> Lowering:
        return Lowering(entry["lower"].choice("a lowering", _LOWERINGS)) if "lower" in entry else Lowering.ASYNC

    def _read(self, node: Node, entry: Mapping[str, Node]) -> Read:
        end = self.scope.readable(node)
        if isinstance(end.type, FutureType) and "count" in entry:
            entry["count"].fail("a future has one value: `count` is for streams")
        return Read(end, self._count(entry, "count", DEFAULT_COUNT, low=0), self._lower(entry))

    def _read_all(self, node: Node, entry: Mapping[str, Node]) -> tuple[ReadAll, Type, str]:
        end = self.scope.readable(node)
        if not isinstance(end.type, StreamType) or end.type.element is None:
            node.fail("`read-all` is for streams", "`read` takes the value of a future")
        digest = "digest" in entry and entry["digest"].boolean("`digest`")
        if digest and end.type.element != outcomes.BYTES.element:
            entry["digest"].fail(f"a digest is of bytes: `{end.reference.text}` is a {type_text(end.type)}")
        limit = self._count(entry, "limit", MAX_COUNT if digest else DEFAULT_LIMIT)
        action = ReadAll(end, self._count(entry, "chunk", DEFAULT_COUNT), limit, digest)
        return action, outcomes.read_all_result(end.type, digest=digest), f"read-all {end.reference.text}"

    def _write(self, node: Node, entry: Mapping[str, Node], step: Node) -> Write:
        end = self.scope.writable(node)
        element = end.type.element
        assert element is not None
        if "data" not in entry:
            step.fail("nothing is given to write", "add `data: …`")
        type = element if isinstance(end.type, FutureType) else ListType(element)
        return Write(end, self.scope.argument(entry["data"], type, "what to write"), self._lower(entry))

    def _write_all(self, node: Node, entry: Mapping[str, Node], step: Node) -> tuple[WriteAll, Type, str]:
        end = self.scope.writable(node)
        if not isinstance(end.type, StreamType):
            node.fail("`write-all` is for streams", "`write` gives a future its value")
        write = self._write(node, entry, step)
        action = WriteAll(end, write.data, self._count(entry, "chunk", MAX_COUNT))
        return action, outcomes.write_result(end.type), f"write-all ${end.name}"

    # --- the rest --------------------------------------------------------------------------------------------

    def _operations(self, node: Node) -> tuple[Operation, ...]:
        operations: list[Operation] = []
        for part in node.sequence("started operations"):
            operation = Operation(self.scope.operation(part)[0])
            if operation in operations:
                part.fail(f"`${operation.name}` is there twice")
            operations.append(operation)
        if not operations:
            node.fail("no operation is given", "as in `[$a, $b]`")
        return tuple(operations)

    def _drop(self, node: Node) -> Drop:
        if self.scope.is_writable(node.text("what to drop")):
            return Drop(self.scope.writable(node))
        reference = self.scope.reference(node, "what to drop")
        match reference.type:
            case StreamType() | FutureType():
                return Drop(ReadableEnd(reference, reference.type))
            case OwnType():
                return Drop(reference)
            case type:
                return node.fail(f"a {type_text(type)} cannot be dropped", "resources, streams and futures can")

    def _harness(self, node: Node, entry: Mapping[str, Node]) -> _What:
        action, text = read_harness_action(node)
        yields = outcomes.BYTES if isinstance(action, Receive) else None
        return Harness(action, self._acknowledge(entry)), yields, f"harness: {text}"

    def _acknowledge(self, entry: Mapping[str, Node]) -> bool:
        """Whether the guest waits until the harness has done a step."""
        if "acknowledge" not in entry:
            return self.acknowledges
        acknowledge = entry["acknowledge"].boolean("`acknowledge`")
        if acknowledge and not self.acknowledges:
            entry["acknowledge"].fail("stdin is the vector's own: the harness cannot acknowledge through it")
        return acknowledge

    def _handle(self, node: Node) -> _What:
        """Read the beginning of a handler, which names its request."""
        if self.world is World.COMMAND:
            node.fail("a command handles no requests", f"add `world: service` to the vector ({World.SERVICE})")
        if not self._opening:
            node.fail("the guest is called once", "one `handle` step, behind what the clients do first")
        self._opening = False
        name = self.scope.new_name(node)
        type = self._handler().params[0].type
        self.scope.entries[name] = type
        return Handle(), type, f"handle {name}"

    def _return(self, node: Node) -> _What:
        if self.world is World.COMMAND:
            ok = node.choice("`return`", ("ok", "err")) == "ok"
            return Return(ok), None, f"return {'ok' if ok else 'err'}"
        type = self._handler().result
        assert type is not None
        return Respond(self.scope.argument(node, type, "the result of the handler")), None, f"return {node.text('')}"

    def _handler(self) -> Function:
        return self.names.interfaces["wasi:http/handler@0.3.0"].functions["handle"]

    def _peer(self, node: Node, entry: Mapping[str, Node], step: Node) -> _What:
        action, yields, text = read_peer_step(node, entry, step, self.scope, self.peers)
        if isinstance(action, Connect) and action.to is None and self.world is World.COMMAND:
            step.fail("nothing serves here", f"add `world: service` to the vector ({World.SERVICE})")
        after = self.peers.find(entry["after"])[0] if "after" in entry else None
        return Harness(action, self._acknowledge(entry), opening=self._opening, after=after), yields, text


def _listed(what: str, operations: tuple[Operation, ...]) -> str:
    return f"{what} {' '.join(f'${o.name}' for o in operations)}"


def _kind(node: Node) -> str:
    """The one thing that a step does."""
    keys = node.keys
    kinds = [key for key in keys if key in STEP]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        node.fail(f"a step does one thing, this one {' and '.join(f'`{k}`' for k in kinds)}", "write two steps")
    unknown = next((key for key in keys if key not in COMMON), "")
    hint = suggest(unknown, [*STEP, LOOP[0]]) or f"one of {', '.join(STEP)}"
    return node.fail("this step does nothing that is known", hint)
