"""The one error of the `wit` layer, and the suggestions that go with it."""

from __future__ import annotations

from collections.abc import Iterable

from wasicheck.wit.types import Position

_LONGEST_SUGGESTION = 64
_LONGEST_QUOTE = 60


class WitError(Exception):
    """A WIT text, or a set of WIT files, that is not valid.

    `line` and `column` are 1-based; `message` says what was expected and what was found, `hint` how to mend it.
    `str()` is one line: `file:line:col: expected …, found …; hint`.
    """

    def __init__(self, file: str, line: int, column: int, message: str, hint: str | None = None) -> None:
        super().__init__(file, line, column, message, hint)
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint

    @classmethod
    def at(cls, position: Position, message: str, hint: str | None = None) -> WitError:
        """Return the error for a position."""
        return cls(position.file, position.line, position.column, message, hint)

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        return text if self.hint is None else f"{text}; {self.hint}"


def quote(text: str) -> str:
    """Return source text in backquotes, on one line and not longer than a reader wants."""
    shown = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    return "`" + "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in shown) + "`"


def suggest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the hint `did you mean …?` with the candidate nearest to `name`, or None where none is near.

    Very long names get no suggestion, because the comparison takes quadratic time.
    """
    # Imported here because it costs more than all of the lexer, and only failures need it.
    from difflib import get_close_matches

    if len(name) > _LONGEST_SUGGESTION:
        return None
    folded = {c.lower(): c for c in candidates if len(c) <= _LONGEST_SUGGESTION}
    found = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean {quote(folded[found[0]])}?" if found else None
