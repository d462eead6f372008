"""A place in a sequence of tokens, and the small constructs that all of WIT's grammar is made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from wasicheck.wit.errors import WitError, quote, suggest
from wasicheck.wit.lexer import KEYWORDS, tokenize
from wasicheck.wit.syntax import Name, Path, Renamed
from wasicheck.wit.types import Position

T = TypeVar("T")

# Explainer.md, "Import and Export Definitions": `label`.
_LABEL = re.compile(r"(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9a-z]+|[0-9A-Z]+))*")
_WORD_START = re.compile(r"%?[A-Za-z_]")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE_RELEASE = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE_RELEASE}(?:\.{_PRE_RELEASE})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


class Cursor:
    """Reads tokens one by one; every method that finds something else than it wants raises WitError there."""

    def __init__(self, file: str, source: str) -> None:
        self._tokens = tokenize(file, source)
        self._texts = self._tokens.texts
        self._index = 0
        self.first_gate: Position | None = None

    @property
    def token(self) -> str:
        """The text of the next token; empty at the end."""
        return self._texts[self._index]

    def ahead(self, count: int) -> str:
        """Return the text of the token `count` behind the next one, or the empty text behind the end."""
        index = self._index + count
        return self._texts[index] if index < len(self._texts) else ""

    def position(self) -> Position:
        """Return the place of the next token."""
        return self._tokens.position(self._index)

    def touches(self, count: int) -> bool:
        """Whether nothing stands between the token `count` ahead and the one before it."""
        index = self._index + count
        return self._tokens.offsets[index] == self._tokens.offsets[index - 1] + len(self._texts[index - 1])

    def advance(self) -> str:
        """Step over the next token, which must not be the end, and return it."""
        text = self._texts[self._index]
        self._index += 1
        return text

    def take(self, text: str) -> bool:
        """Step over the next token if it is `text`, and say whether it was."""
        if self._texts[self._index] != text:
            return False
        self._index += 1
        return True

    def expect(self, text: str, hint: str | None = None) -> None:
        """Step over the next token, which must be `text`."""
        if not self.take(text):
            if hint is None and text == ";" and self._index:
                hint = f"it is missing behind {quote(self._texts[self._index - 1])}"
            raise self.error(quote(text), hint or suggest(self.token, (text,)))

    def error(self, expected: str, hint: str | None = None) -> WitError:
        """Return the error that something else was expected than the next token."""
        found = quote(self.token) if self.token else "the end of the text"
        return WitError.at(self.position(), f"expected {expected}, found {found}", hint)

    def name(self, what: str) -> Name:
        """Read an identifier; `what` says of what, with its article."""
        text = self.token
        if text in KEYWORDS:
            position = self.position()
            hint = None if text == "_" else f"write {quote('%' + text)} to use it as a name"
            raise WitError.at(position, f"expected {what}, found the keyword {quote(text)}", hint)
        if not _WORD_START.match(text):
            raise self.error(what)
        label = text.removeprefix("%")
        if not _LABEL.fullmatch(label):
            raise self.error(f"{what} in kebab-case", _kebab_hint(label))
        name = Name(label, self.position())
        self._index += 1
        return name

    def version(self) -> str:
        """Read a semantic version."""
        if not _VERSION.fullmatch(self.token):
            raise self.error("a semantic version", "write all three numbers, without leading zeros, as in `0.3.0`")
        return self.advance()

    def path(self, what: str) -> Path:
        """Read a `use-path`: an interface's or world's name, with or without its package."""
        name = self.name(what)
        if not self.take(":"):
            return Path(None, name)
        package = self.name("a package name")
        if self.token == ":":
            raise self.error("`/`", "nested namespaces are not supported")
        self.expect("/", f"a package alone is no {what.rpartition(' ')[2]}")
        item = self.name(what)
        if self.token == "/":
            raise self.error(f"the end of {what}'s path", "nested packages are not supported")
        id = f"{name.text}:{package.text}"
        return Path(f"{id}@{self.version()}" if self.take("@") else id, item)

    def renamed(self, what: str) -> Renamed:
        """Read `name` or `name as alias`."""
        name = self.name(what)
        return Renamed(name, self.name("a new name") if self.take("as") else name)

    def listed(self, close: str, item: Callable[[], T]) -> tuple[T, ...]:
        """Read items separated by commas, the last comma optional, up to and with `close`."""
        items = []
        while not self.take(close):
            items.append(item())
            if not self.take(","):
                if self.token != close:
                    raise self.error(f"`,` or {quote(close)}")
                self._index += 1
                break
        return tuple(items)

    def listed_some(self, close: str, what: str, item: Callable[[], T]) -> tuple[T, ...]:
        """Read as `listed` does, at least one item."""
        if self.token == close:
            raise self.error(what, "an empty list is not allowed here")
        return self.listed(close, item)

    def expected_one_of(self, what: str, words: tuple[str, ...]) -> WitError:
        """Return the error that one of `words` was expected, suggesting the nearest."""
        return self.error(what, suggest(self.token, words))


def _kebab_hint(label: str) -> str:
    words = re.findall(r"[A-Z]*[a-z0-9]+|[A-Z]+[0-9]*", label)
    kebab = "-".join(w if w.isupper() else w.lower() for w in words)
    if _LABEL.fullmatch(kebab):
        return f"write {quote(kebab)}"
    return "a name is words of letters and digits joined by `-`, each all lower-case or all upper-case"
