"""YAML with places: nodes that know their line and column, and errors that name both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import NoReturn

import yaml

from wasicheck.errors import InputError
from wasicheck.values import ExpressionError
from wasicheck.values.lexer import quote
from wasicheck.vectors.columns import Columns
from wasicheck.vectors.model import Place
from wasicheck.vectors.scalars import locate

MAX_NESTING = 200
COMMA = "text with `,` in it has to be quoted between braces"
MAX_NODES = 200_000
"""Nodes of a file with aliases, each alias counted as what it stands for."""
MAX_DURATION = (1 << 63) - 1
_DURATION = re.compile(r"(-?[0-9]{1,20}(?:\.[0-9]{1,9})?)(ns|us|ms|s)")
_SIZE = re.compile(r"([0-9]{1,20})(KiB|MiB|GiB)?")
_FACTORS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_SIZES = {None: 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_HARMLESS = 1_000
"""A depth that the parser can certainly take: it recurses without a check of its own."""


_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAGS = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}


class _Loader(_Base):  # type: ignore[misc, valid-type]  # one of two classes, known at run time
    """Leaves every scalar a text: what it means is for its reader to say, not for YAML to guess."""

    def resolve(self, kind: type[yaml.Node], value: object, implicit: object) -> str:
        return _TAGS[kind]

    def descend_resolver(self, parent: object, index: object) -> None:
        """Nothing depends on where a node is."""

    def ascend_resolver(self) -> None:
        """Nothing depends on where a node is."""


class VectorError(InputError):
    """Something in a vector file that is not valid; `str()` is one line: `file:line:column: message; hint`."""

    def __init__(self, file: str, line: int, column: int, message: str, hint: str | None = None) -> None:
        super().__init__(file, line, column, message, hint)
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        text = " ".join((text if self.hint is None else f"{text}; {self.hint}").split())
        return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)

    def data(self) -> dict[str, object]:
        """Return it for JSON; without a hint that is null."""
        return {"place": f"{self.file}:{self.line}:{self.column}", "message": self.message, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file: its name in messages, and its text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML node of a file; reading it as something it is not raises `VectorError`."""

    document: Document
    node: yaml.Node
    columns: Columns | None = None
    """What `{name}` stands for in scalars below, where a table or loop is expanded."""

    @property
    def place(self) -> Place:
        """Where the node begins."""
        mark = self.node.start_mark
        return Place(self.document.name, mark.line + 1, mark.column + 1)

    @property
    def written(self) -> str:
        """The node as it stands in the file."""
        return self.document.text[self.node.start_mark.index : self.node.end_mark.index]

    def fail(self, message: str, hint: str | None = None, *, at: int | None = None) -> NoReturn:
        """Raise `VectorError` for this node; `at`: for the character at that offset of its text."""
        place = self.place
        line, column = place.line, place.column
        if at is not None and isinstance(self.node, yaml.ScalarNode):
            offset = at if self.columns is None else self.columns.original_offset(self.node.value, at)
            line, column = locate(self.document.text, self.node, offset)
        raise VectorError(self.document.name, line, column, message, hint)

    def expression_failed(self, error: ExpressionError) -> NoReturn:
        """Raise `VectorError` for an expression in this node's text."""
        hint = error.hint
        if hint is None and isinstance(self.node, yaml.ScalarNode) and self.node.style == '"':
            hint = "YAML takes the outer quotes away: a string is written '\"…\"'"
        self.fail(error.message, hint, at=error.column)

    # --- kinds -----------------------------------------------------------------------------------

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_absent(self) -> bool:
        """Whether it is the value of a key that has none."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.start_mark.index == self.node.end_mark.index

    @property
    def is_sequence(self) -> bool:
        """Whether it is a sequence."""
        return isinstance(self.node, yaml.SequenceNode)

    def mapping(self, what: str, allowed: Iterable[str], hint: str | None = None) -> dict[str, Node]:
        """Read as a mapping with some of the allowed keys; `hint` is for those that are not."""
        known = allowed if isinstance(allowed, tuple) else tuple(allowed)
        document, columns = self.document, self.columns
        entries: dict[str, Node] = {}
        for name, key, value in self._pairs(what):
            if name not in known:
                if Node(document, value, columns).is_absent:
                    # `{data: repeat("x", 5)}`: what stands behind the comma is a key without a value.
                    hint = COMMA
                Node(document, key, columns).fail(f"unknown key {quote(name)} in {what}", hint or suggest(name, known))
            entries[name] = Node(document, value, columns)
        return entries

    def entries(self, what: str) -> dict[str, tuple[Node, Node]]:
        """Read as a mapping with any keys: (key node, value node) by key."""
        document, columns = self.document, self.columns
        return {
            name: (Node(document, key, columns), Node(document, value, columns))
            for name, key, value in self._pairs(what)
        }

    def _pairs(self, what: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """The entries of a mapping, each key as text and as a node."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"expected {what}, a mapping, found {self._kind()}")
        seen: dict[str, yaml.Node] = {}
        for key, value in self.node.value:
            name = Node(self.document, key, self.columns).text("a key")
            if name in seen:
                line = seen[name].start_mark.line + 1
                Node(self.document, key, self.columns).fail(
                    f"the key {quote(name)} is there twice", f"first in line {line}"
                )
            seen[name] = key
            yield name, key, value

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping; none of what is not one."""
        if not isinstance(self.node, yaml.MappingNode):
            return ()
        columns = self.columns
        keys = (str(key.value) for key, _ in self.node.value)
        return tuple(keys) if columns is None else tuple(columns.replaced(key) for key in keys)

    def sequence(self, what: str) -> Iterator[Node]:
        """Read as a sequence."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail(f"expected {what}, a list, found {self._kind()}")
        return (Node(self.document, item, self.columns) for item in self.node.value)

    def text(self, what: str) -> str:
        """Read as a scalar; names of a table's columns are replaced."""
        node = self.node
        if not isinstance(node, yaml.ScalarNode):
            self.fail(f"expected {what}, found {self._kind()}", "text that begins with `[` or `{` has to be quoted")
        if node.tag[0] == "!":
            self.fail(
                f"expected {what}, found the YAML tag {quote(node.tag)}", "text that begins with `!` has to be quoted"
            )
        value: str = node.value
        if self.columns is not None and "{" in value:
            missing = self.columns.missing(value)
            if missing is not None:
                self.fail(f"there is no entry for `{{{missing}}}`")
            return self.columns.replaced(value)
        return value

    def boolean(self, what: str) -> bool:
        """Read as `true` or `false`."""
        value = self.text(what)
        if value not in ("true", "false"):
            self.fail(f"expected {what}, `true` or `false`, found {quote(value)}")
        return value == "true"

    def choice(self, what: str, values: Iterable[str]) -> str:
        """Read as one of several words."""
        value = self.text(what)
        known = tuple(values)
        if value not in known:
            self.fail(f"expected {what}, found {quote(value)}", suggest(value, known))
        return value

    def integer(self, what: str, low: int, high: int) -> int:
        """Read as an integer, which may be a size such as `4MiB`."""
        value = self.text(what)
        found = _SIZE.fullmatch(value)
        number = int(found[1]) * _SIZES[found[2]] if found else None
        if number is None or not low <= number <= high:
            self.fail(f"expected {what}, an integer from {low} to {high}, found {quote(value)}")
        return number

    def duration(self, what: str, *, low: int = 0) -> int:
        """Read as a duration such as `50ms`; return nanoseconds."""
        value = self.text(what)
        found = _DURATION.fullmatch(value)
        if found is None:
            self.fail(f"expected {what}, a duration, found {quote(value)}", "write `50ms` or `2s`")
        nanoseconds = int(Decimal(found[1]) * _FACTORS[found[2]])
        if not low <= nanoseconds <= MAX_DURATION:
            self.fail(f"{what} cannot be {quote(value)}")
        return nanoseconds

    def _kind(self) -> str:
        match self.node:
            case yaml.MappingNode():
                return "a mapping"
            case yaml.SequenceNode():
                return "a list"
            case _:
                return quote(self.node.value) if self.node.value else "nothing"


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """A hint with the nearest of the names, and all of them where they are few."""
    known = list(candidates)
    near = get_close_matches(name[:60], known, 1)
    parts = [f"did you mean `{near[0]}`?"] if near else []
    if 0 < len(known) <= 12:
        parts.append(f"one of {', '.join(known)}")
    return " ".join(parts) or None


