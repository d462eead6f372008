"""Vector files to typed vectors: what is selected and run, and what is wrong with the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasicheck.vectors.environment import read_after, read_environment
from wasicheck.vectors.expansion import rows, unrolled
from wasicheck.vectors.expectations import may_end, read_level
from wasicheck.vectors.harness import check_stage
from wasicheck.vectors.keys import AFTER, FILE, GIVEN, GUEST, REQUIRED, VECTOR
from wasicheck.vectors.model import Call, Channel, GuestOptions, Level, Lift, Return, Start, Step, Vector, World
from wasicheck.vectors.names import Names
from wasicheck.vectors.peers import read_peers
from wasicheck.vectors.source import Node, VectorError, compose, suggest
from wasicheck.vectors.staging import Close, Harness, Receive, Stdio
from wasicheck.vectors.steps import StepReader
from wasicheck.vectors.surroundings import Environment, Peer, Sink
from wasicheck.wit import wasi
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
REQUIREMENTS = "requirements"
"""The folder that holds the catalogue of requirements and no vectors."""

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{[a-z][a-z0-9-]*\}")


@dataclass(frozen=True)
class Suite:
    """All vectors of a folder by id, in order, and one error for each vector or file that is not valid."""

    vectors: Mapping[str, Vector]
    problems: tuple[VectorError, ...]


def load_suite(folder: Path, levels: Mapping[str, Level], wit: Wit | None = None) -> Suite:
    """Load every `*.yaml` below a folder, `requirements/` left out; `levels` are the known requirements."""
    loader = _Loader(wit or wasi(), levels)
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"))):
        relative = path.relative_to(folder)
        if REQUIREMENTS in relative.parts[:-1]:
            continue
        name = f"{folder.name}/{relative.as_posix()}"
        if path.suffix == ".yml":
            loader.problems.append(VectorError(name, 1, 1, "the file is not read", "name it `*.yaml`"))
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            loader.problems.append(VectorError(name, 1, 1, f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError as error:
            problem = VectorError(name, 1, 1, f"is not UTF-8 (byte {error.start})", "save the file as UTF-8")
            loader.problems.append(problem)
        else:
            loader.load(text, name)
    return loader.suite()


def load_text(text: str, file: str, levels: Mapping[str, Level], wit: Wit | None = None) -> Suite:
    """Load one vector file given as text."""
    loader = _Loader(wit or wasi(), levels)
    loader.load(text, file)
    return loader.suite()


class _Loader:
    """What has been loaded so far: the vectors, and what is wrong with the rest."""

    def __init__(self, wit: Wit, levels: Mapping[str, Level]) -> None:
        self._names = Names(wit)
        self._levels = levels
        self.vectors: dict[str, Vector] = {}
        self.problems: list[VectorError] = []

    def suite(self) -> Suite:
        """Everything that was loaded."""
        return Suite(self.vectors, tuple(self.problems))

    def load(self, text: str, file: str) -> None:
        """Load a file; a vector that is not valid does not stop the others."""
        try:
            root = compose(text, file)
            if root is None:
                raise VectorError(file, 1, 1, "the file is empty", "a vector file has `interface` and `vectors`")
            entry = root.mapping("a vector file", FILE)
            for key in FILE:
                if key not in entry:
                    root.fail(f"the file has no `{key}`")
            interface = self._interface(entry["interface"])
            nodes = list(entry["vectors"].sequence("`vectors`"))
        except VectorError as error:
            self.problems.append(error)
            return
        for node in nodes:
            try:
                expanded = rows(node)
            except VectorError as error:
                self.problems.append(error)
            else:
                self._load_rows(expanded, interface)

    def _load_rows(self, expanded: Sequence[Node], interface: Interface) -> None:
        """Load a vector, or all those of its table; what is wrong with each of them is told once."""
        failed: dict[str, tuple[VectorError, list[Node]]] = {}
        steps = 0
        for row in expanded:
            try:
                vector = self._vector(row, interface)
                steps += len(vector.steps)
                if steps > MAX_STEPS:
                    row.fail(f"with its table and loops the vector has more than {MAX_STEPS} steps")
            except VectorError as error:
                failed.setdefault(str(error), (error, []))[1].append(row)
                if steps > MAX_STEPS:
                    break
            else:
                self.vectors[vector.id] = vector
        for problem, where in failed.values():
            columns = where[0].columns
            everywhere = len(where) == len(expanded)
            self.problems.append(problem if columns is None or everywhere else _of_row(problem, columns.origin))

    def _interface(self, node: Node) -> Interface:
        id = node.text("an interface")
        interface = self._names.interfaces.get(id)
        if interface is None:
            node.fail(f"there is no interface `{id}` in WASI 0.3.0", suggest(id, self._names.interfaces))
        return interface

    def _vector(self, node: Node, interface: Interface) -> Vector:
        entry = node.mapping("a vector", VECTOR)
        for key in REQUIRED:
            if key not in entry:
                node.fail(f"the vector has no `{key}`")
        if "note" in entry:
            entry["note"].text("a note")
        id = self._id(entry["id"])
        title = self._title(entry["title"])
        if "interface" in entry:
            interface = self._interface(entry["interface"])
        requirements = self._requirements(entry["requirements"])
        level = read_level(entry["level"]) if "level" in entry else self._strongest(requirements)
        runs = entry["runs"].integer("`runs`", 1, MAX_RUNS) if "runs" in entry else 1
        unstable = self._unstable(entry.get("unstable"))
        given = entry.get("given")
        own_stdin = given is not None and "stdin" in given.keys
        world = WORLDS[entry["world"].choice("a world", WORLDS)] if "world" in entry else World.COMMAND
        # What serves has no stdin to be acknowledged through.
        acknowledges = not own_stdin and world is World.COMMAND
        reader = StepReader(self._names, interface, level, acknowledges, runs, unstable, world=world)
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
            id=id,
            title=title,
            interface=interface.id,
            world=world,
            requirements=requirements,
            level=level,
            platforms=_words(entry, "platforms", PLATFORMS),
            unstable=unstable,
            environment=environment,
            guest=guest,
            imports=tuple(self._interface(n).id for n in _items(entry, "imports")),
            runs=runs,
            steps=steps,
            downstream=downstream,
            after=after,
            place=node.place,
            deadline=entry["deadline"].duration("a deadline", low=1) if "deadline" in entry else DEFAULT_DEADLINE,
            tags=_words(entry, "tags", None),
        )

    def _downstream(
        self, entry: Mapping[str, Node], interface: Interface, level: Level, unstable: str | None, world: World
    ) -> tuple[Step, ...]:
        """Read the steps of the handler that a middleware imports."""
        node = entry.get("downstream")
        if world is not World.MIDDLEWARE:
            if node is not None:
                node.fail("only a middleware has a handler behind it", "add `world: middleware`")
            return ()
        if node is None:
            entry["world"].fail("a middleware imports a handler", "add `downstream:` with its steps")
        reader = StepReader(self._names, interface, level, False, 1, unstable, world=World.SERVICE)
        steps = tuple(reader.read(step) for step in unrolled(node.sequence("`downstream`")))
        if any(isinstance(step.action, Harness) for step in steps):
            node.fail("the handler behind a middleware reports nothing: the harness cannot meet it")
        return steps

    def _id(self, node: Node) -> str:
        id = node.text("an id")
        if not _ID.fullmatch(id):
            node.fail(f"`{id}` is not an id", "small letters, digits and hyphens, such as `stdout-closed-pipe`")
        if id in self.vectors:
            node.fail(f"the id `{id}` is also used in {self.vectors[id].place}", "ids are unique over the whole suite")
        return id

    def _title(self, node: Node) -> str:
        title = node.text("a title")
        if not title.strip():
            node.fail("the title is empty", "one sentence that is true of a host that conforms")
        left = _PLACEHOLDER.search(title) if node.columns is not None else None
        if left is not None:
            assert node.columns is not None
            node.fail(f"there is no column for `{left[0]}`", suggest(left[0][1:-1], node.columns.values))
        return title

    def _requirements(self, node: Node) -> tuple[str, ...]:
        ids: list[str] = []
        for part in node.sequence("`requirements`"):
            id = part.text("the id of a requirement")
            if id not in self._levels:
                part.fail(f"there is no requirement `{id}`", suggest(id, self._levels))
            if id in ids:
                part.fail(f"the requirement `{id}` is cited twice")
            ids.append(id)
        if not ids:
            node.fail("a vector bears on at least one requirement", "`wasicheck list --requirements` shows them")
        return tuple(ids)

    def _strongest(self, requirements: tuple[str, ...]) -> Level:
        return min((self._levels[r] for r in requirements), key=list(Level).index)

    def _unstable(self, node: Node | None) -> str | None:
        return None if node is None else node.choice("an unstable feature", self._names.features())


def _peers(given: Node | None) -> tuple[Peer, ...]:
    """The peers of `given`."""
    entry = given.mapping("`given`", GIVEN) if given is not None else {}
    return read_peers(entry["peers"], isolated="net" in entry) if "peers" in entry else ()


def _of_row(error: VectorError, origin: str) -> VectorError:
    return VectorError(error.file, error.line, error.column, f"{error.message} (with the {origin})", error.hint)


def _guest(entry: Mapping[str, Node], steps: tuple[Step, ...], environment: Environment) -> GuestOptions:
    node = entry.get("guest")
    options: Mapping[str, Node] = node.mapping("`guest`", GUEST) if node is not None else {}
    lifts = tuple(Lift(word) for word in _words(options, "lift", LIFTS))
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


def _uses_stderr(step: Step) -> bool:
    match step.action:
        case Call(function) | Start(action=Call(function)):
            return function.interface.startswith("wasi:cli/stderr@")
        case Harness(action=Close(stream) | Receive(stream)):
            return stream is Stdio.STDERR
        case _:
            return False


def _items(entry: Mapping[str, Node], key: str) -> Iterator[Node]:
    return entry[key].sequence(f"`{key}`") if key in entry else iter(())


def _words(entry: Mapping[str, Node], key: str, known: tuple[str, ...] | None) -> tuple[str, ...]:
    words: list[str] = []
    for node in _items(entry, key):
        word = node.text("a word") if known is None else node.choice(f"a word of `{key}`", known)
        if word in words:
            node.fail(f"`{word}` is there twice")
        words.append(word)
    return tuple(words)
