"""Vector files to typed vectors: what is selected and run, and what is wrong with the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from wasicheck.vectors.environment import read_after, read_environment
from wasicheck.vectors.functions import Functions
from wasicheck.vectors.model import (
    Call,
    Channel,
    Ending,
    GuestOptions,
    Harness,
    Level,
    Lift,
    Return,
    Sink,
    Source,
    Start,
    Step,
    Vector,
)
from wasicheck.vectors.source import Node, VectorError, compose, suggest
from wasicheck.vectors.steps import StepReader
from wasicheck.wit import wasi
from wasicheck.wit.types import Interface, Wit

DEFAULT_DEADLINE = 15_000_000_000
MAX_EXPANSION = 2_000
"""Rows of a table, or rounds of a loop."""

_FILE = ("interface", "vectors")
_VECTOR = (
    "id",
    "title",
    "requirements",
    "level",
    "platforms",
    "unstable",
    "given",
    "guest",
    "imports",
    "runs",
    "steps",
    "after",
    "deadline",
    "table",
    "tags",
    "interface",
    "note",
)
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_PLATFORMS = ("linux", "darwin", "win32")


@dataclass(frozen=True)
class Suite:
    """All vectors of a folder by id, in order, and one error for each vector or file that is not valid."""

    vectors: Mapping[str, Vector]
    problems: tuple[VectorError, ...]


def load_suite(folder: Path, levels: Mapping[str, Level], wit: Wit | None = None) -> Suite:
    """Load every `*.yaml` below a folder, `requirements/` left out; `levels` are the known requirements."""
    vectors: dict[str, Vector] = {}
    problems: list[VectorError] = []
    loader = _Loader(wit or wasi(), levels)
    for path in sorted(folder.rglob("*.yaml")):
        if "requirements" in path.relative_to(folder).parts[:-1]:
            continue
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(VectorError(name, 1, 1, f"cannot be read: {error}"))
            continue
        for found in loader.load(text, name):
            if isinstance(found, VectorError):
                problems.append(found)
            elif found.id in vectors:
                first = vectors[found.id].place
                place = found.place
                problems.append(VectorError(place.file, place.line, 1, f"the id `{found.id}` is also used in {first}"))
            else:
                vectors[found.id] = found
    return Suite(vectors, tuple(problems))


def load_text(text: str, file: str, levels: Mapping[str, Level], wit: Wit | None = None) -> Suite:
    """Load one vector file given as text."""
    found = list(_Loader(wit or wasi(), levels).load(text, file))
    vectors = {v.id: v for v in found if isinstance(v, Vector)}
    return Suite(vectors, tuple(p for p in found if isinstance(p, VectorError)))


class _Loader:
    def __init__(self, wit: Wit, levels: Mapping[str, Level]) -> None:
        self._wit = wit
        self._levels = levels
        self._functions = Functions(wit)

    def load(self, text: str, file: str) -> Iterator[Vector | VectorError]:
        """Yield the vectors of a file; a vector that is not valid does not stop the others."""
        try:
            root = compose(text, file)
            if root is None:
                raise VectorError(file, 1, 1, "the file is empty", "a vector file has `interface` and `vectors`")
            entry = root.mapping("a vector file", _FILE)
            for key in _FILE:
                if key not in entry:
                    root.fail(f"the file has no `{key}`")
            interface = self._interface(entry["interface"])
            nodes = list(entry["vectors"].sequence("`vectors`"))
        except VectorError as error:
            yield error
            return
        for node in nodes:
            try:
                rows = list(_rows(node))
            except VectorError as error:
                yield error
                continue
            for row in rows:
                try:
                    yield self._vector(row, interface)
                except VectorError as error:
                    yield error

    def _interface(self, node: Node) -> Interface:
        id = node.text("an interface")
        known = [i.id for p in self._wit.packages.values() for i in p.interfaces.values()]
        if id not in known:
            node.fail(f"there is no interface `{id}` in WASI 0.3.0", suggest(id, known))
        return self._wit.interface(id)

    def _vector(self, node: Node, interface: Interface) -> Vector:
        entry = node.mapping("a vector", _VECTOR)
        for key in ("id", "title", "requirements", "steps"):
            if key not in entry:
                node.fail(f"the vector has no `{key}`")
        id = entry["id"].text("an id")
        if not _ID.fullmatch(id):
            entry["id"].fail(f"`{id}` is not an id", "small letters, digits and hyphens, such as `stdout-closed-pipe`")
        if "interface" in entry:
            interface = self._interface(entry["interface"])
        requirements = self._requirements(entry["requirements"])
        level = self._level(entry, requirements)
        runs = entry["runs"].integer("`runs`", 1, 10) if "runs" in entry else 1
        given = entry.get("given")
        has_stdin = given is not None and given.is_mapping and "stdin" in given.entries("`given`")
        reader = StepReader(self._wit, self._functions, interface, level, not has_stdin, runs)
        steps = tuple(reader.read(step) for step in _unrolled(entry["steps"].sequence("`steps`")))
        acknowledged = any(isinstance(s.action, Harness) and s.action.acknowledge for s in steps)
        environment = read_environment(given, acknowledged=acknowledged)
        early = any(e.outcome in (Ending.TRAP, Ending.EXIT) for s in steps for e in s.expectations)
        fails = any(isinstance(s.action, Return) and not s.action.ok for s in steps)
        after = read_after(entry.get("after"), node.place, level, ends_by_itself=not early, fails=fails)
        guest = self._guest(entry.get("guest"), steps, entry, environment.stdout, environment.stderr)
        if environment.stdin.source is not Source.CONTROL and acknowledged:
            node.fail("stdin is the vector's own, so no harness step can be acknowledged through it")
        return Vector(
            id=id,
            title=entry["title"].text("a title"),
            interface=interface.id,
            requirements=requirements,
            level=level,
            needs=(),
            platforms=_words(entry, "platforms", _PLATFORMS),
            unstable=entry["unstable"].text("a feature") if "unstable" in entry else None,
            environment=environment,
            guest=guest,
            imports=tuple(self._interface(n).id for n in _items(entry, "imports")),
            runs=runs,
            steps=steps,
            after=after,
            place=node.place,
            deadline=entry["deadline"].duration("a deadline", low=1) if "deadline" in entry else DEFAULT_DEADLINE,
            tags=_words(entry, "tags", None),
        )

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

    def _level(self, entry: Mapping[str, Node], requirements: tuple[str, ...]) -> Level:
        if "level" in entry:
            return Level(entry["level"].choice("a level", [v.value for v in Level]))
        return min((self._levels[r] for r in requirements), key=list(Level).index)

    def _guest(
        self, node: Node | None, steps: tuple[Step, ...], entry: Mapping[str, Node], stdout: Sink, stderr: Sink
    ) -> GuestOptions:
        options = node.mapping("`guest`", ("channel", "lift", "limits")) if node is not None else {}
        lifts = [Lift(n.choice("a lift", [v.value for v in Lift])) for n in _items(options, "lift")]
        limits = options["limits"].choice("`limits`", ("inside", "outside")) if "limits" in options else "inside"
        if "channel" in options:
            channel = Channel(options["channel"].choice("a channel", [c.value for c in Channel]))
        else:
            after = entry["after"].entries("`after`") if "after" in entry and entry["after"].is_mapping else {}
            tested = stderr is not Sink.PIPE or "stderr" in after or any(map(_calls_stderr, steps))
            channel = Channel.STDOUT if tested else Channel.STDERR
        if (stdout if channel is Channel.STDOUT else stderr) is not Sink.PIPE:
            place = node or entry["id"]
            place.fail(f"observations go out through {channel.value}, which `given` makes something else of")
        return GuestOptions(channel, tuple(lifts), limits == "inside")


def _calls_stderr(step: Step) -> bool:
    action = step.action.action if isinstance(step.action, Start) else step.action
    return isinstance(action, Call) and action.function.interface.startswith("wasi:cli/stderr@")


def _items(entry: Mapping[str, Node], key: str) -> Iterator[Node]:
    return entry[key].sequence(f"`{key}`") if key in entry else iter(())


def _words(entry: Mapping[str, Node], key: str, known: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(n.text("a word") if known is None else n.choice("a word", known) for n in _items(entry, key))


# --- tables and loops --------------------------------------------------------------------------------------


def _rows(node: Node) -> Iterator[Node]:
    """A vector with a `table` once for each row: `{column}` stands for the row's entry."""
    table = node.entries("a vector").get("table")
    if table is None:
        yield node
        return
    rows = list(table[1].sequence("`table`"))
    if not 0 < len(rows) <= MAX_EXPANSION:
        table[1].fail(f"a table has 1 to {MAX_EXPANSION} rows")
    for row in rows:
        columns = {name: value.text("an entry") for name, (_, value) in row.entries("a row").items()}
        yield Node(node.file, node.node, {**(node.columns or {}), **columns})


