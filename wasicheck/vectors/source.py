"""YAML with places: nodes that know their line and column, and errors that name both."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import NoReturn

import yaml

from wasicheck.values import ExpressionError
from wasicheck.vectors.model import Place

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DURATION = re.compile(r"(-?\d+(?:\.\d+)?)(ns|us|ms|s)")
_SIZE = re.compile(r"(\d+)(KiB|MiB|GiB)?")
_FACTORS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_SIZES = {None: 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class VectorError(Exception):
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
        return text if self.hint is None else f"{text}; {self.hint}"


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML node of a file; reading it as something it is not raises `VectorError`."""

    file: str
    node: yaml.Node
    columns: Mapping[str, str] | None = None
    """What `{name}` stands for in scalars below, where a table or loop is expanded."""

    @property
    def place(self) -> Place:
        """Where the node begins."""
        return Place(self.file, self.node.start_mark.line + 1)

    def fail(self, message: str, hint: str | None = None, *, column: int = 0) -> NoReturn:
        """Raise `VectorError` for this node, `column` characters into its text."""
        mark = self.node.start_mark
        quoted = isinstance(self.node, yaml.ScalarNode) and self.node.style in ("'", '"')
        raise VectorError(self.file, mark.line + 1, mark.column + 1 + column + quoted, message, hint)

    def expression_failed(self, error: ExpressionError) -> NoReturn:
        """Raise `VectorError` for an expression in this node's text."""
        self.fail(error.message, error.hint, column=error.column)

    # --- kinds -----------------------------------------------------------------------------------

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_sequence(self) -> bool:
        """Whether it is a sequence."""
        return isinstance(self.node, yaml.SequenceNode)

    def mapping(self, what: str, allowed: Iterable[str]) -> dict[str, Node]:
        """Read as a mapping with some of the allowed keys."""
        entries = self.entries(what)
        known = list(allowed)
        for key, (at, _) in entries.items():
            if key not in known:
                at.fail(f"unknown key `{key}` in {what}", suggest(key, known))
        return {key: value for key, (_, value) in entries.items()}

    def entries(self, what: str) -> dict[str, tuple[Node, Node]]:
        """Read as a mapping with any keys: (key node, value node) by key."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"expected {what}, a mapping, found {self._kind()}")
        entries: dict[str, tuple[Node, Node]] = {}
        for key_node, value_node in self.node.value:
            key = Node(self.file, key_node, self.columns)
            name = key.text("a key")
            if name in entries:
                key.fail(f"the key `{name}` is there twice", f"first in line {entries[name][0].place.line}")
            entries[name] = (key, Node(self.file, value_node, self.columns))
        return entries

    def sequence(self, what: str) -> Iterator[Node]:
        """Read as a sequence."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail(f"expected {what}, a list, found {self._kind()}")
        for item in self.node.value:
            yield Node(self.file, item, self.columns)

    def text(self, what: str) -> str:
        """Read as a scalar; names of a table's columns are replaced."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.fail(f"expected {what}, found {self._kind()}")
        value: str = self.node.value
        for name, replacement in (self.columns or {}).items():
            if "{" not in value:
                break
            value = value.replace("{" + name + "}", replacement)
        return value

    def boolean(self, what: str) -> bool:
        """Read as `true` or `false`."""
        value = self.text(what)
        if value not in ("true", "false"):
            self.fail(f"expected {what}, `true` or `false`, found `{value}`")
        return value == "true"

    def choice(self, what: str, values: Iterable[str]) -> str:
        """Read as one of several words."""
        value = self.text(what)
        known = list(values)
        if value not in known:
            self.fail(f"expected {what}, found `{value}`", suggest(value, known))
        return value

    def integer(self, what: str, low: int, high: int) -> int:
        """Read as an integer, which may be a size such as `4MiB`."""
        value = self.text(what)
        found = _SIZE.fullmatch(value)
        number = int(found[1]) * _SIZES[found[2]] if found and len(value) < 24 else None
        if number is None or not low <= number <= high:
            self.fail(f"expected {what}, an integer from {low} to {high}, found `{value}`")
        return number

    def duration(self, what: str, *, low: int = 0) -> int:
        """Read as a duration such as `50ms`; return nanoseconds."""
        value = self.text(what)
        found = _DURATION.fullmatch(value)
        if found is None:
            self.fail(f"expected {what}, a duration, found `{value}`", "write `50ms` or `2s`")
        nanoseconds = int(Decimal(found[1]) * _FACTORS[found[2]])
        if nanoseconds < low:
            self.fail(f"{what} cannot be `{value}`")
        return nanoseconds

    def _kind(self) -> str:
        match self.node:
            case yaml.MappingNode():
                return "a mapping"
            case yaml.SequenceNode():
                return "a list"
            case _:
                return f"`{self.node.value}`" if self.node.value else "nothing"


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """A hint with the nearest of the names, and all of them where they are few."""
    known = list(candidates)
    near = get_close_matches(name[:60], known, 1)
    parts = [f"did you mean `{near[0]}`?"] if near else []
    if len(known) <= 12:
        parts.append(f"one of {', '.join(known)}")
    return " ".join(parts) or None


def compose(text: str, file: str) -> Node | None:
    """Parse a YAML text; None if it is empty. Raise `VectorError` for what is not YAML."""
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise VectorError(file, line, column, f"not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise VectorError(file, 1, 1, f"not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise VectorError(file, 1, 1, "not YAML that can be read: it is nested too deeply") from None
    if node is None:
        return None
    _check_aliases(node, file)
    return Node(file, node)


def _check_aliases(root: yaml.Node, file: str) -> None:
    """Refuse anchors that refer to themselves, and more nodes than a file can sensibly have (alias bombs)."""
    budget = 200_000
    stack = [(root, frozenset[int]())]
    while stack:
        node, above = stack.pop()
        budget -= 1
        if budget < 0 or id(node) in above:
            line = node.start_mark.line + 1
            raise VectorError(file, line, 1, "a YAML alias makes the file endless", "write the value out")
        if isinstance(node, yaml.MappingNode):
            inside = above | {id(node)}
            stack += [(part, inside) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            inside = above | {id(node)}
            stack += [(part, inside) for part in node.value]
