"""Versions of hosts: compared by their numbers, matched by prefix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

_VERSION = re.compile(r"(\d+(?:\.\d+)*)(?:[-+.]?([A-Za-z].*|[-+].*))?")


@total_ordering
@dataclass(frozen=True)
class Version:
    """A version such as `49.0.3` or `50.0.0-rc1`; what follows the numbers counts only as earlier than without it."""

    text: str
    numbers: tuple[int, ...]
    suffix: str

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._order == other._order

    def __hash__(self) -> int:
        return hash(self._order)

    def __lt__(self, other: Version) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[tuple[int, ...], bool, str]:
        numbers = self.numbers
        while numbers and numbers[-1] == 0:
            numbers = numbers[:-1]
        return numbers, not self.suffix, self.suffix

    def matches(self, wanted: Version) -> bool:
        """Say whether this is a version that `wanted` asks for: `49.0.3` is one for `49`, `49.0` and `49.0.3`."""
        if wanted.suffix:
            return self == wanted
        return self.numbers[: len(wanted.numbers)] == wanted.numbers

    def precedes(self, minimum: Version) -> bool:
        """Say whether every version that this one asks for is older than the minimum."""
        return self < minimum and not minimum.matches(self)


def parse_version(text: str) -> Version | None:
    """Return the version that a text spells, or None."""
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        return None
    return Version(text.strip(), tuple(int(part) for part in match[1].split(".")), match[2] or "")