# --- files -------------------------------------------------------------------------------------------------


def compose(text: str, file: str) -> Node | None:
    """Parse a YAML text; None if it is empty. Raise `VectorError` for what is not YAML."""
    try:
        _check_nesting(text, file)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not understood"
        if error.context and problem.startswith("but "):
            problem = f"{error.context}, {problem}"
        hint = "text with `: ` in it has to be quoted" if "mapping values" in problem else None
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if "nesting depth" in problem:
            # The parser has a limit as well since 6.0.4, and looks ahead.
            raise VectorError(file, line, column, f"nested more than {MAX_NESTING} deep") from None
        raise VectorError(file, line, column, f"not YAML: {problem}", hint) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise VectorError(file, line, column, f"not YAML: {error.reason}") from None
    if node is None:
        return None
    if "*" in text:
        _check_aliases(node, file)
    return Node(Document(file, text), node)


def _check_nesting(text: str, file: str) -> None:
    """Refuse a text that nests so deep that building its nodes could exhaust the stack."""
    if text.count("[") + text.count("{") + max(map(len, text.splitlines()), default=0) < _HARMLESS:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_NESTING:
                mark = event.start_mark
                assert mark is not None
                raise VectorError(file, mark.line + 1, mark.column + 1, f"nested more than {MAX_NESTING} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_aliases(root: yaml.Node, file: str) -> None:
    """Refuse anchors that refer to themselves, and more nodes than a file can sensibly have (alias bombs)."""
    budget = MAX_NODES
    above: set[int] = set()
    stack: list[tuple[yaml.Node, bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            above.remove(id(node))
            continue
        budget -= 1
        if budget < 0 or id(node) in above:
            mark = node.start_mark
            raise VectorError(
                file, mark.line + 1, mark.column + 1, "a YAML alias makes the file endless", "write the value out"
            )
        if isinstance(node, yaml.CollectionNode):
            above.add(id(node))
            stack.append((node, True))
            pairs = isinstance(node, yaml.MappingNode)
            parts = [part for pair in node.value for part in pair] if pairs else node.value
            stack += [(part, False) for part in parts]