def _unrolled(nodes: Iterator[Node]) -> Iterator[Node]:
    """The steps, with each `for` block repeated for every value of its variable."""
    for node in nodes:
        entry = node.entries("a step")
        if "for" not in entry:
            yield node
            continue
        block = node.mapping("a `for` block", ("for", "steps"))
        if "steps" not in block:
            node.fail("a `for` block has no `steps`")
        variables = block["for"].entries("the variable of a `for` block")
        if len(variables) != 1:
            block["for"].fail("a `for` block has one variable", "as in `for: {i: 0..9}`")
        ((name, (_, values)),) = variables.items()
        for value in _values(values):
            columns = {**(node.columns or {}), name: value}
            inner = Node(node.file, block["steps"].node, columns)
            yield from _unrolled(inner.sequence("`steps`"))


def _values(node: Node) -> list[str]:
    if isinstance(node.node, yaml.SequenceNode):
        return [n.text("a value") for n in node.sequence("values")]
    text = node.text("a range")
    found = _RANGE.fullmatch(text)
    if found is None or not 0 <= int(found[2]) - int(found[1]) < MAX_EXPANSION:
        node.fail(f"expected a range such as `0..9` or a list, found `{text}`")
    return [str(i) for i in range(int(found[1]), int(found[2]) + 1)]
