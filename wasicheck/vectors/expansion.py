"""Tables and loops: a vector once for each row, steps once for each value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import yaml

from wasicheck.vectors.columns import MAX_LENGTH, NAME, Columns, resolve_row
from wasicheck.vectors.keys import LOOP
from wasicheck.vectors.source import COMMA, Node

MAX_EXPANSION = 2_000
"""Rows of a table, rounds of a loop, and steps of a vector once its loops are unrolled."""
MAX_LOOPS = 4
"""How deep loops nest."""
_RANGE = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})")


def rows(node: Node) -> Sequence[Node]:
    """A vector with a `table` once for each row: `{column}` stands for the row's entry. Raise `VectorError`."""
    if "table" not in node.keys:
        return (node,)
    entry = node.entries("a vector")
    table = entry["table"][1]
    found = [row.entries("a row") for row in table.sequence("`table`")]
    if not 0 < len(found) <= MAX_EXPANSION:
        table.fail(f"a table has 1 to {MAX_EXPANSION} rows")
    names = {name: entry for row in reversed(found) for name, entry in row.items()}
    written = "\n".join(_scalars(node.node))
    for name, (key, value) in names.items():
        if value.is_absent:
            key.fail(f"the column `{name}` has no entry", COMMA)
        if not NAME.fullmatch(name):
            key.fail(f"`{name}` is not the name of a column", "small letters, digits and hyphens")
        if "{" + name + "}" not in written:
            key.fail(f"the column `{name}` is not used", "`{" + name + "}` stands for its entries")
    if "id" in entry and not any("{" + name + "}" in entry["id"][1].written for name in names):
        entry["id"][1].fail("every row would make a vector of this id", "put a column into it, as in `tcp-{case}`")
    expanded: list[Node] = []
    for row, at in zip(found, table.sequence("`table`"), strict=True):
        entries = resolve_row({name: value.text("an entry") for name, (_, value) in row.items()})
        if isinstance(entries, str):
            row[entries][1].fail(f"the entry `{entries}` becomes longer than {MAX_LENGTH} characters")
        if not entries:
            at.fail("the row has no entry")
        expanded.append(Node(node.document, node.node, Columns(entries, f"row of line {at.place.line}", names)))
    return expanded


def _scalars(node: yaml.Node) -> Iterator[str]:
    """Every scalar in a node, also where an alias stands for it."""
    match node:
        case yaml.ScalarNode(value=value):
            yield value
        case yaml.SequenceNode(value=parts):
            for part in parts:
                yield from _scalars(part)
        case yaml.MappingNode(value=pairs):
            for pair in pairs:
                for part in pair:
                    yield from _scalars(part)


def unrolled(nodes: Iterator[Node]) -> Iterator[Node]:
    """The steps, with each `for` block repeated for every value of its variable. Raise `VectorError`."""
    for number, node in enumerate(_unrolled(nodes, 0)):
        if number == MAX_EXPANSION:
            node.fail(f"with its loops the vector has more than {MAX_EXPANSION} steps")
        yield node


def _unrolled(nodes: Iterator[Node], depth: int) -> Iterator[Node]:
    for node in nodes:
        if LOOP[0] not in node.keys:
            yield node
            continue
        block = node.mapping("a `for` block", LOOP)
        if "steps" not in block:
            node.fail("a `for` block has no `steps`")
        if depth == MAX_LOOPS:
            node.fail(f"loops nest more than {MAX_LOOPS} deep")
        variables = block["for"].entries("the variable of a `for` block")
        if len(variables) != 1:
            block["for"].fail("a `for` block has one variable", "as in `for: {i: 0..9}`")
        ((name, (key, values)),) = variables.items()
        if not NAME.fullmatch(name):
            key.fail(f"`{name}` is not the name of a variable", "small letters, digits and hyphens")
        if node.columns is not None and name in node.columns:
            key.fail(f"`{name}` already stands for something here", "take another name")
        for value in _values(values):
            columns = Columns({name: value}, f"round of line {node.place.line}").within(node.columns)
            inner = Node(node.document, block["steps"].node, columns)
            yield from _unrolled(inner.sequence("`steps`"), depth + 1)


def _values(node: Node) -> list[str]:
    if node.is_sequence:
        values = [n.text("a value") for n in node.sequence("values")]
        if not 0 < len(values) <= MAX_EXPANSION:
            node.fail(f"a loop has 1 to {MAX_EXPANSION} rounds")
        return values
    text = node.text("a range")
    found = _RANGE.fullmatch(text)
    if found is None or not 0 <= int(found[2]) - int(found[1]) < MAX_EXPANSION:
        node.fail(f"expected a range such as `0..9` or a list, found `{text}`", f"with 1 to {MAX_EXPANSION} values")
    return [str(i) for i in range(int(found[1]), int(found[2]) + 1)]
