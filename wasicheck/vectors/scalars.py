"""Where in a file an offset into a YAML scalar is: quotes, escapes, folding and indentation taken into account."""

from __future__ import annotations

import re
from itertools import islice

import yaml

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_UNITS = {
    "'": re.compile(r"''|.", re.DOTALL),
    '"': re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|.", re.DOTALL),
}
_CHARACTER = re.compile(r".", re.DOTALL)
_SPACES = frozenset("ntrvf _NLP\t\n")
"""What stands for white space behind a backslash."""


def locate(text: str, node: yaml.ScalarNode, offset: int) -> tuple[int, int]:
    """Return the 1-based line and column of the character that is `offset` characters into a scalar's value.

    Folding and indentation change nothing but white space; so the place is found by counting the other characters.
    """
    start = node.start_mark
    begin = _PROPERTIES.match(text, start.index).end()  # type: ignore[union-attr]  # matches the empty text
    if node.style in ("|", ">"):
        begin = text.find("\n", begin) + 1
    else:
        begin += len(node.style or "")
    units = _UNITS.get(node.style or "", _CHARACTER)
    wanted = sum(not c.isspace() for c in node.value[:offset])
    inked = (m.start() for m in units.finditer(text, begin, node.end_mark.index) if not _is_space(m[0]))
    at = next(islice(inked, wanted, None), None)
    if at is None or offset >= len(node.value):
        # Behind the last character.
        before = [m for m in units.finditer(text, begin, node.end_mark.index) if not _is_space(m[0])][:wanted]
        at = before[-1].end() if before else begin
    line_start = text.rfind("\n", 0, at) + 1
    line = start.line + 1 + text.count("\n", start.index, at)
    return line, at - line_start + 1


def _is_space(unit: str) -> bool:
    """Whether a unit of a scalar's source stands for white space, or for nothing."""
    if unit[0] != "\\" or len(unit) == 1:
        return unit.isspace()
    return unit[1] in _SPACES if len(unit) == 2 else chr(int(unit[2:], 16)).isspace()
