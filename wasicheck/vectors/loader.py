"""Listed vectors to typed ones, every name, arity and type checked; and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from wasicheck.vectors.environment import read_after, read_environment
from wasicheck.vectors.expansion import unrolled
from wasicheck.vectors.expectations import may_end, read_unchecked
from wasicheck.vectors.harness import check_stage
from wasicheck.vectors.keys import AFTER, GIVEN, GUEST, VECTOR
from wasicheck.vectors.listing import Listed, Listing, RowErrors, interface_of, list_folder, list_text, words
from wasicheck.vectors.model import Call, Channel, GuestOptions, Level, Lift, Return, Start, Step, Vector, World
from wasicheck.vectors.names import Names
from wasicheck.vectors.peers import read_peers
from wasicheck.vectors.source import Node, VectorError
from wasicheck.vectors.staging import Close, Harness, Receive, Stdio
from wasicheck.vectors.steps import StepReader
from wasicheck.vectors.surroundings import Environment, Peer, Sink
from wasicheck.wit.types import Interface, Wit

DEFAULT_DEADLINE = 15_000_000_000
MAX_RUNS = 10
MAX_STEPS = 20_000
"""Steps of all rows of a vector with a table."""
PLATFORMS = ("linux", "darwin", "win32")
WORLDS = {world.value.partition("/")[2]: world for world in World}
LIMITS = ("inside", "outside")
LIFTS = tuple(v.value for v in Lift)
CHANNELS = tuple(c.value for c in Channel)


@dataclass(frozen=True)
class Suite:
    """Vectors by id, in order, and one error for each vector or file that is not valid."""

    vectors: Mapping[str, Vector]
    problems: tuple[VectorError, ...]


def load_suite(folder: Path, levels: Mapping[str, Level], wit: Wit | None = None) -> Suite:
    """Load every vector below a folder; `levels` are the known requirements."""
    return load(list_folder(folder, levels, wit))


def load_text(text: str, file: str, levels: Mapping[str, Level], wit: Wit | None = None) -> Suite:
    """Load one vector file given as text."""
    return load(list_text(text, file, levels, wit))


def load(listing: Listing) -> Suite:
    """Read all vectors of a listing; one that is not valid does not stop the others."""
    vectors: dict[str, Vector] = {}
    problems = list(listing.problems)
    for _, rows in groupby(listing.vectors.values(), key=lambda listed: listed.place):
        table = tuple(rows)
        errors = RowErrors(table[0].rows)
        steps = 0
        for listed in table:
            try:
                vector = read(listed, listing.names)
                steps += len(vector.steps)
                _check_steps(listed.node, steps)
            except VectorError as error:
                errors.add(error, listed.node)
                if steps > MAX_STEPS:
                    break
            else:
                vectors[vector.id] = vector
        problems += errors.told()
    return Suite(vectors, tuple(sorted(problems, key=lambda problem: (problem.file, problem.line))))


def read(listed: Listed, names: Names) -> Vector:
    """Read a listed vector in full; raise `VectorError`."""
    vector = _Reader(names).vector(listed)
    _check_steps(listed.node, len(vector.steps))
    return vector


def _check_steps(node: Node, steps: int) -> None:
    if steps > MAX_STEPS:
        node.fail(f"with its table and loops the vector has more than {MAX_STEPS} steps")


@dataclass(frozen=True)
class _Reader:
    """Reads what a listing leaves unread."""

    names: Names

    def vector(self, listed: Listed) -> Vector:
        node, level, unstable = listed.node, listed.level, listed.unstable
        interface = self.names.interfaces[listed.interface]
        entry = node.mapping("a vector", VECTOR)
        if "note" in entry:
            entry["note"].text("a note")
        runs = entry["runs"].integer("`runs`", 1, MAX_RUNS) if "runs" in entry else 1
        given = entry.get("given")
        own_stdin = given is not None and "stdin" in given.keys
        world = WORLDS[entry["world"].choice("a world", WORLDS)] if "world" in entry else World.COMMAND
        # What serves has no stdin to be acknowledged through.
        acknowledges = not own_stdin and world is World.COMMAND
        reader = StepReader(self.names, interface, level, acknowledges, runs, unstable, world=world)
        peers = _peers(given)
        reader.meet(peers)
        introduction: tuple[Step, ...] = ()
        if given is not None and peers and world is World.COMMAND:
            introduction = (reader.introduce(given, peers),)
        nodes = list(unrolled(entry["steps"].sequence("`steps`")))
        if not nodes:
            entry["steps"].fail("a vector has at least one step")
        written = tuple(reader.read(step) for step in nodes)
        steps = (*introduction, *written)
        acknowledged = any(isinstance(s.action, Harness) and s.action.acknowledge for s in steps)
        downstream = self._downstream(entry, interface, level, unstable, world)
        if downstream and world is World.SERVICE and not any(map(_sends, steps)):
            entry["downstream"].fail("nothing calls the handler behind", "it is `client.send` that is linked to it")
        environment = read_environment(given, peers, acknowledged=acknowledged)
        guest = _guest(entry, steps, environment)
        for at, step in zip(nodes, written, strict=True):
            if isinstance(step.action, Harness):
                check_stage(at, step.action.action, environment, guest.channel)
        after = read_after(
            entry.get("after"),
            node.place,
            level,
            reader.scope,
            environment,
            ends_by_itself=world is World.COMMAND and not any(map(may_end, steps)),
            fails=any(isinstance(s.action, Return) and not s.action.ok for s in steps),
        )
        return Vector(
            id=listed.id,
            title=listed.title,
            interface=interface.id,
            world=world,
            requirements=listed.requirements,
            level=level,
            platforms=words(entry, "platforms", PLATFORMS),
            unstable=unstable,
            environment=environment,
            guest=guest,
            imports=tuple(self._imports(entry)),
            runs=runs,
            steps=steps,
            downstream=downstream,
            after=after,
            place=node.place,
            deadline=entry["deadline"].duration("a deadline", low=1) if "deadline" in entry else DEFAULT_DEADLINE,
            tags=listed.tags,
            unchecked=read_unchecked(entry.get("unchecked")),
        )

    def _imports(self, entry: Mapping[str, Node]) -> Iterator[str]:
        for node in entry["imports"].sequence("`imports`") if "imports" in entry else ():
            yield interface_of(node, self.names).id

    def _downstream(
        self, entry: Mapping[str, Node], interface: Interface, level: Level, unstable: str | None, world: World
    ) -> tuple[Step, ...]:
        """Read the steps of the handler that a middleware imports, or that a service has for a client."""
        node = entry.get("downstream")
        if node is None:
            if world is World.MIDDLEWARE:
                entry["world"].fail("a middleware imports a handler", "add `downstream:` with its steps")
            return ()
        if world is World.COMMAND:
            node.fail("only a middleware or a service has a handler behind it", "add `world: middleware`")
        reader = StepReader(self.names, interface, level, False, 1, unstable, world=World.SERVICE)
        steps = tuple(reader.read(step) for step in unrolled(node.sequence("`downstream`")))
        if any(isinstance(step.action, Harness) for step in steps):
            node.fail("the handler behind another one reports nothing: the harness cannot meet it")
        return steps


def _peers(given: Node | None) -> tuple[Peer, ...]:
    """The peers of `given`."""
    entry = given.mapping("`given`", GIVEN) if given is not None else {}
    return read_peers(entry["peers"], isolated="net" in entry) if "peers" in entry else ()


def _guest(entry: Mapping[str, Node], steps: tuple[Step, ...], environment: Environment) -> GuestOptions:
    node = entry.get("guest")
    options: Mapping[str, Node] = node.mapping("`guest`", GUEST) if node is not None else {}
    lifts = tuple(Lift(word) for word in words(options, "lift", LIFTS))
    limits = options["limits"].choice("`limits`", LIMITS) if "limits" in options else "inside"
    if "channel" in options:
        channel = Channel(options["channel"].choice("a channel", CHANNELS))
    else:
        after = entry.get("after")
        observed = after is not None and "stderr" in after.mapping("`after`", AFTER)
        tested = environment.stderr is not Sink.PIPE or observed or any(map(_uses_stderr, steps))
        channel = Channel.STDOUT if tested else Channel.STDERR
    if channel is Channel.NONE:
        return _unobserved(options["channel"], steps, lifts)
    if (environment.stdout if channel is Channel.STDOUT else environment.stderr) is not Sink.PIPE:
        place = node or entry["given"]
        place.fail(f"observations go out through {channel.value}, which `given` makes something else of")
    return GuestOptions(channel, lifts, limits == "inside")


def _unobserved(node: Node, steps: tuple[Step, ...], lifts: tuple[Lift, ...]) -> GuestOptions:
    """The options of a guest that reports nothing, so that only its clients tell what it does."""
    if not any(isinstance(step.action, Harness) and step.action.opening for step in steps):
        node.fail("of a guest that reports nothing only clients can tell", "add peer steps before its `handle` step")
    if any(isinstance(step.action, Harness) and not step.action.opening for step in steps):
        node.fail("a guest that reports nothing does not tell when it gets to a peer step", "move them before `handle`")
    return GuestOptions(Channel.NONE, lifts, limits_inside=False)


def _sends(step: Step) -> bool:
    match step.action:
        case Call(function) | Start(action=Call(function)):
            return function.interface.startswith("wasi:http/client@")
        case _:
            return False


def _uses_stderr(step: Step) -> bool:
    match step.action:
        case Call(function) | Start(action=Call(function)):
            return function.interface.startswith("wasi:cli/stderr@")
        case Harness(action=Close(stream) | Receive(stream)):
            return stream is Stdio.STDERR
        case _:
            return False
