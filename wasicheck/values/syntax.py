"""The untyped syntax tree of expressions: what WAVE values, arguments and patterns have in common.

Every node has `column`, its 0-based offset in the text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """`5`, `-1.5e3`, `-inf`, or `50ms`, `4KiB`: the digits and the unit (empty if there is none)."""

    column: int
    digits: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A string, escapes resolved."""

    column: int
    value: str


@dataclass(frozen=True, slots=True)
class Character:
    """A char, escapes resolved."""

    column: int
    value: str


@dataclass(frozen=True, slots=True)
class Label:
    """A bare label: a case without payload, `true`, `nan`, `distinct`; `escaped` if written with `%`."""

    column: int
    name: str
    escaped: bool


@dataclass(frozen=True, slots=True)
class Call:
    """`label(…)`: a case with its payload, or a function."""

    column: int
    name: str
    escaped: bool
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Bracketed:
    """`label[…]`."""

    column: int
    name: str
    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Parenthesised:
    """`(…)`: a tuple or a group; `comma` if it ends with one."""

    column: int
    elements: tuple[Node, ...]
    comma: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """`[…]`."""

    column: int
    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """`field: value` of a record."""

    column: int
    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Entries:
    """`{field: value, …}`, `{:}`; `rest` if it ends with `...`."""

    column: int
    entries: tuple[Entry, ...]
    rest: bool


@dataclass(frozen=True, slots=True)
class Labels:
    """`{label, …}`, `{}`."""

    column: int
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Rest:
    """`...` within a sequence."""

    column: int


@dataclass(frozen=True, slots=True)
class Hole:
    """`_`."""

    column: int


@dataclass(frozen=True, slots=True)
class Name:
    """`$name`, its path as written (`.ok[0].1`), and the signed terms added to it."""

    column: int
    name: str
    path: str = ""
    terms: tuple[tuple[int, Number], ...] = ()


@dataclass(frozen=True, slots=True)
class Capture:
    """`$name @ pattern`."""

    column: int
    name: str
    pattern: Node


@dataclass(frozen=True, slots=True)
class Range:
    """`low..high`, `low..`, `..high`."""

    column: int
    low: Node | None
    high: Node | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`== operand` and its kin."""

    column: int
    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Alternatives:
    """`a | b`."""

    column: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Conjunction:
    """`a & b`."""

    column: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`!a`."""

    column: int
    item: Node


Node = (
    Number
    | Text
    | Character
    | Label
    | Call
    | Bracketed
    | Parenthesised
    | Listing
    | Entries
    | Labels
    | Rest
    | Hole
    | Name
    | Capture
    | Range
    | Comparison
    | Alternatives
    | Conjunction
    | Negation
)
"""An expression before it is read against a type."""

Labelled = Label | Call
"""What may name a case."""

Application = Label | Call | Bracketed
"""What may apply a function."""


@dataclass(frozen=True, slots=True)
class CallExpression:
    """A call before its function is known: `tcp-socket.create(ipv4)`, `$sock.connect($address)`, `now`."""

    callee: str
    column: int
    arguments: tuple[Node, ...]
