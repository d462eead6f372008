"""What vectors there are, as their files list them: enough to select some, and to read those in full.

Reading a vector in full takes milliseconds, listing it a tenth of one; a run lists all and reads what it runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasicheck.vectors.expansion import rows
from wasicheck.vectors.expectations import read_level
from wasicheck.vectors.keys import FILE, REQUIRED, VECTOR
from wasicheck.vectors.model import Level, Place
from wasicheck.vectors.names import Names
from wasicheck.vectors.source import Node, VectorError, compose, suggest
from wasicheck.wit import wasi
from wasicheck.wit.types import Interface, Wit

SURFACE, PROPERTY = "surface-", "property-"
"""How the ids of a host's other checks begin, which expectations name as they name vectors."""
REQUIREMENTS = "requirements"
"""The folder that holds the catalogue of requirements and no vectors."""

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"\{[a-z][a-z0-9-]*\}")


@dataclass(frozen=True)
class Listed:
    """A vector as it is listed; `rows` is how many its table makes of it, itself included."""

    id: str
    title: str
    interface: str
    requirements: tuple[str, ...]
    level: Level
    unstable: str | None
    tags: tuple[str, ...]
    place: Place
    node: Node
    rows: int


@dataclass(frozen=True)
class Listing:
    """All vectors of a folder by id, in order, and an error for each vector or file that cannot be listed."""

    vectors: Mapping[str, Listed]
    problems: tuple[VectorError, ...]
    names: Names
    """What their names mean, for reading them."""


def list_folder(folder: Path, levels: Mapping[str, Level], wit: Wit | None = None) -> Listing:
    """List every `*.yaml` below a folder, `requirements/` left out; `levels` are the known requirements."""
    lister = _Lister(wit or wasi(), levels)
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"))):
        relative = path.relative_to(folder)
        if REQUIREMENTS in relative.parts[:-1]:
            continue
        name = f"{folder.name}/{relative.as_posix()}"
        if path.suffix == ".yml":
            lister.problems.append(VectorError(name, 1, 1, "the file is not read", "name it `*.yaml`"))
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            lister.problems.append(VectorError(name, 1, 1, f"cannot be read: {error.strerror}"))
        except UnicodeDecodeError as error:
            problem = VectorError(name, 1, 1, f"is not UTF-8 (byte {error.start})", "save the file as UTF-8")
            lister.problems.append(problem)
        else:
            lister.list(text, name)
    return lister.listing()


def list_text(text: str, file: str, levels: Mapping[str, Level], wit: Wit | None = None) -> Listing:
    """List one vector file given as text."""
    lister = _Lister(wit or wasi(), levels)
    lister.list(text, file)
    return lister.listing()


class RowErrors:
    """What is wrong with the rows of one table, each error told once, with the first row that has it."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._found: dict[str, tuple[VectorError, list[Node]]] = {}

    def add(self, error: VectorError, row: Node) -> None:
        """Note an error in a row."""
        self._found.setdefault(str(error), (error, []))[1].append(row)

    def told(self) -> list[VectorError]:
        """The errors; one that not every row has names the row."""
        return [_of_row(error, where) if len(where) < self._rows else error for error, where in self._found.values()]


def _of_row(error: VectorError, rows: Sequence[Node]) -> VectorError:
    columns = rows[0].columns
    if columns is None:
        return error
    return VectorError(error.file, error.line, error.column, f"{error.message} (with the {columns.origin})", error.hint)


class _Lister:
    """What has been listed so far: the vectors, and what is wrong with the rest."""

    def __init__(self, wit: Wit, levels: Mapping[str, Level]) -> None:
        self._names = Names(wit)
        self._features = tuple(self._names.features())
        self._levels = levels
        self.vectors: dict[str, Listed] = {}
        self.problems: list[VectorError] = []

    def listing(self) -> Listing:
        """Everything that was listed."""
        return Listing(self.vectors, tuple(self.problems), self._names)

    def list(self, text: str, file: str) -> None:
        """List a file; a vector that is not valid does not stop the others."""
        try:
            root = compose(text, file)
            if root is None:
                raise VectorError(file, 1, 1, "the file is empty", "a vector file has `interface` and `vectors`")
            entry = root.mapping("a vector file", FILE)
            for key in FILE:
                if key not in entry:
                    root.fail(f"the file has no `{key}`")
            interface = interface_of(entry["interface"], self._names)
            nodes = tuple(entry["vectors"].sequence("`vectors`"))
        except VectorError as error:
            self.problems.append(error)
            return
        for node in nodes:
            try:
                expanded = rows(node)
            except VectorError as error:
                self.problems.append(error)
            else:
                self._list_rows(expanded, interface)

    def _list_rows(self, expanded: Sequence[Node], interface: Interface) -> None:
        """List a vector, or all those of its table."""
        errors = RowErrors(len(expanded))
        for row in expanded:
            try:
                listed = self._listed(row, interface, len(expanded))
            except VectorError as error:
                errors.add(error, row)
            else:
                self.vectors[listed.id] = listed
        self.problems += errors.told()

    def _listed(self, node: Node, interface: Interface, rows: int) -> Listed:
        entry = node.mapping("a vector", VECTOR)
        for key in REQUIRED:
            if key not in entry:
                node.fail(f"the vector has no `{key}`")
        id = self._id(entry["id"])
        title = _title(entry["title"])
        if "interface" in entry:
            interface = interface_of(entry["interface"], self._names)
        requirements = self._requirements(entry["requirements"])
        return Listed(
            id=id,
            title=title,
            interface=interface.id,
            requirements=requirements,
            level=read_level(entry["level"]) if "level" in entry else self._strongest(requirements),
            unstable=entry["unstable"].choice("an unstable feature", self._features) if "unstable" in entry else None,
            tags=words(entry, "tags", None),
            place=node.place,
            node=node,
            rows=rows,
        )

    def _id(self, node: Node) -> str:
        id = node.text("an id")
        if not _ID.fullmatch(id):
            node.fail(f"`{id}` is not an id", "small letters, digits and hyphens, such as `stdout-closed-pipe`")
        if id.startswith((SURFACE, PROPERTY)):
            node.fail(f"`{id}` is no id of a vector: `{id.partition('-')[0]}-` begins those of other checks")
        if id in self.vectors:
            node.fail(f"the id `{id}` is also used in {self.vectors[id].place}", "ids are unique over the whole suite")
        return id

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


def interface_of(node: Node, names: Names) -> Interface:
    """The interface that a node names; raise `VectorError`."""
    id = node.text("an interface")
    interface = names.interfaces.get(id)
    if interface is None:
        node.fail(f"there is no interface `{id}` in WASI 0.3.0", suggest(id, names.interfaces))
    return interface


def _title(node: Node) -> str:
    title = node.text("a title")
    if not title.strip():
        node.fail("the title is empty", "one sentence that is true of a host that conforms")
    left = _PLACEHOLDER.search(title) if node.columns is not None else None
    if left is not None:
        assert node.columns is not None
        node.fail(f"there is no column for `{left[0]}`", suggest(left[0][1:-1], node.columns.values))
    return title


def words(entry: Mapping[str, Node], key: str, known: tuple[str, ...] | None) -> tuple[str, ...]:
    """The words that a vector lists under a key, if it has it; `known` are those that may be there."""
    found: list[str] = []
    for node in entry[key].sequence(f"`{key}`") if key in entry else ():
        word = node.text("a word") if known is None else node.choice(f"a word of `{key}`", known)
        if word in found:
            node.fail(f"`{word}` is there twice")
        found.append(word)
    return tuple(found)
