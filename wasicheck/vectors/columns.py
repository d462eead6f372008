"""What `{name}` stands for where a table or a loop is expanded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_LENGTH = 1 << 20
"""Characters of one entry, once the entries that it refers to are put in."""


class Columns:
    """The entries of one row of a table, or the value of a loop's variable, by name.

    `origin` is what messages call it: `row of line 12`. `others` are names that other rows have and this one lacks.
    """

    def __init__(self, values: Mapping[str, str], origin: str, others: Iterable[str] = ()) -> None:
        self.values = values
        self.origin = origin
        self._others = frozenset(others) - values.keys()

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self._others

    def within(self, outer: Columns | None) -> Columns:
        """These columns and those around them."""
        if outer is None:
            return self
        return Columns({**outer.values, **self.values}, outer.origin, outer._others)

    @cached_property
    def _reference(self) -> re.Pattern[str]:
        return re.compile(r"\{(" + "|".join(map(re.escape, (*self.values, *self._others))) + r")\}")

    def missing(self, text: str) -> str | None:
        """The first name in a text that this row has no entry for, though others have."""
        if not self._others:
            return None
        return next((m[1] for m in self._reference.finditer(text) if m[1] in self._others), None)

    def replaced(self, text: str) -> str:
        """The text with every `{name}` replaced."""
        return self._reference.sub(lambda m: self.values.get(m[1], m[0]), text) if "{" in text else text

    def original_offset(self, text: str, offset: int) -> int:
        """Where in a text something is that is at `offset` once names are replaced; in a name, where that begins."""
        shift = 0
        for reference in self._reference.finditer(text):
            start = reference.start() + shift
            if offset < start:
                break
            replacement = self.values[reference[1]]
            if offset < start + len(replacement):
                return reference.start()
            shift += len(replacement) - len(reference[0])
        return offset - shift


def resolve_row(entries: Mapping[str, str]) -> dict[str, str] | str:
    """The entries of a row, each with those that stand behind it in the row put in for their names.

    If one becomes longer than `MAX_LENGTH`, its name.
    """
    resolved: dict[str, str] = {}
    for name, text in reversed(tuple(entries.items())):
        for other, value in resolved.items():
            uses = text.count("{" + other + "}")
            if uses and len(text) + uses * len(value) > MAX_LENGTH:
                return name
        resolved[name] = Columns(resolved, "row").replaced(text) if resolved and "{" in text else text
    return {name: resolved[name] for name in entries}
